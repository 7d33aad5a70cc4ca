import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DEFAULT_ATTRIBUTES } from '../src/catalog/attributes.ts';
import { editionString } from '../src/catalog/names.ts';
import type { Catalog, Edition } from '../src/catalog/types.ts';
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

/** Puts receipts into a machine's state as if they had been installed. */
export function fillMachine(stateDatabase: string, receipts: readonly Receipt[]): void {
  const database = new DatabaseSync(stateDatabase);
  const insert = database.prepare('INSERT OR REPLACE INTO receipts VALUES (?, ?)');
  database.exec('BEGIN');
  for (const receipt of receipts) insert.run(receipt.basename, JSON.stringify(receipt));
  database.exec('COMMIT');
  database.close();
}
