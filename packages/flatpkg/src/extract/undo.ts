import { chmodSync, fchmodSync, renameSync, rmdirSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { withFolder } from './folder.ts';
import type { Intent } from './journal.ts';
import type { StagingFolder } from './staging.ts';
import type { StepHook } from './steps.ts';
import { lstatOrNull, requireRealParents } from './target.ts';

/**
 * Brings the target back to what it was before a commit, wherever that commit was cut. Every step looks first whether
 * it is needed, so undoing may itself be cut and started again. `host` gives the path on this machine.
 */
export function undo(
  intent: Intent,
  staging: StagingFolder,
  host: (absolute: string) => string,
  onStep: StepHook = () => {},
): void {
  for (const { absolute } of intent.folders) requireRealParents(absolute, host);
  for (const { absolute } of intent.placements) requireRealParents(absolute, host);
  // Folders made by the commit may have got their final, perhaps read-only, mode already.
  for (const { absolute } of intent.folders) {
    if (!lstatOrNull(host(absolute))?.isDirectory()) continue;
    onStep('undo mode');
    chmodFolder(host(absolute), absolute, 0o700);
  }
  for (const { number, absolute, replaces } of intent.placements.toReversed()) {
    onStep('undo place');
    requireRealParents(absolute, host);
    if (replaces) {
      // One rename puts the old file back over the new one: there is no moment without either.
      if (lstatOrNull(staging.aside(number)) !== null) renameSync(staging.aside(number), host(absolute));
    } else if (lstatOrNull(staging.fresh(number)) === null && lstatOrNull(host(absolute)) !== null) {
      renameSync(host(absolute), staging.fresh(number));
    }
  }
  for (const { absolute, mode } of intent.folders.toReversed()) {
    onStep('undo folder');
    requireRealParents(absolute, host);
    removeIfEmpty(host(absolute), absolute, mode);
  }
}

function removeIfEmpty(hostPath: string, absolute: string, mode: number): void {
  try {
    rmdirSync(hostPath);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    // Someone else has put something into it meanwhile: theirs to keep.
    chmodFolder(hostPath, absolute, mode);
  }
}

function chmodFolder(hostPath: string, absolute: string, mode: number): void {
  try {
    withFolder(hostPath, absolute, (fd) => fchmodSync(fd, mode));
  } catch (error) {
    // Only who is not root can be kept from opening a folder of his own; for him a link leads to nothing he may not change.
    if (errnoOf(error) !== 'EACCES') throw error;
    chmodSync(hostPath, mode);
  }
}
