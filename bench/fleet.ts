import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_ATTRIBUTES } from '../src/catalog/attributes.ts';
import { editionString } from '../src/catalog/names.ts';
import type { Catalog, Edition } from '../src/catalog/types.ts';
import { type LocalDepot, newSecret, type Report, secretHash } from '../src/depot/index.ts';
import type { Receipt } from '../src/planner/receipt.ts';
import { refreshableFields } from '../src/planner/receipt.ts';
import type { Facts } from '../src/planner/types.ts';

const DAY = '2026-01-01T00:00:00.000Z';
const EDITIONS = 4;

/** A catalog of so many basenames with four editions each: deprecated, skipped, live, pilot. */
export function catalogOf(basenames: number): Catalog {
  const editions: Edition[] = [];
  for (let at = 0; at < basenames * EDITIONS; at += 1) {
    const basename = `product-${Math.floor(at / EDITIONS)}`;
    const version = `1.${at % EDITIONS}`;
    const edition = editionString(basename, version, 1);
    editions.push({
      ...DEFAULT_ATTRIBUTES,
      packageName: edition,
      id: at + 1,
      basename,
      version,
      revision: 1,
      edition,
      status: (['deprecated', 'skipped', 'live', 'pilot'] as const)[at % EDITIONS] as Edition['status'],
      oses: ['>=13'],
      autoGroups: at % 40 === 2 ? [7] : [],
      file: { name: `${edition}.pkg`, sha256: (at + 1).toString(16).padStart(64, '0'), size: 1000, format: 'pkg' },
      contents: null,
      applePackages: [{ id: `org.example.${basename}`, version, installedKb: 10 }],
      addedAt: DAY,
      addedBy: 'sally',
      releasedAt: DAY,
      releasedBy: 'sally',
    });
  }
  return { schema: 'd3/catalog@1', generation: 1, editions, groups: [{ id: 7, name: 'some', members: [] }] };
}

/** Facts of a machine that has the live edition of the first so many basenames. */
export function factsOf(catalog: Catalog, receipts: number): Facts {
  const live = catalog.editions.filter((edition) => edition.status === 'live').slice(0, receipts);
  return {
    schema: 'd3/facts@1',
    run: 'bench',
    at: DAY,
    machine: {
      computerId: 'bench',
      name: 'bench',
      os: { name: 'macOS', version: '15.6' },
      cpu: 'arm64',
      groups: [],
      processes: ['Finder'],
      cutProcesses: [],
    },
    receipts: live.map(receiptOf),
    deferred: [],
    interrupted: [],
    inProgress: [],
    waits: [],
    settings: { pilots: 'hold', quitProcesses: 'off', noticeDays: 0 },
    scriptRunners: [],
    capabilities: [],
  };
}

function receiptOf(edition: Edition): Receipt {
  const { id, basename, file } = edition;
  return {
    schema: 'd3/receipt@1',
    id,
    basename,
    admin: 'sally',
    installedAt: DAY,
    piloting: false,
    displacedLive: false,
    manual: true,
    frozen: null,
    customExpiration: null,
    ...refreshableFields(edition, null),
    file,
    applePackageIds: [],
  };
}

/** Puts a catalog's editions into a depot's database as they are, much faster than adding them one by one. */
export function fillDepot(depot: string, catalog: Catalog): void {
  const database = new DatabaseSync(path.join(depot, 'depot.db'));
  const insert = database.prepare(
    `INSERT INTO editions (id, basename, version, revision, edition, status, body, added_at, added_by, released_at, released_by)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  database.exec('BEGIN');
  for (const edition of catalog.editions) {
    const {
      id,
      basename,
      version,
      revision,
      edition: name,
      status,
      addedAt,
      addedBy,
      releasedAt,
      releasedBy,
      ...rest
    } = edition;
    const body = JSON.stringify({ schema: 'd3/edition@1', ...rest });
    insert.run(id, basename, version, revision, name, status, body, addedAt, addedBy, releasedAt, releasedBy);
  }
  database.exec('UPDATE depot SET generation = generation + 1; COMMIT');
  database.close();
}

/** Publishes a filled depot that has none of its package files: what stands in for them counts as present. */
export async function publishWithoutFiles(depot: LocalDepot, catalog: Catalog): Promise<void> {
  for (const sha256 of new Set(catalog.editions.map(({ file }) => file.sha256))) {
    mkdirSync(depot.blobs.path(sha256), { recursive: true });
  }
  await depot.publish();
}

/** The n-th machine's computer. */
export function machineId(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** What a machine with so many packages reports of a run. */
export function reportOf(id: string, receipts: number, run: string): Report {
  const installed = Array.from({ length: receipts }, (_, n) => ({
    basename: `product-${n}`,
    version: '1',
    revision: 1,
    edition: `product-${n}-1-1`,
    id: n + 1,
    piloting: false,
    frozen: false,
    admin: 'sally',
    installedAt: DAY,
  }));
  return {
    schema: 'd3/report@1',
    run,
    at: DAY,
    computer: {
      id,
      name: `lab-${id.slice(-12)}`,
      claims: { serial: `C${id.slice(-12)}`, hardwareUuid: null, macs: [] },
    },
    os: { name: 'macos', version: '15.1' },
    cpu: 'arm64',
    d3: '0',
    command: 'sync',
    exit: 0,
    outcomes: [],
    receipts: installed,
  };
}

/**
 * Puts enrolled machines that have reported once into a depot's database, much faster than enrolling them one by one.
 * @returns their keys
 */
export function fillMachines(depot: string, machines: number): string[] {
  const database = new DatabaseSync(path.join(depot, 'depot.db'));
  const token = database.prepare(
    `INSERT INTO tokens (name, name_key, role, computer_id, hash, created_at, created_by) VALUES (?, ?, 'machine', ?, ?, ?, 'bench')`,
  );
  const computer = database.prepare(
    `INSERT INTO computers (id, name, name_key, claims, os, cpu, d3, first_contact, last_contact, last_run)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'first')`,
  );
  const keys = Array.from({ length: machines }, () => newSecret('key'));
  database.exec('BEGIN');
  for (const [n, key] of keys.entries()) {
    const id = machineId(n);
    const { computer: said, os, cpu, d3 } = reportOf(id, 0, 'first');
    token.run(`computer:${id}`, `computer:${id}`, id, secretHash(key), DAY);
    computer.run(id, said.name, said.name, JSON.stringify(said.claims), JSON.stringify(os), cpu, d3, DAY, DAY);
  }
  database.exec('COMMIT; ANALYZE');
  database.close();
  return keys;
}

/** Puts receipts into a machine's state as if they had been installed. */
export function fillMachine(stateDatabase: string, receipts: readonly Receipt[]): void {
  const database = new DatabaseSync(stateDatabase);
  const insert = database.prepare('INSERT OR REPLACE INTO receipts VALUES (?, ?)');
  database.exec('BEGIN');
  for (const receipt of receipts) insert.run(receipt.basename, JSON.stringify(receipt));
  database.exec('COMMIT');
  database.close();
}
