/** A root to be packed: the same bytes every time, mixed as in real software. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FILES = 7500;
const BYTES = 400_000_000;
// Most files are small texts; most bytes are in the few large files, which do not shrink as well.
const LARGE_EVERY = 25;
const FILES_PER_FOLDER = 30;
const KIB = 1024;
const WORDS = 3000;

/** Fills `root`, which must be an empty folder, with about 7,500 files of 400 MB, which gzip makes 170 MB of. */
export function fillRoot(root: string): void {
  const random = numbers(20_240_229);
  const texts = textPool(random);
  const binaries = binaryPool(random);
  const sizes = sizesOf(random);
  for (const [at, size] of sizes.entries()) {
    const group = Math.floor(at / FILES_PER_FOLDER);
    const folder = path.join(root, 'opt/app', `part ${group % 10}`, `group-${group}`);
    mkdirSync(folder, { recursive: true });
    const large = at % LARGE_EVERY === 0;
    const name = path.join(folder, large ? `module-${at}.bin` : `page-${at}.txt`);
    writeFileSync(name, cut(large ? binaries : texts, size, random), { mode: large ? 0o755 : 0o644 });
    if (at % 100 === 0) symlinkSync(path.basename(name), path.join(folder, `current-${at}`));
  }
}

/** Sizes that differ by orders of magnitude, as sizes of files do, scaled to the sum wanted. */
function sizesOf(random: () => number): number[] {
  const raw = Array.from({ length: FILES }, (_, at) => (at % LARGE_EVERY === 0 ? 40 : 1) * Math.exp(random() * 5));
  const scale = BYTES / raw.reduce((sum, size) => sum + size, 0);
  return raw.map((size) => Math.ceil(size * scale));
}

/** A piece of a pool as long as wanted, with a beginning of its own. */
function cut(pool: Buffer, size: number, random: () => number): Buffer {
  const content = Buffer.allocUnsafe(size);
  for (let done = 0; done < size; ) {
    const from = Math.floor(random() * pool.length * 0.9);
    done += pool.copy(content, done, from, Math.min(pool.length, from + size - done));
  }
  return content;
}

function textPool(random: () => number): Buffer {
  const words = Array.from({ length: WORDS }, () => {
    const letters = Array.from({ length: 2 + Math.floor(random() * 9) }, () => 97 + Math.floor(random() ** 2 * 26));
    return String.fromCharCode(...letters);
  });
  const text: string[] = [];
  for (let bytes = 0; bytes < 4096 * KIB; ) {
    const word = `${words[Math.floor(random() ** 3 * WORDS)]}${random() < 0.1 ? ',\n' : ' '}`;
    text.push(word);
    bytes += word.length;
  }
  return Buffer.from(text.join(''));
}

/** Like machine code and pictures: runs that come again between bytes that nobody can foretell. */
function binaryPool(random: () => number): Buffer {
  const pool = Buffer.alloc(8192 * KIB);
  for (let at = 0; at < pool.length; ) {
    const run = 4 + Math.floor(random() * 40);
    if (random() < 0.65 && at > 32 * KIB) {
      const from = at - run - Math.floor(random() * 16 * KIB);
      at += pool.copy(pool, at, from, from + run);
    } else {
      const end = Math.min(pool.length, at + run);
      for (; at < end; at += 1) pool[at] = Math.floor(random() * 256);
    }
  }
  return pool;
}

/** Numbers from 0 to 1 that are the same in every run (a linear congruential generator). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
