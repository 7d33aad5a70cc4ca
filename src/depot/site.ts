import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { D3Error } from '@d3/sdk';
import { refuseNewerSchema } from '../json-schema.ts';
import type { Clock } from '../platform/clock.ts';
import { alone } from './alone.ts';
import { openBlobs } from './blobs.ts';
import { createDepotClient } from './client.ts';
import { errnoOf, makeFolder, syncFolder, TEMP_PREFIX, tempPath, writeFileDurably } from './files.ts';
import { keysFolder } from './keys.ts';
import { settleRoots } from './roots.ts';
import { recordNames } from './sealed-records.ts';
import { unpublished } from './signing.ts';
import type { Store } from './store/contract.ts';
import { FolderTransport } from './transport.ts';

/**
 * A static copy of what a depot shows machines: `public/` and the blobs its catalog names. Machines that read it meanwhile
 * see the old publication until the new timestamp has its name; what is named no more stays for a while.
 */

export interface SiteOptions {
  /** Make a drop folder, in which machines leave their reports. */
  inbox: boolean;
  /** Days that files stay which nothing names any more. */
  graceDays: number;
  /** Hash the files that are there already, too. */
  check: boolean;
}

export interface SiteCopy {
  to: string;
  /** Files written, and their bytes. */
  written: { files: number; bytes: number };
  /** Files that were there already. */
  kept: number;
  removed: number;
  /** When the first of the metadata files in it expires, ISO 8601. */
  expires: string;
}

export interface KnownCopy {
  to: string;
  /** ISO 8601. */
  at: string;
  expires: string;
  options: SiteOptions;
}

export interface SiteMark {
  schema: 'd3/site-mark@1';
  /** SHA-256 of the depot's first root. */
  depot: string;
  /** Files that nothing names any more, since when (ISO 8601). */
  unnamed: Record<string, string>;
}

const VERSION = 1;
const MARK = '.d3-site.json';
const DAY = 86_400_000;
const SHA256 = /\b[0-9a-f]{64}\b/g;

/** @throws D3Error refused for a place that cannot be one, failed when what was written is not what was meant */
export async function copySite(
  dir: string,
  to: string,
  options: SiteOptions,
  { store, clock }: { store: Store; clock: Clock },
): Promise<SiteCopy> {
  const target = resolve(to);
  try {
    return await alone(
      join(keysFolder(dir), '.site.lock'),
      `Another process is at work on a copy of ${dir}.`,
      async () => {
        const at = clock.now();
        const copied = await copy(dir, target, options, clock);
        const known = { to: target, at: at.toISOString(), expires: copied.expires, options };
        await unpublished(store, () => noteCopy(dir, known));
        return copied;
      },
    );
  } catch (error) {
    throw asD3Error(error, target);
  }
}

async function copy(dir: string, to: string, options: SiteOptions, clock: Clock): Promise<SiteCopy> {
  const now = clock.now();
  const roots = await settleRoots(dir);
  const depot = hashOf(await readFile(join(dir, 'public', 'metadata', '1.root.json')));
  await refusePlace(dir, to);
  const mark = await markOf(to, depot);
  const shown = await publication(dir, roots);
  await makeFolder(to, 0o755);
  if (mark === null) await saveMark(to, { schema: 'd3/site-mark@1', depot, unnamed: {} });
  if (options.inbox) await makeInbox(join(to, 'inbox'));

  const copied = { files: 0, bytes: 0 };
  let kept = 0;
  for (const file of shown.files) {
    const size = await copyFile(join(dir, file.path), join(to, file.path), file, options.check);
    if (size === null) kept += 1;
    else {
      copied.files += 1;
      copied.bytes += size;
    }
  }
  await verifyCopy(to, shown, clock);
  const { unnamed, removed } = await tidy(to, new Set(shown.files.map(({ path }) => path)), mark, options, now);
  await saveMark(to, { schema: 'd3/site-mark@1', depot, unnamed });
  return { to, written: copied, kept, removed, expires: shown.expires };
}

interface SiteFile {
  path: string;
  /** SHA-256 it must have; null for metadata, whose bytes are given. */
  sha256: string | null;
  bytes: Buffer | null;
}

interface Shown {
  /** In the order they are written: nothing is named before it is there. */
  files: SiteFile[];
  catalogSha256: string;
  expires: string;
}

