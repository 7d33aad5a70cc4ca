import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { expect } from 'chai';
import { d3, type Ended } from '../cli/spawn.ts';

/** The seeds' command lines and the walk of the main job, through the real command line. */
describe('the command line', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-walk-')));
    for (const machine of ['a', 'b']) mkdirSync(path.join(dir, machine));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const env = (machine = 'a') => ({
    D3_DEPOT: path.join(dir, 'depot'),
    D3_ROOT: path.join(dir, machine),
    USER: 'sally',
  });
  const run = (line: string[], machine = 'a', more: Record<string, string> = {}): Promise<Ended> =>
    d3(line, { env: { ...env(machine), ...more }, cwd: dir });

  async function ok(line: string[], machine?: string): Promise<string> {
    const ended = await run(line, machine);
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}`).to.equal(0);
    return ended.stdout;
  }

  async function pkg(name: string): Promise<string> {
    const root = path.join(dir, `root-${name}`);
    mkdirSync(path.join(root, 'opt/transmogrifier'), { recursive: true });
    writeFileSync(path.join(root, 'opt/transmogrifier/version'), name);
    const output = path.join(dir, `${name}.pkg`);
    await build({ root, output, identifier: 'org.example.transmogrifier', version: name });
    return output;
  }

  it('walks from pilot to live to every machine', async () => {
    await ok(['depot', 'init']);
    await ok(['admin', 'add', 'transmogrifier', '-v', '2.1.2', '-r', '1', '-s', await pkg('2.1.2'), '-g', 'standard']);
    await ok(['pilot', 'transmogrifier-2.1.2-1']);
    await ok(['admin', 'live', 'transmogrifier-2.1.2-1', '-a']);
    expect(await ok(['sync'])).to.include('live here now');
    expect(await ok(['sync'], 'b')).to.include('installed');
    expect(await ok(['list-installed'], 'b')).to.match(/transmogrifier +2\.1\.2-1 +live/);
    expect(await ok(['admin', 'show', 'live'])).to.include('transmogrifier-2.1.2-1');
    await ok(['uninstall', 'transmogrifier'], 'b');
    expect(await ok(['list-installed'], 'b')).to.include('none');
  });

  it("runs the seeds' d3admin lines as they stand", async () => {
    await ok(['depot', 'init']);
    const script = path.join(dir, 'test-preinstall');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    for (const group of ['test-macs', 'special-macs', 'other-macs']) await ok(['admin', 'group', 'add', group]);
    await ok(['admin', 'add', 'transmogrifier', '-v', '2.5', '-r', '1', '-s', await pkg('2.5')]);
    const added = await ok(['admin', 'add', 'transmogrifier', '-g', 'test-macs', '-e', script]);
    expect(added)
      .to.include('transmogrifier-2.5-2')
      .and.include('the file of transmogrifier-2.5-1')
      .and.match(/sha256 [0-9a-f]{64}/);
    const unknown = await run(['admin', 'edit', 'transmogrifier-2.5-2', '-G', 'special-macs,none-such', '-e', '324']);
    expect(unknown.code).to.equal(34);
    expect(unknown.stderr).to.include('none-such').and.include('324');
    const listed = JSON.parse(await ok(['admin', 'script', 'list', '--json'])) as { result: { id: number }[] };
    const id = String(listed.result[0]?.id);
    await ok(['admin', 'edit', 'transmogrifier-2.5-2', '-G', 'special-macs,other-macs', '-e', id]);
    expect(await ok(['admin', 'info', 'transmogrifier-2.5-2'])).to.include('special-macs, other-macs');
  });

  it('takes options before the command, as the ancestor did', async () => {
    await ok(['depot', 'init']);
    await ok(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1')]);
    await ok(['admin', 'live', 'x-1-1', '-a']);
    await ok(['-f', '-a', 'calvin', 'install', 'x']);
    expect(await ok(['li'])).to.include('calvin');
  });

  it('depot3:BUG-44 a bare -R or -F means yes and swallows nothing', async () => {
    await ok(['depot', 'init']);
    await ok(['admin', 'add', '-R', 'x', '-F', '-v', '1', '-s', await pkg('1')]);
    const shown = JSON.parse(await ok(['admin', 'info', 'x-1-1', '--json'])) as {
      result: { edition: Record<string, unknown> }[];
    };
    expect(shown.result[0]?.edition).to.include({ reboot: true, removeFirst: true });
    await ok(['admin', 'edit', 'x-1-1', '-R', 'false', '-u', '0']);
    const edited = JSON.parse(await ok(['admin', 'info', 'x-1-1', '--json'])) as {
      result: { edition: Record<string, unknown> }[];
    };
    expect(edited.result[0]?.edition).to.include({ reboot: false, removable: false });
  });

  it('depot3:BUG-02 a command without its target is wrong usage, never silent success', async () => {
    for (const command of [
      'install',
      'pilot',
      'depilot',
      'uninstall',
      'freeze',
      'thaw',
      'forget',
      'list-details',
      'list-files',
      'query-file',
    ]) {
      const { code, stderr } = await run([command]);
      expect(code, command).to.equal(2);
      expect(stderr, command).to.include(command);
    }
  });

  it('depot3:BUG-13 says by its exit code what became of the targets', async () => {
    await ok(['depot', 'init']);
    for (const name of ['x', 'y']) await ok(['admin', 'add', name, '-v', '1', '-s', await pkg(`${name}1`)]);
    await ok(['admin', 'live', 'x-1-1', '-a']);
    expect((await run(['install', 'none', 'neither'])).code).to.equal(34);
    const mixed = await run(['install', 'x', 'none']);
    expect(mixed.code).to.equal(40);
    expect(mixed.stderr).to.include('none');
    const pilot = await run(['install', 'y']);
    expect(pilot.code).to.equal(34);
    expect(pilot.stderr).to.include('y-1-1');
    expect((await run(['uninstall', 'none'])).code).to.equal(34);
  });

  it('depot3:BUG-57 lists and help work on a machine with nothing at all', async () => {
    for (const line of [['list-installed'], ['list-pilots'], ['list-frozen'], ['list-manual'], ['help'], ['version']]) {
      expect((await d3(line, { env: { D3_ROOT: path.join(dir, 'a') } })).code, line.join()).to.equal(0);
    }
  });

  it('depot3:BUG-59 names an edition whose file is gone', async () => {
    await ok(['depot', 'init']);
    await ok(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1')]);
    const info = JSON.parse(await ok(['admin', 'info', 'x-1-1', '--json'])) as {
      result: { edition: { file: { sha256: string } } }[];
    };
    const sha256 = info.result[0]?.edition.file.sha256 as string;
    rmSync(path.join(dir, 'depot/blobs', sha256.slice(0, 2), sha256));
    const live = await run(['admin', 'live', 'x-1-1', '-a']);
    expect(live.code).to.equal(34);
    expect(live.stderr).to.include('x-1-1');
    const pilot = await run(['pilot', 'x-1-1']);
    expect(pilot.code).to.equal(34);
  });

  it('asks nobody where nobody can be asked, and names the flag', async () => {
    await ok(['depot', 'init']);
    await ok(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1')]);
    for (const line of [
      ['admin', 'live', 'x-1-1'],
      ['admin', 'delete', 'x-1-1'],
    ]) {
      const { code, stderr } = await run(line);
      expect(code, line.join(' ')).to.equal(2);
      expect(stderr).to.include('-a');
    }
    expect(await ok(['admin', 'show', 'pilot'])).to.include('x-1-1');
  });

  it('takes a rollback only when it is agreed to as such', async () => {
    await ok(['depot', 'init']);
    for (const version of ['1', '2']) {
      await ok(['admin', 'add', 'x', '-v', version, '-s', await pkg(version)]);
      await ok(['admin', 'live', `x-${version}-1`, '-a']);
    }
    const refused = await run(['admin', 'live', 'x-1-1', '-a']);
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.include('--rollback');
    await ok(['admin', 'live', 'x-1-1', '-a', '--rollback']);
    expect(await ok(['admin', 'show', 'live'])).to.include('x-1-1');
  });

  it('needs somebody to be named for what changes the depot or installs', async () => {
    await ok(['depot', 'init']);
    const nobody = { USER: 'root', SUDO_USER: '', LOGNAME: 'root' };
    const added = await run(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1')], 'a', nobody);
    expect(added.code).to.equal(2);
    expect(added.stderr).to.include('--admin');
    const named = await run(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1'), '--admin', 'hobbes'], 'a', nobody);
    expect(named.code).to.equal(0);
    expect((await run(['pilot', 'x-1-1'], 'a', nobody)).code).to.equal(2);
    expect((await run(['pilot', 'x-1-1', '-a', 'root'], 'a', nobody)).code).to.equal(2);
    expect((await run(['pilot', 'x-1-1', '-a', 'susie'], 'a', nobody)).code).to.equal(0);
  });

  it('refuses to sync in safe mode, and without a depot names the three ways to say it', async () => {
    await ok(['depot', 'init']);
    expect((await run(['sync'], 'a', { D3_SAFE_MODE: '1' })).code).to.equal(30);
    const { code, stderr } = await d3(['sync'], { env: { D3_ROOT: path.join(dir, 'a') } });
    expect(code).to.equal(2);
    for (const way of ['--depot', 'D3_DEPOT', 'd3.json']) expect(stderr).to.include(way);
  });

  it('handles packages by itself: build, inspect, list, extract', async () => {
    const root = path.join(dir, 'payload');
    mkdirSync(path.join(root, 'opt'), { recursive: true });
    writeFileSync(path.join(root, 'opt/file'), 'content');
    await ok(['pkg', 'build', root, '--identifier', 'org.example.p', '--pkg-version', '1.2', '--output', 'p.pkg']);
    expect(await ok(['pkg', 'inspect', 'p.pkg']))
      .to.include('org.example.p')
      .and.include('1.2');
    expect(await ok(['pkg', 'list', 'p.pkg'])).to.include('opt/file');
    await ok(['pkg', 'extract', 'p.pkg', '--to', 'out']);
    expect(readFileSync(path.join(dir, 'out/opt/file'), 'utf8')).to.equal('content');
    writeFileSync(path.join(dir, 'bad.pkg'), 'xar!nonsense');
    const bad = await run(['pkg', 'inspect', 'bad.pkg', '--json']);
    expect(bad.code).to.equal(33);
    expect((JSON.parse(bad.stdout) as { exit: number }).exit).to.equal(33);
  });

  it('keeps its own files within the root, whatever links an image has', async () => {
    await ok(['depot', 'init']);
    mkdirSync(path.join(dir, 'outside'));
    symlinkSync(path.join(dir, 'outside'), path.join(dir, 'a/var'));
    const { code, stderr } = await run(['sync']);
    expect(code, stderr).to.equal(30);
    expect(readdirSync(path.join(dir, 'outside'))).to.deep.equal([]);
    mkdirSync(path.join(dir, 'b/private/var'), { recursive: true });
    symlinkSync('private/var', path.join(dir, 'b/var'));
    await ok(['sync'], 'b');
  });

  it('takes a configured depot only by its whole path', async () => {
    await ok(['depot', 'init']);
    mkdirSync(path.join(dir, 'a/etc'));
    writeFileSync(path.join(dir, 'a/etc/d3.json'), JSON.stringify({ depot: 'depot' }));
    const own = { D3_ROOT: path.join(dir, 'a') };
    expect((await d3(['list-available'], { env: own, cwd: dir })).code).to.equal(2);
    writeFileSync(path.join(dir, 'a/etc/d3.json'), JSON.stringify({ depot: path.join(dir, 'depot') }));
    expect((await d3(['list-available'], { env: own, cwd: dir })).code).to.equal(0);
  });

  it('reports a run whose facts could not be gathered', async () => {
    await ok(['depot', 'init']);
    writeFileSync(path.join(dir, 'a/facts.json'), 'nonsense');
    expect((await run(['sync'])).code).to.equal(2);
    expect(readdirSync(path.join(dir, 'depot/inbox'))).to.have.length(1);
  });

  it('lets no gated package through in safe mode, where no plugin is loaded', async () => {
    await ok(['depot', 'init']);
    const gate = path.join(dir, 'gate');
    writeFileSync(gate, '#!/bin/sh\nexit 0\n');
    await ok(['admin', 'add', 'x', '-v', '1', '-s', await pkg('1'), '-e', gate]);
    const safe = { D3_SAFE_MODE: '1' };
    expect((await run(['hooks', 'list'], 'a', safe)).stdout).to.not.include('plugin-scripts');
    const { code, stderr } = await run(['pilot', 'x-1-1'], 'a', safe);
    expect(code).to.equal(30);
    expect(stderr).to.include('no plugin runs scripts');
    expect(await ok(['pilot', 'x-1-1', '--trace-hooks'])).to.include('piloted');
  });
});
