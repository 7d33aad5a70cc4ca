import type { CpioEntry } from '../cpio/formats.ts';
import { printable, refused } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { FileEntry } from './entries.ts';

/** What the sets of linked names have to ask and to tell. */
export interface LinkHooks {
  /** False for an entry that a later one has taken the place of. */
  isCurrent(entry: FileEntry): boolean;
  /** `entry`, so far an empty file, is another name of `of`. */
  link(entry: FileEntry, of: FileEntry): void;
}

/** The names of one file. */
interface LinkSet {
  /** The entry that came with the data; null until there is one. */
  content: FileEntry | null;
  /** Those that came without, in the order of the archive. */
  names: FileEntry[];
}

/**
 * Brings together the names of one file in archives that hold its data once: with the last name, as most writers have
 * it, or with the first. Every entry with data is a file of its own, so a wrong inode number can give an empty file
 * content, but never one file the content of another.
 */
export class LinkSets {
  readonly #hooks: LinkHooks;
  readonly #warnings: Warnings;
  readonly #sets: LinkSet[] = [];
  // By inode; those that have their data and as many names as the file has links are closed.
  readonly #open = new Map<string, LinkSet>();
  // Inodes whose data came with an AppleDouble file.
  readonly #leftOut = new Set<string>();

  constructor(warnings: Warnings, hooks: LinkHooks) {
    this.#warnings = warnings;
    this.#hooks = hooks;
  }

  /** To be called with every file that has been let in, when it is complete. Throws FlatpkgError `refused`. */
  add(entry: FileEntry, { inode, nlink }: CpioEntry): void {
    if (inode === null) return;
    let set = this.#open.get(inode);
    if (set === undefined || (entry.size > 0 && set.content !== null)) set = this.#start(inode);
    if (entry.size > 0) {
      set.content = entry;
      this.#leftOut.delete(inode);
      for (const name of set.names) this.#share(name, entry);
    } else {
      if (this.#leftOut.has(inode)) throw withoutData(entry);
      set.names.push(entry);
      if (set.content !== null) this.#share(entry, set.content);
    }
    if (set.content !== null && set.names.length + 1 >= nlink) this.#open.delete(inode);
  }

  /** To be called with every file that has been left out. Throws FlatpkgError `refused` when others need its data. */
  leaveOut({ inode, size }: CpioEntry): void {
    if (inode === null || size === 0) return;
    const set = this.#open.get(inode);
    const waiting = set?.content === null ? set.names.find((name) => this.#hooks.isCurrent(name)) : undefined;
    if (waiting !== undefined) throw withoutData(waiting);
    this.#open.delete(inode);
    this.#leftOut.add(inode);
  }

  /** After the last entry: names without data are names of an empty file; every name learns whose it is. */
  finish(): void {
    for (const { content, names } of this.#sets) {
      const current = names.filter((name) => this.#hooks.isCurrent(name));
      const first = content !== null && this.#hooks.isCurrent(content) ? content : current[0];
      if (first === undefined) continue;
      for (const name of current) {
        if (name === first) continue;
        if (content === null) this.#share(name, first);
        name.linkOf = first.path;
      }
    }
  }

  #start(inode: string): LinkSet {
    const set: LinkSet = { content: null, names: [] };
    this.#sets.push(set);
    this.#open.set(inode, set);
    return set;
  }

  /** Names of one file have all in common: what the header of the entry with the data says is what there will be. */
  #share(name: FileEntry, of: FileEntry): void {
    if (!this.#hooks.isCurrent(name)) return;
    if (name.mode !== of.mode || name.uid !== of.uid || name.gid !== of.gid) {
      const text = `is given another mode or owner than "${printable(of.path)}", whose file it shares`;
      this.#warnings.add('hard links', `${printable(name.path)}: ${text}`);
    }
    const { mode, uid, gid, size, mtime, cksum } = of;
    Object.assign(name, { mode, uid, gid, size, mtime, cksum });
    this.#hooks.link(name, of);
  }
}

function withoutData(entry: FileEntry) {
  return refused('ENTRY_LINK', 'is another name of an AppleDouble file, which is left out', entry.path);
}
