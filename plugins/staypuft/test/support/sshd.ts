import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runProgram } from '../../../../src/platform/program.ts';
import type { HostKeyRecord } from '../../src/ssh/host-keys.ts';
import { type RemoteParts, remoteOverSsh, type SshRemote } from '../../src/ssh/remote.ts';
import type { Target } from '../../src/ssh-port.ts';
import type { Host, Proxy } from '../../src/types.ts';

/** A real sshd on the loopback, which the caller's own account runs and reaches. */
export interface Sshd {
  port: number;
  /** `type base64` of its host key. */
  hostKey: string;
  /** Stops it, with all it serves. */
  stop(): Promise<void>;
  log(): string;
}

/** Runs what follows beside a first process that looks after none: `sleep`. */
const UNFETCHED = `/usr/bin/unshare --pid --fork --mount-proc --kill-child /bin/sh -c`
  .split(' ')
  .concat('"$@" & exec sleep 86400', 'sh');

/** A controller with real sshds around it, all in one folder. */
export class SshLab {
  readonly dir: string;
  readonly user = os.userInfo().username;
  readonly warnings: string[] = [];
  readonly hostKeys = new Map<string, string[]>();
  readonly #running: Sshd[] = [];
  readonly #remotes: SshRemote[] = [];

  constructor() {
    this.dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-lab-ssh-')));
    mkdirSync(path.join(this.dir, 'room'), { mode: 0o700 });
    this.makeKey('id');
    writeFileSync(this.file('authorized_keys'), readFileSync(this.file('id.pub')));
    // Without it sshd does not start as root; a system that has booted has it.
    if (process.getuid?.() === 0 && !existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  }

  file(name: string): string {
    return path.join(this.dir, name);
  }

  makeKey(name: string, type = 'ed25519'): string {
    execFileSync('/usr/bin/ssh-keygen', ['-q', '-t', type, '-N', '', '-C', name, '-f', this.file(name)]);
    return readFileSync(this.file(`${name}.pub`), 'utf8').trim();
  }

  /**
   * @param lines more of its configuration
   * @param unfetched whether its processes are in a room of their own, where nobody fetches those that ended and whose parents are gone
   */
  async sshd(
    name: string,
    options: { port?: number; key?: string; lines?: string[]; unfetched?: boolean } = {},
  ): Promise<Sshd> {
    const key = options.key ?? `host-${name}`;
    if (!existsSync(this.file(key))) this.makeKey(key);
    const port = options.port ?? (await freePort());
    writeFileSync(
      this.file(`${name}.conf`),
      [
        // What is said first counts.
        ...(options.lines ?? []),
        `Port ${port}`,
        'ListenAddress 127.0.0.1',
        `HostKey ${this.file(key)}`,
        `AuthorizedKeysFile ${this.file('authorized_keys')}`,
        'PidFile none',
        'StrictModes no',
        // Bash reads no ~/.bashrc then, whatever this account has there.
        // What a host that is cut leaves goes with the lab.
        `SetEnv SHLVL=3 TMPDIR=${this.dir}`,
        'UsePAM no',
        'UseDNS no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        '',
      ].join('\n'),
    );
    const log = this.file(`${name}.log`);
    const words = ['/usr/sbin/sshd', '-D', '-f', this.file(`${name}.conf`), '-E', log];
    const [program = '', ...args] = options.unfetched === true ? [...UNFETCHED, ...words] : words;
    const child = spawn(program, args, { stdio: 'ignore' });
    await answers(port, child);
    const [type, base64] = readFileSync(this.file(`${key}.pub`), 'utf8').split(' ');
    const sshd: Sshd = {
      port,
      hostKey: `${type} ${base64}`,
      log: () => (existsSync(log) ? readFileSync(log, 'utf8') : ''),
      async stop() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        // Who holds the room hears nothing else, and takes all that is in it along.
        child.kill(options.unfetched === true ? 'SIGKILL' : 'SIGTERM');
        await ended;
      },
    };
    this.#running.push(sshd);
    return sshd;
  }

  proxy(port: number | null, changes: Partial<Proxy> = {}): Proxy {
    return {
      schema: 'd3/proxy@1',
      address: port === null ? null : '127.0.0.1',
      port: port ?? 22,
      user: this.user,
      key: this.file('id'),
      publicKey: readFileSync(this.file('id.pub'), 'utf8').trim(),
      hostKeyMode: 'accept-new',
      hostKeys: [],
      authorities: [],
      opening: 4,
      sessions: 100,
      ...changes,
    };
  }

  target(name: string, port: number, proxy: Proxy | null, changes: Partial<Host> = {}): Target {
    return {
      name,
      host: {
        schema: 'd3/host@1',
        kind: 'ssh',
        address: '127.0.0.1',
        port,
        user: this.user,
        proxy: proxy === null ? null : 'jump',
        computer: null,
        foreman: null,
        hostKeys: [],
        facts: {},
        ...changes,
      },
      proxy: proxy === null ? null : { name: 'jump', proxy },
    };
  }

  remote(changes: Partial<RemoteParts> = {}): SshRemote {
    const remote = remoteOverSsh({
      program: '/usr/bin/ssh',
      run: runProgram,
      room: this.file('room'),
      record: this.#record(),
      warn: (text) => this.warnings.push(text),
      wait: async (milliseconds, signal) => {
        await sleep(milliseconds, undefined, { signal });
      },
      agent: null,
      stepsFolder: this.file('steps'),
      followed: 2,
      ...changes,
    });
    this.#remotes.push(remote);
    return remote;
  }

  async remove(): Promise<void> {
    for (const remote of this.#remotes) await remote.close();
    for (const sshd of this.#running) await sshd.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #record(): HostKeyRecord {
    const at = (kind: string, name: string) => `${kind} ${name}`;
    return {
      record: async (kind, name, keys) => {
        const known = this.hostKeys.get(at(kind, name)) ?? [];
        if (known.length === 0) this.hostKeys.set(at(kind, name), [...keys]);
        return this.hostKeys.get(at(kind, name)) ?? [];
      },
      replace: async (kind, name, keys) => {
        this.hostKeys.set(at(kind, name), [...keys]);
      },
    };
  }
}

export const noSignal = new AbortController().signal;

export function setMode(file: string, mode: number): void {
  chmodSync(file, mode);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) throw new Error(`sshd ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('close', () => undefined);
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error('sshd does not answer');
}
