import { rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { D3Error } from '@d3/sdk';

/** Names of what stands in a folder for whoever works in it begin so. */
export const MARK = '.lock';
const SQLITE_BUSY = 5;

/**
 * Works in a folder as the only one on this host: two imports would write into each other's files, two pulls over each other's links.
 * The lock is the kernel's, so one that is killed holds none.
 * @throws D3Error busy while another process works there
 */
export async function alone<Result>(room: string, work: () => Promise<Result>, what = 'import'): Promise<Result> {
  const owner = path.join(room, `${MARK}-owner`);
  const lock = heldLock(path.join(room, MARK));
  if (lock === null) throw busy(what, await readFile(owner, 'utf8').catch(() => ''));
  try {
    // Before anybody else of this process comes by.
    writeFileSync(owner, String(process.pid), { mode: 0o600 });
    return await work();
  } finally {
    rmSync(owner, { force: true });
    lock.close();
  }
}

/** @returns null where another one holds it */
function heldLock(file: string): DatabaseSync | null {
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    // Its folder is swept: nothing but it and its owner is to stand in it.
    lock.exec('PRAGMA journal_mode = MEMORY');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null;
    throw error;
  }
}

function busy(what: string, pid: string): D3Error {
  const who = /^\d+$/.test(pid) ? ` (process ${pid})` : '';
  return new D3Error(`${what.toUpperCase()}_BUSY`, 'busy', `Another ${what} is under way here${who}`, {
    target: `jamf ${what}`,
    actions: ['Wait until it has ended.'],
  });
}
