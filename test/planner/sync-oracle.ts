import type { Edition } from '../../src/catalog/types.ts';
import type { Receipt } from '../../src/planner/receipt.ts';
import type { Deferred, Request } from '../../src/planner/types.ts';
import { CPUS, OS_LIMITS, type World } from './worlds.ts';

type SyncRequest = Extract<Request, { kind: 'sync' }>;

/**
 * What a sync should come to for each basename, in a line each, read from the seed's words rather than the planner's code:
 * pilots wait (or, with `sync.pilots: update`, follow a newer live edition), the frozen wait, everything else follows the live edition
 * up or down, and what is live for this machine's groups is installed where nothing of the basename is.
 */
export function expectedSync(request: SyncRequest, { catalog, facts }: World): Map<string, string> {
  const expected = new Map<string, string>();
  const queued = facts.deferred.map(({ edition }) => edition);
  const basenames = [...catalog.editions, ...facts.receipts, ...queued].map((item) => item.basename);
  for (const basename of new Set(basenames)) {
    if (facts.interrupted.includes(basename) || facts.inProgress.includes(basename)) continue;
    const live = catalog.editions.find((edition) => edition.basename === basename && edition.status === 'live');
    const receipt = facts.receipts.find((candidate) => candidate.basename === basename);
    const entry = facts.deferred.find(({ edition }) => edition.basename === basename);
    const waits = entry === undefined ? null : waited(entry, receipt, live, request, { catalog, facts });
    if (waits !== null) {
      expected.set(basename, waits);
      continue;
    }
    const verdict =
      receipt === undefined
        ? autoInstalled(live, request, { catalog, facts })
        : followed(receipt, live, request, { catalog, facts });
    if (verdict !== null) expected.set(basename, verdict);
  }
  return expected;
}

function followed(receipt: Receipt, live: Edition | undefined, request: SyncRequest, world: World): string {
  const newer = live !== undefined && live.id > receipt.id;
  const enlivened = live?.id === receipt.id;
  if (receipt.piloting && !enlivened && !(newer && world.facts.settings.pilots === 'update')) return 'held';
  if (live === undefined) return isOver(receipt, world) ? 'forgotten' : 'nothing';
  // What somebody else changed is left as it is, and said.
  if (enlivened) return driftHere(receipt.basename, world).length > 0 ? 'held' : 'nothing';
  if (receipt.frozen !== null) return 'held';
  return against(live, receipt, request, world) ?? doneOrQueued(newer ? 'update' : 'rollback', live, request);
}

/** Left over for 90 days: no edition of that number in the depot, known for so long, and nobody froze it. */
function isOver({ id, basename, goneSince, frozen }: Receipt, { catalog, facts }: World): boolean {
  const there = catalog.editions.some((edition) => edition.id === id && edition.basename === basename);
  const known = typeof goneSince === 'string' ? Date.parse(facts.at) - Date.parse(goneSince) : 0;
  return !there && frozen === null && known >= 90 * 86_400_000;
}

function driftHere(basename: string, { facts }: World) {
  return (facts.drift ?? []).filter((drift) => drift.basename === basename);
}

function autoInstalled(live: Edition | undefined, request: SyncRequest, world: World): string | null {
  const here = groupsHere(world);
  const meant = live?.autoGroups.some((group) => group === 'standard' || here.includes(group));
  if (live === undefined || !meant) return null;
  return against(live, null, request, world) ?? doneOrQueued('auto-install', live, request);
}

/** What needs a restart waits for one, unless it was said that it need not. */
function doneOrQueued(how: string, edition: Edition, { puppies }: SyncRequest): string {
  return edition.reboot && !puppies ? `defer ${edition.edition}` : `${how} ${edition.edition}`;
}

/** What becomes of a queued edition; null when it leaves the queue, and the rest of the sync decides. */
function waited(
  { edition: { id, basename }, piloting, freeze, force, mode, queuedAt }: Deferred,
  receipt: Receipt | undefined,
  live: Edition | undefined,
  request: SyncRequest,
  world: World,
): string | null {
  const now = world.catalog.editions.find((edition) => edition.id === id && edition.basename === basename);
  if (now === undefined || now.status === 'missing') return null;
  const follows = piloting ? world.facts.settings.pilots === 'update' && live !== undefined && live.id > id : true;
  const another = live !== undefined && live.id !== id && follows && !freeze ? live : null;
  if (receipt?.id === (another ?? now).id && (another !== null || !force)) return null;
  if (another !== null && receipt?.id === id) return null;
  if (receipt !== undefined && receipt.frozen !== null && receipt.frozen.at >= queuedAt) return 'held';
  if (another === null && now.reboot && !request.puppies) return 'held';
  const wanted = another ?? now;
  // Force was meant for what was queued, not for what came after it.
  const forced = { ...request, force: request.force || (force && another === null) };
  const obstacle = against(wanted, receipt ?? null, forced, world);
  if (obstacle !== null) return obstacle;
  const isPilot = piloting && wanted.status !== 'live';
  if (receipt === undefined)
    return doneOrQueued(isPilot ? (mode === 'auto-install' ? mode : 'pilot') : mode, wanted, request);
  const how = isPilot ? 'pilot' : receipt.id < wanted.id ? 'update' : 'rollback';
  return doneOrQueued(receipt.id === wanted.id ? 'reinstall' : how, wanted, request);
}

/** The groups there are that the machine is in: a deleted one scopes nothing. */
function groupsHere({ catalog, facts }: World): number[] {
  return catalog.groups.map(({ id }) => id).filter((id) => facts.machine.groups.includes(id));
}

/** `blocked` by what an admin has to mend, `held` by what this machine is or does, or null. */
function against(live: Edition, receipt: Receipt | null, request: SyncRequest, world: World): string | null {
  const { catalog, facts } = world;
  const { os, cpu, processes } = facts.machine;
  // What the depot says of the edition that is here counts, and what the receipt says once that edition is gone.
  const here =
    receipt === null
      ? null
      : (catalog.editions.find(({ id, basename }) => id === receipt.id && basename === receipt.basename) ?? receipt);
  const removed = live.removeFirst && here?.removable === true ? here : null;

  const scripts = [live.preInstall, live.postInstall, removed?.preRemove, removed?.postRemove];
  const unanswered = facts.scriptRunners.length === 0 && scripts.some((pin) => pin !== null && pin !== undefined);
  const unable = live.requires.some((capability) => !facts.capabilities.includes(capability));
  if (unanswered || unable) return 'blocked';

  const wrongOs =
    live.oses.length > 0 && !live.oses.some((limit) => OS_LIMITS[limit]?.includes(`${os.name} ${os.version}`));
  const wrongCpu = live.cpu !== null && live.cpu !== CPUS[cpu];
  const excluded = live.excludedGroups.some((group) => group !== 'standard' && groupsHere(world).includes(group));
  const names = [...live.prohibitingProcesses, ...(removed?.prohibitingProcesses ?? [])];
  const wrongFormat = facts.machine.formats?.includes(live.file.format) === false;
  const changed = driftHere(live.basename, world).some(
    ({ found }) => found !== null && found !== live.debianPackage?.version,
  );
  const queues = live.reboot && !request.puppies;
  const busy = !queues && facts.settings.quitProcesses === 'off' && names.some((name) => processes.includes(name));
  return wrongOs || wrongCpu || wrongFormat || (!request.force && (excluded || busy || changed)) ? 'held' : null;
}
