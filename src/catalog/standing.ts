import { type Fitting, misfit, type OperatingSystem } from './limits.ts';
import type { Edition } from './types.ts';

/**
 * How a computer stands to an edition, as far as a depot can tell from the computer's newest report. The plan itself is
 * made on the machine, of facts only it has: what is said here is what it can be expected to do, and what it said it did.
 */

/**
 * `installed`: it has it. `restart`: it waits there for a restart. `failed`, `blocked`: it said so. `held`: somebody wants
 * it otherwise. `unfit`: it is not for such a machine. `pending`: nothing is known to stand against it.
 */
export const STANDINGS = ['installed', 'restart', 'pending', 'held', 'blocked', 'failed', 'unfit'] as const;
export type StandingState = (typeof STANDINGS)[number];

export interface Standing {
  state: StandingState;
  /** Why, in words without what differs from machine to machine, so that equal ones can be counted. */
  reason: string;
}

export interface StandingInput {
  edition: Pick<Edition, 'id' | 'edition' | 'status' | 'releasedAt'> & Fitting;
  computer: { os: OperatingSystem; cpu: string; lastContact: string };
  /** What it has of the basename. */
  receipt: { id: number; edition: string; piloting: boolean; frozen: boolean } | null;
  /** What waits there for a restart. */
  queued: { id: number } | null;
  /** What it last said was wrong with the basename. */
  problem: { edition: string | null; status: string; reason: string | null; processes: readonly string[] } | null;
  /** Names of the edition's auto groups and excluded groups it is in. */
  autoGroups: readonly string[];
  excludedGroups: readonly string[];
}

/** @returns null when the edition is no business of the computer */
export function standingOf(input: StandingInput): Standing | null {
  const { edition, computer, receipt, queued, problem, autoGroups, excludedGroups } = input;
  if (receipt?.id === edition.id) return { state: 'installed', reason: installedWords(receipt) };
  if (queued?.id === edition.id) return { state: 'restart', reason: 'waits for a restart' };
  const isLive = edition.status === 'live';
  if (problem !== null && (problem.edition === edition.edition || (problem.edition === null && isLive)))
    return troubled(problem);
  if (!isLive || (receipt === null && autoGroups.length === 0)) return null;
  if (receipt?.piloting === true) return { state: 'held', reason: `has the pilot ${receipt.edition}` };
  if (receipt?.frozen === true) return { state: 'held', reason: `${receipt.edition} is frozen there` };
  const wrong = misfit(edition, computer.os, computer.cpu);
  if (wrong !== null) return { state: 'unfit', reason: unfitWords(wrong, edition, computer) };
  if (excludedGroups.length > 0) return { state: 'held', reason: `is in ${excludedGroups.join(', ')}, excluded` };
  const heard = edition.releasedAt !== null && computer.lastContact >= edition.releasedAt;
  return { state: 'pending', reason: heard ? 'heard of since, did not say why' : 'not heard of since it went live' };
}

function unfitWords(
  wrong: keyof Fitting,
  { file }: Fitting,
  { os, cpu }: Pick<StandingInput['computer'], 'os' | 'cpu'>,
): string {
  if (wrong === 'file') return `installs no .${file.format}`;
  return wrong === 'oses' ? `runs ${os.name} ${os.version}` : `its processor is ${cpu}`;
}

function installedWords({ piloting, frozen }: { piloting: boolean; frozen: boolean }): string {
  if (piloting) return frozen ? 'as a pilot, frozen' : 'as a pilot';
  return frozen ? 'frozen' : 'installed';
}

/** What was cut or failed, failed; what a program or a rule stands against is blocked. */
function troubled({ status, reason, processes }: NonNullable<StandingInput['problem']>): Standing {
  const isFailure = status === 'failed' || status === 'interrupted';
  return { state: isFailure ? 'failed' : 'blocked', reason: reasonKey(status, reason, processes) };
}

/** Longest reason that is counted by. */
const MOST = 160;

/**
 * The reason of a problem without what is of one machine or one run only: ids, times, long numbers, random names.
 * @param processes what it waits for, which says more than its sentence
 */
export function reasonKey(status: string, reason: string | null, processes: readonly string[]): string {
  if (processes.length > 0) return `waits for ${[...processes].toSorted().join(', ')} to quit`;
  const [first = ''] = (reason ?? '').split('\n', 1);
  const text = first
    .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '…')
    .replaceAll(/\b\d{4}-\d{2}-\d{2}T[\d:.]+Z?/g, '…')
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/gi, '…')
    .replaceAll(/\b\d{4,}\b/g, '…')
    .replaceAll(/, \d+ days?$/g, '')
    .trim();
  if (text === '') return `${status}, without a reason`;
  return text.length <= MOST ? text : `${text.slice(0, MOST - 1)}…`;
}
