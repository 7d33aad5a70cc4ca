import { type MachineSubject, machineMeets } from './criteria.ts';
import { wholeNumber } from './names.ts';
import type { Catalog, CatalogGroup, Edition } from './types.ts';

/** Fast look-ups over one catalog; built once per run. */
export interface CatalogIndex {
  readonly generation: number;
  byId(id: number): Edition | undefined;
  byEdition(edition: string): Edition | undefined;
  /** All editions of a basename, oldest first; empty when it is unknown. */
  ofBasename(basename: string): readonly Edition[];
  liveOf(basename: string): Edition | undefined;
  /** Every live edition, in id order. */
  readonly live: readonly Edition[];
  /** Every basename, in the order of their oldest editions. */
  readonly basenames: readonly string[];
  groupName(id: number): string | undefined;
  /** Ids of the groups a computer is in, by the hash of its id and, for smart ones, by what it is. */
  groupsOf(computerHash: string, subject: MachineSubject): readonly number[];
  byPackageName(name: string): readonly Edition[];
  byFileName(name: string): readonly Edition[];
}

const NONE: readonly Edition[] = [];

/** @param catalog in any order; depots publish it in id order */
export function indexCatalog(catalog: Catalog): CatalogIndex {
  const byId = new Map<number, Edition>();
  const byEdition = new Map<string, Edition>();
  const byBasename = new Map<string, Edition[]>();
  const live: Edition[] = [];
  const editions = catalog.editions.toSorted((a, b) => a.id - b.id);
  const groupNames = new Map(catalog.groups.map((group) => [group.id, group.name]));
  for (const edition of editions) {
    byId.set(edition.id, edition);
    byEdition.set(edition.edition, edition);
    const family = byBasename.get(edition.basename);
    if (family === undefined) byBasename.set(edition.basename, [edition]);
    else family.push(edition);
    if (edition.status === 'live') live.push(edition);
  }
  return {
    generation: catalog.generation,
    byId: (id) => byId.get(id),
    byEdition: (edition) => byEdition.get(edition),
    ofBasename: (basename) => byBasename.get(basename) ?? NONE,
    liveOf: (basename) => byBasename.get(basename)?.find((edition) => edition.status === 'live'),
    live,
    basenames: [...byBasename.keys()],
    groupName: (id) => groupNames.get(id),
    groupsOf: (hash, subject) => catalog.groups.filter((group) => isIn(group, hash, subject)).map((group) => group.id),
    byPackageName: (name) => editions.filter((edition) => edition.packageName === name),
    byFileName: (name) => editions.filter((edition) => edition.file.name === name),
  };
}

function isIn({ members, criteria }: CatalogGroup, hash: string, subject: MachineSubject): boolean {
  return members.includes(hash) || (criteria !== undefined && machineMeets(criteria, hash, subject));
}

/** What a word on the command line turned out to name. */
export type Resolved =
  | { kind: 'edition'; edition: Edition }
  | { kind: 'basename'; basename: string }
  | { kind: 'ambiguous'; editions: readonly Edition[] }
  | { kind: 'none' };

/**
 * Finds what a target means, first hit wins: exact edition, exact basename, whole-number id, package name, file name.
 * A number counts only as a whole (`7zip-x` is never id 7).
 */
export function resolveTarget(index: CatalogIndex, target: string): Resolved {
  const exact = index.byEdition(target);
  if (exact !== undefined) return { kind: 'edition', edition: exact };
  if (index.ofBasename(target).length > 0) return { kind: 'basename', basename: target };
  const id = wholeNumber(target);
  const numbered = id === null ? undefined : index.byId(id);
  if (numbered !== undefined) return { kind: 'edition', edition: numbered };
  for (const found of [index.byPackageName(target), index.byFileName(target)]) {
    const [first] = found;
    if (first !== undefined)
      return found.length === 1 ? { kind: 'edition', edition: first } : { kind: 'ambiguous', editions: found };
  }
  return { kind: 'none' };
}
