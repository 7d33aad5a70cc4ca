import { D3Error } from '@d3/sdk';
import { type Kysely, sql } from 'kysely';
import { storable } from './storable.ts';
import type { Tables } from './tables.ts';

/**
 * A depot's rows as they are, from one database to another, whatever tables there are: read in the order of their keys, a
 * piece at a time, and compared value by value.
 */

/** A table as it has to be known for that. */
export interface TableShape {
  name: string;
  /** In any order that is the same each time. */
  columns: string[];
  /** Columns of the primary key. */
  key: string[];
  /** Tables that must have their rows before this one. */
  references: string[];
}

/** How a kind of database tells of its tables. */
export interface Anatomy {
  tables(db: Kysely<Tables>): Promise<TableShape[]>;
  /** The last id that was given, by table, also of rows that are gone: it is never given again. */
  counters(db: Kysely<Tables>): Promise<Map<string, number>>;
  setCounter(db: Kysely<Tables>, table: string, last: number): Promise<void>;
  /** Lets nobody change any row until the transaction ends. */
  freeze(transaction: Kysely<Tables>): Promise<void>;
  /** From the end of the transaction on every change fails with {@link movedText}. */
  shut(transaction: Kysely<Tables>, text: string): Promise<void>;
  /** Where {@link shut} said the depot is; null: it takes changes. */
  shutFor(db: Kysely<Tables>): Promise<string | null>;
}

/** A database whose rows are to be had. */
export interface Rows {
  db: Kysely<Tables>;
  anatomy: Anatomy;
  /** For messages. */
  where: string;
}

type Row = Readonly<Record<string, unknown>>;
type AnyTables = { [name: string]: Row };

/** Rows read in one piece. */
const ROWS_AT_ONCE = 500;
/** Values a statement takes, on every database. */
const VALUES_AT_ONCE = 20_000;
/** What is not the depot's but of this database alone. */
const OWN_COLUMNS: ReadonlySet<string> = new Set(['depot.unfinished']);

const MOVED = 'd3 moved: ';

/** What a database that was left says to whoever still writes to it. @param to where the depot is now */
export function movedText(to: string): string {
  return `${MOVED}${to}`;
}

/** @param code what {@link Anatomy.shut} put into a database, with {@link movedText} as a literal; undefined: nothing */
export function movedIn(code: string | undefined): string | null {
  const [, to] = /'d3 moved: ((?:[^']|'')*)'/.exec(code ?? '') ?? [];
  return to?.replaceAll("''", "'") ?? null;
}

/** @returns null when an error does not say that the store was left */
export function movedError(error: unknown, target: string): D3Error | null {
  const [, to] = (error instanceof Error ? error.message : '').split(MOVED);
  return to === undefined ? null : storeMoved(to, target, error);
}

/** @param to where the depot is now; `target` is what was left */
export function storeMoved(to: string, target: string, cause?: unknown): D3Error {
  return new D3Error('STORE_MOVED', 'refused', `Nothing was changed: the depot's store has moved to ${to}.`, {
    target,
    actions: [
      'repeat the command; what runs for long, as d3 depot serve and d3 run worker, has to be started anew',
      'where d3 depot migrate was cut, repeat it as it was called: it goes on',
    ],
    cause,
  });
}

/**
 * Copies all rows into tables that have none, in one transaction of the target's.
 * @returns how many, by table
 */
export async function copyRows(
  from: Rows,
  to: Rows,
  tell: (table: string, rows: number) => void,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const shapes = await commonShapes(from, to);
  const counts = new Map<string, number>();
  await to.db.transaction().execute(async (transaction) => {
    await emptied(transaction, shapes);
    for (const shape of shapes) {
      let rows = 0;
      for await (const piece of piecesOf(from.db, shape)) {
        signal.throwIfAborted();
        await insert(transaction, shape, piece);
        rows += piece.length;
      }
      counts.set(shape.name, rows);
      tell(shape.name, rows);
    }
    for (const [table, last] of await from.anatomy.counters(from.db))
      await to.anatomy.setCounter(transaction, table, last);
  });
  return counts;
}

