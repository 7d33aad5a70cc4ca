import type { FileHandle } from 'node:fs/promises';
import { D3Error } from '@d3/sdk';

const TRAILER_BYTES = 512;

/**
 * Looks at the trailer of a disk image (UDIF): whether it is one, and whether what it names lies within the file. No more is
 * read of it anywhere but on a Mac.
 * @throws D3Error verificationFailed (33)
 */
export async function checkImage(file: FileHandle, target: string): Promise<void> {
  const { size } = await file.stat();
  const trailer = Buffer.alloc(TRAILER_BYTES);
  const { bytesRead } = await file.read(trailer, 0, TRAILER_BYTES, Math.max(0, size - TRAILER_BYTES));
  if (bytesRead < TRAILER_BYTES || trailer.toString('latin1', 0, 4) !== 'koly') throw bad(target, 'it has no trailer');
  if (trailer.readUInt32BE(4) !== 4 || trailer.readUInt32BE(8) !== TRAILER_BYTES)
    throw bad(target, 'its trailer is of another version');
  for (const [what, at] of [
    ['data', 24],
    ['property list', 216],
  ] as const) {
    const end = trailer.readBigUInt64BE(at) + trailer.readBigUInt64BE(at + 8);
    if (end > BigInt(size - TRAILER_BYTES)) throw bad(target, `its ${what} ends beyond the file`);
  }
}

function bad(target: string, why: string): D3Error {
  return new D3Error('DMG_DAMAGED', 'verificationFailed', `This is no sound disk image: ${why}.`, {
    target,
    actions: ['get it from its maker again; an image must be a .dmg that macOS made'],
  });
}
