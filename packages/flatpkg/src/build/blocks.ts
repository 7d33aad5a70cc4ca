export const BLOCK_BYTES = 256 * 1024;

/**
 * Two blocks that are filled and handed out in turn: each may be used until the block after it is handed out. Packing
 * a folder of any size so makes no garbage, and one block is compressed while the next is filled.
 */
export class Blocks {
  #current = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #other = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;

  /** Where the next bytes are to be written; never empty. */
  get room(): Buffer {
    return this.#current.subarray(this.#used);
  }

  /** Counts bytes that were written to the room. Returns the block when it is full, else null. */
  fill(bytes: number): Buffer | null {
    this.#used += bytes;
    return this.#used === BLOCK_BYTES ? this.rest() : null;
  }

  /** What the current block holds, even if it is not full. */
  rest(): Buffer {
    const block = this.#current.subarray(0, this.#used);
    [this.#current, this.#other] = [this.#other, this.#current];
    this.#used = 0;
    return block;
  }
}
