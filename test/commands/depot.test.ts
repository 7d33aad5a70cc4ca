import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { createDepotClient, FolderTransport, initDepot } from '../../src/depot/index.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import { d3 } from '../cli/spawn.ts';
import { TestClock } from '../depot/helpers.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3 depot', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  const at = (name: string) => path.join(sandbox.dir, name);

  /** A command as a person with a home of their own types it. */
  async function typed(words: string[], { who = 'sally', root = 'nowhere' } = {}) {
    const env = {
      USER: who,
      XDG_CONFIG_HOME: at(`home-${who}`),
      D3_DEPOT: sandbox.depot,
      D3_ROOT: at(root),
    };
    const { stdout, code } = await d3([...words, '--json', '--no-input'], { env });
    const { result, errors, warnings } = JSON.parse(stdout);
    return { code, result, errors, warnings: warnings as string[] };
  }
  async function text(words: string[], { who = 'sally', root = 'nowhere' } = {}) {
    const env = { USER: who, XDG_CONFIG_HOME: at(`home-${who}`), D3_DEPOT: sandbox.depot, D3_ROOT: at(root) };
    return d3(words, { env });
  }

  it('keys: the root on a stick, targets with two admins who sign in turns, each seeing what', async () => {
    mkdirSync(at('mac-a'));
    expect((await typed(['depot', 'keys', 'rotate', 'root', '--to', at('stick')])).result).to.deep.include({
      role: 'root',
      inForce: true,
      root: 2,
    });
    const keys: string[] = [];
    for (const who of ['sally', 'bob'])
      keys.push((await typed(['depot', 'keys', 'init', 'targets'], { who })).result.publicKey);
    const { result: before } = await typed(['depot', 'keys', 'list']);
    const [old] = before.roles.find(({ role }: { role: string }) => role === 'targets').keys;
    const add = keys.flatMap((key) => ['--add', key]);
    const rotated = await typed([
      'depot',
      'keys',
      'rotate',
      'targets',
      ...add,
      '--remove',
      old.id.slice(0, 10),
      '--threshold',
      '2',
      '--keys',
      at('stick'),
    ]);
    expect([rotated.code, rotated.result.inForce]).to.deep.equal([0, false]);
    // The root is signed; sally has signed the catalog, and bob has not.
    const sign = await typed(['depot', 'keys', 'sign', '--auto-confirm'], { who: 'bob' });
    expect([sign.code, sign.result.waiting, sign.result.inForce]).to.deep.equal([0, [], ['root', 'targets']]);
    expect(
      readdirSync(path.join(sandbox.depot, 'keys'))
        .filter((name) => name.endsWith('.pem'))
        .toSorted(),
    ).to.deep.equal(['snapshot.pem', 'timestamp.pem']);

    const source = await sandbox.package('tool', { 'opt/tool': '1' });
    const added = await typed(['admin', 'add', 'tool', '-v', '1', '-s', source]);
    expect(added.code).to.equal(0);
    expect(added.warnings.join()).to.match(
      /not shown to machines yet: it waits for one more signature of the targets keys .*d3 depot keys sign/,
    );
    const refused = await typed(['admin', 'live', 'tool-1-1', '-a'], { who: 'bob' });
    expect([refused.code, refused.errors[0].code]).to.deep.equal([30, 'UNSIGNED_CHANGES']);
    const dry = await text(['depot', 'keys', 'sign', '--dry-run'], { who: 'bob' });
    expect(dry.stdout).to.match(
      /Nothing was signed[\s\S]*edition tool-1-1 is new, pilot, tool-1-1\.pkg, SHA-256 [0-9a-f]{64}/,
    );
    const asked = await typed(['depot', 'keys', 'sign'], { who: 'bob' });
    expect([asked.code, asked.errors[0].target]).to.deep.equal([2, '--auto-confirm']);
    const stranger = await typed(['depot', 'keys', 'sign', '--auto-confirm'], { who: 'mallory' });
    expect([stranger.code, stranger.errors[0].code]).to.deep.equal([34, 'NO_KEY_HERE']);
    expect((await typed(['depot', 'keys', 'sign', '--auto-confirm'], { who: 'bob' })).code).to.equal(0);
    expect((await typed(['admin', 'live', 'tool-1-1', '-a'], { who: 'bob' })).code).to.equal(0);
    const early = await typed(['install', 'tool', '-a', 'sally'], { root: 'mac-a' });
    expect(early.code).to.equal(34);
    const again = await text(['depot', 'keys', 'sign', '--auto-confirm']);
    expect(again.stdout).to.include('edition tool-1-1 pilot becomes live');
    expect((await typed(['install', 'tool', '-a', 'sally'], { root: 'mac-a' })).code).to.equal(0);
    expect(readFileSync(at('mac-a/opt/tool'), 'utf8')).to.equal('1');
    const listed = await text(['depot', 'keys', 'list']);
    expect(listed.stdout)
      .to.match(/root\s+1 of 1.*stick.*\(not here\)/)
      .and.match(/targets\s+2 of 2/);
    expect((await typed(['admin', 'history', '--verify'])).code).to.equal(0);
  });

  it('mirror remove is mirror delete', async () => {
    const mirror = 'https://mirror.example.org/d3';
    expect((await typed(['depot', 'mirror', 'add', mirror])).code).to.equal(0);
    const removed = await typed(['depot', 'mirror', 'remove', mirror]);
    expect([removed.code, removed.result.url]).to.deep.equal([0, mirror]);
    expect((await typed(['depot', 'mirror', 'list'])).result).to.deep.equal([]);
  });

  it('keys export-root: a machine that knows the root trusts that depot and no other, whoever answers first', async () => {
    mkdirSync(at('mac-a/etc'), { recursive: true });
    const file = at('d3-root.json');
    expect((await typed(['depot', 'keys', 'export-root', file])).result).to.deep.include({ version: 1, file });
    expect((await text(['depot', 'keys', 'export-root'])).stdout.trim()).to.equal(readFileSync(file, 'utf8').trim());
    writeFileSync(at('mac-a/etc/d3.json'), JSON.stringify({ trust: { root: file } }));
    const other = at('other');
    await initDepot(other, { clock: sandbox.clock });
    const wrong = await typed(['sync', '--depot', other], { root: 'mac-a' });
    expect([wrong.code, wrong.errors[0].code]).to.deep.equal([33, 'DEPOT_IS_ANOTHER']);
    expect((await typed(['sync'], { root: 'mac-a' })).code).to.equal(0);
  });

  it('publish, collect and ea report: a site without a server', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    mkdirSync(at('mac-a'));
    const made = await typed(['depot', 'publish', '--to', at('www'), '--inbox']);
    expect([made.code, made.result.copies[0].to]).to.deep.equal([0, at('www')]);
    expect((await typed(['sync', '--depot', at('www')], { root: 'mac-a' })).code).to.equal(0);
    expect((await typed(['depot', 'collect'])).result).to.deep.include({ taken: 1, known: 0, rejected: [] });
    const report = await text(['ea', 'report'], { root: 'mac-a' });
    expect(report.stdout).to.match(/^<result>\{"schema":"d3\/report@1",.*\}<\/result>\n$/);
    writeFileSync(at('ea.txt'), report.stdout);
    expect((await typed(['depot', 'collect', '--ea', at('ea.txt')])).result).to.deep.include({ taken: 0, known: 1 });
    expect((await typed(['admin', 'computer', 'list'])).result).to.have.length(1);
    const renewed = await text(['depot', 'publish', '--renew']);
    expect(renewed.stdout).to.match(/shown the newest state, signed until [\s\S]*www: \d+ files written/);
    expect((await typed(['depot', 'publish', '--inbox'])).code).to.equal(2);
    expect((await typed(['depot', 'publish', '--to', at('www'), '--forget'])).result.forgotten).to.equal(at('www'));
    expect((await typed(['depot', 'publish', '--to', at('www'), '--forget'])).code).to.equal(34);
    expect((await typed(['depot', 'collect', at('nowhere')])).code).to.equal(34);
    expect((await typed(['depot', 'collect', '--ea', at('nowhere')])).code).to.equal(34);
    mkdirSync(at('new'));
    const first = await text(['ea', 'report'], { root: 'new' });
    expect(first.stdout).to.match(/<result>ERROR: Nothing was run here/);
  });

  it('service: laid down, shown and taken away in a root folder, as its owner', async () => {
    mkdirSync(at('host'));
    const laid = await typed(['depot', 'service', 'install', '--program', '/usr/local/bin/d3'], { root: 'host' });
    expect([laid.code, laid.result.active]).to.deep.equal([0, false]);
    const unit = readFileSync(at('host/etc/systemd/system/d3-depot.service'), 'utf8');
    expect(unit).to.include(`ExecStart=/usr/local/bin/d3 depot publish --renew --depot ${sandbox.depot} --no-input\n`);
    expect(unit).to.include(`User=${process.getuid?.() ?? 0}\n`);
    expect(readFileSync(at('host/etc/systemd/system/d3-depot.timer'), 'utf8')).to.include('OnCalendar=daily');
    expect((await typed(['depot', 'service', 'status'], { root: 'host' })).result).to.deep.include({
      installed: true,
      active: null,
    });
    writeFileSync(at('host/etc/systemd/system/d3-depot.timer'), 'mine');
    expect((await typed(['depot', 'service', 'remove'], { root: 'host' })).code).to.equal(30);
    writeFileSync(at('host/etc/systemd/system/d3-depot.timer'), '# Written by d3 depot service install\n');
    expect((await typed(['depot', 'service', 'remove'], { root: 'host' })).result.files).to.have.length(2);
    expect(readdirSync(at('host/etc/systemd/system'))).to.deep.equal([]);
    const none = await typed(['depot', 'service', 'install', '--depot', at('host')], { root: 'host' });
    expect(none.code).to.equal(34);
  });

  it('that has expired: sync is refused (33), and lists, explain and uninstall work all the same', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const machine = sandbox.machine('mac-a');
    expect((await machine.sync()).exit).to.equal(0);
    // The machine was here long ago, and the depot has stood still since.
    const long = new TestClock('2001-01-01T00:00:00.000Z');
    const old = new Sandbox2001(sandbox, long);
    await old.make();
    const words = (list: string[]) => typed([...list, '--depot', old.depot], { root: 'mac-b' });
    expect((await words(['sync'])).code).to.equal(33);
    const lists: [string[], number][] = [
      [['list-installed'], 0],
      [['list-available'], 0],
      [['list-pilots'], 0],
      [['list-frozen'], 0],
      [['list-queue'], 0],
      [['list-details', 'tool'], 0],
      [['list-files', 'tool'], 0],
      [['query-file', '/opt/tool/version'], 0],
      [['explain', 'tool'], 0],
      [['ea', 'receipts'], 0],
      [['freeze', 'tool'], 0],
      [['thaw', 'tool'], 0],
      [['uninstall', 'tool'], 0],
    ];
    for (const [list, code] of lists) expect((await words(list)).code, list.join(' ')).to.equal(code);
    const shown = await words(['list-available']);
    expect(shown.warnings.join()).to.match(/refused: .*expired/i);
    expect(shown.result.available).to.have.length(1);
  });

  /** A depot and a machine that were left alone in 2001. */
  class Sandbox2001 {
    readonly depot = at('depot-2001');
    readonly #clock: TestClock;
    readonly #sandbox: Sandbox;

    constructor(of: Sandbox, clock: TestClock) {
      this.#sandbox = of;
      this.#clock = clock;
    }

    async make(): Promise<void> {
      const then = Object.assign(Object.create(Sandbox.prototype) as Sandbox, {
        dir: this.#sandbox.dir,
        depot: this.depot,
        clock: this.#clock,
      });
      await initDepot(this.depot, { clock: this.#clock });
      await then.add('tool', '1', { live: true, autoGroups: 'standard' });
      const machine = then.machine('mac-b');
      expect((await machine.sync()).exit).to.equal(0);
      const trustDir = machinePaths(machine.root, process.platform).trust;
      const client = createDepotClient({ transport: new FolderTransport(this.depot), trustDir, clock: this.#clock });
      expect((await client.kept())?.expires).to.equal('2001-01-31T00:00:00Z');
    }
  }
});
