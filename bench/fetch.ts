/** A gigabyte whose fetch was cut at half, fetched to its end: by d3, and by curl with sha256sum after it, from one server. */
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const GIGABYTE = 1024 ** 3;
const ROUNDS = 5;
const ARGS = ['--conditions=d3-source', path.join(import.meta.dirname, 'fetch-task.ts')];
const say = (text: string) => process.stdout.write(`${text}\n`);

if (spawnSync('curl', ['--version']).error !== undefined) {
  say('fetch: curl is not here, so there is nothing to compare with');
  process.exit(0);
}
const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'd3-bench-'));
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const file = path.join(folder, 'file');
  const sha256 = makeFile(file);
  const depot = path.join(folder, 'depot');
  const blob = path.join('blobs', sha256.slice(0, 2), sha256);
  mkdirSync(path.dirname(path.join(depot, blob)), { recursive: true });
  renameSync(file, path.join(depot, blob));
  const server = spawn(process.execPath, [...ARGS, 'serve', depot], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const url = String((await once(server.stdout, 'data'))[0]).trim();
    const rounds: { ours: number; curl: number; sum: number; peak: number }[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const [forUs, forCurl] = ['d3', 'curl'].map((name) => path.join(folder, name)) as [string, string];
      for (const at of [forUs, forCurl]) mkdirSync(at, { mode: 0o700 });
      half(path.join(depot, blob), path.join(forUs, `${sha256}.part`));
      half(path.join(depot, blob), path.join(forCurl, 'file'));
      const [ours, peak] = timed([...ARGS, 'fetch', url, sha256, forUs]);
      const [curl] = timed(['-sS', '-C', '-', '-o', path.join(forCurl, 'file'), `${url}/${blob}`], 'curl');
      const [sum] = timed([path.join(forCurl, 'file')], 'sha256sum');
      for (const at of [forUs, forCurl]) rmSync(at, { recursive: true });
      if (round > 0) rounds.push({ ours, curl, sum, peak });
    }
    const ratio = median(rounds.map(({ ours, curl, sum }) => ours / (curl + sum)));
    const of = (name: 'ours' | 'curl' | 'sum') => seconds(median(rounds.map((round) => round[name])));
    say(`fetch: the second half of 1 GiB, ${ROUNDS} rounds in turn, medians`);
    say(
      `  d3          ${of('ours')}, ${ratio.toFixed(2)} x curl and sha256sum, peak ${median(rounds.map(({ peak }) => peak))} MiB`,
    );
    say(`  curl -C -   ${of('curl')}`);
    say(`  sha256sum   ${of('sum')}`);
  } finally {
    server.kill();
  }
}

/** What a cut fetch has left. */
function half(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o600);
  truncateSync(to, GIGABYTE / 2);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function makeFile(file: string): string {
  const hash = createHash('sha256');
  const piece = Buffer.alloc(1024 ** 2);
  const descriptor = openSync(file, 'w');
  for (let written = 0; written < GIGABYTE; written += piece.length) {
    randomFillSync(piece);
    hash.update(piece);
    writeSync(descriptor, piece);
  }
  closeSync(descriptor);
  return hash.digest('hex');
}

/** @returns milliseconds, and the peak of memory in MiB where the program says it */
function timed(args: string[], program = process.execPath): [number, number] {
  const begun = performance.now();
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ended with ${status}`);
  return [performance.now() - begun, Number(stdout.trim()) || 0];
}
