import type { Budget } from '../budget.ts';
import type { Container, Member } from '../container.ts';
import type { CpioEntry } from '../cpio/formats.ts';
import { CpioReader } from '../cpio/read.ts';
import { FlatpkgError, printable } from '../errors.ts';
import { decodeUtf8 } from '../names.ts';
import type { Warnings } from '../warnings.ts';
import { decodePayload } from './decode.ts';
import { type FileEntry, PayloadEntries } from './entries.ts';
import { LinkSets } from './links.ts';

/** What to do with a payload while it streams by. All calls are synchronous: the hot loop makes no promises. */
export interface PayloadVisitor {
  /** A file, folder or symlink begins; `replaces` is an earlier entry of the same path and type. */
  begin?(entry: FileEntry, replaces: FileEntry | null): void;
  /** Content of a file. */
  data?(piece: Buffer, entry: FileEntry): void;
  /** The entry is complete; a symlink has its target now. */
  end?(entry: FileEntry): void;
  /**
   * A file that began and ended empty turns out to be another name of `of`, which is complete but may have been
   * replaced since. What they have in common (size, mode, checksum, …) is set in `entry` now, except `linkOf`.
   */
  link?(entry: FileEntry, of: FileEntry): void;
  /** Decoded bytes so far, headers included; the place to stop a bomb. */
  progress?(bytes: number): void;
}

export interface WalkOptions {
  /** Of the package: counts all of its payloads together. */
  budget: Budget;
  /** Clean install location: where the entries go, and what their paths become longer by. */
  location: string;
  warnings: Warnings;
  signal?: AbortSignal | undefined;
}

/**
 * Decodes one payload (or scripts archive) of an archive to its end, checks every entry, and returns what it holds.
 * The member's checksums have been verified when this returns. Throws FlatpkgError, or the signal's reason.
 */
export async function walkPayload(
  archive: Container,
  member: Member,
  visitor: PayloadVisitor,
  { budget, location, warnings, signal }: WalkOptions,
): Promise<FileEntry[]> {
  const tally = budget.contents;
  // What follows a payload in its member is read as well, and may be far more than the payload.
  budget.packed.addBytes(member.size, member.path);
  const entries = new PayloadEntries(location, tally, warnings);
  const sink = new EntrySink(entries, visitor, warnings);
  const reader = new CpioReader(sink, member.path);
  let bytes = 0;
  for await (const piece of decodePayload(archive.stream(member, signal), member.path)) {
    bytes += piece.length;
    tally.addBytes(piece.length, member.path);
    visitor.progress?.(bytes);
    reader.push(piece);
  }
  reader.finish();
  sink.finish();
  if (reader.trailing > 0) {
    warnings.add('after the end', `${printable(member.path)}: ${reader.trailing} bytes follow the end of the archive`);
  }
  if (entries.appleDouble > 0) {
    warnings.add('AppleDouble', `${printable(member.path)}: ${entries.appleDouble} AppleDouble files (._*) left out`);
  }
  return entries.list();
}

/** Turns cpio entries into checked payload entries; gathers the targets of symlinks, and the names of one file. */
class EntrySink {
  readonly #entries: PayloadEntries;
  readonly #visitor: PayloadVisitor;
  readonly #links: LinkSets;
  #header: CpioEntry | null = null;
  #entry: FileEntry | null = null;
  #target: Buffer[] = [];

  constructor(entries: PayloadEntries, visitor: PayloadVisitor, warnings: Warnings) {
    this.#entries = entries;
    this.#visitor = visitor;
    this.#links = new LinkSets(warnings, {
      isCurrent: (entry) => entries.isCurrent(entry),
      link: (entry, of) => visitor.link?.(entry, of),
    });
  }

  begin(header: CpioEntry): void {
    const admitted = this.#entries.admit(header);
    this.#header = header;
    this.#entry = admitted?.entry ?? null;
    this.#target = [];
    if (admitted === null) this.#links.leaveOut(header);
    else this.#visitor.begin?.(admitted.entry, admitted.replaces);
  }

  data(piece: Buffer): void {
    if (this.#entry?.type === 'file') this.#visitor.data?.(piece, this.#entry);
    else if (this.#entry?.type === 'symlink') this.#target.push(Buffer.from(piece));
  }

  end(): void {
    const entry = this.#entry;
    if (entry === null) return;
    if (entry.type === 'symlink') entry.target = this.#decodeTarget(entry.path);
    this.#visitor.end?.(entry);
    if (entry.type === 'file' && this.#header !== null) this.#links.add(entry, this.#header);
  }

  /** To be called after the last entry. */
  finish(): void {
    this.#links.finish();
  }

  #decodeTarget(path: string): string {
    const target = decodeUtf8(Buffer.concat(this.#target));
    if (target === null || target.includes('\0')) {
      throw new FlatpkgError('damaged', 'ENTRY_TARGET', 'is a symlink whose target is not valid text', path);
    }
    return target;
  }
}
