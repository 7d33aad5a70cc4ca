import type { Decision, RunHere } from '@d3/sdk';

/** Whether a machine may be released: the one rule, looked at just before it is. */

type Steps = Pick<RunHere, 'steps'>;

/** Required steps that failed and that nobody decided to leave out. */
export function inTheWay({ steps }: Steps): string[] {
  return steps.flatMap(({ state, required, name, text }) =>
    state === 'failed' && required ? [`${name}: ${text}`] : [],
  );
}

/** @param override who decided to release it all the same; null: nobody */
export function mayRelease(run: Steps, override: Decision | null): boolean {
  return override !== null || inTheWay(run).length === 0;
}
