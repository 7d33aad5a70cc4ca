import type { Decision, RunHere } from '@d3/sdk';

/** Whether a machine may be released: the one rule, looked at just before it is. */

/** Kinds of steps that have to be done, or left out by somebody, before a machine is released. */
type Steps = Pick<RunHere, 'steps'>;

/** Required steps that failed and that nobody decided to leave out. Without an override the machine is not released while there are any. */
export function inTheWay({ steps }: Steps, failedEvents: readonly string[]): string[] {
  const failed = steps.flatMap(({ state, required, name, text }) =>
    state === 'failed' && required ? [`${name}: ${text}`] : [],
  );
  return [...failed, ...failedEvents];
}

/** @param override who decided to release it all the same; null: nobody */
export function mayRelease(run: Steps, failedEvents: readonly string[], override: Decision | null): boolean {
  return override !== null || inTheWay(run, failedEvents).length === 0;
}
