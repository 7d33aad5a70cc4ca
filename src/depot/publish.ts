import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import type { Metadata, Targets } from '@tufjs/models';
import type { Catalog, CatalogGroup, Edition } from '../catalog/types.ts';
import type { Clock } from '../platform/clock.ts';
import { type Blobs, removeUnfinished } from './blobs.ts';
import {
  dropDraft,
  type RootDraft,
  readRootDraft,
  readTargetsDraft,
  saveRootDraft,
  saveTargetsDraft,
  type TargetsDraft,
} from './drafts.ts';
import { keptElsewhere } from './elsewhere.ts';
import type { Anchor } from './event-chain.ts';
import { STATIC_DAYS } from './expiry.ts';
import { errnoOf, makeFolder, TEMP_PREFIX, writeFileDurably } from './files.ts';
import { type Keyring, keyNotFound, keysFolder, SIGNING_ROLES } from './keys.ts';
import { Records } from './records.ts';
import {
  bytesOf,
  canSign,
  isSigned,
  lostRoot,
  makeRoot,
  metadataFolder,
  newestRootVersion,
  type RootContent,
  readRoot,
  type SignedRoot,
  settleRoots,
  signedRoot,
  signWith,
  writeRoot,
} from './roots.ts';
import { showRecords } from './sealed-records.ts';
import type { PublicationInput, PublicationRecord, Store, StoredEdition } from './store/contract.ts';

/** Name of the catalog among the signed targets. */
const CATALOG_TARGET = 'catalog.json';

/** Days root and targets are good for: their keys may be kept elsewhere, with people. */
export const LONG_DAYS = 365;
const DAY = 86_400_000;
/** No generation of the store. */
const NONE = -1;
/** Publications whose files stay for clients that are still reading them. */
const PUBLICATIONS_KEPT = 5;

export interface PublishOptions {
  /** The depot's folder. */
  dir: string;
  store: Store;
  blobs: Blobs;
  /** The keys at hand. Snapshot's and timestamp's have to be among them. */
  ring: Keyring;
  clock: Clock;
  /** Days snapshot and timestamp are to be good for; as they were last time unless said. */
  days?: number;
  /** Sign anew, whether anything changed or not. */
  renew?: boolean;
}

/**
 * Publishes what the store holds: catalog and signed metadata in `DIR/public`. Nothing is written when the publication
 * shows it already and is not half through its life. Machines see the old publication until the new timestamp has its name.
 * What needs signatures of keys that are not at hand waits as a draft; those that are at hand sign it.
 * @returns the publication in force if it changed, null when it was already, or waits
 * @throws D3Error refused `KEYS_CHANGED` when the keys are not those the published root names, notFound `KEY_NOT_FOUND`
 */
export async function publish(options: PublishOptions): Promise<PublicationRecord | null> {
  const record = await options.store.publication.exclusively((input) => publishInput(input, options));
  await removeUnfinished(options.dir, options.clock.now());
  return record;
}

