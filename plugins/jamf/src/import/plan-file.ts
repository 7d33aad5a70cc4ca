import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type CsvTable, D3Error } from '@d3/sdk';
import type { Line } from './proposals.ts';

/** A row of a plan as it stands there. */
export interface PlanRow {
  /** In the file, from 1; the header is one. */
  line: number;
  jamf: string;
  /** Null: the plan does not have this column. */
  fileName: string | null;
  /** Empty, or no such column: as Jamf has it. */
  packageName: string;
  basename: string;
  version: string;
  revision: string | null;
  category: string | null;
  sure: string | null;
}

const COLUMNS = [
  'jamf id',
  'file name',
  'package name',
  'basename',
  'version',
  'revision',
  'category',
  'sure',
  'note',
] as const;
type Column = (typeof COLUMNS)[number];
const NEEDED: readonly Column[] = ['jamf id', 'basename', 'version'];
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_ROWS = 100_000;
/** What an apostrophe was put before, so that no spreadsheet runs it. */
const GUARDED = /^'(?=[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])/;

export function planTable(lines: readonly Line[]): CsvTable {
  return {
    columns: COLUMNS,
    rows: lines.map((line) => [
      line.jamf,
      line.fileName,
      line.packageName,
      line.basename,
      line.version,
      line.revision,
      line.category,
      line.sure,
      line.note,
    ]),
  };
}

/** Writes a plan; never over one that somebody may have worked on. @returns its absolute path */
export async function writePlan(file: string, text: string): Promise<string> {
  const at = path.resolve(file);
  try {
    const handle = await open(at, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new D3Error(
      'PLAN_NOT_WRITTEN',
      there ? 'refused' : 'failed',
      there ? `${at} is there already` : `${at} cannot be written: ${(error as Error).message}`,
      { target: '--plan-to', actions: ['Name another file.'], cause: error },
    );
  }
  return at;
}

/** Reads a plan, whoever wrote it and with whatever. @throws D3Error usage for what is no plan at all, notFound */
export async function readPlan(file: string): Promise<PlanRow[]> {
  const text = await textOf(file);
  const { CsvError, parse } = await import('csv-parse/sync');
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      delimiter: delimiterOf(text),
      info: true,
      relax_column_count: true,
      max_record_size: 1024 * 1024,
      to: MOST_ROWS + 2,
    }) as unknown as typeof records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw noPlan(file, error.message, 'Save it as comma separated values.', error);
  }
  const [header, ...rows] = records;
  if (header === undefined) throw noPlan(file, 'it is empty', 'Write one with d3 jamf import --plan-to FILE.');
  if (rows.length > MOST_ROWS) throw noPlan(file, `it has more than ${MOST_ROWS} rows`, 'Give it in parts.');
  const places = columnsOf(file, header.record);
  return rows.flatMap(({ record, info }) => {
    if (record.every((cell) => cell.trim() === '')) return [];
    const cell = (column: Column): string | null => {
      const at = places.get(column);
      return at === undefined ? null : (record[at] ?? '').trim().replace(GUARDED, '');
    };
    const row: PlanRow = {
      line: info.lines,
      jamf: cell('jamf id') ?? '',
      fileName: cell('file name'),
      packageName: cell('package name') ?? '',
      basename: cell('basename') ?? '',
      version: cell('version') ?? '',
      revision: cell('revision'),
      category: cell('category'),
      sure: cell('sure'),
    };
    return [row];
  });
}

async function textOf(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw noPlan(file, `it has ${size} bytes, more than any plan`, 'Name the plan with --plan.');
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const [exit, text] =
      code === 'ENOENT'
        ? (['notFound', `there is no plan ${file}`] as const)
        : (['failed', `${file}: ${message}`] as const);
    throw new D3Error('PLAN_NOT_READ', exit, text, {
      target: '--plan',
      actions: ['Write one with d3 jamf import --plan-to FILE.'],
      cause: error,
    });
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below.
  }
  throw noPlan(file, 'it is not written in UTF-8', 'Save it as comma separated values in UTF-8.');
}

/** Spreadsheets of half the world write semicolons, where the comma is in their numbers. */
function delimiterOf(text: string): string {
  const header = text.slice(0, 2000).split(/[\r\n]/)[0] as string;
  const count = (one: string) => header.split(one).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0] as string;
}

function columnsOf(file: string, header: readonly string[]): Map<Column, number> {
  const places = new Map<Column, number>();
  for (const [at, cell] of header.entries()) {
    const name = cell.trim().toLowerCase();
    if (name === '') continue;
    const column = COLUMNS.find((one) => one === name);
    if (column === undefined)
      throw noPlan(file, `no column of a plan is called "${cell}"`, `Its columns: ${COLUMNS.join(', ')}`);
    if (places.has(column)) throw noPlan(file, `it has the column ${column} twice`, 'Leave one of them.');
    places.set(column, at);
  }
  const missing = NEEDED.filter((column) => !places.has(column));
  if (missing.length === 0) return places;
  throw noPlan(file, `it has no column ${missing.join(', ')}`, `Its columns: ${COLUMNS.join(', ')}`);
}

function noPlan(file: string, why: string, next: string, cause?: unknown): D3Error {
  return new D3Error('PLAN_UNUSABLE', 'usage', `${file} is no plan: ${why}`, {
    target: '--plan',
    actions: [next],
    cause,
  });
}
