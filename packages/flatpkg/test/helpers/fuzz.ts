import { fork } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { numberedMutant } from './fuzz-packages.ts';
import { removeTree } from './temp.ts';

/** What to try: mutants `from` … of a seed, until there were `count` of them or `seconds` are over. */
export interface FuzzRun {
  seed: number;
  from: number;
  count: number;
  seconds: number;
}

export interface FuzzResult {
  tried: number;
  /** How many ended in which way: the codes of failures, and `accepted`. */
  ends: Record<string, number>;
}

/** A mutant that did what none may do. */
export class FuzzFailure extends Error {
  readonly bytes: Buffer;

  constructor(seed: number, number: number, why: string) {
    const bytes = numberedMutant(seed, number);
    const again = `npm run fuzz -- --seed ${seed} --from ${number} --count 1`;
    super(`mutant ${number} of seed ${seed}: ${why}\nonce more: ${again}\nbase64: ${bytes.toString('base64')}`);
    this.bytes = bytes;
  }
}

/** Milliseconds without a new mutant after which it counts as hanging: all readers together. */
const HANGS = 30_000;

type Message = { number: number } | { failed: string } | FuzzResult;

/** Tries mutants in a process. Throws FuzzFailure for the first one that fails, hangs, or takes too much memory. */
export async function fuzz(run: FuzzRun): Promise<FuzzResult> {
  const folder = mkdtempSync(join(tmpdir(), 'flatpkg-fuzz-'));
  const program = fileURLToPath(new URL('./fuzz-child.ts', import.meta.url));
  const execArgv = ['--disable-warning=ExperimentalWarning', '--max-old-space-size=512'];
  const child = fork(program, [JSON.stringify({ ...run, folder })], { execArgv, stdio: 'inherit' });
  let number = run.from;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<FuzzResult>((resolve, reject) => {
      const fail = (why: string) => reject(new FuzzFailure(run.seed, number, why));
      const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(() => fail('hangs'), HANGS);
      };
      wait();
      child.on('message', (message: Message) => {
        wait();
        if ('tried' in message) resolve(message);
        else if ('failed' in message) fail(message.failed);
        else number = message.number;
      });
      child.on('exit', (code, signal) => fail(`ends its process (${signal ?? code})`));
    });
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
    removeTree(folder);
  }
}
