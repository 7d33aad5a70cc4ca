import { readFile, stat } from 'node:fs/promises';
import { type AdminPort, type CsvTable, combineExitCodes, D3Error, D3Errors } from '@d3/sdk';
import { type Assigned, type Assignment, assignUnshown, type ComputerBody, recordOf } from './assign.ts';

/** What is said of many machines, as tables that spreadsheets read and write. */

/** Columns that are always there, in the order they are written. Further ones are extension attributes: `ea:NAME`. */
const COLUMNS = ['serial', 'computer', 'name', 'build', 'department', 'building', 'site'] as const;
type Column = (typeof COLUMNS)[number];
const EA = /^ea:\s*(?=\S)/i;
const MOST_BYTES = 16 * 1024 * 1024;
const MOST_ROWS = 100_000;
/** What an apostrophe was put before, so that no spreadsheet runs it. */
const GUARDED = /^'(?=[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20])/;

export type TableForm = 'csv' | 'preload';

interface Known {
  serial: string | null;
  computer: string | null;
  /** By the names of what is said; `name`, `department`, …, and of extension attributes. */
  record: Readonly<Record<string, string>>;
}

/** What is said of all machines, those that are to come among them. */
async function allKnown(admin: AdminPort): Promise<Known[]> {
  const computers = await admin.computers();
  const said = new Map((await admin.documents('computer').list()).map(({ name, body }) => [name, body]));
  const heard = await Promise.all(
    computers.map(async ({ id, claims }) => {
      const body = said.get(id) as ComputerBody | undefined;
      return { serial: claims.serial, computer: id, record: body === undefined ? {} : await recordOf(body, admin) };
    }),
  );
  const ahead = await Promise.all(
    (await admin.documents('computer-ahead').list()).map(async ({ name, body }) => ({
      serial: name,
      computer: null,
      record: await recordOf(body as ComputerBody, admin),
    })),
  );
  return [...heard, ...ahead].toSorted((a, b) => (a.serial ?? '~').localeCompare(b.serial ?? '~'));
}

/** @param form `csv`: what `assign --from` reads; `preload`: what Jamf Pro takes as inventory preload */
export async function exported(admin: AdminPort, form: TableForm, buildAttribute: string): Promise<CsvTable> {
  const known = await allKnown(admin);
  const eas = (await admin.documents('ea').list()).map(({ name }) => name);
  return form === 'csv' ? ownTable(known, eas, buildAttribute) : preloadTable(known, eas);
}

function ownTable(known: readonly Known[], eas: readonly string[], buildAttribute: string): CsvTable {
  const others = eas.filter((name) => name.toLowerCase() !== buildAttribute.toLowerCase());
  const build = eas.find((name) => name.toLowerCase() === buildAttribute.toLowerCase()) ?? buildAttribute;
  return {
    columns: [...COLUMNS, ...others.map((name) => `ea:${name}`)],
    rows: known.map(({ serial, computer, record }) => [
      serial,
      computer,
      record['name'],
      record[build],
      record['department'],
      record['building'],
      record['site'],
      ...others.map((name) => record[name]),
    ]),
  };
}

/** Jamf Pro's names of columns. It has none for the site and the name of a computer. */
function preloadTable(known: readonly Known[], eas: readonly string[]): CsvTable {
  return {
    columns: ['Serial Number', 'Device Type', 'Department', 'Building', ...eas.map((name) => `EA ${name}`)],
    rows: known
      .filter(({ serial }) => serial !== null)
      .map(({ serial, record }) => [
        serial,
        'Computer',
        record['department'],
        record['building'],
        ...eas.map((name) => record[name]),
      ]),
  };
}

/** A row of a table, as it stands there. */
interface Row {
  /** In the file, from 1; the header is one. */
  line: number;
  word: string;
  assignment: Assignment;
}

/**
 * Reads a table that was exported, or made by hand; what is empty says nothing.
 * @throws D3Error usage for what is no table of machines, notFound
 */
