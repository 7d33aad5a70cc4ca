import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32, createDeflateRaw, type DeflateRaw } from 'node:zlib';
import { type ChecksumStyle, newHash } from '../checksum.ts';
import { Cksum } from '../cksum.ts';
import { cpioHeader, cpioTrailer } from '../cpio/write.ts';
import { asIoError, FlatpkgError } from '../errors.ts';
import { writeAll } from '../fd.ts';
import { BLOCK_BYTES, Blocks } from './blocks.ts';
import type { SourceEntry } from './walk.ts';

const LEVEL = 6;
// Gzip without name and time, made on "Unix" whatever the system: the same bytes everywhere.
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);

/** A gzip compressed cpio archive written to a file. */
export interface WrittenArchive {
  length: number;
  /** Hexadecimal, in the style asked for. */
  checksum: string;
  /** POSIX cksum of each file, in the order of the entries; 0 for others. */
  cksums: number[];
}

/** Packs entries as they are into `fd`. Throws FlatpkgError, or the signal's reason. */
export async function writeArchive(
  fd: number,
  entries: readonly SourceEntry[],
  style: ChecksumStyle,
  signal: AbortSignal | undefined,
): Promise<WrittenArchive> {
  const hash = newHash(style);
  let length = 0;
  const put = (bytes: Buffer) => {
    writeAll(fd, bytes);
    hash.update(bytes);
    length += bytes.length;
  };
  const cksums: number[] = [];
  const deflate = createDeflateRaw({ level: LEVEL, chunkSize: BLOCK_BYTES });
  const blocks = blocksOf(entries, cksums);
  put(GZIP_HEADER);
  try {
    // When one of them fails the other may wait for it for ever; what holds anything is let go of below.
    const [end] = await Promise.all([feed(deflate, blocks, signal), drain(deflate, put)]);
    put(end);
  } finally {
    blocks.return();
    deflate.destroy();
  }
  return { length, checksum: hash.digest('hex'), cksums };
}

/** Compresses blocks, each while the next is made. Returns what follows the compressed data in a gzip file. */
async function feed(deflate: DeflateRaw, blocks: Iterable<Buffer>, signal: AbortSignal | undefined): Promise<Buffer> {
  let crc = 0;
  let size = 0;
  let before = Promise.resolve();
  for (const block of blocks) {
    signal?.throwIfAborted();
    crc = crc32(block, crc);
    size += block.length;
    // What goes wrong in the compressor comes out of `drain`.
    const compressed = new Promise<void>((resolve) => {
      deflate.write(block, () => resolve());
    });
    await before;
    before = compressed;
  }
  deflate.end();
  const end = Buffer.alloc(8);
  end.writeUInt32LE(crc, 0);
  end.writeUInt32LE(size % 2 ** 32, 4);
  return end;
}

async function drain(deflate: DeflateRaw, put: (bytes: Buffer) => void): Promise<void> {
  for await (const piece of deflate) put(piece as Buffer);
}

/** A cpio archive in blocks; each is overwritten when the next but one is asked for. `cksums` is filled on the way. */
function* blocksOf(entries: readonly SourceEntry[], cksums: number[]): Generator<Buffer, void, undefined> {
  const blocks = new Blocks();
  for (const [index, entry] of entries.entries()) {
    const name = entry.path === '.' ? '.' : `./${entry.path}`;
    yield* copied(cpioHeader({ ...entry, name, number: index + 1 }), blocks);
    if (entry.type === 'file') cksums.push(yield* contentOf(entry, blocks));
    else {
      if (entry.target !== null) yield* copied(Buffer.from(entry.target), blocks);
      cksums.push(0);
    }
  }
  yield* copied(cpioTrailer(), blocks);
  yield blocks.rest();
}

function* copied(bytes: Buffer, blocks: Blocks): Generator<Buffer, void, undefined> {
  for (let done = 0; done < bytes.length; ) {
    const count = bytes.copy(blocks.room, 0, done);
    done += count;
    const full = blocks.fill(count);
    if (full !== null) yield full;
  }
}

/** The content of a file, exactly as long as its header has said. Returns its checksum. */
function* contentOf(entry: SourceEntry, blocks: Blocks): Generator<Buffer, number, undefined> {
  const sum = new Cksum();
  let fd: number;
  try {
    fd = openSync(entry.host, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw asIoError(error, 'reading a file to be packed', entry.path);
  }
  try {
    const changed = () => new FlatpkgError('io', 'BUILD_CHANGED', 'changed while it was packed', entry.path);
    const now = fstatSync(fd);
    if (!now.isFile() || now.size !== entry.size) throw changed();
    for (let left = entry.size; left > 0; ) {
      const { room } = blocks;
      const count = readSync(fd, room, 0, Math.min(room.length, left), null);
      if (count === 0) throw changed();
      sum.update(room.subarray(0, count));
      left -= count;
      const full = blocks.fill(count);
      if (full !== null) yield full;
    }
  } catch (error) {
    throw asIoError(error, 'reading a file to be packed', entry.path);
  } finally {
    closeSync(fd);
  }
  return sum.digest();
}
