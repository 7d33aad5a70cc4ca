import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { D3Error } from '@d3/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errnoOf } from '../files.ts';
import type { Readers } from './callers.ts';

/**
 * The files machines read, as any web server gives them: strong ETags, conditional requests, one range. What a name
 * promises is its tag; all else is tagged by its content, so that several servers give the same.
 */

const METADATA = /^(?:\d{1,15}\.(?:root|targets|snapshot)|timestamp)\.json$/;
const TARGET = /^([0-9a-f]{64})\.[A-Za-z0-9._-]{1,100}$/;
const RECORD = /^[0-9a-f]{64}$/;
const BLOB = /^([0-9a-f]{2})\/(\1[0-9a-f]{62})$/;

/** For ever: what has this name is always the same. */
const IMMUTABLE = 'max-age=31536000, immutable';
/** Asked for again each time, by its tag. */
const REVALIDATE = 'no-cache';

interface Found {
  path: string;
  /** The tag its name promises; null: its content has to be looked at. */
  tag: string | null;
  cache: string;
  type: string;
}

/** @param path what comes after the first /, as it was asked for. @returns null when machines have no business there */
export function fileFor(depot: string, path: string): Found | null {
  const [, area, name] = /^(public\/metadata|public\/targets|public\/records|blobs)\/(.+)$/.exec(path) ?? [];
  if (name === undefined) return null;
  if (area === 'public/metadata' && METADATA.test(name)) {
    return { path: join(depot, area, name), tag: null, cache: REVALIDATE, type: 'application/json' };
  }
  if (area === 'public/records' && RECORD.test(name)) {
    return { path: join(depot, area, name), tag: null, cache: REVALIDATE, type: 'application/octet-stream' };
  }
  const target = TARGET.exec(name)?.[1];
  if (area === 'public/targets' && target !== undefined) {
    return { path: join(depot, area, name), tag: target, cache: IMMUTABLE, type: 'application/json' };
  }
  const blob = BLOB.exec(name)?.[2];
  if (area === 'blobs' && blob !== undefined) {
    return { path: join(depot, area, name), tag: blob, cache: IMMUTABLE, type: 'application/octet-stream' };
  }
  return null;
}

/** Tags of files that have to be looked into, as long as nothing changes them. */
export class Tags {
  readonly #known = new Map<string, { stamp: string; tag: string }>();
  readonly #looking = new Map<string, Promise<string | null>>();

  /**
   * The tag of a file that was looked into and has not changed since; else null. It is not opened for that, and those who
   * ask at the same moment are answered by one look: what most requests are about is one small file.
   */
  async unchanged(path: string): Promise<string | null> {
    const known = this.#known.get(path);
    if (known === undefined) return null;
    let looking = this.#looking.get(path);
    if (looking === undefined) {
      looking = lstat(path)
        .then(
          (found) => (found.isFile() && stampOf(found) === known.stamp ? known.tag : null),
          () => null,
        )
        .finally(() => this.#looking.delete(path));
      this.#looking.set(path, looking);
    }
    return looking;
  }

  async of(path: string, handle: FileHandle, found: Stats): Promise<string> {
    const stamp = stampOf(found);
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.tag;
    const buffer = Buffer.alloc(found.size);
    await handle.read(buffer, 0, found.size, 0);
    const tag = createHash('sha256').update(buffer).digest('hex');
    if (this.#known.size > 1000) this.#known.clear();
    this.#known.set(path, { stamp, tag });
    return tag;
  }
}

function stampOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}

/**
 * Answers with a file, whole or in part, or says that it is still the same.
 * @param readers who may have it: a cache in between gives it to anybody
 */
export async function giveFile(
  found: Found,
  tags: Tags,
  readers: Readers,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const asked = request.headers['if-none-match'];
  const cache = `${readers === 'everyone' ? 'public' : 'private'}, ${found.cache}`;
  if (asked !== undefined && found.tag === null) {
    const known = await tags.unchanged(found.path);
    if (known !== null && isNamed(asked, `"${known}"`)) {
      return describe(reply, `"${known}"`).code(304).header('cache-control', cache).send();
    }
  }
  const handle = await openPlain(found.path);
  if (handle === null) throw noSuchFile(request.url);
  let handedOver = false;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw noSuchFile(request.url);
    const { size } = stats;
    const tag = `"${found.tag ?? (await tags.of(found.path, handle, stats))}"`;
    void describe(reply, tag);
    if (isNamed(asked, tag)) return await reply.code(304).header('cache-control', cache).send();
    const range = rangeOf(request.headers.range, request.headers['if-range'], tag, size);
    if (range === 'beyond') {
      void reply.header('content-range', `bytes */${size}`);
      throw new D3Error('RANGE', 'usage', `There are only ${size} bytes.`, { target: request.url.slice(0, 200) });
    }
    void reply.header('cache-control', cache);
    void reply.type(found.type).header('content-length', range.end - range.start + 1);
    if (range.isPart) void reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${size}`);
    // Of a stream nothing is counted: what is said of its length stays as it was said.
    if (request.method === 'HEAD') return await reply.send(Readable.from([]));
    if (size === 0) return await reply.send('');
    handedOver = true;
    return await reply.send(handle.createReadStream({ start: range.start, end: range.end, highWaterMark: 1 << 18 }));
  } finally {
    if (!handedOver) await handle.close();
  }
}

function describe(reply: FastifyReply, tag: string): FastifyReply {
  return reply.header('etag', tag).header('accept-ranges', 'bytes').header('x-content-type-options', 'nosniff');
}

async function openPlain(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return null;
    throw error;
  }
}

/** The tags of If-None-Match, or `*`. */
export function isNamed(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag);
}

interface Range {
  start: number;
  /** The last byte. */
  end: number;
  isPart: boolean;
}

/** One range of bytes; several, or what is no range, gets the whole. */
function rangeOf(
  header: string | undefined,
  ifRange: string | string[] | undefined,
  tag: string,
  size: number,
): Range | 'beyond' {
  const whole = { start: 0, end: size - 1, isPart: false };
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return whole;
  if (ifRange !== undefined && ifRange !== tag) return whole;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start >= size || (from === '' && Number(to) === 0)) return 'beyond';
  return end < start ? whole : { start, end, isPart: true };
}

function noSuchFile(url: string): D3Error {
  return new D3Error('FILE_NOT_FOUND', 'notFound', 'There is no such file.', { target: url.slice(0, 200) });
}
