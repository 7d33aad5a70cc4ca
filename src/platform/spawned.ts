import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecResult } from '@d3/sdk';
import { type Guard, WAITING } from './guard.ts';

/** All that a program finds programs in, whatever the caller of d3 had. */
export const FIXED_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
const UMASK = 0o022;
/** Milliseconds between asking a program to end and ending it. */
const GRACE = 5000;
/** Milliseconds until whatever was asked to end has ended, one way or the other. */
export const ENDED_WITHIN = GRACE + 2000;
const BUSY_RETRIES = 20;

/** How a program is started: where, with which environment, and whether it is given something to read. */
interface Start {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** `ignore`: it reads nothing. */
  input: 'ignore' | 'pipe';
  /** Ends it should this process be killed. */
  guard?: Guard | undefined;
}

/**
 * Starts a program in a process group of its own, with umask 022.
 * @throws the system's error when it cannot be started (`ENOENT`, `EACCES`)
 */
export async function startProgram(program: string, args: readonly string[], start: Start): Promise<ChildProcess> {
  const { cwd, env, input, guard } = start;
  if (guard !== undefined) return startGuarded(program, args, start, guard);
  const options: SpawnOptions = { cwd, env, detached: true, stdio: [input, 'pipe', 'pipe'] };
  // Another thread may be starting a program of its own while this one's file was open: the kernel then says busy.
  for (let tries = 0; ; tries += 1) {
    const child = spawnWithUmask(program, args, options);
    const failure = await started(child);
    if (failure === null) return child;
    if (failure.code !== 'ETXTBSY' || tries === BUSY_RETRIES) throw failure;
    await sleep(10);
  }
}

async function startGuarded(
  program: string,
  args: readonly string[],
  { cwd, env, input }: Start,
  guard: Guard,
): Promise<ChildProcess> {
  const stdio: SpawnOptions['stdio'] = [input, 'pipe', 'pipe', 'pipe'];
  const child = spawnWithUmask('/bin/sh', [...WAITING, program, ...args], { cwd, env, detached: true, stdio });
  const failure = await started(child);
  if (failure !== null) throw failure;
  const { pid } = child;
  const gate = child.stdio[3] as Writable;
  gate.on('error', () => undefined);
  try {
    await guard.hold(pid as number);
  } catch (error) {
    gate.destroy();
    throw error;
  }
  child.once('exit', () => void guard.release(pid as number).catch(() => undefined));
  gate.end('go\n');
  return child;
}

function spawnWithUmask(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  const before = process.umask(UMASK);
  try {
    return spawn(program, args, options);
  } finally {
    process.umask(before);
  }
}

function started(child: ChildProcess): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    child.once('spawn', () => resolve(null));
    child.once('error', (error) => resolve(error));
  });
}

/**
 * Waits until a started program has ended. When its time is up or the signal comes, it is asked to end, then ended, with all
 * it started. What it leaves running in its group ends with it, unless `leavesRunning`.
 * @param timeout milliseconds
 * @param how `grace`: milliseconds between asking it to end and ending it
 */
export async function untilEnded(
  child: ChildProcess,
  timeout: number,
  signal: AbortSignal | undefined,
  how: { grace?: number | undefined; leavesRunning?: boolean | undefined } = {},
): Promise<ExecResult> {
  const { grace = GRACE, leavesRunning = false } = how;
  let timedOut = false;
  let kill: NodeJS.Timeout | undefined;
  let wasEnded = false;
  const end = () => {
    wasEnded = true;
    signalGroup(child, 'SIGTERM');
    kill ??= setTimeout(() => signalGroup(child, 'SIGKILL'), grace);
  };
  const limit = setTimeout(() => {
    timedOut = true;
    end();
  }, timeout);
  if (signal?.aborted) end();
  if (signal !== undefined) endWithD3(child);
  signal?.addEventListener('abort', end, { once: true });
  try {
    const ended = await exited(child);
    // What it left running in its group ends with it, so that nothing holds on to its pipes or its folder.
    if (!leavesRunning || wasEnded) signalGroup(child, 'SIGKILL');
    return { ...ended, timedOut };
  } finally {
    stoppable.delete(child);
    clearTimeout(limit);
    clearTimeout(kill);
    signal?.removeEventListener('abort', end);
  }
}

/** Those that run and may be ended before their time; what may not is left to finish, whatever becomes of d3. */
const stoppable = new Set<ChildProcess>();
let watchesExit = false;

/** However d3 ends, short of a kill, a script does not go on without it: the next run would start it beside itself. */
function endWithD3(child: ChildProcess): void {
  stoppable.add(child);
  if (watchesExit) return;
  watchesExit = true;
  process.on('exit', () => {
    for (const running of stoppable) signalGroup(running, 'SIGKILL');
  });
}

function exited(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      // The pipes may still hold lines, or be held by what it started: a moment for the former, no waiting for the latter.
      const done = () => resolve({ code, signal });
      child.once('close', done);
      setTimeout(() => void pipesRead(child).then(done), 500).unref();
    });
  });
}

/** Turns of the loop that may each bring more of what was said. */
const MOST_TURNS = 100;

/** Until a turn of the loop brings nothing more: a process that was kept busy has not looked into the pipes however long it took. */
async function pipesRead({ stdout, stderr }: ChildProcess): Promise<void> {
  let isHeard = true;
  const heard = () => {
    isHeard = true;
  };
  stdout?.on('data', heard);
  stderr?.on('data', heard);
  for (let turns = 0; isHeard && turns < MOST_TURNS; turns += 1) {
    isHeard = false;
    await new Promise((resolve) => setImmediate(resolve));
  }
  stdout?.off('data', heard);
  stderr?.off('data', heard);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
