import { damaged } from '../../errors.ts';
import type { PieceReader } from '../pieces.ts';
import { Bzip2Block } from './block.ts';
import { BitInput } from './input.ts';

const OUTPUT_PIECE = 256 * 1024;

// The six bytes in front of a block and of the end of a stream: the first digits of pi and of its square root.
const BLOCK = [0x314159, 0x265359];
const STREAM_END = [0x177245, 0x385090];

/**
 * Decodes one or more bzip2 streams, with zeros between or after them. A block is decoded as a whole (3.6 MB) and
 * written out piece by piece, as a few bytes may stand for 46 MB. All checksums are compared.
 */
export async function* decodeBzip2(pieces: PieceReader, member: string): AsyncGenerator<Buffer, void, undefined> {
  const input = new BitInput(pieces, member);
  const block = new Bzip2Block(member);
  let piece = Buffer.allocUnsafe(OUTPUT_PIECE);
  let used = 0;
  do {
    await input.fill();
    const level = readStreamHeader(input, member);
    let streamCrc = 0;
    while (readBlockHeader(input, member)) {
      block.read(input, level * 100_000);
      while (!block.done) {
        used = block.write(piece, used);
        if (used < OUTPUT_PIECE) continue;
        yield piece;
        piece = Buffer.allocUnsafe(OUTPUT_PIECE);
        used = 0;
      }
      streamCrc = ((streamCrc << 1) | (streamCrc >>> 31)) ^ block.crc;
      await input.fill();
    }
    if (input.word() !== streamCrc) throw damaged('PAYLOAD_BZIP2', 'has a wrong checksum of its bzip2 data', member);
  } while (await input.skipZeros());
  if (used > 0) yield piece.subarray(0, used);
}

/** Returns the size of the stream's blocks in units of 100 000 bytes. */
function readStreamHeader(input: BitInput, member: string): number {
  const magic = input.bits(24);
  const level = input.bits(8) - 0x30;
  if (magic !== 0x425a68 || level < 1 || level > 9) {
    throw damaged('PAYLOAD_BZIP2', 'has other bytes where bzip2 data should begin', member);
  }
  return level;
}

/** Returns whether a block follows; if not, the stream ends here. */
function readBlockHeader(input: BitInput, member: string): boolean {
  const magic = [input.bits(24), input.bits(24)];
  if (magic[0] === BLOCK[0] && magic[1] === BLOCK[1]) return true;
  if (magic[0] === STREAM_END[0] && magic[1] === STREAM_END[1]) return false;
  throw damaged('PAYLOAD_BZIP2', 'has other bytes where a bzip2 block should begin', member);
}
