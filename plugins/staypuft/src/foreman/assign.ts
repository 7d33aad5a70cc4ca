import { D3Error } from '@d3/sdk';
import type { NamedHost, Role } from '../types.ts';
import { endSigning, signingProblem } from './autosign.ts';
import { changeRecord, type Wanted } from './change.ts';
import { removeOverride } from './classifier.ts';
import { ensured, type Foreman } from './client.ts';
import { installerProblem } from './installer.ts';
import { bootProblem } from './network.ts';
import { changeHostDocument } from './notes.ts';
import {
  type DiscoveredRecord,
  environmentNamed,
  HOLDING,
  type Hostgroup,
  type HostRecord,
  hostgroupNamed,
  type Located,
  locate,
  restartsOnConversion,
  subnetOf,
} from './records.ts';
import { type ForemanContext, type Site, withForeman } from './site.ts';

/** What became of an assignment in Foreman. */
export interface ForemanAssigned {
  /** `held`: d3 keeps it, and Foreman is told when the deployment runs. */
  state: 'assigned' | 'held';
  /** Whether anything was written. */
  changed: boolean;
  text: string;
}

/** Title of the hostgroup of a role; null: neither it nor the settings name one. */
export function hostgroupOfRole(
  { name, hostgroup }: Pick<Role, 'name' | 'hostgroup'>,
  base: string | null,
): string | null {
  if (hostgroup !== undefined && hostgroup !== null) return hostgroup;
  return base === null ? null : `${base}/${name}`;
}

/**
 * Assigns a host in Foreman, whole or not at all. A discovered one becomes a managed host with build flag, held by the environment
 * `discovery`, where Foreman does not restart it for that; else it is held here. A registered one gets hostgroup and environment only.
 * @param hostgroup title
 * @throws D3Error with what stands against it
 */
export async function foremanAssign(
  target: NamedHost,
  hostgroup: string,
  context: ForemanContext,
): Promise<ForemanAssigned> {
  return withForeman(context, async (foreman) => assign(foreman, target, hostgroup));
}

export async function assign(foreman: Foreman, target: NamedHost, title: string): Promise<ForemanAssigned> {
  const located = await locate(foreman, target);
  const group = await hostgroupNamed(foreman, title);
  const holding = await environmentNamed(foreman, HOLDING);
  if (located.kind === 'host') return assignRecord(foreman, target, located.record, group, holding.id);
  await checkBoot(foreman, target.name, located.record, group);
  if (await restartsOnConversion(foreman))
    return {
      state: 'held',
      changed: false,
      text: `held here until the deployment runs: Foreman restarts ${target.name} as it converts it (discovery_reboot)`,
    };
  await convert(foreman, target, group, holding.id);
  return { state: 'assigned', changed: true, text: `managed, in ${title}, held in ${HOLDING}` };
}

/** @throws D3Error refused where a machine would not be installed over the network it booted from */
export async function checkBoot(
  foreman: Foreman,
  name: string,
  { facts }: DiscoveredRecord,
  group: Hostgroup,
): Promise<void> {
  const problem = bootProblem(facts, await subnetOf(foreman, group));
  if (problem === null) return;
  throw new D3Error('FOREMAN_BOOT_NETWORK', 'refused', `${name} cannot go into ${group.title}: ${problem}`, {
    target: name,
    actions: [
      `Boot ${name} from the interface in the hostgroup's subnet, or correct the subnet in Foreman, then look again: d3admin computer discover`,
    ],
  });
}

/** Makes a managed host of a discovered one: one call, all or nothing; what Foreman made of it is looked at. */
export async function convert(
  foreman: Foreman,
  target: NamedHost,
  group: Hostgroup,
  environmentId: number,
): Promise<HostRecord> {
  const id = Number(target.host.foreman);
  const fields = {
    hostgroup_id: group.id,
    managed: true,
    build: true,
    puppet_attributes: { environment_id: environmentId },
  };
  await ensured<Located>(
    async () => locate(foreman, target),
    ({ kind }) => kind === 'host',
    async () => foreman.call('convert', { params: { id }, json: { discovered_host: fields } }),
  );
  const wanted: Wanted = { hostgroupId: group.id, environmentId, build: true };
  await orBack(foreman, target.name, id, wanted, { hostgroupId: null }, 'it is a managed host without a hostgroup now');
  return (await locate(foreman, target)).record as HostRecord;
}

