import { fstatSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Container } from '../container.ts';
import { PieceReader } from '../decode/pieces.ts';
import { inflateRaw } from '../decode/zlib.ts';
import { damaged, printable } from '../errors.ts';
import { readFrom } from '../fd.ts';
import type { Limits } from '../limits.ts';
import { readDirectory, type ZipMember } from './directory.ts';

type Pieces = AsyncGenerator<Buffer, void, undefined>;

const CHUNK = 256 * 1024;

/** Whether a file begins as a zip archive does. */
export function isZip(fd: number): boolean {
  const start = Buffer.alloc(4);
  return readFrom(fd, 0, start) === start.length && start.toString('latin1') === 'PK\x03\x04';
}

/**
 * An open zip archive whose directory has been read and compared with the headers before each member. It reads from a
 * file descriptor that stays the caller's; everything it hands out is checked against size and CRC-32.
 */
export class ZipArchive implements Container {
  /** Bytes of the whole file. */
  readonly size: number;
  readonly members: readonly ZipMember[];
  readonly #fd: number;
  readonly #byPath: Map<string, ZipMember>;
  readonly #verified = new Set<ZipMember>();

  private constructor(fd: number, size: number, members: readonly ZipMember[]) {
    this.#fd = fd;
    this.size = size;
    this.members = members;
    this.#byPath = new Map(members.map((member) => [member.path, member]));
  }

  /** Reads and checks the directory. Throws FlatpkgError. */
  static async open(fd: number, limits: Limits): Promise<ZipArchive> {
    const { size } = fstatSync(fd);
    return new ZipArchive(fd, size, await readDirectory(fd, size, limits));
  }

  find(path: string): ZipMember | null {
    return this.#byPath.get(path) ?? null;
  }

  async read(member: ZipMember, cap: number): Promise<Buffer> {
    if (member.size > cap || member.stored > cap) {
      throw damaged('ZIP_MEMBER_SIZE', `is larger than ${cap} bytes`, member.path);
    }
    const pieces: Buffer[] = [];
    for await (const piece of this.stream(member)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async *stream(member: ZipMember, signal?: AbortSignal): Pieces {
    if (member.type !== 'file') {
      throw damaged('ZIP_TYPE', `should be a file with content, is a ${printable(member.type)}`, member.path);
    }
    yield* this.#decode(member, signal);
  }

  hasRead(member: ZipMember): boolean {
    return this.#verified.has(member);
  }

  async verifyRest(signal?: AbortSignal): Promise<void> {
    for (const member of this.members) {
      if (this.#verified.has(member)) continue;
      signal?.throwIfAborted();
      for await (const _ of this.#decode(member, signal)) signal?.throwIfAborted();
    }
  }

  /** The content of a member of any type (of a symlink its target). */
  async *#decode(member: ZipMember, signal: AbortSignal | undefined): Pieces {
    const stored = this.#storedPieces(member, signal);
    let size = 0;
    let sum = 0;
    for await (const piece of member.deflated ? inflate(stored, member.path) : stored) {
      size += piece.length;
      if (size > member.size) break;
      sum = crc32(piece, sum);
      yield piece;
    }
    if (size !== member.size) throw damaged('ZIP_MEMBER_SIZE', 'is not as long as it says', member.path);
    if (sum !== member.crc32) throw damaged('ZIP_MEMBER_CHECKSUM', 'the checksum does not match', member.path);
    this.#verified.add(member);
  }

  async *#storedPieces({ offset, stored, path }: ZipMember, signal: AbortSignal | undefined): Pieces {
    for (let done = 0; done < stored; done += CHUNK) {
      signal?.throwIfAborted();
      const piece = Buffer.allocUnsafeSlow(Math.min(CHUNK, stored - done));
      if (readFrom(this.#fd, offset + done, piece) < piece.length) {
        throw damaged('ZIP_TRUNCATED', 'the file ended while it was read', path);
      }
      yield piece;
    }
  }
}

async function* inflate(stored: Pieces, path: string): Pieces {
  const pieces = new PieceReader(stored);
  try {
    yield* inflateRaw(pieces, 'ZIP_DEFLATE', path);
  } finally {
    await pieces.close();
  }
}
