import { closeSync, constants, fstatSync, openSync, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Budget } from './budget.ts';
import { readBundle } from './bundle/read.ts';
import type { ChecksumStyle } from './checksum.ts';
import type { Container } from './container.ts';
import type { OpenComponent, PackageContent } from './content.ts';
import { asIoError, errnoOf, printable, unsupported, usage } from './errors.ts';
import { readFlat } from './flat.ts';
import { type Limits, withDefaults } from './limits.ts';
import { describeSignature, readTicket, type Signature, ticketNames } from './signature.ts';
import { Warnings } from './warnings.ts';
import { XarArchive } from './xar/read.ts';
import { isZip, ZipArchive } from './zip/read.ts';

/** How a package is read. */
export interface ReadOptions {
  limits?: Partial<Limits>;
  signal?: AbortSignal;
}

export interface OpenPackage extends PackageContent {
  format: 'flat' | 'bundle';
  archive: Container;
  /** Of the table of contents; null for what has none. */
  tocChecksum: ChecksumStyle | null;
  /** Null for an unsigned package. */
  signature: Signature | null;
  warnings: Warnings;
  /** Of the whole package, for as long as it is open. */
  budget: Budget;
}

/**
 * Opens a package for the time of `work`: table of contents verified, PackageInfo and Distribution read.
 * A FileHandle stays open and is read from the very file it stands for. Throws FlatpkgError.
 */
export async function withPackage<T>(
  file: string | FileHandle,
  options: ReadOptions,
  work: (pkg: OpenPackage) => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const limits = withDefaults(options.limits);
  if (typeof file !== 'string') return work(await readPackage(file.fd, limits));
  const fd = openPackageFile(file);
  try {
    return await work(await readPackage(fd, limits));
  } finally {
    closeSync(fd);
  }
}

function openPackageFile(file: string): number {
  try {
    // Without O_NONBLOCK a fifo under that name would hang the caller.
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw usage('NO_SUCH_FILE', 'there is no such file', file);
    throw asIoError(error, 'opening the package', file);
  }
}

function statOf(fd: number): Stats {
  try {
    return fstatSync(fd);
  } catch (error) {
    throw asIoError(error, 'opening the package');
  }
}

async function readPackage(fd: number, limits: Limits): Promise<OpenPackage> {
  const kind = statOf(fd);
  if (kind.isDirectory()) {
    throw unsupported(
      'NOT_XAR',
      'this is a folder (a bundle-style package?), not a flat package; zip it to have it read',
    );
  }
  if (!kind.isFile()) throw usage('NOT_A_FILE', 'a package must be a regular file');
  const warnings = new Warnings();
  const budget = new Budget(limits);
  if (isZip(fd)) {
    const archive = await ZipArchive.open(fd, limits);
    const content = await readBundle(archive, limits, warnings);
    return { format: 'bundle', archive, tocChecksum: null, signature: null, warnings, budget, ...content };
  }
  const archive = XarArchive.open(fd, limits);
  const { checksum, signatures } = archive.toc;
  const ticket = readTicket(fd, archive.size);
  const signature = describeSignature(signatures, ticket !== null);
  if (ticket !== null && ticketNames(ticket, archive.tocHash) === false) {
    warnings.add('ticket', 'the notarization ticket stapled to it is for another package');
  }
  const content = await readFlat(archive, budget, warnings);
  return { format: 'flat', archive, tocChecksum: checksum.style, signature, warnings, budget, ...content };
}

/**
 * The components a caller means: the one named, by its identifier or its folder in the archive, or all that are
 * installed when nobody chooses. Throws FlatpkgError `usage` for a name that fits none.
 */
export function componentsNamed({ components }: OpenPackage, name: string | undefined): OpenComponent[] {
  if (name === undefined) return components.filter(({ info }) => info.selected);
  const found = components.filter(({ info }) => info.identifier === name || info.directory === name);
  if (found.length === 1) return found;
  const names = components.map(({ info }) => printable(info.directory ?? info.identifier)).join(', ');
  const text = found.length === 0 ? 'no component has this name' : 'more than one component has this identifier';
  throw usage('COMPONENT', `${text}: there are ${names}`, name);
}
