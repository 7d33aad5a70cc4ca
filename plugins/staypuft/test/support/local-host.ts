import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { D3Error } from '@d3/sdk';
import type { Remote, RemoteEnd, RemoteWork, Target } from '../../src/ssh-port.ts';
import type { Host } from '../../src/types.ts';

/** A host that is this machine: work is run by sh here, and outlasts whoever sent it, until this process ends. */
export class LocalHost implements Remote {
  /** What was done, in order: `work ID`, `end ID`, `forget ID`, `look`. */
  readonly calls: string[] = [];
  /** How often the way to it is still cut. */
  cuts = 0;
  readonly #works = new Map<string, Work>();
  readonly #environment: Readonly<Record<string, string>>;

  constructor(environment: Readonly<Record<string, string>> = {}) {
    this.#environment = environment;
  }

  async work(target: Target, work: RemoteWork, signal: AbortSignal): Promise<RemoteEnd> {
    this.calls.push(`work ${work.id}`);
    this.#way(target);
    const known = this.#works.get(work.id) ?? new Work(work, this.#environment);
    this.#works.set(work.id, known);
    return known.follow(work.onLine ?? (() => undefined), signal);
  }

  async find(target: Target, id: string): Promise<RemoteEnd | 'running' | null> {
    this.#way(target);
    const work = this.#works.get(id);
    return work === undefined ? null : (work.ended ?? 'running');
  }

  async end(_target: Target, id: string): Promise<void> {
    this.calls.push(`end ${id}`);
    await this.#works.get(id)?.kill();
  }

  async forget(target: Target, id: string): Promise<void> {
    this.calls.push(`forget ${id}`);
    this.#way(target);
    this.#works.delete(id);
  }

  async look(target: Target, script: string, { signal }: { signal: AbortSignal }): Promise<RemoteEnd> {
    this.calls.push('look');
    this.#way(target);
    return new Work({ id: 'look', script, timeout: 30 }, this.#environment).follow(() => undefined, signal);
  }

  async bootId(): Promise<string | null> {
    return 'one';
  }

  /** Ends all that still runs. */
  async close(): Promise<void> {
    for (const work of this.#works.values()) await work.kill();
  }

  #way({ name }: Target): void {
    if (this.cuts === 0) return;
    this.cuts -= 1;
    throw new D3Error('SSH_UNREACHABLE', 'failed', `The host ${name} does not answer.`, {
      actions: ['see whether it runs'],
    });
  }
}

class Work {
  ended: RemoteEnd | null = null;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  readonly #end: Promise<RemoteEnd>;

  constructor(work: RemoteWork, environment: Readonly<Record<string, string>>) {
    this.#child = spawn('sh', ['-s'], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], ...environment, ...work.environment },
    });
    this.#child.stdin?.end(`exec 2>&1\n${work.script}`);
    const reader = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    reader.on('line', (line) => {
      this.#lines.push(line);
      for (const listener of this.#listeners) listener(line);
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      void this.kill();
    }, work.timeout * 1000);
    this.#end = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        clearTimeout(timer);
        const output = this.#lines.map((line) => `${line}\n`).join('');
        this.ended = { code: timedOut ? null : code, timedOut, output: output.slice(-65_536) };
        resolve(this.ended);
      });
    });
  }

  async follow(onLine: (line: string) => void, signal: AbortSignal): Promise<RemoteEnd> {
    signal.throwIfAborted();
    for (const line of this.#lines) onLine(line);
    this.#listeners.add(onLine);
    const left = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
    );
    try {
      return await Promise.race([this.#end, left]);
    } finally {
      this.#listeners.delete(onLine);
    }
  }

  async kill(): Promise<void> {
    if (this.ended !== null) return;
    process.kill(-(this.#child.pid as number), 'SIGKILL');
    await this.#end;
  }
}

/** A host of an inventory; `more`: what is said of it besides. */
export function targetNamed(name: string, more: Partial<Host> = {}): Target {
  const host: Host = {
    schema: 'd3/host@1',
    kind: 'ssh',
    address: '127.0.0.1',
    port: 22,
    user: 'root',
    proxy: null,
    computer: null,
    foreman: null,
    hostKeys: [],
    facts: {},
    ...more,
  };
  return { name, host, proxy: null };
}
