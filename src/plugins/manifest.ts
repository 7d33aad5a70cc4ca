import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What a package says of itself in its package.json. */
export interface PackageManifest {
  name: string;
  /** null: none */
  version: string | null;
  /** Whether it says that it is a plugin. */
  oclif: boolean;
}

/** @param root the package's folder @returns null: there is no package.json that can be read, has a name in it, and no version that is not text */
export function manifestIn(root: string): PackageManifest | null {
  const { name, version, oclif } = jsonIn(path.join(root, 'package.json')) as Record<string, unknown>;
  if (typeof name !== 'string' || (version !== undefined && typeof version !== 'string')) return null;
  return { name, version: version ?? null, oclif: typeof oclif === 'object' && oclif !== null };
}

/** @returns what a file of JSON holds; nothing, where it cannot be read or holds something else than an object */
export function jsonIn(file: string): object {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {};
  }
}
