import { D3Error } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import { blobsOf, removeUnused } from './blobs.ts';
import { type AdminSession, announce, publish } from './session.ts';

export interface Deleted {
  edition: Edition;
  archived: boolean;
  /** Whether the package file is gone too: it stays while another edition has the same one. */
  fileRemoved: boolean;
}

/**
 * Takes an edition out of the depot. Machines keep what they have installed.
 * @param archive keep its record, to be seen with `d3admin show archived`
 */
export async function deleteEdition(edition: Edition, archive: boolean, session: AdminSession): Promise<Deleted> {
  const now = (await session.depot.editionsWithDerivedStatus()).find(({ id }) => id === edition.id);
  if (now !== undefined && now.status !== edition.status) throw changedMeanwhile(edition, now);
  await session.depot.store.editions.delete(edition.id, session.admin, { archive });
  await publish(session);
  await announce('d3:edition:deleted', edition, session);
  const removed = await removeUnused(blobsOf(edition), session);
  return { edition, archived: archive, fileRemoved: removed.includes(edition.file.sha256) };
}

function changedMeanwhile({ edition, status }: Edition, now: Edition): D3Error {
  const text = `${edition} was ${status} when its deletion was agreed to, and is ${now.status} now`;
  return new D3Error('DELETE_CONFLICT', 'refused', `${text}.`, {
    target: edition,
    actions: ['look at it again: d3admin show'],
  });
}
