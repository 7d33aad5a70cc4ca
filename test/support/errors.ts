import { D3Error, D3Errors } from '@d3/sdk';

/** What a piece of work fails with, as a list; fails itself when the work succeeds or fails with anything else. */
export async function problemsOf(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<{ problems: D3Error[]; exitCode: number }> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof D3Errors) return { problems: [...error.errors], exitCode: error.exitCode };
    if (error instanceof D3Error) return { problems: [error], exitCode: error.exitCode };
    throw error;
  }
  throw new Error('it should have failed');
}
