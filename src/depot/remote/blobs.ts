import { createHash } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { makeFolder } from '../../platform/make-folder.ts';
import { type BlobInfo, type Blobs, blobPath } from '../blobs.ts';
import { errnoOf } from '../files.ts';
import { unreachable } from '../transport.ts';
import { type Api, part } from './api.ts';

/** Milliseconds before an upload that was cut goes on; it is given up when none of these tries brings it further. */
const PAUSES = [1_000, 3_000, 9_000, 27_000, 27_000];

/** Blobs of a served depot. */
export class RemoteBlobs implements Blobs {
  readonly #api: Api;
  readonly #work: string;
  readonly #signal: AbortSignal;
  #folder: Promise<string> | null = null;
  /** Files with the bytes of blobs, as they were sent or came. */
  readonly #atHand = new Map<string, string>();
  /** SHA-256 of what was sent from here. */
  readonly sent = new Set<string>();
  #files = 0;

  /** @param work absolute path of a private folder */
  constructor(api: Api, work: string, signal: AbortSignal) {
    this.#api = api;
    this.#work = work;
    this.#signal = signal;
  }

  async put(source: string | Buffer): Promise<BlobInfo> {
    // What is sent is what was looked at, whatever becomes of the source meanwhile.
    const copy = join(await this.#room(), `sent-${this.#files++}`);
    const info = await copied(source, copy);
    this.#atHand.set(info.sha256, copy);
    this.sent.add(info.sha256);
    await this.#sent(info, copy);
    return info;
  }

  async has(sha256: string): Promise<boolean> {
    return (await this.#state(sha256)).isThere;
  }

  async read(sha256: string): Promise<Buffer> {
    const stream = await this.#stream(sha256);
    const pieces: Buffer[] = [];
    for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw differs(this.#api.location, sha256);
    return bytes;
  }

  async withFile<Result>(sha256: string, work: (path: string) => Promise<Result>): Promise<Result> {
    let file = this.#atHand.get(sha256);
    if (file === undefined) {
      file = join(await this.#room(), `came-${this.#files++}`);
      const hash = createHash('sha256');
      await pipeline(await this.#stream(sha256), hashing(hash), createWriteStream(file, { mode: 0o600 }));
      if (hash.digest('hex') !== sha256) throw differs(this.#api.location, sha256);
      this.#atHand.set(sha256, file);
    }
    return work(file);
  }

  async isWhole(sha256: string): Promise<boolean | null> {
    try {
      return (await this.#api.send<{ isWhole: boolean }>('POST', `blobs/${part(sha256)}/verify`)).isWhole;
    } catch (error) {
      if (error instanceof D3Error && error.code === 'BLOB_NOT_FOUND') return null;
      throw error;
    }
  }

  async remove(sha256: string): Promise<void> {
    await this.#api.send('POST', 'blobs/remove-unused', { json: { candidates: [sha256] } });
  }

  async list(): Promise<Set<string>> {
    return new Set((await this.#api.get<{ blobs: string[] }>('blobs')).blobs);
  }

  async changedAt(sha256: string): Promise<number> {
    return (await this.#state(sha256)).changedAt ?? 0;
  }

  async setAside(sha256: string): Promise<void> {
    await this.#api.send('POST', `blobs/${part(sha256)}/set-aside`);
  }

  async unfinished(): Promise<{ name: string; changedAt: number }[]> {
    type Unfinished = { unfinished: { name: string; changedAt: number }[] };
    return (await this.#api.get<Unfinished>('unfinished-blobs')).unfinished;
  }

  async removeUnfinished(name: string): Promise<void> {
    await this.#api.send('DELETE', `unfinished-blobs/${part(name)}`);
  }

  /** Removes what was at hand. */
  async close(): Promise<void> {
    if (this.#folder !== null) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #state(sha256: string): Promise<{ isThere: boolean; changedAt: number | null }> {
    return this.#api.get(`blobs/${part(sha256)}`);
  }

  async #sent({ sha256, size }: BlobInfo, file: string): Promise<void> {
    const path = `uploads/${part(sha256)}`;
    type State = { received: number; isThere: boolean };
    let furthest = -1;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { received, isThere } = await this.#api.get<State>(path);
        // One that lost bytes on the disk becomes whole again.
        if (isThere && (await this.isWhole(sha256))) return;
        if (received > furthest) {
          furthest = received;
          attempt = 0;
        }
        const rest = received < size ? createReadStream(file, { start: received }) : Readable.from([]);
        const after = await this.#api.upload<State>(path, { offset: received, size }, rest);
        if (after.isThere) return;
        throw unreachable(this.#api.location, `it has ${after.received} of ${size} bytes`);
      } catch (error) {
        const pause = PAUSES[attempt];
        if (pause === undefined || !isCut(error)) throw error;
        await sleep(pause, undefined, { signal: this.#signal });
      }
    }
  }

  async #stream(sha256: string): Promise<Readable> {
    const stream = await this.#api.file(blobPath(sha256));
    if (stream !== null) return stream;
    throw new D3Error('BLOB_NOT_FOUND', 'notFound', `The depot ${this.#api.location} has no file ${sha256}.`, {
      target: sha256,
      actions: ['look at the depot: d3admin doctor'],
    });
  }

  #room(): Promise<string> {
    this.#folder ??= roomIn(this.#work);
    return this.#folder;
  }
}

async function roomIn(work: string): Promise<string> {
  makeFolder(work, 0o700);
  return mkdtemp(join(work, 'remote-'));
}

function isCut(error: unknown): boolean {
  if (!(error instanceof D3Error)) return false;
  return (
    error.exit === 'depotUnreachable' ||
    ['UPLOAD_OFFSET', 'UPLOAD_CUT', 'UPLOAD_BUSY', 'STOPPING', 'TOO_MANY'].includes(error.code)
  );
}

async function copied(source: string | Buffer, copy: string): Promise<BlobInfo> {
  const hash = createHash('sha256');
  if (typeof source !== 'string') {
    await writeFile(copy, source, { mode: 0o600 });
    return { sha256: hash.update(source).digest('hex'), size: source.length };
  }
  try {
    if (!(await stat(source)).isFile())
      throw new D3Error('NOT_A_FILE', 'refused', `${source} is not a regular file.`, { target: source });
    await copyFile(source, copy, constants.COPYFILE_FICLONE);
  } catch (error) {
    throw asD3Error(error, source, copy);
  }
  let size = 0;
  for await (const piece of createReadStream(copy, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.length;
  }
  return { sha256: hash.digest('hex'), size };
}

function hashing(hash: ReturnType<typeof createHash>): Transform {
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      hash.update(piece);
      done(null, piece);
    },
  });
}

function asD3Error(error: unknown, source: string, copy: string): unknown {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return new D3Error('FILE_NOT_FOUND', 'notFound', `There is no file ${source}.`, { target: source, cause: error });
    case 'ENOSPC':
    case 'EDQUOT':
      return new D3Error('NO_SPACE', 'failed', `${source} was not sent: the disk of ${copy} is full.`, {
        target: source,
        actions: ['make room there and repeat the command'],
        cause: error,
      });
    default:
      return error;
  }
}

function differs(location: string, sha256: string): D3Error {
  return new D3Error(
    'HASH_MISMATCH',
    'verificationFailed',
    `The file the depot ${location} gave is not the one it was asked for.`,
    { target: sha256, actions: ['look at the depot: d3admin doctor'] },
  );
}
