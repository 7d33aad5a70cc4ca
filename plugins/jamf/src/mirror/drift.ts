import type { AdminPort, DepotEdition } from '@d3/sdk';
import type { Connection } from '../connector/connection.ts';
import { type JamfPackage, listPackages } from '../connector/packages.ts';
import { listRecords } from '../connector/records.ts';
import { differing, type Owned, ownedBy, ownedIn } from './fields.ts';
import { isKnownFile, type PackageLink, packageLinks } from './links.ts';
import { whyNot } from './push.ts';

/** One thing that is not the same here and there. `both`: each changed it since they were the same, or they never were. */
type Difference = {
  field: keyof Owned | 'file';
  here: string;
  there: string;
  changed: 'here' | 'there' | 'both';
};

/** How an edition stands to Jamf Pro; a type, so that it is JSON. */
export type Drift = {
  /** Null: its edition was deleted. */
  edition: string | null;
  jamf: string | null;
  packageName: string;
  /**
   * `missing`: its package was deleted in Jamf. `unsent`: it was never there. `unfinished`: a push of it was cut.
   * `orphaned`: the package of an edition that is gone. `stranger`: d3 has no edition of it.
   */
  state: 'same' | 'differs' | 'missing' | 'unsent' | 'unfinished' | 'orphaned' | 'stranger';
  differences: Difference[];
};

/** Everything that is looked at, read once. */
export interface Both {
  editions: readonly DepotEdition[];
  links: readonly PackageLink[];
  packages: ReadonlyMap<string, JamfPackage>;
  /** Names of Jamf's categories, by id. */
  categories: ReadonlyMap<string, string>;
}

export async function readBoth(connection: Connection, admin: AdminPort): Promise<Both> {
  const [packages, categories] = [await listPackages(connection), await listRecords(connection, 'category')];
  return {
    packages: new Map(packages.map((one) => [one.id, one])),
    categories: new Map(categories.map(({ id, name }) => [id, name])),
    // After Jamf's: what was made meanwhile is linked by now.
    links: await packageLinks(admin),
    editions: await admin.editions(),
  };
}

/** How all editions stand to Jamf Pro, and all its packages to d3. Pure. */
export function driftOf({ editions, links, packages, categories }: Both): Drift[] {
  const linkOf = new Map(links.flatMap((link) => (link.edition === null ? [] : [[link.edition, link] as const])));
  const known = new Set(editions.map(({ id }) => id));
  const ids = new Map([...categories].map(([id, name]) => [name, id]));
  const ours = editions
    .filter((edition) => whyNot(edition) === null || linkOf.has(edition.id))
    .map((edition) => stands(edition, linkOf.get(edition.id) ?? null, packages, ids, categories));
  const orphans = links.flatMap(({ edition, jamf, document }): Drift[] => {
    if (edition === null || known.has(edition)) return [];
    const there = jamf === null ? undefined : packages.get(jamf);
    const packageName = there?.packageName ?? (document.body['name'] as string);
    return [{ edition: null, jamf, packageName, state: 'orphaned', differences: [] }];
  });
  const linked = new Set(links.flatMap(({ jamf }) => jamf ?? []));
  const strangers = [...packages.values()].flatMap(({ id, packageName }): Drift[] =>
    linked.has(id) ? [] : [{ edition: null, jamf: id, packageName, state: 'stranger', differences: [] }],
  );
  return [...ours, ...orphans, ...strangers];
}

function stands(
  edition: DepotEdition,
  link: PackageLink | null,
  packages: ReadonlyMap<string, JamfPackage>,
  ids: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
): Drift {
  const about = { edition: edition.edition, jamf: link?.jamf ?? null, packageName: edition.packageName };
  if (link === null) return { ...about, state: 'unsent', differences: [] };
  if (link.jamf === null) return { ...about, state: 'unfinished', differences: [] };
  const jamf = packages.get(link.jamf);
  if (jamf === undefined) return { ...about, state: 'missing', differences: [] };
  const there = ownedIn(jamf);
  const here = ownedBy(edition, edition.category === null ? '-1' : (ids.get(edition.category) ?? 'new'));
  const last = link.seen.pushed ?? null;
  const words = (owned: Owned, field: keyof Owned) =>
    field === 'categoryId' ? categoryWords(owned, edition, here, names) : String(owned[field]);
  const differences: Difference[] = differing(here, there).map((field) => ({
    field,
    here: words(here, field),
    there: words(there, field),
    changed: whoChanged(field, here, there, last),
  }));
  const theirs = jamf.sha256?.toLowerCase() ?? '';
  if (theirs !== edition.file.sha256 && !isKnownFile(jamf, edition.file.sha256, link.seen))
    differences.push({
      field: 'file',
      here: edition.file.sha256,
      there: theirs === '' ? 'none' : theirs,
      changed: link.seen.sha256 === edition.file.sha256 ? 'there' : 'here',
    });
  const unfinished = last === null && differences.length > 0;
  return { ...about, state: unfinished ? 'unfinished' : differences.length === 0 ? 'same' : 'differs', differences };
}

function whoChanged(field: keyof Owned, here: Owned, there: Owned, last: Owned | null): Difference['changed'] {
  if (last === null) return 'both';
  const isOld = (owned: Owned) => !differing(owned, last).includes(field);
  if (isOld(there)) return 'here';
  return isOld(here) ? 'there' : 'both';
}

function categoryWords(owned: Owned, edition: DepotEdition, here: Owned, names: ReadonlyMap<string, string>): string {
  if (owned === here) return edition.category ?? 'none';
  return owned.categoryId === '-1' ? 'none' : (names.get(owned.categoryId) ?? owned.categoryId);
}
