import { crc32 } from 'node:zlib';
import { damaged, type FlatpkgError, unsupported } from '../../errors.ts';

const MAGIC = '\xfd7zXZ\0';
const LZMA2 = 0x21;
/**
 * The decoder never gives memory back, and what it freed it hardly uses again for another size: dictionaries of many
 * sizes would add up. Any dictionary may be larger than it says, so there are but two: 8 MiB, which nearly all data
 * asks for, and 64 MiB. In the units of a block header (see `dictionarySize`).
 */
const DICTIONARIES = [22, 28];
const LONGEST_NUMBER = 9;

const CHECK_SIZES = new Map([
  [0, 0],
  [1, 4],
  [4, 8],
]);
const OTHER_CHECKS = new Map([[10, 'SHA-256 checks']]);
const OTHER_FILTERS = new Map([
  [3, 'the delta filter'],
  [4, 'the BCJ filter for x86'],
  [5, 'the BCJ filter for PowerPC'],
  [6, 'the BCJ filter for IA-64'],
  [7, 'the BCJ filter for ARM'],
  [8, 'the BCJ filter for ARM-Thumb'],
  [9, 'the BCJ filter for SPARC'],
  [10, 'the BCJ filter for ARM64'],
  [11, 'the BCJ filter for RISC-V'],
]);

/** Asks for a number of bytes and is given them, to read or change, until it asks again. */
type Parser<Result = void> = Generator<number, Result, Buffer>;

/**
 * Follows the layout of one xz stream while its bytes go by, without decoding anything: finds where the stream ends
 * and how much it holds, refuses what the decoder cannot do, by its name and before the decoder sees it, and levels
 * the sizes of dictionaries. Whether checks and index are right is left to the decoder.
 */
export class XzLayout {
  /** Bytes that the part of the stream seen so far decodes to. */
  uncompressed = 0;
  /** Whether the last byte of the stream has been seen. */
  ended = false;
  readonly #member: string;
  readonly #parser: Parser;
  // The largest thing to be looked at in one go is a block header.
  readonly #gathered = Buffer.alloc(1024);
  #have = 0;
  #want: number;
  // Bytes to pass over before gathering goes on.
  #skip = 0;

  constructor(member: string) {
    this.#member = member;
    this.#parser = this.#stream();
    this.#want = this.#parser.next().value as number;
  }

