import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats, statfsSync } from 'node:fs';
import { chmod, type FileHandle, lstat, open, readdir, rename, rm, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error, type ExitName, type Reporter } from '@d3/sdk';
import type { PackageFile } from '../catalog/types.ts';
import type { BlobSource, DepotClient } from '../depot/contract.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { syncFolder } from '../platform/rootfs.ts';

/** Left free on the disk whatever is fetched. */
const RESERVE_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
/** A package, or the part of one that has come so far. */
const FETCHED = /^[0-9a-f]{64}(?:\.part(?:\.tag)?)?$/;
/** A strong entity tag. */
const TAG = /^"[\x21\x23-\x7e]{0,500}"$/;
const MAX_TAG = 512;

export interface FetchedFile {
  path: string;
  /** Open on the very file whose bytes were hashed. The caller closes it. */
  handle: FileHandle;
}

export interface FetchOptions {
  depot: Pick<DepotClient, 'sources'>;
  file: PackageFile;
  /** Private folder it comes into; made 0700. */
  folder: string;
  signal: AbortSignal;
  /** Told how far it has come, in bytes. */
  onProgress?: (done: number, total: number) => void;
  /** Told of a source that did not do, when another one is asked. */
  warn?: (text: string) => void;
}

/**
 * Brings a package file onto the machine, hashing while it streams; what was fetched and verified before is used again, and
 * what was cut goes on where it ended. Sources are asked in their order; one that gives other bytes is left for the next.
 * @throws D3Error verificationFailed (33) when it is not the file the catalog names; the bytes are thrown away.
 *   depotUnreachable (20) when it was cut; what has come is kept for the next time
 */
export async function fetchPackage(options: FetchOptions): Promise<FetchedFile> {
  const { depot, file, folder, warn = () => undefined } = options;
  await makePrivate(folder);
  const at = path.join(folder, file.sha256);
  const kept = await openKept(at, file);
  if (kept !== null) return { path: at, handle: kept };
  const sources = depot.sources();
  for (const [index, source] of sources.entries()) {
    try {
      return { path: at, handle: await fetchFrom(source, at, options) };
    } catch (error) {
      const isLast = index === sources.length - 1;
      if (isLast || !(error instanceof D3Error) || !LEAVES_TO_NEXT.includes(error.exit)) throw diskError(error, file);
      warn(`${file.name} could not be fetched from ${source.location}: ${error.message}`);
    }
  }
  throw new D3Error('NO_SOURCE', 'depotUnreachable', 'There is no place to fetch it from.', { target: file.name });
}

/** Tells a reporter how a fetch goes, of the edition it is for. */
export function telling(target: string, report: Reporter): Pick<FetchOptions, 'onProgress' | 'warn'> {
  return {
    onProgress: (done, total) => report({ type: 'advance', target, done, total, unit: 'bytes' }),
    warn: (text) => report({ type: 'warning', target: null, text }),
  };
}

/** What is wrong with one source need not be wrong with the next. */
const LEAVES_TO_NEXT: readonly ExitName[] = ['depotUnreachable', 'notFound', 'verificationFailed', 'notAuthorised'];

/** Tries again after a cut, as often as the source says that helps. */
async function fetchFrom(source: BlobSource, at: string, options: FetchOptions): Promise<FileHandle> {
  const { signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await fetchOnce(source, at, options);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof D3Error && error.code === 'FETCH_ANEW') continue;
      const pause = source.pauses[attempt];
      const wasCut = error instanceof D3Error && error.exit === 'depotUnreachable' && (await sizeOf(partOf(at))) > 0;
      if (pause === undefined || !wasCut) throw error;
      await sleep(pause, undefined, { signal });
    }
  }
}

async function fetchOnce(source: BlobSource, at: string, options: FetchOptions): Promise<FileHandle> {
  const { file, folder, signal, onProgress = () => undefined } = options;
  const part = partOf(at);
  const begun = await openPart(part, file);
  try {
    requireSpace(folder, file, begun.size);
    const after = begun.size === 0 ? null : { size: begun.size, tag: await tagBeside(part) };
    const passage = await source.open(file.sha256, after);
    try {
      if (passage.from !== begun.size) await startAgain(begun);
      await keepTag(part, passage.tag);
      await copyOn(passage.stream, begun, file, { signal, onProgress });
    } finally {
      // One that nobody read to its end holds on to a file or a connection.
      (passage.stream as Readable).destroy();
    }
    if (begun.size !== file.size || begun.hash.digest('hex') !== file.sha256) {
      await discard(part);
      // Whether the bytes before or after the cut are wrong cannot be told: all of it is fetched anew.
      if (passage.from > 0) throw cutOff(file);
      throw altered(file, begun.size);
    }
    await begun.handle.sync();
    await rename(part, at);
    syncFolder(folder);
    await unlink(`${part}.tag`).catch(ignoreAbsent);
    return begun.handle;
  } catch (error) {
    await begun.handle.close();
    const isCut = signal.aborted || (error instanceof D3Error && error.exit === 'depotUnreachable');
    if (!isCut || begun.size === 0) await discard(part);
    throw error;
  }
}

