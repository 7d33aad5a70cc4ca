import { decodeBzip2 } from '../decode/bzip2/decode.ts';
import { PieceReader } from '../decode/pieces.ts';
import { inflate } from '../decode/zlib.ts';
import { printable, unsupported } from '../errors.ts';

/**
 * Decodes the stored bytes of a member in pieces; `member` names it in errors. Lengths and checksums are the caller's to
 * compare. Throws FlatpkgError.
 */
export async function* decodeMember(
  stored: AsyncGenerator<Buffer, void, undefined>,
  encoding: string,
  member: string,
): AsyncGenerator<Buffer, void, undefined> {
  const pieces = new PieceReader(stored);
  try {
    if (encoding === 'zlib') yield* inflate(pieces, 'XAR_ZLIB', member);
    else if (encoding === 'bzip2') yield* decodeBzip2(pieces, member);
    else throw unsupported('XAR_ENCODING', `is encoded as "${printable(encoding)}" inside the archive`, member);
  } finally {
    await pieces.close();
  }
}
