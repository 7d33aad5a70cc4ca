/**
 * Machines arrive at a served depot: each on a connection of its own, with its own key, to ask once whether there is anything new;
 * against nginx with the same files. Growth: 1,000 and 10,000, or as many as the arguments say.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { releasePostgres, testPostgres } from '../test/support/postgres.ts';
import { say } from './measure.ts';
import { countWrites, DATABASES, load, makeDepot, nginx, sayMachine, serve, sizes, unchanged } from './served.ts';

const EDITIONS = 1000;
const ABREAST = 100;
/** Milliseconds in which the server has written down for sure whom it heard of. */
const ROUND = 75_000;

const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-arrivals-'));
const server = await testPostgres(true);
try {
  sayMachine();
  for (const on of DATABASES) {
    const each: { machines: number; cpu: number }[] = [];
    for (const machines of sizes([1_000, 10_000])) each.push({ machines, cpu: await arrive(on, machines) });
    const [first, last] = [each[0], each.at(-1)];
    if (first === undefined || last === undefined || first === last) continue;
    say(
      `growth on ${on}: ${last.machines / first.machines} x the machines cost ${(last.cpu / first.cpu).toFixed(2)} x the CPU for each`,
    );
  }
} finally {
  await releasePostgres();
  rmSync(folder, { recursive: true, force: true });
}

/** @returns microseconds of CPU for each */
async function arrive(on: (typeof DATABASES)[number], machines: number): Promise<number> {
  const depot = await makeDepot(folder, server, { on, editions: EDITIONS, machines });
  const d3 = await serve(depot);
  const peer = await nginx(folder, depot);
  try {
    const asked = async (from: typeof d3) => ({ ask: await unchanged(from), keys: depot.keys });
    const arriving = { connections: ABREAST, isFresh: true, requests: machines };
    const writes = await countWrites(depot);
    const before = d3.usage();
    const own = await load(d3, { ...(await asked(d3)), ...arriving });
    const during = await writes.count();
    const after = d3.usage();
    say(
      `${machines} machines arrive at ${d3.name}, ${ABREAST} at once: ${(own.requests / own.seconds).toFixed(0)}/s, p99 ${own.p99.toFixed(1)} ms, ` +
        `${(after.cpu - before.cpu).toFixed(2)} s of CPU (${own.cpu.toFixed(0)} us each), peak ${after.peak.toFixed(0)} MiB (${before.peak.toFixed(0)} before), ${during} writing transactions`,
    );
    if (peer !== null) {
      const theirs = await load(peer, { ...(await asked(peer)), ...arriving });
      const ratio = (own.requests / own.seconds / (theirs.requests / theirs.seconds)).toFixed(2);
      say(
        `  ${ratio} x nginx (${(theirs.requests / theirs.seconds).toFixed(0)}/s), ${(own.p99 / theirs.p99).toFixed(2)} x its p99 (${theirs.p99.toFixed(1)} ms), ` +
          `${(own.cpu / theirs.cpu).toFixed(2)} x its CPU (${theirs.cpu.toFixed(0)} us each)`,
      );
    }
    // Somebody goes on asking while the others are written down.
    const written = (async () => {
      for (const until = Date.now() + ROUND; Date.now() < until; await sleep(500)) {
        if ((await writes.count()) > during) break;
      }
      await sleep(1000);
    })();
    const one = { connections: 1, isFresh: false, requests: { pause: 5 } };
    const probe = await load(d3, { ...(await asked(d3)), ...one }, written);
    const total = await writes.count();
    say(
      `  then they are written down: ${total - during} writing transactions; who asks meanwhile waits ${probe.longest.toFixed(0)} ms at most (median ${probe.p50.toFixed(1)} ms)`,
    );
    writes.end();
    return own.cpu;
  } finally {
    await d3.stop();
    await peer?.stop();
    // The next size begins with its own.
    rmSync(depot.dir, { recursive: true, force: true });
    rmSync(path.join(folder, `nginx-${on}`), { recursive: true, force: true });
  }
}
