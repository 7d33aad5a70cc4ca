import { D3Error, type PluginContext } from '@d3/sdk';
import { changeDocument } from '../documents.ts';
import type { Host, NamedHost } from '../types.ts';

/** What d3 keeps with a host of its work in Foreman, under the fact `foreman`: any worker finds it again. */
export interface Notes {
  /** The installation that is under way. */
  provision?: Provisioning;
  /** The entry that d3 made, to be taken away again. */
  autosign?: { proxy: number; name: string };
}

/** A type, so that it is JSON. */
export type Provisioning = {
  /** Id of the run that began it. */
  run: string;
  /** `begun`: Foreman is being told. `sent`: the machine was told to restart. `there`: it was installed before. */
  stage: 'begun' | 'sent' | 'there';
  /** ISO 8601: since when it has been in this stage. */
  at: string;
  /** Seconds the discovery image was up; null: it does not say. */
  uptime: number | null;
  /** Looks in a row at which the image did not answer. */
  gone: number;
  /** When Foreman last saw it installed before; null: never. */
  installedAt: string | null;
  /** ISO 8601: since when its installation is waited for; null: it is not yet. */
  waits: string | null;
  /** Looks in a row at which Foreman did not answer. */
  misses: number;
};

const TRIES = 5;

export function notesOf({ facts }: Host): Notes {
  return (facts['foreman'] ?? {}) as Notes;
}

/** Notes but for one of them. */
export function without(notes: Notes, name: keyof Notes): Notes {
  const rest = { ...notes };
  delete rest[name];
  return rest;
}

/**
 * Changes a host's document, whoever else changes it at the same time.
 * @param change from what is there now; the very same back: nothing to do
 */
export async function changeHostDocument(
  { admin }: Pick<PluginContext, 'admin'>,
  name: string,
  change: (host: Host) => Host,
): Promise<NamedHost> {
  const found = await changeDocument(depotOf({ admin }).documents('host'), name, change, TRIES);
  if (found !== null) return { name: found.name, host: found.body };
  throw new D3Error('HOST_NOT_FOUND', 'notFound', `There is no host ${name}`, {
    target: name,
    actions: ['See which there are: d3admin computer discover'],
  });
}

export async function note(
  context: Pick<PluginContext, 'admin'>,
  name: string,
  change: (notes: Notes) => Notes,
): Promise<NamedHost> {
  return changeHostDocument(context, name, (host) => {
    const notes = change(notesOf(host));
    const { foreman: _, ...rest } = host.facts;
    return { ...host, facts: Object.keys(notes).length === 0 ? rest : { ...rest, foreman: { ...notes } } };
  });
}

export function depotOf({ admin }: Pick<PluginContext, 'admin'>): NonNullable<PluginContext['admin']> {
  if (admin !== null) return admin;
  throw new D3Error('NO_DEPOT', 'usage', 'Deployments need a depot, and there is none here', {
    target: 'depot',
    actions: ['Name it with --depot.'],
  });
}
