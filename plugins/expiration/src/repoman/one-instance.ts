import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { D3Error } from '@d3/sdk';

const SQLITE_BUSY = 5;

/**
 * Holds a file as long as this process lives: the lock is the kernel's, so a killed one holds none. The file lies where others
 * may add files, so it has to be this user's own.
 * @returns what releases it
 * @throws D3Error busy (41) when another process holds it, refused (30) when the file is somebody else's
 */
export function onlyOne(file: string, uid: number): () => void {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = openSync(file, flags, 0o600);
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.uid !== uid) throw foreign(file);
  } finally {
    closeSync(handle);
  }
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // What stands beside the file could be somebody else's, so nothing does.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new D3Error('REPOMAN_RUNS', 'busy', 'A d3RepoMan of this user is at work already.', {
      target: file,
      actions: ['leave it to that one'],
    });
  }
}

/** Something of somebody else's stands where this user's own has to be. */
export function foreign(file: string): D3Error {
  return new D3Error('USAGE_FOREIGN', 'refused', "Somebody else's file stands where this user's own has to be.", {
    target: file,
    actions: ['have root look at it and remove it'],
  });
}
