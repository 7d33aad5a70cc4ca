import { type CatalogIndex, type Resolved, resolveTarget } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { obstaclesToInstall, obstaclesToUninstall } from './availability.ts';
import { act, nothing, obstructed, refused } from './decide.ts';
import { installMode, installOf, installOrDefer, queuedOf } from './deferral.ts';
import { driftObstacles, driftOf, driftReason } from './drift.ts';
import { noLiveEdition, pilotsOf, reason } from './reasons.ts';
import { NO_EDITION, type Receipt } from './receipt.ts';
import type { Action, Decision, Facts, InstallAction, Reason, Request } from './types.ts';

type InstallRequest = Extract<Request, { kind: 'install' | 'pilot' }>;

/** Decides one target of `d3 install` or `d3 pilot`. */
export function decideInstall(target: string, request: InstallRequest, facts: Facts, index: CatalogIndex): Decision {
  const resolved = resolveTarget(index, target);
  const edition = editionMeant(resolved, request, index);
  if (edition === null) return unresolved(target, resolved, request, index);
  const subject = { target, basename: edition.basename, edition: edition.edition };
  const receipt = receiptOf(edition.basename, facts);
  const reasons: Reason[] = [reason('STATUS', { edition: edition.edition, status: edition.status })];

  const frozen = freezeInstead(subject, edition, receipt, request, reasons, facts.at);
  if (frozen !== null) return frozen;
  // What was queued for a restart is installed as it was asked for then.
  const queued = request.puppies ? queuedOf(edition.basename, facts) : null;
  const resumed = queued?.edition.id === edition.id ? queued : null;
  const force = request.force || resumed?.force === true;
  const drift = receipt === null ? [] : driftOf(edition.basename, facts);
  // What somebody else took away is installed anew.
  if (receipt !== null && receipt.id === edition.id && !force && drift.every(({ found }) => found !== null)) {
    const changed = driftObstacles(edition.basename, edition.debianPackage?.version ?? null, facts, force);
    if (changed.length > 0) return obstructed(subject, [...reasons, compared(receipt, edition)], changed, true);
    return alreadyThere(subject, edition, receipt, reasons);
  }
  if (!force) {
    const status = statusRefusal(subject, edition, request, reasons);
    if (status !== null) return status;
    if (receipt !== null && receipt.id > edition.id) {
      return refused(subject, reasons, compared(receipt, edition), 'refused', ['use -f to go back to it']);
    }
  }
  if (receipt !== null) reasons.push(compared(receipt, edition), ...drift.map(driftReason));
  const removes = edition.removeFirst && receipt !== null && receipt.removable ? receipt : null;
  const obstacles = obstaclesToInstall(edition, removes, facts, index, { force, puppies: request.puppies });
  if (obstacles.length > 0) return obstructed(subject, reasons, obstacles, true);
  reasons.push(reason('REQUESTED', { admin: request.admin }));
  const fresh = installAction(edition, receipt, request, removes !== null);
  const action = resumed === null ? fresh : { ...installOf(resumed, edition, receipt, force), ...said(request, fresh) };
  return installOrDefer(subject, action, reasons, facts, { puppies: request.puppies, asked: true });
}

function editionMeant(resolved: Resolved, request: InstallRequest, index: CatalogIndex): Edition | null {
  if (resolved.kind === 'edition') return resolved.edition;
  if (resolved.kind === 'basename' && request.kind === 'install') return index.liveOf(resolved.basename) ?? null;
  return null;
}

function unresolved(target: string, resolved: Resolved, request: InstallRequest, index: CatalogIndex): Decision {
  const subject = { target, basename: null, edition: null };
  if (resolved.kind === 'ambiguous') {
    const editions = resolved.editions.map((edition) => edition.edition);
    return refused(subject, [], reason('AMBIGUOUS', { target, editions }), 'notFound', ['name one of the editions']);
  }
  if (resolved.kind !== 'basename') {
    const actions = ['see what there is: d3 list-available'];
    return refused(subject, [], reason('NOT_FOUND', { target }), 'notFound', actions);
  }
  const named = { target, basename: target, edition: null };
  const newest = pilotsOf(target, index).at(-1);
  const actions = newest === undefined ? [] : [`to pilot one: d3 pilot ${newest}`];
  const why = request.kind === 'pilot' ? reason('EDITION_WANTED', { target }) : noLiveEdition(target, index);
  return refused(named, [], why, 'notFound', actions);
}

/** How what is installed stands to an edition of the same basename. */
function compared(receipt: Receipt, { id, edition }: Edition): Reason {
  if (receipt.id === id) return reason('INSTALLED_SAME', { edition });
  const code = receipt.id > id ? 'INSTALLED_NEWER' : 'INSTALLED_OLDER';
  return reason(code, { installed: receipt.edition, edition });
}

