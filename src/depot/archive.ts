import { type FileHandle, open } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';

/**
 * The one file a depot can be kept in: a tar archive of plain files, which any tar reads. What is read back is nothing but what
 * d3 writes: plain files by names that lead nowhere else.
 */

const BLOCK = 512;
const MAX_NAME = 255;
/** Octal digits end here; what is larger is written as GNU does. */
const LARGEST_OCTAL = 8 ** 11 - 1;
const PIECE = 1024 * 1024;

export interface ArchiveEntry {
  path: string;
  size: number;
  mode: number;
}

/** The block before a file. @throws D3Error failed `NAME_TOO_LONG` */
export function archiveHeader({ path, size, mode }: ArchiveEntry): Buffer {
  const header = Buffer.alloc(BLOCK);
  const [prefix, name] = splitName(path);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  header.write(name, 0, 100);
  header.write(octal(mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  if (size <= LARGEST_OCTAL) header.write(octal(size, 12), 124);
  else {
    header.writeBigUInt64BE(BigInt(size), 128);
    header[124] = 0x80;
  }
  header.write(octal(0, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(prefix, 345, 155);
  header.write(`${octal(sumOf(header), 7)}\0 `, 148);
  return header;
}

/** What comes after a file, up to a whole block. */
export function archivePadding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

/** What comes after the last file. */
export function archiveEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

function splitName(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new D3Error('NAME_TOO_LONG', 'failed', `The name ${path} does not fit into an archive.`, {
    target: path,
    actions: ['back up into a folder instead of a file'],
  });
}

/**
 * Reads an archive from its beginning to its end.
 * @param take is asked for each file, and gives what takes its pieces; a piece is its own only until that returns
 * @throws D3Error verificationFailed `BACKUP_DAMAGED`
 */
export async function readArchive(
  file: string,
  take: (entry: ArchiveEntry, fill: (each: (piece: Buffer) => Promise<void>) => Promise<void>) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const bad = (why: string) =>
    new D3Error('BACKUP_DAMAGED', 'verificationFailed', `${file} is no whole backup: ${why}.`, {
      target: file,
      actions: ['take another backup'],
    });
  const handle = await open(file, 'r');
  try {
    for (let at = 0; ; ) {
      const header = await exactly(handle, at, BLOCK, bad);
      at += BLOCK;
      if (header.every((byte) => byte === 0)) return;
      const entry = entryOf(header, bad);
      const start = at;
      await take(entry, async (each) => {
        for (let done = 0; done < entry.size; ) {
          signal.throwIfAborted();
          const piece = await exactly(handle, start + done, Math.min(PIECE, entry.size - done), bad);
          await each(piece);
          done += piece.length;
        }
      });
      at += entry.size + archivePadding(entry.size).length;
    }
  } finally {
    await handle.close();
  }
}

async function exactly(handle: FileHandle, at: number, length: number, bad: (why: string) => Error): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, at + filled);
    if (bytesRead === 0) throw bad('it ends too soon');
    filled += bytesRead;
  }
  return buffer;
}

function entryOf(header: Buffer, bad: (why: string) => Error): ArchiveEntry {
  if (Number.parseInt(header.toString('latin1', 148, 155), 8) !== sumOf(header)) throw bad('a checksum is wrong');
  if (header.toString('latin1', 156, 157) !== '0') throw bad('it has something that is no plain file');
  const text = (from: number, to: number) => {
    const field = header.subarray(from, to);
    const end = field.indexOf(0);
    return field.toString('utf8', 0, end < 0 ? field.length : end);
  };
  const prefix = text(345, 500);
  const path = prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  if (!isInside(path)) throw bad('it has a name that leads elsewhere');
  const size =
    header[124] === 0x80
      ? Number(header.readBigUInt64BE(128))
      : Number.parseInt(header.toString('latin1', 124, 135), 8);
  const mode = Number.parseInt(text(100, 108), 8);
  if (!Number.isSafeInteger(size) || size < 0 || !Number.isSafeInteger(mode)) throw bad('a size is none');
  return { path, size, mode: mode & 0o777 };
}

/** Whether a path stays below the folder it is meant for. */
export function isInside(path: string): boolean {
  const parts = path.split('/');
  return (
    Buffer.byteLength(path) <= MAX_NAME &&
    !path.includes('\0') &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

/** The sum of all bytes, the checksum's own place counted as blanks. */
function sumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += header[at] as number;
  return sum;
}
