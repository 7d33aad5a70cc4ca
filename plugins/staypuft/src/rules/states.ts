import type { RunHere } from '@d3/sdk';
import type { Assignment, HostKind, HostState, RoleStep } from '../types.ts';
import type { Phase } from './host-steps.ts';

/** As much of a run as says how far a host is. */
export interface PhaseRun {
  state: RunHere['state'];
  /** Place of the step whose turn it is. */
  cursor: number;
  steps: readonly { kind: string; args: { readonly [key: string]: unknown }; state: string }[];
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
}

/**
 * How far a host is. It is released only when the last step of its last run is done: a change that was made on the way to it says
 * nothing. What came of an earlier run holds until a newer one does something to it.
 */
export function stateOf({ kind, assignment, runs, run }: HostSeen): HostState {
  if (assignment === null) return kind === 'discovered' || kind === 'registered' ? 'held' : 'known';
  const { outcome } = assignment;
  if (outcome !== null && outcome.run === run) return outcome.state;
  const { prepare, role, release } = runs;
  const all = [prepare, role, release].filter((one) => one !== undefined && hasBegun(one));
  if (all.length === 0) return outcome?.state ?? 'assigned';
  if (all.some((one) => one !== undefined && hasFailed(one))) return 'failed';
  if (release !== undefined && hasBegun(release)) {
    return isDone(release) && isDone(role) && isDone(prepare) ? 'released' : 'verifying';
  }
  if (isDone(role)) return 'verifying';
  if (role !== undefined && hasBegun(role)) return isVerified(role) ? 'verifying' : 'configuring';
  return isDone(prepare) ? 'ready' : 'preparing';
}

/** One that waits for its first turn, or was cancelled before it, did nothing to the host. */
function hasBegun({ state, cursor, steps }: PhaseRun): boolean {
  return state === 'done' || cursor > 0 || steps.some((step) => step.state !== 'pending');
}

/** One that holds after a step of it failed has failed as well, until somebody decides what becomes of it. */
function hasFailed({ state, cursor, steps }: PhaseRun): boolean {
  return state === 'failed' || state === 'cancelled' || (state === 'holding' && steps[cursor]?.state === 'failed');
}

function isDone(run: PhaseRun | undefined): boolean {
  return run?.state === 'done';
}

/** A role's last steps are checks: when only they are left, it is being verified. */
function isVerified({ cursor, steps }: PhaseRun): boolean {
  const left = steps.slice(cursor);
  return left.length > 0 && left.every(({ kind, args }) => kind === 'deploy-step' && isCheck(args['step']));
}

function isCheck(step: unknown): boolean {
  return typeof step === 'object' && step !== null && 'assert' in (step as RoleStep);
}
