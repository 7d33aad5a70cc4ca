/** The day of a time, as tables show it. @param iso ISO 8601, UTC */
export function day(iso: string): string {
  return iso.slice(0, 10);
}

/** `name: value` lines with the values in one column. */
export function fields(rows: readonly (readonly [string, string])[]): string {
  // Not spread into one call: there may be more of them than a call takes arguments.
  const width = rows.reduce((longest, [name]) => Math.max(longest, name.length), 0);
  return rows.map(([name, value]) => `${`${name}:`.padEnd(width + 1)} ${value}`).join('\n');
}

/** A list as one cell; `none` when it is empty. */
export function listed(values: readonly (string | number)[]): string {
  return values.length === 0 ? 'none' : values.join(', ');
}

/** A time to the minute, as tables show it. @param iso ISO 8601, UTC */
export function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)}`;
}
