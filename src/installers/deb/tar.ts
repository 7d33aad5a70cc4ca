import { damaged } from './errors.ts';

/** One entry of a tar archive, its name cleaned. */
export interface TarEntry {
  /** Relative, without a leading `./`; `.` for the root itself. */
  path: string;
  type: 'file' | 'dir' | 'symlink' | 'hardlink' | 'other';
  /** Permission bits. */
  mode: number;
  /** Bytes of a file; 0 for everything else. */
  size: number;
  /** Where a link points to; of a hard link, the cleaned path of the other entry. */
  target: string | null;
  /** What a file holds, where it was asked for. */
  content: Buffer | null;
}

/** Bounds of one archive. */
export interface TarLimits {
  entries: number;
  /** Of the whole archive, decoded. */
  bytes: number;
  /** Of names and targets together: they are kept in memory. */
  nameBytes: number;
  /** Which files' content is wanted, up to how many bytes each; 0: none. */
  contentBytes: number;
}

const BLOCK = 512;
const LONG_NAME_BYTES = 4096 + BLOCK;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'dir',
  '3': 'other',
  '4': 'other',
  '6': 'other',
};

/**
 * Reads a tar archive to its end, in the forms dpkg takes: old, ustar and GNU with long names.
 * @param target names the file in errors
 * @param member names the part of it
 * @throws D3Error verificationFailed (33) for what is damaged, unsafe or beyond the limits
 */
export async function readTar(
  source: AsyncIterable<Buffer>,
  limits: TarLimits,
  target: string,
  member: string,
): Promise<TarEntry[]> {
  const reader = new TarReader(limits, (why) => damaged(target, `${member}: ${why}`));
  for await (const piece of source) reader.take(piece);
  return reader.entries();
}

/** What the bytes after a header are for. */
interface Body {
  left: number;
  padding: number;
  /** Collected; null: passed over. */
  kept: Buffer[] | null;
  done: (content: Buffer | null) => void;
}

class TarReader {
  readonly #limits: TarLimits;
  readonly #bad: (why: string) => Error;
  readonly #entries: TarEntry[] = [];
  #bytes = 0;
  #nameBytes = 0;
  #header = Buffer.alloc(0);
  #body: Body | null = null;
  #longName: string | null = null;
  #longTarget: string | null = null;
  #ended = false;

  constructor(limits: TarLimits, bad: (why: string) => Error) {
    this.#limits = limits;
    this.#bad = bad;
  }

  take(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#limits.bytes) throw this.#bad(`it unpacks to more than ${this.#limits.bytes} bytes`);
    for (let rest = piece; rest.length > 0; ) rest = this.#step(rest);
  }

  entries(): TarEntry[] {
    if (this.#body !== null || this.#header.length > 0 || this.#longName !== null || this.#longTarget !== null)
      throw this.#bad('it ends in the middle of an entry');
    if (!this.#ended) throw this.#bad('it has no end');
    return this.#entries;
  }

  #step(bytes: Buffer): Buffer {
    if (this.#ended) {
      if (bytes.some((byte) => byte !== 0)) throw this.#bad('something comes after its end');
      return bytes.subarray(bytes.length);
    }
    if (this.#body !== null) return this.#fill(this.#body, bytes);
    const wanted = BLOCK - this.#header.length;
    this.#header = Buffer.concat([this.#header, bytes.subarray(0, wanted)]);
    if (this.#header.length === BLOCK) {
      const header = this.#header;
      this.#header = Buffer.alloc(0);
      this.#begin(header);
    }
    return bytes.subarray(wanted);
  }

  #fill(body: Body, bytes: Buffer): Buffer {
    const part = bytes.subarray(0, body.left);
    body.kept?.push(Buffer.from(part));
    body.left -= part.length;
    const passed = Math.min(bytes.length - part.length, body.left === 0 ? body.padding : 0);
    body.padding -= passed;
    if (body.left === 0 && body.padding === 0) {
      this.#body = null;
      body.done(body.kept === null ? null : Buffer.concat(body.kept));
    }
    return bytes.subarray(part.length + passed);
  }

  #begin(header: Buffer): void {
    if (header.every((byte) => byte === 0)) {
      this.#ended = true;
      return;
    }
    if (checksum(header) !== number(header.subarray(148, 156))) throw this.#bad('a header has a wrong checksum');
    const size = number(header.subarray(124, 136));
    if (size === null) throw this.#bad('an entry has no sound size');
    const letter = String.fromCharCode(header[156] as number);
    if (letter === 'L' || letter === 'K') {
      this.#readLong(letter, size);
      return;
    }
    const type = TYPES[letter];
    if (type === undefined) throw this.#bad(`it has an entry of type "${/[\x21-\x7e]/.test(letter) ? letter : '?'}"`);
    this.#entry(header, type, size);
  }

