/** A comma separated list as typed; empty when nothing was given. */
export function commaList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}