export async function readTable(file: string): Promise<Row[]> {
  const text = await textOf(file);
  const { CsvError, parse } = await import('csv-parse/sync');
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      delimiter: delimiterOf(text),
      bom: true,
      info: true,
      relax_column_count: true,
      max_record_size: 1024 * 1024,
      to: MOST_ROWS + 2,
    }) as unknown as typeof records;
  } catch (error) {
    if (error instanceof CsvError) throw noTable(file, error.message, error);
    throw error;
  }
  const [header, ...rows] = records;
  if (header === undefined) throw noTable(file, 'it is empty');
  if (rows.length > MOST_ROWS) throw noTable(file, `it has more than ${MOST_ROWS} rows`);
  const { places, eas } = columnsOf(file, header.record);
  return rows.flatMap(({ record, info }): Row[] => {
    const at = (place: number | undefined) =>
      place === undefined ? '' : (record[place] ?? '').trim().replace(GUARDED, '');
    const said = (column: Column) => at(places.get(column)) || undefined;
    if (record.every((cell) => cell.trim() === '')) return [];
    const word = said('serial') ?? said('computer') ?? '';
    const pairs = eas.flatMap(([name, place]) => (at(place) === '' ? [] : [`${name}=${at(place)}`]));
    const [name, build, department] = [said('name'), said('build'), said('department')];
    const assignment = { name, build, department, building: said('building'), site: said('site'), eas: pairs };
    return [{ line: info.lines, word, assignment }];
  });
}

function columnsOf(file: string, header: readonly string[]) {
  const places = new Map<Column, number>();
  const eas: [string, number][] = [];
  for (const [at, cell] of header.entries()) {
    const name = cell.trim();
    const column = COLUMNS.find((one) => one === name.toLowerCase());
    if (name === '') continue;
    if (EA.test(name)) eas.push([name.replace(EA, ''), at]);
    else if (column === undefined) throw noTable(file, `no column is called "${name}"`);
    else if (places.has(column)) throw noTable(file, `it has the column ${column} twice`);
    else places.set(column, at);
  }
  if (places.has('serial') || places.has('computer')) return { places, eas };
  throw noTable(file, 'it says of no machine which it is: there is no column serial');
}

/** Spreadsheets of half the world write semicolons, where the comma is in their numbers. */
function delimiterOf(text: string): string {
  const header = text.slice(0, 2000).split(/[\r\n]/)[0] as string;
  const count = (one: string) => header.split(one).length;
  return [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0] as string;
}

async function textOf(file: string): Promise<string> {
  let bytes: Buffer;
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES) throw noTable(file, `it has ${size} bytes`);
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT';
    throw new D3Error('TABLE_NOT_READ', missing ? 'notFound' : 'failed', missing ? `There is no ${file}.` : message, {
      target: '--from',
      cause: error,
    });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw noTable(file, 'it is not written in UTF-8', error);
  }
}

function noTable(file: string, why: string, cause?: unknown): D3Error {
  return new D3Error('TABLE_UNUSABLE', 'usage', `${file} is no table of machines: ${why}.`, {
    target: '--from',
    actions: [`its columns: ${COLUMNS.join(', ')}, ea:NAME; d3 provision export writes one`],
    cause,
  });
}

/** What came of a table: what was said of each machine, and the rows that were left out. */
export interface AssignedTable {
  rows: (Assigned & { line: number })[];
  problems: D3Error[];
  /** 0, or what all problems amount to. */
  exit: number;
}

/** Says of each row's machine what the row says; one that cannot be used leaves out that row alone. Machines are shown it once, at the end. */
export async function assignTable(
  rows: readonly Row[],
  admin: AdminPort,
  buildAttribute: string,
  options: { ahead: boolean; dryRun: boolean },
): Promise<AssignedTable> {
  const done: AssignedTable['rows'] = [];
  const problems: D3Error[] = [];
  const codes: number[] = [];
  const computers = await admin.computers();
  const seen = new Map<string, number>();
  for (const { line, word, assignment } of rows) {
    try {
      const key = word.toLowerCase();
      if (word === '') throw new D3Error('ROW_NAMELESS', 'usage', 'It names no machine.');
      const before = seen.get(key);
      if (before !== undefined)
        throw new D3Error('ROW_TWICE', 'usage', `${word} stands in row ${before} already.`, { target: word });
      seen.set(key, line);
      done.push({ line, ...(await assignUnshown(word, assignment, admin, buildAttribute, { ...options, computers })) });
      codes.push(0);
    } catch (error) {
      const all = error instanceof D3Errors ? error.errors : [error];
      for (const one of all) {
        if (!(one instanceof D3Error)) throw error;
        const { code, exit, message, target, actions } = one;
        const about = `row ${line}${word === '' ? '' : ` (${word})`}`;
        problems.push(
          new D3Error(code, exit, `${about}: ${message}`, { target: target ?? about, actions: [...actions] }),
        );
        codes.push(one.exitCode);
      }
    }
  }
  if (!options.dryRun && done.some(({ changed }) => changed)) await admin.publish();
  return { rows: done, problems, exit: combineExitCodes(codes) };
}
