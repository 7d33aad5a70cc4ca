import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const BLOCK = 512;
const SIZE = { from: 124, to: 136 };

/**
 * Whether an npm package (.tgz, .tar) unpacks to more than it may. It is read only as far as that takes; what is no archive is
 * for whoever unpacks it to say.
 */
export async function isPackageMoreThan(file: string, most: { bytes: number; files: number }): Promise<boolean> {
  const raw = createReadStream(file);
  const plain = /\.tar$/i.test(file) ? raw : raw.pipe(createGunzip());
  raw.once('error', (error) => plain.destroy(error));
  let bytes = 0;
  let files = 0;
  let header = Buffer.alloc(0);
  let body = 0;
  try {
    for await (const piece of plain as AsyncIterable<Buffer>) {
      bytes += piece.length;
      for (let rest = piece; rest.length > 0; ) {
        const passed = Math.min(body, rest.length);
        body -= passed;
        rest = rest.subarray(passed);
        const part = rest.subarray(0, BLOCK - header.length);
        rest = rest.subarray(part.length);
        header = Buffer.concat([header, part]);
        if (header.length < BLOCK) continue;
        body = Math.ceil(sizeIn(header) / BLOCK) * BLOCK;
        files += 1;
        header = Buffer.alloc(0);
      }
      if (bytes > most.bytes || files > most.files) return true;
    }
    return false;
  } catch {
    return false;
  } finally {
    plain.destroy();
    raw.destroy();
  }
}

/** What is no octal number is one of more than eight gigabytes, or none. */
function sizeIn(header: Buffer): number {
  const text = header.toString('latin1', SIZE.from, SIZE.to).replaceAll(/[\0 ]/g, '');
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : 0;
}
