/** Munki's lowest and highest macOS as OS limits of d3, which know no highest. */

/** Every item of Munki is for Macs; what has no limit may not reach other systems either. */
const ANY_MAC = '>=10';
/** More than Apple ever counted to in one part of a version. */
const MOST = 30;
/** The last line of macOS 10. */
const LAST_TEN = 15;
/** From here on a highest version is none. */
const MOST_MAJOR = 100;
const DOTTED = /^\d{1,4}(?:\.\d{1,4}){0,3}$/;

/** @returns what is wrong with a version of macOS, or null */
export function osVersionProblem(version: string): string | null {
  return DOTTED.test(version) ? null : `"${version}" is no version of macOS such as 13.4`;
}

/**
 * Limits that let exactly the versions from `lowest` to `highest`, both included, as far as Apple counts.
 * @param lowest as Munki has it, checked by {@link osVersionProblem}; null: none
 * @returns null when no version is between them
 */
export function limitsBetween(lowest: string | null, highest: string | null): string[] | null {
  const low = lowest === null ? null : numbers(lowest);
  const high = highest === null ? null : numbers(highest);
  if (high === null || (high[0] as number) >= MOST_MAJOR) return low === null ? [ANY_MAC] : [`>=${low.join('.')}`];
  const limits = linesBetween([], low ?? [10], high);
  return limits.length === 0 ? null : limits;
}

/** Without the zeros at the end, which say nothing. */
function numbers(version: string): number[] {
  const parts = version.split('.').map(Number);
  while (parts.length > 1 && parts.at(-1) === 0) parts.pop();
  return parts;
}

/**
 * Of all versions that begin with `prefix` those from `low` to `high`; null: no bound on that side.
 * @param low the parts that follow the prefix
 */
function linesBetween(
  prefix: readonly number[],
  low: readonly number[] | null,
  high: readonly number[] | null,
): string[] {
  const fromStart = low === null || low.every((part) => part === 0);
  if (fromStart && high === null) return [`${prefix.join('.')}.x`];
  // What has no further part is the version itself.
  if (high !== null && high.length === 0) return fromStart ? [exactly(prefix)] : [];
  const limits: string[] = [];
  const most = prefix.length === 0 ? MOST_MAJOR : prefix.length === 1 && prefix[0] === 10 ? LAST_TEN : MOST;
  const [first, last] = [low?.[0] ?? 0, Math.min(high?.[0] ?? most, most)];
  if (fromStart && (high?.[0] ?? 0) > most) return [`${prefix.join('.')}.x`];
  for (let part = first; part <= last; part += 1) {
    const lower = part === first && low !== null ? low.slice(1) : null;
    const upper = part === high?.[0] ? high.slice(1) : null;
    limits.push(...linesBetween([...prefix, part], lower, upper));
  }
  return limits;
}

/** `13` alone would be any 13. */
function exactly(prefix: readonly number[]): string {
  return prefix.length === 1 ? `${prefix[0]}.0` : prefix.join('.');
}
