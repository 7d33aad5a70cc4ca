import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { memoryTerminal } from '../cli/memory-terminal.ts';
import { d3 } from '../cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { type LineEnded, linesOf } from './lines.ts';

/** What the ancestor's command line did, row by row, where no other test holds it. */
describe('on the command line, as the ancestor did', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  const env = () => ({ D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' });
  const said = (lines: string[], more: Record<string, string> = {}): Promise<LineEnded[]> =>
    linesOf(
      lines.map((line) => ({ argv: line.split(' '), env: { ...env(), ...more } })),
      sandbox.dir,
    );

  it('depot3:C14 depot3:C15 marks stand behind the basename in list-available, and behind the status in the others', async () => {
    await sandbox.add('here', '1', { live: true, removable: 'n', autoGroups: 'standard' });
    await sandbox.add('restart', '1', { live: true, reboot: 'y' });
    await machine.install(['here'], { freeze: true });
    const [available, all, installed, frozen] = await said(['list-available', 'la -f', 'li', 'lf']);
    expect(available?.stdout.split('\n')).to.deep.equal([
      '# Available to this machine (* installed, ^ needs a restart)',
      '# Basename  Vers-Rev  Auto-installed on',
      `#${'-'.repeat(38)}`,
      'here*       1-1       standard',
      'restart^    1-1       -',
      '',
    ]);
    expect(all?.stdout).to.include('# All live editions');
    const day = new Date(machine.receipts()[0]?.installedAt ?? '').toISOString().slice(0, 10);
    for (const [list, title] of [
      [installed, 'Installed on this machine'],
      [frozen, 'Frozen on this machine'],
    ] as const) {
      expect(list?.stdout.split('\n')).to.deep.equal([
        `# ${title} (< not removable, ^ frozen)`,
        '# Basename  Vers-Rev  Status    Installed   By',
        `#${'-'.repeat(48)}`,
        `here        1-1       live < ^  ${day}  sally`,
        '',
      ]);
    }
  });

  it('depot3:C17 list-details has a line for each thing, from the depot and from the receipt', async () => {
    await sandbox.add('a', '1', {
      live: true,
      prohibitingProcesses: 'Safari',
      expiration: '30',
      expirationPaths: '/x',
    });
    await machine.install(['a'], { expiration: 7, freeze: true });
    await sandbox.add('a', '2', { live: true });
    const [{ stdout, code } = { stdout: '', code: 1 }, gone] = await said(['ld a', 'list-details a nothing']);
    expect(code).to.equal(0);
    const [depot = '', receipt = ''] = stdout.split('\n\n');
    const labels = (block: string) => block.split('\n').flatMap((line) => /^([A-Z][^:]*):/.exec(line)?.[1] ?? []);
    for (const label of [
      'Edition',
      'Status',
      'Description',
      'Added',
      'Id',
      'File',
      'Category',
      'Needs restart',
      'Removable',
    ])
      expect(labels(depot)).to.include(label);
    for (const label of ['Pre-install', 'Post-install', 'Pre-remove', 'Post-remove', 'CPU', 'OS', 'Remove first'])
      expect(labels(depot)).to.include(label);
    for (const label of [
      'Prohibiting processes',
      'Auto groups',
      'Excluded groups',
      'Expires',
      'Expiration paths',
      'Released',
    ])
      expect(labels(depot)).to.include(label);
    expect(receipt).to.match(/^Edition: +a-1-1 \(another\)$/m);
    expect(receipt).to.match(/^Status: +deprecated$/m);
    expect(receipt).to.match(/^Frozen: +\d{4}-\S+ by sally$/m);
    expect(receipt).to.match(/^Installed: +\d{4}-\S+ by sally$/m);
    expect(receipt).to.match(/^Prohibiting processes: +Safari$/m);
    expect(receipt).to.match(/^Expires: +7 days unused \(custom\)$/m);
    expect(receipt).to.match(/^Expiration paths: +\/x$/m);
    expect(gone?.code).to.equal(40);
    expect(gone?.stdout, 'one unknown target does not stop the others').to.include('a-1-1');
  });

  it('depot3:C20 depot3:C21 help is there for all and for each command, and version as a word', async () => {
    const [all, one, flag, short, extended, version, word] = await said([
      'help',
      'help install',
      'install --help',
      'h sync',
      'help --extended',
      'version',
      'v',
    ]);
    for (const { code } of [all, one, flag, short, extended, version, word] as LineEnded[]) expect(code).to.equal(0);
    for (const name of ['install', 'sync', 'list-details', 'explain']) expect(all?.stdout).to.include(name);
    expect(one?.stdout).to.include('--freeze').and.include('d3 install transmogrifier');
    expect(flag?.stdout).to.equal(one?.stdout);
    expect(short?.stdout).to.include('--dry-run');
    for (const code of ['20', '31', '41']) expect(extended?.stdout).to.match(new RegExp(`^ *${code} `, 'm'));
    expect(version?.stdout).to.match(/^d3 \d+\.\d+\.\d+ /);
    expect(word?.stdout).to.equal(version?.stdout);
  });

  it('depot3:C22 short names, and hyphens or underscores, mean the same', async () => {
    await sandbox.add('a', '1', { live: true });
    const pairs = [
      ['list-installed', 'li', 'list_installed'],
      ['list-available', 'la', 'list_available'],
      ['list-manual', 'lm', 'list_manual'],
      ['list-pilots', 'lp', 'list_pilots'],
      ['list-frozen', 'lf', 'list_frozen'],
      ['list-queue', 'lq', 'list_queue'],
      ['list-details a', 'ld a', 'list_details a'],
      ['list-files a', 'ls a', 'list_files a'],
      ['query-file /x', 'qf /x', 'query_file /x'],
    ];
    const ended = await said(pairs.flat());
    for (const [at, names] of pairs.entries()) {
      const [whole, short, underscored] = ended.slice(at * 3, at * 3 + 3);
      expect(whole?.code, names[0]).to.equal(0);
      expect([short, underscored], names[0]).to.deep.equal([whole, whole]);
    }
  });

  it('depot3:C24 depot3:G16 lists, help, explain and removal need neither other programs nor the depot', async () => {
    await sandbox.add('a', '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('b', '1', { live: true });
    await machine.sync();
    renameSync(sandbox.depot, `${sandbox.depot}-away`);
    const alone = { PATH: '/nonexistent' };
    const [installed, manual, details, files, query, explained, run, help, removed, sync, unknown] = await said(
      [
        'li',
        'lm',
        'ld a',
        'ls a',
        'qf /opt/a/version',
        'explain a',
        'explain a --run last',
        'help sync',
        'uninstall a',
        'sync',
        'explain nothing',
      ],
      alone,
    );
    const ended = { installed, manual, details, files, query, explained, run, help };
    for (const [name, done] of Object.entries(ended)) expect(done?.code, `${name}: ${done?.stderr}`).to.equal(0);
    expect(installed?.stdout).to.match(/^a +1-1 +live/m);
    expect(query?.stdout).to.include('a-1-1');
    expect(explained?.stdout).to.include('nothing to do (a-1-1 is already installed)');
    expect(explained?.stderr).to.include('This is what the depot said last');
    expect(run?.stdout).to.include('planned again from the facts of run');
    expect(removed?.code, removed?.stderr).to.equal(0);
    expect(machine.exists('opt/a/version')).to.equal(false);
    expect(sync?.code).to.equal(20);
    expect(sync?.stderr.match(/cannot be reached/g), sync?.stderr).to.have.length(1);
    expect(unknown?.code).to.equal(34);
    expect(unknown?.stderr).to.include('basenames there are: a, b');
  });

  it('explain ends with 20 where nothing was ever heard of the depot, and tells what is known', async () => {
    const [ended] = await said(['explain a --json'], { D3_DEPOT: path.join(sandbox.dir, 'nowhere') });
    const { exit, result, errors } = JSON.parse(ended?.stdout ?? '') as {
      exit: number;
      result: { how: string };
      errors: { code: string }[];
    };
    expect(exit).to.equal(20);
    expect(result.how).to.equal('unknown');
    expect(errors.map(({ code }) => code)).to.deep.equal(['DEPOT_UNREACHABLE', 'NOT_FOUND']);
  });

  it('depot3:D02 the admin is who is given, else the first of three variables that names a person', async () => {
    await sandbox.add('a', '1', { live: true });
    const installs = async (given: string, who: Record<string, string>) => {
      const [{ code } = { code: -1 }] = await said([`install a -f${given === '' ? '' : ` -a ${given}`}`], {
        USER: '',
        SUDO_USER: '',
        SSH_CLIENT_USER: '',
        ...who,
      });
      return code === 0 ? machine.receipt('a')?.admin : code;
    };
    expect(await installs('', { USER: 'amy', SUDO_USER: 'bob' })).to.equal('amy');
    expect(await installs('', { USER: 'root', SUDO_USER: 'bob', SSH_CLIENT_USER: 'carl' })).to.equal('bob');
    expect(await installs('', { USER: 'root', SUDO_USER: 'unknown', SSH_CLIENT_USER: 'carl' })).to.equal('carl');
    expect(await installs('', { USER: 'root' })).to.equal(2);
    expect(await installs('dora', { USER: 'amy' })).to.equal('dora');
    for (const bad of ['root', 'unknown', 'auto-installed']) expect(await installs(bad, { USER: 'amy' })).to.equal(2);
    const [freeze] = await said(['freeze a'], { USER: 'root' });
    expect(freeze?.code, 'only install insists on one').to.equal(0);
    expect(machine.receipt('a')?.frozen?.by).to.equal('unknown');
  });

  it('depot3:D11 the pager is for long output on a terminal, and for nothing else', async () => {
    const shown = path.join(sandbox.dir, 'shown');
    writeFileSync(path.join(sandbox.dir, 'less'), `#!/bin/sh\ncat > ${shown}\n`);
    chmodSync(path.join(sandbox.dir, 'less'), 0o755);
    const PATH = `${sandbox.dir}:${process.env['PATH']}`;
    const paged = async (tty: boolean, lines: number, json = false) => {
      writeFileSync(shown, '');
      const { terminal, stdout } = memoryTerminal({ tty, env: { PATH } });
      terminal.configure({ json });
      await terminal.paged(() => terminal.result('line\n'.repeat(lines - 1).trimEnd()));
      return { paged: readFileSync(shown, 'utf8') !== '', printed: stdout() !== '' };
    };
    expect(await paged(true, 100)).to.deep.equal({ paged: true, printed: false });
    expect(await paged(true, 10)).to.deep.equal({ paged: false, printed: true });
    expect(await paged(false, 100)).to.deep.equal({ paged: false, printed: true });
    expect(await paged(true, 100, true)).to.deep.equal({ paged: false, printed: false });
    const { stdout } = await d3(['help', '--extended'], { env: { ...env(), PATH } });
    expect(stdout.split('\n').length).to.be.greaterThan(30);
  });
});
