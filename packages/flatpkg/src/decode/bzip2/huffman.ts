import { damaged, type FlatpkgError } from '../../errors.ts';
import type { BitInput } from './input.ts';

const TABLES = 6;
const SYMBOLS = 258;
const LONGEST = 20;
const LOOKUP_BITS = 10;

/** The Huffman tables of one block. A code is found as `symbol << 5 | length`. */
export class HuffmanTables {
  /** By table and the next 10 bits: the code these begin with; 0 when it is longer, or there is none. */
  readonly lookup: Uint16Array = new Uint16Array(TABLES << LOOKUP_BITS);
  readonly #member: string;
  readonly #lengths = new Uint8Array(SYMBOLS);
  // By table and length: where codes of this length end, in units of 20 bits, and where they begin in #symbols.
  readonly #ends = new Int32Array(TABLES * (LONGEST + 1));
  readonly #offsets = new Int32Array(TABLES * (LONGEST + 1));
  // By table: symbols in the order of their codes.
  readonly #symbols = new Uint16Array(TABLES * SYMBOLS);

  constructor(member: string) {
    this.#member = member;
  }

  /** Reads the code lengths of one table for `symbols` symbols, each as steps from the one before. */
  read(input: BitInput, table: number, symbols: number): void {
    const lengths = this.#lengths;
    let length = input.bits(5);
    for (let symbol = 0; symbol < symbols; symbol += 1) {
      for (;;) {
        if (length < 1 || length > LONGEST) throw this.#damaged();
        if (input.bits(1) === 0) break;
        length += input.bits(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    this.#build(table, lengths.subarray(0, symbols));
  }

  /** Finds a code longer than 10 bits at the start of the next 20. */
  findLong(table: number, bits: number): number {
    const base = table * (LONGEST + 1);
    for (let length = LOOKUP_BITS + 1; length <= LONGEST; length += 1) {
      if (bits >= (this.#ends[base + length] as number)) continue;
      const before = this.#ends[base + length - 1] as number;
      const place = (this.#offsets[base + length] as number) + ((bits - before) >>> (LONGEST - length));
      return ((this.#symbols[table * SYMBOLS + place] as number) << 5) | length;
    }
    throw this.#damaged();
  }

  /** Codes count up from zero, the shorter ones first, symbols of one length in their own order. */
  #build(table: number, lengths: Uint8Array): void {
    const lookup = this.lookup.subarray(table << LOOKUP_BITS, (table + 1) << LOOKUP_BITS);
    lookup.fill(0);
    let end = 0;
    let place = 0;
    for (let length = 1; length <= LONGEST; length += 1) {
      const units = 1 << (LONGEST - length);
      this.#offsets[table * (LONGEST + 1) + length] = place;
      for (let symbol = 0; symbol < lengths.length; symbol += 1) {
        if (lengths[symbol] !== length) continue;
        this.#symbols[table * SYMBOLS + place] = symbol;
        place += 1;
        if (length <= LOOKUP_BITS) {
          const shift = LONGEST - LOOKUP_BITS;
          lookup.fill((symbol << 5) | length, end >>> shift, (end + units) >>> shift);
        }
        end += units;
      }
      if (end > 1 << LONGEST) throw this.#damaged();
      this.#ends[table * (LONGEST + 1) + length] = end;
    }
  }

  #damaged(): FlatpkgError {
    return damaged('PAYLOAD_BZIP2', 'has a damaged bzip2 block (codes)', this.#member);
  }
}
