import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { repository } from '../../../test/cli/spawn.ts';
import { type LabHost, LabNetwork } from '../../../test/lab/network.ts';
import { selfSigned } from '../../../test/support/certificates.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { Screen } from '../../../test/support/screen.ts';

/** The first arguments of any d3 of these tests: the built one. */
const D3 = path.join(repository, 'bin/d3');
const CUTS = 10;
/** Names the moments of the cuts; another one can be given to look for others. */
const SEED = Number(process.env['LAB_SEED'] ?? 11);

interface StatusShown {
  state: string;
  code: string | null;
  missing: string[];
  values: Record<string, string>;
  steps: { name: string; state: string; attempts: number }[];
}

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A power cut: when the given step was begun, and so much later. */
interface Cut {
  step: number;
  milliseconds: number;
}

/** Numbers from 0 to 1, the same for one seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Ten moments, no two alike, over the steps up to the last but one: what is cut at the release may be over before. */
function cutsOf(random: () => number, steps: number): Cut[] {
  const cuts = new Map<string, Cut>();
  while (cuts.size < CUTS) {
    const cut = { step: 1 + Math.floor(random() * steps), milliseconds: Math.floor(random() * 700) };
    cuts.set(`${cut.step} ${cut.milliseconds}`, cut);
  }
  return [...cuts.values()].toSorted((a, b) => a.step - b.step);
}

/** A machine in a folder, on a network of its own, with a power switch. */
class LabMachine {
  readonly root: string;
  readonly host: LabHost;
  readonly #serial: string;
  #boots = 0;
  /** Cuts that were made, as text. */
  readonly cut: string[] = [];
  /** What its runners printed in all their lives. */
  printed = '';

  constructor(root: string, host: LabHost, serial: string) {
    this.root = root;
    this.host = host;
    this.#serial = serial;
    this.boot();
  }

  get env(): Record<string, string> {
    return { ...environment(path.dirname(this.root)), D3_ROOT: this.root };
  }

  /** It counts as started anew from now on. */
  boot(): void {
    this.#boots += 1;
    mkdirSync(this.root, { recursive: true });
    const facts = { processes: [], serial: this.#serial, boot: `boot ${this.#boots}` };
    writeFileSync(path.join(this.root, 'facts.json'), JSON.stringify(facts));
  }

  /** A command somebody types there. */
  d3(...words: string[]): Promise<Ended> {
    return ended(spawn(...commandOn(this.host.on, words), { env: this.env, stdio: 'pipe' }));
  }

  async status(): Promise<StatusShown> {
    const { stdout, stderr } = await this.d3('provision', 'status', '--json');
    expect(stdout, stderr).not.to.equal('');
    return JSON.parse(stdout).result;
  }

  /** What its policies wrote down. */
  done(): string[] {
    const file = path.join(this.root, 'done');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Policies whose runs are done, as the machine has it on record. */
  async policiesDone(): Promise<string[]> {
    const { stdout } = await this.d3('run', 'list', '--all', '--json');
    const runs = JSON.parse(stdout).result as { what: string; parent: string | null; state: string }[];
    return runs.filter(({ parent, state }) => parent !== null && state === 'done').map(({ what }) => what);
  }

  /**
   * The machine is on until what goes on with its deployment ends, or the power goes.
   * @returns the exit code of the runner; null after a cut
   */
  async life(cut: Cut | undefined, onLine: (line: string) => void = () => undefined): Promise<number | null> {
    this.boot();
    const runner = spawn(...commandOn(this.host.powered, ['provision', 'run', '--no-input']), {
      env: this.env,
      stdio: 'pipe',
    });
    let furthest = 0;
    let rest = '';
    const reached = new Promise<void>((resolve) => {
      if (cut === undefined) return;
      const look = () => furthest >= cut.step && resolve();
      runner.stderr.setEncoding('utf8').on('data', (text: string) => {
        for (const line of text.matchAll(/deployment (\d+)\/\d+:/g)) furthest = Math.max(furthest, Number(line[1]));
        look();
      });
    });
    runner.stderr.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() as string;
      for (const line of lines) onLine(line);
    });
    const over = ended(runner);
    if (cut !== undefined) {
      await Promise.race([reached.then(() => sleep(cut.milliseconds)), over]);
      if (runner.exitCode === null) {
        runner.kill('SIGKILL');
        this.cut.push(`step ${cut.step} + ${cut.milliseconds} ms`);
      }
    }
    const { stderr, code } = await over;
    this.printed += stderr;
    return code;
  }
}

