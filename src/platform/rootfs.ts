import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  type Stats,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import path from 'node:path';
import { type Entered, type Inside, type Way, withinFolder } from './stepping.ts';
import { whoElseMayChange } from './trusted-folder.ts';

/** The only hand that removes things under a machine's root. Paths are absolute within the root (`/Applications/X.app`). */
export interface RootFs {
  /** What stands at a path itself, never what a link there points to. `unreachable`: a parent is a link or no folder. */
  kind(at: string): Kind;
  /** Whether just this stands at a path: the kind, a file's size, a link's target. */
  holds(at: string, what: { type: 'file' | 'dir' | 'symlink'; size: number; target: string | null }): boolean;
  /** What stands at a path, never what a link there points to; null when it is nothing a package has. */
  describe(at: string): { type: 'file' | 'dir' | 'symlink'; mode: number; size: number; target: string | null } | null;
  /** Removes a file or link, and nothing else. @returns what stood there; only `file` and `symlink` are gone now */
  removeFile(at: string): Kind;
  /** Makes an empty file, 0644, where nothing stands, in a folder that is there. @returns false where there is no such folder */
  mark(at: string): boolean;
  /** Removes a folder if it is empty. @returns whether it is gone */
  removeEmptyDir(at: string): boolean;
  /**
   * Removes a folder with all that is in it; links as links, and nothing of another file system.
   * @param spared why something is to stay, null when it may go; asked of every path
   */
  removeTree(at: string, spared: (at: string) => string | null): TreeRemoval;
  /** Whether names that differ in case only are one name here. */
  ignoresCase(): boolean;
  /** Makes removals in these folders durable. */
  sync(folders: Iterable<string>): void;
  /** Free bytes for the caller on the root's file system. */
  freeBytes(): number;
}

type Kind = 'file' | 'dir' | 'symlink' | 'other' | 'absent' | 'unreachable';

interface TreeRemoval {
  /** Files, links and the like that are gone. */
  removed: string[];
  kept: { path: string; why: string }[];
}

/**
 * @param root absolute path of the folder that stands for `/`
 * @param way how folders are entered to remove something in them
 */
export function openRootFs(root: string, way?: Way): RootFs {
  const within = <Result>(folder: string, work: (inside: Inside) => Result) => withinFolder(root, folder, work, way);
  const real = (at: string) => path.join(root, at);
  const reachable = (at: string): boolean => {
    let folder = '';
    for (const part of at.split('/').slice(1, -1)) {
      folder += `/${part}`;
      if (!lstatSync(real(folder), { throwIfNoEntry: false })?.isDirectory()) return false;
    }
    return true;
  };
  const kind: RootFs['kind'] = (at) => {
    if (!reachable(at)) return existsSync(path.dirname(real(at))) ? 'unreachable' : 'absent';
    const stat = lstatSync(real(at), { throwIfNoEntry: false });
    if (stat === undefined) return 'absent';
    return kindOf(stat);
  };
  return {
    kind,
    holds(at, { type, size, target }) {
      if (kind(at) !== type) return false;
      if (type === 'file') return lstatSync(real(at)).size === size;
      return type === 'dir' || readlinkSync(real(at)) === target;
    },
    describe(at) {
      const type = kind(at);
      if (type !== 'file' && type !== 'dir' && type !== 'symlink') return null;
      const { mode, size } = lstatSync(real(at));
      const target = type === 'symlink' ? readlinkSync(real(at)) : null;
      return { type, mode: mode & 0o7777, size: type === 'file' ? size : 0, target };
    },
    removeFile(at) {
      const found = within(path.dirname(at), (inside): Kind => {
        const name = inside(path.basename(at));
        const stat = lstatSync(name, { throwIfNoEntry: false });
        if (stat === undefined) return 'absent';
        const there = kindOf(stat);
        if (there === 'file' || there === 'symlink') removing(at, () => unlinkSync(name));
        return there;
      });
      return typeof found === 'string' ? found : found.entered;
    },
    mark(at) {
      const made = within(path.dirname(at), (inside) => {
        const name = inside(path.basename(at));
        if (lstatSync(name, { throwIfNoEntry: false }) !== undefined) return;
        const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
        const descriptor = openSync(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
        try {
          fsyncSync(descriptor);
        } finally {
          closeSync(descriptor);
        }
      });
      return typeof made !== 'string';
    },
    removeEmptyDir(at) {
      const gone = within(path.dirname(at), (inside) => removing(at, () => removeIfEmpty(inside(path.basename(at)))));
      return typeof gone === 'string' ? gone === 'absent' : gone.entered;
    },
    removeTree: (at, spared) => removeTree(at, spared, within),
    ignoresCase: () => ignoresCase(root),
    sync(folders) {
      for (const folder of folders) syncFolder(real(folder));
    },
    freeBytes() {
      const { bavail, bsize } = statfsSync(root);
      return bavail * bsize;
    },
  };
}

function kindOf(stat: Stats): Kind {
  if (stat.isDirectory()) return 'dir';
  if (stat.isSymbolicLink()) return 'symlink';
  return stat.isFile() ? 'file' : 'other';
}

/** An error names what was to be removed, not the way by which it was reached. */
function removing<Result>(at: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = `${at} cannot be removed: ${message.split(',')[0]}`;
    throw Object.assign(new Error(text, { cause: error }), { code });
  }
}

