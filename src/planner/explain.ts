import { type CatalogIndex, resolveTarget } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { groupWords } from './availability.ts';
import { nothing, receiptAfter } from './decide.ts';
import { queuedOf } from './deferral.ts';
import { type Finding, findingsOf } from './findings.ts';
import { noLiveEdition, reason } from './reasons.ts';
import type { Receipt } from './receipt.ts';
import { receiptNamed } from './requested.ts';
import type { Decision, Facts, Plan, Request } from './types.ts';

/** Everything that bears on one basename on one machine, and what comes of it. */
export interface Explanation {
  basename: string;
  /** The edition the findings are about: the one decided on, else the live one; null when there is none. */
  edition: string | null;
  installed: string | null;
  findings: Finding[];
  /** The plan's own for this basename. One that says why nothing is done is added where the plan has none. */
  decisions: Decision[];
}

/** The basename a word means, by receipt, catalog or a cut action; null when it names nothing known. */
export function basenameMeant(name: string, facts: Facts, index: CatalogIndex | null): string | null {
  const receipt = receiptNamed(name, facts);
  if (receipt !== null) return receipt.basename;
  if (facts.interrupted.includes(name) || queuedOf(name, facts) !== null) return name;
  if (index === null) return null;
  const resolved = resolveTarget(index, name);
  if (resolved.kind === 'edition') return resolved.edition.basename;
  return resolved.kind === 'basename' ? resolved.basename : null;
}

/** Every basename there is something to say of, sorted. */
export function knownBasenames(facts: Facts, index: CatalogIndex | null): string[] {
  const here = facts.receipts.map((receipt) => receipt.basename);
  const queued = facts.deferred.map(({ edition }) => edition.basename);
  return [...new Set([...here, ...queued, ...facts.interrupted, ...(index?.basenames ?? [])])].toSorted();
}

/**
 * The whole chain behind what a plan does about a basename, also where it does nothing. Pure: it reads the verdict off
 * the plan and adds what was looked at; it decides nothing of its own.
 * @param index null where the catalog of the plan is not at hand: what the depot said is left out then
 */
export function explain(
  basename: string,
  request: Request,
  plan: Plan,
  facts: Facts,
  index: CatalogIndex | null,
): Explanation {
  const planned = plan.decisions.filter((decision) => decision.basename === basename);
  const receipt = receiptNow(basename, planned, facts);
  const live = index?.liveOf(basename) ?? null;
  const decisions = planned.length > 0 ? planned : whyNothing(basename, request, live, facts, index);
  const edition = editionMeant(decisions, receipt, live, index);
  return {
    basename,
    edition: edition?.edition ?? null,
    installed: receipt?.edition ?? null,
    findings: findingsOf({ basename, receipt, edition, decisions, facts }, request, index),
    decisions,
  };
}

function receiptNow(basename: string, planned: readonly Decision[], facts: Facts): Receipt | null {
  const receipt = facts.receipts.find((candidate) => candidate.basename === basename);
  return receipt === undefined ? null : receiptAfter(receipt, planned);
}

function editionMeant(
  decisions: readonly Decision[],
  receipt: Receipt | null,
  live: Edition | null,
  index: CatalogIndex | null,
): Edition | null {
  for (const { action } of decisions) {
    if (action?.kind === 'install') return action.edition;
    if (action?.kind === 'defer') return action.deferred.edition;
  }
  const decided = index?.byEdition(decisions.at(-1)?.edition ?? '') ?? null;
  return decided === null || decided.id === receipt?.id ? (live ?? decided) : decided;
}

/** A sync has no decision on what it is not concerned with; this says why. */
function whyNothing(
  basename: string,
  request: Request,
  live: Edition | null,
  facts: Facts,
  index: CatalogIndex | null,
): Decision[] {
  const subject = { target: basename, basename, edition: live?.edition ?? null };
  if (request.kind !== 'sync') return [nothing(subject, [reason('NOT_ASKED', { basename, command: request.kind })])];
  if (facts.inProgress.includes(basename)) return [nothing(subject, [reason('IN_PROGRESS', { basename })])];
  if (facts.interrupted.includes(basename)) return [nothing(subject, [reason('INTERRUPTED', { basename })])];
  if (index === null) return [];
  if (live === null) return [nothing(subject, [noLiveEdition(basename, index)])];
  const groups = live.autoGroups.map((group) => groupWords(group, index));
  return [nothing(subject, [reason('NOT_AUTO', { edition: live.edition, groups })])];
}
