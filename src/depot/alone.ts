import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { D3Error } from '@d3/sdk';
import { giveToOwnerOf } from './files.ts';

/**
 * Does something that only one process may do at a time. A lock of SQLite ends with its process, however that ends.
 * @param file the lock, which is there only meanwhile
 * @param busy what to say when another process holds it
 * @throws D3Error busy `DEPOT_BUSY`
 */
export async function alone<Result>(file: string, busy: string, work: () => Promise<Result>): Promise<Result> {
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    await giveToOwnerOf(dirname(file), handle);
  } finally {
    await handle.close();
  }
  const { DatabaseSync } = await import('node:sqlite');
  const { isBusy } = await import('./store/sqlite-dialect.ts');
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    try {
      // Without a journal, which would be a second file to be left behind.
      lock.exec('pragma journal_mode = memory; begin exclusive');
    } catch (error) {
      if (!isBusy(error)) throw error;
      throw new D3Error('DEPOT_BUSY', 'busy', busy, {
        target: dirname(file),
        actions: ['Wait for it to end; repeat the command only if it failed.'],
        cause: error,
      });
    }
    try {
      return await work();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    lock.close();
  }
}
