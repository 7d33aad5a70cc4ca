import { useCompileCache } from './compile-cache.ts';
import type { Installation } from './installation.ts';
import { shareModules } from './shared-modules.ts';

/**
 * The start of the built d3. Only what must stand before everything else is loaded by itself: what comes after is
 * taken from the compile cache.
 * @returns the exit code
 */
export async function start(words: readonly string[], installation: Installation): Promise<number> {
  useCompileCache();
  shareModules(installation);
  const { main } = await import('../main.ts');
  return main(words, { installation });
}
