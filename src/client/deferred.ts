import { D3Error } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import type { Action } from '../planner/types.ts';
import type { ActingContext } from './context.ts';
import { dropPackage, fetchPackage, requireFree, telling } from './fetch.ts';
import type { StateReader } from './state/state.ts';

/**
 * Queues an install for a restart. Its file is fetched and verified now, and its scripts are kept, so that nothing has to be
 * fetched when the time has come. It is on record last: what was cut before is fetched again by whoever asks again.
 */
export async function deferInstall(
  { deferred }: Extract<Action, { kind: 'defer' }>,
  context: ActingContext,
): Promise<void> {
  const { depot, report, paths, signal, state, scripts, rootfs } = context;
  const { edition, file, basename } = deferred.edition;
  if (depot === null) throw new D3Error('NO_DEPOT', 'usage', 'No depot is known to fetch from.', { target: edition });
  report({ type: 'detail', target: edition, text: 'fetching' });
  requireFree(rootfs.freeBytes(), file.size, edition);
  const fetched = await fetchPackage({ depot, file, folder: paths.packages, signal, ...telling(edition, report) });
  await fetched.handle.close();
  await scripts.keep(scriptsOf(deferred.edition));
  state.defer(basename, deferred);
}

/** Takes a basename off the queue, and throws away the file that was kept for it. */
export async function dequeue(basename: string, { state, paths }: ActingContext): Promise<void> {
  const entry = state.deferred().find(({ edition }) => edition.basename === basename);
  state.dequeue(basename);
  if (entry === undefined || filesNeeded(state).has(entry.edition.file.sha256)) return;
  await dropPackage(paths.packages, entry.edition.file.sha256);
}

/** Names of the package files that queued installs and actions under way need. */
export function filesNeeded(state: StateReader): Set<string> {
  const cut = state.journal().flatMap(({ action }) => (action.kind === 'install' ? [action.edition] : []));
  const queued = state.deferred().map(({ edition }) => edition);
  return new Set([...cut, ...queued].map(({ file }) => file.sha256));
}

/** The scripts of an edition, for install and removal. */
export function scriptsOf({ preInstall, postInstall, preRemove, postRemove }: Edition) {
  return [preInstall, postInstall, preRemove, postRemove].filter((script) => script !== null);
}
