/** The newest of some versions, compared number by number; null when none is given. */
export function newest(versions: readonly (string | null)[]): string | null {
  return versions.reduce(
    (best, version) => (version !== null && (best === null || compare(version, best) > 0) ? version : best),
    null,
  );
}

function compare(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

// Versions come from packages: comparing very long ones with each other would take for ever.
const LONGEST = 100;

function numbersOf(version: string): number[] {
  return version
    .slice(0, LONGEST)
    .split('.')
    .map((part) => Number.parseInt(part, 10) || 0);
}
