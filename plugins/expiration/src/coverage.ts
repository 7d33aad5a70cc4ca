import type { Memory } from './memory.ts';

/**
 * Since when all use on a machine is on record. A user who comes later had used nothing before, so one more file takes nothing away; one
 * whose file was begun anew, or is gone, may have used anything meanwhile, so all of it counts from then on. Pure.
 * @param before what the last sync found; null: this is the first
 * @param users since when each user's file has been kept
 * @param now ISO 8601
 */
export function coverageOf(
  before: Memory['coverage'] | null,
  users: ReadonlyMap<string, Date>,
  now: string,
): Memory['coverage'] | null {
  const since = Object.fromEntries([...users].map(([user, date]) => [user, date.toISOString()]));
  const begun = Object.values(since);
  if (before === null) return begun.length === 0 ? null : { since: latest(begun), users: since };
  const restarts = Object.entries(before.users).flatMap(([user, then]) => {
    const own = since[user];
    if (own === undefined) return [now];
    return own > then ? [own] : [];
  });
  return { since: latest([before.since, ...restarts]), users: since };
}

/** Times in ISO 8601, UTC, sort as they follow each other. */
function latest(times: readonly string[]): string {
  return times.toSorted().at(-1) ?? '';
}
