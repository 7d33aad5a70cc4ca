import { createWriteStream, renameSync, rmSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';

/** Where a gzip file says on which system it was made; the same everywhere. */
const SYSTEM_AT = 9;
const UNIX = 3;

/** Compresses to a file, which appears under its name when it is complete. zlib writes neither a name nor a time. */
export async function gzipTo(file: string, pieces: Iterable<Buffer>): Promise<void> {
  const draft = `${file}.new`;
  const out = createWriteStream(draft);
  const closed = new Promise((resolve) => out.once('close', resolve));
  try {
    await pipeline(Readable.from(pieces), createGzip({ level: 6 }), sameSystem, out);
    renameSync(draft, file);
  } finally {
    // What goes wrong at once does so before the file is there.
    out.destroy();
    await closed;
    rmSync(draft, { force: true });
  }
}

export function gzipped(bytes: Buffer): Buffer {
  const packed = gzipSync(bytes, { level: 9 });
  packed[SYSTEM_AT] = UNIX;
  return packed;
}

async function* sameSystem(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let at = 0;
  for await (const piece of pieces) {
    if (at <= SYSTEM_AT && at + piece.length > SYSTEM_AT) piece[SYSTEM_AT - at] = UNIX;
    at += piece.length;
    yield piece;
  }
}
