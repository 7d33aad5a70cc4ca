import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A host of a laboratory's network, and the words that have a program run on it. */
export interface LabHost {
  /** IPv4 address. */
  address: string;
  /** The words before a program that is run there. */
  on: readonly string[];
  /** The words before one that has only its network. */
  net: readonly string[];
  /** Words before a program that has the processes to itself as well: killed, it takes all that it started with it, as a power cut does. */
  powered: readonly string[];
  /** Pulls out the cable of its network, or puts it back. */
  cable(state: 'up' | 'down'): void;
}

/** A network that is joined to no other: a middle, and hosts that each have a cable to it. Nothing of it outlasts this process. */
export class LabNetwork {
  readonly #holders: ChildProcess[] = [];
  readonly #middle: number;
  #cables = 0;

  private constructor() {
    this.#middle = this.#space();
  }

  /** Needs root. */
  static async make(): Promise<LabNetwork> {
    const network = new LabNetwork();
    await network.#settled(network.#middle);
    return network;
  }

  /** The words that have a program run in the middle: where the server is. */
  get middle(): readonly string[] {
    return within(this.#middle);
  }

  /**
   * Another host.
   * @param etc a folder whose files it has in its /etc, before those of this machine
   * @returns it, and the address it sees the middle by
   */
  async host(etc: string): Promise<{ host: LabHost; middle: string }> {
    const pid = this.#space();
    await this.#settled(pid);
    const number = ++this.#cables;
    const [here, there] = [`10.77.${number}.1`, `10.77.${number}.2`];
    const cable = `lab${number}`;
    const ip = (at: number, ...words: string[]) => run([...within(at), 'ip', ...words]);
    ip(this.#middle, 'link', 'add', cable, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
    ip(this.#middle, 'address', 'add', `${here}/30`, 'dev', cable);
    ip(this.#middle, 'link', 'set', cable, 'up');
    ip(pid, 'address', 'add', `${there}/30`, 'dev', 'eth0');
    ip(pid, 'link', 'set', 'eth0', 'up');
    const mount = `mount -t overlay overlay -o "lowerdir=$0:/etc" /etc && exec "$@"`;
    const on = [...within(pid), 'unshare', '--mount', '--', 'sh', '-c', mount, etc];
    const powered = [...on, 'unshare', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc', '--'];
    return {
      host: {
        address: there,
        on,
        net: within(pid),
        powered,
        cable: (state) => ip(this.#middle, 'link', 'set', cable, state),
      },
      middle: here,
    };
  }

  remove(): void {
    for (const holder of this.#holders) holder.kill('SIGKILL');
  }

  /** @returns the process that holds a network of its own */
  #space(): number {
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    this.#holders.push(holder);
    return holder.pid as number;
  }

  async #settled(pid: number): Promise<void> {
    const own = readlinkSync('/proc/self/ns/net');
    for (let tries = 0; readlinkSync(`/proc/${pid}/ns/net`) === own; tries += 1) {
      if (tries === 200) throw new Error('a network of its own did not come up');
      await sleep(25);
    }
    run([...within(pid), 'ip', 'link', 'set', 'lo', 'up']);
  }
}

function within(pid: number): string[] {
  return ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
}

function run([program, ...words]: readonly string[]): void {
  execFileSync(program as string, words, { stdio: 'pipe' });
}
