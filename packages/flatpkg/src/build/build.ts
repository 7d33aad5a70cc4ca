import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { writeBom } from '../bom/write.ts';
import type { ChecksumStyle } from '../checksum.ts';
import { asIoError, FlatpkgError, usage } from '../errors.ts';
import { syncFolder } from '../extract/folder.ts';
import { cleanInstallLocation } from '../names.ts';
import { checkIdentifier } from '../pkginfo.ts';
import type { RestartAction } from '../restart.ts';
import { writeXar, type XarSource } from '../xar/write.ts';
import { type WrittenArchive, writeArchive } from './archive.ts';
import { distributionDocument, type ProductSource } from './distribution.ts';
import { packageInfoDocument } from './package-info.ts';
import { checkOwner, type SourceEntry, walkSource } from './walk.ts';

/** What to pack, and how. */
export interface BuildOptions {
  /** Folder whose content becomes the payload. Without one the package has only scripts, and macOS keeps no receipt. */
  root?: string;
  /** Package file to write; an older one is replaced. Must not lie inside `root` or `scripts`. */
  output: string;
  identifier: string;
  version: string;
  /** Absolute; default `/`. */
  installLocation?: string;
  /** Folder with `preinstall` and/or `postinstall` and what they need. */
  scripts?: string;
  /**
   * `recommended` (default): root:wheel (0:0), and group admin (80) for what lands in /Applications; `preserve`: the
   * owners on this disk.
   */
  owners?: 'recommended' | 'preserve';
  restart?: RestartAction;
  /** Stamped on everything; the default is a fixed moment, so that the same content gives the same bytes. */
  modifiedTime?: Date;
  /** `preserve` keeps the times of the files in the payload instead of stamping them. */
  times?: 'fixed' | 'preserve';
  /** Hash of the table of contents and of the members; default `sha1`, which every version of macOS reads. */
  checksum?: ChecksumStyle;
  /** Asked for each name at the top of `root`: whether it is left out, with all that is in it. */
  leaveOut?: (name: string) => boolean;
  /** Makes a product archive of it: only there Apple's installer asks for a version of macOS or a processor. */
  product?: ProductSource;
  signal?: AbortSignal;
}

export interface BuildResult {
  /** Bytes of the package file. */
  size: number;
  /** Of the package file, hexadecimal. */
  sha256: string;
  /** Entries of the payload, the root included; 0 without a payload. */
  entries: number;
}

const FIXED_TIME = new Date('2020-01-01T00:00:00Z');
const ADMIN_GROUP = 80;
const SCRIPT_NAMES = ['preinstall', 'postinstall'];
const SCRIPT_MODE = 0o100755;
const COPY_PIECE = 1024 * 1024;

/**
 * Writes a component package, or a product archive of one, all or nothing: the output appears under its name when it is complete and on the disk.
 * Throws FlatpkgError, or the reason of the signal.
 */
export async function build(options: BuildOptions): Promise<BuildResult> {
  const checked = check(options);
  const temporary = `${options.output}.tmp-${randomBytes(6).toString('hex')}`;
  const scratch: string[] = [temporary];
  try {
    const result = await write(checked, options, temporary, scratch);
    renameSync(temporary, options.output);
    syncFolder(dirname(options.output));
    return result;
  } catch (error) {
    throw asIoError(error, 'writing the package', options.output);
  } finally {
    for (const path of scratch) rmSync(path, { force: true });
  }
}

interface Checked {
  payload: SourceEntry[] | null;
  scripts: SourceEntry[] | null;
  installLocation: string;
  time: Date;
}

function check(options: BuildOptions): Checked {
  asUsage(() => checkIdentifier(options.identifier, null));
  if (options.version === '') throw usage('BUILD_VERSION', 'a package needs a version');
  const location = options.installLocation ?? '/';
  if (!location.startsWith('/')) throw usage('BUILD_LOCATION', 'the install location must be absolute', location);
  const installLocation = asUsage(() => cleanInstallLocation(location));
  asUsage(() => packageInfoDocument({ ...options, ...EMPTY, installLocation, restart: 'none' }));
  asUsage(() => (options.product === undefined ? '' : distributionOf(options.product, options, 0)));
  const time = options.modifiedTime ?? FIXED_TIME;
  if (!(time.getTime() >= 0)) throw usage('BUILD_TIME', 'the time must be a valid date since 1970');
  if (options.root === undefined && options.scripts === undefined) {
    throw usage('BUILD_NOTHING', 'a package needs a folder for its payload, or scripts');
  }
  const payload =
    options.root === undefined ? null : readPayload(folderAt(options.root), options, installLocation, time);
  const scripts = options.scripts === undefined ? null : readScripts(folderAt(options.scripts), options.output, time);
  return { payload, scripts, installLocation, time };
}

const EMPTY = { payload: null, scripts: [] };

function readPayload(root: string, options: BuildOptions, installLocation: string, time: Date): SourceEntry[] {
  requireOutside(options.output, root);
  const payload = walkSource(root, options.leaveOut);
  if (options.times !== 'preserve') stamp(payload, time);
  if (options.owners === 'preserve') payload.forEach(checkOwner);
  else recommendOwners(payload, installLocation);
  return payload;
}

