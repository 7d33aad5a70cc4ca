import type { Inside } from './propose.ts';

/** What a package file says of itself; null for one that says nothing: no flat package, or a damaged one. */
export async function lookInside(file: string): Promise<Inside | null> {
  if (!/\.pkg$/i.test(file)) return null;
  const { FlatpkgError, inspect } = await import('@d3/flatpkg');
  try {
    const { receipts, version } = await inspect(file);
    return { receipts, version };
  } catch (error) {
    // Whoever takes it in says what is wrong with it; a proposal can do without.
    if (error instanceof FlatpkgError || (error as NodeJS.ErrnoException).code !== undefined) return null;
    throw error;
  }
}
