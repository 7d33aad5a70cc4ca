import { renameSync } from 'node:fs';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import type { Edition } from '../../src/catalog/types.ts';
import { detailsOf } from '../../src/client/details.ts';
import { listInstalled } from '../../src/client/lists.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('a machine whose depot is out of reach', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('other', '1', { live: true });
    await machine.sync();
    await machine.install(['other']);
  });
  afterEach(() => sandbox.remove());

  const away = () => renameSync(sandbox.depot, `${sandbox.depot}-away`);
  const back = () => renameSync(`${sandbox.depot}-away`, sandbox.depot);

  it('depot3:G16 says in one line what it cannot reach, ends with 20, and loses nothing', async () => {
    away();
    const before = machine.tree();
    const { problems, exitCode } = await problemsOf(machine.sync());
    expect(exitCode).to.equal(20);
    expect(problems).to.have.length(1);
    expect(problems[0]).to.be.instanceOf(D3Error);
    expect(problems[0]?.message).to.include(sandbox.depot).and.not.include('\n');
    expect(machine.tree()).to.deep.equal(before);
    expect(machine.lies()).to.deep.equal([]);
    back();
    const reports = sandbox.reports().length;
    expect((await machine.sync()).exit).to.equal(0);
    expect(sandbox.reports().length - reports, 'the report of the failed run came after it').to.equal(2);
  });

  it('depot3:G16 lists, uninstalls, freezes and forgets all the same', async () => {
    away();
    const kept = async () => (await machine.machine.depot?.kept()) ?? null;
    const { receipts } = await listInstalled(machine.machine.paths, 'installed', kept);
    expect(receipts.map(({ edition, status }) => `${edition} ${status}`)).to.deep.equal([
      'other-1-1 live',
      'tool-1-1 live',
    ]);
    const frozen = await machine.request({ kind: 'freeze', targets: ['other'], admin: 'amy' });
    expect(frozen.exit).to.equal(0);
    const removed = await machine.uninstall(['tool']);
    expect(removed.exit).to.equal(0);
    expect(removed.warnings.join()).to.include('the report was kept');
    expect(machine.exists('opt/tool/version')).to.equal(false);
    expect((await machine.request({ kind: 'forget', targets: ['other'] })).exit).to.equal(0);
    expect(machine.exists('opt/other/version')).to.equal(true);
    expect(machine.receipts()).to.deep.equal([]);
  });
});

describe('what is no longer in the depot', () => {
  let now: Date;
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let edition: Edition;
  const DAY = 86_400_000;
  const later = (days: number) => {
    now = new Date(now.getTime() + days * DAY);
  };
  beforeEach(async () => {
    now = new Date('2030-01-01T00:00:00.000Z');
    sandbox = await Sandbox.make({ now: () => now });
    machine = sandbox.machine('mac-a');
    ({ edition } = await sandbox.add('tool', '1', { live: true }));
    await machine.install(['tool']);
    await sandbox.admin((session) => deleteEdition({ ...edition, status: 'live' }, {}, session));
  });
  afterEach(() => sandbox.remove());

  const row = async () => (await listInstalled(machine.machine.paths, 'installed', async () => null)).receipts[0];

  it('depot3:G10 is left over: listed, reported and removable for 90 days, then its record goes', async () => {
    expect((await machine.sync()).outcomes.map(({ status }) => status)).to.deep.equal(['nothing', 'refreshed']);
    expect((await row())?.goneSince).to.equal(now.toISOString());
    expect(detailsOf('tool', null, machine.receipts()).receipt?.goneSince).to.equal(now.toISOString());
    expect(sandbox.reports().at(-1)?.receipts[0]?.goneSince).to.equal(now.toISOString());
    const since = now.toISOString();

    later(89);
    expect((await machine.sync()).outcomes.map(({ status }) => status)).to.deep.equal(['nothing']);
    expect((await row())?.goneSince).to.equal(since);

    later(1);
    const last = await machine.sync();
    expect(last.outcomes.map(({ status, text }) => `${status}: ${text}`)).to.deep.equal([
      'forgotten: that is so since 2030-01-01: d3 gives up its record and leaves its files',
    ]);
    expect(machine.receipts()).to.deep.equal([]);
    expect(machine.exists('opt/tool/version'), 'its files stay').to.equal(true);
    expect((await machine.sync()).outcomes).to.deep.equal([]);
  });

  it('is uninstalled by its manifest while it is left over', async () => {
    await machine.sync();
    later(30);
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
    expect(machine.tree()).to.deep.equal([]);
  });

  it('stays while it is held as a pilot, and is reported', async () => {
    const { edition: pilot } = await sandbox.add('other', '1');
    await machine.pilot(['other-1-1']);
    await sandbox.admin((session) => deleteEdition(pilot, {}, session));
    await machine.sync();
    later(300);
    await sandbox.add('any', '1');
    const { outcomes } = await machine.sync();
    expect(outcomes.map(({ basename, status }) => `${basename} ${status}`)).to.deep.equal([
      'other held',
      'tool forgotten',
    ]);
    expect(machine.receipt('other')).to.include({ piloting: true, goneSince: '2030-01-01T00:00:00.000Z' });
    expect(sandbox.reports().at(-1)?.outcomes).to.deep.include({
      target: 'other',
      basename: 'other',
      edition: 'other-1-1',
      status: 'held',
      reason: 'other-1-1 is no longer in the depot',
    });
  });
});