/** `--freeze` on what is there already freezes it, and installs nothing. Null when there is something to install. */
function freezeInstead(
  subject: { target: string; basename: string; edition: string },
  edition: Edition,
  receipt: Receipt | null,
  request: InstallRequest,
  reasons: Reason[],
  at: string,
): Decision | null {
  if (!request.freeze || receipt === null || receipt.id < edition.id) return null;
  if (receipt.id > edition.id && !request.force) {
    return refused(subject, reasons, compared(receipt, edition), 'refused', [
      `freeze what is there: d3 freeze ${receipt.basename}`,
      'or use -f with -F',
    ]);
  }
  if (receipt.id === edition.id && request.force) return null;
  const chain = [...reasons, compared(receipt, edition)];
  return freezeDecision({ ...subject, edition: receipt.edition }, receipt, request.admin, at, chain);
}

function alreadyThere(
  subject: { target: string; basename: string; edition: string },
  edition: Edition,
  receipt: Receipt,
  reasons: Reason[],
): Decision {
  reasons.push(compared(receipt, edition));
  if (!receipt.piloting || edition.status !== 'live') return nothing(subject, reasons);
  return enliven(subject, edition, reasons);
}

/** The pilot that is here has gone live: only its record changes. */
function enliven(
  subject: { target: string; basename: string; edition: string },
  { basename, edition }: Edition,
  reasons: Reason[],
): Decision {
  const action: Action = { kind: 'refresh', basename, edition, changes: { piloting: false } };
  return act(subject, action, [...reasons, reason('ENLIVENED', { edition })]);
}

function statusRefusal(
  subject: { target: string; basename: string; edition: string },
  edition: Edition,
  request: InstallRequest,
  reasons: Reason[],
): Decision | null {
  const { status } = edition;
  if (request.kind === 'pilot' && status === 'live') {
    const why = reason('NOT_A_PILOT', { edition: edition.edition, status });
    return refused(subject, reasons, why, 'refused', [`it is live: d3 install ${edition.edition}`]);
  }
  if (status !== 'deprecated' && status !== 'skipped') return null;
  const why = reason('STATUS', { edition: edition.edition, status });
  return refused(subject, [], why, 'refused', [`use -f to ${request.kind} it all the same`]);
}

/** What is said of a queued edition when it is installed counts more than what was said when it was queued. */
function said(
  { expiration, freeze }: InstallRequest,
  fresh: InstallAction,
): Partial<Pick<InstallAction, 'customExpiration' | 'freeze'>> {
  return {
    ...(expiration === null ? {} : { customExpiration: fresh.customExpiration }),
    ...(freeze ? { freeze } : {}),
  };
}

function installAction(
  edition: Edition,
  receipt: Receipt | null,
  request: InstallRequest,
  removeFirst: boolean,
): InstallAction {
  const piloting = edition.status === 'pilot' || (request.kind === 'pilot' && edition.status !== 'live');
  const sameAsPackage = request.expiration === edition.expiration;
  return {
    kind: 'install',
    mode: installMode(edition, receipt, piloting),
    edition,
    replaces: receipt,
    removeFirst,
    piloting,
    displacedLive: piloting && receipt !== null && (!receipt.piloting || receipt.displacedLive),
    admin: request.admin,
    manual: true,
    customExpiration: request.expiration === null || sameAsPackage || !edition.removable ? null : request.expiration,
    freeze: request.freeze,
    force: request.force,
  };
}

/** Decides one target of `d3 uninstall`. */
export function decideUninstall(target: string, force: boolean, facts: Facts): Decision {
  const receipt = receiptNamed(target, facts);
  if (receipt === null) return notInstalled(target);
  const subject = { target, basename: receipt.basename, edition: receipt.edition };
  if (receipt.piloting) {
    const why = reason('PILOTING', { edition: receipt.edition });
    return refused(subject, [], why, 'refused', [`take a pilot off with: d3 depilot ${receipt.basename}`]);
  }
  const obstacles = obstaclesToUninstall(receipt, facts, force);
  if (obstacles.length > 0) return obstructed(subject, [], obstacles, true);
  return act(subject, { kind: 'uninstall', mode: 'uninstall', receipt, force }, [
    reason('INSTALLED', { edition: receipt.edition }),
  ]);
}

