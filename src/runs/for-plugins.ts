import type { RunHere, StepToRun } from '@d3/sdk';
import { exitOfRun } from './exit.ts';
import { isRequired } from './transitions.ts';
import { nameOf, type Run, type Step } from './types.ts';

/** A step as a plugin asks for it, as it is written down. */
export function asStep({ args, ...step }: StepToRun): Step {
  return { ...step, args: { ...args } };
}

/** A run as plugins see it. */
export function runHere(run: Run, isAdvanced: boolean): RunHere {
  const { id, origin, state, text, by, createdAt, endedAt, cursor, steps, cancel } = run;
  return {
    id,
    name: origin.name,
    state,
    text,
    exit: exitOfRun(run),
    isAdvanced,
    by,
    createdAt,
    endedAt,
    cursor,
    steps: steps.map(({ step, state: how, attempts, startedAt, endedAt: over, text: said, notBefore, skipped }) => ({
      name: nameOf(step),
      kind: step.kind,
      args: step.args,
      state: how,
      required: isRequired(step),
      attempts,
      startedAt,
      endedAt: over,
      text: said,
      notBefore,
      skipped,
    })),
    cancel,
  };
}