/** @returns what spawn takes for a command of d3 */
function commandOn(before: readonly string[], words: readonly string[]): [string, string[]] {
  return [before[0] as string, [...before.slice(1), D3, ...words]];
}

function environment(home: string): Record<string, string> {
  const { PATH = '' } = process.env;
  return { PATH, HOME: home, XDG_DATA_HOME: '/nonexistent', XDG_CACHE_HOME: path.join(home, 'cache'), USER: 'sally' };
}

function ended(child: ChildProcess): Promise<Ended> {
  const read = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (read.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (read.stderr += text));
  child.stdin?.end();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...read }));
  });
}

/** Two new machines and an admin, each at a place of their own, and one server between them. */
describe('two machines, from enrolment to release, with the power cut ten times each', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  let network: LabNetwork;
  let server: ChildProcess;
  let screen: Screen | undefined;
  let desk: { host: LabHost; env: Record<string, string> };
  let ca: string;
  const machines: { machine: LabMachine; url: string }[] = [];

  before(async () => {
    sandbox = await Sandbox.make();
    network = await LabNetwork.make();
    machines.length = 0;
    ca = path.join(sandbox.dir, 'ca.pem');
    // Admins' commands believe what their own machine believes.
    const etc = sandbox.folder('host-etc', { 'd3.json': JSON.stringify({ http: { ca } }) });
    const places = [await network.host(etc), await network.host(etc), await network.host(etc)] as const;
    const { cert, key } = selfSigned(places.map(({ middle }) => middle));
    const keyFile = path.join(sandbox.dir, 'server.key');
    writeFileSync(ca, cert);
    writeFileSync(keyFile, key, { mode: 0o600 });
    for (const [at, serial] of [
      [0, 'C02A'],
      [1, 'C02B'],
    ] as const) {
      const { host, middle } = places[at];
      const machine = new LabMachine(path.join(sandbox.dir, `mac-${serial}`), host, serial);
      machines.push({ machine, url: `https://${middle}:8443` });
    }
    await fill();
    const token = JSON.parse(await inFolder('admin', 'token', 'add', 'sally', '--role', 'admin', '--json')).result;
    server = spawn(
      ...commandOn(network.middle, [
        'depot',
        'serve',
        sandbox.depot,
        '--listen',
        '0.0.0.0:8443',
        '--tls-cert',
        ca,
        '--tls-key',
        keyFile,
      ]),
      { env: environment(sandbox.dir), stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await new Promise<void>((resolve, reject) => {
      let text = '';
      server.stderr?.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        if (text.includes('"url"')) resolve();
      });
      server.once('close', () => reject(new Error(`the server did not start: ${text}`)));
    });
    const { host, middle } = places[2];
    desk = {
      host,
      env: {
        ...environment(sandbox.dir),
        D3_DEPOT: `https://${middle}:8443`,
        D3_CREDENTIALS: `sally:${token.secret}`,
      },
    };
  });
  after(() => {
    screen?.close();
    server?.kill('SIGKILL');
    network?.remove();
    sandbox?.remove();
  });

  /** A command in the folder of the depot, before it is served. */
  async function inFolder(...words: string[]): Promise<string> {
    const env = { ...environment(sandbox.dir), D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally', D3_ROOT: sandbox.dir };
    const { code, stdout, stderr } = await ended(spawn(D3, words, { env, stdio: 'pipe' }));
    expect(code, `${words.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return stdout;
  }

  /** A command of the admin, at their own desk. */
  async function atDesk(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await ended(
      spawn(...commandOn(desk.host.on, words), { env: desk.env, stdio: 'pipe' }),
    );
    expect(code, `${words.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return stdout;
  }

  /** Builds, places, a package, and a policy for each event, some of them only for some machines. */
  async function fill(): Promise<void> {
    const script = path.join(sandbox.dir, 'note');
    const note =
      '#!/bin/sh\necho "begin $D3_POLICY${D3_RETRY:+ again} $D3_PROVISION_BUILD" >> "$1/done"\nsleep 0.4\necho "end $D3_POLICY" >> "$1/done"\n';
    writeFileSync(script, note);
    for (const department of ['art', 'science']) await inFolder('admin', 'department', 'add', department);
    await inFolder('admin', 'ea', 'add', 'Build', '--type', 'choice', '--choices', 'studio,office');
    const policies: [string, string, ...string[]][] = [
      ['a-config', 'deploy'],
      ['b-art', 'deploy', '--departments', 'art'],
      ['b-science', 'deploy', '--departments', 'science'],
      ['c-studio', 'deploy-studio'],
      ['c-office', 'deploy-office'],
      ['d-update', 'update'],
    ];
    for (const [name, event, ...more] of policies)
      await inFolder('admin', 'policy', 'add', name, '--script', script, '--events', event, ...more);
    await sandbox.add('lamp', '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('lamp', '2', { inherit: true });
    await sandbox.add('kernel', '1', { autoGroups: 'standard', reboot: 'y' });
  }

  /** It is enrolled, and set to restart before and after it is deployed. */
  async function enrolled({ machine, url }: { machine: LabMachine; url: string }): Promise<void> {
    mkdirSync(path.join(machine.root, 'etc'), { recursive: true });
    const provision = { afterSetup: 'always', afterDeploy: 'always', holdPollSeconds: 30 };
    writeFileSync(path.join(machine.root, 'etc/d3.json'), JSON.stringify({ http: { ca }, provision }));
    const code = JSON.parse(await atDesk('admin', 'enrol', 'code', '--once', '--json')).result.secret;
    await good(machine, 'enroll', url, '--code', code);
  }

  async function good(machine: LabMachine, ...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await machine.d3(...words);
    expect(code, `${words.join(' ')}: ${stderr}${stdout}`).to.equal(0);
    return stdout;
  }

  /** Life after life, until it is released. What is done once stays done, whatever is cut. */
  async function live(
    machine: LabMachine,
    cuts: readonly Cut[],
    onLine: (line: string) => void = () => undefined,
  ): Promise<void> {
    const left = [...cuts];
    const settled: { what: string; is: () => unknown; was: unknown }[] = [];
    for (let lives = 0; lives < 60; lives += 1) {
      const cutsBefore = machine.cut.length;
      const code = await machine.life(left[0], onLine);
      if (machine.cut.length > cutsBefore) left.shift();
      else if (code === 0) break;
      else expect(code, machine.printed).to.equal(42);
      const { steps } = await machine.status();
      for (const { name, state, attempts } of steps)
        if (state === 'done') settled.push({ what: `step ${name}`, is: () => null, was: attempts });
      for (const policy of await machine.policiesDone()) {
        const begun = () => machine.done().filter((line) => line.startsWith(`begin ${policy} `)).length;
        // Each cycle of updates fires its event anew.
        if (policy !== 'd-update') settled.push({ what: policy, is: begun, was: begun() });
      }
    }
    expect(left, `all cuts were made: ${machine.cut.join(', ')}`).to.deep.equal([]);
    const { steps } = await machine.status();
    for (const { what, is, was } of settled) {
      const now = what.startsWith('step ') ? steps.find(({ name }) => `step ${name}` === what)?.attempts : is();
      expect(now, `${what} was done, and is not done again`).to.equal(was);
    }
  }

  it('patchoo:G6 patchoo:BS-23 patchoo:BS-26 patchoo:DR-02 patchoo:UL-06 patchoo:AP-20 patchoo:HP-07 both end built, patched and released; nothing that was done is repeated, nothing is left', async () => {
    const random = randomOf(SEED);
    const [prompted, held] = machines as [(typeof machines)[0], (typeof machines)[0]];
    const updates = once(async () => {
      await atDesk('admin', 'live', 'lamp-2-1', '-a');
      await atDesk('admin', 'live', 'kernel-1-1', '-a');
    });
    const deploying = (line: string) => void (/deployment \d+\/\d+: deploy$/.test(line) && updates());

    const first = async () => {
      await enrolled(prompted);
      const { machine } = prompted;
      const credentials = { D3_DEPOT: prompted.url, D3_CREDENTIALS: desk.env['D3_CREDENTIALS'] as string };
      const env = { ...machine.env, ...credentials, TERM: 'xterm-256color' };
      const [program, words] = commandOn(machine.host.on, ['provision', 'prompt']);
      // The first who is asked never comes to an end: nothing of it is written.
      screen = new Screen([program, ...words], { cwd: sandbox.dir, env });
      await screen.sees('1. OK', 60_000);
      await screen.press('return');
      await screen.sees('? Computer name');
      screen.close();
      screen = new Screen([program, ...words], { cwd: sandbox.dir, env });
      await screen.sees('1. OK', 60_000);
      await screen.press('return');
      await screen.sees('? Computer name');
      await screen.press('ctrl-u');
      await screen.type('Studio 7\r');
      await screen.sees('Missing: Build, Department');
      await screen.choose('Configure');
      await screen.sees('? Build');
      await screen.choose('studio');
      await screen.sees('? Department');
      await screen.choose('art');
      await screen.sees('C02A: written');
      expect(await screen.ended()).to.equal(0);
      await good(machine, 'provision', 'setup');
      // Its cable is out when it starts: it waits, and says so.
      machine.host.cable('down');
      let plugged = false;
      await live(machine, cutsOf(random, 10), (line) => {
        if (/waiting for the depot/.test(line) && !plugged) {
          plugged = true;
          machine.host.cable('up');
        }
        deploying(line);
      });
      expect(plugged, 'patchoo:BS-09 it waited for the depot').to.equal(true);
    };
    const second = async () => {
      await enrolled(held);
      const { machine } = held;
      await good(machine, 'provision', 'setup');
      let assigned: Promise<void> | undefined;
      let holds = 0;
      const assign = async () => {
        const waiting = JSON.parse(await atDesk('provision', 'hold', 'list', '--json')).result;
        expect(waiting.map(({ serial, state }: { serial: string; state: string }) => [serial, state])).to.deep.equal([
          ['C02B', 'holding'],
        ]);
        await atDesk('provision', 'assign', 'C02B', '--build', 'office', '--department', 'science', '--name', 'Lab 1');
      };
      await live(machine, cutsOf(random, 10), (line) => {
        if (/it waits for somebody to say its Build, Department/.test(line)) {
          holds += 1;
          assigned ??= sleep(1500).then(assign);
        }
        deploying(line);
      });
      await assigned;
      expect(holds).to.be.greaterThan(0);
    };
    await Promise.all([first(), second()]);
    await updates();

    for (const [at, build, department, policies] of [
      [0, 'studio', 'art', ['a-config', 'b-art', 'c-studio']],
      [1, 'office', 'science', ['a-config', 'b-science', 'c-office']],
    ] as const) {
      const { machine } = machines[at] as (typeof machines)[0];
      expect(machine.cut, 'cuts').to.have.length(CUTS);
      const { state, values, steps } = await machine.status();
      expect([state, values]).to.deep.equal(['released', { build, department }]);
      expect(steps.map(({ state: how }) => how)).to.deep.equal(steps.map(() => 'done'));
      for (const name of ['restart after setup', 'restart after deployment'])
        expect(machine.printed).to.include(`${name}: done (the machine was restarted)`);
      const begun = machine.done().flatMap((line) => /^begin (\S+)( again)? (.*)$/.exec(line) ?? []);
      expect(begun.length).to.be.greaterThan(0);
      const names = machine.done().flatMap((line) => /^end (\S+)$/.exec(line)?.[1] ?? []);
      expect([...new Set(names)], machine.done().join('\n')).to.deep.equal([...policies, 'd-update']);
      // A script is begun again only after a cut.
      for (const policy of policies) {
        const own = machine.done().filter((line) => line.startsWith(`begin ${policy} `));
        expect(
          own.slice(1).every((line) => line.startsWith(`begin ${policy} again`)),
          own.join(),
        ).to.equal(true);
        expect(own.at(-1)).to.match(new RegExp(`${build}$`));
      }
      const sandboxed = sandbox.machineAt(machine.root);
      expect(sandboxed.read('opt/lamp/version')).to.equal('2');
      expect(sandboxed.read('opt/kernel/version')).to.equal('1');
      expect(
        sandboxed
          .receipts()
          .map(({ edition }) => edition)
          .toSorted(),
      ).to.deep.equal(['kernel-1-1', 'lamp-2-1']);
      const foreign = ['done', 'etc', 'etc/d3.json'];
      const lies = sandboxed.lies(foreign).filter((text) => !/^(etc\/d3|var\/log)/.test(text));
      expect([lies, sandboxed.leavings()]).to.deep.equal([[], []]);
      expect(readdirSync(path.join(machine.root, 'etc/systemd/system'))).to.deep.equal([]);
      const again = await machine.d3('provision', 'setup', '--json');
      expect([again.code, JSON.parse(again.stdout).errors[0].code], 'its mark is kept').to.deep.equal([
        30,
        'DEPLOY_REFUSED',
      ]);
      expect(machine.printed).to.not.match(/bug in d3|Error: .*(undefined|null)/);
    }
    expect(JSON.parse(await atDesk('provision', 'hold', 'list', '--json')).result).to.deep.equal([]);
    const shown = JSON.parse(await atDesk('provision', 'hold', 'show', 'C02B', '--json')).result;
    expect(shown.said).to.deep.include({ state: 'released', build: 'office', department: 'science' });
  });
});

/** What is done at the first call, and waited for at all of them. */
function once(work: () => Promise<void>): () => Promise<void> {
  let begun: Promise<void> | undefined;
  return () => (begun ??= work());
}
