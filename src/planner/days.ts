const DAY_MS = 86_400_000;

/** Whole days between two times in ISO 8601; a clock that was set back makes none. */
export function daysBetween(since: string, at: string): number {
  return Math.max(0, Math.floor((Date.parse(at) - Date.parse(since)) / DAY_MS));
}
