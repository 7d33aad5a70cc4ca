import { damaged } from '../errors.ts';
import { PieceReader } from './pieces.ts';
import { decodeXz } from './xz/decode.ts';
import { decodeZlib } from './zlib.ts';

const LARGEST_BLOCK = 64 * 1024 * 1024;
const BLOCK_HEADER = 16;

/**
 * Decodes Apple's block compression: the letters `pbz` and one for the algorithm (`x` xz, `z` zlib), u64 block size,
 * then per block u64 size, u64 stored size and the stored bytes, all big endian. A block stored in its own size is not
 * compressed; one that is smaller than the block size is the last.
 *
 * Older readers call the block size and the first field of a block flags, of which bit 24 means that more follows:
 * with the usual block size, 2^24 bytes, this says the same of every stream but one that ends with a full block. Some
 * readers want an empty block there, others take the end as it comes: both are right here, the archive inside tells.
 */
export async function* decodePbz(pieces: PieceReader, member: string): AsyncGenerator<Buffer, void, undefined> {
  const start = await pieces.take(4 + 8);
  if (start.length < 12) throw damaged('PAYLOAD_PBZ', 'ends inside its header', member);
  const decode = start.toString('latin1', 0, 4) === 'pbzx' ? decodeXz : decodeZlib;
  const blockSize = readSize(start, 4, member);
  if (blockSize === 0) throw damaged('PAYLOAD_PBZ', 'has blocks of 0 bytes', member);
  let size = blockSize;
  for (let block = 0; ; block += 1) {
    const header = await pieces.take(BLOCK_HEADER);
    if (header.length === 0 && block > 0) return;
    if (size < blockSize) throw damaged('PAYLOAD_PBZ', 'has other bytes after its last block', member);
    if (header.length < BLOCK_HEADER) throw damaged('PAYLOAD_PBZ', 'ends inside the header of a block', member);
    size = readSize(header, 0, member);
    const stored = readSize(header, 8, member);
    if (size > blockSize) {
      throw damaged('PAYLOAD_PBZ', `has a block of ${size} bytes where ${blockSize} are the most`, member);
    }
    const content = storedBytes(pieces, stored, member);
    if (stored === size) yield* content;
    else yield* ofSize(decode(new PieceReader(content), member), size, member);
  }
}

function readSize(header: Buffer, offset: number, member: string): number {
  const size = header.readBigUInt64BE(offset);
  if (size > LARGEST_BLOCK) throw damaged('PAYLOAD_PBZ', `has a block size of ${size} bytes`, member);
  return Number(size);
}

/** The stored bytes of one block, as they come. */
async function* storedBytes(
  pieces: PieceReader,
  stored: number,
  member: string,
): AsyncGenerator<Buffer, void, undefined> {
  for (let left = stored; left > 0; ) {
    const piece = await pieces.next();
    if (piece === null) throw damaged('PAYLOAD_PBZ', 'ends inside a block', member);
    const part = piece.subarray(0, left);
    if (part.length < piece.length) pieces.unread(piece.subarray(left));
    left -= part.length;
    yield part;
  }
}

/** Passes on what a block decodes to, as long as that is what the block says. */
async function* ofSize(
  decoded: AsyncGenerator<Buffer, void, undefined>,
  size: number,
  member: string,
): AsyncGenerator<Buffer, void, undefined> {
  let left = size;
  for await (const piece of decoded) {
    left -= piece.length;
    if (left < 0) break;
    yield piece;
  }
  if (left !== 0) {
    throw damaged('PAYLOAD_PBZ', `has a block of ${left < 0 ? 'more' : 'less'} than its ${size} bytes`, member);
  }
}