/** Decides one target of `d3 depilot`: off with the pilot, and the live edition back where one stood before. */
export function decideDepilot(
  target: string,
  request: Extract<Request, { kind: 'depilot' }>,
  facts: Facts,
  index: CatalogIndex,
): Decision {
  const receipt = receiptNamed(target, facts);
  if (receipt === null) return notInstalled(target);
  const subject = { target, basename: receipt.basename, edition: receipt.edition };
  if (!receipt.piloting) {
    const why = reason('NOT_PILOTING', { edition: receipt.edition });
    return refused(subject, [], why, 'refused', [`to remove it: d3 uninstall ${receipt.basename}`]);
  }
  const reasons = [reason('PILOTING', { edition: receipt.edition })];
  const live = index.liveOf(receipt.basename);
  if (live?.id === receipt.id && receipt.displacedLive && !request.leaveOff) {
    return enliven(subject, live, reasons);
  }
  const obstacles = obstaclesToUninstall(receipt, facts, request.force);
  if (obstacles.length > 0) return obstructed(subject, reasons, obstacles, true);

  const off: Action = { kind: 'uninstall', mode: 'depilot', receipt, force: request.force };
  if (request.leaveOff) return act(subject, off, [...reasons, reason('LEAVES_OFF', { basename: receipt.basename })]);
  if (!receipt.displacedLive) {
    return act(subject, off, [...reasons, reason('NOTHING_TO_PUT_BACK', { basename: receipt.basename })]);
  }
  if (live === undefined) return act(subject, off, [...reasons, noLiveEdition(receipt.basename, index)]);
  reasons.push(reason('PUTS_BACK_LIVE', { edition: live.edition }));
  const against = obstaclesToInstall(live, receipt, facts, index, { force: request.force, puppies: false });
  if (against.length > 0) {
    const decision = obstructed(subject, reasons, against, true);
    const { problem } = decision;
    if (problem === null) return decision;
    const actions = [...problem.actions, `or leave it off: d3 depilot ${target} --leave-off`];
    return { ...decision, problem: { ...problem, actions } };
  }
  const back: InstallAction = {
    kind: 'install',
    mode: 'put-back',
    edition: live,
    replaces: receipt,
    removeFirst: true,
    piloting: false,
    displacedLive: false,
    admin: receipt.admin,
    manual: receipt.manual,
    customExpiration: live.removable ? receipt.customExpiration : null,
    freeze: false,
    force: request.force,
  };
  return installOrDefer({ ...subject, edition: live.edition }, back, reasons, facts, { puppies: false, asked: true });
}

/** Decides one target of freeze, thaw or forget: changes to d3's own record only. */
export function decideRecord(
  target: string,
  request: Extract<Request, { kind: 'freeze' | 'thaw' | 'forget' }>,
  facts: Facts,
): Decision {
  const receipt = receiptNamed(target, facts);
  if (receipt === null && request.kind === 'forget' && facts.interrupted.includes(target)) return forgetCut(target);
  if (receipt === null) return notInstalled(target);
  const { basename, edition } = receipt;
  const subject = { target, basename, edition };
  if (request.kind === 'forget') {
    return act(subject, { kind: 'forget', basename, edition }, [reason('INSTALLED', { edition })]);
  }
  if (request.kind === 'freeze') return freezeDecision(subject, receipt, request.admin, facts.at, []);
  if (receipt.frozen === null) return nothing(subject, [reason('NOT_FROZEN', { edition })]);
  const thawed = { by: ('admin' in request ? request.admin : undefined) ?? 'unknown', at: facts.at };
  return act(subject, { kind: 'refresh', basename, edition, changes: { frozen: null, thawed } }, [
    reason('FROZEN', { edition, by: receipt.frozen.by }),
  ]);
}

/** What was cut and cannot be finished is given up; there is no receipt of it. */
function forgetCut(basename: string): Decision {
  const subject = { target: basename, basename, edition: null };
  return act(subject, { kind: 'forget', basename, edition: basename }, [reason('INTERRUPTED', { basename })]);
}

function freezeDecision(
  subject: { target: string; basename: string; edition: string },
  receipt: Receipt,
  by: string,
  at: string,
  reasons: Reason[],
): Decision {
  const { basename, edition } = receipt;
  if (receipt.frozen !== null) return nothing(subject, [...reasons, reason('ALREADY_FROZEN', { edition })]);
  return act(subject, { kind: 'refresh', basename, edition, changes: { frozen: { by, at }, thawed: null } }, [
    ...reasons,
    reason('REQUESTED', { admin: by }),
  ]);
}

function receiptOf(basename: string, facts: Facts): Receipt | null {
  return facts.receipts.find((receipt) => receipt.basename === basename) ?? null;
}

/** A receipt by basename, exact edition or whole-number id. */
export function receiptNamed(target: string, facts: { receipts: readonly Receipt[] }): Receipt | null {
  return (
    facts.receipts.find((receipt) => receipt.basename === target) ??
    facts.receipts.find((receipt) => receipt.edition === target) ??
    facts.receipts.find(({ id }) => id !== NO_EDITION && String(id) === target) ??
    null
  );
}

function notInstalled(target: string): Decision {
  const subject = { target, basename: null, edition: null };
  return refused(subject, [], reason('NOT_INSTALLED', { basename: target }), 'notFound', [
    'see what is installed: d3 list-installed',
  ]);
}
