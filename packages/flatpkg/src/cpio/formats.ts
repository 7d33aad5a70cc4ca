import { damaged } from '../errors.ts';

/** One header of a cpio archive, numbers as stored. */
export interface CpioEntry {
  /** As stored (`.`, `./a`, `a`), valid UTF-8 without NUL, not yet checked further. */
  name: string;
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Bytes of data that follow. */
  size: number;
  /**
   * Names the file itself, for all its hard links the same, in formats that store its data only once. Null where every
   * entry has its own data or inode numbers mean nothing.
   */
  inode: string | null;
}

/** A header before its name is read. */
export interface CpioHeaderFields extends CpioEntry {
  /** Bytes of the name, its NUL included. */
  nameSize: number;
  /** What the data bytes add up to, modulo 2^32; null in formats without such a sum. */
  check: number | null;
}

/** How one of the cpio formats lays out an entry. */
export interface CpioFormat {
  /** Bytes of a header. */
  headerSize: number;
  /** Header and name together, and the data, are each padded to a multiple of this. */
  align: 1 | 2 | 4;
  /** True when a header starts with this format's magic. Looks at `MAGIC_SIZE` bytes. */
  matches(bytes: Buffer): boolean;
  /** Reads a whole header. Throws FlatpkgError `damaged` for what is no number. */
  parse(bytes: Buffer, member: string): CpioHeaderFields;
}

/** Bytes from the start of a header that tell its format. */
export const MAGIC_SIZE = 6;

/** The format whose magic the bytes start with; null when there is none. */
export function cpioFormatOf(bytes: Buffer): CpioFormat | null {
  return FORMATS.find((format) => format.matches(bytes)) ?? null;
}

// POSIX.1: octal text. Its inode numbers are 0 in Apple's archives and cut to 18 bits elsewhere: they name nothing.
const ODC: CpioFormat = {
  headerSize: 76,
  align: 1,
  matches: (bytes) => startsWith(bytes, '070707'),
  parse: parseOdc,
};

// SVR4: thirteen hexadecimal fields after the magic.
const NEWC: CpioFormat = {
  headerSize: 110,
  align: 4,
  matches: (bytes) => startsWith(bytes, '070701'),
  parse: (bytes, member) => parseNew(bytes, false, member),
};

// The same with a sum of the data.
const CRC: CpioFormat = {
  ...NEWC,
  matches: (bytes) => startsWith(bytes, '070702'),
  parse: (bytes, member) => parseNew(bytes, true, member),
};

// Old binary: thirteen 16 bit words in the byte order of the machine that wrote them, of two words the high one first.
const BIN_LITTLE: CpioFormat = {
  headerSize: 26,
  align: 2,
  matches: (bytes) => startsWith(bytes, '\xc7\x71'),
  parse: (bytes) => parseBinary((index) => bytes.readUInt16LE(index * 2)),
};

const BIN_BIG: CpioFormat = {
  ...BIN_LITTLE,
  matches: (bytes) => startsWith(bytes, '\x71\xc7'),
  parse: (bytes) => parseBinary((index) => bytes.readUInt16BE(index * 2)),
};

const FORMATS = [ODC, NEWC, CRC, BIN_LITTLE, BIN_BIG];

function parseOdc(bytes: Buffer, member: string): CpioHeaderFields {
  // Nothing depends on device, inode and what a special file stands for, but they have to be numbers all the same.
  for (const at of [6, 12, 42]) octal(bytes, at, 6, member);
  return {
    name: '',
    mode: octal(bytes, 18, 6, member),
    uid: octal(bytes, 24, 6, member),
    gid: octal(bytes, 30, 6, member),
    nlink: octal(bytes, 36, 6, member),
    mtime: octal(bytes, 48, 11, member),
    size: octal(bytes, 65, 11, member),
    inode: null,
    nameSize: octal(bytes, 59, 6, member),
    check: null,
  };
}

function parseNew(bytes: Buffer, hasCheck: boolean, member: string): CpioHeaderFields {
  const field = (index: number) => hex(bytes, 6 + 8 * index, member);
  const ino = field(0);
  const nlink = field(4);
  const major = field(7);
  const minor = field(8);
  // Nothing depends on the device a special file stands for, but it has to be a number all the same.
  field(9);
  field(10);
  const check = field(12);
  const named = nlink >= 2 && (ino !== 0 || major !== 0 || minor !== 0);
  return {
    name: '',
    mode: field(1),
    uid: field(2),
    gid: field(3),
    nlink,
    mtime: field(5),
    size: field(6),
    inode: named ? `${major}:${minor}:${ino}` : null,
    nameSize: field(11),
    check: hasCheck ? check : null,
  };
}

function parseBinary(word: (index: number) => number): CpioHeaderFields {
  return {
    name: '',
    mode: word(3),
    uid: word(4),
    gid: word(5),
    nlink: word(6),
    mtime: word(8) * 0x10000 + word(9),
    size: word(11) * 0x10000 + word(12),
    inode: null,
    nameSize: word(10),
    check: null,
  };
}

function startsWith(bytes: Buffer, magic: string): boolean {
  return bytes.toString('latin1', 0, magic.length) === magic;
}

function octal(bytes: Buffer, at: number, digits: number, member: string): number {
  let value = 0;
  for (let index = at; index < at + digits; index += 1) {
    const digit = (bytes[index] as number) - 0x30;
    if (digit < 0 || digit > 7) throw damaged('CPIO_NUMBER', 'a header has a bad octal number', member);
    value = value * 8 + digit;
  }
  return value;
}

function hex(bytes: Buffer, at: number, member: string): number {
  let value = 0;
  for (let index = at; index < at + 8; index += 1) value = value * 16 + hexDigit(bytes[index] as number, member);
  return value;
}

function hexDigit(code: number, member: string): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  if (letter < 0 || letter > 5) throw damaged('CPIO_NUMBER', 'a header has a bad hexadecimal number', member);
  return letter + 10;
}