async function publishInput(input: PublicationInput, options: PublishOptions): Promise<PublicationRecord | null> {
  const { dir, blobs, ring, clock, renew = false } = options;
  const now = clock.now();
  await makeFolder(metadataFolder(dir), 0o755);
  await makeFolder(targetsDir(dir), 0o755);
  const { last, anchor } = input;
  const days = options.days ?? last?.days ?? STATIC_DAYS;
  const roots = await rootsFor(options, last?.versions.root ?? 1, now);
  const wantedRoot = roots.next ?? roots.current;
  await requireKeys(wantedRoot, options);

  const present = await blobs.list();
  const onDisk = await versionsOnDisk(dir);
  const catalog = catalogToShow(input, present);
  const shown = last === null ? await newestTargets(dir, roots.current) : await readTargets(dir, last.versions.targets);
  const isShown =
    shown !== null &&
    isSigned(wantedRoot, 'targets', shown) &&
    last?.generation === input.generation &&
    last.catalogSha256 === catalog.sha256 &&
    (await isThere(catalogFile(dir, catalog.sha256)));
  const maySign = canSign(wantedRoot, 'targets', ring);
  // Who holds one of several keys can at least begin to renew what will expire.
  const isOld = shown !== null && isDue(shown.signed.expires, LONG_DAYS, now);
  const holds = wantedRoot.content.targets.keys.some(({ id }) => ring.has(id));
  await showRecords(dir, input.records);
  const isLasting = isShown && !(isOld && holds) && (!maySign || anchorOf(shown)?.hash === anchor.hash);
  const isCurrent =
    roots.isWhole &&
    onDisk.timestamp === last?.versions.timestamp &&
    !isDue(last.expiries?.snapshot, days, now) &&
    !renew;
  if (isLasting) await dropDraft(dir, 'targets');
  if (isLasting && isCurrent && roots.next === null) return null;

  // A depot restored from an old backup has forgotten numbers its machines know, and they refuse to go back. The time
  // stands above all numbers ever given, as long as nobody publishes every second for years.
  const seconds = Math.floor(now.getTime() / 1000);
  const next = (role: 'targets' | 'snapshot' | 'timestamp') =>
    Math.max(onDisk[role] + 1, (last?.versions[role] ?? 0) + 1, seconds);
  const wanted = { catalog, anchor, version: next('targets'), expires: until(now, LONG_DAYS), root: wantedRoot };
  const signed = isLasting ? null : await targetsToShow(wanted, options);
  // Where targets wait for signatures, what is in force stays so, under its root, and does not expire for that.
  const nextRoot = signed !== null || (shown !== null && isSigned(wantedRoot, 'targets', shown)) ? roots.next : null;
  const root = nextRoot ?? roots.current;
  const targets = signed ?? shown;
  if (targets === null || !isSigned(root, 'targets', targets)) return null;
  if (signed === null && isCurrent && nextRoot === null) return null;
  // Without a last publication what is shown may be older than what machines have seen: targets above that are still due.
  const generation = signed === null ? (last?.generation ?? NONE) : catalog.generation;

  const { Metadata: Made, MetaFile, Snapshot, Timestamp } = await import('@tufjs/models');
  const metaFile = (version: number, bytes: Buffer) =>
    new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
  const versions = { targets: targets.signed.version, snapshot: next('snapshot'), timestamp: next('timestamp') };
  const common = { specVersion: '1.0.31', expires: until(now, days) };
  const targetsBytes = bytesOf(targets);
  const snapshot = new Made(
    new Snapshot({
      ...common,
      version: versions.snapshot,
      meta: { 'targets.json': metaFile(versions.targets, targetsBytes) },
    }),
  );
  await signWith(snapshot as never, root.content.snapshot.keys, ring);
  const snapshotBytes = bytesOf(snapshot);
  const timestamp = new Made(
    new Timestamp({
      ...common,
      version: versions.timestamp,
      snapshotMeta: metaFile(versions.snapshot, snapshotBytes),
      // So that machines know how early there is reason to worry.
      unrecognizedFields: { d3: { days } },
    }),
  );
  await signWith(timestamp as never, root.content.timestamp.keys, ring);

  if (signed !== null) {
    await writeFileDurably(catalogFile(dir, catalog.sha256), catalog.bytes, 0o644);
    await writeFileDurably(join(metadataFolder(dir), `${versions.targets}.targets.json`), targetsBytes, 0o644);
  }
  await writeFileDurably(join(metadataFolder(dir), `${versions.snapshot}.snapshot.json`), snapshotBytes, 0o644);
  if (nextRoot !== null) await writeRoot(dir, nextRoot);
  await writeFileDurably(join(metadataFolder(dir), 'timestamp.json'), bytesOf(timestamp), 0o644);
  if (signed !== null) await dropDraft(dir, 'targets');
  if (nextRoot !== null) await dropDraft(dir, 'root');
  await retire(root, options);
  await removeOld(dir);
  const expiries = {
    root: root.expires,
    targets: targets.signed.expires,
    snapshot: common.expires,
    timestamp: common.expires,
  };
  return {
    generation,
    versions: { root: root.version, ...versions },
    catalogSha256: catalogHash(targets),
    at: now.toISOString(),
    expires: Object.values(expiries).reduce((a, b) => (new Date(a) < new Date(b) ? a : b)),
    expiries,
    days,
  };
}

/**
 * The newest rightly signed targets whose catalog is there: a depot that was brought back knows of no publication, and the
 * key of targets may be elsewhere.
 */
async function newestTargets(dir: string, root: SignedRoot): Promise<Metadata<Targets> | null> {
  for (const version of versionsOf('targets', await readdir(metadataFolder(dir))).toReversed()) {
    const targets = await readTargets(dir, version);
    if (targets === null || !isSigned(root, 'targets', targets)) continue;
    const bytes = await readFile(catalogFile(dir, catalogHash(targets))).catch(() => null);
    if (bytes !== null && sha256(bytes) === catalogHash(targets)) return targets;
  }
  return null;
}

