import { fchmodSync, fchownSync, fsyncSync, futimesSync, linkSync, mkdirSync, renameSync } from 'node:fs';
import { asIoError, errnoOf, FlatpkgError, refused } from '../errors.ts';
import { syncFolder, withFolder } from './folder.ts';
import { type Intent, Journal } from './journal.ts';
import type { NewFolder, Placement, Plan } from './plan.ts';
import type { StagingFolder } from './staging.ts';
import type { StepHook } from './steps.ts';
import { lstatOrNull, parentOf, requireRealParents, type Target } from './target.ts';
import { undo } from './undo.ts';

export interface CommitResult {
  /** Absolute paths (below the root) of the folders this commit made, parents first. */
  created: string[];
  /** Absolute paths of files and symlinks that took the place of others. */
  replaced: string[];
}

/**
 * Carries out a plan: all of it, or, when anything fails, nothing. Once the journal says `moved` the commit counts as
 * done, and what is left is only removing the staging. Throws FlatpkgError.
 */
export function commitPlan(target: Target, staging: StagingFolder, plan: Plan, onStep: StepHook): CommitResult {
  const done: Intent = { folders: [], placements: [] };
  let journal: Journal | null = null;
  try {
    onStep('journal');
    journal = new Journal(staging);
    syncFolder(`${staging.path}/new`);
    syncFolder(staging.path);
    // Without its own name the staging could not be found after a power cut, and nothing be taken back.
    syncIfOpen(target, '/');
    onStep('begin');
    journal.begin(plan);
    new Committer(target, staging, onStep).run(plan, done);
    onStep('moved');
    journal.moved();
  } catch (error) {
    journal?.close();
    takeBack(target, staging, done, error, onStep);
    throw asIoError(error, 'moving the files into place');
  }
  journal.close();
  try {
    onStep('finish');
    staging.finish();
  } catch {
    // All is in place and durable; a later recovery of this staging only has to remove what is left of it.
  }
  return {
    created: plan.folders.map(({ absolute }) => absolute),
    replaced: plan.placements.filter(({ replaces }) => replaces).map(({ absolute }) => absolute),
  };
}

function takeBack(target: Target, staging: StagingFolder, done: Intent, cause: unknown, onStep: StepHook): void {
  try {
    onStep('undo');
    undo(done, staging, (absolute) => target.host(absolute));
    staging.remove();
  } catch (error) {
    const text = `the extraction failed (${message(cause)}) and could not be taken back (${message(error)})`;
    throw new FlatpkgError('io', 'UNDO', `${text}; recover the staging folder`, staging.name, cause);
  }
}

class Committer {
  readonly #target: Target;
  readonly #staging: StagingFolder;
  readonly #onStep: StepHook;

  constructor(target: Target, staging: StagingFolder, onStep: StepHook) {
    this.#target = target;
    this.#staging = staging;
    this.#onStep = onStep;
  }

  /** `done` receives what has to be undone should this throw. */
  run(plan: Plan, done: Intent): void {
    const touched = new Set<string>();
    for (const folder of plan.folders) {
      this.#onStep('folder');
      this.#checkParents(folder.absolute);
      mkdirSync(this.#target.host(folder.absolute), { mode: 0o700 });
      done.folders.push(folder);
      touched.add(folder.absolute).add(parentOf(folder.absolute));
    }
    for (const placement of plan.placements) {
      this.#place(placement, done);
      touched.add(parentOf(placement.absolute));
    }
    // Deepest first: what is made inside a folder changes its time.
    for (const folder of plan.folders.toReversed()) this.#finishFolder(folder);
    for (const absolute of touched) {
      this.#onStep('sync');
      syncIfOpen(this.#target, absolute);
    }
  }

  #place(placement: Placement, done: Intent): void {
    const { number, absolute, replaces } = placement;
    const there = this.#target.host(absolute);
    if (replaces) {
      this.#checkParents(absolute);
      done.placements.push(placement);
      this.#putAside(there, this.#staging.aside(number), absolute);
    }
    this.#onStep('place');
    this.#checkParents(absolute);
    if (!replaces) {
      if (lstatOrNull(there) !== null) throw refused('TARGET_CHANGED', 'appeared in the target meanwhile', absolute);
      done.placements.push(placement);
    }
    renameSync(this.#staging.fresh(number), there);
  }

  /** Keeps the old file where undoing finds it; by a second link if possible, so that its name is never without a file. */
  #putAside(there: string, aside: string, absolute: string): void {
    const old = lstatOrNull(there);
    if (old === null || !(old.isFile() || old.isSymbolicLink())) {
      throw refused('TARGET_CHANGED', 'changed in the target meanwhile', absolute);
    }
    this.#onStep('aside');
    if (old.isFile()) {
      try {
        linkSync(there, aside);
        return;
      } catch (error) {
        // Not every file system, and not every owner, may make hard links.
        if (errnoOf(error) === null || errnoOf(error) === 'ENOSPC') throw error;
      }
    }
    renameSync(there, aside);
  }

  #finishFolder({ absolute, mode, owner, mtime }: NewFolder): void {
    this.#onStep('mode');
    this.#checkParents(absolute);
    withFolder(this.#target.host(absolute), absolute, (fd) => {
      if (owner !== null) fchownSync(fd, owner.uid, owner.gid);
      if (mtime !== null) futimesSync(fd, mtime, mtime);
      fchmodSync(fd, mode);
    });
  }

  /** To be called right before every change: each leaves time for the owner of a folder to put a link in its place. */
  #checkParents(absolute: string): void {
    requireRealParents(absolute, (path) => this.#target.host(path));
  }
}

function syncIfOpen(target: Target, absolute: string): void {
  try {
    withFolder(target.host(absolute), absolute, fsyncSync);
  } catch (error) {
    // A folder may be closed to its own owner now; its parent and its content are flushed all the same.
    if (errnoOf(error) !== 'EACCES') throw error;
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
