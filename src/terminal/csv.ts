import type { CsvTable } from '@d3/sdk';
import { escapeLine } from './text.ts';

/** What a spreadsheet takes for the beginning of a formula, the full-width forms among it. */
const FORMULA = /^[=+\-@\t\r\n\uff0b\uff0d\uff1d\uff20]/;

/**
 * Comma separated values as RFC 4180 has them, the header first. Text that a spreadsheet would run as a formula gets an
 * apostrophe in front; control characters other than line ends are shown, not sent.
 */
export function csvText({ columns, rows }: CsvTable): string {
  return [columns, ...rows].map((row) => `${columns.map((_, index) => cell(row[index])).join(',')}\r\n`).join('');
}

function cell(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  const text = harmless.replaceAll('\r\n', '\n').split('\n').map(escapeLine).join('\r\n');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
