import { access, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { D3Error } from '@d3/sdk';
import { editionString } from '../catalog/names.ts';
import type { Edition } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { refuseNetworkFilesystem } from '../platform/filesystems.ts';
import { alone } from './alone.ts';
import { type Blobs, type LocalBlobs, openBlobs } from './blobs.ts';
import { SERVED_DAYS } from './expiry.ts';
import { errnoOf, makeFolder, syncFolder, writeFileDurably } from './files.ts';
import { type InboxOutcome, type ReportsTaken, takeInbox, takeReports } from './inbox.ts';
import { generateKeys, type Keyring, keysFolder, readKeyring } from './keys.ts';
import { blobsOf, neededBlobs } from './needed-blobs.ts';
import { publish, seemsInForce, withDerivedStatus } from './publish.ts';
import { type HolderSigning, type Signing, signingOf } from './signing.ts';
import { copySite, forgetCopy, type KnownCopy, knownCopies, type SiteCopy, type SiteOptions } from './site.ts';
import type { AdminStore, NewEdition, PublicationRecord, Store, StoredEdition } from './store/contract.ts';
import {
  DATABASE_FILE,
  DATABASE_NAME,
  type Database,
  type DatabaseGiven,
  databaseOf,
  newDatabase,
  writeDatabaseFile,
} from './store/database.ts';
import { openStore, openStoreIn } from './store/open.ts';

/** A depot, open for admin work: in its folder on the host that holds it, or over the network. */
export interface Depot {
  /** Its folder or its address, for messages. */
  readonly location: string;
  /** Absolute path of a folder of this host, where programs find their private working folders. */
  readonly work: string;
  readonly store: AdminStore;
  readonly blobs: Blobs;
  readonly signing: HolderSigning;
  /** Itself, where it is in its folder on this host; null over the network. */
  readonly local: LocalDepot | null;
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
   * Shows machines what the store holds, or leaves a draft where signatures are missing: see {@link Signing.waiting}.
   * @returns what was published, null when machines see it already or when it waits
   */
  publish(options?: PublishChoice): Promise<PublicationRecord | null>;
  /** Takes in the reports machines left. */
  takeInbox(): Promise<InboxOutcome>;
  /** All editions in id order, `missing` where the file is gone. */
  editionsWithDerivedStatus(): Promise<Edition[]>;
  close(): Promise<void>;
}

export interface PublishChoice {
  /** Sign with the keys of the person who does this too, not with those of the depot's host alone. */
  mine?: boolean;
  /** All that waits was shown and agreed to; over the network nothing else is signed than what one asked for oneself. */
  agreed?: boolean;
  /** Sign anew, whether anything changed or not. */
  renew?: boolean;
  /** Days snapshot and timestamp are to be good for; as last time unless said. */
  days?: number;
}

export interface DepotOptions {
  clock: Clock;
  /** What the environment and the configuration say of its database. */
  database?: DatabaseGiven | null;
  /** Folders with keys of the person who does this. */
  keys?: readonly string[];
  /** Told why the depot could not be published; without it, that is a failure. For who only looks. */
  unpublished?: (why: D3Error) => void;
}

/** An embedded depot, on the host that holds it. */
export interface LocalDepot extends Depot {
  /** Absolute path of its folder. */
  readonly dir: string;
  readonly store: Store;
  readonly blobs: LocalBlobs;
  readonly signing: Signing;
  /** After a cut between a change and its publication, when `public/` lost files, and in the second half of its life. */
  publishIfBehind(): Promise<PublicationRecord | null>;
  /** Signs what machines read for a day: a depot that is served does so every hour, with the keys of its own host alone. */
  renewServed(): Promise<PublicationRecord | null>;
  /**
   * Takes in reports that were left in another folder: a drop folder of a static copy. What is no report is left alone.
   * @throws D3Error notFound `NO_FOLDER`
   */
  collect(folder: string): Promise<InboxOutcome>;
  /** Takes in reports that came as texts: what `d3 ea report` printed, in whatever an inventory exported. */
  collectTexts(text: string): Promise<ReportsTaken>;
  /** Makes or renews a static copy for a web server, a CDN or a share. */
  copyTo(to: string, options: SiteOptions): Promise<SiteCopy>;
  /** The static copies there are. */
  copies(): Promise<KnownCopy[]>;
  /** Renews a copy no more. @returns whether it was known */
  forgetCopy(to: string): Promise<boolean>;
}

/** A depot in the making; it becomes one when its database has its place, the last step. */
const MAKING = '.d3-init';
const COMPLETE = 'complete';
/** Held by the one process that makes it. */
const LOCK = '.d3-init.lock';
/** In the order they take their places. */
const PARTS = ['keys', 'blobs', 'inbox', 'public', DATABASE_NAME, DATABASE_FILE] as const;
/** What a fresh volume holds by itself. */
const NOT_FOREIGN = new Set([MAKING, LOCK, 'lost+found']);

/**
 * Makes a depot in a folder that is empty or not there, and publishes its empty catalog. A cut at any point leaves no
 * depot, and repeating the call finishes it.
 * @param options.database given with an address, the store is made in that PostgreSQL database
 * @throws D3Error refused `DEPOT_EXISTS`, `FOLDER_NOT_EMPTY` or `NETWORK_FILESYSTEM`; busy `DEPOT_BUSY`; notAuthorised `NO_ACCESS`
 */
export async function initDepot(
  dir: string,
  { clock, database = null }: { clock: Clock; database?: DatabaseGiven | null },
): Promise<void> {
  const depot = resolve(dir);
  await refuseNetworkFilesystem(depot, 'The depot');
  try {
    await makeFolder(depot, 0o755);
    // Two processes at once would mix their keys and databases.
    await alone(join(depot, LOCK), `Another process is making a depot in ${depot} at this moment.`, () =>
      make(depot, clock, database),
    );
  } catch (error) {
    throw asD3Error(error, depot);
  }
}

async function make(depot: string, clock: Clock, given: DatabaseGiven | null): Promise<void> {
  const making = join(depot, MAKING);
  await refuseTaken(depot);
  if (!(await exists(join(making, COMPLETE)))) {
    // A database that was begun is this depot's: it is gone on with. Nothing else of it is of use.
    const database = (await exists(join(making, DATABASE_FILE))) ? await databaseOf(making, given) : newDatabase(given);
    for (const part of PARTS) {
      if (part !== DATABASE_FILE) await rm(join(making, part), { recursive: true, force: true });
    }
    await build(making, clock, database);
    await writeFileDurably(join(making, COMPLETE), '', 0o600);
  }
  for (const part of PARTS) await putInPlace(making, depot, part);
  await rm(making, { recursive: true, force: true });
  await syncFolder(depot);
}

async function refuseTaken(depot: string): Promise<void> {
  const names = await readdir(depot);
  const finishing = await exists(join(depot, MAKING, COMPLETE));
  if ((names.includes(DATABASE_NAME) || names.includes(DATABASE_FILE)) && !finishing) {
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

async function build(dir: string, clock: Clock, database: Database): Promise<void> {
  await makeFolder(dir, 0o700);
  if (database.kind === 'postgres') await writeDatabaseFile(dir, database.place, database.identity);
  await makeFolder(join(dir, 'blobs'), 0o755);
  await makeFolder(join(dir, 'inbox'), 0o700);
  await makeFolder(join(dir, 'public'), 0o755);
  await makeFolder(join(dir, 'public', 'metadata'), 0o755);
  await makeFolder(join(dir, 'public', 'targets'), 0o755);
  await generateKeys(dir);
  const store = await openStoreIn(database, dir, { clock, mustExist: false });
  try {
    await publish({ dir, store, blobs: openBlobs(dir), ring: await readKeyring([keysFolder(dir)]), clock });
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
export async function openDepot(dir: string, options: DepotOptions): Promise<LocalDepot> {
  const depot = resolve(dir);
  await refuseNoDepot(depot);
  const { clock, database = null } = options;
  const store = await openStore(depot, { clock, database, mustExist: true });
  const opened = new EmbeddedDepot(depot, store, options);
  try {
    await opened.publishIfBehind();
    return opened;
  } catch (error) {
    if (error instanceof D3Error && options.unpublished !== undefined) {
      options.unpublished(error);
      return opened;
    }
    await store.close();
    throw error;
  }
}

class EmbeddedDepot implements LocalDepot {
  readonly dir: string;
  readonly location: string;
  readonly work: string;
  readonly admin = null;
  readonly local = this;
  readonly store: Store;
  readonly blobs: LocalBlobs;
  readonly #clock: Clock;
  readonly #keys: readonly string[];
  readonly signing: Signing;

  constructor(dir: string, store: Store, { clock, keys = [] }: DepotOptions) {
    this.dir = dir;
    this.location = dir;
    // The depot's own ground, which only its owner may enter.
    this.work = join(dir, 'work');
    this.store = store;
    this.blobs = openBlobs(dir);
    this.#clock = clock;
    this.#keys = keys;
    this.signing = signingOf(dir, store, keys, clock);
  }

  async publish({ mine = false, agreed: _agreed, ...choice }: PublishChoice = {}): Promise<PublicationRecord | null> {
    const { dir, store, blobs } = this;
    return publish({ dir, store, blobs, ring: await this.#ring(mine), clock: this.#clock, ...choice });
  }

  renewServed(): Promise<PublicationRecord | null> {
    return this.publish({ renew: true, days: SERVED_DAYS });
  }

  async publishIfBehind(): Promise<PublicationRecord | null> {
    return (await seemsInForce(this.dir, this.store, this.#clock.now())) ? null : this.publish();
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

  #ring(mine: boolean): Promise<Keyring> {
    return readKeyring([keysFolder(this.dir), ...(mine ? this.#keys : [])]);
  }

  async takeInbox(): Promise<InboxOutcome> {
    return this.#showing(takeInbox(join(this.dir, 'inbox'), this.store.computers, this.#clock, { isOwn: true }));
  }

  async collect(folder: string): Promise<InboxOutcome> {
    const inbox = (await exists(join(folder, 'inbox'))) ? join(folder, 'inbox') : folder;
    if (!(await exists(inbox))) {
      throw new D3Error('NO_FOLDER', 'notFound', `There is no folder ${inbox}.`, { target: inbox });
    }
    return this.#showing(takeInbox(inbox, this.store.computers, this.#clock, { isOwn: false }));
  }

  async collectTexts(text: string): Promise<ReportsTaken> {
    return this.#showing(takeReports(text, this.store.computers));
  }

  /** A machine that was heard of for the first time may have a record by that, which it waits for. */
  async #showing<Outcome extends { taken: number }>(taking: Promise<Outcome>): Promise<Outcome> {
    const outcome = await taking;
    if (outcome.taken > 0) {
      await this.publishIfBehind().catch((error: unknown) => {
        // Whoever opens the depot next shows it, or is told why not.
        if (!(error instanceof D3Error)) throw error;
      });
    }
    return outcome;
  }

  async copyTo(to: string, options: SiteOptions): Promise<SiteCopy> {
    return copySite(this.dir, to, options, { store: this.store, clock: this.#clock });
  }

  async copies(): Promise<KnownCopy[]> {
    return knownCopies(this.dir);
  }

  async forgetCopy(to: string): Promise<boolean> {
    return forgetCopy(this.dir, to, this.store);
  }

  async editionsWithDerivedStatus(): Promise<Edition[]> {
    return withDerivedStatus(await this.store.editions.list(), await this.blobs.list());
  }

  async close(): Promise<void> {
    await this.store.close();
  }
}

async function refuseNoDepot(depot: string): Promise<void> {
  for (const name of [DATABASE_FILE, DATABASE_NAME]) {
    try {
      if ((await stat(join(depot, name))).isFile()) return;
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw asD3Error(error, depot);
    }
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
