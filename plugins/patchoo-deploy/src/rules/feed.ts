/** The newest line of a log for people before a locked screen: pure. */

/** Lines looked back through when the newest ones are to be passed over. */
const LOOK_BACK = 200;
/** Characters a screen has room for. */
const LONGEST = 1000;

/** Weekday, month and day in front of the time, as syslog has them; the day may have a second space before it. */
const DATE = /^\p{L}{3}\s+\p{L}{3}\s+\d{1,2}\s+(?=\d{2}:\d{2}:\d{2}\b)/u;

/** A line as it is shown: without its date, each `: ` a blank line. The name of a host may have spaces in it. */
export function shownLine(line: string): string {
  const text = line.replaceAll('\t', ' ').replaceAll(/\p{Cc}/gu, '');
  return text.trimEnd().replace(DATE, '').replaceAll(': ', '\n\n').slice(0, LONGEST);
}

/**
 * The newest line that is to be shown.
 * @param lines oldest first @param ignore fragments of lines that are passed over
 * @returns null when there is none: then the base message stands
 */
export function newestLine(lines: readonly string[], ignore: readonly string[]): string | null {
  for (const line of lines.slice(-LOOK_BACK).toReversed()) {
    if (line.trim() === '' || ignore.some((fragment) => fragment !== '' && line.includes(fragment))) continue;
    return shownLine(line);
  }
  return null;
}

/** How far a log was read. */
export interface Tail {
  /** Stands for the file: another one after it was rotated. */
  file: string;
  /** Bytes read. */
  at: number;
  /** A line whose end has not come. */
  open: string;
  /** The last lines, oldest first. */
  lines: readonly string[];
}

export const TAIL_BEGIN: Tail = { file: '', at: 0, open: '', lines: [] };

/** Where to read on: from the beginning of another file, or of one that was emptied. @returns null when nothing is new */
export function readFrom(tail: Tail, file: string, size: number): number | null {
  if (file !== tail.file || size < tail.at) return 0;
  return size === tail.at ? null : tail.at;
}

/** @param from where the bytes begin; 0 begins anew, but what was shown stays until something else is there */
export function readOn(tail: Tail, file: string, from: number, bytes: Buffer): Tail {
  const fresh = from === 0;
  const whole = (fresh ? '' : tail.open) + bytes.toString('latin1');
  const parts = whole.split('\n');
  const open = parts.pop() ?? '';
  const lines = [...tail.lines, ...parts.map((part) => Buffer.from(part, 'latin1').toString('utf8'))];
  return { file, at: from + bytes.length, open: open.slice(-64 * 1024), lines: lines.slice(-LOOK_BACK) };
}
