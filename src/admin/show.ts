import { D3Error } from '@d3/sdk';
import { indexCatalog } from '../catalog/resolve.ts';
import { SHOWABLE, type Showable } from '../catalog/statuses.ts';
import type { Edition, Status } from '../catalog/types.ts';
import { groupWords } from '../planner/availability.ts';
import type { AdminSession } from './session.ts';
import { editionMeant } from './targets.ts';

/** An edition of the catalog, or one that is archived. */
export type KnownEdition = Omit<Edition, 'status'> & { status: Status };

/** An edition as lists show it. */
export interface ShownEdition {
  id: number;
  edition: string;
  basename: string;
  status: Status;
  addedAt: string;
  addedBy: string;
  releasedAt: string | null;
  releasedBy: string | null;
}

/**
 * Editions by basename, the newest last; archived ones only when asked for by status.
 * @param names basenames or editions; none means all
 * @throws D3Error notFound when there is none called so
 */
export async function showEditions(
  which: Showable,
  names: readonly string[],
  session: AdminSession,
): Promise<ShownEdition[]> {
  const editions = await editionsOf(which === 'all' ? null : new Set([which]), session);
  for (const name of names) await refuseUnknown(name, editions, session);
  return editions.filter((edition) => names.length === 0 || names.some((name) => isCalled(edition, name))).map(shown);
}

/**
 * Editions of some statuses by basename, oldest first; archived ones only where that is among the statuses.
 * @param statuses null: all that are in the catalog
 */
export async function editionsOf(
  statuses: ReadonlySet<Status> | null,
  { depot }: AdminSession,
): Promise<KnownEdition[]> {
  const wantsArchived = statuses?.has('archived') === true;
  const known: KnownEdition[] = wantsArchived && statuses.size === 1 ? [] : await depot.editionsWithDerivedStatus();
  if (wantsArchived) known.push(...(await archivedEditions(depot)));
  return known
    .filter(({ status }) => statuses === null || statuses.has(status))
    .toSorted((a, b) => compare(a.basename.toLowerCase(), b.basename.toLowerCase()) || a.id - b.id);
}

/** Archived ones, as editions among others. */
export async function archivedEditions(depot: AdminSession['depot']): Promise<KnownEdition[]> {
  const archived = await depot.store.editions.archived();
  return archived.map(({ archived: _archived, deletedAt: _at, deletedBy: _by, ...edition }) => ({
    ...edition,
    status: 'archived' as const,
  }));
}

/** Byte order: a collation takes longer than all the rest. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isCalled({ basename, edition }: ShownEdition | KnownEdition, name: string): boolean {
  return basename.toLowerCase() === name.toLowerCase() || edition === name;
}

/** A name that only stands for nothing of this status is known all the same. */
async function refuseUnknown(name: string, shownNow: readonly KnownEdition[], session: AdminSession): Promise<void> {
  if (shownNow.some((edition) => isCalled(edition, name))) return;
  const all = await editionsOf(new Set(SHOWABLE.filter((status) => status !== 'all')), session);
  if (all.some((edition) => isCalled(edition, name))) return;
  throw new D3Error('EDITION_NOT_FOUND', 'notFound', `Neither a basename nor an edition is called ${name}.`, {
    target: name,
    actions: [`look for it: d3admin search ${name}`, `statuses are ${SHOWABLE.join(', ')}`],
  });
}

export function shown(edition: KnownEdition): ShownEdition {
  const { id, edition: name, basename, status, addedAt, addedBy, releasedAt, releasedBy } = edition;
  return { id, edition: name, basename, status, addedAt, addedBy, releasedAt, releasedBy };
}

/** Everything of one edition. */
export interface EditionInfo {
  edition: KnownEdition;
  autoGroups: string[];
  excludedGroups: string[];
}

/** @throws D3Error notFound when neither the catalog nor the archive has it */
export async function editionInfo(target: string, session: AdminSession): Promise<EditionInfo> {
  const edition = await knownEdition(target, session);
  const groupOf = await groupNames(session);
  return {
    edition,
    autoGroups: edition.autoGroups.map(groupOf),
    excludedGroups: edition.excludedGroups.map(groupOf),
  };
}

async function knownEdition(target: string, session: AdminSession): Promise<KnownEdition> {
  try {
    return await editionMeant(target, session);
  } catch (error) {
    if (!(error instanceof D3Error) || error.code !== 'EDITION_NOT_FOUND') throw error;
    const archived = await archivedEditions(session.depot);
    const found = archived.findLast(({ id, edition }) => edition === target || String(id) === target);
    if (found === undefined) throw error;
    return found;
  }
}

/** How a group of an edition is called. */
export async function groupNames({ depot }: AdminSession): Promise<(group: number | 'standard') => string> {
  const documents = await depot.store.documents('group').list();
  const groups = documents.map(({ id, name }) => ({ id, name, members: [] }));
  const index = indexCatalog({ schema: 'd3/catalog@1', generation: 0, editions: [], groups });
  return (group) => groupWords(group, index);
}
