import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  type Dirent,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { editFile } from './edit-file.ts';
import { entriesBelow } from './entries-below.ts';
import { makeFolder } from './make-folder.ts';

/** The folder that plugins are installed in: every one in a folder of its own that gets its place once, and a list. */
export interface PluginStore {
  folder: string;
  /** A new, empty folder for what is about to be installed; until it is settled nobody else looks into it. */
  stage(): string;
  makeFolder(folder: string): void;
  write(file: string, text: string): void;
  copy(from: string, to: string): void;
  remove(folder: string): void;
  /** Sees to it that all that lies below a folder outlasts a power cut, and may be read by all and changed by its owner alone. */
  settle(folder: string): void;
  /** Puts a new list in the place of the old one, at once and for good. */
  replaceList(name: string, text: string): void;
  /**
   * Removes what no list names: what was cut, or is replaced.
   * @param kept folders below the store's, relative @param drafts how files begin that were not written to their end
   */
  sweep(kept: readonly string[], drafts: readonly string[]): void;
}

/** @param folder made if it is not there @param store the name of the folder in it that has the plugins */
export function pluginStoreIn(folder: string, store: string): PluginStore {
  makeFolder(folder, 0o755);
  const real = realpathSync(folder);
  const within = path.join(real, store);
  return {
    folder,
    stage() {
      makeFolder(within, 0o755);
      const staged = path.join(within, randomUUID());
      mkdirSync(staged, { mode: 0o700 });
      return staged;
    },
    makeFolder(made) {
      mkdirSync(made, { mode: 0o700 });
    },
    write: (file, text) => writeFileSync(file, text, { flag: 'wx', mode: 0o644 }),
    copy: (from, to) => copyFileSync(from, to, constants.COPYFILE_EXCL),
    remove: (gone) => rmSync(gone, { recursive: true, force: true }),
    settle(below) {
      for (const entry of entriesBelow(below)) {
        if (entry.isFile() || entry.isDirectory()) settled(path.join(entry.parentPath, entry.name));
      }
      settled(below);
      for (const at of [within, real]) sync(at);
    },
    replaceList: (name, text) => void editFile(real, `/${name}`, () => text, { mode: 0o644 }),
    sweep(kept, drafts) {
      for (const name of entriesOf(within)) {
        if (!kept.includes(path.join(store, name))) rmSync(path.join(within, name), { recursive: true, force: true });
      }
      for (const name of entriesOf(real)) {
        if (drafts.some((draft) => name.startsWith(draft))) rmSync(path.join(real, name), { force: true });
      }
    },
  };
}

function entriesOf(folder: string): string[] {
  return lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}

function sync(at: string, before: (descriptor: number) => void = () => undefined): void {
  const descriptor = openSync(at, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    before(descriptor);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** With one of two modes: what an archive wanted besides, as to run with its owner's rights, it does not get. */
function settled(at: string): void {
  sync(at, (descriptor) => fchmodSync(descriptor, (fstatSync(descriptor).mode & 0o111) === 0 ? 0o644 : 0o755));
}

/** Whether more lies below a folder than it may have. What goes away meanwhile does not count. */
export function isMoreThan(folder: string, { bytes, files }: { bytes: number; files: number }): boolean {
  let size = 0;
  let count = 0;
  const waiting = [folder];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const entry of entriesNow(at)) {
      const place = path.join(at, entry.name);
      count += 1;
      if (entry.isDirectory()) waiting.push(place);
      else size += lstatSync(place, { throwIfNoEntry: false })?.size ?? 0;
      if (size > bytes || count > files) return true;
    }
  }
  return false;
}

function entriesNow(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** What is wrong with what lies in a folder: links that lead out of it or nowhere, and what is neither file, folder nor link. */
export function foreignIn(folder: string): string | null {
  const real = realpathSync.native(folder);
  for (const entry of entriesBelow(folder)) {
    const at = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, at);
    if (entry.isSymbolicLink()) {
      const target = targetOf(at);
      if (target === null) return `the link ${name} leads nowhere`;
      if (target !== real && !target.startsWith(`${real}/`)) return `the link ${name} leads out of it`;
    } else if (!entry.isFile() && !entry.isDirectory()) {
      return `${name} is neither a file nor a folder`;
    }
  }
  return null;
}

/** Where a link ends, as the system follows it (Node's own way takes the words of a link before it looks); null where nothing is. */
function targetOf(link: string): string | null {
  try {
    return realpathSync.native(link);
  } catch {
    return null;
  }
}

/** SHA-256 over names, kinds and contents of all that lies below a folder. */
export function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const entries = [...entriesBelow(folder)]
    .map((entry) => ({ entry, name: path.relative(folder, path.join(entry.parentPath, entry.name)) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { entry, name } of entries) {
    const at = path.join(folder, name);
    if (entry.isFile()) {
      const content = createHash('sha256').update(readFileSync(at)).digest('hex');
      hash.update(`file ${JSON.stringify(name)} ${content}\n`);
    } else if (entry.isSymbolicLink()) {
      hash.update(`link ${JSON.stringify(name)} ${JSON.stringify(readlinkSync(at))}\n`);
    } else {
      hash.update(`folder ${JSON.stringify(name)}\n`);
    }
  }
  return hash.digest('hex');
}

/** Names of what lies directly in a folder. */
export function listBelow(folder: string): string[] {
  return entriesOf(folder);
}

/** Makes a folder with files in it. @param files texts by path @returns false when something is there already; nothing is written then */
export function writeNewFolder(folder: string, files: Readonly<Record<string, string>>): boolean {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: 'wx' });
  }
  return true;
}
