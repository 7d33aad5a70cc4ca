import { enableCompileCache } from 'node:module';
import { ownProgramPaths } from '../platform/paths.ts';
import { makePrivateFolder } from '../platform/trusted-folder.ts';

/**
 * Lets Node keep what it compiles. What lies in that folder is run, so it must be d3's own: Node's default is a shared
 * one among temporary files. Where no safe place can be had, d3 only starts slower.
 */
export function useCompileCache(): void {
  // Switched off: then no folder is made for it either.
  if (process.env['NODE_DISABLE_COMPILE_CACHE'] === '1') return;
  const folder = ownProgramPaths().compileCache;
  if (makePrivateFolder(folder) === null) enableCompileCache(folder);
}
