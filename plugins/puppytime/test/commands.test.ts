import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program, NODE, repository, run as start } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { scriptsPlugin } from '../../../test/support/scripts-plugin.ts';

/** puppytime through the real command line, each command a process of its own. */
describe('puppytime on the command line', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    machine = machine.with({ plugins: scriptsPlugin(machine.machine.paths.work) });
  });
  afterEach(() => sandbox.remove());

  const env = () => ({ D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' });
  const run = (...line: string[]) => d3(line, { cwd: sandbox.dir, env: env() });

  async function ok(...line: string[]): Promise<string> {
    const ended = await run(...line);
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}`).to.equal(0);
    return ended.stdout;
  }

  async function json(...line: string[]) {
    return JSON.parse((await run(...line, '--json')).stdout);
  }

  function script(name: string, ...lines: string[]): string {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
    return file;
  }

  const configure = (settings: Record<string, unknown>) => {
    mkdirSync(path.join(machine.root, 'etc'), { recursive: true });
    writeFileSync(
      path.join(machine.root, 'etc/d3.json'),
      JSON.stringify({ puppytime: { show: ['none'], ...settings } }),
    );
  };

  const queued = async (name: string, changes: object = {}) => {
    await sandbox.add(name, '1', { live: true, reboot: 'y', ...changes });
    expect((await machine.install([name])).exit).to.equal(0);
  };

  /** What a machine has of its own, whatever is installed. */
  const OWN = ['etc/d3.json', 'var/log/d3.log'];

  const waiting = () => machine.reading((state) => state.deferred().map(({ edition }) => edition.edition));

  it('patchoo:UP-02 depot3:I03 depot3:BUG-46 users are told by the policy, so often; a policy that is missing or fails is said and tried again', async () => {
    const tell = script('tell', 'echo "$D3_NOTIFYING_PUPPIES" >> "$1/told"');
    await ok('admin', 'policy', 'add', 'tell-users', '--script', tell);
    const install = async (name: string, ...flags: string[]) => {
      await sandbox.add(name, '1', { live: true, reboot: 'y' });
      return (await run('install', name, '-a', 'sally', ...flags)).stderr;
    };
    const told = () => (machine.exists('told') ? machine.read('told') : '');

    configure({ notificationPolicy: 'nobody-knows-it' });
    expect(await install('a')).to.match(/puppytime\.notificationPolicy.*not told.*nobody-knows-it/);
    configure({ notificationPolicy: 'tell-users' });
    expect(await install('b', '-N')).not.to.include('told');
    expect(told()).to.equal('');
    await install('c');
    expect(told(), 'the missing one was not taken for a notification').to.equal('a-1-1 b-1-1 c-1-1\n');
    await install('d');
    expect(told().split('\n'), 'seven days have not passed').to.have.length(2);
    configure({ notificationPolicy: 'tell-users', notificationDays: -1 });
    await install('e');
    expect(told()).to.match(/\na-1-1 b-1-1 c-1-1 d-1-1 e-1-1\n$/);
    configure({ notificationPolicy: 'tell-users', notificationDays: 0 });
    await install('f');
    expect(told().split('\n')).to.have.length(3);

    writeFileSync(tell, '#!/bin/sh\nexit 3\n');
    await ok('admin', 'policy', 'edit', 'tell-users', '--script', tell);
    configure({ notificationPolicy: 'tell-users', notificationDays: -1 });
    expect(await install('g')).to.match(/tell-users.*exited 3/);
  });

  it('depot3:I10 depot3:BUG-23 installs all, tries the policy that is not there, and says that a restart is due where it cannot', async () => {
    await queued('a');
    await queued('b');
    configure({ rebootPolicy: 'gone', slideSeconds: 1 });
    const ended = await run('puppytime', 'run', '--no-input');
    expect([ended.code, ended.stdout]).to.deep.equal([42, 'a-1-1: installed\nb-1-1: installed\nA restart is due.\n']);
    expect(ended.stderr).to.match(/rebootPolicy.*so d3 does.*gone/);
    expect([waiting(), machine.lies(OWN)]).to.deep.equal([[], []]);
  });

  it('depot3:BUG-22 the policy of the restart runs as itself, and sees what was installed', async () => {
    const restart = script('restart', 'echo "$D3_RUNNING_PUPPYTIME $D3_REBOOTING_PUPPIES" > "$1/restarting"');
    await ok('admin', 'policy', 'add', 'restart', '--script', restart);
    await queued('a');
    configure({ rebootPolicy: 'restart', slideSeconds: 1 });
    const { exit, result } = await json('puppytime', 'run');
    expect([exit, result.restart]).to.deep.equal([0, 'policy']);
    expect(machine.read('restarting')).to.equal('1 a-1-1\n');
  });

  it('--no-reboot ends with 42 while a restart is due, --dry-run changes nothing, and nothing to do is no failure', async () => {
    expect(await ok('puppytime', 'run', '--no-input')).to.equal('Nothing waits for a restart.\n');
    await queued('a');
    configure({});
    const dry = await json('puppytime', 'run', '--dry-run');
    expect([dry.exit, dry.result]).to.deep.equal([0, { dryRun: true, queue: ['a-1-1'], restartDue: [] }]);
    expect(waiting()).to.deep.equal(['a-1-1']);
    const first = await json('puppytime', 'run', '--no-reboot');
    expect([first.exit, first.result.installed, first.result.restart]).to.deep.equal([42, ['a-1-1'], 'pending']);
    expect((await json('puppytime', 'run', '--no-reboot')).exit).to.equal(42);
    writeFileSync(path.join(machine.root, 'facts.json'), '{"processes": [], "boot": "another"}');
  });

  it('failures are told with their targets and what comes next', async () => {
    await queued('a', { preInstall: script('pre', 'exit 7') });
    await queued('b');
    configure({ attempts: 2, slideSeconds: 1 });
    const first = await json('puppytime', 'run');
    expect(first.exit).to.equal(40);
    expect(first.errors[0]).to.deep.include({ code: 'PUPPY_FAILED', target: 'a-1-1' });
    expect(first.errors[0].actions).to.deep.equal(['it is tried again the next time']);
    expect(waiting()).to.deep.equal(['a-1-1']);
    const second = await json('puppytime', 'run');
    expect(second.errors[0].actions[0]).to.match(/left the queue.*d3 install a-1-1/);
    expect(waiting()).to.deep.equal([]);
  });

  it('with somebody at the machine who cannot be asked nothing is installed', async () => {
    await queued('a');
    configure({});
    writeFileSync(path.join(machine.root, 'facts.json'), '{"processes": [], "user": "ann"}');
    const { exit, result } = await json('puppytime', 'run');
    expect([exit, result.state, result.queue]).to.deep.equal([0, 'unasked', ['a-1-1']]);
  });

  it('killed in the middle, it goes on the next time and restarts for all of it', async () => {
    const slow = script(
      'slow',
      'echo on > "$1/begun"',
      'for i in $(seq 300); do [ -e "$1/go" ] && exit 0; sleep 0.1; done',
    );
    await queued('a');
    await queued('b', { preInstall: slow });
    const restart = script('restart', 'echo "$D3_REBOOTING_PUPPIES" > "$1/restarting"');
    await ok('admin', 'policy', 'add', 'restart', '--script', restart);
    configure({ rebootPolicy: 'restart', slideSeconds: 1 });
    const child: ChildProcess = spawn(
      d3Program[0] as string,
      [...d3Program.slice(1), 'puppytime', 'run', '--no-input'],
      {
        cwd: sandbox.dir,
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], XDG_DATA_HOME: '/nonexistent', ...env() },
        stdio: 'ignore',
        detached: true,
      },
    );
    const over = new Promise((resolve) => child.once('exit', resolve));
    for (let waited = 0; !machine.exists('begun') && waited < 60_000; waited += 50)
      await new Promise((resolve) => setTimeout(resolve, 50));
    process.kill(child.pid as number, 'SIGKILL');
    await over;
    expect(waiting()).to.deep.equal(['b-1-1']);
    machine.write('go', '');
    const { result } = await json('puppytime', 'run');
    expect([result.installed, result.restart]).to.deep.equal([['b-1-1'], 'policy']);
    expect(machine.read('restarting')).to.equal('a-1-1 b-1-1\n');
    expect([waiting(), machine.lies([...OWN, 'begun', 'go', 'restarting'])]).to.deep.equal([[], []]);
  });

  it('patchoo:IN-08 depot3:I04 tells of what waits, where something can be shown', async () => {
    configure({});
    expect(await ok('puppytime', 'tell')).to.equal('Nothing waits for a restart.\n');
    await queued('a');
    expect(await ok('puppytime', 'tell')).to.equal('Nobody could be told of a-1-1\n');
    expect(waiting()).to.deep.equal(['a-1-1']);
  });

  it('patchoo:UP-10 patchoo:UP-11 depot3:I05 what starts it is laid down, told and taken away; lines for others are printed', async () => {
    const unit = (kind: string) => path.join(machine.root, `etc/systemd/system/d3-puppytime-${kind}.service`);
    const dry = await json('puppytime', 'trigger', 'install', 'boot', '--dry-run');
    expect([dry.result.triggers[0].installed, existsSync(unit('boot'))]).to.deep.equal([false, false]);
    await ok('puppytime', 'trigger', 'install', 'boot');
    expect(readFileSync(unit('boot'), 'utf8')).to.match(/^# Written by d3 for @d3\/plugin-puppytime\n\[Unit\]/);
    await ok('puppytime', 'trigger', 'install', 'shutdown');
    expect(readFileSync(unit('shutdown'), 'utf8')).to.include(
      'ExecStop=/usr/local/bin/d3 puppytime run --no-input --no-reboot\n',
    );
    const { result } = await json('puppytime', 'trigger', 'status');
    expect(result.triggers.map((one: { kind: string; installed: boolean }) => [one.kind, one.installed])).to.deep.equal(
      [
        ['shutdown', true],
        ['boot', true],
      ],
    );
    await ok('puppytime', 'trigger', 'remove', 'boot');
    expect([existsSync(unit('boot')), existsSync(unit('shutdown'))]).to.deep.equal([false, true]);
    writeFileSync(unit('boot'), 'somebody else’s\n');
    expect((await run('puppytime', 'trigger', 'install', 'boot')).code).to.equal(30);
    expect(await ok('puppytime', 'trigger', 'install', 'self-service')).to.equal(
      '/usr/local/bin/d3 puppytime run --no-input\n',
    );
    expect((await run('puppytime', 'trigger', 'install', 'login-window')).code).to.equal(2);
    expect((await run('puppytime', 'trigger', 'remove', 'logout-policy')).code).to.equal(2);
    expect((await run('puppytime', 'trigger', 'install', 'full-moon')).code).to.equal(2);
  });

  describe('taken off the list of plugins', () => {
    /** A d3 of its own: everything as here but for package.json. */
    function without(plugin: string) {
      const folder = path.join(sandbox.dir, 'host');
      mkdirSync(folder);
      for (const part of ['src', 'node_modules', 'packages', 'plugins', 'oclif.manifest.json'])
        symlinkSync(path.join(repository, part), path.join(folder, part));
      cpSync(path.join(repository, 'bin'), path.join(folder, 'bin'), { recursive: true });
      const pjson = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8'));
      pjson.oclif.plugins = pjson.oclif.plugins.filter((name: string) => name !== plugin);
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify(pjson));
      const program = [...NODE, path.join(folder, 'bin/dev.js')];
      return (...line: string[]) => start(process.execPath, [...program, ...line], { cwd: sandbox.dir, env: env() });
    }

    it('d3 works as before, what is configured for it stops nothing, and every sync says what waits', async () => {
      configure({ notificationPolicy: 'tell-users' });
      await sandbox.add('tool', '1', { live: true });
      await sandbox.add('system', '1', { live: true, reboot: 'y', autoGroups: 'standard' });
      const bare = without('@d3/plugin-puppytime');
      const gone = await bare('puppytime', 'run');
      expect(gone.code, gone.stderr).to.equal(127);
      const installed = await bare('install', 'tool', '-a', 'sally');
      expect(installed.code, installed.stderr).to.equal(0);
      for (const _ of [1, 2, 3]) {
        const { code, stdout, stderr } = await bare('sync', '-v');
        expect(code, stderr).to.equal(0);
        expect(stdout).to.match(/system-1-1.*restart/s);
      }
      expect(waiting()).to.deep.equal(['system-1-1']);
      expect((await bare('config', 'validate')).stderr).to.match(/puppytime\.notificationPolicy means nothing here/);
      const now = await bare('install', '-p', 'system', '-a', 'sally');
      expect([now.code, waiting()]).to.deep.equal([0, []]);
    });
  });
});
