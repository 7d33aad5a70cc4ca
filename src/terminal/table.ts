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
  /** On a terminal, cells are cut so that a row fits on its line; elsewhere rows are always whole. */
  fit?: true;
}

const GAP = '  ';

/** A cell keeps so many columns, however narrow the terminal is. */
const NARROWEST = 6;

/**
 * A table as lines: `# title`, `# header`, a `#----` rule no wider than the terminal, then the rows. Whatever is
 * not a row starts with `#`, so `grep -v '^#'` leaves the rows; a row that would start so gets a backslash.
 * @param columns how wide the terminal is
 * @param isScreen whether somebody reads it there; nothing is cut anywhere else
 */
export function renderTable(table: Table, columns: number, isScreen = false): string[] {
  const title = `# ${escapeLine(table.title)}`;
  if (table.rows.length === 0) return [`# ${escapeLine(table.empty ?? `${table.title}: none`)}`];

  const heads = table.columns.map((column) => (typeof column === 'string' ? { header: column } : column));
  const header = heads.map((head, index) => (index === 0 ? `# ${head.header}` : head.header));
  const whole = table.rows.map((row) => heads.map((_, index) => cell(row[index], index)));
  const wanted = heads.map((_, index) =>
    [header, ...whole].reduce((width, line) => Math.max(width, textWidth(line[index] ?? '')), 0),
  );
  const widest = table.fit === true && isScreen ? widestThatFits(wanted, columns) : Number.POSITIVE_INFINITY;
  const widths = wanted.map((width) => Math.min(width, widest));
  const cut = (line: readonly string[]) => line.map((text, index) => cutTo(text, widths[index] ?? 0, index === 0));
  const isCut = widths.some((width, index) => width < (wanted[index] ?? 0));
  const rows = isCut ? whole.map(cut) : whole;

  const lay = (line: readonly string[]): string =>
    line
      .map((text, index) => {
        const room = ' '.repeat((widths[index] ?? 0) - textWidth(text));
        return heads[index]?.align === 'right' ? room + text : text + room;
      })
      .join(GAP)
      .trimEnd();

  const rule = `#${'-'.repeat(Math.max(1, Math.min(wholeWidth(widths), columns) - 1))}`;
  return [
    title,
    lay(isCut ? header.map((text, index) => cutTo(text, widths[index] ?? 0, false)) : header),
    rule,
    ...rows.map(lay),
  ];
}

function wholeWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, GAP.length * (widths.length - 1));
}

/** The widest a column may be so that all fit; only what is wider gives way. */
function widestThatFits(wanted: readonly number[], columns: number): number {
  let widest = Math.max(...wanted);
  while (widest > NARROWEST && wholeWidth(wanted.map((width) => Math.min(width, widest))) > columns) widest -= 1;
  return widest;
}

/** Names differ at both of their ends, sentences begin with what matters. */
function cutTo(text: string, width: number, isName: boolean): string {
  if (textWidth(text) <= width) return text;
  const characters = Array.from(text);
  if (!isName) return `${start(characters, width - 1)}…`;
  const front = start(characters, Math.ceil((width - 1) / 2));
  const back = Array.from(start(characters.toReversed(), width - 1 - textWidth(front))).toReversed();
  return `${front}…${back.join('')}`;
}

/** As many characters as have room. */
function start(characters: readonly string[], width: number): string {
  let text = '';
  for (const character of characters) {
    if (textWidth(text + character) > width) break;
    text += character;
  }
  return text;
}

function cell(value: string | number | null | undefined, index: number): string {
  const text = escapeLine(String(value ?? ''));
  return index === 0 && text.startsWith('#') ? `\\${text}` : text;
}
