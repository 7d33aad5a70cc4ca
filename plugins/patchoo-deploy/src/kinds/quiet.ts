import type { Parts } from '../parts.ts';
import { elapsed } from '../rules/hold.ts';
import { done, failed, type Kind, later, NO_ARGS, type StepEnd } from './kind.ts';

/** Nothing is begun beside an update of the system, which it would break, and no two installers at once. */

/** Seconds between two looks. */
const LOOK = 15;

/** The deployment begins when nothing updates the system any more: however long that takes, and always said. */
export const quiet: Kind = {
  offer: {
    kind: 'provision-quiet',
    summary: 'Waits while the system itself is being updated.',
    schema: NO_ARGS,
    timeout: 600,
  },
  async run(parts, { run }) {
    return (await busy(parts, run)) ?? done('nothing updates the system');
  },
};

/**
 * What a step waits for before it begins; null: nothing.
 * An update of the system ends by itself, maybe with a restart. An installer may hang: it is waited for so long and no longer.
 */
export async function busy({ memory, ports, settings }: Parts, run: string): Promise<StepEnd | null> {
  const update = await ports.system.updating();
  const installer = update === null ? await ports.system.installing() : null;
  const what = update ?? installer;
  if (what === null) {
    memory.change(run, () => ({ busy: null }));
    return null;
  }
  const now = ports.clock.now();
  const { busy: after } = memory.change(run, ({ busy: last }) => ({
    busy: { since: last?.since ?? now.toISOString(), looks: (last?.looks ?? 0) + 1 },
  }));
  const { since, looks } = after as NonNullable<typeof after>;
  const { busyMinutes } = settings;
  // Counted, not by the clock, which may be set meanwhile.
  if (installer !== null && looks * LOOK > busyMinutes * 60) {
    memory.change(run, () => ({ busy: null }));
    return failed(`${installer} for more than ${busyMinutes} min: end it, then try again`);
  }
  const why = update === null ? 'waiting for an installer' : 'the system is being updated';
  return later(LOOK, `${why} for ${elapsed(since, now)}: ${what}`);
}
