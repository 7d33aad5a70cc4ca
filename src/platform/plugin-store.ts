import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
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
import { makeFolder } from './make-folder.ts';

/** The folder that plugins are installed in: every one in a folder of its own that gets its place once, and a list. */
export interface PluginStore {
  folder: string;
  /** A new, empty folder for what is about to be installed; until the list names it, it is nobody's. */
  stage(): string;
  makeFolder(folder: string): void;
  write(file: string, text: string): void;
  copy(from: string, to: string): void;
  remove(folder: string): void;
  /** Sees to it that all that lies below a folder outlasts a power cut. */
  settle(folder: string): void;
  /** Puts a new list in the place of the old one, at once and for good. */
  replaceList(name: string, text: string): void;
  /** Removes what no list names: what was cut, or is replaced. @param kept folders below the store's, relative */
  sweep(kept: readonly string[], list: string): void;
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
      mkdirSync(staged, { mode: 0o755 });
      return staged;
    },
    makeFolder(made) {
      mkdirSync(made, { mode: 0o700 });
    },
    write: (file, text) => writeFileSync(file, text, { flag: 'wx', mode: 0o644 }),
    copy: (from, to) => copyFileSync(from, to, constants.COPYFILE_EXCL),
    remove: (gone) => rmSync(gone, { recursive: true, force: true }),
    settle(below) {
      for (const entry of readdirSync(below, { recursive: true, withFileTypes: true })) {
        if (entry.isFile() || entry.isDirectory()) sync(path.join(entry.parentPath, entry.name));
      }
      for (const at of [below, within, real]) sync(at);
    },
    replaceList: (name, text) => void editFile(real, `/${name}`, () => text, { mode: 0o644 }),
    sweep(kept, list) {
      for (const name of entriesOf(within)) {
        if (!kept.includes(path.join(store, name))) rmSync(path.join(within, name), { recursive: true, force: true });
      }
      for (const name of entriesOf(real)) {
        if (name.startsWith(`.${list}.`)) rmSync(path.join(real, name), { force: true });
      }
    },
  };
}

function entriesOf(folder: string): string[] {
  return lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
}

function sync(at: string): void {
  const descriptor = openSync(at, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What is wrong with what lies in a folder: links that lead out of it, and what is neither file, folder nor link. */
export function foreignIn(folder: string): string | null {
  const real = realpathSync(folder);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const at = path.join(entry.parentPath, entry.name);
    const name = path.relative(folder, at);
    if (entry.isSymbolicLink()) {
      const target = path.resolve(path.dirname(realpathOf(at)), readlinkSync(at));
      if (target !== real && !target.startsWith(`${real}/`)) return `the link ${name} leads out of it`;
    } else if (!entry.isFile() && !entry.isDirectory()) {
      return `${name} is neither a file nor a folder`;
    }
  }
  return null;
}

/** Of the folder a link lies in; the link itself is not followed. */
function realpathOf(link: string): string {
  return path.join(realpathSync(path.dirname(link)), path.basename(link));
}

/** SHA-256 over names, kinds and contents of all that lies below a folder. */
export function digestOf(folder: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
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
