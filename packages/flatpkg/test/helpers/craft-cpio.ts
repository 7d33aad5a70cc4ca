import { type CraftedEntry, cpio as odc } from './craft.ts';

/** One entry of any cpio format; every field may lie. `header` gets and gives the header as Latin-1. */
export interface CpioCraft extends CraftedEntry {
  /** Minor device number (newc, crc) or device number (bin). */
  dev?: number;
  /** Instead of the sum of the data (crc). */
  check?: number;
}

/** The formats a reader must know; `bin` in both byte orders. */
export const CPIO_FORMATS = ['odc', 'newc', 'crc', 'bin', 'bin-big'] as const;
export type CpioFormatName = (typeof CPIO_FORMATS)[number];

/** A whole archive, or one without its end entry. */
export function cpioArchive(format: CpioFormatName, entries: CpioCraft[], end: 'trailer' | 'cut' = 'trailer'): Buffer {
  if (format === 'odc') return odc(entries, end);
  const write = format === 'newc' || format === 'crc' ? newcEntry : binEntry;
  const all = end === 'trailer' ? [...entries, { name: 'TRAILER!!!', mode: 0 }] : entries;
  return Buffer.concat(all.map((entry) => write(entry, format)));
}

function newcEntry(entry: CpioCraft, format: CpioFormatName): Buffer {
  const { name, data, mode, size, nameSize, mtime } = plain(entry);
  const check = format === 'crc' ? (entry.check ?? data.reduce((sum, byte) => sum + byte, 0)) : (entry.check ?? 0);
  const { ino = 0, uid = 0, gid = 0, nlink = 1, dev = 0 } = entry;
  const fields = [ino, mode, uid, gid, nlink, mtime, size, 0, dev, 0, 0, nameSize, check];
  const text = `${format === 'crc' ? '070702' : '070701'}${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}`;
  return Buffer.concat([padded(4, [header(entry, text), name, end(entry)]), padded(4, [data])]);
}

function binEntry(entry: CpioCraft, format: CpioFormatName): Buffer {
  const { name, data, mode, size, nameSize, mtime } = plain(entry);
  const { ino = 0, uid = 0, gid = 0, nlink = 1, dev = 0 } = entry;
  const high = (value: number) => Math.floor(value / 0x10000);
  const words = [0o070707, dev, ino, mode, uid, gid, nlink, 0, high(mtime), mtime, nameSize, high(size), size];
  const bytes = Buffer.alloc(words.length * 2);
  words.forEach((value, index) => {
    if (format === 'bin') bytes.writeUInt16LE(value % 0x10000, index * 2);
    else bytes.writeUInt16BE(value % 0x10000, index * 2);
  });
  return Buffer.concat([padded(2, [header(entry, bytes.toString('latin1')), name, end(entry)]), padded(2, [data])]);
}

function plain(entry: CpioCraft) {
  const name = Buffer.from(entry.name as string);
  const data = Buffer.from((entry.data ?? '') as string);
  const { mode = 0o100644, size = data.length, nameSize = name.length + 1, mtime = 1_000_000_000 } = entry;
  return { name, data, mode, size, nameSize, mtime };
}

function header(entry: CpioCraft, text: string): Buffer {
  return Buffer.from(entry.header?.(text) ?? text, 'latin1');
}

function end(entry: CpioCraft): Buffer {
  return Buffer.from(entry.nameEnd ?? '\0', 'latin1');
}

function padded(to: number, parts: Buffer[]): Buffer {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
}
