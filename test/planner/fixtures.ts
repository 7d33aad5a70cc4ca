import { DEFAULT_ATTRIBUTES } from '../../src/catalog/attributes.ts';
import { editionString } from '../../src/catalog/names.ts';
import { type CatalogIndex, indexCatalog } from '../../src/catalog/resolve.ts';
import type { Catalog, CatalogGroup, Edition, ScriptPin } from '../../src/catalog/types.ts';
import { plan } from '../../src/planner/plan.ts';
import { type Receipt, refreshableFields } from '../../src/planner/receipt.ts';
import type { Action, Decision, Deferred, Facts, Request } from '../../src/planner/types.ts';

export const AT = '2030-01-01T00:00:00.000Z';
export const HASH = 'ab'.repeat(32);

export const script = (id: number): ScriptPin => ({ id, name: `script-${id}`, sha256: HASH, size: 10 });

/** An edition of `foo`, live, unlimited and in no group, but for what is given. */
export function edition(changes: Partial<Edition> = {}): Edition {
  const { id = 1, basename = 'foo', revision = 1 } = changes;
  const version = changes.version ?? `${id}.0`;
  const name = changes.edition ?? editionString(basename, version, revision);
  return {
    ...DEFAULT_ATTRIBUTES,
    packageName: name,
    status: 'live',
    file: { name: `${name}.pkg`, sha256: HASH, size: 100, format: 'pkg' },
    contents: null,
    applePackages: [],
    addedAt: AT,
    addedBy: 'sally',
    releasedAt: null,
    releasedBy: null,
    ...changes,
    id,
    basename,
    version,
    revision,
    edition: name,
  };
}

/** What is on a machine that installed an edition. */
export function receipt(of: Edition, changes: Partial<Receipt> = {}): Receipt {
  return {
    schema: 'd3/receipt@1',
    id: of.id,
    basename: of.basename,
    admin: 'sally',
    installedAt: AT,
    piloting: of.status === 'pilot',
    displacedLive: false,
    manual: true,
    frozen: null,
    customExpiration: null,
    ...refreshableFields(of, null),
    file: of.file,
    applePackageIds: [],
    ...changes,
  };
}

/** What waits for a restart: as somebody queued it, but for the changes. */
export function deferred(of: Edition, changes: Partial<Deferred> = {}): Deferred {
  return {
    schema: 'd3/deferred@1',
    mode: 'install',
    edition: of,
    piloting: false,
    displacedLive: false,
    admin: 'amy',
    manual: true,
    customExpiration: null,
    freeze: false,
    force: false,
    queuedAt: AT,
    ...changes,
  };
}

export const FROZEN = { by: 'fritz', at: AT };

/** A Mac of today in no group, with nothing installed and a plugin that runs scripts. */
export function facts(receipts: Receipt[] = [], changes: Partial<Omit<Facts, 'machine'>> = {}): Facts {
  return {
    schema: 'd3/facts@1',
    run: 'run-1',
    at: AT,
    machine: {
      computerId: 'c1',
      name: 'mac1',
      os: { name: 'macOS', version: '15.6' },
      cpu: 'arm64',
      groups: [],
      processes: [],
      cutProcesses: [],
    },
    receipts,
    deferred: [],
    interrupted: [],
    inProgress: [],
    waits: [],
    settings: { pilots: 'hold', quitProcesses: 'off', noticeDays: 0 },
    scriptRunners: ['scripts'],
    capabilities: [],
    ...changes,
  };
}

/** The same facts of another machine. */
export function on(machine: Partial<Facts['machine']>, of: Facts): Facts {
  return { ...of, machine: { ...of.machine, ...machine } };
}

const GROUPS: CatalogGroup[] = [
  { id: 1, name: 'test-macs', members: [] },
  { id: 2, name: 'lab', members: [] },
];

export function catalog(...editions: Edition[]): Catalog {
  return { schema: 'd3/catalog@1', generation: 7, editions, groups: GROUPS };
}

export function indexOf(...editions: Edition[]): CatalogIndex {
  return indexCatalog(catalog(...editions));
}

