import { fieldsIn, type Operation } from './contract.ts';
import { at, compared, filterOf } from './rsql.ts';

export type Json = Record<string, unknown>;
export type Row = { id: string; [field: string]: unknown };

/** One state of a record: each node sees the last one that came to it. */
interface State {
  row: Row | null;
  since: number;
  node: number;
}

/** What tells a collection of the time and of how far the nodes lag behind each other. */
export interface Cluster {
  now(): number;
  /** Milliseconds. */
  lag(): number;
}

/** Records of one kind, as two nodes of a server see them. */
export class Collection {
  readonly #cluster: Cluster;
  readonly #records = new Map<string, State[]>();
  #nextId = 1;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Puts a record where every node sees it. */
  add(fields: Json): string {
    const id = typeof fields['id'] === 'string' ? fields['id'] : String(this.#nextId);
    this.#nextId = Math.max(this.#nextId, Number(id) + 1);
    this.#records.set(id, [{ row: { ...fields, id }, since: Number.NEGATIVE_INFINITY, node: 0 }]);
    return id;
  }

  create(fields: Json, node: number): string {
    const id = String(this.#nextId++);
    this.change(id, { ...fields, id }, node);
    return id;
  }

  /** @param row null where it is deleted */
  change(id: string, row: Row | null, node: number): void {
    const states = this.#records.get(id) ?? [];
    const now = this.#cluster.now();
    const known = states.findLastIndex(({ since }) => now - since >= this.#cluster.lag());
    this.#records.set(id, [...states.slice(Math.max(known, 0)), { row, since: now, node }]);
  }

  /** Takes a record from every node at once. */
  drop(id: string): void {
    this.#records.delete(id);
  }

  get(id: string, node: number): Row | null {
    return this.#seen(this.#records.get(id) ?? [], node);
  }

  rows(node: number): Row[] {
    return [...this.#records.values()].flatMap((states) => this.#seen(states, node) ?? []);
  }

  /** What is true, whichever node knows it. */
  truth(): Row[] {
    return [...this.#records.values()].flatMap((states) => states.at(-1)?.row ?? []);
  }

  #seen(states: readonly State[], asking: number): Row | null {
    const now = this.#cluster.now();
    const seen = states.findLast(({ node, since }) => node === asking || now - since >= this.#cluster.lag());
    return seen?.row ?? null;
  }
}

/**
 * A page of a list as a query asks for it.
 * @param most rows a page, whatever is asked for
 * @throws BadFilter where it names a field the server does not know
 */
export function page(
  rows: readonly Row[],
  operation: Operation,
  url: URL,
  most: number,
): { totalCount: number; results: Row[] } {
  const number = Number(url.searchParams.get('page') ?? 0);
  const size = Math.min(most, Number(url.searchParams.get('page-size') ?? 100));
  const test = filterOf(url.searchParams.get('filter') ?? '', fieldsIn(operation, 'filter'));
  const found = rows.filter(test).sort(orderOf(url.searchParams.get('sort') ?? 'id:asc', fieldsIn(operation, 'sort')));
  return { totalCount: found.length, results: found.slice(number * size, (number + 1) * size) };
}

/** A sort by a field the server does not know. */
export class BadSort extends Error {}

function orderOf(text: string, fields: readonly string[]): (a: Row, b: Row) => number {
  const keys = text.split(',').map((one) => {
    const [field = '', direction = 'asc'] = one.split(':');
    if (!fields.includes(field) || !['asc', 'desc'].includes(direction)) throw new BadSort(`cannot sort by "${one}"`);
    return { field, sign: direction === 'asc' ? 1 : -1 };
  });
  return (a, b) => {
    for (const { field, sign } of keys) {
      const difference = compared(at(a, field), at(b, field)) * sign;
      if (difference !== 0) return difference;
    }
    return 0;
  };
}
