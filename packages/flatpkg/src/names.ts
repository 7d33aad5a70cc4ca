import { damaged, printable } from './errors.ts';

/** Longest file name, in bytes: the limit of every file system concerned. */
export const MAX_COMPONENT_BYTES = 255;
/** Longest path inside a package, in bytes: what macOS calls PATH_MAX. */
export const MAX_PATH_BYTES = 1024;
/** Most folders on the way to a file. */
const MAX_DEPTH = 128;
/** Longest target of a symlink, in bytes. */
export const MAX_TARGET_BYTES = 4096;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Strict UTF-8: null when the bytes are not valid, never a replacement character. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/**
 * A name as stored in a payload (`.`, `./a/b` or `a/b`) as a relative path without the leading `./`; the root is `.`.
 * Everything that could lead elsewhere, or that no file system could hold, is refused as damaged; the error names the
 * document the name comes from, or by default the name itself.
 */
export function cleanEntryName(stored: string, document?: string): string {
  if (stored === '.' || stored === './') return '.';
  const path = stored.startsWith('./') ? stored.slice(2) : stored;
  if (path === '') throw badName('is empty', stored, document);
  if (path.startsWith('/')) throw badName('is absolute', stored, document);
  checkComponents(path.split('/'), stored, document);
  checkPathLength(path, stored, document);
  return path;
}

/**
 * An install location as an absolute path: `/` alone, or `/a/b` without doubled, trailing or `.` parts. Refuses what
 * `cleanEntryName` does.
 */
export function cleanInstallLocation(stored: string, document?: string): string {
  const parts = stored.split('/').filter((part) => part !== '' && part !== '.');
  checkComponents(parts, stored, document);
  const path = parts.join('/');
  checkPathLength(path, stored, document);
  return `/${path}`;
}

/**
 * Refuses an entry that, below its install location, no system could have as a path, or that lies deeper than anything
 * real: every level is looked at each time something is moved there.
 */
export function checkPlace(installLocation: string, path: string): void {
  const place = placeOf(installLocation, path);
  if (!fits(place, MAX_PATH_BYTES))
    throw badName(`is longer than ${MAX_PATH_BYTES} bytes where it goes`, path, undefined);
  // No path of that length has more levels.
  if (place.length <= 2 * MAX_DEPTH) return;
  let depth = 0;
  for (let at = place.indexOf('/'); at >= 0; at = place.indexOf('/', at + 1)) depth += 1;
  if (depth > MAX_DEPTH) throw badName(`lies more than ${MAX_DEPTH} folders deep`, path, undefined);
}

/** Where an entry of a payload goes: a clean install location and a clean path joined. */
export function placeOf(installLocation: string, path: string): string {
  if (path === '.') return installLocation;
  return installLocation === '/' ? `/${path}` : `${installLocation}/${path}`;
}

/** True for a name that is exactly one safe path component. */
export function isSingleComponent(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && fits(name, MAX_COMPONENT_BYTES);
}

/**
 * The key under which names collide on a file system that ignores case, Unicode normalisation, or marks that cannot be
 * seen (the default on a Mac, now and then).
 */
export function foldName(path: string): string {
  return path
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFC');
}

function checkComponents(parts: string[], stored: string, document: string | undefined): void {
  for (const part of parts) {
    if (part === '') throw badName('has an empty part', stored, document);
    if (part === '.' || part === '..') throw badName(`has a "${part}" part`, stored, document);
    if (part.includes('\0')) throw badName('has a NUL byte', stored, document);
    if (!fits(part, MAX_COMPONENT_BYTES))
      throw badName(`has a part longer than ${MAX_COMPONENT_BYTES} bytes`, stored, document);
  }
}

function checkPathLength(path: string, stored: string, document: string | undefined): void {
  if (!fits(path, MAX_PATH_BYTES)) throw badName(`is longer than ${MAX_PATH_BYTES} bytes`, stored, document);
}

function fits(text: string, bytes: number): boolean {
  // No UTF-16 unit takes more than three bytes of UTF-8, so most names need no exact count.
  return text.length * 3 <= bytes || Buffer.byteLength(text) <= bytes;
}

function badName(problem: string, stored: string, document: string | undefined) {
  const short = stored.length > 200 ? `${stored.slice(0, 200).toWellFormed()}…` : stored;
  if (document === undefined) return damaged('NAME', `unsafe name: it ${problem}`, short);
  return damaged('NAME', `unsafe name "${printable(short)}": it ${problem}`, document);
}
