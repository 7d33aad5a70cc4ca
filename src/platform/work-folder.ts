import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { makeFolder } from './rootfs.ts';

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
