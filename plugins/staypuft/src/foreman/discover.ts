import { D3Error, type Json, type PluginContext } from '@d3/sdk';
import type { Host, HostKind } from '../types.ts';
import type { Foreman } from './client.ts';
import { bootMacOf, type Facts, nicsOf } from './network.ts';
import { depotOf } from './notes.ts';
import { type DiscoveredRecord, discoveredOf, factsOf, HOLDING, type HostRecord, hostOf } from './records.ts';

/** A host as it was found somewhere. */
export interface Found {
  name: string;
  host: Host;
}

/** A type, so that it is JSON. */
export type Discovered = {
  name: string;
  kind: HostKind;
  address: string;
  mac: string | null;
  foreman: string | null;
  facts: { [name: string]: Json };
  /** `known`: its document is so already. `left`: it is not taken, and why. */
  fate: 'new' | 'changed' | 'known' | 'left';
  why: string | null;
};

export interface Looked {
  found: Found[];
  /** What was seen and is not taken. */
  left: Discovered[];
  warnings: string[];
}

const ADDRESS = /^[A-Za-z0-9:][A-Za-z0-9._:%-]{0,254}$/;
const NUMBERS = {
  cpus: ['physicalprocessorcount', 'processorcount', 'processors::count'],
  memory: ['memorysize_mb', 'memory::system::total_mb'],
};

/** What Foreman has: each by its record. A managed host that nothing holds is somebody's system, and is left alone. */
export async function lookInForeman(foreman: Foreman): Promise<Looked> {
  const looked: Looked = { found: [], left: [], warnings: [] };
  for (const { id } of await unlessAbsent(foreman, looked)) {
    const answer = await foreman.find('discoveredHost', { params: { id } });
    if (answer !== null) looked.found.push(discovered(discoveredOf(answer)));
  }
  const rows = await foreman.list<{ id: number }>('hosts');
  for (const row of rows) {
    const record = hostOf(row);
    const mayBeHeld = record.managed && record.build && record.environment === HOLDING;
    const facts = record.managed && !mayBeHeld ? {} : factsOf(await factsIn(foreman, record));
    // Nobody's word but that of a discovery image makes it one that is installed anew.
    const held = mayBeHeld && bootMacOf(facts) !== null;
    if (record.managed && !held) {
      const why =
        'it is managed, and nothing holds it: it is not installed anew. Name it in an inventory to deploy over SSH: --from';
      looked.left.push(shown(hostFrom(record, 'registered', {}), 'left', why));
      continue;
    }
    looked.found.push(hostFrom(record, held ? 'discovered' : 'registered', facts));
  }
  return withoutDoubles(looked);
}

/** Two records of one name stand for two machines, and a name of d3 for one. */
function withoutDoubles({ found, left, warnings }: Looked): Looked {
  const names = Map.groupBy(found, ({ name }) => name.toLowerCase());
  const doubled = [...names.values()].filter((same) => same.length > 1).flat();
  const ids = (name: string) =>
    (names.get(name.toLowerCase()) ?? []).map(({ host }) => host.foreman as string).join(', ');
  return {
    found: found.filter((one) => !doubled.includes(one)),
    left: [
      ...left,
      ...doubled.map((one) =>
        shown(one, 'left', `Foreman has several of this name (ids ${ids(one.name)}): rename one there`),
      ),
    ],
    warnings,
  };
}

async function unlessAbsent(foreman: Foreman, looked: Looked): Promise<{ id: number }[]> {
  try {
    return await foreman.list<{ id: number }>('discovered');
  } catch (error) {
    if (!(error instanceof D3Error) || !['FOREMAN_NOT_FOUND', 'FOREMAN_NOT_THERE'].includes(error.code)) throw error;
    looked.warnings.push('This Foreman has no discovery: only registered hosts were looked for.');
    return [];
  }
}

async function factsIn(foreman: Foreman, { id, name }: HostRecord): Promise<unknown> {
  const answer = (await foreman.find('hostFacts', { params: { id }, query: { per_page: 1000 } })) as {
    results?: Record<string, unknown>;
  } | null;
  return answer?.results?.[name] ?? {};
}

