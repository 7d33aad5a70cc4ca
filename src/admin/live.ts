import { D3Error, type ExecPort } from '@d3/sdk';
import type { CleanRules } from '../catalog/clean.ts';
import { effectsOfMakingLive, isRollback } from '../catalog/lifecycle.ts';
import type { Edition, StoredStatus } from '../catalog/types.ts';
import type { StoredEdition } from '../depot/index.ts';
import { type Affected, affectedBy } from './affected.ts';
import { type Cleaned, clean, cleanable } from './clean.ts';
import { liveScript, runLiveScript } from './live-script.ts';
import { runMakeLivePolicies } from './make-live-policies.ts';
import { type AdminSession, announce, publish } from './session.ts';
import { editionMeant } from './targets.ts';
import { policiesUsing } from './users.ts';

/** What making an edition live would do, for the admin to agree to. */
export interface LiveProposal {
  edition: StoredEdition;
  alreadyLive: boolean;
  /** It takes machines back to an older edition. */
  rollback: boolean;
  effects: { edition: string; from: StoredStatus; to: StoredStatus }[];
  /** What the store must still look like when it is done. */
  expected: { liveId: number | null; newestId: number };
  /** What it comes to on the machines, by their last reports. */
  affected: Affected;
  /** Policies that name the edition that is live now, and so stay with it. */
  policies: string[];
  /** Editions that would be cleaned away afterwards. */
  cleaned: string[];
}

/** What is done after an edition went live. */
export interface AfterLive {
  /** A script of the depot, by name or id; null: none. */
  script: string | null;
  /** Null: nothing is cleaned away. */
  clean: CleanRules | null;
  exec: ExecPort;
}

export interface MadeLive {
  cleaned: Cleaned;
  warnings: string[];
}

/** @throws D3Error notFound when it is unknown or its file is gone */
export async function proposeLive(
  target: string,
  session: AdminSession,
  rules: CleanRules | null = null,
): Promise<LiveProposal> {
  const meant = await editionMeant(target, session);
  if (meant.status === 'missing') throw missing(meant);
  const all = await session.depot.store.editions.list();
  const family = all.filter((edition) => edition.basename === meant.basename);
  const edition = family.find((sibling) => sibling.id === meant.id) as StoredEdition;
  const live = family.find((sibling) => sibling.status === 'live');
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
      liveId: live?.id ?? null,
      newestId: Math.max(...family.map((sibling) => sibling.id)),
    },
    affected: await affectedBy(edition, session),
    policies: live === undefined || live.id === edition.id ? [] : await policiesUsing(live, session),
    cleaned:
      rules === null ? [] : (await cleanable(edition.basename, edition.id, rules, session)).map((old) => old.edition),
  };
}

/**
 * Carries a proposal out in one transaction, if nobody else was faster. Cleaning and the script come after it: what fails
 * there is told, and the edition is live.
 * @throws D3Error refused `LIVE_CONFLICT`
 */
export async function makeLive(proposal: LiveProposal, session: AdminSession, after?: AfterLive): Promise<MadeLive> {
  const made: MadeLive = { cleaned: { deleted: [], failures: [] }, warnings: [] };
  if (proposal.alreadyLive) return made;
  const { edition } = proposal;
  const script = after === undefined || after.script === null ? null : await liveScript(after.script, session);
  await session.depot.store.editions.makeLive(edition.id, session.admin, proposal.expected);
  await publish(session);
  await announce('d3:edition:live', edition, session);
  if (after !== undefined && after.clean !== null) {
    made.cleaned = await clean(edition.basename, after.clean, session);
    made.warnings.push(...made.cleaned.failures.map(({ edition: old, why }) => `${old} was not cleaned away: ${why}`));
  }
  if (after !== undefined && script !== null)
    made.warnings.push(...(await runLiveScript(script, edition, after.exec, session)));
  await runMakeLivePolicies(edition, session);
  return made;
}

/**
 * Leaves a basename without a live edition: its live one becomes deprecated. Machines keep what they have.
 * @throws D3Error refused `NOT_LIVE`, `LIVE_CONFLICT` when somebody else was faster
 */
export async function unlive(edition: Edition, session: AdminSession): Promise<Edition> {
  const stored = await session.depot.store.editions.byId(edition.id);
  if (stored !== null && stored.status !== 'live') {
    throw new D3Error('NOT_LIVE', 'refused', `${edition.edition} is not live but ${stored.status}.`, {
      target: edition.edition,
      actions: ['see what is live: d3admin show live'],
    });
  }
  const deprecated = await session.depot.store.editions.unlive(edition.id, session.admin);
  await publish(session);
  return deprecated;
}

function missing(edition: Edition): D3Error {
  return new D3Error('MISSING_FILE', 'notFound', `${edition.edition} is missing: its file is gone from the depot.`, {
    target: edition.edition,
    actions: [`add it again as a new revision: d3admin add ${edition.basename} -v ${edition.version} -s SOURCE`],
  });
}
