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

/**
 * Removes those of the given blobs that no edition, no script and no policy names any more. Only these: others may just be arriving.
 * @returns the hashes that were removed
 */
export async function removeUnused(candidates: readonly string[], { depot }: AdminSession): Promise<string[]> {
  const used = new Set((await depot.store.editions.list()).flatMap(blobsOf));
  for (const script of await depot.store.documents('script').list()) used.add(script.body.sha256);
  for (const { body } of await depot.store.documents('policy').list())
    for (const pin of scriptsOfSteps(body.steps)) used.add(pin.sha256);
  const unused = [...new Set(candidates)].filter((hash) => !used.has(hash));
  for (const hash of unused) await depot.blobs.remove(hash);
  return unused;
}

/** The scripts that steps run, as they are pinned. */
export function scriptsOfSteps(steps: readonly PolicyStep[]): ScriptPin[] {
  return steps.flatMap(({ kind, args }) => (kind === 'script' ? [args['script'] as unknown as ScriptPin] : []));
}
