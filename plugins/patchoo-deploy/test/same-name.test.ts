import { silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { adminPortOf } from '../../../src/admin/plugin-port.ts';
import { withOpened } from '../../../src/admin/session.ts';
import { reportPath } from '../../../src/depot/report-path.ts';
import { noPlugins } from '../../../src/lifecycle/plugins.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { newReport } from '../../../test/depot/helpers.ts';
import { type ServedDepot, serveForTest } from '../../../test/depot/served.ts';
import { keeperFor } from '../src/asking/keeper.ts';
import { assign } from '../src/assign.ts';

const IDS = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'] as const;

describe('two machines that are given one name at the same moment', function () {
  this.timeout(60_000);
  let served: ServedDepot;
  beforeEach(async () => {
    served = await serveForTest({ clock: systemClock });
    for (const id of IDS) {
      const secret = await served.machineKey(id);
      const report = newReport({}, { id, name: `mac-${id.slice(-1)}` });
      const { status } = await served.ask('PUT', `/${reportPath(report)}`, { secret, json: report });
      expect(status).to.be.within(200, 299);
    }
  });
  afterEach(() => served.discard());

  /** Assigns as an admin elsewhere does; `meet` is waited for before anything is written. */
  async function named(id: string, name: string, meet: () => Promise<void> = async () => undefined): Promise<string> {
    const { signal } = new AbortController();
    const depot = await served.remote(await served.token(`admin-${Math.random()}`));
    const rest = { admin: 'sally', clock: systemClock, plugins: noPlugins, report: silentReporter, signal };
    return withOpened(depot, rest, async (session) => {
      const port = adminPortOf(session, served.dir);
      const meeting = {
        ...port,
        documents: (kind: string) => {
          const own = port.documents(kind);
          return {
            ...own,
            create: async (...given: Parameters<typeof own.create>) => {
              await meet();
              return own.create(...given);
            },
            update: own.update.bind(own),
            list: own.list.bind(own),
            byName: own.byName.bind(own),
            get: own.get.bind(own),
          };
        },
      };
      try {
        await assign(id, { name }, meeting, 'Build');
        return 'named';
      } catch (error) {
        return (error as Error).message;
      }
    });
  }

  const names = async () =>
    (await served.depot.store.documents('computer').list())
      .map(({ body }) => (body as unknown as { name: string | null }).name)
      .filter((name) => name !== null);

  it('patchoo:CN-10 both find it free and write it: never both have it, whoever gave it back is told, and can have another', async () => {
    let waiting = 0;
    let open: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const barrier = async () => {
      waiting += 1;
      if (waiting === 2) open();
      await both;
    };
    const ends = await Promise.all(IDS.map((id) => named(id, 'lab-1', barrier)));
    expect(waiting, `both had found it free: ${ends}`).to.equal(2);
    expect((await names()).length).to.be.at.most(1);
    expect(ends.filter((end) => end === 'named').length).to.equal((await names()).length);
    expect(ends.filter((end) => /was named lab-1 at the same moment/.test(end)).length).to.be.at.least(1);
    const loser = IDS[ends.findIndex((end) => end !== 'named')] as string;
    expect(await named(loser, 'lab-2')).to.equal('named');
    expect(await names()).to.include('lab-2');
  });

  it('patchoo:CN-10 where another server keeps the records, a name that somebody took meanwhile is given back', async () => {
    const written: unknown[] = [];
    let taken = false;
    const provisioning = {
      resolve: async () => ({ record: { id: '1', name: 'old' } }),
      named: async () => ({ record: taken ? { id: '2', name: 'Lab-1' } : null }),
      choices: async () => null,
      write: async (change: { name?: string }) => {
        written.push(change);
        taken = true;
        return { record: { id: '1', name: change.name, attributes: {} } };
      },
    };
    const machine = { facts: async () => ({ name: 'old', serial: 'C02A' }) };
    const keeper = await keeperFor({
      ports: { machine, provisioning } as never,
      context: {} as never,
      buildAttribute: 'Build',
      word: null,
      stored: true,
    });
    const end = await keeper.write({ name: 'lab-1', values: { department: 'Art' } }, null).then(
      () => 'written',
      (error: Error) => error.message,
    );
    expect(end).to.equal('Another computer was named lab-1 at the same moment.');
    expect(written).to.deep.equal([{ name: 'lab-1', department: 'Art' }, { name: 'old' }]);
  });
});
