import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { machinePaths } from '../../src/platform/paths.ts';
import { d3, d3Program, type Ended, run } from '../cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { type LineEnded, linesOf } from './lines.ts';

/** What is typed, how it ends, what stands on stdout and what on stderr. */
type Row = [line: string, code: number, stdout: RegExp, stderr: RegExp];

const NOTHING = /^$/;
const HINTS_AT_FORCE = 'Next: use -f';

describe('each situation', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  before(async () => {
    sandbox = await Sandbox.make();
    const facts = { os: { name: 'debian', version: '12' }, cpu: 'arm64', processes: ['Keynote'] };
    machine = sandbox.machine('mac-a', facts);
    const script = (name: string, code: number) => {
      const file = path.join(sandbox.dir, name);
      writeFileSync(file, `#!/bin/sh\nexit ${code}\n`);
      chmodSync(file, 0o755);
      return file;
    };
    const live: [basename: string, version: string, ...more: string[]][] = [
      ['tool', '1'],
      ['tool', '3'],
      ['other-os', '1', '-o', 'plan9 4'],
      ['other-cpu', '1', '-c', 'x86_64'],
      ['excluded', '1', '-G', 'kiosks'],
      ['busy', '1', '-x', 'Keynote'],
      ['stuck', '1', '-u', 'n'],
      ['gated', '1', '-e', script('pre', 3)],
      ['shaky', '1', '-t', script('post', 4)],
      ['settled', '1', '-e', script('settle', 111)],
      ['keeper', '1', '-E', script('prerm', 5)],
      ['altered', '1'],
    ];
    await machine.sync();
    const lines = [['admin', 'group', 'add', 'kiosks', '--members', 'mac-a'], await added('pilot', '1')];
    for (const [basename, version, ...more] of live) {
      lines.push(await added(basename, version, ...more), ['admin', 'live', `${basename}-${version}-1`, '-a']);
      if (basename === 'tool' && version === '1') lines.push(await added('tool', '2'));
    }
    for (const { code, stderr } of await said(lines)) expect(code, stderr).to.equal(0);
    const [info] = await said([['admin', 'info', 'altered-1-1', '--json']]);
    const shown = JSON.parse(info?.stdout ?? '') as { result: { edition: { file: { sha256: string } } }[] };
    const sha256 = shown.result[0]?.edition.file.sha256 as string;
    const blob = path.join(sandbox.depot, 'blobs', sha256.slice(0, 2), sha256);
    chmodSync(blob, 0o644);
    writeFileSync(blob, Buffer.from(readFileSync(blob)).fill(0, 100, 110));
  });
  after(() => sandbox.remove());

  async function added(basename: string, version: string, ...more: string[]): Promise<string[]> {
    const payload = { [`opt/${basename}/version`]: version };
    const file = await sandbox.package(`${basename}-${version}`, payload, { version });
    return ['admin', 'add', basename, '-v', version, '-s', file, '--no-inherit', ...more];
  }

  const env = () => ({ D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' });
  const said = (lines: string[][]): Promise<LineEnded[]> =>
    linesOf(
      lines.map((argv) => ({ argv, env: env() })),
      sandbox.dir,
    );

  async function holds(rows: readonly Row[]): Promise<void> {
    const ended = await said(rows.map(([line]) => line.split(' ').filter((word) => word !== '')));
    for (const [at, [line, code, stdout, stderr]] of rows.entries()) {
      const { code: is, stdout: out, stderr: told } = ended[at] as LineEnded;
      const whole = `d3 ${line}\n${out}${told}`;
      expect(is, whole).to.equal(code);
      expect(out, whole).to.match(stdout);
      expect(told, whole).to.match(stderr);
      // What a person did wrong or has to deal with is never told on stdout, and says what to do next where that is known.
      if (code === 0) expect(told, whole).to.not.match(/^Error/m);
      else expect(told, whole).to.match(/^(?:Error: |.*\nError: )/s);
    }
  }

  it('of a command line that is none is told with what helps', () =>
    holds([
      ['frobnicate', 127, NOTHING, /no command "frobnicate"[^]*d3 help/],
      ['', 2, NOTHING, /A command is needed/],
      ['install', 2, NOTHING, /TARGET[^]*Usage: d3 install/],
      ['install tool -e x', 2, NOTHING, /--expiration: "x"[^]*whole number/],
      ['install tool -a root', 2, NOTHING, /"root" names no person[^]*--admin NAME/],
      ['install tool --no-such', 2, NOTHING, /--no-such/],
    ]));

  it('depot3:C06 depot3:E02 depot3:C09 of an install that is refused is told with its reason, and force where it helps', async () => {
    await holds([
      ['install nothing', 34, NOTHING, /called nothing[^]*d3 list-available/],
      ['install pilot', 34, NOTHING, /no live edition[^]*d3 pilot pilot-1-1/],
      ['pilot tool', 34, NOTHING, /a pilot is named by its edition/],
      ['install tool-1-1', 30, NOTHING, /tool-1-1 is deprecated[^]*Next: use -f/],
      ['install tool-2-1', 30, NOTHING, /tool-2-1 is skipped[^]*Next: use -f/],
      ['install excluded', 30, NOTHING, /in kiosks, excluded from excluded-1-1[^]*Next: use -f/],
      ['install busy', 30, NOTHING, /busy-1-1: Blocked by Keynote[^]*or use -f/],
      ['install altered', 33, NOTHING, /altered-1-1/],
      ['install gated', 31, NOTHING, /gated-1-1[^]*exited 3/],
      ['install other-os', 30, NOTHING, /other-os-1-1 is for plan9 4; this machine runs debian 12/],
      ['install other-cpu', 30, NOTHING, /other-cpu-1-1 is for x86_64[^]*this machine has arm64/],
    ]);
    for (const { stderr } of await said([
      ['install', 'other-os'],
      ['install', 'other-cpu'],
    ]))
      expect(stderr).to.not.include(HINTS_AT_FORCE);
  });

  it('depot3:C01 depot3:C02 depot3:C03 depot3:C07 of an install is announced, and told when it is done', () =>
    holds([
      ['install tool', 0, /^tool-3-1: installed/, /^tool-3-1: installing$/m],
      ['install tool', 0, /nothing to do \(tool-3-1 is already installed\)/, NOTHING],
      ['-f install tool', 0, /re-installed/, /re-installing with force/],
      ['install tool-1-1', 30, NOTHING, /deprecated/],
      ['-f install tool-1-1', 0, /rolled back, was tool-3-1/, /rolling back from tool-3-1 with force/],
      ['freeze tool', 0, /tool-1-1: frozen/, NOTHING],
      ['install tool', 0, /updated, was tool-1-1/, /updating from tool-1-1, which thaws it/],
      ['install shaky', 31, NOTHING, /shaky-1-1: Installed, but: [^]*exited 4[^]*list-details shaky/],
      ['install settled', 0, /settled-1-1: taken as installed \([^]*exited 111\)/, /installing/],
      ['pilot pilot-1-1', 0, /pilot-1-1: piloted/, /piloting/],
      ['depilot pilot', 0, /pilot-1-1: removed/, /removing/],
      ['install pilot-1-1', 0, /pilot-1-1: piloted/, /piloting/],
    ]));

  it('depot3:C08 depot3:C09 depot3:C12 depot3:C13 of a removal or a record is told, unknown names too', () =>
    holds([
      ['install stuck keeper', 0, /stuck-1-1: installed[^]*keeper-1-1: installed/, /installing/],
      ['uninstall nothing', 34, NOTHING, /nothing is not installed here[^]*list-installed/],
      ['uninstall stuck', 30, NOTHING, /stuck-1-1 is not removable/],
      ['uninstall -f stuck', 30, NOTHING, /stuck-1-1 is not removable/],
      ['uninstall keeper', 31, NOTHING, /keeper-1-1[^]*exited 5/],
      ['uninstall pilot', 30, NOTHING, /installed as a pilot[^]*d3 depilot pilot/],
      ['freeze tool', 0, /tool-3-1: frozen/, NOTHING],
      ['freeze tool', 0, /frozen already/, NOTHING],
      ['thaw tool', 0, /tool-3-1: thawed/, NOTHING],
      ['list-details tool', 0, /Frozen: +no, thawed \d{4}-\d\d-\d\dT[^ ]+ by sally/, NOTHING],
      ['thaw tool', 0, /not frozen/, NOTHING],
      ['freeze nothing', 34, NOTHING, /not installed/],
      ['thaw nothing', 34, NOTHING, /not installed/],
      ['forget nothing', 34, NOTHING, /not installed/],
      ['forget keeper', 0, /keeper-1-1: forgotten/, NOTHING],
      ['uninstall tool-3-1', 0, /tool-3-1: removed/, /removing/],
    ]));

  it('depot3:G18 of a sync is told basename by basename, and summed up in the last line', async () => {
    await said([
      ['install', 'stuck', 'tool'],
      ['pilot', 'pilot-1-1'],
      ['freeze', 'stuck'],
      await added('stuck', '2', '-u', 'n'),
      await added('tool', '4'),
      ['admin', 'live', 'stuck-2-1', '-a'],
      ['admin', 'live', 'tool-4-1', '-a'],
      ['admin', 'edit', 'gated-1-1', '-g', 'standard'],
      ['admin', 'edit', 'other-os-1-1', '-g', 'standard'],
    ]);
    const lines =
      /^pilot-1-1: held \(.*pilot\)\nstuck-1-1: held \(.*frozen by sally\)\ntool-4-1: updated, was tool-3-1 \(.*\)\nIn all: [^\n]*\.\n$/;
    await holds([
      ['sync --dry-run', 0, /tool-4-1: would be updated/, NOTHING],
      ['sync', 40, lines, /gated-1-1[^]*exited 3/],
    ]);
    const [ended] = await said([['sync', '--json']]);
    const { result } = JSON.parse(ended?.stdout ?? '') as { result: { counts: Record<string, number> } };
    expect(result.counts, 'what is for other machines is counted too').to.include({ held: 3, failed: 1 });
  });

  it('depot3:D09 has its exit status', async () => {
    const ended: Record<number, Ended> = {};
    const here = (argv: string[], more: Record<string, string> = {}) => d3(argv, { env: { ...env(), ...more } });
    ended[0] = await here(['list-installed']);
    ended[2] = await here(['install']);
    ended[20] = await here(['sync'], { D3_DEPOT: path.join(sandbox.dir, 'nowhere') });
    ended[30] = await here(['install', 'excluded']);
    ended[31] = await here(['install', 'gated']);
    ended[33] = await here(['install', 'altered']);
    ended[34] = await here(['install', 'nothing', 'nix']);
    ended[40] = await here(['install', 'nothing', 'excluded']);
    const [state, lock] = ['stateDatabase', 'runLock'].map(
      (name) => machinePaths(machine.root, process.platform)[name as 'runLock'],
    );
    const holder = new DatabaseSync(lock as string);
    holder.exec('BEGIN EXCLUSIVE');
    ended[41] = await here(['sync']);
    holder.close();
    ended[21] = await asStranger(['uninstall', 'tool']);
    ended[32] = await withSmallFiles(['install', 'large']);
    const newer = new DatabaseSync(state as string);
    newer.exec('PRAGMA user_version = 9999');
    newer.close();
    ended[1] = await here(['uninstall', 'tool']);
    for (const [code, { code: is, stdout, stderr }] of Object.entries(ended)) {
      expect(is, `${code}: ${stdout}${stderr}`).to.equal(Number(code));
      if (code !== '0') expect(stderr, code).to.match(/^Error: |\nError: /);
    }
  });

  /** By a user who may read the machine and not change it. */
  function asStranger(argv: string[]): Promise<Ended> {
    chmodSync(sandbox.dir, 0o755);
    if (process.getuid?.() === 0) return d3(argv, { env: { ...env(), HOME: '/' }, uid: 65_534 });
    const { state } = machinePaths(machine.root, process.platform);
    chmodSync(state, 0o555);
    chmodSync(machinePaths(machine.root, process.platform).runLock, 0o444);
    return d3(argv, { env: env() }).finally(() => {
      chmodSync(state, 0o755);
      chmodSync(machinePaths(machine.root, process.platform).runLock, 0o644);
    });
  }

  /** Where no file may be larger than 2 MiB: the package is fetched, and cannot be unpacked. */
  async function withSmallFiles(argv: string[]): Promise<Ended> {
    const root = path.join(sandbox.dir, 'large-root/opt/large');
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(root, 'zeros'), Buffer.alloc(8 * 1024 * 1024));
    const source = path.join(sandbox.dir, 'large-root');
    await said([['admin', 'add', 'large', '-v', '1', '-s', source, '-p', 'org.example.large']]);
    await said([['admin', 'live', 'large-1-1', '-a']]);
    const limited = ['-c', 'trap "" XFSZ; ulimit -f 4096; exec "$@"', 'sh', ...d3Program, ...argv];
    return run('/bin/sh', limited, { env: env() });
  }
});
