import type { Entry, getFileNameLowLevel, LocalFileHeader, ZipFile } from 'yauzl';
import type { Member } from '../container.ts';
import { damaged, printable, unsupported } from '../errors.ts';
import { readFrom } from '../fd.ts';
import type { Limits } from '../limits.ts';
import { cleanEntryName } from '../names.ts';
import { nameOf } from './name.ts';
import { asZipError, openZip } from './open.ts';

export interface ZipMember extends Member {
  /** Where its stored bytes begin in the file. */
  offset: number;
  deflated: boolean;
  crc32: number;
}

const ENTRY_HEADER = 46;
const ENCRYPTED = 0x1;
const SIZES_FOLLOW = 0x8;
const STORED = 0;
const DEFLATED = 8;
const IN_ZIP64 = 0xffffffff;
const TYPE_BITS = 0o170000;
const TYPES = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o140000, 'socket'],
]);

/** Where a member lies in the file, its own header included. */
interface Range {
  start: number;
  end: number;
  path: string;
}

/**
 * Reads the directory to its end, and of every member the header before its content, which has to say the same.
 * Throws FlatpkgError.
 */
export async function readDirectory(fd: number, size: number, limits: Limits): Promise<ZipMember[]> {
  const { zip, decodeName } = await openZip(fd, size);
  // The library's types take this place in the file for a boolean.
  const directoryStart = Number(zip.readEntryCursor);
  const members: ZipMember[] = [];
  const ranges: Range[] = [];
  const spent = { directory: 0, names: 0, content: 0 };
  requireFew(zip.entryCount, limits);
  for await (const entry of entriesOf(zip)) {
    const path = pathOf(entry, decodeName);
    spent.directory += ENTRY_HEADER + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength;
    spent.names += path.length;
    spent.content += entry.uncompressedSize;
    requireLittle(spent, limits, path);
    const header = await localHeader(zip, entry, path);
    const member = memberOf(entry, path, header);
    requireAgreement(entry, header, path);
    members.push(member);
    ranges.push({ start: entry.relativeOffsetOfLocalHeader, end: member.offset + member.stored, path });
  }
  requireEnd(fd, Number(zip.readEntryCursor));
  requireApart(ranges, directoryStart);
  requireTree(members);
  return members;
}

/** The entries one after another, the library's errors turned into ours. */
async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry, void, undefined> {
  const entries = zip.eachEntry();
  for (;;) {
    let next: IteratorResult<Entry>;
    try {
      next = await entries.next();
    } catch (error) {
      throw asZipError(error);
    }
    if (next.done === true) return;
    yield next.value;
  }
}

function requireFew(count: number, { entries }: Limits): void {
  if (count > entries) throw damaged('LIMIT_ENTRIES', `the archive has more than ${entries} members`);
}

/** Every name is kept in memory, and whoever verifies reads all that the members say they hold. */
function requireLittle(
  spent: { directory: number; names: number; content: number },
  { tocBytes, nameBytes, payloadBytes }: Limits,
  path: string,
): void {
  if (spent.directory > tocBytes) throw damaged('ZIP', `the directory takes more than ${tocBytes} bytes`, path);
  if (spent.names > nameBytes) throw damaged('LIMIT_NAMES', `the names take more than ${nameBytes} bytes`, path);
  if (spent.content > payloadBytes) {
    throw damaged('LIMIT_BYTES', `the members up to this one hold more than ${payloadBytes} bytes`, path);
  }
}

function pathOf(entry: Entry, decodeName: typeof getFileNameLowLevel): string {
  const name = nameOf(entry, decodeName);
  if (name.includes('\\')) throw damaged('NAME', 'unsafe name: it has a backslash', name);
  const path = cleanEntryName(name.endsWith('/') ? name.slice(0, -1) : name);
  if (path === '.') throw damaged('NAME', 'unsafe name: it stands for the whole archive', name);
  return path;
}

async function localHeader(zip: ZipFile, entry: Entry, path: string): Promise<LocalFileHeader> {
  try {
    return await zip.readLocalFileHeaderPromise(entry);
  } catch (error) {
    throw asZipError(error, path);
  }
}

