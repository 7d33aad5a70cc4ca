/** Rows of a table: which are shown, and in which order. Pure. */

export type SortValue = string | number | null;

export interface Sorting {
  column: string;
  descending: boolean;
}

/** `name` and `-name`, as an address holds it. */
export function sortingOf(word: string | undefined, columns: readonly string[], usual: Sorting): Sorting {
  const column = word?.replace(/^-/, '') ?? '';
  return columns.includes(column) ? { column, descending: word?.startsWith('-') === true } : usual;
}

export function sortingWord({ column, descending }: Sorting): string {
  return `${descending ? '-' : ''}${column}`;
}

/** In order of what is asked of each row; equal ones stay as they are, and what is not known comes last either way. */
export function sorted<Row>(rows: readonly Row[], value: (row: Row) => SortValue, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => [row, value(row)] as const)
    .toSorted(([, a], [, b]) => {
      if (a === null || b === null) return Number(a === null) - Number(b === null);
      return sign * compare(a, b);
    })
    .map(([row]) => row);
}

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Rows in whose words every typed word is somewhere, without regard to case. */
export function matching<Row>(rows: readonly Row[], typed: string, words: (row: Row) => readonly string[]): Row[] {
  const wanted = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [...rows];
  return rows.filter((row) => {
    const text = words(row).join('\n').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
