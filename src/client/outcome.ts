import { combineExitCodes, D3Error, EXIT_CODES, type ExitName } from '@d3/sdk';
import { type Wait, waitOf } from '../planner/processes.ts';
import type { Decision, InstallMode } from '../planner/types.ts';
import type { Carried } from './uninstall.ts';

/** How one decision ended. */
export type OutcomeStatus =
  | 'installed'
  | 'settled'
  | 'uninstalled'
  | 'refreshed'
  | 'adopted'
  | 'deferred'
  | 'dequeued'
  | 'forgotten'
  | 'nothing'
  | 'held'
  | 'blocked'
  | 'refused'
  | 'failed'
  | 'interrupted';

export interface Outcome {
  target: string;
  basename: string | null;
  edition: string | null;
  status: OutcomeStatus;
  /** How it was installed, when it was. */
  mode: InstallMode | null;
  /** The edition whose place it took, when there was one. */
  replaced: string | null;
  /** Why, in words; the last link of the plan's chain, or what went wrong. */
  text: string;
  /** Null when it did not fail. */
  problem: { code: string; exit: ExitName; actions: string[] } | null;
  /** The processes a held one waits for, and since when; absent when it waits for none. */
  blockedBy?: Wait;
}

/** The outcome of a decision that leads to no action. */
export function outcomeOfDecision(decision: Decision): Outcome {
  const { target, basename, edition, verdict, problem } = decision;
  const because =
    decision.reasons.find((link) => link.code === (problem?.code ?? decision.because)) ?? decision.reasons.at(-1);
  const wait = waitOf(decision);
  return {
    target,
    basename,
    edition,
    status: verdict === 'act' ? 'nothing' : verdict,
    mode: null,
    replaced: null,
    text: because?.text ?? '',
    problem,
    ...(wait === null ? {} : { blockedBy: wait }),
  };
}

/** The outcome of an action that was done, with what a script made of it. */
export function outcomeOfCarried(done: Outcome, { settled, attention }: Carried): Outcome {
  if (settled !== null)
    return { ...done, status: done.status === 'installed' ? 'settled' : done.status, text: settled };
  if (attention === null) return done;
  const action = `look at it, then: d3 list-details ${done.basename ?? done.target}`;
  const problem = { code: 'NEEDS_ATTENTION', exit: 'scriptFailed', actions: [action] } as const;
  return { ...done, text: `${done.status}, but: ${attention}`, problem: { ...problem, actions: [action] } };
}

/** What an action is about, for the outcome of one that failed. */
export type Subject = Omit<Outcome, 'status' | 'text' | 'problem'>;

/** The outcome of an action that failed and is over. */
export function outcomeOfFailure(subject: Subject, error: unknown): Outcome {
  const status = error instanceof D3Error && error.exit === 'refused' ? 'blocked' : 'failed';
  return { ...subject, status, text: (error as Error).message, problem: problemOf(error) };
}

/** What went wrong, as an outcome tells it. */
export function problemOf(error: unknown): NonNullable<Outcome['problem']> {
  if (error instanceof D3Error) return { code: error.code, exit: error.exit, actions: [...error.actions] };
  if (isBug(error))
    return { code: 'BUG', exit: 'bug', actions: ['please report it, with the output of the same command and --debug'] };
  return { code: (error as { code: string }).code, exit: 'failed', actions: [] };
}

/** An error that neither d3 nor the system had a name for. */
function isBug(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return !(error instanceof D3Error) && !(typeof code === 'string' && /^(?:E[A-Z0-9]+|ERR_SQLITE_ERROR)$/.test(code));
}

/** Held and nothing-to-do count as success; everything with a problem counts by its own code. */
export function exitOf(outcomes: readonly Outcome[]): number {
  return combineExitCodes(outcomes.map(({ problem }) => (problem === null ? 0 : EXIT_CODES[problem.exit].code)));
}
