import type { PluginContext } from '@d3/sdk';
import { keep, recall } from './memory.ts';

/** How the machine came to be restarted; `none`: it has to be done by hand. */
export type RestartedBy = 'policy' | 'd3' | 'none';

/** Editions that were installed and need a restart that has not been since. @param queued what was cut still waits there */
export async function restartPending({ state, power }: PluginContext, queued: readonly string[]): Promise<string[]> {
  const known = recall(state, 'restart');
  if (known === null) return [];
  const boot = await power.bootId();
  if (boot !== null && known.boot !== null && boot !== known.boot) {
    keep(state, 'restart', null);
    return [];
  }
  return known.editions.filter((edition) => !queued.includes(edition));
}

/** Written down before an edition is installed: a cut right after it would leave nothing else that says so. */
export async function expectRestart(edition: string, { state, power }: PluginContext): Promise<void> {
  const known = recall(state, 'restart');
  const editions = [...(known?.editions ?? []).filter((other) => other !== edition), edition];
  keep(state, 'restart', { boot: await power.bootId(), editions });
}

/** It was not installed, or needs none after all. */
export function expectNoRestart(edition: string, { state }: PluginContext): void {
  const known = recall(state, 'restart');
  const editions = (known?.editions ?? []).filter((other) => other !== edition);
  keep(state, 'restart', known === null || editions.length === 0 ? null : { ...known, editions });
}

/**
 * Restarts the machine: by the policy the settings name; by d3 where they name none, or it is missing, not for this machine, or
 * fails. Never by neither.
 */
export async function restartMachine(
  policy: string | null,
  editions: readonly string[],
  ports: PluginContext,
): Promise<RestartedBy> {
  if (policy !== null) {
    const environment = { D3_RUNNING_PUPPYTIME: '1', D3_REBOOTING_PUPPIES: editions.join(' ') };
    const { state, text } = await ports.policies.run(policy, environment);
    if (state === 'ran') return 'policy';
    const words = `the policy did not restart the machine, so d3 does: ${text}`;
    ports.ui({ type: 'warning', target: 'puppytime.rebootPolicy', text: words });
  }
  return (await ports.power.restart()) ? 'd3' : 'none';
}
