import type { Action, Decision, InstallMode, ReasonCode } from '../planner/types.ts';

const NOT_FOR_THIS: readonly ReasonCode[] = ['WRONG_OS', 'WRONG_CPU', 'EXCLUDED'];

/** An auto-install that is for other kinds of machine: true of many editions at every sync, and worth no line. */
export function isNotMeantForThis({ verdict, reasons }: Decision): boolean {
  const codes = reasons.map(({ code }) => code);
  const auto = codes.includes('STANDARD') || codes.includes('AUTO_GROUP');
  return verdict === 'held' && auto && codes.some((code) => NOT_FOR_THIS.includes(code));
}

/** What a change of the record comes to, in a word. */
export function changeWord(action: Action | null | undefined): string | null {
  if (action?.kind !== 'refresh') return null;
  const { changes } = action;
  if (changes.frozen !== undefined) return changes.frozen === null ? 'thawed' : 'frozen';
  if (changes.goneSince !== undefined && changes.goneSince !== null) return 'left over';
  return changes.piloting === false ? 'live here now' : 'brought up to date';
}

/** What an install comes to, in a word. */
export const MODE_WORDS: Record<InstallMode, string> = {
  install: 'installed',
  pilot: 'piloted',
  update: 'updated',
  rollback: 'rolled back',
  reinstall: 're-installed',
  'auto-install': 'installed',
  'put-back': 'put back',
};

const WOULD: Partial<Record<Action['kind'], string>> = {
  uninstall: 'removed',
  forget: 'forgotten',
  defer: 'queued for a restart',
  dequeue: 'taken off the queue',
};

/** What a run would do of a decision, in a line; nothing where that needs no word, or is told as an error. */
export function planned(decision: Decision): string[] {
  const { verdict } = decision;
  if (isNotMeantForThis(decision) || verdict === 'nothing' || verdict === 'refused' || verdict === 'blocked') return [];
  return [decisionText(decision)];
}

/** A decision in a line, with the whole chain of its reasons. */
export function decisionText({ edition, target, reasons, ...decision }: Decision): string {
  return `${edition ?? target}: ${verdictWords(decision)} (${reasons.map((reason) => reason.text).join('; ')})`;
}

function verdictWords({ verdict, action }: Pick<Decision, 'verdict' | 'action'>): string {
  if (action === null) return verdict === 'nothing' ? 'nothing to do' : verdict;
  const word = action.kind === 'install' ? MODE_WORDS[action.mode] : (changeWord(action) ?? WOULD[action.kind]);
  return `would be ${word}`;
}
