const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY = 86_400_000;

const two = (value: number) => String(value).padStart(2, '0');

const PARTS: Readonly<Record<string, (at: Date) => string>> = {
  Y: (at) => String(at.getFullYear()),
  y: (at) => two(at.getFullYear() % 100),
  m: (at) => two(at.getMonth() + 1),
  d: (at) => two(at.getDate()),
  e: (at) => String(at.getDate()).padStart(2),
  H: (at) => two(at.getHours()),
  I: (at) => two(at.getHours() % 12 || 12),
  p: (at) => (at.getHours() < 12 ? 'AM' : 'PM'),
  M: (at) => two(at.getMinutes()),
  S: (at) => two(at.getSeconds()),
  L: (at) => String(at.getMilliseconds()).padStart(3, '0'),
  j: (at) => String(dayOfYear(at)).padStart(3, '0'),
  a: (at) => (DAYS[at.getDay()] as string).slice(0, 3),
  A: (at) => DAYS[at.getDay()] as string,
  b: (at) => (MONTHS[at.getMonth()] as string).slice(0, 3),
  B: (at) => MONTHS[at.getMonth()] as string,
  s: (at) => String(Math.floor(at.getTime() / 1000)),
  z: zone,
  F: (at) => strftime('%Y-%m-%d', at),
  T: (at) => strftime('%H:%M:%S', at),
  '%': () => '%',
};

/** A time as strftime writes it, in local time; what it does not know stays as it is. */
export function strftime(format: string, at: Date): string {
  return format.replaceAll(/%(.)/g, (whole, part: string) => PARTS[part]?.(at) ?? whole);
}

function dayOfYear(at: Date): number {
  const [day, first] = [at.getMonth(), 0].map((month, index) =>
    Date.UTC(at.getFullYear(), month, index === 0 ? at.getDate() : 1),
  ) as [number, number];
  return Math.round((day - first) / DAY) + 1;
}

function zone(at: Date): string {
  const offset = -at.getTimezoneOffset();
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
}
