import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { gather } from '../../plugins/expiration/src/gather.ts';
import { judge } from '../../plugins/expiration/src/rules.ts';
import { usageFolder } from '../../plugins/expiration/src/usage-folder.ts';
import { editEdition } from '../../src/admin/edit.ts';
import type { TypedAttributes } from '../../src/catalog/attributes.ts';
import { explainNow } from '../../src/client/explain.ts';
import type { RunResult } from '../../src/client/run.ts';
import { StateReader } from '../../src/client/state/state.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { TestClock } from '../depot/helpers.ts';
import { withExpiration, withoutPluginSettings, writeUsageOf } from '../support/expiration.ts';
import { policy } from '../support/policies.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const APP = '/opt/tool/version';
const DAY = 86_400_000;

/** What nobody uses, through whole syncs: real depot, real state, real usage files and real scripts; the clock is the test's. */
describe('expiration', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let clock: TestClock;
  let said: string[];
  beforeEach(async () => {
    clock = new TestClock();
    sandbox = await Sandbox.make(clock);
    machine = withExpiration(sandbox.machine('mac-a', { processes: ['d3RepoMan'] }));
    said = [];
  });
  afterEach(() => {
    withoutPluginSettings();
    sandbox.remove();
  });

  const ago = (days: number) => new Date(clock.now().getTime() - days * DAY);
  const allow = (more: Record<string, unknown> = {}, one = machine) =>
    one.write('etc/d3.json', JSON.stringify({ expiration: { allowed: 'yes', ...more } }));
  const used = (days: number, user = 'calvin') =>
    writeUsageOf(user, machine.root, { lastUsed: { [APP]: ago(days) }, since: ago(400), at: ago(0.01) });
  const sync = () => machine.sync({}, { report: (event) => void (event.type === 'warning' && said.push(event.text)) });
  const removed = ({ outcomes }: RunResult) =>
    outcomes.flatMap(({ status, edition }) => (status === 'uninstalled' ? [edition] : []));
  /** A day in the life of a depot: what it publishes holds for a month. */
  async function passDays(days: number): Promise<void> {
    clock.moveDays(days);
    await sandbox.admin(({ depot }) => depot.publish({ renew: true }));
  }
  /** One edition, installed and then unused for 40 days, of which 30 are allowed. */
  async function unused(attributes: Partial<Omit<TypedAttributes, 'version'>> = {}): Promise<void> {
    const expires = { expiration: '30', expirationPaths: APP };
    await sandbox.add('tool', '1', { live: true, ...expires, ...attributes });
    await machine.install(['tool']);
    await passDays(40);
    used(40);
  }
  async function explained(basename = 'tool'): Promise<string> {
    const state = StateReader.open(machine.machine.paths);
    try {
      const trusted = (await machine.machine.depot?.refresh({ keep: false })) ?? null;
      const options = { signal: new AbortController().signal, report: () => undefined };
      const { decisions } = (await explainNow(machine.machine, state, trusted, options)).about(basename);
      return decisions.flatMap(({ reasons }) => reasons.map(({ text }) => text)).join('; ');
    } finally {
      state.close();
    }
  }

  it('depot3:H01 removes only where it is allowed, which it is not by itself', async () => {
    await unused();
    expect(removed(await sync())).to.deep.equal([]);
    expect(await explained()).to.include('it does not expire now: expiration is not allowed on this machine');
    allow();
    expect(await explained()).to.include('it has expired: last used 40 days ago; it may be unused for 30 days');
    const run = await sync();
    expect(removed(run)).to.deep.equal(['tool-1-1']);
    expect(run.exit).to.equal(0);
    expect(machine.exists('opt/tool/version')).to.equal(false);
    expect(machine.receipts()).to.deep.equal([]);
  });

  it("depot3:H01 reads the ancestor's client_expiration_allowed", async () => {
    await unused();
    machine.write('etc/d3.conf', 'client_expiration_allowed: true\n');
    expect(removed(await sync())).to.deep.equal(['tool-1-1']);
  });

  it('depot3:H03 depot3:H04 depot3:BUG-20 removes nothing without the monitor, a folder, a file, or fresh data', async () => {
    await unused();
    allow();
    const folder = usageFolder(machine.root, process.platform);
    const kept = async (why: string) => {
      expect(removed(await sync()), why).to.deep.equal([]);
      expect(await explained()).to.include(why);
    };
    machine.write('facts.json', JSON.stringify({ processes: [] }));
    await kept('d3RepoMan, which records what is used, does not run');
    machine.write('facts.json', JSON.stringify({ processes: ['d3RepoMan'] }));
    rmSync(path.join(folder, 'calvin.plist'));
    await kept('nobody has recorded any yet');
    rmSync(folder, { recursive: true });
    await kept('there is no folder');
    writeUsageOf('calvin', machine.root, { lastUsed: { [APP]: ago(40) }, since: ago(400), at: ago(25 / 24) });
    await kept('a day ago or longer');
    expect(said).to.deep.equal([]);
    // What was lost meanwhile may have had any use in it: as many days are waited for as it may be unused.
    used(40);
    await kept('on record for 0 days only');
  });

  it('depot3:H05 depot3:H06 goes by the newest use by anybody, and by the install', async () => {
    await unused();
    allow();
    used(40, 'susie');
    used(2, 'moe');
    expect(removed(await sync())).to.deep.equal([]);
    expect(await explained()).to.include('last used 2 days ago');
    await passDays(29);
    for (const [user, days] of [
      ['calvin', 69],
      ['susie', 69],
      ['moe', 31],
    ] as const)
      used(days, user);
    expect(removed(await sync())).to.deep.equal(['tool-1-1']);
    await machine.install(['tool']);
    await passDays(20);
    for (const user of ['calvin', 'susie', 'moe']) used(90, user);
    expect(removed(await sync())).to.deep.equal([]);
    expect(await explained()).to.include('not used since it was installed 20 days ago');
  });

  it('depot3:H07 depot3:H08 keeps what runs, in front or not, by its path or its name', async () => {
    await unused();
    allow();
    for (const name of [APP, 'version', `/elsewhere/version`]) {
      machine.write('facts.json', JSON.stringify({ processes: ['d3RepoMan', name] }));
      expect(removed(await sync()), name).to.deep.equal([]);
      expect(await explained()).to.include(`${APP} is running`);
    }
  });

  it('depot3:H09 removes nothing where the depot cannot be reached', async () => {
    await unused();
    allow();
    rmSync(path.join(sandbox.depot, 'public'), { recursive: true });
    const failed = await sync().then(
      () => null,
      (error: unknown) => error as { exitCode: number },
    );
    expect(failed?.exitCode).to.equal(20);
    expect(machine.exists('opt/tool/version')).to.equal(true);
  });

  it('removes nothing while the clock is earlier than a sync has seen', async () => {
    await unused();
    await sync();
    allow();
    clock.moveDays(-1);
    used(40);
    expect(removed(await sync().catch(() => ({ outcomes: [] }) as unknown as RunResult))).to.deep.equal([]);
    expect(machine.exists('opt/tool/version')).to.equal(true);
    clock.moveDays(1);
    used(40);
    expect(removed(await sync())).to.deep.equal(['tool-1-1']);
  });

  it('holds out against usage files of 100 MB, links and rubbish: nothing expires', async () => {
    await unused();
    allow();
    const file = path.join(usageFolder(machine.root, process.platform), 'moe.plist');
    writeFileSync(file, '');
    truncateSync(file, 100 * 1024 * 1024);
    const before = process.memoryUsage.rss();
    expect(removed(await sync())).to.deep.equal([]);
    expect(process.memoryUsage.rss() - before, 'bytes').to.be.below(90 * 1024 * 1024);
    expect(await explained()).to.match(/moe\.plist: it has 104857600 bytes/);
    rmSync(file);
    symlinkSync('/etc/passwd', file);
    expect(removed(await sync())).to.deep.equal([]);
    expect(await explained()).to.include('it is a link');
    rmSync(file);
    writeFileSync(file, 'rubbish');
    expect(removed(await sync())).to.deep.equal([]);
    rmSync(file);
    expect(removed(await sync())).to.deep.equal(['tool-1-1']);
  });

  it('knows paths with a comma or a line break in them', async () => {
    await unused();
    allow();
    for (const odd of ['/opt/a,b', '/opt/a\nb']) {
      writeUsageOf('calvin', machine.root, { lastUsed: { [odd]: ago(2) }, since: ago(400), at: ago(0) });
      const receipt = { ...portReceipt(), expirationPaths: [odd], installedAt: ago(300).toISOString() };
      const at = clock.now().toISOString();
      const ports = {
        root: machine.root,
        platform: process.platform,
        settings: { all: async () => ({ 'expiration.allowed': 'yes', 'expiration.noticeDays': 7 }) },
        state: { get: () => null },
        processes: { list: async () => [{ executable: null, names: ['d3RepoMan'] }] },
      };
      expect(judge(receipt, (await gather([receipt], at, ports)).facts, at)).to.deep.equal({
        kind: 'keep',
        reason: 'last used 2 days ago; it may be unused for 30 days',
      });
      writeUsageOf('calvin', machine.root, { lastUsed: { [odd]: ago(31) }, since: ago(400), at: ago(0) });
      expect(judge(receipt, (await gather([receipt], at, ports)).facts, at).kind).to.equal('expire');
    }
  });

  const portReceipt = () => {
    const { basename, edition, removable, expiration } = machine.receipt('tool') ?? expect.fail('not installed');
    return { basename, edition, removable, expiration, firmExpiration: null };
  };

  it('depot3:G09 depot3:E11 depot3:BUG-24 runs one policy for all that expired, and scripts see what expires', async () => {
    const script = path.join(sandbox.dir, 'tells');
    writeFileSync(script, '#!/bin/sh\necho "$D3_EXPIRING_PKG" >> "$1/expiring"\n');
    await unused({ preRemove: script, postRemove: script });
    const other = { expiration: '5', expirationPaths: '/opt/other/version' };
    await sandbox.add('other', '2', { live: true, ...other });
    await machine.install(['other']);
    await passDays(6);
    used(46);
    const policyScript = path.join(sandbox.dir, 'told');
    writeFileSync(policyScript, '#!/bin/sh\necho "$D3_FINISHED_EXPIRATIONS" >> "$1/finished"\n');
    const { policy: saved } = await policy(sandbox, 'gone', [{ kind: 'script', args: { script: policyScript } }]);
    allow({ policy: String(saved.id) });
    const run = await sync();
    expect(removed(run).toSorted()).to.deep.equal(['other-2-1', 'tool-1-1']);
    expect(machine.read('expiring')).to.equal('tool-1-1\ntool-1-1\n');
    expect(machine.read('finished').trim().split(' ').toSorted()).to.deep.equal(['other-2-1', 'tool-1-1']);
    await sync();
    expect(machine.read('finished').trim().split('\n')).to.have.length(1);
    expect(said).to.deep.equal([]);
  });

  it('depot3:BUG-24 says when its policy is not there, and has removed all the same', async () => {
    await unused();
    allow({ policy: 'none-such' });
    const run = await sync();
    expect(removed(run)).to.deep.equal(['tool-1-1']);
    expect(said.join()).to.match(/policy did not do its work: .*none-such/);
  });

  it('what a person uninstalls is no expiration', async () => {
    const script = path.join(sandbox.dir, 'tells');
    writeFileSync(script, '#!/bin/sh\necho "${D3_EXPIRING_PKG-none}" >> "$1/expiring"\n');
    await unused({ preRemove: script });
    allow({ policy: 'gone' });
    await machine.uninstall(['tool']);
    expect(machine.read('expiring')).to.equal('none\n');
    await sync();
    expect(said).to.deep.equal([]);
  });

  it('a prohibiting process keeps it, as any removal', async () => {
    await unused({ prohibitingProcesses: 'Helper' });
    allow();
    machine.write('facts.json', JSON.stringify({ processes: ['d3RepoMan', 'Helper'] }));
    expect(removed(await sync())).to.deep.equal([]);
    expect(machine.exists('opt/tool/version')).to.equal(true);
  });

  it('goes by what the depot says now, in the very sync that learns of it', async () => {
    await unused();
    allow();
    await sandbox.admin((session) => editEdition('tool-1-1', { expiration: '90' }, session));
    expect(removed(await sync())).to.deep.equal([]);
    expect(machine.receipt('tool')?.expiration).to.equal(90);
    await sandbox.admin((session) => editEdition('tool-1-1', { expiration: '30', removable: 'n' }, session));
    expect(removed(await sync())).to.deep.equal([]);
  });

  it('depot3:D04 depot3:BUG-07 a custom expiration counts, and is carried by updates', async () => {
    await sandbox.add('tool', '1', { live: true, expiration: '90', expirationPaths: APP });
    await machine.install(['tool'], { expiration: 10 });
    await sandbox.add('tool', '2', { live: true, inherit: true });
    allow();
    await sync();
    expect(machine.receipt('tool')).to.include({ edition: 'tool-2-1', customExpiration: 10, expiration: 10 });
    await passDays(11);
    used(40);
    expect(removed(await sync())).to.deep.equal(['tool-2-1']);
  });

  it('depot3:B30 ends on its day, used or not, without any usage data', async () => {
    await sandbox.add('trial', '1', { live: true, firmExpiration: '20d' });
    await machine.install(['trial']);
    allow();
    await passDays(19);
    expect(removed(await sync())).to.deep.equal([]);
    expect(await explained('trial')).to.include('it stays 20 days, used or not');
    await passDays(1);
    expect(removed(await sync())).to.deep.equal(['trial-1-1']);
  });

  it('tells users some days before, once, and removes nothing untold', async () => {
    const script = path.join(sandbox.dir, 'told');
    writeFileSync(script, '#!/bin/sh\necho "$D3_EXPIRING_SOON: $D3_EXPIRING_DAYS" >> "$1/soon"\n');
    await unused();
    allow({ noticePolicy: 'soon', noticeDays: 3 });
    expect(removed(await sync())).to.deep.equal([]);
    expect(said.join()).to.include('users were not told what will be removed, so it stays');
    await policy(sandbox, 'soon', [{ kind: 'script', args: { script } }]);
    for (let times = 0; times < 2; times += 1) expect(removed(await sync())).to.deep.equal([]);
    expect(machine.read('soon')).to.equal('tool-1-1: 3\n');
    await passDays(1);
    used(0.5);
    await sync();
    await passDays(29);
    used(29.5);
    expect(removed(await sync())).to.deep.equal([]);
    expect(machine.read('soon')).to.equal('tool-1-1: 3\ntool-1-1: 2\n');
    await passDays(3);
    used(32.5);
    expect(removed(await sync())).to.deep.equal(['tool-1-1']);
  });

  it('one that has come back from a cut is told of with the rest', async () => {
    const script = path.join(sandbox.dir, 'told');
    writeFileSync(script, '#!/bin/sh\necho "$D3_FINISHED_EXPIRATIONS" >> "$1/finished"\n');
    await unused();
    await policy(sandbox, 'gone', [{ kind: 'script', args: { script } }]);
    allow({ policy: 'gone' });
    const broken = machine.with({
      plugins: { ...machine.machine.plugins, after: () => Promise.reject(new Error('power cut')) },
    });
    await broken.sync().catch(() => undefined);
    await sync();
    expect(machine.read('finished')).to.equal('tool-1-1\n');
    expect(machine.receipts()).to.deep.equal([]);
  });

  it('without the plugin d3 works as ever, and nothing expires', async () => {
    await unused();
    allow();
    const without = machine.with({ plugins: noPlugins });
    const run = await without.sync();
    expect(run.exit).to.equal(0);
    expect(run.outcomes.map(({ status }) => status)).to.deep.equal(['nothing']);
    expect(machine.exists('opt/tool/version')).to.equal(true);
  });

  it('a dry run says what expires, and changes nothing', async () => {
    await unused();
    allow();
    const before = machine.everything();
    const { plan } = await machine.sync({}, { dryRun: true });
    expect(plan.decisions.map(({ action }) => action?.kind)).to.deep.equal(['uninstall']);
    expect(machine.everything()).to.deep.equal(before);
    expect(readFileSync(path.join(machine.root, APP), 'utf8')).to.equal('1');
  });
});
