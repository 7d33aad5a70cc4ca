import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { newestLine, readFrom, readOn, TAIL_BEGIN, type Tail } from '../rules/feed.ts';

/** Bytes read of a log at once: from its end, where it has grown by more. */
const MOST = 64 * 1024;

/** The newest line of a log that is worth showing, however the log is rotated or emptied meanwhile. */
export class LogLine {
  readonly #file: string;
  readonly #ignore: readonly string[];
  #tail: Tail = TAIL_BEGIN;

  /** @param file absolute within the root */
  constructor(root: string, file: string, ignore: readonly string[]) {
    this.#file = path.join(root, file);
    this.#ignore = ignore;
  }

  /** @returns null when there is none */
  async newest(): Promise<string | null> {
    try {
      await this.#read();
    } catch {
      // It is not there, or is being rotated: what was seen last stands.
    }
    return newestLine(this.#tail.lines, this.#ignore);
  }

  async #read(): Promise<void> {
    await using log = await open(this.#file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const about = await log.stat();
    if (!about.isFile()) return;
    const known = readFrom(this.#tail, String(about.ino), about.size);
    if (known === null) return;
    const from = Math.max(known, about.size - MOST);
    const bytes = Buffer.alloc(about.size - from);
    const { bytesRead } = await log.read(bytes, 0, bytes.length, from);
    // Begun in the middle of a line, that one is none.
    const cut = from > known ? bytes.indexOf(0x0a) + 1 : 0;
    if (from > known) this.#tail = { ...this.#tail, open: '' };
    this.#tail = readOn(this.#tail, String(about.ino), from + cut, bytes.subarray(cut, bytesRead));
  }
}
