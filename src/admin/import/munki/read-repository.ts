import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { FlatpkgError, type PlainPlist, readPlainPlist } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { NotPlain, readOwnFile } from '../../../platform/plain-file.ts';
import { readItem } from './item.ts';
import { readManifest } from './manifest.ts';
import type { MunkiRepository } from './propose.ts';
import { shortened } from './scopes.ts';

/** Reads a repository of Munki's. What is in it is hostile input: bounded, and nothing outside of it is looked at. */

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_FILES = 200_000;
const MAX_DEPTH = 32;

/** A file of the repository that cannot be used. */
interface Unreadable {
  from: string;
  error: D3Error;
}

export interface ReadRepository extends MunkiRepository {
  /** Its absolute path, without links. */
  dir: string;
  unreadable: Unreadable[];
}

/**
 * @param given path of the repository
 * @throws D3Error notFound `NO_FOLDER`, `NO_MUNKI_REPOSITORY`; the abort's reason
 */
export async function readRepository(given: string, signal: AbortSignal): Promise<ReadRepository> {
  const dir = repositoryAt(given);
  const read: {
    dir: string;
    items: ReadRepository['items'][number][];
    manifests: ReadRepository['manifests'][number][];
    unreadable: Unreadable[];
  } = {
    dir,
    items: [],
    manifests: [],
    unreadable: [],
  };
  let count = 0;
  for (const [folder, take] of [
    ['pkgsinfo', (plist: PlainPlist, from: string) => read.items.push(readItem(plist, from))],
    [
      'manifests',
      (plist: PlainPlist, from: string) =>
        read.manifests.push(readManifest(plist, from.slice('manifests/'.length), from)),
    ],
  ] as const) {
    for (const from of filesBelow(dir, folder, read.unreadable)) {
      try {
        take(readPlist(dir, from), from);
      } catch (error) {
        if (!(error instanceof D3Error)) throw error;
        read.unreadable.push({ from, error });
      }
      count += 1;
      // Thousands are read in one go: who stops it is heard meanwhile.
      if (count % 200 === 0) await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
  }
  return read;
}

function repositoryAt(given: string): string {
  let dir: string;
  try {
    dir = realpathSync(path.resolve(given));
  } catch (error) {
    throw new D3Error('NO_FOLDER', 'notFound', `There is no folder ${path.resolve(given)}.`, {
      target: given,
      cause: error,
    });
  }
  const isFolder = (at: string) => lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isFolder(path.join(dir, 'pkgsinfo'))) return dir;
  throw new D3Error(
    'NO_MUNKI_REPOSITORY',
    'notFound',
    `${dir} is no repository of Munki's: it has no folder pkgsinfo.`,
    {
      target: given,
      actions: ['name the folder that holds catalogs, manifests, pkgs and pkgsinfo'],
    },
  );
}

