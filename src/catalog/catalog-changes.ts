import type { Catalog, Edition } from './types.ts';

/** One thing that differs between two catalogs, for who is to sign the second. */
export interface CatalogChange {
  /** `edition`, `group`, `mirror` or `policy`. */
  kind: string;
  name: string;
  /** What became of it, in words. */
  text: string;
}

/** What differs between a catalog and the one that is to take its place. @param before null: there was none */
export function catalogChanges(before: Catalog | null, after: Catalog): CatalogChange[] {
  return [
    ...editionChanges(before?.editions ?? [], after.editions),
    ...listChanges('group', before?.groups ?? [], after.groups, ({ id, name }) => [String(id), name]),
    ...listChanges('policy', before?.policies ?? [], after.policies ?? [], ({ id, name }) => [String(id), name]),
    ...listChanges('mirror', before?.mirrors ?? [], after.mirrors ?? [], ({ url }) => [url, url]),
  ];
}

function editionChanges(before: readonly Edition[], after: readonly Edition[]): CatalogChange[] {
  const old = new Map(before.map((edition) => [edition.id, edition]));
  const changes = after.flatMap((edition): CatalogChange[] => {
    const was = old.get(edition.id);
    const { edition: name, status, file } = edition;
    old.delete(edition.id);
    if (was === undefined) return [change('edition', name, `is new, ${status}, ${file.name}, SHA-256 ${file.sha256}`)];
    const parts = differing(was, edition).map((key) =>
      key === 'status'
        ? `${was.status} becomes ${status}`
        : key === 'file'
          ? `has another file, SHA-256 ${file.sha256}`
          : `has another ${key}`,
    );
    return parts.length === 0 ? [] : [change('edition', name, parts.join('; '))];
  });
  return [...changes, ...[...old.values()].map(({ edition }) => change('edition', edition, 'is gone'))];
}

function differing(before: Edition, after: Edition): (keyof Edition)[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Edition>;
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
}

function listChanges<T>(
  kind: string,
  before: readonly T[],
  after: readonly T[],
  named: (item: T) => [key: string, name: string],
): CatalogChange[] {
  const old = new Map(before.map((item) => [named(item)[0], item]));
  const changes = after.flatMap((item): CatalogChange[] => {
    const [key, name] = named(item);
    const was = old.get(key);
    old.delete(key);
    if (was === undefined) return [change(kind, name, 'is new')];
    return JSON.stringify(was) === JSON.stringify(item) ? [] : [change(kind, name, 'is changed')];
  });
  return [...changes, ...[...old.values()].map((item) => change(kind, named(item)[1], 'is gone'))];
}

function change(kind: string, name: string, text: string): CatalogChange {
  return { kind, name, text };
}
