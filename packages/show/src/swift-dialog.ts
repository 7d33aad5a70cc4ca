import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { livesFor, type Running, sleep } from './programs.ts';
import { oneLine } from './text.ts';
import type { WorkFolder } from './work-folder.ts';

/** What it is called when something is wrong with it. */
export const SWIFT_DIALOG = 'swiftDialog';
/** Exit codes of swiftDialog that somebody's buttons have. */
export const DIALOG_BUTTONS = { first: 0, second: 2, info: 3 } as const;
/** All that say what somebody, or the time, decided: the buttons, the time (two codes, by version), and that it was closed in some way. */
export const DIALOG_SEEN: readonly number[] = [...Object.values(DIALOG_BUTTONS), 4, 5, 10, 15, 20];
/** Milliseconds between two looks at the command file. */
const LOOK = 50;

/**
 * The file through which a window of swiftDialog is changed. The program takes away the file it is given and makes it anew when its
 * window begins; that is how its window is known to have come up. Each run has one of its own.
 */
export class CommandFile {
  readonly #folder: WorkFolder;
  #runs = 0;
  #name = '';
  /** The file as we made it, held open so that it is known again when its name is another's. */
  #made: number | null = null;

  /** @throws Error for a folder whose path has a space, which it cannot read a command file in */
  constructor(folder: WorkFolder) {
    if (/\s/.test(folder.inside))
      throw new Error(`it cannot read a command file in ${folder.inside}: there is a space in the path`);
    this.#folder = folder;
  }

  /** A new one for the next run. @returns its absolute path */
  async fresh(): Promise<string> {
    this.#letGo();
    this.#runs += 1;
    this.#name = `commands-${this.#runs}.log`;
    const file = await this.#folder.put(this.#name, '');
    this.#made = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return file;
  }

  /**
   * Waits until the run that was given the newest file reads its commands.
   * @param up milliseconds
   * @throws Error when it did not
   */
  async cameUp(run: Running, up: number): Promise<void> {
    const file = path.join(this.#folder.inside, this.#name);
    try {
      for (let waited = 0; waited < up; waited += LOOK) {
        if (!run.running)
          return await livesFor(run, 0, SWIFT_DIALOG, (code) => code !== null && DIALOG_SEEN.includes(code));
        if (this.#made !== null && fstatSync(this.#made).nlink === 0 && existsSync(file)) return;
        await sleep(LOOK);
      }
      throw new Error(`${SWIFT_DIALOG} did not begin to read its commands in time`);
    } finally {
      this.#letGo();
    }
  }

  /** Tells the newest run something, one command a line. @throws Error when its file is not what it should be */
  async tell(commands: readonly string[]): Promise<void> {
    await this.#folder.append(this.#name, commands.map((line) => `${line}\n`).join(''));
  }

  #letGo(): void {
    if (this.#made !== null) closeSync(this.#made);
    this.#made = null;
  }
}

/** A text in one line that is none of swiftDialog's own marks: `\\n` for a new line, `<br>`, `none` for nothing at all. */
export function asLine(text: string): string {
  const line = oneLine(text).replaceAll('\\', '\u2216').replaceAll('<', '\u2039');
  return /^(?:none|hide|show|clear|reset|disable|enable)?$/i.test(line) ? `${line}\u200b` : line;
}

/** A text in one line as a message: no Markdown, which would fetch images; no `+ ` for more; no name of a file to be read. */
export function asMessage(text: string): string {
  const line = asLine(text).replaceAll(/[`*_{}[\]()#!>|~]/g, '\\$&');
  const guarded = /^[+-]/.test(line) ? `\u200b${line}` : line;
  return /\.md$/i.test(guarded) ? `${guarded}\u200b` : guarded;
}
