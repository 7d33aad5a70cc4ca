import { isDeepStrictEqual } from 'node:util';
import type { Edition } from '../../src/catalog/types.ts';
import { type Receipt, refreshableFields } from '../../src/planner/receipt.ts';
import type { Deferred, Reason, ReasonCode, Request } from '../../src/planner/types.ts';
import { CPUS, OS_LIMITS, type World } from './worlds.ts';

/** Whether a reason states what is so: its data against the depot and the machine, read without the planner's help. */
export function isTrue(reason: Reason, request: Request, world: World): boolean {
  return TRUTH[reason.code](new Claim(reason.data, request, world));
}

const SCRIPTS = [
  ['preInstall', 'pre-install'],
  ['postInstall', 'post-install'],
  ['preRemove', 'pre-remove'],
  ['postRemove', 'post-remove'],
] as const;

class Claim {
  readonly data: Reason['data'];
  readonly request: Request;
  readonly machine: World['facts']['machine'];
  readonly facts: World['facts'];
  readonly #world: World;

  constructor(data: Reason['data'], request: Request, world: World) {
    this.data = data;
    this.request = request;
    this.facts = world.facts;
    this.machine = world.facts.machine;
    this.#world = world;
  }

  queued(holds: (entry: Deferred) => boolean): boolean {
    return this.facts.deferred.some(holds);
  }

  is(key: string, value: unknown): boolean {
    return isDeepStrictEqual(this.data[key], value);
  }

  get editions(): Edition[] {
    return this.#world.catalog.editions;
  }

  /** The edition of the depot that is named by a key of the data. */
  edition(key = 'edition'): Edition | undefined {
    return this.editions.find((edition) => edition.edition === this.data[key]);
  }

  /** The receipt named by a key: by the name it bears, or the one the depot has for it by now. */
  receipt(key = 'edition'): Receipt | undefined {
    const name = this.data[key];
    const byDepot = this.edition(key);
    return this.facts.receipts.find(
      (receipt) => receipt.edition === name || (byDepot?.id === receipt.id && byDepot.basename === receipt.basename),
    );
  }

  /** A receipt as it is once the depot's changes are taken over. */
  refreshed(receipt: Receipt): Receipt {
    const edition = this.editionOf(receipt);
    return edition === undefined ? receipt : { ...receipt, ...refreshableFields(edition, receipt.customExpiration) };
  }

  editionOf({ id, basename }: Pick<Receipt, 'id' | 'basename'>): Edition | undefined {
    return this.editions.find((edition) => edition.id === id && edition.basename === basename);
  }

  groupName(id: Edition['autoGroups'][number]): string {
    return this.#groups.find((group) => group.id === id)?.name ?? String(id);
  }

  get #groups() {
    return this.#world.catalog.groups;
  }

  /** Names of the groups there are of a list that this machine is in. */
  groupsHere(groups: Edition['autoGroups']): string[] {
    const known = this.#groups.filter(({ id }) => this.machine.groups.includes(id)).map(({ id }) => id);
    return groups.filter((id) => id !== 'standard' && known.includes(id)).map((id) => this.groupName(id));
  }

  get force(): boolean {
    return 'force' in this.request && this.request.force;
  }

  /** Everything the depot and the machine know by a word. */
  basenamesCalled(word: string): string[] {
    const called = (item: Edition | Receipt) => [item.basename, item.edition, String(item.id)].includes(word);
    const byName = this.editions.filter((edition) => [edition.packageName, edition.file.name].includes(word));
    const queued = this.facts.deferred.map(({ edition }) => edition).filter(called);
    return [...this.editions.filter(called), ...this.facts.receipts.filter(called), ...queued, ...byName].map(
      (item) => item.basename,
    );
  }
}

