import { D3Error } from '@d3/sdk';
import { type CleanRules, toClean } from '../catalog/clean.ts';
import { effectsOfMakingLive } from '../catalog/lifecycle.ts';
import type { Edition } from '../catalog/types.ts';
import { type Deleted, deleteEdition } from './delete.ts';
import type { AdminSession } from './session.ts';

export interface Cleaned {
  deleted: Deleted[];
  /** What could not be deleted, and why; the others went all the same. */
  failures: { edition: string; why: string }[];
}

/** The editions of a basename that would be cleaned away, once an edition of it is live. */
export async function cleanable(
  basename: string,
  liveId: number | null,
  rules: CleanRules,
  { depot }: AdminSession,
): Promise<Edition[]> {
  const family = (await depot.store.editions.list()).filter((edition) => edition.basename === basename);
  const after = new Map(liveId === null ? [] : effectsOfMakingLive(family, liveId).map(({ id, to }) => [id, to]));
  const going = toClean(
    family.map(({ id, status }) => ({ id, status: after.get(id) ?? status })),
    rules,
  );
  return family.filter(({ id }) => going.includes(id));
}

/** Deletes old editions with the scripts nothing else uses. One that cannot go never stops the others. */
export async function clean(basename: string, rules: CleanRules, session: AdminSession): Promise<Cleaned> {
  const cleaned: Cleaned = { deleted: [], failures: [] };
  const derived = new Map((await session.depot.editionsWithDerivedStatus()).map((edition) => [edition.id, edition]));
  for (const { id, edition } of await cleanable(basename, null, rules, session)) {
    try {
      const there = derived.get(id);
      if (there !== undefined) cleaned.deleted.push(await deleteEdition(there, { deleteScripts: true }, session));
    } catch (error) {
      if (!(error instanceof D3Error) || error.code === 'NOT_PUBLISHED') throw error;
      cleaned.failures.push({ edition, why: error.message });
    }
  }
  return cleaned;
}
