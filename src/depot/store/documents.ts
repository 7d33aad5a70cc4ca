import { D3Error } from '@d3/sdk';
import type { Kysely, Selectable } from 'kysely';
import { nameKey } from '../../catalog/names.ts';
import { problemsWith, refuseNewerSchema } from '../../json-schema.ts';
import type { Clock } from '../../platform/clock.ts';
import { type DocumentKind, documentKind } from '../document-kinds.ts';
import type { DocumentBody, Documents, HistoryEvent, StoredDocument } from './contract.ts';
import { historyStore, recordEvent } from './events.ts';
import { countCatalogChange } from './generation.ts';
import type { DocumentTable, Tables } from './tables.ts';

type Stored = StoredDocument<DocumentBody>;

const MAX_NAME = 255;

export class SqlDocuments implements Documents<DocumentBody> {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;
  readonly #kind: DocumentKind;

  /** @throws D3Error bug `KIND_UNKNOWN` */
  constructor(db: Kysely<Tables>, clock: Clock, kind: string) {
    this.#db = db;
    this.#clock = clock;
    this.#kind = documentKind(kind);
  }

  async get(id: number): Promise<Stored | null> {
    return this.#get(this.#db, id);
  }

  async byName(name: string): Promise<Stored | null> {
    const row = await this.#db
      .selectFrom('documents')
      .selectAll()
      .where('kind', '=', this.#kind.kind)
      .where('name_key', '=', nameKey(name))
      .executeTakeFirst();
    return row === undefined ? null : this.#fromRow(row);
  }

  async list(): Promise<Stored[]> {
    return this.#list(this.#db);
  }

  async create(name: string, body: DocumentBody, by: string): Promise<Stored> {
    await this.#check(name, body);
    return this.#db.transaction().execute(async (transaction) => {
      await this.#checkName(transaction, name, null);
      const at = this.#now();
      const { id } = await transaction
        .insertInto('documents')
        .values({
          kind: this.#kind.kind,
          name,
          name_key: nameKey(name),
          generation: 1,
          body: JSON.stringify(body),
          changed_at: at,
          changed_by: by,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const created = await this.#mustGet(transaction, id);
      await this.#changed(transaction, 'document.created', created, by, null, created);
      return created;
    });
  }

  async update(
    id: number,
    generation: number,
    changes: { name?: string; body?: DocumentBody },
    by: string,
  ): Promise<Stored> {
    return this.#db.transaction().execute(async (transaction) => {
      const before = await this.#mustGet(transaction, id);
      this.#refuseConflict(before, generation);
      const name = changes.name ?? before.name;
      const body = changes.body ?? before.body;
      await this.#check(name, body);
      await this.#checkName(transaction, name, id);
      await transaction
        .updateTable('documents')
        .set({
          name,
          name_key: nameKey(name),
          generation: generation + 1,
          body: JSON.stringify(body),
          changed_at: this.#now(),
          changed_by: by,
        })
        .where('id', '=', id)
        .where('generation', '=', generation)
        .execute();
      const after = await this.#mustGet(transaction, id);
      await this.#changed(transaction, 'document.changed', after, by, before, after);
      return after;
    });
  }

  async remove(id: number, generation: number, by: string): Promise<void> {
    await this.#db.transaction().execute(async (transaction) => {
      const before = await this.#mustGet(transaction, id);
      this.#refuseConflict(before, generation);
      await transaction.deleteFrom('documents').where('id', '=', id).where('generation', '=', generation).execute();
      await this.#changed(transaction, 'document.removed', before, by, before, null);
    });
  }

  async history(id: number): Promise<HistoryEvent[]> {
    return historyStore(this.#db, this.#clock).list({ kind: this.#kind.kind, id });
  }

  async #list(db: Kysely<Tables>): Promise<Stored[]> {
    const rows = await db
      .selectFrom('documents')
      .selectAll()
      .where('kind', '=', this.#kind.kind)
      .orderBy('id')
      .execute();
    return rows.map((row) => this.#fromRow(row));
  }

  async #get(db: Kysely<Tables>, id: number): Promise<Stored | null> {
    const row = await db
      .selectFrom('documents')
      .selectAll()
      .where('kind', '=', this.#kind.kind)
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? null : this.#fromRow(row);
  }

  async #mustGet(db: Kysely<Tables>, id: number): Promise<Stored> {
    const document = await this.#get(db, id);
    if (document !== null) return document;
    throw new D3Error('DOCUMENT_NOT_FOUND', 'notFound', `The depot has no ${this.#kind.kind} with id ${id}.`, {
      target: String(id),
    });
  }

  async #check(name: string, body: DocumentBody): Promise<void> {
    const { kind, version, bodySchema } = this.#kind;
    if (name.trim() !== name || name === '' || name.length > MAX_NAME || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) {
      throw new D3Error(
        'DOCUMENT_INVALID',
        'usage',
        `A ${kind} cannot be called ${JSON.stringify(name)}: a name has 1 to ${MAX_NAME} characters, none of them a control character, and no blanks around it.`,
        { target: name },
      );
    }
    refuseNewerSchema(body.schema, kind, version, `The ${kind} ${name}`);
    const problems = await problemsWith(body, bodySchema);
    if (problems === null) return;
    throw new D3Error('DOCUMENT_INVALID', 'usage', `The ${kind} ${name} cannot be stored: ${problems}`, {
      target: name,
    });
  }

  async #checkName(db: Kysely<Tables>, name: string, ownId: number | null): Promise<void> {
    const twin = await db
      .selectFrom('documents')
      .select(['id', 'name'])
      .where('kind', '=', this.#kind.kind)
      .where('name_key', '=', nameKey(name))
      .where('id', '!=', ownId ?? -1)
      .executeTakeFirst();
    if (twin === undefined) return;
    throw new D3Error(
      'DOCUMENT_EXISTS',
      'refused',
      `There is already a ${this.#kind.kind} called ${twin.name}, with id ${twin.id}.`,
      { target: name, actions: ['Choose another name.'] },
    );
  }

  #refuseConflict(document: Stored, generation: number): void {
    if (document.generation === generation) return;
    throw new D3Error(
      'DOCUMENT_CONFLICT',
      'refused',
      `The ${document.kind} ${document.name} was not changed: ${document.changedBy} changed it meanwhile (at ${document.changedAt}).`,
      { target: document.name, actions: ['Look at it again and repeat the change.'] },
    );
  }

  #fromRow(row: Selectable<DocumentTable>): Stored {
    const body: DocumentBody = JSON.parse(row.body);
    refuseNewerSchema(body.schema, this.#kind.kind, this.#kind.version, `The ${this.#kind.kind} ${row.name}`);
    return {
      kind: row.kind,
      id: row.id,
      name: row.name,
      generation: row.generation,
      body,
      changedAt: row.changed_at,
      changedBy: row.changed_by,
    };
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  async #changed(
    transaction: Kysely<Tables>,
    what: string,
    document: Stored,
    by: string,
    before: Stored | null,
    after: Stored | null,
  ): Promise<void> {
    const target = { kind: document.kind, id: document.id, name: document.name };
    const shown = (side: Stored | null) => side && { name: side.name, generation: side.generation, body: side.body };
    await recordEvent(transaction, { at: this.#now(), by, what, target, before: shown(before), after: shown(after) });
    if (this.#kind.inCatalog) await countCatalogChange(transaction);
  }
}
