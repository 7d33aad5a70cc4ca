import type { Role } from '../types.ts';

/** What waves are made from. */
type Waved = Pick<Role, 'mode' | 'leader' | 'batches'>;

/**
 * The hosts of a role in waves: all of one are over before the next is begun.
 *
 * `serial`: each host is a wave. `leader`: the first wave is the leader alone, the others follow as their batches say; where the leader
 * that is named is not among the hosts, it was done before, and there is no such wave. `concurrent`: as the batches say. Hosts that
 * are left when all batches are used come in waves of the last one's size; without batches all are one wave. A percentage is of
 * all these hosts, rounded up.
 * @param hosts in any order, which does not matter: they are taken by name
 */
export function wavesOf(role: Waved, hosts: readonly string[]): string[][] {
  const sorted = [...new Set(hosts)].sort(byName);
  if (role.mode === 'serial') return sorted.map((host) => [host]);
  if (role.mode === 'concurrent') return batched(role.batches, sorted);
  const leader = role.leader ?? sorted[0];
  const first = sorted.filter((host) => host === leader);
  const waves = batched(
    role.batches,
    sorted.filter((host) => host !== leader),
  );
  return first.length === 0 ? waves : [first, ...waves];
}

/** How many hosts of a role are worked on at the same time. */
export function abreastOf(role: Pick<Role, 'mode' | 'abreast'>): number {
  return role.mode === 'serial' ? 1 : Math.max(1, role.abreast);
}

function batched(batches: Role['batches'], hosts: readonly string[]): string[][] {
  const waves: string[][] = [];
  for (let from = 0; from < hosts.length; ) {
    const size = sizeOf(batches[Math.min(waves.length, batches.length - 1)] ?? 'rest', hosts.length);
    waves.push(hosts.slice(from, from + size));
    from += size;
  }
  return waves;
}

function sizeOf(batch: Role['batches'][number], all: number): number {
  if (batch === 'rest') return all;
  const size = typeof batch === 'number' ? batch : Math.ceil((all * Number.parseFloat(batch)) / 100);
  return Math.max(1, Math.trunc(size));
}

/** The one order of hosts, on whatever machine: by their characters, so that no language of a system changes it. */
export function byName(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
