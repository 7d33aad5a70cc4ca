import { escapeLine, textWidth } from './text.ts';

interface Column {
  header: string;
  align?: 'left' | 'right';
}

export interface Table {
  /** Says what the rows are: `Installed packages`. */
  title: string;
  columns: readonly (string | Column)[];
  /** One array per row, a cell per column; null and undefined are empty cells. */
  rows: readonly (readonly (string | number | null | undefined)[])[];
  /** The line to print when there is nothing to list. */
  empty?: string;
}

const GAP = '  ';

/**
 * A table as lines: `# title`, `# header`, a `#----` rule no wider than the terminal, then the rows. Whatever is
 * not a row starts with `#`, so `grep -v '^#'` leaves the rows; a row that would start so gets a backslash.
 * @param columns how wide the terminal is; rows are never cut
 */
export function renderTable(table: Table, columns: number): string[] {
  const title = `# ${escapeLine(table.title)}`;
  if (table.rows.length === 0) return [`# ${escapeLine(table.empty ?? `${table.title}: none`)}`];

  const heads = table.columns.map((column) => (typeof column === 'string' ? { header: column } : column));
  const header = heads.map((head, index) => (index === 0 ? `# ${head.header}` : head.header));
  const rows = table.rows.map((row) => heads.map((_, index) => cell(row[index], index)));
  const widths = heads.map((_, index) =>
    [header, ...rows].reduce((width, line) => Math.max(width, textWidth(line[index] ?? '')), 0),
  );

  const lay = (line: readonly string[]): string =>
    line
      .map((text, index) => {
        const room = ' '.repeat((widths[index] ?? 0) - textWidth(text));
        return heads[index]?.align === 'right' ? room + text : text + room;
      })
      .join(GAP)
      .trimEnd();

  const whole = widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
  const rule = `#${'-'.repeat(Math.max(1, Math.min(whole, columns) - 1))}`;
  return [title, lay(header), rule, ...rows.map(lay)];
}

function cell(value: string | number | null | undefined, index: number): string {
  const text = escapeLine(String(value ?? ''));
  return index === 0 && text.startsWith('#') ? `\\${text}` : text;
}