/** Every file below a folder of the repository, sorted; none where the folder is missing. What begins with a dot is nobody's. */
function filesBelow(dir: string, folder: string, unreadable: Unreadable[]): string[] {
  const found: string[] = [];
  const look = (at: string, depth: number) => {
    if (depth > MAX_DEPTH) {
      unreadable.push({ from: at, error: unusable(at, `it lies deeper than ${MAX_DEPTH} folders`) });
      return;
    }
    for (const entry of readdirSync(path.join(dir, at), { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const from = `${at}/${entry.name}`;
      if (entry.isDirectory()) look(from, depth + 1);
      else found.push(from);
      if (found.length > MAX_FILES)
        throw new D3Error('MUNKI_TOO_MANY', 'refused', `${folder} has more than ${MAX_FILES} files.`, {
          target: folder,
        });
    }
  };
  if (lstatSync(path.join(dir, folder), { throwIfNoEntry: false })?.isDirectory() === true) look(folder, 0);
  return found.toSorted();
}

function readPlist(dir: string, from: string): PlainPlist {
  try {
    return readPlainPlist(readOwnFile(insideOf(dir, from, from), MAX_FILE_BYTES).bytes, from);
  } catch (error) {
    if (error instanceof D3Error) throw error;
    if (error instanceof FlatpkgError && error.code === 'PLIST_BINARY')
      throw unusable(from, 'it is a binary property list', [`convert it: plutil -convert xml1 ${quoted(from)}`]);
    if (error instanceof FlatpkgError) {
      const why = error.message.replace(`${from}: `, '').replace(/\.$/, '');
      throw unusable(from, `it is no sound property list in XML: ${shortened(why)}`);
    }
    throw unusable(from, error instanceof NotPlain ? error.message : `it cannot be read (${(error as Error).message})`);
  }
}

/**
 * Where a file of the repository is, once all links are followed.
 * @param location as the repository says it, below its own folder
 * @param target whom an error names
 * @throws D3Error verificationFailed (33) when that is outside of the repository, notFound (34) when nothing is there
 */
function insideOf(dir: string, location: string, target: string): string {
  const outside = (why: string) =>
    new D3Error('MUNKI_OUTSIDE', 'verificationFailed', `${shortened(location)} ${why}: it is not looked at.`, {
      target,
      actions: ['a repository may only name what is in it: mend it, and import again'],
    });
  if (location.includes('\0') || location.length > 4_096) throw outside('is no path');
  const at = path.join(dir, location);
  if (!isBelow(dir, at)) throw outside('leads out of the repository');
  let real: string;
  try {
    real = realpathSync(at);
  } catch (error) {
    const isGone = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    const text = isGone
      ? `there is no file ${shortened(location)}`
      : `${shortened(location)} cannot be found (${(error as Error).message})`;
    throw new D3Error('MUNKI_FILE_ABSENT', isGone ? 'notFound' : 'failed', `It cannot be taken in: ${text}.`, {
      target,
      actions: ['put it into the repository, or take its pkginfo out'],
      cause: error,
    });
  }
  if (!isBelow(dir, real)) throw outside('is a link out of the repository');
  return real;
}

/**
 * A package file of the repository, as far as it can be told without reading it.
 * @throws D3Error as {@link insideOf}; verificationFailed (33) when it is not the file the repository means
 */
export function packageFile(
  dir: string,
  { location, kilobytes }: { location: string; kilobytes: number | null },
  target: string,
): { path: string; size: number } {
  const at = insideOf(dir, `pkgs/${location}`, target);
  const stat = statSync(at);
  const wrong = (code: string, text: string, actions: string[]) =>
    new D3Error(code, 'verificationFailed', text, { target, actions });
  if (stat.isDirectory())
    throw wrong('MUNKI_BUNDLE', `${shortened(location)} is a bundle-style package, which Macs no longer install.`, [
      'zip it, then: d3 pkg extract FILE.zip --to DIR, and d3 pkg build DIR; add that by hand',
    ]);
  if (!stat.isFile())
    throw wrong('MUNKI_FILE', `${shortened(location)} is no plain file.`, ['put the package itself there']);
  // Munki writes whole kilobytes, rounded either way.
  if (kilobytes !== null && Math.abs(stat.size / 1024 - kilobytes) > 1)
    throw wrong(
      'MUNKI_SIZE',
      `${shortened(location)} has ${stat.size} bytes, and ${kilobytes} KiB is what its pkginfo says.`,
      ['put the right file there, or make the pkginfo anew'],
    );
  return { path: at, size: stat.size };
}

function isBelow(dir: string, at: string): boolean {
  return at.startsWith(dir.endsWith('/') ? dir : `${dir}/`);
}

function unusable(from: string, why: string, actions: string[] = []): D3Error {
  return new D3Error('MUNKI_FILE', 'verificationFailed', `The file cannot be used: ${why}.`, {
    target: from,
    actions: [...actions, 'mend it in the repository, and import again'],
  });
}

function quoted(text: string): string {
  return /^[\w./+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
