import type { FileHandle } from 'node:fs/promises';
import { compareBom } from './bom/of-component.ts';
import { Cksum } from './cksum.ts';
import type { OpenComponent } from './content.ts';
import { type PackageSummary, summaryOf } from './inspect.ts';
import { type ListedEntry, listedEntry } from './list.ts';
import { type OpenPackage, type ReadOptions, withPackage } from './package.ts';
import type { FileEntry } from './payload/entries.ts';
import { type PayloadVisitor, walkPayload } from './payload/walk.ts';

// Members up to this many bytes are not worth a stream.
const SMALL = 1024 * 1024;

export interface VerifyResult {
  /** As `inspect` gives it, but with all warnings that reading the rest brought. */
  summary: PackageSummary;
  /** The payloads of the components that are installed by default, with checksums computed from their content. */
  entries: ListedEntry[];
  /** Members with content, all of whose checksums are right. */
  members: number;
  /** Bytes of the package file that those members take, shared ones counted each time. */
  bytes: number;
  warnings: string[];
}

/**
 * Verifies all there is: table of contents, every member's checksums, the payload and the scripts archive of every
 * component entry by entry, the payload against the bill of materials. Throws FlatpkgError, or the signal's reason;
 * differences from the bill of materials are warnings.
 */
export async function verify(file: string | FileHandle, options: ReadOptions = {}): Promise<VerifyResult> {
  return withPackage(file, options, async (pkg) => {
    const { archive, budget, components } = pkg;
    const { signal } = options;
    const listed: ListedEntry[] = [];
    for (const component of components) {
      const entries = await verifyComponent(pkg, component, signal);
      if (!component.info.selected) continue;
      for (const entry of entries) listed.push(listedEntry(entry, component.info, 'payload'));
    }
    const contents = archive.members.filter(({ stored, size }) => stored > 0 || size > 0);
    for (const member of contents) {
      signal?.throwIfAborted();
      if (member.type !== 'file' || archive.hasRead(member)) continue;
      budget.contents.addBytes(member.size, member.path);
      // What comes out must be what the archive promises, whether it is stored compressed or not.
      if (member.size <= SMALL && member.stored <= SMALL) await archive.read(member, SMALL);
      else for await (const _ of archive.stream(member, signal)) signal?.throwIfAborted();
    }
    await archive.verifyRest(signal);
    const summary = summaryOf(pkg);
    return {
      summary,
      entries: listed,
      members: contents.length,
      bytes: contents.reduce((sum, { stored }) => sum + stored, 0),
      warnings: summary.warnings,
    };
  });
}

/** Returns the entries of its payload. */
async function verifyComponent(
  pkg: OpenPackage,
  component: OpenComponent,
  signal: AbortSignal | undefined,
): Promise<FileEntry[]> {
  const { archive, budget, warnings } = pkg;
  const options = { budget, location: '/', warnings, signal };
  if (component.scripts !== null) await walkPayload(archive, component.scripts, {}, options);
  if (component.payload === null) return [];
  const entries = await walkPayload(archive, component.payload, checksumming(), {
    ...options,
    location: component.info.installLocation,
  });
  await compareBom(pkg, component, entries);
  return entries;
}

/** Sets the checksum of every file that passes. */
function checksumming(): PayloadVisitor {
  let sum = new Cksum();
  return {
    begin() {
      sum = new Cksum();
    },
    data(piece) {
      sum.update(piece);
    },
    end(entry: FileEntry) {
      if (entry.type === 'file') entry.cksum = sum.digest();
    },
  };
}
