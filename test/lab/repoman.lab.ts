import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { parseUsage } from '../../plugins/expiration/src/usage-file.ts';
import { readUsageFolder, usageFolder } from '../../plugins/expiration/src/usage-folder.ts';
import { Display, until } from './display.ts';

const project = path.dirname(path.dirname(import.meta.dirname));
const WISH = realpathSync('/usr/bin/wish');
/** Milliseconds: dates are to the second, and a switch is learned of a moment later. */
const SLACK = 1500;

describe('depot3:H02 d3RepoMan in a real X11 session', () => {
  let dir: string;
  let root: string;
  let display: Display;
  const monitors: ChildProcess[] = [];

  beforeEach(async () => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    chmodSync(dir, 0o755);
    root = path.join(dir, 'root');
    mkdirSync(root);
    display = await Display.open();
    expect(spawnSync(path.join(project, 'bin/d3'), ['repoman', 'install'], { env: env() }).status).to.equal(0);
  });
  afterEach(async () => {
    for (const monitor of monitors.splice(0)) monitor.kill('SIGKILL');
    await display.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const folder = () => usageFolder(root, 'linux');
  const env = () => ({ ...display.env, PATH: `${project}/node_modules/.bin:/usr/bin:/bin`, D3_ROOT: root });

  /** An app: a copy of a real program in a place of its own, with one window. */
  function app(name: string): string {
    const program = path.join(dir, name, 'app, of\nmine');
    mkdirSync(path.dirname(program));
    copyFileSync(WISH, program);
    const window = path.join(dir, `${name}.tcl`);
    writeFileSync(window, `wm title . ${name}; wm client . [info hostname]\n`);
    display.start(program, window);
    return program;
  }

  async function repoman(...words: string[]): Promise<ChildProcess> {
    const monitor = spawn(path.join(project, 'bin/d3'), ['repoman', '--json', ...words], {
      env: env(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    monitors.push(monitor);
    await until(() => existsSync(file()) && running(monitor));
    return monitor;
  }

  const file = (user = 'root') => path.join(folder(), `${user}.plist`);
  const running = ({ pid }: ChildProcess) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('d3RepoMan');
  const ended = (monitor: ChildProcess) => new Promise<number | null>((resolve) => monitor.once('exit', resolve));

  function used(): ReadonlyMap<string, Date> {
    const usage = parseUsage(readFileSync(file()), new Date());
    if ('damage' in usage) throw new Error(usage.damage);
    return usage.lastUsed;
  }

  function expectTime(found: Date | undefined, at: number): void {
    expect(found, 'it was never seen').to.not.equal(undefined);
    expect(
      Math.abs((found as Date).getTime() - at),
      `${found?.toISOString()} for ${new Date(at).toISOString()}`,
    ).to.be.below(SLACK);
  }

  it('notes of each of two windows when it was last in front, and of nothing else', async () => {
    const [one, two] = [app('one'), app('two')];
    const monitor = await repoman('--every', '1');
    await display.activate('one');
    await sleep(2000);
    const left = Date.now();
    await display.activate('two');
    await sleep(3000);
    monitor.kill('SIGTERM');
    const end = Date.now();
    expect(await ended(monitor)).to.equal(0);
    expectTime(used().get(one), left);
    expectTime(used().get(two), end);
    expect([...used().keys()].toSorted()).to.deep.equal([one, two]);
    const found = readUsageFolder(folder(), { now: new Date(), accountOf: null });
    expect(found).to.have.nested.property('users[0].user', 'root');
    expect(found).to.not.have.nested.property('users[0].damage');
  });

  it('knows a script by its own path', async () => {
    const script = path.join(dir, 'script');
    writeFileSync(script, '#!/usr/bin/wish\nwm title . script; wm client . [info hostname]\n');
    chmodSync(script, 0o755);
    display.start(script);
    const monitor = await repoman();
    await display.activate('script');
    monitor.kill('SIGHUP');
    expect(await ended(monitor)).to.equal(0);
    expect([...used().keys()]).to.include(script);
  });

  it('has written all but the last moments when it is killed, and goes on from there', async () => {
    const one = app('one');
    const first = await repoman('--every', '1');
    await display.activate('one');
    await sleep(1500);
    const gone = ended(first);
    first.kill('SIGKILL');
    await gone;
    const before = used().get(one);
    expect(before).to.not.equal(undefined);
    app('two');
    await display.activate('two');
    const second = await repoman('--every', '1');
    await sleep(1500);
    expect(used().get(one)).to.deep.equal(before);
    second.kill('SIGTERM');
    expect(await ended(second)).to.equal(0);
  });

  it('is there once for each user: a second one says so and ends with 41', async () => {
    await repoman();
    const { status, stderr } = spawnSync(path.join(project, 'bin/d3'), ['repoman'], { env: env(), encoding: 'utf8' });
    expect([status, stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 41 && text.includes('at work already'),
    );
  });

  it('ends well, with all it saw, when the session ends without telling it', async () => {
    const one = app('one');
    const monitor = await repoman('--every', '1h');
    await display.activate('one');
    const end = ended(monitor);
    const at = Date.now();
    await display.close();
    expect(await end).to.equal(0);
    expectTime(used().get(one), at);
  });

  it('writes for ordinary users what they cannot take from one another', async () => {
    const as = (uid: number, ...words: string[]) =>
      spawnSync('setpriv', ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', ...words], {
        env: env(),
        encoding: 'utf8',
      });
    const monitor = spawn(
      'setpriv',
      ['--reuid', '65534', '--regid', '65534', '--clear-groups', path.join(project, 'bin/d3'), 'repoman'],
      { env: env(), stdio: 'inherit' },
    );
    monitors.push(monitor);
    await until(() => existsSync(file('nobody')));
    const { uid, mode } = statSync(file('nobody'));
    expect([uid, mode & 0o777]).to.deep.equal([65_534, 0o600]);
    const other = 12_345;
    expect(as(other, 'ls', folder()).status, 'list').to.not.equal(0);
    expect(as(other, 'cat', file('nobody')).status, 'read').to.not.equal(0);
    expect(as(other, 'rm', '-f', file('nobody')).status, 'remove').to.not.equal(0);
    expect(as(other, 'mv', path.join(dir, 'one.tcl'), file('nobody')).status, 'swap').to.not.equal(0);
    expect(as(other, 'touch', file('moe')).status, 'add').to.equal(0);
    const moe = readUsageFolder(folder(), {
      now: new Date(),
      accountOf: (owner) => (owner === other ? 'susie' : null),
    });
    expect(moe).to.have.nested.property('users[0].damage', 'it belongs to susie');
    monitor.kill('SIGTERM');
    expect(await ended(monitor)).to.equal(0);
  });

  it('is refused (30), and says by what, where somebody made a file in the name of a user first', () => {
    const as = (uid: number, ...words: string[]) =>
      spawnSync('setpriv', ['--reuid', String(uid), '--regid', String(uid), '--clear-groups', ...words], {
        env: env(),
        encoding: 'utf8',
      });
    const names = ['nobody.plist', '.nobody.lock', '.nobody.plist.new'];
    for (const name of names) {
      const squatted = path.join(folder(), name);
      expect(as(12_345, 'sh', '-c', `umask 077; : > '${squatted}'`).status).to.equal(0);
      const { status, stderr } = as(65_534, path.join(project, 'bin/d3'), 'repoman');
      expect(status, stderr).to.equal(30);
      expect(stderr).to.include("Somebody else's file");
      for (const left of names) rmSync(path.join(folder(), left), { force: true });
    }
  });

  it('is given up in words where no display answers', () => {
    const { status, stderr } = spawnSync(path.join(project, 'bin/d3'), ['repoman'], {
      env: { ...env(), DISPLAY: ':987' },
      encoding: 'utf8',
    });
    expect(status).to.equal(1);
    expect(stderr).to.match(/The display :987 does not answer: .*unable to open display/);
  });
});
