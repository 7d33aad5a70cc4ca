import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { errnoOf, refused } from '../errors.ts';

const REAL_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens a folder of the target for the time of `work`. Whatever has taken its place, be it a link or a pipe, is neither
 * followed nor waited for: whoever owns the folder above it could have put it there a moment ago.
 * `absolute` names it in errors. Throws FlatpkgError `refused` when it is no folder.
 */
export function withFolder(hostPath: string, absolute: string, work: (fd: number) => void): void {
  let fd: number;
  try {
    fd = openSync(hostPath, REAL_FOLDER);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTDIR' || code === 'ELOOP') throw refused('TARGET_CHANGED', 'is no folder any more', absolute);
    throw error;
  }
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(hostPath: string): void {
  const fd = openSync(hostPath, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
