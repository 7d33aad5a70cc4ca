import { D3Error } from '@d3/sdk';
import { type Kysely, type Selectable, sql } from 'kysely';
import { effectsOfMakingLive, type StatusChange } from '../../catalog/lifecycle.ts';
import { editionString } from '../../catalog/names.ts';
import type { StoredStatus } from '../../catalog/types.ts';
import { problemsWith, refuseNewerSchema } from '../../json-schema.ts';
import type { Clock } from '../../platform/clock.ts';
import { newEditionSchema } from '../schemas.ts';
import type {
  DeletedEdition,
  EditionChanges,
  EditionStore,
  ExpectedBasename,
  NewEdition,
  StoredEdition,
} from './contract.ts';
import { recordEvent } from './events.ts';
import { countCatalogChange } from './generation.ts';
import type { EditionColumns, EditionTable, Tables } from './tables.ts';
import { DEPOT, inTurn } from './turns.ts';

const BODY_VERSION = 1;
/** Ids a statement asks for at once: databases take so many values and no more. */
const IDS_AT_ONCE = 1_000;

export class SqlEditions implements EditionStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async list(): Promise<StoredEdition[]> {
    return listEditions(this.#db);
  }

  async byId(id: number): Promise<StoredEdition | null> {
    return findById(this.#db, id);
  }

  async byEdition(edition: string): Promise<StoredEdition | null> {
    const row = await this.#db.selectFrom('editions').selectAll().where('edition', '=', edition).executeTakeFirst();
    return row === undefined ? null : fromRow(row);
  }

  async insert(given: NewEdition, by: string, confirm = async () => {}): Promise<StoredEdition> {
    const edition = await checked(given);
    return inTurn(this.#db, DEPOT, async (transaction) => {
      await checkIdentity(transaction, edition, null);
      const at = this.#now();
      const { id } = await transaction
        .insertInto('editions')
        .values({
          ...identityColumns(edition),
          status: 'pilot',
          body: bodyOf(edition),
          added_at: at,
          added_by: by,
          released_at: null,
          released_by: null,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const added = await mustFind(transaction, id);
      await this.#changed(transaction, { at, by, what: 'edition.added', edition: added, before: null, after: added });
      await confirm();
      return added;
    });
  }

  async update(id: number, changes: EditionChanges, by: string, unless?: StoredStatus): Promise<StoredEdition> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const before = await mustFind(transaction, id);
      if (before.status === unless) throw becameMeanwhile(before);
      const edition = await checked({ ...newEditionOf(before), ...withoutUndefined(changes) });
      await checkIdentity(transaction, edition, id);
      await transaction
        .updateTable('editions')
        .set({ ...identityColumns(edition), body: bodyOf(edition) })
        .where('id', '=', id)
        .execute();
      const after = await mustFind(transaction, id);
      await this.#changed(transaction, { at: this.#now(), by, what: 'edition.edited', edition: after, before, after });
      return after;
    });
  }

  async makeLive(id: number, by: string, expected: ExpectedBasename): Promise<StatusChange[]> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const edition = await mustFind(transaction, id);
      const rows = await transaction
        .selectFrom('editions')
        .select(['id', 'edition', 'status'])
        .where(sql`lower(basename)`, '=', edition.basename.toLowerCase())
        .orderBy('id')
        .execute();
      const siblings = rows.map((row) => ({
        id: row.id,
        edition: row.edition,
        status: row.status as StoredStatus,
      }));
      refuseConflict(edition, siblings, expected);
      const effects = effectsOfMakingLive(siblings, id);
      const at = this.#now();
      // The one made live comes last: at no moment are there two.
      for (const effect of effects.toSorted((a, b) => Number(a.to === 'live') - Number(b.to === 'live'))) {
        await transaction.updateTable('editions').set({ status: effect.to }).where('id', '=', effect.id).execute();
      }
      if (effects.length === 0) return effects;
      await transaction
        .updateTable('editions')
        .set({ released_at: at, released_by: by })
        .where('id', '=', id)
        .execute();
      const statuses = (side: 'from' | 'to') => Object.fromEntries(effects.map((effect) => [effect.id, effect[side]]));
      await this.#changed(transaction, {
        at,
        by,
        what: 'edition.live',
        edition,
        before: { statuses: statuses('from') },
        after: { statuses: statuses('to') },
      });
      return effects;
    });
  }

  async delete(
    id: number,
    by: string,
    options: { archive: boolean; keepFile?: boolean; expected?: StoredStatus },
  ): Promise<StoredEdition> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const edition = await mustFind(transaction, id);
      if (options.expected !== undefined && options.expected !== edition.status)
        throw changedMeanwhile(edition, options.expected);
      const at = this.#now();
      const row = await transaction.selectFrom('editions').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      await transaction
        .insertInto('deleted_editions')
        .values({
          ...row,
          deleted_at: at,
          deleted_by: by,
          archived: options.archive ? 1 : 0,
          file_kept: options.archive && options.keepFile === true ? 1 : 0,
        })
        .execute();
      await transaction.deleteFrom('editions').where('id', '=', id).execute();
      const what = options.archive ? 'edition.archived' : 'edition.deleted';
      await this.#changed(transaction, { at, by, what, edition, before: edition, after: null });
      return edition;
    });
  }

  async archived(): Promise<DeletedEdition[]> {
    const rows = await this.#db
      .selectFrom('deleted_editions')
      .selectAll()
      .where('archived', '=', 1)
      .orderBy('id')
      .execute();
    return rows.map((row) => ({
      ...fromRow(row),
      deletedAt: row.deleted_at,
      deletedBy: row.deleted_by,
      archived: row.archived === 1,
      fileKept: row.file_kept === 1,
    }));
  }

  async restore(id: number, by: string): Promise<StoredEdition> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const row = await transaction
        .selectFrom('deleted_editions')
        .selectAll()
        .where('id', '=', id)
        .where('archived', '=', 1)
        .executeTakeFirst();
      if (row === undefined) throw notFound(id);
      const was = fromRow(row);
      await checkIdentity(transaction, newEditionOf(was), null);
      const live = await transaction
        .selectFrom('editions')
        .select('id')
        .where(sql`lower(basename)`, '=', was.basename.toLowerCase())
        .where('status', '=', 'live')
        .executeTakeFirst();
      const older = live !== undefined && id < live.id;
      const status: StoredStatus = older ? (was.releasedAt === null ? 'skipped' : 'deprecated') : 'pilot';
      const { deleted_at: _at, deleted_by: _by, archived: _archived, file_kept: _kept, ...columns } = row;
      await transaction
        .insertInto('editions')
        .values({ ...columns, status })
        .execute();
      await transaction.deleteFrom('deleted_editions').where('id', '=', id).execute();
      const edition = await mustFind(transaction, id);
      const at = this.#now();
      await this.#changed(transaction, { at, by, what: 'edition.restored', edition, before: null, after: edition });
      return edition;
    });
  }

  async unlive(id: number, by: string): Promise<StoredEdition> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const before = await mustFind(transaction, id);
      if (before.status !== 'live') {
        const text = `${before.edition} is ${before.status}: somebody was faster`;
        throw new D3Error('LIVE_CONFLICT', 'refused', `${text}.`, {
          target: before.edition,
          actions: ['look at it again: d3admin show'],
        });
      }
      await transaction.updateTable('editions').set({ status: 'deprecated' }).where('id', '=', id).execute();
      const edition = await mustFind(transaction, id);
      await this.#changed(transaction, {
        at: this.#now(),
        by,
        what: 'edition.unlive',
        edition,
        before: { statuses: { [id]: 'live' } },
        after: { statuses: { [id]: 'deprecated' } },
      });
      return edition;
    });
  }

  async files(ids: readonly number[]): Promise<{ id: number; sha256: string }[]> {
    const found: { id: number; sha256: string }[] = [];
    for (let at = 0; at < ids.length; at += IDS_AT_ONCE) {
      const some = ids.slice(at, at + IDS_AT_ONCE);
      const rows = await this.#db.selectFrom('editions').selectAll().where('id', 'in', some).execute();
      found.push(...rows.map((row) => ({ id: row.id, sha256: fromRow(row).file.sha256 })));
    }
    return found;
  }

  async basename(basename: string): Promise<string | null> {
    for (const table of ['editions', 'deleted_editions'] as const) {
      const row = await this.#db
        .selectFrom(table)
        .select('basename')
        .where(sql`lower(basename)`, '=', basename.toLowerCase())
        .limit(1)
        .executeTakeFirst();
      if (row !== undefined) return row.basename;
    }
    return null;
  }

  async highestRevision(basename: string, version: string): Promise<number | null> {
    const highest = (table: 'editions' | 'deleted_editions') =>
      this.#db
        .selectFrom(table)
        .select(({ fn }) => fn.max('revision').as('revision'))
        .where(sql`lower(basename)`, '=', basename.toLowerCase())
        .where(sql`lower(version)`, '=', version.toLowerCase())
        .executeTakeFirst();
    const found = [await highest('editions'), await highest('deleted_editions')]
      .map((row) => row?.revision)
      .filter((revision) => revision !== null && revision !== undefined);
    return found.length === 0 ? null : Math.max(...found.map(Number));
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }

  async #changed(
    transaction: Kysely<Tables>,
    event: { at: string; by: string; what: string; edition: StoredEdition; before: unknown; after: unknown },
  ): Promise<void> {
    const { edition, ...rest } = event;
    await recordEvent(transaction, { ...rest, target: { kind: 'edition', id: edition.id, name: edition.edition } });
    await countCatalogChange(transaction);
  }
}

