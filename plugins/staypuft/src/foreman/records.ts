import { D3Error } from '@d3/sdk';
import type { NamedHost } from '../types.ts';
import { type Foreman, quoted } from './client.ts';
import type { Facts, Subnet } from './network.ts';

/** A record that Foreman manages or knows. */
export interface HostRecord {
  id: number;
  name: string;
  ip: string | null;
  mac: string | null;
  /** Whether Foreman installs it. */
  managed: boolean;
  build: boolean;
  hostgroupId: number | null;
  hostgroup: string | null;
  environmentId: number | null;
  environment: string | null;
  installedAt: string | null;
  /** The smart proxy with the certificate authority. */
  caProxyId: number | null;
}

export interface DiscoveredRecord {
  id: number;
  name: string;
  ip: string | null;
  mac: string | null;
  facts: Facts;
}

/** What a host is, by which records Foreman keeps of it, never by its name. */
export type Located = { kind: 'discovered'; record: DiscoveredRecord } | { kind: 'host'; record: HostRecord };

export interface Hostgroup {
  id: number;
  title: string;
  environmentId: number | null;
  environment: string | null;
  subnetId: number | null;
}

export interface Environment {
  id: number;
  name: string;
}

/** The environment in which hosts are held. */
export const HOLDING = 'discovery';

type Raw = Readonly<Record<string, unknown>>;

/** @throws D3Error notFound where Foreman has no record of it */
export async function locate(foreman: Foreman, { name, host }: NamedHost): Promise<Located> {
  if (host.foreman === null)
    throw new D3Error('FOREMAN_HOST_UNKNOWN', 'notFound', `${name} is not known to be in Foreman`, {
      target: name,
      actions: ['Look what Foreman has: d3admin computer discover'],
    });
  const params = { id: host.foreman };
  const known = await foreman.find('host', { params });
  if (known !== null) return { kind: 'host', record: hostOf(known) };
  const discovered = await foreman.find('discoveredHost', { params });
  if (discovered !== null) return { kind: 'discovered', record: discoveredOf(discovered) };
  throw new D3Error('FOREMAN_HOST_GONE', 'notFound', `${name} (id ${host.foreman}) is not in Foreman any more`, {
    target: name,
    actions: ['Look what Foreman has now: d3admin computer discover'],
  });
}

export async function readHost(foreman: Foreman, id: number): Promise<HostRecord> {
  return hostOf(await foreman.call('host', { params: { id } }));
}

export function hostOf(answer: unknown): HostRecord {
  const raw = answer as Raw;
  // The plugin for Puppet has them beside the host's own or in a part of their own, as it is old or new.
  const puppet = (raw['puppet_attributes'] ?? {}) as Raw;
  const either = (field: string) => raw[field] ?? puppet[field];
  return {
    id: Number(raw['id']),
    name: String(raw['name']),
    ip: text(raw['ip']),
    mac: text(raw['mac'])?.toLowerCase() ?? null,
    managed: raw['managed'] === true,
    build: raw['build'] === true,
    hostgroupId: id(raw['hostgroup_id']),
    hostgroup: text(raw['hostgroup_title']) ?? text(raw['hostgroup_name']),
    environmentId: id(either('environment_id')),
    environment: text(either('environment_name')),
    installedAt: text(raw['installed_at']),
    caProxyId: id(either('puppet_ca_proxy_id')),
  };
}

export function discoveredOf(answer: unknown): DiscoveredRecord {
  const raw = answer as Raw;
  return {
    id: Number(raw['id']),
    name: String(raw['name']),
    ip: text(raw['ip']),
    mac: text(raw['mac'])?.toLowerCase() ?? null,
    facts: factsOf(raw['facts'] ?? raw['facts_hash']),
  };
}

/** Facts as texts by name; what lies within another is `one::other`, as Foreman writes them. */
export function factsOf(answer: unknown, within = ''): Facts {
  if (answer === null || typeof answer !== 'object') return {};
  return Object.fromEntries(
    Object.entries(answer as Raw).flatMap(([key, value]) => {
      const name = `${within}${key}`;
      if (value === null || value === undefined) return [];
      if (typeof value === 'object') return Object.entries(factsOf(value, `${name}::`));
      return [[name, typeof value === 'string' ? value : JSON.stringify(value)] as const];
    }),
  );
}

/** @throws D3Error notFound; refused where several have this title */
export async function hostgroupNamed(foreman: Foreman, title: string): Promise<Hostgroup> {
  const rows = await foreman.list<{ id: number } & Raw>('hostgroups', { search: `title=${quoted(title)}` });
  const found = rows.filter((row) => (row['title'] ?? row['name']) === title);
  const [row] = found;
  if (row !== undefined && found.length === 1)
    return {
      id: row.id,
      title,
      environmentId: id(row['environment_id']),
      environment: text(row['environment_name']),
      subnetId: id(row['subnet_id']),
    };
  throw new D3Error(
    'FOREMAN_NO_HOSTGROUP',
    row === undefined ? 'notFound' : 'refused',
    row === undefined ? `Foreman has no hostgroup ${title}` : `Foreman has ${found.length} hostgroups ${title}`,
    {
      target: title,
      actions: [
        'Make it in Foreman, with its operating system, medium, subnet and proxies; or name another in the role: hostgroup',
      ],
    },
  );
}

export async function subnetOf(foreman: Foreman, { subnetId }: Hostgroup): Promise<Subnet | null> {
  if (subnetId === null) return null;
  const raw = (await foreman.call('subnet', { params: { id: subnetId } })) as Raw;
  return { name: String(raw['name']), network: String(raw['network']), mask: String(raw['mask']) };
}

export async function environments(foreman: Foreman): Promise<Environment[]> {
  const rows = await foreman.list<{ id: number; name: string }>('environments');
  return rows.map(({ id: number, name }) => ({ id: number, name }));
}

/** @throws D3Error notFound, saying how it is made */
export async function environmentNamed(foreman: Foreman, name: string): Promise<Environment> {
  const found = (await environments(foreman)).find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new D3Error('FOREMAN_NO_ENVIRONMENT', 'notFound', `Foreman has no Puppet environment ${name}`, {
    target: name,
    actions: [`Make it: d3 foreman environments --create ${name}`],
  });
}

/** Whether Foreman restarts a machine as it is converted; where it may not be read, it is as Foreman comes: it does. */
export async function restartsOnConversion(foreman: Foreman): Promise<boolean> {
  try {
    const answer = (await foreman.call('setting', { params: { id: 'discovery_reboot' } })) as Raw | null;
    return !(answer?.['value'] === false || answer?.['value'] === 'false');
  } catch (error) {
    if (error instanceof D3Error && ['FOREMAN_FORBIDDEN', 'FOREMAN_NOT_FOUND'].includes(error.code)) return true;
    throw error;
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function id(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
