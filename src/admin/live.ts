import { D3Error } from '@d3/sdk';
import { effectsOfMakingLive, isRollback } from '../catalog/lifecycle.ts';
import type { Edition, StoredStatus } from '../catalog/types.ts';
import type { StoredEdition } from '../depot/index.ts';
import { runMakeLivePolicies } from './make-live-policies.ts';
import { type AdminSession, announce, publish } from './session.ts';
import { editionMeant } from './targets.ts';

/** What making an edition live would do, for the admin to agree to. */
export interface LiveProposal {
  edition: StoredEdition;
  alreadyLive: boolean;
  /** It takes machines back to an older edition. */
  rollback: boolean;
  effects: { edition: string; from: StoredStatus; to: StoredStatus }[];
  /** What the store must still look like when it is done. */
  expected: { liveId: number | null; newestId: number };
}

/** @throws D3Error notFound when it is unknown or its file is gone */
export async function proposeLive(target: string, session: AdminSession): Promise<LiveProposal> {
  const meant = await editionMeant(target, session);
  if (meant.status === 'missing') throw missing(meant);
  const all = await session.depot.store.editions.list();
  const family = all.filter((edition) => edition.basename === meant.basename);
  const edition = family.find((sibling) => sibling.id === meant.id) as StoredEdition;
  const names = new Map(family.map((sibling) => [sibling.id, sibling.edition]));
  return {
    edition,
    alreadyLive: edition.status === 'live',
    rollback: isRollback(edition),
    effects: effectsOfMakingLive(family, edition.id).map(({ id, from, to }) => ({
      edition: names.get(id) as string,
      from,
      to,
    })),
    expected: {
      liveId: family.find((sibling) => sibling.status === 'live')?.id ?? null,
      newestId: Math.max(...family.map((sibling) => sibling.id)),
    },
  };
}

/** Carries a proposal out in one transaction, if nobody else was faster. @throws D3Error refused `LIVE_CONFLICT` */
export async function makeLive(proposal: LiveProposal, session: AdminSession): Promise<void> {
  const { depot, admin } = session;
  if (proposal.alreadyLive) return;
  await depot.store.editions.makeLive(proposal.edition.id, admin, proposal.expected);
  await publish(session);
  await announce('d3:edition:live', proposal.edition, session);
  await runMakeLivePolicies(proposal.edition, session);
}

function missing(edition: Edition): D3Error {
  return new D3Error('MISSING_FILE', 'notFound', `${edition.edition} is missing: its file is gone from the depot.`, {
    target: edition.edition,
    actions: [`add it again as a new revision: d3admin add ${edition.basename} -v ${edition.version} -s SOURCE`],
  });
}
