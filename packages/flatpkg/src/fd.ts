import { readSync, writeSync } from 'node:fs';
import { asIoError } from './errors.ts';

/** Fills `buffer` from a place in the package file; returns how many bytes there were. Throws FlatpkgError `io`. */
export function readFrom(fd: number, position: number, buffer: Buffer): number {
  let done = 0;
  try {
    while (done < buffer.length) {
      const count = readSync(fd, buffer, done, buffer.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
  } catch (error) {
    throw asIoError(error, 'reading the package');
  }
  return done;
}

/** Writes all of `bytes`, in as many calls as the system takes. */
export function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
