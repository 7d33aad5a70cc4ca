import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { asIoError, errnoOf, usage } from '../errors.ts';
import type { Component } from '../pkginfo.ts';
import type { StagedEntry } from './plan.ts';
import { type ExtractOptions, stageWith } from './stage.ts';

/** What lies in a folder now; `absolute` starts at that folder. */
export interface Extracted {
  /** In the order of the payloads. */
  entries: StagedEntry[];
  warnings: string[];
}

/**
 * Unpacks the payload of a component into `dir` itself, whatever its install location. Of a product with several
 * components, unless one is named, each of those installed by default goes into a folder of its own, named as in the
 * archive. `dir` is made if missing (its parent must exist) and must be empty.
 * All or nothing: on a failure the folder is empty, or gone if it was made here. Throws FlatpkgError.
 */
export async function extractTo(
  file: string | FileHandle,
  dir: string,
  options: Omit<ExtractOptions, 'root' | 'stagingName'> = {},
): Promise<Extracted> {
  const made = makeEmptyFolder(dir);
  try {
    const extraction = await stageWith(file, { ...options, root: dir }, { locate, durable: false });
    await extraction.commit();
    return { entries: extraction.entries, warnings: extraction.warnings };
  } catch (error) {
    if (made) removeIfEmpty(dir);
    throw error;
  }
}

function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // Something is left in it, or came into it meanwhile; why the extraction failed is what has to be said.
  }
}

function locate({ directory }: Component, several: boolean): string {
  return several ? `/${directory}` : '/';
}

/** True when the folder was made, false when it was there and is empty. */
function makeEmptyFolder(dir: string): boolean {
  try {
    mkdirSync(dir);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw usage('FOLDER', 'its parent folder is not there', dir);
    if (errnoOf(error) !== 'EEXIST') throw asIoError(error, 'making the folder', dir);
  }
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw usage('FOLDER', 'is not a folder', dir);
    throw asIoError(error, 'reading the folder', dir);
  }
  if (names.length > 0) throw usage('FOLDER', 'is not empty', dir);
  return false;
}
