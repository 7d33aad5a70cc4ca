import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { D3Error } from '@d3/sdk';
import { makeFolder } from '../../platform/make-folder.ts';
import type { MachinePaths } from '../../platform/paths.ts';
import { replaceFile } from '../../platform/replace-file.ts';
import { isDamage, stateDamaged } from './damage.ts';

const BUSY_MS = 10_000;
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_READONLY_ROLLBACK = 776;

/** What each format adds to the one before. One that was released never changes; a new one is added at the end. */
const FORMATS: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE receipts (basename TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE manifests (
    basename TEXT NOT NULL, edition_id INTEGER NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL,
    mode INTEGER NOT NULL, size INTEGER NOT NULL, target TEXT,
    PRIMARY KEY (basename, edition_id, path)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX manifests_by_path ON manifests (path);
  CREATE TABLE created_folders (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, basename TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
    phase TEXT NOT NULL, retries INTEGER NOT NULL DEFAULT 0, since TEXT NOT NULL
  ) STRICT;
  CREATE TABLE runs (id TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE plugin_state (
    plugin TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (plugin, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE outbox (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;
  `,
  `
  CREATE TABLE waits (basename TEXT PRIMARY KEY, since TEXT NOT NULL, processes TEXT NOT NULL) STRICT;
  `,
  'CREATE TABLE deferred (basename TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;',
  `
  CREATE TABLE step_runs (
    id TEXT PRIMARY KEY, created_at TEXT NOT NULL, is_over INTEGER NOT NULL, generation INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE TABLE step_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, at TEXT NOT NULL, step INTEGER, text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX step_lines_by_run ON step_lines (run, id);
  CREATE TABLE policies_done (policy INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT;
  `,
];

const NEWEST = FORMATS.length;

/** Opens a machine's state for changing, making it where there is none yet. Only the holder of the run lock does. */
export function openStateForChange(paths: MachinePaths): DatabaseSync {
  const file = paths.stateDatabase;
  let database: DatabaseSync | null = null;
  try {
    makeFolder(paths.state, 0o755);
    const isNew = !existsSync(file);
    database = new DatabaseSync(file, { timeout: BUSY_MS });
    refuseNewer(schemaVersion(database), file);
    database.exec('PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA trusted_schema=OFF;');
    // Everybody may read what is installed, whatever the umask of the first run was.
    if (isNew) chmodSync(file, 0o644);
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw stateError(error, file);
  }
}

/** Opens a machine's state for reading, as anybody may. @returns null when d3 has never run here */
export function openStateForReading(paths: MachinePaths): DatabaseSync | null {
  const file = paths.stateDatabase;
  let database: DatabaseSync | null = null;
  try {
    // Where nobody may look, nothing is known: that is not the same as nothing being there.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return null;
    database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS });
    const version = versionAfterCut(database, file);
    refuseNewer(version, file);
    if (version > 0) return database;
    database.close();
    return null;
  } catch (error) {
    database?.close();
    throw stateError(error, file);
  }
}

/** A transaction that was cut has to be taken back before anybody can read; only who may write can. */
function versionAfterCut(database: DatabaseSync, file: string): number {
  try {
    return schemaVersion(database);
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== SQLITE_READONLY_ROLLBACK) throw error;
    const writable = new DatabaseSync(file, { timeout: BUSY_MS });
    try {
      schemaVersion(writable);
    } finally {
      writable.close();
    }
    return schemaVersion(database);
  }
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The id this machine went by, kept beside the state so that it outlives it; null when there is none. */
export function keptIdentity({ identity }: MachinePaths): string | null {
  try {
    const text = readFileSync(identity, 'utf8').trim();
    return ID.test(text) ? text : null;
  } catch {
    return null;
  }
}

export function keepIdentity(paths: MachinePaths, id: string): void {
  if (keptIdentity(paths) !== id) replaceFile(paths.identity, `${id}\n`);
}

/** Runs work in one transaction: all of it is kept, or nothing. */
export function transaction<Result>(database: DatabaseSync, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw stateError(error, 'state.db');
  }
}

function migrate(database: DatabaseSync, file: string): void {
  transaction(database, () => {
    const version = schemaVersion(database);
    refuseNewer(version, file);
    if (version === NEWEST) return;
    for (const format of FORMATS.slice(version)) database.exec(format);
    database.exec(`PRAGMA user_version = ${NEWEST};`);
  });
}

function schemaVersion(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
}

function refuseNewer(version: number, file: string): void {
  if (version <= NEWEST) return;
  throw new D3Error('STATE_NEWER', 'failed', `This machine's state is of format ${version}, this d3 knows ${NEWEST}.`, {
    target: file,
    actions: ['use the newer d3 that wrote it; it was left untouched'],
  });
}

/** What SQLite or the system says about a state, as an error for people; anything else as it is. */
export function stateError(error: unknown, file: string): unknown {
  if (error instanceof D3Error) return error;
  if (isDamage(error)) return stateDamaged((error as Error).message, error);
  const { code, errcode, message } = error as { code?: string; errcode?: number; message: string };
  // The low byte is the kind of error, the rest its detail.
  const kind = (errcode ?? 0) & 0xff;
  const options = { target: file, cause: error };
  if (code === 'EACCES' || code === 'EPERM' || kind === SQLITE_READONLY || kind === SQLITE_CANTOPEN) {
    return new D3Error('STATE_ACCESS', 'notAuthorised', "This machine's state cannot be opened.", {
      ...options,
      actions: ['run the command as root, or as the owner of --root'],
    });
  }
  if (kind === SQLITE_FULL) {
    return new D3Error('DISK_FULL', 'failed', "The disk is full: this machine's state cannot be changed.", {
      ...options,
      actions: ['make room and run the command again'],
    });
  }
  if (kind === 0) return error;
  return new D3Error('STATE_UNUSABLE', 'failed', `This machine's state cannot be used: ${message}.`, options);
}
