import {
  type Decided,
  isOver,
  nameOf,
  OVER,
  type Problem,
  type Retries,
  type Run,
  type RunState,
  type RunStep,
  type Step,
} from './types.ts';

/** How a run goes from one state to the next. Pure: each takes a run and gives another, with a line that says what happened. */
export interface Transition {
  run: Run;
  /** Null: nothing that was not said before. */
  line: { step: number | null; text: string } | null;
}

/** The step whose turn it is; null when all had theirs. */
export function stepAt({ steps, cursor }: Run): RunStep | null {
  return steps[cursor] ?? null;
}

export function isRequired({ required = true }: Step): boolean {
  return required;
}

function onFailureOf(step: Step): NonNullable<Step['onFailure']> {
  return step.onFailure ?? (isRequired(step) ? 'stop' : 'continue');
}

const USUAL_RETRIES: Retries = { times: 0, wait: 10, factor: 2, most: 3600 };

/** Milliseconds until a step is tried again. @returns null when it is not */
function pauseBefore(step: Step, failures: number): number | null {
  const given = typeof step.retries === 'number' ? { times: step.retries } : step.retries;
  const { times, wait, factor, most } = { ...USUAL_RETRIES, ...given };
  return failures > times ? null : Math.min(wait * factor ** (failures - 1), most) * 1000;
}

/** Before a step is run: from now on nobody knows whether it is done. */
export function begin(run: Run, at: string): Transition {
  const step = current(run);
  const attempts = step.attempts + 1;
  const changed = { ...step, state: 'started' as const, attempts, startedAt: step.startedAt ?? at, notBefore: null };
  const text = `${nameOf(step.step)} begins${attempts > 1 ? ` (${attempts})` : ''}`;
  // One that looks again and again whether something is there would fill the log with that.
  const looksAgain = step.attempts > 0 && step.failures === 0 && step.notBefore !== null;
  const begun = told(replace(run, changed), run.cursor, text);
  return looksAgain ? { ...begun, line: null } : begun;
}

export function keep(run: Run, data: RunStep['data']): Run {
  return replace(run, { ...current(run), data });
}

export function complete(run: Run, text: string, at: string): Transition {
  const step = current(run);
  const done = { ...step, state: 'done' as const, endedAt: at, notBefore: null, text, problem: null };
  const because = text === '' ? '' : `: ${text}`;
  return told(onward(replace(run, done), at), run.cursor, `${nameOf(step.step)} is done${because}`);
}

export function leaveOut(run: Run, skipped: Decided): Transition {
  const { by, why, at } = skipped;
  const step = current(run);
  const changed = {
    ...step,
    state: 'skipped' as const,
    endedAt: at,
    notBefore: null,
    text: why,
    problem: null,
    skipped,
  };
  const onto = onward({ ...replace(run, changed), state: 'running', text: '' }, at);
  return told(onto, run.cursor, `${nameOf(step.step)} is left out by ${by}: ${why}`);
}

/** A try failed: another follows, or the run does what the step says. */
export function fail(run: Run, text: string, problem: Problem, at: string): Transition {
  const step = current(run);
  const failures = step.failures + 1;
  const failed = { ...step, failures, text, problem };
  const name = nameOf(step.step);
  const pause = pauseBefore(step.step, failures);
  if (pause !== null) {
    const notBefore = new Date(Date.parse(at) + pause).toISOString();
    const again = { ...failed, state: 'pending' as const, notBefore };
    return told(replace(run, again), run.cursor, `${name} failed: ${text}; it is tried again at ${notBefore}`);
  }
  const over = replace(run, { ...failed, state: 'failed', endedAt: at, notBefore: null });
  const because = (after: Run) => told(after, run.cursor, `${name} failed: ${text}`);
  const way = onFailureOf(step.step);
  if (way === 'continue') return because(onward(over, at));
  if (way === 'hold') return because({ ...over, state: 'holding', text: `${name} failed: ${text}` });
  return because(ended(over, at));
}

/** A person has to look at the step first. */
export function hold(run: Run, text: string): Transition {
  const step = current(run);
  const held = { ...replace(run, { ...step, text }), state: 'holding' as const, text };
  return told(held, run.cursor, `${nameOf(step.step)} holds: ${text}`);
}

/** The step goes on without this process. */
export function leave(run: Run, text: string): Transition {
  const step = current(run);
  const left = { ...replace(run, { ...step, text }), state: 'waiting' as const, text };
  return told(left, run.cursor, `${nameOf(step.step)} goes on elsewhere: ${text}`);
}

/** What the step waits for is not there yet: it is run again then. */
export function postpone(run: Run, text: string, notBefore: string): Transition {
  const step = current(run);
  const waiting = replace(run, { ...step, state: 'pending', notBefore, text });
  const made = told(waiting, run.cursor, `${nameOf(step.step)} waits: ${text}`);
  return text === step.text ? { ...made, line: null } : made;
}

/** A step that waits before its next try has that try at once. @returns null when none waits */
export function hurry(run: Run, at: string): Run | null {
  const step = stepAt(run);
  if (step === null || isOver(run) || step.state !== 'pending' || step.notBefore === null || step.notBefore <= at)
    return null;
  return replace(run, { ...step, notBefore: at });
}

/** Somebody goes on with a run that was let go of, or that holds. */
export function goOn(run: Run): Run {
  return { ...run, state: 'running', text: '' };
}

/** A step that failed or holds is asked for once more. @param fresh run it anew; else it is asked first whether it is done by now */
export function again(run: Run, fresh: boolean): Run {
  const step = { ...(stepAt(run) as RunStep), failures: 0, endedAt: null, notBefore: null };
  const onceMore: RunStep = { ...step, state: fresh ? 'pending' : 'started' };
  return { ...replace(run, onceMore), state: 'running', text: '', endedAt: null };
}

export function cancelled(run: Run, cancel: Decided): Transition {
  const { by, why, at } = cancel;
  const after: Run = {
    ...run,
    state: 'cancelled',
    endedAt: at,
    cancel,
    text: `cancelled by ${by}: ${why}`,
    lease: null,
  };
  return told(after, null, after.text);
}

function current(run: Run): RunStep {
  const step = stepAt(run);
  if (step === null || isOver(run)) throw new Error(`the run ${run.id} has no step whose turn it is`);
  return step;
}

function replace(run: Run, step: RunStep): Run {
  return { ...run, steps: run.steps.map((each, index) => (index === run.cursor ? step : each)) };
}

function onward(run: Run, at: string): Run {
  const moved = { ...run, cursor: run.cursor + 1 };
  return moved.cursor < moved.steps.length ? moved : ended(moved, at);
}

/** Failed when a required step did; what was not required is told, and changes nothing. */
function ended(run: Run, at: string): Run {
  const failed = run.steps.filter(({ state }) => state === 'failed');
  const state: RunState = failed.some(({ step }) => isRequired(step)) ? 'failed' : 'done';
  const text = failed.map(({ step, text: why }) => `${nameOf(step)} failed: ${why}`).join('; ');
  return { ...run, state, endedAt: at, text };
}

function told(run: Run, step: number | null, text: string): Transition {
  const ending = OVER.includes(run.state) && run.state !== 'cancelled' ? `; the run is ${run.state}` : '';
  return { run, line: { step, text: `${text}${ending}` } };
}
