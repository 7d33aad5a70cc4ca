import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Figures of one whole process. */
export interface Figures {
  /** Wall time, milliseconds. */
  wall: number;
  /** User and system time, milliseconds. */
  cpu: number;
  /** Largest resident size, MiB. */
  peak: number;
}

const peakModule = path.join(import.meta.dirname, 'peak.js');

/** Runs a Node program and measures the whole process. @param argv what follows `node` */
export function measure(argv: readonly string[], env: NodeJS.ProcessEnv): Figures {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
  try {
    const out = path.join(folder, 'figures');
    const started = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, ['--import', peakModule, ...argv], {
      env: { ...env, BENCH_FIGURES: out },
      encoding: 'utf8',
    });
    const wall = Number(process.hrtime.bigint() - started) / 1e6;
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
    const { cpu, peak } = JSON.parse(readFileSync(out, 'utf8')) as Omit<Figures, 'wall'>;
    return { wall, cpu, peak };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Wall time of a whole process, milliseconds. @param argv what follows `node` */
export function timed(argv: readonly string[], env: NodeJS.ProcessEnv): number {
  const started = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
  const wall = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`);
  return wall;
}

/** The floor of everything here: the same Node, doing nothing. */
export const NOTHING: readonly string[] = ['-e', '0'];

export interface Paired {
  median: Figures;
  floor: Figures;
  /** Median of the ratios of wall times, pair by pair. */
  ratio: number;
}

/** Runs a program and the floor in turn, so that a machine that drifts drifts for both. */
export function paired(argv: readonly string[], runs: number, env: NodeJS.ProcessEnv = process.env): Paired {
  const all: Figures[] = [];
  const floors: Figures[] = [];
  measure(argv, env);
  for (let run = 0; run < runs; run += 1) {
    all.push(measure(argv, env));
    floors.push(measure(NOTHING, env));
  }
  return {
    median: medians(all),
    floor: medians(floors),
    ratio: median(all.map(({ wall }, at) => wall / (floors[at]?.wall ?? wall))),
  };
}

export function medians(all: readonly Figures[]): Figures {
  return {
    wall: median(all.map(({ wall }) => wall)),
    cpu: median(all.map(({ cpu }) => cpu)),
    peak: median(all.map(({ peak }) => peak)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function sayPaired(what: string, { median: own, floor, ratio }: Paired): void {
  const figures = `${own.wall.toFixed(0)} ms wall, ${own.cpu.toFixed(0)} ms cpu, ${own.peak.toFixed(0)} MiB`;
  say(
    `${what}: ${ratio.toFixed(2)} x node -e 0 (${figures}; floor ${floor.wall.toFixed(0)} ms, ${floor.peak.toFixed(0)} MiB)`,
  );
}
