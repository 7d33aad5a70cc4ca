import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import { errnoOf, makeFolder, syncFolder } from './files.ts';
import {
  DATABASE_FILE,
  DATABASE_NAME,
  type Database,
  type DatabaseGiven,
  databaseOf,
  writeDatabaseFile,
} from './store/database.ts';
import { openRowsIn } from './store/open.ts';
import { isPostgresUrl, type PostgresPlace, postgresPlace } from './store/postgres-place.ts';
import { compareRows, copyRows, countRows, movedText, type Rows } from './store/rows.ts';
import { DEPOT, inTurn } from './store/turns.ts';
import { checkBlob, copyFile, filesOf, hashFile, makeDepotFolders, type TreeFile } from './tree.ts';

/** What was moved, or would be. */
export interface Moved {
  /** Where the store was, and where it is; addresses without passwords. */
  from: string;
  to: string;
  dryRun: boolean;
  /** Rows, by table. */
  rows: Record<string, number>;
  /** Files that were checked, or copied and checked. */
  files: number;
  bytes: number;
}

export interface MoveRequest {
  /** The depot's folder. */
  dir: string;
  database: DatabaseGiven | null;
  /** An address, or a folder: the depot's own or an empty one. */
  to: string;
  /** For an address; null: as it says itself. */
  password: string | null;
  dryRun: boolean;
  report: Reporter;
  signal: AbortSignal;
}

/** What a folder is copied into before anything of it has its place. */
const MAKING = '.d3-migrate';

/**
 * Moves a depot's store into another database, and its files where it goes to another folder. Everything is compared before the
 * new store is in force, which happens at one moment: until then the old one is, and a repeated call begins anew; from then on
 * the old one takes no change.
 * @throws D3Error refused `DATABASE_NOT_EMPTY`, `FOLDER_NOT_EMPTY` or `ALREADY_THERE`; verificationFailed `ROWS_DIFFER` or
 *   `BLOB_DAMAGED`: nothing was changed
 */
export async function moveDepot(request: MoveRequest): Promise<Moved> {
  const dir = resolve(request.dir);
  const database = await databaseOf(dir, request.database);
  const source = await openRowsIn(database, dir);
  try {
    if (isPostgresUrl(request.to)) {
      const place = postgresPlace(request.to, request.password);
      return await toPostgres({ ...request, dir }, source, place);
    }
    return await toFolder({ ...request, dir }, source, database, resolve(request.to));
  } finally {
    await source.db.destroy();
  }
}

async function toPostgres(request: MoveRequest, source: Rows, place: PostgresPlace): Promise<Moved> {
  const { dir, dryRun, signal, report } = request;
  const { openPostgresRows } = await import('./store/postgres-store.ts');
  const { makeTarget, refuseFilled } = await import('./store/migrations.ts');
  const target = await openPostgresRows(place);
  try {
    const identity = await identityOf(source);
    await refuseFilled(target.db, target.traits, target.where, identity);
    const files = await checkedFiles(dir, report, signal);
    const moved = { from: source.where, to: target.where, dryRun, ...files };
    if (dryRun) return { ...moved, rows: Object.fromEntries(await countRows(source)) };
    const unfinished = `d3 depot migrate from ${source.where} did not come to its end`;
    await makeTarget(target.db, target.traits, target.where, { identity, unfinished });
    const rows = await copied(source, target, request, async () => {
      await writeDatabaseFile(dir, place, identity);
    });
    await target.db.updateTable('depot').set({ unfinished: null }).execute();
    return { ...moved, rows };
  } finally {
    await target.db.destroy();
  }
}

async function toFolder(request: MoveRequest, source: Rows, database: Database, to: string): Promise<Moved> {
  const { dir, dryRun, signal, report } = request;
  const isOwn = to === dir;
  if (database.kind === 'sqlite') {
    throw new D3Error('ALREADY_THERE', 'refused', `The depot's store is in a folder already: ${source.where}.`, {
      target: to,
      actions: isOwn ? [] : ['copy a depot to another folder with d3 depot backup and d3 depot restore'],
    });
  }
  if (isOwn) await settleLeft(join(dir, DATABASE_NAME));
  else await refuseFull(to);
  const checked = await checkedFiles(dir, report, signal);
  const moved = { from: source.where, to: join(to, DATABASE_NAME), dryRun };
  if (dryRun) return { ...moved, ...checked, rows: Object.fromEntries(await countRows(source)) };
  const making = join(to, MAKING);
  await makeFolder(to, 0o755);
  await rm(making, { recursive: true, force: true });
  await makeFolder(making, 0o700);
  const files = isOwn ? checked : await copiedFiles(dir, making, request);
  const { openSqliteRows } = await import('./store/sqlite-store.ts');
  const target = await openSqliteRows(join(making, DATABASE_NAME), { mustExist: false });
  let isOpen = true;
  try {
    const rows = await copied(source, target, request, async () => {
      // Closing folds the write-ahead log into the database: one file to move.
      await target.db.destroy();
      isOpen = false;
      await putInPlace(making, to);
      // The moment: without this file the store is the one in the folder.
      if (isOwn) {
        await rm(join(dir, DATABASE_FILE), { force: true });
        await syncFolder(dir);
      }
    });
    return { ...moved, ...files, rows };
  } finally {
    if (isOpen) await target.db.destroy();
    await rm(making, { recursive: true, force: true });
  }
}

