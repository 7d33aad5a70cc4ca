import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import type { Clock } from '../platform/clock.ts';
import { archiveEnd, archiveHeader, archivePadding, isInside, readArchive } from './archive.ts';
import { errnoOf, giveToOwnerOf, makeFolder, syncFolder, writeFileDurably } from './files.ts';
import { refuseFull } from './move.ts';
import {
  DATABASE_FILE,
  DATABASE_NAME,
  type Database,
  type DatabaseGiven,
  databaseOf,
  newDatabase,
  writeDatabaseFile,
} from './store/database.ts';
import { openRowsIn } from './store/open.ts';
import { compareRows, copyRows, countRows, type Rows } from './store/rows.ts';
import {
  blobHash,
  copyFile,
  filesOf,
  makeDepotFolders,
  openFile,
  readThrough,
  type TreeFile,
  writeWhole,
} from './tree.ts';

/**
 * Backups: a folder, or one archive, with every file of the depot, its rows as a SQLite database whatever database they are in,
 * and at last a list of all that with hashes. Without the list there is no backup.
 */

const LIST = 'backup.json';
const SCHEMA = 'd3/depot-backup@1';
/** A name that ends so is an archive's. */
const ARCHIVE = '.tar';
/** While it is being made. */
const PART = '.d3-part';
const RESTORING = '.d3-restore';
const MAX_LIST = 1024 * 1024 * 1024;

export interface BackupList {
  schema: typeof SCHEMA;
  /** When the rows were as they are in it; ISO 8601. */
  at: string;
  identity: string | null;
  rows: Record<string, number>;
  files: TreeFile[];
}

/** What was kept, or brought back. */
export interface BackedUp {
  backup: string;
  depot: string;
  at: string;
  rows: Record<string, number>;
  files: number;
  bytes: number;
}

/** Where a backup is written to. */
interface Sink {
  /** Copies a file of the depot; null: it is gone meanwhile. */
  add(from: string, path: string): Promise<TreeFile | null>;
  /** Writes the list: now it is a backup. */
  finish(list: string): Promise<void>;
  /** Takes back what was written. */
  discard(): Promise<void>;
  /** A place beside it for the copy of the database. */
  readonly room: string;
}

/**
 * Copies a depot, while others go on with it, and reads all of the copy again.
 * @param to a folder that is empty or not there, or a file that is not there and ends in `.tar`
 * @throws D3Error refused `BACKUP_EXISTS`, verificationFailed `BACKUP_DAMAGED`
 */
export async function backUpDepot(
  dir: string,
  to: string,
  options: { database: DatabaseGiven | null; clock: Clock; report: Reporter; signal: AbortSignal },
): Promise<BackedUp> {
  const { clock, report, signal } = options;
  const depot = resolve(dir);
  const backup = resolve(to);
  if (backup === depot || backup.startsWith(`${depot}/`)) {
    throw new D3Error('BACKUP_INSIDE', 'usage', 'A backup inside the depot would be lost with it.', { target: backup });
  }
  const database = await databaseOf(depot, options.database);
  const source = await openRowsIn(database, depot);
  const sink = await openSink(backup, signal);
  try {
    const files = new Map<string, TreeFile>();
    const others = new Set<string>();
    const add = async (wanted: (path: string) => boolean) => {
      const found = await filesOf(depot);
      for (const path of found.others) others.add(path);
      for (const path of found.files) {
        if (files.has(path) || !wanted(path)) continue;
        const file = await sink.add(depot, path);
        if (file === null) continue;
        files.set(path, file);
        const hash = blobHash(path);
        if (hash !== null && hash !== file.sha256)
          report({
            type: 'warning',
            target: path,
            text: 'its bytes are not what was stored; they are kept as they are',
          });
      }
    };
    // Packages first, which takes long; then the rows; then what came meanwhile: whatever the rows name is there.
    await add((path) => blobHash(path) !== null);
    report({ type: 'detail', target: backup, text: `${files.size} packages and scripts` });
    const at = clock.now().toISOString();
    const copy = join(sink.room, DATABASE_NAME);
    const { rows, identity } = await snapshot(source, database, copy, signal);
    files.set(DATABASE_NAME, (await sink.add(sink.room, DATABASE_NAME)) as TreeFile);
    await add(() => true);
    // Whoever published or rotated a key meanwhile wrote files that were not listed yet, and others may name them already.
    await add(() => true);
    for (const path of others)
      report({ type: 'warning', target: path, text: 'it is no regular file, and is left out' });
    const list: BackupList = { schema: SCHEMA, at, identity, rows, files: [...files.values()] };
    await rm(copy, { force: true });
    await sink.finish(`${JSON.stringify(list, null, 1)}\n`);
    await checkBackup(backup, signal);
    const bytes = list.files.reduce((sum, { size }) => sum + size, 0);
    return { backup, depot, at, rows, files: files.size, bytes };
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    await source.db.destroy();
  }
}

