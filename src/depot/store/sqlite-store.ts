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
import { type Anatomy, movedError, movedIn, type Rows, type TableShape } from './rows.ts';
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

interface SqliteOptions {
  /** Refuse a file that is not there instead of making it. */
  mustExist: boolean;
  /** Milliseconds a writer waits for another process's. */
  patience?: number;
}

/**
 * Opens the SQLite store in a file, making its tables when they are not there.
 * Its methods fail with the same errors when the database cannot be used later on.
 * @throws D3Error notFound `STORE_NOT_FOUND`, refused `SCHEMA_NEWER`, busy `STORE_BUSY`, failed `NO_SPACE` or `STORE_UNREADABLE`, notAuthorised
 */
export async function openSqliteStore(
  file: string,
  { clock, ...options }: SqliteOptions & { clock: Clock },
): Promise<Store> {
  return new SqlStore(await openDatabase(file, options), clock);
}

/** Opens it for its rows as they are; whoever does closes it. @throws D3Error as {@link openSqliteStore} */
export async function openSqliteRows(file: string, options: SqliteOptions): Promise<Rows> {
  return { db: await openDatabase(file, options), anatomy: sqliteAnatomy, where: file };
}

async function openDatabase(file: string, { mustExist, patience = PATIENCE }: SqliteOptions): Promise<Kysely<Tables>> {
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
    return db;
  } catch (error) {
    if (database?.isOpen) database.close();
    throw asD3Error(error, file);
  }
}

/** Copies a database as it is at one moment into a new file, while others go on writing. */
export async function snapshotSqlite({ db, where }: Rows, file: string): Promise<void> {
  try {
    await sql`vacuum into ${file}`.execute(db);
  } catch (error) {
    throw asD3Error(error, where);
  }
}

const sqliteAnatomy: Anatomy = {
  async tables(db) {
    const { rows } = await sql<{ name: string }>`
      select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_' order by name`.execute(
      db,
    );
    const shapes: TableShape[] = [];
    for (const { name } of rows) {
      const columns = await sql<{ name: string; pk: number }>`select name, pk from pragma_table_info(${name})`.execute(
        db,
      );
      const references = await sql<{ to: string }>`
        select distinct "table" as "to" from pragma_foreign_key_list(${name})`.execute(db);
      shapes.push({
        name,
        columns: columns.rows.map((column) => column.name),
        key: columns.rows
          .filter(({ pk }) => pk > 0)
          .toSorted((a, b) => a.pk - b.pk)
          .map((column) => column.name),
        references: references.rows.map(({ to }) => to),
      });
    }
    return shapes;
  },
  async counters(db) {
    const { rows } = await sql<{ name: string; seq: number }>`select name, seq from sqlite_sequence`.execute(db);
    return new Map(rows.filter(({ seq }) => seq > 0).map(({ name, seq }) => [name, seq]));
  },
  async setCounter(db, table, last) {
    await sql`delete from sqlite_sequence where name = ${table}`.execute(db);
    await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(db);
  },
  /** A transaction of the store's is alone as it is. */
  async freeze() {},
  async shut(transaction, text) {
    for (const { name } of await sqliteAnatomy.tables(transaction)) {
      for (const change of ['insert', 'update', 'delete']) {
        await sql`create trigger ${sql.id(`moved_${name}_${change}`)} before ${sql.raw(change)} on ${sql.table(name)}
          begin select raise(abort, ${sql.lit(text)}); end`.execute(transaction);
      }
    }
  },
  async shutFor(db) {
    const { rows } = await sql<{ sql: string }>`
      select sql from sqlite_master where type = 'trigger' and name = 'moved_depot_update'`.execute(db);
    return movedIn(rows[0]?.sql);
  },
};

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
  const moved = movedError(error, file);
  if (moved !== null) return moved;
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
