import type { RunHere } from '@d3/sdk';
import type { Deployment } from './memory.ts';

/** The states of a machine that is deployed, as people and groups know them. What does decide is its run. */
export type State =
  | 'idle'
  | 'restarting'
  | 'connecting'
  | 'resolving'
  | 'holding'
  | 'server-error'
  | 'deploying'
  | 'deployed'
  | 'updating'
  | 'failed-held'
  | 'releasing'
  | 'released'
  | 'cancelled';

const OF_STEP: Readonly<Record<string, State>> = {
  reboot: 'restarting',
  'provision-quiet': 'connecting',
  'provision-clock': 'connecting',
  'provision-connect': 'connecting',
  'provision-resolve': 'resolving',
  'provision-deployed': 'deployed',
  'provision-update': 'updating',
  'provision-release': 'releasing',
};

/** @param run null: it is not made yet, or its record is gone */
export function stateOf(deployment: Deployment | null, run: Pick<RunHere, 'state' | 'steps' | 'cursor'> | null): State {
  if (deployment === null) return 'idle';
  const { end, hold, trouble, restart } = deployment;
  if (end !== null) return end.kind;
  if (run === null) return 'connecting';
  if (run.state === 'cancelled') return 'cancelled';
  const step = run.steps[run.cursor];
  if (run.state === 'failed' || run.state === 'holding') return 'failed-held';
  if (run.state === 'waiting' || restart !== null) return 'restarting';
  if (trouble !== null) return 'server-error';
  if (hold !== null) return 'holding';
  if (step?.kind === 'provision-resolve' && deployment.snapshot !== null) return 'deploying';
  return step === undefined ? 'releasing' : (OF_STEP[step.kind] ?? 'deploying');
}
