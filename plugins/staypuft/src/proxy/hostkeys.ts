import { D3Error } from '@d3/sdk';
import { fingerprintOf, type HostKeyRecord, knownHostsText } from '../ssh/host-keys.ts';
import type { SshRemote } from '../ssh/remote.ts';
import { type HostDocument, type ProxyDocument, targetOf } from './store.ts';

type ShownKey = {
  /** Name of the host, or of the proxy itself. */
  target: string;
  /** `type base64`; null: it did not answer. */
  key: string | null;
  /** What people compare. */
  fingerprint: string | null;
  /** `known`: it is on record. `new`: none was. `changed`: another one is. */
  is: 'known' | 'new' | 'changed' | 'silent';
  accepted: boolean;
};

export type HostKeys = {
  proxy: string;
  keys: ShownKey[];
  /** Hosts that the proxy's own account knows now; null: it was not told. */
  distributed: number | null;
};

type Options = {
  accept: boolean;
  distribute: boolean;
  signal: AbortSignal;
};

/** The host keys of a proxy, unless hosts are named, and of hosts behind it: shown, and put on record where somebody says so. */
export async function hostKeys(
  proxy: ProxyDocument,
  { hosts, itself }: { hosts: readonly HostDocument[]; itself: boolean },
  { remote, record }: { remote: SshRemote; record: HostKeyRecord },
  { accept, distribute, signal }: Options,
): Promise<{ result: HostKeys; errors: D3Error[] }> {
  const errors: D3Error[] = [];
  const shown = async (
    kind: 'host' | 'proxy',
    target: string,
    known: readonly string[],
    ask: () => Promise<string>,
  ): Promise<ShownKey> => {
    let key: string;
    try {
      key = await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof D3Error)) throw error;
      errors.push(error);
      return { target, key: null, fingerprint: null, is: 'silent', accepted: false };
    }
    const is = known.includes(key) ? 'known' : known.length === 0 ? 'new' : 'changed';
    const accepted = accept && is !== 'known';
    if (accepted) await record.replace(kind, target, [key]);
    return { target, key, fingerprint: fingerprintOf(key), is, accepted };
  };
  const keys: ShownKey[] = [];
  // The way leads over the proxy: its own key comes first.
  if (itself && proxy.body.address !== null)
    keys.push(
      await shown('proxy', proxy.name, proxy.body.hostKeys, () => remote.shownProxyKey(proxy.name, proxy.body, signal)),
    );
  const own = keys[0];
  const through: ProxyDocument =
    own?.accepted && own.key !== null ? { ...proxy, body: { ...proxy.body, hostKeys: [own.key] } } : proxy;
  keys.push(
    ...(await Promise.all(
      hosts.map((host) =>
        shown('host', host.name, host.body.hostKeys, () => remote.shownKey(targetOf(host, through), signal)),
      ),
    )),
  );
  const distributed = distribute ? await distributeKeys(through, hosts, keys, remote, signal) : null;
  return { result: { proxy: proxy.name, keys, distributed }, errors };
}

const BEGIN = '# d3: host keys of deployments, begin';
const END = '# d3: host keys of deployments, end';

/** Puts what is on record into `~/.ssh/known_hosts` of the proxy's account: a part of its own, everything else stays. */
async function distributeKeys(
  proxy: ProxyDocument,
  hosts: readonly HostDocument[],
  shown: readonly ShownKey[],
  remote: SshRemote,
  signal: AbortSignal,
): Promise<number> {
  if (proxy.body.address === null)
    throw new D3Error('PROXY_NOWHERE', 'refused', `The proxy ${proxy.name} has no address: there is nothing to tell.`, {
      target: proxy.name,
    });
  const taken = new Map(shown.filter(({ accepted }) => accepted).map(({ target, key }) => [target, key as string]));
  const known = hosts.map(({ name, body }) => {
    const fresh = taken.get(name);
    return knownHostsText(body, fresh === undefined ? body.hostKeys : [fresh], []);
  });
  const authorities = hosts.map(({ body }) => knownHostsText(body, [], proxy.body.authorities));
  const block = `${BEGIN}\n${authorities.join('')}${known.join('')}${END}\n`;
  const { code, output } = await remote.lookAtProxy(proxy.name, proxy.body, TAKE_IN, { signal, input: block });
  if (code === 0) return known.filter((text) => text !== '').length;
  throw new D3Error('HOSTKEYS_NOT_WRITTEN', 'failed', `${proxy.name} did not take the host keys: ${output.trim()}.`, {
    target: proxy.name,
    actions: [`see ~/.ssh/known_hosts of ${proxy.body.user} there`],
  });
}

const TAKE_IN = `set -e
umask 077
cd
[ -d .ssh ] || mkdir .ssh
if [ -L .ssh ] || [ -L .ssh/known_hosts ]; then echo '.ssh/known_hosts is a link'; exit 1; fi
[ -e .ssh/known_hosts ] || : > .ssh/known_hosts
new=.ssh/known_hosts.d3-$$
sed '/^${BEGIN}$/,/^${END}$/d' .ssh/known_hosts > $new
if [ -s $new ] && [ "$(tail -c 1 $new | wc -l)" -eq 0 ]; then echo >> $new; fi
cat >> $new
mv $new .ssh/known_hosts`;

export function hostKeysText({ keys, distributed }: HostKeys): string {
  const lines = keys.map(({ target, key, fingerprint, is, accepted }) => {
    if (key === null) return `${target}  did not answer`;
    const what = accepted
      ? 'accepted'
      : is === 'changed'
        ? 'CHANGED: it was installed anew, or somebody stands in between'
        : is;
    return `${target}  ${key.split(' ')[0]}  ${fingerprint}  ${what}`;
  });
  const open = keys.some(({ is, accepted }) => !accepted && (is === 'new' || is === 'changed'));
  return [
    ...lines,
    ...(open
      ? [
          'Compare with what the console of each says (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then add --accept.',
        ]
      : []),
    ...(distributed === null ? [] : [`The proxy's account knows ${distributed} hosts.`]),
  ].join('\n');
}
