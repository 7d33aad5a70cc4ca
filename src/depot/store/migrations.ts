import { randomUUID } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import { type CreateTableBuilder, type Kysely, type Selectable, sql } from 'kysely';
import { nameKey } from '../../catalog/names.ts';
import type { Run } from '../../runs/types.ts';
import { CHAIN_BEGIN, eventHash } from '../event-chain.ts';
import { keepClaims } from './claims.ts';
import { eventRows } from './events.ts';
import { keepInventory } from './inventory.ts';
import { rowOf } from './runs.ts';
import type { Tables } from './tables.ts';
import { DEPOT, inTurn } from './turns.ts';

/** How the databases differ where tables are made. */
export interface DatabaseTraits {
  /** Adds a primary key `id` that only grows: a number once given is never given again. */
  withGrowingId<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C | 'id'>;
  /** Whether there is a depot. */
  hasTables(db: Kysely<Tables>): Promise<boolean>;
  /** Whatever is needed before and after tables are made or changed, in the same transaction. */
  before?(transaction: Kysely<Tables>): Promise<void>;
  after?(transaction: Kysely<Tables>): Promise<void>;
}

/** Events read in one piece. */
const EVENTS_AT_ONCE = 1_000;

type Migration = (db: Kysely<Tables>, traits: DatabaseTraits) => Promise<void>;

/** Forward only, never edited once released: migration n takes the schema from version n to n + 1. */
const migrations: readonly Migration[] = [
  createTables,
  addRuns,
  keepFilesOfArchived,
  addInventory,
  chainEvents,
  addIdentity,
  addTokens,
  addPageSessions,
  addRunFamilies,
];

/** Since this version a database says which depot's it is. */
const IDENTITY_VERSION = migrations.indexOf(addIdentity) + 1;
/** The schema version this d3 writes. */
const SCHEMA_VERSION = migrations.length;

/**
 * Brings the tables to this d3's version, in one transaction.
 * @param where the database, for messages
 * @param identity the depot's, where its folder names this database: another depot's is refused, and this one is whole
 * @throws D3Error refused `SCHEMA_NEWER` when a newer d3 wrote it, `DATABASE_TAKEN`, `DATABASE_UNFINISHED`: nothing is touched
 */
export async function migrate(
  db: Kysely<Tables>,
  traits: DatabaseTraits,
  where: string,
  identity: string | null = null,
): Promise<void> {
  const { version, unfinished } = await checkedDepot(db, traits, where, identity);
  if (version === SCHEMA_VERSION && unfinished === null) return;
  await inTurn(db, DEPOT, async (transaction) => {
    await traits.before?.(transaction);
    // Read again: another process may have been faster.
    const found = await checkedDepot(transaction, traits, where, identity);
    await raise(transaction, traits, found.version);
    if (found.version === 0 && identity !== null) await transaction.updateTable('depot').set({ identity }).execute();
    if (found.unfinished !== null) await transaction.updateTable('depot').set({ unfinished: null }).execute();
    await traits.after?.(transaction);
  });
}

/**
 * Makes tables that are to be filled from elsewhere. Until the depot's folder names this database, they hold no whole depot.
 * @param unfinished what is to fill them, in words
 * @throws D3Error refused `DATABASE_NOT_EMPTY`: nothing is touched
 */
export async function makeTarget(
  db: Kysely<Tables>,
  traits: DatabaseTraits,
  where: string,
  { identity, unfinished }: { identity: string; unfinished: string },
): Promise<void> {
  await inTurn(db, DEPOT, async (transaction) => {
    await traits.before?.(transaction);
    await refuseFilled(transaction, traits, where, identity);
    await raise(transaction, traits, (await depotRow(transaction, traits))?.schema_version ?? 0);
    await transaction.updateTable('depot').set({ identity, unfinished }).execute();
    await traits.after?.(transaction);
  });
}

