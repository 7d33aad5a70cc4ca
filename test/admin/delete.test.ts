import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { addEdition } from '../../src/admin/add.ts';
import { affectedWords } from '../../src/admin/affected.ts';
import { type DeleteOptions, deleteEdition, restoreEdition } from '../../src/admin/delete.ts';
import { examineDepot } from '../../src/admin/doctor.ts';
import { editEdition } from '../../src/admin/edit.ts';
import { addGroup, addSmartGroup } from '../../src/admin/groups.ts';
import { makeLive, proposeLive, unlive } from '../../src/admin/live.ts';
import { addScript, listScripts } from '../../src/admin/scripts.ts';
import { showEditions } from '../../src/admin/show.ts';
import { editionMeant } from '../../src/admin/targets.ts';
import { toClean } from '../../src/catalog/clean.ts';
import { execIn } from '../../src/platform/exec.ts';
import { problemsOf } from '../support/errors.ts';
import { policy } from '../support/policies.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('what becomes of editions', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  const remove = (edition: string, options: DeleteOptions = {}) =>
    sandbox.admin(async (session) => deleteEdition(await editionMeant(edition, session), options, session));
  const blobOf = (sha256: string) => path.join(sandbox.depot, 'blobs', sha256.slice(0, 2), sha256);
  const show = async (which: 'all' | 'archived' = 'all') =>
    (await sandbox.admin((session) => showEditions(which, [], session))).map(
      ({ edition, status }) => `${edition} ${status}`,
    );
  const scripts = async () => (await sandbox.admin(listScripts)).map(({ name }) => name);
  const script = (name: string, text = '#!/bin/sh\n') => {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, text);
    return sandbox.admin((session) => addScript(name, file, '', session));
  };

  it('depot3:J19 depot3:BUG-49 deletes scripts nothing else uses, and reports what was kept and why', async () => {
    await script('own');
    await script('shared', '#!/bin/sh\n# shared\n');
    await sandbox.add('tool', '1', { preInstall: 'own', postInstall: 'shared' });
    await sandbox.add('other', '1', { preInstall: 'shared' });
    const kept = await remove('tool-1-1', { deleteScripts: true, keepInJss: true });
    expect(kept.scriptsRemoved).to.deep.equal(['own']);
    expect(kept.fileRemoved).to.equal(true);
    expect(kept.kept.map(({ what, name, why }) => `${what} ${name}: ${why}`)).to.deep.equal([
      'script shared: other-1-1 has it too',
      'jss tool-1-1: whoever mirrors it was told to leave it',
    ]);
    expect(await scripts()).to.deep.equal(['shared']);
    const last = await remove('other-1-1');
    expect(last.kept.map(({ why }) => why)).to.deep.equal(['scripts stay without --delete-scripts']);
    expect(await scripts()).to.deep.equal(['shared']);
  });

  it('depot3:J22 deletes an edition whose file is gone', async () => {
    const { edition } = await sandbox.add('tool', '1');
    rmSync(blobOf(edition.file.sha256));
    expect((await remove('tool-1-1')).edition.status).to.equal('missing');
    expect(await show()).to.deep.equal([]);
  });

  it('depot3:J23 archives with or without the file, and restores under the old id, never live', async () => {
    await script('gate');
    const { edition } = await sandbox.add('tool', '1', { preInstall: 'gate', live: true });
    const package1 = readFileSync(blobOf(edition.file.sha256));
    await sandbox.add('tool', '2');
    await remove('tool-1-1', { archive: true });
    expect(existsSync(blobOf(edition.file.sha256))).to.equal(false);
    expect(existsSync(blobOf(edition.contents as string)), 'what the package holds is kept').to.equal(true);
    expect(await show('archived')).to.deep.equal(['tool-1-1 archived']);
    const restore = (named: string, source?: string) =>
      sandbox.admin((session) => restoreEdition(named, source, session));
    expect((await problemsOf(restore('tool-1-1'))).problems[0]?.code).to.equal('RESTORE_WITHOUT_FILE');
    const wrong = path.join(sandbox.dir, 'wrong.pkg');
    writeFileSync(wrong, 'wrong');
    expect((await problemsOf(restore('tool-1-1', wrong))).exitCode).to.equal(33);
    await sandbox.live('tool-2-1');
    writeFileSync(wrong, package1);
    expect(await restore('tool-1-1', wrong)).to.include({ id: edition.id, status: 'deprecated' });
    expect(await show()).to.deep.equal(['tool-1-1 deprecated', 'tool-2-1 live']);
    expect(await show('archived')).to.deep.equal([]);

    await remove('tool-2-1', { archive: true, keepFile: true });
    expect(await restore('tool-2-1')).to.include({ status: 'pilot' });
    const machine = sandbox.machine('a');
    expect((await machine.pilot(['tool-2-1'])).exit).to.equal(0);
    expect((await problemsOf(restore('nix'))).exitCode).to.equal(34);
  });

  it('depot3:A13 unlive leaves a basename without a live edition; machines keep what they have', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const machine = sandbox.machine('a');
    await machine.sync();
    await sandbox.admin(async (session) => unlive(await editionMeant('tool', session), session));
    expect(await show()).to.deep.equal(['tool-1-1 deprecated']);
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
    const again = sandbox.admin(async (session) => unlive(await editionMeant('tool-1-1', session), session));
    expect((await problemsOf(again)).problems[0]?.code).to.equal('NOT_LIVE');
  });

  it('depot3:J18 depot3:BUG-61 cleans old editions after going live, past one that cannot go', async () => {
    const siblings = [
      { id: 1, status: 'deprecated' },
      { id: 2, status: 'skipped' },
      { id: 3, status: 'deprecated' },
      { id: 4, status: 'skipped' },
      { id: 5, status: 'live' },
      { id: 6, status: 'pilot' },
    ] as const;
    expect(toClean(siblings, { keepDeprecated: 0, keepLatestPilots: false })).to.deep.equal([1, 2, 3, 4]);
    expect(toClean(siblings, { keepDeprecated: 1, keepLatestPilots: true })).to.deep.equal([1, 2]);
    expect(toClean(siblings, { keepDeprecated: 0, keepLatestPilots: true })).to.deep.equal([1, 2, 3, 4]);

    for (const version of ['1', '2', '3']) await sandbox.add('tool', version);
    await sandbox.add('other', '1');
    await sandbox.live('tool-1-1');
    await policy(sandbox, 'pinned', [{ kind: 'install', args: { targets: ['tool-1-1'] } }]);
    const rules = { keepDeprecated: 0, keepLatestPilots: false };
    const { proposal, made } = await sandbox.admin(async (session) => {
      const agreed = await proposeLive('tool-3-1', session, rules);
      expect((await session.depot.store.editions.list()).length, 'a proposal changes nothing').to.equal(4);
      const exec = execIn(path.join(sandbox.dir, 'work'));
      return { proposal: agreed, made: await makeLive(agreed, session, { script: null, clean: rules, exec }) };
    });
    expect(proposal.cleaned).to.deep.equal(['tool-1-1', 'tool-2-1']);
    expect(proposal.policies, 'J16').to.deep.equal(['pinned']);
    expect(made.cleaned.deleted.map(({ edition }) => edition.edition)).to.deep.equal(['tool-2-1']);
    expect(made.warnings.join()).to.match(/tool-1-1 was not cleaned away: .*pinned/);
    expect(await show()).to.deep.equal(['other-1-1 pilot', 'tool-1-1 deprecated', 'tool-3-1 live']);
  });

  it('depot3:J16 depot3:A12 says how many machines will change, by their reports', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('tool', '2', { autoGroups: 'standard', inherit: true });
    await sandbox.machine('a').sync();
    const frozen = sandbox.machine('b');
    await frozen.install(['tool'], { freeze: true });
    await sandbox.machine('c').pilot(['tool-2-1']);
    const proposal = await sandbox.admin((session) => proposeLive('tool-2-1', session));
    expect(proposal.affected).to.include({ reported: 3, update: 1, stay: 1, enliven: 1, rollBack: 0, install: 0 });
    expect(affectedWords(proposal.affected)).to.match(/^1 of 3 machines .*1 update to it/);
    await sandbox.live('tool-2-1');
    const back = await sandbox.admin((session) => proposeLive('tool-1-1', session));
    expect(back.rollback).to.equal(true);
  });

  it('depot3:J16 foretells just what then happens to every machine that reported', async () => {
    const mac = { os: { name: 'macOS', version: '14.2' }, cpu: 'arm64' };
    const kinds: Record<string, Record<string, unknown>> = {
      updates: mac,
      goesBack: mac,
      getsItByGroup: mac,
      isSmart: { ...mac, model: 'Kiosk 1' },
      isFrozen: mac,
      pilotsOther: mac,
      pilotsIt: mac,
      isExcluded: mac,
      isTooOld: { ...mac, os: { name: 'macOS', version: '12' } },
      isIntel: { ...mac, cpu: 'x64' },
      hasNothing: mac,
      hasIt: mac,
    };
    const machines = Object.fromEntries(
      Object.entries(kinds).map(([name, facts]) => [name, sandbox.machine(name, facts)]),
    ) as Record<string, ReturnType<typeof sandbox.machine>>;
    const of = (name: string) => machines[name] as ReturnType<typeof sandbox.machine>;
    for (const version of ['1', '2', '3']) await sandbox.add('tool', version, { live: version === '1' });
    for (const machine of Object.values(machines)) await machine.sync();
    for (const name of ['updates', 'isExcluded', 'isTooOld', 'isIntel']) await of(name).install(['tool']);
    await of('isFrozen').install(['tool'], { freeze: true });
    await of('pilotsOther').pilot(['tool-3-1']);
    await of('pilotsIt').pilot(['tool-2-1']);
    await sandbox.live('tool-3-1');
    await of('goesBack').install(['tool']);
    await sandbox.admin(async (session) => {
      await addGroup('lab', '', ['getsItByGroup', 'pilotsIt'], session);
      await addSmartGroup('kiosks', '', 'model like kiosk', session);
      await addGroup('never', '', ['isExcluded'], session);
      await editEdition(
        'tool-2-1',
        { autoGroups: 'lab,kiosks', excludedGroups: 'never', oses: '>=13', cpu: 'arm64' },
        session,
      );
    });
    await of('hasIt').install(['tool-2-1']);
    const before = (name: string) => of(name).receipt('tool')?.edition ?? null;
    const had = Object.fromEntries(Object.keys(kinds).map((name) => [name, before(name)]));
    const { affected } = await sandbox.admin((session) => proposeLive('tool-2-1', session));
    await sandbox.live('tool-2-1');
    const changed: string[] = [];
    for (const name of Object.keys(kinds)) {
      await of(name).sync();
      if (before(name) !== had[name]) changed.push(name);
    }
    expect(changed).to.deep.equal(['updates', 'goesBack', 'getsItByGroup', 'isSmart']);
    expect(affected).to.deep.equal({
      reported: 12,
      update: 1,
      rollBack: 1,
      install: 2,
      enliven: 1,
      stay: 2,
      cannot: 3,
    });
  });

  for (const by of ['id', 'name'] as const) {
    it(`depot3:J17 depot3:BUG-25 runs the make-live script, named by its ${by}, with its environment`, async () => {
      const out = path.join(sandbox.dir, 'said');
      const told = await script(
        'announce',
        `#!/bin/sh\nenv | grep ^D3_ | sort > '${out}'\nid -u >> '${out}'\nexit 3\n`,
      );
      await sandbox.add('tool', '1', { description: 'what it is', autoGroups: 'standard' });
      const named = by === 'id' ? String(told.id) : told.name;
      const { warnings } = await sandbox.admin(async (session) => {
        const exec = execIn(path.join(sandbox.dir, 'work'));
        return makeLive(await proposeLive('tool-1-1', session), session, { script: named, clean: null, exec });
      });
      expect(readFileSync(out, 'utf8').split('\n')).to.deep.equal([
        'D3_MAKE_LIVE_ADMIN=sally',
        'D3_MAKE_LIVE_AUTO_GROUPS=standard',
        'D3_MAKE_LIVE_DESC=what it is',
        'D3_MAKE_LIVE_EDITION=tool-1-1',
        'D3_MAKE_LIVE_EXCL_GROUPS=',
        String(process.getuid?.()),
        '',
      ]);
      expect(warnings.join()).to.include('ended with 3');
      expect(await show()).to.deep.equal(['tool-1-1 live']);
    });
  }

  it('depot3:J17 a make-live script whose bytes are not what was stored is not run', async () => {
    const out = path.join(sandbox.dir, 'said');
    const told = await script('announce', '#!/bin/sh\n');
    writeFileSync(blobOf(told.body.sha256), `#!/bin/sh\ntouch '${out}'\n`);
    await sandbox.add('tool', '1');
    const { warnings } = await sandbox.admin(async (session) => {
      const exec = execIn(path.join(sandbox.dir, 'work'));
      return makeLive(await proposeLive('tool-1-1', session), session, { script: 'announce', clean: null, exec });
    });
    expect(warnings.join()).to.include('could not be run').and.include('tool-1-1 is live');
    expect(existsSync(out)).to.equal(false);
  });

  it('depot3:J17 the make-live script comes first, then policies of that event, told the same', async () => {
    const out = path.join(sandbox.dir, 'said');
    const says = (who: string) => `#!/bin/sh\necho ${who} "$D3_MAKE_LIVE_EDITION $D3_MAKE_LIVE_ADMIN" >> '${out}'\n`;
    const first = await script('announce', says('script'));
    await script('after', says('policy'));
    await policy(sandbox, 'a', [{ kind: 'script', args: { script: 'after' } }], { events: ['make-live'] });
    await sandbox.add('tool', '1');
    const { warnings } = await sandbox.admin(async (session) => {
      const exec = execIn(path.join(sandbox.dir, 'work'));
      return makeLive(await proposeLive('tool-1-1', session), session, { script: first.name, clean: null, exec });
    });
    expect(warnings).to.deep.equal([]);
    expect(readFileSync(out, 'utf8').split('\n')).to.deep.equal(['script tool-1-1 sally', 'policy tool-1-1 sally', '']);
  });

  it('doctor finds and mends: no live, missing, wrong bytes, orphans, half-made, unused scripts', async () => {
    await script('idle');
    const { edition: gone } = await sandbox.add('gone', '1', { live: true });
    const { edition: bad } = await sandbox.add('bad', '1', { live: true });
    await sandbox.add('pilot', '1');
    rmSync(blobOf(gone.file.sha256));
    writeFileSync(blobOf(bad.file.sha256), 'other bytes');
    const old = new Date(Date.now() - 3 * 86_400_000);
    const orphan = (await sandbox.admin((session) => session.depot.blobs.put(Buffer.from('nobody needs it')))).sha256;
    const fresh = (await sandbox.admin((session) => session.depot.blobs.put(Buffer.from('just arriving')))).sha256;
    utimesSync(blobOf(orphan), old, old);
    const look = (fix: boolean) => sandbox.admin((session) => examineDepot(session, fix));
    const codes = (found: Awaited<ReturnType<typeof look>>) =>
      found.map(({ code, target }) => `${code} ${target}`).toSorted();
    const expected = [
      'FILE_MISSING gone-1-1',
      'HASH_WRONG bad-1-1',
      'NO_LIVE pilot',
      `ORPHAN ${orphan}`,
      'SCRIPT_UNUSED idle',
    ];
    expect(codes(await look(false))).to.deep.equal(expected);
    expect(existsSync(blobOf(orphan))).to.equal(true);
    expect((await look(true)).filter(({ fixed }) => fixed).map(({ code }) => code)).to.have.members([
      'HASH_WRONG',
      'ORPHAN',
    ]);
    expect(existsSync(blobOf(orphan))).to.equal(false);
    expect(existsSync(blobOf(fresh)), 'what may be arriving stays').to.equal(true);
    expect(readFileSync(path.join(sandbox.depot, 'damaged', bad.file.sha256), 'utf8')).to.equal('other bytes');
    expect(codes(await look(false))).to.deep.equal([
      'FILE_MISSING bad-1-1',
      'FILE_MISSING gone-1-1',
      'NO_LIVE pilot',
      'SCRIPT_UNUSED idle',
    ]);
  });

  it('depot3:BUG-33 a new file name is one change of one record: machines and depot agree on it', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.admin((session) => editEdition('tool-1-1', { filename: 'renamed.pkg' }, session));
    const machine = sandbox.machine('a');
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(machine.receipt('tool')?.file.name).to.equal('renamed.pkg');
  });

  it('depot3:BUG-32 what is done is recorded for whoever is named', async () => {
    const source = await sandbox.package('t', { 'opt/t': '' });
    const { edition } = await sandbox.admin(
      (session) => addEdition({ basename: 'tool', typed: { version: '1' }, source, inherit: true }, session),
      'fritz',
    );
    expect(edition.addedBy).to.equal('fritz');
  });
});
