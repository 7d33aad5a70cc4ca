import os from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { type AdminPort, D3Error, type Json, type PluginContext } from '@d3/sdk';
import { proxyOf } from '../proxy/store.ts';
import { publicKeyOf } from '../ssh/host-keys.ts';
import type { Host } from '../types.ts';

/** What a host says of itself for the controller, `d3/client-registration@1`. */
export type Registration = {
  schema: 'd3/client-registration@1';
  name: string;
  user: string;
  port: number;
  /** `type base64` each. */
  hostKeys: string[];
  /** Id of the computer it is in the depot; null: it never ran. */
  computer: string | null;
  facts: { [name: string]: Json };
};

const MOST_BYTES = 64 * 1024;

/** Gathered from the machine: its host keys and what it is. */
export async function registrationOf(
  { files, machine, root }: Pick<PluginContext, 'files' | 'machine' | 'root'>,
  user: string,
): Promise<Registration> {
  const facts = await machine.facts();
  const names = (await files.list('/etc/ssh')).filter((name) => /^ssh_host_\w+_key\.pub$/.test(name));
  const hostKeys: string[] = [];
  for (const name of names) {
    const key = publicKeyOf((await files.read(`/etc/ssh/${name}`, MOST_BYTES))?.bytes.toString('utf8') ?? '');
    if (key !== null) hostKeys.push(key);
  }
  const { name, os: system, model, serial } = facts;
  // What the host of a root folder has is not what the folder's machine will have.
  const hardware = root === '/' ? { cpus: os.cpus().length, memory: os.totalmem(), nics: nicsHere() } : {};
  return {
    schema: 'd3/client-registration@1',
    name: name.toLowerCase(),
    user,
    port: 22,
    hostKeys,
    computer: facts.computer,
    facts: { os: { ...system }, model, serial, ...hardware },
  };
}

function nicsHere(): { name: string; mac: string; addresses: string[] }[] {
  return Object.entries(os.networkInterfaces()).flatMap(([name, all = []]) => {
    const outward = all.filter(({ internal }) => !internal);
    const [first] = outward;
    return first === undefined ? [] : [{ name, mac: first.mac, addresses: outward.map(({ address }) => address) }];
  });
}

/** @throws D3Error usage `CLIENT_REGISTRATION` for what is none; refused `SCHEMA_NEWER` */
export function checkRegistration(value: unknown, target: string): Registration {
  const wrong = (text: string) =>
    new D3Error('CLIENT_REGISTRATION', 'usage', `${target}: ${text}.`, {
      target,
      actions: ['make it on the host: d3 client setup --answers FILE --json > FILE'],
    });
  // What a command printed with --json is the same, one level down.
  const envelope = value as { result?: { registration?: unknown } } | null;
  const found = (envelope?.result?.registration ?? value) as Record<string, unknown> | null;
  if (typeof found !== 'object' || found === null) throw wrong('this is no registration');
  const { schema, name, user, port, hostKeys, computer, facts } = found;
  if (
    typeof schema === 'string' &&
    /^d3\/client-registration@\d+$/.test(schema) &&
    schema !== 'd3/client-registration@1'
  )
    throw new D3Error('SCHEMA_NEWER', 'refused', `${target} is ${schema}, which a newer d3 reads.`, { target });
  if (schema !== 'd3/client-registration@1') throw wrong('it is no d3/client-registration@1');
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9.-]{0,252}$/.test(name))
    throw wrong('its name is no name of a host');
  if (typeof user !== 'string' || !/^[A-Za-z_][A-Za-z0-9._-]{0,63}$/.test(user)) throw wrong('its user is no account');
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) throw wrong('its port is none');
  if (!Array.isArray(hostKeys) || hostKeys.length > 20) throw wrong('it has no host keys');
  const keys = hostKeys.map((key) => (typeof key === 'string' ? publicKeyOf(key) : null));
  if (keys.includes(null)) throw wrong('a host key of it is none');
  if (computer !== null && (typeof computer !== 'string' || computer.length > 255))
    throw wrong('its computer is no id');
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) throw wrong('it has no facts');
  if (JSON.stringify(facts).length > 200_000) throw wrong('its facts are too large');
  return {
    schema,
    name,
    user,
    port,
    hostKeys: keys.filter((key) => key !== null),
    computer,
    facts: facts as Registration['facts'],
  };
}

export type Registered = { host: string; made: boolean; changed: boolean; hostKeys: number };

/**
 * Takes a host in, as it said what it is: registered, and never to be installed anew or restarted by anybody's power switch.
 * @throws D3Error verificationFailed `SSH_HOST_KEY_CHANGED` where others are on record, unless they are taken on purpose
 */
export async function registerHost(
  admin: AdminPort,
  registration: Registration,
  { proxy, address, accept }: { proxy: string | null; address: string | null; accept: boolean },
): Promise<Registered> {
  const way = proxy === null ? null : (await proxyOf(admin, proxy)).name;
  const documents = admin.documents('host');
  const { name, user, port, hostKeys, computer, facts } = registration;
  const there = await documents.byName(name);
  const before = there?.body as Host | undefined;
  const known = before?.hostKeys ?? [];
  const isChanged = known.length > 0 && hostKeys.length > 0 && !known.some((key) => hostKeys.includes(key));
  if (isChanged && !accept)
    throw new D3Error('SSH_HOST_KEY_CHANGED', 'verificationFailed', `Other host keys are on record for ${name}.`, {
      target: name,
      actions: ['find out why: it was installed anew, or this is another machine', 'take them on purpose: --accept'],
    });
  const body: Host = {
    ...(before ?? { schema: 'd3/host@1' as const, kind: 'registered' as const, foreman: null }),
    schema: 'd3/host@1',
    kind: before?.kind ?? 'registered',
    address: address ?? before?.address ?? name,
    port,
    user,
    proxy: way ?? before?.proxy ?? null,
    computer: computer ?? before?.computer ?? null,
    foreman: before?.foreman ?? null,
    hostKeys: hostKeys.length > 0 ? hostKeys : known,
    // Others keep what they know of it there, too.
    facts: { ...before?.facts, ...facts },
  };
  if (there === null) await documents.create(name, body);
  else if (!isDeepStrictEqual(body, before)) await documents.update(there.id, there.generation, { body });
  else return { host: there.name, made: false, changed: false, hostKeys: body.hostKeys.length };
  return { host: there?.name ?? name, made: there === null, changed: true, hostKeys: body.hostKeys.length };
}