function discovered(record: DiscoveredRecord): Found {
  const { id, name, ip, mac, facts } = record;
  return made(name, 'discovered', ip ?? facts['ipaddress'] ?? name, String(id), [], {
    ...factsFrom(facts),
    ...(ip === null ? {} : { ip }),
    ...(mac === null ? {} : { mac }),
  });
}

function hostFrom({ id, name, ip, mac }: HostRecord, kind: HostKind, facts: Facts): Found {
  // What a discovery image has for keys is gone with it.
  const keys = kind === 'registered' ? hostKeysIn(facts) : [];
  return made(name, kind, ip ?? name, String(id), keys, {
    ...factsFrom(facts),
    ...(ip === null ? {} : { ip }),
    ...(mac === null ? {} : { mac }),
  });
}

function made(
  name: string,
  kind: HostKind,
  address: string,
  foreman: string | null,
  hostKeys: string[],
  facts: Host['facts'],
): Found {
  return {
    name,
    host: {
      schema: 'd3/host@1',
      kind,
      address,
      port: 22,
      user: 'root',
      proxy: null,
      computer: null,
      foreman,
      hostKeys,
      facts,
    },
  };
}

/** The few facts that people choose machines by. */
function factsFrom(facts: Facts): Host['facts'] {
  const number = (names: readonly string[]) => {
    const said = names.map((one) => Number.parseFloat(facts[one] ?? '')).find((one) => Number.isFinite(one));
    return said === undefined ? null : Math.round(said);
  };
  const disks = Object.entries(facts)
    .map(
      ([key, value]) =>
        [/^blockdevice_(\w+)_size$/.exec(key)?.[1] ?? /^disks::(\w+)::size_bytes$/.exec(key)?.[1], value] as const,
    )
    .filter((one): one is readonly [string, string] => one[0] !== undefined)
    .map(([name, size]) => ({ name, bytes: Number(size) }));
  const os = [
    facts['operatingsystem'] ?? facts['os::name'],
    facts['operatingsystemrelease'] ?? facts['os::release::full'],
  ].filter((one) => one !== undefined);
  const nics = nicsOf(facts).map(({ name, mac, ip }) => ({ name, mac, ip }));
  const mac = bootMacOf(facts);
  const known: Record<string, Json> = {
    cpus: number(NUMBERS.cpus),
    memory: number(NUMBERS.memory),
    disks: disks.length === 0 ? null : disks,
    nics: nics.length === 0 ? null : nics,
    os: os.length === 0 ? null : os.join(' '),
    mac,
  };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null));
}

/** Public host keys as Facter tells of them, in either of its ways. */
function hostKeysIn(facts: Facts): string[] {
  const types = { ed25519: 'ssh-ed25519', rsa: 'ssh-rsa' } as const;
  const keys = Object.entries(types).flatMap(([name, type]) => {
    const base64 = facts[`ssh${name}key`] ?? facts[`ssh::${name}::key`];
    return base64 !== undefined && /^[A-Za-z0-9+/]+=*$/.test(base64) ? [`${type} ${base64}`] : [];
  });
  const ecdsa = facts['sshecdsakey'] ?? facts['ssh::ecdsa::key'];
  return ecdsa === undefined || !/^[A-Za-z0-9+/]+=*$/.test(ecdsa) ? keys : [...keys, `ecdsa-sha2-nistp256 ${ecdsa}`];
}

/** Computers of the depot: each is reached by its name. */
export async function lookInDepot(context: Pick<PluginContext, 'admin'>): Promise<Looked> {
  const looked: Looked = { found: [], left: [], warnings: [] };
  for (const { id, name, claims } of await depotOf(context).computers()) {
    const [mac] = claims.macs;
    const facts = mac === undefined ? {} : { mac: mac.toLowerCase() };
    const found = made(name, 'computer', name, null, [], facts);
    found.host.computer = id;
    if (ADDRESS.test(name)) looked.found.push(found);
    else
      looked.left.push(
        shown(found, 'left', `"${name}" is no name that can be connected to: say its address with --from`),
      );
  }
  const names = Map.groupBy(looked.found, ({ name }) => name.toLowerCase());
  const doubled = [...names.values()].filter((same) => same.length > 1).flat();
  return {
    ...looked,
    found: looked.found.filter((one) => !doubled.includes(one)),
    left: [...looked.left, ...doubled.map((one) => shown(one, 'left', 'several computers have this name'))],
  };
}

