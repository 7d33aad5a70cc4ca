import { type Kysely, sql } from 'kysely';
import { wholeNumber } from '../../catalog/names.ts';
import type { Clock } from '../../platform/clock.ts';
import type { HistoryEvent, HistoryFilter, HistoryStore, HistoryTarget } from './contract.ts';
import type { Tables } from './tables.ts';

export type NewEvent = Omit<HistoryEvent, 'id'>;

/** Writes an event in the transaction of the change it tells of. */
export async function recordEvent(db: Kysely<Tables>, event: NewEvent): Promise<void> {
  await db
    .insertInto('events')
    .values({
      at: event.at,
      by: event.by,
      what: event.what,
      target_kind: event.target.kind,
      target_id: event.target.id,
      target_name: event.target.name,
      before: event.before === null ? null : JSON.stringify(event.before),
      after: event.after === null ? null : JSON.stringify(event.after),
    })
    .execute();
}

export function historyStore(db: Kysely<Tables>, clock: Clock): HistoryStore {
  return {
    async list(filter: HistoryFilter = {}): Promise<HistoryEvent[]> {
      let query = db.selectFrom('events').selectAll().orderBy('id', 'desc');
      const { targets } = filter;
      if (targets !== undefined) query = query.where(amongTargets(targets));
      if (filter.kind !== undefined) query = query.where('target_kind', '=', filter.kind);
      if (filter.id !== undefined) query = query.where('target_id', '=', filter.id);
      if (filter.by !== undefined) query = query.where('by', '=', filter.by);
      if (filter.what !== undefined) query = query.where('what', '=', filter.what);
      if (filter.since !== undefined) query = query.where('at', '>=', filter.since);
      if (filter.limit !== undefined) query = query.limit(filter.limit);
      const rows = await query.execute();
      return rows.toReversed().map((row) => ({
        id: row.id,
        at: row.at,
        by: row.by,
        what: row.what,
        target: { kind: row.target_kind, id: row.target_id, name: row.target_name },
        before: row.before === null ? null : JSON.parse(row.before),
        after: row.after === null ? null : JSON.parse(row.after),
      }));
    },

    async targetsCalled(name: string): Promise<Target[]> {
      const named = await db
        .selectFrom('events')
        .select(['target_kind', 'target_id'])
        .where(sql`lower(target_name)`, '=', lowered(name))
        .distinct()
        .execute();
      const found = new Map(named.map(({ target_kind: kind, target_id: id }) => [`${kind} ${id}`, { kind, id }]));
      for (const id of await editionsCalled(db, name)) found.set(`edition ${id}`, { kind: 'edition', id });
      return [...found.values()];
    },

    add: (event) => recordEvent(db, { ...event, at: clock.now().toISOString() }),
  };
}

/** By the database's own rule on both sides: SQLite's knows no letters but those of English. */
function lowered(name: string) {
  return sql<string>`lower(${name})`;
}

type Target = Pick<HistoryTarget, 'kind' | 'id'>;

async function editionsCalled(db: Kysely<Tables>, name: string): Promise<number[]> {
  const number = wholeNumber(name);
  const ids: number[] = [];
  for (const table of ['editions', 'deleted_editions'] as const) {
    const rows = await db
      .selectFrom(table)
      .select('id')
      .where((where) =>
        where.or([
          where(sql`lower(basename)`, '=', lowered(name)),
          ...(number === null ? [] : [where('id', '=', number)]),
        ]),
      )
      .execute();
    ids.push(...rows.map(({ id }) => id));
  }
  return ids;
}

function amongTargets(targets: readonly Target[]) {
  const kinds = Map.groupBy(targets, ({ kind }) => kind);
  const any = [...kinds].map(
    ([kind, some]) => sql<boolean>`(target_kind = ${kind} and target_id in (${sql.join(some.map(({ id }) => id))}))`,
  );
  return any.length === 0 ? sql<boolean>`1 = 0` : sql<boolean>`(${sql.join(any, sql` or `)})`;
}
