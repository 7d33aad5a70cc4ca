import { D3Error } from '@d3/sdk';
import type { Admin } from './store.ts';
import { membersOf } from './targets.ts';

/** Words of an argument that may stand several times. @throws D3Error usage where there is none */
export function several(value: unknown, target: string, what: string): string[] {
  const words = (Array.isArray(value) ? value : value === undefined ? [] : [value]) as string[];
  if (words.length > 0) return words;
  throw new D3Error('MISSING_ARGUMENT', 'usage', `No ${what} is given.`, {
    target,
    actions: [`name one or more: ${what}`],
  });
}

/** Hosts that are named, and the computers of a group. @throws D3Error usage where neither is given */
export async function hostsGiven(hosts: unknown, group: unknown, admin: Admin): Promise<string[]> {
  if (typeof group !== 'string') return several(hosts, 'host', 'HOST');
  const named = hosts === undefined ? [] : several(hosts, 'host', 'HOST');
  return [...named, ...(await membersOf(admin, group))];
}
