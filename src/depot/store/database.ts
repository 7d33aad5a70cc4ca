import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, writeFileDurably } from '../files.ts';
import { type PostgresPlace, placeText, postgresPlace } from './postgres-place.ts';

/**
 * Which database holds a depot's store. A depot on PostgreSQL says so in its folder, in `database.json`: where that is, without
 * the password, and which depot's it must be. Without that file the store is `depot.db`.
 */

export const DATABASE_NAME = 'depot.db';
export const DATABASE_FILE = 'database.json';
const SCHEMA = 'd3/depot-database@1';

/** What the environment and the configuration say of a depot's database. */
export interface DatabaseGiven {
  /** Address of the database; null: as the depot's folder says. */
  url: string | null;
  password: string | null;
  /** Milliseconds after which a server that does not answer is taken for gone; else as long as anybody would wait. */
  answer?: number;
}

export interface DatabaseFile {
  schema: typeof SCHEMA;
  /** Without a password. */
  url: string;
  identity: string;
}

/** Where a store is: in the depot's folder, or in a PostgreSQL database of this depot's identity. */
export type Database = { kind: 'sqlite' } | { kind: 'postgres'; place: PostgresPlace; identity: string };

/**
 * The database of the depot in a folder.
 * @throws D3Error refused `NOT_ON_POSTGRES` when one is given and the depot's store is in its folder; failed `DATABASE_FILE`
 */
export async function databaseOf(dir: string, given: DatabaseGiven | null): Promise<Database> {
  const file = await readDatabaseFile(dir);
  if (file !== null) {
    const place = postgresPlace(given?.url ?? file.url, given?.password ?? null);
    return { kind: 'postgres', place, identity: file.identity };
  }
  if (given === null || given.url === null) return { kind: 'sqlite' };
  throw new D3Error(
    'NOT_ON_POSTGRES',
    'refused',
    `A database is given, but the depot ${dir} keeps its store in its own folder.`,
    {
      target: placeText(postgresPlace(given.url, given.password)),
      actions: ['move the store there: d3 depot migrate --to postgres://…', 'or give no database'],
    },
  );
}

/** The database a new depot is to have. */
export function newDatabase(given: DatabaseGiven | null): Database {
  if (given === null || given.url === null) return { kind: 'sqlite' };
  return { kind: 'postgres', place: postgresPlace(given.url, given.password), identity: randomUUID() };
}

/** Says in a depot's folder where its store is. From now on it is there and nowhere else. */
export async function writeDatabaseFile(dir: string, place: PostgresPlace, identity: string): Promise<void> {
  const file: DatabaseFile = { schema: SCHEMA, url: placeText(place), identity };
  await writeFileDurably(join(dir, DATABASE_FILE), `${JSON.stringify(file, null, 2)}\n`, 0o600);
}

async function readDatabaseFile(dir: string): Promise<DatabaseFile | null> {
  const path = join(dir, DATABASE_FILE);
  try {
    const file = JSON.parse(await readFile(path, 'utf8')) as DatabaseFile;
    const said: unknown = file.schema;
    if (said !== SCHEMA) throw new Error(`its schema is ${JSON.stringify(said)}, not ${SCHEMA}`);
    if (typeof file.url !== 'string' || typeof file.identity !== 'string') throw new Error('it names no database');
    return file;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    const isDenied = code === 'EACCES' || code === 'EPERM';
    throw new D3Error(
      isDenied ? 'DEPOT_NOT_YOURS' : 'DATABASE_FILE',
      isDenied ? 'notAuthorised' : 'failed',
      `Where the depot's store is cannot be read: ${(error as Error).message}.`,
      {
        target: path,
        actions: [
          isDenied ? 'Run the command as the user who owns the depot.' : 'put the file back from a backup of the depot',
        ],
        cause: error,
      },
    );
  }
}
