import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { D3Error } from '@d3/sdk';
import { Kysely, sql } from 'kysely';
import type { Clock } from '../../platform/clock.ts';
import { errnoOf, giveToOwnerOf } from '../files.ts';
import type { Store } from './contract.ts';
import { type DatabaseTraits, migrate } from './migrations.ts';
import { SqlStore } from './sql-store.ts';
import { NodeSqliteDialect, primaryCode } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

/** Milliseconds a writer waits for another process's, unless told otherwise. */
const PATIENCE = 10_000;
/** Milliseconds SQLite itself waits, blocking: while opening, and in the short locks outside of transactions. */
const BLOCKING_WAIT = 200;

const traits: DatabaseTraits = {
  withGrowingId: (table) => table.addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement()),
  async hasTables(db) {
    const { rows } = await sql`select 1 from sqlite_master where type = 'table' and name = 'depot'`.execute(db);
    return rows.length > 0;
  },
};

/**
 * Opens the SQLite store in a file, making its tables when they are not there.
 * Its methods fail with the same errors when the database cannot be used later on.
 * @param options.mustExist refuse a file that is not there instead of making it
 * @param options.patience milliseconds a writer waits for another process's
 * @throws D3Error notFound `STORE_NOT_FOUND`, refused `SCHEMA_NEWER`, busy `STORE_BUSY`, failed `NO_SPACE` or `STORE_UNREADABLE`, notAuthorised
 */
export async function openSqliteStore(
  file: string,
  options: { clock: Clock; mustExist: boolean; patience?: number },
): Promise<Store> {
  const { clock, mustExist, patience = PATIENCE } = options;
  if (!existsSync(file)) {
    if (mustExist) {
      throw new D3Error('STORE_NOT_FOUND', 'notFound', `There is no depot database ${file}.`, { target: file });
    }
    // Made here and not by SQLite: nobody else may read it, not even for a moment. Its -wal and -shm follow its mode.
    await makePrivately(file);
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: patience });
    database.exec('pragma trusted_schema = off');
    database.exec('pragma foreign_keys = on');
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    // On macOS only this one reaches the disk itself; elsewhere it changes nothing.
    database.exec('pragma fullfsync = on');
    const db = new Kysely<Tables>({
      dialect: new NodeSqliteDialect(database, patience, (error) => asD3Error(error, file)),
    });
    await migrate(db, traits, file);
    await sql.raw(`pragma busy_timeout = ${BLOCKING_WAIT}`).execute(db);
    return new SqlStore(db, clock);
  } catch (error) {
    if (database?.isOpen) database.close();
    throw asD3Error(error, file);
  }
}

async function makePrivately(file: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await giveToOwnerOf(dirname(file), handle);
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Another process was faster.
    if (errnoOf(error) !== 'EEXIST') throw asD3Error(error, file);
  }
}

// Primary codes of https://www.sqlite.org/rescode.html
const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** What the system or the disk did to the database, as an error for people; anything else stays what it is. */
function asD3Error(error: unknown, file: string): unknown {
  const code = errnoOf(error) ?? primaryCode(error);
  const reason = error instanceof Error ? error.message : String(error);
  const options = { target: file, cause: error };
  switch (code) {
    case BUSY:
      return new D3Error('STORE_BUSY', 'busy', `Another process holds the depot's database ${file}.`, {
        ...options,
        actions: ['Wait for it to end, then repeat the command.'],
      });
    case FULL:
    case 'ENOSPC':
    case 'EDQUOT':
      return new D3Error('NO_SPACE', 'failed', `Nothing was changed: the disk of ${file} is full.`, {
        ...options,
        actions: ['Make room there and repeat the command.'],
      });
    case READONLY:
    case CANTOPEN:
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new D3Error(
        'DEPOT_NOT_YOURS',
        'notAuthorised',
        `The depot's database ${file} cannot be opened: ${reason}.`,
        { ...options, actions: ['Run the command as the user who owns the depot.'] },
      );
    case IOERR:
    case CORRUPT:
    case NOTADB:
      return new D3Error('STORE_UNREADABLE', 'failed', `The depot's database ${file} cannot be read: ${reason}.`, {
        ...options,
        actions: ['Restore the depot from a backup.'],
      });
    default:
      return error;
  }
}
