import { expect } from 'chai';
import type { Store } from '../../src/depot/index.ts';
import { registerKinds } from '../../src/depot/kinds.ts';
import { postgresPlace } from '../../src/depot/store/postgres-place.ts';
import { openPostgresStore } from '../../src/depot/store/postgres-store.ts';
import { newRun } from '../../src/runs/make.ts';
import type { Run } from '../../src/runs/types.ts';
import { freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';
import { newEdition, newReport, TestClock } from './helpers.ts';

const ROUNDS = 4;
const WRITERS = 6;

describe('a PostgreSQL that is killed with kill -9 under load', function () {
  this.timeout(180_000);
  let server: TestServer;
  before(async function () {
    registerKinds();
    server = await testPostgres();
    if (server.own === null) this.skip();
  });
  after(releasePostgres);

  it('loses nothing that was acknowledged, keeps nothing half, and is gone on with over the same handles', async () => {
    const { own } = server;
    if (own === null) throw new Error('it is our own');
    const clock = new TestClock();
    const url = freshSchema(server);
    const open = () => openPostgresStore(postgresPlace(url), { clock, mustExist: false, identity: null });
    const stores = [await open(), await open()];
    const said = { editions: new Set<string>(), groups: new Set<string>(), reports: new Set<string>(), lines: 0 };
    let revision = 0;
    const run = newRun({
      id: 'run',
      origin: { kind: 'other', id: null, name: 'test', event: null },
      by: 'sally',
      at: clock.now(),
      steps: [{ kind: 'wait', args: {} }],
    });
    await (stores[0] as Store).runs.create(run);
    let generation = 1;
    const failures: unknown[] = [];
    const load = { stop: false };

    const jobs: ((store: Store) => Promise<void>)[] = [
      async ({ editions }) => {
        revision += 1;
        said.editions.add((await editions.insert(newEdition({ revision }), 'a')).edition);
      },
      async (store) => {
        const name = `group ${Math.random()}`;
        await store
          .documents('group')
          .create(name, { schema: 'd3/group@1', kind: 'static', description: '', members: [] }, 'a');
        said.groups.add(name);
      },
      async ({ computers }) => {
        const report = newReport(
          {},
          { id: `0b9f2c9e-1111-4222-8333-${String(Math.floor(Math.random() * 1e12)).padStart(12, '0')}` },
        );
        if (await computers.takeReport(report)) said.reports.add(report.run);
      },
      async ({ runs }) => {
        const now = (await runs.get('run')) as Run;
        if (await runs.save({ ...now, text: `${now.generation + 1}`, generation: now.generation + 1 }, now.generation))
          generation = Math.max(generation, now.generation + 1);
      },
      async ({ runs }) => {
        await runs.append('run', [{ at: '2030-01-01T00:00:00.000Z', step: null, text: 'line' }]);
        said.lines += 1;
      },
    ];
    const writer = async (index: number) => {
      for (let turn = index; !load.stop; turn += 1) {
        try {
          await (jobs[turn % jobs.length] as (typeof jobs)[number])(stores[turn % stores.length] as Store);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        load.stop = false;
        const before = said.editions.size;
        const writing = Array.from({ length: WRITERS }, (_, index) => writer(index));
        while (said.editions.size < before + 10) await new Promise((resolve) => setTimeout(resolve, 5));
        await own.kill();
        load.stop = true;
        await own.start();
        await Promise.all(writing);
        await expectKept(stores[round % 2] as Store, said, generation);
      }
      expect(failures.length).to.be.greaterThan(0);
      for (const failure of failures) {
        expect(failure).to.have.property('exit', 'depotUnreachable');
        expect(failure).to.have.property('code').that.is.oneOf(['DATABASE_UNREACHABLE', 'CHANGE_UNKNOWN']);
      }
    } finally {
      load.stop = true;
      await Promise.all(stores.map((store) => store.close()));
    }
  });

  async function expectKept(
    store: Store,
    said: { editions: Set<string>; groups: Set<string>; reports: Set<string>; lines: number },
    generation: number,
  ): Promise<void> {
    const editions = await store.editions.list();
    const names = editions.map(({ edition }) => edition);
    expect([...said.editions].filter((name) => !names.includes(name))).to.deep.equal([]);
    const groups = (await store.documents('group').list()).map(({ name }) => name);
    expect([...said.groups].filter((name) => !groups.includes(name))).to.deep.equal([]);
    const reports: string[] = [];
    for await (const report of store.computers.newestReports()) {
      reports.push(report.run);
      expect(await store.computers.receipts(report.computer.id), report.run).to.have.length(1);
    }
    expect([...said.reports].filter((run) => !reports.includes(run))).to.deep.equal([]);
    const run = (await store.runs.get('run')) as Run;
    expect(run.generation).to.be.at.least(generation);
    if (run.generation > 1) expect(run.text).to.equal(`${run.generation}`);
    expect((await store.runs.lines('run')).length).to.be.at.least(said.lines);
    // A change, its event and its count are one.
    const added = await store.history.list({ what: 'edition.added' });
    expect(added.map(({ target }) => target.name).toSorted()).to.deep.equal(names.toSorted());
    const made = await store.history.list({ what: 'document.created' });
    expect(made.length).to.equal(groups.length);
    expect(await store.publication.generation()).to.equal(added.length + made.length);
  }
});