/** All editions in id order; also for the publication, inside its own transaction. */
export async function listEditions(db: Kysely<Tables>): Promise<StoredEdition[]> {
  const rows = await db.selectFrom('editions').selectAll().orderBy('id').execute();
  return rows.map(fromRow);
}

async function findById(db: Kysely<Tables>, id: number): Promise<StoredEdition | null> {
  const row = await db.selectFrom('editions').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : fromRow(row);
}

async function mustFind(db: Kysely<Tables>, id: number): Promise<StoredEdition> {
  const edition = await findById(db, id);
  if (edition !== null) return edition;
  throw notFound(id);
}

function notFound(id: number): D3Error {
  return new D3Error('EDITION_NOT_FOUND', 'notFound', `The depot has no edition with id ${id}.`, {
    target: String(id),
    actions: ['d3admin show all'],
  });
}

function becameMeanwhile({ edition, status }: StoredEdition): D3Error {
  return new D3Error('EDIT_CONFLICT', 'refused', `${edition} is ${status} now: it was not changed.`, {
    target: edition,
    actions: ['look at it again: d3admin show'],
  });
}

function changedMeanwhile({ edition, status }: StoredEdition, expected: StoredStatus): D3Error {
  const text = `${edition} was ${expected} when its deletion was agreed to, and is ${status} now`;
  return new D3Error('DELETE_CONFLICT', 'refused', `${text}.`, {
    target: edition,
    actions: ['look at it again: d3admin show'],
  });
}