/** @returns how many rows there are, by table */
export async function countRows({ db, anatomy }: Rows): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { name } of await anatomy.tables(db)) {
    const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(name)}`.execute(db);
    counts.set(name, rows[0]?.rows ?? 0);
  }
  return counts;
}

/**
 * Compares every value of every row, and the counters of ids.
 * @throws D3Error verificationFailed `ROWS_DIFFER`
 */
export async function compareRows(from: Rows, to: Rows, signal: AbortSignal): Promise<void> {
  for (const shape of await commonShapes(from, to)) {
    const ours = rowsOf(from.db, shape);
    const theirs = rowsOf(to.db, shape);
    for (let row = 1; ; row += 1) {
      if (row % ROWS_AT_ONCE === 0) signal.throwIfAborted();
      const [one, other] = [await ours.next(), await theirs.next()];
      if (one.done === true && other.done === true) break;
      if (one.done === true || other.done === true || textOf(shape, one.value) !== textOf(shape, other.value)) {
        throw differ(to.where, `row ${row} of ${shape.name} is not what was copied`);
      }
    }
  }
  const [before, after] = [await from.anatomy.counters(from.db), await to.anatomy.counters(to.db)];
  for (const [table, last] of before) {
    if (after.get(table) !== last) throw differ(to.where, `the ids of ${table} do not go on where they were`);
  }
}

function differ(where: string, why: string): D3Error {
  return new D3Error('ROWS_DIFFER', 'verificationFailed', `The copy is not what was copied: ${why}.`, {
    target: where,
    actions: ['repeat the command; what was copied from is as it was, and in force'],
  });
}

/** The tables of both, what is referred to first. @throws D3Error bug `TABLES_DIFFER` */
async function commonShapes(from: Rows, to: Rows): Promise<TableShape[]> {
  const [ours, theirs] = [await from.anatomy.tables(from.db), await to.anatomy.tables(to.db)];
  const words = (shapes: TableShape[]) =>
    shapes
      .map(({ name, columns }) => `${name}(${columns.toSorted().join(',')})`)
      .toSorted()
      .join(' ');
  if (words(ours) !== words(theirs)) {
    const text = `The tables of the two databases differ: ${words(ours)}; ${words(theirs)}`;
    throw new D3Error('TABLES_DIFFER', 'bug', text, { target: to.where });
  }
  const ordered: TableShape[] = [];
  const waiting = new Set(ours.map(({ name }) => name));
  while (waiting.size > 0) {
    const ready = ours.filter(
      ({ name, references }) => waiting.has(name) && references.every((other) => other === name || !waiting.has(other)),
    );
    if (ready.length === 0)
      throw new D3Error('TABLES_DIFFER', 'bug', `Tables refer to one another: ${[...waiting].join(', ')}`);
    for (const shape of ready) {
      ordered.push(shape);
      waiting.delete(shape.name);
    }
  }
  return ordered;
}

async function emptied(transaction: Kysely<Tables>, shapes: readonly TableShape[]): Promise<void> {
  for (const { name } of shapes.toReversed()) {
    if (name !== 'depot') await sql`delete from ${sql.table(name)}`.execute(transaction);
  }
}

async function insert(db: Kysely<Tables>, shape: TableShape, rows: readonly Row[]): Promise<void> {
  const any = db as unknown as Kysely<AnyTables>;
  const cleaned = rows.map((row) =>
    Object.fromEntries(
      shape.columns
        .filter((column) => !OWN_COLUMNS.has(`${shape.name}.${column}`))
        .map((column) => [column, cleanedValue(row[column])]),
    ),
  );
  // Its one row is there from the beginning, and says that the rest is not.
  if (shape.name === 'depot') {
    for (const row of cleaned) await any.updateTable(shape.name).set(row).execute();
    return;
  }
  const most = Math.max(1, Math.floor(VALUES_AT_ONCE / shape.columns.length));
  for (let at = 0; at < cleaned.length; at += most) {
    await any
      .insertInto(shape.name)
      .values(cleaned.slice(at, at + most))
      .execute();
  }
}

function cleanedValue(value: unknown): unknown {
  return typeof value === 'string' ? storable(value) : value;
}

function textOf(shape: TableShape, row: Row): string {
  return JSON.stringify(
    shape.columns
      .toSorted()
      .filter((column) => !OWN_COLUMNS.has(`${shape.name}.${column}`))
      .map((column) => [column, cleanedValue(row[column])]),
  );
}

async function* rowsOf(db: Kysely<Tables>, shape: TableShape): AsyncGenerator<Row, void> {
  for await (const piece of piecesOf(db, shape)) yield* piece;
}

async function* piecesOf(db: Kysely<Tables>, { name, columns, key }: TableShape): AsyncGenerator<readonly Row[], void> {
  if (key.length === 0) throw new D3Error('NO_KEY', 'bug', `The table ${name} has no primary key`);
  const keys = sql.join(key.map((column) => sql.id(column)));
  const wanted = sql.join(columns.map((column) => sql.id(column)));
  let last: Row | undefined;
  for (;;) {
    const from = last;
    const after =
      from === undefined ? sql`` : sql`where (${keys}) > (${sql.join(key.map((column) => sql`${from[column]}`))})`;
    const { rows } = await sql<Row>`
      select ${wanted} from ${sql.table(name)} ${after} order by ${keys} limit ${sql.lit(ROWS_AT_ONCE)}`.execute(db);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_AT_ONCE) return;
    last = rows.at(-1);
  }
}
