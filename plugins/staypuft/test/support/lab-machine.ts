import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../../../../test/cli/spawn.ts';
import type { LabHost } from '../../../../test/lab/network.ts';
import { until } from '../../../../test/support/waiting.ts';
import { type Ended, ended } from './deploy-lab.ts';

const STARTS = path.join(import.meta.dirname, 'machine.sh');
const MINUTES = 60_000;
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'];

/** Where the disks of machines are: in memory, and gone with the process that has them. */
export class Disks {
  readonly #holder: ChildProcess;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    const mounts = 'mount -t tmpfs tmpfs "$0" && : > "$0/there" && exec sleep infinity';
    const words = ['--pdeathsig', 'KILL', 'unshare', '--mount', 'sh', '-c', mounts, folder];
    this.#holder = spawn('setpriv', words, { stdio: 'ignore' });
  }

  static async make(folder: string): Promise<Disks> {
    const disks = new Disks(folder);
    await until('there is room for disks', () => existsSync(disks.at('there')), MINUTES);
    return disks;
  }

  /** The words before a program that sees them in {@link folder}. */
  get on(): readonly string[] {
    return ['nsenter', `--mount=/proc/${this.#holder.pid}/ns/mnt`, '--'];
  }

  /** Where they are for a program that is run by {@link on}. */
  get folder(): string {
    return this.#folder;
  }

  /** Where something of them is for this process. */
  at(name: string): string {
    return path.join(`/proc/${this.#holder.pid}/root`, this.#folder, name);
  }

  remove(): void {
    this.#holder.kill('SIGKILL');
  }
}

/**
 * A machine that starts its own systemd, with a disk, a network, a name and a boot id of its own, on a copy of this machine's system. Its
 * power is cut at once: all that it ran is gone, its disk is as it was.
 */
export class LabMachine {
  readonly name: string;
  readonly address: string;
  readonly net: readonly string[];
  /** Address of the middle as it sees it. */
  readonly middle: string;
  readonly #disks: Disks;
  readonly #group: string;
  #power: ChildProcess | null = null;
  #init = 0;

  constructor(
    name: string,
    { host, middle }: { host: Pick<LabHost, 'address' | 'net'>; middle: string },
    disks: Disks,
  ) {
    this.name = name;
    this.address = host.address;
    this.net = host.net;
    this.middle = middle;
    this.#disks = disks;
    this.#group = `d3-lab-${process.pid}-${name}`;
  }

  /** A disk that has nothing but the system. @param seed files it has besides, by their paths from its root */
  format(seed: Readonly<Record<string, string>>): void {
    rmSync(this.#at(''), { recursive: true, force: true });
    for (const folder of ['upper', 'work', 'root']) mkdirSync(this.#at(folder), { recursive: true });
    writeFileSync(this.#at('boot'), '');
    for (const [name, text] of Object.entries(seed)) {
      const file = this.#at(path.join('seed', name));
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: /bin\/|\.sh$/.test(name) ? 0o755 : 0o644 });
    }
  }

  /** Runs a program of the disk before anything was ever started from it, as an installer does. @returns its end */
  async installs(program: string): Promise<Ended> {
    return ended(this.#spawn(program, 'pipe'));
  }

  /** Starts what is on its disk. */
  async start(): Promise<void> {
    const power = this.#spawn('disk', 'ignore');
    this.#power = power;
    const children = `/proc/${power.pid}/task/${power.pid}/children`;
    await until(
      `${this.name} starts`,
      () => {
        if (power.exitCode !== null) throw new Error(`${this.name} did not start`);
        this.#init = Number(readFileSync(children, 'utf8').trim());
        return this.#init > 0 && readFileSync(`/proc/${this.#init}/comm`, 'utf8').startsWith('systemd');
      },
      2 * MINUTES,
    );
    for (const end = Date.now() + 2 * MINUTES; ; ) {
      const { stdout } = await this.types('systemctl', 'is-active', 'ssh.service');
      if (stdout.trim() === 'active') return;
      if (Date.now() > end) throw new Error(`the sshd of ${this.name} does not come up: it is ${stdout.trim()}`);
      await sleep(250);
    }
  }

  /** Cuts its power. */
  async cut(): Promise<void> {
    const power = this.#power;
    this.#power = null;
    if (power === null || power.exitCode !== null || power.signalCode !== null) return;
    const gone = new Promise((resolve) => power.once('exit', resolve));
    power.kill('SIGKILL');
    await gone;
  }

  get isOn(): boolean {
    return this.#power !== null;
  }

  /** Something its owner types there, as root, in its home. */
  async types(program: string, ...words: string[]): Promise<Ended> {
    const into = [
      '--target',
      String(this.#init),
      '--pid',
      '--mount',
      '--uts',
      '--ipc',
      '--net',
      '--root',
      '--wdns=/root',
    ];
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/root', LANG: 'C' };
    return ended(spawn('nsenter', [...into, program, ...words], { env, stdio: 'pipe' }));
  }

  /** A file of its disk; null where there is none. */
  read(file: string): string | null {
    const at = this.#at(path.join('upper', file));
    return existsSync(at) ? readFileSync(at, 'utf8') : null;
  }

  /** The boot id of its last start. */
  get boot(): string {
    return readFileSync(this.#at('boot'), 'utf8').trim();
  }

  /** Leaves nothing of it. */
  async remove(): Promise<void> {
    await this.cut();
    const groups = HIERARCHIES.map((one) => path.join(one, this.#group)).filter((one) => existsSync(one));
    if (groups.length === 0) return;
    // What was in them goes a moment after its power.
    const isGone = () => {
      for (const group of groups)
        if (existsSync(group))
          execFileSync('find', [group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+'], { stdio: 'ignore' });
      return groups.every((one) => !existsSync(one));
    };
    await until(`nothing is left of ${this.name}`, isGone, MINUTES);
  }

  #spawn(what: string, stdio: 'pipe' | 'ignore'): ChildProcess {
    const place = path.join(this.#disks.folder, this.name);
    const alone = [
      'setpriv',
      '--pdeathsig',
      'KILL',
      'unshare',
      '--fork',
      '--kill-child',
      '--pid',
      '--mount',
      '--uts',
      '--ipc',
      '--',
    ];
    const starts = ['sh', STARTS, place, repository.replace(/\/$/, ''), what, this.#group];
    const words = [...this.net, ...this.#disks.on, ...alone, ...starts];
    const env = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: '/root', LANG: 'C' };
    return spawn(words[0] as string, words.slice(1), { env, stdio });
  }

  #at(name: string): string {
    return this.#disks.at(path.join(this.name, name));
  }
}
