import type { CatalogIndex } from '../catalog/resolve.ts';
import type { Edition } from '../catalog/types.ts';
import { obstaclesToInstall } from './availability.ts';
import { act, held, obstructed, refused, type Subject } from './decide.ts';
import { reason } from './reasons.ts';
import type { Receipt } from './receipt.ts';
import type { Decision, Deferred, Facts, InstallAction, InstallMode, Reason, Request } from './types.ts';

type SyncRequest = Extract<Request, { kind: 'sync' }>;

/** What waits for a restart here, of a basename; null when nothing does. */
export function queuedOf(basename: string, facts: Pick<Facts, 'deferred'>): Deferred | null {
  return facts.deferred.find(({ edition }) => edition.basename === basename) ?? null;
}

/**
 * An install that nothing stands against: done now, or queued where it needs a restart and nobody said `-p`. One edition waits for
 * each basename; a newer one takes its place, the same or an older one only with force.
 * @param asked whether a person asked for it by name
 */
export function installOrDefer(
  subject: Subject,
  action: InstallAction,
  reasons: Reason[],
  facts: Facts,
  { puppies, asked }: { puppies: boolean; asked: boolean },
): Decision {
  const { edition } = action;
  if (!edition.reboot || puppies) return act(subject, action, reasons);
  const queued = queuedOf(edition.basename, facts);
  if (queued !== null && queued.edition.id >= edition.id && !action.force) {
    const why = reason('ALREADY_QUEUED', { edition: queued.edition.edition });
    if (!asked) return held(subject, [...reasons, why]);
    return refused(subject, reasons, why, 'refused', [
      `install it now: d3 install -p ${queued.edition.edition}`,
      'or use -f to queue it anew',
    ]);
  }
  return defer(subject, action, reasons, queued, facts);
}

function defer(
  subject: Subject,
  action: InstallAction,
  reasons: Reason[],
  queued: Deferred | null,
  facts: Facts,
): Decision {
  const { mode, piloting, displacedLive, admin, manual, customExpiration, freeze, force } = action;
  const deferred: Deferred = {
    schema: 'd3/deferred@1',
    mode,
    edition: action.edition,
    piloting,
    displacedLive,
    admin,
    manual,
    customExpiration,
    freeze,
    force,
    queuedAt: facts.at,
  };
  const { edition } = action.edition;
  const instead = queued === null ? null : queued.edition.edition;
  return act(subject, { kind: 'defer', deferred, instead }, [...reasons, reason('NEEDS_RESTART', { edition })]);
}

/**
 * What a sync does about one queued edition. One that the depot no longer has leaves the queue; one that is not what this machine is
 * to have any more makes room for what is; anything else waits, or is installed where the sync is told to (`-p`).
 * @param receipt of its basename, as it will be by then; null when there is none
 */
export function decideQueued(
  entry: Deferred,
  receipt: Receipt | null,
  request: SyncRequest,
  facts: Facts,
  index: CatalogIndex,
): Decision {
  const { basename, edition, id } = entry.edition;
  const subject = { target: basename, basename, edition };
  const reasons = [reason('QUEUED', { edition, at: entry.queuedAt, by: entry.admin })];
  const leaves = (why: Reason) => act(subject, { kind: 'dequeue', basename, edition }, [...reasons, why]);

  const now = index.byId(id);
  if (now?.basename !== basename) return leaves(reason('EDITION_GONE', { edition }));
  if (now.status === 'missing') return leaves(reason('MISSING_FILE', { edition: now.edition }));
  const live = index.liveOf(basename);
  const outdated = live !== undefined && live.id !== id && !staysBeside(entry, live, facts);
  if (outdated && receipt?.id === live.id) return leaves(reason('INSTALLED_SAME', { edition: live.edition }));
  if (receipt?.id === id && (outdated || !entry.force))
    return leaves(reason('INSTALLED_SAME', { edition: now.edition }));
  const wanted = outdated ? live : now;
  if (outdated) reasons.push(reason('QUEUE_OUTDATED', { edition, live: live.edition }));
  // Whoever froze it after it was queued wants it to stay as it is.
  if (receipt !== null && receipt.frozen !== null && receipt.frozen.at >= entry.queuedAt)
    return held(subject, [...reasons, reason('FROZEN', { edition: receipt.edition, by: receipt.frozen.by })]);
  if (!outdated && now.reboot && !request.puppies)
    return held(subject, [...reasons, reason('NEEDS_RESTART', { edition })], 'QUEUED');

  const action = installOf(entry, wanted, receipt, request.force);
  const leave = { force: action.force, puppies: request.puppies };
  const obstacles = obstaclesToInstall(wanted, action.removeFirst ? receipt : null, facts, index, leave);
  if (obstacles.length > 0) return obstructed({ ...subject, edition: wanted.edition }, reasons, obstacles, false);
  if (!wanted.reboot || request.puppies) return act({ ...subject, edition: wanted.edition }, action, reasons);
  return defer({ ...subject, edition: wanted.edition }, action, reasons, entry, facts);
}

