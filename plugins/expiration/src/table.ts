/** Columns of plain text, as wide as what is in them. Control characters are shown as what they are. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows].map((row) => row.map(plain));
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)));
  return lines
    .map((line) => line.map((cell, at) => (at === line.length - 1 ? cell : cell.padEnd(widths[at] ?? 0))).join('  '))
    .join('\n');
}

function plain(cell: string): string {
  return cell.replaceAll(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}
