import { printable, refused } from '../errors.ts';
import { placeOf } from '../names.ts';
import type { FileEntry } from '../payload/entries.ts';
import { parentOf, type Target } from './target.ts';

/** An entry with the place it will have. */
export interface StagedEntry extends FileEntry {
  /** Identifier of the component it belongs to. */
  component: string;
  /**
   * Below the target root, starting with `/`: install location and path joined, parents resolved through the symlinks
   * that were in the target before.
   */
  absolute: string;
}

/** A payload entry and the number of its staged copy (folders have none). */
export interface Staged {
  entry: FileEntry;
  number: number;
}

/** A staged entry and where its component goes. */
export interface LocatedEntry extends Staged {
  /** Identifier. */
  component: string;
  /** Number of its component in the package: identifiers may come twice. */
  part: number;
  /** Clean and absolute, as in `Component.installLocation`. */
  location: string;
}

/** A folder to be made. */
export interface NewFolder {
  absolute: string;
  mode: number;
  /** Null: keep the owner that making it gave. */
  owner: { uid: number; gid: number } | null;
  /** Seconds since 1970; null: leave as is. */
  mtime: number | null;
}

/** A staged copy to be moved into the target. */
export interface Placement {
  number: number;
  absolute: string;
  /** True when something is there that has to be put aside. */
  replaces: boolean;
}

export interface Plan {
  entries: StagedEntry[];
  /** Parents first. */
  folders: NewFolder[];
  placements: Placement[];
  /** Places for which two components have a file: the later one counts. */
  overlaps: string[];
}

export interface PlanOptions {
  /** Bits of the recorded modes that are kept. */
  modeMask: number;
  preserveOwners: boolean;
}

const IMPLIED_MODE = 0o755;

/**
 * Works out against the target as it is now where everything goes. Changes nothing.
 * Throws FlatpkgError `refused` when something in the target stands in the way; its member is that place in the target.
 */
export function makePlan(target: Target, staged: readonly LocatedEntry[], options: PlanOptions): Plan {
  const planner = new Planner(target, options);
  for (const item of staged) planner.add(item);
  return planner.plan();
}

class Planner {
  readonly #target: Target;
  readonly #options: PlanOptions;
  readonly #entries = new Set<StagedEntry>();
  readonly #leaves = new Map<string, { entry: StagedEntry; part: number }>();
  readonly #overlaps: string[] = [];
  readonly #folders = new Map<string, NewFolder>();
  readonly #placements = new Map<string, Placement>();

  constructor(target: Target, options: PlanOptions) {
    this.#target = target;
    this.#options = options;
  }

  add({ entry, number, component, part, location }: LocatedEntry): void {
    const logical = placeOf(location, entry.path);
    if (entry.type === 'dir') this.#entries.add({ ...entry, component, absolute: this.#addFolder(logical, entry) });
    else this.#addLeaf(logical, { ...entry, component, absolute: logical }, number, part);
  }

  plan(): Plan {
    for (const absolute of this.#placements.keys()) {
      if (this.#folders.has(absolute)) {
        throw refused('SAME_PLACE', 'is both a file and a folder, once the links of the target are followed', absolute);
      }
    }
    const folders = [...this.#folders.values()].sort((a, b) => depth(a.absolute) - depth(b.absolute));
    const placements = [...this.#placements.values()];
    return { entries: [...this.#entries], folders, placements, overlaps: this.#overlaps };
  }

  #addFolder(logical: string, entry: FileEntry): string {
    const folder = this.#target.folder(logical);
    if (folder.exists) return folder.absolute;
    this.#makeParents(parentOf(logical));
    const { modeMask, preserveOwners } = this.#options;
    this.#folders.set(folder.absolute, {
      absolute: folder.absolute,
      mode: entry.mode & modeMask,
      owner: preserveOwners ? { uid: entry.uid, gid: entry.gid } : null,
      mtime: entry.mtime,
    });
    return folder.absolute;
  }

  #addLeaf(logical: string, entry: StagedEntry, number: number, part: number): void {
    const { absolute, parent, replaces } = this.#target.leaf(logical, entry.type === 'symlink' ? 'symlink' : 'file');
    if (parent.exists) this.#requireSameDisk(parent.dev, logical);
    else this.#makeParents(parentOf(logical));
    this.#takeOver(absolute, logical, part);
    entry.absolute = absolute;
    this.#entries.add(entry);
    this.#leaves.set(absolute, { entry, part });
    this.#placements.set(absolute, { number, absolute, replaces });
  }

  /** Components may bring the same file. Within one it would mean that links of the target lead two paths to one place. */
  #takeOver(absolute: string, logical: string, part: number): void {
    const before = this.#leaves.get(absolute);
    if (before === undefined) return;
    if (before.part === part) {
      throw refused('SAME_PLACE', `comes to lie on another entry, at "${printable(absolute)}"`, logical);
    }
    this.#entries.delete(before.entry);
    this.#overlaps.push(absolute);
  }

  #makeParents(logical: string): void {
    for (let path = logical; ; path = parentOf(path)) {
      const { absolute, exists, dev } = this.#target.folder(path);
      if (exists) {
        this.#requireSameDisk(dev, path);
        return;
      }
      if (this.#folders.has(absolute)) return;
      this.#folders.set(absolute, { absolute, mode: IMPLIED_MODE, owner: null, mtime: null });
    }
  }

  // Moving into place by rename, all or nothing, works within one file system only.
  #requireSameDisk(dev: number, path: string): void {
    if (dev !== this.#target.folder('/').dev) {
      throw refused('OTHER_FILE_SYSTEM', 'lies on another file system than the target root', path);
    }
  }
}

function depth(path: string): number {
  let count = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) count += 1;
  return count;
}
