import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { ownProgramPaths } from './paths.ts';
import { makePrivateFolder, whoElseMayChange } from './trusted-folder.ts';

/**
 * Where this user's programs have their private working folders: in the user's own place for what can be made anew. Where nothing can
 * be kept there (an account without a home, a disk that may only be read, another's folder), in a folder of the user's among
 * temporary files.
 * @returns absolute path; it need not be there yet
 * @throws D3Error refused when somebody else has what should be that folder
 */
export function ownWorkFolder(): string {
  const { work } = ownProgramPaths();
  if (path.isAbsolute(work) && isUsable(work)) return work;
  const folder = path.resolve(os.tmpdir(), `d3-${process.getuid?.() ?? 0}`);
  const problem = makePrivateFolder(folder);
  if (problem === null) return path.join(folder, 'work');
  throw new D3Error('NO_WORK_FOLDER', 'refused', `There is no safe place to work in: ${folder}: ${problem}.`, {
    target: folder,
    actions: [`make ${path.dirname(work)} a folder of your own`, 'or name another place: XDG_CACHE_HOME=DIR'],
  });
}

/** Whether a folder is, or could be made, where nobody else can swap what is run from it. */
function isUsable(folder: string): boolean {
  try {
    let there = folder;
    while (lstatSync(there, { throwIfNoEntry: false }) === undefined) there = path.dirname(there);
    accessSync(there, constants.W_OK | constants.X_OK);
    return statSync(there).isDirectory() && whoElseMayChange(there, { group: 'own' }) === null;
  } catch {
    return false;
  }
}
