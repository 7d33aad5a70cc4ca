import { damaged } from '../../errors.ts';
import type { PieceReader } from '../pieces.ts';

/**
 * No block takes more compressed bytes than this: its symbols are at most one more than its 900 000 bytes, of at most
 * 20 bits; selectors and code lengths take far less than the rest.
 */
const LARGEST_BLOCK = 2.5 * 1024 * 1024;
const SMALLEST_CAPACITY = 128 * 1024;
const LARGEST_CAPACITY = 2 * LARGEST_BLOCK;
// The decoding loop looks this far beyond the end before it notices.
const SLACK = 1024;

/** Bits of a bzip2 payload, most significant first, in a window that always holds the whole of the next block. */
export class BitInput {
  /** The window, some bytes longer than what may be in it. */
  bytes: Uint8Array = new Uint8Array(SMALLEST_CAPACITY + SLACK);
  /** Bits of the window that were read. */
  position = 0;
  readonly #pieces: PieceReader;
  readonly #member: string;
  // Bytes in the window.
  #end = 0;
  #ended = false;

  constructor(pieces: PieceReader, member: string) {
    this.#pieces = pieces;
    this.#member = member;
  }

  /** Makes sure that the next block is in the window as a whole, or everything up to the end. */
  async fill(): Promise<void> {
    while (!this.#ended && this.#end - this.#start < LARGEST_BLOCK) {
      const piece = await this.#pieces.next();
      if (piece === null) {
        this.#ended = true;
        return;
      }
      if (piece.length > this.#room) this.#makeRoom(piece.length);
      const part = piece.subarray(0, this.#room);
      this.bytes.set(part, this.#end);
      this.#end += part.length;
      if (part.length < piece.length) this.#pieces.unread(piece.subarray(part.length));
    }
  }

  /** Bits in the window, read or not. */
  get limit(): number {
    return this.#end * 8;
  }

  /** Reads up to 24 bits. Throws FlatpkgError when there are fewer. */
  bits(count: number): number {
    const at = this.position >>> 3;
    const shift = 32 - count - (this.position & 7);
    this.position += count;
    if (this.position > this.limit) throw this.truncated();
    const { bytes } = this;
    const word =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number);
    return (word >>> shift) & ((1 << count) - 1);
  }

  /** Reads 32 bits as a signed number. */
  word(): number {
    return (this.bits(16) << 16) | this.bits(16);
  }

  /** Passes over what is left of a byte, then over zeros. Returns whether anything follows. */
  async skipZeros(): Promise<boolean> {
    let at = (this.position + 7) >>> 3;
    for (;;) {
      while (at < this.#end && this.bytes[at] === 0) at += 1;
      this.position = at * 8;
      if (at < this.#end) return true;
      if (this.#ended) return false;
      await this.fill();
      at = this.#start;
    }
  }

  truncated(): Error {
    const text = this.#ended ? 'ends inside its bzip2 data' : 'has a bzip2 block that does not end';
    return damaged('PAYLOAD_BZIP2', text, this.#member);
  }

  get #start(): number {
    return this.position >>> 3;
  }

  get #room(): number {
    return this.bytes.length - SLACK - this.#end;
  }

  /** Moves what was not read yet to the start of the window, or of a larger one. */
  #makeRoom(wanted: number): void {
    const start = this.#start;
    const kept = this.bytes.subarray(start, this.#end);
    // Twice what is needed: there has to be room for many pieces before everything is moved again.
    const capacity = Math.min(2 * (kept.length + wanted), LARGEST_CAPACITY) + SLACK;
    if (capacity > this.bytes.length) this.bytes = new Uint8Array(capacity);
    this.bytes.set(kept);
    this.#end = kept.length;
    this.position -= start * 8;
  }
}
