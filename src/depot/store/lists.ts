import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely';
import { storable } from './storable.ts';
import type { Tables } from './tables.ts';

/** Values that go over one by one; databases take so many and no more. */
const ONE_BY_ONE = 1_000;

/** Whether a column has one of these values, however many there are. */
export function isOneOf(
  db: Kysely<Tables>,
  column: string,
  values: readonly string[] | readonly number[],
): RawBuilder<boolean> {
  const name = sql.ref(column);
  if (values.length === 0) return sql`1 = 0`;
  if (values.length <= ONE_BY_ONE) return sql`${name} in (${sql.join(values)})`;
  const json = JSON.stringify(values.map((value) => (typeof value === 'string' ? storable(value) : value)));
  // The plus keeps SQLite from looking up each of many values in an index: with two such lists, each of one for each of the other.
  if (!(db.getExecutor().adapter instanceof PostgresAdapter))
    return sql`+${name} in (select value from json_each(${json}))`;
  const each = sql`json_array_elements_text(${json}::json)`;
  return typeof values[0] === 'number' ? sql`${name} in (select ${each}::bigint)` : sql`${name} in (select ${each})`;
}