async function assignRecord(
  foreman: Foreman,
  { name, host }: NamedHost,
  record: HostRecord,
  group: Hostgroup,
  holding: number,
): Promise<ForemanAssigned> {
  if (record.hostgroupId !== null && record.hostgroupId !== group.id)
    throw new D3Error(
      'FOREMAN_HOST_TAKEN',
      'refused',
      `${name} is in the hostgroup ${record.hostgroup ?? record.hostgroupId} in Foreman, not in ${group.title}`,
      {
        target: name,
        actions: [`Take it out of that hostgroup in Foreman, or unassign it from the deployment that put it there.`],
      },
    );
  // Only what booted a discovery image is ever built; what somebody else runs is not installed anew.
  const installs = record.managed && host.kind === 'discovered';
  const wanted: Wanted = {
    hostgroupId: group.id,
    environmentId: holding,
    ...(installs ? { build: true } : {}),
  };
  const before: Wanted = {
    hostgroupId: record.hostgroupId,
    environmentId: record.environmentId,
    ...(installs ? { build: record.build } : {}),
  };
  const changed = await orBack(foreman, name, record.id, wanted, before, 'it is as it was before');
  return {
    state: 'assigned',
    changed,
    text: `in ${group.title}, held in ${HOLDING}${installs ? ', to be installed' : ''}`,
  };
}

/** Changes a record, or takes back what of it was changed. */
async function orBack(
  foreman: Foreman,
  name: string,
  id: number,
  wanted: Wanted,
  before: Wanted,
  afterwards: string,
): Promise<boolean> {
  try {
    return await changeRecord(foreman, id, wanted);
  } catch (error) {
    foreman.signal.throwIfAborted();
    const back = await changeRecord(foreman, id, before).then(
      () => afterwards,
      (reason: unknown) =>
        `and it could not be taken back (${reason instanceof Error ? reason.message : String(reason)})`,
    );
    if (!(error instanceof D3Error)) throw error;
    throw new D3Error(error.code, error.exit, `${name} was not assigned: ${error.message}; ${back}`, {
      target: name,
      actions: error.actions,
      cause: error,
    });
  }
}

/**
 * Takes a host out of its hostgroup and back into the environment `discovery`; only a discovered one will be installed anew. What was
 * said of its agent goes too.
 */
export async function foremanUnassign(target: NamedHost, context: ForemanContext): Promise<ForemanAssigned> {
  return withForeman(context, async (foreman, site) => {
    await endSigning(foreman, target, context);
    const answer = await unassign(foreman, site, target);
    await changeHostDocument(context, target.name, (host) => {
      const { foreman: notes, ...facts } = host.facts;
      return notes === undefined ? host : { ...host, facts };
    });
    return answer;
  });
}

async function unassign(foreman: Foreman, site: Site, target: NamedHost): Promise<ForemanAssigned> {
  const located = await locate(foreman, target);
  if (located.kind === 'discovered')
    return {
      state: 'assigned',
      changed: false,
      text: `${target.name} was only held here; Foreman knows nothing of it`,
    };
  const { record } = located;
  const holding = await environmentNamed(foreman, HOLDING);
  const removed = await removeOverride(foreman, site, record.name);
  const changed = await changeRecord(foreman, record.id, {
    hostgroupId: null,
    environmentId: holding.id,
    ...(record.managed && target.host.kind === 'discovered' ? { build: true } : {}),
  });
  return { state: 'assigned', changed: changed || removed, text: `without a hostgroup, in ${HOLDING}` };
}

/**
 * How a host in Foreman is not as its assignment has it, or cannot be installed as it is to be: somebody changed it behind d3's back.
 * Reads only.
 * @param hostgroup title
 * @returns in words; empty: it is as it should be
 */
export async function foremanDrift(target: NamedHost, hostgroup: string, context: ForemanContext): Promise<string[]> {
  return withForeman(context, async (foreman) => drift(foreman, target, hostgroup, context));
}

async function drift(foreman: Foreman, target: NamedHost, title: string, context: ForemanContext): Promise<string[]> {
  const { name, host } = target;
  let located: Located;
  try {
    located = await locate(foreman, target);
  } catch (error) {
    if (error instanceof D3Error && ['FOREMAN_HOST_GONE', 'FOREMAN_HOST_UNKNOWN'].includes(error.code))
      return [error.message];
    throw error;
  }
  // A discovered one that is held here is in no hostgroup until the deployment runs.
  if (located.kind === 'discovered') return [];
  const { record } = located;
  const found: string[] = [];
  if (record.hostgroupId === null) found.push(`${name} is in no hostgroup in Foreman; it should be in ${title}`);
  else if (record.hostgroup !== title && record.hostgroupId !== (await hostgroupNamed(foreman, title)).id)
    found.push(
      `${name} was put into the hostgroup ${record.hostgroup ?? record.hostgroupId} in Foreman; it should be in ${title}`,
    );
  if (record.managed && host.kind === 'registered')
    found.push(`${name} was made a managed host in Foreman: Foreman could install it anew; d3 does not`);
  if (host.kind === 'registered') {
    const problem = await signingProblem(foreman, name, located);
    if (problem !== null) found.push(problem);
  }
  if (!record.managed && host.kind === 'discovered')
    found.push(`${name} is not managed in Foreman any more: it cannot be installed`);
  if (record.managed && record.build && host.kind === 'discovered') {
    const problem = await installerProblem(foreman, target, context);
    if (problem !== null) found.push(`${name} cannot be installed by ${problem.why} (${problem.next})`);
  }
  return found;
}
