import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import type { Caller } from './connection.ts';

interface Page<Row> {
  totalCount: number;
  results: Row[];
}

export type Query = ReadonlyArray<readonly [string, string]>;

const SIZE = 100;
/** Readings of a list that keeps changing. */
const MOST_PASSES = 6;
/** Ids in one filter: an address has its limits. */
const AT_ONCE = 50;

/** Everything a list has, each row once; see {@link eachRow}. */
export async function readAll<Row extends { id: string }>(
  caller: Caller,
  name: CallName,
  query: Query = [],
): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const row of eachRow<Row>(caller, name, query)) rows.push(row);
  return rows;
}

/**
 * Everything a list has, each row once, as it comes. Pages shift while somebody deletes, and a row then falls between two of them: a
 * list of more than one page is read until two readings after each other find the same ids.
 * @param light the query of every reading after the first, where less is enough to see which ids there are
 */
export async function* eachRow<Row extends { id: string }>(
  caller: Caller,
  name: CallName,
  query: Query = [],
  light: Query = query,
): AsyncGenerator<Row> {
  const given = new Set<string>();
  let before: string | null = null;
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const whole = pass === 0 || light === query;
    const ids = new Set<string>();
    const missed: string[] = [];
    let pages = 0;
    for await (const rows of pagesOf<Row>(caller, name, whole ? query : light)) {
      pages += 1;
      for (const row of rows) {
        ids.add(row.id);
        if (given.has(row.id)) continue;
        if (!whole) {
          missed.push(row.id);
          continue;
        }
        given.add(row.id);
        yield row;
      }
    }
    for (let at = 0; at < missed.length; at += AT_ONCE) {
      const some = narrowed(query, missed.slice(at, at + AT_ONCE));
      for await (const rows of pagesOf<Row>(caller, name, some)) {
        for (const row of rows) {
          if (given.has(row.id)) continue;
          given.add(row.id);
          yield row;
        }
      }
    }
    const found = [...ids].sort().join(',');
    if (pages <= 1 || found === before) return;
    before = found;
  }
  throw new D3Error(
    'JAMF_LIST_UNSTABLE',
    'failed',
    `the list of ${name} in Jamf Pro changes faster than it can be read`,
    {
      target: name,
      actions: ['Try again when fewer changes are made.'],
    },
  );
}

/** A value in a filter, standing for nothing but itself. */
export function quoted(value: string): string {
  return `"${value.replaceAll(/["\\*]/g, String.raw`\$&`)}"`;
}

/** One reading; a server may give fewer rows a page than it was asked for. */
async function* pagesOf<Row>(caller: Caller, name: CallName, query: Query): AsyncGenerator<Row[]> {
  for (let page = 0, read = 0; ; page += 1) {
    const paging = [
      ['page', String(page)],
      ['page-size', String(SIZE)],
      ['sort', 'id:asc'],
    ] as const;
    const { results, totalCount } = pageIn<Row>(await caller.call(name, { query: [...query, ...paging] }), name);
    yield results;
    read += results.length;
    if (results.length === 0 || read >= totalCount) return;
  }
}

function pageIn<Row>(answer: unknown, name: CallName): Page<Row> {
  const { results, totalCount } = (answer ?? {}) as Partial<Page<Row>>;
  if (Array.isArray(results) && typeof totalCount === 'number') return { results, totalCount };
  throw new D3Error('JAMF_NOT_A_LIST', 'depotUnreachable', `Jamf Pro answered with no list of ${name}`, {
    target: name,
    actions: ['Check that the address is that of Jamf Pro, and what lies between.'],
  });
}

function narrowed(query: Query, ids: readonly string[]): Query {
  const also = `id=in=(${ids.join(',')})`;
  const filter = query.find(([key]) => key === 'filter')?.[1];
  const rest = query.filter(([key]) => key !== 'filter');
  return [...rest, ['filter', filter === undefined ? also : `(${filter});${also}`]];
}