const TRUTH: Record<ReasonCode, (claim: Claim) => boolean> = {
  NOT_FOUND: (c) =>
    isTarget(c, 'target') &&
    !c.editions.some(({ edition, basename, id, packageName, file }) =>
      [edition, basename, String(id), packageName, file.name].includes(c.data['target'] as string),
    ),
  AMBIGUOUS: (c) => {
    const by = (name: (edition: Edition) => string) =>
      c.editions.filter((edition) => name(edition) === c.data['target']).map((edition) => edition.edition);
    const named = [by((edition) => edition.packageName), by((edition) => edition.file.name)];
    return isTarget(c, 'target') && named.some((names) => names.length > 1 && c.is('editions', names));
  },
  EDITION_WANTED: (c) =>
    c.request.kind === 'pilot' &&
    isTarget(c, 'target') &&
    c.editions.some((edition) => edition.basename === c.data['target']),
  NO_LIVE_EDITION: (c) => {
    const family = c.editions.filter((edition) => edition.basename === c.data['basename']);
    const pilots = family.filter((edition) => edition.status === 'pilot').map((edition) => edition.edition);
    return family.every((edition) => edition.status !== 'live') && c.is('pilots', pilots);
  },
  NAMED_TWICE: (c) => {
    const targets = 'targets' in c.request ? c.request.targets : [];
    const basename = c.data['basename'] as string;
    const cut = (target: string) => target === basename && c.facts.interrupted.includes(basename);
    return targets.filter((target) => cut(target) || c.basenamesCalled(target).includes(basename)).length > 1;
  },
  NOT_A_PILOT: (c) => c.is('status', c.edition()?.status) && c.data['status'] !== 'pilot',
  PROPOSED: (c) => typeof c.data['plugin'] === 'string' && typeof c.data['why'] === 'string',
  // Only known while acting: no plan may say it.
  CHANGED_MEANWHILE: () => false,
  IN_PROGRESS: (c) => c.facts.inProgress.includes(c.data['basename'] as string),
  INTERRUPTED: (c) => c.facts.interrupted.includes(c.data['basename'] as string),
  MISSING_FILE: (c) => c.edition()?.status === 'missing',
  STATUS: (c) => c.edition() !== undefined && c.is('status', c.edition()?.status),
  INSTALLED: (c) => c.receipt()?.edition === c.data['edition'],
  NOT_INSTALLED: (c) =>
    isTarget(c, 'basename') &&
    !c.facts.receipts.some(({ basename, edition, id }) =>
      [basename, edition, String(id)].includes(c.data['basename'] as string),
    ),
  INSTALLED_SAME: (c) => c.facts.receipts.some((receipt) => receipt.id === c.edition()?.id),
  INSTALLED_NEWER: (c) => sameBasename(c, 'installed', 'edition') && idOf(c, 'installed') > editionId(c, 'edition'),
  INSTALLED_OLDER: (c) => sameBasename(c, 'installed', 'edition') && idOf(c, 'installed') < editionId(c, 'edition'),
  LIVE_IS_NEWER: (c) =>
    c.edition('live')?.status === 'live' &&
    sameBasename(c, 'installed', 'live') &&
    editionId(c, 'live') > idOf(c, 'installed'),
  LIVE_IS_OLDER: (c) =>
    c.edition('live')?.status === 'live' &&
    sameBasename(c, 'installed', 'live') &&
    editionId(c, 'live') < idOf(c, 'installed'),
  PILOTING: (c) => c.receipt()?.piloting === true,
  NOT_PILOTING: (c) => c.receipt()?.piloting === false,
  ENLIVENED: (c) => c.receipt()?.piloting === true && c.edition()?.status === 'live',
  CHANGED_IN_DEPOT: (c) => {
    const receipt = c.receipt();
    if (receipt === undefined || c.editionOf(receipt)?.edition !== c.data['edition']) return false;
    const now = c.refreshed(receipt);
    const changed = Object.keys(now).filter(
      (key) => !isDeepStrictEqual(now[key as keyof Receipt], receipt[key as keyof Receipt]),
    );
    return changed.length > 0 && isDeepStrictEqual((c.data['fields'] as string[]).toSorted(), changed.toSorted());
  },
  FROZEN: (c) => c.receipt() !== undefined && c.is('by', c.receipt()?.frozen?.by),
  ALREADY_FROZEN: (c) => c.receipt() !== undefined && c.receipt()?.frozen !== null,
  NOT_FROZEN: (c) => c.receipt()?.frozen === null,
  NOT_REMOVABLE: (c) => c.receipt()?.removable === false,
  WRONG_OS: (c) => {
    const { name, version } = c.machine.os;
    const limits = c.edition()?.oses ?? [];
    const fits = limits.some((limit) => OS_LIMITS[limit]?.includes(`${name} ${version}`));
    return limits.length > 0 && !fits && c.is('limits', limits) && c.is('os', `${name} ${version}`);
  },
  WRONG_CPU: (c) => {
    const wanted = c.edition()?.cpu ?? null;
    return wanted !== null && CPUS[c.machine.cpu] !== wanted && c.is('wanted', wanted) && c.is('cpu', c.machine.cpu);
  },
  EXCLUDED: (c) => {
    const groups = c.groupsHere(c.edition()?.excludedGroups ?? []);
    return !c.force && groups.length > 0 && c.is('groups', groups);
  },
  PROCESS_RUNNING: (c) => {
    const processes = c.data['processes'] as string[];
    const owners = [...c.editions, ...c.facts.receipts];
    const since = c.data['since'];
    const days = (Date.parse(c.facts.at) - Date.parse(since as string)) / 86_400_000;
    return (
      !c.force &&
      c.facts.settings.quitProcesses === 'off' &&
      (since === c.facts.at || c.facts.waits.some((wait) => wait.since === since)) &&
      c.is('days', Math.floor(days)) &&
      processes.length > 0 &&
      new Set(processes).size === processes.length &&
      processes.every(
        (name) =>
          c.machine.processes.includes(name) && owners.some((owner) => owner.prohibitingProcesses.includes(name)),
      )
    );
  },
  ASKED_TO_QUIT: (c) =>
    !c.force &&
    c.facts.settings.quitProcesses === 'ask' &&
    (c.data['processes'] as string[]).every((name) => c.machine.processes.includes(name)),
  OVER_ITSELF: (c) => {
    const [edition, receipt] = [c.edition(), c.receipt('installed')];
    return edition?.basename === 'd3' && receipt?.version === edition.version && receipt.id !== edition.id;
  },
  WRONG_FORMAT: (c) =>
    c.edition()?.file.format === c.data['format'] &&
    c.machine.formats?.some((format) => format === c.data['format']) === false,
  DRIFTED: (c) =>
    (c.facts.drift ?? []).some(
      (drift) =>
        drift.package === c.data['package'] &&
        (drift.found ?? '') === c.data['found'] &&
        drift.recorded === c.data['recorded'],
    ),
  NEEDS_NEWER_D3: (c) => {
    const lacked = (c.edition()?.requires ?? []).filter((name) => !c.facts.capabilities.includes(name));
    return lacked.length > 0 && c.is('capabilities', lacked);
  },
  SCRIPTS_UNANSWERED: (c) => {
    const receipt = c.receipt();
    const holders = [c.edition(), receipt, receipt && c.refreshed(receipt)].filter((holder) => holder !== undefined);
    const wanted = c.data['scripts'] as string[];
    const install = wanted.some((word) => word.endsWith('install'));
    const words = (holder: object) =>
      SCRIPTS.filter(([slot]) => slot.endsWith('Install') === install && (holder as Partial<Edition>)[slot]).map(
        ([, word]) => word,
      );
    const anyone = c.facts.scriptRunners.length > 0;
    return !anyone && wanted.length > 0 && holders.some((holder) => isDeepStrictEqual(words(holder), wanted));
  },
  NEEDS_RESTART: (c) => c.edition()?.reboot === true && !('puppies' in c.request && c.request.puppies),
  QUEUED: (c) => c.queued((entry) => c.is('edition', entry.edition.edition) && c.is('at', entry.queuedAt)),
  ALREADY_QUEUED: (c) => c.queued((entry) => c.is('edition', entry.edition.edition)),
  NOT_QUEUED: (c) =>
    isTarget(c, 'target') &&
    !c.queued(({ edition: { basename, edition, id } }) =>
      [basename, edition, String(id)].includes(c.data['target'] as string),
    ),
  QUEUE_OUTDATED: (c) =>
    c.queued(
      ({ edition: { edition, basename, id }, piloting, freeze }) =>
        c.is('edition', edition) &&
        (!piloting || c.facts.settings.pilots === 'update') &&
        !freeze &&
        c.editions.some(
          (one) => one.status === 'live' && one.basename === basename && one.id !== id && c.is('live', one.edition),
        ),
    ),
  GIVEN_UP: (c) => c.queued(({ edition }) => c.is('edition', edition.edition)),
  AUTO_GROUP: (c) => {
    const groups = c.groupsHere(c.edition()?.autoGroups ?? []);
    return c.edition()?.status === 'live' && groups.length > 0 && c.is('groups', groups);
  },
  STANDARD: (c) => c.edition()?.status === 'live' && c.edition()?.autoGroups.includes('standard') === true,
  NOT_AUTO: (c) => {
    const edition = c.edition();
    const here = c.facts.receipts.some(({ basename }) => basename === edition?.basename);
    const names = edition?.autoGroups.map((group) => {
      const known = c.groupName(group);
      return known === String(group) ? `deleted group ${group}` : known;
    });
    const meant = edition?.autoGroups.includes('standard') || c.groupsHere(edition?.autoGroups ?? []).length > 0;
    return edition?.status === 'live' && !here && !meant && c.is('groups', names);
  },
  NOT_ASKED: (c) => c.is('command', c.request.kind) && c.request.kind !== 'sync',
  REQUESTED: (c) => 'admin' in c.request && c.is('admin', c.request.admin),
  EDITION_GONE: (c) => {
    const receipt = c.receipt();
    const gone = receipt !== undefined && c.editionOf(receipt) === undefined;
    return gone || c.queued(({ edition }) => c.is('edition', edition.edition) && c.editionOf(edition) === undefined);
  },
  EDITION_BACK: (c) => {
    const receipt = c.receipt();
    return receipt !== undefined && c.editionOf(receipt) !== undefined && typeof receipt.goneSince === 'string';
  },
  LEFT_OVER: (c) => c.is('days', 90) && c.facts.receipts.some((receipt) => c.editionOf(receipt) === undefined),
  LEFTOVER_ENDS: (c) => {
    const long = Date.parse(c.facts.at) - Date.parse(c.data['since'] as string) >= 90 * 86_400_000;
    return long && c.facts.receipts.some(({ goneSince }) => goneSince?.startsWith(c.data['since'] as string));
  },
  PUTS_BACK_LIVE: (c) =>
    c.edition()?.status === 'live' &&
    c.facts.receipts.some(
      (receipt) =>
        receipt.basename === c.edition()?.basename && receipt.id !== c.edition()?.id && receipt.displacedLive,
    ),
  LEAVES_OFF: (c) => c.request.kind === 'depilot' && c.request.leaveOff,
  NOTHING_TO_PUT_BACK: (c) =>
    c.facts.receipts.some((receipt) => receipt.basename === c.data['basename'] && !receipt.displacedLive),
};

/** Every reason there is. */
export const REASON_CODES = Object.keys(TRUTH) as ReasonCode[];

/** Whether the data names a target as it was typed. */
function isTarget(c: Claim, key: string): boolean {
  return 'targets' in c.request && c.request.targets.includes(c.data[key] as string);
}

function sameBasename(c: Claim, installed: string, edition: string): boolean {
  return c.receipt(installed) !== undefined && c.receipt(installed)?.basename === c.edition(edition)?.basename;
}

function idOf(c: Claim, installed: string): number {
  return c.receipt(installed)?.id ?? Number.NaN;
}

function editionId(c: Claim, edition: string): number {
  return c.edition(edition)?.id ?? Number.NaN;
}
