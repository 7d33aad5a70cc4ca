import { damaged, type FlatpkgError, printable } from '../errors.ts';
import { decodeUtf8, MAX_PATH_BYTES } from '../names.ts';
import { type CpioEntry, type CpioFormat, type CpioHeaderFields, cpioFormatOf, MAGIC_SIZE } from './formats.ts';

/** Called in the order of the archive; `data` zero or more times between `begin` and `end`. */
export interface CpioSink {
  begin(entry: CpioEntry): void;
  data(piece: Buffer): void;
  end(): void;
}

const TRAILER = 'TRAILER!!!';
// "./" before the longest path, the NUL after it.
const MAX_STORED_NAME = MAX_PATH_BYTES + 3;
const MAX_PADDING = 3;
const TYPE_BITS = 0o170000;
const REGULAR_FILE = 0o100000;

/**
 * Reads a cpio archive pushed in pieces of any size, handing entries and data on without keeping them. The first header
 * tells the format: portable ASCII ("odc"), SVR4 ("newc", "crc") or old binary of either byte order. Throws
 * FlatpkgError `damaged` for anything that is not exactly such an archive.
 */
export class CpioReader {
  /** Bytes other than zeros after the end entry. */
  trailing = 0;
  readonly #sink: CpioSink;
  readonly #member: string;
  #format: CpioFormat | null = null;
  // Collects a header, then a name, when they do not lie in one piece; larger than any header.
  readonly #held = Buffer.allocUnsafeSlow(MAX_STORED_NAME + MAX_PADDING);
  #heldLength = 0;
  #state: 'magic' | 'header' | 'name' | 'data' | 'padding' | 'done' = 'magic';
  #header: CpioHeaderFields | null = null;
  // Bytes still to come in this state, those held included.
  #wanted = MAGIC_SIZE;
  #sum = 0;

  constructor(sink: CpioSink, member: string) {
    this.#sink = sink;
    this.#member = member;
  }

  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#state === 'done') {
        this.#countTrailing(piece.subarray(at));
        return;
      }
      if (this.#state === 'data' || this.#state === 'padding') {
        const part = piece.subarray(at, at + this.#wanted);
        at += part.length;
        this.#wanted -= part.length;
        if (this.#state === 'data') this.#takeData(part);
        else if (this.#wanted === 0) this.#expectHeader();
        continue;
      }
      const missing = this.#wanted - this.#heldLength;
      if (this.#heldLength === 0 && piece.length - at >= missing) {
        this.#take(piece.subarray(at, at + missing));
        at += missing;
        continue;
      }
      const part = piece.subarray(at, at + missing);
      part.copy(this.#held, this.#heldLength);
      this.#heldLength += part.length;
      at += part.length;
      if (this.#heldLength === this.#wanted) {
        this.#heldLength = 0;
        this.#take(this.#held.subarray(0, this.#wanted));
      }
    }
  }

  /** To be called after the last piece. Throws when the archive was cut short. */
  finish(): void {
    if (this.#state !== 'done') throw damaged('CPIO_TRUNCATED', 'the archive ends before its end entry', this.#member);
  }

  #take(bytes: Buffer): void {
    if (this.#state === 'magic') this.#takeMagic(bytes);
    else if (this.#state === 'header') this.#takeHeader(bytes);
    else this.#takeName(bytes);
  }

  /** The first bytes of all say how long the rest of the header is. */
  #takeMagic(bytes: Buffer): void {
    this.#format = cpioFormatOf(bytes);
    if (this.#format === null) throw this.#wrongMagic(bytes);
    this.#expectHeader();
    bytes.copy(this.#held);
    this.#heldLength = bytes.length;
  }

  #takeHeader(bytes: Buffer): void {
    const format = this.#format as CpioFormat;
    if (!format.matches(bytes)) throw this.#wrongMagic(bytes);
    const header = format.parse(bytes, this.#member);
    const { nameSize } = header;
    if (nameSize < 1 || nameSize > MAX_STORED_NAME) {
      throw damaged('CPIO_NAME', `a name of ${nameSize} bytes is empty or too long`, this.#member);
    }
    this.#header = header;
    this.#state = 'name';
    this.#wanted = nameSize + this.#padding(format.headerSize + nameSize);
  }

  #takeName(padded: Buffer): void {
    const header = this.#header as CpioHeaderFields;
    const bytes = padded.subarray(0, header.nameSize);
    if (bytes.indexOf(0) !== bytes.length - 1) {
      throw damaged('CPIO_NAME', 'a name has a NUL inside or none at its end', this.#member);
    }
    const name = decodeUtf8(bytes.subarray(0, -1));
    if (name === null) {
      const shown = printable(bytes.toString('latin1', 0, Math.min(bytes.length - 1, 200)));
      throw damaged('CPIO_NAME', `a name is not valid UTF-8 (as Latin-1: "${shown}")`, this.#member);
    }
    header.name = name;
    if (name === TRAILER) {
      if (header.size !== 0) throw damaged('CPIO_TRAILER', 'the end entry has data', this.#member);
      this.#state = 'done';
      return;
    }
    this.#sink.begin(header);
    this.#sum = 0;
    this.#state = 'data';
    this.#wanted = header.size;
    if (header.size === 0) this.#endEntry(header);
  }

  #takeData(part: Buffer): void {
    const header = this.#header as CpioHeaderFields;
    if (header.check !== null) this.#sum = addBytes(this.#sum, part);
    this.#sink.data(part);
    if (this.#wanted === 0) this.#endEntry(header);
  }

  #endEntry(header: CpioHeaderFields): void {
    if (header.check !== null && header.check !== this.#sum && isChecked(header)) {
      throw damaged('CPIO_CHECK', `the data of "${printable(header.name)}" do not add up to their check`, this.#member);
    }
    this.#sink.end();
    this.#wanted = this.#padding(header.size);
    if (this.#wanted === 0) this.#expectHeader();
    else this.#state = 'padding';
  }

  #expectHeader(): void {
    const { headerSize } = this.#format as CpioFormat;
    this.#header = null;
    this.#state = 'header';
    this.#wanted = headerSize;
  }

  /** Bytes that fill `length` up to a multiple of the format's alignment. What they hold means nothing. */
  #padding(length: number): number {
    const { align } = this.#format as CpioFormat;
    return (align - (length % align)) % align;
  }

  // Archives are padded with zeros to whole blocks; anything else after the end entry is worth a word.
  #countTrailing(bytes: Buffer): void {
    for (let index = 0; index < bytes.length; index += 1) if (bytes[index] !== 0) this.trailing += 1;
  }

  #wrongMagic(bytes: Buffer): FlatpkgError {
    if (this.#format !== null && cpioFormatOf(bytes) !== null) {
      return damaged('CPIO_FORMAT', 'the archive changes from one cpio format to another', this.#member);
    }
    const found = printable(bytes.toString('latin1', 0, MAGIC_SIZE));
    return damaged('CPIO_MAGIC', `no cpio header where one should be (found "${found}")`, this.#member);
  }
}

/** Writers give a sum to regular files only, and not to each name of a file whose data are elsewhere. */
function isChecked({ mode, size, inode }: CpioHeaderFields): boolean {
  return (mode & TYPE_BITS) === REGULAR_FILE && (size > 0 || inode === null);
}

function addBytes(sum: number, bytes: Buffer): number {
  let total = sum;
  for (let index = 0; index < bytes.length; index += 1) total += bytes[index] as number;
  return total % 2 ** 32;
}
