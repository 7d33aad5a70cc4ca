import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import { addGroup } from '../../src/admin/groups.ts';
import { d3, d3Program } from '../cli/spawn.ts';
import { Sandbox } from '../support/sandbox.ts';
import { personsEnvironment, Screen } from '../support/screen.ts';

/** d3admin with -w, as a person at a terminal has it: keys are typed, the screen is read. */
describe('walkthru', function () {
  this.timeout(180_000);
  let sandbox: Sandbox;
  let screen: Screen | undefined;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => {
    screen?.close();
    screen = undefined;
    sandbox.remove();
  });

  function walk(words: readonly string[], more: Record<string, string> = { D3_DEPOT: sandbox.depot }): Screen {
    const home = sandbox.folder('home', {});
    const env = personsEnvironment(home, { TMPDIR: sandbox.folder('tmp', {}), ...more });
    screen = new Screen([...d3Program, 'admin', ...words], { cwd: sandbox.dir, env });
    return screen;
  }

  const editions = () => sandbox.admin((session) => session.depot.store.editions.list());
  const scripts = () => sandbox.admin((session) => session.depot.store.documents('script').list());
  const group = (name: string) =>
    sandbox.admin((session) => {
      return addGroup(name, '', [], session);
    });

  it('depot3:J05 adds an edition from a menu: values inherited and changed, groups, a script, a description, one confirmation', async () => {
    await sandbox.add('tool', '1.0', { live: true, reboot: 'y' });
    await group('test-macs');
    await group('labs');
    await sandbox.package('next', { 'opt/tool/new': '2' });
    writeFileSync(path.join(sandbox.dir, 'gate'), '#!/bin/sh\nexit 0\n');
    writeFileSync(path.join(sandbox.dir, 'editor'), '#!/bin/sh\nprintf "two\\nlines\\n" > "$1"\n', { mode: 0o755 });

    const at = walk(['add', '-w'], { D3_DEPOT: sandbox.depot, EDITOR: path.join(sandbox.dir, 'editor') });
    await at.sees('Basename:');
    await at.type('tool');
    await at.press('return');
    await at.sees('tool-1.0-2, with what tool-1.0-1 has:');
    await at.sees('Needs restart: y (from tool-1.0-1)');
    await at.sees('Source: the file of tool-1.0-1');

    await at.choose('Version:');
    await at.sees('(return for 1.0)');
    await at.type('bad version/');
    await at.press('return');
    await at.sees('must be 1 to 30 letters');
    await at.press('ctrl-u');
    await at.type('2.0');
    await at.press('return');
    await at.sees('tool-2.0-1, with what');

    await at.choose('Auto groups:');
    await at.sees('Done: none');
    await at.type('test');
    await at.sees('[ ] test-macs');
    await at.press('return');
    await at.sees('Done: test-macs');
    await at.press('return');
    await at.sees('Auto groups: test-macs');

    await at.choose('Pre-install script:');
    await at.choose('a file to take in');
    await at.sees('Script file:');
    await at.type('ga');
    await at.press('tab', 'return');
    await at.sees(`Pre-install script: ${path.join(sandbox.dir, 'gate')}`);

    await at.choose('Description:');
    await at.choose('write it with');
    await at.sees('Description: two lines');

    await at.choose('Source:');
    await at.choose('a package file, or a folder');
    await at.type('next.p');
    await at.press('tab', 'return');
    await at.sees('next.pkg');

    await at.choose('Go on:');
    await at.sees('Add tool-2.0-1 as a pilot?');
    await at.sees('  Needs restart: y (from tool-1.0-1)');
    await at.sees('  Auto groups: test-macs');
    expect(await scripts(), 'nothing is written before somebody agrees').to.deep.equal([]);
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);

    const added = (await editions()).at(-1);
    expect(added).to.include({ edition: 'tool-2.0-1', status: 'pilot', reboot: true, description: 'two\nlines' });
    expect(added?.autoGroups).to.have.length(1);
    expect((await scripts()).map(({ id }) => id)).to.deep.equal([added?.preInstall?.id]);
    expect(readdirSync(path.join(sandbox.dir, 'tmp')), 'the editor leaves nothing').to.deep.equal([]);
  });

  it('depot3:J05 a new basename from a folder: how it is built stands in the menu, and what is missing is said', async () => {
    sandbox.folder('root', { 'opt/fresh/file': 'x' });
    const at = walk(['add', '-w']);
    await at.sees('Basename:');
    await at.type('no/name');
    await at.press('return');
    await at.sees('Error:');
    await at.type('fresh');
    await at.sees('There is none of that name yet.');
    await at.press('return');
    await at.sees('beginning with defaults');
    await at.choose('Go on:');
    await at.sees('its first edition needs -v VERSION and -s SOURCE');
    await at.choose('Version:');
    await at.type('1');
    await at.press('return');
    await at.sees('fresh-1-1, beginning');
    await at.choose('Source:');
    await at.choose('a package file, or a folder');
    await at.type('roo');
    await at.press('tab', 'return');
    await at.sees('Build a: package');
    await at.choose('Identifier:');
    await at.type('org.example.fresh');
    await at.press('return');
    await at.sees('Identifier: org.example.fresh');
    await at.choose('Build a:');
    await at.choose('disk image');
    await at.choose('Go on:');
    await at.sees('-D/--dmg');
    await at.choose('Build a:');
    await at.choose('package');
    await at.choose('Go on:');
    await at.sees('Add fresh-1-1 as a pilot?');
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect((await editions())[0]?.applePackages).to.deep.include.members([
      { ...(await editions())[0]?.applePackages[0], id: 'org.example.fresh' },
    ]);
  });

  for (const [when, drive] of [
    ['at the basename', async (at: Screen) => at.sees('Basename:')],
    [
      'in the menu, after a script was named',
      async (at: Screen) => {
        await at.type('tool');
        await at.press('return');
        await at.choose('Pre-install script:');
        await at.choose('a file to take in');
        await at.type('gate');
        await at.press('return');
        await at.sees('gate');
      },
    ],
    [
      'at the confirmation',
      async (at: Screen) => {
        await at.type('tool');
        await at.press('return');
        await at.choose('Go on:');
        await at.sees('as a pilot?');
      },
    ],
  ] as const) {
    it(`depot3:J05 ctrl-c ${when} leaves nothing`, async () => {
      await sandbox.add('tool', '1.0');
      writeFileSync(path.join(sandbox.dir, 'gate'), '#!/bin/sh\nexit 0\n');
      const at = walk(['add', '-w']);
      await at.sees('Basename:');
      await drive(at);
      await at.press('ctrl-c');
      expect(await at.ended(), at.text).to.equal(130);
      expect(at.text).to.include('Interrupted; nothing was done.');
      expect((await editions()).map(({ edition }) => edition)).to.deep.equal(['tool-1.0-1']);
      expect(await scripts()).to.deep.equal([]);
      expect(readdirSync(path.join(sandbox.dir, 'tmp'))).to.deep.equal([]);
    });
  }

  it('depot3:J05 depot3:BUG-35 takes in an archived record that was picked', async () => {
    const { edition } = await sandbox.add('tool', '1.0', { description: 'as it was' });
    await sandbox.admin((session) => deleteEdition(edition, { archive: true, keepFile: true }, session));
    const at = walk(['add', 'other', '-w', '-r', '1']);
    await at.choose('Source:');
    await at.choose('the record and the file of another edition');
    await at.type('tool');
    await at.sees('tool-1.0-1 (archived)');
    await at.press('return');
    await at.sees('Description: as it was (from tool-1.0-1)');
    await at.choose('Go on:');
    await at.sees('Add other-1.0-1 as a pilot?');
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect((await editions())[0]).to.include({ edition: 'other-1.0-1', description: 'as it was' });
  });

  it('depot3:J05 edits an edition: "old => new", and only what was changed', async () => {
    await sandbox.add('tool', '1.0', { live: true, category: 'none' });
    await sandbox.admin(async (session) => {
      const body = { schema: 'd3/category@1' as const, description: '' };
      await session.depot.store.documents('category').create('Apps', body, 'sally');
    });
    const at = walk(['edit', '-w']);
    await at.sees('Edit:');
    await at.press('return');
    await at.sees('tool-1.0-1 (live):');
    await at.choose('Category:');
    await at.type('ap');
    await at.sees('Apps');
    await at.press('return');
    await at.sees('Category: none => Apps');
    await at.choose('Removable:');
    await at.choose('no');
    await at.sees('Removable: y => n');
    await at.choose('Expiration:');
    await at.type('-3');
    await at.press('return');
    await at.sees('whole number');
    await at.press('ctrl-u');
    await at.type('30');
    await at.press('return');
    await at.sees('Expiration: 0 => 30');
    await at.choose('Go on:');
    await at.sees('needs an expiration path to watch');
    await at.choose('Expiration paths:');
    await at.type('/opt/tool');
    await at.press('return');
    await at.choose('Go on:');
    await at.sees('Change tool-1.0-1?');
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    const [after] = await editions();
    expect(after).to.include({ category: 'Apps', removable: false, expiration: 30, removeFirst: false });
  });

  it('depot3:J05 an edit without a change says so and asks nothing; a refused one changes nothing', async () => {
    await sandbox.add('tool', '1.0');
    const at = walk(['edit', 'tool-1.0-1', '-w']);
    await at.choose('Go on:');
    expect(await at.ended(), at.text).to.equal(0);
    expect(at.text).to.include('Nothing to change');
    const again = walk(['edit', 'tool-1.0-1', '-w', '-R', 'y']);
    await again.sees('Needs restart: n => y');
    await again.choose('Go on:');
    await again.sees('Change tool-1.0-1?');
    await again.press('return');
    expect(await again.ended(), again.text).to.equal(0);
    expect(again.text).to.include('Nothing was changed.');
    expect((await editions())[0]?.reboot).to.equal(false);
  });

  it('depot3:J05 makes an edition live that was picked from those that are not', async () => {
    await sandbox.add('tool', '1.0', { live: true });
    await sandbox.add('tool', '2.0');
    const at = walk(['live', '-w']);
    await at.sees('Make live:');
    await at.sees('tool-2.0-1 (pilot)');
    expect(at.text).not.to.include('tool-1.0-1 (live)');
    await at.press('return');
    await at.choose('stay');
    await at.sees('Make tool-2.0-1 live?');
    await at.sees('tool-1.0-1: live -> deprecated');
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect((await editions()).map(({ status }) => status)).to.deep.equal(['deprecated', 'live']);
  });

  it('depot3:J05 depot3:BUG-36 deletes what was picked, asked in words that say what happens; a live edition has to be typed', async () => {
    await sandbox.add('tool', '1.0', { live: true });
    await sandbox.add('tool', '2.0');
    const pick = async (at: Screen) => {
      await at.sees('Done: none');
      await at.type('tool-1');
      await at.sees('[ ] tool-1.0-1 (live)');
      await at.press('return');
      await at.sees('Done: tool-1.0-1');
      await at.press('return');
      await at.choose('are archived, their files deleted');
      await at.choose('are kept');
      await at.choose('are deleted');
      await at.sees('tool-1.0-1 is live. To delete it, type it:');
    };
    const wrong = walk(['delete', '-w']);
    await pick(wrong);
    await wrong.type('tool-1.0-2');
    await wrong.press('return');
    expect(await wrong.ended(), wrong.text).to.equal(0);
    expect(wrong.text).to.include('Nothing was deleted.');
    expect(await editions()).to.have.length(2);

    const at = walk(['delete', '-w']);
    await pick(at);
    await at.type('tool-1.0-1');
    await at.press('return');
    await at.sees('Delete tool-1.0-1?');
    await at.sees('their records are archived');
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect((await editions()).map(({ edition }) => edition)).to.deep.equal(['tool-2.0-1']);
    expect(await sandbox.admin((session) => session.depot.store.editions.archived())).to.have.length(1);
  });

  it('depot3:J05 searches by basename and by group', async () => {
    await sandbox.add('tool', '1.0', { live: true, autoGroups: 'standard' });
    await sandbox.add('other', '1.0');
    const at = walk(['search', '-w']);
    await at.choose('by basename');
    await at.sees('Basename:');
    await at.type('too');
    await at.press('return');
    await at.sees('Status:');
    await at.type('live');
    await at.press('return');
    await at.sees('Done: live');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect(at.text).to.include('tool-1.0-1').and.not.include('other-1.0-1');
    const groups = walk(['search', '-w']);
    await groups.choose('by group');
    await groups.sees('Group:');
    await groups.type('standard');
    await groups.press('return');
    await groups.sees('Done: none');
    await groups.press('return');
    expect(await groups.ended(), groups.text).to.equal(0);
    expect(groups.text).to.include('Installed by itself for standard').and.include('tool-1.0-1');
  });

  it('depot3:J05 reports what a computer has', async () => {
    await sandbox.add('tool', '1.0', { live: true });
    const machine = sandbox.machine('mac-a');
    await d3(['install', 'tool'], { env: { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' } });
    const [computer] = await sandbox.admin((session) => session.depot.store.computers.list());
    const at = walk(['report', '-w']);
    await at.choose('what a computer has');
    await at.sees('Computers:');
    await at.type(computer?.name.slice(0, 4) ?? '');
    await at.sees('[ ]');
    await at.press('return');
    await at.sees(`Done: ${computer?.name}`);
    await at.press('return');
    await at.choose('what is installed');
    await at.sees('Status:');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect(at.text).to.include('tool-1.0-1');
  });

  it('depot3:J05 depot3:J03 configures in a menu; all of it is saved together, or nothing', async () => {
    const saved = () => {
      const file = path.join(sandbox.dir, 'home', 'config', 'd3', 'admin.json');
      return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
    };
    const drive = async (at: Screen) => {
      await at.choose('Identifier prefix:');
      await at.type('not a prefix');
      await at.press('return');
      await at.sees('is no prefix');
      await at.press('ctrl-u');
      await at.type('org.example');
      await at.press('return');
      await at.sees('Identifier prefix: unset => org.example');
      await at.choose('Workspace:');
      await at.choose('a folder');
      await at.type('dep');
      await at.press('tab', 'return');
      await at.sees('Workspace: unset =>');
      await at.choose('Go on:');
      await at.sees('Save this?');
    };
    const left = walk(['config', '-w']);
    await drive(left);
    await left.press('ctrl-c');
    expect(await left.ended(), left.text).to.equal(130);
    expect(saved()).to.equal(null);
    const at = walk(['config', '-w']);
    await drive(at);
    await at.type('y');
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect(saved()).to.include({ pkgIdPrefix: 'org.example', workspace: sandbox.depot });
  });

  it('depot3:J02 asks for the depot at the first run, and keeps it', async () => {
    await sandbox.add('tool', '1.0');
    const at = walk(['show'], {});
    await at.sees('No depot is known yet.');
    // What is typed before it listens is nobody's.
    await at.sees('Depot:');
    await at.type(sandbox.depot);
    await at.press('return');
    expect(await at.ended(), at.text).to.equal(0);
    expect(at.text).to.include('tool-1.0-1');
    const again = walk(['show'], {});
    expect(await again.ended(), again.text).to.equal(0);
    expect(again.text).to.include('tool-1.0-1').and.not.include('No depot is known');
  });

  it('fits a small terminal: the menu scrolls, and no line is broken', async () => {
    await sandbox.add('tool', '1.0');
    const env = personsEnvironment(sandbox.folder('home', {}), { D3_DEPOT: sandbox.depot });
    const line = [...d3Program, 'admin', 'edit', 'tool-1.0-1', '-w'];
    screen = new Screen(line, { cwd: sandbox.dir, env, columns: 80, rows: 14 });
    await screen.sees('Go on:');
    expect(screen.text).not.to.include('Setuid bits');
    await screen.choose('Setuid bits:');
    await screen.choose('keep');
    await screen.sees('Setuid bits: drop => keep');
    await screen.press('ctrl-c');
    expect(await screen.ended()).to.equal(130);
  });

  for (const command of ['add', 'edit', 'live', 'delete', 'search', 'report', 'config']) {
    it(`depot3:J08 ${command} -w with nobody to ask says so, and names the flags`, async () => {
      const ended = await d3(['admin', command, '-w'], { env: { D3_DEPOT: sandbox.depot, USER: 'sally' } });
      expect(ended.code).to.equal(2);
      expect(ended.stderr).to.include('-w/--walkthru').and.include(`d3 help admin ${command}`);
    });
  }

  it('an argument that is missing without -w is asked of nobody', async () => {
    const ended = await d3(['admin', 'edit'], { env: { D3_DEPOT: sandbox.depot, USER: 'sally' } });
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.include('What is missing: TARGET.');
  });
});
