import { constants } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { D3Error } from '@d3/sdk';
import { errnoOf, giveToOwnerOf, makeFolder, syncFolder, tempPath } from './files.ts';

/**
 * How a machine reaches a depot. Paths are the same on every transport: `metadata/…` and `targets/…` (signed), `blobs/…`
 * (named by their hash), `records/…` (sealed), `inbox/…` (reports). Nothing that comes through is trusted.
 */
export interface Transport {
  /** Where the depot is, for messages. */
  readonly location: string;
  /**
   * Reads a whole small file.
   * @returns its bytes, null when it is not there
   * @throws SourceRefused when it is larger than `maxBytes` or no plain file; D3Error `depotUnreachable`
   */
  read(path: string, maxBytes: number): Promise<Buffer | null>;
  /**
   * @returns the file's bytes, null when it is not there
   * @throws SourceRefused, D3Error `depotUnreachable`; the stream's errors are `depotUnreachable` too
   */
  stream(path: string): Promise<NodeJS.ReadableStream | null>;
  /**
   * Reads a whole small file, unless it is still what it was.
   * @param tag what {@link Transport.tagOf} said of it then; null: not known
   */
  changed(path: string, maxBytes: number, tag: string | null): Promise<Buffer | 'unchanged' | null>;
  /** What tells whether a file that was read is still the same; null where nothing does. */
  tagOf(path: string): string | null;
  /**
   * A file's bytes, from where an earlier passage of it ended if that can be.
   * @param after the piece that is there already; null for all of it
   * @returns null when it is not there
   */
  passage(path: string, after: Piece | null): Promise<Passage | null>;
  /** What time the source said it was with its last answer; null where it says none. For messages: nothing vouches for it. */
  time?(): Date | null;
  /** What time the source says it is now, asked without any credentials and whatever its certificate; null where it says none. */
  askTime?(): Promise<Date | null>;
  /** Milliseconds to wait before each further try after a cut; empty: a further try is of no use. */
  readonly pauses: readonly number[];
  /** Leaves a file in the inbox, whole or not at all. @throws D3Error `depotUnreachable` */
  put(path: string, bytes: Buffer): Promise<void>;
}

/** The beginning of a file that came before. */
export interface Piece {
  /** Bytes. */
  size: number;
  /** What the source said tells it from another file; null: nothing. */
  tag: string | null;
}

/** A file's bytes as they come, not yet verified. */
export interface Passage {
  stream: NodeJS.ReadableStream;
  /** Offset of the first byte: 0, or the size of the piece that was there. */
  from: number;
  tag: string | null;
}

/** The depot answered with something no depot of ours sends: too large, a link, a device. */
export class SourceRefused extends Error {
  readonly path: string;

  constructor(path: string, why: string) {
    super(`${path} ${why}`);
    this.name = 'SourceRefused';
    this.path = path;
  }
}

/** `depotUnreachable` (20) with what to do next. */
export function unreachable(location: string, why: string, cause?: unknown): D3Error {
  return new D3Error('DEPOT_UNREACHABLE', 'depotUnreachable', `The depot ${location} cannot be reached: ${why}.`, {
    target: location,
    actions: ['Check that the depot is there and mounted, or name another one with --depot.'],
    cause,
  });
}

/** A source that only gives files never takes any. */
export function noInbox(location: string): D3Error {
  return new D3Error(
    'REPORTS_NOT_TAKEN',
    'depotUnreachable',
    `The depot ${location} only gives files: it takes no reports.`,
    { target: location },
  );
}

/** @throws D3Error bug for anything but a path in a depot */
export function requirePath(path: string): void {
  if (!PATH.test(path)) throw new D3Error('PATH_INVALID', 'bug', `${path} is no path in a depot.`);
}

