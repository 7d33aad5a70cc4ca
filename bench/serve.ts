/**
 * A served depot of 10,000 editions: machines to which nothing is new, against nginx with the same files and against Node's own
 * server doing nothing, under the same load in turn; and a machine that knows nothing yet, against got and curl fetching the same bytes.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { releasePostgres, testPostgres } from '../test/support/postgres.ts';
import { type Figures, measure, median, medians, say } from './measure.ts';
import {
  type BenchDepot,
  bareNode,
  DATABASES,
  type Loaded,
  load,
  makeDepot,
  nginx,
  type Peer,
  publication,
  sayMachine,
  serve,
  sizes,
  unchanged,
} from './served.ts';

const EDITIONS = 10_000;
const MACHINES = 1000;
const CONNECTIONS = 32;
const ROUNDS = 5;
const FETCHES = 7;
const [REQUESTS = 0] = sizes([20_000]);

const TASK = ['--conditions=d3-source', path.join(import.meta.dirname, 'refresh-task.ts')];

const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-serve-'));
try {
  const server = await testPostgres(true);
  sayMachine();
  for (const on of DATABASES) {
    const depot = await makeDepot(folder, server, { on, editions: EDITIONS, machines: MACHINES });
    const d3 = await serve(depot);
    const peers = [await nginx(folder, depot), await bareNode()].filter((peer) => peer !== null);
    try {
      await unchangedClients(depot, d3, peers);
      await fullFetch(depot, d3);
    } finally {
      for (const peer of [d3, ...peers]) await peer.stop();
    }
  }
} finally {
  await releasePostgres();
  rmSync(folder, { recursive: true, force: true });
}

async function unchangedClients({ keys }: BenchDepot, d3: Peer, peers: readonly Peer[]): Promise<void> {
  const all = [d3, ...peers];
  const rounds: Loaded[][] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const row: Loaded[] = [];
    for (const peer of all) {
      const asked = { ask: await unchanged(peer), keys, connections: CONNECTIONS, isFresh: false };
      row.push(await load(peer, { ...asked, requests: REQUESTS }));
    }
    if (round >= 0) rounds.push(row);
  }
  say(`unchanged clients, ${CONNECTIONS} at once, ${REQUESTS} requests, ${ROUNDS} rounds in turn, medians`);
  const of = (at: number, what: (one: Loaded) => number) => median(rounds.map((row) => what(row[at] as Loaded)));
  for (const [at, peer] of all.entries()) {
    const rate = of(at, ({ requests, seconds }) => requests / seconds);
    say(
      `  ${peer.name}: ${rate.toFixed(0)} requests/s, p99 ${of(at, ({ p99 }) => p99).toFixed(2)} ms, ` +
        `${of(at, ({ cpu }) => cpu).toFixed(0)} us of CPU each, peak ${peer.usage().peak.toFixed(0)} MiB, answer ${of(at, ({ answer }) => answer)} bytes`,
    );
    if (at === 0) continue;
    const ratio = (what: (one: Loaded) => number) =>
      median(rounds.map((row) => what(row[0] as Loaded) / what(row[at] as Loaded))).toFixed(2);
    const rates = ratio(({ requests, seconds }) => requests / seconds);
    say(
      `    ${d3.name} is ${rates} x its requests/s, ${ratio(({ p99 }) => p99)} x its p99, ${ratio(({ cpu }) => cpu)} x its CPU`,
    );
  }
}

/** As whole processes: a machine's refresh, got and curl. */
async function fullFetch(depot: BenchDepot, d3: Peer): Promise<void> {
  const files = publication(depot);
  const urls = files.map((file) => `${d3.url}/${file.path}`);
  const size = files.reduce((sum, file) => sum + file.size, 0) / 1024 ** 2;
  const hasCurl = spawnSync('curl', ['--version']).error === undefined;
  const rounds: { refresh: Figures; got: Figures; curl: number }[] = [];
  for (let round = -1; round < FETCHES; round += 1) {
    const trust = path.join(folder, `trust-${depot.on}-${round}`);
    const refresh = measure([...TASK, 'refresh', d3.url, trust], process.env);
    const got = measure([...TASK, 'got', ...urls], process.env);
    const curl = hasCurl ? curled(urls) : 0;
    if (round >= 0) rounds.push({ refresh, got, curl });
  }
  const [refresh, got] = [medians(rounds.map((one) => one.refresh)), medians(rounds.map((one) => one.got))];
  const ratio = median(rounds.map((one) => one.refresh.wall / one.got.wall));
  say(
    `full fetch of ${EDITIONS} editions (${size.toFixed(1)} MiB) from ${d3.name}, ${FETCHES} rounds in turn, medians`,
  );
  say(`  refresh: ${figures(refresh)}, ${ratio.toFixed(2)} x got of the same bytes`);
  say(`  got: ${figures(got)}`);
  if (!hasCurl) return say('  curl is not here: it is not compared with');
  const curl = median(rounds.map((one) => one.refresh.wall / one.curl));
  say(`  curl: ${median(rounds.map((one) => one.curl)).toFixed(0)} ms wall; refresh ${curl.toFixed(2)} x`);
}

function figures({ wall, cpu, peak }: Figures): string {
  return `${wall.toFixed(0)} ms wall, ${cpu.toFixed(0)} ms cpu, peak ${peak.toFixed(0)} MiB`;
}

/** @returns milliseconds */
function curled(urls: readonly string[]): number {
  const began = performance.now();
  const outputs = urls.flatMap((url) => ['-o', path.join(folder, 'curl'), url]);
  const { status } = spawnSync('curl', ['-sSf', ...outputs], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`curl ended with ${status}`);
  return performance.now() - began;
}
