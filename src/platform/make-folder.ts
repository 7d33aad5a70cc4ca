import { closeSync, constants, fchmodSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';

/**
 * Makes a folder of d3's own with exactly this mode, whatever the umask says; one that is there keeps its mode.
 * Folders above it that are made on the way are open to all.
 * @param folder path on the host
 */
export function makeFolder(folder: string, mode: number): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  setMode(folder, mode);
  for (let at = folder; at !== first; setMode(at, 0o755)) at = path.dirname(at);
}

/** Never through a link: whoever owns the folder above could put one in its place. */
function setMode(folder: string, mode: number): void {
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
}