const PATH = /^(metadata|targets|blobs|records|inbox)(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/;

/** Whether a path is of a file in the depot's `public/`. */
export function isPublic(path: string): boolean {
  return /^(?:metadata|targets|records)\//.test(path);
}

/** A depot in a folder: on this host, or shared read-only over the network. */
export class FolderTransport implements Transport {
  readonly location: string;
  readonly pauses = [];

  /** @param dir the depot's folder */
  constructor(dir: string) {
    this.location = resolve(dir);
  }

  async read(path: string, maxBytes: number): Promise<Buffer | null> {
    const handle = await this.#open(path);
    if (handle === null) return null;
    try {
      const buffer = Buffer.allocUnsafe(Math.min((await handle.stat()).size, maxBytes) + 1);
      let length = 0;
      // One byte more than there should be shows a file that is too large, or grew.
      while (length < buffer.length) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
        if (bytesRead === 0) return buffer.subarray(0, length);
        length += bytesRead;
      }
      throw new SourceRefused(path, `is larger than the ${maxBytes} bytes it may have, or changes while it is read`);
    } catch (error) {
      throw this.#asError(error, path);
    } finally {
      await handle.close();
    }
  }

  async stream(path: string): Promise<NodeJS.ReadableStream | null> {
    return (await this.passage(path, null))?.stream ?? null;
  }

  changed(path: string, maxBytes: number): Promise<Buffer | null> {
    return this.read(path, maxBytes);
  }

  tagOf(): null {
    return null;
  }

  async passage(path: string, after: Piece | null): Promise<Passage | null> {
    const handle = await this.#open(path);
    if (handle === null) return null;
    try {
      const { size } = await handle.stat();
      const from = after !== null && after.size <= size ? after.size : 0;
      const { FileStream } = await import('./file-stream.ts');
      const stream = new FileStream(handle, (error) => this.#asError(error, path) as Error, from);
      return { stream, from, tag: null };
    } catch (error) {
      await handle.close();
      throw this.#asError(error, path);
    }
  }

  async put(path: string, bytes: Buffer): Promise<void> {
    const target = this.#locate(path);
    const folder = dirname(target);
    if (!path.startsWith('inbox/')) throw new D3Error('PATH_INVALID', 'bug', `${path} is not in the inbox.`);
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#putOnce(target, folder, bytes);
      } catch (error) {
        // The folder goes when its reports are taken in, maybe at this very moment.
        if (errnoOf(error) !== 'ENOENT' || attempt > 2) throw this.#asError(error, path);
      }
    }
  }

  async #putOnce(target: string, folder: string, bytes: Buffer): Promise<void> {
    const temp = tempPath(target);
    try {
      // The inbox is the depot's to make, and its owner takes the reports in, whoever wrote them.
      await stat(dirname(folder)).catch(async (error) => {
        if (errnoOf(error) !== 'ENOENT') throw error;
        await this.#refuseNoDepot();
        throw noInbox(this.location);
      });
      await makeFolder(folder, 0o700);
      if (!(await lstat(folder)).isDirectory()) throw new SourceRefused(folder, 'is not a folder');
      const handle = await open(temp, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await giveToOwnerOf(folder, handle);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temp, target);
      await syncFolder(folder);
    } catch (error) {
      await rm(temp, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Opens a plain file without following a link in its place or waiting for a pipe. */
  async #open(path: string): Promise<FileHandle | null> {
    const target = this.#locate(path);
    try {
      const handle = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if ((await handle.stat()).isFile()) return handle;
      await handle.close();
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') {
        await this.#refuseNoDepot();
        return null;
      }
      if (errnoOf(error) !== 'ELOOP') throw this.#asError(error, path);
    }
    throw new SourceRefused(path, 'is not a plain file');
  }

  /** An absent file of a depot is not the same as an absent depot, e.g. a share that is not mounted. */
  async #refuseNoDepot(): Promise<void> {
    const folder = join(this.location, 'public', 'metadata');
    const found = await stat(folder).catch((error) => {
      throw this.#asError(error, folder);
    });
    if (!found.isDirectory()) throw unreachable(this.location, 'there is no depot');
  }

  #locate(path: string): string {
    requirePath(path);
    return join(this.location, ...(isPublic(path) ? ['public'] : []), path);
  }

  #asError(error: unknown, path: string): unknown {
    if (error instanceof D3Error || error instanceof SourceRefused) return error;
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return unreachable(this.location, 'there is no depot', error);
    const reason = error instanceof Error ? error.message : String(error);
    return unreachable(this.location, `${path}: ${reason}`, error);
  }
}
