import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';

const CHUNK = 1 << 18;

/** The bytes of an open file; its errors say that the depot cannot be reached. Closes the file with itself. */
export class FileStream extends Readable {
  readonly #handle: FileHandle;
  readonly #asError: (error: unknown) => Error;

  #at: number;

  /** @param from offset of the first byte that is read */
  constructor(handle: FileHandle, asError: (error: unknown) => Error, from: number) {
    super({ highWaterMark: CHUNK });
    this.#handle = handle;
    this.#asError = asError;
    this.#at = from;
  }

  override _read(): void {
    void this.#readOn();
  }

  async #readOn(): Promise<void> {
    try {
      const { bytesRead, buffer } = await this.#handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, this.#at);
      this.#at += bytesRead;
      this.push(bytesRead === 0 ? null : buffer.subarray(0, bytesRead));
    } catch (error) {
      this.destroy(this.#asError(error));
    }
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // Nothing was written: a file that cannot be closed has lost nothing.
    const closed = () => done(error);
    this.#handle.close().then(closed, closed);
  }
}
