import { type CatalogIndex, indexCatalog } from '../catalog/resolve.ts';
import type { Status } from '../catalog/types.ts';
import type { TrustedCatalog } from '../depot/contract.ts';
import { exclusion, groupWords, lastingObstacles } from '../planner/availability.ts';
import type { Receipt } from '../planner/receipt.ts';
import { AUTO_INSTALL_ADMIN } from '../planner/sync.ts';
import type { Facts } from '../planner/types.ts';
import { gatherMachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { hashOf } from './computer.ts';
import { CAPABILITIES } from './planning.ts';
import { withProvisioning } from './provisioning.ts';
import { roomOf } from './room.ts';
import type { Machine, RunOptions } from './run.ts';
import { ScriptBlobs } from './script-blobs.ts';
import { type JournalEntry, StateReader } from './state/state.ts';
import { statusOf } from './status.ts';
import { subjectHere } from './subject.ts';
import { openActions } from './under-way.ts';

export type ListKind = 'installed' | 'pilots' | 'frozen' | 'manual';

/** A receipt as lists show it. */
export interface InstalledRow {
  basename: string;
  edition: string;
  version: string;
  revision: number;
  id: number;
  /** Of its edition now; null when the catalog is not at hand, `missing` also when the depot no longer has it. */
  status: Status | null;
  piloting: boolean;
  frozen: boolean;
  /** When a sync first saw that its edition is no longer in the depot, ISO 8601; null while it is there. */
  goneSince: string | null;
  removable: boolean;
  manual: boolean;
  /** ISO 8601, UTC. */
  installedAt: string;
  admin: string;
}

/** A basename whose last action was cut. */
export interface InterruptedRow {
  basename: string;
  edition: string;
  doing: 'install' | 'uninstall';
}

/** A basename that a run is busy with at this moment. */
export interface UnderWayRow extends InterruptedRow {
  run: string;
}

const KEEP: Record<ListKind, (receipt: Receipt) => boolean> = {
  installed: () => true,
  pilots: (receipt) => receipt.piloting,
  frozen: (receipt) => receipt.frozen !== null,
  manual: (receipt) => receipt.manual && receipt.admin !== AUTO_INSTALL_ADMIN,
};

/** What is installed here. Needs no depot: statuses come from the catalog last seen, if there is one. */
export async function listInstalled(
  paths: MachinePaths,
  kind: ListKind,
  kept: () => Promise<TrustedCatalog | null>,
): Promise<{ receipts: InstalledRow[]; interrupted: InterruptedRow[]; underWay: UnderWayRow[] }> {
  const state = StateReader.open(paths);
  try {
    const receipts = state.receipts().filter(KEEP[kind]);
    const open = openActions(state, paths);
    const interrupted = open.cut.map(rowOf);
    const underWay = open.underWay.map((entry) => ({ ...rowOf(entry), run: entry.run }));
    const index = receipts.length === 0 ? null : indexOf(await kept());
    return { receipts: receipts.map((receipt) => installedRow(receipt, index)), interrupted, underWay };
  } finally {
    state.close();
  }
}

function rowOf({ basename, action }: JournalEntry): InterruptedRow {
  const { edition } = action.kind === 'install' ? action.edition : action.receipt;
  return { basename, edition, doing: action.kind };
}

function installedRow(receipt: Receipt, index: CatalogIndex | null): InstalledRow {
  const { basename, edition, version, revision, id, piloting, frozen, removable, manual, installedAt, admin } = receipt;
  return {
    basename,
    edition,
    version,
    revision,
    id,
    status: statusOf(receipt, index),
    piloting,
    frozen: frozen !== null,
    goneSince: receipt.goneSince ?? null,
    removable,
    manual,
    installedAt,
    admin,
  };
}

/** What waits for a restart, as `list-queue` shows it. */
export interface QueuedRow {
  basename: string;
  edition: string;
  version: string;
  revision: number;
  id: number;
  /** Of its edition now; null when the catalog is not at hand. */
  status: Status | null;
  piloting: boolean;
  admin: string;
  force: boolean;
  /** Days, or null for the edition's own. */
  customExpiration: number | null;
  /** ISO 8601, UTC. */
  queuedAt: string;
}

/** What waits for a restart here. Needs no depot. */
export async function listQueue(paths: MachinePaths, kept: () => Promise<TrustedCatalog | null>): Promise<QueuedRow[]> {
  const state = StateReader.open(paths);
  try {
    const queue = state.deferred();
    const index = queue.length === 0 ? null : indexOf(await kept());
    return queue.map(({ edition: queued, piloting, admin, force, customExpiration, queuedAt }) => ({
      basename: queued.basename,
      edition: queued.edition,
      version: queued.version,
      revision: queued.revision,
      id: queued.id,
      status: index === null ? null : (index.byId(queued.id)?.status ?? 'missing'),
      piloting,
      admin,
      force,
      customExpiration,
      queuedAt,
    }));
  } finally {
    state.close();
  }
}

/** A live edition as `list-available` shows it. */
export interface AvailableRow {
  basename: string;
  edition: string;
  version: string;
  revision: number;
  /** `standard`, or names of groups. */
  autoGroups: string[];
  installed: boolean;
  reboot: boolean;
}

type ListingMachine = Pick<Machine, 'paths' | 'formats' | 'clock' | 'depot' | 'plugins'>;

/** The live editions this machine may have; with `all`, every live one. */
export async function listAvailable(
  machine: ListingMachine,
  trusted: TrustedCatalog,
  { all, signal, report }: Pick<RunOptions, 'signal' | 'report'> & { all: boolean },
): Promise<AvailableRow[]> {
  const index = indexCatalog(trusted.catalog);
  const state = StateReader.open(machine.paths);
  try {
    const receipts = state.receipts();
    const facts = await factsForLists(machine, state, index, { signal, report });
    return index.live
      .filter(
        (edition) =>
          all || [...lastingObstacles(edition, facts), ...exclusion(edition, facts, index, false)].length === 0,
      )
      .map((edition) => ({
        basename: edition.basename,
        edition: edition.edition,
        version: edition.version,
        revision: edition.revision,
        autoGroups: edition.autoGroups.map((group) => groupWords(group, index)),
        installed: receipts.some((receipt) => receipt.id === edition.id),
        reboot: edition.reboot,
      }))
      .toSorted((a, b) => a.basename.localeCompare(b.basename));
  } finally {
    state.close();
  }
}

async function factsForLists(
  { paths, formats, clock, depot, plugins }: ListingMachine,
  state: StateReader,
  index: CatalogIndex,
  { signal, report }: Pick<RunOptions, 'signal' | 'report'>,
): Promise<Facts> {
  const found = await gatherMachineFacts(paths.root, paths.facts);
  const room = roomOf({ paths, host: found, state, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
  const host = await withProvisioning(found, state.computerId(), plugins, room);
  const computerId = state.computerId() ?? '';
  const { name, os, cpu } = host;
  return {
    schema: 'd3/facts@1',
    run: '',
    at: '',
    machine: {
      computerId,
      name,
      os,
      cpu,
      groups: [...index.groupsOf(hashOf(computerId), subjectHere(host, state, clock.now()))],
      processes: [],
      cutProcesses: [],
      formats,
    },
    receipts: [],
    deferred: [],
    interrupted: [],
    inProgress: [],
    waits: [],
    settings: { pilots: 'hold', quitProcesses: 'off', noticeDays: 0 },
    scriptRunners: [],
    capabilities: CAPABILITIES,
  };
}

export function indexOf(trusted: TrustedCatalog | null): CatalogIndex | null {
  return trusted === null ? null : indexCatalog(trusted.catalog);
}