async function write(
  { payload, scripts, installLocation, time }: Checked,
  options: BuildOptions,
  temporary: string,
  scratch: string[],
): Promise<BuildResult> {
  const checksum = options.checksum ?? 'sha1';
  const open: number[] = [];
  const archive = async (entries: SourceEntry[], suffix: string) => {
    const path = `${temporary}.${suffix}`;
    scratch.push(path);
    const fd = openSync(path, 'wx+', 0o600);
    open.push(fd);
    return { fd, written: await writeArchive(fd, entries, checksum, options.signal) };
  };
  try {
    const packed = payload === null ? null : await archive(payload, 'payload');
    const packedScripts = scripts === null ? null : await archive(scripts, 'scripts');
    const counts = payload === null ? null : countsOf(payload);
    const info = packageInfoDocument({
      identifier: options.identifier,
      version: options.version,
      installLocation,
      restart: options.restart ?? 'none',
      payload: counts,
      scripts: scripts === null ? [] : SCRIPT_NAMES.filter((name) => scripts.some(({ path }) => path === name)),
    });
    const members: XarSource[] = [{ name: 'PackageInfo', mode: 0o644, content: Buffer.from(info) }];
    if (payload !== null && packed !== null) {
      members.unshift({ name: 'Bom', mode: 0o644, content: bomOf(payload, packed.written) });
      members.push(stored('Payload', packed.fd, packed.written));
    }
    if (packedScripts !== null) members.push(stored('Scripts', packedScripts.fd, packedScripts.written));
    const all =
      options.product === undefined
        ? members
        : productOf(members, distributionOf(options.product, options, counts?.installKBytes ?? 0));
    return { ...writeFile(temporary, all, checksum, time, options.signal), entries: payload?.length ?? 0 };
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** The folder of the one component in a product archive. */
const COMPONENT = 'component.pkg';

function distributionOf(product: ProductSource, { identifier, version, restart }: BuildOptions, installKBytes: number) {
  const component = { folder: COMPONENT, identifier, version, restart: restart ?? 'none', installKBytes };
  return distributionDocument(product, component);
}

function productOf(members: readonly XarSource[], distribution: string): XarSource[] {
  return [
    { name: 'Distribution', mode: 0o644, content: Buffer.from(distribution) },
    ...members.map((member) => ({ ...member, folder: COMPONENT })),
  ];
}

function writeFile(
  path: string,
  members: XarSource[],
  checksum: ChecksumStyle,
  time: Date,
  signal: AbortSignal | undefined,
): { size: number; sha256: string } {
  const hash = createHash('sha256');
  const fd = openSync(path, 'wx', 0o644);
  try {
    const size = writeXar(fd, members, { checksum, time }, (bytes) => {
      signal?.throwIfAborted();
      hash.update(bytes);
    });
    fsyncSync(fd);
    return { size, sha256: hash.digest('hex') };
  } finally {
    closeSync(fd);
  }
}

function stored(name: string, fd: number, { length, checksum }: WrittenArchive): XarSource {
  return { name, mode: 0o644, content: { length, checksum, pieces: () => piecesOf(fd, length) } };
}

function* piecesOf(fd: number, length: number): Generator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(COPY_PIECE);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, length - done), done);
    if (count === 0) throw new FlatpkgError('io', 'BUILD_CHANGED', 'a temporary file was cut short');
    yield buffer.subarray(0, count);
    done += count;
  }
}

function countsOf(payload: readonly SourceEntry[]): { numberOfFiles: number; installKBytes: number } {
  const bytes = payload.reduce((sum, { size }) => sum + size, 0);
  return { numberOfFiles: payload.length, installKBytes: Math.ceil(bytes / 1024) };
}

function bomOf(payload: readonly SourceEntry[], { cksums }: WrittenArchive): Buffer {
  return writeBom(payload.map((entry, index) => ({ ...entry, cksum: cksums[index] ?? 0 })));
}

function stamp(entries: SourceEntry[], time: Date): void {
  for (const entry of entries) entry.mtime = Math.floor(time.getTime() / 1000);
}

function recommendOwners(entries: SourceEntry[], installLocation: string): void {
  for (const entry of entries) {
    const place = `${installLocation}/${entry.path === '.' ? '' : entry.path}/`.replace(/\/+/g, '/');
    entry.uid = 0;
    entry.gid = place.startsWith('/Applications/') ? ADMIN_GROUP : 0;
  }
}

function readScripts(folder: string, output: string, time: Date): SourceEntry[] {
  requireOutside(output, folder);
  const entries = walkSource(folder);
  const scripts = entries.filter(({ path }) => SCRIPT_NAMES.includes(path));
  if (scripts.length === 0) throw usage('BUILD_SCRIPTS', 'holds neither a preinstall nor a postinstall', folder);
  for (const script of scripts) {
    if (script.type !== 'file') throw usage('BUILD_SCRIPTS', 'must be a regular file', script.path);
    script.mode = SCRIPT_MODE;
  }
  stamp(entries, time);
  for (const entry of entries) {
    entry.uid = 0;
    entry.gid = 0;
  }
  return entries;
}

/** The folder itself, where a link to one is named. */
function folderAt(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw usage('BUILD_ROOT', 'is not a folder', path);
  }
  return realpathSync(path);
}

function requireOutside(output: string, folder: string): void {
  let parent: string;
  try {
    parent = realpathSync(dirname(output));
  } catch {
    throw usage('BUILD_OUTPUT', 'the folder for the package is not there', output);
  }
  if (basename(output) === '' || `${parent}/`.startsWith(`${folder}/`.replace('//', '/'))) {
    throw usage('BUILD_OUTPUT', 'the package must not be written into the folder it is made from', output);
  }
}

/** What would be damage in a package is a wrong call here. */
function asUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof FlatpkgError) throw usage(error.code, error.message);
    if (error instanceof RangeError) throw usage('BUILD_TEXT', error.message);
    throw error;
  }
}
