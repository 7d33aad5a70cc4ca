import { createGunzip, createInflate, createInflateRaw, type Gunzip, type Inflate, type InflateRaw } from 'node:zlib';
import { damaged } from '../errors.ts';
import type { PieceReader } from './pieces.ts';

const OUTPUT_PIECE = 1024 * 1024;
// Every piece costs a way through the event loop. With room for two more the decoder, which has a thread of its own,
// rarely waits for whoever writes.
const OPTIONS = { chunkSize: OUTPUT_PIECE, readableHighWaterMark: 2 * OUTPUT_PIECE };

type Pieces = AsyncGenerator<Buffer, void, undefined>;

/** One or more gzip members; zeros after the last are padding, anything else is damage. */
export async function* decodeGzip(pieces: PieceReader, member: string): Pieces {
  const input = new CountedInput(pieces);
  const decoder = createGunzip(OPTIONS);
  yield* lent(decodeWith(decoder, input, 'PAYLOAD_GZIP', member));
  if (input.lastNonZero > decoder.bytesWritten) {
    throw damaged('PAYLOAD_GZIP', 'has other bytes after its gzip data', member);
  }
}

/**
 * One stream of deflate, with or without the header of zlib: "zlib" is the first in the format's own books, the second
 * in Apple's compression library. Nothing may follow it.
 */
export async function* decodeZlib(pieces: PieceReader, member: string): Pieces {
  const start = await pieces.peek(2);
  const zlib = start.length === 2 && ((start[0] as number) & 0x0f) === 8 && start.readUInt16BE(0) % 31 === 0;
  yield* lent(decodeAlone(zlib ? createInflate(OPTIONS) : createInflateRaw(OPTIONS), pieces, 'PAYLOAD_ZLIB', member));
}

/** One zlib stream and nothing else: what a xar calls gzip. `code` is that of its errors. */
export async function* inflate(pieces: PieceReader, code: string, member: string): Pieces {
  yield* decodeAlone(createInflate(OPTIONS), pieces, code, member);
}

/** The same without the header of zlib: what a zip archive holds. */
export async function* inflateRaw(pieces: PieceReader, code: string, member: string): Pieces {
  yield* decodeAlone(createInflateRaw(OPTIONS), pieces, code, member);
}

/** Lets nothing follow the stream. */
async function* decodeAlone(decoder: Inflate | InflateRaw, pieces: PieceReader, code: string, member: string): Pieces {
  const input = new CountedInput(pieces);
  yield* decodeWith(decoder, input, code, member);
  if (input.length !== decoder.bytesWritten) throw damaged(code, 'has other bytes after its compressed data', member);
}

/**
 * Everything the decoder makes of the input. The decoder stops without a word where its own data ends; the input is
 * read on to its end all the same, so that the source can compare its checksums.
 */
async function* decodeWith(
  decoder: Gunzip | Inflate | InflateRaw,
  input: CountedInput,
  code: string,
  member: string,
): Pieces {
  const fed = feed(decoder, input.read());
  try {
    for await (const piece of decoder) yield piece as Buffer;
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw damaged(code, `cannot be decompressed (${error.message})`, member);
  }
  const failure = await fed;
  if (failure !== null) throw failure.error;
}

/**
 * Writes all pieces to a decoder, each while it works on the one before: no more than two are in use at any time. Goes
 * on to the end of the source when the decoder wants no more. Never throws: what goes wrong with the source comes out of
 * the decoder, and as the result, because a decoder that has come to its end says nothing.
 */
async function feed(decoder: Gunzip | Inflate | InflateRaw, source: Pieces): Promise<{ error: unknown } | null> {
  // A decoder that is done answers no write.
  const closed = new Promise<void>((resolve) => {
    decoder.once('close', () => resolve());
  });
  try {
    let before = Promise.resolve();
    for await (const piece of source) {
      if (decoder.destroyed) continue;
      const decoded = new Promise<void>((resolve) => {
        decoder.write(piece, () => resolve());
      });
      await Promise.race([before, closed]);
      before = decoded;
    }
    if (!decoder.destroyed) decoder.end();
    return null;
  } catch (error) {
    decoder.destroy(error as Error);
    return { error };
  }
}

/**
 * Hands out what a decoder makes, each piece until the next is asked for; then its memory is given back at once. The
 * collector would let it pile up to more than everything else takes, and fresh memory is slower than memory just used.
 */
async function* lent(decoded: Pieces): Pieces {
  for await (const piece of decoded) {
    yield piece;
    const { buffer, byteOffset, length } = piece;
    // The decoder fills one buffer after the other: it is done with one whose last byte has come.
    if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== OUTPUT_PIECE) continue;
    if (byteOffset + length === OUTPUT_PIECE) buffer.transfer(0);
  }
}

/** Passes on pieces and keeps in mind how much they were. */
class CountedInput {
  /** Bytes so far. */
  length = 0;
  /** Bytes so far, without zeros at the end. */
  lastNonZero = 0;
  readonly #pieces: PieceReader;

  constructor(pieces: PieceReader) {
    this.#pieces = pieces;
  }

  async *read(): Pieces {
    for await (const piece of this.#pieces.rest()) {
      let end = piece.length;
      while (end > 0 && piece[end - 1] === 0) end -= 1;
      if (end > 0) this.lastNonZero = this.length + end;
      this.length += piece.length;
      yield piece;
    }
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
