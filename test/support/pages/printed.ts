/** What is different each time: ids, hashes, times, durations. */
const CHANGING: readonly [RegExp, string][] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?/g, 'TIME'],
  [/\b\d{8}T\d{6}Z-[0-9a-f]+\b/g, 'RUN'],
  [/\b[0-9a-f]{12,}\b/g, 'HASH'],
  [/\b\d+(?:\.\d+)? (?:ms|s|seconds)\b/g, 'DURATION'],
];

function withoutChanging(text: string): string {
  return CHANGING.reduce((said, [what, name]) => said.replaceAll(what, name), text);
}

/**
 * Holds what a page shows against what was printed: each of its lines is one, or a part of one. `…` stands for anything, in a
 * line or as one. The two streams are not in one order, so neither are lines.
 * @returns the first line that is not there, or null
 */
export function differenceOf(shown: string, printed: string): string | null {
  const lines = withoutChanging(printed).split('\n');
  for (const line of shown.split('\n')) {
    if (line.trim() === '…' || line.trim() === '') continue;
    const parts = withoutChanging(line)
      .split('…')
      .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/ +/g, ' +'));
    const wanted = new RegExp(parts.join('.*'));
    if (!lines.some((one) => wanted.test(one))) return line;
  }
  return null;
}
