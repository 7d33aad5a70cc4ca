import { D3Error } from '@d3/sdk';
import { byName } from '../catalog/policies.ts';
import type { Edition, GroupRef } from '../catalog/types.ts';
import { newRunId } from '../run-id.ts';
import type { AdminSession } from './session.ts';

/** What sets off policies on the depot's own host, each time an edition has been made live. */
const MAKE_LIVE = 'make-live';

/**
 * Runs what is to be run when an edition has been made live, as runs of the depot, in the order of their names: scope and
 * frequency are for machines and do not count here. What fails is said, and takes nothing back.
 */
export async function runMakeLivePolicies(edition: Edition, session: AdminSession): Promise<void> {
  const { depot, report, signal } = session;
  const all = await depot.store.documents('policy').list();
  const meant = all
    .filter(({ body }) => body.events.includes(MAKE_LIVE))
    .map(({ id, name, body }) => ({ id, name, ...body }))
    .toSorted(byName);
  if (meant.length === 0) return;
  const { depotKinds, depotRuns } = await import('./runs.ts');
  const { stepProblems } = await import('../runs/check.ts');
  const { newRun } = await import('../runs/make.ts');
  const kinds = await depotKinds(session);
  const runs = await depotRuns(session);
  const environment = await makeLiveEnvironment(edition, session);
  for (const { id, name, steps } of meant) {
    const warn = (text: string) => report({ type: 'warning', target: name, text });
    try {
      const [problem] = await stepProblems(steps, kinds);
      if (problem !== undefined) {
        warn(`it cannot be run on the depot's host: ${problem.target}: ${problem.message}`);
        continue;
      }
      const at = session.clock.now();
      const origin = { kind: 'policy' as const, id, name, event: MAKE_LIVE };
      const run = newRun({ id: newRunId(at), origin, by: session.admin, at, steps, environment });
      await runs.store.create(run);
      const ended = await runs.advance(run.id);
      if (ended.state !== 'done') warn(`its run ${run.id} is ${ended.state}: ${ended.text}`);
    } catch (error) {
      signal.throwIfAborted();
      // A worker was faster: it tells of it itself.
      if (error instanceof D3Error && error.code === 'RUN_HELD')
        report({ type: 'note', target: name, text: error.message });
      else warn((error as Error).message);
    }
  }
}

/** What make-live scripts and policies are told of the edition. */
export async function makeLiveEnvironment(
  edition: Edition,
  { depot, admin }: AdminSession,
): Promise<Record<string, string>> {
  const groups = await depot.store.documents('group').list();
  const names = (refs: readonly GroupRef[]) =>
    refs.map((ref) => groups.find(({ id }) => id === ref)?.name ?? String(ref)).join(',');
  return {
    D3_MAKE_LIVE_EDITION: edition.edition,
    D3_MAKE_LIVE_ADMIN: admin,
    D3_MAKE_LIVE_DESC: edition.description,
    D3_MAKE_LIVE_AUTO_GROUPS: names(edition.autoGroups),
    D3_MAKE_LIVE_EXCL_GROUPS: names(edition.excludedGroups),
  };
}
