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
  const { status } = edition;
  // That its file is missing is no status of the store's.
  const expected = status === 'missing' ? {} : { expected: status };
  await session.depot.store.editions.delete(edition.id, session.admin, { archive, ...expected });
  await publish(session);
  await announce('d3:edition:deleted', edition, session);
  const removed = await removeUnused(blobsOf(edition), session);
  return { edition, archived: archive, fileRemoved: removed.includes(edition.file.sha256) };
}
