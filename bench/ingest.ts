/**
 * Reports taken in by a served depot, of machines with 100 packages each: what they say the first time and what they say again,
 * against the same rows put into the same tables of the same database by plain inserts, a transaction a report, as many at once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { releasePostgres, type TestServer, testPostgres } from '../test/support/postgres.ts';
import { machineId, reportOf } from './fleet.ts';
import { say } from './measure.ts';
import { type BenchDepot, DATABASES, load, makeDepot, sayMachine, serve, sizes } from './served.ts';

const EDITIONS = 1000;
const RECEIPTS = 100;
const ABREAST = 8;
const [MACHINES = 0] = sizes([2000]);

const COMPUTER = 'update computers set name = ?, last_contact = ?, last_run = ? where id = ?';
const REPORT = 'insert into reports (computer_id, run, at, body) values (?, ?, ?, ?)';
const PACKAGE_COLUMNS =
  'computer_id, basename, edition_id, edition, version, revision, piloting, frozen, admin, installed_at';

const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-ingest-'));
const server = await testPostgres(true);
try {
  sayMachine();
  for (const on of DATABASES) await ingest(on, server);
} finally {
  await releasePostgres();
  rmSync(folder, { recursive: true, force: true });
}

async function ingest(on: (typeof DATABASES)[number], postgres: TestServer): Promise<void> {
  const filled = { on, editions: EDITIONS, machines: MACHINES };
  const depot = await makeDepot(folder, postgres, filled);
  const plain = await makeDepot(folder, postgres, { ...filled, editions: EDITIONS + 4 });
  const d3 = await serve(depot);
  const insert = await plainInserts(plain);
  try {
    for (const [run, what] of [
      ['new', `with ${RECEIPTS} packages nobody knew of`],
      ['again', `with the same ${RECEIPTS} packages again`],
    ] as const) {
      const common = { keys: depot.keys, connections: ABREAST, isFresh: false, requests: MACHINES };
      const own = await load(d3, { ...common, ask: { receipts: RECEIPTS, run } });
      const floor = await inserted(insert, run);
      const rate = own.requests / own.seconds;
      say(
        `${MACHINES} reports ${what}, ${ABREAST} at once, ${d3.name}: ${rate.toFixed(0)}/s, ${(rate / floor).toFixed(2)} x plain inserts (${floor.toFixed(0)}/s), ` +
          `p99 ${own.p99.toFixed(1)} ms, ${(own.cpu / 1000).toFixed(2)} ms of CPU each, peak ${d3.usage().peak.toFixed(0)} MiB`,
      );
    }
  } finally {
    await insert.end();
    await d3.stop();
  }
}

interface Inserts {
  /** @param machine what it is the n-th of */
  one(machine: number, run: string): Promise<void>;
  end(): Promise<void>;
}

/** @returns reports a second */
async function inserted(insert: Inserts, run: string): Promise<number> {
  let next = 0;
  const began = process.hrtime.bigint();
  const work = async () => {
    while (next < MACHINES) await insert.one(next++, run);
  };
  await Promise.all(Array.from({ length: ABREAST }, work));
  return MACHINES / (Number(process.hrtime.bigint() - began) / 1e9);
}

/** What changes with a report: the computer, the report, and the packages where they are new. */
function rowsOf(machine: number, run: string) {
  const { receipts, ...report } = reportOf(machineId(machine), RECEIPTS, `${run}-0`);
  const { id, name } = report.computer;
  const packages = run === 'new' ? receipts : [];
  return {
    id,
    computer: [name, report.at, report.run, id],
    report: [id, report.run, report.at, JSON.stringify(report)],
    packages: packages.map((one) => [
      id,
      one.basename,
      one.id,
      one.edition,
      one.version,
      one.revision,
      one.admin,
      one.installedAt,
    ]),
  };
}

async function plainInserts({ dir, database }: BenchDepot): Promise<Inserts> {
  return database === null ? sqliteInserts(path.join(dir, 'depot.db')) : postgresInserts(database);
}

function sqliteInserts(file: string): Inserts {
  const plain = new DatabaseSync(file);
  plain.exec('pragma synchronous = full');
  const [computer, report, one] = [
    COMPUTER,
    REPORT,
    `insert into computer_receipts (${PACKAGE_COLUMNS}) values (?, ?, ?, ?, ?, ?, 0, 0, ?, ?)`,
  ].map((text) => plain.prepare(text));
  return {
    async one(machine, run) {
      const rows = rowsOf(machine, run);
      plain.exec('begin immediate');
      computer?.run(...rows.computer);
      report?.run(...rows.report);
      for (const row of rows.packages) one?.run(...row);
      plain.exec('commit');
    },
    end: async () => plain.close(),
  };
}

function postgresInserts(address: string): Inserts {
  const url = new URL(address);
  const schema = url.searchParams.get('schema') as string;
  url.search = '';
  const pool = new pg.Pool({ connectionString: url.href, options: `-c search_path=${schema}`, max: ABREAST });
  const numbered = (text: string) => {
    let n = 0;
    return text.replaceAll('?', () => `$${(n += 1)}`);
  };
  const [computer, report] = [numbered(COMPUTER), numbered(REPORT)];
  const types = ['text', 'text', 'bigint', 'text', 'text', 'bigint', 'text', 'text'];
  const lists = types.map((type, at) => `$${at + 1}::${type}[]`).join(', ');
  const packages = `insert into computer_receipts (${PACKAGE_COLUMNS})
    select a, b, c, d, e, f, 0, 0, g, h from unnest(${lists}) as rows (a, b, c, d, e, f, g, h)`;
  return {
    async one(machine, run) {
      const rows = rowsOf(machine, run);
      const client = await pool.connect();
      try {
        await client.query('begin');
        await client.query({ name: 'computer', text: computer, values: rows.computer });
        await client.query({ name: 'report', text: report, values: rows.report });
        if (rows.packages.length > 0) {
          const columns = types.map((_, at) => rows.packages.map((row) => row[at]));
          await client.query({ name: 'packages', text: packages, values: columns });
        }
        await client.query('commit');
      } finally {
        client.release();
      }
    },
    end: () => pool.end(),
  };
}
