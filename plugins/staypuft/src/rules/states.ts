import type { RunHere } from '@d3/sdk';
import type { Assignment, HostKind, HostState } from '../types.ts';
import type { Phase } from './host-steps.ts';

/** As much of a run as says how far a host is. */
export interface PhaseRun {
  state: RunHere['state'];
  /** Place of the step whose turn it is. */
  cursor: number;
}

/** What is known of a host. */
export interface HostSeen {
  kind: HostKind;
  /** Null: it is in no deployment. */
  assignment: Pick<Assignment, 'outcome'> | null;
  /** Its runs in the newest run of the deployment that it takes part in. */
  runs: Readonly<Partial<Record<Phase, PhaseRun>>>;
  /** Id of that run; null: it takes part in none. */
  run: string | null;
  /** Where the checks begin that its role ends with; null: it ends with none. */
  checks: number | null;
}

const STOPPED: readonly RunHere['state'][] = ['failed', 'holding', 'cancelled'];

/**
 * How far a host is. It is released only when the last step of its last run is done: a change that was made on the way to it says
 * nothing. What came of an earlier run holds until a newer one does something to it.
 */
export function stateOf({ kind, assignment, runs, run, checks }: HostSeen): HostState {
  if (assignment === null) return kind === 'discovered' || kind === 'registered' ? 'held' : 'known';
  const { outcome } = assignment;
  const { prepare, role, release } = runs;
  const all = [prepare, role, release].filter((one) => one !== undefined);
  // What failed and is tried again has failed no more.
  const isTriedAgain = outcome?.state === 'failed' && all.every(({ state }) => !STOPPED.includes(state));
  if (outcome !== null && outcome.run === run && !isTriedAgain) return outcome.state;
  const wasSpared = all.length === 1 && prepare?.state === 'cancelled' && prepare.cursor === 0;
  if (all.length === 0 || wasSpared) return outcome?.state ?? 'assigned';
  if (all.some(({ state }) => state === 'failed' || state === 'cancelled')) return 'failed';
  if (release !== undefined) return all.length === 3 && all.every(isDone) ? 'released' : 'verifying';
  if (role !== undefined)
    return isDone(role) || (checks !== null && role.cursor >= checks) ? 'verifying' : 'configuring';
  return isDone(prepare) ? 'ready' : 'preparing';
}

function isDone(run: PhaseRun | undefined): boolean {
  return run?.state === 'done';
}
