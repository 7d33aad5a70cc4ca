import { D3Error } from '@d3/sdk';
import { Kysely, sql } from 'kysely';
import type { Pool } from 'pg';
import type { Clock } from '../../platform/clock.ts';
import { errnoOf } from '../files.ts';
import type { Store } from './contract.ts';
import { type DatabaseTraits, migrate, refuseAbsent } from './migrations.ts';
import { DepotPostgresDialect, type PostgresErrors } from './postgres-dialect.ts';
import { type PostgresPlace, placeText, tlsOptions } from './postgres-place.ts';
import { type Anatomy, movedError, movedIn, type Rows, type TableShape } from './rows.ts';
import { SqlStore } from './sql-store.ts';
import type { Tables } from './tables.ts';

/** Milliseconds a writer waits for another one's turn, and a restarted server is waited for. */
const PATIENCE = 10_000;
/** Milliseconds to reach the server, a statement may take, and an answer may be waited for when the network is gone. */
const CONNECT = 10_000;
const STATEMENT = 60_000;
const ANSWER = 120_000;
const ROWS_ANSWER = 3_600_000;
/** Connections of one process. */
const CONNECTIONS = 10;
/** Milliseconds a transaction may be left alone, as when a publication writes its files. */
const IDLE = 600_000;

/** The type `bigint`, which `pg` gives as text unless told otherwise. */
const BIGINT = 20;

export interface PostgresOptions {
  clock: Clock;
  /** Milliseconds a writer waits for another one's turn. */
  patience?: number;
  /** Milliseconds after which a statement is given up; 0: never. */
  statement?: number;
  /** Milliseconds after which a server that does not answer, or cannot be reached again, is taken for gone. */
  answer?: number;
}

/**
 * Opens the store in a PostgreSQL database, making its tables when they are not there.
 * @param options.mustExist refuse a database without a depot instead of making one
 * @param options.identity the depot's, which the database must be of, and which a new one gets; null: any
 * @throws D3Error depotUnreachable `DATABASE_UNREACHABLE`, notAuthorised `DATABASE_DENIED`, notFound `STORE_NOT_FOUND`, refused
 *   `SCHEMA_NEWER`, `DATABASE_TAKEN` or `DATABASE_ENCODING`; none of them tells the password
 */
