import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A folder that is in use while this process lives: the lock beside it is the kernel's, so it is free when the process is gone. */
export interface HeldFolder {
  path: string;
  /** Takes it away, with all that is in it. */
  remove(): void;
}

const LOCK = '.lock';

/** Makes a folder of one's own, 0700. @param parent a folder @param prefix how its name begins */
export function holdFolder(parent: string, prefix: string): HeldFolder {
  const folder = path.join(parent, `${prefix}${randomUUID()}`);
  // The lock comes first: a folder without one that is held is nobody's.
  const lock = lockFile(`${folder}${LOCK}`);
  mkdirSync(folder, { mode: 0o700 });
  return {
    path: folder,
    remove() {
      rmSync(folder, { recursive: true, force: true });
      rmSync(`${folder}${LOCK}`, { force: true });
      lock?.close();
    },
  };
}

/** Takes away what processes that were killed have left of such folders. */
export function sweepFolders(parent: string, prefix: string): void {
  for (const { name } of readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    if (!name.startsWith(prefix)) continue;
    const folder = path.join(parent, name);
    if (isHeld(`${folder}${LOCK}`)) continue;
    rmSync(folder, { recursive: true, force: true });
    for (const file of [`${folder}${LOCK}`, `${folder}${LOCK}-journal`]) rmSync(file, { force: true });
  }
}

/** @returns null when it is somebody else's, or where the file system keeps no locks: there nothing is swept either */
function lockFile(file: string): DatabaseSync | null {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch {
    database?.close();
    return null;
  }
}

/** Whoever cannot tell leaves it alone. */
function isHeld(file: string): boolean {
  const lock = lockFile(file);
  lock?.close();
  return lock === null;
}
