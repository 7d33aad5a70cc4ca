import type { Kysely } from 'kysely';
import type { HistoryEvent, HistoryFilter, HistoryStore } from './contract.ts';
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

export function historyStore(db: Kysely<Tables>): HistoryStore {
  return {
    async list(filter: HistoryFilter = {}): Promise<HistoryEvent[]> {
      let query = db.selectFrom('events').selectAll().orderBy('id', 'desc');
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
  };
}
