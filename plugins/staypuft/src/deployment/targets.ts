import { type AdminPort, D3Error } from '@d3/sdk';
import type { Host, NamedHost } from '../types.ts';
import { isSame } from './fates.ts';
import { type Admin, hostsByName } from './store.ts';

/** A host that a word means, or what is wrong with the word. */
export type Target = { word: string; named: NamedHost } | Refused;

export interface Refused {
  word: string;
  problem: D3Error;
}

/** The hosts that words mean; a computer of the depot becomes a host, reached by its name. */
export async function targetsOf(words: readonly string[], admin: Admin, dryRun: boolean): Promise<Target[]> {
  const hosts = new Map(await hostsByName(admin));
  const seen = new Set<string>();
  const unique = words.filter((word) => !seen.has(word.toLowerCase()) && seen.add(word.toLowerCase()));
  const computers = unique.every((word) => hosts.has(word.toLowerCase())) ? [] : await admin.computers();
  const targets: Target[] = [];
  const found = new Set<string>();
  for (const word of unique) {
    const named = hosts.get(word.toLowerCase()) ?? [...hosts.values()].find(({ host }) => host.computer === word);
    const target = named === undefined ? await computerAsHost(word, computers, hosts, admin, dryRun) : { word, named };
    // A computer by its id and by its name is one host.
    if ('named' in target && found.has(target.named.name)) continue;
    if ('named' in target) {
      found.add(target.named.name);
      hosts.set(target.named.name.toLowerCase(), target.named);
    }
    targets.push(target);
  }
  return targets;
}

async function computerAsHost(
  word: string,
  computers: Awaited<ReturnType<AdminPort['computers']>>,
  hosts: ReadonlyMap<string, NamedHost>,
  admin: Admin,
  dryRun: boolean,
): Promise<Target> {
  const refused = (code: string, exit: 'notFound' | 'refused', message: string, ...actions: string[]): Refused => ({
    word,
    problem: new D3Error(code, exit, message, { target: word, actions }),
  });
  const same = computers.filter(({ id, name }) => id === word || isSame(name, word));
  const [computer] = same;
  if (computer === undefined) {
    return refused(
      'HOST_NOT_FOUND',
      'notFound',
      `There is no host called ${word}.`,
      'see which there are, and bring in others: d3admin computer discover',
    );
  }
  if (same.length > 1) {
    const ids = same.map(({ id }) => id).join(', ');
    return refused(
      'HOST_AMBIGUOUS',
      'refused',
      `Several computers are called ${word}: ${ids}.`,
      'name the one that is meant by its id',
    );
  }
  const known = [...hosts.values()].find(({ host }) => host.computer === computer.id);
  if (known !== undefined) return { word, named: known };
  if (!/^[A-Za-z0-9:][A-Za-z0-9._:%-]{0,254}$/.test(computer.name)) {
    return refused(
      'HOST_ADDRESS',
      'refused',
      `The computer ${computer.name} cannot be reached by its name.`,
      'say its address in an inventory: d3admin computer discover --from FILE',
    );
  }
  const host: Host = {
    schema: 'd3/host@1',
    kind: 'computer',
    address: computer.name,
    port: 22,
    user: 'root',
    proxy: null,
    computer: computer.id,
    foreman: null,
    hostKeys: [],
    facts: {},
  };
  if (!dryRun) await admin.documents('host').create(computer.name, host);
  return { word, named: { name: computer.name, host } };
}

/** Ids of the computers in a group of the depot. @throws D3Error notFound, refused for a smart group */
export async function membersOf(admin: Admin, group: string): Promise<readonly string[]> {
  const found = await admin.documents('group').byName(group);
  if (found === null) {
    throw new D3Error('GROUP_NOT_FOUND', 'notFound', `There is no group called ${group}.`, {
      target: group,
      actions: ['see what there is: d3admin group list'],
    });
  }
  const { members } = found.body;
  if (Array.isArray(members)) return members as readonly string[];
  throw new D3Error(
    'GROUP_SMART',
    'refused',
    `${group} is a smart group: each computer finds out by itself whether it is in it.`,
    {
      target: group,
      actions: ['name the hosts, or make a group with members: d3admin group add'],
    },
  );
}
