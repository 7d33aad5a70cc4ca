import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EVENTS, type ExecRequest } from '@d3/sdk';
import { expect } from 'chai';
import { noPlugins, pluginsOnBus } from '../../../src/lifecycle/plugins.ts';
import { systemClock, ticks } from '../../../src/platform/clock.ts';
import { execIn } from '../../../src/platform/exec.ts';
import { d3Program } from '../../../test/cli/spawn.ts';
import { problemsOf } from '../../../test/support/errors.ts';
import { noPorts } from '../../../test/support/no-ports.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { scriptsPlugin } from '../../../test/support/scripts-plugin.ts';

describe('the scripts plugin', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { user: 'calvin' });
    machine = machine.with({ plugins: scriptsPlugin(machine.machine.paths.work) });
  });
  afterEach(() => sandbox.remove());

  let count = 0;
  /** A script file for an edition. */
  function script(body: string, interpreter = '/bin/sh'): string {
    count += 1;
    const file = path.join(sandbox.dir, `script-${count}`);
    writeFileSync(file, `#!${interpreter}\n${body}\n`);
    return file;
  }

  const statuses = (result: { outcomes: { status: string }[] }) => result.outcomes.map((outcome) => outcome.status);

  it('depot3:B09 depot3:BUG-26 a pre-install script gates: only 0 lets the installer run', async () => {
    for (const [body, exit] of [
      ['exit 0', 0],
      ['exit 1', 31],
      ['exit 110', 31],
      ['kill -9 $$', 31],
      ['kill -TERM $$', 31],
    ] as const) {
      await sandbox.add('tool', '1', { preInstall: script(body), live: true });
      const result = await machine.install(['tool']);
      expect(result.exit, body).to.equal(exit);
      expect(machine.receipt('tool') !== undefined, body).to.equal(exit === 0);
      if (exit === 0) await machine.uninstall(['tool']);
      expect(machine.tree(), body).to.deep.equal([]);
      await sandbox.admin(async (session) => {
        for (const edition of await session.depot.store.editions.list())
          await session.depot.store.editions.delete(edition.id, 'sally', { archive: false });
      });
    }
  });

  it('depot3:B13 pre-install 111 writes the receipt as if it were installed, marked so, and installs nothing', async () => {
    await sandbox.add('plan', '1', {
      preInstall: script('exit 111'),
      postInstall: script('echo ran > "$1/post"'),
      live: true,
    });
    const result = await machine.install(['plan']);
    expect([result.exit, ...statuses(result)]).to.deep.equal([0, 'settled']);
    expect(machine.receipt('plan')?.settled).to.include('exited 111');
    expect(machine.tree(), 'neither the package nor the post-install script').to.deep.equal([]);
    expect(statuses(await machine.sync())).to.deep.equal(['nothing']);
  });

  it('depot3:B13 a receipt settled over an older edition keeps the old manifest, and its removal says what it owns', async () => {
    await sandbox.add('plan', '1', { live: true, payload: { 'opt/plan/old': '1' } });
    await machine.install(['plan']);
    await sandbox.add('plan', '2', { live: true, preInstall: script('exit 111'), payload: { 'opt/plan/new': '2' } });
    await machine.sync();
    expect(machine.receipt('plan')?.edition).to.equal('plan-2-1');
    expect(machine.tree()).to.include('opt/plan/old 1');
    const said: string[] = [];
    await machine.request(
      { kind: 'uninstall', targets: ['plan'], force: false },
      {
        report: (event) => {
          if ('text' in event) said.push(event.text);
        },
      },
    );
    expect(machine.tree()).to.deep.equal([]);
    expect(said.join('\n')).to.include('d3 installed nothing of it');
  });

  it('depot3:B10 depot3:E05 depot3:E15 a post-install script runs after the receipt; its failure is told and the package stays, marked', async () => {
    const post = script('test -f "$1/opt/tool/version" || exit 9\nexit 3');
    await sandbox.add('tool', '1', { postInstall: post, live: true });
    const result = await machine.install(['tool']);
    expect(result.exit).to.equal(31);
    expect(result.outcomes[0]).to.include({ status: 'installed' });
    expect(result.outcomes[0]?.text).to.include('exited 3');
    expect(machine.receipt('tool')?.attention).to.include('exited 3');
    expect(machine.tree()).to.include('opt/tool/version 1');
  });

  it('depot3:B11 a pre-remove script gates the removal', async () => {
    await sandbox.add('tool', '1', { preRemove: script('exit 1'), live: true });
    await machine.install(['tool']);
    expect((await machine.uninstall(['tool'])).exit).to.equal(31);
    expect(machine.tree()).to.include('opt/tool/version 1');
    expect(machine.receipt('tool')).to.not.equal(undefined);
  });

  it('depot3:B12 a post-remove script runs after the removal; its failure is told', async () => {
    const post = script('test -e "$1/opt/tool/version" && exit 9\nexit 4');
    await sandbox.add('tool', '1', { postRemove: post, live: true });
    await machine.install(['tool']);
    const result = await machine.uninstall(['tool']);
    expect(result.exit).to.equal(31);
    expect(result.outcomes[0]?.text).to.include('exited 4');
    expect(machine.receipt('tool')).to.equal(undefined);
    expect(machine.tree()).to.deep.equal([]);
  });

  it('depot3:B14 pre-remove 111 drops the receipt only: no file goes, and no post-remove script runs', async () => {
    await sandbox.add('tool', '1', {
      preRemove: script('exit 111'),
      postRemove: script('echo ran > "$1/post"'),
      live: true,
    });
    await machine.install(['tool']);
    const result = await machine.uninstall(['tool']);
    expect([result.exit, ...statuses(result)]).to.deep.equal([0, 'uninstalled']);
    expect(machine.receipt('tool')).to.equal(undefined);
    expect(machine.tree()).to.include('opt/tool/version 1');
    expect(machine.tree().join()).to.not.include('post');
  });

  it('depot3:B15 depot3:E12 a script is what the edition pinned, whatever became of it in the depot since', async () => {
    const { edition } = await sandbox.add('tool', '1', { preInstall: script('echo first > "$1/ran"'), live: true });
    await sandbox.admin(async (session) => {
      const scripts = session.depot.store.documents('script');
      const there = await scripts.get(edition.preInstall?.id ?? 0);
      const { sha256, size } = await session.depot.blobs.put(Buffer.from('#!/bin/sh\necho second > "$1/ran"\n'));
      if (there !== null)
        await scripts.update(there.id, there.generation, { body: { ...there.body, sha256, size } }, 'sally');
      await session.depot.publish();
    });
    await machine.install(['tool']);
    expect(machine.read('ran').trim()).to.equal('first');
  });

  it('depot3:E11 a script sees the arguments of Casper scripts and just the variables there are', async () => {
    const show = 'env | sort > "$1/env"\nprintf "%s\\n" "$#" "$1" "$2" "$3" "$4" > "$1/args"';
    await sandbox.add('tool', '1', { preInstall: script(show), live: true });
    const result = await machine.install(['tool'], { admin: 'betty', force: true });
    expect(machine.read('args').split('\n').slice(0, 5)).to.deep.equal(['11', machine.root, 'mac-a', 'calvin', '']);
    const variables = Object.fromEntries(
      machine
        .read('env')
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    // The shell itself adds these.
    for (const own of ['PWD', 'OLDPWD', 'SHLVL', '_']) delete variables[own];
    const { HOME, TMPDIR, ...rest } = variables;
    expect(rest).to.deep.equal({
      D3_RUN: result.run,
      D3_ADMIN: 'betty',
      D3_FORCE: '1',
      D3_INSTALLING: 'tool-1-1',
      D3_PKG_STATUS: 'live',
      D3_RUNNING_PRE_INSTALL: 'tool-1-1',
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    });
    for (const own of [HOME, TMPDIR]) expect(own).to.match(new RegExp(`^${machine.machine.paths.work}/run-[^/]+/`));
  });

  it("depot3:E11 each of the ancestor's variables is there when it applies, in every moment of a sync and a removal", async () => {
    // One line for each script: the edition's name for it, then what it sees of d3.
    const tell = (name: string) =>
      script(`echo "${name} $(env | grep '^D3_' | grep -v '^D3_RUN=' | sort | tr '\\n' ' ')" >> "$1/told"`);
    const all = (version: string) => ({
      preInstall: tell(`pre-install ${version}`),
      postInstall: tell(`post-install ${version}`),
      preRemove: tell(`pre-remove ${version}`),
      postRemove: tell(`post-remove ${version}`),
    });
    const told = () => {
      const lines = machine.read('told').trim().split('\n');
      rmSync(path.join(machine.root, 'told'));
      return lines.map((line) => line.trim());
    };
    const auto = 'D3_ADMIN=auto-installed';
    await sandbox.add('tool', '1', { ...all('1'), live: true, autoGroups: 'standard' });
    await machine.sync();
    const installing = (version: string, more: string) =>
      `${auto} ${more} D3_INSTALLING=tool-${version}-1 D3_PKG_STATUS=live`;
    expect(told()).to.deep.equal([
      `pre-install 1 ${installing('1', 'D3_AUTO_INSTALLING=1')} D3_RUNNING_PRE_INSTALL=tool-1-1 D3_SYNCING=1`,
      `post-install 1 ${installing('1', 'D3_AUTO_INSTALLING=1')} D3_RUNNING_POST_INSTALL=tool-1-1 D3_SYNCING=1`,
    ]);
    await sandbox.add('tool', '2', { ...all('2'), live: true, removeFirst: 'y' });
    await machine.sync({ force: true });
    const updating = installing('2', 'D3_AUTO_UPDATING=1 D3_FORCE=1');
    expect(told()).to.deep.equal([
      `pre-remove 1 ${updating} D3_RUNNING_PRE_REMOVE=tool-1-1 D3_SYNCING=1 D3_UNINSTALLING=tool-1-1 D3_UNINSTALLING_BEFORE_INSTALL=tool-1-1`,
      `post-remove 1 ${updating} D3_RUNNING_POST_REMOVE=tool-1-1 D3_SYNCING=1 D3_UNINSTALLING=tool-1-1 D3_UNINSTALLING_BEFORE_INSTALL=tool-1-1`,
      `pre-install 2 ${updating} D3_RUNNING_PRE_INSTALL=tool-2-1 D3_SYNCING=1`,
      `post-install 2 ${updating} D3_RUNNING_POST_INSTALL=tool-2-1 D3_SYNCING=1`,
    ]);
    await machine.request({ kind: 'uninstall', targets: ['tool'], force: false }, { admin: 'carl', debug: true });
    expect(told()).to.deep.equal([
      'pre-remove 2 D3_ADMIN=carl D3_DEBUG=1 D3_RUNNING_PRE_REMOVE=tool-2-1 D3_UNINSTALLING=tool-2-1',
      'post-remove 2 D3_ADMIN=carl D3_DEBUG=1 D3_RUNNING_POST_REMOVE=tool-2-1 D3_UNINSTALLING=tool-2-1',
    ]);
  });

  it('is safe from a swap in a shared temporary folder: it runs in a private one on the machine’s own ground, which is gone afterwards, with umask 022', async () => {
    const show =
      'pwd > "$1/pwd"; stat -c %a . > "$1/mode"; stat -c %a "$0" > "$1/own"; umask > "$1/umask"; echo x > "$TMPDIR/x"; touch "$1/made"';
    await sandbox.add('tool', '1', { preInstall: script(show), live: true });
    const before = process.umask(0o077);
    try {
      await machine.install(['tool']);
    } finally {
      process.umask(before);
    }
    expect(machine.read('pwd').trim().startsWith(machine.machine.paths.work)).to.equal(true);
    expect([machine.read('mode').trim(), machine.read('own').trim(), machine.read('umask').trim()]).to.deep.equal([
      '700',
      '700',
      '0022',
    ]);
    expect(statSync(path.join(machine.root, 'made')).mode & 0o777).to.equal(0o644);
    expect(readdirSync(machine.machine.paths.work)).to.deep.equal([]);
  });

  it('is not led by the environment d3 was started in', async () => {
    const evil = sandbox.folder('evil', {
      'bin/touch': `#!/bin/sh\necho evil > ${sandbox.dir}/owned\n`,
      'home/.bashrc': `echo evil > ${sandbox.dir}/owned\n`,
      rc: `echo evil > ${sandbox.dir}/owned\n`,
    });
    const saved = { ...process.env };
    Object.assign(process.env, {
      PATH: `${evil}/bin:${saved['PATH']}`,
      BASH_ENV: `${evil}/rc`,
      ENV: `${evil}/rc`,
      HOME: `${evil}/home`,
      ZDOTDIR: `${evil}/home`,
      LD_PRELOAD_TEST: 'x',
    });
    try {
      await sandbox.add('tool', '1', {
        preInstall: script('touch "$1/ran"'),
        postInstall: script('exit 0').replace('sh', 'sh'),
        live: true,
      });
      expect((await machine.install(['tool'])).exit).to.equal(0);
    } finally {
      for (const name of ['PATH', 'BASH_ENV', 'ENV', 'HOME', 'ZDOTDIR', 'LD_PRELOAD_TEST']) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
    }
    expect(existsSync(path.join(sandbox.dir, 'owned'))).to.equal(false);
    expect(existsSync(path.join(machine.root, 'ran'))).to.equal(true);
  });

  it('ends with everything a script left running', async () => {
    await sandbox.add('tool', '1', {
      preInstall: script('(sleep 30; touch "$1/late") & echo $! > "$1/pid"\nexit 0'),
      live: true,
    });
    const started = Date.now();
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(Date.now() - started).to.be.lessThan(10_000);
    const pid = Number(machine.read('pid'));
    expect(isRunning(pid)).to.equal(false);
  });

  it('keeps the scripts of removals here: the depot may be gone by then', async () => {
    await sandbox.add('tool', '1', { preRemove: script('echo ran > "$1/ran"'), live: true });
    await machine.install(['tool']);
    rmSync(sandbox.depot, { recursive: true });
    const result = await machine.uninstall(['tool']);
    expect(statuses(result)).to.deep.equal(['uninstalled']);
    expect(machine.read('ran').trim()).to.equal('ran');
  });

  it('refuses an altered script (30) and runs nothing', async () => {
    const { edition } = await sandbox.add('tool', '1', { preInstall: script('touch "$1/ran"'), live: true });
    const sha = edition.preInstall?.sha256 as string;
    writeFileSync(path.join(sandbox.depot, 'blobs', sha.slice(0, 2), sha), '#!/bin/sh\ntouch "$1/evil"\n');
    const result = await machine.install(['tool']);
    expect(result.exit).to.equal(30);
    expect(machine.tree()).to.deep.equal([]);
  });

  describe('a plugin that is gone, or is not itself, never lets a gated package through', () => {
    const broken: Record<string, (work: string) => typeof noPlugins> = {
      'it is not there': () => noPlugins,
      'it answers without evidence': () => ({
        ...noPlugins,
        scriptRunners: ['x'],
        before: async () => ({ kind: 'refuse', reason: 'no plugin answered', exit: 'refused' }),
      }),
    };
    for (const [what, plugins] of Object.entries(broken)) {
      it(`${what}: exit 30, with the reason, and nothing changed`, async () => {
        await sandbox.add('tool', '1', { preInstall: script('exit 0'), live: true, autoGroups: 'standard' });
        const lone = machine.with({ plugins: plugins(machine.machine.paths.work) });
        const result = await lone.install(['tool']);
        expect(result.exit).to.equal(30);
        expect(result.outcomes[0]?.text).to.match(/no plugin/);
        expect((await lone.sync()).exit).to.equal(30);
        expect(machine.tree()).to.deep.equal([]);
        expect(machine.receipts()).to.deep.equal([]);
      });
    }
  });

  describe('a plugin that breaks', () => {
    const bodies: Record<string, string | null> = {
      'whose file is missing': null,
      'that throws when it is loaded': "throw new Error('broken');",
      'that throws when it is asked': "export default () => { throw new Error('broken'); };",
      'that ends the process with 0': 'export default () => process.exit(0);',
      'that hangs': 'export default () => new Promise(() => {});',
      'that lets everything pass without having run anything':
        "export default () => ({ kind: 'proceed', evidence: [] });",
      'that says something else': 'export default () => true;',
    };
    const row = EVENTS.find(({ name }) => name === 'd3:install:before') as { timeout: number };
    const { timeout } = row;
    beforeEach(() => {
      row.timeout = 200;
    });
    afterEach(() => {
      row.timeout = timeout;
    });
    for (const [what, body] of Object.entries(bodies)) {
      it(`${what} lets no gated package through: 30, the plugin named, nothing changed`, async () => {
        const file = path.join(sandbox.dir, 'hook.mjs');
        if (body !== null) writeFileSync(file, body);
        const filesFor = (event: string) =>
          event === 'd3:install:before' ? [{ plugin: 'broken', file, identifier: 'default' }] : [];
        const plugins = pluginsOnBus({
          hooks: { filesFor },
          exec: execIn(machine.machine.paths.work),
          ports: noPorts,
          clock: systemClock,
          ticks,
          trace: () => undefined,
        });
        await sandbox.add('tool', '1', { preInstall: script('exit 0'), live: true });
        const result = await machine.with({ plugins }).install(['tool']);
        expect(result.exit, result.outcomes[0]?.text).to.equal(30);
        expect(result.outcomes[0]?.text).to.match(/^broken: |no plugin answered/);
        expect([...machine.tree(), ...machine.receipts()]).to.deep.equal([]);
      });
    }
  });

  it('a script whose interpreter is not there refuses (31) and says which', async () => {
    await sandbox.add('tool', '1', { preInstall: script('exit 0', '/no/such/interpreter\r'), live: true });
    const result = await machine.install(['tool']);
    expect(result.exit, result.outcomes[0]?.text).to.equal(31);
    expect(result.outcomes[0]?.text).to.include('there is no "/no/such/interpreter\\r" here to run it');
    expect([...machine.tree(), ...machine.receipts()]).to.deep.equal([]);
  });

  it('a script that runs out of time refuses (31), and never counts as anything else', async () => {
    const slow = {
      run: async (request: ExecRequest) => ({
        ...(await execIn(machine.machine.paths.work).run({ ...request, timeout: 100 })),
      }),
    };
    const hooks = path.join(import.meta.dirname, '../src/hooks');
    const filesFor = (event: string) => [
      {
        plugin: 'scripts',
        file: path.join(hooks, event.endsWith('before') ? 'before.ts' : 'after.ts'),
        identifier: 'default',
      },
    ];
    const source = { filesFor: (event: string) => (/install:(?:before|after)$/.test(event) ? filesFor(event) : []) };
    const trace = () => undefined;
    const plugins = pluginsOnBus({ hooks: source, exec: slow, ports: noPorts, clock: systemClock, ticks, trace });
    await sandbox.add('tool', '1', { preInstall: script('sleep 30'), live: true });
    const result = await machine.with({ plugins }).install(['tool']);
    expect(result.exit).to.equal(31);
    expect(result.outcomes[0]?.text).to.include('did not end within');
    expect([...machine.tree(), ...machine.receipts()]).to.deep.equal([]);
  });

  it('warns when an edition removes the old one before its pre-install script is asked, naming the setting', async () => {
    const added = await sandbox.add('tool', '1', { preInstall: script('exit 0'), removeFirst: 'y' });
    expect(added.warnings.join()).to.include('install.removeFirst: after-gate');
  });

  it('with install.removeFirst after-gate a refusing script leaves the old edition in place', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('tool', '2', { live: true, preInstall: script('exit 1'), removeFirst: 'y' });
    const { plugins } = machine.machine;
    for (const [removeFirst, left] of [
      ['after-gate', 'tool-1-1'],
      ['seed', undefined],
    ] as const) {
      const each = sandbox.machine(`mac-${removeFirst}`);
      await each.with({ plugins }).install(['tool-1-1'], { force: true });
      const result = await each.with({ plugins, settings: { ...machine.machine.settings, removeFirst } }).sync();
      expect(result.exit).to.equal(31);
      expect(each.receipt('tool')?.edition).to.equal(left);
    }
  });

  it('depot3:E13 a script may install something else with d3 itself, but not sync or touch what is in progress', async () => {
    await sandbox.add('other', '1', { live: true });
    const d3 = d3Program.join(' ');
    const body = [
      `${d3} install other -a nested --root "$1" --depot ${sandbox.depot} > "$1/out" 2>&1; echo $? > "$1/other"`,
      `${d3} sync --root "$1" --depot ${sandbox.depot} > "$1/out2" 2>&1; echo $? > "$1/sync"`,
      `${d3} install tool -a nested --root "$1" --depot ${sandbox.depot} > "$1/out3" 2>&1; echo $? > "$1/tool"`,
    ].join('\n');
    await sandbox.add('tool', '1', { preInstall: script(body), live: true });
    const result = await machine.install(['tool']);
    expect(result.exit).to.equal(0);
    expect(
      [machine.read('other'), machine.read('sync'), machine.read('tool')].map((text) => text.trim()),
      machine.read('out'),
    ).to.deep.equal(['0', '30', '30']);
    expect(machine.receipt('other')?.admin).to.equal('nested');
    expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
    expect((await machine.sync()).exit).to.equal(0);
  });

  it('refuses a script without an interpreter when it is added', async () => {
    const file = path.join(sandbox.dir, 'plain');
    writeFileSync(file, 'exit 0\n');
    const { problems } = await problemsOf(sandbox.add('tool', '1', { preInstall: file }));
    expect(problems[0]?.code).to.equal('SCRIPT_WITHOUT_INTERPRETER');
  });
});

/** A process that has ended may stay in the table until somebody collects it. */
function isRunning(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