/** @param commit puts the new store in force; while it does nobody can change the old one, and afterwards nobody may */
async function copied(
  source: Rows,
  target: Rows,
  { report, signal }: MoveRequest,
  commit: () => Promise<void>,
): Promise<Record<string, number>> {
  return inTurn(source.db, DEPOT, async (transaction) => {
    await source.anatomy.freeze(transaction);
    const frozen: Rows = { ...source, db: transaction };
    const say = (text: string) => report({ type: 'detail', target: target.where, text });
    const counts = await copyRows(frozen, target, (table, rows) => say(`${table}: ${rows} rows`), signal);
    await compareRows(frozen, target, signal);
    say('every row was compared');
    signal.throwIfAborted();
    await source.anatomy.shut(transaction, movedText(target.where));
    await commit();
    return Object.fromEntries(counts);
  });
}

async function identityOf({ db }: Rows): Promise<string> {
  const { identity } = await db.selectFrom('depot').select('identity').executeTakeFirstOrThrow();
  return identity as string;
}

/** Packages stay where they are; each is read, and must be what its name says. */
async function checkedFiles(
  dir: string,
  report: Reporter,
  signal: AbortSignal,
): Promise<{ files: number; bytes: number }> {
  let bytes = 0;
  const { files, others } = await filesOf(dir);
  for (const path of others) report({ type: 'warning', target: path, text: 'it is no regular file, and is left out' });
  for (const path of files) {
    const found = await hashFile(join(dir, path), signal);
    if (found === null) continue;
    checkBlob({ path, sha256: found.sha256 });
    bytes += found.size;
  }
  return { files: files.length, bytes };
}

async function copiedFiles(
  dir: string,
  to: string,
  { signal }: MoveRequest,
): Promise<{ files: number; bytes: number }> {
  const copies: TreeFile[] = [];
  const { files } = await filesOf(dir);
  for (const path of files) {
    const copy = await copyFile(dir, to, path, signal);
    if (copy === null) continue;
    const read = await hashFile(join(to, path), signal);
    if (read?.sha256 !== copy.sha256) {
      throw new D3Error('COPY_DAMAGED', 'verificationFailed', `The copy of ${path} is not what was copied.`, {
        target: join(to, path),
        actions: ['look at the disk, then repeat the command'],
      });
    }
    copies.push(copy);
  }
  await makeDepotFolders(to);
  return { files: copies.length, bytes: copies.reduce((sum, { size }) => sum + size, 0) };
}

/**
 * The database that was left when the store went to PostgreSQL makes room. Whoever still had it open would write its log beside
 * the new one.
 */
async function settleLeft(file: string): Promise<void> {
  if (!(await exists(file))) return;
  const { DatabaseSync } = await import('node:sqlite');
  // The last one to close it takes the log away.
  new DatabaseSync(file, { timeout: 1000 }).close();
  if (!(await exists(`${file}-wal`))) return;
  throw new D3Error('STORE_IN_USE', 'busy', `Another process still has the old database ${file} open.`, {
    target: file,
    actions: ['end what serves or administers this depot, then repeat the command'],
  });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

/** The database last: with it the folder becomes a depot. */
async function putInPlace(making: string, to: string): Promise<void> {
  const names = await readdir(making);
  for (const name of [...names.filter((each) => each !== DATABASE_NAME), DATABASE_NAME]) {
    await rename(join(making, name), join(to, name));
  }
  await syncFolder(to);
}

/** @throws D3Error refused `FOLDER_NOT_EMPTY` unless there is nothing, or what an earlier try left */
export async function refuseFull(to: string, making = MAKING): Promise<void> {
  const names = await readdir(to).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const foreign = names.filter((name) => name !== making && name !== 'lost+found');
  if (foreign.length === 0) return;
  throw new D3Error('FOLDER_NOT_EMPTY', 'refused', `${to} is not empty (${foreign.slice(0, 3).join(', ')}).`, {
    target: to,
    actions: ['Name an empty folder, or one that is not there yet.'],
  });
}
