import { readFile, stat } from 'node:fs/promises';
import { D3Error } from './errors.ts';
import type { ExitName } from './exit-codes.ts';

const MOST_BYTES = 16 * 1024 * 1024;
const MOST_ROWS = 100_000;
const MOST_CELL_BYTES = 1024 * 1024;
/** What an apostrophe was put before, so that no spreadsheet runs it. */
const GUARDED = /^'(?=[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])/;

/** What a table is to be, and how its reader says what is wrong with it. */
export interface CsvShape {
  /** Names of columns, in small letters; in a file they may be written in any case. */
  columns: readonly string[];
  /** Names of further columns, which count as they are written. */
  others?: RegExp;
  /** One of this kind must be there, for each of these lists. */
  needed: readonly (readonly string[])[];
  /** What the file was to be, as in `FILE is no plan`. */
  what: string;
  /** The error codes of a file that cannot be read, and of one that is no such table. */
  codes: { notRead: string; unusable: string };
  /** The flag that named the file. */
  target: string;
  actions: readonly string[];
}

/** One row of a table, whose cells are trimmed, and as they were before they were made safe for spreadsheets. */
export interface CsvRow {
  /** In the file, from 1; the header is one. */
  line: number;
  /** Null: there is no such column. */
  cell: (column: string) => string | null;
}

/** A table out of a file, without its empty rows. */
export interface CsvContent {
  /** All columns that are there, in their order: those that are known in small letters, others as they are written. */
  columns: readonly string[];
  rows: CsvRow[];
}

/**
 * Reads a table that a spreadsheet, d3 or anybody else wrote: UTF-8, separated by commas, semicolons or tabs.
 * @throws D3Error usage for what is no such table, notFound, or failed when it cannot be read
 */
export async function readCsv(file: string, shape: CsvShape): Promise<CsvContent> {
  const unusable = (why: string, cause?: unknown) =>
    said(shape.codes.unusable, 'usage', `${file} is no ${shape.what}: ${why}.`, shape, cause);
  const text = await textOf(file, shape, unusable);
  const { CsvError, parse } = await import('csv-parse/sync');
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      delimiter: delimiterOf(text),
      info: true,
      relax_column_count: true,
      max_record_size: MOST_CELL_BYTES,
      to: MOST_ROWS + 2,
    }) as unknown as typeof records;
  } catch (error) {
    if (error instanceof CsvError) throw unusable(error.message, error);
    throw error;
  }
  const [header, ...rows] = records;
  if (header === undefined) throw unusable('it is empty');
  if (rows.length > MOST_ROWS) throw unusable(`it has more than ${MOST_ROWS} rows`);
  const places = placesOf(header.record, shape, unusable);
  return {
    columns: [...places.keys()],
    rows: rows.flatMap(({ record, info }): CsvRow[] => {
      if (record.every((cell) => cell.trim() === '')) return [];
      const cell = (column: string) => {
        const at = places.get(column);
        return at === undefined ? null : (record[at] ?? '').trim().replace(GUARDED, '');
      };
      return [{ line: info.lines, cell }];
    }),
  };
}

type Unusable = (why: string, cause?: unknown) => D3Error;

function placesOf(
  header: readonly string[],
  { columns, others, needed }: CsvShape,
  unusable: Unusable,
): Map<string, number> {
  const places = new Map<string, number>();
  for (const [at, cell] of header.entries()) {
    const name = cell.trim();
    if (name === '') continue;
    const column =
      columns.find((one) => one === name.toLowerCase()) ?? (others?.test(name) === true ? name : undefined);
    if (column === undefined) throw unusable(`no column is called "${name}"`);
    if (places.has(column)) throw unusable(`it has the column ${column} twice`);
    places.set(column, at);
  }
  const missing = needed.filter((either) => !either.some((column) => places.has(column)));
  if (missing.length === 0) return places;
  throw unusable(`there is no column ${missing.map((either) => either.join(' or ')).join(', ')}`);
}

/** Spreadsheets of half the world write semicolons, where the comma is in their numbers. */
function delimiterOf(text: string): string {
  const header = text.slice(0, 2000).split(/[\r\n]/)[0] as string;
  const count = (one: string) => header.split(one).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0] as string;
}

async function textOf(file: string, shape: CsvShape, unusable: Unusable): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw unusable(`it has ${size} bytes, more than any ${shape.what}`);
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT';
    const text = isMissing ? `There is no ${shape.what} ${file}.` : `${file} cannot be read: ${message}.`;
    throw said(shape.codes.notRead, isMissing ? 'notFound' : 'failed', text, shape, error);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw unusable('it is not written in UTF-8');
}

function said(code: string, exit: ExitName, text: string, { target, actions }: CsvShape, cause?: unknown): D3Error {
  return new D3Error(code, exit, text, { target, actions, cause });
}
