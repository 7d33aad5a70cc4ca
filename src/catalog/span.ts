const DAY = 86_400_000;

/** A length of time in the largest unit that says it well. @param length milliseconds */
export function span(length: number): string {
  for (const [unit, size] of [
    ['day', DAY],
    ['hour', 3_600_000],
  ] as const) {
    const count = Math.floor(length / size);
    if (count >= 2) return `${count} ${unit}s`;
  }
  const minutes = Math.max(1, Math.floor(length / 60_000));
  return `${minutes} minute${minutes === 1 ? '' : 's'}`;
}
