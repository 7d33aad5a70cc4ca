import type { PluginContext } from '@d3/sdk';
import { keep, recall } from './memory.ts';
import { readSettings } from './settings.ts';

const DAY = 24 * 60 * 60 * 1000;

/**
 * Whether users are to be told now. Pure.
 * @param days between two notifications; 0 never, -1 always
 * @param last ISO 8601; null: never yet
 */
export function isDue(days: number, last: string | null, now: Date): boolean {
  if (days === 0) return false;
  if (days < 0 || last === null) return true;
  const since = now.getTime() - Date.parse(last);
  // A last time that is yet to come was written by a clock that was wrong.
  return since < 0 || since >= days * DAY;
}

/**
 * Tells users of what waits for a restart, by the policy the settings name. When that was is written down only if the policy did its
 * work: one that is missing or fails is said, and tried again the next time.
 */
export async function tellUsers(queue: readonly string[], ports: PluginContext): Promise<void> {
  const { notificationPolicy: policy, notificationDays } = await readSettings(ports.settings);
  const now = ports.clock.now();
  if (policy === null || queue.length === 0 || !isDue(notificationDays, recall(ports.state, 'notified'), now)) return;
  const { state, text } = await ports.policies.run(policy, { D3_NOTIFYING_PUPPIES: queue.join(' ') });
  if (state === 'ran') keep(ports.state, 'notified', now.toISOString());
  else if (state === 'skipped') ports.ui({ type: 'detail', target: 'puppytime.notificationPolicy', text });
  else ports.ui({ type: 'warning', target: 'puppytime.notificationPolicy', text: `users were not told: ${text}` });
}
