import { closeSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';

/** A member: its bytes, or the file that has them. */
export interface ArSource {
  name: string;
  content: Buffer | string;
}

const PIECE_BYTES = 1024 * 1024;
const MOST_NAME = 16;

/** Writes an `ar` archive as deb(5) wants it; it appears under its name when it is complete. @param seconds since 1970 */
export function writeAr(file: string, members: readonly ArSource[], seconds: number): void {
  const draft = `${file}.new`;
  const fd = openSync(draft, 'w', 0o644);
  try {
    writeSync(fd, '!<arch>\n');
    for (const { name, content } of members) {
      if (name.length > MOST_NAME) throw new Error(`"${name}" is too long for a member of an archive`);
      const size = typeof content === 'string' ? statSync(content).size : content.length;
      const fields = [name.padEnd(16), String(seconds).padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
      writeSync(fd, `${fields.join('')}${String(size).padEnd(10)}\`\n`);
      if (typeof content === 'string') copy(content, fd);
      else writeAll(fd, content);
      if (size % 2 === 1) writeSync(fd, '\n');
    }
    renameSync(draft, file);
  } finally {
    closeSync(fd);
    rmSync(draft, { force: true });
  }
}

function copy(from: string, to: number): void {
  const fd = openSync(from, 'r');
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let count = readSync(fd, piece); count > 0; count = readSync(fd, piece))
      writeAll(to, piece.subarray(0, count));
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
