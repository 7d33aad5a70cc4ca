import { silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { type LocalDepot, moveDepot, openDepot } from '../../src/depot/index.ts';
import { Views } from '../../src/depot/views/views.ts';
import { type Fleet, makeFleet } from '../support/fleet.ts';
import { dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';

/** What the page is told does not depend on where the store is: the same fleet on SQLite and on PostgreSQL. */
describe('the page on PostgreSQL', function () {
  this.timeout(120_000);
  let postgres: TestServer;
  let url: string;
  let fleet: Fleet;
  const depots: LocalDepot[] = [];
  const views: Views[] = [];

  before(async () => {
    postgres = await testPostgres();
    url = freshSchema(postgres);
    fleet = await makeFleet(Date.UTC(2030, 5, 30, 12));
    const { sandbox } = fleet;
    const { clock } = sandbox;
    const taking = await openDepot(sandbox.depot, { clock });
    await taking.takeInbox();
    await taking.close();
    const moved = sandbox.copyDepot('moved');
    const signal = new AbortController().signal;
    const where = { dir: moved, database: null, to: url, password: null, dryRun: false };
    await moveDepot({ ...where, report: silentReporter, signal });
    depots.push(await openDepot(sandbox.depot, { clock }));
    depots.push(await openDepot(moved, { clock, database: { url, password: null } }));
    views.push(...depots.map((depot) => new Views(depot, clock)));
  });
  after(async () => {
    await Promise.all(depots.map((depot) => depot.close()));
    fleet?.sandbox.remove();
    if (url !== undefined) await dropSchema(url);
    await releasePostgres();
  });

  /** @returns the answer, when both give the same */
  async function both<Answer>(ask: (view: Views) => Promise<Answer>): Promise<Answer> {
    const [sqlite, onPostgres] = await Promise.all(views.map(ask));
    expect(onPostgres).to.deep.equal(sqlite);
    expect(JSON.stringify(onPostgres)).to.equal(JSON.stringify(sqlite));
    return sqlite as Answer;
  }

  it('gives the overview, the packages, the queue and the runs as SQLite does', async () => {
    const overview = await both((view) => view.overview());
    expect([overview.computers, overview.failing, overview.blocked]).to.deep.equal([10, 1, 3]);
    expect((await both((view) => view.basenames())).basenames).to.have.length(6);
    expect((await both((view) => view.queue())).entries).to.have.length(8);
    expect((await both((view) => view.runs())).runs).to.have.length(1);
    expect((await both((view) => view.run(fleet.run))).lines).to.have.length(1);
  });

  it('gives every edition’s spread and its curve as SQLite does', async () => {
    const editions = (await depots[0]?.store.editions.list()) ?? [];
    expect(editions.length).to.be.greaterThan(8);
    let points = 0;
    for (const { id } of editions) points += (await both((view) => view.spread(id))).series.length;
    expect(points).to.be.greaterThan(100);
  });

  it('gives the machines, what is searched among them, and each one’s story as SQLite does', async () => {
    const { computers } = await both((view) => view.computers(''));
    expect(computers).to.have.length(10);
    for (const { id } of computers) await both((view) => view.computer(id));
    // Letters of any case, markup, what SQL would take for its own.
    for (const search of ['DORA', 'ada mac', '<img', '%', '_', "'", '\\', 'C02X3', '15.5', 'zzz'])
      await both((view) => view.computers(search));
    expect((await both((view) => view.computers('DORA'))).total).to.equal(1);
    expect((await both((view) => view.computers('%'))).total).to.equal(0);
  });
});
