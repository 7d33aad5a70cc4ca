import type { Tally } from '../budget.ts';
import type { CpioEntry } from '../cpio/formats.ts';
import { damaged, printable, refused } from '../errors.ts';
import { checkPlace, cleanEntryName, foldName, MAX_TARGET_BYTES } from '../names.ts';
import type { Warnings } from '../warnings.ts';

/** One entry of a payload. */
export interface FileEntry {
  /** Relative to the install location, without a leading `./`; the root entry is `.`. */
  path: string;
  type: 'file' | 'dir' | 'symlink';
  /** Permission bits as recorded, setuid, setgid and sticky included. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes; of a symlink the length of its target; 0 for a folder. */
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Target of a symlink, else null. */
  target: string | null;
  /** POSIX cksum of a file when known, else null. */
  cksum: number | null;
  /** Path of the entry whose file this is another name of (a hard link), else null; set once the whole payload is read. */
  linkOf: string | null;
}

const TYPE_BITS = 0o170000;
const TYPES = new Map<number, FileEntry['type']>([
  [0o100000, 'file'],
  [0o040000, 'dir'],
  [0o120000, 'symlink'],
]);
const SPECIAL = new Map([
  [0o010000, 'a fifo'],
  [0o020000, 'a character device'],
  [0o060000, 'a block device'],
  [0o140000, 'a socket'],
]);

/**
 * Decides, header by header, what of a payload is let in, and remembers enough of it to see that no entry works against
 * another: a name twice with two types, an entry below a file or a symlink, twins that a Mac's disk takes for one.
 */
export class PayloadEntries {
  /** AppleDouble files left out: macOS turns them into attributes of their neighbours. */
  appleDouble = 0;
  readonly #location: string;
  readonly #tally: Tally;
  readonly #warnings: Warnings;
  readonly #entries = new Map<string, FileEntry>();
  // Folders that only follow from the path of something inside them.
  readonly #implied = new Set<string>();
  readonly #folded = new Map<string, string>();

  /** Every path is kept, below `location` too: `tally` holds back their number and their length. */
  constructor(location: string, tally: Tally, warnings: Warnings) {
    this.#location = location;
    this.#tally = tally;
    this.#warnings = warnings;
  }

  /**
   * Checks one header. Returns the entry and, when the same path was there before, the one it takes the place of;
   * null for an AppleDouble file that is to be skipped. Throws FlatpkgError.
   */
  admit(header: CpioEntry): { entry: FileEntry; replaces: FileEntry | null } | null {
    const isFolder = (header.mode & TYPE_BITS) === 0o040000;
    // Some writers end the names of folders with a slash.
    const path = cleanEntryName(isFolder ? header.name.replace(/([^/.])\/$/, '$1') : header.name);
    const type = typeOf(header, path);
    checkPlace(this.#location, path);
    this.#tally.addEntry(this.#location.length + path.length + (type === 'symlink' ? header.size : 0), path);
    if (type === 'file' && path.slice(path.lastIndexOf('/') + 1).startsWith('._')) {
      this.appleDouble += 1;
      return null;
    }
    const before = this.#entries.get(path) ?? null;
    if (before !== null && before.type !== type) {
      throw refused('ENTRY_TYPE_CHANGE', `is there twice, as ${before.type} and as ${type}`, path);
    }
    if (type !== 'dir' && (this.#implied.has(path) || path === '.')) {
      throw refused('ENTRY_TYPE_CHANGE', `is a ${type}, but other entries need a folder there`, path);
    }
    this.#requireParents(path);
    if (before !== null) {
      this.#warnings.add('same path twice', `${printable(path)}: is there twice, the last one counts`);
    } else if (!this.#implied.has(path)) this.#warnOfTwin(path);
    const entry: FileEntry = {
      path,
      type,
      mode: header.mode & 0o7777,
      uid: header.uid,
      gid: header.gid,
      size: header.size,
      mtime: header.mtime,
      target: null,
      cksum: null,
      linkOf: null,
    };
    this.#entries.set(path, entry);
    return { entry, replaces: before };
  }

  /** False once a later entry of the same path has taken the place of this one. */
  isCurrent(entry: FileEntry): boolean {
    return this.#entries.get(entry.path) === entry;
  }

  /** Everything admitted, in the order of the archive. */
  list(): FileEntry[] {
    return [...this.#entries.values()];
  }

  #requireParents(path: string): void {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash);
      const known = this.#entries.get(parent);
      if (known !== undefined && known.type !== 'dir') {
        throw refused('ENTRY_BELOW_LINK', `lies below "${printable(parent)}", which is a ${known.type}`, path);
      }
      if (this.#implied.has(parent)) return;
      if (known === undefined) {
        this.#tally.addEntry(this.#location.length + parent.length, path);
        this.#warnOfTwin(parent);
      }
      this.#implied.add(parent);
    }
  }

  #warnOfTwin(path: string): void {
    const key = foldName(path);
    const twin = this.#folded.get(key);
    if (twin === undefined) this.#folded.set(key, path);
    else if (twin !== path) {
      const text = `differs from "${printable(twin)}" only by case or Unicode form: one file on most Macs`;
      this.#warnings.add('twin names', `${printable(path)}: ${text}`);
    }
  }
}

function typeOf(header: CpioEntry, path: string): FileEntry['type'] {
  const type = TYPES.get(header.mode & TYPE_BITS);
  if (type === undefined) {
    const special = SPECIAL.get(header.mode & TYPE_BITS);
    if (special !== undefined) throw refused('ENTRY_SPECIAL', `is ${special}, which no package may install`, path);
    throw damaged('ENTRY_TYPE', `has no file type (mode ${header.mode.toString(8)})`, path);
  }
  if (type === 'dir' && header.size !== 0) throw damaged('ENTRY_SIZE', 'is a folder with data', path);
  if (type === 'symlink' && (header.size === 0 || header.size > MAX_TARGET_BYTES)) {
    throw damaged('ENTRY_TARGET', `is a symlink with a target of ${header.size} bytes`, path);
  }
  return type;
}
