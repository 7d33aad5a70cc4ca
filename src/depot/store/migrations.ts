import { D3Error } from '@d3/sdk';
import { type CreateTableBuilder, type Kysely, sql } from 'kysely';
import { keepClaims } from './claims.ts';
import { keepInventory } from './inventory.ts';
import type { Tables } from './tables.ts';

/** How the databases differ where tables are made. */
export interface DatabaseTraits {
  /** Adds a primary key `id` that only grows: a number once given is never given again. */
  withGrowingId<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C | 'id'>;
}

type Migration = (db: Kysely<Tables>, traits: DatabaseTraits) => Promise<void>;

/** Forward only, never edited once released: migration n takes the schema from version n to n + 1. */
const migrations: readonly Migration[] = [
  createTables,
  addRuns,
  keepFilesOfArchived,
  addInventory,
  addTokens,
  addPageSessions,
];

/** The schema version this d3 writes. */
const SCHEMA_VERSION = migrations.length;

/**
 * Brings the tables to this d3's version, in one transaction.
 * @param where the database, for messages
 * @throws D3Error refused `SCHEMA_NEWER` when a newer d3 wrote it: nothing is touched
 */
export async function migrate(db: Kysely<Tables>, traits: DatabaseTraits, where: string): Promise<void> {
  if ((await checkedVersion(db, where)) === SCHEMA_VERSION) return;
  await db.transaction().execute(async (transaction) => {
    // Read again: another process may have been faster.
    for (let version = await checkedVersion(transaction, where); version < SCHEMA_VERSION; version++) {
      await (migrations[version] as Migration)(transaction, traits);
      await transaction
        .updateTable('depot')
        .set({ schema_version: version + 1 })
        .execute();
    }
  });
}

async function checkedVersion(db: Kysely<Tables>, where: string): Promise<number> {
  const version = await schemaVersion(db);
  if (version <= SCHEMA_VERSION) return version;
  throw new D3Error(
    'SCHEMA_NEWER',
    'refused',
    `The depot's database has schema version ${version}; this d3 knows versions up to ${SCHEMA_VERSION}. Nothing was changed.`,
    { target: where, actions: ['Update d3 on this host.'] },
  );
}

async function schemaVersion(db: Kysely<Tables>): Promise<number> {
  const tables = await db.introspection.getTables();
  if (!tables.some((table) => table.name === 'depot')) return 0;
  const row = await db.selectFrom('depot').select('schema_version').executeTakeFirst();
  return row?.schema_version ?? 0;
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
