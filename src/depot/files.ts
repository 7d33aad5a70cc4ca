import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Durable writes: what has its name is whole, and stays after a power cut. */

/** Unfinished files begin so; anything may remove old ones. */
export const TEMP_PREFIX = '.tmp-';

/** A name for an unfinished file beside `path`. */
export function tempPath(path: string): string {
  return join(dirname(path), `${TEMP_PREFIX}${randomBytes(8).toString('hex')}-${basename(path).slice(0, 100)}`);
}

/**
 * Writes a whole file under its name at once: readers see the old one or the new one.
 * @param mode permissions, whatever the umask says
 */
export async function writeFileDurably(path: string, bytes: Buffer | string, mode: number): Promise<void> {
  const temp = tempPath(path);
  try {
    const handle = await open(temp, 'wx', mode);
    try {
      await handle.chmod(mode);
      await giveToOwnerOf(dirname(path), handle);
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/**
 * What root writes in another user's folder belongs to that user, who must be able to go on with it.
 * @param dir the folder it is in
 */
export async function giveToOwnerOf(dir: string, handle: FileHandle): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(dir);
  if (uid !== 0) await handle.chown(uid, gid);
}

/**
 * Makes a folder, and those above it that are not there, with exactly these permissions whatever the umask says.
 * @param mode permissions of the folders made; one that is there already is left as it is
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const first = await makeMissing(resolve(path));
  if (first === null) return;
  const owner = process.getuid?.() === 0 ? await stat(dirname(first)) : null;
  for (let made = resolve(path); made.length >= first.length; made = dirname(made)) {
    await settleFolder(made, mode, owner);
    await syncFolder(dirname(made));
  }
}

/**
 * Node's own recursive `mkdir` never ends where the folder above is there and yet nothing can be made in it, as in /proc.
 * @param path absolute
 * @returns the first folder made, which holds all others; null when none had to be
 */
async function makeMissing(path: string): Promise<string | null> {
  if ((await kindOf(path)) === 'folder') return null;
  const missing = [path];
  for (let above = dirname(path); (await kindOf(above)) === 'absent'; above = dirname(above)) missing.unshift(above);
  let first: string | null = null;
  for (const folder of missing) {
    try {
      await mkdir(folder);
      first ??= folder;
    } catch (error) {
      // Another process may have been faster.
      if (errnoOf(error) !== 'EEXIST' || (await kindOf(folder)) !== 'folder') throw error;
    }
  }
  return first;
}

/** What a path leads to, through links. */
async function kindOf(path: string): Promise<'folder' | 'other' | 'absent'> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return 'absent';
    throw error;
  }
}

/** Never through a link: the owner of the folder above could put one in its place, to get what root owns. */
async function settleFolder(path: string, mode: number, owner: { uid: number; gid: number } | null): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await handle.chmod(mode);
    if (owner !== null && owner.uid !== 0) await handle.chown(owner.uid, owner.gid);
  } finally {
    await handle.close();
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(dir: string): Promise<void> {
  await syncAndClose(await open(dir, 'r'));
}

/** Makes a file's bytes durable. */
export async function syncFile(path: string): Promise<void> {
  await syncAndClose(await open(path, 'r'));
}

async function syncAndClose(handle: FileHandle): Promise<void> {
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The system's name of an error, e.g. `ENOENT`; null for any other error. */
export function errnoOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null;
}
