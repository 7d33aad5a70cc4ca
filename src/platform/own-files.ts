import path from 'node:path';
import { makeFolder } from './make-folder.ts';
import { replaceFile } from './replace-file.ts';

/** Writes a file of a folder that is d3's own, made 0700 when it is not there. @param name without folders */
export function writeOwn(folder: string, name: string, content: string): void {
  if (name !== path.basename(name) || name.startsWith('.')) throw new Error(`"${name}" is no name of a file`);
  makeFolder(folder, 0o700);
  replaceFile(path.join(folder, name), content, 0o600);
}
