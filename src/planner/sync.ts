import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { groupsHere, groupWords, type Leave, obstaclesToInstall } from './availability.ts';
import { daysBetween } from './days.ts';
import { act, held, nothing, obstructed, receiptAfter } from './decide.ts';
import { decideQueued, installOrDefer } from './deferral.ts';
import { driftOf, driftReason } from './drift.ts';
import { noLiveEdition, reason } from './reasons.ts';
import { type Receipt, refreshed } from './receipt.ts';
import type { Action, Decision, Facts, InstallAction, Reason, Request } from './types.ts';

type SyncRequest = Extract<Request, { kind: 'sync' }>;

/** Who an auto-install is recorded for. No person may take this name. */
export const AUTO_INSTALL_ADMIN = 'auto-installed';

/** How long d3 keeps its record of what is no longer in the depot, days. */
const LEFTOVER_DAYS = 90;

/**
 * A sync in its order: refresh receipts, look through the queue, update what is installed, then auto-install what is new, then
 * mark what is left over. What is left over is given up only here, so that an update comes first.
 */
export function decideSync(request: SyncRequest, facts: Facts, index: CatalogIndex): Decision[] {
  const decisions = facts.receipts.flatMap((receipt) => refresh(receipt, index) ?? []);
  const refreshed = facts.receipts.map((receipt) => receiptAfter(receipt, decisions));
  const waiting = new Set([...facts.interrupted, ...facts.inProgress]);
  const leaving = new Set<string>();
  for (const entry of facts.deferred) {
    const { basename } = entry.edition;
    if (waiting.has(basename)) continue;
    const receipt = refreshed.find((candidate) => candidate.basename === basename) ?? null;
    const decision = decideQueued(entry, receipt, request, facts, index);
    decisions.push(decision);
    // Where nothing waits any more, the rest of the sync decides.
    if (decision.action?.kind === 'dequeue') leaving.add(basename);
    else waiting.add(basename);
  }
  const rest = { ...facts, deferred: facts.deferred.filter(({ edition }) => !leaving.has(edition.basename)) };
  for (const receipt of refreshed) {
    if (!waiting.has(receipt.basename)) decisions.push(update(receipt, request, rest, index));
  }
  const taken = new Set([...refreshed.map((receipt) => receipt.basename), ...waiting]);
  for (const edition of index.live) {
    if (taken.has(edition.basename)) continue;
    const decision = autoInstall(edition, request, rest, index);
    if (decision !== null) decisions.push(decision);
  }
  const acted = new Set(decisions.flatMap(({ action, basename }) => (changesPackage(action) ? [basename] : [])));
  for (const receipt of refreshed) {
    if (isGone(receipt, index) && !isMarked(receipt) && !acted.has(receipt.basename))
      decisions.push(leftOver(receipt, facts));
  }
  return decisions;
}

/** The receipts as a sync goes by them: with what the depot has changed of their editions. */
export function refreshedReceipts(facts: Facts, index: CatalogIndex): Receipt[] {
  return facts.receipts.map((receipt) => {
    const decision = refresh(receipt, index);
    return decision === null ? receipt : receiptAfter(receipt, [decision]);
  });
}

function changesPackage(action: Action | null): boolean {
  return action !== null && !['refresh', 'defer', 'dequeue'].includes(action.kind);
}

function isGone({ id, basename }: Receipt, index: CatalogIndex): boolean {
  return index.byId(id)?.basename !== basename;
}

function isMarked({ goneSince }: Receipt): boolean {
  return goneSince !== undefined && goneSince !== null;
}

function leftOver({ basename, edition }: Receipt, { at }: Facts): Decision {
  const reasons = [reason('EDITION_GONE', { edition }), reason('LEFT_OVER', { days: LEFTOVER_DAYS })];
  const subject = { target: basename, basename, edition };
  return act(subject, { kind: 'refresh', basename, edition, changes: { goneSince: at } }, reasons);
}

/** Null when the receipt is as the depot has it, or its edition is gone. */
function refresh(receipt: Receipt, index: CatalogIndex): Decision | null {
  const edition = index.byId(receipt.id);
  if (edition === undefined || isGone(receipt, index)) return null;
  const reasons: Reason[] = [];
  const changes: Partial<Receipt> = {};
  if (isMarked(receipt)) {
    changes.goneSince = null;
    reasons.push(reason('EDITION_BACK', { edition: edition.edition }));
  }
  if (receipt.piloting && edition.status === 'live') {
    changes.piloting = false;
    reasons.push(reason('ENLIVENED', { edition: edition.edition }));
  }
  const taken = refreshed(receipt, edition);
  const fields = Object.keys(taken);
  if (fields.length > 0) {
    Object.assign(changes, taken);
    reasons.push(reason('CHANGED_IN_DEPOT', { edition: edition.edition, fields }));
  }
  if (reasons.length === 0) return null;
  const subject = { target: receipt.basename, basename: receipt.basename, edition: receipt.edition };
  return act(subject, { kind: 'refresh', basename: receipt.basename, edition: receipt.edition, changes }, reasons);
}

