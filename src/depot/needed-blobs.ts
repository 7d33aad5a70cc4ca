import type { Edition } from '../catalog/types.ts';
import type { AdminStore } from './store/contract.ts';

/** The hashes an edition keeps in the depot: its file, its list of contents, its scripts. */
export function blobsOf(
  edition: Pick<Edition, 'file' | 'contents' | 'preInstall' | 'postInstall' | 'preRemove' | 'postRemove'>,
): string[] {
  const pins = [edition.preInstall, edition.postInstall, edition.preRemove, edition.postRemove];
  const hashes = [edition.file.sha256, edition.contents, ...pins.map((pin) => pin?.sha256)];
  return hashes.filter((hash) => hash !== null && hash !== undefined);
}

/** Every hash that something in the depot needs: editions, archived ones without a file they do not keep, and documents. */
export async function neededBlobs(store: Pick<AdminStore, 'editions' | 'documentHashes'>): Promise<Set<string>> {
  const needed = await store.documentHashes();
  for (const edition of await store.editions.list()) for (const hash of blobsOf(edition)) needed.add(hash);
  for (const edition of await store.editions.archived()) {
    for (const hash of blobsOf(edition)) if (hash !== edition.file.sha256 || edition.fileKept) needed.add(hash);
  }
  return needed;
}
