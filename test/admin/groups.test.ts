import { expect } from 'chai';
import { addGroup, changeMembers, editGroup, listGroups, showGroup } from '../../src/admin/groups.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3admin group', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('scopes auto-installs to the machines in it, by the name they report', async () => {
    const [a, b] = [sandbox.machine('mac-a'), sandbox.machine('mac-b')];
    for (const machine of [a, b]) await machine.sync();
    const group = await sandbox.admin((session) => addGroup('test-macs', 'for tests', ['mac-a'], session));
    expect(group.members.map((member) => member.name)).to.deep.equal(['mac-a']);
    await sandbox.add('transmogrifier', '1', { autoGroups: 'test-macs', live: true });
    for (const machine of [a, b]) await machine.sync();
    expect(a.receipt('transmogrifier')?.manual).to.equal(false);
    expect(b.receipt('transmogrifier')).to.equal(undefined);
    await sandbox.admin((session) => changeMembers('test-macs', { add: ['mac-b'], remove: ['mac-a'] }, session));
    for (const machine of [a, b]) await machine.sync();
    expect(b.receipt('transmogrifier')?.edition).to.equal('transmogrifier-1-1');
    expect(a.receipt('transmogrifier'), 'leaving a group uninstalls nothing').to.not.equal(undefined);
  });

  it('excludes machines, which then do not even see the package', async () => {
    const machine = sandbox.machine('mac-a');
    await machine.sync();
    await sandbox.admin((session) => addGroup('kiosks', '', ['mac-a'], session));
    await sandbox.add('game', '1', { excludedGroups: 'kiosks', live: true });
    expect((await machine.install(['game'])).exit).to.equal(30);
    expect((await machine.install(['game'], { force: true })).exit).to.equal(0);
  });

  it('is followed by editions when it is renamed', async () => {
    const machine = sandbox.machine('mac-a');
    await machine.sync();
    await sandbox.admin((session) => addGroup('old', '', ['mac-a'], session));
    await sandbox.add('transmogrifier', '1', { autoGroups: 'old', live: true });
    await sandbox.admin((session) => editGroup('old', { name: 'new' }, session));
    await machine.sync();
    expect(machine.receipt('transmogrifier')).to.not.equal(undefined);
  });

  it('depot3:BUG-62 breaks nothing when it is deleted: a warning on machines, and the edition still loads', async () => {
    const machine = sandbox.machine('mac-a');
    const group = await sandbox.admin((session) => addGroup('gone', '', [], session));
    await sandbox.add('transmogrifier', '1', { autoGroups: 'gone', live: true });
    await sandbox.admin(async (session) => {
      const groups = session.depot.store.documents('group');
      const there = await groups.get(group.id);
      await groups.remove(group.id, there?.generation ?? 0, 'sally');
      await session.depot.publish();
    });
    const result = await machine.install(['transmogrifier']);
    expect(result.exit).to.equal(0);
    expect(result.warnings.join()).to.include(`group ${group.id}`);
  });

  it('names every unknown computer at once, takes a full id, and refuses names that mean something else', async () => {
    const { problems, exitCode } = await problemsOf(sandbox.admin((session) => addGroup('g', '', ['x', 'y'], session)));
    expect(exitCode).to.equal(34);
    expect(problems[0]?.message).to.include('x, y');
    const id = 'd2719b2c-5f0e-4a57-9d35-1b6f6b1f1c11';
    await sandbox.admin((session) => addGroup('g', '', [id], session));
    for (const name of ['standard', 'none', 'a,b', '', '99']) {
      expect((await problemsOf(sandbox.admin((session) => addGroup(name, '', [], session)))).exitCode, name).to.equal(
        2,
      );
    }
    const renamed = await problemsOf(sandbox.admin((session) => editGroup('g', { name: '99' }, session)));
    expect(renamed.exitCode).to.equal(2);
    expect(renamed.problems[0]?.message).to.include('a number stands for an id');
    const twice = await problemsOf(sandbox.admin((session) => addGroup('G', '', [], session)));
    expect(twice.exitCode).to.equal(30);
    expect((await sandbox.admin(listGroups)).map((group) => group.name)).to.deep.equal(['standard', 'g']);
  });

  it('that is unknown is only to be made under a name it can have', async () => {
    const advice = async (name: string) =>
      (await problemsOf(sandbox.admin((session) => showGroup(name, session)))).problems[0]?.actions.join('\n');
    expect(await advice('macs')).to.include('group add macs');
    for (const name of ['None', '99', 'a,b']) expect(await advice(name), name).to.not.include('group add');
  });
});
