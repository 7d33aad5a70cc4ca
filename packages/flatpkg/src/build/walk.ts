import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { MAX_CPIO_ID, MAX_CPIO_SIZE } from '../cpio/write.ts';
import { asIoError, printable, refused, unsupported } from '../errors.ts';
import { cleanEntryName, decodeUtf8 } from '../names.ts';

/** One thing found below a folder to be packed. */
export interface SourceEntry {
  /** `.` or a path below it. */
  path: string;
  /** On this machine. */
  host: string;
  type: 'file' | 'dir' | 'symlink';
  /** Type and permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970, never negative. */
  mtime: number;
  /** Bytes of a file, or of a symlink's target; 0 for a folder. */
  size: number;
  target: string | null;
}

const TYPE_BITS = { file: 0o100000, dir: 0o040000, symlink: 0o120000 } as const;

/**
 * Everything below `root`, the root itself first, each folder before what is in it, names sorted by their bytes: the
 * same on every machine. Throws FlatpkgError for what a package cannot or must not hold.
 * @param leaveOut asked for each name directly in `root`
 */
export function walkSource(root: string, leaveOut: (name: string) => boolean = () => false): SourceEntry[] {
  const entries: SourceEntry[] = [];
  try {
    visit(root, '.', entries, leaveOut);
  } catch (error) {
    throw asIoError(error, 'reading the folder to be packed');
  }
  return entries;
}

function visit(host: string, path: string, entries: SourceEntry[], leaveOut: (name: string) => boolean): void {
  const stats = lstatSync(host);
  const type = typeOf(stats, path);
  const target = type === 'symlink' ? targetOf(host, path) : null;
  if (stats.size > MAX_CPIO_SIZE && type === 'file') {
    throw unsupported('BUILD_SIZE', 'files of 8 GiB or more cannot be packed', path);
  }
  const entry: SourceEntry = {
    path,
    host,
    type,
    mode: TYPE_BITS[type] | (stats.mode & 0o7777),
    uid: stats.uid,
    gid: stats.gid,
    mtime: Math.max(0, Math.floor(stats.mtimeMs / 1000)),
    size: type === 'file' ? stats.size : target === null ? 0 : Buffer.byteLength(target),
    target,
  };
  entries.push(entry);
  if (type === 'dir') {
    for (const name of sortedNames(host, path)) {
      if (path === '.' && leaveOut(name)) continue;
      const inside = path === '.' ? name : `${path}/${name}`;
      cleanEntryName(`./${inside}`);
      visit(`${host}/${name}`, inside, entries, leaveOut);
    }
  }
}

/** Owners as recorded have to fit the format. */
export function checkOwner({ uid, gid, path }: SourceEntry): void {
  if (uid > MAX_CPIO_ID || gid > MAX_CPIO_ID) {
    throw unsupported('BUILD_OWNER', `the owner ${uid}:${gid} is too large a number to be packed`, path);
  }
}

function sortedNames(host: string, path: string): string[] {
  const names = readdirSync(host, { encoding: 'buffer' }).sort((a, b) => Buffer.compare(a, b));
  return names.map((bytes) => {
    const name = decodeUtf8(bytes);
    if (name !== null) return name;
    const shown = printable(bytes.toString('latin1'));
    throw refused('BUILD_NAME', `holds a name that is not valid UTF-8 (as Latin-1: "${shown}")`, path);
  });
}

function typeOf(stats: Stats, path: string): SourceEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  if (stats.isSymbolicLink()) return 'symlink';
  throw refused('BUILD_SPECIAL', 'is a device, fifo or socket, which no package may hold', path);
}

function targetOf(host: string, path: string): string {
  const target = decodeUtf8(readlinkSync(host, { encoding: 'buffer' }));
  if (target === null) throw refused('BUILD_NAME', 'is a symlink whose target is not valid UTF-8', path);
  return target;
}
