import { lstatSync, opendirSync, type Stats } from 'node:fs';
import path from 'node:path';
import { type DatedUsage, readUsage, type UsageDamage } from './usage-file.ts';

/** The folder all users' usage files are in. */

/** Where it is. @param platform as `process.platform` */
export function usageFolder(root: string, platform: NodeJS.Platform): string {
  return platform === 'darwin'
    ? path.join(root, 'Library', 'Application Support', 'd3', 'Usage')
    : path.join(root, 'var', 'lib', 'd3', 'usage');
}

/** Users add files, read no others' names, and can neither remove nor swap what is not theirs: `drwx-wx-wt`. */
export const USAGE_FOLDER_MODE = 0o1733;

/** @throws RangeError for a name that could lead elsewhere */
export function usageFile(folder: string, user: string): string {
  if (!isUserName(user)) throw new RangeError(`no file can be named after the user "${user}"`);
  return path.join(folder, user + ENDING);
}

const ENDING = '.plist';

function isUserName(user: string): boolean {
  return /^[^/\0.][^/\0]*$/.test(user) && Buffer.byteLength(user) <= 200;
}

/** One user's file as it was found. */
export type UserUsage = { user: string; file: string } & (DatedUsage | UsageDamage);

/** All users' files, by name; or why nothing of the whole folder counts. Null: there is no folder. */
export type FolderUsage = { users: readonly UserUsage[] } | UsageDamage | null;

export interface FolderOptions {
  now: Date;
  /**
   * The name of the account with this number; null when there is none any more. Null instead of a function: this is no running
   * system's folder, and who owns what is not looked at.
   */
  accountOf: ((uid: number) => string | null) | null;
}

const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
/** Names in the folder that are looked at: anybody may add some. */
const MOST_NAMES = 10_000;

/** Reads every user's file. What one user did wrong is damage of that user's file and leaves the others' as they are. */
export function readUsageFolder(folder: string, { now, accountOf }: FolderOptions): FolderUsage {
  const stat = lstatSync(folder, { throwIfNoEntry: false });
  if (stat === undefined) return null;
  if (!stat.isDirectory()) return { damage: 'it is no folder' };
  if ((stat.mode & OTHERS_WRITE) !== 0 && (stat.mode & STICKY) === 0)
    return { damage: 'users can remove and swap one another\'s files in it: run "d3 repoman install"' };
  const names = namesIn(folder);
  if (names === null) return { damage: `it has more than ${MOST_NAMES} files` };
  const users = names.flatMap((name): UserUsage[] => {
    const user = name.slice(0, -ENDING.length);
    const file = path.join(folder, name);
    const refuse = (own: Stats) => (accountOf === null ? null : whyNotOwned(own.uid, user, accountOf));
    const usage = readUsage(file, { now, refuse });
    return usage === null ? [] : [{ user, file, ...usage }];
  });
  return { users };
}

/** @returns null when there are too many */
function namesIn(folder: string): string[] | null {
  const found: string[] = [];
  const entries = opendirSync(folder);
  try {
    for (let seen = 0, entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
      seen += 1;
      if (seen > MOST_NAMES) return null;
      if (entry.name.endsWith(ENDING) && isUserName(entry.name)) found.push(entry.name);
    }
  } finally {
    entries.closeSync();
  }
  return found.toSorted();
}

/** What root writes is believed, and what an account left that is gone: nobody can write that any more. */
function whyNotOwned(uid: number, user: string, accountOf: (uid: number) => string | null): string | null {
  if (uid === 0) return null;
  const owner = accountOf(uid);
  return owner === null || owner === user ? null : `it belongs to ${owner}`;
}
