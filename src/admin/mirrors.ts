import { D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';
import type { MirrorBody } from '../depot/contract.ts';
import { depotUrl, networkProblem, type StoredDocument } from '../depot/index.ts';
import { type AdminSession, publish } from './session.ts';

/** Another place that has the depot's package files. */
export interface Mirror {
  /** Null: it was not added, only looked at. */
  id: number | null;
  url: string;
  /** CIDR ranges whose machines use it; empty: all. */
  networks: string[];
  priority: number;
}

/** Tells machines of a mirror; one that is known already gets the new ranges and priority. */
export async function addMirror(
  url: string,
  networks: readonly string[],
  priority: number,
  session: AdminSession,
  { dryRun }: { dryRun: boolean } = { dryRun: false },
): Promise<Mirror> {
  const problems = networks.map(networkProblem).filter((problem) => problem !== null);
  if (problems.length > 0) {
    const errors = problems.map((text) => new D3Error('NETWORK', 'usage', `${text}.`, { target: '--network' }));
    throw new D3Errors(errors, EXIT_CODES.usage.code);
  }
  const place = placeOf(url);
  const body: MirrorBody = { schema: 'd3/mirror@1', url: place, networks: [...networks], priority };
  const documents = session.depot.store.documents('mirror');
  const there = await documents.byName(place);
  if (dryRun) return { id: there?.id ?? null, url: place, networks: [...networks], priority };
  const stored =
    there === null
      ? await documents.create(place, body, session.admin)
      : await documents.update(there.id, there.generation, { body }, session.admin);
  await publish(session);
  return shown(stored);
}

export async function listMirrors({ depot }: AdminSession): Promise<Mirror[]> {
  const all = await depot.store.documents('mirror').list();
  return all.map(shown).toSorted((a, b) => a.priority - b.priority || (a.id ?? 0) - (b.id ?? 0));
}

/** @throws D3Error notFound (34) */
export async function deleteMirror(
  url: string,
  session: AdminSession,
  { dryRun }: { dryRun: boolean } = { dryRun: false },
): Promise<Mirror> {
  const documents = session.depot.store.documents('mirror');
  const there = (await documents.byName(url)) ?? (await documents.byName(url.replace(/\/+$/, '')));
  if (there === null) {
    throw new D3Error('MIRROR_NOT_FOUND', 'notFound', `There is no mirror ${url}.`, {
      target: url,
      actions: ['see which there are: d3 depot mirror list'],
    });
  }
  if (dryRun) return shown(there);
  await documents.remove(there.id, there.generation, session.admin);
  await publish(session);
  return shown(there);
}

function placeOf(said: string): string {
  const url = depotUrl(said);
  if (url !== null) return url.href.replace(/\/+$/, '');
  if (said.startsWith('/')) return said;
  throw new D3Error('MIRROR_PLACE', 'usage', 'A mirror is an http(s) address, or an absolute path of a folder.', {
    target: said,
  });
}

function shown({ id, body }: StoredDocument<MirrorBody>): Mirror {
  const { url, networks, priority } = body;
  return { id, url, networks, priority };
}
