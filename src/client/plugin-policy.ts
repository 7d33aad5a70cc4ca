import { D3Error, type PolicyRun } from '@d3/sdk';
import type { Run } from '../runs/types.ts';
import type { Policies, PolicyOutcome } from './policies.ts';

/** Runs a policy or an event for a plugin, which is told what became of all of it together. */
export async function runForPlugin(
  word: string,
  environment: Readonly<Record<string, string>>,
  by: string,
  { policies, signal }: { policies: Policies; signal: AbortSignal },
  within: { run: Run; index: number; round: number } | null = null,
): Promise<PolicyRun> {
  try {
    const request = { word, by, environment: { ...environment } };
    return together(
      await (within === null
        ? policies.run(request)
        : policies.runWithin(request, within.run, within.index, within.round)),
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof D3Error)) throw error;
    const absent = error.code === 'POLICY_NOT_FOUND' || error.code === 'NO_DEPOT';
    return { state: absent ? 'absent' : 'failed', text: error.message };
  }
}

/** Not over, and no failure: it goes on after a restart, or when somebody has looked. */
const GOES_ON: readonly PolicyOutcome['state'][] = ['waiting', 'holding', 'open'];

function together(outcomes: readonly PolicyOutcome[]): PolicyRun {
  const said = (chosen: readonly PolicyOutcome[]) =>
    chosen.map(({ policy, state, text }) => `${policy}: ${text || state}`).join('; ');
  const waits = (state: PolicyOutcome['state']) => outcomes.filter((outcome) => outcome.state === state);
  const restarting = waits('waiting');
  const held = [...waits('holding'), ...waits('open')];
  const failed = outcomes.filter(({ problem, state }) => problem !== null && !GOES_ON.includes(state));
  if (failed.length > 0) return { state: 'failed', text: said(failed) };
  if (held.length > 0) return { state: 'failed', text: said(held), waits: 'person' };
  if (restarting.length > 0) return { state: 'ran', text: said(restarting), waits: 'restart' };
  const skipped = outcomes.filter(({ state }) => state === 'out-of-scope' || state === 'not-due');
  return { state: skipped.length === outcomes.length ? 'skipped' : 'ran', text: said(outcomes) };
}
