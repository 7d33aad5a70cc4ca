import path from 'node:path';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';

const KEYS = {
  return: '\r',
  up: '\u001b[A',
  down: '\u001b[B',
  tab: '\t',
  backspace: '\u007f',
  'ctrl-c': '\u0003',
  'ctrl-d': '\u0004',
  'ctrl-u': '\u0015',
} as const;

export type Key = keyof typeof KEYS;

export interface OnScreen {
  cwd: string;
  env: Record<string, string>;
  columns?: number;
  rows?: number;
}

/** Cells of a line that look alike. */
export interface Run {
  text: string;
  /** One of the sixteen colours of a terminal; null for its ordinary one. */
  colour: number | null;
  isBold: boolean;
  isDim: boolean;
}

/** A program on a pseudo-terminal of its own, and what a person would see of it. */
export class Screen {
  readonly #pty: IPty;
  readonly #terminal: xterm.Terminal;
  readonly #ended: Promise<number>;
  #over = false;
  #written = Promise.resolve();

  constructor([program, ...words]: readonly string[], { cwd, env, columns = 100, rows = 50 }: OnScreen) {
    this.#terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 5000, allowProposedApi: true });
    this.#pty = spawn(program as string, words, { name: 'xterm-256color', cols: columns, rows, cwd, env });
    this.#pty.onData((data) => {
      this.#written = new Promise((resolve) => this.#terminal.write(data, resolve));
    });
    // A program that asks the terminal where its cursor is gets its answer.
    this.#terminal.onData((data) => this.#pty.write(data));
    this.#ended = new Promise((resolve) =>
      this.#pty.onExit(({ exitCode, signal }) => {
        this.#over = true;
        resolve(signal === undefined || signal === 0 ? exitCode : 128 + signal);
      }),
    );
  }

  /** All lines, those that have scrolled away too, without blanks at their ends. */
  get text(): string {
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
    return lines.join('\n').trimEnd();
  }

  /** All lines with how they look. */
  get lines(): Run[][] {
    const { active } = this.#terminal.buffer;
    return Array.from({ length: active.length }, (_, row) => runsOf(active.getLine(row)));
  }

  /** Waits until something stands on the screen. @throws with the screen when it does not come */
  async sees(wanted: string | RegExp, limit = 20_000): Promise<void> {
    const there = () => (typeof wanted === 'string' ? this.text.includes(wanted) : wanted.test(this.text));
    for (let waited = 0; waited < limit; waited += 25) {
      await this.#written;
      if (there()) return;
      if (this.#over && waited > 500) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`"${wanted}" is not on the screen:\n${this.text}`);
  }

  /** Ends the program by a signal. */
  end(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#pty.kill(signal);
  }

  /** Types text, and waits until it is drawn. */
  async type(text: string): Promise<void> {
    this.#pty.write(text);
    await this.#drawn();
  }

  /** Presses keys, one after the other, each once the one before is drawn. */
  async press(...keys: Key[]): Promise<void> {
    for (const key of keys) {
      this.#pty.write(KEYS[key]);
      await this.#drawn();
    }
  }

  async #drawn(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 80));
    await this.#written;
  }

  /** In a menu: goes to a line by its first words, and takes it. */
  async choose(line: string): Promise<void> {
    await this.sees(/^❯/m);
    for (let tries = 0; tries < 80; tries++) {
      if (this.#cursorLine().includes(line)) {
        await this.press('return');
        return;
      }
      await this.press('down');
    }
    throw new Error(`the cursor never came to "${line}":\n${this.text}`);
  }

  #cursorLine(): string {
    return this.text.split('\n').findLast((line) => line.startsWith('❯')) ?? '';
  }

  /** The exit code, once it has ended. */
  async ended(): Promise<number> {
    const code = await this.#ended;
    await this.#written;
    return code;
  }

  /** Ends what still runs. */
  close(): void {
    if (!this.#over) this.#pty.kill('SIGKILL');
    this.#terminal.dispose();
  }
}

function runsOf(line: xterm.IBufferLine | undefined): Run[] {
  const runs: Run[] = [];
  for (let column = 0; column < (line?.length ?? 0); column++) {
    const cell = line?.getCell(column);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const look = {
      colour: cell.isFgPalette() ? cell.getFgColor() : null,
      isBold: cell.isBold() !== 0,
      isDim: cell.isDim() !== 0,
    };
    const text = cell.getChars() === '' ? ' ' : cell.getChars();
    const last = runs.at(-1);
    if (last?.colour === look.colour && last.isBold === look.isBold && last.isDim === look.isDim) last.text += text;
    else runs.push({ text, ...look });
  }
  return runs;
}

/** What stands in for a person's environment. */
export const personsEnvironment = (home: string, more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: home,
  TERM: 'xterm-256color',
  LANG: 'C.UTF-8',
  USER: 'sally',
  XDG_CONFIG_HOME: path.join(home, 'config'),
  XDG_CACHE_HOME: path.join(home, 'cache'),
  XDG_DATA_HOME: path.join(home, 'data'),
  NODE_DISABLE_COMPILE_CACHE: '1',
  ...more,
});
