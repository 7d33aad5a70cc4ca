import { D3Error, type PolicyRun } from '@d3/sdk';
import type { Policies, PolicyOutcome } from './policies.ts';

/** Runs a policy or an event for a plugin, which is told what became of all of it together. */
export async function runForPlugin(
  word: string,
  environment: Readonly<Record<string, string>>,
  by: string,
  { policies, signal }: { policies: Policies; signal: AbortSignal },
): Promise<PolicyRun> {
  try {
    return together(await policies.run({ word, by, environment: { ...environment } }));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof D3Error)) throw error;
    const absent = error.code === 'POLICY_NOT_FOUND' || error.code === 'NO_DEPOT';
    return { state: absent ? 'absent' : 'failed', text: error.message };
  }
}

function together(outcomes: readonly PolicyOutcome[]): PolicyRun {
  const said = (chosen: readonly PolicyOutcome[]) =>
    chosen.map(({ policy, state, text }) => `${policy}: ${text || state}`).join('; ');
  const failed = outcomes.filter(({ problem }) => problem !== null);
  if (failed.length > 0) return { state: 'failed', text: said(failed) };
  const skipped = outcomes.filter(({ state }) => state === 'out-of-scope' || state === 'not-due');
  return { state: skipped.length === outcomes.length ? 'skipped' : 'ran', text: said(outcomes) };
}
