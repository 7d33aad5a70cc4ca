import { closeSync, constants, fstatSync, lstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from './make-folder.ts';

export interface LogFileOptions {
  /** On the host. */
  file: string;
  /** Bytes after which a new file is begun. */
  most: number;
  /** Full files that are kept, as `FILE.1` (the newest) and so on. */
  keep: number;
}

/**
 * A log that several processes may write into at once: each line goes in one piece, to the end. A link in its place is refused,
 * for root would write wherever it leads. What cannot be written is lost, and nothing else.
 */
export class LogFile {
  readonly #descriptor: number;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** @throws the system's error when it cannot be opened */
  static open({ file, most, keep }: LogFileOptions): LogFile {
    makeFolder(path.dirname(file), 0o755);
    const size = lstatSync(file, { throwIfNoEntry: false })?.size ?? 0;
    if (size >= most) rotate(file, keep);
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
    const descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644);
    if (fstatSync(descriptor).isFile()) return new LogFile(descriptor);
    closeSync(descriptor);
    throw new Error(`${file} is no plain file`);
  }

  /** @param line without its end */
  write(line: string): void {
    try {
      writeSync(this.#descriptor, `${line}\n`);
    } catch {
      // A full disk must not stop a run.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** From the oldest on, so that a cut loses none but the one that was to go. */
function rotate(file: string, keep: number): void {
  rmSync(`${file}.${keep}`, { force: true });
  for (let number = keep - 1; number >= 1; number -= 1) renameIfThere(`${file}.${number}`, `${file}.${number + 1}`);
  if (keep > 0) renameIfThere(file, `${file}.1`);
  else rmSync(file, { force: true });
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another process may have been faster.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
