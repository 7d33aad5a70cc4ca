import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/** Why a file cannot be taken for what it should be, in words. */
export class NotPlain extends Error {
  readonly tooLarge: boolean;

  constructor(why: string, tooLarge: boolean) {
    super(why);
    this.tooLarge = tooLarge;
  }
}

/**
 * Reads a plain file as it is when it is opened: no pipe is waited for, no device read for ever.
 * @throws NotPlain when it is none, or has more than `maxBytes`; the system's error when it cannot be read
 */
export function readPlainFile(file: string, maxBytes: number): Buffer {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile()) throw new NotPlain('it is no plain file', false);
    if (stat.size > maxBytes)
      throw new NotPlain(`it has ${stat.size} bytes, more than the ${maxBytes} it may have`, true);
    // A byte more shows one that grows.
    const bytes = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    let size = 0;
    for (let read = 1; read > 0 && size < bytes.length; size += read)
      read = readSync(handle, bytes, size, bytes.length - size, size);
    if (size === bytes.length) throw new NotPlain('it grows while it is read', true);
    return bytes.subarray(0, size);
  } finally {
    closeSync(handle);
  }
}
