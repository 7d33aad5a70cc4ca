import { close, closeSync, fsync, fsyncSync } from 'node:fs';
import { asIoError } from '../errors.ts';

const MAX_WAITING = 128;

/**
 * Flushes written files to the disk in the background and closes them. What was not flushed could be empty after a power
 * cut although its name is there.
 */
export class SyncQueue {
  #waiting = 0;
  #failure: unknown = null;
  #whenEmpty: (() => void) | null = null;

  /** Takes over the descriptor. Many small files in one breath are flushed at once, so that descriptors do not run out. */
  add(fd: number): void {
    if (this.#waiting >= MAX_WAITING) {
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      return;
    }
    this.#waiting += 1;
    fsync(fd, (error) => {
      this.#failure ??= error;
      close(fd, (closeError) => {
        this.#failure ??= closeError;
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#whenEmpty?.();
      });
    });
  }

  /** Resolves when every descriptor is closed, whether flushed or not. */
  async settled(): Promise<void> {
    if (this.#waiting === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  /** Waits for all, and throws when one could not be flushed. */
  async drain(): Promise<void> {
    await this.settled();
    if (this.#failure !== null) throw asIoError(this.#failure, 'writing the staged files');
  }
}