/** The rows as they are at one moment, in a SQLite database of their own. */
async function snapshot(
  source: Rows,
  { kind }: Database,
  file: string,
  signal: AbortSignal,
): Promise<{ rows: Record<string, number>; identity: string | null }> {
  const { openSqliteRows, snapshotSqlite } = await import('./store/sqlite-store.ts');
  await rm(file, { force: true });
  if (kind === 'sqlite') await snapshotSqlite(source, file);
  const copy = await openSqliteRows(file, { mustExist: kind === 'sqlite' });
  try {
    if (kind === 'postgres') {
      await source.db
        .transaction()
        .setIsolationLevel('repeatable read')
        .setAccessMode('read only')
        .execute(async (transaction) => {
          // Counters of ids are outside of what a transaction sees unchanged: they are read once.
          const counters = await source.anatomy.counters(transaction);
          const still = { ...source, db: transaction, anatomy: { ...source.anatomy, counters: async () => counters } };
          await copyRows(still, copy, () => undefined, signal);
          await compareRows(still, copy, signal);
        });
    }
    const { identity } = await copy.db.selectFrom('depot').select('identity').executeTakeFirstOrThrow();
    return { rows: Object.fromEntries(await countRows(copy)), identity };
  } finally {
    // Closing folds the write-ahead log into it.
    await copy.db.destroy();
  }
}

async function openSink(backup: string, signal: AbortSignal): Promise<Sink> {
  await refuseExisting(backup);
  const part = `${backup}${PART}`;
  await rm(part, { recursive: true, force: true });
  await makeFolder(dirname(backup), 0o700);
  await mkdir(part, { mode: 0o700 });
  return backup.endsWith(ARCHIVE) ? archiveSink(backup, part, signal) : folderSink(backup, part, signal);
}

function folderSink(backup: string, part: string, signal: AbortSignal): Sink {
  const depot = join(part, 'depot');
  return {
    room: part,
    add: (from, path) => copyFile(from, depot, path, signal),
    async finish(list) {
      await writeFileDurably(join(part, LIST), list, 0o600);
      await rmdir(backup).catch((error) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
      });
      await rename(part, backup);
      await syncFolder(dirname(backup));
    },
    discard: () => rm(part, { recursive: true, force: true }),
  };
}

async function archiveSink(backup: string, part: string, signal: AbortSignal): Promise<Sink> {
  const unfinished = join(part, basename(backup));
  const handle = await open(unfinished, 'wx', 0o600);
  const write = async (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
  };
  const addBytes = async (path: string, mode: number, bytes: Buffer) => {
    await write(archiveHeader({ path, size: bytes.length, mode }));
    await write(bytes);
    await write(archivePadding(bytes.length));
  };
  return {
    room: part,
    async add(from, path) {
      const source = await openFile(join(from, path));
      if (source === null) return null;
      try {
        return await addFile(source, path, write, signal);
      } finally {
        await source.close();
      }
    },
    async finish(list) {
      await addBytes(LIST, 0o600, Buffer.from(list));
      await write(archiveEnd());
      await giveToOwnerOf(dirname(backup), handle);
      await handle.sync();
      await handle.close();
      await rename(unfinished, backup);
      await syncFolder(dirname(backup));
      await rm(part, { recursive: true, force: true });
    },
    async discard() {
      await handle.close().catch(() => undefined);
      await rm(part, { recursive: true, force: true });
    },
  };
}

