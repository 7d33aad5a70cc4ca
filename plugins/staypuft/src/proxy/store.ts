import { readFileSync } from 'node:fs';
import { type AdminPort, D3Error, type DepotDocument } from '@d3/sdk';
import { publicKeyOf } from '../ssh/host-keys.ts';
import type { Target } from '../ssh-port.ts';
import type { Host, Proxy } from '../types.ts';

/** Proxies on record, and the hosts behind them. */

export type ProxyDocument = Omit<DepotDocument, 'body'> & { body: Proxy };
export type HostDocument = Omit<DepotDocument, 'body'> & { body: Host };

const NAME = /^[a-z0-9][a-z0-9.-]{0,62}$/i;

/** What nobody said anything of. sshd takes ten connections that are being opened, and drops some beyond that. */
const NEW_PROXY: Proxy = {
  schema: 'd3/proxy@1',
  address: null,
  port: 22,
  user: 'root',
  key: null,
  publicKey: null,
  hostKeyMode: 'accept-new',
  hostKeys: [],
  authorities: [],
  opening: 8,
  sessions: 100,
};

/** @throws D3Error usage `PROXY_NAME` */
function checkProxyName(name: string): string {
  if (NAME.test(name)) return name;
  throw new D3Error('PROXY_NAME', 'usage', `"${name}" is no name of a proxy.`, {
    target: name,
    actions: ['use letters, digits, dots and hyphens: dmz, site-b'],
  });
}

/** @throws D3Error notFound `PROXY_NOT_FOUND` */
export async function proxyOf(admin: AdminPort, name: string): Promise<ProxyDocument> {
  const document = await admin.documents('proxy').byName(name);
  if (document !== null) return document as ProxyDocument;
  throw new D3Error('PROXY_NOT_FOUND', 'notFound', `There is no proxy ${name}.`, {
    target: name,
    actions: [`make it: d3 proxy add ${name} --address ADDRESS`, 'see which there are: d3 proxy list'],
  });
}

/** Hosts behind a proxy, by name. @param names null: all @throws D3Error notFound `HOST_NOT_FOUND`, refused `HOST_ELSEWHERE` */
export async function hostsBehind(
  admin: AdminPort,
  proxy: string,
  names: readonly string[],
): Promise<readonly HostDocument[]> {
  const documents = admin.documents('host');
  const isBehind = ({ body }: HostDocument) => body.proxy?.toLowerCase() === proxy.toLowerCase();
  if (names.length === 0) {
    const all = (await documents.list()) as readonly HostDocument[];
    return all.filter(isBehind).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  }
  const found: HostDocument[] = [];
  for (const name of names) {
    const document = (await documents.byName(name)) as HostDocument | null;
    if (document === null)
      throw new D3Error('HOST_NOT_FOUND', 'notFound', `There is no host ${name}.`, { target: name });
    if (!isBehind(document))
      throw new D3Error('HOST_ELSEWHERE', 'refused', `The host ${name} is not behind the proxy ${proxy}.`, {
        target: name,
        actions: [
          document.body.proxy === null ? 'it is reached from the controller' : `it is behind ${document.body.proxy}`,
        ],
      });
    found.push(document);
  }
  return found;
}

export function targetOf(host: HostDocument, proxy: ProxyDocument): Target {
  return { name: host.name, host: host.body, proxy: { name: proxy.name, proxy: proxy.body } };
}

/** What can be said of a proxy; undefined stays as it is. */
export interface ProxyChanges {
  address?: string | undefined;
  port?: number | undefined;
  user?: string | undefined;
  key?: string | undefined;
  hostKeyMode?: Proxy['hostKeyMode'] | undefined;
  opening?: number | undefined;
  sessions?: number | undefined;
  /** Files with public keys of authorities. */
  authorities?: readonly string[] | undefined;
}

/** Makes a proxy known, or changes what is said of it. */
export async function putProxy(
  admin: AdminPort,
  name: string,
  changes: ProxyChanges,
): Promise<{ name: string; proxy: Proxy; made: boolean }> {
  const documents = admin.documents('proxy');
  const there = (await documents.byName(checkProxyName(name))) as ProxyDocument | null;
  const before = there?.body ?? NEW_PROXY;
  const { authorities, ...plain } = changes;
  const said = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const moved = there !== null && changes.address !== undefined && changes.address !== before.address;
  const proxy: Proxy = {
    ...before,
    ...said,
    ...(changes.key === undefined || changes.key === before.key ? {} : { publicKey: publicHalf(changes.key) }),
    ...(authorities === undefined ? {} : { authorities: authorities.flatMap(keysOfFile) }),
    // Another machine has other keys.
    ...(moved ? { hostKeys: [] } : {}),
  };
  if (there === null) await documents.create(name, proxy);
  else await documents.update(there.id, there.generation, { body: proxy });
  return { name: there?.name ?? name, proxy, made: there === null };
}

/** @throws D3Error refused `PROXY_IN_USE` as long as hosts are behind it */
export async function removeProxy(admin: AdminPort, name: string): Promise<{ name: string; key: string | null }> {
  const proxy = await proxyOf(admin, name);
  const behind = await hostsBehind(admin, proxy.name, []);
  if (behind.length > 0)
    throw new D3Error('PROXY_IN_USE', 'refused', `${behind.length} hosts are behind the proxy ${proxy.name}.`, {
      target: proxy.name,
      actions: [
        `take them away first: ${behind
          .slice(0, 5)
          .map((one) => one.name)
          .join(', ')}`,
      ],
    });
  await admin.documents('proxy').remove(proxy.id, proxy.generation);
  return { name: proxy.name, key: proxy.body.key };
}

/** The public half that lies beside a key; null where it does not. */
function publicHalf(key: string): string | null {
  try {
    const text = readFileSync(`${key}.pub`, 'utf8').trim();
    return publicKeyOf(text) === null ? null : text;
  } catch {
    return null;
  }
}

/** @throws D3Error usage `AUTHORITY_KEY` for a file without a public key */
function keysOfFile(file: string): string[] {
  let text = '';
  try {
    text = readFileSync(file, 'utf8').slice(0, 1_000_000);
  } catch (error) {
    throw new D3Error('AUTHORITY_KEY', 'usage', `${file} cannot be read: ${(error as Error).message}.`, {
      target: file,
    });
  }
  const keys = text
    .split('\n')
    .map(publicKeyOf)
    .filter((one) => one !== null);
  if (keys.length > 0) return keys;
  throw new D3Error('AUTHORITY_KEY', 'usage', `${file} has no public key.`, {
    target: file,
    actions: ['name the .pub file of the authority that signs host keys'],
  });
}

/** All proxies, by name, with how many hosts are behind each. */
export async function listProxies(admin: AdminPort): Promise<
  {
    name: string;
    address: string | null;
    port: number;
    user: string;
    hostKeyMode: string;
    key: string | null;
    hosts: number;
  }[]
> {
  const hosts = (await admin.documents('host').list()) as readonly HostDocument[];
  const proxies = (await admin.documents('proxy').list()) as readonly ProxyDocument[];
  return proxies
    .map(({ name, body: { address, port, user, hostKeyMode, key } }) => {
      const behind = hosts.filter(({ body }) => body.proxy?.toLowerCase() === name.toLowerCase());
      return { name, address, port, user, hostKeyMode, key, hosts: behind.length };
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
