import { D3Error } from '@d3/sdk';
import { type Engine, isHeld, stepWords } from './engine.ts';
import { changeRun } from './saving.ts';
import { again, cancelled, goOn, hurry, leaveOut, stepAt, type Transition } from './transitions.ts';
import { isOver, type Run } from './types.ts';

/** What a person may decide about a run; each is kept with who and why. Nothing here runs a step. */
export type Deciding = Pick<Engine, 'store' | 'clock' | 'isGone'>;

interface Who {
  by: string;
  why: string;
}

/**
 * Ends a run for good. One that somebody advances ends as soon as its step lets it; any other one at once. One that failed is given up:
 * its step is not to be tried again.
 * @throws D3Error refused `RUN_OVER`
 */
export async function cancelRun(id: string, who: Who, deciding: Deciding): Promise<Run> {
  return decided(id, deciding, (run) => {
    if (!isStopped(run)) refuseOver(run);
    const cancel = run.cancel ?? { ...who, at: now(deciding) };
    if (!isHeld(run, deciding)) return cancelled(run, cancel);
    return { run: { ...run, cancel }, line: { step: null, text: `${who.by} cancels it: ${who.why}` } };
  });
}

/** Leaves out the step whose turn it is. @throws D3Error refused `RUN_OVER`, busy `RUN_HELD` while it is being run */
export async function skipStep(id: string, who: Who, deciding: Deciding): Promise<Run> {
  return decided(id, deciding, (run) => {
    if (!isStopped(run)) refuseOver(run);
    refuseHeld(run, deciding);
    return leaveOut({ ...run, state: 'running', endedAt: null }, { ...who, at: now(deciding) });
  });
}

/** Has the step that failed or holds run anew. @throws D3Error refused `NOTHING_TO_RETRY` */
export async function retryStep(id: string, by: string, deciding: Deciding): Promise<Run> {
  return decided(id, deciding, (run) => {
    refuseHeld(run, deciding);
    const step = stepAt(run);
    if (step === null || (!isStopped(run) && run.state !== 'holding')) {
      throw new D3Error(
        'NOTHING_TO_RETRY',
        'refused',
        `No step of the run ${id} has failed or holds: it is ${run.state}.`,
        {
          target: id,
          actions: [isOver(run) ? 'start what it was for again' : `go on with it: d3 run resume ${id}`],
        },
      );
    }
    return { run: again(run, true), line: { step: run.cursor, text: `${by} has it tried again` } };
  });
}

/** Lets a run go on that holds, waits or was cut. @throws D3Error refused `RUN_OVER` */
export async function resumeRun(id: string, by: string, deciding: Deciding): Promise<Run> {
  return decided(id, deciding, (run) => {
    refuseOver(run);
    refuseHeld(run, deciding);
    const line = { step: null, text: `${by} goes on with it` };
    return { run: run.state === 'holding' ? again(run, false) : goOn(run), line };
  });
}

/** Has a step that waits for its next try take it at once. @returns whether one waited */
export async function hurryStep(id: string, { store, clock }: Deciding): Promise<boolean> {
  let hurried = false;
  await changeRun(store, id, (run) => {
    const changed = hurry(run, clock.now().toISOString());
    hurried = changed !== null;
    return changed;
  });
  return hurried;
}

/** It ended at a step that failed; the steps after it are still to come. */
function isStopped(run: Run): boolean {
  return run.state === 'failed' && stepAt(run)?.state === 'failed';
}

async function decided(id: string, { store, clock }: Deciding, decide: (run: Run) => Transition): Promise<Run> {
  let line: Transition['line'] | null = null;
  const run = await changeRun(store, id, (before) => {
    const made = decide(before);
    line = made.line;
    return made.run;
  });
  if (line !== null)
    await store.append(id, [{ at: clock.now().toISOString(), ...(line as NonNullable<Transition['line']>) }]);
  return run;
}

function refuseOver(run: Run): void {
  if (!isOver(run)) return;
  throw new D3Error('RUN_OVER', 'refused', `The run ${run.id} is over: ${run.state}${run.text && ` (${run.text})`}.`, {
    target: run.id,
    actions: [
      isStopped(run) ? `have its failed step tried again: d3 run retry ${run.id}` : 'start what it was for again',
    ],
  });
}

function refuseHeld(run: Run, deciding: Deciding): void {
  if (!isHeld(run, deciding)) return;
  throw new D3Error('RUN_HELD', 'busy', `The run ${run.id} is at ${stepWords(run, run.cursor)}.`, {
    target: run.id,
    actions: [`wait for it: d3 run watch ${run.id}`, `or end it: d3 run cancel ${run.id} --reason WHY`],
  });
}

function now({ clock }: Deciding): string {
  return clock.now().toISOString();
}
