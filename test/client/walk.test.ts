import { lstatSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import type { RunResult } from '../../src/client/run.ts';
import { State } from '../../src/client/state/state.ts';
import Sync from '../../src/commands/sync.ts';
import { memoryTerminal } from '../cli/memory-terminal.ts';
import { driversWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('a package on a machine', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  it('is installed with a receipt, a manifest and its files, and goes without a trace', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': 'x', 'opt/tool/empty/': '' }, live: true });
    const before = machine.tree();
    const result = await machine.install(['tool'], { expiration: 30, freeze: true });
    expect(statuses(result)).to.deep.equal(['installed']);
    expect(result.exit).to.equal(0);
    expect(machine.read('opt/tool/run')).to.equal('x');
    expect(machine.lies()).to.deep.equal([]);
    const receipt = machine.receipt('tool');
    expect(receipt).to.deep.include({
      edition: 'tool-1-1',
      piloting: false,
      manual: true,
      admin: 'sally',
      expiration: 30,
    });
    expect(receipt?.frozen?.by).to.equal('sally');
    expect(receipt?.applePackageIds).to.have.length(1);
    const manifest = machine.reading((state) => state.manifest('tool'));
    expect(manifest.map(({ path: at, type }) => `${type} ${at}`)).to.include.members([
      'file /opt/tool/run',
      'dir /opt/tool/empty',
    ]);
    expect(manifest.find((entry) => entry.path === '/opt/tool/run')?.size).to.equal(1);

    expect(statuses(await machine.uninstall(['tool']))).to.deep.equal(['uninstalled']);
    expect(machine.tree()).to.deep.equal(before);
    expect(machine.receipts()).to.deep.equal([]);
    expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
  });

  it('is enlivened by sync without one file being touched', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': 'x' } });
    expect(statuses(await machine.pilot(['tool-1-1']))).to.deep.equal(['installed']);
    expect(machine.receipt('tool')?.piloting).to.equal(true);
    const before = identities(machine);
    await sandbox.live('tool-1-1');
    const result = await machine.sync();
    expect(statuses(result)).to.deep.equal(['refreshed', 'nothing']);
    expect(machine.receipt('tool')?.piloting).to.equal(false);
    expect(identities(machine)).to.deep.equal(before);
  });

  it('keeps what both editions put there when the newer one does not remove first, and loses both at once', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': '1', 'opt/tool/old': 'o' }, live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { payload: { 'opt/tool/run': '2', 'opt/tool/new': 'n' }, live: true });
    const result = await machine.sync();
    expect(result.outcomes[0]).to.deep.include({ status: 'installed', mode: 'update', replaced: 'tool-1-1' });
    expect(machine.tree()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/new n', 'opt/tool/old o', 'opt/tool/run 2']);
    expect(machine.reading((state) => state.manifest('tool')).map((entry) => entry.path)).to.include.members([
      '/opt/tool/old',
      '/opt/tool/new',
    ]);
    await machine.uninstall(['tool']);
    expect(machine.tree()).to.deep.equal([]);
  });

  it('takes the old files away when it removes first', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': '1', 'opt/tool/old/o': 'o' }, live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { payload: { 'opt/tool/run': '2' }, live: true, removeFirst: 'y' });
    expect(statuses(await machine.sync())).to.deep.equal(['installed']);
    expect(machine.tree()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/run 2']);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('stays as it was recorded before when going back to an older edition fails', async () => {
    await sandbox.add('tool', '1', { payload: { 'opt/tool/old': 'o' }, live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { payload: { 'opt/tool/new': 'n' }, live: true });
    await machine.sync();
    const driverFor = driversWith(machine.machine, async () => {
      throw new D3Error('NO', 'installerFailed', 'the installer failed');
    });
    const failing = machine.with({ driverFor });
    for (const target of ['tool-1-1', 'tool-2-1']) {
      const result = await failing.install([target], { force: true });
      expect(result.outcomes[0]).to.deep.include({ status: 'failed', text: 'the installer failed' });
      expect(result.exit).to.equal(32);
      expect([...machine.lies(), ...machine.leavings().filter((name) => name.startsWith('.'))]).to.deep.equal([]);
    }
    expect(machine.receipt('tool')?.edition).to.equal('tool-2-1');
    await machine.uninstall(['tool']);
    expect(machine.tree()).to.deep.equal([]);
  });

  describe('depilot', () => {
    const V1 = { 'opt/tool/run': '1', 'opt/tool/one': '1' };
    const V2 = { 'opt/tool/run': '2', 'opt/tool/two': '2' };
    beforeEach(async () => {
      await sandbox.add('tool', '1', { payload: V1, live: true });
      await machine.install(['tool']);
      await sandbox.add('tool', '2', { payload: V2 });
      await machine.pilot(['tool-2-1']);
    });

    it('is held by sync, and puts the live edition back', async () => {
      expect(statuses(await machine.sync())).to.deep.equal(['held']);
      expect((await machine.uninstall(['tool'])).outcomes[0]?.problem?.actions.join()).to.include('d3 depilot tool');
      const result = await machine.depilot(['tool']);
      expect(result.outcomes[0]).to.deep.include({
        status: 'installed',
        mode: 'put-back',
        edition: 'tool-1-1',
        replaced: 'tool-2-1',
      });
      expect(machine.tree()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/one 1', 'opt/tool/run 1']);
      expect(machine.receipt('tool')).to.deep.include({ edition: 'tool-1-1', piloting: false, displacedLive: false });
    });

    it('leaves it off when told so, which needs no depot', async () => {
      const result = await machine.with({ depot: null }).depilot(['tool-2-1'], { leaveOff: true });
      expect(statuses(result)).to.deep.equal(['uninstalled']);
      expect(machine.tree()).to.deep.equal([]);
      expect([...machine.lies()]).to.deep.equal([]);
    });

    it('of a package that was not there before leaves nothing', async () => {
      await sandbox.add('new', '1', { payload: { 'opt/new': 'n' } });
      await machine.pilot(['new-1-1']);
      expect(statuses(await machine.depilot(['new']))).to.deep.equal(['uninstalled']);
      expect(machine.exists('opt/new')).to.equal(false);
    });
  });

  it('is frozen against sync, thawed again, and forgotten with its files left where they are', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '2', { live: true });
    const freeze = await machine.request({ kind: 'freeze', admin: 'sally', targets: ['tool'] });
    expect(statuses(freeze)).to.deep.equal(['refreshed']);
    const { run, dryRun, plan, outcomes } = await machine.sync();
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['held']);
    const { terminal, stdout } = memoryTerminal();
    Sync.prototype.render({ run, dryRun, decisions: plan.decisions, outcomes, restart: [], counts: {} }, terminal);
    expect(stdout()).to.equal('tool-1-1: held (tool-1-1 is frozen by sally)\n');
    expect(machine.read('opt/tool/version')).to.equal('1');
    expect(statuses(await machine.request({ kind: 'thaw', targets: ['tool'] }))).to.deep.equal(['refreshed']);
    expect(statuses(await machine.sync())).to.deep.equal(['installed']);
    expect(statuses(await machine.request({ kind: 'forget', targets: ['tool'] }))).to.deep.equal(['forgotten']);
    expect(machine.receipts()).to.deep.equal([]);
    expect(machine.read('opt/tool/version')).to.equal('2');
    expect(machine.reading((state) => state.ownersOf('/opt/tool/version'))).to.deep.equal([]);
  });

  it('depot3:BUG-17 freeze, thaw and forget say so when there is nothing of that name', async () => {
    for (const kind of ['freeze', 'thaw', 'forget'] as const) {
      const result = await machine.request({ kind, admin: 'sally', targets: ['nothing'] });
      expect(result.exit).to.equal(34);
      expect(result.outcomes[0]?.text).to.include('nothing is not installed');
    }
  });

  it('depot3:BUG-18 forgets a receipt that lists no Apple packages', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    const state = State.open(machine.machine.paths);
    const { applePackageIds: _none, ...receipt } = machine.receipt('tool') ?? {};
    (state as unknown as { database: { exec(sql: string): void } }).database.exec(
      `UPDATE receipts SET body = '${JSON.stringify(receipt)}'`,
    );
    state.close();
    expect(machine.receipt('tool')).to.not.have.property('applePackageIds');
    expect((await machine.request({ kind: 'forget', targets: ['tool'] })).exit).to.equal(0);
    expect(machine.receipts()).to.deep.equal([]);
  });

  it('depot3:BUG-29 goes from where its install location put it, links and all', async () => {
    await sandbox.add('tool', '1', {
      payload: { 'bin/run': 'x', 'lib/deep/a': 'a' },
      installLocation: '/opt/tool',
      live: true,
    });
    await machine.install(['tool']);
    expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([
      'opt/tool/bin/run x',
      'opt/tool/lib/deep/a a',
    ]);
    await machine.uninstall(['tool']);
    expect(machine.tree()).to.deep.equal([]);
  });
});

function statuses(result: RunResult): string[] {
  return result.outcomes.map((outcome) => outcome.status);
}

/** What changes when a file is touched. */
function identities(machine: SandboxMachine): string[] {
  return machine.tree().map((line) => {
    const { ino, mtimeMs, ctimeMs } = lstatSync(path.join(machine.root, line.replace(/ .*/, '')));
    return [line, ino, mtimeMs, ctimeMs].join(' ');
  });
}
