import type { ExitName } from '@d3/sdk';
import type { Obstacle } from './availability.ts';
import type { Receipt } from './receipt.ts';
import type { Action, Decision, Reason, ReasonCode, Verdict } from './types.ts';

export interface Subject {
  target: string;
  basename: string | null;
  edition: string | null;
}

export function act(subject: Subject, action: Action, reasons: Reason[]): Decision {
  return { ...subject, verdict: 'act', action, reasons, because: null, problem: null };
}

/** All is as wanted: counts as success. */
export function nothing(subject: Subject, reasons: Reason[]): Decision {
  return { ...subject, verdict: 'nothing', action: null, reasons, because: null, problem: null };
}

export function held(subject: Subject, reasons: Reason[], because?: ReasonCode): Decision {
  return {
    ...subject,
    verdict: 'held',
    action: null,
    reasons,
    because: because ?? reasons.at(-1)?.code ?? null,
    problem: null,
  };
}

export function refused(subject: Subject, reasons: Reason[], why: Reason, exit: ExitName, actions: string[]): Decision {
  return stopped('refused', subject, reasons, why, exit, actions);
}

/** The decision that obstacles lead to: refused where a person asked, else as the first one counts in a sync. */
export function obstructed(
  subject: Subject,
  reasons: Reason[],
  obstacles: readonly Obstacle[],
  asked: boolean,
): Decision {
  const chain = [...reasons, ...obstacles.map((obstacle) => obstacle.reason)];
  const worst = obstacles.find((obstacle) => obstacle.inSync === 'blocked') ?? obstacles[0];
  if (worst === undefined) throw new Error('nothing stands against it');
  if (!asked && worst.inSync === 'held') return held(subject, chain, worst.reason.code);
  const first = asked ? (obstacles[0] ?? worst) : worst;
  return {
    ...stopped(asked ? 'refused' : 'blocked', subject, [], first.reason, first.exit, first.actions),
    reasons: chain,
  };
}

function stopped(
  verdict: Extract<Verdict, 'refused' | 'blocked'>,
  subject: Subject,
  reasons: Reason[],
  why: Reason,
  exit: ExitName,
  actions: string[],
): Decision {
  const problem: { code: ReasonCode; exit: ExitName; actions: string[] } = { code: why.code, exit, actions };
  return { ...subject, verdict, action: null, reasons: [...reasons, why], because: null, problem };
}

/** A receipt as it is once what a plan refreshes of it is taken over: that is what the rest of the plan goes by. */
export function receiptAfter(receipt: Receipt, decisions: readonly Decision[]): Receipt {
  const changes = decisions.flatMap(({ action }) =>
    action?.kind === 'refresh' && action.basename === receipt.basename ? [action.changes] : [],
  );
  return changes.length === 0 ? receipt : Object.assign({}, receipt, ...changes);
}
