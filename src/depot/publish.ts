import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Catalog, CatalogGroup, Edition } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { type Blobs, removeUnfinished } from './blobs.ts';
import { errnoOf, makeFolder, TEMP_PREFIX, writeFileDurably } from './files.ts';
import type { SigningKeys } from './keys.ts';
import { Records } from './records.ts';
import type { PublicationInput, PublicationRecord, Store, StoredEdition } from './store/contract.ts';

/** Name of the catalog among the signed targets. */
const CATALOG_TARGET = 'catalog.json';

/** How long the metadata of an embedded depot is good for; every publication renews it. */
const LIFETIME_DAYS = 365;
/** Root metadata is renewed, and a publication repeated, when less of its life is left. */
const RENEW_BELOW_DAYS = LIFETIME_DAYS / 2;
const DAY = 86_400_000;
/** Publications whose files stay for clients that are still reading them. */
const PUBLICATIONS_KEPT = 5;

export interface PublishOptions {
  /** The depot's folder. */
  dir: string;
  store: Store;
  blobs: Blobs;
  keys: SigningKeys;
  clock: Clock;
}

/**
 * Publishes what the store holds: catalog and signed metadata in `DIR/public`. Nothing is written when the publication
 * shows it already and is not half through its life. Machines see the old publication until the new timestamp has its name.
 * @returns the publication in force, null when it was already
 * @throws D3Error refused `KEYS_CHANGED` when the keys are not those the published root names
 */
export async function publish(options: PublishOptions): Promise<PublicationRecord | null> {
  const record = await options.store.publication.exclusively((input) => publishInput(input, options));
  await removeUnfinished(options.dir, options.clock.now());
  return record;
}

async function publishInput(input: PublicationInput, options: PublishOptions): Promise<PublicationRecord | null> {
  const { dir, blobs, keys, clock } = options;
  const now = clock.now();
  await makeFolder(metadataDir(dir), 0o755);
  await makeFolder(targetsDir(dir), 0o755);
  const present = await blobs.list();
  const onDisk = await versionsOnDisk(dir);
  const { last } = input;

  let catalog = makeCatalog(input, input.generation, present);
  if (last !== null && last.generation === input.generation) {
    const same = catalog.sha256 === last.catalogSha256 && onDisk.timestamp === last.versions.timestamp;
    if (same && onDisk.roots.includes(1) && !needsRenewal(last.expires, now)) return null;
    // A file came or went without a change in the store: that is a change of the catalog too.
    if (catalog.sha256 !== last.catalogSha256) catalog = makeCatalog(input, input.generation + 1, present);
  }

  const expires = isoSeconds(new Date(now.getTime() + LIFETIME_DAYS * DAY));
  // A depot restored from an old backup has forgotten numbers its machines know, and they refuse to go back. The time
  // stands above all numbers ever given, as long as nobody publishes every second for years.
  const seconds = Math.floor(now.getTime() / 1000);
  const next = (role: 'targets' | 'snapshot' | 'timestamp') =>
    Math.max(onDisk[role] + 1, (last?.versions[role] ?? 0) + 1, seconds);
  const versions = { targets: next('targets'), snapshot: next('snapshot'), timestamp: next('timestamp') };
  const { Metadata, MetaFile, Root, Key, Signature, Snapshot, TargetFile, Targets, Timestamp } = await import(
    '@tufjs/models'
  );
  const signed = (metadata: InstanceType<typeof Metadata>, role: keyof SigningKeys): Buffer => {
    const key = keys[role];
    metadata.sign((bytes) => new Signature({ keyID: key.id, sig: key.sign(bytes) }));
    return Buffer.from(JSON.stringify(metadata.toJSON()));
  };
  const metaFile = (version: number, bytes: Buffer) =>
    new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
  const common = { specVersion: '1.0.31', expires };

  const root = await publishRoot(dir, onDisk.roots, last?.versions.root ?? 1, keys, now, (version) => {
    const metadata = new Root({ ...common, version, consistentSnapshot: true });
    for (const [role, key] of Object.entries(keys)) {
      const { id: keyID, publicHex } = key;
      metadata.addKey(new Key({ keyID, keyType: 'ed25519', scheme: 'ed25519', keyVal: { public: publicHex } }), role);
    }
    return signed(new Metadata(metadata), 'root');
  });

  const { length } = catalog.bytes;
  const target = new TargetFile({ path: CATALOG_TARGET, length, hashes: { sha256: catalog.sha256 } });
  const targets = signed(
    new Metadata(new Targets({ ...common, version: versions.targets, targets: { [CATALOG_TARGET]: target } })),
    'targets',
  );
  const snapshot = signed(
    new Metadata(
      new Snapshot({
        ...common,
        version: versions.snapshot,
        meta: { 'targets.json': metaFile(versions.targets, targets) },
      }),
    ),
    'snapshot',
  );
  const timestamp = signed(
    new Metadata(
      new Timestamp({ ...common, version: versions.timestamp, snapshotMeta: metaFile(versions.snapshot, snapshot) }),
    ),
    'timestamp',
  );

  await writeFileDurably(join(targetsDir(dir), `${catalog.sha256}.${CATALOG_TARGET}`), catalog.bytes, 0o644);
  await writeFileDurably(join(metadataDir(dir), `${versions.targets}.targets.json`), targets, 0o644);
  await writeFileDurably(join(metadataDir(dir), `${versions.snapshot}.snapshot.json`), snapshot, 0o644);
  await writeFileDurably(join(metadataDir(dir), 'timestamp.json'), timestamp, 0o644);
  await removeOld(dir);
  return {
    generation: catalog.generation,
    versions: { root: root.version, ...versions },
    catalogSha256: catalog.sha256,
    at: now.toISOString(),
    expires: root.expires < expires ? root.expires : expires,
  };
}

