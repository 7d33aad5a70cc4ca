import { CRC_TABLE } from '../../cksum.ts';
import { damaged, type FlatpkgError, unsupported } from '../../errors.ts';
import { HuffmanTables } from './huffman.ts';
import type { BitInput } from './input.ts';

const LARGEST_BLOCK = 900_000;
// Every selector stands for 50 symbols. Some writers leave more selectors than any block can use.
const GROUP = 50;
const MOST_SELECTORS = Math.ceil((LARGEST_BLOCK + 1) / GROUP);

/**
 * One block at a time: `read` undoes Huffman codes, move-to-front and sorting, all at once; `write` then follows the
 * sorted block and undoes the run lengths, as much of it as there is room for.
 */
export class Bzip2Block {
  /** The checksum the block is said to have; compared when `done` becomes true. */
  crc = 0;
  /** Whether everything was written. */
  done = true;
  readonly #member: string;
  readonly #tables: HuffmanTables;
  readonly #selectors = new Uint8Array(MOST_SELECTORS);
  // Bytes by how lately they were used.
  readonly #recent = new Uint8Array(256);
  readonly #counts = new Int32Array(256);
  // Low byte: the byte at this place of the sorted block. The rest, once linked: the place of the byte that follows.
  #links = new Int32Array(0);
  #length = 0;
  // What `write` goes on with: links left, the next link, the last byte and how often it came, copies still to write.
  #left = 0;
  #at = 0;
  #last = 0;
  #run = 0;
  #copies = 0;
  #actualCrc = 0;

  constructor(member: string) {
    this.#member = member;
    this.#tables = new HuffmanTables(member);
  }

