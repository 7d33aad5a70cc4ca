import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const project = path.dirname(path.dirname(import.meta.dirname));

/** A Linux that runs its own systemd on a copy of this machine's root; nothing done in it reaches the machine. */
export class BootedLinux {
  readonly #unshare: ChildProcess;
  readonly #folder: string;
  #init = 0;

  private constructor() {
    this.#folder = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    const namespaces = ['--fork', '--kill-child', '--pid', '--mount', '--uts', '--ipc'];
    const boot = path.join(import.meta.dirname, 'boot.sh');
    this.#unshare = spawn('unshare', [...namespaces, 'sh', boot, this.#folder, project], { stdio: 'ignore' });
  }

  static async boot(): Promise<BootedLinux> {
    const booted = new BootedLinux();
    for (let tries = 0; tries < 100; tries += 1) {
      await sleep(100);
      const { pid } = booted.#unshare;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      booted.#init = Number(children);
      if (children !== '' && booted.run('systemctl', 'is-system-running').output.startsWith('running')) return booted;
    }
    booted.stop();
    throw new Error('systemd did not boot within 10 seconds');
  }

  /** Runs a program there as root. @returns its exit code, and what it printed */
  run(program: string, ...args: string[]): { status: number | null; output: string } {
    const into = ['--target', String(this.#init), '--pid', '--mount', '--root', '--wd'];
    const env = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', USER: 'sally', LANG: 'C' };
    const { status, stdout, stderr } = spawnSync('nsenter', [...into, program, ...args], {
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    return { status, output: `${stdout}${stderr}` };
  }

  /** Runs what has to go well there. @returns what it printed */
  good(program: string, ...args: string[]): string {
    const { status, output } = this.run(program, ...args);
    if (status !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${status}:\n${output}`);
    return output;
  }

  /** A property of one of its units. */
  show(unit: string, property: string): string {
    return this.run('systemctl', 'show', '--value', '-p', property, unit).output.trim();
  }

  /** Waits until something has come about. @param units whose journal is told when it does not */
  async until(what: string, holds: () => boolean, units: string): Promise<void> {
    for (let waited = 0; !holds(); waited += 250) {
      if (waited > 90_000) {
        const journal = this.run('journalctl', '-u', units, '--no-pager', '-n', '40').output;
        throw new Error(`it did not come to it: ${what}\n${journal}`);
      }
      await sleep(250);
    }
  }

  stop(): void {
    this.#unshare.kill('SIGKILL');
    rmdirSync(this.#folder);
  }
}
