import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  computerToDelete,
  deleteComputer,
  editComputer,
  listComputers,
  showComputer,
} from '../../src/admin/computers.ts';
import { deleteEdition, restoreEdition } from '../../src/admin/delete.ts';
import { addEa, deleteEa, eaToDelete, editEa } from '../../src/admin/eas.ts';
import { editEdition } from '../../src/admin/edit.ts';
import {
  addGroup,
  addSmartGroup,
  deleteGroup,
  editGroup,
  groupToDelete,
  listGroups,
  showGroup,
  testGroup,
} from '../../src/admin/groups.ts';
import { addNamed, deleteNamed, editNamed, listNamed, namedToDelete } from '../../src/admin/named.ts';
import {
  addScript,
  deleteScript,
  editScript,
  proposeScriptEdit,
  scriptToDelete,
  showScript,
} from '../../src/admin/scripts.ts';
import type { AdminSession } from '../../src/admin/session.ts';
import type { Catalog } from '../../src/catalog/types.ts';
import type { TrustedCatalog } from '../../src/depot/contract.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { problemsOf } from '../support/errors.ts';
import { availableTo } from '../support/machine.ts';
import { policiesOf, policy } from '../support/policies.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('objects of the depot', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  const admin = <Result>(work: (session: AdminSession) => Promise<Result>) => sandbox.admin(work);
  const script = (text: string) => {
    const file = path.join(sandbox.dir, `script-${text.length}`);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    return file;
  };
  const refused = async (work: (session: AdminSession) => Promise<unknown>) => {
    const { problems, exitCode } = await problemsOf(admin(work));
    return { exitCode, text: problems.map(({ message }) => message).join('\n') };
  };
  const catalog = async () => (await sandbox.machine('looker').machine.depot?.refresh())?.catalog as Catalog;

  it('that a policy names are in use', async () => {
    await admin((session) => addGroup('lab', '', [], session));
    await admin((session) => addNamed('department', 'Art', '', session));
    await admin((session) => addNamed('building', 'North', '', session));
    const { id } = await admin((session) => addScript('tidy', script('true'), '', session));
    const scope = { departments: ['art'], buildings: ['North'], groups: ['lab'] };
    await policy(sandbox, 'clean', [{ kind: 'script', args: { script: 'tidy' } }], scope);
    for (const work of [
      (session: AdminSession) => groupToDelete('lab', session),
      (session: AdminSession) => namedToDelete('department', 'Art', session),
      (session: AdminSession) => namedToDelete('building', 'North', session),
      (session: AdminSession) => scriptToDelete(String(id), session),
    ]) {
      const { exitCode, text } = await refused(work);
      expect([exitCode, text.includes('the policy clean')], text).to.deep.equal([30, true]);
    }
  });

  describe('smart groups', () => {
    it('reach machines that meet their criteria, by what those are themselves, and follow them', async () => {
      const mac = sandbox.machine('mac', { os: { name: 'macOS', version: '15.6' }, model: 'MacBookPro18,3' });
      const old = sandbox.machine('old', { os: { name: 'macOS', version: '12.1' }, model: 'iMac19,1' });
      await admin((session) => addSmartGroup('new-macs', '', 'os is macOS and os-version >= 14', session));
      await admin((session) => addSmartGroup('books', '', 'model like MacBook and installed is tool', session));
      await sandbox.add('tool', '1', { live: true, autoGroups: 'new-macs' });
      await sandbox.add('extra', '1', { live: true, autoGroups: 'books' });
      for (const machine of [mac, old]) expect((await machine.sync()).exit).to.equal(0);
      expect([mac, old].map((machine) => machine.receipt('tool')?.edition)).to.deep.equal(['tool-1-1', undefined]);
      expect(mac.receipt('extra'), 'what is installed counts from the next sync on').to.equal(undefined);
      for (const machine of [mac, old]) await machine.sync();
      expect(mac.receipt('extra')?.edition).to.equal('extra-1-1');
      expect(old.receipts()).to.deep.equal([]);
      writeFileSync(
        path.join(old.root, 'facts.json'),
        JSON.stringify({ processes: [], os: { name: 'macOS', version: '14.0' } }),
      );
      await old.sync();
      expect(old.receipt('tool')?.edition).to.equal('tool-1-1');
    });

    it('ask a machine when its last report arrived, by what it knows itself', async () => {
      const machine = sandbox.machine('mac-a', { provisioning: { state: 'complete' } });
      await admin((session) =>
        addSmartGroup('heard', '', 'last-report < 2 and provisioning.state is complete', session),
      );
      await sandbox.add('tool', '1', { live: true, autoGroups: 'heard' });
      await machine.sync();
      expect(machine.receipt('tool'), 'no report has arrived before the first').to.equal(undefined);
      await machine.sync();
      expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
      expect((await admin((session) => showGroup('heard', session))).members).to.have.length(1);
    });

    it('ask what plugins know of a provisioning, in runs, lists, policies and the depot alike; facts.json goes before', async () => {
      const plugins = {
        ...noPlugins,
        provisioning: async () => ({ known: { state: 'complete', build: '7' }, complete: true }),
      };
      const machine = sandbox.machine('mac-a').with({ plugins });
      const other = sandbox.machine('mac-b', { provisioning: { state: 'begun' } }).with({ plugins });
      await admin((session) => addSmartGroup('ready', '', 'provisioning.state is complete', session));
      await sandbox.add('tool', '1', { live: true, autoGroups: 'ready' });
      await sandbox.add('extra', '1', { live: true, excludedGroups: 'ready' });
      for (const one of [machine, other]) await one.sync();
      expect([machine, other].map((one) => one.receipt('tool')?.edition)).to.deep.equal(['tool-1-1', undefined]);
      const listed = async (one: SandboxMachine) =>
        (await availableTo(one.machine, (await one.machine.depot?.refresh()) as TrustedCatalog)).map(
          ({ basename }) => basename,
        );
      expect([await listed(machine), await listed(other)]).to.deep.equal([['tool'], ['extra', 'tool']]);
      await policy(sandbox, 'greet', [{ kind: 'wait', args: { seconds: 0 } }], { groups: ['ready'] });
      for (const [one, state] of [
        [machine, 'done'],
        [other, 'out-of-scope'],
      ] as const) {
        const { runs, policies } = policiesOf(one.machine);
        const [outcome] = await policies.run({ word: 'greet', by: 'sally', environment: {} });
        runs.close();
        expect(outcome?.state).to.equal(state);
      }
      const { members } = await admin((session) => showGroup('ready', session));
      expect(members.map(({ name }) => name)).to.deep.equal(['mac-a']);
    });

    it('ask what admins say of computers, without telling it to machines', async () => {
      const [a, b] = [sandbox.machine('mac-a', { serial: 'SER-A' }), sandbox.machine('mac-b')];
      for (const machine of [a, b]) await machine.sync();
      await admin((session) => addNamed('department', 'Sales', '', session));
      await admin((session) => addEa('Asset owner', { type: 'text', choices: [], description: '' }, session));
      await admin((session) => addSmartGroup('sellers', '', 'department is Sales', session));
      await admin((session) => addSmartGroup('owned', '', 'ea."Asset owner" like calvin and os is not plan9', session));
      await admin((session) => addSmartGroup('rest', '', 'department is not Sales', session));
      for (const [name, group] of [
        ['one', 'sellers'],
        ['two', 'owned'],
        ['three', 'rest'],
      ] as const)
        await sandbox.add(name, '1', { live: true, autoGroups: group });
      await admin((session) =>
        editComputer('SER-A', { department: 'sales', eas: ['asset owner=Calvin Secret'] }, session),
      );
      for (const machine of [a, b]) await machine.sync();
      expect(a.receipts().map(({ basename }) => basename)).to.deep.equal(['one', 'two']);
      expect(b.receipts().map(({ basename }) => basename)).to.deep.equal(['three']);
      const published = JSON.stringify(await catalog());
      expect(published).to.not.include('Secret');
      const [known] = await admin((session) => listComputers('serial is SER-A', session));
      expect(published).to.not.include(known?.id ?? '-');
    });

    it('follow a department and an extension attribute that are renamed, and keep them from being deleted', async () => {
      const a = sandbox.machine('mac-a');
      await a.sync();
      await admin((session) => addNamed('department', 'Sales', '', session));
      await admin((session) =>
        addEa('Lease', { type: 'choice', choices: ['bought', 'leased'], description: '' }, session),
      );
      await admin((session) => editComputer('mac-a', { department: 'Sales', eas: ['Lease=LEASED'] }, session));
      await admin((session) => addSmartGroup('g', '', 'department is sales and ea.Lease is leased', session));
      await admin((session) => editNamed('department', 'Sales', { name: 'Selling things' }, session));
      await admin((session) => editEa('Lease', { name: 'Contract' }, session));
      const group = await admin((session) => showGroup('g', session));
      expect(group.criteria).to.equal('department is "Selling things" and ea.Contract is leased');
      expect(group.members.map(({ name }) => name)).to.deep.equal(['mac-a']);
      const place = await refused((session) => namedToDelete('department', 'Selling things', session));
      expect(place.exitCode).to.equal(30);
      expect(place.text).to.include('mac-a, the group g');
      expect((await refused((session) => eaToDelete('Contract', session))).text).to.include('the group g');
      const choices = await refused((session) => editEa('Contract', { choices: ['bought'] }, session));
      expect(choices.exitCode).to.equal(30);
      expect(choices.text).to.include('mac-a (leased)');
      await admin(async (session) => deleteGroup(await groupToDelete('g', session), session));
      await admin(async (session) => deleteEa((await eaToDelete('Contract', session)).found, session));
      expect((await admin((session) => showComputer('mac-a', session))).attributes).to.deep.equal({});
    });

    it('are tried before they are made, with what each computer has', async () => {
      await sandbox.machine('mac-a', { os: { name: 'macOS', version: '15.1' } }).sync();
      await sandbox.machine('mac-b', { os: { name: 'macOS', version: '13.1' } }).sync();
      const criteria = 'os is macOS and os-version > 14';
      const would = await admin((session) => testGroup({ criteria }, [], session));
      expect(would.map(({ computer }) => computer.name)).to.deep.equal(['mac-a']);
      const [b] = await admin((session) => testGroup({ criteria }, ['mac-b'], session));
      expect(b?.isMember).to.equal(false);
      expect(b?.criteria).to.deep.equal([
        { text: 'os is macOS', values: ['macOS'], met: true },
        { text: 'os-version > 14', values: ['13.1'], met: false },
      ]);
      expect((await admin(listGroups)).map(({ name }) => name)).to.deep.equal(['standard']);
    });

    it('are refused with every name that is not known, and with comparisons that make no sense', async () => {
      const names = await refused((session) => addSmartGroup('g', '', 'department is X and ea.Y is 1', session));
      expect(names.exitCode).to.equal(34);
      expect(names.text).to.include('no department called X').and.to.include('no extension attribute called Y');
      for (const criteria of [
        'moon is full',
        'name > 3',
        'last-report > soon',
        'name matches "(a+)+$"',
        'os-version > big',
      ])
        expect((await refused((session) => addSmartGroup('g', '', criteria, session))).exitCode, criteria).to.equal(2);
      await admin((session) => addSmartGroup('smart', '', 'os is x', session));
      await admin((session) => addGroup('static', '', [], session));
      expect((await refused((session) => editGroup('static', { criteria: 'os is y' }, session))).exitCode).to.equal(30);
    });
  });

  describe('groups', () => {
    it('depot3:B05 depot3:B07 in use are not deleted, with who uses them; editions follow their new names', async () => {
      await admin((session) => addGroup('auto', '', [], session));
      await admin((session) => addGroup('kiosks', '', [], session));
      await sandbox.add('tool', '1', { live: true, autoGroups: 'auto', excludedGroups: 'kiosks' });
      await admin((session) => editGroup('kiosks', { name: 'lobby' }, session));
      for (const [group, how] of [
        ['auto', 'tool-1-1 (live, auto)'],
        ['lobby', 'tool-1-1 (live, excluded)'],
      ] as const) {
        const { exitCode, text } = await refused((session) => groupToDelete(group, session));
        expect(exitCode).to.equal(30);
        expect(text).to.include(how);
      }
      await admin((session) => editEdition('tool', { autoGroups: 'none' }, session));
      await admin(async (session) => deleteGroup(await groupToDelete('auto', session), session));
      expect((await catalog()).groups.map(({ name }) => name)).to.deep.equal(['lobby']);
    });

    it('depot3:B06 depot3:BUG-37 standard is shown with all machines and what is for all; nobody can make or delete it', async () => {
      await sandbox.machine('mac-a').sync();
      await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
      const standard = await admin((session) => showGroup('standard', session));
      expect(standard.members.map(({ name }) => name)).to.deep.equal(['mac-a']);
      expect(standard.usedBy).to.deep.equal(['tool-1-1 (live, auto)']);
      expect((await refused((session) => groupToDelete('standard', session))).exitCode).to.equal(34);
    });

    it('depot3:B08 one that is smart cannot be both auto and excluded either', async () => {
      await admin((session) => addSmartGroup('smart', '', 'os is x', session));
      const wrong = await problemsOf(sandbox.add('tool', '1', { autoGroups: 'smart', excludedGroups: 'Smart' }));
      expect(wrong.exitCode).to.equal(30);
      expect(wrong.problems[0]?.message).to.include('both auto and excluded: smart');
    });

    it('depot3:BUG-47 standard is never excluded, whoever writes the edition', async () => {
      await sandbox.add('tool', '1');
      const typed = await refused((session) => editEdition('tool-1-1', { excludedGroups: 'standard' }, session));
      expect(typed.exitCode).to.equal(2);
      const { problems } = await problemsOf(
        admin(async ({ depot }) => {
          const [edition] = await depot.store.editions.list();
          await depot.store.editions.update(edition?.id ?? 0, { excludedGroups: ['standard'] }, 'sally');
        }),
      );
      expect(problems[0]?.code).to.equal('EDITION_INVALID');
    });
  });

  it('depot3:BUG-48 an expiration is cleared by n', async () => {
    await sandbox.add('tool', '1', { expiration: '30', expirationPaths: '/x' });
    const edited = await admin((session) => editEdition('tool-1-1', { expiration: 'n' }, session));
    expect(edited.edition.expiration).to.equal(0);
  });

  describe('categories', () => {
    it('depot3:B03 must exist, are spelt as they are, and are cleared by n', async () => {
      const unknown = await problemsOf(sandbox.add('tool', '1', { category: 'Utilities' }));
      expect(unknown.exitCode).to.equal(34);
      expect(unknown.problems[0]?.actions.join()).to.include('category add "Utilities"');
      await admin((session) => addNamed('category', 'Utilities', '', session));
      const { edition } = await sandbox.add('tool', '1', { category: 'utilities' });
      expect(edition.category).to.equal('Utilities');
      const cleared = await admin((session) => editEdition('tool-1-1', { category: 'n' }, session));
      expect(cleared.edition.category).to.equal(null);
    });

    it('are followed by editions when they are renamed, and not deleted while one has them', async () => {
      await admin((session) => addNamed('category', 'Utilities', '', session));
      await sandbox.add('tool', '1', { category: 'Utilities', live: true });
      await admin((session) => editNamed('category', 'Utilities', { name: 'Tools' }, session));
      expect((await catalog()).editions[0]?.category).to.equal('Tools');
      const { exitCode, text } = await refused((session) => namedToDelete('category', 'Tools', session));
      expect(exitCode).to.equal(30);
      expect(text).to.include('tool-1-1');
      await admin((session) => editEdition('tool', { category: 'none' }, session));
      await admin(async (session) =>
        deleteNamed('category', await namedToDelete('category', 'Tools', session), session),
      );
      expect(await admin((session) => listNamed('category', session))).to.deep.equal([]);
    });

    it('that editions had before there were any are listed and can be given again', async () => {
      await sandbox.add('tool', '1');
      await admin(async ({ depot }) => {
        const [edition] = await depot.store.editions.list();
        await depot.store.editions.update(edition?.id ?? 0, { category: 'Ancient' }, 'sally');
      });
      const [ancient] = await admin((session) => listNamed('category', session));
      expect(ancient).to.deep.include({ id: null, name: 'Ancient', usedBy: ['tool-1-1'] });
      expect((await sandbox.add('other', '1', { category: 'ancient' })).edition.category).to.equal('Ancient');
    });
  });

  describe('scripts', () => {
    it('depot3:B15 changed ones are run by new editions, and by old ones only when those are named', async () => {
      await admin((session) => addScript('check', script('exit 0'), '', session));
      await sandbox.add('tool', '1', { preInstall: 'check', live: true });
      await sandbox.add('tool', '2', { preInstall: 'check' });
      const pins = async () => (await catalog()).editions.map(({ preInstall }) => preInstall?.sha256);
      const [before] = await pins();
      const changes = { file: script('exit 0 # other'), applyTo: ['tool-2-1'] };
      const edit = await admin((session) => proposeScriptEdit('check', changes, session));
      expect(edit.repinned.map(({ edition }) => edition)).to.deep.equal(['tool-2-1']);
      expect(edit.left.map(({ edition, status }) => `${edition} ${status}`)).to.deep.equal(['tool-1-1 live']);
      const shown = await admin((session) => editScript(edit, session));
      const after = shown.script.body.sha256;
      expect(await pins()).to.deep.equal([before, after]);
      expect(shown.content).to.include('# other');
      const { edition } = await sandbox.add('tool', '3', { inherit: true });
      expect(edition.preInstall?.sha256).to.equal(after);
      const rest = await admin((session) => proposeScriptEdit('check', { applyTo: ['tool-1-1'] }, session));
      await admin((session) => editScript(rest, session));
      expect(new Set(await pins())).to.deep.equal(new Set([after]));
      expect(existsSync(path.join(sandbox.depot, 'blobs', (before ?? '').slice(0, 2), before ?? '')), 'kept').to.equal(
        false,
      );
    });

    it('depot3:J20 shared ones are kept, with who runs them; unused ones go with their content', async () => {
      await admin((session) => addScript('check', script('exit 0'), '', session));
      await sandbox.add('a', '1', { preInstall: 'check', live: true });
      await sandbox.add('b', '1', { postRemove: 'check' });
      const { exitCode, text } = await refused((session) => scriptToDelete('check', session));
      expect(exitCode).to.equal(30);
      expect(text).to.include('a-1-1 (live, pre-install), b-1-1 (pilot, post-remove)');
      await admin((session) => editEdition('a-1-1', { preInstall: 'n' }, session));
      await admin((session) => editEdition('b-1-1', { postRemove: 'n' }, session));
      const { script: kept } = await admin((session) => showScript('check', session));
      await admin(async (session) => deleteScript(await scriptToDelete('check', session), session));
      expect(await admin(async ({ depot }) => (await depot.blobs.list()).has(kept.body.sha256))).to.equal(false);
    });

    it('that an archived edition runs are in use, and are there when it is brought back', async () => {
      await admin((session) => addScript('check', script('exit 0'), '', session));
      const { edition } = await sandbox.add('a', '1', { preInstall: 'check' });
      await admin((session) => deleteEdition(edition, { archive: true, keepFile: true }, session));
      const { exitCode, text } = await refused((session) => scriptToDelete('check', session));
      expect(exitCode).to.equal(30);
      expect(text).to.include('a-1-1 (archived, pre-install)');
      const { usedBy } = await admin((session) => showScript('check', session));
      expect(usedBy.map(({ status }) => status)).to.deep.equal(['archived']);
      await admin((session) => restoreEdition('a-1-1', undefined, session));
      await admin((session) => editEdition('a-1-1', { preInstall: 'n' }, session));
      expect((await admin((session) => scriptToDelete('check', session))).name).to.equal('check');
    });

    it('are not changed when one of the named editions does not run them', async () => {
      await admin((session) => addScript('check', script('exit 0'), '', session));
      await sandbox.add('a', '1');
      const changes = { file: script('exit 1 # new'), applyTo: ['a-1-1', 'nothing'] };
      const { text } = await refused((session) => proposeScriptEdit('check', changes, session));
      expect(text).to.include('a-1-1 does not run the script check').and.to.include('nothing');
    });
  });

  describe('computers', () => {
    it('are found by id, the beginning of an id, name and serial number; two of a name are told apart', async () => {
      const a = sandbox.machine('mac-a', { serial: 'SER-A', name: 'lab' });
      const b = sandbox.machine('mac-b', { name: 'LAB' });
      for (const machine of [a, b]) await machine.sync();
      const all = await admin((session) => listComputers(undefined, session));
      const id = all.find(({ serial }) => serial === 'SER-A')?.id ?? '';
      for (const word of [id, id.toUpperCase(), id.slice(0, 8), 'ser-a'])
        expect((await admin((session) => showComputer(word, session))).id, word).to.equal(id);
      const two = await refused((session) => showComputer('Lab', session));
      expect(two.exitCode).to.equal(30);
      expect(two.text).to.include(id);
      await admin((session) => editComputer(id, { name: 'Front desk' }, session));
      expect(await admin((session) => showComputer('front desk', session))).to.deep.include({
        id,
        reportedName: 'lab',
      });
      expect((await refused((session) => editComputer(id, { name: 'LAB' }, session))).exitCode).to.equal(30);
      expect((await refused((session) => showComputer('nobody', session))).exitCode).to.equal(34);
    });

    it('are shown with what they reported and what admins say; every wrong thing said is named at once', async () => {
      const machine = sandbox.machine('mac-a', { os: { name: 'macOS', version: '15.1' }, model: 'Mac14,2' });
      await sandbox.add('tool', '1', { live: true });
      await machine.install(['tool']);
      await admin((session) => addNamed('site', 'Nord', '', session));
      await admin((session) => addEa('Bought', { type: 'date', choices: [], description: '' }, session));
      await admin((session) => addGroup('static', '', ['mac-a'], session));
      await admin((session) => editComputer('mac-a', { site: 'Nord', eas: ['Bought=2026-02-01'] }, session));
      const shown = await admin((session) => showComputer('mac-a', session));
      expect(shown).to.deep.include({ site: 'Nord', model: 'Mac14,2', age: 0, groups: ['static'] });
      expect(shown.attributes).to.deep.equal({ Bought: '2026-02-01' });
      expect(shown.receipts.map(({ edition }) => edition)).to.deep.equal(['tool-1-1']);
      const wrong = await refused((session) =>
        editComputer('mac-a', { site: 'Süd', department: 'X', eas: ['Bought=soon', 'nonsense'] }, session),
      );
      for (const part of ['Süd', 'X', '"soon" is no date', 'must be NAME=VALUE']) expect(wrong.text).to.include(part);
      expect((await admin((session) => showComputer('mac-a', session))).site).to.equal('Nord');
    });

    it('are deleted with what was said of them, and come back with their next report', async () => {
      const machine = sandbox.machine('mac-a');
      await machine.sync();
      await admin((session) => addGroup('static', '', ['mac-a'], session));
      await admin((session) => editComputer('mac-a', { name: 'Front' }, session));
      const found = await admin((session) => computerToDelete('Front', session));
      expect(found.groups).to.deep.equal(['static']);
      await admin((session) => deleteComputer(found, session));
      expect(await admin((session) => listComputers(undefined, session))).to.deep.equal([]);
      expect((await admin((session) => showGroup('static', session))).members).to.deep.equal([]);
      const events = await admin(({ depot }) => depot.store.history.list({ what: 'computer.deleted' }));
      expect(events.map(({ target }) => target.name)).to.deep.equal([found.computer.id]);
      await machine.sync();
      const [back] = await admin((session) => listComputers('name is mac-a', session));
      expect(back?.name).to.equal('mac-a');
    });
  });
});