  /**
   * Follows the next bytes. Returns how many of them belong to the stream, and what the decoder is to be given; the
   * start of a field waits there for its end. Throws FlatpkgError.
   */
  follow(piece: Buffer): { used: number; bytes: Buffer } {
    const bytes = Buffer.allocUnsafe(this.#have + piece.length);
    let length = 0;
    let at = 0;
    while (at < piece.length && !this.ended) {
      if (this.#skip > 0) {
        const skipped = piece.copy(bytes, length, at, at + this.#skip);
        this.#skip -= skipped;
        at += skipped;
        length += skipped;
        continue;
      }
      const count = piece.copy(this.#gathered, this.#have, at, at + this.#want - this.#have);
      this.#have += count;
      at += count;
      if (this.#have < this.#want) continue;
      const field = this.#gathered.subarray(0, this.#want);
      this.#step(field);
      length += field.copy(bytes, length);
    }
    return { used: at, bytes: bytes.subarray(0, length) };
  }

  #step(field: Buffer): void {
    const { done, value } = this.#parser.next(field);
    this.#have = 0;
    if (done === true) this.ended = true;
    else this.#want = value;
  }

  *#stream(): Parser {
    const header = yield 12;
    if (header.toString('latin1', 0, 6) !== MAGIC) throw this.#damaged('has other bytes where xz data should begin');
    if (crc32(header.subarray(6, 8)) !== header.readUInt32LE(8)) throw this.#damaged('has a damaged xz header');
    const check = header.readUInt16BE(6);
    const checkSize = CHECK_SIZES.get(check);
    if (checkSize === undefined) throw this.#unsupported(OTHER_CHECKS.get(check) ?? `checks of type ${check}`);
    let blocks = 0;
    for (;;) {
      const first = (yield 1).readUInt8(0);
      if (first === 0) break;
      yield* this.#blockHeader(first);
      const packed = yield* this.#chunks();
      this.#skip = padding(packed) + checkSize;
      blocks += 1;
    }
    yield* this.#index(blocks);
    yield 12;
  }

  *#blockHeader(first: number): Parser {
    const rest = yield first * 4 + 3;
    const end = rest.length - 4;
    const checksum = () => crc32(rest.subarray(0, end), crc32(Buffer.of(first)));
    if (checksum() !== rest.readUInt32LE(end)) throw this.#damaged('has a damaged xz block header');
    const flags = rest.readUInt8(0);
    if ((flags & 0x3c) !== 0) throw this.#unsupported('block flags from the future');
    const fields = new Fields(rest.subarray(1, end));
    if ((flags & 0x40) !== 0) fields.number();
    if ((flags & 0x80) !== 0) fields.number();
    const filter = fields.number();
    const properties = fields.bytes(fields.number());
    // With several filters LZMA2 is the last.
    if (filter !== LZMA2) throw this.#unsupported(OTHER_FILTERS.get(filter) ?? `a filter of type ${filter}`);
    const dictionary = properties[0];
    if ((flags & 0x03) !== 0 || properties.length !== 1 || dictionary === undefined || dictionary > 40) {
      throw this.#damaged('has an impossible xz block header');
    }
    const level = DICTIONARIES.find((larger) => dictionary <= larger);
    if (level === undefined) {
      throw this.#unsupported(`a dictionary of ${dictionarySize(dictionary) / 2 ** 20} MiB (64 are the most)`);
    }
    properties[0] = level;
    rest.writeUInt32LE(checksum(), end);
  }

  /** The chunks of LZMA2 data: only their headers are looked at. Returns the length of all. */
  *#chunks(): Parser<number> {
    let packed = 0;
    for (;;) {
      const control = (yield 1).readUInt8(0);
      packed += 1;
      if (control === 0) return packed;
      if (control > 2 && control < 0x80) throw this.#damaged('has a damaged LZMA2 chunk');
      const compressed = control >= 0x80;
      const sizes = yield !compressed ? 2 : control >= 0xc0 ? 5 : 4;
      this.uncompressed += ((compressed ? control & 0x1f : 0) << 16) + sizes.readUInt16BE(0) + 1;
      this.#skip = sizes.readUInt16BE(compressed ? 2 : 0) + 1;
      packed += sizes.length + this.#skip;
    }
  }

  *#index(blocks: number): Parser {
    // Its first byte, zero, has been read.
    let length = 1;
    let records = 0;
    for (let number = 0; number <= 2 * blocks; number += 1) {
      let value = 0;
      for (let digit = 0; ; digit += 1) {
        if (digit === LONGEST_NUMBER) throw this.#damaged('has a damaged xz index');
        const byte = (yield 1).readUInt8(0);
        length += 1;
        value += (byte & 0x7f) * 2 ** (7 * digit);
        if (byte < 0x80) break;
      }
      if (number === 0) records = value;
      if (records !== blocks) throw this.#damaged('has an xz index that does not fit its blocks');
    }
    this.#skip = padding(length) + 4;
  }

  #damaged(text: string): FlatpkgError {
    return damaged('PAYLOAD_XZ', text, this.#member);
  }

  #unsupported(what: string): FlatpkgError {
    return unsupported('PAYLOAD_ENCODING', `the xz data uses ${what}: it needs macOS or xz`, this.#member);
  }
}

/** Reads the fields of a block header; past its end there are zeros, which are never right. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let digit = 0; digit < LONGEST_NUMBER; digit += 1) {
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** (7 * digit);
      if (byte < 0x80) break;
    }
    return value;
  }

  bytes(count: number): Buffer {
    const start = this.#at;
    this.#at += count;
    return this.#bytes.subarray(start, this.#at);
  }
}

/** The size in bytes that an entry in a block header stands for; the largest, 40, falls one byte short of it. */
function dictionarySize(entry: number): number {
  return (2 + (entry % 2)) * 2 ** (Math.floor(entry / 2) + 11);
}

/** Parts of an xz stream are padded to four bytes. */
function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}
