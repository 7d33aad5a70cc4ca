import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** One thing in an archive. Owner and time are the same for all, so they stand nowhere here. */
export type Entry = FileEntry | { type: 'dir'; path: string; mode: number };

export interface FileEntry {
  type: 'file';
  /** Relative, with `/`, never beginning or ending with one. */
  path: string;
  mode: number;
  size: number;
  /** The bytes themselves, or the file on this disk that has them. */
  content: Buffer | string;
}

const FOLDER_MODE = 0o755;

export function textEntry(at: string, text: string, mode = 0o644): FileEntry {
  const content = Buffer.from(text);
  return { type: 'file', path: at, mode, size: content.length, content };
}

/**
 * Everything in a folder, with no more of its modes than whether it can be started: what somebody's umask left is nothing of d3's.
 * @param leaveOut asked for each name directly in it
 * @throws Error for what is neither file nor folder: no package of d3 holds any
 */
export function entriesIn(folder: string, leaveOut: (name: string) => boolean = () => false): Entry[] {
  return readdirSync(folder).flatMap((name): Entry[] => {
    if (leaveOut(name)) return [];
    const file = path.join(folder, name);
    const stat = lstatSync(file);
    if (stat.isDirectory()) return [{ type: 'dir', path: name, mode: FOLDER_MODE }, ...under(name, entriesIn(file))];
    if (!stat.isFile()) throw new Error(`${file} is neither a file nor a folder`);
    return [{ type: 'file', path: name, mode: modeOf(stat.mode), size: stat.size, content: file }];
  });
}

/** Whether it can be started, and no more. */
export function modeOf(mode: number): number {
  return (mode & 0o100) === 0 ? 0o644 : 0o755;
}

/** All of them in another folder. */
export function under(folder: string, entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
}

/**
 * Several lists as one, ordered by the bytes of the paths, each folder before what is in it, and no folder missing.
 * Of two files with one path the later counts.
 */
export function merged(...lists: readonly (readonly Entry[])[]): Entry[] {
  const all = new Map<string, Entry>();
  for (const entry of lists.flat()) {
    for (let at = path.posix.dirname(entry.path); at !== '.'; at = path.posix.dirname(at))
      if (!all.has(at)) all.set(at, { type: 'dir', path: at, mode: FOLDER_MODE });
    all.set(entry.path, entry);
  }
  return [...all.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

export function bytesOf({ content }: FileEntry): Buffer {
  return typeof content === 'string' ? readFileSync(content) : content;
}