/** As after an install: only a frozen one or a pilot stays beside another live edition. */
function staysBeside({ edition, piloting, freeze }: Deferred, live: Edition, { settings }: Facts): boolean {
  return freeze || (piloting && (settings.pilots === 'hold' || live.id < edition.id));
}

/** The install that was queued, of this edition and over what is there now. Force was given for the edition that was queued alone. */
export function installOf(entry: Deferred, edition: Edition, receipt: Receipt | null, force: boolean): InstallAction {
  const piloting = entry.piloting && edition.status !== 'live';
  const puttingBack = entry.mode === 'put-back' && receipt !== null;
  return {
    kind: 'install',
    mode: puttingBack ? 'put-back' : modeNow(entry.mode, edition, receipt, piloting),
    edition,
    replaces: receipt,
    removeFirst: puttingBack || (edition.removeFirst && receipt !== null && receipt.removable),
    piloting,
    displacedLive: piloting && receipt !== null && (!receipt.piloting || receipt.displacedLive),
    admin: entry.admin,
    manual: entry.manual,
    customExpiration: edition.removable ? entry.customExpiration : null,
    freeze: entry.freeze,
    force: force || (entry.force && edition.id === entry.edition.id),
  };
}

function modeNow(queued: InstallMode, edition: Edition, receipt: Receipt | null, piloting: boolean): InstallMode {
  return queued === 'auto-install' && receipt === null ? queued : installMode(edition, receipt, piloting);
}

/** What an install comes to, over what is there. */
export function installMode(edition: Edition, receipt: Receipt | null, piloting: boolean): InstallMode {
  if (receipt?.id === edition.id) return 'reinstall';
  if (piloting) return 'pilot';
  if (receipt === null) return 'install';
  return receipt.id < edition.id ? 'update' : 'rollback';
}

/** Decides one target of `d3 dequeue`: a basename, an edition or its whole-number id. */
export function decideDequeue(
  target: string,
  { givenUp }: Pick<Extract<Request, { kind: 'dequeue' }>, 'givenUp'>,
  { deferred }: Pick<Facts, 'deferred'>,
): Decision {
  const entry =
    deferred.find(({ edition }) => edition.basename === target) ??
    deferred.find(({ edition }) => edition.edition === target) ??
    deferred.find(({ edition }) => String(edition.id) === target);
  if (entry === undefined) {
    const subject = { target, basename: null, edition: null };
    const actions = ['see what is queued: d3 list-queue'];
    return refused(subject, [], reason('NOT_QUEUED', { target }), 'notFound', actions);
  }
  const { basename, edition } = entry.edition;
  const why = reason('QUEUED', { edition, at: entry.queuedAt, by: entry.admin });
  const subject = { target, basename, edition };
  if (givenUp === undefined) return act(subject, { kind: 'dequeue', basename, edition }, [why]);
  const because = reason('GIVEN_UP', { edition, why: givenUp });
  return act(subject, { kind: 'dequeue', basename, edition, givenUp }, [why, because]);
}