export async function openPostgresStore(
  place: PostgresPlace,
  options: PostgresOptions & { mustExist: boolean; identity: string | null },
): Promise<Store> {
  const { clock, mustExist, identity } = options;
  const db = await connectPostgres(place, options);
  try {
    await prepare(db, place, { mustExist, identity });
    return new SqlStore(db, clock);
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function prepare(
  db: Kysely<Tables>,
  place: PostgresPlace,
  { mustExist, identity }: { mustExist: boolean; identity: string | null },
): Promise<void> {
  const where = placeText(place);
  await refuseEncoding(db, where);
  const traits = postgresTraits(place);
  if (mustExist) await refuseAbsent(db, traits, where);
  await migrate(db, traits, where, identity);
}

/**
 * Opens it for its rows as they are; whoever does closes it. Nothing is made there, and no time limit is set for a statement.
 * @throws D3Error as {@link openPostgresStore}
 */
export async function openPostgresRows(place: PostgresPlace): Promise<PostgresRows> {
  const db = await connectPostgres(place, { statement: 0, answer: ROWS_ANSWER });
  const traits = postgresTraits(place);
  try {
    await refuseEncoding(db, placeText(place));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, anatomy: postgresAnatomy, where: placeText(place), traits };
}

export interface PostgresRows extends Rows {
  traits: DatabaseTraits;
}

async function refuseEncoding(db: Kysely<Tables>, where: string): Promise<void> {
  const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`.execute(db);
  if (rows[0]?.encoding === 'UTF8') return;
  throw new D3Error('DATABASE_ENCODING', 'refused', `The database has the encoding ${rows[0]?.encoding}, not UTF8.`, {
    target: where,
    actions: ["make one that has it: create database … encoding 'UTF8' template template0"],
  });
}

/** A connection pool alone; whoever opens it closes it. */
async function connectPostgres(
  place: PostgresPlace,
  { patience = PATIENCE, statement = STATEMENT, answer = ANSWER }: Omit<PostgresOptions, 'clock'>,
): Promise<Kysely<Tables>> {
  const { default: pg } = await import('pg');
  const types = new pg.TypeOverrides();
  types.setTypeParser(BIGINT, wholeNumber);
  const pool: Pool = new pg.Pool({
    ...connectionOf(place),
    max: CONNECTIONS,
    connectionTimeoutMillis: Math.min(CONNECT, answer),
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT,
    application_name: 'd3',
    query_timeout: answer,
    // A host that went away in the middle of a transaction is not waited for as long as TCP would.
    options: Object.entries({
      search_path: place.schema,
      statement_timeout: statement,
      lock_timeout: patience,
      idle_in_transaction_session_timeout: IDLE,
      tcp_keepalives_idle: 15,
      tcp_keepalives_interval: 5,
      tcp_keepalives_count: 3,
      client_min_messages: 'warning',
    })
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    types,
  });
  // What is lost says so when it is used next; without listeners it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => void client.on('error', () => undefined));
  return new Kysely<Tables>({ dialect: new DepotPostgresDialect(pool, errorsOf(place), Math.min(patience, answer)) });
}

/** Where the server is and how it is reached, for `pg` and whatever is built on it. */
export function connectionOf(place: PostgresPlace) {
  const { host, port, user, database, password } = place;
  return { host, port, user, database, ...(password === null ? {} : { password }), ssl: tlsOptions(place) };
}

function postgresTraits({ schema }: PostgresPlace): DatabaseTraits {
  return {
    withGrowingId: (table) =>
      table.addColumn('id', 'bigint', (column) => column.generatedByDefaultAsIdentity().primaryKey()),
    async hasTables(db) {
      const { rows } = await sql<{ there: boolean }>`select to_regclass('depot') is not null as there`.execute(db);
      return rows[0]?.there === true;
    },
    async before(transaction) {
      await sql`set local statement_timeout = 0`.execute(transaction);
      const { rows } = await sql`select 1 where to_regnamespace(${schema}) is null`.execute(transaction);
      if (rows.length > 0) await sql`create schema ${sql.id(schema)}`.execute(transaction);
    },
    /** Whatever language the database speaks: names compare and sort here as they do in SQLite and in JavaScript. */
    async after(transaction) {
      const { rows } = await sql<{ table_name: string; column_name: string }>`
        select c.table_name, c.column_name
        from information_schema.columns c
        join information_schema.tables t on t.table_schema = c.table_schema and t.table_name = c.table_name
        where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
          and c.data_type = 'text' and c.collation_name is distinct from 'C'
        order by c.table_name, c.ordinal_position`.execute(transaction);
      for (const [table, columns] of Map.groupBy(rows, (row) => row.table_name)) {
        const changes = columns.map(({ column_name: c }) => sql`alter column ${sql.id(c)} type text collate "C"`);
        await sql`alter table ${sql.id(table)} ${sql.join(changes)}`.execute(transaction);
      }
    },
  };
}

const postgresAnatomy: Anatomy = {
  async tables(db) {
    const { rows } = await sql<TableShape>`
      select c.relname as name,
        array(select a.attname::text from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
        array(select a.attname::text from pg_index i, unnest(i.indkey) with ordinality as k(attnum, place), pg_attribute a
          where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum order by k.place) as key,
        array(select distinct t.relname::text from pg_constraint f join pg_class t on t.oid = f.confrelid
          where f.conrelid = c.oid and f.contype = 'f') as references
      from pg_class c
      where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
      order by c.relname`.execute(db);
    return rows;
  },
  async counters(db) {
    const { rows } = await sql<{ name: string; sequence: string }>`
      select table_name as name, pg_get_serial_sequence(format('%I', table_name), column_name) as sequence
      from information_schema.columns
      where table_schema = current_schema() and is_identity = 'YES'`.execute(db);
    const counters = new Map<string, number>();
    for (const { name, sequence } of rows) {
      const last = await sql<{ last: number }>`
        select case when is_called then last_value else last_value - 1 end as last from ${sql.raw(sequence)}`.execute(
        db,
      );
      const value = last.rows[0]?.last ?? 0;
      if (value > 0) counters.set(name, value);
    }
    return counters;
  },
  async setCounter(db, table, last) {
    await sql`select setval(pg_get_serial_sequence(format('%I', ${table}::text), 'id'), ${last})`.execute(db);
  },
  async freeze(transaction) {
    const tables = await postgresAnatomy.tables(transaction);
    const names = sql.join(tables.map(({ name }) => sql.table(name)));
    await sql`lock table ${names} in share mode`.execute(transaction);
  },
  async shut(transaction, text) {
    await sql`create function d3_moved() returns trigger language plpgsql as ${sql.lit(
      `begin raise exception '%', ${quoted(text)}; end`,
    )}`.execute(transaction);
    for (const { name } of await postgresAnatomy.tables(transaction)) {
      await sql`create trigger d3_moved before insert or update or delete on ${sql.table(name)}
        for each statement execute function d3_moved()`.execute(transaction);
    }
  },
  async shutFor(db) {
    const { rows } = await sql<{ code: string }>`
      select prosrc as code from pg_proc where proname = 'd3_moved' and pronamespace = current_schema()::regnamespace`.execute(
      db,
    );
    return movedIn(rows[0]?.code);
  },
};

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Ids and numbers of d3's are all exact. */
function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new D3Error('NUMBER_TOO_LARGE', 'failed', `The depot's database holds the number ${text}, which is too large.`);
}

/** Nothing answers, or what answered went away; by the system, by `pg`, or by the server itself. */
const LOST = new Set(
  [
    'ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENOTFOUND EAI_AGAIN',
    'ENOENT 57P01 57P02 57P03 57P05 25P03 08000 08001 08003 08004 08006 08P01',
  ].flatMap((codes) => codes.split(' ')),
);
const LOST_WORDS =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|read timeout|client was closed|not queryable|cannot use a pool after/i;
/** A certificate that is not accepted, and a server that knows no TLS. */
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|^ERR_(?:TLS|SSL|OSSL)|EPROTO/;
const NO_TLS = /does not support SSL/;
/** It starts, stops, or has no connection left: another moment may be better. */
const COMES_BACK = new Set(['57P03', '53300']);

function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : errnoOf(error);
}

function isLost(error: unknown): boolean {
  if (error instanceof D3Error) return false;
  const code = codeOf(error);
  if (code !== null) return LOST.has(code);
  if (error instanceof AggregateError) return error.errors.every(isLost);
  return error instanceof Error && LOST_WORDS.test(error.message);
}

function errorsOf(place: PostgresPlace): PostgresErrors {
  return {
    isLost,
    mayComeBack: (error) => COMES_BACK.has(codeOf(error) ?? ''),
    explain: (error) => postgresError(error, place),
    unknownEnd: (error) =>
      new D3Error(
        'CHANGE_UNKNOWN',
        'depotUnreachable',
        `The connection to the database on ${place.host} was lost at the very moment a change was saved: it may be in or not.`,
        { target: placeText(place), actions: ['look whether the change is there before you repeat it'], cause: error },
      ),
  };
}

/** What the server or the network did, as an error for people; anything else stays what it is. */
export function postgresError(error: unknown, place: PostgresPlace): unknown {
  if (error instanceof D3Error) return error;
  const code = codeOf(error);
  const target = placeText(place);
  const moved = movedError(error, target);
  if (moved !== null) return moved;
  const reason = error instanceof AggregateError ? error.errors.map(String).join('; ') : (error as Error).message;
  const options = { target, cause: error };
  if (isLost(error) || code === '53300') {
    const where = `${place.host}${place.host.startsWith('/') ? '' : ` (port ${place.port})`}`;
    return new D3Error(
      'DATABASE_UNREACHABLE',
      'depotUnreachable',
      `The depot's database on ${where} does not answer: ${reason}.`,
      {
        ...options,
        actions: ['see whether PostgreSQL runs there and may be reached from here, then repeat the command'],
      },
    );
  }
  if (UNTRUSTED.test(code ?? '') || NO_TLS.test(reason)) {
    return new D3Error(
      'DATABASE_TLS',
      'depotUnreachable',
      `There is no connection to the database on ${place.host} that can be trusted: ${reason}.`,
      {
        ...options,
        actions: [
          'name the certificates it has to come from: sslrootcert=FILE in the address',
          'see whether its certificate is good for that host, and whether it does TLS at all (ssl = on)',
        ],
      },
    );
  }
  switch (reason.startsWith('SASL:') ? '28P01' : code) {
    case '28000':
    case '28P01':
      return new D3Error(
        'DATABASE_DENIED',
        'notAuthorised',
        `The database on ${place.host} refuses ${place.user}: ${reason}.`,
        {
          ...options,
          actions: ['give the password where database.password says, in D3_DEPOT_DATABASE or in .pgpass'],
        },
      );
    case '42501':
      return new D3Error(
        'DATABASE_DENIED',
        'notAuthorised',
        `${place.user} may not do that in the database on ${place.host}: ${reason}.`,
        { ...options, actions: [`make ${place.user} the owner of the database or of its schema ${place.schema}`] },
      );
    case '3D000':
      return new D3Error('STORE_NOT_FOUND', 'notFound', `There is no such database on ${place.host}: ${reason}.`, {
        ...options,
        actions: [`make it there: create database ${place.database} owner ${place.user}`],
      });
    case '55P03':
    case '40P01':
    case '40001':
      return new D3Error(
        'STORE_BUSY',
        'busy',
        `Somebody else is changing the depot in the database on ${place.host}.`,
        {
          ...options,
          actions: ['Wait for it to end, then repeat the command.'],
        },
      );
    case '57014':
      return new D3Error(
        'STORE_SLOW',
        'failed',
        `The database on ${place.host} took too long and was stopped: ${reason}.`,
        {
          ...options,
          actions: ['see what keeps the server busy, then repeat the command'],
        },
      );
    case '53100':
      return new D3Error(
        'NO_SPACE',
        'failed',
        `Nothing was changed: the disk of the database on ${place.host} is full.`,
        {
          ...options,
          actions: ['Make room there and repeat the command.'],
        },
      );
    case '25006':
      return new D3Error(
        'DATABASE_READ_ONLY',
        'refused',
        `The database on ${place.host} takes no changes: ${reason}.`,
        {
          ...options,
          actions: ['name the primary server, not a standby'],
        },
      );
    default:
      return error;
  }
}
