import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { D3Error } from '@d3/sdk';
import { alone } from '../alone.ts';
import type { LocalDepot } from '../depot.ts';
import { errnoOf, giveToOwnerOf, makeFolder, syncFolder, TEMP_PREFIX } from '../files.ts';

/**
 * Uploads of blobs: an unfinished file beside them takes the bytes, which are hashed as they come; a cut leaves it, and
 * the next request goes on where it ends. The blob appears when it is whole and its hash is the one that was announced.
 */

export interface Upload {
  sha256: string;
  /** Where these bytes begin. */
  offset: number;
  /** Bytes of all of it. */
  size: number;
  /** Id of the token it comes with: nobody goes on with another's upload. */
  owner: number;
  bytes: Readable;
  socket: { setTimeout(milliseconds: number): unknown };
}

/** Milliseconds without a byte after which an upload is taken as cut. */
const IDLE = 60_000;

/** Hashes of unfinished files up to where they end, so that going on does not begin with reading. */
const hashes = new Map<string, { hash: Hash; upTo: number }>();
const HASHES_KEPT = 100;
/** Those that bytes are coming for. */
const underWay = new Set<string>();

function unfinishedFile(depot: string, sha256: string, owner: number): string {
  return join(depot, 'blobs', `${TEMP_PREFIX}upload-${owner}-${sha256}`);
}

/** @returns bytes that came so far; 0 when none did */
export async function received(depot: string, sha256: string, owner: number): Promise<number> {
  return stat(unfinishedFile(depot, sha256, owner)).then(
    ({ size }) => size,
    (error) => {
      if (errnoOf(error) === 'ENOENT') return 0;
      throw error;
    },
  );
}

export async function takeUpload(depot: LocalDepot, upload: Upload): Promise<{ received: number; isThere: boolean }> {
  const { sha256, size, owner } = upload;
  const file = unfinishedFile(depot.dir, sha256, owner);
  if (underWay.has(file)) throw comingAlready(sha256);
  underWay.add(file);
  try {
    upload.socket.setTimeout(IDLE);
    // Another server of the same depot may take bytes into the same file.
    return await alone(`${file}.lock`, '', async () => {
      const so = await append(file, depot.dir, upload);
      if (so.upTo < size) return { received: so.upTo, isThere: false };
      await appear(depot, file, sha256, so.hash.digest('hex'));
      return { received: size, isThere: true };
    });
  } catch (error) {
    if (error instanceof D3Error && error.code === 'DEPOT_BUSY') throw comingAlready(sha256);
    // What does not fit must not keep the room that everything else needs.
    if (isFull(error)) await rm(file, { force: true });
    throw asD3Error(error, sha256);
  } finally {
    underWay.delete(file);
  }
}

function comingAlready(sha256: string): D3Error {
  return new D3Error('UPLOAD_BUSY', 'busy', `Bytes of ${sha256} are coming with this token already.`, {
    target: sha256,
    actions: ['wait for that upload to end, or stop it'],
  });
}

async function append(file: string, depot: string, upload: Upload): Promise<{ hash: Hash; upTo: number }> {
  const { sha256, offset, size, bytes } = upload;
  const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    await giveToOwnerOf(join(depot, 'blobs'), handle);
    const { size: there } = await handle.stat();
    if (offset !== there) {
      throw new D3Error('UPLOAD_OFFSET', 'refused', `${there} bytes of ${sha256} are here: go on from there.`, {
        target: sha256,
        actions: [`ask how many there are, GET /api/v1/uploads/${sha256}, and go on from there`],
      });
    }
    const so = await hashUpTo(file, there);
    try {
      for await (const piece of bytes as AsyncIterable<Buffer>) {
        if (so.upTo + piece.length > size) {
          await handle.truncate(0);
          hashes.delete(file);
          throw new D3Error('UPLOAD_TOO_LONG', 'refused', `More than the ${size} bytes came that were announced.`, {
            target: sha256,
            actions: ['send it again from its beginning'],
          });
        }
        for (let written = 0; written < piece.length; )
          written += (await handle.write(piece, written, piece.length - written, so.upTo + written)).bytesWritten;
        so.hash.update(piece);
        so.upTo += piece.length;
      }
    } finally {
      remember(file, so);
    }
    await handle.sync();
    return so;
  } finally {
    await handle.close();
  }
}

async function hashUpTo(file: string, upTo: number): Promise<{ hash: Hash; upTo: number }> {
  const known = hashes.get(file);
  hashes.delete(file);
  if (known?.upTo === upTo) return known;
  const hash = createHash('sha256');
  // Begun by another server, or before this one was started.
  if (upTo > 0)
    for await (const piece of createReadStream(file, { end: upTo - 1, highWaterMark: 1 << 20 }))
      hash.update(piece as Buffer);
  return { hash, upTo };
}

function remember(file: string, so: { hash: Hash; upTo: number }): void {
  if (hashes.size >= HASHES_KEPT) hashes.delete(hashes.keys().next().value as string);
  hashes.set(file, so);
}

async function appear(depot: LocalDepot, file: string, sha256: string, found: string): Promise<void> {
  hashes.delete(file);
  if (found !== sha256) {
    await rm(file, { force: true });
    throw new D3Error('UPLOAD_DIFFERS', 'verificationFailed', `What came is not ${sha256} but ${found}.`, {
      target: sha256,
      actions: ['send it again from its beginning'],
    });
  }
  const path = depot.blobs.path(sha256);
  await makeReadable(file);
  await makeFolder(dirname(path), 0o755);
  await rename(file, path);
  await syncFolder(dirname(path));
}

/** Machines read it as another user. */
async function makeReadable(file: string): Promise<void> {
  const handle: FileHandle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(0o644);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '');
}

function asD3Error(error: unknown, sha256: string): unknown {
  if (isFull(error)) {
    return new D3Error('NO_SPACE', 'failed', 'The disk of the depot is full.', {
      target: sha256,
      actions: ['have room made there, then send it again'],
      cause: error,
    });
  }
  if (
    errnoOf(error) === 'ECONNRESET' ||
    (error as NodeJS.ErrnoException | null)?.code === 'ERR_STREAM_PREMATURE_CLOSE'
  ) {
    return new D3Error('UPLOAD_CUT', 'usage', 'The upload was cut; what came is kept.', {
      target: sha256,
      cause: error,
    });
  }
  return error;
}
