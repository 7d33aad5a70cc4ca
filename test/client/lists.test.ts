import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import { detailsOf } from '../../src/client/details.ts';
import { indexOf, listInstalled } from '../../src/client/lists.ts';
import { filesOf, ownersOf } from '../../src/client/package-files.ts';
import type { Machine } from '../../src/client/run.ts';
import { StateReader } from '../../src/client/state/state.ts';
import type { TrustedCatalog } from '../../src/depot/contract.ts';
import { problemsOf } from '../support/errors.ts';
import { availableTo } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('what a machine lists', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const trusted = async () => (await machine.machine.depot?.refresh()) as TrustedCatalog;
  const nothingKept = async () => null;

  it('is empty on an empty root, and nothing is made there', async () => {
    const before = machine.everything();
    for (const kind of ['installed', 'pilots', 'frozen', 'manual'] as const) {
      const kept = () => machine.machine.depot?.kept() as Promise<null>;
      expect(await listInstalled(machine.machine.paths, kind, kept)).to.deep.equal({
        receipts: [],
        interrupted: [],
        underWay: [],
      });
    }
    machine.reading((state) => expect(ownersOf('/opt/tool', state, null)).to.deep.equal([]));
    expect(machine.everything()).to.deep.equal(before);
  });

  it('is told from the receipts, without a depot', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('pilot', '1');
    await sandbox.add('auto', '1', { live: true, autoGroups: 'standard' });
    await machine.install(['tool'], { freeze: true });
    await machine.pilot(['pilot-1-1']);
    await machine.sync();
    const editions = async (kind: Parameters<typeof listInstalled>[1]) =>
      (await listInstalled(machine.machine.paths, kind, nothingKept)).receipts.map(({ edition }) => edition);
    expect(await editions('installed')).to.deep.equal(['auto-1-1', 'pilot-1-1', 'tool-1-1']);
    expect(await editions('pilots')).to.deep.equal(['pilot-1-1']);
    expect(await editions('frozen')).to.deep.equal(['tool-1-1']);
    expect(await editions('manual')).to.deep.equal(['pilot-1-1', 'tool-1-1']);
    const { receipts } = await listInstalled(machine.machine.paths, 'installed', () => trusted());
    expect(receipts.map(({ status }) => status)).to.deep.equal(['live', 'pilot', 'live']);
  });

  it('says that an edition is missing which the depot does not have any more', async () => {
    const { edition } = await sandbox.add('tool', '1');
    await machine.pilot(['tool-1-1']);
    await sandbox.admin((session) => deleteEdition(edition, {}, session));
    const { receipts } = await listInstalled(machine.machine.paths, 'installed', () => trusted());
    expect(receipts.map(({ status }) => status)).to.deep.equal(['missing']);
  });

  it('says which live editions this machine may have, and with "all" every one', async () => {
    await sandbox.add('any', '1', { live: true });
    await sandbox.add('other-os', '1', { live: true, oses: 'plan9 4' });
    await sandbox.add('pilot', '1');
    await machine.install(['any']);
    const rows = await availableTo(machine.machine, await trusted());
    expect(rows.map(({ basename, installed }) => [basename, installed])).to.deep.equal([['any', true]]);
    const all = await availableTo(machine.machine, await trusted(), true);
    expect(all.map(({ basename }) => basename)).to.deep.equal(['any', 'other-os']);
  });

  it('says so of packages for dpkg and of disk images too, where the machine can install them', async () => {
    await sandbox.add('any', '1', { live: true });
    const { catalog, ...rest } = await trusted();
    const editions = catalog.editions.map((one) => ({
      ...one,
      requires: ['deb'],
      file: { ...one.file, format: 'deb' as const },
    }));
    const has = async (formats: Machine['formats']) =>
      (await availableTo({ ...machine.machine, formats }, { ...rest, catalog: { ...catalog, editions } })).length;
    expect([await has(['pkg', 'deb']), await has(['pkg'])]).to.deep.equal([1, 0]);
  });

  it('depot3:BUG-19 details show the edition that is installed beside the one in the depot', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { live: true });
    const index = indexOf(await trusted());
    const details = detailsOf('tool', index, machine.receipts());
    expect(details.receipt?.edition).to.equal('tool-1-1');
    expect(details.edition?.edition).to.equal('tool-2-1');
    expect(detailsOf('tool-2-1', index, machine.receipts()).receipt?.edition).to.equal('tool-1-1');
    expect(detailsOf('tool', null, machine.receipts()).receipt?.edition, 'without a depot').to.equal('tool-1-1');
    expect(() => detailsOf('nothing', index, [])).to.throw(/neither installed here nor in the depot/);
  });

  it('names files as installed, else as the depot lists them, and whose a path is', async () => {
    await sandbox.add('tool', '1', {
      payload: { 'bin/run': 'x', 'empty/': '' },
      installLocation: '/opt/tool',
      live: true,
    });
    const index = indexOf(await trusted());
    const { depot } = machine.machine;
    const list = async (target: string) => {
      const state = StateReader.open(machine.machine.paths);
      return filesOf(target, state, index, depot).finally(() => state.close());
    };
    const offered = { target: 'tool', edition: 'tool-1-1', installed: false, files: ['/opt/tool/bin/run'] };
    expect(await list('tool')).to.deep.equal(offered);
    await machine.install(['tool']);
    expect(await list('tool')).to.deep.equal({ ...offered, installed: true });
    machine.reading((reader) => {
      expect(ownersOf('/opt/tool/bin/run', reader, index)).to.deep.equal([
        { path: '/opt/tool/bin/run', edition: 'tool-1-1', status: 'live', installed: true },
      ]);
      expect(ownersOf('/opt/tool/empty/', reader, index)).to.have.length(1);
      expect(ownersOf('/opt', reader, null)).to.deep.equal([]);
      expect(() => ownersOf('opt/tool', reader, null)).to.throw(/no absolute path/);
    });
    const { problems } = await problemsOf(list('nothing'));
    expect(problems[0]?.exit).to.equal('notFound');
  });
});
