import { D3Error, type QueuedEdition, type QueuedInstall } from '@d3/sdk';
import type { Deferred } from '../planner/types.ts';
import { isFetched } from './fetch.ts';
import type { Outcome } from './outcome.ts';
import { type Machine, type RunOptions, runRequest } from './run.ts';
import { State, StateReader } from './state/state.ts';

/** The queue of what waits for a restart, as whoever installs it in one go sees it. */

type QueueOptions = Pick<RunOptions, 'wait' | 'debug' | 'parent' | 'environment' | 'signal' | 'report'>;

/** What waits, by basename. */
export async function queueOf({ paths }: Pick<Machine, 'paths'>): Promise<QueuedEdition[]> {
  return Promise.all(
    entriesOf(paths).map(async (entry) => ({
      ...shown(entry),
      fetched: await isFetched(paths.packages, entry.edition.file),
    })),
  );
}

/**
 * Installs one that waits, as it was asked for when it was queued. A failure is counted; what is no fault of the package (the
 * depot cannot be reached, a process runs, another run does not end) is not.
 */
export async function installQueued(edition: string, machine: Machine, options: QueueOptions): Promise<QueuedInstall> {
  const entry = entriesOf(machine.paths).find((candidate) => candidate.edition.edition === edition);
  if (entry === undefined) return { edition, status: 'held', text: 'it does not wait any more', restart: false };
  const { admin } = entry;
  const request = { targets: [edition], admin, force: false, puppies: true, freeze: false, expiration: null };
  try {
    const run = { ...options, command: 'install', admin, dryRun: false, notify: false };
    const { outcomes, restart } = await runRequest({ kind: 'install', ...request }, machine, run);
    const outcome = outcomes.findLast((candidate) => candidate.target === edition);
    const ended = outcome === undefined ? { status: 'held' as const, text: '' } : endOf(outcome);
    if (ended.status === 'failed') countFailure(entry, ended.text, machine);
    // One that was cut is finished before anything is decided, and needs its restart just as much.
    const finished = outcomes.some((one) => one.edition === edition && one.status === 'installed');
    return { edition, ...ended, restart: restart.includes(edition) || (finished && entry.edition.reboot) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof D3Error)) throw error;
    return { edition, status: 'held', text: error.message, restart: false };
  }
}

/** Takes one off the queue that failed too often; the report has it as failed. */
export async function giveUp(
  basename: string,
  givenUp: string,
  machine: Machine,
  options: QueueOptions,
): Promise<void> {
  const run = { ...options, command: 'dequeue', admin: 'unknown', dryRun: false, notify: false };
  await runRequest({ kind: 'dequeue', targets: [basename], givenUp }, machine, run);
}

function entriesOf(paths: Machine['paths']): Deferred[] {
  const state = StateReader.open(paths);
  try {
    return state.deferred();
  } finally {
    state.close();
  }
}

function shown(entry: Deferred): Omit<QueuedEdition, 'fetched'> {
  const { edition, queuedAt, admin, customExpiration, attempts = 0, lastFailure = null } = entry;
  return {
    basename: edition.basename,
    edition: edition.edition,
    queuedAt,
    admin,
    customExpiration,
    attempts,
    lastFailure,
  };
}

/** Whoever waits for a process to end did not fail. */
function endOf({ status, text, problem }: Outcome): Pick<QueuedInstall, 'status' | 'text'> {
  if (status === 'installed' || status === 'settled' || status === 'refreshed' || status === 'nothing')
    return { status: 'installed', text };
  const { code, exit } = problem ?? { code: null, exit: null };
  const waits = status === 'held' || code === 'PROCESS_RUNNING' || exit === 'depotUnreachable';
  return { status: waits ? 'held' : 'failed', text };
}

/** Unless it is gone from the queue, or another edition took its place meanwhile. */
function countFailure({ edition }: Deferred, text: string, { paths }: Machine): void {
  const state = State.open(paths);
  try {
    const entry = state.deferred().find((candidate) => candidate.edition.id === edition.id);
    if (entry === undefined) return;
    state.defer(edition.basename, { ...entry, attempts: (entry.attempts ?? 0) + 1, lastFailure: text });
  } finally {
    state.close();
  }
}
