import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { D3Error, type Reporter } from '@d3/sdk';
import { alone } from './alone.ts';
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
import { compareRows, copyRows, countRows, movedText, type Rows, storeMoved } from './store/rows.ts';
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
/** In the depot's folder, while it moves. */
const LOCK = '.d3-migrate.lock';

/**
 * Moves a depot's store into another database, and its files where it goes to another folder. Everything is compared first; then
 * the old store takes no change any more, for good; then the new one comes into force. A call that was cut before that left the
 * old one as it was, or taking no change: repeated, it begins anew, or goes on. Never do two take changes.
 * @throws D3Error refused `DATABASE_NOT_EMPTY`, `FOLDER_NOT_EMPTY` or `ALREADY_THERE`; verificationFailed `ROWS_DIFFER` or
 *   `BLOB_DAMAGED`: nothing was changed; failed `MOVE_CUT`: it has to be repeated; busy `DEPOT_BUSY`
 */
export async function moveDepot(request: MoveRequest): Promise<Moved> {
  const dir = resolve(request.dir);
  // Not a lock of the store: a store that was left has to be told from one that is being left at this moment.
  return alone(join(dir, LOCK), `Another process moves the depot ${dir}.`, () => moveAlone({ ...request, dir }));
}

async function moveAlone(request: MoveRequest): Promise<Moved> {
  const { dir } = request;
  const database = await databaseOf(dir, request.database);
  const source = await openRowsIn(database, dir);
  try {
    if (isPostgresUrl(request.to)) {
      return await toPostgres(request, source, postgresPlace(request.to, request.password));
    }
    return await toFolder(request, source, database, resolve(request.to));
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
    await isShutFor(source, target.where);
    await refuseFilled(target.db, target.traits, target.where, identity);
    const files = await checkedFiles(dir, report, signal);
    const moved = { from: source.where, to: target.where, dryRun, ...files };
    if (dryRun) return { ...moved, rows: Object.fromEntries(await countRows(source)) };
    const unfinished = `d3 depot migrate from ${source.where} did not come to its end`;
    await makeTarget(target.db, target.traits, target.where, { identity, unfinished });
    const rows = await copied(source, target, target.where, request);
    await inForce(target.where, dir, () => writeDatabaseFile(dir, place, identity));
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
  const where = join(to, DATABASE_NAME);
  const making = join(to, MAKING);
  const copy = join(making, DATABASE_NAME);
  // Cut while it was put in place: all of it is there and was compared, part of it in its place.
  const isMade = (await isShutFor(source, where)) && !isOwn && (await exists(copy));
  if (isOwn) await settleLeft(where);
  else if (!isMade) await refuseFull(to);
  const checked = await checkedFiles(dir, report, signal);
  const moved = { from: source.where, to: where, dryRun };
  if (dryRun) return { ...moved, ...checked, rows: Object.fromEntries(await countRows(source)) };
  if (!isMade) {
    await makeFolder(to, 0o755);
    await rm(making, { recursive: true, force: true });
    await makeFolder(making, 0o700);
  }
  let isToStay = isMade;
  try {
    const files = isOwn || isMade ? checked : await copiedFiles(dir, making, request);
    const { openSqliteRows } = await import('./store/sqlite-store.ts');
    const target = await openSqliteRows(copy, { mustExist: isMade });
    let rows: Record<string, number>;
    try {
      rows = await copied(source, { ...target, where }, where, request, isMade);
      isToStay = true;
    } finally {
      // Closing folds the write-ahead log into the database: one file to move.
      await target.db.destroy();
    }
    await inForce(where, dir, async () => {
      await putInPlace(making, to);
      // The moment: without this file the store is the one in the folder.
      if (isOwn) {
        await rm(join(dir, DATABASE_FILE), { force: true });
        await syncFolder(dir);
      }
    });
    isToStay = false;
    return { ...moved, ...files, rows };
  } finally {
    if (!isToStay) await rm(making, { recursive: true, force: true });
  }
}

/**
 * Whether an earlier call shut the source for this very move, and was cut.
 * @throws D3Error refused `STORE_MOVED` when it is shut for another
 */
async function isShutFor({ db, anatomy, where }: Rows, to: string): Promise<boolean> {
  const shut = await anatomy.shutFor(db);
  if (shut === null || shut === to) return shut !== null;
  throw storeMoved(shut, where);
}

/**
 * Copies all rows, compares them, and shuts the source: what was compared is all there will ever be.
 * @param to where the depot will be, for whoever still writes to the source
 * @param isMade an earlier call copied them; they are compared once more
 */
async function copied(
  source: Rows,
  target: Rows,
  to: string,
  { report, signal }: MoveRequest,
  isMade = false,
): Promise<Record<string, number>> {
  return inTurn(source.db, DEPOT, async (transaction) => {
    await source.anatomy.freeze(transaction);
    const frozen: Rows = { ...source, db: transaction };
    const say = (text: string) => report({ type: 'detail', target: to, text });
    const counts = isMade
      ? await countRows(frozen)
      : await copyRows(frozen, target, (table, rows) => say(`${table}: ${rows} rows`), signal);
    await compareRows(frozen, target, signal);
    say('every row was compared');
    signal.throwIfAborted();
    if (!(await isShutFor(frozen, to))) await source.anatomy.shut(transaction, movedText(to));
    return Object.fromEntries(counts);
  });
}

/** The source is shut: from here on there is no way back, only on. @throws D3Error failed `MOVE_CUT` */
async function inForce(where: string, dir: string, commit: () => Promise<void>): Promise<void> {
  try {
    await commit();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new D3Error(
      'MOVE_CUT',
      'failed',
      `All of the depot was copied to ${where}, but it could not be put in force there: ${reason}. Until it is, it takes no change.`,
      { target: dir, actions: ['mend that, and repeat the command as it was called: it goes on'], cause: error },
    );
  }
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
