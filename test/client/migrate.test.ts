import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Reporter, silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { takeOver } from '../../src/client/take-over.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** As the ancestor wrote it: Ruby objects, symbols and times. */
const RECEIPTS = `---
tool: !ruby/object:D3::Client::Receipt
  basename: tool
  version: '1'
  revision: 1
  id: 812
  admin: fritz
  status: :live
  installed_at: 2016-03-02 10:11:12.123456000 -08:00
  jamf_rcpt_file: !ruby/object:Pathname
    path: "/Library/Application Support/JAMF/Receipts/tool-1-1.pkg"
  apple_pkg_ids:
  - org.example.tool
  manually_installed: true
  package_type: :pkg
  removable: true
  pre_remove_script_id:
  post_remove_script_id:
  prohibiting_processes: &1 []
  expiration: 0
  expiration_paths: *1
  custom_expiration: 30
  frozen: true
old-app: !ruby/object:D3::Client::Receipt
  basename: old-app
  version: 2.5
  revision: 3
  id: 7
  admin: auto-installed
  status: :pilot
  installed_at: 2015-01-01 00:00:00.000000000 Z
  jamf_rcpt_file: "/Library/Application Support/JAMF/Receipts/old-app-2.5-3.dmg"
  apple_pkg_ids: []
  manually_installed: false
  package_type: :dmg
  removable: false
  pre_remove_script_id: 12
  prohibiting_process: Old App
  expiration: 60
  expiration_path: /Applications/Old.app/Contents/MacOS/Old
  custom_expiration: false
  frozen: false
`;

const PUPPIES = `---
driver: !ruby/object:D3::PuppyTime::PendingPuppy
  basename: driver
  version: '4'
  revision: 1
  id: 99
  admin: sally
  status: :live
  force: true
  custom_expiration:
  queued_at: 2016-03-02 10:11:12.000000000 -08:00
gone: !ruby/object:D3::PuppyTime::PendingPuppy
  basename: gone
  version: '1'
  revision: 1
  id: 100
  admin: sally
  queued_at: 2016-03-02 10:11:12.000000000 -08:00
`;

