import type { State } from './state/state.ts';

/** What other basenames have of the paths a basename is about to give up. */
export interface SharedPaths {
  /** Another basename that names just this path; null when none does. */
  ownerOf(at: string): string | null;
  /** Another basename that names a folder or anything in it; null when none does. */
  ownerWithin(folder: string): string | null;
}

/** The key under which names collide on a file system; null where only equal ones do. */
export type KeyOf = ((at: string) => string) | null;

/**
 * @param manifest paths of the basename itself
 * @param paths all that will be asked about with `ownerOf`, those of the manifest among them
 * @param folders all that will be asked about with `ownerWithin`
 */
export function sharedPaths(
  basename: string,
  state: State,
  manifest: ReadonlySet<string>,
  paths: ReadonlySet<string>,
  folders: readonly string[],
  keyOf: KeyOf,
): SharedPaths {
  if (keyOf !== null) return byKey(basename, state, paths, folders, keyOf);
  const shared = state.sharedPaths(basename);
  return {
    ownerOf: (at) => {
      if (manifest.has(at)) return shared.get(at) ?? null;
      return state.ownersOf(at).find((owner) => owner !== basename) ?? null;
    },
    ownerWithin: (folder) => state.ownerWithin(folder, basename),
  };
}

/** The database compares bytes: every path of the others is looked at. */
function byKey(
  basename: string,
  state: State,
  paths: ReadonlySet<string>,
  folders: readonly string[],
  keyOf: NonNullable<KeyOf>,
): SharedPaths {
  const asked = new Set([...paths].map(keyOf));
  const owners = new Map<string, string>();
  const within = new Map(folders.map((folder): [string, string | null] => [keyOf(folder), null]));
  for (const { path, basename: owner } of state.pathsOfOthers(basename)) {
    const key = keyOf(path);
    if (asked.has(key)) owners.set(key, owner);
    for (const folder of within.keys()) if (key === folder || key.startsWith(`${folder}/`)) within.set(folder, owner);
  }
  return {
    ownerOf: (at) => owners.get(keyOf(at)) ?? null,
    ownerWithin: (folder) => within.get(keyOf(folder)) ?? null,
  };
}
