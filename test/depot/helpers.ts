import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import type { Report } from '../../src/depot/contract.ts';
import type { NewEdition } from '../../src/depot/index.ts';
import { readKey, SIGNING_ROLES, type SigningKey, type SigningKeys } from '../../src/depot/keys.ts';

const DAY = 86_400_000;
/** The time a {@link TestClock} begins with, in seconds: the version of the first publication under it. */
const FIRST_VERSION = 1_893_456_000;

/** Version of the n-th publication while the clock stands still. */
export function nth(n: number): number {
  return FIRST_VERSION + n - 1;
}

/** A clock that stands still until it is moved. */
export class TestClock {
  #now: number;

  constructor(start = '2030-01-01T00:00:00.000Z') {
    this.#now = new Date(start).getTime();
  }

  now(): Date {
    return new Date(this.#now);
  }

  moveDays(days: number): void {
    this.#now += days * DAY;
  }

  /** @param at milliseconds since 1970 */
  moveTo(at: number): void {
    this.#now = at;
  }
}

/** Runs a test in a new folder and removes it. */
export async function inFolder<T>(test: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'd3-depot-test-'));
  try {
    return await test(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function newEdition(changes: Partial<NewEdition> = {}): NewEdition {
  return {
    basename: 'transmogrifier',
    version: '2.1.2',
    revision: 1,
    packageName: 'Transmogrifier',
    category: null,
    description: '',
    oses: [],
    cpu: null,
    reboot: false,
    removable: true,
    removeFirst: false,
    prohibitingProcesses: [],
    autoGroups: ['standard'],
    excludedGroups: [],
    preInstall: null,
    postInstall: null,
    preRemove: null,
    postRemove: null,
    expiration: 0,
    expirationPaths: [],
    packageScripts: 'refuse',
    setuid: 'drop',
    requires: [],
    file: { name: 'transmogrifier-2.1.2-1.pkg', sha256: 'a'.repeat(64), size: 10, format: 'pkg' },
    contents: null,
    applePackages: [],
    ...changes,
  };
}

export function newReport(changes: Partial<Report> = {}, computer: Partial<Report['computer']> = {}): Report {
  return {
    schema: 'd3/report@1',
    run: randomUUID(),
    at: '2030-01-01T00:00:00.000Z',
    computer: {
      id: '0b9f2c9e-1111-4222-8333-444455556666',
      name: 'Lab-1',
      claims: { serial: 'C02X', hardwareUuid: null, macs: ['00:11:22:33:44:55'] },
      ...computer,
    },
    os: { name: 'macos', version: '15.1' },
    cpu: 'arm64',
    d3: '0.1.0',
    command: 'sync',
    exit: 0,
    outcomes: [{ target: 'foo', edition: 'foo-1-1', status: 'installed', reason: null }],
    receipts: [
      {
        basename: 'foo',
        version: '1',
        revision: 1,
        edition: 'foo-1-1',
        id: 1,
        piloting: false,
        frozen: false,
        admin: 'sally',
        installedAt: '2030-01-01T00:00:00.000Z',
      },
    ],
    ...changes,
  };
}

/** Expects a promise to fail with a D3Error of this code and exit, and returns it. */
export async function expectFailure(promise: Promise<unknown>, code: string, exit: D3Error['exit']): Promise<D3Error> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error, `expected ${code}`).to.be.instanceOf(D3Error);
  const failure = error as D3Error;
  expect([failure.code, failure.exit], failure.message).to.deep.equal([code, exit]);
  expect(failure.message).to.match(/[.:)]/);
  return failure;
}

export function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The keys a depot was made with. */
export async function loadKeys(dir: string): Promise<SigningKeys> {
  const keys = SIGNING_ROLES.map(async (role) => [role, await readKey(join(dir, 'keys', `${role}.pem`))]);
  return Object.fromEntries(await Promise.all(keys)) as SigningKeys;
}

export interface Forgery {
  version: number;
  catalog: Buffer;
  /** ISO 8601 without fractions. */
  expires?: string;
  /** Keys that sign; the depot's own unless given. */
  keys?: Partial<SigningKeys>;
}

/** Publishes any bytes as the catalog of a depot, signed by any keys: what a hostile or a newer depot could do. */
export async function forge(dir: string, { version, catalog, expires = '2031-01-01T00:00:00Z', keys }: Forgery) {
  const { Metadata, MetaFile, Signature, Snapshot, TargetFile, Targets, Timestamp } = await import('@tufjs/models');
  const signing = { ...(await loadKeys(dir)), ...keys };
  const common = { specVersion: '1.0.31', version, expires };
  const signed = (metadata: InstanceType<typeof Metadata>, role: keyof SigningKeys) => {
    metadata.sign((bytes) => new Signature({ keyID: signing[role].id, sig: signing[role].sign(bytes) }));
    return Buffer.from(JSON.stringify(metadata.toJSON()));
  };
  const meta = (bytes: Buffer) => new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
  const hash = sha256(catalog);
  const target = new TargetFile({ path: 'catalog.json', length: catalog.length, hashes: { sha256: hash } });
  const targets = signed(new Metadata(new Targets({ ...common, targets: { 'catalog.json': target } })), 'targets');
  const snapshot = signed(
    new Metadata(new Snapshot({ ...common, meta: { 'targets.json': meta(targets) } })),
    'snapshot',
  );
  const timestamp = signed(new Metadata(new Timestamp({ ...common, snapshotMeta: meta(snapshot) })), 'timestamp');
  const metadata = join(dir, 'public/metadata');
  await writeFile(join(dir, `public/targets/${hash}.catalog.json`), catalog);
  await writeFile(join(metadata, `${version}.targets.json`), targets);
  await writeFile(join(metadata, `${version}.snapshot.json`), snapshot);
  await writeFile(join(metadata, 'timestamp.json'), timestamp);
}

/** Puts a second root into a depot: signed by its root key, naming other keys for some roles. */
export async function rotateRoot(dir: string, version: number, replaced: Partial<SigningKeys>): Promise<void> {
  const { Key, Metadata, Root, Signature } = await import('@tufjs/models');
  const old = await loadKeys(dir);
  const root = new Root({ specVersion: '1.0.31', version, expires: '2031-06-01T00:00:00Z', consistentSnapshot: true });
  for (const [role, { id, publicHex }] of Object.entries<SigningKey>({ ...old, ...replaced })) {
    root.addKey(new Key({ keyID: id, keyType: 'ed25519', scheme: 'ed25519', keyVal: { public: publicHex } }), role);
  }
  const metadata = new Metadata(root);
  metadata.sign((bytes) => new Signature({ keyID: old.root.id, sig: old.root.sign(bytes) }));
  await writeFile(join(dir, `public/metadata/${version}.root.json`), JSON.stringify(metadata.toJSON()));
}

export async function readJson(path: string) {
  return JSON.parse(await readFile(path, 'utf8'));
}
