import type { MachinePaths } from '../platform/paths.ts';
import { isAtWork, runsByLevel } from './lock.ts';
import type { JournalEntry, StateReader } from './state/state.ts';

/** What stands in the journal: what a run is doing at this moment, and what one was cut in. */
export interface Open {
  underWay: JournalEntry[];
  cut: JournalEntry[];
}

/** Tells what is being done now from what was cut, for whoever only looks. */
export function openActions(state: StateReader, paths: MachinePaths): Open {
  const journal = state.journal();
  if (journal.length === 0) return { underWay: [], cut: [] };
  const runs = runsByLevel(state, paths);
  const isNow = (entry: JournalEntry) => runs.some(({ lock, run }) => run === entry.run && isAtWork(lock));
  return { underWay: journal.filter(isNow), cut: journal.filter((entry) => !isNow(entry)) };
}

/** What is being done now, in words. */
export function nowOf({ run, action }: JournalEntry): string {
  return action.kind === 'install'
    ? `${action.edition.edition} is being installed now by run ${run}`
    : `${action.receipt.edition} is being removed now by run ${run}`;
}
