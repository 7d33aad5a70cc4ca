/** `1 file`, `2 files`. */
function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

/** Rows and files of a depot, in words. */
export function contentsText(rows: Readonly<Record<string, number>>, files: number, bytes: number): string {
  const all = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const tables = counted(Object.keys(rows).length, 'table');
  return `${counted(all, 'row')} in ${tables}, ${counted(files, 'file')} of ${counted(bytes, 'byte')}`;
}
