/** What one odc header says; the data of `size` bytes is written after it by the caller. */
export interface CpioHeader {
  /** `.` or `./path`. */
  name: string;
  /** Another for each entry of an archive: 0 of the end entry, up to 2^36. */
  number: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  size: number;
}

/** Largest user or group id an odc header can hold. */
export const MAX_CPIO_ID = 0o777777;
/** Largest file an odc header can hold: 8 GiB − 1. */
export const MAX_CPIO_SIZE = 0o77777777777;
const INODES = 0o1000000;

/**
 * The header and name of one entry. Each says it has one link, folders too: with more, readers that look for hard links
 * take all of one inode for one. Apple's packages leave device and inode 0; then 7-Zip gives an empty file the content of
 * the file after it. So they hold a number.
 */
export function cpioHeader(entry: CpioHeader): Buffer {
  const name = Buffer.from(`${entry.name}\0`);
  const fields = [
    '070707',
    octal(Math.floor(entry.number / INODES), 6),
    octal(entry.number % INODES, 6),
    octal(entry.mode, 6),
    octal(entry.uid, 6),
    octal(entry.gid, 6),
    octal(1, 6),
    octal(0, 6),
    octal(entry.mtime, 11),
    octal(name.length, 6),
    octal(entry.size, 11),
  ];
  return Buffer.concat([Buffer.from(fields.join(''), 'latin1'), name]);
}

/** The end entry. */
export function cpioTrailer(): Buffer {
  return cpioHeader({ name: 'TRAILER!!!', number: 0, mode: 0, uid: 0, gid: 0, mtime: 0, size: 0 });
}

function octal(value: number, digits: number): string {
  const text = value.toString(8).padStart(digits, '0');
  if (text.length > digits || !/^[0-7]+$/.test(text)) throw new RangeError(`${value} does not fit a cpio header`);
  return text;
}