async function addFile(
  source: FileHandle,
  path: string,
  write: (bytes: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<TreeFile> {
  const { size, mode: whole } = await source.stat();
  const mode = whole & 0o777;
  await write(archiveHeader({ path: `depot/${path}`, size, mode }));
  const read = await readThrough(source, write, signal);
  if (read.size !== size) {
    throw new D3Error('FILE_CHANGED', 'failed', `${path} was written to while it was read.`, {
      target: path,
      actions: ['repeat the command'],
    });
  }
  await write(archivePadding(size));
  return { path, mode, ...read };
}

async function refuseExisting(backup: string): Promise<void> {
  const isArchive = backup.endsWith(ARCHIVE);
  const there = await stat(backup).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (there === null || (!isArchive && there.isDirectory() && (await readdir(backup)).length === 0)) return;
  throw new D3Error('BACKUP_EXISTS', 'refused', `${backup} is there already. Nothing was changed.`, {
    target: backup,
    actions: [isArchive ? 'Name a file that is not there yet.' : 'Name an empty folder, or one that is not there yet.'],
  });
}

/**
 * Reads all of a backup and compares it with its list.
 * @throws D3Error verificationFailed `BACKUP_DAMAGED`, refused `SCHEMA_NEWER`, notFound `NO_BACKUP`
 */
async function checkBackup(backup: string, signal: AbortSignal): Promise<BackupList> {
  const found = new Map<string, { size: number; sha256: string }>();
  const list = await readBackup(backup, signal, async (path, _mode, fill) => {
    const hash = createHash('sha256');
    let size = 0;
    await fill(async (piece) => {
      hash.update(piece);
      size += piece.length;
    });
    found.set(path, { size, sha256: hash.digest('hex') });
  });
  refuseDamaged(backup, list, found);
  return list;
}

function refuseDamaged(
  backup: string,
  list: BackupList,
  found: ReadonlyMap<string, { size: number; sha256: string }>,
): void {
  const wrong = list.files.filter(({ path, size, sha256 }) => {
    const read = found.get(path);
    return read === undefined || read.size !== size || read.sha256 !== sha256;
  });
  if (wrong.length === 0) return;
  const [first] = wrong;
  const more = wrong.length === 1 ? '' : ` and ${wrong.length - 1} more`;
  throw damagedBackup(backup, `${first?.path}${more} ${wrong.length === 1 ? 'is' : 'are'} not what was kept`);
}

function damagedBackup(backup: string, why: string): D3Error {
  return new D3Error('BACKUP_DAMAGED', 'verificationFailed', `${backup} is no whole backup: ${why}.`, {
    target: backup,
    actions: ['take another backup'],
  });
}

type Fill = (each: (piece: Buffer) => Promise<void>) => Promise<void>;

/** Goes through the files of a backup, folder or archive. @param take is asked for each file of the depot that is in it */
async function readBackup(
  backup: string,
  signal: AbortSignal,
  take: (path: string, mode: number, fill: Fill) => Promise<void>,
): Promise<BackupList> {
  const there = await stat(backup).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (there?.isFile() === true) {
    let text: string | null = null;
    await readArchive(
      backup,
      async ({ path, mode, size }, fill) => {
        if (path === LIST) {
          if (size > MAX_LIST) throw damagedBackup(backup, 'its list is too long');
          const pieces: Buffer[] = [];
          await fill(async (piece) => void pieces.push(Buffer.from(piece)));
          text = Buffer.concat(pieces).toString('utf8');
        } else if (path.startsWith('depot/')) await take(path.slice('depot/'.length), mode, fill);
      },
      signal,
    );
    return listOf(backup, text);
  }
  const text = await readFile(join(backup, LIST), 'utf8').catch((error) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  });
  const list = listOf(backup, text);
  for (const { path, mode } of list.files) {
    const handle = await openFile(join(backup, 'depot', path));
    if (handle === null) continue;
    try {
      await take(path, mode, async (each) => void (await readThrough(handle, each, signal)));
    } finally {
      await handle.close();
    }
  }
  return list;
}

function listOf(backup: string, text: string | null): BackupList {
  if (text === null) {
    throw new D3Error('NO_BACKUP', 'notFound', `${backup} is no backup: it has no ${LIST}.`, {
      target: backup,
      actions: ['name what d3 depot backup made'],
    });
  }
  let list: BackupList;
  try {
    list = JSON.parse(text) as BackupList;
  } catch (error) {
    throw damagedBackup(backup, `its list cannot be read: ${(error as Error).message}`);
  }
  const said: unknown = list?.schema;
  if (said !== SCHEMA) {
    throw new D3Error('SCHEMA_NEWER', 'refused', `${backup} has schema ${String(said)}, not ${SCHEMA}.`, {
      target: backup,
      actions: ['Update d3 on this host.'],
    });
  }
  const isSound =
    Array.isArray(list.files) &&
    list.files.every(
      ({ path, sha256, size }) =>
        typeof path === 'string' && isInside(path) && /^[0-9a-f]{64}$/.test(sha256) && size >= 0,
    );
  if (!isSound) throw damagedBackup(backup, 'its list is none');
  return list;
}

/**
 * Makes a depot of a backup. All of it is read and compared before anything has its place, the database comes last, and a cut
 * leaves no depot: repeating the call begins anew.
 * @param dir a folder that is empty or not there
 * @param options.database given with an address, the store goes into that PostgreSQL database
 * @throws D3Error verificationFailed `BACKUP_DAMAGED`, refused `FOLDER_NOT_EMPTY` or `DATABASE_NOT_EMPTY`, notFound `NO_BACKUP`
 */
export async function restoreDepot(
  from: string,
  dir: string,
  options: { database: DatabaseGiven | null; report: Reporter; signal: AbortSignal },
): Promise<BackedUp> {
  const { signal } = options;
  const backup = resolve(from);
  const depot = resolve(dir);
  const wanted = newDatabase(options.database);
  await refuseFull(depot, RESTORING);
  await makeFolder(depot, 0o755);
  const making = join(depot, RESTORING);
  await rm(making, { recursive: true, force: true });
  await makeFolder(making, 0o700);
  try {
    const found = new Map<string, { size: number; sha256: string }>();
    const list = await readBackup(backup, signal, async (path, mode, fill) => {
      if (!isInside(path)) throw damagedBackup(backup, 'it has a name that leads elsewhere');
      const target = join(making, path);
      await makeFolder(dirname(target), folderMode(path));
      const hash = createHash('sha256');
      let size = 0;
      await writeWhole(target, mode & 0o777, (take) =>
        fill(async (piece) => {
          hash.update(piece);
          size += piece.length;
          await take(piece);
        }),
      );
      found.set(path, { size, sha256: hash.digest('hex') });
    });
    refuseDamaged(backup, list, found);
    const known = new Set(list.files.map(({ path }) => path));
    for (const path of found.keys()) {
      if (!known.has(path)) throw damagedBackup(backup, `its list does not know ${path}`);
    }
    await makeDepotFolders(making);
    const rows = await restoredRows(making, wanted, signal);
    await putInPlace(making, depot);
    const bytes = list.files.reduce((sum, { size }) => sum + size, 0);
    return { backup, depot, at: list.at, rows, files: list.files.length, bytes };
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** Folders that machines read are open to all; the others are not. */
function folderMode(path: string): number {
  return path.startsWith('blobs/') || path.startsWith('public/') ? 0o755 : 0o700;
}

/** Puts the rows where they are to be. @returns how many, by table */
async function restoredRows(making: string, wanted: Database, signal: AbortSignal): Promise<Record<string, number>> {
  const { openSqliteRows } = await import('./store/sqlite-store.ts');
  const file = join(making, DATABASE_NAME);
  const kept = await openSqliteRows(file, { mustExist: true });
  let rows: Record<string, number>;
  try {
    rows = Object.fromEntries(await countRows(kept));
    // Machines may have seen newer numbers than the backup knows: whoever opens the depot publishes it anew, above them.
    await kept.db.updateTable('depot').set({ published: null }).execute();
    if (wanted.kind === 'postgres') {
      const { openPostgresRows } = await import('./store/postgres-store.ts');
      const { makeTarget } = await import('./store/migrations.ts');
      const { identity } = await kept.db.selectFrom('depot').select('identity').executeTakeFirstOrThrow();
      const target = await openPostgresRows(wanted.place);
      try {
        const unfinished = 'd3 depot restore did not come to its end';
        await makeTarget(target.db, target.traits, target.where, { identity: identity as string, unfinished });
        await copyRows(kept, target, () => undefined, signal);
        await compareRows(kept, target, signal);
      } finally {
        await target.db.destroy();
      }
      await writeDatabaseFile(making, wanted.place, identity as string);
    }
  } finally {
    // Closing folds the write-ahead log into it.
    await kept.db.destroy();
  }
  if (wanted.kind === 'postgres') await rm(file, { force: true });
  return rows;
}

/** What says where the store is comes last: with it the folder becomes a depot. */
async function putInPlace(making: string, depot: string): Promise<void> {
  const names = await readdir(making);
  const isLast = (name: string) => name === DATABASE_NAME || name === DATABASE_FILE;
  for (const name of names.toSorted((a, b) => Number(isLast(a)) - Number(isLast(b)))) {
    await rename(join(making, name), join(depot, name));
    await syncFolder(depot);
  }
}
