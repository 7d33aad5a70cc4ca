import { createHash, type Hash } from 'node:crypto';

/** The hashes a package may use; weaker or unknown ones are refused. */
export type ChecksumStyle = 'sha1' | 'sha256' | 'sha512';

export interface Checksum {
  style: ChecksumStyle;
  /** Lower case hexadecimal. */
  hex: string;
}

export const CHECKSUM_BYTES: Record<ChecksumStyle, number> = { sha1: 20, sha256: 32, sha512: 64 };

/** `SHA1`, `sha-256`, … as a style, null when it is none of ours. */
export function checksumStyle(text: string): ChecksumStyle | null {
  const name = text.toLowerCase().replace('-', '');
  return name === 'sha1' || name === 'sha256' || name === 'sha512' ? name : null;
}

export function newHash(style: ChecksumStyle): Hash {
  return createHash(style);
}

export function hexOf(style: ChecksumStyle, bytes: Uint8Array): string {
  return createHash(style).update(bytes).digest('hex');
}
