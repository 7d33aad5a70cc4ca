import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { HostileFile } from '@d3/sdk';
import { NotPlain, readOwnFile } from './plain-file.ts';
import { withinFolder } from './stepping.ts';

/** Files under a root that anybody may have put there to do harm: no link leads anywhere, no pipe is waited for, all is bounded. */

/** Names in a folder that has more than these are no list any more. */
const MOST_NAMES = 10_000;

/**
 * Names of the plain files in a folder, sorted.
 * @param folder absolute within the root
 */
export function plainFilesIn(root: string, folder: string): string[] {
  const found = withinFolder(root, folder, (inside) =>
    readdirSync(inside('.'), { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  );
  return typeof found === 'string' ? [] : found.entered.toSorted().slice(0, MOST_NAMES);
}

/**
 * @param file absolute within the root
 * @returns null when there is none, or what is there is no plain file, or is too large
 */
export function readHostile(root: string, file: string, maxBytes: number): HostileFile | null {
  const read = (inside: (name: string) => string): HostileFile | null => {
    try {
      const { bytes, stat } = readOwnFile(inside(path.basename(file)), maxBytes);
      return { bytes, uid: stat.uid, mode: stat.mode & 0o7777, modifiedAt: stat.mtime };
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (error instanceof NotPlain || NONE.includes(code)) return null;
      throw error;
    }
  };
  const found = withinFolder(root, path.dirname(file), read);
  return typeof found === 'string' ? null : found.entered;
}

/** What the system says of what is no plain file, is gone, or may not be read. */
const NONE = ['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR', 'ENOTDIR', 'EACCES', 'EPERM', 'EMLINK'];
