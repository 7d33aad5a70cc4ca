import type { AdminSession } from '../../admin/session.ts';
import type { Named } from './pick.ts';

/** What of a depot can be picked. */

export async function basenamesOf({ depot }: AdminSession): Promise<Named[]> {
  const editions = await depot.store.editions.list();
  return [...new Set(editions.map(({ basename }) => basename))].sort().map((name) => ({ name }));
}

/** The newest first. */
export async function editionsOf({ depot }: AdminSession): Promise<(Named & { more: string })[]> {
  const editions = await depot.editionsWithDerivedStatus();
  return editions.map(({ edition, status }) => ({ name: edition, more: status })).toReversed();
}

export async function groupsOf({ depot }: AdminSession): Promise<Named[]> {
  return [{ name: 'standard' }, ...(await depot.store.documents('group').list()).map(({ name }) => ({ name }))];
}

/** By name; by id where two have the same name. */
export async function computersOf({ depot }: AdminSession): Promise<Named[]> {
  const computers = await depot.store.computers.list();
  const byName = Map.groupBy(computers, ({ name }) => name.toLowerCase());
  return computers.map(({ id, name, lastContact }) =>
    byName.get(name.toLowerCase())?.length === 1
      ? { name, more: `heard of ${lastContact}` }
      : { name: id, more: `${name}, heard of ${lastContact}` },
  );
}
