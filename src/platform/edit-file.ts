import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { NotPlain, readOwnFile } from './plain-file.ts';
import { type Inside, withinFolder } from './stepping.ts';

export interface EditOptions {
  /** Of a file that is made; one that is there keeps its own. */
  mode: number;
  /** Mode of the folder it is in, and of those above, where they are missing; left out: they have to be there. */
  folders?: number;
}

const MOST_BYTES = 4 * 1024 * 1024;
const PERMISSIONS = 0o7777;

/**
 * Changes a text file under a root, whole or not at all. No link is followed, on the way or at its end; owner and mode stay.
 * What is made belongs to whoever the folder belongs to that it is made in.
 * @param file absolute within the root
 * @param change gets the text, null where there is no file; null takes the file away
 * @returns whether anything changed
 * @throws D3Error refused `FILE_NOT_EDITED` for what is no plain file, or lies behind a link; notFound where its folder is missing
 */
export function editFile(
  root: string,
  file: string,
  change: (text: string | null) => string | null,
  { mode, folders }: EditOptions,
): boolean {
  if (!path.isAbsolute(file) || path.normalize(file) !== file) throw refused(file, 'it is no plain path');
  const folder = path.dirname(file);
  if (folders !== undefined) makeFolders(root, folder, folders);
  const found = withinFolder(root, folder, (inside) => edited(inside, file, change, mode));
  if (found === 'unreachable') throw refused(file, 'a link or a file is on the way to it');
  if (found !== 'absent') return found.entered;
  if (change(null) === null) return false;
  throw new D3Error('FILE_NOT_EDITED', 'notFound', `${file} is not written: there is no folder ${folder}.`, {
    target: file,
  });
}

function edited(inside: Inside, file: string, change: (text: string | null) => string | null, mode: number): boolean {
  const name = inside(path.basename(file));
  const before = currentOf(name, file);
  const after = change(before?.text ?? null);
  if (after === (before?.text ?? null)) return false;
  if (after === null) {
    unlinkSync(name);
    syncHere(inside);
    return true;
  }
  const draft = inside(`.${path.basename(file)}.${randomUUID()}`);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const descriptor = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    try {
      giveTo(descriptor, before?.stat ?? lstatSync(inside('.')));
      fchmodSync(descriptor, before === null ? mode : before.stat.mode & PERMISSIONS);
      writeFileSync(descriptor, Buffer.from(after, before?.encoding ?? 'utf8'));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(draft, name);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncHere(inside);
  return true;
}

interface Current {
  text: string;
  /** What is no UTF-8 stays byte for byte as it is. */
  encoding: 'utf8' | 'latin1';
  stat: Stats;
}

function currentOf(name: string, file: string): Current | null {
  try {
    const { bytes, stat } = readOwnFile(name, MOST_BYTES);
    const text = bytes.toString('utf8');
    if (Buffer.from(text, 'utf8').equals(bytes)) return { text, encoding: 'utf8', stat };
    return { text: bytes.toString('latin1'), encoding: 'latin1', stat };
  } catch (error) {
    if (error instanceof NotPlain) throw refused(file, error.message);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    if (code === 'ELOOP' || code === 'EMLINK') throw refused(file, 'it is a link');
    throw error;
  }
}

/** Only root can give something away; anybody else's files are their own. */
function giveTo(descriptor: number, { uid, gid }: Stats): void {
  if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
}

function syncHere(inside: Inside): void {
  const descriptor = openSync(inside('.'), constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function makeFolders(root: string, folder: string, mode: number): void {
  let at = '/';
  for (const part of folder.split('/').filter((one) => one !== '')) {
    withinFolder(root, at, (inside) => {
      const name = inside(part);
      if (lstatSync(name, { throwIfNoEntry: false }) !== undefined) return;
      mkdirSync(name, { mode: 0o700 });
      const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
      const descriptor = openSync(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try {
        giveTo(descriptor, lstatSync(inside('.')));
        fchmodSync(descriptor, mode);
      } finally {
        closeSync(descriptor);
      }
    });
    at = path.join(at, part);
  }
}

function refused(file: string, why: string): D3Error {
  return new D3Error('FILE_NOT_EDITED', 'refused', `${file} is left as it is: ${why}.`, {
    target: file,
    actions: ['see how it came there, and put a plain file in its place'],
  });
}
