import { stepAt } from './transitions.ts';
import { isOver, nameOf, type ReadyRuns, type Run, type RunBrief } from './types.ts';

/** A run in short. */
export function briefOf(run: Run): RunBrief {
  const { id, parent, origin, state, text, cursor, steps, createdAt, endedAt, cancel } = run;
  const step = stepAt(run);
  return {
    id,
    parent,
    name: origin.name,
    state,
    text: text === '' ? (step?.text ?? '') : text,
    cursor,
    steps: steps.length,
    step: step === null ? null : nameOf(step.step),
    createdAt,
    endedAt,
    cancel,
  };
}

/**
 * When a run is to be advanced: at once, when its step waits no longer, or when whoever has it is lost.
 * @returns ISO 8601, UTC; null: it is for a person, goes on elsewhere or is over
 */
export function readyAt(run: Run): string | null {
  if (run.state !== 'running') return null;
  if (run.lease !== null) return run.lease.until;
  const waits = run.cancel === null ? (stepAt(run)?.notBefore ?? null) : null;
  return waits ?? run.createdAt;
}

/** Of all runs those that are to be advanced, those that wait longest first. */
export function readyOf(runs: readonly Run[], { at, family, limit }: ReadyRuns & { at: string }): string[] {
  return runs
    .filter((run) => family === undefined || run.id === family || run.parent === family)
    .flatMap((run) => {
      const since = readyAt(run);
      return since === null || since > at ? [] : [{ id: run.id, since }];
    })
    .toSorted((a, b) => (a.since === b.since ? compare(a.id, b.id) : compare(a.since, b.since)))
    .slice(0, limit)
    .map(({ id }) => id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Of all runs, the newest first, those that were asked for. */
export function listed(runs: readonly Run[], { open, alone = false }: { open: boolean; alone?: boolean }): Run[] {
  return runs.filter((run) => !(open && isOver(run)) && !(alone && run.parent !== null));
}