/** Puts `missing` in place of the status of editions whose file is gone. */
export function withDerivedStatus(editions: readonly StoredEdition[], present: ReadonlySet<string>): Edition[] {
  return editions.map((edition) => (present.has(edition.file.sha256) ? edition : { ...edition, status: 'missing' }));
}

function makeCatalog(input: PublicationInput, generation: number, present: ReadonlySet<string>) {
  const records = new Records(input.records);
  const groups: CatalogGroup[] = input.groups.map(({ id, name, body }) =>
    body.kind === 'smart'
      ? { id, name, members: [], criteria: records.published(body.criteria, sha256) }
      : { id, name, members: body.members.map((computerId) => sha256(computerId)).sort() },
  );
  const mirrors = input.mirrors
    .toSorted((a, b) => a.body.priority - b.body.priority || a.id - b.id)
    .map(({ body: { url, networks } }) => ({ url, networks }));
  const policies = input.policies.map(({ id, name, body }) => ({ id, name, ...body }));
  const catalog: Catalog = {
    schema: 'd3/catalog@1',
    generation,
    editions: withDerivedStatus(input.editions, present),
    groups,
    ...(mirrors.length === 0 ? {} : { mirrors }),
    ...(policies.length === 0 ? {} : { policies }),
  };
  const bytes = Buffer.from(JSON.stringify(catalog));
  return { generation, bytes, sha256: sha256(bytes) };
}

interface VersionsOnDisk {
  /** Versions of all root metadata, ascending. */
  roots: number[];
  targets: number;
  snapshot: number;
  timestamp: number;
}

async function versionsOnDisk(dir: string): Promise<VersionsOnDisk> {
  const names = await readdir(metadataDir(dir));
  return {
    roots: versionsOf('root', names),
    targets: versionsOf('targets', names).at(-1) ?? 0,
    snapshot: versionsOf('snapshot', names).at(-1) ?? 0,
    timestamp: await timestampVersion(dir),
  };
}