interface Roots {
  /** In force. */
  current: SignedRoot;
  /** To come into force with this publication. */
  next: SignedRoot | null;
  /** Whether machines could see all of them before. */
  isWhole: boolean;
}

/**
 * The root in force, and the one that comes into force now: a draft that has all its signatures, or a renewal.
 * @param recorded version of the root in force, as the store remembers it
 */
async function rootsFor(options: PublishOptions, recorded: number, now: Date): Promise<Roots> {
  const { dir, ring } = options;
  const onDisk = await settleRoots(dir);
  const newest = onDisk.at(-1);
  const expires = until(now, LONG_DAYS);
  let current = newest === undefined ? null : await readRoot(dir, newest);
  const made = new Map<number, SignedRoot>();
  for (let version = 1; version <= Math.max(recorded, newest ?? 1); version++) {
    if (onDisk.includes(version)) continue;
    const metadata = await makeRoot(current?.content ?? firstContent(options), version, expires);
    await signWith(metadata, signedRoot(metadata).content.root.keys, ring);
    const root = signedRoot(metadata);
    made.set(version, root);
    if (current === null || version > current.version) current = root;
  }
  await requireChain(made, onDisk, options);
  for (const root of made.values()) await writeRoot(dir, root);
  // There is always one: version 1 is made where nothing is.
  const inForce = current as SignedRoot;
  return { current: inForce, next: await rootToCome(inForce, options, now), isWhole: made.size === 0 };
}

/**
 * A root that is lost can be made anew only where machines may go on over it as over the old one: signed by the keys of the
 * one before, leading to the one after, and naming keys that are in use.
 * @throws D3Error failed `ROOT_LOST`
 */
async function requireChain(
  made: ReadonlyMap<number, SignedRoot>,
  onDisk: readonly number[],
  options: PublishOptions,
): Promise<void> {
  const { dir } = options;
  const at = async (version: number) => made.get(version) ?? (onDisk.includes(version) ? readRoot(dir, version) : null);
  for (const [version, root] of made) {
    const [before, after] = [await at(version - 1), await at(version + 1)];
    const isLinked =
      isSigned(root, 'root', root.metadata) &&
      (before === null || isSigned(before, 'root', root.metadata)) &&
      (after === null || isSigned(root, 'root', after.metadata));
    if (!isLinked) throw lostRoot(dir, version, null);
    if (version === 1) continue;
    await requireKeys(root, options).catch((error) => {
      throw lostRoot(dir, version, error);
    });
  }
}

async function rootToCome(current: SignedRoot, { dir, ring }: PublishOptions, now: Date): Promise<SignedRoot | null> {
  const draft = await readRootDraft(dir);
  if (draft !== null && draft.root.version > current.version) return signedDraft(current, draft, dir, ring);
  if (draft !== null) await dropDraft(dir, 'root');
  const holds = current.content.root.keys.some(({ id }) => ring.has(id));
  if (!holds || !isDue(current.expires, LONG_DAYS, now)) return null;
  const metadata = await makeRoot(current.content, current.version + 1, until(now, LONG_DAYS));
  return signedDraft(current, { metadata, root: signedRoot(metadata) }, dir, ring);
}

/** Lets the keys at hand sign a root. @returns it when that is enough for the old rules and its own, else null: it waits */
async function signedDraft(
  current: SignedRoot,
  { metadata }: RootDraft,
  dir: string,
  ring: Keyring,
): Promise<SignedRoot | null> {
  const before = Object.keys(metadata.signatures).length;
  const { content } = signedRoot(metadata);
  await signWith(metadata, [...current.content.root.keys, ...content.root.keys], ring);
  // Kept even when it has all it needs: what it vouches for may have to wait longer.
  if (Object.keys(metadata.signatures).length > before) await saveRootDraft(dir, metadata);
  const root = signedRoot(metadata);
  return isSigned(current, 'root', metadata) && isSigned(root, 'root', metadata) ? root : null;
}

/** The keys of a new depot: one for each role. */
function firstContent({ dir, ring }: PublishOptions): RootContent {
  const content = {} as RootContent;
  for (const role of SIGNING_ROLES) {
    const file = join(keysFolder(dir), `${role}.pem`);
    const key = [...ring.values()].find((held) => held.file === file);
    if (key === undefined) throw keyNotFound(file);
    content[role] = { threshold: 1, keys: [{ id: key.id, publicHex: key.publicHex }] };
  }
  return content;
}

