import path from 'node:path';

/** Every folder above a path, the nearest first, without the root itself. */
export function foldersAbove(at: string): string[] {
  const folders: string[] = [];
  for (let above = path.posix.dirname(at); above !== '/' && above !== '.'; above = path.posix.dirname(above))
    folders.push(above);
  return folders;
}
