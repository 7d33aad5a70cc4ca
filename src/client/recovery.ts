import type { ActingContext } from './context.ts';
import { carryOutInstall } from './install.ts';
import { type Outcome, outcomeOfCarried, outcomeOfFailure, problemOf, type Subject } from './outcome.ts';
import { stagingName } from './staging.ts';
import { isDamage } from './state/damage.ts';
import type { JournalEntry } from './state/state.ts';
import { type Carried, carryOutUninstall } from './uninstall.ts';

/** Carries out one journalled action from the phase it has reached. */
export function carryOut(entry: JournalEntry, context: ActingContext): Promise<Carried> {
  const { action } = entry;
  if (action.kind === 'install') return carryOutInstall({ ...entry, action }, context);
  return carryOutUninstall({ ...entry, action }, context);
}

/**
 * Takes up what an earlier run was cut in. What had changed nothing yet is dropped, the rest is carried through.
 * @param except basenames that are given up instead
 * @returns one outcome for each; `interrupted` where it could not be finished now
 */
export async function finishInterrupted(context: ActingContext, except: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const entry of context.state.journal()) {
    if (!except.includes(entry.basename)) outcomes.push(await takeUp(entry, context));
  }
  return outcomes;
}

async function takeUp(entry: JournalEntry, context: ActingContext): Promise<Outcome> {
  const { state, identity, report } = context;
  const { edition } = entry.action.kind === 'install' ? entry.action.edition : entry.action.receipt;
  const subject: Subject = { target: entry.basename, basename: entry.basename, edition, mode: null, replaced: null };
  const cut = cutOf(entry);
  try {
    if (entry.phase === 'planned' || entry.phase === 'fetched') {
      await clearStaging(entry, context);
      state.end(entry.id);
      const text = `${cut}; nothing had been changed`;
      report({ type: 'note', target: null, text });
      return { ...subject, status: 'nothing', text, problem: null };
    }
    report({ type: 'note', target: null, text: `${cut}; going on` });
    state.retry(entry.id, identity.run);
    const carried = await carryOut({ ...entry, retries: entry.retries + 1 }, context);
    return outcomeOfCarried({ ...doneOf(entry, subject), text: `${cut}; finished now`, problem: null }, carried);
  } catch (error) {
    context.signal.throwIfAborted();
    if (isDamage(error)) throw error;
    const text = `${cut}; not finished: ${(error as Error).message}`;
    if (state.phaseOf(entry.id) === null) return { ...outcomeOfFailure(subject, error), text };
    return { ...subject, status: 'interrupted', text, problem: problemOf(error) };
  }
}

/** What an earlier run was cut in, in words. */
export function cutOf({ run, action }: JournalEntry): string {
  return action.kind === 'install'
    ? `run ${run} was cut while it was installing ${action.edition.edition}`
    : `run ${run} was cut while it was removing ${action.receipt.edition}`;
}

function doneOf({ action }: JournalEntry, subject: Subject): Omit<Outcome, 'text' | 'problem'> {
  if (action.kind === 'uninstall') return { ...subject, status: 'uninstalled' };
  return { ...subject, status: 'installed', mode: action.mode, replaced: action.replaces?.edition ?? null };
}

async function clearStaging(entry: JournalEntry, { driverFor, paths }: ActingContext): Promise<void> {
  if (entry.action.kind !== 'install') return;
  const { edition } = entry.action;
  await driverFor(edition).recover({ edition, root: paths.root, staging: stagingName(entry.id), begun: false });
}
