/** When a machine that waits looks again. */

/** Seconds between two polls at least. */
export const LEAST_POLL = 30;

/** Seconds until the next look at the record: as set, more or less a tenth. @param random from 0 to 1 */
export function nextPoll(seconds: number, random: number): number {
  const spread = seconds / 10;
  return Math.max(LEAST_POLL, Math.round((seconds - spread + random * 2 * spread) * 10) / 10);
}

/** Seconds before another try at a server that does not answer: 2, 4, 8 and so on up to a minute. @param failures so far, from 1 */
export function backOff(failures: number): number {
  return Math.min(60, 2 ** Math.max(1, Math.min(failures, 10)));
}

/**
 * Whether a hold has lasted as long as it may. A clock that was set back since does not make it end sooner or later than by what has
 * passed of it.
 * @param since ISO 8601 @param maxHours 0: there is no limit
 */
export function isOverdue(since: string, now: Date, maxHours: number): boolean {
  return maxHours > 0 && now.getTime() - Date.parse(since) >= maxHours * 3_600_000;
}

/** How long something goes on, for people: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. What lies ahead of the clock goes on for 0 s. */
export function elapsed(since: string, now: Date): string {
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Letters that are not taken for one another when somebody reads them aloud from a screen. */
const LETTERS = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

/** The code on the screen of a machine that holds: the same for one run. @param run its id */
export function holdCode(run: string): string {
  let sum = 2166136261;
  for (const letter of run) sum = Math.imul(sum ^ (letter.codePointAt(0) as number), 16777619) >>> 0;
  let code = '';
  for (let at = 0; at < 6; at += 1) {
    code += LETTERS[sum % LETTERS.length];
    sum = Math.imul(sum ^ (sum >>> 13), 16777619) >>> 0;
  }
  return code;
}
