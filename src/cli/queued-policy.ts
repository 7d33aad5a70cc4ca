import type { Machine, QueuedPolicy } from '../client/run.ts';
import { PATIENCE } from './patience.ts';
import { runsOf } from './runs-here.ts';

/** Runs the policy that a setting names, with what is queued. One that is missing or fails is said, and stops nothing. */
export async function tellByPolicy(
  word: string,
  queue: readonly string[],
  machine: Machine,
  { admin, debug, parent, signal, report }: Parameters<QueuedPolicy>[1],
): Promise<void> {
  const warn = (text: string) => report({ type: 'warning', target: 'policies.queued', text });
  const { runs, policies } = runsOf(machine, { debug, wait: PATIENCE, parent, signal, report });
  try {
    const environment = { D3_NOTIFYING_PUPPIES: queue.join(' ') };
    for (const { policy, problem, text } of await policies.run({ word, by: admin, environment }))
      if (problem !== null) warn(`the policy ${policy} did not do its work: ${text}`);
  } catch (error) {
    signal.throwIfAborted();
    warn(`the policy was not run: ${(error as Error).message}`);
  } finally {
    runs.close();
  }
}
