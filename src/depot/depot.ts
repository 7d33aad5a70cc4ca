import { constants } from 'node:fs';
import { access, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { D3Error } from '@d3/sdk';
import { editionString } from '../catalog/names.ts';
import type { Edition } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { refuseNetworkFilesystem } from '../platform/filesystems.ts';
import { type Blobs, type LocalBlobs, openBlobs } from './blobs.ts';
import { errnoOf, giveToOwnerOf, makeFolder, syncFolder, writeFileDurably } from './files.ts';
import { type InboxOutcome, takeInbox } from './inbox.ts';
import { generateKeys, loadKeys } from './keys.ts';
import { blobsOf, neededBlobs } from './needed-blobs.ts';
import { needsRenewal, publish, timestampVersion, withDerivedStatus } from './publish.ts';
import type { AdminStore, NewEdition, PublicationRecord, Store, StoredEdition } from './store/contract.ts';
import { DATABASE_NAME, openStore } from './store/open.ts';

/** A depot, open for admin work: in its folder on the host that holds it, or over the network. */
export interface Depot {
  /** Its folder or its address, for messages. */
  readonly location: string;
  /** Absolute path of a folder of this host, where programs find their private working folders. */
  readonly work: string;
  readonly store: AdminStore;
  readonly blobs: Blobs;
  /** Who acts by the token a served depot was asked with; null: embedded, where people say it themselves. */
  readonly admin: string | null;
  /**
   * Adds a pilot whose file, list of contents and scripts are in the depot.
   * @throws D3Error busy `BLOB_GONE`, and as the store's insert
   */
  addEdition(edition: NewEdition, by: string): Promise<StoredEdition>;
  /**
   * Removes those of the given blobs that nothing names any more. Only these: others may just be arriving.
   * @returns the hashes that were removed
   */
  removeUnused(candidates: readonly string[]): Promise<string[]>;
  /**
   * Shows machines what the store holds.
   * @returns what was published, null when machines see it already
   */
  publish(): Promise<PublicationRecord | null>;
  /** Takes in the reports machines left. */
  takeInbox(): Promise<InboxOutcome>;
  /** All editions in id order, `missing` where the file is gone. */
  editionsWithDerivedStatus(): Promise<Edition[]>;
  close(): Promise<void>;
}

/** An embedded depot, on the host that holds it. */
export interface LocalDepot extends Depot {
  /** Absolute path of its folder. */
  readonly dir: string;
  readonly store: Store;
  readonly blobs: LocalBlobs;
  /** After a cut between a change and its publication, when `public/` lost files, and in the second half of its life. */
  publishIfBehind(): Promise<PublicationRecord | null>;
}

/** A depot in the making; it becomes one when its database has its place, the last step. */
const MAKING = '.d3-init';
const COMPLETE = 'complete';
/** Held by the one process that makes it. */
const LOCK = '.d3-init.lock';
/** In the order they take their places. */
const PARTS = ['keys', 'blobs', 'inbox', 'public', DATABASE_NAME] as const;
/** What a fresh volume holds by itself. */
const NOT_FOREIGN = new Set([MAKING, LOCK, 'lost+found']);

/**
 * Makes a depot in a folder that is empty or not there, and publishes its empty catalog. A cut at any point leaves no
 * depot, and repeating the call finishes it.
 * @throws D3Error refused `DEPOT_EXISTS`, `FOLDER_NOT_EMPTY` or `NETWORK_FILESYSTEM`; busy `DEPOT_BUSY`; notAuthorised `NO_ACCESS`
 */
export async function initDepot(dir: string, options: { clock: Clock }): Promise<void> {
  const depot = resolve(dir);
  await refuseNetworkFilesystem(depot, 'The depot');
  try {
    await makeFolder(depot, 0o755);
    await alone(depot, () => make(depot, options.clock));
  } catch (error) {
    throw asD3Error(error, depot);
  }
}

async function make(depot: string, clock: Clock): Promise<void> {
  const making = join(depot, MAKING);
  await refuseTaken(depot);
  if (!(await exists(join(making, COMPLETE)))) {
    await rm(making, { recursive: true, force: true });
    await build(making, clock);
    await writeFileDurably(join(making, COMPLETE), '', 0o600);
  }
  for (const part of PARTS) await putInPlace(making, depot, part);
  await rm(making, { recursive: true, force: true });
  await syncFolder(depot);
}

/** Two processes at once would mix their keys and databases. A lock of SQLite ends with its process, however that ends. */
async function alone(depot: string, work: () => Promise<void>): Promise<void> {
  const file = join(depot, LOCK);
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    await giveToOwnerOf(depot, handle);
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
      throw new D3Error('DEPOT_BUSY', 'busy', `Another process is making a depot in ${depot} at this moment.`, {
        target: depot,
        actions: ['Wait for it to end; repeat the command only if it failed.'],
        cause: error,
      });
    }
    try {
      await work();
    } finally {
      await rm(file, { force: true });
    }
  } finally {
    lock.close();
  }
}

async function refuseTaken(depot: string): Promise<void> {
  const names = await readdir(depot);
  const finishing = await exists(join(depot, MAKING, COMPLETE));
  if (names.includes(DATABASE_NAME) && !finishing) {
    throw new D3Error('DEPOT_EXISTS', 'refused', `${depot} is a depot already. Nothing was changed.`, {
      target: depot,
    });
  }
  const foreign = names.filter(
    (name) => !NOT_FOREIGN.has(name) && !(finishing && PARTS.some((part) => name.startsWith(part))),
  );
  if (foreign.length === 0) return;
  throw new D3Error(
    'FOLDER_NOT_EMPTY',
    'refused',
    `${depot} is not empty (${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ', …' : ''}). Nothing was changed.`,
    { target: depot, actions: ['Name an empty folder, or one that is not there yet.'] },
  );
}

