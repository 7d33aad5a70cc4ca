import type { Deployment } from '../memory.ts';
import type { Parts } from '../parts.ts';
import { later, leave, type StepEnd } from './kind.ts';

/** Seconds between two looks at whether the system is still being updated. */
const UPDATE_LOOK = 15;

/**
 * A restart in the middle of a step: written down before it is asked for, and asked for again when nothing came of it.
 * @param more what is so from then on: written down with it, not before and not after
 */
export async function restartFor(
  { memory, ports }: Parts,
  run: string,
  why: string,
  more: (before: Deployment) => Partial<Deployment> = () => ({}),
): Promise<StepEnd> {
  const boot = await ports.power.bootId();
  memory.change(run, (before) => ({ ...more(before), restart: { boot } }));
  const update = await ports.system.updating();
  if (update !== null) return later(UPDATE_LOOK, `it restarts when its system is updated: ${update}`);
  return restarting({ ports }, why);
}

/** @returns null when the machine was started anew since, or no restart is waited for */
export async function stillRestarting(parts: Parts, run: string): Promise<StepEnd | null> {
  const { restart } = parts.memory.of(run);
  if (restart === null) return null;
  const boot = await parts.ports.power.bootId();
  if (boot !== null && boot !== restart.boot) {
    parts.memory.change(run, () => ({ restart: null }));
    return null;
  }
  // What restarts the machine in the middle of an update of its system breaks that.
  const update = await parts.ports.system.updating();
  if (update !== null) return later(UPDATE_LOOK, `it restarts when its system is updated: ${update}`);
  return restarting(parts, 'it was not restarted yet');
}

async function restarting({ ports }: Pick<Parts, 'ports'>, why: string): Promise<StepEnd> {
  const begun = await ports.power.restart();
  return leave(begun ? `the machine restarts: ${why}` : `it goes on after a restart of the machine, by hand: ${why}`);
}
