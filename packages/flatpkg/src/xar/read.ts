import { fstatSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { type Checksum, type ChecksumStyle, checksumStyle, hexOf, newHash } from '../checksum.ts';
import type { Container, Member } from '../container.ts';
import { damaged, printable, unsupported } from '../errors.ts';
import { readFrom } from '../fd.ts';
import type { Limits } from '../limits.ts';
import { decodeMember } from './decode.ts';
import { readToc, type XarData, type XarMember, type XarToc } from './toc.ts';

const MAGIC = 0x78617221; // "xar!"
const PLAIN_HEADER = 28;
const MAX_HEADER = 256;
const CHUNK = 1024 * 1024;

/**
 * An open xar archive whose table of contents has been verified. It reads from a file descriptor that stays the
 * caller's; everything it hands out is checked against the checksums of the table of contents.
 */
export class XarArchive implements Container {
  readonly toc: XarToc;
  /** Bytes of the whole file. */
  readonly size: number;
  /** The checksum of the table of contents, computed. */
  readonly tocHash: Buffer;
  readonly #fd: number;
  readonly #heapStart: number;
  readonly #byPath: Map<string, XarMember>;
  // Ranges whose archived checksum has been seen to be right, so that none is read twice.
  readonly #verified = new Set<string>();
  // Contents that have been read to their end and were what they should be: any number of members may share one.
  readonly #read = new Set<string>();

  private constructor(fd: number, size: number, heapStart: number, toc: XarToc, tocHash: Buffer) {
    this.tocHash = tocHash;
    this.#fd = fd;
    this.size = size;
    this.#heapStart = heapStart;
    this.toc = toc;
    this.#byPath = new Map(toc.members.map((member) => [member.path, member]));
  }

  /** Reads and verifies header and table of contents. Throws FlatpkgError. */
  static open(fd: number, limits: Limits): XarArchive {
    const { size } = fstatSync(fd);
    const header = readHeader(fd, size);
    if (header.tocLength > limits.tocBytes || header.tocSize > limits.tocBytes) {
      throw damaged('XAR_TOC_SIZE', `the table of contents is larger than ${limits.tocBytes} bytes`);
    }
    const heapStart = header.size + header.tocLength;
    if (heapStart > size) throw damaged('XAR_TRUNCATED', 'the file ends inside the table of contents');
    const compressed = readExactly(fd, header.size, header.tocLength);
    const toc = readToc(inflateExactly(compressed, header.tocSize, 'table of contents'));
    if (toc.checksum.style !== header.style) {
      throw damaged(
        'XAR_TOC_CHECKSUM',
        `the header says ${header.style}, the table of contents says ${toc.checksum.style}`,
      );
    }
    if (heapStart + toc.checksum.size > size) throw damaged('XAR_TRUNCATED', 'the file ends before the checksum');
    const stored = readExactly(fd, heapStart, toc.checksum.size).toString('hex');
    if (hexOf(header.style, compressed) !== stored) {
      throw damaged('XAR_TOC_CHECKSUM', 'the checksum of the table of contents does not match');
    }
    checkRanges(toc, size - heapStart);
    return new XarArchive(fd, size, heapStart, toc, Buffer.from(stored, 'hex'));
  }

  get members(): readonly XarMember[] {
    return this.toc.members;
  }

  find(path: string): XarMember | null {
    return this.#byPath.get(path) ?? null;
  }

  async read(member: XarMember, cap: number): Promise<Buffer> {
    const data = contentOf(member);
    if (data.size > cap || data.length > cap) {
      throw damaged('XAR_MEMBER_SIZE', `is larger than ${cap} bytes`, member.path);
    }
    const stored = readExactly(this.#fd, this.#heapStart + data.offset, data.length);
    if (hexOf(data.archived.style, stored) !== data.archived.hex) throw wrongChecksum('archived', member);
    this.#verified.add(rangeKey(data));
    const decoded = await decodeSmall(stored, data, member.path);
    if (data.extracted !== null && hexOf(data.extracted.style, decoded) !== data.extracted.hex) {
      throw wrongChecksum('extracted', member);
    }
    this.#read.add(contentKey(data));
    return decoded;
  }

  /** True when this member, or another that is the same in every respect, has been read to its end. */
  hasRead({ path }: Member): boolean {
    const data = this.#byPath.get(path)?.data ?? null;
    return data !== null && this.#read.has(contentKey(data));
  }

  async *stream(member: XarMember, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
    const data = contentOf(member);
    const { archived, extracted } = data;
    const stored = this.#storedPieces(member, data, signal);
    const decoded = data.encoding === 'raw' ? stored : decodeMember(stored, data.encoding, member.path);
    // What is stored as it is and hashed alike needs no second look.
    const alike = data.encoding === 'raw' && extracted?.style === archived.style;
    if (alike && extracted?.hex !== archived.hex) throw wrongChecksum('extracted', member);
    const hash = extracted === null || alike ? null : newHash(extracted.style);
    let size = 0;
    for await (const piece of decoded) {
      size += piece.length;
      if (size > data.size) break;
      hash?.update(piece);
      yield piece;
    }
    if (size !== data.size) throw wrongSize(member.path);
    if (hash !== null && hash.digest('hex') !== extracted?.hex) throw wrongChecksum('extracted', member);
    this.#read.add(contentKey(data));
  }

  /** Two buffers in turn: a piece is good until the next but one is asked for. */
  async *#storedPieces(
    member: XarMember,
    data: XarData,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void, undefined> {
    const hash = newHash(data.archived.style);
    const capacity = Math.min(CHUNK, data.length);
    let [buffer, other] = [Buffer.allocUnsafeSlow(capacity), Buffer.allocUnsafeSlow(capacity)];
    for (let done = 0; done < data.length; done += CHUNK) {
      signal?.throwIfAborted();
      const piece = buffer.subarray(0, Math.min(CHUNK, data.length - done));
      readInto(this.#fd, this.#heapStart + data.offset + done, piece);
      hash.update(piece);
      yield piece;
      [buffer, other] = [other, buffer];
    }
    if (hash.digest('hex') !== data.archived.hex) throw wrongChecksum('archived', member);
    this.#verified.add(rangeKey(data));
  }

  async verifyRest(signal?: AbortSignal): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(CHUNK);
    for (const { data, path } of this.toc.members) {
      if (data === null || this.#verified.has(rangeKey(data))) continue;
      this.#verifyRange(data, data.archived, path, buffer, signal);
      this.#verified.add(rangeKey(data));
    }
    for (const attribute of this.toc.attributes) {
      if (attribute.archived === null) continue;
      this.#verifyRange(attribute, attribute.archived, attribute.path, buffer, signal);
    }
  }

  #verifyRange(
    { offset, length }: { offset: number; length: number },
    archived: Checksum,
    path: string,
    buffer: Buffer,
    signal: AbortSignal | undefined,
  ): void {
    const hash = newHash(archived.style);
    for (let done = 0; done < length; done += CHUNK) {
      signal?.throwIfAborted();
      const piece = buffer.subarray(0, Math.min(CHUNK, length - done));
      readInto(this.#fd, this.#heapStart + offset + done, piece);
      hash.update(piece);
    }
    if (hash.digest('hex') !== archived.hex) throw wrongChecksum('archived', { path });
  }
}

interface Header {
  size: number;
  tocLength: number;
  tocSize: number;
  style: ChecksumStyle;
}

function readHeader(fd: number, fileSize: number): Header {
  if (fileSize < PLAIN_HEADER) throw damaged('NOT_XAR', 'not a flat package: the file is too short');
  const start = readExactly(fd, 0, PLAIN_HEADER);
  if (start.readUInt32BE(0) !== MAGIC) throw notXar(start);
  const size = start.readUInt16BE(4);
  const version = start.readUInt16BE(6);
  const algorithm = start.readUInt32BE(24);
  if (version > 1) throw unsupported('XAR_VERSION', `xar version ${version} is not read here`);
  if (size !== PLAIN_HEADER && (algorithm !== 3 || size < 32 || size > MAX_HEADER || size % 4 !== 0)) {
    throw damaged('XAR_HEADER', `a header of ${size} bytes makes no sense`);
  }
  if (size > fileSize) throw damaged('XAR_TRUNCATED', 'the file ends inside the header');
  const tocLength = start.readBigUInt64BE(8);
  const tocSize = start.readBigUInt64BE(16);
  if (tocLength === 0n || tocSize === 0n) throw damaged('XAR_TOC_SIZE', 'the table of contents is empty');
  const clamp = (value: bigint) => (value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value));
  const name = size > PLAIN_HEADER ? readExactly(fd, PLAIN_HEADER, size - PLAIN_HEADER) : null;
  return { size, tocLength: clamp(tocLength), tocSize: clamp(tocSize), style: headerStyle(algorithm, name) };
}

function headerStyle(algorithm: number, name: Buffer | null): ChecksumStyle {
  if (name !== null) {
    const text = name.toString('latin1').replace(/\0+$/, '');
    const style = checksumStyle(text);
    if (style !== null) return style;
    throw unsupported('XAR_CHECKSUM_STYLE', `the checksum "${printable(text)}" is not accepted`);
  }
  if (algorithm === 1) return 'sha1';
  if (algorithm === 3) return 'sha256';
  if (algorithm === 4) return 'sha512';
  if (algorithm === 0) throw damaged('XAR_CHECKSUM_STYLE', 'the header says that nothing is protected by a checksum');
  throw unsupported('XAR_CHECKSUM_STYLE', `the checksum algorithm number ${algorithm} is not accepted`);
}

function notXar(start: Buffer): Error {
  return damaged('NOT_XAR', `not a flat package: it starts with ${start.toString('hex', 0, 4)}, not "xar!"`);
}

// Members may share a range or leave holes; ranges that overlap in part are only made by hand, to be read twice.
function checkRanges(toc: XarToc, heapBytes: number): void {
  const ranges = [{ offset: toc.checksum.offset, length: toc.checksum.size, path: 'table of contents' }];
  const named = [
    ...toc.members.flatMap(({ data, path }) => (data === null ? [] : [{ ...data, path }])),
    ...toc.attributes,
    ...toc.signatures.map(({ style, offset, length }) => ({ path: `${style} signature`, offset, length })),
  ];
  for (const { offset, length, path } of named) {
    if (offset + length > heapBytes) {
      throw damaged('XAR_RANGE', 'lies beyond the end of the file (damaged or cut short)', path);
    }
    if (length > 0) ranges.push({ offset, length, path });
  }
  ranges.sort((a, b) => a.offset - b.offset || a.length - b.length);
  let before = ranges[0];
  for (const range of ranges.slice(1)) {
    if (before === undefined) break;
    const same = range.offset === before.offset && range.length === before.length;
    if (range.offset < before.offset + before.length && (!same || before.path === 'table of contents')) {
      throw damaged('XAR_RANGE', `overlaps "${printable(before.path)}"`, range.path);
    }
    before = range;
  }
}

function contentOf(member: XarMember): XarData {
  if (member.type !== 'file' && member.type !== 'hardlink') {
    throw damaged('XAR_TYPE', `should be a file with content, is a ${printable(member.type)}`, member.path);
  }
  if (member.data === null) throw damaged('XAR_TYPE', 'is a file without content', member.path);
  return member.data;
}

function rangeKey(data: XarData): string {
  return `${data.offset} ${data.length} ${data.archived.style} ${data.archived.hex}`;
}

function contentKey(data: XarData): string {
  return `${rangeKey(data)} ${data.encoding} ${data.size} ${data.extracted?.style} ${data.extracted?.hex}`;
}

async function decodeSmall(stored: Buffer, data: XarData, path: string): Promise<Buffer> {
  if (data.encoding === 'raw') {
    if (stored.length !== data.size) throw damaged('XAR_MEMBER_SIZE', 'has two different sizes', path);
    return stored;
  }
  if (data.encoding === 'zlib') return inflateExactly(stored, data.size, path);
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of decodeMember(once(stored), data.encoding, path)) {
    size += piece.length;
    if (size > data.size) break;
    pieces.push(piece);
  }
  if (size !== data.size) throw wrongSize(path);
  return Buffer.concat(pieces);
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

/** Inflates one zlib stream that must fill `size` bytes and use up every input byte. */
function inflateExactly(compressed: Buffer, size: number, path: string): Buffer {
  let result: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` the answer also tells how much of the input was used.
    result = inflateSync(compressed, { maxOutputLength: Math.max(size, 1), info: true }) as never;
  } catch (error) {
    if (Reflect.get(error as Error, 'code') === 'ERR_BUFFER_TOO_LARGE') throw wrongSize(path);
    throw damaged('XAR_ZLIB', `cannot be decompressed (${(error as Error).message})`, path);
  }
  if (result.engine.bytesWritten !== compressed.length) {
    throw damaged('XAR_ZLIB', 'has bytes after its compressed data', path);
  }
  if (result.buffer.length !== size) throw wrongSize(path);
  return result.buffer;
}

function wrongSize(path: string): Error {
  return damaged('XAR_MEMBER_SIZE', 'is not as long as it says', path);
}

function wrongChecksum(which: string, member: { path: string }): Error {
  return damaged('XAR_MEMBER_CHECKSUM', `the ${which} checksum does not match`, member.path);
}

function readExactly(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(length);
  readInto(fd, position, buffer);
  return buffer;
}

function readInto(fd: number, position: number, buffer: Buffer): void {
  if (readFrom(fd, position, buffer) < buffer.length) {
    throw damaged('XAR_TRUNCATED', 'the file ended while it was read');
  }
}
