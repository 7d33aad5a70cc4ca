import { ReadableStream } from 'node:stream/web';
import { damaged } from '../../errors.ts';
import type { PieceReader } from '../pieces.ts';
import { XzLayout } from './layout.ts';

// Each is worth a decoder of its own: empty ones cost time without end.
const MAX_STREAMS = 1000;

/**
 * Decodes one or more xz streams with zeros between or after them. The decoder is a library of WebAssembly that knows
 * one stream, takes its end for the end of everything and forgets what is left over: it is given exactly the bytes of
 * one stream, and what it gives back is counted.
 */
export async function* decodeXz(pieces: PieceReader, member: string): AsyncGenerator<Buffer, void, undefined> {
  let streams = 0;
  do {
    streams += 1;
    if (streams > MAX_STREAMS) throw damaged('PAYLOAD_XZ', `has more than ${MAX_STREAMS} xz streams`, member);
    yield* decodeStream(pieces, member);
  } while (await skipZeros(pieces));
}

async function* decodeStream(pieces: PieceReader, member: string): AsyncGenerator<Buffer, void, undefined> {
  // CommonJS, and packed so that Node does not see its names.
  const { XzReadableStream } = (await import('xz-decompress')).default;
  const layout = new XzLayout(member);
  const failures: unknown[] = [];
  const output = new XzReadableStream(streamOf(pieces, layout, member, failures)).getReader();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await output.read().catch((error: unknown) => {
        // What went wrong on our side comes first: the library's error only follows from it.
        throw failures[0] ?? damaged('PAYLOAD_XZ', `cannot be decompressed (${textOf(error)})`, member);
      });
      if (done) break;
      if (value.length === 0) continue;
      length += value.length;
      yield Buffer.from(value.buffer, value.byteOffset, value.length);
    }
  } finally {
    // The library has one decoder for everybody: whoever stops early would keep it for ever.
    await output.cancel().catch(() => {});
  }
  if (!layout.ended || length !== layout.uncompressed) {
    throw damaged('PAYLOAD_XZ', `decodes to ${length} bytes instead of ${layout.uncompressed}`, member);
  }
}

/** The bytes of one xz stream; why it failed is added to `failures`. */
function streamOf(
  pieces: PieceReader,
  layout: XzLayout,
  member: string,
  failures: unknown[],
): ReadableStream<Uint8Array> {
  const next = async () => {
    for (;;) {
      const piece = await pieces.next();
      if (piece === null) throw damaged('PAYLOAD_XZ', 'ends inside its xz data', member);
      const { used, bytes } = layout.follow(piece);
      if (used < piece.length) pieces.unread(piece.subarray(used));
      // The library takes an empty piece for the end.
      if (bytes.length > 0) return bytes;
    }
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          controller.enqueue(await next());
          if (layout.ended) controller.close();
        } catch (error) {
          failures.push(error);
          throw error;
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** Passes over zeros; returns whether anything follows them. */
async function skipZeros(pieces: PieceReader): Promise<boolean> {
  for (let piece = await pieces.next(); piece !== null; piece = await pieces.next()) {
    const at = piece.findIndex((byte) => byte !== 0);
    if (at === -1) continue;
    pieces.unread(piece.subarray(at));
    return true;
  }
  return false;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
