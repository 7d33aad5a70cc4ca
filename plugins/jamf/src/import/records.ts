import type { AdminPort, DepotDocument, DepotEdition } from '@d3/sdk';
import type { Connection } from '../connector/connection.ts';
import { listPackages, type JamfPackage as Whole } from '../connector/packages.ts';
import { listRecords } from '../connector/records.ts';
import type { Known } from './propose.ts';

/** A package as Jamf Pro has it, as far as an import reads it. */
export interface JamfPackage extends Whole {
  categoryId?: string | null;
  notes?: string | null;
  rebootRequired?: boolean | null;
  osRequirements?: string | null;
}

/** What is in Jamf Pro, and what d3 has of it. */
export interface Site {
  /** Oldest first. */
  packages: readonly JamfPackage[];
  /** Names of Jamf's categories, by id. */
  categories: ReadonlyMap<string, string>;
  /** Links of packages, by Jamf's id. */
  links: ReadonlyMap<string, DepotDocument>;
  editions: readonly DepotEdition[];
}

export async function survey(connection: Connection, admin: AdminPort): Promise<Site> {
  const packages: JamfPackage[] = await listPackages(connection);
  const categories = await listRecords(connection, 'category');
  const links = (await admin.documents('jamf-link').list()).filter(({ body }) => body['what'] === 'package');
  return {
    packages: packages.toSorted((a, b) => Number(a.id) - Number(b.id)),
    categories: new Map(categories.map(({ id, name }) => [id, name])),
    links: new Map(links.map((link) => [link.body['jamf'] as string, link])),
    editions: await admin.editions(),
  };
}

/** The edition a package is linked to; null when it is linked to none that is there. */
export function editionOf({ links, editions }: Pick<Site, 'links' | 'editions'>, id: string): DepotEdition | null {
  const target = links.get(id)?.body['target'];
  return typeof target === 'number' ? (editions.find((edition) => edition.id === target) ?? null) : null;
}

/** What d3 does not have yet. */
export function candidatesOf(site: Site): JamfPackage[] {
  return site.packages.filter(({ id }) => editionOf(site, id) === null);
}

export function knownOf({ editions }: Pick<Site, 'editions'>): Known {
  const ofApplePackage = new Map<string, Set<string>>();
  for (const { basename, applePackages } of editions)
    for (const { id } of applePackages)
      ofApplePackage.set(id, (ofApplePackage.get(id) ?? new Set<string>()).add(basename));
  return { basenames: [...new Set(editions.map(({ basename }) => basename))], ofApplePackage };
}

/** Jamf's category of a package; null for none. */
export function categoryOf({ categories }: Pick<Site, 'categories'>, { categoryId }: JamfPackage): string | null {
  return categories.get(String(categoryId ?? '-1')) ?? null;
}