describe('depot3:F04 what the ancestor had on record', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': 'one' }, live: true });
    await sandbox.add('driver', '4', { live: true, reboot: 'y' });
  });
  afterEach(() => sandbox.remove());

  function take(text: string, changes: { dryRun?: boolean } = {}) {
    const file = path.join(sandbox.dir, 'ancestor.yaml');
    writeFileSync(file, text);
    const signal = new AbortController().signal;
    return takeOver(machine.machine, { file, dryRun: false, wait: 0, signal, report: silentReporter, ...changes });
  }

  it('becomes receipts, with who, when, pilot, frozen and expiration', async () => {
    const rehearsed = await take(RECEIPTS, { dryRun: true });
    expect([rehearsed.receipts, machine.receipts()]).to.deep.equal([['tool-1-1', 'old-app-2.5-3'], []]);
    const taken = await take(RECEIPTS);
    expect(taken.receipts).to.deep.equal(['tool-1-1', 'old-app-2.5-3']);
    expect(machine.receipt('tool')).to.deep.include({
      id: 1,
      admin: 'fritz',
      installedAt: '2016-03-02T18:11:12.123Z',
      piloting: false,
      manual: true,
      customExpiration: 30,
    });
    expect(machine.receipt('tool')?.frozen?.by).to.equal('fritz');
    expect(machine.receipt('old-app')).to.deep.include({
      id: 0,
      version: '2.5',
      admin: 'auto-installed',
      manual: false,
      piloting: true,
      removable: false,
      expiration: 60,
      expirationPaths: ['/Applications/Old.app/Contents/MacOS/Old'],
      prohibitingProcesses: ['Old App'],
    });
    expect(machine.receipt('old-app')?.file).to.deep.include({ name: 'old-app-2.5-3.dmg', format: 'dmg' });
    expect(taken.notes.join('\n'))
      .to.include('pre remove script id means nothing here')
      .and.include('old-app-2.5-3 is not in the depot');
  });

  it('whose files are here is known by its files after the next sync; without them its removal says so', async () => {
    sandbox.folder('mac-a', { 'opt/tool/run': 'one' });
    await take(RECEIPTS.replace('frozen: true', 'frozen: false'));
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.receipt('tool')?.admin).to.equal('fritz');
    expect(machine.reading((state) => state.manifest('tool').map((entry) => entry.path))).to.include('/opt/tool/run');
    await machine.uninstall(['tool']);
    expect(machine.exists('opt/tool/run')).to.equal(false);
    await take(
      RECEIPTS.replace(/^old-app:/m, 'other:')
        .replace('basename: old-app', 'basename: other')
        .replace('removable: false', 'removable: true')
        .replace(':pilot', ':live'),
    );
    const said: string[] = [];
    const report: Reporter = (event) => void ('text' in event && said.push(event.text));
    expect((await machine.request({ kind: 'uninstall', targets: ['other'], force: false }, { report })).exit).to.equal(
      0,
    );
    expect(said.join()).to.include('its record goes, its files stay');
  });

  it("is never taken for the edition that has Jamf's number in this depot: the live one is an update", async () => {
    const added = await sandbox.add('old-app', '9', { payload: { 'opt/old-app': 'nine' }, live: true });
    const { id } = added.edition;
    await take(RECEIPTS.replace('id: 7', `id: ${id}`).replace('status: :pilot', 'status: :live'));
    expect((await machine.request({ kind: 'forget', targets: ['0'] })).exit, 'it has no number').to.equal(34);
    const { outcomes } = await machine.sync();
    expect(outcomes.find(({ basename }) => basename === 'old-app')).to.deep.include({
      status: 'installed',
      mode: 'update',
      replaced: 'old-app-2.5-3',
    });
    expect(machine.receipt('old-app')).to.deep.include({ id, edition: 'old-app-9-1' });
    expect(machine.read('opt/old-app')).to.equal('nine');
  });

  it('is found by its name and its files when no depot was at hand', async () => {
    sandbox.folder('mac-a', { 'opt/tool/run': 'one' });
    const file = path.join(sandbox.dir, 'ancestor.yaml');
    writeFileSync(file, RECEIPTS);
    const { signal } = new AbortController();
    await takeOver(
      { ...machine.machine, depot: null },
      { file, dryRun: false, wait: 0, signal, report: silentReporter },
    );
    expect(machine.receipt('tool')?.id).to.equal(0);
    await machine.sync();
    expect(machine.receipt('tool')).to.deep.include({ id: 1, admin: 'fritz', installedAt: '2016-03-02T18:11:12.123Z' });
    expect(machine.reading((state) => state.manifest('tool'))).to.not.deep.equal([]);
  });

  it('never takes the place of what is on record here', async () => {
    await machine.install(['tool']);
    const before = machine.receipt('tool');
    const taken = await take(RECEIPTS);
    expect([taken.kept, taken.receipts]).to.deep.equal([['tool'], ['old-app-2.5-3']]);
    expect(machine.receipt('tool')).to.deep.equal(before);
    expect((await take(RECEIPTS)).receipts).to.deep.equal([]);
  });

  it('and waits for a restart goes on waiting, as it was asked for', async () => {
    const taken = await take(PUPPIES);
    expect([taken.queued, taken.notes.join()]).to.deep.equal([
      ['driver-4-1'],
      'gone-1-1 waits for a restart, but is not in the depot: left out',
    ]);
    expect(machine.reading((state) => state.deferred())[0]).to.deep.include({
      admin: 'sally',
      force: true,
      queuedAt: '2016-03-02T18:11:12.000Z',
    });
    await machine.sync({ puppies: true });
    expect(machine.receipt('driver')?.admin).to.equal('sally');
  });

  const aliases = (depth: number) =>
    Array.from({ length: depth }, (_, at) => `a${at}: &a${at} [${at === 0 ? 'x' : `*a${at - 1},`.repeat(9)}]`).join(
      '\n',
    );
  for (const [what, text] of [
    ['a bomb of aliases', `${aliases(12)}\n`],
    ['nested without end', `tool: ${'['.repeat(100_000)}`],
    ['deep in a record', `tool: {version: ${'{a: '.repeat(60)}1${'}'.repeat(60)}}`],
    ['with a key twice', 'tool: {version: 1, version: 2}\n'],
    ['no list', '- tool\n'],
    ['no record', 'tool: 7\n'],
    ['cut', 'tool: {version: "1'],
    ['huge', `tool: {version: "${'x'.repeat(17_000_000)}"}\n`],
  ] as const) {
    it(`is refused as a file that is ${what} (33), and nothing of it is taken over`, async () => {
      expect((await problemsOf(() => take(text))).exitCode).to.equal(33);
      expect(machine.receipts()).to.deep.equal([]);
    });
  }

  it('is refused (33) at once where it is a pipe, a device or a folder', async () => {
    const pipe = path.join(sandbox.dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const { signal } = new AbortController();
    for (const file of [pipe, '/dev/zero', sandbox.dir]) {
      const work = takeOver(machine.machine, { file, dryRun: false, wait: 0, signal, report: silentReporter });
      expect((await problemsOf(work)).exitCode, file).to.equal(33);
    }
  });

  it('leaves out what no depot could call a basename, and says so', async () => {
    const long = 'x'.repeat(61);
    const bad = ['../x', 'a b', long].map((name) => `${JSON.stringify(name)}: {version: "1", revision: 1, id: 1}`);
    const taken = await take(`${bad.join('\n')}\nfine: {version: "1", revision: 1, id: 1}\n`);
    expect(taken.receipts).to.deep.equal(['fine-1-1']);
    expect(taken.notes.filter((note) => note.includes('was left out'))).to.have.length(3);
  });

  it('is plain data: objects and prototypes make nothing of their own', async () => {
    const taken = await take(
      '__proto__: {version: "1", revision: 1, id: 1, polluted: 1}\n' +
        'z: {version: "1", revision: 1, id: 2, admin: "a\\nb"}\n',
    );
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    expect(taken.receipts).to.include('z-1-1');
    expect(machine.receipt('z')).to.deep.include({ admin: 'unknown' });
    expect(taken.notes.join()).to.not.include('undefined');
  });
});
