/** A package of 1 GiB taken into a depot: by d3admin, and by sha256sum and cp of the same file to the same disk. */
import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from '@d3/flatpkg';

const GIGABYTE = 1024 ** 3;
const ROUNDS = 3;
const say = (text: string) => process.stdout.write(`${text}\n`);
const admin = path.join(import.meta.dirname, '..', 'bin', 'd3');
const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
try {
  await bench();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const root = path.join(folder, 'root');
  mkdirSync(root);
  fill(path.join(root, 'large'));
  const source = path.join(folder, 'large.pkg');
  await build({ root, output: source, identifier: 'org.example.large', version: '1' });
  rmSync(root, { recursive: true });
  const rounds: { ours: number; sum: number; copy: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const depot = path.join(folder, 'depot');
    timed(admin, ['depot', 'init', depot]);
    const ours = timed(admin, ['admin', 'add', 'large', '-v', '1', '-s', source, '--depot', depot, '--admin', 'bench']);
    rmSync(depot, { recursive: true });
    const sum = timed('sha256sum', [source]);
    const copy = timed('sh', ['-c', `cp '${source}' '${folder}/copy' && sync '${folder}/copy'`]);
    rmSync(path.join(folder, 'copy'));
    rounds.push({ ours, sum, copy });
  }
  const of = (name: 'ours' | 'sum' | 'copy') => `${(median(rounds.map((round) => round[name])) / 1000).toFixed(2)} s`;
  const ratio = median(rounds.map(({ ours, sum, copy }) => ours / (sum + copy)));
  say(`add: a package of 1 GiB, ${ROUNDS} rounds in turn, medians`);
  say(`  d3admin add  ${of('ours')}, ${ratio.toFixed(2)} x sha256sum and cp`);
  say(`  sha256sum    ${of('sum')}`);
  say(`  cp           ${of('copy')}, flushed to the disk as d3's is`);
}

function timed(program: string, args: string[]): number {
  const begun = performance.now();
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return performance.now() - begun;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

/** Random bytes: nothing a compressor could make small. */
function fill(file: string): void {
  const piece = Buffer.alloc(1024 ** 2);
  const descriptor = openSync(file, 'w');
  for (let written = 0; written < GIGABYTE; written += piece.length) {
    randomFillSync(piece);
    writeSync(descriptor, piece);
  }
  closeSync(descriptor);
}
