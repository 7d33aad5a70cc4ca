import { D3Error } from '@d3/sdk';
import type { Run, RunStore } from './types.ts';

/** Tries against others who change the same run; each of them only has to write once. */
const TRIES = 100;

/** @throws D3Error notFound `RUN_NOT_FOUND` */
export async function mustGet(store: RunStore, id: string): Promise<Run> {
  const run = await store.get(id);
  if (run !== null) return run;
  throw new D3Error('RUN_NOT_FOUND', 'notFound', `There is no run ${id}.`, {
    target: id,
    actions: ['see what there is: d3 run list'],
  });
}

/** What every store says of a second run with one id. */
export function runExists(id: string): D3Error {
  return new D3Error('RUN_EXISTS', 'refused', `There is a run ${id} already.`, { target: id });
}

/**
 * Changes a run by compare-and-swap: where somebody else was faster, the change is made to what they left.
 * @param change gives the run as it is to be; null: nothing is to be done
 * @returns the run as it is stored then
 */
export async function changeRun(
  store: RunStore,
  id: string,
  change: (run: Run) => Run | null | Promise<Run | null>,
): Promise<Run> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const run = await mustGet(store, id);
    const changed = await change(run);
    if (changed === null) return run;
    const next = { ...changed, generation: run.generation + 1 };
    if (await store.save(next, run.generation)) return next;
  }
  throw new D3Error('RUN_CONTENDED', 'busy', `Others keep changing the run ${id}.`, {
    target: id,
    actions: ['repeat the command'],
  });
}
