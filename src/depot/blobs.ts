import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, giveToOwnerOf, makeFolder, syncFolder, TEMP_PREFIX, tempPath } from './files.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const FOLDER = /^[0-9a-f]{2}$/;

export interface BlobInfo {
  sha256: string;
  /** Bytes. */
  size: number;
}

/** Files named by the SHA-256 of their bytes, in `blobs/<first two digits>/<all digits>`. A name means a whole file. */
export interface Blobs {
  /**
   * Stores bytes, or a regular file's. Repeating it changes nothing.
   * @throws D3Error notFound `FILE_NOT_FOUND`, refused `NOT_A_FILE`, failed `NO_SPACE`
   */
  put(source: string | Buffer): Promise<BlobInfo>;
  has(sha256: string): Promise<boolean>;
  /**
   * Its bytes, which are what its name says: for what is to be run.
   * @throws D3Error notFound `BLOB_MISSING`, verificationFailed `BLOB_DAMAGED`
   */
  read(sha256: string): Promise<Buffer>;
  /** Works on a file with its bytes, which is there as long as the work goes on and is only to be read. */
  withFile<Result>(sha256: string, work: (path: string) => Promise<Result>): Promise<Result>;
  /** Whether every byte of it is still what was stored; null when it is gone. */
  isWhole(sha256: string): Promise<boolean | null>;
  /** Nothing happens when it is not there. */
  remove(sha256: string): Promise<void>;
  /** The hashes of all blobs. */
  list(): Promise<Set<string>>;
  /** When it was stored last, milliseconds since 1970. */
  changedAt(sha256: string): Promise<number>;
  /** Moves one whose bytes are wrong into the folder `damaged` of the depot, where no machine finds it. */
  setAside(sha256: string): Promise<void>;
  /** What interrupted writers left. */
  unfinished(): Promise<{ name: string; changedAt: number }[]>;
  /** @param name one of {@link unfinished} */
  removeUnfinished(name: string): Promise<void>;
}

/** Blobs in the folder of an embedded depot. */
export interface LocalBlobs extends Blobs {
  /** Where it is, there or not. */
  path(sha256: string): string;
}

/** Path of a blob in its depot, on every transport. @throws D3Error usage `HASH_INVALID` */
export function blobPath(sha256: string): string {
  if (SHA256.test(sha256)) return `blobs/${sha256.slice(0, 2)}/${sha256}`;
  throw new D3Error('HASH_INVALID', 'usage', `${JSON.stringify(sha256)} is no SHA-256 in lower-case hex.`);
}

/** @param depot the depot's folder */
export function openBlobs(depot: string): LocalBlobs {
  const dir = join(depot, 'blobs');
  const path = (sha256: string) => join(depot, blobPath(sha256));
  return {
    path,
    withFile: (sha256, work) => work(path(sha256)),
    isWhole: (sha256) => isWhole(path(sha256), sha256),
    put: (source) => put(dir, source, path),
    async has(sha256) {
      return stat(path(sha256)).then(
        (found) => found.isFile(),
        (error) => {
          if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return false;
          throw error;
        },
      );
    },
    read: (sha256) => read(path(sha256), sha256),
    async remove(sha256) {
      await rm(path(sha256), { force: true });
    },
    list: () => list(dir),
    changedAt: async (sha256) => (await stat(path(sha256))).mtimeMs,
    async setAside(sha256) {
      const damaged = join(depot, 'damaged');
      await makeFolder(damaged, 0o700);
      await rename(path(sha256), join(damaged, sha256));
      await syncFolder(damaged);
    },
    unfinished: () => unfinished(dir),
    async removeUnfinished(name) {
      if (name.startsWith(TEMP_PREFIX)) await rm(join(dir, basename(name)), { force: true });
    },
  };
}

async function isWhole(path: string, sha256: string): Promise<boolean | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
  return hash.digest('hex') === sha256;
}

async function read(path: string, sha256: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new D3Error('BLOB_MISSING', 'notFound', `The depot does not have ${sha256} any more.`, {
      target: path,
      actions: ['see what else is missing: d3admin doctor'],
    });
  });
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new D3Error('BLOB_DAMAGED', 'verificationFailed', `The bytes of ${sha256} are not what was stored.`, {
    target: path,
    actions: ['see what else is damaged: d3admin doctor'],
  });
}

