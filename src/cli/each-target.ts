import { combineExitCodes, D3Error } from '@d3/sdk';

/** Does the work for each target; one that fails does not stop the others. */
export async function eachTarget<Target, Result>(
  targets: readonly Target[],
  work: (target: Target) => Promise<Result> | Result,
): Promise<{ results: Result[]; errors: D3Error[]; exit: number }> {
  const results: Result[] = [];
  const errors: D3Error[] = [];
  for (const target of targets) {
    try {
      results.push(await work(target));
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      errors.push(error);
    }
  }
  const exit = combineExitCodes([...results.map(() => 0), ...errors.map((error) => error.exitCode)]);
  return { results, errors, exit };
}