function removeIfEmpty(name: string): boolean {
  try {
    rmdirSync(name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR' || code === 'EBUSY') return false;
    throw error;
  }
}

type Within = <Result>(folder: string, work: (inside: Inside) => Result) => Entered<Result>;

/** Every folder is entered anew from the root, so that depth takes neither descriptors nor stack. */
function removeTree(top: string, spared: (at: string) => string | null, within: Within): TreeRemoval {
  const removal: TreeRemoval = { removed: [], kept: [] };
  const folders = [top];
  let device: number | null = null;
  for (const folder of folders) {
    within(folder, (inside) => {
      const { dev } = lstatSync(inside('.'));
      device ??= dev;
      if (dev !== device) {
        removal.kept.push({ path: folder, why: MOUNTED });
        return;
      }
      for (const name of readdirSync(inside('.'))) {
        const at = `${folder}/${name}`;
        const stat = lstatSync(inside(name), { throwIfNoEntry: false });
        // Removed this very moment; or it has a name that is no text, by which it cannot be asked for.
        if (stat === undefined && !name.includes('\ufffd')) continue;
        const why = stat === undefined ? UNNAMEABLE : spared(at);
        if (why !== null) removal.kept.push({ path: at, why });
        else if (stat?.isDirectory()) folders.push(at);
        else {
          removing(at, () => unlinkSync(inside(name)));
          removal.removed.push(at);
        }
      }
    });
  }
  for (const folder of folders.toReversed())
    within(path.dirname(folder), (inside) => removing(folder, () => removeIfEmpty(inside(path.basename(folder)))));
  return removal;
}

export const MOUNTED = 'something is mounted there';
const UNNAMEABLE = 'its name is no text';

/** Looks for something at the top whose name in the other case is the same thing. */
function ignoresCase(root: string): boolean {
  const names = readdirSync(root);
  const name = names.find((candidate) => otherCase(candidate) !== candidate);
  if (name === undefined || names.includes(otherCase(name))) return false;
  const other = lstatSync(path.join(root, otherCase(name)), { bigint: true, throwIfNoEntry: false });
  const one = lstatSync(path.join(root, name), { bigint: true, throwIfNoEntry: false });
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}

function otherCase(name: string): string {
  const upper = name.toUpperCase();
  return upper === name ? name.toLowerCase() : upper;
}

/**
 * Whether a place of d3's own would really be within the root: a link on the way to it (an image's absolute `/var`) could
 * lead out, into the very machine d3 runs on.
 * @param root absolute path of the root on the host
 * @param place absolute path on the host; it need not be there yet
 * @returns `unseen` where a folder on the way may not be entered, and somebody else could open it with a link in it. One
 *   that only the caller and root can change is as good as empty: what cannot be looked up there cannot be opened there.
 */
export function whereIs(root: string, place: string): 'within' | 'outside' | 'unseen' {
  let there = place;
  let isClosed = false;
  for (let seen = seenAt(there); seen !== 'there'; seen = seenAt(there)) {
    isClosed ||= seen === 'closed';
    there = path.dirname(there);
  }
  const real = realpathOrNull(there);
  const realRoot = realpathSync(root);
  const isWithin = real !== null && (real === realRoot || real.startsWith(realRoot === '/' ? '/' : `${realRoot}/`));
  if (!isWithin) return 'outside';
  return isClosed && whoElseMayChange(there, { below: root, group: 'own' }) !== null ? 'unseen' : 'within';
}

function seenAt(place: string): 'there' | 'absent' | 'closed' {
  try {
    return lstatSync(place, { throwIfNoEntry: false }) === undefined ? 'absent' : 'there';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return 'closed';
    throw error;
  }
}

function realpathOrNull(place: string): string | null {
  try {
    return realpathSync(place);
  } catch {
    return null;
  }
}

/** A folder that is gone by now has nothing left to make durable. */
export function syncFolder(folder: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return;
  }
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
