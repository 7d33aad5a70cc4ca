import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable } from 'node:stream';
import { d3Program, RESIDENT } from '../../cli/spawn.ts';
import { INSTALLATION, inOneProcess } from '../../commands/lines.ts';

export interface StatementEnded {
  code: number;
  /** What it printed on both streams: its result first. */
  printed: string;
}

/** Milliseconds that one statement may take, on a host with much else to do. */
const LONGEST = 400_000;

/**
 * What stands for `d3`: it asks the one process, or is the program itself where PAGE_OWN is set and where a script that d3 runs
 * has started it, for then the one process is at work.
 */
const asking = (entry: 'd3' | 'd3admin') => `#!/bin/bash
if [ -n "$PAGE_OWN$D3_RUN" ] || [ -z "$PAGE_BOX" ]; then
  exec ${d3Program.map((word) => `'${word}'`).join(' ')} ${entry === 'd3admin' ? 'admin ' : ''}"$@"
fi
box="$PAGE_BOX/$$"
mkfifo "$box.told"
printf '%s\\0' "$PWD" ${entry} "$@" >"$box.words"
env -0 >"$box.env"
echo "$$" >"$PAGE_BOX/ask"
read -r code <"$box.told"
cat "$box.out"
cat "$box.err" >&2
rm -f "$box".*
exit "$code"
`;

/**
 * The shell in a reader's hands: what one line exports, and where it goes, holds for those after it. It is bash, which has
 * all that sh has; each block is read by sh, too.
 */
export class PageShell {
  readonly #dir: string;
  readonly #box: string;
  readonly #bash: ChildProcess;
  readonly #resident: ChildProcess;
  readonly #ends: AsyncIterator<string>;
  readonly #codes: Interface;
  readonly #others: ChildProcess[] = [];
  readonly #env: Record<string, string>;
  #complaints = '';
  /** Whether bash has ended, so that nothing can be run any more. */
  isOver = false;

  /** @param dir the reader's folder; `.page` in it is the shell's own */
  constructor(dir: string, more: Readonly<Record<string, string>> = {}) {
    this.#dir = dir;
    this.#box = path.join(dir, '.page');
    const bin = path.join(this.#box, 'bin');
    mkdirSync(bin, { recursive: true });
    mkdirSync(path.join(dir, 'home'), { recursive: true });
    for (const name of ['d3', 'd3admin'] as const) this.program(name, asking(name));
    // Everything stays below the folder, whoever's right it would take.
    this.program('sudo', '#!/bin/sh\nexec "$@"\n');
    this.#env = {
      PATH: `${bin}:${process.env['PATH']}`,
      HOME: path.join(dir, 'home'),
      XDG_DATA_HOME: path.join(dir, 'home/data'),
      XDG_CACHE_HOME: path.join(dir, 'home/cache'),
      XDG_CONFIG_HOME: path.join(dir, 'home/config'),
      NODE_DISABLE_COMPILE_CACHE: '1',
      LANG: 'C.UTF-8',
      USER: 'sally',
      PAGE_BOX: this.#box,
      // What a page forgets to say must never be this machine's own root.
      D3_ROOT: path.join(dir, 'no-root-was-named'),
      ...more,
    };
    execFileSync('mkfifo', [path.join(this.#box, 'ask')]);
    const start = { cwd: dir, env: this.#env } as const;
    const words = [...inOneProcess(RESIDENT, '../support/pages/resident.ts'), JSON.stringify(INSTALLATION), this.#box];
    this.#resident = spawn(process.execPath, words, { ...start, stdio: ['pipe', 'ignore', 'pipe'] });
    this.#resident.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text));
    this.#bash = spawn('bash', ['--noprofile', '--norc'], { ...start, stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    this.#bash.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#complaints += text));
    this.#bash.stdin?.on('error', () => undefined);
    this.#codes = createInterface({ input: this.#bash.stdio[3] as Readable });
    this.#ends = this.#codes[Symbol.asyncIterator]();
  }

  /** A program that is found before any other. */
  program(name: string, script: string): void {
    const file = path.join(this.#box, 'bin', name);
    writeFileSync(file, script);
    chmodSync(file, 0o755);
  }

  /**
   * Runs one statement, and waits for its end.
   * @param own whether d3 is a process of its own in it, as where it reads its standard input
   */
  async run(statement: string, own = false): Promise<StatementEnded> {
    const out = path.join(this.#box, 'printed');
    this.#bash.stdin?.write(
      `export PAGE_OWN=${own ? 1 : ''}\n{ ${statement}\n} </dev/null >'${out}' 2>'${out}.err'\necho $? >&3\n`,
    );
    // One that does not end ends the page: bash is gone then, and says nothing any more.
    const limit = setTimeout(() => this.#bash.kill('SIGKILL'), LONGEST);
    const { value, done } = await this.#ends.next();
    clearTimeout(limit);
    this.isOver = done === true;
    if (done === true) throw new Error(`the shell has ended in the middle of: ${statement}\n${this.#complaints}`);
    return { code: Number(value), printed: readFileSync(out, 'utf8') + readFileSync(`${out}.err`, 'utf8') };
  }

  /** Starts what goes on until it is ended; it is there when it has printed what is said. */
  async start(statement: string, there: RegExp): Promise<void> {
    const { printed } = await this.run('env -0; pwd', true);
    const at = printed.lastIndexOf('\0');
    const env = Object.fromEntries(
      printed
        .slice(0, at)
        .split('\0')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
    const child = spawn('sh', ['-c', `exec ${statement}`], {
      cwd: printed.slice(at + 1).trim(),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#others.push(child);
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    for (let waited = 0; waited < 60_000 && !there.test(said); waited += 25) {
      if (child.exitCode !== null) throw new Error(`${statement} has ended (${child.exitCode}):\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    if (!there.test(said)) throw new Error(`${statement} is not there:\n${said}`);
  }

  /** Ends it, and everything it started. */
  async close(): Promise<void> {
    this.#codes.close();
    const all = [...this.#others, this.#bash, this.#resident];
    await Promise.all(
      all.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }),
    );
  }

  get dir(): string {
    return this.#dir;
  }
}