/** @throws D3Error notFound `STORE_NOT_FOUND` where there is no depot */
export async function refuseAbsent(db: Kysely<Tables>, traits: DatabaseTraits, where: string): Promise<void> {
  if (await traits.hasTables(db)) return;
  throw new D3Error('STORE_NOT_FOUND', 'notFound', 'There is no depot in this database.', {
    target: where,
    actions: [
      'look at D3_DEPOT_DATABASE and database.url',
      'a new one is made by d3 depot init, and filled by d3 depot migrate',
    ],
  });
}

/** @throws D3Error refused `DATABASE_NOT_EMPTY` unless there is nothing, or what an earlier try at this very depot left */
export async function refuseFilled(
  db: Kysely<Tables>,
  traits: DatabaseTraits,
  where: string,
  identity: string,
): Promise<void> {
  const depot = await depotRow(db, traits);
  const isOurs =
    depot !== null &&
    depot.schema_version >= IDENTITY_VERSION &&
    depot.schema_version <= SCHEMA_VERSION &&
    depot.unfinished !== null &&
    depot.identity === identity;
  if (depot === null || isOurs) return;
  throw new D3Error(
    'DATABASE_NOT_EMPTY',
    'refused',
    'There is a depot in this database already. Nothing was changed.',
    {
      target: where,
      actions: [
        'name an empty database, or another schema of it: ?schema=NAME',
        'or drop what is there, if nobody needs it',
      ],
    },
  );
}

async function raise(transaction: Kysely<Tables>, traits: DatabaseTraits, from: number): Promise<void> {
  for (let version = from; version < SCHEMA_VERSION; version++) {
    await (migrations[version] as Migration)(transaction, traits);
    await transaction
      .updateTable('depot')
      .set({ schema_version: version + 1 })
      .execute();
  }
}

async function depotRow(db: Kysely<Tables>, traits: DatabaseTraits) {
  if (!(await traits.hasTables(db))) return null;
  // An older d3's row has fewer columns.
  const row: Partial<Selectable<Tables['depot']>> = (await db.selectFrom('depot').selectAll().executeTakeFirst()) ?? {};
  const { schema_version = 0, identity = null, unfinished = null } = row;
  return { schema_version, identity, unfinished };
}

/** @returns the version of the tables, 0 where there are none, and what they were being filled by */
async function checkedDepot(
  db: Kysely<Tables>,
  traits: DatabaseTraits,
  where: string,
  identity: string | null,
): Promise<{ version: number; unfinished: string | null }> {
  const depot = await depotRow(db, traits);
  if (depot === null) return { version: 0, unfinished: null };
  const { schema_version: version, unfinished } = depot;
  if (version > SCHEMA_VERSION) {
    throw new D3Error(
      'SCHEMA_NEWER',
      'refused',
      `The depot's database has schema version ${version}; this d3 knows versions up to ${SCHEMA_VERSION}. Nothing was changed.`,
      { target: where, actions: ['Update d3 on this host.'] },
    );
  }
  if (version < IDENTITY_VERSION) return { version, unfinished };
  if (identity !== null && depot.identity !== identity) {
    throw new D3Error('DATABASE_TAKEN', 'refused', 'This database belongs to another depot. Nothing was changed.', {
      target: where,
      actions: [
        'name the database of this depot, or an empty one where a depot is to be made',
        'two depots share a database in two schemas: ?schema=NAME',
      ],
    });
  }
  if (unfinished !== null && identity === null) {
    throw new D3Error('DATABASE_UNFINISHED', 'refused', `This database holds no whole depot: ${unfinished}.`, {
      target: where,
      actions: ['repeat the command that was to fill it: d3 depot migrate or d3 depot restore'],
    });
  }
  return { version, unfinished };
}