/** A file that has come so far, with the hash of that. */
interface Part {
  handle: FileHandle;
  hash: Hash;
  /** Bytes. */
  size: number;
}

/** What an earlier try has left, if nobody else can have changed it; else an empty one. */
async function openPart(part: string, file: PackageFile): Promise<Part> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;
  const stat = await lstat(part).catch(() => null);
  if (stat !== null && isOurs(stat) && stat.size < file.size) {
    const handle = await open(part, O_RDWR | O_NOFOLLOW);
    return closingOnFailure(handle, async () => {
      const hash = createHash('sha256');
      return { handle, hash, size: await hashInto(hash, handle) };
    });
  }
  if (stat !== null) await rm(part, { recursive: true, force: true });
  const handle = await open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return { handle, hash: createHash('sha256'), size: 0 };
}

async function startAgain(part: Part): Promise<void> {
  await part.handle.truncate(0);
  part.hash = createHash('sha256');
  part.size = 0;
}

function partOf(at: string): string {
  return `${at}.part`;
}

async function sizeOf(file: string): Promise<number> {
  return (await lstat(file).catch(() => null))?.size ?? 0;
}

/** What the source said tells the file from another; kept beside what has come of it. */
async function tagBeside(part: string): Promise<string | null> {
  const handle = await open(`${part}.tag`, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null);
  if (handle === null) return null;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_TAG), 0, MAX_TAG, 0);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return TAG.test(text) ? text : null;
  } finally {
    await handle.close();
  }
}

async function keepTag(part: string, tag: string | null): Promise<void> {
  await unlink(`${part}.tag`).catch(ignoreAbsent);
  if (tag === null || !TAG.test(tag)) return;
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  const handle = await open(`${part}.tag`, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await handle.writeFile(tag);
  } finally {
    await handle.close();
  }
}

/** Throws away what has come so far. */
async function discard(part: string): Promise<void> {
  await unlink(part).catch(ignoreAbsent);
  await unlink(`${part}.tag`).catch(ignoreAbsent);
}

/** Nobody else may reach what is fetched: it could be changed after it was verified. */
async function makePrivate(folder: string): Promise<void> {
  makeFolder(folder, 0o700);
  const stat = await lstat(folder);
  if (!stat.isDirectory()) {
    throw new D3Error('CACHE_UNTRUSTED', 'refused', 'Packages are fetched into a folder, and this is none.', {
      target: folder,
      actions: ['remove it'],
    });
  }
  if ((stat.mode & 0o077) !== 0) await chmod(folder, 0o700);
}

/**
 * Throws away packages nobody will ask for again, and what cut runs have left.
 * @param wanted hashes of the files to keep, whole or in part
 */
export async function sweepPackages(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  if (!(await lstat(folder).catch(() => null))?.isDirectory()) return;
  for (const name of await readdir(folder)) {
    // What cannot be removed takes up room and harms nobody.
    if (FETCHED.test(name) && !wanted.has(name.slice(0, 64)))
      await unlink(path.join(folder, name)).catch(() => undefined);
  }
}

/**
 * Throws away the oldest packages that nobody needs, until what is there takes no more than it may.
 * @param needed hashes of the files to keep, whole or in part
 * @param most bytes
 */
export async function trimPackages(folder: string, needed: ReadonlySet<string>, most: number): Promise<void> {
  if (!(await lstat(folder).catch(() => null))?.isDirectory()) return;
  const files: { at: string; size: number; mtimeMs: number; isNeeded: boolean }[] = [];
  for (const name of await readdir(folder)) {
    const at = path.join(folder, name);
    const stat = await lstat(at).catch(() => null);
    if (stat === null || !FETCHED.test(name)) continue;
    files.push({ at, size: stat.size, mtimeMs: stat.mtimeMs, isNeeded: needed.has(name.slice(0, 64)) });
  }
  let taken = files.reduce((sum, { size }) => sum + size, 0);
  for (const { at, size, isNeeded } of files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)) {
    if (taken <= most) return;
    if (isNeeded) continue;
    await unlink(at).catch(() => undefined);
    taken -= size;
  }
}

