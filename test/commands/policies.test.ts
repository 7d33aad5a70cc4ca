import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program, type Ended } from '../cli/spawn.ts';
import { PluginFolder } from '../startup/plugin-folder.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** Policies and runs through the real command line, each command a process of its own. */
describe('policies and runs on the command line', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const run = (line: string[], env: Record<string, string | undefined> = {}, running?: (pid: number) => void) =>
    d3(line, {
      cwd: sandbox.dir,
      env: { D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally', ...env },
      ...(running === undefined ? {} : { running: ({ pid }) => running(pid as number) }),
    });

  async function ok(...line: string[]): Promise<string> {
    const ended = await run(line);
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}`).to.equal(0);
    return ended.stdout;
  }

  async function json<Result>(...line: string[]): Promise<{ result: Result; exit: number; run: string | null }> {
    const { stdout } = await run([...line, '--json']);
    return JSON.parse(stdout);
  }

  /** A script in a file of its own. */
  function script(name: string, ...lines: string[]): string {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
    return file;
  }

  /** d3 as a script finds it. */
  const words = (...line: string[]) => [...d3Program, ...line].map((word) => `'${word}'`).join(' ');

  const saved = (name: string, document: unknown): string => {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, JSON.stringify(document));
    return file;
  };

  const HERE = (name: string) => ({
    kind: 'assert',
    args: { that: { fact: 'installed', has: name }, message: `no ${name}` },
  });

  it('an admin adds, edits, lists, shows, tests and deletes them', async () => {
    const file = path.join(sandbox.dir, 'lab.yaml');
    script('clean', 'exit 0');
    writeFileSync(
      file,
      [
        'description: what a lab needs',
        'events: [lab, login]',
        'frequency: daily',
        'scope: {groups: [labs]}',
        'steps:',
        '  - kind: script',
        '    name: clean up',
        '    args: {script: clean, parameters: [one]}',
        '    onFailure: continue',
        '  - kind: install',
        '    args: {targets: [tool]}',
        '    when: {fact: machine.os.name, is: macos}',
      ].join('\n'),
    );
    const unknown = await run(['admin', 'policy', 'add', 'lab', '--file', file]);
    expect([unknown.code, unknown.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 34 && text.includes('labs'),
    );
    await ok('admin', 'group', 'add', 'labs');
    const added = await run(['admin', 'policy', 'add', 'lab', '--file', file]);
    expect([added.code, added.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 0 && text.includes('no tool yet'),
    );
    const shown = await ok('admin', 'policy', 'show', 'LAB');
    expect(shown).to.include('what a lab needs').and.include('lab, login').and.include('machine.os.name is macos');
    await ok('admin', 'policy', 'edit', 'lab', '--groups', 'standard', '--frequency', 'once', '--name', 'lab 2');
    expect(await ok('admin', 'policy', 'list')).to.match(/lab 2 +lab, login +once +script, install/);
    await ok('sync');
    expect(await ok('admin', 'policy', 'test', 'lab 2', 'mac-a')).to.match(
      /For it: +yes[\s\S]*tool is not installed there/,
    );
    expect((await run(['admin', 'policy', 'test', 'lab 2', 'mac-z'])).code).to.equal(34);
    expect((await run(['admin', 'policy', 'delete', 'lab 2'])).code).to.equal(2);
    expect(await ok('admin', 'policy', 'delete', 'lab 2', '--dry-run')).to.include('Nothing was deleted');
    expect(await ok('admin', 'policy', 'delete', 'lab 2', '-a')).to.include('deleted');
    expect(await ok('admin', 'policy', 'list')).to.include('none');
    for (const [text, why] of [
      ['{"steps": [', 'policy'],
      ['{"schema": "d3/policy@2", "steps": []}', 'd3/policy@2'],
      ['{"stpes": []}', 'additional'],
      ['a: &a [*a, *a]', 'policy'],
    ] as const) {
      writeFileSync(file, text);
      const refused = await run(['admin', 'policy', 'add', 'x', '--file', file]);
      expect(refused.code, refused.stderr).to.be.oneOf([2, 30]);
      expect(refused.stderr).to.include(why).and.include('Next:');
    }
  });

  it('depot3:E11 a script of a policy sees the arguments of Casper scripts and just the variables there are', async () => {
    const show = script('show', 'env | sort > "$1/env"', 'printf "%s\\n" "$#" "$@" > "$1/args"', 'echo it says so');
    const steps = [{ kind: 'script', args: { script: show, parameters: ['four', 'five'] } }];
    await ok('admin', 'policy', 'add', 'show', '--file', saved('show.json', { steps }));
    const { result, exit } = await json<{ outcomes: { run: string }[] }>('policy', 'show', '-a', 'betty', '--debug');
    expect(exit).to.equal(0);
    const id = result.outcomes[0]?.run as string;
    expect(machine.read('args').split('\n')).to.deep.equal([
      '11',
      machine.root,
      'mac-a',
      '',
      'four',
      'five',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
    ]);
    const lines = machine.read('env').trim().split('\n');
    const seen = Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
    for (const own of ['PWD', 'OLDPWD', 'SHLVL', '_', 'HOME', 'TMPDIR']) delete seen[own];
    expect(seen).to.deep.equal({
      D3_RUN: id,
      D3_ADMIN: 'betty',
      D3_POLICY: 'show',
      D3_DEBUG: '1',
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    });
    expect(await ok('run', 'log', id)).to.include('1 it says so');
    expect(machine.read('var/log/d3.log')).to.match(new RegExp(`\\[${id}\\] show 1/1: script: done`));
  });

  it('several on one event run by name; one that nobody knows ends with 34; --list and --dry-run change nothing', async () => {
    for (const name of ['b', 'a']) {
      const file = script(`s-${name}`, `echo ${name} >> "$1/told"`);
      await ok('admin', 'policy', 'add', name, '--script', file, '--events', 'logout', '--frequency', 'once');
    }
    await ok('admin', 'policy', 'add', 'else', '--install', 'tool', '--departments', 'art');
    const before = machine.everything().filter((line) => !line.startsWith('var/lib/d3/trust'));
    expect(await ok('policy', '--list'))
      .to.match(/a +logout +once +script/)
      .and.not.include('else');
    expect(await ok('policy', '--list', '--all')).to.include('it is for department art');
    expect(await ok('policy', 'logout', '--dry-run')).to.match(/ a +logout[\s\S]* b +logout/);
    expect(existsSync(path.join(machine.root, 'told'))).to.equal(false);
    expect(machine.everything().filter((line) => before.includes(line)).length).to.equal(before.length);
    const out = await ok('policy', 'logout');
    expect(out).to.match(/^a: done .*\nb: done /);
    expect(machine.read('told')).to.equal('a\nb\n');
    expect(await ok('policy', 'logout')).to.match(/a: not-due[\s\S]*b: not-due/);
    const missing = await run(['policy', 'login']);
    expect(missing.code).to.equal(34);
    expect(missing.stderr).to.include('login').and.include('d3 policy --list');
    expect((await run(['policy'])).code).to.equal(2);
    expect((await run(['policy', 'else'])).code).to.equal(30);
  });

  it('a script of a policy installs with d3, and a script of a package runs a policy that installs', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('late', '1', { live: true });
    const depot = `D3_DEPOT='${sandbox.depot}' D3_FLAG_ADMIN=sally`;
    const nested = script('nested', `${depot} ${words('--root')} "$1" install tool`);
    await ok('admin', 'policy', 'add', 'nested', '--script', nested);
    await ok('policy', 'nested');
    expect(machine.receipt('tool')?.admin).to.equal('sally');
    await ok('admin', 'policy', 'add', 'inner', '--install', 'late');
    const gate = script('gate', `${depot} ${words('--root')} "$1" policy inner > "$1/said" 2>&1`);
    await sandbox.add('outer', '1', { live: true, preInstall: gate });
    const outer = await run(['install', 'outer']);
    expect(
      outer.code,
      `${outer.stderr}${existsSync(path.join(machine.root, 'said')) ? machine.read('said') : ''}`,
    ).to.equal(0);
    expect(
      machine
        .receipts()
        .map(({ basename }) => basename)
        .toSorted(),
    ).to.deep.equal(['late', 'outer', 'tool']);
  });

  it('depot3:I03 depot3:BUG-24 the policy for what was queued is named by id, name or event; a missing one is said; -N leaves it out', async () => {
    await sandbox.add('system', '1', { live: true, reboot: 'y' });
    await sandbox.add('other', '1', { live: true, reboot: 'y' });
    const tell = script('tell', 'echo "$D3_NOTIFYING_PUPPIES" >> "$1/told"');
    const { result } = await json<{ id: number }>(
      'admin',
      'policy',
      'add',
      'tell-users',
      '--script',
      tell,
      '--events',
      'queued',
    );
    machine.write('etc/d3.json', '{"puppytime": {"notificationDays": -1}}');
    for (const word of [String(result.id), 'Tell-Users', 'queued']) {
      await ok('config', 'set', 'puppytime.notificationPolicy', word);
      await ok('install', 'system', '-a', 'sally');
      await ok('dequeue', 'system');
    }
    expect(machine.read('told')).to.equal('system-1-1\n'.repeat(3));
    await ok('install', 'system', '-N', '-a', 'sally');
    await ok('install', 'other', '-a', 'sally');
    expect(machine.read('told')).to.equal(`${'system-1-1\n'.repeat(3)}other-1-1 system-1-1\n`);
    await ok('config', 'set', 'puppytime.notificationPolicy', '4711');
    await ok('dequeue', 'system');
    const missing = await run(['install', 'system', '-a', 'sally']);
    expect(missing.code, 'what was asked for was done').to.equal(0);
    expect(missing.stderr).to.match(/puppytime\.notificationPolicy.*4711/);
    await ok('config', 'set', 'puppytime.notificationPolicy', 'tell-users');
    writeFileSync(tell, '#!/bin/sh\nexit 3\n');
    await ok('admin', 'policy', 'edit', 'tell-users', '--script', tell);
    await ok('dequeue', 'system');
    expect((await run(['install', 'system', '-a', 'sally'])).stderr).to.match(
      /puppytime\.notificationPolicy.*tell-users.*exited 3/,
    );
  });

  it('depot3:J17 policies with the event make-live run on the host of the depot, with the variables of the make-live script', async () => {
    await ok('admin', 'group', 'add', 'labs');
    const told = path.join(sandbox.dir, 'told');
    const tell = script('tell', `env | grep -E '^D3_(MAKE_LIVE|ADMIN|POLICY)' | sort > '${told}'`);
    await ok('admin', 'policy', 'add', 'announce', '--script', tell, '--events', 'make-live', '--frequency', 'once');
    const bad = script('bad', 'exit 9');
    await ok('admin', 'policy', 'add', 'broken', '--script', bad, '--events', 'make-live');
    await sandbox.add('tool', '1', { autoGroups: 'labs', description: 'a tool' });
    const live = await run(['admin', 'live', 'tool-1-1', '--auto-confirm', '--admin', 'betty']);
    expect(live.code, live.stderr).to.equal(0);
    expect(readFileSync(told, 'utf8').trim().split('\n')).to.deep.equal([
      'D3_ADMIN=betty',
      'D3_MAKE_LIVE_ADMIN=betty',
      'D3_MAKE_LIVE_AUTO_GROUPS=labs',
      'D3_MAKE_LIVE_DESC=a tool',
      'D3_MAKE_LIVE_EDITION=tool-1-1',
      'D3_MAKE_LIVE_EXCL_GROUPS=',
      'D3_POLICY=announce',
    ]);
    expect(live.stderr).to.match(/broken: its run \S+ is failed.*exited 9/);
    const { result } = await json<{ id: string; what: string; state: string }[]>('run', 'list', '--all', '--of-depot');
    expect(result.map(({ what, state }) => `${what} ${state}`).toSorted()).to.deep.equal([
      'announce done',
      'broken failed',
    ]);
    const id = result.find(({ what }) => what === 'broken')?.id as string;
    writeFileSync(bad, '#!/bin/sh\nexit 0\n');
    expect((await run(['run', 'retry', id, '--of-depot'])).code, 'the run keeps the script it began with').to.equal(31);
    expect(await ok('run', 'skip', id, '--of-depot', '--reason', 'it will not')).to.include('done');
    expect(await ok('run', 'show', id, '--of-depot')).to.include('it will not');
    expect((await run(['run', 'show', id])).code, "it is none of the machine's").to.equal(34);
  });

  it('what holds is shown, tried again, gone on with, left out or cancelled, with who and why', async () => {
    const steps = [
      { ...HERE('tool'), onFailure: 'hold' },
      { kind: 'wait', args: { seconds: 0 } },
    ];
    await ok('admin', 'policy', 'add', 'p', '--file', saved('p.json', { steps }));
    const begun = async () => {
      const { result, exit } = await json<{ outcomes: { run: string; state: string }[] }>('policy', 'p');
      expect([exit, result.outcomes[0]?.state]).to.deep.equal([44, 'holding']);
      return result.outcomes[0]?.run as string;
    };
    const skipped = await begun();
    expect(await ok('run', 'list'))
      .to.include(skipped)
      .and.include('holding')
      .and.include('no tool');
    expect((await run(['policy', 'p'])).code, 'one that holds is not begun again').to.equal(43);
    expect((await run(['run', 'skip', skipped])).code, 'without a reason').to.equal(2);
    const retried = await run(['run', 'retry', skipped]);
    expect([retried.code, retried.stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 44 && text.includes('d3 run skip'),
    );
    await ok('run', 'skip', skipped, '--reason', 'not needed', '-a', 'bob');
    expect(await ok('run', 'log', skipped))
      .to.include('is left out by bob: not needed')
      .and.include('sally has it tried again');

    const cancelled = await begun();
    expect(await ok('run', 'cancel', cancelled, '--reason', 'wrong room', '-a', 'bob')).to.include(
      'cancelled by bob: wrong room',
    );
    expect(await ok('run', 'show', cancelled)).to.include('cancelled by bob: wrong room');
    for (const line of [['resume'], ['retry'], ['skip', '--reason', 'x'], ['cancel', '--reason', 'x']])
      expect((await run(['run', ...line, cancelled])).code, line.join(' ')).to.equal(30);

    const resumed = await begun();
    expect((await run(['run', 'resume', '--all'])).stdout, 'what holds is for a person').to.include('Nothing');
    await sandbox.add('tool', '1', { live: true });
    await ok('install', 'tool', '-a', 'sally');
    expect(await ok('run', 'resume', resumed)).to.include('done');
    expect(await ok('run', 'list')).to.include('none');
    expect((await ok('run', 'list', '--all')).split('\n').filter((line) => /^\d{8}T/.test(line))).to.have.length(3);
    for (const line of [['show'], ['log'], ['watch'], ['resume'], ['retry']])
      expect((await run(['run', ...line, 'none-such'])).code, line.join(' ')).to.equal(34);
    expect((await run(['run', 'resume'])).code).to.equal(2);
  });

  it('what is at work is neither resumed nor left out by others (41), and ends soon after it is cancelled', async () => {
    const long = script('long', 'echo begun >> "$1/told"', 'sleep 60', 'echo over >> "$1/told"');
    await ok('admin', 'policy', 'add', 'long', '--script', long);
    const policy = run(['policy', 'long']);
    while (!machine.exists('told')) await new Promise((resolve) => setTimeout(resolve, 20));
    const { result } = await json<{ id: string; state: string }[]>('run', 'list');
    const id = result[0]?.id as string;
    for (const line of [
      ['resume', id],
      ['retry', id],
      ['skip', id, '--reason', 'x'],
      ['resume', '--all'],
    ]) {
      const { code } = await run(['run', ...line]);
      expect(code, line.join(' ')).to.equal(line.includes('--all') ? 0 : 41);
    }
    expect((await run(['policy', 'long'])).code).to.equal(41);
    await ok('run', 'cancel', id, '--reason', 'too long', '-a', 'bob');
    const ended = await policy;
    expect(ended.code).to.equal(1);
    expect(ended.stderr).to.include('cancelled by bob: too long');
    expect(machine.read('told')).to.equal('begun\n');
    expect((await run(['run', 'watch', id])).code, 'as the run ended').to.equal(1);
  });

  it('is watched in lines, and with --json in lines of JSON that the envelope ends', async () => {
    const wait = script('wait', 'echo begun', 'sleep 1', 'echo over');
    await ok('admin', 'policy', 'add', 'slow', '--script', wait);
    const policy = run(['policy', 'slow']);
    let id = '';
    while (id === '') {
      const { result } = await json<{ id: string }[]>('run', 'list', '--all');
      id = result[0]?.id ?? '';
    }
    const [lines, stream] = await Promise.all([run(['run', 'watch', id]), run(['run', 'watch', id, '--json'])]);
    expect((await policy).code).to.equal(0);
    expect([lines.code, stream.code]).to.deep.equal([0, 0]);
    expect(lines.stdout)
      .to.include('1 begun')
      .and.include('1 over')
      .and.match(/\(slow\): done\n$/);
    const documents = stream.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(documents.at(-1)).to.include({ d3: 1, command: 'run watch', exit: 0 });
    expect(documents.slice(0, -1).map(({ text }) => text)).to.include('over');
    for (const document of documents.slice(0, -1)) expect(document).to.have.all.keys('run', 'id', 'at', 'step', 'text');
  });

  it('a d3 killed in the middle of a script: the run goes on by resume --all, and the policy asked for again carries it on', async () => {
    const once = script('once', 'echo "begun$D3_RETRY" >> "$1/told"', 'test -n "$D3_RETRY" || sleep 30');
    const after = script('after', 'echo after >> "$1/told"');
    const steps = [
      { kind: 'script', args: { script: once } },
      { kind: 'script', args: { script: after } },
    ];
    await ok('admin', 'policy', 'add', 'p', '--file', saved('p.json', { steps }));
    for (const goOn of [
      ['run', 'resume', '--all', '--no-input'],
      ['policy', 'p'],
    ]) {
      writeFileSync(path.join(machine.root, 'told'), '');
      let pid = 0;
      const cut: Promise<Ended> = run(['policy', 'p'], {}, (child) => {
        pid = child;
      });
      while (machine.read('told') === '') await new Promise((resolve) => setTimeout(resolve, 20));
      process.kill(pid, 'SIGKILL');
      expect((await cut).signal).to.equal('SIGKILL');
      const open = await json<{ state: string }[]>('run', 'list');
      expect(open.result.map(({ state }) => state)).to.deep.equal(['running']);
      await ok(...goOn);
      expect(machine.read('told')).to.equal('begun\nbegun1\nafter\n');
    }
    expect(await ok('run', 'list')).to.include('none');
  });

  it('waits for a restart (42), and goes on after the start of the machine', async () => {
    const after = script('after', 'echo after >> "$1/told"');
    const steps = [{ kind: 'reboot' }, { kind: 'script', args: { script: after } }];
    await ok('admin', 'policy', 'add', 'p', '--file', saved('p.json', { steps }));
    const boot = (id: string) => machine.write('facts.json', JSON.stringify({ processes: [], boot: id }));
    boot('first');
    const waiting = await run(['policy', 'p']);
    expect(waiting.code).to.equal(42);
    expect(waiting.stdout).to.include('restart');
    expect((await run(['run', 'resume', '--all'])).code, 'not restarted yet').to.equal(42);
    expect(machine.exists('told')).to.equal(false);
    boot('second');
    await ok('run', 'resume', '--all', '--no-input');
    expect(machine.read('told')).to.equal('after\n');
  });

  it('a plugin brings a kind of step; without the plugin the step is refused by its name', async () => {
    const folder = new PluginFolder();
    try {
      folder.add({
        name: 'd3-stamp',
        hooks: { 'd3:steps': './offer.js', 'd3:step:run': './run.js', 'd3:step:settled': './settled.js' },
        files: {
          'offer.js': `export default () => [{ kind: 'stamp', summary: 'Leaves a stamp.', schema: { type: 'object', required: ['text'], properties: { text: { type: 'string' } }, additionalProperties: false } }];`,
          'run.js': `import { appendFileSync } from 'node:fs';
export default ({ kind, args, machine, attempt }, { ui }) => {
  if (kind !== 'stamp') return { handled: false };
  ui({ type: 'note', target: null, text: 'stamping ' + attempt });
  if (args.text === 'bad') return { handled: true, outcome: 'failed', text: 'no ink' };
  appendFileSync(machine.root + '/stamps', args.text + '\\n');
  return { handled: true, outcome: 'done', text: 'stamped' };
};`,
          'settled.js': `export default ({ kind }) => kind === 'stamp' ? { handled: true, settled: false, text: '' } : { handled: false };`,
        },
      });
      const { env } = folder;
      const file = (text: unknown) => saved('p.json', { steps: [{ kind: 'stamp', args: { text } }] });
      const without = await run(['admin', 'policy', 'add', 'p', '--file', file('x')]);
      expect([without.code, without.stderr]).to.satisfy(
        ([code, text]: [number, string]) => code === 34 && text.includes('stamp'),
      );
      expect((await run(['admin', 'policy', 'add', 'p', '--file', file(1)], env)).code, 'its schema counts').to.equal(
        2,
      );
      const added = await run(['admin', 'policy', 'add', 'p', '--file', file('x')], env);
      expect(added.code, added.stderr).to.equal(0);
      const done = await run(['policy', 'p', '--json'], env);
      expect(done.code, done.stdout).to.equal(0);
      expect(machine.read('stamps')).to.equal('x\n');
      expect(await ok('run', 'log', (JSON.parse(done.stdout) as { run: string }).run))
        .to.include('stamping 1')
        .and.include('stamped');
      expect((await run(['policy', 'p'])).code, 'a machine without the plugin').to.equal(34);
      await run(['admin', 'policy', 'edit', 'p', '--file', file('bad')], env);
      const bad = await run(['policy', 'p'], env);
      expect([bad.code, bad.stderr]).to.satisfy(
        ([code, text]: [number, string]) => code === 1 && text.includes('no ink'),
      );
      expect((await run(['hooks', 'list'], env)).stdout).to.match(
        /d3:step:run +handler +86400 +run a step +@d3\/plugin-jamf, @d3\/plugin-patchoo-deploy, @d3\/plugin-staypuft, d3-stamp/,
      );
    } finally {
      PluginFolder.empty(folder.home);
    }
  });
});
