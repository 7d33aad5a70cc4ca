import { existsSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from '@d3/flatpkg';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { appleProgress } from '../../src/installers/apple/progress.ts';
import { drivers, type InstallTarget, installerParts, type PreparedInstall } from '../../src/installers/index.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import { MAC_PROGRAMS } from '../../src/platform/programs.ts';
import {
  ASSESSED,
  attached,
  FAILED,
  INSTALLED,
  INSTALLED_IN_GERMAN,
  noReceipt,
  pkgInfo,
  REJECTED,
  type Recording,
  SIGNED,
  UNSIGNED,
} from '../recorded/mac.ts';
import { attaching, imageFile } from '../support/disk-image.ts';
import { problemsOf } from '../support/errors.ts';
import { recorded } from '../support/recorded.ts';
import { Sandbox } from '../support/sandbox.ts';

type Answers = Partial<Record<'installer' | 'pkgutil' | 'spctl' | 'hdiutil', Recording[]>>;

/** With programs that answer as those of a Mac were recorded to. No Mac has run this. */
describe("a Mac's own installers", () => {
  let sandbox: Sandbox;
  let told: string[];
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    told = [];
  });
  afterEach(() => sandbox.remove());

  const ID = 'org.example.tool';
  const edition = (format: 'pkg' | 'dmg' = 'pkg') =>
    ({
      edition: 'tool-1-1',
      packageScripts: 'refuse',
      applePackages: [{ id: ID, version: '1', installedKb: 1 }],
      file: { format },
    }) as Edition;

  function mac(answers: Answers, signature = { required: 'any' as 'any' | 'signed', teamIds: [] as string[] }) {
    const { programs, calls } = recorded(sandbox.dir, {
      installer: [],
      pkgutil: [],
      spctl: [],
      hdiutil: [],
      ...answers,
    });
    const work = path.join(sandbox.dir, 'work');
    const parts = installerParts(work, { platform: 'darwin', mac: { ...MAC_PROGRAMS, ...programs }, signature });
    return { driverFor: drivers(parts), calls, work };
  }

  const target = (changes: Partial<InstallTarget> = {}): InstallTarget => ({
    root: '/',
    staging: '.stage',
    signal: new AbortController().signal,
    force: false,
    replaces: null,
    removeFirst: false,
    say: (text) => told.push(text),
    advance: (percent) => told.push(`${percent}%`),
    ...changes,
  });

  async function prepare(
    { driverFor }: Pick<ReturnType<typeof mac>, 'driverFor'>,
    file: string,
    to = target(),
    of = edition(),
  ): Promise<PreparedInstall> {
    const handle = await open(file);
    try {
      return await driverFor(of).prepare({ edition: of, path: file, handle }, to);
    } finally {
      await handle.close();
    }
  }

  const installing = (more: Omit<Recording, 'args'> = { stdout: INSTALLED }): Recording[] => [
    { args: ['-pkg', '*', '-target', '/', '-verboseR'], ...more },
  ];

  /** What the package has put into a folder that stands for a place on the Mac. */
  function receiptOf(id: string, place: string): Recording[] {
    return [
      // Relative to the volume, without a slash before it.
      { args: ['--pkg-info-plist', id], stdout: pkgInfo(id, '1', place.slice(1)) },
      { args: ['--files', id], stdout: 'a\na/run\na/link\na/never there\n' },
    ];
  }

  function place(): string {
    const folder = sandbox.folder('place', { 'a/run': 'abc', 'a/link': '-> run' });
    return realpathSync(folder);
  }

  it('depot3:E04 install packages with their scripts; before they have, the bill of materials says what comes', async () => {
    const file = await sandbox.package(
      'tool',
      { 'a/run': 'x' },
      { installLocation: '/opt', scripts: { preinstall: '#!/bin/sh\n' } },
    );
    const link = path.join(sandbox.dir, 'link.pkg');
    symlinkSync(file, link);
    const at = place();
    const here = mac({ installer: installing(), pkgutil: receiptOf(ID, at) });
    expect(here.driverFor(edition()).installedBy('/')).to.equal('system');
    expect(here.driverFor(edition()).installedBy(sandbox.dir)).to.equal('d3');
    const prepared = await prepare(here, file);
    expect(prepared.paths.map((entry) => `${entry.type} ${entry.path}`)).to.have.members([
      'dir /opt/a',
      'file /opt/a/run',
    ]);
    expect(here.calls()).to.deep.equal([]);
    const { paths, replacedAll } = await prepared.commit();
    expect(replacedAll).to.equal(false);
    expect(paths?.map(({ path: name, type, size, target: to }) => [name, type, size, to])).to.deep.equal([
      [`${at}/a`, 'dir', 0, null],
      [`${at}/a/run`, 'file', 3, null],
      [`${at}/a/link`, 'symlink', 0, 'run'],
    ]);
    expect(here.calls()[0]).to.equal(`installer -pkg ${realpathSync(file)} -target / -verboseR`);
    expect(told).to.deep.equal([
      'Package name is Example',
      'Installing at base path /',
      'Preparing for installation…',
      '0%',
      'Running package scripts…',
      '84%',
      'Running installer actions…',
      'Finishing the Installation…',
      '100%',
      'The software was successfully installed.',
      'The install was successful.',
    ]);
    expect(
      await here.driverFor(edition()).recover({ edition: edition(), root: '/', staging: '.s', begun: true }),
    ).to.equal('none');
  });

  it('are believed by their exit code only, in whatever language, and quoted when they fail (32)', async () => {
    const file = await sandbox.package('tool', { 'a/run': 'x' });
    const german = mac({ installer: installing({ stdout: INSTALLED_IN_GERMAN }), pkgutil: receiptOf(ID, place()) });
    await (await prepare(german, file)).commit();
    expect(told).to.include('Die Software wurde erfolgreich installiert.');
    const failing = mac({ installer: installing({ stdout: FAILED, code: 1 }) });
    const { problems, exitCode } = await problemsOf((await prepare(failing, file)).commit());
    expect(exitCode).to.equal(32);
    expect(problems[0]?.message).to.include('ended with 1').and.include('The install failed.');
    expect(problems[0]?.actions.join()).to.include('install.log');
  });

  it('are not given a file that is no longer the one that was verified (33)', async () => {
    const file = await sandbox.package('tool', { 'a/run': 'x' });
    const here = mac({ installer: installing() });
    const prepared = await prepare(here, file);
    writeFileSync(file, readFileSync(file));
    expect((await problemsOf(prepared.commit())).exitCode).to.equal(33);
    expect(here.calls()).to.deep.equal([]);
  });

  it('leave no receipt of a package without a payload: what was expected counts', async () => {
    const file = await sandbox.package('tool', { 'a/run': 'x' });
    const none: Recording[] = [{ args: ['--pkg-info-plist', ID], stderr: noReceipt(ID), code: 1 }];
    const { paths } = await (await prepare(mac({ installer: installing(), pkgutil: none }), file)).commit();
    expect(paths).to.equal(null);
  });

  it('depot3:E06 forget what they know of a package before it is forced on the Mac, and not otherwise', async () => {
    const file = await sandbox.package('tool', { 'a/run': 'x' });
    const pkgutil = [...receiptOf(ID, place()), { args: ['--forget', ID], stdout: `Forgot package '${ID}' on '/'.\n` }];
    const forced = mac({ installer: installing(), pkgutil });
    await (await prepare(forced, file, target({ force: true }))).commit();
    const names = forced.calls().map((call) => call.split(' ').slice(0, 2).join(' '));
    expect(names.indexOf('pkgutil --forget')).to.be.greaterThan(-1);
    expect(names.indexOf('pkgutil --forget')).to.be.lessThan(names.indexOf('installer -pkg'));
    const before = forced.calls().length;
    await (await prepare(forced, file)).commit();
    expect(forced.calls().slice(before).join()).not.to.include('--forget');
  });

  it('depot3:B26 depot3:BUG-29 are told to forget what d3 has removed, by the ids in the receipt', async () => {
    const other = 'org.example.gone';
    const pkgutil: Recording[] = [
      { args: ['--pkg-info-plist', ID], stdout: pkgInfo(ID, '1', '') },
      { args: ['--pkg-info-plist', other], stderr: noReceipt(other), code: 1 },
      { args: ['--forget', ID], stdout: 'Forgot\n' },
    ];
    const { driverFor, calls } = mac({ pkgutil });
    const receipt = { edition: 'tool-1-1', file: { format: 'pkg' }, applePackageIds: [ID, other] } as Receipt;
    expect(await driverFor(receipt).forget?.(receipt, '/')).to.deep.equal([]);
    expect(calls().filter((call) => call.includes('--forget'))).to.deep.equal([`pkgutil --forget ${ID}`]);
    expect(await driverFor(receipt).forget?.(receipt, sandbox.dir)).to.deep.equal([]);
    const failing = mac({ pkgutil: [{ ...pkgutil[0], args: ['--pkg-info-plist', '*'] }] });
    expect((await failing.driverFor(receipt).forget?.(receipt, '/'))?.join()).to.include('unexpected');
  });

  it('whose receipts lead elsewhere or are none are not believed (32)', async () => {
    const file = await sandbox.package('tool', { 'a/run': 'x' });
    for (const stdout of ['no plist', pkgInfo('org.example.other', '1', ''), pkgInfo(ID, '1', '../../etc')]) {
      const here = mac({ installer: installing(), pkgutil: [{ args: ['--pkg-info-plist', ID], stdout }] });
      expect((await problemsOf((await prepare(here, file)).commit())).exitCode, stdout).to.equal(32);
    }
  });

  describe('asked about signatures', () => {
    const signed = { required: 'signed' as const, teamIds: [] as string[] };
    const asked = (pkgutil: Partial<Recording>, spctl: Partial<Recording>): Answers => ({
      pkgutil: [{ args: ['--check-signature', '*'], ...pkgutil }],
      spctl: [{ args: ['--assess', '-vv', '--type', 'install', '*'], ...spctl }],
    });
    const good = asked({ stdout: SIGNED }, { stderr: ASSESSED });

    it('depot3:B29 decide before anything is done, where the settings ask for a signature', async () => {
      const file = await sandbox.package('tool', { 'a/run': 'x' });
      await prepare(mac(good, signed), file);
      const cases = [
        asked({ stdout: UNSIGNED, code: 1 }, { stderr: ASSESSED }),
        asked({ stdout: SIGNED }, { stderr: REJECTED, code: 3 }),
        asked({ stdout: '' }, { code: 1 }),
      ];
      for (const answers of cases) {
        const { problems, exitCode } = await problemsOf(prepare(mac(answers, signed), file));
        expect(exitCode).to.equal(33);
        expect(problems[0]?.code).to.equal('PACKAGE_SIGNATURE');
      }
      const unasked = mac(cases[0] as Answers);
      await prepare(unasked, file);
      expect(unasked.calls()).to.deep.equal([]);
    });

    it('depot3:B29 name the team, which has to be one of those allowed', async () => {
      const file = await sandbox.package('tool', { 'a/run': 'x' });
      const teams = (...teamIds: string[]) => ({ required: 'any' as const, teamIds });
      await prepare(mac(good, teams('ZZZZZ99999', 'ABCDE12345')), file);
      const other = await problemsOf(prepare(mac(good, teams('ZZZZZ99999')), file));
      expect(other.exitCode).to.equal(33);
      expect(other.problems[0]?.message).to.include('ABCDE12345').and.include('ZZZZZ99999');
      const unlike = asked({ stdout: SIGNED }, { stderr: ASSESSED.replace('ABCDE12345', 'ZZZZZ99999') });
      expect((await problemsOf(prepare(mac(unlike, teams('ABCDE12345')), file))).problems[0]?.message).to.include(
        'no team',
      );
    });

    it('depot3:B29 cannot be asked elsewhere: what the settings ask for is refused (30), with the reason', async () => {
      const file = await sandbox.package('tool', { 'a/run': 'x' });
      for (const signature of [signed, { required: 'any' as const, teamIds: ['ABCDE12345'] }]) {
        const parts = installerParts(sandbox.dir, { platform: 'linux', signature });
        const { problems, exitCode } = await problemsOf(
          prepare({ driverFor: drivers(parts) }, file, target({ root: sandbox.dir })),
        );
        expect(exitCode).to.equal(30);
        expect(problems[0]?.message).to.include('install.signature').and.include('only a Mac');
      }
    });
  });

  describe('for disk images', () => {
    function image(bytes = imageFile()): string {
      const file = path.join(sandbox.dir, 'tool.dmg');
      writeFileSync(file, bytes);
      return file;
    }

    async function installed(volume: string, root: string, hdiutil = attaching(sandbox.dir, `'${volume}'`)) {
      const here = mac({ hdiutil });
      const prepared = await prepare(here, image(), target({ root }), edition('dmg'));
      return { here, prepared };
    }

    it('copy what the volume holds to the same places, all or nothing, and detach it whatever happens', async () => {
      const volume = sandbox.folder('volume', {
        'Applications/Tool.app/Contents/Info.plist': 'x',
        'opt/link': '-> tool',
        '.DS_Store': 'no',
        '.Trashes/x': 'no',
      });
      const root = sandbox.folder('mac', { 'opt/mine': 'm' });
      const { here, prepared } = await installed(volume, root);
      expect(prepared.paths.map((entry) => entry.path)).to.include.members([
        '/Applications/Tool.app/Contents/Info.plist',
        '/opt/link',
      ]);
      expect(here.calls().map((call) => call.split(' ')[1])).to.deep.equal(['attach', 'detach']);
      expect(readdirSync(here.work)).to.deep.equal([]);
      expect(existsSync(path.join(root, 'Applications'))).to.equal(false);
      expect(await prepared.commit()).to.deep.equal({ paths: null, replacedAll: false });
      expect(sandbox.machineAt(root).tree()).to.include.members([
        'Applications/Tool.app/Contents/Info.plist x',
        'opt/link',
        'opt/mine m',
      ]);
      expect(sandbox.machineAt(root).tree().join()).not.to.match(/DS_Store|Trashes/);
    });

    it("go to a Mac's own root by Apple's installer, as a package with a name of its own", async () => {
      const volume = sandbox.folder('volume', { 'opt/tool/run': 'x' });
      const here = mac({
        hdiutil: attaching(sandbox.dir, `'${volume}'`),
        installer: installing(),
        pkgutil: receiptOf(ID, place()),
      });
      expect(here.driverFor(edition('dmg')).installedBy('/')).to.equal('system');
      const prepared = await prepare(here, image(), target(), edition('dmg'));
      expect(prepared.paths.map((entry) => entry.path)).to.include('/opt/tool/run');
      const [packed] = readdirSync(path.join(here.work, '.stage'));
      const { components } = await inspect(path.join(here.work, '.stage', packed as string));
      expect(components[0]).to.deep.include({ identifier: ID, version: '1' });
      await prepared.commit();
      expect(
        here.calls().some((call) => call.startsWith(`installer -pkg ${realpathSync(here.work)}/.stage/volume.pkg`)),
      ).to.equal(true);
      expect(readdirSync(here.work)).to.deep.equal([]);
      await prepare(here, image(), target(), edition('dmg'));
      const cut = { edition: edition('dmg'), root: '/', staging: '.stage', begun: true };
      expect(await here.driverFor(edition('dmg')).recover(cut)).to.equal('none');
      expect(readdirSync(here.work)).to.deep.equal([]);
    });

    it('refuse (30) one that shows an application to be dragged somewhere, and detach it', async () => {
      const volume = sandbox.folder('volume', {
        'Tool.app/Contents/Info.plist': 'x',
        Applications: '-> /Applications',
      });
      const root = sandbox.folder('mac', {});
      const here = mac({ hdiutil: attaching(sandbox.dir, `'${volume}'`) });
      const { problems, exitCode } = await problemsOf(prepare(here, image(), target({ root }), edition('dmg')));
      expect(exitCode).to.equal(30);
      expect(problems[0]?.message).to.include('Tool.app');
      expect(here.calls().at(-1)).to.include('detach');
      expect(readdirSync(root)).to.deep.equal([]);
      expect(readdirSync(here.work)).to.deep.equal([]);
    });

    it('fail (32) where it cannot be attached, or holds no volume', async () => {
      const volume = sandbox.folder('volume', { a: '' });
      const root = sandbox.folder('mac', {});
      for (const changes of [
        { does: ':', stdout: '', stderr: 'hdiutil: attach failed - no mountable file systems\n', code: 1 },
        { does: ':', stdout: attached(null) },
        { does: ':', stdout: attached('/elsewhere') },
      ]) {
        const failure = await problemsOf(installed(volume, root, attaching(sandbox.dir, `'${volume}'`, changes)));
        expect(failure.exitCode).to.equal(32);
      }
    });

    it('are not even begun with what is no sound image (33), nor on anything but a Mac (30)', async () => {
      const root = sandbox.folder('mac', {});
      const beyond = imageFile((bytes) => bytes.writeBigUInt64BE(2n ** 63n, 24));
      const version = imageFile((bytes) => bytes.writeUInt32BE(5, 4));
      for (const bytes of [Buffer.alloc(0), Buffer.alloc(600), beyond, version]) {
        const here = mac({});
        const failure = await problemsOf(prepare(here, image(bytes), target({ root }), edition('dmg')));
        expect(failure.exitCode).to.equal(33);
        expect(here.calls()).to.deep.equal([]);
      }
      const parts = installerParts(sandbox.dir, { platform: 'linux' });
      const elsewhere = await problemsOf(
        prepare({ driverFor: drivers(parts) }, image(), target({ root }), edition('dmg')),
      );
      expect(elsewhere.exitCode).to.equal(30);
      expect(elsewhere.problems[0]?.message).to.include('Only a Mac');
    });

    it('are stored by their hash, and listed as what nobody can look into', async () => {
      const added = await sandbox.addFile('disk', '1', image(), { live: true });
      expect(added.edition).to.deep.include({ contents: null, requires: ['dmg'] });
      expect(added.edition.file).to.deep.include({ format: 'dmg', name: 'disk-1-1.dmg' });
      expect(added.edition.applePackages).to.deep.equal([{ id: 'd3.disk', version: '1', installedKb: 0 }]);
      expect(added.warnings.join()).to.include('disk image');
    });
  });
});

describe("what Apple's installer prints", () => {
  it('is read line by line, by prefix: no repetition, no empty text, no percentage that is none', () => {
    const told: string[] = [];
    const read = appleProgress({ say: (text) => told.push(text), percent: (percent) => told.push(`${percent}%`) });
    for (const line of [
      'installer:PHASE:',
      'installer:STATUS:',
      'installer:%-1.000000',
      'installer:%abc',
      'installer:%1000',
      'installer:%12.5',
      'installer:%12.9',
      'installer:PHASE:Eins',
      'installer:STATUS:Eins',
      'something else',
      'installer: Eins',
      'installer: Error - no',
      '',
    ])
      read(line);
    expect(told).to.deep.equal(['12%', 'Eins', 'Error - no']);
  });
});
