import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeFolder } from './make-folder.ts';

/**
 * Makes a private folder, empty whatever a cut run left there.
 * @param within where it is made, itself private (0700)
 * @param name one part of a path
 */
export function takeWorkFolder(within: string, name: string): string {
  makeFolder(within, 0o700);
  dropWorkFolder(within, name);
  const folder = path.join(within, name);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

export function dropWorkFolder(within: string, name: string): void {
  rmSync(path.join(within, name), { recursive: true, force: true });
}

/** A private folder nobody had before. @param within where it is made; the folder of the system for such things when null */
export function temporaryFolder(within: string | null, prefix: string): { path: string; remove: () => void } {
  const folder = mkdtempSync(path.join(within ?? os.tmpdir(), prefix));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