/**
 * Those of snapshot and timestamp have to be at hand; those of root and targets only where they are not kept elsewhere.
 * @throws D3Error refused `KEYS_CHANGED`, notFound `KEY_NOT_FOUND`
 */
async function requireKeys(root: SignedRoot, { dir, ring }: PublishOptions): Promise<void> {
  const elsewhere = await keptElsewhere(dir);
  for (const role of SIGNING_ROLES) {
    if (canSign(root, role, ring)) continue;
    const { keys } = root.content[role];
    if ((role === 'root' || role === 'targets') && keys.some(({ id }) => elsewhere.has(id))) continue;
    const folder = keysFolder(dir);
    const stranger = [...ring.values()].find(
      ({ file, id }) =>
        dirname(file) === folder && basename(file).startsWith(role) && !keys.some((known) => known.id === id),
    );
    if (stranger === undefined) throw keyNotFound(join(folder, `${role}.pem`));
    throw new D3Error(
      'KEYS_CHANGED',
      'refused',
      `The ${role} key in keys/ is not the one this depot's machines trust: they would refuse what it signs.`,
      { target: stranger.file, actions: ['Put the keys back from their backup.'] },
    );
  }
}

/** Keys that an earlier root named and neither this one nor one that waits does are of no use any more, and nobody's to find. */
async function retire(root: SignedRoot, { dir, ring }: PublishOptions): Promise<void> {
  const ids = ({ content }: SignedRoot) => SIGNING_ROLES.flatMap((role) => content[role].keys.map(({ id }) => id));
  const draft = await readRootDraft(dir);
  const named = new Set([...ids(root), ...(draft === null ? [] : ids(draft.root))]);
  const idle = [...ring.values()].filter(({ id, file }) => dirname(file) === keysFolder(dir) && !named.has(id));
  if (idle.length === 0) return;
  const old = new Set<string>();
  for (let version = 1; version < root.version; version++)
    for (const id of ids(await readRoot(dir, version))) old.add(id);
  for (const { id, file } of idle) if (old.has(id)) await rm(file, { force: true });
}

interface Catalogued {
  generation: number;
  bytes: Buffer;
  sha256: string;
}

function catalogToShow(input: PublicationInput, present: ReadonlySet<string>): Catalogued {
  const catalog = makeCatalog(input, input.generation, present);
  const { last } = input;
  // A file came or went without a change in the store: that is a change of the catalog too.
  const isOther = last?.generation === input.generation && last.catalogSha256 !== catalog.sha256;
  return isOther ? makeCatalog(input, input.generation + 1, present) : catalog;
}

interface TargetsWanted {
  catalog: Catalogued;
  anchor: Anchor;
  version: number;
  expires: string;
  root: SignedRoot;
}

/** Signs targets with the keys at hand. @returns null when signatures are missing: they wait */
async function targetsToShow(
  wanted: TargetsWanted,
  { dir, ring, clock }: PublishOptions,
): Promise<Metadata<Targets> | null> {
  const { catalog, root } = wanted;
  const before = await readTargetsDraft(dir);
  const isStill = before !== null && fits(before, wanted, clock.now());
  const metadata = isStill ? before.metadata : await makeTargets(wanted);
  const signatures = Object.keys(metadata.signatures).length;
  await signWith(metadata as never, root.content.targets.keys, ring);
  if (isSigned(root, 'targets', metadata)) return metadata;
  if (!isStill || Object.keys(metadata.signatures).length > signatures)
    await saveTargetsDraft(dir, { generation: catalog.generation, metadata, catalog: catalog.bytes });
  return null;
}

/** Whether a draft still says what is to be said; a newer event alone waits for the next one. */
function fits({ metadata }: TargetsDraft, { catalog, version }: TargetsWanted, now: Date): boolean {
  const { signed } = metadata;
  return (
    catalogHash(metadata) === catalog.sha256 && signed.version <= version && !isDue(signed.expires, LONG_DAYS, now)
  );
}

async function makeTargets({ catalog, anchor, version, expires }: TargetsWanted): Promise<Metadata<Targets>> {
  const { Metadata: Made, TargetFile, Targets: TargetsOf } = await import('@tufjs/models');
  const target = new TargetFile({
    path: CATALOG_TARGET,
    length: catalog.bytes.length,
    hashes: { sha256: catalog.sha256 },
    unrecognizedFields: { custom: { history: { id: anchor.id, hash: anchor.hash } } },
  });
  return new Made(new TargetsOf({ specVersion: '1.0.31', version, expires, targets: { [CATALOG_TARGET]: target } }));
}

