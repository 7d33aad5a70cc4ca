import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Programs of the system that say which app is in front: by absolute paths, their words as they are, through no shell. */

/** How a program that was followed ended. */
export interface FollowedEnd {
  /** Why it did not run at all; null when it did. */
  failure: string | null;
  code: number | null;
  /** The last thing it complained of; empty when it did not. */
  complaint: string;
}

export interface Followed {
  program: string;
  args: readonly string[];
  /** Variables besides the fixed PATH and the language C. */
  env: Readonly<Record<string, string>>;
  /** Told of every line it prints. */
  onLine: (line: string) => void;
  /** Ends it. */
  signal: AbortSignal;
}

const FIXED = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LANG: 'C', LC_ALL: 'C' };
/** Characters of what a program says that are looked at. */
const MOST = 64 * 1024;

/** Runs a program until it ends or is stopped, line by line. */
export function follow({ program, args, env, onLine, signal }: Followed): Promise<FollowedEnd> {
  const child = spawn(program, args, { env: { ...env, ...FIXED }, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = () => child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  let complaint = '';
  createInterface({ input: child.stdout }).on('line', onLine);
  createInterface({ input: child.stderr }).on('line', (line) => {
    complaint = line.slice(0, 500);
  });
  return new Promise((resolve) => {
    const end = (failure: string | null, code: number | null) => {
      signal.removeEventListener('abort', stop);
      resolve({ failure, code, complaint });
    };
    child.once('error', (error) => end(error.message, null));
    child.once('close', (code) => end(null, code));
    if (signal.aborted) stop();
  });
}

/** Runs a program to its end. @returns what it printed; null when it failed, or took longer than five seconds */
export async function ask(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  let text = '';
  const { failure, code } = await follow({
    program,
    args,
    env,
    onLine: (line) => {
      if (text.length < MOST) text += `${line}\n`;
    },
    signal: AbortSignal.timeout(5000),
  });
  return failure === null && code === 0 ? text : null;
}
