import { obstructed } from '../planner/decide.ts';
import type { Action, Decision, InstallMode } from '../planner/types.ts';
import type { ActingContext } from './context.ts';
import { deferInstall, dequeue } from './deferred.ts';
import { refuseStale } from './meanwhile.ts';
import { type Outcome, outcomeOfCarried, outcomeOfDecision, outcomeOfFailure } from './outcome.ts';
import { Dropped } from './processes.ts';
import { carryOut } from './recovery.ts';
import { isDamage } from './state/damage.ts';
import type { JournalledAction } from './state/state.ts';
import type { Carried } from './uninstall.ts';

/** Carries out what was decided of one target. A failure is its outcome; only a bug is thrown. */
export async function carryOutDecision(decision: Decision, context: ActingContext): Promise<Outcome> {
  const outcome = await carriedOut(decision, context);
  if (decision.action !== null) {
    const ending = outcome.problem === null ? (outcome.status === 'deferred' ? 'deferred' : 'ok') : 'failed';
    context.report({ type: 'end', target: decision.edition ?? decision.target, outcome: ending, text: '' });
  }
  return outcome;
}

async function carriedOut(decision: Decision, context: ActingContext): Promise<Outcome> {
  const { action, target, basename, edition } = decision;
  if (action === null) return outcomeOfDecision(decision);
  context.signal.throwIfAborted();
  const subject = { target, basename, edition, mode: null, replaced: null };
  const { report } = context;
  const done = { ...subject, text: decision.reasons.at(-1)?.text ?? '', problem: null };
  try {
    refuseStale(action, basename ?? target, context.state);
    switch (action.kind) {
      case 'refresh':
        context.state.changeReceipt(action.basename, action.changes);
        return { ...done, status: 'refreshed' };
      case 'defer':
        report({ type: 'begin', target: action.deferred.edition.edition, text: 'queueing for a restart' });
        await deferInstall(action, context);
        return { ...done, status: 'deferred', mode: action.deferred.mode, replaced: action.instead };
      case 'dequeue':
        await dequeue(action.basename, context);
        return action.givenUp === undefined ? { ...done, status: 'dequeued' } : givenUp(done, action.edition);
      case 'forget':
        context.state.forget(action.basename);
        return { ...done, status: 'forgotten' };
      case 'uninstall':
        return outcomeOfCarried({ ...done, status: 'uninstalled' }, await carryOutNew(action, context));
      case 'install': {
        const replaced = action.replaces?.edition ?? null;
        const installed = { ...done, status: 'installed' as const, mode: action.mode, replaced };
        return outcomeOfCarried(installed, await carryOutNew(action, context));
      }
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (isDamage(error)) throw error;
    if (error instanceof Dropped) {
      const { obstacle } = error;
      return outcomeOfDecision(obstructed({ target, basename, edition }, decision.reasons, [obstacle], context.asked));
    }
    // One target's failure never stops the others, not even a bug.
    return outcomeOfFailure(subject, error);
  }
}

/** Leaving the queue this way is the end of an install that failed: the report has it as such. */
function givenUp(done: Omit<Outcome, 'status'>, edition: string): Outcome {
  const actions = [`see why it fails, then: d3 install ${edition}`];
  return { ...done, status: 'failed', problem: { code: 'GIVEN_UP', exit: 'installerFailed', actions } };
}

const DOING: Record<InstallMode, string> = {
  install: 'installing',
  pilot: 'piloting',
  update: 'updating from',
  rollback: 'rolling back from',
  reinstall: 're-installing',
  'auto-install': 'installing',
  'put-back': 'putting back in place of',
};

function carryOutNew(action: JournalledAction, context: ActingContext): Promise<Carried> {
  const { state, identity, clock, report } = context;
  const installing = action.kind === 'install';
  const { basename, edition } = installing ? action.edition : action.receipt;
  report({ type: 'begin', target: edition, text: installing ? announced(action) : 'removing' });
  const id = state.begin(identity.run, action, clock.now().toISOString());
  return carryOut({ id, run: identity.run, basename, action, phase: 'planned', retries: 0 }, context);
}

function announced({ mode, replaces, force }: Extract<Action, { kind: 'install' }>): string {
  const old = mode === 'update' || mode === 'rollback' || mode === 'put-back' ? ` ${replaces?.edition}` : '';
  const thawed = replaces !== null && replaces.frozen !== null ? ', which thaws it' : '';
  return `${DOING[mode]}${old}${force ? ' with force' : ''}${thawed}`;
}
