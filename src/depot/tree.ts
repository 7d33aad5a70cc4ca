import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, makeFolder, syncFolder, TEMP_PREFIX, tempPath } from './files.ts';
import { DATABASE_FILE, DATABASE_NAME } from './store/database.ts';

/** The files of a depot besides its database, as they are copied elsewhere. */

export interface TreeFile {
  /** Below the depot's folder, with `/`. */
  path: string;
  /** Bytes. */
  size: number;
  sha256: string;
  /** Permission bits. */
  mode: number;
}

const PIECE = 1024 * 1024;
/** Working folders, and what is being made. */
const NOT_OURS: ReadonlySet<string> = new Set(['work', 'lost+found']);

/** Whether a name at the top of a depot's folder is the database's or only there for a while. */
function isLeftOut(name: string): boolean {
  return name.startsWith(DATABASE_NAME) || name === DATABASE_FILE || name.startsWith('.d3-') || NOT_OURS.has(name);
}

/**
 * Everything a depot has in files, folder by folder.
 * @returns paths of regular files, and what is something else and is left out
 */
export async function filesOf(depot: string): Promise<{ files: string[]; others: string[] }> {
  const files: string[] = [];
  const others: string[] = [];
  const walk = async (below: string): Promise<void> => {
    const entries = await readdir(join(depot, below), { withFileTypes: true }).catch((error) => {
      // A folder of the inbox goes with its last report.
      if (errnoOf(error) === 'ENOENT' && below !== '') return [];
      throw error;
    });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if ((below === '' && isLeftOut(entry.name)) || entry.name.startsWith(TEMP_PREFIX)) continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) files.push(path);
      else others.push(path);
    }
  };
  await walk('');
  return { files, others };
}

/** Whether it is a package or script, whose name is its hash. @returns the hash, else null */
export function blobHash(path: string): string | null {
  const [, folder, hash] = /^blobs\/([0-9a-f]{2})\/([0-9a-f]{64})$/.exec(path) ?? [];
  return folder !== undefined && hash !== undefined && hash.startsWith(folder) ? hash : null;
}

/** @throws D3Error verificationFailed `BLOB_DAMAGED` when a package's bytes are not those of its name */
export function checkBlob(file: Pick<TreeFile, 'path' | 'sha256'>): void {
  const hash = blobHash(file.path);
  if (hash === null || hash === file.sha256) return;
  throw new D3Error('BLOB_DAMAGED', 'verificationFailed', `The bytes of ${file.path} are not what was stored.`, {
    target: file.path,
    actions: ['see what it is, and set it aside: d3admin doctor --fix'],
  });
}

/** @returns null when it is gone meanwhile */
export async function openFile(path: string): Promise<FileHandle | null> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error) => {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  });
}

/** Reads a file piece by piece and hashes it. @param take is given each piece, which is its own only until it returns */
export async function readThrough(
  handle: FileHandle,
  take: (piece: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let size = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, PIECE, size);
    if (bytesRead === 0) return { size, sha256: hash.digest('hex') };
    const piece = buffer.subarray(0, bytesRead);
    hash.update(piece);
    await take(piece);
    size += bytesRead;
  }
}

/** @returns null when it is not there */
export async function hashFile(path: string, signal: AbortSignal): Promise<{ size: number; sha256: string } | null> {
  const handle = await openFile(path);
  if (handle === null) return null;
  try {
    return await readThrough(handle, async () => {}, signal);
  } finally {
    await handle.close();
  }
}

/**
 * Copies a file of a depot; it has its name when it is whole.
 * @returns null when it is gone meanwhile
 */
export async function copyFile(from: string, to: string, path: string, signal: AbortSignal): Promise<TreeFile | null> {
  const source = await openFile(join(from, path));
  if (source === null) return null;
  try {
    const mode = (await source.stat()).mode & 0o777;
    const target = join(to, path);
    await makeFoldersLike(from, to, path);
    const written = await writeWhole(target, mode, (take) => readThrough(source, take, signal));
    return { path, mode, ...written };
  } finally {
    await source.close();
  }
}

/** Writes a file whose bytes come piece by piece, under another name until it is whole. */
export async function writeWhole<Result>(
  path: string,
  mode: number,
  fill: (take: (piece: Buffer) => Promise<void>) => Promise<Result>,
): Promise<Result> {
  const temp = tempPath(path);
  try {
    const handle = await open(temp, 'wx', mode);
    let result: Result;
    try {
      await handle.chmod(mode);
      result = await fill(async (piece) => {
        for (let at = 0; at < piece.length; ) at += (await handle.write(piece, at)).bytesWritten;
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
    await syncFolder(dirname(path));
    return result;
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

/** The folders above a file, with the permissions they have where it comes from. */
async function makeFoldersLike(from: string, to: string, path: string): Promise<void> {
  const parts = dirname(path) === '.' ? [] : dirname(path).split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const below = parts.slice(0, depth).join('/');
    const mode = await lstat(join(from, below)).then(
      (found) => found.mode & 0o777,
      () => 0o700,
    );
    await makeFolder(join(to, below), mode);
  }
}

/** The folders every depot has, full or empty. Machines read those that are open to all. */
export async function makeDepotFolders(dir: string): Promise<void> {
  for (const name of ['blobs', 'public']) await makeFolder(join(dir, name), 0o755);
  for (const name of ['keys', 'inbox']) await makeFolder(join(dir, name), 0o700);
}
