import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { Cksum } from '../cksum.ts';
import { asIoError, damaged, errnoOf, FlatpkgError, printable } from '../errors.ts';
import { writeAll } from '../fd.ts';
import type { FileEntry } from '../payload/entries.ts';
import type { PayloadVisitor } from '../payload/walk.ts';
import type { Warnings } from '../warnings.ts';
import type { Staged } from './plan.ts';
import type { StagingFolder } from './staging.ts';
import { SyncQueue } from './sync-queue.ts';

export interface WriterOptions {
  preserveOwners: boolean;
  /** Bits of the recorded modes that are kept. */
  modeMask: number;
  /** Flush every file to the disk. */
  durable: boolean;
  /** Bytes of content that may be written: what the disk has to spare. */
  spaceBytes: number;
  warnings: Warnings;
  /** Makes a hard link; default `linkSync`. For tests, which have no file system without links. */
  makeLink?: (from: string, to: string) => void;
}

const SET_ID_BITS = 0o6000;
const STICKY_BIT = 0o1000;
// What a file takes on the disk is counted in whole blocks: a million files of one byte fill gigabytes.
const BLOCK = 4096;
// What file systems say that have no hard links, or allow a file no more of them.
const NO_LINK = new Set(['EPERM', 'EACCES', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes the files and symlinks of a payload side by side into the staging folder, under numbers instead of names, so
 * that nothing in the payload can have an effect on where anything is written. Folders are only noted.
 */
export class StagedWriter implements PayloadVisitor {
  readonly #staging: StagingFolder;
  readonly #options: WriterOptions;
  readonly #staged = new Map<string, Staged>();
  // Entries that came again, the last of which counts; names that come later may still share their content.
  readonly #replaced = new Map<FileEntry, number>();
  // What further names are linked to, where a copy had to be made of a file.
  readonly #copies = new Map<FileEntry, number>();
  readonly #queue = new SyncQueue();
  #fd = -1;
  #sum = new Cksum();
  #number = 0;
  #space: number;

  constructor(staging: StagingFolder, options: WriterOptions) {
    this.#staging = staging;
    this.#options = options;
    this.#space = options.spaceBytes;
  }

  begin(entry: FileEntry, replaces: FileEntry | null): void {
    this.#takeSpace(entry);
    this.#warnOfBits(entry);
    this.#number += 1;
    if (replaces !== null && entry.type !== 'dir') this.#keepReplaced(replaces);
    this.#staged.set(entry.path, { entry, number: this.#number });
    if (entry.type !== 'file') return;
    this.#sum = new Cksum();
    this.#io(entry, () => {
      this.#fd = openSync(this.#staging.fresh(this.#number), CREATE, 0o600);
    });
  }

  data(piece: Buffer, entry: FileEntry): void {
    this.#sum.update(piece);
    this.#io(entry, () => {
      writeAll(this.#fd, piece);
    });
  }

  end(entry: FileEntry): void {
    this.#io(entry, () => {
      if (entry.type === 'file') this.#endFile(entry);
      else if (entry.type === 'symlink') this.#makeSymlink(entry);
    });
  }

  /** Puts a hard link in the place of the empty copy; a copy of the content where there can be no link. */
  link(entry: FileEntry, of: FileEntry): void {
    const number = this.#numberOf(entry);
    const from = this.#staging.fresh(this.#numberOf(of));
    const to = this.#staging.fresh(number);
    this.#io(entry, () => {
      unlinkSync(to);
      try {
        (this.#options.makeLink ?? linkSync)(from, to);
      } catch (error) {
        if (!NO_LINK.has(errnoOf(error) ?? '')) throw error;
        this.#copy(of, from, to);
        this.#copies.set(of, number);
      }
    });
  }

  /** What was staged since the last call, in the order of the payload: to be called after each payload. */
  take(): Staged[] {
    const staged = [...this.#staged.values()];
    for (const [entry, number] of this.#replaced) this.#io(entry, () => unlinkSync(this.#staging.fresh(number)));
    this.#staged.clear();
    this.#replaced.clear();
    this.#copies.clear();
    return staged;
  }

  /** Waits until everything written is flushed. */
  async finish(): Promise<void> {
    await this.#queue.drain();
  }

  /** Gives up: closes what is open. */
  async abandon(): Promise<void> {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    await this.#queue.settled();
  }

  #endFile(entry: FileEntry): void {
    entry.cksum = this.#sum.digest();
    this.#complete(entry);
  }

  /** Gives the open file its owner, mode and time, and closes it, flushed if need be. */
  #complete(entry: FileEntry): void {
    const fd = this.#fd;
    // The owner first: giving a file away takes setuid bits off it.
    if (this.#options.preserveOwners) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode & this.#options.modeMask & ~STICKY_BIT);
    futimesSync(fd, entry.mtime, entry.mtime);
    this.#fd = -1;
    if (this.#options.durable && entry.size > 0) this.#queue.add(fd);
    else closeSync(fd);
  }

  #makeSymlink(entry: FileEntry): void {
    const { target } = entry;
    if (target === null) throw damaged('ENTRY_TARGET', 'is a symlink without a target', entry.path);
    const path = this.#staging.fresh(this.#number);
    symlinkSync(target, path);
    if (this.#options.preserveOwners) lchownSync(path, entry.uid, entry.gid);
    lutimesSync(path, entry.mtime, entry.mtime);
  }

  #keepReplaced(entry: FileEntry): void {
    const before = this.#staged.get(entry.path);
    if (before !== undefined) this.#replaced.set(entry, before.number);
  }

  /** Number of the staged copy that holds the content of an entry, replaced or not. */
  #numberOf(entry: FileEntry): number {
    const staged = this.#staged.get(entry.path);
    const own = staged?.entry === entry ? staged.number : this.#replaced.get(entry);
    return this.#copies.get(entry) ?? (own as number);
  }

  /** The new file is one of its own now, and has to be finished like the one it was copied from. */
  #copy(of: FileEntry, from: string, to: string): void {
    this.#takeSpace(of);
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    this.#fd = openSync(to, constants.O_RDONLY | constants.O_NOFOLLOW);
    this.#complete(of);
  }

  #takeSpace(entry: FileEntry): void {
    const size = Math.ceil(entry.size / BLOCK) * BLOCK;
    if (size > this.#space) {
      throw new FlatpkgError('io', 'NO_SPACE', `does not fit: ${Math.max(this.#space, 0)} bytes are left`, entry.path);
    }
    this.#space -= size;
  }

  #warnOfBits(entry: FileEntry): void {
    if ((entry.mode & ~this.#options.modeMask & SET_ID_BITS) === 0) return;
    this.#options.warnings.add('setuid', `${printable(entry.path)}: setuid or setgid bit left out`);
  }

  #io(entry: FileEntry, action: () => void): void {
    try {
      action();
    } catch (error) {
      throw asIoError(error, 'writing a staged file', entry.path);
    }
  }
}
