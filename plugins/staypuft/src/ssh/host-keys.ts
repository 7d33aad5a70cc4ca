import { createHash } from 'node:crypto';
import type { AdminPort } from '@d3/sdk';
import { changeDocument } from '../documents.ts';
import type { Host, HostKeyMode, Proxy } from '../types.ts';

/** Host keys: how ssh is told of them, and how they come into documents. */

/** The name ssh looks a host up by. */
function knownName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

const KEY = /^(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+)(?: |\t)+([A-Za-z0-9+/]+={0,3})(?:\s|$)/;

/** `type base64`, without a comment; null: it is no public key. */
export function publicKeyOf(text: string): string | null {
  const [type = '', base64 = ''] = text.trim().split(/\s+/);
  return KEY.test(`${type} ${base64}`) && base64.length <= 20_000 ? `${type} ${base64}` : null;
}

/** What people compare. @param key `type base64` */
export function fingerprintOf(key: string): string {
  const [, base64 = ''] = key.split(' ');
  const hash = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

/** The text of a known_hosts file for one place. Keys that are none are left out. */
export function knownHostsText(
  place: { address: string; port: number },
  keys: readonly string[],
  authorities: readonly string[],
): string {
  const name = knownName(place.address, place.port);
  const only = (texts: readonly string[]) => texts.map(publicKeyOf).filter((one) => one !== null);
  return [
    ...only(authorities).map((key) => `@cert-authority ${name} ${key}\n`),
    ...only(keys).map((key) => `${name} ${key}\n`),
  ].join('');
}

/** The keys of a known_hosts file that ssh wrote for one place. */
export function keysIn(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('@') && !line.startsWith('#'))
    .map((line) => publicKeyOf(line.slice(line.indexOf(' ') + 1)))
    .filter((one) => one !== null);
}

/** What ssh is told for `StrictHostKeyChecking`. */
export function checkingOf(
  mode: HostKeyMode,
  keys: readonly string[],
  authorities: readonly string[],
): 'yes' | 'accept-new' | 'no' {
  if (mode === 'off') return 'no';
  return mode === 'accept-new' && keys.length === 0 && authorities.length === 0 ? 'accept-new' : 'yes';
}

/** Where host keys are on record: documents of the depot. */
export interface HostKeyRecord {
  /**
   * Puts the keys on record that were met first, unless others are there by now.
   * @returns those on record
   */
  record(kind: 'host' | 'proxy', name: string, keys: readonly string[]): Promise<readonly string[]>;
  /** Replaces them on purpose: those of just this one. */
  replace(kind: 'host' | 'proxy', name: string, keys: readonly string[]): Promise<void>;
}

export function hostKeyRecord(admin: AdminPort): HostKeyRecord {
  const change = async (
    kind: 'host' | 'proxy',
    name: string,
    to: (known: readonly string[]) => readonly string[],
  ): Promise<readonly string[]> => {
    const changed = await changeDocument<Host | Proxy>(admin.documents(kind), name, (body) => {
      const keys = to(body.hostKeys);
      return keys.join('\n') === body.hostKeys.join('\n') ? body : { ...body, hostKeys: [...keys] };
    });
    return changed === null ? to([]) : changed.body.hostKeys;
  };
  return {
    record: (kind, name, keys) => change(kind, name, (known) => (known.length === 0 ? keys : known)),
    async replace(kind, name, keys) {
      await change(kind, name, () => keys);
    },
  };
}
