/** Numbers and times in words. Pure, but for the time zone of whoever looks. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const plain = new Intl.NumberFormat('en');

export function number(value: number): string {
  return plain.format(value);
}

/** `1 machine`, `2,000 machines`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** A share as people read it: never 0 % or 100 % of what is not none or all. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '0 %';
  const exact = (100 * part) / whole;
  const rounded = Math.round(exact);
  if (rounded === 0 && part > 0) return '< 1 %';
  if (rounded === 100 && part < whole) return '> 99 %';
  return `${rounded} %`;
}

/** How long before the other moment: `now`, `5 min`, `3 h`, `12 days`. What is still to come is `in 5 min`. */
export function age(at: string, asOf: string): string {
  const between = Date.parse(asOf) - Date.parse(at);
  if (Number.isNaN(between)) return 'unknown';
  const text = span(Math.abs(between));
  if (between < -MINUTE) return `in ${text}`;
  return text;
}

/** When it was, seen from the other moment: `just now`, `3 h ago`, `in 5 min`. */
export function ago(at: string, asOf: string): string {
  const text = age(at, asOf);
  if (text === 'now') return 'just now';
  return text.startsWith('in ') || text === 'unknown' ? text : `${text} ago`;
}

function span(milliseconds: number): string {
  if (milliseconds < MINUTE) return 'now';
  if (milliseconds < HOUR) return `${Math.floor(milliseconds / MINUTE)} min`;
  if (milliseconds < 2 * DAY) return `${Math.floor(milliseconds / HOUR)} h`;
  if (milliseconds < 730 * DAY) return `${Math.floor(milliseconds / DAY)} days`;
  return `${Math.floor(milliseconds / (365 * DAY))} years`;
}

/** `fresh` within a day, `quiet` within a week, `silent` before that. */
export function freshness(at: string, asOf: string): 'fresh' | 'quiet' | 'silent' {
  const between = Date.parse(asOf) - Date.parse(at);
  if (between < DAY) return 'fresh';
  return between < 7 * DAY ? 'quiet' : 'silent';
}

/** `2026-11-28 14:03`, where whoever looks is. */
export function moment(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return `${day(at)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `2026-11-28`, where whoever looks is. */
export function day(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `14:03`, where whoever looks is. */
export function clock(at: string): string {
  return moment(at).slice(-5);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
