import { createCipheriv, createHash } from 'node:crypto';
import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { addEdition } from '../../src/admin/add.ts';
import { buildToolsHere } from '../../src/admin/build.ts';
import type { Edition } from '../../src/catalog/types.ts';
import { d3 } from '../cli/spawn.ts';
import { writeDeb } from '../support/deb.ts';
import { problemsOf } from '../support/errors.ts';
import { recorded } from '../support/recorded.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What the ancestor's d3admin did or should have done, row by row, where no other test holds it. */
describe('d3admin, row by row', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const run = (argv: string[], running?: (pid: number) => void) =>
    d3(argv, {
      cwd: sandbox.dir,
      env: { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally', XDG_CONFIG_HOME: sandbox.dir },
      ...(running === undefined ? {} : { running: ({ pid }) => running(pid as number) }),
    });
  const admin = (...argv: string[]) => run(['admin', ...argv]);

  async function ok(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(argv);
    expect(code, `${argv.join(' ')}: ${stderr || stdout}`).to.equal(0);
    return stdout;
  }

  const editions = () => sandbox.admin((session) => session.depot.store.editions.list());
  const scripts = async () =>
    (await sandbox.admin((session) => session.depot.store.documents('script').list())).map(({ name }) => name);
  const blobs = () =>
    readdirSync(path.join(sandbox.depot, 'blobs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .toSorted();

  function script(name: string, text = 'exit 0'): string {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n# ${name}\n${text}\n`);
    return file;
  }

  it('depot3:A11 an archived edition is known and installed by nobody, and its name and id are given to no other', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    await ok('admin', 'delete', 'tool', '-a', '--live', '--archive');
    expect(await ok('admin', 'show')).to.not.include('tool-1-1');
    expect(await ok('admin', 'show', 'archived')).to.match(/tool-1-1 +archived/);
    expect(await ok('admin', 'info', 'tool-1-1')).to.include('archived');
    expect((await run(['install', 'tool-1-1'])).code).to.equal(34);
    expect((await admin('live', 'tool-1-1')).code, 'nor is it live again by that').to.equal(34);
    const added = JSON.parse(
      await ok('admin', 'add', 'tool', '-v', '1', '-s', await sandbox.package('t', { 'opt/tool': 'new' }), '--json'),
    ).result as { edition: Edition };
    expect(added.edition).to.include({ edition: 'tool-1-2', id: 2 });
    await machine.sync();
    expect(machine.receipt('tool')?.edition, 'machines keep what they have').to.equal('tool-1-1');
  });

  it('depot3:B01 all that is said of an edition is in the depot, and each machine sees the same of it', async () => {
    await ok('admin', 'group', 'add', 'lab');
    await ok('admin', 'category', 'add', 'Toys');
    const source = await sandbox.package('t', { 'opt/tool': 'x' });
    const words = [
      '-C',
      'Toys',
      '-d',
      'text',
      '-o',
      '>=1',
      '-x',
      'Tool',
      '-g',
      'lab',
      '-e',
      script('check'),
      '-X',
      '30',
    ];
    const told = JSON.parse(
      await ok('admin', 'add', 'tool', '-v', '1', '-s', source, ...words, '-P', '/opt/tool', '--json'),
    ).result as { edition: Edition };
    const [stored] = await editions();
    expect(stored).to.deep.equal(told.edition);
    const seen = (await machine.machine.depot?.refresh())?.catalog.editions;
    expect(seen).to.deep.equal([stored]);
  });

  it('depot3:B02 a description has lines, and is told to admins and machines as it was typed', async () => {
    const source = await sandbox.package('t', { 'opt/tool': 'x' });
    const text = 'Turns things\n  into "others", 100 %\nfor everybody: ä';
    await ok('admin', 'add', 'tool', '-v', '1', '-s', source, '-d', text);
    for (const line of text.split('\n')) {
      expect(await ok('admin', 'info', 'tool-1-1')).to.include(line);
      expect(await ok('list-details', 'tool-1-1')).to.include(line);
    }
    await ok('admin', 'edit', 'tool-1-1', '-d', '');
    expect((await editions())[0]?.description).to.equal('');
  });

  it('depot3:B04 depot3:BUG-43 the file is called after what it is, by default, and after the edition when that changes', async () => {
    const pkg = await sandbox.package('t', { 'opt/tool': 'x' });
    const deb = writeDeb(path.join(sandbox.dir, 'T.DEB'), { files: { './opt/': '', './opt/d': 'x' } });
    const folder = sandbox.folder('root', { 'opt/tool': 'built' });
    const image = path.join(sandbox.dir, 'T.dmg');
    const koly = Buffer.alloc(512);
    koly.write('koly');
    koly.writeUInt32BE(4, 4);
    koly.writeUInt32BE(512, 8);
    writeFileSync(image, koly);
    for (const [basename, source] of Object.entries({ pkg, deb, folder, image }))
      await ok('admin', 'add', basename, '-v', '1', '-s', source);
    // A deb again, by its record: no source says what it is.
    await ok('admin', 'add', 'deb', '-v', '2');
    await ok('admin', 'add', 'copy', '-v', '1', '-i', 'image-1-1');
    const programs = recorded(sandbox.folder('mac', {}), {
      hdiutil: [{ args: Array<string>(13).fill('*'), does: `cp '${image}' "\${13}"` }],
    }).programs as Record<string, string>;
    const tools = { ...buildToolsHere(), platform: 'darwin', hdiutil: programs['hdiutil'] as string } as const;
    await sandbox.admin((session) =>
      addEdition(
        { basename: 'made', typed: { version: '1' }, source: folder, build: { dmg: true }, inherit: true, tools },
        session,
      ),
    );
    const named = (await editions()).map(({ edition, file }) => [edition, file.name, file.format]);
    expect(named).to.deep.equal([
      ['pkg-1-1', 'pkg-1-1.pkg', 'pkg'],
      ['deb-1-1', 'deb-1-1.deb', 'deb'],
      ['folder-1-1', 'folder-1-1.pkg', 'pkg'],
      ['image-1-1', 'image-1-1.dmg', 'dmg'],
      ['deb-2-1', 'deb-2-1.deb', 'deb'],
      ['copy-1-1', 'copy-1-1.dmg', 'dmg'],
      ['made-1-1', 'made-1-1.dmg', 'dmg'],
    ]);
    await ok('admin', 'edit', 'deb-1-1', '-v', '1.5');
    const [, edited] = await editions();
    expect(edited).to.include({ edition: 'deb-1.5-1', packageName: 'deb-1.5-1' });
    expect(edited?.file.name).to.equal('deb-1.5-1.deb');
  });

  it('depot3:J11 depot3:BUG-35 a record is meant by its name or id, though a folder is called so; a folder by its path', async () => {
    await sandbox.add('tool', '1', { description: 'the record' });
    for (const folder of ['tool-1-1', 'tool', '1']) sandbox.folder(folder, { 'opt/tool': 'a folder' });
    for (const [word, basename] of Object.entries({ 'tool-1-1': 'a', tool: 'b', '1': 'c' })) {
      const { code, stdout, stderr } = await admin('add', basename, '-v', '1', '-i', word, '--json');
      expect(code, stderr || stdout).to.equal(0);
      expect(JSON.parse(stdout).result, word).to.deep.include({ fileFrom: 'tool-1-1', inheritedFrom: 'tool-1-1' });
    }
    const built = JSON.parse(await ok('admin', 'add', 'built', '-v', '1', '-i', './tool', '--json')).result;
    expect(built).to.deep.include({ fileFrom: null, inheritedFrom: null });
  });

  it('depot3:J12 what is added is stored as it was, and what is in it can be looked up without installing it', async () => {
    const source = await sandbox.package('t', {
      'opt/tool/bin/run': 'run',
      'opt/tool/share/': '',
      'etc/tool.conf': 'c',
    });
    await ok('admin', 'add', 'tool', '-v', '1', '-s', source);
    await ok('admin', 'live', 'tool-1-1', '-a');
    const [edition] = (await editions()) as [Edition];
    const bytes = readFileSync(source);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(edition.file).to.deep.include({ sha256, size: bytes.length });
    expect(readFileSync(path.join(sandbox.depot, 'blobs', sha256.slice(0, 2), sha256)).equals(bytes)).to.equal(true);
    expect(await ok('list-files', 'tool')).to.equal(
      '# Files of tool-1-1 (not installed here)\n/etc/tool.conf\n/opt/tool/bin/run\n',
    );
    expect(await ok('query-file', '--all', '/etc/tool.conf')).to.match(/\/etc\/tool\.conf +tool-1-1 +live +no/);
    await ok('install', 'tool');
    expect(machine.read('opt/tool/bin/run')).to.equal('run');
    expect(await ok('list-files', 'tool'))
      .to.include('/opt/tool/bin/run')
      .and.not.include('not installed here');
  });

  it('depot3:J13 an add that is interrupted or killed half-way leaves no edition; what a kill leaves, doctor finds and the next add ignores', async () => {
    // Nothing makes it smaller: it takes a while to copy.
    const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16))
      .update(Buffer.alloc(24 * 1024 * 1024))
      .toString('base64');
    const source = await sandbox.package('large', { 'opt/large': noise });
    const begun = async (signal: NodeJS.Signals): Promise<number | null> => {
      const ended = run(['admin', 'add', 'large', '-v', '1', '-s', source, '-e', script('check')], (pid) => {
        void (async () => {
          // In the middle: as soon as anything of it is in the depot.
          for (let turn = 0; turn < 2000 && unfinished().length + blobs().length === 0; turn += 1) await sleep(2);
          process.kill(pid, signal);
        })();
      });
      const { code, stdout } = await ended;
      if (!stdout.includes('is a pilot now')) return code;
      // It was done before the signal came.
      await ok('admin', 'delete', 'large-1-1', '-a');
      return await begun(signal);
    };
    const unfinished = () => {
      const names = readdirSync(path.join(sandbox.depot, 'blobs'), { recursive: true, encoding: 'utf8' });
      return names.filter((name) => !/^[0-9a-f]{2}(?:\/[0-9a-f]{64})?$/.test(name));
    };
    expect(await begun('SIGINT')).to.equal(130);
    expect([await editions(), await scripts(), blobs()]).to.deep.equal([[], [], []]);
    expect(await begun('SIGKILL')).to.equal(null);
    expect([await editions(), await scripts()]).to.deep.equal([[], []]);
    const left = [...unfinished(), ...blobs()];
    expect(left, 'the kill came in the middle').to.not.deep.equal([]);
    await ok('admin', 'add', 'large', '-v', '1', '-s', source);
    expect((await editions()).map(({ edition }) => edition)).to.deep.equal(['large-1-1']);
    await ok('admin', 'live', 'large-1-1', '-a');
    await ok('install', 'large');
    expect(machine.read('opt/large')).to.equal(noise);
    // Nobody is adding it any more.
    const lastWeek = new Date(Date.now() - 7 * 86_400_000);
    for (const name of unfinished()) utimesSync(path.join(sandbox.depot, 'blobs', name), lastWeek, lastWeek);
    await ok('admin', 'doctor', '--fix');
    const [edition] = (await editions()) as [Edition];
    expect([...unfinished(), ...blobs()]).to.have.members([edition.file.sha256, edition.contents]);
  });

  it('depot3:J13 what cannot be added ends with the right code and leaves the depot as it was', async () => {
    const good = await sandbox.package('good', { 'opt/t': 'x'.repeat(5000) });
    await ok('admin', 'add', 'good', '-v', '1', '-s', good);
    const before = [await editions(), await scripts(), blobs()];
    const damaged = path.join(sandbox.dir, 'damaged.pkg');
    const bytes = readFileSync(good);
    bytes[bytes.length - 20] = (bytes.at(-20) as number) ^ 1;
    writeFileSync(damaged, bytes);
    const noScript = path.join(sandbox.dir, 'no-script');
    writeFileSync(noScript, 'exit 0\n');
    for (const [words, code] of [
      [['bad', '-v', '1', '-s', damaged, '-e', script('made')], 33],
      [['bad', '-v', '1', '-s', good, '-e', script('made'), '-t', noScript], 2],
      [['good', '-v', '1', '-r', '1', '-s', good], 30],
      [['bad', '-v', '1', '-s', good, '-g', 'nobody', '-X', 'x'], 2],
    ] as const) {
      const ended = await admin('add', ...words);
      expect([ended.code, ended.stderr !== ''], words.join(' ')).to.deep.equal([code, true]);
      expect([await editions(), await scripts(), blobs()], words.join(' ')).to.deep.equal(before);
    }
  });

  it('depot3:BUG-36 scripts stay unless it is said that they go, each answer means what it says, and the report is of them alone', async () => {
    const names = async (basename: string, ...flags: string[]) => {
      await sandbox.add(basename, '1', { preInstall: script(`${basename}-script`) });
      const said = await ok('admin', 'delete', `${basename}-1-1`, '-a', ...flags);
      return { said, left: (await scripts()).some((name) => name.startsWith(basename)) };
    };
    const kept = await names('unsaid');
    expect(kept.left).to.equal(true);
    expect(kept.said).to.match(/kept: the script unsaid-pre-install-\w+, for scripts stay without --delete-scripts/);
    expect((await names('keep', '--keep-scripts')).left).to.equal(true);
    const gone = await names('gone', '--delete-scripts');
    expect(gone.left).to.equal(false);
    expect(gone.said).to.match(/deleted: the script gone-pre-install-\w+/);
    await sandbox.add('none', '1');
    expect(await ok('admin', 'delete', 'none-1-1', '-a', '--delete-scripts')).to.not.include('script');
    await sandbox.add('both', '1');
    const both = await admin('delete', 'both-1-1', '-a', '--delete-scripts', '--keep-scripts');
    expect(both.code).to.equal(2);
    expect((await editions()).map(({ edition }) => edition)).to.deep.equal(['both-1-1']);
  });

  it('depot3:BUG-51 what was dead code there works here: un-live, the archive, and receipts made anew', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await ok('sync');
    await ok('admin', 'unlive', 'tool', '-a');
    expect((await editions())[0]?.status).to.equal('deprecated');
    expect((await problemsOf(() => sandbox.live('nothing'))).exitCode).to.equal(34);
    await ok('admin', 'delete', 'tool-1-1', '-a', '--archive', '--keep-file');
    await ok('admin', 'restore', 'tool-1-1');
    await ok('admin', 'live', 'tool-1-1', '-a', '--rollback');
    writeFileSync(machine.machine.paths.stateDatabase, 'no database'.repeat(100));
    const { code, stderr } = await run(['sync']);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include('was damaged');
    expect(machine.receipt('tool')).to.include({ edition: 'tool-1-1', piloting: false });
  });
});