  /** Reads a block of at most `limit` bytes from behind its magic. Throws FlatpkgError. */
  read(input: BitInput, limit: number): void {
    this.crc = input.word();
    if (input.bits(1) === 1) {
      throw unsupported('PAYLOAD_ENCODING', 'randomised bzip2 blocks (bzip2 0.9.0 and older) need bzip2', this.#member);
    }
    const origin = input.bits(24);
    const inUse = this.#readBytesInUse(input);
    const tables = input.bits(3);
    if (tables < 2 || tables > 6) throw this.#damaged('tables');
    const selectors = this.#readSelectors(input, tables);
    for (let table = 0; table < tables; table += 1) this.#tables.read(input, table, inUse + 2);
    if (this.#links.length < limit) this.#links = new Int32Array(limit);
    this.#readSymbols(input, inUse + 1, selectors, limit);
    if (origin >= this.#length) throw this.#damaged('origin');
    this.#link();
    this.#at = (this.#links[origin] as number) >>> 8;
    this.#left = this.#length;
    this.#run = 0;
    this.#copies = 0;
    this.#actualCrc = -1;
    this.done = false;
  }

  /** Fills `out` from `start` on; returns the end of what was written. Throws FlatpkgError for a wrong checksum. */
  write(out: Buffer, start: number): number {
    const links = this.#links;
    const table = CRC_TABLE;
    const room = out.length;
    let used = start;
    let left = this.#left;
    let at = this.#at;
    let last = this.#last;
    let run = this.#run;
    let copies = this.#copies;
    let crc = this.#actualCrc;
    for (;;) {
      if (copies > 0) {
        const end = Math.min(used + copies, room);
        copies -= end - used;
        for (; used < end; used += 1) {
          out[used] = last;
          crc = (crc << 8) ^ (table[(crc >>> 24) ^ last] as number);
        }
      }
      while (left > 0 && used < room) {
        const link = links[at] as number;
        const byte = link & 0xff;
        at = link >>> 8;
        left -= 1;
        if (run === 4) {
          run = 0;
          copies = byte;
          break;
        }
        run = byte === last ? run + 1 : 1;
        last = byte;
        out[used] = byte;
        used += 1;
        crc = (crc << 8) ^ (table[(crc >>> 24) ^ byte] as number);
      }
      if (used === room || (left === 0 && copies === 0)) break;
    }
    this.#left = left;
    this.#at = at;
    this.#last = last;
    this.#run = run;
    this.#copies = copies;
    this.#actualCrc = crc;
    if (left === 0 && copies === 0) this.#finish();
    return used;
  }

  #finish(): void {
    if (this.#run === 4) throw this.#damaged('run');
    if (~this.#actualCrc !== this.crc) throw this.#damaged('checksum');
    this.done = true;
  }

  /** Lists the bytes that occur, in two levels of bits. Returns how many. */
  #readBytesInUse(input: BitInput): number {
    const ranges = input.bits(16);
    let count = 0;
    for (let range = 0; range < 16; range += 1) {
      if ((ranges & (0x8000 >>> range)) === 0) continue;
      const bytes = input.bits(16);
      for (let byte = 0; byte < 16; byte += 1) {
        if ((bytes & (0x8000 >>> byte)) === 0) continue;
        this.#recent[count] = range * 16 + byte;
        count += 1;
      }
    }
    if (count === 0) throw this.#damaged('byte list');
    return count;
  }

  /** Which table each group of symbols uses: places in a list of lately used tables, in unary. Returns how many. */
  #readSelectors(input: BitInput, tables: number): number {
    const count = input.bits(15);
    if (count === 0) throw this.#damaged('selectors');
    const recent = [0, 1, 2, 3, 4, 5];
    for (let selector = 0; selector < count; selector += 1) {
      let place = 0;
      while (input.bits(1) === 1) {
        place += 1;
        if (place >= tables) throw this.#damaged('selectors');
      }
      const table = recent[place] as number;
      recent.copyWithin(1, 0, place);
      recent[0] = table;
      if (selector < MOST_SELECTORS) this.#selectors[selector] = table;
    }
    return Math.min(count, MOST_SELECTORS);
  }

  /** The hot loop. Symbols 0 and 1 are digits of a run length, those up to `end` places in the list of recent bytes. */
  #readSymbols(input: BitInput, end: number, selectors: number, limit: number): void {
    const { bytes, limit: bitLimit } = input;
    const { lookup } = this.#tables;
    const links = this.#links;
    const recent = this.#recent;
    const counts = this.#counts.fill(0);
    let length = 0;
    let digit = 1;
    let group = 0;
    let groupLeft = 0;
    let table = 0;
    // Bits not used yet are the lowest `count` of `bits`.
    let at = (input.position >>> 3) + 1;
    let bits = bytes[at - 1] as number;
    let count = 8 - (input.position & 7);
    let run = 0;
    for (;;) {
      if (groupLeft === 0) {
        if (group === selectors) throw this.#damaged('selectors');
        if (at * 8 - count > bitLimit) throw input.truncated();
        table = this.#selectors[group] as number;
        group += 1;
        groupLeft = GROUP;
      }
      groupLeft -= 1;
      if (count < 16) {
        bits = (bits << 16) | ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
        at += 2;
        count += 16;
      }
      let entry = lookup[(table << 10) | ((bits >>> (count - 10)) & 0x3ff)] as number;
      if (entry === 0) {
        if (count < 20) {
          bits = (bits << 8) | (bytes[at] as number);
          at += 1;
          count += 8;
        }
        entry = this.#tables.findLong(table, (bits >>> (count - 20)) & 0xfffff);
      }
      count -= entry & 31;
      const symbol = entry >>> 5;
      if (symbol <= 1) {
        run += digit << symbol;
        digit <<= 1;
        if (run > limit) throw this.#damaged('run');
        continue;
      }
      if (run > 0) {
        if (length + run > limit) throw this.#damaged('length');
        const byte = recent[0] as number;
        counts[byte] = (counts[byte] as number) + run;
        if (run < 32) for (const stop = length + run; length < stop; length += 1) links[length] = byte;
        else {
          links.fill(byte, length, length + run);
          length += run;
        }
        run = 0;
        digit = 1;
      }
      if (symbol === end) break;
      if (length === limit) throw this.#damaged('length');
      const place = symbol - 1;
      const byte = recent[place] as number;
      if (place < 24) for (let move = place; move > 0; move -= 1) recent[move] = recent[move - 1] as number;
      else recent.copyWithin(1, 0, place);
      recent[0] = byte;
      counts[byte] = (counts[byte] as number) + 1;
      links[length] = byte;
      length += 1;
    }
    input.position = at * 8 - count;
    if (input.position > bitLimit) throw input.truncated();
    this.#length = length;
  }

  /** Undoes the sorting: the byte that follows the n-th occurrence of a byte is where the n-th of its rotations is. */
  #link(): void {
    const links = this.#links;
    const next = this.#counts;
    const length = this.#length;
    let sum = 0;
    for (let byte = 0; byte < 256; byte += 1) {
      const count = next[byte] as number;
      next[byte] = sum;
      sum += count;
    }
    for (let index = 0; index < length; index += 1) {
      const byte = (links[index] as number) & 0xff;
      const place = next[byte] as number;
      next[byte] = place + 1;
      links[place] = (links[place] as number) | (index << 8);
    }
  }

  #damaged(what: string): FlatpkgError {
    return damaged('PAYLOAD_BZIP2', `has a damaged bzip2 block (${what})`, this.#member);
  }
}