async function put(dir: string, source: string | Buffer, pathOf: (sha256: string) => string): Promise<BlobInfo> {
  const temp = tempPath(join(dir, 'blob'));
  const target = typeof source === 'string' ? source : 'a blob';
  try {
    const info = await copyHashing(source, temp);
    const path = pathOf(info.sha256);
    const folder = dirname(path);
    // Machines read it as another user.
    await makeFolder(folder, 0o755);
    // Also over an existing one: a blob that lost bytes on the disk becomes whole again.
    await rename(temp, path);
    await syncFolder(folder);
    return info;
  } catch (error) {
    await rm(temp, { force: true });
    const isOurs = (error as NodeJS.ErrnoException).path === temp;
    throw isOurs && errnoOf(error) === 'ENOENT' ? noBlobs(dir, error) : asD3Error(error, target, dir);
  }
}

async function copyHashing(source: string | Buffer, temp: string): Promise<BlobInfo> {
  const chunks = typeof source === 'string' ? await openRegularFile(source) : [source];
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(temp, 'wx', 0o644);
  try {
    await handle.chmod(0o644);
    await giveToOwnerOf(dirname(temp), handle);
    for await (const chunk of chunks) {
      // The disk takes it while it is hashed.
      const written = writeAll(handle, chunk);
      hash.update(chunk);
      size += chunk.length;
      await written;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { sha256: hash.digest('hex'), size };
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) written += (await handle.write(chunk, written)).bytesWritten;
}

async function openRegularFile(path: string): Promise<AsyncIterable<Buffer>> {
  if ((await stat(path)).isFile()) return createReadStream(path, { highWaterMark: 1 << 20 });
  throw new D3Error('NOT_A_FILE', 'refused', `${path} is not a regular file.`, { target: path });
}

function asD3Error(error: unknown, target: string, dir: string): unknown {
  const options = { target, cause: error };
  switch (errnoOf(error)) {
    case 'ENOENT':
      return new D3Error('FILE_NOT_FOUND', 'notFound', `There is no file ${target}.`, options);
    case 'ENOSPC':
    case 'EDQUOT':
      return new D3Error('NO_SPACE', 'failed', `${target} was not stored: the disk of ${dir} is full.`, {
        ...options,
        actions: ['Make room there and repeat the command. Nothing was left behind.'],
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new D3Error(
        'NO_ACCESS',
        'notAuthorised',
        `${target} was not stored: ${(error as Error).message}.`,
        options,
      );
    default:
      return error;
  }
}

/** A depot without its packages is no place to go on in: made anew, every edition would be missing without a word. */
async function namesIn(dir: string): Promise<string[]> {
  return readdir(dir).catch((error) => {
    throw errnoOf(error) === 'ENOENT' ? noBlobs(dir, error) : error;
  });
}

function noBlobs(dir: string, cause: unknown): D3Error {
  return new D3Error('BLOBS_GONE', 'failed', `The depot's packages are gone: there is no folder ${dir}.`, {
    target: dir,
    actions: ['put the folder back from a backup', `or make an empty one, and every edition is missing: mkdir ${dir}`],
    cause,
  });
}

async function list(dir: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const folder of await namesIn(dir)) {
    if (!FOLDER.test(folder)) continue;
    for (const name of await readdir(join(dir, folder))) {
      if (SHA256.test(name) && name.startsWith(folder)) found.add(name);
    }
  }
  return found;
}

/** Files somebody began to write, and when they were written to last. */
async function unfinished(dir: string): Promise<{ name: string; changedAt: number }[]> {
  const found: { name: string; changedAt: number }[] = [];
  for (const name of await namesIn(dir)) {
    if (!name.startsWith(TEMP_PREFIX)) continue;
    const { mtimeMs } = await stat(join(dir, name)).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    found.push({ name, changedAt: mtimeMs });
  }
  return found;
}

/** Removes what interrupted writers left in `blobs/`: unfinished files that nobody has written to for a day. */
export async function removeUnfinished(depot: string, now: Date): Promise<void> {
  const dir = join(depot, 'blobs');
  for (const { name, changedAt } of await unfinished(dir)) {
    if (now.getTime() - changedAt > 86_400_000) await rm(join(dir, name), { force: true });
  }
}
