import { open } from 'node:fs/promises';
import path from 'node:path';
import { type CsvShape, type CsvTable, D3Error, readCsv } from '@d3/sdk';
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

const PLAN: CsvShape = {
  columns: COLUMNS,
  needed: [['jamf id'], ['basename'], ['version']],
  what: 'plan',
  codes: { notRead: 'PLAN_NOT_READ', unusable: 'PLAN_UNUSABLE' },
  target: '--plan',
  actions: [`Its columns: ${COLUMNS.join(', ')}.`, 'Write one with d3 jamf import --plan-to FILE.'],
};

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
  const { rows } = await readCsv(file, PLAN);
  return rows.map(({ line, cell }) => ({
    line,
    jamf: cell('jamf id') ?? '',
    fileName: cell('file name'),
    packageName: cell('package name') ?? '',
    basename: cell('basename') ?? '',
    version: cell('version') ?? '',
    revision: cell('revision'),
    category: cell('category'),
    sure: cell('sure'),
  }));
}
