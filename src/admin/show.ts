import { indexCatalog } from '../catalog/resolve.ts';
import type { Edition, Status } from '../catalog/types.ts';
import { groupWords } from '../planner/availability.ts';
import type { AdminSession } from './session.ts';
import { editionMeant } from './targets.ts';

export const SHOWABLE = ['all', 'pilot', 'live', 'deprecated', 'skipped', 'archived', 'missing'] as const;
export type Showable = (typeof SHOWABLE)[number];

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

/** Editions by basename, the newest last; archived ones only when asked for by name. */
export async function showEditions(which: Showable, { depot }: AdminSession): Promise<ShownEdition[]> {
  const editions = which === 'archived' ? await archived(depot) : await depot.editionsWithDerivedStatus();
  return editions
    .filter((edition) => which === 'all' || edition.status === which)
    .toSorted((a, b) => a.basename.localeCompare(b.basename) || a.id - b.id)
    .map(({ id, edition, basename, status, addedAt, addedBy, releasedAt, releasedBy }) => ({
      id,
      edition,
      basename,
      status,
      addedAt,
      addedBy,
      releasedAt,
      releasedBy,
    }));
}

async function archived(depot: AdminSession['depot']): Promise<(Omit<Edition, 'status'> & { status: Status })[]> {
  return (await depot.store.editions.archived()).map((edition) => ({ ...edition, status: 'archived' as const }));
}

/** Everything of one edition. */
export interface EditionInfo {
  edition: Edition;
  autoGroups: string[];
  excludedGroups: string[];
}

export async function editionInfo(target: string, session: AdminSession): Promise<EditionInfo> {
  const edition = await editionMeant(target, session);
  const documents = await session.depot.store.documents('group').list();
  const groups = documents.map(({ id, name }) => ({ id, name, members: [] }));
  const index = indexCatalog({ schema: 'd3/catalog@1', generation: 0, editions: [], groups });
  const names = (refs: Edition['autoGroups']) => refs.map((group) => groupWords(group, index));
  return { edition, autoGroups: names(edition.autoGroups), excludedGroups: names(edition.excludedGroups) };
}