/**
 * Writes what was found as documents, matched by what it is (id in Foreman, computer, MAC), not by what it is called.
 * @param how `dryRun`: nothing is written; `proxy`: what those are behind of which nobody said yet how they are reached
 */
export async function takeIn(
  { found, left }: Looked,
  context: Pick<PluginContext, 'admin'>,
  { dryRun, proxy }: { dryRun: boolean; proxy: string | null },
): Promise<Discovered[]> {
  const documents = depotOf(context).documents('host');
  const there = (await documents.list()).map(({ id, name, generation, body }) => ({
    id,
    name,
    generation,
    host: body as Host,
  }));
  // What d3 had installed is managed now, and known all the same.
  const all = left.map((one) => {
    const known = there.find(({ host }) => one.foreman !== null && host.foreman === one.foreman);
    return known === undefined ? one : shown(known, 'known', null);
  });
  for (const one of found) {
    const same = there.find(({ name, host }) => isSame(one, { name, host }));
    const taken = there.find(({ name }) => name.toLowerCase() === one.name.toLowerCase());
    if (same === undefined && taken !== undefined) {
      all.push(shown(one, 'left', `another host is called so in d3: rename one, or remove what is gone`));
      continue;
    }
    if (same === undefined) {
      const host = { ...one.host, proxy: one.host.proxy ?? proxy };
      if (!dryRun) await documents.create(one.name, host);
      all.push(shown(one, 'new', null));
      continue;
    }
    const isNamed = one.host.foreman !== null && same.host.foreman === null;
    const merged = mergedOf(same.host, one.host, { isNamed, proxy });
    if (JSON.stringify(merged) === JSON.stringify(same.host)) {
      all.push(shown({ name: same.name, host: merged }, 'known', null));
      continue;
    }
    if (!dryRun) await documents.update(same.id, same.generation, { body: merged });
    all.push(shown({ name: same.name, host: merged }, 'changed', null));
  }
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function isSame(one: Found, { name, host }: Found): boolean {
  const { foreman, computer, facts } = one.host;
  if (foreman !== null && host.foreman === foreman) return true;
  if (computer !== null && host.computer === computer) return true;
  const mac = facts['mac'];
  if (typeof mac === 'string' && host.facts['mac'] === mac) return true;
  // Whoever owns a registered host set it up by that name, before Foreman's record of it was seen here.
  if (foreman !== null && host.foreman === null && one.host.kind === 'registered' && host.kind === 'registered')
    return name.toLowerCase() === one.name.toLowerCase();
  // An inventory says nothing but names: there they count.
  return foreman === null && computer === null && name.toLowerCase() === one.name.toLowerCase();
}

/**
 * What people said of a host stays: its way, its user, its port. What d3 noted of its work stays, too.
 * @param how `isNamed`: nothing but its name may tell that it is the same, so the keys it was set up with stay
 */
function mergedOf(before: Host, now: Host, { isNamed, proxy }: { isNamed: boolean; proxy: string | null }): Host {
  const { foreman: notes } = before.facts;
  const said = now.kind === 'ssh';
  const keeps = isNamed && before.hostKeys.length > 0;
  return {
    ...before,
    kind: said ? before.kind : now.kind,
    address: said || 'ip' in now.facts ? now.address : before.address,
    ...(said ? { port: now.port, user: now.user, proxy: now.proxy } : { proxy: before.proxy ?? proxy }),
    computer: now.computer ?? before.computer,
    foreman: now.foreman ?? before.foreman,
    hostKeys: keeps || now.hostKeys.length === 0 ? before.hostKeys : now.hostKeys,
    facts: { ...before.facts, ...now.facts, ...(notes === undefined ? {} : { foreman: notes }) },
  };
}

function shown({ name, host }: Found, fate: Discovered['fate'], why: string | null): Discovered {
  const { kind, address, foreman, facts } = host;
  const { foreman: _, ...rest } = facts;
  const mac = typeof facts['mac'] === 'string' ? facts['mac'] : null;
  return { name, kind, address, mac, foreman, facts: rest, fate, why };
}