async function build(dir: string, clock: Clock): Promise<void> {
  await makeFolder(dir, 0o700);
  await makeFolder(join(dir, 'blobs'), 0o755);
  await makeFolder(join(dir, 'inbox'), 0o700);
  await makeFolder(join(dir, 'public'), 0o755);
  await makeFolder(join(dir, 'public', 'metadata'), 0o755);
  await makeFolder(join(dir, 'public', 'targets'), 0o755);
  await generateKeys(dir);
  const store = await openStore(dir, { clock, mustExist: false });
  try {
    await publish({ dir, store, blobs: openBlobs(dir), keys: await loadKeys(dir), clock });
  } finally {
    // Closing folds the write-ahead log into the database: one file to move.
    await store.close();
  }
  await syncFolder(dir);
}

async function putInPlace(from: string, to: string, part: string): Promise<void> {
  if (!(await exists(join(from, part)))) return;
  await rename(join(from, part), join(to, part));
  await syncFolder(to);
}

/**
 * Opens a depot for admin work. When the publication is behind the store (a cut between the two) or near its end, it is
 * published again.
 * @throws D3Error notFound `NOT_A_DEPOT`, notAuthorised `DEPOT_NOT_YOURS`, and as {@link openStore}
 */
export async function openDepot(dir: string, options: { clock: Clock }): Promise<LocalDepot> {
  const depot = resolve(dir);
  await refuseNoDepot(depot);
  const store = await openStore(depot, { clock: options.clock, mustExist: true });
  const opened = new EmbeddedDepot(depot, store, options.clock);
  try {
    await opened.publishIfBehind();
    return opened;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class EmbeddedDepot implements LocalDepot {
  readonly dir: string;
  readonly location: string;
  readonly work: string;
  readonly admin = null;
  readonly store: Store;
  readonly blobs: LocalBlobs;
  readonly #clock: Clock;

  constructor(dir: string, store: Store, clock: Clock) {
    this.dir = dir;
    this.location = dir;
    // The depot's own ground, which only its owner may enter.
    this.work = join(dir, 'work');
    this.store = store;
    this.blobs = openBlobs(dir);
    this.#clock = clock;
  }

  async publish(): Promise<PublicationRecord | null> {
    const keys = await loadKeys(this.dir);
    return publish({ dir: this.dir, store: this.store, blobs: this.blobs, keys, clock: this.#clock });
  }

  async addEdition(edition: NewEdition, by: string): Promise<StoredEdition> {
    const name = editionString(edition.basename, edition.version, edition.revision);
    // Asked last, while nothing else changes: another admin may have deleted the last that had them.
    return this.store.editions.insert(edition, by, async () => {
      for (const hash of blobsOf(edition)) {
        if (await this.blobs.has(hash)) continue;
        throw new D3Error('BLOB_GONE', 'busy', `${name} was not added: somebody deleted its file at this moment.`, {
          target: name,
          actions: ['run the command again'],
        });
      }
    });
  }

  /** Nothing can be added meanwhile; what is added right after finds its blob gone. */
  async removeUnused(candidates: readonly string[]): Promise<string[]> {
    return this.store.exclusively(async (store) => {
      const needed = await neededBlobs(store);
      const unused = [...new Set(candidates)].filter((hash) => !needed.has(hash));
      for (const hash of unused) await this.blobs.remove(hash);
      return unused;
    });
  }

  async publishIfBehind(): Promise<PublicationRecord | null> {
    const { publication } = this.store;
    const last = await publication.last();
    const isInForce =
      last !== null &&
      last.generation === (await publication.generation()) &&
      last.versions.timestamp === (await timestampVersion(this.dir)) &&
      !needsRenewal(last.expires, this.#clock.now());
    return isInForce ? null : this.publish();
  }

  async takeInbox(): Promise<InboxOutcome> {
    return takeInbox(this.dir, this.store.computers, this.#clock);
  }

  async editionsWithDerivedStatus(): Promise<Edition[]> {
    return withDerivedStatus(await this.store.editions.list(), await this.blobs.list());
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

async function refuseNoDepot(depot: string): Promise<void> {
  try {
    if ((await stat(join(depot, DATABASE_NAME))).isFile()) return;
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw asD3Error(error, depot);
  }
  throw new D3Error('NOT_A_DEPOT', 'notFound', `${depot} is not a depot.`, {
    target: depot,
    actions: [`Make one there: d3 depot init ${depot}`, 'Or name another folder with --depot.'],
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    (error) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}

function asD3Error(error: unknown, depot: string): unknown {
  const options = { target: depot, cause: error };
  const reason = error instanceof Error ? error.message : String(error);
  switch (errnoOf(error)) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new D3Error('NO_ACCESS', 'notAuthorised', `The depot ${depot} cannot be used: ${reason}.`, {
        ...options,
        actions: ['Run the command as a user who may write there.'],
      });
    case 'EEXIST':
    case 'ENOTDIR':
      return new D3Error('FOLDER_NOT_EMPTY', 'refused', `${depot} is not a folder.`, options);
    case 'ENOENT':
      return new D3Error('NO_FOLDER', 'failed', `A depot cannot be made in ${depot}: ${reason}.`, {
        ...options,
        actions: ['Name a folder on a disk.'],
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return new D3Error('NO_SPACE', 'failed', `The disk of ${depot} is full.`, options);
    default:
      return error;
  }
}