/** Brings an edition to exactly the properties of its schema and checks them: the database never holds half an edition. */
async function checked(edition: NewEdition): Promise<NewEdition> {
  const problems = await problemsWith(edition, newEditionSchema);
  if (problems === null) return edition;
  const name = editionString(edition.basename, edition.version, edition.revision);
  throw new D3Error('EDITION_INVALID', 'usage', `${name} cannot be stored: ${problems}`, { target: name });
}

/** The joined edition string is unique without regard to case and differs from every basename. */
async function checkIdentity(db: Kysely<Tables>, given: NewEdition, ownId: number | null): Promise<void> {
  const { basename } = given;
  const edition = editionString(basename, given.version, given.revision);
  const twin = async (column: 'edition' | 'basename', value: string) =>
    db
      .selectFrom('editions')
      .select(['id', 'edition', 'basename'])
      .where(sql`lower(${sql.ref(column)})`, '=', value.toLowerCase())
      .where('id', '!=', ownId ?? -1)
      .executeTakeFirst();

  const same = await twin('edition', edition);
  if (same !== undefined) {
    throw new D3Error('EDITION_EXISTS', 'refused', `${edition} is already there, as id ${same.id} (${same.edition}).`, {
      target: edition,
      actions: ['Give another revision with -r.'],
    });
  }
  const asBasename = await twin('basename', edition);
  if (asBasename !== undefined) {
    throw new D3Error(
      'EDITION_IS_A_BASENAME',
      'refused',
      `${edition} cannot be an edition: ${asBasename.basename} is a basename, and a name must mean one thing.`,
      { target: edition, actions: ['Give another version with -v or another revision with -r.'] },
    );
  }
  const asEdition = await twin('edition', basename);
  if (asEdition !== undefined) {
    throw new D3Error(
      'BASENAME_IS_AN_EDITION',
      'refused',
      `${basename} cannot be a basename: it is the edition with id ${asEdition.id}, and a name must mean one thing.`,
      { target: basename, actions: ['Choose another basename.'] },
    );
  }
  const family = await twin('basename', basename);
  if (family !== undefined && family.basename !== basename) {
    throw new D3Error(
      'BASENAME_CASE',
      'refused',
      `${basename} differs from the basename ${family.basename} only by case.`,
      { target: basename, actions: [`Write ${family.basename}, or choose another basename.`] },
    );
  }
}

