import { D3Error } from '@d3/sdk';
import type { Target } from '../ssh-port.ts';
import type { Host, Proxy } from '../types.ts';
import type { Admin } from './store.ts';

/**
 * A host with the way to it.
 * @param name of its document, in any case
 * @throws D3Error notFound (34) where the host or its proxy is gone
 */
export async function targetNamed(admin: Pick<Admin, 'documents'>, name: string): Promise<Target> {
  const found = await admin.documents('host').byName(name);
  if (found === null) {
    throw new D3Error('HOST_NOT_FOUND', 'notFound', `Nothing is known of the host ${name} any more.`, {
      target: name,
      actions: ['look for it: d3admin computer discover'],
    });
  }
  const host = found.body as Host;
  if (host.proxy === null) return { name: found.name, host, proxy: null };
  const proxy = await admin.documents('proxy').byName(host.proxy);
  if (proxy !== null) return { name: found.name, host, proxy: { name: proxy.name, proxy: proxy.body as Proxy } };
  throw new D3Error('PROXY_NOT_FOUND', 'notFound', `${found.name} is reached by ${host.proxy}, which is gone.`, {
    target: found.name,
    actions: [`make it: d3 proxy add ${host.proxy}`, 'or say another way: d3admin computer discover --from FILE'],
  });
}