function catalogHash({ signed }: Metadata<Targets>): string {
  return signed.targets[CATALOG_TARGET]?.hashes['sha256'] ?? '';
}

/** The newest event of the history when targets were signed; null: they say none. */
function anchorOf({ signed }: Metadata<Targets>): Anchor | null {
  const said = signed.targets[CATALOG_TARGET]?.custom['history'] as Anchor | undefined;
  return typeof said?.id === 'number' && typeof said.hash === 'string' ? said : null;
}

/**
 * The newest events that signed metadata remembers: of every publication that is still there and rightly signed.
 * @param dir the depot's folder, or a copy of `public/` in one
 */
export async function signedAnchors(dir: string): Promise<Anchor[]> {
  const versions = versionsOf('root', await readdir(metadataFolder(dir)));
  const roots = await Promise.all(versions.map((version) => readRoot(dir, version)));
  const names = await readdir(metadataFolder(dir));
  const anchors: Anchor[] = [];
  for (const version of versionsOf('targets', names)) {
    const targets = await readTargets(dir, version);
    if (targets === null || !roots.some((root) => isSigned(root, 'targets', targets))) continue;
    const anchor = anchorOf(targets);
    if (anchor !== null) anchors.push(anchor);
  }
  return anchors;
}

/** @returns null when there are none that can be read */
export async function readTargets(dir: string, version: number | undefined): Promise<Metadata<Targets> | null> {
  if (version === undefined) return null;
  const { Metadata: Parsed, MetadataKind } = await import('@tufjs/models');
  try {
    const text = await readFile(join(metadataFolder(dir), `${version}.targets.json`), 'utf8');
    return Parsed.fromJSON(MetadataKind.Targets, JSON.parse(text));
  } catch {
    return null;
  }
}

async function isThere(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}

/** Whether machines see what the store holds, as far as that can be told without its keys and its packages. */
export async function seemsInForce(dir: string, { publication }: Store, now: Date): Promise<boolean> {
  const last = await publication.last();
  if (last === null || last.generation !== (await publication.generation())) return false;
  const { days = STATIC_DAYS, expiries, versions } = last;
  return (
    !isDue(expiries?.snapshot, days, now) &&
    !isDue(expiries?.targets, LONG_DAYS, now) &&
    !isDue(expiries?.root, LONG_DAYS, now) &&
    versions.timestamp === (await timestampVersion(dir)) &&
    // A new root that stands alone was cut off from what it vouches for.
    versions.root === (await newestRootVersion(dir))
  );
}

/** Puts `missing` in place of the status of editions whose file is gone. */
export function withDerivedStatus(editions: readonly StoredEdition[], present: ReadonlySet<string>): Edition[] {
  return editions.map((edition) => (present.has(edition.file.sha256) ? edition : { ...edition, status: 'missing' }));
}

function makeCatalog(input: PublicationInput, generation: number, present: ReadonlySet<string>): Catalogued {
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
  const names = await readdir(metadataFolder(dir));
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
async function timestampVersion(dir: string): Promise<number> {
  try {
    const version: unknown = JSON.parse(await readFile(join(metadataFolder(dir), 'timestamp.json'), 'utf8')).signed
      .version;
    return Number.isSafeInteger(version) ? (version as number) : 0;
  } catch (error) {
    if (errnoOf(error) !== null && errnoOf(error) !== 'ENOENT') throw error;
    return 0;
  }
}

/** Removes metadata and catalogs before the last few publications; what the newest timestamp leads to is the very last. */
async function removeOld(dir: string): Promise<void> {
  const metadata = metadataFolder(dir);
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

function targetsDir(dir: string): string {
  return join(dir, 'public', 'targets');
}

function catalogFile(dir: string, hash: string): string {
  return join(targetsDir(dir), `${hash}.${CATALOG_TARGET}`);
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Whether less than half of its life is left. @param expires ISO 8601; undefined: not known, so that it counts as over */
function isDue(expires: string | undefined, days: number, now: Date): boolean {
  if (expires === undefined) return true;
  return new Date(expires).getTime() - now.getTime() < (days / 2) * DAY;
}

/** So many days from now; TUF writes times without fractions. */
export function until(now: Date, days: number): string {
  return `${new Date(now.getTime() + days * DAY).toISOString().slice(0, 19)}Z`;
}