function memberOf(entry: Entry, path: string, header: LocalFileHeader): ZipMember {
  const { compressionMethod: method, compressedSize: stored, uncompressedSize: size } = entry;
  if (((entry.generalPurposeBitFlag | header.generalPurposeBitFlag) & ENCRYPTED) !== 0) {
    throw unsupported('ZIP_ENCRYPTED', 'is encrypted', path);
  }
  if (method !== STORED && method !== DEFLATED) {
    throw unsupported('ZIP_METHOD', `is compressed by method ${method}, which is not read here`, path);
  }
  if (method === STORED && stored !== size) throw damaged('ZIP_MEMBER_SIZE', 'has two different sizes', path);
  const type = typeOf(entry, path);
  if (type === 'directory' && size > 0) throw damaged('ZIP_TYPE', 'is a folder with content', path);
  return { path, type, size, stored, offset: header.fileDataStart, deflated: method === DEFLATED, crc32: entry.crc32 };
}

/** By the Unix mode, which only says something where it is there, and by the slash at the end of a folder's name. */
function typeOf(entry: Entry, path: string): string {
  const slash = entry.fileNameRaw.at(-1) === 0x2f;
  const bits = (entry.externalFileAttributes >>> 16) & TYPE_BITS;
  const type = bits === 0 ? (slash ? 'directory' : 'file') : (TYPES.get(bits) ?? 'thing of no known type');
  if (slash !== (type === 'directory')) {
    throw damaged(
      'ZIP_TYPE',
      `is a ${type}${slash ? ', but named like a folder' : ' without a slash at its end'}`,
      path,
    );
  }
  return type;
}

/** Readers go by the one or the other: where they differ, they would see two archives. */
function requireAgreement(entry: Entry, header: LocalFileHeader, path: string): void {
  const differs = (what: string) =>
    damaged('ZIP_HEADER', `has another ${what} in the directory than in the header before its content`, path);
  if (!header.fileName.equals(entry.fileNameRaw)) throw differs('name');
  if (header.compressionMethod !== entry.compressionMethod) throw differs('compression');
  if ((header.generalPurposeBitFlag & SIZES_FOLLOW) !== 0) return;
  if (header.crc32 !== entry.crc32) throw differs('checksum');
  for (const which of ['compressedSize', 'uncompressedSize'] as const) {
    if (header[which] !== IN_ZIP64 && header[which] !== entry[which]) throw differs('size');
  }
}

/** An entry that the directory does not count is seen by some readers, and by others not. */
function requireEnd(fd: number, position: number): void {
  const next = Buffer.alloc(4);
  readFrom(fd, position, next);
  if (next.toString('latin1') === 'PK\x01\x02') throw damaged('ZIP', 'the directory has more entries than it says');
}

/** Content that counts for several members is made by hand, to unpack to far more than the file could hold. */
function requireApart(ranges: Range[], directoryStart: number): void {
  ranges.sort((a, b) => a.start - b.start);
  let before: Range | null = null;
  for (const range of ranges) {
    if (before !== null && range.start < before.end) {
      throw damaged('ZIP_RANGE', `overlaps "${printable(before.path)}"`, range.path);
    }
    if (range.end > directoryStart) throw damaged('ZIP_RANGE', 'overlaps the directory of the archive', range.path);
    before = range;
  }
}

/** No path twice, and nothing below what is no folder. */
function requireTree(members: readonly ZipMember[]): void {
  // NUL is in no name and sorts before all that is: what lies below a path follows it directly.
  const key = (path: string) => path.replaceAll('/', '\0');
  const sorted = members.map((member) => ({ key: key(member.path), member }));
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  let before: (typeof sorted)[number] | null = null;
  for (const item of sorted) {
    const { path } = item.member;
    if (before !== null && before.key === item.key) throw damaged('ZIP_TWICE', 'is there twice', path);
    if (before !== null && before.member.type !== 'directory' && item.key.startsWith(`${before.key}\0`)) {
      const text = `lies below "${printable(before.member.path)}", which is a ${before.member.type}`;
      throw damaged('ZIP_TYPE', text, path);
    }
    before = item;
  }
}
