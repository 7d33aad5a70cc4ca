import { lstatSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const STICKY = 0o1000;
const NOT_MINE_ALONE = 0o077;

/**
 * Whether d3 may run code that lies in a folder: nobody but the caller and root can change it, or swap it through a
 * folder above.
 * @returns what is wrong, or null
 */
export function whyUntrusted(folder: string): string | null {
  const uid = process.getuid?.() ?? 0;
  const own = lstatSync(folder, { throwIfNoEntry: false });
  if (own === undefined) return 'it is not there';
  if (!own.isDirectory()) return 'it is no folder';
  let at = folder;
  try {
    at = realpathSync(folder);
  } catch (error) {
    return (error as Error).message;
  }
  for (; ; at = path.dirname(at)) {
    const { mode, uid: owner, gid } = statSync(at);
    if (owner !== 0 && owner !== uid) return `${at} belongs to uid ${owner}`;
    // In a sticky folder others may add files, but not change or swap ours; our own folder must be clean all the same.
    const sticky = (mode & STICKY) !== 0 && at !== folder;
    const byGroup = (mode & GROUP_WRITES) !== 0 && gid !== 0 && (uid === 0 || gid !== process.getgid?.());
    if (!sticky && ((mode & OTHERS_WRITE) !== 0 || byGroup)) return `others may write ${at}`;
    if (at === path.dirname(at)) return null;
  }
}

/**
 * Makes a folder only the caller can look into, if it is not there.
 * @returns what makes it unsafe to read code from, or null
 */
export function makePrivateFolder(folder: string): string | null {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
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
