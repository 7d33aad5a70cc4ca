import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import type { Clock } from '../platform/clock.ts';
import { makeFolder } from '../platform/make-folder.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { replaceFile } from '../platform/replace-file.ts';
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

interface RunOfLevel {
  lock: string;
  run: string | null;
}

/** What a run may do on the machine. */
export interface Joined extends RunLock {
  /** How far below the run that holds the run lock: 0 for that one itself, 1 for one that a script of it started, and so on. */
  level: number;
  /** The run is known as the current one now: its scripts may start runs that join it. */
  begun(): void;
}

/**
 * Part of the run that holds the lock, when a script of that very run, or of one that is part of it, started this process; else the
 * lock itself. A script may leave a run behind that outlives the run it is part of. So each level has a lock too: what is nested at
 * one level is done one after another, and whoever takes the run lock has to have all of them before it touches what earlier runs
 * were cut in. They are taken from the top down: a nested run that is awaited may still start what is nested in it.
 * @throws D3Error busy (41), refused (30) where runs are nested too deep
 */
export async function joinOrLock({ paths, parent, command, ...options }: JoinOptions): Promise<Joined> {
  const { clock } = options;
  const until = clock.now().getTime() + options.wait * 1000;
  const take = (file: string): Promise<RunLock> => {
    const wait = Math.max(0, (until - clock.now().getTime()) / 1000);
    return takeRunLock({ file, ...options, wait });
  };
  for (;;) {
    const level = parent === null ? null : levelBelow(parent, paths);
    if (level === null) break;
    const file = paths.nestedLocks[level - 1];
    if (file === undefined) throw tooDeep(level);
    const lock = owned(await take(file), file, command, clock);
    // The run it is to be part of may have ended while this one waited.
    if (levelBelow(parent as string, paths) === level) return { ...lock, level, begun: () => undefined };
    lock.release();
  }
  const lock = owned(await take(paths.runLock), paths.runLock, command, clock);
  const nested: RunLock[] = [];
  const begun = () => {
    for (const held of nested.splice(0)) held.release();
  };
  const release = () => {
    begun();
    lock.release();
  };
  try {
    for (const file of paths.nestedLocks) nested.push(await take(file));
  } catch (error) {
    release();
    throw error;
  }
  return { level: 0, begun, release };
}

/** The lock of each level, and the run that took it last; the run lock comes first. */
export function runsByLevel(state: StateReader, { runLock, nestedLocks }: MachinePaths): RunOfLevel[] {
  return [runLock, ...nestedLocks].map((lock, level) => ({
    lock,
    run: level === 0 ? state.currentRun() : state.nestedRun(level),
  }));
}

/** The level of a run that is part of another one now; null when that one is not at work. */
function levelBelow(parent: string, paths: MachinePaths): number | null {
  const state = StateReader.open(paths);
  try {
    const above = runsByLevel(state, paths);
    const level = above.findIndex(({ run }) => run === parent);
    const holder = above[level];
    return holder !== undefined && isHeld(holder.lock) ? level + 1 : null;
  } finally {
    state.close();
  }
}

function tooDeep(level: number): D3Error {
  const text = `This d3 was started by a script of a d3 that a script started, ${level} times over.`;
  return new D3Error('NESTED_TOO_DEEP', 'refused', text, {
    target: 'D3_RUN',
    actions: ['let fewer scripts start d3 within each other'],
  });
}

function owned(lock: RunLock, file: string, command: string, clock: Clock): RunLock {
  const owner = ownerFile(file);
  tellOwner(owner, { pid: process.pid, command, since: clock.now().toISOString() });
  const release = () => {
    rmSync(owner, { force: true });
    lock.release();
  };
  return { release };
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

/** Whether a run holds a lock, for whoever only looks: nobody is kept from taking it, and no right to take it is needed. */
export function isAtWork(file: string): boolean {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    database.prepare('PRAGMA user_version').get();
    return false;
  } catch (error) {
    return (error as { errcode?: number }).errcode === SQLITE_BUSY || ownerLives(file);
  } finally {
    database?.close();
  }
}

/** Who may not open the lock can see whether the process that says it holds it is there. */
function ownerLives(lock: string): boolean {
  try {
    const { pid } = JSON.parse(readFileSync(ownerFile(lock), 'utf8')) as Partial<Owner>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return false;
    process.kill(pid as number, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
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
  const waited = wait > 0 ? ` after waiting ${Math.round(wait * 10) / 10} s` : '';
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
