import { D3Error, type PlanPayload, type PlanReceipt } from '@d3/sdk';
import { type CatalogIndex, indexCatalog } from '../catalog/resolve.ts';
import type { Catalog, PackageFormat } from '../catalog/types.ts';
import type { DepotClient, TrustedCatalog } from '../depot/contract.ts';
import type { PluginRoom, Plugins } from '../lifecycle/plugins.ts';
import { plan } from '../planner/plan.ts';
import { withProcesses } from '../planner/processes.ts';
import { type Proposed, withProposals } from '../planner/proposals.ts';
import type { Drift, Receipt } from '../planner/receipt.ts';
import { refreshedReceipts } from '../planner/sync.ts';
import type { Deferred, Facts, Plan, PlannerSettings, Request } from '../planner/types.ts';
import type { Clock } from '../platform/clock.ts';
import type { MachineFacts } from '../platform/machine.ts';
import type { MachinePaths } from '../platform/paths.ts';
import { hashOf } from './computer.ts';
import { noDepot } from './no-depot.ts';
import { StateReader } from './state/state.ts';
import { subjectHere } from './subject.ts';

/** What this d3 can do, against an edition's `requires`. */
export const CAPABILITIES: string[] = ['deb', 'dmg'];

/** What a plan is made from, besides the request. */
export interface PlanningParts {
  run: string;
  state: StateReader;
  host: MachineFacts;
  trusted: TrustedCatalog | null;
  /** Formats of packages this machine can install. */
  formats: PackageFormat[];
  /** What somebody else changed behind d3. */
  drift: Drift[];
  plugins: Plugins;
  room: PluginRoom;
  settings: PlannerSettings;
  clock: Clock;
  /** Basenames another run, of which this one is part, is busy with. */
  inProgress: string[];
}

/** A plan with all it was made from, so that it can be made again. */
export interface Planned {
  request: Request;
  facts: Facts;
  /** SHA-256 of the catalog; null for a request that needs none. */
  catalog: string | null;
  proposals: Proposed[];
  plan: Plan;
}

/** Gathers the facts, freezes them, and plans: the host first, then what plugins propose on top. */
export async function makePlan(request: Request, parts: PlanningParts): Promise<Planned> {
  const { trusted, plugins, room } = parts;
  // Without a catalog what waits here is known all the same: its editions are kept with it.
  const index = indexCatalog(trusted?.catalog ?? catalogOfQueue(parts.state.deferred()));
  const facts = deepFreeze(gatherFacts(index, parts));
  const receipts = (request.kind === 'sync' ? refreshedReceipts(facts, index) : facts.receipts).map(planReceipt);
  const asked = { kind: request.kind, force: 'force' in request && request.force };
  const gathered = await plugins.facts({ at: facts.at, request: asked, receipts }, room);
  const proposals = await plugins.proposals({ request: asked, ...planPayload(facts, index, receipts, gathered) }, room);
  const from = { request, facts, catalog: trusted?.sha256 ?? null, proposals };
  return { ...from, plan: planAgain(from, index) };
}

/** The plan that these facts give with the catalog they were gathered with. Pure. */
export function planAgain(
  from: Omit<Planned, 'plan' | 'catalog'>,
  index: CatalogIndex = indexCatalog(catalogOfQueue(from.facts.deferred ?? [])),
): Plan {
  const { request, facts, proposals } = from;
  const proposed = withProposals(plan(request, facts, index), proposals, request, facts, index);
  return withProcesses(proposed, facts);
}

function gatherFacts(index: CatalogIndex, parts: PlanningParts): Facts {
  const { run, state, host, formats, drift, plugins, settings, clock, inProgress } = parts;
  const computerId = state.computerId() ?? '';
  const busy = new Set(inProgress);
  // The run has more of them; what the planner does not go by is no fact.
  const { pilots, quitProcesses, noticeDays } = settings;
  return {
    schema: 'd3/facts@1',
    run,
    at: clock.now().toISOString(),
    machine: {
      computerId,
      name: host.name,
      os: host.os,
      cpu: host.cpu,
      groups: [...index.groupsOf(hashOf(computerId), subjectHere(host, state, clock.now()))],
      processes: host.processes,
      cutProcesses: host.cutProcesses,
      formats,
    },
    receipts: state.receipts(),
    ...(drift.length === 0 ? {} : { drift }),
    deferred: state.deferred(),
    interrupted: state
      .journal()
      .map((entry) => entry.basename)
      .filter((basename) => !busy.has(basename)),
    inProgress,
    waits: state.waits().map(({ basename, since }) => ({ basename, since })),
    settings: { pilots, quitProcesses, noticeDays },
    scriptRunners: plugins.scriptRunners,
    capabilities: CAPABILITIES,
  };
}

function planPayload(
  facts: Facts,
  index: CatalogIndex,
  receipts: PlanReceipt[],
  gathered: PlanPayload['facts'],
): Omit<PlanPayload, 'request'> {
  const { name, os, cpu, groups, processes } = facts.machine;
  return {
    at: facts.at,
    machine: { name, os, cpu, groups: groups.map((id) => index.groupName(id) ?? String(id)), processes },
    receipts,
    facts: gathered,
  };
}

/** What is installed, as plugins see it. */
export function receiptsForPlugins(paths: MachinePaths): PlanReceipt[] {
  const state = StateReader.open(paths);
  try {
    return state.receipts().map(planReceipt);
  } finally {
    state.close();
  }
}

/** A receipt as plugins see it. */
function planReceipt(receipt: Receipt): PlanReceipt {
  const { basename, edition, id, piloting, frozen, removable, expiration, expirationPaths, installedAt } = receipt;
  const { firmExpiration = null } = receipt;
  return {
    basename,
    edition,
    id,
    piloting,
    frozen: frozen !== null,
    removable,
    expiration,
    expirationPaths,
    firmExpiration,
    installedAt,
  };
}

const NEEDS_CATALOG: readonly Request['kind'][] = ['install', 'pilot', 'depilot', 'sync'];

/**
 * The catalog a request is planned against; requests about what is here already do without the depot.
 * An install of nothing but what is queued can do without, when the depot cannot be reached.
 * @param keep whether what is verified is kept on the machine; a rehearsal writes nothing
 */
export async function catalogFor(
  request: Request,
  depot: DepotClient | null,
  keep: boolean,
  queued: readonly Deferred[],
  warnings: string[],
): Promise<TrustedCatalog | null> {
  if (!NEEDS_CATALOG.includes(request.kind) || (request.kind === 'depilot' && request.leaveOff)) return null;
  if (depot === null) throw noDepot();
  const trusted = await depot.refresh({ keep }).catch(async (error: unknown) => {
    const isOffline = error instanceof D3Error && error.exit === 'depotUnreachable';
    if (!isOffline || !asksForQueued(request, queued)) throw error;
    warnings.push(`${error.message} What is queued was fetched and verified before.`);
    return depot.kept();
  });
  if (trusted === null) return null;
  warnings.push(...trusted.warnings);
  return trusted;
}

/** Whether all of it waits here already, with its file: then no depot is needed. */
function asksForQueued(request: Request, queued: readonly Deferred[]): boolean {
  if (request.kind !== 'install' || !request.puppies) return false;
  return request.targets.every((target) =>
    queued.some(({ edition }) => [edition.basename, edition.edition, String(edition.id)].includes(target)),
  );
}

function catalogOfQueue(queued: readonly Deferred[]): Catalog {
  const editions = queued.map(({ edition }) => edition);
  return { schema: 'd3/catalog@1', generation: 0, editions, groups: [] };
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