function update(receipt: Receipt, request: SyncRequest, facts: Facts, index: CatalogIndex): Decision {
  const { basename } = receipt;
  const subject = { target: basename, basename, edition: receipt.edition };
  const reasons: Reason[] = [];
  const gone = isGone(receipt, index);
  if (gone) reasons.push(reason('EDITION_GONE', { edition: receipt.edition }));
  const live = index.liveOf(basename);
  if (receipt.piloting && (facts.settings.pilots === 'hold' || live === undefined || live.id < receipt.id)) {
    const because = gone ? 'EDITION_GONE' : 'PILOTING';
    return held(subject, [...reasons, reason('PILOTING', { edition: receipt.edition })], because);
  }
  if (live === undefined) {
    const ends = gone && receipt.frozen === null ? endOfLeftover(receipt, facts) : null;
    if (ends === null) return nothing(subject, [...reasons, noLiveEdition(basename, index)]);
    return act(subject, { kind: 'forget', basename, edition: receipt.edition }, [...reasons, ends]);
  }
  if (live.id === receipt.id) {
    const same = reason('INSTALLED_SAME', { edition: live.edition });
    const changed = driftOf(basename, facts).map(driftReason);
    return changed.length > 0 ? held(subject, [same, ...changed]) : nothing(subject, [same]);
  }
  const editions = { live: live.edition, installed: receipt.edition };
  reasons.push(reason(live.id > receipt.id ? 'LIVE_IS_NEWER' : 'LIVE_IS_OLDER', editions));
  if (receipt.frozen !== null) {
    return held(subject, [...reasons, reason('FROZEN', { edition: receipt.edition, by: receipt.frozen.by })]);
  }
  const removes = live.removeFirst && receipt.removable ? receipt : null;
  const obstacles = obstaclesToInstall(live, removes, facts, index, request);
  if (obstacles.length > 0) return obstructed({ ...subject, edition: live.edition }, reasons, obstacles, false);
  const action: InstallAction = {
    kind: 'install',
    mode: live.id > receipt.id ? 'update' : 'rollback',
    edition: live,
    replaces: receipt,
    removeFirst: removes !== null,
    piloting: false,
    displacedLive: false,
    admin: receipt.admin,
    manual: receipt.manual,
    customExpiration: live.removable ? receipt.customExpiration : null,
    freeze: false,
    force: request.force,
  };
  return installOrDefer({ ...subject, edition: live.edition }, action, reasons, facts, { ...request, asked: false });
}

/** Why the record of what is left over is given up now; null while it is kept. */
function endOfLeftover({ goneSince }: Receipt, { at }: Facts): Reason | null {
  if (goneSince === undefined || goneSince === null || daysBetween(goneSince, at) < LEFTOVER_DAYS) return null;
  return reason('LEFTOVER_ENDS', { since: goneSince.slice(0, 10) });
}

/** Null when this machine is not meant to have it by itself. */
function autoInstall(edition: Edition, request: SyncRequest, facts: Facts, index: CatalogIndex): Decision | null {
  const reasons = autoReasons(edition, facts, index);
  return reasons.length === 0 ? null : installByItself(edition, reasons, request, facts, index);
}

/** Installs what nobody asked for by name, where nothing of its basename is. @param reasons why it is to be here */
export function installByItself(
  edition: Edition,
  reasons: Reason[],
  leave: Leave,
  facts: Facts,
  index: CatalogIndex,
): Decision {
  const subject = { target: edition.basename, basename: edition.basename, edition: edition.edition };
  const obstacles = obstaclesToInstall(edition, null, facts, index, leave);
  if (obstacles.length > 0) return obstructed(subject, reasons, obstacles, false);
  const action: InstallAction = {
    kind: 'install',
    mode: 'auto-install',
    edition,
    replaces: null,
    removeFirst: false,
    piloting: false,
    displacedLive: false,
    admin: AUTO_INSTALL_ADMIN,
    manual: false,
    customExpiration: null,
    freeze: false,
    force: leave.force,
  };
  return installOrDefer(subject, action, reasons, facts, { puppies: leave.puppies, asked: false });
}

function autoReasons(edition: Edition, facts: Facts, index: CatalogIndex): Reason[] {
  if (edition.autoGroups.includes('standard')) return [reason('STANDARD', { edition: edition.edition })];
  const groups = groupsHere(edition.autoGroups, facts, index);
  if (groups.length === 0) return [];
  return [reason('AUTO_GROUP', { edition: edition.edition, groups: groups.map((group) => groupWords(group, index)) })];
}
