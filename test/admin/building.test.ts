import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from '@d3/flatpkg';
import { expect } from 'chai';
import { type AddRequest, addEdition } from '../../src/admin/add.ts';
import { AddSession, EditSession } from '../../src/admin/attribute-session.ts';
import { type BuildTools, buildToolsHere } from '../../src/admin/build.ts';
import { deleteEdition } from '../../src/admin/delete.ts';
import { addScript } from '../../src/admin/scripts.ts';
import { editionMeant } from '../../src/admin/targets.ts';
import { runProgram } from '../../src/platform/program.ts';
import { imageFile } from '../support/disk-image.ts';
import { problemsOf } from '../support/errors.ts';
import { recorded } from '../support/recorded.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('attributes one by one, and building', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  const add = (request: Partial<AddRequest>) =>
    sandbox.admin((session) => addEdition({ basename: 'tool', typed: {}, inherit: true, ...request }, session));
  const blobOf = (sha256: string) => path.join(sandbox.depot, 'blobs', sha256.slice(0, 2), sha256);
  /** A Mac whose programs are stand-ins. */
  const mac = (): { tools: BuildTools; calls: () => string[] } => {
    const folder = sandbox.folder('mac-programs', {});
    const image = path.join(sandbox.dir, 'made.dmg');
    writeFileSync(image, imageFile());
    const { programs, calls } = recorded(folder, {
      productsign: [
        { args: ['--sign', 'Developer ID Installer: Us', '--keychain', '/k y', '*', '*'], does: 'cp "$5" "$6"' },
        { args: ['--sign', 'Nobody', '*', '*'], stderr: 'error: Could not find appropriate signing identity', code: 1 },
      ],
      hdiutil: [{ args: Array<string>(13).fill('*'), does: `cp '${image}' "\${13}"` }],
    });
    return { tools: { platform: 'darwin', run: runProgram, ...programs }, calls };
  };

  it('depot3:J06 shows each attribute with its value, its old value and where it comes from, and checks one by itself', async () => {
    await sandbox.add('tool', '1', { category: 'none', description: 'first', reboot: 'y' });
    await sandbox.admin(async (session) => {
      const adding = new AddSession({ basename: 'tool', typed: {}, inherit: true }, session);
      expect(await adding.view('description')).to.include({ value: 'first', inheritedFrom: 'tool-1-1' });
      expect(await adding.view('revision')).to.include({ value: '2', inheritedFrom: null });
      expect((await adding.set('reboot', 'maybe')).map(({ target }) => target)).to.deep.equal(['-R/--reboot']);
      expect(await adding.view('reboot'), 'a bad value is not taken').to.include({ value: 'y' });
      await adding.set('revision', '7');
      expect(await adding.set('version', '2')).to.deep.equal([]);
      const changed = (await adding.views()).filter(({ value, old }) => value !== old);
      expect(changed.map(({ key, old, value }) => `${key}: ${old} => ${value}`)).to.deep.equal([
        'version: 1 => 2',
        'revision: 2 => 1',
        'packageName: tool-1-2 => tool-2-1',
        'filename: tool-1-2.pkg => tool-2-1.pkg',
      ]);
      expect(await adding.problems()).to.deep.equal([]);
      expect(await session.depot.store.editions.list()).to.have.lengthOf(1);
      expect((await adding.add()).edition.edition).to.equal('tool-2-1');
    });
  });

  it('depot3:J14 edits any attribute but the basename, one by one, and says old => new', async () => {
    await sandbox.add('tool', '1');
    await sandbox.admin(async (session) => {
      const editing = await EditSession.open('tool-1-1', { expiration: '3' }, session);
      expect((await editing.problems()).map(({ code }) => code)).to.deep.equal(['EXPIRATION_WITHOUT_PATH']);
      await editing.set('expirationPaths', '/Applications/Tool.app');
      await editing.set('firmExpiration', '2099-12-31');
      const changed = (await editing.views()).filter(({ value, old }) => value !== old);
      expect(changed.map(({ key, old, value }) => `${key}: ${old} => ${value}`)).to.deep.equal([
        'expiration: 0 => 3',
        'expirationPaths: none => /Applications/Tool.app',
        'firmExpiration: none => 2099-12-31',
      ]);
      const { changed: keys, edition } = await editing.save();
      expect(keys).to.have.members(['expiration', 'expirationPaths', 'firmExpiration']);
      expect(edition.firmExpiration).to.deep.equal({ on: '2099-12-31' });
    });
  });

  it('depot3:B30 a firm expiration is recorded, inherited, and in receipts, which follow when it changes', async () => {
    await sandbox.add('tool', '1', { firmExpiration: '90d', autoGroups: 'standard', live: true });
    const machine = sandbox.machine('a');
    await machine.sync();
    expect(machine.receipt('tool')?.firmExpiration).to.deep.equal({ days: 90 });
    expect((await add({})).edition.firmExpiration).to.deep.equal({ days: 90 });
    const edit = (firmExpiration: string) =>
      sandbox.admin(async (session) => (await EditSession.open('tool-1-1', { firmExpiration }, session)).save());
    expect((await edit('2020-01-01')).warnings.join()).to.include('2020-01-01');
    await machine.sync();
    expect(machine.receipt('tool')?.firmExpiration).to.deep.equal({ on: '2020-01-01' });
    await edit('none');
    await machine.sync();
    expect(machine.receipt('tool')?.firmExpiration ?? null).to.equal(null);
    expect(machine.exists('opt/tool/version'), 'nothing is carried out').to.equal(true);
  });

  it('depot3:J10 builds with identifier, place, scripts and workspace; the identifier comes from the edition before, else the prefix', async () => {
    const root = sandbox.folder('root', { 'bin/tool': 'x' });
    const scripts = sandbox.folder('own-scripts', { postinstall: '#!/bin/sh\n' });
    const workspace = sandbox.folder('workspace', {});
    const build = { installLocation: '/opt/tool', scriptsFolder: scripts, workspace };
    const { edition } = await add({
      source: root,
      typed: { version: '1' },
      build,
      usual: usual({ pkgIdPrefix: 'org.us' }),
    });
    const made = await inspect(blobOf(edition.file.sha256));
    expect(made.components[0]).to.include({ identifier: 'org.us.tool', version: '1', installLocation: '/opt/tool' });
    expect(globSync('*', { cwd: workspace })).to.deep.equal([]);
    const second = await add({ source: root, typed: { version: '2' }, usual: usual({ pkgIdPrefix: 'org.other' }) });
    expect(second.edition.applePackages[0]?.id).to.equal('org.us.tool');
  });

  it('depot3:BUG-41 signs with the given identity and options on a Mac, and says why it cannot elsewhere', async () => {
    const root = sandbox.folder('root', { 'bin/tool': 'x' });
    const { tools, calls } = mac();
    const build = { signingIdentity: 'Developer ID Installer: Us', signingOptions: '--keychain "/k y"' };
    await add({ source: root, typed: { version: '1' }, build, tools });
    expect(calls().join()).to.match(/^productsign --sign Developer ID Installer: Us --keychain \/k y /);
    const before = globSync('blobs/*/*', { cwd: sandbox.depot });
    const failed = await problemsOf(add({ source: root, build: { signingIdentity: 'Nobody' }, tools }));
    expect(failed.problems[0]?.message).to.include('Could not find appropriate signing identity');
    expect(globSync('blobs/*/*', { cwd: sandbox.depot })).to.deep.equal(before);
    const elsewhere = { ...buildToolsHere(), platform: 'linux' as const };
    const refused = await problemsOf(
      add({ source: root, build: { signingIdentity: 'Us', dmg: true }, tools: elsewhere }),
    );
    expect(refused.problems.map(({ code }) => code)).to.include.members(['NO_SIGNING', 'NO_DMG']);
  });

  it('depot3:J09 builds a disk image where a Mac’s hdiutil can', async () => {
    const root = sandbox.folder('root', { 'bin/tool': 'x' });
    const { edition } = await add({ source: root, typed: { version: '1' }, build: { dmg: true }, tools: mac().tools });
    expect(edition.file).to.include({ format: 'dmg', name: 'tool-1-1.dmg' });
    expect(edition.requires).to.include('dmg');
  });

  it('depot3:J11 depot3:BUG-35 imports a file, and the record of any edition by name or id, archived ones too', async () => {
    const source = await sandbox.package('t', { 'opt/t': 'one' });
    expect((await add({ importFrom: source, typed: { version: '1' } })).edition.edition).to.equal('tool-1-1');
    await sandbox.add('other', '5', { description: 'from other', prohibitingProcesses: 'Mail' });
    const { id } = await sandbox.admin((session) => editionMeant('other-5-1', session));
    const byId = await add({ importFrom: String(id), typed: { version: '2' } });
    expect(byId.edition).to.deep.include({ description: 'from other', prohibitingProcesses: ['Mail'] });
    expect(byId.fileFrom).to.equal('other-5-1');
    await sandbox.admin(async (session) => {
      const edition = await editionMeant('other-5-1', session);
      await deleteEdition(edition, { archive: true, keepFile: true }, session);
    });
    expect((await add({ importFrom: 'other-5-1', typed: { version: '3' } })).inheritedFrom).to.equal('other-5-1');
    const unknown = await problemsOf(add({ importFrom: 'nix' }));
    expect(unknown.problems.map(({ code }) => code)).to.include('IMPORT_NOT_FOUND');
  });

  it('depot3:J07 tells everything that is wrong with a build at once', async () => {
    const root = sandbox.folder('root', { a: '' });
    const build = {
      workspace: '/nowhere',
      packageId: '-',
      installLocation: 'opt',
      scriptsFolder: '/none',
      signingOptions: '"',
    };
    const { problems, exitCode } = await problemsOf(add({ source: root, typed: { version: '', reboot: 'x' }, build }));
    expect(exitCode).to.equal(2);
    expect(problems.map(({ target }) => target)).to.include.members([
      '-v/--version',
      '-R/--reboot',
      '-W/--workspace',
      '-p/--pkg-id',
      '--install-location',
      '--scripts-folder',
      '--signing-opts',
    ]);
    expect(existsSync('/nowhere')).to.equal(false);
  });

  it('depot3:B16 depot3:B17 depot3:B18 depot3:B19 depot3:B20 takes processes, removable, remove first and restart from flags', async () => {
    await sandbox.admin(async (session) => {
      const script = path.join(sandbox.dir, 'gate');
      writeFileSync(script, '#!/bin/sh\n');
      await addScript('gate', script, '', session);
    });
    mkdirSync(path.join(sandbox.dir, 'r'));
    const typed = {
      version: '1',
      prohibitingProcesses: 'Safari,Mail',
      removable: 'n',
      removeFirst: 'y',
      reboot: 'y',
      preInstall: 'gate',
    };
    const { edition } = await add({ source: await sandbox.package('t', { 'opt/t': '' }), typed });
    expect(edition).to.deep.include({
      prohibitingProcesses: ['Safari', 'Mail'],
      removable: false,
      removeFirst: true,
      reboot: true,
    });
    expect(readFileSync(blobOf(edition.preInstall?.sha256 as string), 'utf8')).to.equal('#!/bin/sh\n');
  });
});

function usual(changes: Partial<NonNullable<AddRequest['usual']>>): NonNullable<AddRequest['usual']> {
  return {
    workspace: null,
    pkgIdPrefix: null,
    category: null,
    signingIdentity: null,
    signingOptions: null,
    ...changes,
  };
}
