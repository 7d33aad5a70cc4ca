import { BlockList, isIP } from 'node:net';
import type { CatalogMirror } from '../catalog/types.ts';

/** An address range as in `10.1.0.0/16` or `2001:db8::/32`; null when it is none. */
function parseNetwork(text: string): { address: string; prefix: number; family: 'ipv4' | 'ipv6' } | null {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const kind = isIP(address);
  const prefix = Number(digits);
  if (kind === 0 || prefix > (kind === 4 ? 32 : 128)) return null;
  return { address, prefix, family: kind === 4 ? 'ipv4' : 'ipv6' };
}

/** @returns what is wrong with an address range as typed, or null */
export function networkProblem(text: string): string | null {
  return parseNetwork(text) === null ? `"${text}" is no address range as in 10.1.0.0/16 or 2001:db8::/32` : null;
}

/**
 * The mirrors meant for a machine, in their order: those whose ranges hold one of its addresses, and those without ranges.
 * A range that cannot be read holds nobody.
 */
export function mirrorsFor(mirrors: readonly CatalogMirror[], addresses: readonly string[]): CatalogMirror[] {
  return mirrors.filter(
    ({ networks }) => networks.length === 0 || addresses.some((address) => holds(networks, address)),
  );
}

function holds(networks: readonly string[], address: string): boolean {
  const kind = isIP(address);
  if (kind === 0) return false;
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (network !== null) list.addSubnet(network.address, network.prefix, network.family);
  }
  return list.check(address, kind === 4 ? 'ipv4' : 'ipv6');
}
