import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { addEdition } from '../../src/admin/add.ts';
import { deleteEdition } from '../../src/admin/delete.ts';
import { addGroup } from '../../src/admin/groups.ts';
import { makeLive, proposeLive } from '../../src/admin/live.ts';
import { addNamed } from '../../src/admin/named.ts';
import { editionInfo } from '../../src/admin/show.ts';
import { editionMeant } from '../../src/admin/targets.ts';
import type { TypedAttributes } from '../../src/catalog/attributes.ts';
import type { Edition } from '../../src/catalog/types.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What editions, versions and statuses are, on a real depot and a real machine. */
describe('editions', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const installed = (basename = 'tool') => machine.receipt(basename)?.edition;
  const all = () => sandbox.admin((session) => session.depot.store.editions.list());
  const statuses = async () => Object.fromEntries((await all()).map(({ edition, status }) => [edition, status]));
  const blobOf = ({ file }: Edition) => path.join(sandbox.depot, 'blobs', file.sha256.slice(0, 2), file.sha256);

  it('depot3:A01 a basename stands for a family, and alone for its live edition', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('tool', '2');
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(installed()).to.equal('tool-1-1');
    await sandbox.live('tool-2-1');
    await machine.install(['tool']);
    expect(installed()).to.equal('tool-2-1');
    const meant = (target: string) => sandbox.admin((session) => editionMeant(target, session));
    expect((await meant('tool')).edition).to.equal('tool-2-1');
  });

  it('depot3:A02 a version is free: letters, digits and . _ + ~ -, at most 30; spaces become _, anything else is refused', async () => {
    const added = async (version: string) => (await sandbox.add('tool', version)).edition.version;
    for (const version of ['2.2.3', 'Mavericks', '1.0~beta+7', '5-b', '0', 'x'.repeat(30)])
      expect(await added(version)).to.equal(version);
    expect(await added('  2026 spring edition ')).to.equal('2026_spring_edition');
    const source = await sandbox.package('bad', { 'opt/bad': '' });
    for (const version of ['', ' ', '-1', '.1', 'a/b', '..', 'a\u0007b', 'é', 'a,b', 'x'.repeat(31)]) {
      const request = { basename: 'bad', typed: { version }, source, preserveOwners: false, inherit: false };
      const { problems, exitCode } = await problemsOf(sandbox.admin((session) => addEdition(request, session)));
      expect(exitCode, version).to.equal(2);
      expect(problems[0]?.message, version).to.include('must be 1 to 30');
    }
    for (const basename of ['', '-a', 'a b', 'a/b', 'x'.repeat(61)]) {
      const request = { basename, typed: { version: '1' }, source, preserveOwners: false, inherit: false };
      const { exitCode } = await problemsOf(sandbox.admin((session) => addEdition(request, session)));
      expect(exitCode, basename).to.equal(2);
    }
    expect((await all()).filter(({ basename }) => basename !== 'tool')).to.deep.equal([]);
  });

  it('depot3:A03 a revision counts the editions of one version: 1 for a new version, one more after that', async () => {
    const added = async (version: string, typed: Omit<TypedAttributes, 'version'> = {}) =>
      (await sandbox.add('tool', version, typed)).edition.revision;
    expect(await added('1')).to.equal(1);
    expect(await added('1')).to.equal(2);
    expect(await added('2')).to.equal(1);
    expect(await added('1')).to.equal(3);
    expect(await added('2', { revision: '10' })).to.equal(10);
    expect(await added('2')).to.equal(11);
  });

  it('depot3:A04 an edition is basename-version-revision and named once; it is never taken apart at its hyphens', async () => {
    await sandbox.add('a-b', '1', { live: true });
    const { edition } = await sandbox.add('a', '9', { live: true });
    expect(edition.edition).to.equal('a-9-1');
    // It would read a-b-1-1 too.
    const { problems, exitCode } = await problemsOf(sandbox.add('a', 'b-1'));
    expect(exitCode).to.equal(30);
    expect(problems[0]?.message).to.include('a-b-1-1');
    expect((await machine.install(['a-b-1-1'])).exit).to.equal(0);
    expect(machine.receipts().map(({ basename }) => basename)).to.deep.equal(['a-b']);
    expect((await machine.install(['a-b-1', 'a-9'])).exit).to.equal(34);
    const again = await problemsOf(sandbox.add('a', '9', { revision: '1' }));
    expect(again.exitCode).to.equal(30);
  });

  it('depot3:A05 newer is what was added later, whatever the version says', async () => {
    await sandbox.add('tool', '10.0', { live: true });
    await machine.install(['tool']);
    await sandbox.add('tool', '9.0', { live: true });
    const result = await machine.sync();
    expect(result.outcomes[0]).to.deep.include({ mode: 'update', replaced: 'tool-10.0-1' });
    expect(installed()).to.equal('tool-9.0-1');
    // The older of both by that count is refused by name.
    expect((await machine.install(['tool-10.0-1'])).exit).to.equal(30);
  });

  it('depot3:A06 a new edition is a pilot: nobody gets it but who names it', async () => {
    await sandbox.add('tool', '1', { autoGroups: 'standard' });
    expect(await statuses()).to.deep.equal({ 'tool-1-1': 'pilot' });
    await machine.sync();
    expect((await machine.install(['tool'])).exit).to.equal(34);
    expect(installed()).to.equal(undefined);
    expect((await machine.pilot(['tool-1-1'])).exit).to.equal(0);
    expect(machine.receipt('tool')?.piloting).to.equal(true);
  });

  it('depot3:A07 depot3:A08 depot3:A09 at most one edition is live; the one before is deprecated, pilots it passed are skipped', async () => {
    for (const version of ['1', '2', '3', '4']) await sandbox.add('tool', version);
    await sandbox.live('tool-1-1');
    await sandbox.live('tool-3-1');
    expect(await statuses()).to.deep.equal({
      'tool-1-1': 'deprecated',
      'tool-2-1': 'skipped',
      'tool-3-1': 'live',
      'tool-4-1': 'pilot',
    });
    for (const edition of ['tool-1-1', 'tool-2-1']) {
      expect((await machine.install([edition])).exit, edition).to.equal(30);
      expect((await machine.install([edition], { force: true })).exit, edition).to.equal(0);
      expect(installed()).to.equal(edition);
    }
    const database = new DatabaseSync(path.join(sandbox.depot, 'depot.db'));
    try {
      const two = () => database.exec("UPDATE editions SET status = 'live' WHERE edition = 'tool-4-1'");
      expect(two, 'the database itself allows one only').to.throw(/UNIQUE/);
    } finally {
      database.close();
    }
  });

  it('depot3:A10 an edition is missing while its file is: found out at every look, and kept nowhere', async () => {
    const { edition } = await sandbox.add('tool', '1', { live: true });
    const file = blobOf(edition);
    const status = async () => (await sandbox.admin((session) => editionInfo('tool-1-1', session))).edition.status;
    const bytes = readFileSync(file);
    rmSync(file);
    expect(await status()).to.equal('missing');
    expect(await statuses(), 'as it is stored').to.deep.equal({ 'tool-1-1': 'live' });
    writeFileSync(file, bytes);
    expect(await status()).to.equal('live');
    expect((await machine.install(['tool'])).exit).to.equal(0);
  });

  it('depot3:A12 making an older edition live takes machines back to it, and newer ones are pilots again', async () => {
    for (const version of ['1', '2', '3']) await sandbox.add('tool', version, { live: true });
    const frozen = sandbox.machine('mac-frozen');
    const pilot = sandbox.machine('mac-pilot');
    await machine.install(['tool']);
    await frozen.install(['tool'], { freeze: true });
    await sandbox.add('tool', '4');
    await pilot.pilot(['tool-4-1']);
    const proposal = await sandbox.admin((session) => proposeLive('tool-1-1', session));
    expect(proposal.rollback).to.equal(true);
    await sandbox.admin((session) => makeLive(proposal, session));
    expect(await statuses()).to.deep.equal({
      'tool-1-1': 'live',
      'tool-2-1': 'pilot',
      'tool-3-1': 'pilot',
      'tool-4-1': 'pilot',
    });
    for (const each of [machine, frozen, pilot]) expect((await each.sync()).exit).to.equal(0);
    expect(installed()).to.equal('tool-1-1');
    expect(machine.lies()).to.deep.equal([]);
    expect(frozen.receipt('tool')?.edition).to.equal('tool-3-1');
    expect(pilot.receipt('tool')?.edition).to.equal('tool-4-1');
  });

  it('depot3:B25 a new edition inherits from the newest there is, but for names; --no-inherit takes the defaults', async () => {
    await sandbox.admin((session) => addGroup('lab', '', [], session));
    await sandbox.admin((session) => addNamed('category', 'Tools', '', session));
    const script = path.join(sandbox.dir, 'gate');
    writeFileSync(script, '#!/bin/sh\n');
    const typed = {
      packageName: 'My Tool',
      category: 'Tools',
      description: 'about it',
      oses: '>=14',
      cpu: 'arm64',
      reboot: 'y',
      removable: 'n',
      removeFirst: 'y',
      prohibitingProcesses: 'Safari',
      autoGroups: 'lab',
      preInstall: script,
      expiration: '30',
      expirationPaths: '/Applications/T.app',
    };
    await sandbox.add('tool', '1', { live: true });
    const { edition: newest } = await sandbox.add('tool', '2', typed);
    const { edition: heir } = await sandbox.add('tool', '3', { inherit: true, expiration: '7' });
    const own = [
      'id',
      'edition',
      'version',
      'packageName',
      'file',
      'contents',
      'applePackages',
      'addedAt',
      'expiration',
    ];
    const inherited = (edition: Edition) => Object.entries(edition).filter(([key]) => !own.includes(key));
    expect(inherited(heir)).to.deep.equal(inherited(newest));
    expect(heir).to.deep.include({ packageName: 'tool-3-1', expiration: 7, revision: 1, status: 'pilot' });
    const { edition: plain } = await sandbox.add('tool', '4', { inherit: false });
    expect(plain).to.deep.include({ cpu: null, removable: true, autoGroups: [], preInstall: null, expiration: 0 });
    await sandbox.admin(async (session) => deleteEdition(await editionMeant('tool-4-1', session), {}, session));
    expect((await sandbox.add('tool', '5', { inherit: true })).edition.cpu, 'the newest that is left').to.equal(
      'arm64',
    );
  });
});
