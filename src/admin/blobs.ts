import { D3Error } from '@d3/sdk';
import type { Edition, PolicyStep, ScriptPin } from '../catalog/types.ts';
import type { AdminSession } from './session.ts';

/** The hashes an edition keeps in the depot: its file, its list of contents, its scripts. */
export function blobsOf(
  edition: Pick<Edition, 'file' | 'contents' | 'preInstall' | 'postInstall' | 'preRemove' | 'postRemove'>,
): string[] {
  const pins = [edition.preInstall, edition.postInstall, edition.preRemove, edition.postRemove];
  const hashes = [edition.file.sha256, edition.contents, ...pins.map((pin) => pin?.sha256)];
  return hashes.filter((hash) => hash !== null && hash !== undefined);
}

/** Every hash that something in the depot needs: editions, archived ones without a file they do not keep, and documents. */
export async function neededBlobs(
  store: Pick<AdminSession['depot']['store'], 'editions' | 'documentHashes'>,
): Promise<Set<string>> {
  const needed = await store.documentHashes();
  for (const edition of await store.editions.list()) for (const hash of blobsOf(edition)) needed.add(hash);
  for (const edition of await store.editions.archived()) {
    for (const hash of blobsOf(edition)) if (hash !== edition.file.sha256 || edition.fileKept) needed.add(hash);
  }
  return needed;
}

/**
 * Removes those of the given blobs that nothing names any more. Only these: others may just be arriving.
 * Nothing can be added meanwhile; what is added right after finds its blob gone, see {@link requireBlobs}.
 * @returns the hashes that were removed
 */
export async function removeUnused(candidates: readonly string[], { depot }: AdminSession): Promise<string[]> {
  return depot.store.exclusively(async (store) => {
    const needed = await neededBlobs(store);
    const unused = [...new Set(candidates)].filter((hash) => !needed.has(hash));
    for (const hash of unused) await depot.blobs.remove(hash);
    return unused;
  });
}

/**
 * For the moment in which something is added that names blobs: another admin may have deleted the last that had them.
 * @throws D3Error busy `BLOB_GONE`
 */
export async function requireBlobs(hashes: readonly string[], target: string, { depot }: AdminSession): Promise<void> {
  for (const hash of hashes) {
    if (await depot.blobs.has(hash)) continue;
    throw new D3Error('BLOB_GONE', 'busy', `${target} was not added: somebody deleted its file at this moment.`, {
      target,
      actions: ['run the command again'],
    });
  }
}

/** The scripts that steps run, as they are pinned. */
export function scriptsOfSteps(steps: readonly PolicyStep[]): ScriptPin[] {
  return steps.flatMap(({ kind, args }) => (kind === 'script' ? [args['script'] as unknown as ScriptPin] : []));
}
