import type { StepAnswer, StepPayload } from '@d3/sdk';
import { type AgentPorts, runPolicies } from './agent.ts';
import type { Verdict } from './said.ts';

export const KIND = 'jamf-event';

const HOUR = 3_600_000;

/** What a step says; its schema holds its args. */
interface Args {
  event?: string;
  id?: number;
  /** What it is when Jamf Pro has no such policy for this Mac; a failure unless said. */
  ifNoPolicy?: 'fail' | 'done';
}

/** Runs one step: done only when Jamf Pro's program said that it ran something and nothing of it failed. */
export async function runStep(
  { args }: Pick<StepPayload, 'args'>,
  ports: AgentPorts,
  options: { signal: AbortSignal; onLine: (line: string) => void },
): Promise<Extract<StepAnswer, { handled: true }>> {
  const { event, id, ifNoPolicy = 'fail' } = args as Args;
  const asked = event === undefined ? { id: id as number } : { event };
  const verdict = await runPolicies(asked, ports, { ...options, timeout: HOUR });
  return { handled: true, outcome: isDone(verdict, ifNoPolicy) ? 'done' : 'failed', text: verdict.text };
}

function isDone({ state }: Verdict, ifNoPolicy: 'fail' | 'done'): boolean {
  return state === 'ran' || (state === 'absent' && ifNoPolicy === 'done');
}