/** What the newest timestamp leads to, as it is now. */
async function publication(dir: string, roots: readonly number[]): Promise<Shown> {
  const metadata = (name: string) => `public/metadata/${name}`;
  const read = async (path: string) => ({ path, sha256: null, bytes: await readFile(join(dir, path)) });
  const signed = ({ bytes }: { bytes: Buffer }) => JSON.parse(bytes.toString('utf8')).signed;
  const timestamp = await read(metadata('timestamp.json'));
  const snapshot = await read(metadata(`${signed(timestamp).meta['snapshot.json'].version}.snapshot.json`));
  const targets = await read(metadata(`${signed(snapshot).meta['targets.json'].version}.targets.json`));
  const rootFiles = await Promise.all(roots.map((version) => read(metadata(`${version}.root.json`))));
  const catalogSha256: string = signed(targets).targets['catalog.json'].hashes.sha256;
  const catalogPath = `public/targets/${catalogSha256}.catalog.json`;
  const catalog = await readFile(join(dir, catalogPath), 'utf8');
  const present = await openBlobs(dir).list();
  const named = [...new Set(catalog.match(SHA256) ?? [])].filter((sha256) => present.has(sha256));
  const records = await Promise.all((await recordNames(dir)).map((name) => read(`public/records/${name}`)));
  const last = rootFiles.at(-1) as { bytes: Buffer };
  const expires = [timestamp, snapshot, targets, last]
    .map((file) => signed(file).expires as string)
    .reduce((a, b) => (new Date(a) < new Date(b) ? a : b));
  return {
    files: [
      ...named.toSorted().map((sha256) => ({ path: `blobs/${sha256.slice(0, 2)}/${sha256}`, sha256, bytes: null })),
      ...records,
      { path: catalogPath, sha256: catalogSha256, bytes: null },
      targets,
      snapshot,
      ...rootFiles,
      timestamp,
    ],
    catalogSha256,
    expires,
  };
}

