import { D3Error } from '@d3/sdk';
import type { CallName } from './calls.ts';
import type { Caller } from './connection.ts';

interface Page<Row> {
  totalCount: number;
  results: Row[];
}

type Query = ReadonlyArray<readonly [string, string]>;

const SIZE = 100;
/** Readings of a list that keeps changing. */
const MOST_PASSES = 6;

/**
 * Everything a list has. Pages shift while somebody deletes, and a row then falls between two of them: a list of more than
 * one page is read until two readings after each other find the same ids, and each row is given once.
 */
export async function readAll<Row extends { id: string }>(
  caller: Caller,
  name: CallName,
  query: Query = [],
): Promise<Row[]> {
  let before: string | null = null;
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const { rows, pages } = await onePass<Row>(caller, name, query);
    const ids = [...rows.keys()].sort().join(',');
    if (pages === 1 || ids === before) return [...rows.values()];
    before = ids;
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

async function onePass<Row extends { id: string }>(caller: Caller, name: CallName, query: Query) {
  const rows = new Map<string, Row>();
  for (let page = 0; ; page += 1) {
    const paging = [
      ['page', String(page)],
      ['page-size', String(SIZE)],
      ['sort', 'id:asc'],
    ] as const;
    const { results, totalCount } = (await caller.call(name, { query: [...query, ...paging] })) as Page<Row>;
    for (const row of results) rows.set(row.id, row);
    if (results.length === 0 || (page + 1) * SIZE >= totalCount) return { rows, pages: page + 1 };
  }
}
