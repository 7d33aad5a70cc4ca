import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** The kinds of image a show has, as browsers and the system's windows know them. */
export type ImageKind = 'jpg' | 'png' | 'webp' | 'svg';

export const MEDIA_TYPES: Readonly<Record<ImageKind, string>> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  svg: 'image/svg+xml',
};

/** Bytes an image may have. A drawing is text that is parsed as a whole, so it gets less. */
const LIMITS: Readonly<Record<ImageKind, number>> = { jpg: 32e6, png: 32e6, webp: 32e6, svg: 2e6 };
/** Pixels an image may unfold to: some hundred megabytes of memory. */
const MOST_PIXELS = 100e6;

/** What the file's name says it is, or null: not an image of a show. */
export function kindByName(name: string): ImageKind | null {
  const extension = /\.([a-z]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (extension === 'jpeg') return 'jpg';
  return extension !== undefined && Object.hasOwn(LIMITS, extension) ? (extension as ImageKind) : null;
}

/** The most bytes of a file that may be read for an image of a kind. */
export function limitOf(kind: ImageKind): number {
  return LIMITS[kind];
}

/** Whether the bytes are an image of that kind, with a size that a screen can take. */
export function isImage(kind: ImageKind, bytes: Buffer): boolean {
  if (bytes.length > LIMITS[kind]) return false;
  if (kind === 'svg') return isDrawing(bytes);
  const size = kind === 'png' ? pngSize(bytes) : kind === 'jpg' ? jpegSize(bytes) : webpSize(bytes);
  return size !== null && size.width > 0 && size.height > 0 && size.width * size.height <= MOST_PIXELS;
}

interface Size {
  width: number;
  height: number;
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

function pngSize(bytes: Buffer): Size | null {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(PNG)) return null;
  if (bytes.toString('latin1', 12, 16) !== 'IHDR' || !bytes.includes('IDAT', 33, 'latin1')) return null;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** Walks the segments to the frame's header. */
function jpegSize(bytes: Buffer): Size | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < bytes.length; ) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1] as number;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (frame) return { width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    // The picture begins, or the file ends, before anything said how large it is.
    if (marker === 0xda || marker === 0xd9) return null;
    const bare = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);
    const length = bare ? 0 : bytes.readUInt16BE(at + 2);
    if (!bare && length < 2) return null;
    at += 2 + length;
  }
  return null;
}

function webpSize(bytes: Buffer): Size | null {
  if (bytes.length < 30 || bytes.toString('latin1', 0, 4) !== 'RIFF') return null;
  if (bytes.toString('latin1', 8, 12) !== 'WEBP') return null;
  const form = bytes.toString('latin1', 12, 16);
  if (form === 'VP8X') return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
  if (form === 'VP8 ') {
    if (bytes.readUIntBE(23, 3) !== 0x9d012a) return null;
    return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  }
  if (form !== 'VP8L' || bytes[20] !== 0x2f) return null;
  const packed = bytes.readUInt32LE(21);
  return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 };
}

/** One `svg` as the root, in UTF-8, without a document type: entities that unfold have no place in a drawing. */
function isDrawing(bytes: Buffer): boolean {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return false;
  }
  let rest = text.trim();
  if (!rest.endsWith('>')) return false;
  for (let skipped = true; skipped; ) {
    const before = rest.length;
    if (rest.startsWith('<?')) rest = after(rest, '?>');
    else if (rest.startsWith('<!--')) rest = after(rest, '-->');
    skipped = rest.length < before;
  }
  return /^<svg[\s>/]/.test(rest) && rest.includes('http://www.w3.org/2000/svg') && !/<!(?:DOCTYPE|ENTITY)/i.test(rest);
}

function after(text: string, mark: string): string {
  const found = text.indexOf(mark);
  return found < 0 ? '' : text.slice(found + mark.length).trimStart();
}

/** One image by its path, as a setting names it: with a link followed, which is the admin's own. */
export async function readImage(file: string): Promise<{ kind: ImageKind; bytes: Buffer } | null> {
  const kind = kindByName(file);
  if (kind === null) return null;
  const bytes = await readPlain(file, limitOf(kind), limitOf(kind), 0);
  return bytes !== null && isImage(kind, bytes) ? { kind, bytes } : null;
}

/**
 * A plain file's bytes. Opened without waiting (a pipe would), looked at before it is read.
 * @param limit bytes; what is larger is not read at all
 * @param first bytes to read of it
 * @returns null for anything but a plain file that is not empty
 */
export async function readPlain(
  file: string,
  limit: number,
  first: number = limit,
  follow: number = constants.O_NOFOLLOW,
): Promise<Buffer | null> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | follow);
    const about = await handle.stat();
    if (!about.isFile() || about.size === 0 || about.size > limit) return null;
    const bytes = Buffer.alloc(Math.min(about.size, first));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } catch {
    return null;
  }
}
