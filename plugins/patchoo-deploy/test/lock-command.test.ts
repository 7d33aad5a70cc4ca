import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { Screen } from '../../../test/support/screen.ts';

/** The lock through the real command line, in a pseudo-terminal: a machine in a folder has no windows of the host's. */
describe('d3 provision lock', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let root: string;
  let screen: Screen | undefined;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
  });
  afterEach(() => {
    screen?.close();
    return sandbox.remove();
  });

  const env = () => ({ D3_ROOT: root, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' });
  async function ok(...line: string[]): Promise<string> {
    const ended = await d3(line, { cwd: sandbox.dir, env: env() });
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}${ended.stdout}`).to.equal(0);
    return ended.stdout;
  }

  it('patchoo:BS-16 patchoo:BS-21 patchoo:BS-25 patchoo:BS-26 shows a hold until it is released, ends with it, and leaves nothing', async () => {
    mkdirSync(path.join(root, 'var/log'), { recursive: true });
    writeFileSync(
      path.join(root, 'var/log/jamf.log'),
      'Fri Oct 24 17:47:14 MY HOST jamf[2]: Installing Chrome.pkg...\n',
    );
    await ok('config', 'set', 'provision.lockSeconds', '1');
    await ok('config', 'set', 'provision.contact', 'Service desk, 4711');
    await ok('provision', 'setup');
    const waiting = await d3(['provision', 'run', '--no-wait'], { cwd: sandbox.dir, env: env() });
    expect(waiting.code).to.equal(43);
    const { CI: _, ...inherited } = process.env as Record<string, string>;
    screen = new Screen([...d3Program, 'provision', 'lock'], {
      cwd: sandbox.dir,
      env: { ...inherited, ...env(), TERM: 'xterm-256color' },
    });
    await screen.sees('Awaiting provisioning information. Your admin has been notified.');
    await screen.sees('Missing: Build, Department');
    await screen.sees('Contact: Service desk, 4711');
    await screen.sees(/Code: [A-Z2-9]{6}/);
    await screen.sees('a terminal is no lock');
    await ok('provision', 'hold', 'release', '--reason', 'lab machine');
    await ok('provision', 'run');
    await screen.sees(/^released/m, 60_000);
    expect(await screen.ended()).to.equal(0);
    const left = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /lock\.service|screen\.json/.test(name),
    );
    expect(left).to.deep.equal([]);
  });

  it('is over at once where nothing is deployed, and says what is wrong with a code that others could read', async () => {
    expect(await ok('provision', 'lock', '--no-input')).to.match(/^idle/);
    await ok('provision', 'setup');
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    writeFileSync(path.join(root, 'etc/code'), '4711\n');
    chmodSync(path.join(root, 'etc/code'), 0o644);
    await ok('config', 'set', 'provision.lockCodeFile', '/etc/code');
    const { code, stderr } = await d3(['provision', 'lock', '--no-input'], { cwd: sandbox.dir, env: env() });
    expect([code, stderr.includes('others may read or change it')], stderr).to.deep.equal([30, true]);
    expect(existsSync(path.join(root, 'etc/systemd/system/d3-provision-lock.service'))).to.equal(true);
  });

  it('patchoo:BS-21 goes on where nobody can see anything, until it is stopped', async () => {
    await ok('provision', 'setup');
    const ended = await d3(['provision', 'lock', '--no-input', '--json'], {
      cwd: sandbox.dir,
      env: env(),
      running: (child) => void setTimeout(() => child.kill('SIGTERM'), 6000),
    });
    expect(ended.code, ended.stderr).to.equal(0);
    expect(JSON.parse(ended.stdout).result.state).to.equal('connecting');
  });
});
