import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import type { ShowPrograms } from './places.ts';
import type { Session } from './session.ts';

export type UserSession = Extract<Session, { kind: 'user' }>;

/** A program that shows something and goes on doing so. */
export interface Running {
  /** Settles when it has ended: its exit code, null when it was ended. */
  readonly ended: Promise<number | null>;
  readonly running: boolean;
  /** What it has printed on stdout until now; empty unless that was wanted. */
  readonly printed: string;
  /** Ends it and what it started; resolves when it is over. */
  end(): Promise<void>;
}

/** Milliseconds between asking a program to end and ending it. */
const GRACE = 3000;
/** Characters kept of what a program prints; answers are far shorter. */
const MOST_PRINTED = 256 * 1024;

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export function canRun(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return statSync(program).isFile();
  } catch {
    return false;
  }
}

/**
 * Starts a program in a process group of its own, by its absolute path, its words as they are.
 * @throws Error when it cannot be started
 */
export async function start(program: string, args: readonly string[], as: Start = {}): Promise<Running> {
  const { uid, gid, environment = {}, heard = false } = as;
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', heard ? 'pipe' : 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LANG: 'C.UTF-8', ...environment },
    ...(uid !== undefined && gid !== undefined ? { uid, gid } : {}),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
  });
  return new Started(child);
}

interface Start {
  uid?: number;
  gid?: number;
  environment?: Readonly<Record<string, string>>;
  /** Whether what it prints is kept: answers, secrets among them, that have no business in a file. */
  heard?: boolean;
}

/** Starts a program on somebody's screen and as them; a Mac wants it to be put into their session as well. */
export function startFor(
  session: UserSession,
  program: string,
  args: readonly string[],
  { launchctl, sudo }: ShowPrograms,
  platform: NodeJS.Platform,
): Promise<Running> {
  const { uid, gid, environment } = session;
  if (process.getuid?.() !== 0) return start(program, args, { environment });
  if (platform === 'darwin')
    return start(launchctl, ['asuser', String(uid), sudo, '-n', '-H', '-u', `#${uid}`, program, ...args]);
  return start(program, args, { uid, gid, environment });
}

class Started implements Running {
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #printed = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    // Only when all it printed has come here; a child of its own that holds its output open is not waited for.
    const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    const { stdout } = child;
    if (stdout === null) {
      this.ended = exit;
      return;
    }
    stdout.setEncoding('utf8');
    stdout.on('data', (text: string) => {
      if (this.#printed.length < MOST_PRINTED) this.#printed += text;
    });
    const all = new Promise<void>((resolve) => stdout.once('close', () => resolve()));
    this.ended = exit.then(async (code) => {
      await Promise.race([all, sleep(500)]);
      return code;
    });
  }

  get printed(): string {
    return this.#printed;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async end(): Promise<void> {
    this.#signal('SIGTERM');
    const late = setTimeout(() => this.#signal('SIGKILL'), GRACE);
    await this.ended;
    clearTimeout(late);
    // What it left behind in its group goes with it.
    this.#signal('SIGKILL');
  }

  #signal(name: NodeJS.Signals): void {
    try {
      process.kill(-(this.#child.pid as number), name);
    } catch {
      // All of it has ended.
    }
  }
}

/**
 * Waits until a run has lived for a while.
 * @throws Error when it ended before; a run that already answered is no error, its end is told to who started it
 */
export async function livesFor(
  run: Running,
  milliseconds: number,
  called: string,
  mayEnd: (code: number | null) => boolean,
): Promise<void> {
  const code = await Promise.race([run.ended, sleep(milliseconds).then(() => undefined)]);
  if (code !== undefined && !mayEnd(code)) throw new Error(`${called} ended at once (exit code ${code ?? 'none'})`);
}
