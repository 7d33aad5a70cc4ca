const NOTHING = Buffer.alloc(0);

/** Reads a stream of pieces by count: looks ahead, takes exact sizes, takes back what was too much. */
export class PieceReader {
  readonly #source: AsyncGenerator<Buffer, void, undefined>;
  // Read from the source and not taken yet.
  #ahead: Buffer = NOTHING;

  constructor(source: AsyncGenerator<Buffer, void, undefined>) {
    this.#source = source;
  }

  /** The next bytes in whatever size they come, at least one; null at the end. */
  async next(): Promise<Buffer | null> {
    const ahead = this.#ahead;
    this.#ahead = NOTHING;
    if (ahead.length > 0) return ahead;
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done === true) return null;
      if (value.length > 0) return value;
    }
  }

  /** Puts back the end of the piece that `next` returned last. */
  unread(rest: Buffer): void {
    this.#ahead = rest;
  }

  /** The next `bytes` bytes, which stay to be read; fewer at the end. For headers: what it returns may be a copy. */
  async peek(bytes: number): Promise<Buffer> {
    while (this.#ahead.length < bytes) {
      const ahead = this.#ahead;
      this.#ahead = NOTHING;
      const more = await this.next();
      this.#ahead = more === null || ahead.length === 0 ? (more ?? ahead) : Buffer.concat([ahead, more]);
      if (more === null) break;
    }
    return this.#ahead.subarray(0, bytes);
  }

  /** Like `peek`, but the bytes are taken. */
  async take(bytes: number): Promise<Buffer> {
    const taken = await this.peek(bytes);
    this.#ahead = this.#ahead.subarray(taken.length);
    return taken;
  }

  /** Everything that is left, piece by piece. */
  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    for (let piece = await this.next(); piece !== null; piece = await this.next()) yield piece;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.#source.return();
  }
}
