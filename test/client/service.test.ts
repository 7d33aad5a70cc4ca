import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type PlainPlist, readPlainPlist } from '@d3/flatpkg';
import { expect } from 'chai';
import { pauseUpTo } from '../../src/cli/pause.ts';
import { installService, removeService, type ServiceParts, serviceStatus } from '../../src/client/service.ts';
import { launchdPlist, launchdResumePlist, profile, spreadOf, systemdUnits } from '../../src/client/service-units.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import type { ProgramCall } from '../../src/platform/program.ts';
import { repository } from '../cli/spawn.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What launchd reads of it. */
const read = (text: string) => readPlainPlist(Buffer.from(text), 'plist') as Record<string, PlainPlist>;

const SCHEDULE = { program: '/usr/local/bin/d3', every: 3600, machine: 'mac-a' };

describe('depot3:G14 the schedule', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let calls: ProgramCall[];
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    calls = [];
  });
  afterEach(() => sandbox.remove());

  const answer = { code: 0, signal: null, timedOut: false, stdout: '', stderr: '', cut: false, lastLines: [] };
  /** @param root `/` as far as the system is told; the files are in the sandbox all the same */
  function parts(
    platform: NodeJS.Platform,
    changes: { isHost?: boolean; code?: number; stdout?: string } = {},
  ): ServiceParts {
    const { isHost = false, code = 0, stdout = '' } = changes;
    const paths = machinePaths(machine.root, platform);
    const run = async (call: ProgramCall) => {
      calls.push(call);
      return { ...answer, code, stdout };
    };
    return { paths: isHost ? { ...paths, root: '/' } : paths, platform, run };
  }
  const said = () => calls.map(({ program, args }) => [path.basename(program), ...args].join(' '));

  it('is laid down in a root folder and started nowhere; done again it changes nothing', async () => {
    const first = await installService(SCHEDULE, parts('linux'));
    expect([first.active, said()]).to.deep.equal([false, []]);
    expect(first.files.map((file) => path.basename(file)).toSorted()).to.deep.equal([
      'd3-resume.service',
      'd3-sync-wake.service',
      'd3-sync.service',
      'd3-sync.timer',
    ]);
    const before = machine.everything();
    await installService(SCHEDULE, parts('linux'));
    expect(machine.everything()).to.deep.equal(before);
    await installService({ ...SCHEDULE, every: 1800 }, parts('linux'));
    expect(machine.read('etc/systemd/system/d3-sync.timer'))
      .to.include('OnUnitActiveSec=1350s')
      .and.include('RandomizedDelaySec=900s');
  });

  it('patchoo:UP-01 comes every so often, more or less a quarter, at start and after waking up', () => {
    expect(spreadOf({ every: 3600 })).to.deep.equal({ least: 2700, spread: 1800 });
    const units = systemdUnits(SCHEDULE);
    expect(units['d3-sync.timer'])
      .to.include('OnBootSec=')
      .and.include('OnUnitActiveSec=2700s')
      .and.include('RandomizedDelaySec=1800s');
    expect(units['d3-sync-wake.service']).to.include('WantedBy=suspend.target');
    for (const name of ['d3-sync.service', 'd3-sync-wake.service'])
      expect(units[name]).to.include('ExecStart=/usr/local/bin/d3 sync --if-idle --no-input\n');
    const odd = systemdUnits({ ...SCHEDULE, program: '/opt/my d3/50%/$HOME/d3' });
    expect(odd['d3-sync.service']).to.include('ExecStart="/opt/my d3/50%%/$$HOME/d3" sync');
    const sync = read(launchdPlist(SCHEDULE));
    expect(sync['ProgramArguments']).to.deep.equal([
      '/usr/local/bin/d3',
      'sync',
      '--if-idle',
      '--no-input',
      '--spread',
      '900s',
    ]);
    expect(sync['RunAtLoad']).to.equal(true);
    expect(units['d3-resume.service'])
      .to.include('ExecStart=/usr/local/bin/d3 run resume --all --no-input\n')
      .and.include('WantedBy=multi-user.target');
    const resume = read(launchdResumePlist(SCHEDULE));
    expect(resume['ProgramArguments']).to.deep.equal(['/usr/local/bin/d3', 'run', 'resume', '--all', '--no-input']);
    expect(resume['RunAtLoad']).to.equal(true);
    const program = '/a<&>"/d3';
    expect(read(launchdPlist({ ...SCHEDULE, program }))['ProgramArguments']).to.include(program);
  });

  it('is a list of times on a Mac, which launchd makes up for after waking up; each machine has its own', () => {
    const times = (every: number, machine = 'mac-a') => {
      const found = read(launchdPlist({ program: '/d3', every, machine }))['StartCalendarInterval'] ?? [];
      return (found as { Hour: number; Minute: number }[]).map(({ Hour, Minute }) => Hour * 60 + Minute);
    };
    for (const [every, count] of [
      [3600, 24],
      [1800, 48],
      [300, 288],
      [7 * 3600, 4],
      [24 * 3600, 1],
    ] as const) {
      const list = times(every);
      expect(list.length, String(every)).to.be.within(count - 1, count);
      expect(list.every((minute) => minute >= 0 && minute < 1440)).to.equal(true);
      const gaps = list.slice(1).map((minute, at) => minute - (list[at] as number));
      expect(new Set(gaps).size, String(every)).to.be.lessThan(2);
      if (gaps.length > 0) expect(gaps[0]).to.equal(every / 60);
    }
    const firsts = ['a', 'b', 'c', 'd', 'e', 'f'].map((machine) => times(3600, machine)[0]);
    expect(new Set(firsts).size).to.be.greaterThan(3);
    expect([times(60), times(48 * 3600)]).to.deep.equal([[], []]);
    expect(read(launchdPlist({ ...SCHEDULE, every: 60 }))['StartInterval']).to.equal(60);
  });

  it('is started, asked and stopped by the system that keeps it', async () => {
    await installService(SCHEDULE, parts('linux', { isHost: true }));
    expect(said()).to.deep.equal([
      'systemctl daemon-reload',
      'systemctl enable --now d3-sync.timer',
      'systemctl enable d3-sync-wake.service',
      'systemctl enable d3-resume.service',
    ]);
    const stdout = 'ActiveState=active\nNextElapseUSecRealtime=Sat 2026-11-28 08:00:00 UTC\n';
    expect(await serviceStatus(parts('linux', { isHost: true, stdout }))).to.deep.include({
      installed: true,
      active: true,
      next: 'Sat 2026-11-28 08:00:00 UTC',
      lastSync: null,
      lastRun: null,
    });
    calls.length = 0;
    const removed = await removeService(parts('linux', { isHost: true }));
    expect(removed.files).to.have.length(4);
    expect(said()).to.deep.equal([
      'systemctl disable --now d3-sync.timer',
      'systemctl disable d3-sync-wake.service',
      'systemctl disable d3-resume.service',
      'systemctl daemon-reload',
    ]);
    expect(existsSync(path.join(machine.root, 'etc/systemd/system/d3-sync.timer'))).to.equal(false);
    expect((await removeService(parts('linux', { isHost: true }))).files).to.deep.equal([]);
    calls.length = 0;
    await installService(SCHEDULE, parts('darwin', { isHost: true }));
    const { launchDaemon, resumeDaemon } = parts('darwin').paths;
    expect(said()).to.deep.equal([
      'launchctl bootout system/org.d3.sync',
      'launchctl bootout system/org.d3.resume',
      `launchctl bootstrap system ${launchDaemon}`,
      `launchctl bootstrap system ${resumeDaemon}`,
    ]);
  });

  it('of which a unit is missing is taken away all the same, and a failure ends with one full stop', async () => {
    await installService(SCHEDULE, parts('linux'));
    rmSync(path.join(machine.root, 'etc/systemd/system/d3-sync.timer'));
    const removed = await removeService(parts('linux', { isHost: true }));
    expect(removed.files).to.have.length(3);
    expect(said()).to.deep.equal([
      'systemctl disable d3-sync-wake.service',
      'systemctl disable d3-resume.service',
      'systemctl daemon-reload',
    ]);
    const failing = parts('linux', { isHost: true });
    const run = async () => ({ ...answer, code: 1, lastLines: ['Unit is masked.'] });
    const { problems } = await problemsOf(installService(SCHEDULE, { ...failing, run }));
    expect(problems[0]?.message).to.match(/Unit is masked\.$/);
  });

  it('that cannot be started says so (1), and what is not ours is left alone (30)', async () => {
    expect((await problemsOf(installService(SCHEDULE, parts('linux', { isHost: true, code: 1 })))).exitCode).to.equal(
      1,
    );
    const foreign = path.join(machine.root, 'Library/LaunchDaemons/org.d3.sync.plist');
    mkdirSync(path.dirname(foreign), { recursive: true });
    writeFileSync(foreign, 'mine');
    for (const work of [installService(SCHEDULE, parts('darwin')), removeService(parts('darwin'))])
      expect((await problemsOf(work)).exitCode).to.equal(30);
    expect(readFileSync(foreign, 'utf8')).to.equal('mine');
  });

  it('depot3:K09 shows when the last sync was, and how it went', async () => {
    await machine.sync();
    const status = await serviceStatus(parts('linux'));
    expect(status.lastSync).to.match(/^\d{4}-/);
    expect(status.lastRun?.exit).to.equal(0);
    expect([status.installed, status.active]).to.deep.equal([false, null]);
  });

  it('has a profile for macOS that is the same each time', () => {
    const text = profile('/usr/local/lib/d3/node');
    expect(text).to.equal(profile('/usr/local/lib/d3/node'));
    expect(text).to.include('com.apple.servicemanagement').and.include('org.d3.').and.include('SystemPolicyAllFiles');
    expect(text.match(/[0-9A-F]{8}-[0-9A-F]{4}-5[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}/g)).to.have.length(3);
    expect(read(text)).to.include({ PayloadType: 'Configuration', PayloadVersion: 1 });
  });
});

