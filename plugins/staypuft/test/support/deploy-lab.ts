import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { builtD3, d3Program, repository } from '../../../../test/cli/spawn.ts';
import { type LabHost, LabNetwork } from '../../../../test/lab/network.ts';
import { Sandbox } from '../../../../test/support/sandbox.ts';
import { until } from '../../../../test/support/waiting.ts';

/** d3 as it is installed: the one that was built for this run of tests, else that of this repository. */
export const D3: readonly string[] = builtD3 === null ? [path.join(repository, 'bin/d3')] : d3Program;
const MARK = 'var/lib/d3-deployment/mark.json';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command that runs, and its end. */
export interface Running {
  child: ChildProcess;
  ended: Promise<Ended>;
}

/**
 * A host: a network and a tree of mounts of its own, with a real sshd that only the jump host reaches. What it has in /var/lib, /var/tmp,
 * /run and /usr/local/bin is in a folder of the lab.
 */
export class DeployHost {
  readonly name: string;
  readonly address: string;
  /** The folder that its /var/lib is in, as the root of a machine. */
  readonly root: string;
  readonly #dir: string;
  readonly #host: LabHost;
  #sshd: ChildProcess | null = null;

  constructor(name: string, dir: string, host: LabHost) {
    this.name = name;
    this.address = host.address;
    this.#dir = dir;
    this.#host = host;
    this.root = path.join(dir, 'root');
    for (const folder of ['root/var/lib/lab', 'root/var/tmp', 'run/sshd', 'bin'])
      mkdirSync(path.join(dir, folder), { recursive: true, mode: 0o755 });
  }

