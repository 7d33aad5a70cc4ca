import { BlockList, isIP } from 'node:net';

/** Facts of a machine, by name as Facter has them (`ipaddress_eth0`, or `networking::interfaces::eth0::ip`). */
export type Facts = Readonly<Record<string, string>>;

export interface Subnet {
  name: string;
  network: string;
  /** `255.255.255.0`; or of IPv6 `ffff:ffff::`. */
  mask: string;
}

export interface Nic {
  name: string;
  mac: string;
  ip: string | null;
}

/** The interfaces that facts tell of. Names are what lies between the first `_` and the end, so `eth0_100` is one. */
export function nicsOf(facts: Facts): Nic[] {
  const nics = new Map<string, Nic>();
  for (const [key, value] of Object.entries(facts)) {
    const name = /^macaddress_(.+)$/.exec(key)?.[1] ?? /^networking::interfaces::(.+)::mac$/.exec(key)?.[1];
    if (name === undefined) continue;
    const ip = facts[`ipaddress_${name}`] ?? facts[`networking::interfaces::${name}::ip`] ?? null;
    nics.set(name, { name, mac: value.toLowerCase(), ip });
  }
  return [...nics.values()];
}

/** The MAC that a machine booted from; the kernel's `BOOTIF` has a hardware type before it, and hyphens. */
export function bootMacOf(facts: Facts): string | null {
  const said = facts['discovery_bootif']?.trim().toLowerCase().replaceAll('-', ':');
  const mac = said?.replace(/^01:(?=(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$)/, '');
  return mac !== undefined && /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : null;
}

/** What stands against installing a machine over the network it booted from; null: nothing. */
export function bootProblem(facts: Facts, subnet: Subnet | null): string | null {
  const mac = bootMacOf(facts);
  if (mac === null) return 'its fact discovery_bootif does not say from which interface it booted';
  const nic = nicsOf(facts).find((one) => one.mac === mac);
  if (nic === undefined) return `no interface has the address ${mac} that it booted from`;
  if (subnet === null) return null;
  if (nic.ip === null) return `${nic.name}, which it booted from, has no IP address`;
  if (isWithin(nic.ip, subnet)) return null;
  return `${nic.name} has ${nic.ip}, which is not in ${cidrOf(subnet)}, the subnet ${subnet.name} of the hostgroup`;
}

export function isWithin(ip: string, subnet: Subnet): boolean {
  const version = isIP(ip);
  const bits = bitsOf(subnet.mask);
  if (version === 0 || isIP(subnet.network) !== version || bits === null) return false;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(subnet.network, bits, family);
  return block.check(ip, family);
}

function cidrOf({ network, mask }: Subnet): string {
  return `${network}/${bitsOf(mask) ?? mask}`;
}

/** How many bits a mask has; null for one with holes. */
export function bitsOf(mask: string): number | null {
  const version = isIP(mask);
  if (version === 0) return null;
  const groups = version === 4 ? mask.split('.').map(Number) : groupsOf(mask);
  const width = version === 4 ? 8 : 16;
  const binary = groups.map((one) => one.toString(2).padStart(width, '0')).join('');
  return /^1*0*$/.test(binary) ? binary.replaceAll('0', '').length : null;
}

function groupsOf(mask: string): number[] {
  const [head = '', tail] = mask.split('::');
  const parts = (text: string) => (text === '' ? [] : text.split(':').map((one) => Number.parseInt(one, 16)));
  const [first, last] = [parts(head), parts(tail ?? '')];
  return [...first, ...Array.from<number>({ length: 8 - first.length - last.length }).fill(0), ...last];
}
