import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { editEdition } from '../../src/admin/edit.ts';
import { addGroup, changeMembers } from '../../src/admin/groups.ts';
import { loadSettings } from '../../src/config/layers.ts';
import { DEFAULT_SETTINGS } from '../../src/config/settings.ts';
import { availableTo, depotWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** Who gets what, and what an edition's attributes do on a machine. */
describe('what a machine is meant to have', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { os: { name: 'macOS', version: '15.6' }, cpu: 'arm64' });
  });
  afterEach(() => sandbox.remove());

  const group = async (name: string, ...members: string[]) => {
    for (const member of members) await sandbox.machineAt(path.join(sandbox.dir, member)).sync();
    return sandbox.admin((session) => addGroup(name, '', members, session));
  };
  const deleteGroup = (id: number) =>
    sandbox.admin(async (session) => {
      const groups = session.depot.store.documents('group');
      await groups.remove(id, (await groups.get(id))?.generation ?? 0, 'sally');
      await session.depot.publish();
    });
  const installed = () => machine.receipts().map(({ edition }) => edition);
  const available = async () => {
    const kept = await machine.machine.depot?.kept();
    if (kept === null || kept === undefined) throw new Error('no catalog is kept');
    return (await availableTo(machine.machine, kept)).map(({ edition }) => edition);
  };
  const unreachable = () =>
    machine.with({
      depot: depotWith(machine.machine, {
        refresh: async () => Promise.reject(new D3Error('DEPOT', 'depotUnreachable', 'it is away')),
      }),
    });

  it('depot3:G07 comes by its groups and by standard, which is every machine; never what has a receipt already', async () => {
    await group('lab', 'mac-a');
    await group('others');
    await sandbox.add('for-all', '1', { autoGroups: 'standard', live: true });
    await sandbox.add('for-lab', '1', { autoGroups: 'lab', live: true });
    await sandbox.add('for-others', '1', { autoGroups: 'others', live: true });
    await sandbox.add('for-both', '1', { autoGroups: 'lab,others,standard', live: true });
    const result = await machine.sync();
    expect(result.exit).to.equal(0);
    expect(installed()).to.deep.equal(['for-all-1-1', 'for-both-1-1', 'for-lab-1-1']);
    expect(machine.receipts().map(({ admin, manual }) => `${admin} ${manual}`)).to.deep.equal(
      Array(3).fill('auto-installed false'),
    );
    expect((await machine.sync()).outcomes.filter(({ status }) => status === 'installed')).to.deep.equal([]);
  });

  it('depot3:G08 stays when the machine leaves the group, or is excluded later', async () => {
    await group('lab', 'mac-a');
    await group('kiosks');
    await sandbox.add('tool', '1', { autoGroups: 'lab', live: true });
    await machine.sync();
    await sandbox.admin((session) => changeMembers('lab', { add: [], remove: ['mac-a'] }, session));
    await sandbox.admin((session) => changeMembers('kiosks', { add: ['mac-a'], remove: [] }, session));
    await sandbox.admin((session) => editEdition('tool-1-1', { excludedGroups: 'kiosks' }, session));
    expect((await machine.sync()).exit).to.equal(0);
    expect(installed()).to.deep.equal(['tool-1-1']);
    expect(machine.exists('opt/tool/version')).to.equal(true);
  });

  it('depot3:E03 is not what it is excluded from: hidden and refused, also by what is kept while the depot is away', async () => {
    await group('kiosks', 'mac-a');
    await sandbox.add('game', '1', { excludedGroups: 'kiosks', autoGroups: 'standard', live: true });
    await sandbox.add('tool', '1', { live: true });
    await machine.sync();
    expect(installed()).to.deep.equal([]);
    expect(await available()).to.deep.equal(['tool-1-1']);
    rmSync(sandbox.depot, { recursive: true });
    expect(await available(), 'without the depot').to.deep.equal(['tool-1-1']);
    expect(
      (await unreachable()
        .sync()
        .catch((error: D3Error) => error)) as D3Error,
    ).to.have.property('exitCode', 20);
  });

  it('depot3:E03 is refused by name (30) in an excluded group, by the membership of now; force lifts it', async () => {
    await group('kiosks', 'mac-a');
    await sandbox.add('game', '1', { excludedGroups: 'kiosks', live: true });
    const refused = await machine.install(['game']);
    expect(refused.exit).to.equal(30);
    expect(refused.outcomes[0]?.problem?.code).to.equal('EXCLUDED');
    expect((await machine.install(['game'], { force: true })).exit).to.equal(0);
    await machine.uninstall(['game']);
    await sandbox.admin((session) => changeMembers('kiosks', { add: [], remove: ['mac-a'] }, session));
    expect((await machine.install(['game'])).exit).to.equal(0);
  });

  it('depot3:BUG-62 is not changed by groups that were deleted: they exclude nobody, bring nothing, and are warned of', async () => {
    const lab = await group('lab', 'mac-a');
    const kiosks = await group('kiosks', 'mac-a');
    await sandbox.add('auto', '1', { autoGroups: 'lab', live: true });
    await sandbox.add('game', '1', { excludedGroups: 'kiosks', live: true });
    await sandbox.add('other', '1', { autoGroups: 'standard', live: true });
    for (const id of [lab.id, kiosks.id]) await deleteGroup(id);
    const result = await machine.sync();
    expect(result.exit).to.equal(0);
    expect(installed()).to.deep.equal(['other-1-1']);
    expect(result.warnings.join())
      .to.include(`auto-1-1 names group ${lab.id}`)
      .and.include(`game-1-1 names group ${kiosks.id}`);
    expect((await machine.install(['game', 'auto'])).exit).to.equal(0);
    await sandbox.admin((session) => editEdition('game-1-1', { excludedGroups: 'none' }, session));
    expect((await machine.sync()).warnings.join()).to.not.include('game-1-1');
  });

  it('depot3:B21 depot3:B22 depot3:E02 is for its system and processor only, before anything else and with force too', async () => {
    const fits: Record<string, Parameters<Sandbox['add']>[2]> = {
      'any-1-1': {},
      'later-1-1': { oses: '>=10.9.5' },
      'line-1-1': { oses: '13, 15.x' },
      'arm-1-1': { cpu: 'aarch64' },
    };
    const not: Record<string, Parameters<Sandbox['add']>[2]> = {
      'future-1-1': { oses: '>=27' },
      'past-1-1': { oses: '10.9.x,14' },
      'linux-1-1': { oses: 'ubuntu 24.04,like debian' },
      'intel-1-1': { cpu: 'intel' },
    };
    for (const [name, options] of Object.entries({ ...fits, ...not }))
      await sandbox.add(name.split('-')[0] as string, '1', { ...options, autoGroups: 'standard', live: true });
    expect((await machine.sync()).exit).to.equal(0);
    expect(installed()).to.deep.equal(Object.keys(fits).toSorted());
    for (const edition of Object.keys(not)) {
      const result = await machine.install([edition], { force: true });
      expect(result.exit, edition).to.equal(30);
      expect(result.outcomes[0]?.problem?.code, edition).to.equal(edition === 'intel-1-1' ? 'WRONG_CPU' : 'WRONG_OS');
    }
    expect(existsSync(machine.machine.paths.packages) ? machine.leavings() : []).to.deep.equal([]);
    const os = { name: 'linuxmint', version: '22', like: ['ubuntu', 'debian'] };
    const mint = sandbox.machine('mint', { os, cpu: 'amd64' });
    await mint.sync();
    expect(mint.receipts().map(({ edition }) => edition)).to.deep.equal(['any-1-1', 'intel-1-1', 'linux-1-1']);
  });

  it('depot3:B18 is removable or not as the depot says by now; force does not help', async () => {
    await sandbox.add('tool', '1', { removable: 'n', live: true });
    await machine.install(['tool']);
    for (const force of [false, true]) {
      const result = await machine.uninstall(['tool'], force);
      expect(result.exit).to.equal(30);
      expect(result.outcomes[0]?.problem?.code).to.equal('NOT_REMOVABLE');
    }
    await sandbox.admin((session) => editEdition('tool-1-1', { removable: 'y' }, session));
    await machine.sync();
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
  });

  for (const [removeFirst, left] of [
    ['y', ['opt', 'opt/tool', 'opt/tool/both 2', 'opt/tool/two 2']],
    ['n', ['opt', 'opt/tool', 'opt/tool/both 2', 'opt/tool/one 1', 'opt/tool/two 2']],
  ] as const) {
    for (const order of ['seed', 'after-gate'] as const) {
      it(`depot3:B19 an update with remove-first ${removeFirst}, in the order ${order}`, async () => {
        await sandbox.add('tool', '1', { payload: { 'opt/tool/both': '1', 'opt/tool/one': '1' }, live: true });
        await machine.install(['tool']);
        const payload = { 'opt/tool/both': '2', 'opt/tool/two': '2' };
        await sandbox.add('tool', '2', { payload, removeFirst, live: true });
        const settings = { ...machine.machine.settings, removeFirst: order };
        expect((await machine.with({ settings }).sync()).exit).to.equal(0);
        expect(machine.tree()).to.deep.equal(left);
        expect(machine.lies()).to.deep.equal([]);
      });
    }
  }

  it('depot3:B19 what is not removable is not removed first; the new one is installed over it', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/one': '1' }, removable: 'n', live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { payload: { 'opt/tool/two': '2' }, removeFirst: 'y', live: true });
    await machine.sync();
    expect(machine.tree()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/one 1', 'opt/tool/two 2']);
  });

  it('depot3:B23 depot3:B24 days and paths of expiration are in the receipt and follow the depot; what cannot go has none', async () => {
    const paths = '/Applications/A.app/Contents/MacOS/A,/Applications/B.app/Contents/MacOS/B';
    await sandbox.add('tool', '1', { expiration: '30', expirationPaths: paths, live: true });
    await sandbox.add('never', '1', { expiration: '0', live: true });
    await machine.install(['tool', 'never']);
    expect(machine.receipt('tool')).to.deep.include({ expiration: 30, expirationPaths: paths.split(',') });
    expect(machine.receipt('never')).to.deep.include({ expiration: 0, expirationPaths: [] });
    await sandbox.admin((session) => editEdition('tool-1-1', { expiration: '7' }, session));
    await machine.sync();
    expect(machine.receipt('tool')?.expiration).to.equal(7);
    await sandbox.admin((session) => editEdition('tool-1-1', { removable: 'n' }, session));
    await machine.sync();
    expect(machine.receipt('tool')?.expiration).to.equal(0);
  });

  it('depot3:B26 the Apple package ids of a file are on the edition, and in the receipt', async () => {
    const { edition } = await sandbox.add('tool', '1', { live: true });
    expect(
      edition.applePackages.map(({ id, version }) => [id.startsWith('org.example.tool-1-'), version]),
    ).to.deep.equal([[true, '1']]);
    await machine.install(['tool']);
    expect(machine.receipt('tool')?.applePackageIds).to.deep.equal(edition.applePackages.map(({ id }) => id));
  });

  it('depot3:BUG-16 is back after a pilot: at once where it was before, else at the next sync if it belongs here', async () => {
    await sandbox.add('before', '1', { live: true });
    await sandbox.add('auto', '1', { autoGroups: 'standard', live: true });
    await machine.install(['before']);
    for (const basename of ['before', 'auto']) {
      await sandbox.add(basename, '2');
      await machine.pilot([`${basename}-2-1`]);
    }
    expect((await machine.depilot(['before', 'auto'])).exit).to.equal(0);
    expect(installed(), 'the one was here before the pilot').to.deep.equal(['before-1-1']);
    await machine.sync();
    expect(installed()).to.deep.equal(['auto-1-1', 'before-1-1']);
    // Left off as asked, and nothing brings it back by itself.
    await machine.pilot(['before-2-1']);
    await machine.depilot(['before'], { leaveOff: true });
    await machine.sync();
    expect(installed()).to.deep.equal(['auto-1-1']);
  });

  it('depot3:BUG-30 a machine without any file of d3 has the defaults, and its first run makes what it needs', async () => {
    expect(await loadSettings(machine.machine.paths)).to.deep.equal(DEFAULT_SETTINGS);
    for (const place of [machine.machine.paths.state, machine.machine.paths.packages])
      expect(existsSync(place)).to.equal(false);
    await sandbox.add('tool', '1', { live: true });
    expect((await machine.request({ kind: 'freeze', admin: 'sally', targets: ['tool'] })).exit).to.equal(34);
    rmSync(machine.machine.paths.state, { recursive: true });
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(installed()).to.deep.equal(['tool-1-1']);
  });
});
