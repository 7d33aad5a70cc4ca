import { combineExitCodes, EXIT_CODES } from '@d3/sdk';
import { isRequired, stepAt } from './transitions.ts';
import type { Problem, Run } from './types.ts';

/** The exit code a run stands for as it is now. */
export function exitOfRun(run: Run): number {
  switch (run.state) {
    case 'done':
      return EXIT_CODES.done.code;
    case 'failed': {
      const problems = run.steps.flatMap(({ state, step, problem }) =>
        state === 'failed' && isRequired(step) && problem !== null ? [EXIT_CODES[problem.exit].code] : [],
      );
      return problems.length === 0 ? EXIT_CODES.failed.code : combineExitCodes(problems);
    }
    case 'holding':
      return stepAt(run)?.state === 'failed' ? EXIT_CODES.failedHeld.code : EXIT_CODES.holding.code;
    case 'waiting':
      return EXIT_CODES.restartPending.code;
    case 'cancelled':
      return EXIT_CODES.failed.code;
    case 'running':
      return EXIT_CODES.busy.code;
  }
}

/** What is to be told of a run that is not done, and what to do next; null when it is done. */
export function problemOfRun(run: Run): Problem | null {
  const { id, state } = run;
  if (state === 'done') return null;
  if (state === 'waiting') return { code: 'RUN_WAITS', exit: 'restartPending', actions: [`then: d3 run resume ${id}`] };
  if (state === 'cancelled') return { code: 'RUN_CANCELLED', exit: 'failed', actions: [] };
  if (state === 'running') return { code: 'RUN_OPEN', exit: 'busy', actions: [`watch it: d3 run watch ${id}`] };
  const failed = run.steps.find((step) => step.state === 'failed' && step.problem !== null)?.problem;
  const retry = `when it is mended: d3 run retry ${id}`;
  if (state === 'holding') {
    const held = stepAt(run)?.state === 'failed' ? 'failedHeld' : 'holding';
    return {
      code: 'RUN_HOLDS',
      exit: held,
      actions: [...(failed?.actions ?? []), retry, `or: d3 run skip ${id} --reason WHY`],
    };
  }
  return {
    code: failed?.code ?? 'RUN_FAILED',
    exit: failed?.exit ?? 'failed',
    actions: [...(failed?.actions ?? []), retry],
  };
}
