import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import type { Clock } from '../platform/clock.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { replaceFile } from '../platform/replace-file.ts';
import { makeFolder } from '../platform/rootfs.ts';
import { stateError } from './state/database.ts';
import { StateReader } from './state/state.ts';

const POLL_MS = 100;
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;

export interface RunLock {
  release(): void;
}

export interface LockOptions {
  file: string;
  /** Seconds to wait for another run to end. */
  wait: number;
  clock: Clock;
  signal: AbortSignal;
  /** Called once, when it has to wait. */
  onWait: () => void;
}

export interface JoinOptions extends Omit<LockOptions, 'file'> {
  paths: MachinePaths;
  /** The run this process was started from; null when there is none. */
  parent: string | null;
  /** What this run is for, told to whoever finds the machine busy. */
  command: string;
}

/** Part of the run that holds the lock, when a script of that very run started this process; else the lock itself. */
export async function joinOrLock({
  paths,
  parent,
  command,
  ...options
}: JoinOptions): Promise<RunLock & { nested: boolean }> {
  if (parent !== null && currentRun(paths) === parent && isHeld(paths.runLock)) {
    return { nested: true, release: () => undefined };
  }
  const lock = await takeRunLock({ file: paths.runLock, ...options });
  const owner = ownerFile(paths.runLock);
  tellOwner(owner, { pid: process.pid, command, since: options.clock.now().toISOString() });
  const release = () => {
    rmSync(owner, { force: true });
    lock.release();
  };
  return { nested: false, release };
}

/** Who holds the lock, for people; the lock itself is the kernel's, so a killed run holds none. */
interface Owner {
  pid: number;
  command: string;
  /** ISO 8601. */
  since: string;
}

function ownerFile(lock: string): string {
  return `${lock}.owner`;
}

function tellOwner(file: string, owner: Owner): void {
  try {
    replaceFile(file, JSON.stringify(owner));
  } catch {
    // Whoever waits is told less.
  }
}

/** In words; empty when nothing is known. */
function ownerWords(lock: string): string {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(ownerFile(lock), 'utf8')) as Partial<Owner>;
    if (!Number.isSafeInteger(pid) || typeof command !== 'string' || typeof since !== 'string') return '';
    return ` (${command}, process ${pid}, since ${since})`;
  } catch {
    return '';
  }
}

function currentRun(paths: MachinePaths): string | null {
  const state = StateReader.open(paths);
  try {
    return state.currentRun();
  } finally {
    state.close();
  }
}

function isHeld(file: string): boolean {
  const database = openLockFile(file);
  try {
    return !tryLock(database, file);
  } finally {
    database.close();
  }
}

/**
 * One changing run per root at a time. The lock is held by the process itself, so a killed run frees it.
 * @throws D3Error busy (41) when another run still holds it after the wait; the reason of the signal
 */
export async function takeRunLock({ file, wait, clock, signal, onWait }: LockOptions): Promise<RunLock> {
  const database = openLockFile(file);
  const until = clock.now().getTime() + wait * 1000;
  let waiting = false;
  try {
    while (!tryLock(database, file)) {
      if (clock.now().getTime() >= until) throw busy(file, wait);
      if (!waiting) onWait();
      waiting = true;
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    database.close();
    signal.throwIfAborted();
    throw error;
  }
  return { release: () => database.close() };
}

function openLockFile(file: string): DatabaseSync {
  try {
    makeFolder(path.dirname(file), 0o755);
    // Who may open it may hold it, and keep every run from beginning.
    closeSync(openSync(file, 'a', 0o600));
    return new DatabaseSync(file, { timeout: 0 });
  } catch (error) {
    throw noAccess(file, error);
  }
}

function noAccess(file: string, cause: unknown): D3Error {
  return new D3Error('STATE_ACCESS', 'notAuthorised', "This machine's state cannot be changed by you.", {
    target: path.dirname(file),
    actions: ['run the command as root, or as the owner of --root'],
    cause,
  });
}

function tryLock(database: DatabaseSync, file: string): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_BUSY) return false;
    throw errcode === SQLITE_READONLY ? noAccess(file, error) : stateError(error, file);
  }
}

function busy(file: string, wait: number): D3Error {
  const waited = wait > 0 ? ` after waiting ${wait} s` : '';
  return new D3Error('RUN_BUSY', 'busy', `Another d3 run is changing this machine${ownerWords(file)}${waited}.`, {
    target: path.dirname(file),
    actions: ['wait for it to end, or use --wait SECONDS'],
  });
}

/** A process that advances runs of steps: its lock is the kernel's, so everybody can tell when it is gone, however it ended. */
export interface RunOwner {
  name: string;
  release(): void;
}

/** Takes a name for this process. @param folder where owners have their locks */
export async function becomeOwner(folder: string, clock: Clock, signal: AbortSignal): Promise<RunOwner> {
  const name = randomUUID();
  const file = ownerLock(folder, name);
  sweepOwners(folder, clock.now().getTime() - LEFT_BEHIND_MS);
  const lock = await takeRunLock({ file, wait: 0, clock, signal, onWait: () => undefined });
  const release = () => {
    rmSync(file, { force: true });
    lock.release();
  };
  return { name, release };
}

/** Whether an owner is gone for good; null for a name that is none. Never asked of the owner's own process, whose lock it would drop. */
export function isOwnerGone(folder: string, name: string): boolean | null {
  if (!/^[0-9a-f-]{36}$/.test(name)) return null;
  const file = ownerLock(folder, name);
  if (!existsSync(file)) return true;
  if (isHeld(file)) return false;
  for (const gone of [file, `${file}-journal`]) rmSync(gone, { force: true });
  return true;
}

/** After this time a lock that nobody holds is one that a killed process left; a new one may just be about to be held. */
const LEFT_BEHIND_MS = 600_000;

function sweepOwners(folder: string, before: number): void {
  if (!existsSync(folder)) return;
  for (const file of readdirSync(folder)) {
    const [, name] = /^([0-9a-f-]{36})\.lock$/.exec(file) ?? [];
    if (name === undefined) continue;
    const made = statSync(path.join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? before;
    if (made < before) isOwnerGone(folder, name);
  }
}

function ownerLock(folder: string, name: string): string {
  return path.join(folder, `${name}.lock`);
}
