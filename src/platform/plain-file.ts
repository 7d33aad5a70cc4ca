import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';

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
  return readPlain(file, maxBytes, 0).bytes;
}

/** The same of a file that a link at its end does not lead to, with what the system says of it. */
export function readOwnFile(file: string, maxBytes: number): { bytes: Buffer; stat: Stats } {
  return readPlain(file, maxBytes, constants.O_NOFOLLOW);
}

function readPlain(file: string, maxBytes: number, following: number): { bytes: Buffer; stat: Stats } {
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | following);
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
    return { bytes: bytes.subarray(0, size), stat };
  } finally {
    closeSync(handle);
  }
}