interface SiblingRow {
  id: number;
  edition: string;
  status: StoredStatus;
}

function refuseConflict(edition: StoredEdition, siblings: SiblingRow[], expected: ExpectedBasename): void {
  const live = siblings.find((sibling) => sibling.status === 'live');
  const newest = siblings.at(-1);
  const changes: string[] = [];
  if ((live?.id ?? null) !== expected.liveId) {
    changes.push(
      live === undefined ? 'no edition of it is live any more' : `${live.edition} (id ${live.id}) is live now`,
    );
  }
  if (newest?.id !== expected.newestId) changes.push(`${newest?.edition} (id ${newest?.id}) is its newest edition now`);
  if (changes.length === 0) return;
  throw new D3Error(
    'LIVE_CONFLICT',
    'refused',
    `${edition.edition} was not made live: somebody changed ${edition.basename} meanwhile: ${changes.join('; ')}.`,
    { target: edition.edition, actions: [`Look at it with d3admin show all ${edition.basename}, then decide again.`] },
  );
}

function identityColumns(edition: NewEdition) {
  const { basename, version, revision } = edition;
  return { basename, version, revision, edition: editionString(basename, version, revision) };
}

function bodyOf(edition: NewEdition): string {
  const { basename: _basename, version: _version, revision: _revision, ...body } = edition;
  return JSON.stringify({ schema: `d3/edition@${BODY_VERSION}`, ...body });
}

function newEditionOf(edition: StoredEdition): NewEdition {
  const {
    id: _id,
    edition: _edition,
    status: _status,
    addedAt: _addedAt,
    addedBy: _addedBy,
    releasedAt: _releasedAt,
    releasedBy: _releasedBy,
    ...rest
  } = edition;
  return rest;
}

function withoutUndefined(changes: EditionChanges): EditionChanges {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

function fromRow(row: EditionColumns & Pick<Selectable<EditionTable>, 'id'>): StoredEdition {
  const { schema, ...body } = JSON.parse(row.body);
  refuseNewerSchema(schema, 'edition', BODY_VERSION, row.edition);
  return {
    id: row.id,
    basename: row.basename,
    version: row.version,
    revision: row.revision,
    edition: row.edition,
    status: row.status as StoredStatus,
    ...body,
    addedAt: row.added_at,
    addedBy: row.added_by,
    releasedAt: row.released_at,
    releasedBy: row.released_by,
  };
}
