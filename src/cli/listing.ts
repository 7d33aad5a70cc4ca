import { D3Error } from '@d3/sdk';
import { Flags } from '@oclif/core';
import { SHOWABLE } from '../catalog/statuses.ts';
import type { Status } from '../catalog/types.ts';
import { systemClock } from '../platform/clock.ts';
import type { Table } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** On the commands under admin that answer with rows. */
export const listingFlags = {
  csv: Flags.boolean({
    exclusive: ['json'],
    summary: 'Comma separated values for other programs, the header first; not with --json.',
  }),
};

export const statusFlag = {
  status: Flags.string({
    char: 'S',
    helpValue: 'LIST',
    multiple: true,
    summary: `Only these statuses, comma separated or one a flag: ${SHOWABLE.join(', ')}.`,
  }),
};

/**
 * The statuses that `--status` names.
 * @returns null when nothing is left out
 * @throws D3Error usage `STATUS_UNKNOWN`
 */
export function statusesOf(given: readonly string[] | undefined): ReadonlySet<Status> | null {
  const words = (given ?? []).flatMap((words_) => words_.split(',')).map((word) => word.trim().toLowerCase());
  const unknown = words.find((word) => !(SHOWABLE as readonly string[]).includes(word));
  if (unknown !== undefined) {
    throw new D3Error('STATUS_UNKNOWN', 'usage', `There is no status "${unknown}".`, {
      target: '--status',
      actions: [`The statuses are ${SHOWABLE.join(', ')}.`],
    });
  }
  return words.length === 0 || words.includes('all') ? null : new Set(words as Status[]);
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/;

/**
 * A time as typed: a day or a time, in UTC unless it says otherwise, or how long ago: `30m`, `12h`, `7d`, `2w`.
 * @returns ISO 8601 in UTC
 * @throws D3Error usage `TIME_UNCLEAR`
 */
export function timeOf(flag: string, given: string | undefined): string | undefined {
  if (given === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,6})([mhdw])$/.exec(given) ?? [];
  const ago = digits === undefined ? null : Number(digits) * (UNITS[unit as string] as number);
  const time = ago === null ? parsed(given) : systemClock.now().getTime() - ago;
  if (!Number.isNaN(time) && time >= 0) return new Date(time).toISOString();
  throw new D3Error('TIME_UNCLEAR', 'usage', `"${given}" is no time.`, {
    target: flag,
    actions: ['Write a day (2026-01-31), a time (2026-01-31T08:00Z), or how long ago: 30m, 12h, 7d, 2w.'],
  });
}

/** Milliseconds since 1970; NaN when it is no such time. */
function parsed(given: string): number {
  if (!DATE.test(given)) return Number.NaN;
  const text = given.replace(' ', 'T');
  return new Date(/T/.test(text) && !/(?:Z|[+-]\d{2}:\d{2})$/.test(text) ? `${text}Z` : text).getTime();
}

/** How long ago, in one unit: `5 min`, `3 h`, `12 d`. @param seconds since then */
export function ageText(seconds: number): string {
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

type Cell = string | number | boolean | null | undefined;

/** One column of rows that can be shown or handed on: `text` is for people, `value` for programs. */
export interface ListingColumn<Row> {
  /** For people. */
  header: string;
  /** For programs. */
  name: string;
  value: (row: Row) => Cell;
  /** Where people see something else than the value; null: they do not see the column. */
  text?: ((row: Row) => string) | null;
}

/** Rows as a table that fits the terminal. */
export function showListing<Row>(
  terminal: Terminal,
  columns: readonly ListingColumn<Row>[],
  rows: readonly Row[],
  { title, empty }: Pick<Table, 'title' | 'empty'>,
): void {
  const seen = columns.filter(({ text }) => text !== null);
  terminal.table({
    title,
    columns: seen.map(({ header }) => header),
    rows: rows.map((row) => seen.map(({ value, text }) => text?.(row) ?? dash(value(row)))),
    fit: true,
    ...(empty === undefined ? {} : { empty }),
  });
}

/** Rows as comma separated values. */
export function csvListing<Row>(
  terminal: Terminal,
  columns: readonly ListingColumn<Row>[],
  rows: readonly Row[],
): void {
  terminal.csv({
    columns: columns.map(({ name }) => name),
    rows: rows.map((row) => columns.map(({ value }) => value(row))),
  });
}

function dash(value: Cell): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}
