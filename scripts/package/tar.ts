import { closeSync, openSync, readSync } from 'node:fs';
import type { Entry, FileEntry } from './entries.ts';

const BLOCK = 512;
const PIECE_BYTES = 1024 * 1024;
const NAME_BYTES = 100;
/** Eleven octal digits. */
const MOST_BYTES = 8 ** 11 - 1;
const LONG_NAME = '././@LongLink';

/**
 * A tar archive in GNU's form, which dpkg, npm, busybox and every tar read: all of it owned by root and of one moment.
 * @param seconds since 1970
 * @param prefix stands before every path, as `./`
 */
export function* tar(entries: readonly Entry[], seconds: number, prefix = ''): Generator<Buffer> {
  for (const entry of entries) {
    const name = Buffer.from(nameOf(entry, prefix));
    if (name.length > NAME_BYTES) {
      const whole = Buffer.concat([name, Buffer.alloc(1)]);
      yield header(Buffer.from(LONG_NAME), { type: 'L', mode: 0o644, size: whole.length, seconds: 0 });
      yield padded(whole);
    }
    const size = entry.type === 'file' ? entry.size : 0;
    if (size > MOST_BYTES) throw new Error(`${entry.path} is too large for an archive`);
    yield header(name, { type: entry.type === 'dir' ? '5' : '0', mode: entry.mode, size, seconds });
    if (entry.type === 'file') yield* contentOf(entry);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function* contentOf({ path, size, content }: FileEntry): Generator<Buffer> {
  if (typeof content !== 'string') {
    yield padded(content);
    return;
  }
  const fd = openSync(content, 'r');
  try {
    let left = size;
    while (left > 0) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, left));
      const count = readSync(fd, piece, 0, piece.length, null);
      if (count === 0) throw new Error(`${path} became shorter while it was packed`);
      left -= count;
      yield piece.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
  yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK)]);
}

function header(
  name: Buffer,
  { type, mode, size, seconds }: { type: '0' | '5' | 'L'; mode: number; size: number; seconds: number },
): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  name.copy(block, 0, 0, NAME_BYTES);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(seconds, 136, 12);
  block.write(type, 156, 'latin1');
  block.write('ustar  \0', 257, 'latin1');
  block.write('root', 265, 'latin1');
  block.write('root', 297, 'latin1');
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The folder that all is in has no name but the prefix. */
function nameOf({ path, type }: Entry, prefix: string): string {
  return path === '' ? prefix : `${prefix}${path}${type === 'dir' ? '/' : ''}`;
}
