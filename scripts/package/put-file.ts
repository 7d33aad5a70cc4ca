import { chmodSync, copyFileSync, linkSync, lstatSync } from 'node:fs';

/** Puts a file where nothing is yet: as a link where it is on the same disk and has that mode, else as a copy. */
export function putFile(from: string, to: string, mode: number): void {
  if ((lstatSync(from).mode & 0o7777) === mode && linked(from, to)) return;
  copyFileSync(from, to);
  chmodSync(to, mode);
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    // Another disk, one without links, or a file of somebody else's.
    if (['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
