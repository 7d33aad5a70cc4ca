// Tries mutants of our own packages for a time: npm run fuzz -- [--seed N] [--from N] [--count M] [--seconds S]
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FuzzFailure, fuzz } from '../packages/flatpkg/test/helpers/fuzz.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { seed: text, from: text, count: text, seconds: text } });
const number = (name: 'seed' | 'from' | 'count' | 'seconds', otherwise: number) => {
  const value = Number(values[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${name} must be a whole number`);
  return value;
};
const seed = number('seed', Math.floor(Math.random() * 1_000_000_000));
const seconds = number('seconds', values.count === undefined ? 60 : 86_400);
const run = { seed, from: number('from', 0), count: number('count', 1_000_000_000), seconds };

process.stdout.write(`seed ${seed}\n`);
try {
  const { tried, ends } = await fuzz(run);
  process.stdout.write(`${tried} mutants tried, none did harm\n`);
  const sorted = Object.entries(ends).sort(([, a], [, b]) => b - a);
  for (const [end, count] of sorted) process.stdout.write(`${String(count).padStart(8)}  ${end}\n`);
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error;
  const path = join(tmpdir(), `flatpkg-mutant-${seed}.pkg`);
  writeFileSync(path, error.bytes);
  process.stderr.write(`${error.message.replace(/\nbase64: .*/, '')}\nkept as ${path}\n`);
  process.exitCode = 1;
}
