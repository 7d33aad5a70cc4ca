// Tries mutants one after another in a process of its own, so that whoever waits for it can tell that it hangs.
// Argument: what to try, as JSON, and the folder to work in. Sends the number of each, and at the end the result.
import { join } from 'node:path';
import type { FuzzRun } from './fuzz.ts';
import { numberedMutant } from './fuzz-packages.ts';
import { tryPackage } from './fuzz-trial.ts';

/** Bytes that this process may take. */
const MEMORY = 1024 ** 3;

const { seed, from, count, seconds, folder }: FuzzRun & { folder: string } = JSON.parse(process.argv[2] ?? '');
const until = performance.now() + seconds * 1000;
const ends: Record<string, number> = {};
let number = from;
for (; number < from + count && performance.now() < until; number += 1) {
  process.send?.({ number });
  try {
    const end = await tryPackage(join(folder, String(number)), numberedMutant(seed, number));
    ends[end] = (ends[end] ?? 0) + 1;
    if (process.memoryUsage.rss() > MEMORY) throw new Error('took more memory than a small package may');
  } catch (error) {
    const { message, cause, stack } = error as Error;
    const why = cause instanceof Error ? `${message}: ${cause.stack}` : (stack ?? message);
    process.send?.({ failed: why });
    break;
  }
}
process.send?.({ tried: number - from, ends });