describe('depot3:G15 depot3:BUG-52 a sync that is to run only when nothing else does', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await machine.request({ kind: 'thaw', targets: ['x'] });
  });
  afterEach(() => sandbox.remove());

  function d3(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
    const env = { PATH: process.env['PATH'] ?? '', D3_ROOT: machine.root, D3_DEPOT: sandbox.depot };
    const child = spawn(
      process.execPath,
      [
        '--conditions=d3-source',
        '--disable-warning=ExperimentalWarning',
        path.join(repository, 'bin', 'dev.js'),
        ...args,
      ],
      { env },
    );
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece) => (out += piece));
    child.stderr.on('data', (piece) => (err += piece));
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, out, err }));
    });
  }

  it('ends well (0) while another is at work and says who that is; without it that is busy (41)', async () => {
    const { runLock } = machine.machine.paths;
    const other = new DatabaseSync(runLock);
    other.exec('BEGIN EXCLUSIVE');
    writeFileSync(
      `${runLock}.owner`,
      JSON.stringify({ pid: 4711, command: 'install', since: '2026-11-28T08:00:00.000Z' }),
    );
    const [idle, plain] = [await d3('sync', '--if-idle', '--json'), await d3('sync')];
    const words = await d3('sync', '--if-idle');
    other.close();
    const { exit, result, warnings } = JSON.parse(idle.out);
    expect([idle.code, exit, result.skipped, machine.receipts()]).to.deep.equal([0, 0, 'busy', []]);
    expect(warnings.join()).to.include('process 4711');
    expect([words.code, words.out]).to.deep.equal([0, '']);
    expect(words.err).to.include('process 4711');
    expect(plain.code).to.equal(41);
    expect(plain.err).to.include('install, process 4711, since 2026-11-28T08:00:00.000Z');
    const after = await d3('sync', '--if-idle');
    expect([after.code, machine.receipts().length]).to.deep.equal([0, 1]);
    expect(existsSync(`${runLock}.owner`)).to.equal(false);
  });

  it('begins after a random time when it is to, which a signal cuts short', async () => {
    const ended = await d3('sync', '--spread', '1s');
    expect([ended.code, machine.receipts().length]).to.deep.equal([0, 1]);
    const stop = new AbortController();
    const waiting = pauseUpTo(86_400 * 365, stop.signal);
    stop.abort(new Error('stopped'));
    expect((await waiting.catch((error: unknown) => error as Error))?.message).to.equal('stopped');
  });

  it('depot3:E14 depot3:BUG-09 of several at once one works, and the others leave it alone', async () => {
    const ended = await Promise.all([1, 2, 3].map(() => d3('sync', '--if-idle')));
    expect(ended.map(({ code }) => code)).to.deep.equal([0, 0, 0]);
    expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
    expect(machine.lies(['var/log/d3.log'])).to.deep.equal([]);
  });
});
