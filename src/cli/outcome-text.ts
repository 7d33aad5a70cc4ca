import type { Outcome } from '../client/outcome.ts';
import type { Decision, ReasonCode } from '../planner/types.ts';
import { changeWord, isNotMeantForThis, MODE_WORDS, planned } from './decision-text.ts';

/** What a run would do, a line each. What would fail is told by its errors. */
export function plannedLines(decisions: readonly Decision[]): string[] {
  const lines = decisions.flatMap(planned);
  const fails = decisions.some(({ problem }) => problem !== null);
  return lines.length > 0 || fails ? lines : ['Nothing would be done.'];
}

/** What a run did. @param totals whether the last line says how many ended how */
export function doneLines(
  {
    decisions,
    outcomes,
    restart,
  }: { decisions: readonly Decision[]; outcomes: readonly Outcome[]; restart: readonly string[] },
  totals: boolean,
): string[] {
  const unmeant = new Set(decisions.filter(isNotMeantForThis).map(({ target }) => target));
  const told = outcomes.filter(({ target, status }) => status !== 'held' || !unmeant.has(target));
  const lines = told.flatMap((outcome) => done(outcome, decisionOf(outcome, decisions), told.length));
  const idle = lines.length === 0 && outcomes.every((outcome) => outcome.problem === null);
  if (idle) lines.push('Nothing to do: everything is as it should be.');
  if (restart.length > 0)
    lines.push(`Restart this machine: ${restart.join(', ')} ${restart.length === 1 ? 'needs' : 'need'} it.`);
  if (totals && !idle) lines.push(totalsLine(told));
  return lines;
}

/** Everything in one line: `2 updated, 1 held, 12 as wanted.` */
function totalsLine(outcomes: readonly Outcome[]): string {
  const counts = countedBy(outcomes, ({ status, mode }) =>
    status === 'installed' && mode !== null ? MODE_WORDS[mode] : (TOTAL_WORDS[status] ?? status),
  );
  return `In all: ${Object.entries(counts)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ')}.`;
}

const TOTAL_WORDS: Partial<Record<Outcome['status'], string>> = {
  nothing: 'as wanted',
  deferred: 'queued',
  settled: 'taken as installed',
  uninstalled: 'removed',
  refreshed: 'brought up to date',
};

/** How many of the outcomes come under each word. */
export function countedBy<Word extends string>(
  outcomes: readonly Outcome[],
  word: (outcome: Outcome) => Word,
): Partial<Record<Word, number>> {
  const counts: Partial<Record<Word, number>> = {};
  for (const outcome of outcomes) {
    const key = word(outcome);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** What an outcome came of. A sync may both refresh the record of a basename and act on it. */
function decisionOf({ target, status }: Outcome, decisions: readonly Decision[]): Decision | undefined {
  const own = decisions.filter((decision) => decision.target === target);
  return own.find(({ action }) => (action?.kind === 'refresh') === (status === 'refreshed')) ?? own[0];
}

/** What needs no word: a target of many that is as it should be. Errors are shown as such. */
function done(outcome: Outcome, decision: Decision | undefined, targets: number): string[] {
  const { status, mode, replaced, edition, target, text, problem } = outcome;
  if (problem !== null || (status === 'nothing' && targets > 1)) return [];
  if (status === 'deferred') return [deferredLine(outcome)];
  const how = STATUS_WORDS[status] ?? (mode === null ? (changeWord(decision?.action) ?? status) : MODE_WORDS[mode]);
  const from = replaced !== null && replaced !== edition ? `, was ${replaced}` : '';
  const repeats = status !== 'held' && SAYS_NOTHING.includes(decision?.reasons.at(-1)?.code as ReasonCode);
  const why = text === '' || repeats ? '' : ` (${text})`;
  return [`${edition ?? target}: ${how}${from}${why}`];
}

function deferredLine({ edition, replaced }: Outcome): string {
  const from = replaced !== null && replaced !== edition ? ` instead of ${replaced}` : '';
  return `${edition}: queued${from}: it waits for a restart, or for d3 install -p ${edition}`;
}

/** Reasons that only repeat what was asked for and done. */
const SAYS_NOTHING: readonly ReasonCode[] = ['INSTALLED', 'FROZEN', 'QUEUED'];

const STATUS_WORDS: Partial<Record<Outcome['status'], string>> = {
  nothing: 'nothing to do',
  settled: 'taken as installed',
  uninstalled: 'removed',
  dequeued: 'taken off the queue',
};