  /** @param text of what is `d3` there */
  d3(text: string): void {
    writeFileSync(path.join(this.#dir, 'bin/d3'), text, { mode: 0o755 });
  }

  /** What is `puppet` there, from its next start on. */
  puppet(text: string): void {
    mkdirSync(path.join(this.#dir, 'opt/puppetlabs/bin'), { recursive: true });
    writeFileSync(path.join(this.#dir, 'opt/puppetlabs/bin/puppet'), text, { mode: 0o755 });
  }

  /** @param key name of its host key, which is made where it is not there yet @param lines more of the configuration of its sshd */
  async start(authorized: string, key = 'host-key', lines: readonly string[] = []): Promise<void> {
    const file = path.join(this.#dir, key);
    if (!existsSync(file)) makeKey(file);
    const conf = path.join(this.#dir, 'sshd.conf');
    writeFileSync(conf, sshdConf(file, authorized, lines));
    this.#sshd = spawn(...words(this.#host.on, ['sh', '-c', this.#mounted(), 'sh', ...sshdWords(conf)]), {
      stdio: 'ignore',
    });
    await listening(this.#host.on, this.#sshd);
  }

  async stop(): Promise<void> {
    await killed(this.#sshd);
    this.#sshd = null;
  }

  /** The public half of a host key, as `type base64`. */
  key(key = 'host-key'): string {
    return readFileSync(path.join(this.#dir, `${key}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');
  }

  /** Something a person types there, as root. */
  async types(...line: string[]): Promise<Ended> {
    const own = ['nsenter', `--mount=/proc/${this.#sshd?.pid}/ns/mnt`, `--net=/proc/${this.#sshd?.pid}/ns/net`, '--'];
    return run(own, line, bare(this.#dir)).ended;
  }

  get isMarked(): boolean {
    return existsSync(path.join(this.root, MARK));
  }

  /** A file of its /var/lib/lab, as text; empty where there is none. */
  read(file: string): string {
    const at = path.join(this.root, 'var/lib/lab', file);
    return existsSync(at) ? readFileSync(at, 'utf8') : '';
  }

  /** @param text null takes it away */
  write(file: string, text: string | null): void {
    const at = path.join(this.root, 'var/lib/lab', file);
    if (text === null) rmSync(at, { force: true });
    else writeFileSync(at, text);
  }

  /** The mounts of a host, then what is given to it. */
  #mounted(): string {
    const binds = [
      ['root/var/lib', '/var/lib'],
      ['root/var/tmp', '/var/tmp'],
      ['run', '/run'],
      ['bin', '/usr/local/bin'],
      ...(existsSync(path.join(this.#dir, 'opt')) ? [['opt', '/opt']] : []),
    ].map(([from, to]) => `mount --bind ${path.join(this.#dir, from as string)} ${to}`);
    return `${binds.join(' && ')} && exec "$@"`;
  }
}

/** A depot, a controller, a jump host in the middle, and hosts that only it reaches. Nothing of it outlasts {@link remove}. */
export class DeployLab {
  readonly sandbox: Sandbox;
  readonly hosts = new Map<string, DeployHost>();
  /** Address of the jump host as the controller sees it. */
  readonly jump: string;
  readonly key: string;
  readonly network: LabNetwork;
  /** The folder that the controller's /etc begins with. */
  readonly etc: string;
  readonly #controller: LabHost;
  readonly #running: ChildProcess[] = [];

  private constructor(
    sandbox: Sandbox,
    network: LabNetwork,
    { controller, jump, etc }: { controller: LabHost; jump: string; etc: string },
  ) {
    this.sandbox = sandbox;
    this.network = network;
    this.#controller = controller;
    this.jump = jump;
    this.etc = etc;
    this.key = path.join(sandbox.dir, 'key', 'id');
    mkdirSync(path.dirname(this.key), { mode: 0o700 });
    makeKey(this.key);
  }

  /** @param settings of the controller, as its /etc/d3.json has them */
  static async make(settings: object): Promise<DeployLab> {
    const sandbox = await Sandbox.make();
    const network = await LabNetwork.make();
    const etc = sandbox.folder('controller-etc', { 'd3.json': JSON.stringify(settings) });
    const { host, middle } = await network.host(etc);
    const lab = new DeployLab(sandbox, network, { controller: host, jump: middle, etc });
    const conf = path.join(sandbox.dir, 'jump.conf');
    const key = path.join(sandbox.dir, 'jump-key');
    makeKey(key);
    writeFileSync(conf, sshdConf(key, lab.authorized));
    const room = path.join(sandbox.dir, 'jump-run');
    mkdirSync(path.join(room, 'sshd'), { recursive: true, mode: 0o755 });
    // Its account's home is its own, too: what is told of host keys is written there.
    const home = sandbox.folder('jump-home', {});
    const mounted = `mount --bind ${room} /run && mount --bind ${home} /root && exec "$@"`;
    const on = [...network.middle, 'unshare', '--mount', '--'];
    const sshd = spawn(...words(on, ['sh', '-c', mounted, 'sh', ...sshdWords(conf)]), { stdio: 'ignore' });
    lab.#running.push(sshd);
    await listening(network.middle, sshd);
    return lab;
  }

  get authorized(): string {
    return `${this.key}.pub`;
  }

  /** @param lines more of the configuration of its sshd */
  async host(name: string, lines: readonly string[] = []): Promise<DeployHost> {
    const dir = this.sandbox.folder(`hosts/${name}`, {});
    const etc = this.sandbox.folder(`hosts/${name}/etc`, { hostname: `${name}\n` });
    const { host } = await this.network.host(etc);
    const made = new DeployHost(name, dir, host);
    made.write('name', name);
    this.hosts.set(name, made);
    await made.start(this.authorized, undefined, lines);
    return made;
  }

  /** A command at the controller, in the folder of the depot unless another environment is given. */
  begins(line: readonly string[], env: Record<string, string> = {}): Running {
    return this.types([...D3, ...line], env);
  }

  /** Any program at the controller, as a person types it there. */
  types(line: readonly string[], env: Record<string, string> = {}): Running {
    const running = run(this.#controller.on, line, { ...this.env, ...env });
    this.#running.push(running.child);
    return running;
  }

  async d3(...line: string[]): Promise<Ended> {
    return this.begins(line).ended;
  }

  get env(): Record<string, string> {
    return { ...bare(this.sandbox.dir), D3_DEPOT: this.sandbox.depot, D3_FLAG_ADMIN: 'sally' };
  }

  /** Serves the depot on the controller's own loopback. @returns its address */
  async serve(): Promise<string> {
    const { child } = this.begins(['depot', 'serve', this.sandbox.depot, '--listen', '127.0.0.1:8420']);
    let text = '';
    child.stderr?.on('data', (piece: string) => (text += piece));
    await until('the depot is served', () => text.includes('"url"') || child.exitCode !== null, 60_000);
    if (child.exitCode !== null) throw new Error(`the depot is not served: ${text}`);
    return 'http://127.0.0.1:8420';
  }

  async remove(): Promise<void> {
    for (const host of this.hosts.values()) await host.stop();
    for (const child of this.#running) await killed(child);
    endAllIn(this.sandbox.dir);
    this.network.remove();
    this.sandbox.remove();
  }
}

/** Processes of this machine whose words have this in them. */
export function processesOf(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Whatever still has the lab's folder among its words: shared connections of ssh, sessions of sshd. */
function endAllIn(dir: string): void {
  for (const pid of processesOf(dir)) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {}
  }
}

function bare(home: string): Record<string, string> {
  const { PATH = '' } = process.env;
  return {
    PATH: `${PATH}:/usr/sbin:/sbin`,
    HOME: home,
    XDG_DATA_HOME: '/nonexistent',
    XDG_CACHE_HOME: path.join(home, 'cache'),
    USER: 'sally',
  };
}

function makeKey(file: string): void {
  execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'lab', '-f', file]);
}

function sshdConf(key: string, authorized: string, lines: readonly string[] = []): string {
  return [
    // What is said first counts.
    ...lines,
    'Port 22',
    `HostKey ${key}`,
    `AuthorizedKeysFile ${authorized}`,
    'PidFile none',
    'StrictModes no',
    // Bash reads no ~/.bashrc then, whatever this account has there.
    // What a host that is cut leaves goes with the lab.
    `SetEnv SHLVL=3 TMPDIR=${path.dirname(key)}`,
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    '',
  ].join('\n');
}

function sshdWords(conf: string): string[] {
  return ['/usr/sbin/sshd', '-D', '-f', conf, '-E', conf.replace(/conf$/, 'log')];
}

function words(before: readonly string[], line: readonly string[]): [string, string[]] {
  return [before[0] as string, [...before.slice(1), ...line]];
}

function run(before: readonly string[], line: readonly string[], env: Record<string, string>): Running {
  const child = spawn(...words(before, line), { env, stdio: 'pipe', cwd: '/' });
  return { child, ended: ended(child) };
}

/** The end of a program, with what it said; it is asked nothing. */
export function ended(child: ChildProcess): Promise<Ended> {
  const read = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (read.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (read.stderr += text));
  child.stdin?.end();
  return new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    // A shared connection that stays may hold on to what it was given: the end of the command is what counts.
    child.once('exit', (code) => setTimeout(() => resolve({ code, ...read }), 50));
  });
}

async function listening(on: readonly string[], sshd: ChildProcess): Promise<void> {
  await until('sshd listens', () => {
    if (sshd.exitCode !== null) return true;
    const [program, rest] = words(on.slice(0, 3), ['cat', '/proc/net/tcp']);
    return / 00000000:0016 00000000:0000 0A /.test(execFileSync(program, rest, { encoding: 'utf8' }));
  });
  if (sshd.exitCode !== null) throw new Error(`sshd ended with ${sshd.exitCode}`);
}

async function killed(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
