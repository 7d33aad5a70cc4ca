import { decodeBzip2 } from '../decode/bzip2/decode.ts';
import { decodePbz } from '../decode/pbz.ts';
import { PieceReader } from '../decode/pieces.ts';
import { decodeXz } from '../decode/xz/decode.ts';
import { decodeGzip } from '../decode/zlib.ts';
import { damaged, unsupported } from '../errors.ts';

/** Decodes what is left in `pieces`, in pieces of at most 1 MiB whatever the input. */
type Decode = (pieces: PieceReader, member: string) => AsyncGenerator<Buffer, void, undefined>;

const DECODERS: readonly [magic: string, decode: Decode][] = [
  ['\x1f\x8b', decodeGzip],
  ['07070', (pieces) => pieces.rest()],
  ['\xc7\x71', (pieces) => pieces.rest()],
  ['\x71\xc7', (pieces) => pieces.rest()],
  ['BZh', decodeBzip2],
  ['\xfd7zXZ\0', decodeXz],
  ['pbzx', decodePbz],
  ['pbzz', decodePbz],
];

const ONLY_ON_MACOS: readonly [magic: string, name: string][] = [
  ['pbze', 'pbze (LZFSE)'],
  ['pbz4', 'pbz4 (LZ4)'],
];

/**
 * Decodes a payload or scripts archive to bare cpio, in pieces. A piece is lent until the next is asked for: its memory
 * is used again or given back then. Memory stays bounded whatever the payload says.
 * Throws FlatpkgError: `unsupported` names the encoding found, `damaged` when the data is broken; both may come after
 * some of the output. Lets go of `source` when it ends, fails or is stopped early.
 */
export async function* decodePayload(
  source: AsyncGenerator<Buffer, void, undefined>,
  member: string,
): AsyncGenerator<Buffer, void, undefined> {
  const pieces = new PieceReader(source);
  try {
    const decode = findDecoder(await pieces.peek(6), member);
    yield* decode(pieces, member);
  } finally {
    await pieces.close();
  }
}

function findDecoder(start: Buffer, member: string): Decode {
  if (start.length === 0) throw damaged('PAYLOAD_EMPTY', 'is empty', member);
  const text = start.toString('latin1');
  for (const [magic, decode] of DECODERS) if (text.startsWith(magic)) return decode;
  for (const [magic, name] of ONLY_ON_MACOS) {
    if (text.startsWith(magic)) throw unsupported('PAYLOAD_ENCODING', `${name} payloads need macOS`, member);
  }
  const hex = start.toString('hex');
  throw unsupported('PAYLOAD_ENCODING', `unknown payload encoding (starts with ${hex}); it may need macOS`, member);
}
