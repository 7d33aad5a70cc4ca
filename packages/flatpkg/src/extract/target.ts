import { lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { asIoError, damaged, errnoOf, printable, refused, usage } from '../errors.ts';
import { foldName } from '../names.ts';

/** Where a folder named by a package really lies. */
export interface Folder {
  /** Below the target root, starting with `/`; no part of it is a symlink. */
  absolute: string;
  /** False for a folder that has to be made. */
  exists: boolean;
  /** Device number of the file system it lies on, or will lie on. */
  dev: number;
}

/**
 * The target root as it was found: answers where things of the package will come to lie, following only symlinks that
 * are there already and stay inside. It changes nothing and remembers every folder it has looked at.
 */
export class Target {
  /** Real path of the root on this machine, without a trailing slash (empty for `/`). */
  readonly root: string;
  // The staging folder, also under the name it has while it is removed.
  readonly #stagingKeys: string[];
  readonly #folders = new Map<string, Folder>();

  /** `root` must come from `realRoot`. */
  constructor(root: string, stagingName: string) {
    this.root = root === '/' ? '' : root;
    this.#stagingKeys = [foldName(`/${stagingName}`), foldName(`/${stagingName}.done`)];
    this.#folders.set('/', { absolute: '/', exists: true, dev: statSync(root).dev });
  }

  /** The path on this machine of a path below the root. */
  host(absolute: string): string {
    return absolute === '/' ? this.root || '/' : this.root + absolute;
  }

  /** Resolves a folder, which may not exist yet. Throws FlatpkgError `refused` when something else is in its place. */
  folder(path: string): Folder {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const parent = this.folder(parentOf(path));
    const absolute = join(parent.absolute, baseOf(path));
    this.#keepOutOfStaging(absolute, path);
    const folder = parent.exists ? this.#look(absolute, path, parent) : { ...parent, absolute };
    this.#folders.set(path, folder);
    return folder;
  }

  /**
   * Resolves a file or symlink to be placed, and says whether one is there already that it replaces.
   * Throws FlatpkgError `refused` when a folder or something special is in its place.
   */
  leaf(path: string, type: 'file' | 'symlink'): { absolute: string; parent: Folder; replaces: boolean } {
    const parent = this.folder(parentOf(path));
    const absolute = join(parent.absolute, baseOf(path));
    this.#keepOutOfStaging(absolute, path);
    const there = parent.exists ? lstatOrNull(this.host(absolute)) : null;
    if (there === null) return { absolute, parent, replaces: false };
    if (there.isDirectory()) throw refused('TARGET_TYPE', `is a ${type} here, but a folder in the target`, path);
    if (!there.isFile() && !there.isSymbolicLink()) {
      throw refused('TARGET_TYPE', `is a ${type} here, but a device, fifo or socket in the target`, path);
    }
    return { absolute, parent, replaces: true };
  }

  #look(absolute: string, path: string, parent: Folder): Folder {
    const there = lstatOrNull(this.host(absolute));
    if (there === null) return { absolute, exists: false, dev: parent.dev };
    if (there.isDirectory()) return { absolute, exists: true, dev: there.dev };
    if (there.isSymbolicLink()) return this.#followInside(absolute, path);
    throw refused('TARGET_TYPE', 'is a folder here, but something else in the target', path);
  }

  /** A symlink that was in the target before may stand for a folder, as `/etc` for `private/etc`, if it stays inside. */
  #followInside(absolute: string, path: string): Folder {
    let real: string;
    let there: Stats;
    try {
      real = realpathSync.native(this.host(absolute));
      there = lstatSync(real);
    } catch (error) {
      const why = errnoOf(error) ?? 'error';
      throw refused('TARGET_LINK', `leads through a symlink of the target that leads nowhere (${why})`, path);
    }
    if (real.includes('\ufffd')) throw refused('TARGET_LINK', 'leads through a name that is not valid UTF-8', path);
    if (!real.startsWith(`${this.root}/`)) {
      throw refused('TARGET_LINK', `leads through a symlink out of the target, to "${printable(real)}"`, path);
    }
    const inside = real.slice(this.root.length);
    this.#keepOutOfStaging(inside, path);
    if (!there.isDirectory())
      throw refused('TARGET_TYPE', 'is a folder here, but a link to a file in the target', path);
    return { absolute: inside, exists: true, dev: there.dev };
  }

  #keepOutOfStaging(absolute: string, path: string): void {
    const key = foldName(absolute);
    if (this.#stagingKeys.some((staging) => key === staging || key.startsWith(`${staging}/`))) {
      throw damaged('TARGET_STAGING', 'lies in the folder used for staging', path);
    }
  }
}

/** The real path of a target root. Throws FlatpkgError `usage` unless it is a folder. */
export function realRoot(root: string): string {
  try {
    const real = realpathSync.native(root);
    if (statSync(real).isDirectory()) return real;
  } catch (error) {
    if (errnoOf(error) === null) throw error;
  }
  throw usage('ROOT', 'the target root is not a folder that can be used', root);
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/**
 * Throws FlatpkgError `refused` unless all parents of a path are folders or not there: it is a real path, so a link
 * among them has been slipped in since, and would lead out of the target. `host` gives the path on this machine.
 */
export function requireRealParents(absolute: string, host: (absolute: string) => string): void {
  if (isReal(host(parentOf(absolute)))) return;
  for (let path = parentOf(absolute); path !== '/'; path = parentOf(path)) {
    const there = lstatOrNull(host(path));
    if (there !== null && !there.isDirectory()) throw refused('TARGET_CHANGED', 'is no folder any more', path);
  }
}

/** Whether a path is there and no part of it is a link: one look at all of its levels. */
function isReal(hostPath: string): boolean {
  try {
    return realpathSync.native(hostPath) === hostPath;
  } catch {
    return false;
  }
}

/** The state of a path itself, never of what a symlink points to; null when nothing is there. */
export function lstatOrNull(hostPath: string): Stats | null {
  try {
    return lstatSync(hostPath, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw asIoError(error, 'looking at the target');
  }
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function join(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}
