import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { FlatpkgError, readPlainPlist, writePlist } from '@d3/flatpkg';

/**
 * A usage file: when a user last had each app in front. It is the ancestor's: an XML property list, one flat dictionary of
 * executables' absolute paths and dates. Users own theirs, so it is read as what somebody wrote who wants to mislead root.
 */

/** What a usage file says. */
export interface Usage {
  /** By the absolute path of the executable: the last moment it is known to have been in front. */
  lastUsed: ReadonlyMap<string, Date>;
  /** Paths whose dates lie in the future: used, and nobody knows when. They are not in `lastUsed`. */
  future: readonly string[];
  /** Since when the file has been kept: earlier use would not be in it. Null: it says nothing at all. */
  since: Date | null;
}

export interface DatedUsage extends Usage {
  /** When it was last written; null when that lies in the future. A monitor writes at least once an hour. */
  writtenAt: Date | null;
}

/** Why a file cannot be believed, in words that go on after its name. */
export interface UsageDamage {
  damage: string;
}

/** Bytes: more than {@link MOST_PATHS} of usual length take. */
export const LARGEST_USAGE_FILE = 4 * 1024 * 1024;
/** Apps a file remembers; those used longest ago go first. */
export const MOST_PATHS = 10_000;
/** What clocks may differ by before a date counts as one of the future, milliseconds. */
const CLOCK_SLACK = 300_000;
/** No executable's path: the moment the file was begun. The ancestor's files have none. */
const SINCE = 'd3RepoMan since';

/** Whether a path can stand in a usage file: one that cannot is never known to be used or unused. */
export function isRecordable(file: string): boolean {
  return (
    path.isAbsolute(file) &&
    file.length <= 4096 &&
    !/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(file)
  );
}

/** Reads the content of a usage file. @param now what later dates are held against */
export function parseUsage(bytes: Buffer, now: Date): Usage | UsageDamage {
  if (bytes.length > LARGEST_USAGE_FILE) return { damage: tooLarge(bytes.length) };
  const list = readList(bytes);
  if (list instanceof FlatpkgError) return { damage: list.message };
  if (typeof list !== 'object' || Array.isArray(list) || list instanceof Date || Buffer.isBuffer(list))
    return { damage: 'it is a property list of something else' };
  const lastUsed = new Map<string, Date>();
  const future: string[] = [];
  let since: Date | null = null;
  for (const [key, value] of Object.entries(list)) {
    if (key !== SINCE && !path.isAbsolute(key)) return { damage: 'it has a key that is no absolute path' };
    if (!(value instanceof Date) || Number.isNaN(value.getTime())) return { damage: 'it has a value that is no date' };
    const isFuture = value.getTime() > now.getTime() + CLOCK_SLACK;
    if (key === SINCE) since = isFuture ? now : value;
    else if (isFuture) future.push(key);
    else lastUsed.set(key, value);
  }
  return { lastUsed, future, since: since ?? earliest(lastUsed.values()) };
}

function readList(bytes: Buffer): ReturnType<typeof readPlainPlist> | FlatpkgError {
  try {
    return readPlainPlist(bytes, 'its content');
  } catch (error) {
    if (error instanceof FlatpkgError) return error;
    throw error;
  }
}

/** The ancestor's file does not say when it was begun: its oldest date is a moment at which it was kept. */
function earliest(dates: Iterable<Date>): Date | null {
  let found: Date | null = null;
  for (const date of dates) if (found === null || date < found) found = date;
  return found;
}

export interface ReadOptions {
  now: Date;
  /** @returns what is wrong with whom the file belongs to, in words; null: nothing */
  refuse: (stat: Stats) => string | null;
}

/**
 * Reads a usage file: no link is followed, no pipe waited for, and nothing is read of a file that is too large or not the right
 * user's. Null when there is none.
 */
export function readUsage(file: string, { now, refuse }: ReadOptions): DatedUsage | UsageDamage | null {
  let handle: number;
  try {
    handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    return { damage: code === 'ELOOP' ? 'it is a link' : `it cannot be opened (${code})` };
  }
  try {
    const stat = fstatSync(handle);
    const damage = notPlain(stat) ?? refuse(stat);
    if (damage !== null) return { damage };
    const bytes = readBounded(handle, stat.size);
    if (bytes === null) return { damage: 'it grows while it is read' };
    const usage = parseUsage(bytes, now);
    if ('damage' in usage) return usage;
    const isFuture = stat.mtimeMs > now.getTime() + CLOCK_SLACK;
    return { ...usage, writtenAt: isFuture ? null : stat.mtime };
  } catch (error) {
    return { damage: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})` };
  } finally {
    closeSync(handle);
  }
}

function notPlain(stat: Stats): string | null {
  if (!stat.isFile()) return 'it is no plain file';
  if (stat.nlink > 1) return 'it has a second name elsewhere';
  return stat.size > LARGEST_USAGE_FILE ? tooLarge(stat.size) : null;
}

function tooLarge(size: number): string {
  return `it has ${size} bytes, more than the ${LARGEST_USAGE_FILE} it may have`;
}

/** @returns null when there is more than there was */
function readBounded(handle: number, expected: number): Buffer | null {
  // A byte more shows one that grows.
  const bytes = Buffer.alloc(expected + 1);
  let size = 0;
  for (let read = 1; read > 0 && size < bytes.length; size += read)
    read = readSync(handle, bytes, size, bytes.length - size, size);
  return size === bytes.length ? null : bytes.subarray(0, size);
}

/**
 * Writes a usage file whole or not at all, and durably: after a power cut the old or the new one is there. Only its owner and
 * root may read what somebody uses. Paths that cannot be recorded are left out, and those used longest ago where it is too much.
 * @throws the system's error; EPERM and EACCES where somebody else's file stands in the way
 */
export function writeUsage(file: string, { lastUsed, since }: Pick<Usage, 'lastUsed' | 'since'>): void {
  const draft = path.join(path.dirname(file), `.${path.basename(file)}.new`);
  // One that a cut left behind; whoever writes this file holds its lock.
  rmSync(draft, { force: true });
  try {
    const handle = openSync(
      draft,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      writeFileSync(handle, formatUsage(lastUsed, since));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/** A usage file's text, never more than a reader takes. */
export function formatUsage(lastUsed: ReadonlyMap<string, Date>, since: Date | null): string {
  const known = [...lastUsed]
    .filter(([file]) => isRecordable(file))
    .toSorted(([, a], [, b]) => b.getTime() - a.getTime());
  const begun: [string, Date][] = since === null ? [] : [[SINCE, since]];
  for (let most = MOST_PATHS; ; most = Math.floor(most / 2)) {
    const entries = known.slice(0, most).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const text = writePlist(new Map([...begun, ...entries]));
    if (Buffer.byteLength(text) <= LARGEST_USAGE_FILE) return text;
  }
}