async function createTables(db: Kysely<Tables>, traits: DatabaseTraits): Promise<void> {
  await db.schema
    .createTable('depot')
    .addColumn('one', 'integer', (column) => column.primaryKey().check(sql`one = 1`))
    .addColumn('schema_version', 'integer', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('published', 'text')
    .execute();
  await db.insertInto('depot').values({ one: 1, schema_version: 0, generation: 0, published: null }).execute();

  await withEditionColumns(traits.withGrowingId(db.schema.createTable('editions'))).execute();
  await withEditionColumns(
    db.schema.createTable('deleted_editions').addColumn('id', 'bigint', (column) => column.primaryKey()),
  )
    .addColumn('deleted_at', 'text', (column) => column.notNull())
    .addColumn('deleted_by', 'text', (column) => column.notNull())
    .addColumn('archived', 'integer', (column) => column.notNull())
    .execute();
  await sql`create unique index editions_edition on editions (lower(edition))`.execute(db);
  await sql`create index editions_basename on editions (lower(basename))`.execute(db);
  await sql`create unique index editions_one_live on editions (lower(basename)) where status = 'live'`.execute(db);
  await sql`create index deleted_editions_basename on deleted_editions (lower(basename))`.execute(db);

  await traits
    .withGrowingId(db.schema.createTable('documents'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('name_key', 'text', (column) => column.notNull())
    .addColumn('generation', 'integer', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('changed_at', 'text', (column) => column.notNull())
    .addColumn('changed_by', 'text', (column) => column.notNull())
    .addUniqueConstraint('documents_name', ['kind', 'name_key'])
    .execute();

  await traits
    .withGrowingId(db.schema.createTable('events'))
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('by', 'text', (column) => column.notNull())
    .addColumn('what', 'text', (column) => column.notNull())
    .addColumn('target_kind', 'text', (column) => column.notNull())
    .addColumn('target_id', 'bigint', (column) => column.notNull())
    .addColumn('target_name', 'text', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .execute();
  await db.schema.createIndex('events_target').on('events').columns(['target_kind', 'target_id']).execute();

  await db.schema
    .createTable('computers')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('name_key', 'text', (column) => column.notNull())
    .addColumn('claims', 'text', (column) => column.notNull())
    .addColumn('os', 'text', (column) => column.notNull())
    .addColumn('cpu', 'text', (column) => column.notNull())
    .addColumn('d3', 'text', (column) => column.notNull())
    .addColumn('first_contact', 'text', (column) => column.notNull())
    .addColumn('last_contact', 'text', (column) => column.notNull())
    .addColumn('last_run', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('computers_name').on('computers').column('name_key').execute();

  await traits
    .withGrowingId(db.schema.createTable('reports'))
    .addColumn('computer_id', 'text', (column) => column.notNull().references('computers.id'))
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addUniqueConstraint('reports_run', ['computer_id', 'run'])
    .execute();
}

async function addRuns(db: Kysely<Tables>, traits: DatabaseTraits): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('is_over', 'integer', (column) => column.notNull())
    .addColumn('generation', 'bigint', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await traits
    .withGrowingId(db.schema.createTable('run_lines'))
    .addColumn('run', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('step', 'integer')
    .addColumn('text', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('run_lines_run').on('run_lines').columns(['run', 'id']).execute();
}

/** An archived edition may keep its file. */
async function keepFilesOfArchived(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .alterTable('deleted_editions')
    .addColumn('file_kept', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
}

/** What machines report gets tables of its own; what they said before is read into them. */
async function addInventory(db: Kysely<Tables>): Promise<void> {
  await db.schema.alterTable('computers').addColumn('user_name', 'text').execute();
  await db.schema
    .createTable('computer_receipts')
    .addColumn('computer_id', 'text', (column) => column.notNull().references('computers.id'))
    .addColumn('basename', 'text', (column) => column.notNull())
    .addColumn('edition_id', 'bigint', (column) => column.notNull())
    .addColumn('edition', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('piloting', 'integer', (column) => column.notNull())
    .addColumn('frozen', 'integer', (column) => column.notNull())
    .addColumn('frozen_by', 'text')
    .addColumn('frozen_at', 'text')
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('installed_at', 'text', (column) => column.notNull())
    .addColumn('manual', 'integer')
    .addColumn('gone_since', 'text')
    .addColumn('attention', 'text')
    .addPrimaryKeyConstraint('computer_receipts_key', ['computer_id', 'basename'])
    .execute();
  await db.schema
    .createIndex('computer_receipts_basename')
    .on('computer_receipts')
    .columns(['basename', 'computer_id'])
    .execute();
  await db.schema.createIndex('computer_receipts_edition').on('computer_receipts').column('edition_id').execute();
  await db.schema
    .createTable('computer_queue')
    .addColumn('computer_id', 'text', (column) => column.notNull().references('computers.id'))
    .addColumn('basename', 'text', (column) => column.notNull())
    .addColumn('edition_id', 'bigint', (column) => column.notNull())
    .addColumn('edition', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('piloting', 'integer', (column) => column.notNull())
    .addColumn('admin', 'text', (column) => column.notNull())
    .addColumn('custom_expiration', 'bigint')
    .addColumn('queued_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('computer_queue_key', ['computer_id', 'basename'])
    .execute();
  await db.schema.createIndex('computer_queue_basename').on('computer_queue').column('basename').execute();
  await db.schema
    .createTable('computer_problems')
    .addColumn('computer_id', 'text', (column) => column.notNull().references('computers.id'))
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('edition', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('reason', 'text')
    .addColumn('processes', 'text')
    .addColumn('since', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('computer_problems_key', ['computer_id', 'subject'])
    .execute();
  await db.schema.createIndex('computer_problems_subject').on('computer_problems').column('subject').execute();
  await db.schema.createIndex('events_at').on('events').column('at').execute();
  await sql`create index events_name on events (lower(target_name))`.execute(db);

  const computers = await db.selectFrom('computers').select('id').execute();
  for (const { id } of computers) {
    const kept = await db.selectFrom('reports').select('body').where('computer_id', '=', id).orderBy('id').execute();
    for (const { body } of kept) await keepInventory(db, JSON.parse(body));
  }
}

/** Which depot it is of, whether it is whole, and names in history that are found in any case, whatever the language. */
async function addIdentity(db: Kysely<Tables>): Promise<void> {
  await db.schema.alterTable('depot').addColumn('identity', 'text').execute();
  await db.schema.alterTable('depot').addColumn('unfinished', 'text').execute();
  await db.updateTable('depot').set({ identity: randomUUID() }).execute();
  await db.schema.alterTable('events').addColumn('target_key', 'text').execute();
  await db.schema.dropIndex('events_name').execute();
  await db.schema.createIndex('events_key').on('events').column('target_key').execute();
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('events')
      .select(['id', 'target_name'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(EVENTS_AT_ONCE)
      .execute();
    for (const { id, target_name } of rows)
      await db
        .updateTable('events')
        .set({ target_key: nameKey(target_name) })
        .where('id', '=', id)
        .execute();
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
  }
}

/** Every event carries the hash of the one before; those there are already are chained as they stand. */
async function chainEvents(db: Kysely<Tables>): Promise<void> {
  for (const column of ['prev', 'hash']) {
    await db.schema
      .alterTable('events')
      .addColumn(column, 'text', (made) => made.notNull().defaultTo(''))
      .execute();
  }
  await db.schema
    .alterTable('depot')
    .addColumn('events', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema
    .alterTable('depot')
    .addColumn('newest_event', 'text', (column) => column.notNull().defaultTo(CHAIN_BEGIN))
    .execute();
  let newest = CHAIN_BEGIN;
  let count = 0;
  for await (const event of eventRows(db)) {
    const hash = eventHash(newest, event);
    await db.updateTable('events').set({ prev: newest, hash }).where('id', '=', event.id).execute();
    newest = hash;
    count += 1;
  }
  await db.updateTable('depot').set({ events: count, newest_event: newest }).execute();
}

/** What a served depot knows of those who may ask it. */
async function addTokens(db: Kysely<Tables>, traits: DatabaseTraits): Promise<void> {
  await traits
    .withGrowingId(db.schema.createTable('tokens'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('name_key', 'text', (column) => column.notNull())
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('computer_id', 'text')
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text')
    .addColumn('revoked_at', 'text')
    .addColumn('revoked_by', 'text')
    .addColumn('last_used_at', 'text')
    .execute();
  await sql`create unique index tokens_name on tokens (name_key) where revoked_at is null`.execute(db);
  await db.schema.createIndex('tokens_computer').on('tokens').column('computer_id').execute();
  await traits
    .withGrowingId(db.schema.createTable('enrolment_codes'))
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('note', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('revoked_at', 'text')
    .addColumn('uses', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'text')
    .execute();
  await traits
    .withGrowingId(db.schema.createTable('enrolments'))
    .addColumn('code_id', 'bigint', (column) => column.notNull().references('enrolment_codes.id'))
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('computer_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('claims', 'text', (column) => column.notNull())
    .addColumn('key_hash', 'text', (column) => column.notNull().unique())
    .addColumn('known_as', 'text', (column) => column.notNull())
    .addColumn('became', 'text')
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('decided_at', 'text')
    .addColumn('decided_by', 'text')
    .execute();
  await db.schema.createIndex('enrolments_state').on('enrolments').columns(['state', 'id']).execute();
  await db.schema
    .createTable('computer_claims')
    .addColumn('computer_id', 'text', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('computer_claims_key', ['computer_id', 'kind'])
    .execute();
  await db.schema.createIndex('computer_claims_value').on('computer_claims').columns(['kind', 'value']).execute();
  const computers = await db.selectFrom('computers').select(['id', 'claims']).execute();
  for (const { id, claims } of computers) await keepClaims(db, id, JSON.parse(claims));
}

/** What the page of a served depot keeps of those who signed in. */
async function addPageSessions(db: Kysely<Tables>): Promise<void> {
  await db.schema
    .createTable('page_sessions')
    .addColumn('hash', 'text', (column) => column.primaryKey())
    .addColumn('token_id', 'bigint', (column) => column.notNull().references('tokens.id'))
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute();
}

/** Runs belong to others, and whoever advances them finds those whose time has come. */
async function addRunFamilies(db: Kysely<Tables>): Promise<void> {
  await db.schema.alterTable('runs').addColumn('parent', 'text').execute();
  await db.schema.alterTable('runs').addColumn('ready_at', 'text').execute();
  await db.schema
    .alterTable('runs')
    .addColumn('brief', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute();
  await db.schema.createIndex('runs_parent').on('runs').columns(['parent', 'id']).execute();
  await db.schema.createIndex('runs_ready').on('runs').columns(['ready_at', 'id']).execute();
  for (const { id, body } of await db.selectFrom('runs').select(['id', 'body']).execute()) {
    const run = JSON.parse(body) as Run;
    // One that a newer d3 wrote is left as it is.
    if (run.schema !== 'd3/step-run@1') continue;
    const { parent, ready_at, brief } = rowOf(run);
    await db.updateTable('runs').set({ parent, ready_at, brief }).where('id', '=', id).execute();
  }
}

function withEditionColumns<T extends string, C extends string>(table: CreateTableBuilder<T, C>) {
  return table
    .addColumn('basename', 'text', (column) => column.notNull())
    .addColumn('version', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('edition', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) =>
      column.notNull().check(sql`status in ('pilot', 'live', 'deprecated', 'skipped')`),
    )
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('added_at', 'text', (column) => column.notNull())
    .addColumn('added_by', 'text', (column) => column.notNull())
    .addColumn('released_at', 'text')
    .addColumn('released_by', 'text');
}
