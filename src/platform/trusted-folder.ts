import { lstatSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { entriesBelow } from './entries-below.ts';
import { makeFolder } from './make-folder.ts';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
const NOT_MINE_ALONE = 0o077;
const MOST_LINKS = 40;

/** Who else may change something: its owner, or others by its mode (`owner` is null). */
export interface Changeable {
  at: string;
  owner: number | null;
}

/**
 * Whether anybody but the caller and root can change what is at a place, or swap it: through a folder above, through a link
 * on the way, or where that leads.
 * @param options `below`: what lies above this folder does not count; `group`: whether the group of root, or the caller's
 *   own, may write (`own`) or none
 * @returns the first such place; null when there is none
 * @throws the system's error when something on the way is not there
 */
export function whoElseMayChange(
  file: string,
  { below = '/', group }: { below?: string; group: 'own' | 'none' },
): Changeable | null {
  const uid = process.getuid?.() ?? 0;
  const root = realpathSync(below);
  const passed = onTheWay(file);
  const last = passed.at(-1);
  for (const at of passed.toReversed()) {
    if (at !== root && isAbove(at, root)) continue;
    const { mode, uid: owner, gid } = statSync(at);
    if (owner !== 0 && owner !== uid) return { at, owner };
    // In a sticky folder others may add files, but not change or swap ours; our own folder must be clean all the same.
    const sticky = (mode & STICKY) !== 0 && at !== last;
    if (!sticky && isOpen(mode, gid, uid, group)) return { at, owner: null };
  }
  return null;
}

/** Whether a mode lets others write than its owner. */
function isOpen(mode: number, gid: number, uid: number, group: 'own' | 'none'): boolean {
  const trustsGroup = group === 'own' && (gid === 0 || (uid !== 0 && gid === process.getgid?.()));
  return (mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITES) !== 0 && !trustsGroup);
}

/** Who that is, in words. */
export function changeableWords({ at, owner }: Changeable): string {
  return owner === null ? `others may write ${at}` : `${at} belongs to uid ${owner}`;
}

function isAbove(folder: string, other: string): boolean {
  return other.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** Every place that is passed on the way to a file, links followed one by one: the folders that hold them as well. */
function onTheWay(file: string): string[] {
  const passed = ['/'];
  let at = '/';
  let left = path.resolve(file).split('/');
  for (let links = 0; left.length > 0; ) {
    const name = left.shift() as string;
    const next = path.join(at, name);
    if (name !== '' && name !== '..' && lstatSync(next).isSymbolicLink()) {
      links += 1;
      if (links > MOST_LINKS) throw new Error(`too many links lead to ${file}`);
      const target = readlinkSync(next);
      left = [...target.split('/'), ...left];
      if (path.isAbsolute(target)) at = '/';
    } else {
      at = next;
      passed.push(at);
    }
  }
  return passed;
}

/**
 * Whether d3 may run code that lies in a folder: nobody but the caller and root can change it, or swap it.
 * @returns what is wrong, or null
 */
export function whyUntrusted(folder: string): string | null {
  const own = lstatSync(folder, { throwIfNoEntry: false });
  if (own === undefined) return 'it is not there';
  if (!own.isDirectory()) return 'it is no folder';
  try {
    const found = whoElseMayChange(folder, { group: 'own' });
    return found === null ? null : changeableWords(found);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The same for all that lies in it, as for a folder that others work in; links in it count by where they lead. */
export function whyUntrustedBelow(folder: string): string | null {
  const above = whyUntrusted(folder);
  if (above !== null) return above;
  const uid = process.getuid?.() ?? 0;
  try {
    for (const entry of entriesBelow(folder)) {
      const at = path.join(entry.parentPath, entry.name);
      const found = entry.isSymbolicLink() ? elsewhere(at) : byItself(at, uid);
      if (found !== null) return changeableWords(found);
    }
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A link that leads nowhere brings nothing in. */
function elsewhere(link: string): Changeable | null {
  return statSync(link, { throwIfNoEntry: false }) === undefined ? null : whoElseMayChange(link, { group: 'own' });
}

/** In a folder that is trusted only a file's own owner and mode are left to look at. */
function byItself(at: string, uid: number): Changeable | null {
  const { mode, uid: owner, gid } = lstatSync(at);
  if (owner !== 0 && owner !== uid) return { at, owner };
  return isOpen(mode, gid, uid, 'own') ? { at, owner: null } : null;
}

/**
 * Makes a folder only the caller can look into, if it is not there.
 * @returns what makes it unsafe to read code from, or null
 */
export function makePrivateFolder(folder: string): string | null {
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    return (error as Error).message;
  }
  return whyNotPrivate(folder);
}

export function whyNotPrivate(folder: string): string | null {
  const untrusted = whyUntrusted(folder);
  if (untrusted !== null) return untrusted;
  const { mode, uid } = lstatSync(folder);
  if (uid !== (process.getuid?.() ?? 0)) return `it belongs to uid ${uid}`;
  return (mode & NOT_MINE_ALONE) === 0 ? null : 'others may look into it';
}
