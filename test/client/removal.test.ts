import { mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import { expect } from 'chai';
import { prepareRemoval } from '../../src/client/removal.ts';
import { State } from '../../src/client/state/state.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import { openRootFs } from '../../src/platform/rootfs.ts';
import { driversWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('what a removal takes away', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const at = (name: string) => path.join(machine.root, name);

  /** @returns what was said to be left alone */
  async function uninstall(target: string): Promise<string[]> {
    const said: string[] = [];
    const report: Reporter = (event) => {
      if (event.type === 'warning') said.push(event.text);
    };
    const result = await machine.request({ kind: 'uninstall', targets: [target], force: false }, { report });
    expect(result.exit).to.equal(0);
    return said;
  }

  it('files of two packages stay until the last of them goes', async () => {
    await sandbox.add('a', '1', { payload: { 'opt/both': 'b', 'opt/a': 'a' }, live: true });
    await sandbox.add('b', '1', { payload: { 'opt/both': 'b', 'opt/b': 'b' }, live: true });
    await machine.install(['a', 'b']);
    await uninstall('a');
    expect(machine.tree()).to.deep.equal(['opt', 'opt/b b', 'opt/both b']);
    expect(machine.lies()).to.deep.equal([]);
    await uninstall('b');
    expect(machine.tree()).to.deep.equal([]);
  });

  it('an empty folder of two packages stays until the last of them goes', async () => {
    await sandbox.add('a', '1', { payload: { 'opt/both/': '', 'opt/both/a': 'a' }, live: true });
    await sandbox.add('b', '1', { payload: { 'opt/both/': '' }, live: true });
    await machine.install(['a', 'b']);
    await uninstall('a');
    expect(machine.tree()).to.deep.equal(['opt', 'opt/both']);
    await uninstall('b');
    expect(machine.tree()).to.deep.equal([]);
  });

  it('folders that were there before stay, even when empty; folders d3 made go, unless somebody uses them', async () => {
    mkdirSync(at('opt/before'), { recursive: true });
    await sandbox.add('a', '1', { payload: { 'opt/before/a': 'a', 'opt/made/a': 'a', 'opt/used/a': 'a' }, live: true });
    await machine.install(['a']);
    writeFileSync(at('opt/used/mine'), 'm');
    await uninstall('a');
    expect(machine.tree()).to.deep.equal(['opt', 'opt/before', 'opt/used', 'opt/used/mine m']);
  });

  it("a folder that an install was about to make when it failed is the user's when it is made later", async () => {
    await sandbox.add('a', '1', { payload: { 'opt/x/a': 'a' }, live: true });
    const driverFor = driversWith(machine.machine, async () => {
      throw new D3Error('NO', 'installerFailed', 'the installer failed');
    });
    expect((await machine.with({ driverFor }).install(['a'])).exit).to.equal(32);
    mkdirSync(at('opt/x'), { recursive: true });
    await machine.install(['a']);
    await uninstall('a');
    expect(machine.tree()).to.deep.equal(['opt', 'opt/x']);
  });

  it('a file somebody changed or removed meanwhile is no obstacle', async () => {
    await sandbox.add('a', '1', { payload: { 'opt/a': 'a', 'opt/b': 'b' }, live: true });
    await machine.install(['a']);
    writeFileSync(at('opt/a'), 'changed');
    rmSync(at('opt/b'));
    expect(await uninstall('a')).to.deep.equal([]);
    expect(machine.tree()).to.deep.equal([]);
  });

  it('a folder in the place of a file is left alone, and said', async () => {
    await sandbox.add('a', '1', { payload: { 'opt/a': 'a' }, live: true });
    await machine.install(['a']);
    rmSync(at('opt/a'));
    mkdirSync(at('opt/a'));
    writeFileSync(at('opt/a/mine'), 'm');
    expect(await uninstall('a')).to.deep.equal(['/opt/a was left alone: a folder stands where the package had a file']);
    expect(machine.tree()).to.deep.equal(['opt', 'opt/a', 'opt/a/mine m']);
  });

  it('a parent swapped for a link is not followed, and said', async () => {
    await sandbox.add('a', '1', { payload: { 'opt/tool/run': 'a' }, live: true });
    await machine.install(['a']);
    const outside = sandbox.folder('outside', { run: 'precious' });
    renameSync(at('opt/tool'), at('opt/moved'));
    symlinkSync(outside, at('opt/tool'));
    const said = await uninstall('a');
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/^\/opt\/tool\/run was left alone: .*link/);
    expect(readlinkSync(at('opt/tool'))).to.equal(outside);
    expect(machine.read('opt/tool/run')).to.equal('precious');
  });

  it('depot3:BUG-29 links of the package go as links, what they point to stays', async () => {
    const payload = { 'opt/tool/v1/run': 'x', 'opt/tool/current': '-> v1', 'opt/tool/abs': '-> /etc/precious' };
    await sandbox.add('tool', '1', { payload, live: true });
    mkdirSync(at('etc'));
    writeFileSync(at('etc/precious'), 'p');
    await machine.install(['tool']);
    expect(readlinkSync(at('opt/tool/current'))).to.equal('v1');
    await uninstall('tool');
    expect(machine.tree()).to.deep.equal(['etc', 'etc/precious p']);
  });

  describe('of an app', () => {
    const APP = {
      'Applications/X.app/Contents/Info.plist': 'i',
      'Applications/X.app/Contents/MacOS/X': 'x',
      'Applications/X.app/Contents/Frameworks/F.framework/Versions/A/Resources/Info.plist': 'f',
    };
    const bundle = 'Applications/X.app/Contents';

    it('that has updated itself takes all of it: no husk stays', async () => {
      await sandbox.add('app', '1', { payload: APP, live: true });
      await machine.install(['app']);
      machine.write(`${bundle}/MacOS/X`, 'a newer one');
      machine.write(`${bundle}/Resources/deep/new`, 'n');
      symlinkSync(sandbox.folder('outside', { precious: 'p' }), at(`${bundle}/link`));
      expect(await uninstall('app')).to.deep.equal([]);
      expect(machine.tree()).to.deep.equal([]);
      expect(readFileSync(path.join(sandbox.dir, 'outside/precious'), 'utf8')).to.equal('p');
    });

    it('leaves what it shares a folder with, and an app that was there before the package was', async () => {
      machine.write('Applications/Y.app/Contents/Info.plist', 'y');
      await sandbox.add('app', '1', { payload: APP, live: true });
      await machine.install(['app']);
      await uninstall('app');
      expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([
        'Applications/Y.app/Contents/Info.plist y',
      ]);
    });

    it('is file by file where another receipt has something inside, and told; the last of them takes the rest', async () => {
      await sandbox.add('app', '1', { payload: APP, live: true });
      const plugin = { [`${bundle}/PlugIns/P.plugin/Contents/Info.plist`]: 'p', [`${bundle}/PlugIns/readme`]: 'r' };
      await sandbox.add('plugin', '1', { payload: plugin, live: true });
      await machine.install(['app', 'plugin']);
      machine.write(`${bundle}/new`, 'n');
      machine.write(`${bundle}/PlugIns/P.plugin/new`, 'n');
      const details: string[] = [];
      await machine.request(
        { kind: 'uninstall', targets: ['app'], force: false },
        { report: (event) => void (event.type === 'detail' && details.push(event.text)) },
      );
      expect(details).to.include('/Applications/X.app was left alone: plugin has something in it');
      expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([
        `${bundle}/PlugIns/P.plugin/Contents/Info.plist p`,
        `${bundle}/PlugIns/P.plugin/new n`,
        `${bundle}/PlugIns/readme r`,
        `${bundle}/new n`,
      ]);
      await uninstall('plugin');
      // The plug-in is a bundle of its own; the app it was put into is not.
      expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([`${bundle}/new n`]);
    });

    it('never takes an app that a plug-in was put into', async () => {
      machine.write('Applications/X.app/Contents/Info.plist', 'theirs');
      const plugin = { [`${bundle}/PlugIns/P.plugin/Contents/Info.plist`]: 'p', [`${bundle}/PlugIns/`]: '' };
      await sandbox.add('plugin', '1', { payload: plugin, live: true });
      await machine.install(['plugin']);
      await uninstall('plugin');
      expect(machine.tree().filter((line) => line.includes(' '))).to.deep.equal([`${bundle}/Info.plist theirs`]);
    });

    it('that was swapped for a link is not followed', async () => {
      await sandbox.add('app', '1', { payload: APP, live: true });
      await machine.install(['app']);
      const outside = sandbox.folder('outside', { 'Contents/Info.plist': 'p', 'Contents/mine': 'm' });
      rmSync(at('Applications/X.app'), { recursive: true });
      symlinkSync(outside, at('Applications/X.app'));
      const said = await uninstall('app');
      expect(said.join()).to.match(/has become a link/);
      expect(readFileSync(path.join(outside, 'Contents/Info.plist'), 'utf8')).to.equal('p');
    });

    it('is gone already when somebody moved it to the trash', async () => {
      await sandbox.add('app', '1', { payload: APP, live: true });
      await machine.install(['app']);
      rmSync(at('Applications/X.app'), { recursive: true });
      expect(await uninstall('app')).to.deep.equal([]);
      expect(machine.tree()).to.deep.equal([]);
      expect(machine.lies()).to.deep.equal([]);
    });
  });

  it('leaves what dpkg claims, by its name before and after links at the top, and says whose it is', async () => {
    mkdirSync(at('usr/bin'), { recursive: true });
    symlinkSync('usr/bin', at('bin'));
    await sandbox.add('a', '1', {
      payload: {
        'usr/bin/theirs': 't',
        'usr/bin/old': 'o',
        'usr/bin/mine': 'm',
        'opt/made/x': 'x',
        'Apps/Z.app/Info.plist': 'z',
      },
      live: true,
    });
    await machine.install(['a']);
    machine.write('Apps/Z.app/added', 'z');
    machine.write('var/lib/dpkg/info/base-files.list', '/.\n/usr\n/usr/bin\n/usr/bin/theirs\n/opt/made\n');
    machine.write('var/lib/dpkg/info/bsd:amd64.list', '/bin/old\n/Apps/Z.app/added\n');
    expect((await uninstall('a')).toSorted()).to.deep.equal([
      '/usr/bin/old was left alone: dpkg (bsd:amd64) has it too',
      '/usr/bin/theirs was left alone: dpkg (base-files) has it too',
    ]);
    expect(machine.tree().filter((line) => !/^(?:var|bin\/)/.test(line))).to.deep.equal([
      'Apps',
      'Apps/Z.app',
      'Apps/Z.app/added z',
      'bin',
      'opt',
      'opt/made',
      'usr',
      'usr/bin',
      'usr/bin/old o',
      'usr/bin/theirs t',
    ]);
  });

  it('removes nothing while the lists of dpkg cannot be read, and is not begun then', async () => {
    await sandbox.add('a', '1', { live: true });
    await machine.install(['a']);
    mkdirSync(at('var/lib/dpkg/info'), { recursive: true });
    symlinkSync('/dev/zero', at('var/lib/dpkg/info/x.list'));
    const before = machine.tree();
    const result = await machine.uninstall(['a']);
    expect(result.exit).to.equal(1);
    expect(result.outcomes[0]?.problem?.code).to.equal('CLAIMS_UNREADABLE');
    expect(machine.tree()).to.deep.equal(before);
    expect(machine.reading((state) => [state.journal().length, state.receipts().length])).to.deep.equal([0, 1]);
    rmSync(at('var/lib/dpkg'), { recursive: true });
    expect((await machine.uninstall(['a'])).exit).to.equal(0);
  });

  it('leaves what a package put into a home, a place of the system or of d3 alone only where that is protected', async () => {
    const payload = {
      'etc/hosts': 'h',
      'etc/other': 'o',
      'home/calvin/': '',
      'home/calvin/.profile': 'p',
      'dev/null': 'n',
    };
    await sandbox.add('a', '1', { payload: { ...payload, 'var/lib/d3/trap': 't' }, live: true });
    await machine.install(['a']);
    const said = await uninstall('a');
    expect(said.toSorted()).to.deep.equal([
      '/dev/null was left alone: the system needs it',
      '/etc/hosts was left alone: the system needs it',
      "/var/lib/d3/trap was left alone: it is d3's own",
    ]);
    expect(machine.exists('etc/other')).to.equal(false);
    expect(machine.exists('home/calvin/.profile')).to.equal(false);
    expect(machine.exists('home/calvin')).to.equal(true);
  });

  it('tells of no more than 20 paths one by one', async () => {
    const payload = Object.fromEntries([...Array(25).keys()].map((n) => [`opt/f${n}`, 'x']));
    await sandbox.add('a', '1', { payload, live: true });
    await machine.install(['a']);
    machine.write(
      'var/lib/dpkg/info/p.list',
      Object.keys(payload)
        .map((name) => `/${name}\n`)
        .join(''),
    );
    const said = await uninstall('a');
    expect(said).to.have.length(21);
    expect(said.at(-1)).to.equal('5 more paths of a-1-1 were left alone; -v tells which');
  });

  it('what earlier editions were made of is the basename’s own until it is removed, as their files are', async () => {
    await sandbox.add('a', '1', { live: true });
    await machine.install(['a']);
    const [first] = machine.receipt('a')?.applePackageIds ?? [];
    await sandbox.add('a', '2', { live: true });
    await machine.install(['a']);
    expect(machine.receipt('a')?.applePackageIds).to.have.length(2).and.include(first);
    await sandbox.add('a', '3', { live: true, removeFirst: 'y' });
    await machine.install(['a']);
    expect(machine.receipt('a')?.applePackageIds).to.have.length(1);
  });

  it('where names are compared without case, another receipt keeps a file by any spelling of its name', async () => {
    await sandbox.add('a', '1', {
      payload: { 'opt/Both': 'a', 'opt/a': 'a', 'Apps/É.app/Info.plist': 'e' },
      live: true,
    });
    await sandbox.add('b', '1', { payload: { 'opt/bOTH': 'b', 'Apps/e\u0301.APP/added': 'b' }, live: true });
    await machine.install(['a', 'b']);
    const state = State.open(machine.machine.paths);
    try {
      const rootfs = { ...openRootFs(machine.root), ignoresCase: () => true };
      const claims = { claimed: async () => new Map<string, string>() };
      const [receipt] = state.receipts();
      const remove = await prepareRemoval(receipt as Receipt, { state, rootfs, claims, paths: machine.machine.paths });
      expect(remove().kept).to.deep.equal([
        { path: '/Apps/É.app', why: 'b has something in it', isShared: true },
        { path: '/opt/Both', why: 'b has it too', isShared: true },
      ]);
    } finally {
      state.close();
    }
    expect(machine.exists('opt/Both')).to.equal(true);
    expect(machine.exists('opt/a')).to.equal(false);
  });
});