  /** A name too long for a header stands before it as an entry of its own. */
  #readLong(letter: 'L' | 'K', size: number): void {
    if (size > LONG_NAME_BYTES) throw this.#bad('it has a name of more than 4096 bytes');
    if ((letter === 'L' ? this.#longName : this.#longTarget) !== null) throw this.#bad('an entry has two long names');
    this.#expect(size, true, (content) => {
      const text = this.#text(content as Buffer);
      if (letter === 'L') this.#longName = text;
      else this.#longTarget = text;
    });
  }

  #entry(header: Buffer, type: TarEntry['type'], stored: number): void {
    const size = type === 'file' ? stored : 0;
    const path = this.#path(this.#longName ?? this.#shortName(header));
    const raw = this.#longTarget ?? this.#text(header.subarray(157, 257));
    const target = type === 'hardlink' ? this.#path(raw) : type === 'symlink' ? raw : null;
    if (target === '') throw this.#bad(`${printable(path)} is a link to nowhere`);
    const mode = number(header.subarray(100, 108));
    if (mode === null) throw this.#bad(`${printable(path)} has no sound mode`);
    this.#longName = null;
    this.#longTarget = null;
    this.#nameBytes += Buffer.byteLength(path) + Buffer.byteLength(target ?? '');
    if (this.#entries.length >= this.#limits.entries)
      throw this.#bad(`it has more than ${this.#limits.entries} entries`);
    if (this.#nameBytes > this.#limits.nameBytes) throw this.#bad('its names take too much memory');
    const entry: TarEntry = { path, type, mode: mode & 0o7777, size, target, content: null };
    this.#entries.push(entry);
    this.#expect(size, type === 'file' && this.#limits.contentBytes > 0, (content) => {
      entry.content = content;
    });
  }

  #expect(size: number, keep: boolean, done: Body['done']): void {
    if (keep && size > Math.max(this.#limits.contentBytes, LONG_NAME_BYTES)) throw this.#bad('it has too large a file');
    const padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (size === 0) done(keep ? Buffer.alloc(0) : null);
    else this.#body = { left: size, padding, kept: keep ? [] : null, done };
  }

  #shortName(header: Buffer): string {
    const name = this.#text(header.subarray(0, 100));
    // In GNU's own form these bytes are something else.
    const isUstar = header.toString('latin1', 257, 263) === 'ustar\0';
    const prefix = isUstar ? this.#text(header.subarray(345, 500)) : '';
    return prefix === '' ? name : `${prefix}/${name}`;
  }

  #text(field: Buffer): string {
    const end = field.indexOf(0);
    try {
      return utf8.decode(end < 0 ? field : field.subarray(0, end));
    } catch {
      throw this.#bad('it has a name that is not UTF-8');
    }
  }

  /** Everything that could lead elsewhere is refused. */
  #path(stored: string): string {
    const parts = stored
      .replace(/^\/+/, '')
      .split('/')
      .filter((part) => part !== '' && part !== '.');
    const bad = parts.find((part) => part === '..' || Buffer.byteLength(part) > 255);
    if (bad !== undefined || stored === '') throw this.#bad(`it has the unsafe name "${printable(stored)}"`);
    const path = parts.join('/');
    if (Buffer.byteLength(path) > 4096) throw this.#bad('it has a name of more than 4096 bytes');
    return path === '' ? '.' : path;
  }
}

/** Octal text, or GNU's big-endian form for what does not fit. Null for anything else. */
function number(field: Buffer): number | null {
  if (((field[0] as number) & 0x80) !== 0) {
    let value = (field[0] as number) & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    return Number.isSafeInteger(value) ? value : null;
  }
  const text = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  return text === undefined ? null : Number.parseInt(text === '' ? '0' : text, 8);
}

/** The sum of all bytes, the checksum's own place counted as blanks. */
function checksum(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at] as number;
  return sum;
}

function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/g, '?');
}
