/** Byte order: a collation takes longer than all the rest. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
