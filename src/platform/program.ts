import type { ChildProcess } from 'node:child_process';
import os from 'node:os';
import { D3Error, type ProgramRequest, type ProgramResult } from '@d3/sdk';
import type { Guard } from './guard.ts';
import { LineSplitter } from './lines.ts';
import { FIXED_PATH, startProgram, untilEnded } from './spawned.ts';

/** A program of the system to be run, by its absolute path on this host. */
export type ProgramCall = ProgramRequest;

/** How a program of the system ended and what it said. */
export type ProgramAnswer = ProgramResult;

/**
 * Runs a program of the system: the port that its fixed programs are called through, so that tests put recorded ones there.
 * @throws D3Error failed `PROGRAM_ABSENT` when it cannot be started; how it ended is the caller's to judge
 */
export type RunProgram = (call: ProgramCall) => Promise<ProgramAnswer>;

const KEPT_BYTES = 16 * 1024 * 1024;
const KEPT_LINES = 20;

export const runProgram: RunProgram = (call) => run(call);

/** The same, and what runs ends with this process should that be killed. */
export function guardedProgram(guard: Guard): RunProgram {
  return (call) => run(call, guard);
}

async function run(call: ProgramCall, guard?: Guard): Promise<ProgramAnswer> {
  const child = await started(call, guard);
  const answer = new Answer(call.onLine);
  answer.listen(child.stdout, 'stdout');
  answer.listen(child.stderr, 'stderr');
  // It may end without having read everything.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(call.input);
  const ended = await untilEnded(child, call.timeout, call.signal, { leavesRunning: call.leavesRunning });
  return { ...ended, ...answer.whole() };
}

async function started(
  { program, args, environment, input }: ProgramCall,
  guard: Guard | undefined,
): Promise<ChildProcess> {
  const { username, homedir } = account();
  const env = {
    ...environment,
    PATH: FIXED_PATH,
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    LANG: 'C',
    LC_ALL: 'C',
  };
  try {
    return await startProgram(program, args, { cwd: '/', env, input: input === undefined ? 'ignore' : 'pipe', guard });
  } catch (error) {
    throw new D3Error('PROGRAM_ABSENT', 'failed', `${program} cannot be run: ${(error as Error).message}.`, {
      target: program,
      cause: error,
    });
  }
}

/** An account without an entry still has a folder to be at home in. */
function account(): { username: string; homedir: string } {
  try {
    return os.userInfo();
  } catch {
    return { username: String(process.getuid?.() ?? 0), homedir: '/' };
  }
}

/** Collects what a program says, within bounds. */
class Answer {
  readonly #kept = { stdout: '', stderr: '' };
  readonly #lastLines: string[] = [];
  readonly #flushes: (() => void)[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  #cut = false;

  constructor(onLine: ((line: string) => void) | undefined) {
    this.#onLine = onLine;
  }

  listen(stream: NodeJS.ReadableStream | null, name: 'stdout' | 'stderr'): void {
    const lines = new LineSplitter((line) => this.#tell(line));
    const keep = (text: string) => {
      const room = KEPT_BYTES - this.#kept[name].length;
      if (text.length > room) this.#cut = true;
      if (room > 0) this.#kept[name] += text.slice(0, room);
    };
    stream?.on('data', (chunk: Buffer) => keep(lines.take(chunk)));
    this.#flushes.push(() => keep(lines.end()));
  }

  whole(): Pick<ProgramAnswer, 'stdout' | 'stderr' | 'cut' | 'lastLines'> {
    for (const flush of this.#flushes) flush();
    return { ...this.#kept, cut: this.#cut, lastLines: this.#lastLines };
  }

  #tell(line: string): void {
    this.#onLine?.(line);
    if (line.trim() === '') return;
    this.#lastLines.push(line);
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift();
  }
}
