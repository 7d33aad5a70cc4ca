import { D3Error } from '@d3/sdk';
import type { NamedHost } from '../types.ts';
import { ensured, type Foreman } from './client.ts';
import { note, notesOf, without } from './notes.ts';
import { type Located, locate } from './records.ts';
import { type ForemanContext, hasForeman, siteOf, withForeman } from './site.ts';

/** A smart proxy as the list has it. */
export interface ProxyRecord {
  id: number;
  name: string;
  url: string;
  features: readonly string[];
}

export async function proxiesOf(foreman: Foreman): Promise<ProxyRecord[]> {
  const rows = await foreman.list<{ id: number; name: string; url?: string; features?: { name: string }[] }>('proxies');
  return rows.map(({ id, name, url = '', features = [] }) => ({
    id,
    name,
    url,
    features: features.map((one) => one.name),
  }));
}

/** The proxy with the certificate authority. @param named by its name; null: the only one there is */
export async function authorityOf(foreman: Foreman, named: string | null): Promise<ProxyRecord> {
  const found = (await proxiesOf(foreman)).filter(
    ({ name, features }) => features.includes('Puppet CA') && (named === null || name === named),
  );
  const [proxy] = found;
  if (proxy !== undefined && found.length === 1) return proxy;
  throw new D3Error(
    'FOREMAN_NO_AUTHORITY',
    proxy === undefined ? 'notFound' : 'usage',
    proxy === undefined
      ? `Foreman has no smart proxy ${named === null ? '' : `${named} `}with the feature Puppet CA`
      : `Foreman has several smart proxies with the feature Puppet CA: ${found.map(({ name }) => name).join(', ')}`,
    {
      target: named ?? 'smart proxy',
      actions: [
        proxy === undefined
          ? 'Switch the feature on at the proxy, and refresh it in Foreman.'
          : 'Say which with --proxy.',
      ],
    },
  );
}

/** Names whose certificates are signed without anybody being asked. */
export async function entriesOf(foreman: Foreman, proxy: number): Promise<string[]> {
  const answer = await foreman.call('autosign', { params: { id: proxy } });
  const results = Array.isArray(answer) ? answer : ((answer as { results?: unknown } | null)?.results ?? []);
  return (results as unknown[]).map((one) =>
    typeof one === 'string'
      ? one
      : String((one as { id?: string; name?: string }).id ?? (one as { name?: string }).name),
  );
}

/** @returns whether it was not there before */
export async function addEntry(foreman: Foreman, proxy: number, name: string): Promise<boolean> {
  return ensured(
    async () => entriesOf(foreman, proxy),
    (entries) => entries.includes(name),
    async () => foreman.call('addAutosign', { params: { id: proxy }, json: { id: name } }),
  );
}

/** @returns whether it was there */
export async function removeEntry(foreman: Foreman, proxy: number, name: string): Promise<boolean> {
  return ensured(
    async () => entriesOf(foreman, proxy),
    (entries) => !entries.includes(name),
    async () => foreman.find('removeAutosign', { params: { id: proxy, name } }),
  );
}

/** The proxy whose certificate authority signs for a host. */
async function signerOf(foreman: Foreman, record: Located | null): Promise<number> {
  const known = record?.kind === 'host' ? record.record.caProxyId : null;
  return known ?? (await authorityOf(foreman, null)).id;
}

/** What stands against letting the certificate of a host be signed while it is deployed; null: nothing. Reads only. */
export async function signingProblem(foreman: Foreman, name: string, located: Located): Promise<string | null> {
  try {
    await entriesOf(foreman, await signerOf(foreman, located));
    return null;
  } catch (error) {
    if (!(error instanceof D3Error) || error.exit === 'depotUnreachable') throw error;
    const [next] = error.actions;
    return `the certificate of ${name} cannot be signed by itself: ${error.message}${next === undefined ? '' : ` (${next})`}`;
  }
}

/** Lets the certificate of a host be signed; what somebody else let be signed before stays when d3 takes its own away. */
export async function allowSigning(foreman: Foreman, target: NamedHost, context: ForemanContext): Promise<string> {
  const located = target.host.foreman === null ? null : await locate(foreman, target);
  const name = (located?.record.name ?? target.name).toLowerCase();
  const proxy = await signerOf(foreman, located);
  if (notesOf(target.host).autosign === undefined && (await entriesOf(foreman, proxy)).includes(name))
    return `${name} is signed by itself already`;
  // Written down before, so that it is taken away again whatever happens now.
  await note(context, target.name, (notes) => ({ ...notes, autosign: { proxy, name } }));
  await addEntry(foreman, proxy, name);
  return `${name} is signed by itself until this is over`;
}

export async function endSigning(foreman: Foreman, target: NamedHost, context: ForemanContext): Promise<string> {
  const mine = notesOf(target.host).autosign;
  if (mine === undefined) return 'd3 let nothing be signed by itself for it';
  await removeEntry(foreman, mine.proxy, mine.name);
  await note(context, target.name, (notes) => without(notes, 'autosign'));
  return `${mine.name} is not signed by itself any more`;
}

/**
 * Takes away what d3 let into Foreman for the time of a run only: at its end, whatever it was. Nothing is asked of Foreman where there
 * is nothing to take away.
 * @returns what could not be taken away, host by host
 */
export async function foremanTidy(
  targets: readonly NamedHost[],
  context: ForemanContext,
): Promise<{ host: string; text: string }[]> {
  const left = targets.filter(({ host }) => notesOf(host).autosign !== undefined);
  if (left.length === 0 || !hasForeman(siteOf(await context.settings.all()))) return [];
  return withForeman(context, async (foreman) => {
    const problems: { host: string; text: string }[] = [];
    for (const target of left)
      await endSigning(foreman, target, context).catch((error: unknown) => {
        if (!(error instanceof D3Error)) throw error;
        const { name = target.name } = notesOf(target.host).autosign ?? {};
        const text = `${name} is still signed by itself (${error.message}): d3 foreman autosign remove ${name}`;
        problems.push({ host: target.name, text });
      });
    return problems;
  });
}
