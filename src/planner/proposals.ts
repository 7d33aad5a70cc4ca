import type { Proposal } from '@d3/sdk';
import type { CatalogIndex } from '../catalog/resolve.ts';
import { obstaclesToUninstall } from './availability.ts';
import { act, held, obstructed, receiptAfter, refused } from './decide.ts';
import { reason } from './reasons.ts';
import type { Receipt } from './receipt.ts';
import { installByItself } from './sync.ts';
import type { Decision, Facts, Plan, Reason, Request } from './types.ts';

/** What one plugin proposed. */
export interface Proposed {
  plugin: string;
  proposals: readonly Proposal[];
}

/**
 * Lays what plugins propose over the host's own plan. A hold or refusal takes the place of what was planned for its
 * basename; an action is added where the host plans none, under the same rules as the host's own. Pure.
 */
export function withProposals(
  plan: Plan,
  proposed: readonly Proposed[],
  request: Request,
  facts: Facts,
  index: CatalogIndex,
): Plan {
  const decisions = [...plan.decisions];
  const warnings = [...plan.warnings];
  for (const { plugin, proposals } of proposed) {
    for (const proposal of proposals) {
      const decided = decideProposal(plugin, proposal, decisions, request, facts, index);
      if (typeof decided === 'string')
        warnings.push(`${plugin} proposed to ${proposal.kind} ${about(proposal)}: ${decided}`);
      else if (decided !== null) replaceOrAdd(decisions, decided);
    }
  }
  return { ...plan, decisions, warnings };
}

function about(proposal: Proposal): string {
  return proposal.kind === 'install' ? proposal.edition : proposal.basename;
}

/** @returns the decision, or why there is none; null: nothing is to be said of it */
function decideProposal(
  plugin: string,
  proposal: Proposal,
  decisions: readonly Decision[],
  request: Request,
  facts: Facts,
  index: CatalogIndex,
): Decision | string | null {
  const because = [reason('PROPOSED', { plugin, why: proposal.reason })];
  const basename = proposal.kind === 'install' ? index.byEdition(proposal.edition)?.basename : proposal.basename;
  if (basename === undefined) return 'there is no such edition';
  const planned = decisions.find(
    (decision) => decision.basename === basename && !isOfRecord(decision) && decision.verdict === 'act',
  );
  const found = facts.receipts.find((candidate) => candidate.basename === basename);
  const receipt = found === undefined ? null : receiptAfter(found, decisions);
  const queued = facts.deferred.some(({ edition }) => edition.basename === basename);
  // What waits for a restart is decided already: it is asked for, so it is not removed before it has come.
  if (proposal.kind === 'note' || (proposal.kind === 'uninstall' && queued)) return noted(basename, decisions, because);
  if (proposal.kind === 'hold' || proposal.kind === 'refuse') {
    if (planned === undefined) return 'nothing is planned for it';
    const { target, edition } = planned;
    const subject = { target, basename, edition };
    if (proposal.kind === 'hold') return held(subject, [...planned.reasons, ...because]);
    return refused(subject, planned.reasons, because[0] as Reason, 'refused', []);
  }
  if (request.kind !== 'sync') return 'only a sync takes up actions';
  if (planned !== undefined) return 'something else is planned for it already';
  if (facts.interrupted.includes(basename)) return 'an earlier run of it was cut and comes first';
  if (proposal.kind === 'install')
    return decideInstall(proposal.edition, receipt, because, request.force, facts, index);
  if (receipt === null) return 'it is not installed';
  const subject = { target: basename, basename, edition: receipt.edition };
  if (proposal.kind === 'forget') return act(subject, { kind: 'forget', basename, edition: receipt.edition }, because);
  const obstacles = obstaclesToUninstall(receipt, facts, request.force);
  if (obstacles.length > 0) return obstructed(subject, because, obstacles, false);
  const { environment = null } = proposal;
  const seen = environment === null ? {} : { environment: { ...environment } };
  return act(subject, { kind: 'uninstall', mode: 'uninstall', receipt, force: request.force, ...seen }, because);
}

/** What is decided of something, with one more link in the chain; null where nothing is. */
function noted(basename: string, decisions: readonly Decision[], because: Reason[]): Decision | null {
  const decided = decisions.find((decision) => decision.basename === basename && !isOfRecord(decision));
  if (decided === undefined) return null;
  const { reasons, ...rest } = decided;
  // What happened is told by its last reason, so what plugins say of it comes before.
  return { ...rest, reasons: [...reasons.slice(0, -1), ...because, ...reasons.slice(-1)] };
}

function decideInstall(
  name: string,
  receipt: Receipt | null,
  because: Reason[],
  force: boolean,
  facts: Facts,
  index: CatalogIndex,
): Decision | string {
  const edition = index.byEdition(name);
  if (edition?.status !== 'live') return 'it is not live';
  if (receipt !== null) return `${receipt.edition} is installed, which sync looks after`;
  return installByItself(edition, because, { force, puppies: false }, facts, index);
}

/** A change of d3's own record, which comes before whatever else is decided of the basename. */
function isOfRecord({ action }: Decision): boolean {
  return action?.kind === 'refresh' || action?.kind === 'dequeue';
}

function replaceOrAdd(decisions: Decision[], decided: Decision): void {
  const at = decisions.findIndex((decision) => decision.basename === decided.basename && !isOfRecord(decision));
  if (at === -1) decisions.push(decided);
  else decisions[at] = decided;
}
