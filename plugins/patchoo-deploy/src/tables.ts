import { type AdminPort, type CsvShape, type CsvTable, combineExitCodes, D3Error, D3Errors, readCsv } from '@d3/sdk';
import { type Assigned, type Assignment, assignUnshown, type ComputerBody, recordOf } from './assign.ts';

/** What is said of many machines, as tables that spreadsheets read and write. */

/** Columns that are always there, in the order they are written. Further ones are extension attributes: `ea:NAME`. */
const COLUMNS = ['serial', 'computer', 'name', 'build', 'department', 'building', 'site'] as const;
const EA = /^ea:\s*(?=\S)/i;

const TABLE: CsvShape = {
  columns: COLUMNS,
  others: EA,
  needed: [['serial', 'computer']],
  what: 'table of machines',
  codes: { notRead: 'TABLE_NOT_READ', unusable: 'TABLE_UNUSABLE' },
  target: '--from',
  actions: [`its columns: ${COLUMNS.join(', ')}, ea:NAME; d3 provision export writes one`],
};

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
  const { columns, rows } = await readCsv(file, TABLE);
  const eas = columns.filter((column) => EA.test(column));
  return rows.map(({ line, cell }) => {
    const said = (column: (typeof COLUMNS)[number]) => cell(column) || undefined;
    const word = said('serial') ?? said('computer') ?? '';
    const pairs = eas.flatMap((column) => {
      const value = cell(column) || undefined;
      return value === undefined ? [] : [`${column.replace(EA, '')}=${value}`];
    });
    const [name, build, department] = [said('name'), said('build'), said('department')];
    const assignment = { name, build, department, building: said('building'), site: said('site'), eas: pairs };
    return { line, word, assignment };
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