type InstallRequest = Extract<Request, { kind: 'install' | 'pilot' }>;
type InstallOptions = Partial<Omit<InstallRequest, 'kind' | 'targets'>>;

const INSTALL_OPTIONS = { admin: 'amy', force: false, puppies: false, freeze: false, expiration: null };

export const install = (target: string | string[], options: InstallOptions = {}): Request => ({
  kind: 'install',
  targets: [target].flat(),
  ...INSTALL_OPTIONS,
  ...options,
});

export const pilot = (target: string | string[], options: InstallOptions = {}): Request => ({
  ...(install(target, options) as InstallRequest),
  kind: 'pilot',
});

export const uninstall = (target: string | string[], force = false): Request => ({
  kind: 'uninstall',
  targets: [target].flat(),
  force,
});

export const depilot = (target: string, options: { force?: boolean; leaveOff?: boolean } = {}): Request => ({
  kind: 'depilot',
  targets: [target],
  force: false,
  leaveOff: false,
  ...options,
});

export const record = (kind: 'freeze' | 'thaw' | 'forget', ...targets: string[]): Request =>
  kind === 'forget' ? { kind, targets } : { kind, admin: 'amy', targets };

export const sync = (options: { force?: boolean; puppies?: boolean } = {}): Request => ({
  kind: 'sync',
  force: false,
  puppies: false,
  ...options,
});

export function decisions(request: Request, of: Facts, ...editions: Edition[]): Decision[] {
  return plan(request, of, indexOf(...editions)).decisions;
}

/** The one decision of a request that leads to one. */
export function decision(request: Request, of: Facts, ...editions: Edition[]): Decision {
  const [first, ...others] = decisions(request, of, ...editions);
  if (first === undefined || others.length > 0) throw new Error(`not one decision but ${others.length + 1}`);
  return first;
}

/** A decision in a line: the verdict, then what is done or how it counts, then the codes of its reasons. */
export function told({ verdict, action, problem, reasons }: Decision): string {
  const codes = reasons.map((reason) => reason.code).join(' ');
  const what = action === null ? problem?.exit : done(action);
  return [verdict, what, `(${codes})`].filter((part) => part !== undefined).join(' ');
}

function done(action: Action): string {
  if (action.kind === 'install') return `${action.mode} ${action.edition.edition}`;
  if (action.kind === 'uninstall') return `${action.mode} ${action.receipt.edition}`;
  if (action.kind === 'defer') return `defer ${action.deferred.edition.edition}`;
  return `${action.kind} ${action.edition}`;
}

/** The facts of a machine on which an action succeeded: what a client records, and nothing else. */
export function applied(of: Facts, action: Action): Facts {
  const basename = basenameOf(action);
  const others = of.receipts.filter((other) => other.basename !== basename);
  const notQueued = of.deferred.filter(({ edition }) => edition.basename !== basename);
  const before = of.receipts.find((other) => other.basename === basename);
  const drift = (of.drift ?? []).filter((other) => other.basename !== basename);
  switch (action.kind) {
    case 'install':
      return { ...of, receipts: [...others, installed(action, of.at)], deferred: notQueued, drift };
    case 'defer':
      return { ...of, deferred: [...notQueued, action.deferred] };
    case 'dequeue':
      return { ...of, deferred: notQueued };
    case 'refresh':
      return before === undefined ? of : { ...of, receipts: [...others, { ...before, ...action.changes }] };
    case 'uninstall':
    case 'forget':
      return { ...of, receipts: others, drift };
  }
}

export function basenameOf(action: Action): string {
  if (action.kind === 'install') return action.edition.basename;
  if (action.kind === 'defer') return action.deferred.edition.basename;
  return action.kind === 'uninstall' ? action.receipt.basename : action.basename;
}

function installed(action: Extract<Action, { kind: 'install' }>, at: string): Receipt {
  const { admin, piloting, displacedLive, manual, customExpiration } = action;
  return receipt(action.edition, {
    ...refreshableFields(action.edition, customExpiration),
    admin,
    installedAt: at,
    piloting,
    displacedLive,
    manual,
    customExpiration,
    frozen: action.freeze ? { by: admin, at } : null,
  });
}