/** Throws away one package. What cannot be removed takes up room and harms nobody. */
export async function dropPackage(folder: string, sha256: string): Promise<void> {
  await unlink(path.join(folder, sha256)).catch(() => undefined);
}

/** Whether a file that was fetched and verified still stands there in full size; only a look at it. */
export async function isFetched(folder: string, { sha256, size }: PackageFile): Promise<boolean> {
  const stat = await lstat(path.join(folder, sha256)).catch(() => null);
  return stat !== null && isOurs(stat) && stat.size === size;
}

/** A file fetched by an earlier run, if it is still whole and nobody else can change it. */
async function openKept(at: string, file: PackageFile): Promise<FileHandle | null> {
  const stat = await lstat(at).catch(() => null);
  if (stat === null) return null;
  if (!isOurs(stat)) {
    await rm(at, { recursive: true, force: true });
    return null;
  }
  const handle = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW);
  return closingOnFailure(handle, async () => {
    const hash = createHash('sha256');
    const position = await hashInto(hash, handle);
    if (position === file.size && hash.digest('hex') === file.sha256) return handle;
    await handle.close();
    await unlink(at);
    return null;
  });
}

/** Work that is to give its handle on; it is closed when that fails. */
async function closingOnFailure<Result>(handle: FileHandle, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function copyOn(
  stream: NodeJS.ReadableStream,
  part: Part,
  file: PackageFile,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (done: number, total: number) => void },
): Promise<void> {
  for await (const chunk of stoppable(stream, signal)) {
    const position = part.size;
    part.size += chunk.length;
    if (part.size > file.size) return;
    part.hash.update(chunk);
    for (let written = 0; written < chunk.length; )
      written += (await part.handle.write(chunk, written, chunk.length - written, position + written)).bytesWritten;
    onProgress(part.size, file.size);
  }
}

function altered(file: PackageFile, size: number): D3Error {
  const why = size === file.size ? 'its content differs' : `it has ${size > file.size ? 'more' : 'fewer'} bytes`;
  const text = `The file the depot gave is not the one in the catalog: ${why}.`;
  return new D3Error('PACKAGE_ALTERED', 'verificationFailed', text, {
    target: file.name,
    actions: ['nothing was installed; an admin should look at the depot'],
  });
}

function cutOff(file: PackageFile): D3Error {
  const text = 'What had come of the file before does not go with the rest: it is fetched anew.';
  return new D3Error('FETCH_ANEW', 'depotUnreachable', text, { target: file.name, actions: ['run the command again'] });
}

/** A plain file that nobody else can have changed. */
function isOurs(stat: Stats): boolean {
  return stat.isFile() && stat.uid === process.getuid?.() && stat.nlink === 1 && (stat.mode & 0o022) === 0;
}

/** @returns how many bytes the file has */
async function hashInto(hash: Hash, handle: FileHandle): Promise<number> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return position;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

/** The chunks of a stream until the signal; one that gives nothing is stopped as well. */
async function* stoppable(stream: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = stream as Readable;
  if (signal.aborted) source.destroy();
  signal.throwIfAborted();
  const stop = () => source.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield* source;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** @param there bytes of it that have come already */
function requireSpace(folder: string, file: PackageFile, there: number): void {
  const { bavail, bsize } = statfsSync(folder);
  requireFree(bavail * bsize, file.size - there, file.name);
}

/**
 * @param free bytes free now
 * @param needed bytes about to be written
 * @throws D3Error failed (1) when they do not fit
 */
export function requireFree(free: number, needed: number, target: string): void {
  if (free >= needed + RESERVE_BYTES) return;
  throw new D3Error(
    'DISK_FULL',
    'failed',
    `The disk has ${megabytes(free)} MB free, ${megabytes(needed + RESERVE_BYTES)} MB are needed.`,
    {
      target,
      actions: ['make room and run the command again; nothing was changed'],
    },
  );
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}

function diskError(error: unknown, file: PackageFile): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') return error;
  return new D3Error('DISK_FULL', 'failed', 'The disk filled up while the package was fetched.', {
    target: file.name,
    actions: ['make room and run the command again; nothing was changed'],
    cause: error,
  });
}

function ignoreAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
