import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Depot, initDepot, openDepot } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { newRun } from '../../src/runs/make.ts';
import type { Run } from '../../src/runs/types.ts';
import { d3, d3Program } from '../cli/spawn.ts';
import { inFolder } from '../depot/helpers.ts';
import { ask, dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';

/** Says when it begins and ends, and when another one of the same run is under way. */
const SCRIPT = `#!/bin/sh
file="$4"
if [ -f "$file.pid" ] && kill -0 "$(cat "$file.pid")" 2>/dev/null; then echo "TWICE $5" >> "$file"; fi
echo $$ > "$file.pid"
echo "begin $5" >> "$file"
sleep "$6"
echo "end $5" >> "$file"
rm -f "$file.pid"
`;
const STEPS = 3;

interface Scene {
  dir: string;
  depot: Depot;
  env: Record<string, string>;
  /** Makes runs whose steps take so long. */
  make: (count: number, seconds: string) => Promise<string[]>;
  log: (id: string) => string[];
}

describe('workers of a depot', function () {
  this.timeout(240_000);
  let server: TestServer;
  before(async () => {
    server = await testPostgres();
  });
  after(releasePostgres);

  async function inScene(kind: 'PostgreSQL' | 'SQLite', work: (scene: Scene) => Promise<void>): Promise<void> {
    const url = kind === 'PostgreSQL' ? freshSchema(server) : null;
    await inFolder(async (dir) => {
      const database = url === null ? null : { url, password: null };
      const home = join(dir, 'depot');
      const logs = join(dir, 'logs');
      await mkdir(logs);
      await initDepot(home, { clock: systemClock, database });
      const depot = await openDepot(home, { clock: systemClock, database });
      const { sha256 } = await depot.blobs.put(Buffer.from(SCRIPT));
      const log = (id: string) => join(logs, id);
      try {
        await work({
          dir,
          depot,
          env: { D3_DEPOT: home, ...(url === null ? {} : { D3_DEPOT_DATABASE: url }) },
          log: (id) => (existsSync(log(id)) ? readFileSync(log(id), 'utf8').trim().split('\n') : []),
          async make(count, seconds) {
            const ids = Array.from({ length: count }, (_, index) => `run-${index}`);
            for (const id of ids) {
              const steps = Array.from({ length: STEPS }, (_, index) => ({
                kind: 'script',
                args: { script: { name: 'mark', sha256 }, parameters: [log(id), `${index}`, seconds] },
              }));
              const origin = { kind: 'other' as const, id: null, name: id, event: null };
              await depot.store.runs.create(newRun({ id, origin, by: 'sally', at: new Date(), steps }));
            }
            return ids;
          },
        });
      } finally {
        await depot.close();
      }
    });
    if (url !== null) await dropSchema(url);
  }

  function worker(env: Record<string, string>, argv: readonly string[]): ChildProcess {
    const [program = '', ...first] = d3Program;
    const { PATH = '', HOME = '' } = process.env;
    return spawn(program, [...first, 'run', 'worker', ...argv], {
      env: { PATH, HOME, XDG_DATA_HOME: '/nonexistent', NODE_DISABLE_COMPILE_CACHE: '1', ...env },
      stdio: 'ignore',
      detached: true,
    });
  }

  const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null;

  async function ended(child: ChildProcess): Promise<void> {
    if (!hasEnded(child)) await once(child, 'exit');
  }

  /** A step that is done is not run again, they come in order, and no two are under way at once. */
  function expectInOrder(run: Run, lines: readonly string[]): void {
    expect(run.state, `${run.id}: ${run.text}`).to.equal('done');
    expect(lines.join(), run.id).to.not.include('TWICE');
    const begins = lines.filter((line) => line.startsWith('begin')).map((line) => Number(line.slice(6)));
    expect(begins, run.id).to.deep.equal(begins.toSorted());
    expect(begins.length, run.id).to.be.within(
      STEPS,
      run.steps.reduce((sum, { attempts }) => sum + attempts, 0),
    );
    for (let step = 0; step < STEPS; step += 1) expect(lines, run.id).to.include(`end ${step}`);
  }

  for (const kind of ['PostgreSQL', 'SQLite'] as const) {
    it(`on ${kind}, killed at random, lose no run and run no step twice at once`, () =>
      inScene(kind, async ({ depot, env, make, log }) => {
        const ids = await make(10, '0.5');
        const argv = ['--lease', '5', '--jobs', '2'];
        const workers = Array.from({ length: 3 }, () => worker(env, argv));
        let kills = 0;
        let busyKills = 0;
        const until = Date.now() + 150_000;
        try {
          for (let seed = 1; Date.now() < until; seed = (seed * 16_807) % 2_147_483_647) {
            if ((await depot.store.runs.list({ open: true })).length === 0) break;
            await sleep(1200 + (seed % 1500));
            const index = seed % workers.length;
            const victim = workers[index] as ChildProcess;
            if (kills >= 12) continue;
            const held = (await depot.store.runs.list({ open: true })).filter(({ lease }) => lease !== null).length;
            process.kill(-(victim.pid as number), 'SIGKILL');
            await ended(victim);
            kills += 1;
            if (held > 0) busyKills += 1;
            workers[index] = worker(env, argv);
          }
          const runs = await depot.store.runs.list();
          expect(runs.map(({ id }) => id).toSorted()).to.deep.equal(ids.toSorted());
          for (const run of runs) expectInOrder(run, log(run.id));
          expect(kills).to.be.greaterThan(3);
          expect(busyKills).to.be.greaterThan(1);
          expect(runs.some(({ leases }) => leases > 1)).to.equal(true);
        } finally {
          for (const each of workers) {
            if (!hasEnded(each)) process.kill(each.pid as number, 'SIGTERM');
          }
          await Promise.all(workers.map(ended));
        }
      }));
  }

  it('share the runs: each of several has some of them, and each run is one’s', () =>
    inScene('PostgreSQL', async ({ depot, env, make, log }) => {
      const ids = await make(12, '0.6');
      const ends = await Promise.all(
        Array.from({ length: 3 }, () => d3(['run', 'worker', '--once', '--jobs', '1', '--json'], { env })),
      );
      for (const { code, stderr } of ends) expect(code, stderr).to.equal(0);
      const taken = ends.map(({ stdout }) => JSON.parse(stdout).result.taken as number);
      for (const count of taken) expect(count, taken.join()).to.be.greaterThan(0);
      for (const id of ids) {
        const run = (await depot.store.runs.get(id)) as Run;
        expectInOrder(run, log(id));
        expect(run.steps.map(({ attempts }) => attempts)).to.deep.equal([1, 1, 1]);
      }
    }));

  it('a script ends with its worker when that is killed, and is not left beside the next one', () =>
    inScene('SQLite', async ({ env, make, log }) => {
      const [id = ''] = await make(1, '30');
      const one = worker(env, []);
      for (let tries = 0; log(id).length === 0 && tries < 300; tries += 1) await sleep(50);
      expect(log(id)).to.deep.equal(['begin 0']);
      const pid = Number(readFileSync(join(env['D3_DEPOT'] ?? '', '../logs', `${id}.pid`), 'utf8'));
      expect(isAlive(pid)).to.equal(true);
      process.kill(one.pid as number, 'SIGKILL');
      await ended(one);
      for (let tries = 0; isAlive(pid) && tries < 40; tries += 1) await sleep(50);
      expect(isAlive(pid)).to.equal(false);
    }));

  it('one that is asked to stop leaves its run to the next at once', () =>
    inScene('PostgreSQL', async ({ depot, env, make, log }) => {
      const [id = ''] = await make(1, '1');
      const one = worker(env, ['--lease', '600']);
      for (let tries = 0; log(id).length === 0 && tries < 300; tries += 1) await sleep(50);
      process.kill(one.pid as number, 'SIGTERM');
      await ended(one);
      expect(one.exitCode).to.equal(143);
      expect((await depot.store.runs.get(id))?.lease).to.equal(null);
      const next = await d3(['run', 'worker', '--once'], { env });
      expect(next.code, next.stderr).to.equal(0);
      expectInOrder((await depot.store.runs.get(id)) as Run, log(id));
    }));

  it('go on after the database was killed and started again, and no step ran twice at once', async function () {
    const { own } = server;
    if (own === null) this.skip();
    await inScene('PostgreSQL', async ({ depot, env, make, log }) => {
      const ids = await make(4, '1');
      const argv = ['--lease', '6', '--jobs', '2'];
      const workers = [worker(env, argv), worker(env, argv)];
      try {
        // Both: one that finds no database when it starts says so and ends.
        const busy = async () =>
          new Set((await depot.store.runs.list({ open: true })).flatMap(({ lease }) => lease?.owner ?? [])).size > 1;
        for (let tries = 0; !(await busy()) && tries < 600; tries += 1) await sleep(50);
        expect(await busy()).to.equal(true);
        for (let round = 0; round < 2; round += 1) {
          await own.kill();
          // Longer than a lease: whoever comes back must not think that it still holds one.
          await sleep(round === 0 ? 300 : 8000);
          await own.start();
          await sleep(2500);
        }
        const open = async () => (await depot.store.runs.list({ open: true })).length;
        for (let tries = 0; (await open()) > 0 && tries < 300; tries += 1) await sleep(200);
        expect(workers.map(hasEnded)).to.deep.equal([false, false]);
        for (const id of ids) expectInOrder((await depot.store.runs.get(id)) as Run, log(id));
      } finally {
        for (const each of workers) if (!hasEnded(each)) process.kill(each.pid as number, 'SIGTERM');
        await Promise.all(workers.map(ended));
      }
    });
  });

  it('a job that is lost, and one too many, change nothing: the record decides', () =>
    inScene('PostgreSQL', async ({ depot, env, make, log }) => {
      const [id = ''] = await make(1, '0');
      const url = env['D3_DEPOT_DATABASE'] ?? '';
      const jobs = `${new URL(url).searchParams.get('schema')}_jobs`;
      const first = await d3(['run', 'worker', '--once'], { env });
      expect(first.code, first.stderr).to.equal(0);
      expectInOrder((await depot.store.runs.get(id)) as Run, log(id));
      const lines = log(id);
      await ask(
        url,
        `insert into ${jobs}.job (name, data, singleton_key, policy) values ('advance-run', '{"run":"${id}"}', null, 'short'),
           ('advance-run', '{"run":"never-was"}', 'x', 'short')`,
      );
      const again = await d3(['run', 'worker', '--once'], { env });
      expect(again.code, again.stderr).to.equal(0);
      expect(log(id)).to.deep.equal(lines);
    }));

  it('a lease too short to be kept is refused', async () => {
    const { code, stdout } = await d3(['run', 'worker', '--lease', '1', '--json']);
    expect([code, JSON.parse(stdout).errors[0].code]).to.deep.equal([2, 'LEASE_SHORT']);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