/** Versions of a role's metadata among the names of files, ascending. */
function versionsOf(role: 'root' | 'targets' | 'snapshot', names: string[]): number[] {
  return names
    .map((name) => new RegExp(`^(\\d{1,15})\\.${role}\\.json$`).exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Version of the timestamp machines see; 0 when there is none that can be read. @param dir the depot's folder */
export async function timestampVersion(dir: string): Promise<number> {
  try {
    const version: unknown = JSON.parse(await readFile(join(metadataDir(dir), 'timestamp.json'), 'utf8')).signed
      .version;
    return Number.isSafeInteger(version) ? (version as number) : 0;
  } catch (error) {
    if (errnoOf(error) !== null && errnoOf(error) !== 'ENOENT') throw error;
    return 0;
  }
}

/**
 * Sees to it that the newest root names these keys and is not near its end.
 * Root metadata is never removed: a machine walks from the version it trusts to the newest.
 */
async function publishRoot(
  dir: string,
  onDisk: number[],
  recorded: number,
  keys: SigningKeys,
  now: Date,
  make: (version: number) => Buffer,
): Promise<{ version: number; expires: string }> {
  const file = (version: number) => join(metadataDir(dir), `${version}.root.json`);
  const newest = onDisk.at(-1);
  const current = newest === undefined ? null : await readRoot(file(newest));
  if (current !== null) checkKeys(current, keys);
  const missing: number[] = [];
  for (let version = 1; version <= Math.max(recorded, newest ?? 1); version++) {
    if (!onDisk.includes(version)) missing.push(version);
  }
  const last = Math.max(recorded, newest ?? 1);
  if (current !== null && needsRenewal(current.expires, now)) missing.push(last + 1);
  let written: Buffer | null = null;
  for (const version of missing) {
    written = make(version);
    await writeFileDurably(file(version), written, 0o644);
  }
  const version = missing.at(-1) === last + 1 ? last + 1 : last;
  const { expires } = await readRoot(file(version));
  return { version, expires };
}

interface RootMetadata {
  expires: string;
  roles: Record<string, { keyids: string[] }>;
}

/** Machines walk from root to root: one that is broken is not made anew, for it would be another. */
async function readRoot(file: string): Promise<RootMetadata> {
  try {
    const { signed } = JSON.parse(await readFile(file, 'utf8')) as { signed: RootMetadata };
    const lists = Object.values(signed.roles).map(({ keyids }) => keyids);
    if (!lists.every(Array.isArray) || Number.isNaN(Date.parse(signed.expires)))
      throw new Error('it is no root metadata');
    return signed;
  } catch (error) {
    if (errnoOf(error) !== null) throw error;
    throw new D3Error('ROOT_BROKEN', 'failed', `${file} cannot be read: ${(error as Error).message}.`, {
      target: file,
      actions: ['put the file back from a backup of the depot'],
      cause: error,
    });
  }
}

function checkKeys(root: RootMetadata, keys: SigningKeys): void {
  for (const [role, key] of Object.entries(keys)) {
    if (root.roles[role]?.keyids.includes(key.id)) continue;
    throw new D3Error(
      'KEYS_CHANGED',
      'refused',
      `The ${role} key in keys/ is not the one this depot's machines trust: they would refuse what it signs.`,
      { target: `keys/${role}.pem`, actions: ['Put the keys back from their backup.'] },
    );
  }
}

/** Removes metadata and catalogs before the last few publications; what the newest timestamp leads to is the very last. */
async function removeOld(dir: string): Promise<void> {
  const metadata = metadataDir(dir);
  const names = await readdir(metadata);
  for (const version of versionsOf('snapshot', names).slice(0, -PUBLICATIONS_KEPT)) {
    await rm(join(metadata, `${version}.snapshot.json`), { force: true });
  }
  const targets = versionsOf('targets', names);
  for (const version of targets.slice(0, -PUBLICATIONS_KEPT)) {
    await rm(join(metadata, `${version}.targets.json`), { force: true });
  }
  const catalogs = new Set<string>();
  for (const version of targets.slice(-PUBLICATIONS_KEPT)) {
    catalogs.add(`${await catalogOf(join(metadata, `${version}.targets.json`))}.${CATALOG_TARGET}`);
  }
  for (const name of names) {
    if (name.startsWith(TEMP_PREFIX)) await rm(join(metadata, name), { force: true });
  }
  for (const name of await readdir(targetsDir(dir))) {
    const isOld = /^[0-9a-f]{64}\.catalog\.json$/.test(name) && !catalogs.has(name);
    if (isOld || name.startsWith(TEMP_PREFIX)) await rm(join(targetsDir(dir), name), { force: true });
  }
}

async function catalogOf(targetsFile: string): Promise<string> {
  try {
    return JSON.parse(await readFile(targetsFile, 'utf8')).signed.targets[CATALOG_TARGET].hashes.sha256;
  } catch {
    // A file nothing refers to, damaged: it keeps no catalog.
    return '';
  }
}

function metadataDir(dir: string): string {
  return join(dir, 'public', 'metadata');
}

function targetsDir(dir: string): string {
  return join(dir, 'public', 'targets');
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Whether less than half of its life is left. */
export function needsRenewal(expires: string, now: Date): boolean {
  return new Date(expires).getTime() - now.getTime() < RENEW_BELOW_DAYS * DAY;
}

/** TUF writes times without fractions. */
function isoSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