/** @returns bytes written, null when it was there already */
async function copyFile(from: string, to: string, file: SiteFile, check: boolean): Promise<number | null> {
  if (await isThere(from, to, file, check)) return null;
  await makeFolder(dirname(to), 0o755);
  if (file.bytes !== null) {
    await writeFileDurably(to, file.bytes, 0o644);
    return file.bytes.length;
  }
  const temp = tempPath(to);
  try {
    const { size, sha256 } = await copyHashing(from, temp);
    if (sha256 !== file.sha256) {
      throw new D3Error('BLOB_DAMAGED', 'failed', `${from} has not the bytes its name says: it was not copied.`, {
        target: from,
        actions: ['find out what else is damaged: d3admin doctor', 'put the file back from a backup of the depot'],
      });
    }
    await rename(temp, to);
    await syncFolder(dirname(to));
    return size;
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

async function isThere(from: string, to: string, { bytes, sha256 }: SiteFile, check: boolean): Promise<boolean> {
  const found = await stat(to).catch(() => null);
  if (found === null || !found.isFile()) return false;
  if (bytes !== null) return bytes.equals(await readFile(to));
  if (found.size !== (await stat(from)).size) return false;
  return !check || (await hashFile(to)) === sha256;
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(piece);
  return hash.digest('hex');
}

async function copyHashing(from: string, to: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  const handle = await open(to, 'wx', 0o644);
  try {
    await handle.chmod(0o644);
    for await (const piece of createReadStream(from, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      hash.update(piece);
      size += piece.length;
      await handle.writeFile(piece);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { size, sha256: hash.digest('hex') };
}

/** Reads the copy as a machine would that has never seen it. */
async function verifyCopy(to: string, { catalogSha256 }: Shown, clock: Clock): Promise<void> {
  const trustDir = await mkdtemp(join(tmpdir(), 'd3-site-'));
  try {
    const client = createDepotClient({ transport: new FolderTransport(to), trustDir, clock });
    const { sha256 } = await client.refresh();
    if (sha256 === catalogSha256) return;
    throw new D3Error('COPY_WRONG', 'failed', `What ${to} shows is not what was copied: something else writes there.`, {
      target: to,
    });
  } finally {
    await rm(trustDir, { recursive: true, force: true });
  }
}

/** Notes what nothing names any more, and removes what nothing has named for long enough. Roots always stay. */
async function tidy(
  to: string,
  named: ReadonlySet<string>,
  mark: SiteMark | null,
  { graceDays }: SiteOptions,
  now: Date,
): Promise<{ unnamed: Record<string, string>; removed: number }> {
  const unnamed: Record<string, string> = {};
  let removed = 0;
  for (const name of await readdir(to)) if (name.startsWith(TEMP_PREFIX)) await rm(join(to, name), { force: true });
  for (const folder of ['blobs', 'public/metadata', 'public/targets']) {
    const names = await readdir(join(to, folder), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of names) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const path = relative(to, file).split(sep).join('/');
      if (named.has(path) || entry.name.endsWith('.root.json')) continue;
      const since = mark?.unnamed[path] ?? now.toISOString();
      // Nobody else writes here: what is unfinished was left by one that was cut.
      const isOver = entry.name.startsWith(TEMP_PREFIX) || now.getTime() - Date.parse(since) >= graceDays * DAY;
      if (isOver) {
        await rm(file, { force: true });
        removed += 1;
      } else unnamed[path] = since;
    }
  }
  return { unnamed, removed };
}

/** Others may leave something in it, but neither list nor take what is there. */
async function makeInbox(inbox: string): Promise<void> {
  await makeFolder(inbox, 0o755);
  await chmod(inbox, 0o1733);
}

async function refusePlace(dir: string, to: string): Promise<void> {
  const depot = await realpath(dir);
  const place = await realpath(to).catch(() => to);
  const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}${sep}`);
  if (isWithin(place, depot) || isWithin(depot, place)) {
    throw new D3Error('COPY_PLACE', 'refused', `A copy cannot be in the depot it is of, nor around it: ${place}.`, {
      target: to,
      actions: ['name another folder with --to'],
    });
  }
}

async function markOf(to: string, depot: string): Promise<SiteMark | null> {
  const file = join(to, MARK);
  const text = await readFile(file, 'utf8').catch((error) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return null;
    throw error;
  });
  if (text === null) {
    const names = await readdir(to).catch((error) => {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    });
    if (names.length === 0) return null;
    throw new D3Error(
      'FOLDER_NOT_EMPTY',
      'refused',
      `${to} is not empty, and no copy of a depot. Nothing was changed.`,
      {
        target: to,
        actions: ['name an empty folder, or one that is not there yet'],
      },
    );
  }
  const mark = JSON.parse(text) as SiteMark;
  refuseNewerSchema(mark.schema, 'site-mark', VERSION, file);
  if (mark.depot === depot) return mark;
  throw new D3Error('COPY_OF_ANOTHER', 'refused', `${to} is a copy of another depot. Nothing was changed.`, {
    target: to,
    actions: ['name another folder with --to'],
  });
}

async function saveMark(to: string, mark: SiteMark): Promise<void> {
  await writeFileDurably(join(to, MARK), `${JSON.stringify(mark)}\n`, 0o644);
}

const copiesFile = (dir: string) => join(keysFolder(dir), 'copies.json');

/** The copies of a depot, as they were last made. */
export async function knownCopies(dir: string): Promise<KnownCopy[]> {
  const file = copiesFile(dir);
  try {
    const { schema, copies } = JSON.parse(await readFile(file, 'utf8'));
    refuseNewerSchema(schema, 'copies', VERSION, file);
    return copies as KnownCopy[];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function noteCopy(dir: string, copied: KnownCopy): Promise<void> {
  await saveCopies(dir, [...(await knownCopies(dir)).filter(({ to }) => to !== copied.to), copied]);
}

/** Forgets a copy: it is renewed no more. @returns whether it was known */
export async function forgetCopy(dir: string, to: string, store: Store): Promise<boolean> {
  return unpublished(store, async () => {
    const known = await knownCopies(dir);
    const left = known.filter((copied) => copied.to !== resolve(to));
    if (left.length < known.length) await saveCopies(dir, left);
    return left.length < known.length;
  });
}

async function saveCopies(dir: string, copies: KnownCopy[]): Promise<void> {
  await writeFileDurably(copiesFile(dir), `${JSON.stringify({ schema: 'd3/copies@1', copies })}\n`, 0o600);
}

function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function asD3Error(error: unknown, to: string): unknown {
  const code = errnoOf(error);
  if (code === null) return error;
  const [kind, name] =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? (['failed', 'NO_SPACE'] as const)
      : ['EACCES', 'EPERM', 'EROFS'].includes(code)
        ? (['notAuthorised', 'NO_ACCESS'] as const)
        : (['failed', 'COPY_FAILED'] as const);
  return new D3Error(name, kind, `The copy ${to} could not be made: ${(error as Error).message}.`, {
    target: to,
    actions: ['machines still see what it showed before; mend that and repeat the command'],
    cause: error,
  });
}
