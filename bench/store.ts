/**
 * The depot's store on PostgreSQL against the same on SQLite, in the same process and on the same disk, both waiting for it:
 * what admins, machines and workers do, one at a time and eight at once. Growth: the same with 1,000 and 10,000 editions, or as many as the arguments say.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type NewEdition, openStore, type Store } from '../src/depot/index.ts';
import { postgresPlace } from '../src/depot/store/postgres-place.ts';
import { openPostgresStore } from '../src/depot/store/postgres-store.ts';
import { systemClock } from '../src/platform/clock.ts';
import { newRun } from '../src/runs/make.ts';
import type { Run } from '../src/runs/types.ts';
import { newEdition } from '../test/depot/helpers.ts';
import { freshSchema, releasePostgres, testPostgres } from '../test/support/postgres.ts';
import { reportOf } from './fleet.ts';
import { median, say } from './measure.ts';
import { sizes } from './served.ts';

const SIZES = sizes([1_000, 10_000]);
const RUNS = 30;
const WARM = 3;
const ABREAST = 8;
const RECEIPTS = 100;

/** Milliseconds on each, run by run. */
interface Pair {
  sqlite: number[];
  postgres: number[];
}

const clock = systemClock;
const origin = { kind: 'other' as const, id: null, name: 'bench', event: null };
const server = await testPostgres(true);
const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-store-'));
try {
  const bySize: Map<string, Pair>[] = [];
  for (const size of SIZES) {
    const sqlite = await openStore(mkdtempSync(path.join(dir, `${size}-`)), { clock, mustExist: false });
    const options = { clock, mustExist: false, identity: null };
    const postgres = await openPostgresStore(postgresPlace(freshSchema(server)), options);
    try {
      for (const store of [sqlite, postgres]) await fill(store, size);
      bySize.push(await measured({ sqlite, postgres }, size));
    } finally {
      await sqlite.close();
      await postgres.close();
    }
  }
  sayGrowth(bySize);
} finally {
  await releasePostgres();
  rmSync(dir, { recursive: true, force: true });
}

function editionOf(at: number): NewEdition {
  return newEdition({ basename: `product-${Math.floor(at / 4)}`, version: `1.${at % 4}`, revision: 1 });
}

function newReport() {
  return reportOf(randomUUID(), RECEIPTS, randomUUID());
}

async function fill(store: Store, size: number): Promise<void> {
  for (let at = 0; at < size; at += 1) await store.editions.insert(editionOf(at), 'sally');
  const steps = [{ kind: 'wait', args: {} }];
  await store.runs.create(newRun({ id: 'run', origin, by: 'sally', at: clock.now(), steps }));
}

async function measured(stores: { sqlite: Store; postgres: Store }, size: number): Promise<Map<string, Pair>> {
  const works: [string, (store: Store, run: number) => Promise<unknown>][] = [
    ['an edition is added', ({ editions }, run) => editions.insert(editionOf(size + 4 + run), 'sally')],
    [
      'an edition is made live',
      ({ editions }, run) => editions.makeLive(4 * (run + 1), 'sally', { liveId: null, newestId: 4 * (run + 1) }),
    ],
    ['all editions are listed', ({ editions }) => editions.list()],
    ['what a publication is made of is read', ({ publication }) => publication.exclusively(async () => null)],
    [`a report with ${RECEIPTS} receipts is taken`, ({ computers }) => computers.takeReport(newReport())],
    [
      `${ABREAST} reports at once`,
      ({ computers }) => Promise.all(Array.from({ length: ABREAST }, () => computers.takeReport(newReport()))),
    ],
    [
      'a step of a run is saved',
      async ({ runs }) => {
        const run = (await runs.get('run')) as Run;
        await runs.save({ ...run, generation: run.generation + 1 }, run.generation);
      },
    ],
  ];
  const all = new Map<string, Pair>();
  for (const [what, work] of works) {
    const pair: Pair = { sqlite: [], postgres: [] };
    // In turn, so that a machine that drifts drifts for both.
    for (let run = 0; run < WARM + RUNS; run += 1) {
      for (const which of ['sqlite', 'postgres'] as const) {
        const took = await timed(() => work(stores[which], run));
        if (run >= WARM) pair[which].push(took);
      }
    }
    all.set(what, pair);
    const ratio = median(pair.postgres.map((took, at) => took / (pair.sqlite[at] ?? took)));
    const [own, floor] = [median(pair.postgres), median(pair.sqlite)];
    say(
      `${what}, ${size} editions: PostgreSQL ${ratio.toFixed(2)} x SQLite (${own.toFixed(2)} ms; ${floor.toFixed(2)} ms)`,
    );
  }
  return all;
}

function sayGrowth(bySize: readonly Map<string, Pair>[]): void {
  for (const [at, larger] of bySize.entries()) {
    const smaller = bySize[at - 1];
    if (smaller === undefined) continue;
    const times = Number(((SIZES[at] as number) / (SIZES[at - 1] as number)).toFixed(1));
    for (const [what, pair] of larger) {
      const before = smaller.get(what) as Pair;
      const grown = (which: keyof Pair) => (median(pair[which]) / median(before[which])).toFixed(2);
      say(
        `${what}, ${SIZES[at]} editions, ${times} x as many: SQLite ${grown('sqlite')} x, PostgreSQL ${grown('postgres')} x the time`,
      );
    }
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}
