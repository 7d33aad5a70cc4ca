import { span } from '../catalog/span.ts';

/** Days snapshot and timestamp of a depot are good for that nobody serves; every publication renews them. */
export const STATIC_DAYS = 30;
/** The same of a depot that is served: it renews them every hour. */
export const SERVED_DAYS = 1;
/** Days ahead that an end is warned of. */
const WARN_DAYS = 7;
const DAY = 86_400_000;

/**
 * Whether it is time to say that something ends: a week ahead, or in the last half of what lasts less than two.
 * @param expires ISO 8601
 * @param days it was signed for; undefined: not known
 * @returns how long it still is, in words; null while there is nothing to say
 */
export function endsSoon(expires: string, days: number | undefined, now: Date): string | null {
  const left = Date.parse(expires) - now.getTime();
  if (left > Math.min(WARN_DAYS, (days ?? Number.POSITIVE_INFINITY) / 2) * DAY) return null;
  return left <= 0 ? 'no time' : span(left);
}
