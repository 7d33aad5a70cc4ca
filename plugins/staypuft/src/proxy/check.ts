import { D3Error } from '@d3/sdk';
import { checkKey } from '../ssh/keys.ts';
import type { SshRemote } from '../ssh/remote.ts';
import { type HostDocument, type ProxyDocument, targetOf } from './store.ts';

/** One thing that was looked at. */
type Look = {
  /** Name of the proxy, or of a host. */
  target: string;
  what: 'key' | 'host key' | 'reach' | 'root' | 'puppet';
  ok: boolean;
  text: string;
  /** What to do; null: nothing. */
  next: string | null;
};

export type Looks = {
  proxy: string;
  looks: Look[];
};

const WHO = `id -u
PATH=$PATH:/opt/puppetlabs/bin:/usr/local/bin
command -v puppet || echo none`;

/** Whether a proxy lets d3 in, and the hosts behind it are as work needs them. Nothing is changed but for host keys first met. */
export async function testProxy(
  proxy: ProxyDocument,
  hosts: readonly HostDocument[],
  remote: SshRemote,
  signal: AbortSignal,
): Promise<{ looks: Looks; errors: D3Error[] }> {
  const { name, body } = proxy;
  const looks: Look[] = [];
  const errors: D3Error[] = [];
  const tried = async (what: Look['what'], target: string, work: () => Promise<string> | string): Promise<boolean> => {
    try {
      looks.push({ target, what, ok: true, text: await work(), next: null });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof D3Error)) throw error;
      errors.push(error);
      looks.push({ target, what, ok: false, text: error.message, next: error.actions[0] ?? null });
      return false;
    }
  };
  const key = await tried('key', name, () => {
    if (body.key !== null) checkKey(body.key);
    return body.key ?? 'an agent of the controller has it';
  });
  const mode = body.hostKeyMode;
  looks.push({
    target: name,
    what: 'host key',
    ok: mode !== 'off',
    text: mode === 'off' ? 'host keys are not checked at all' : `host keys are checked (${mode})`,
    next: mode === 'off' ? `d3 proxy add ${name} --host-keys accept-new` : null,
  });
  const isReached =
    key &&
    (body.address === null ||
      (await tried('reach', name, async () => {
        await remote.reach(name, body, signal);
        return `${body.user}@${body.address} lets d3 in`;
      })));
  if (!isReached) return { looks: { proxy: name, looks }, errors };
  await Promise.all(
    hosts.map(async (host) => {
      let said: string[] = [];
      const reached = await tried('reach', host.name, async () => {
        const { output } = await remote.look(targetOf(host, proxy), WHO, { signal });
        said = output.trim().split('\n');
        return `${host.body.user}@${host.body.address} lets d3 in`;
      });
      if (!reached) return;
      const [uid, puppet = 'none'] = said;
      await tried('root', host.name, () => {
        if (uid === '0') return host.body.user === 'root' ? 'works as root' : 'works as root by sudo';
        throw new D3Error(
          'HOST_NOT_ROOT',
          'refused',
          `${host.body.user} is not root on ${host.name}, and may not become it.`,
          {
            target: host.name,
            actions: [`allow it there: echo '${host.body.user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/d3`],
          },
        );
      });
      // Not every host is to have one: it is said, and no failure.
      const has = puppet !== 'none';
      looks.push({
        target: host.name,
        what: 'puppet',
        ok: has,
        text: has ? puppet : 'there is no Puppet agent',
        next: has ? null : 'install one where roles have puppet steps',
      });
    }),
  );
  const order = [name, ...hosts.map((host) => host.name)];
  looks.sort((one, other) => order.indexOf(one.target) - order.indexOf(other.target));
  return { looks: { proxy: name, looks }, errors };
}

export function looksText({ looks }: Looks): string {
  return looks
    .map(
      ({ target, what, ok, text, next }) =>
        `${ok ? 'ok  ' : 'FAIL'}  ${target}  ${what}: ${text}${next === null ? '' : `\n      → ${next}`}`,
    )
    .join('\n');
}
