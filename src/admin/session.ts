import { type AdminPort, D3Error, type EditionPayload, type Reporter, type StatePort } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import { type DatabaseGiven, type Depot, endsSoon, type LocalDepot, openDepot } from '../depot/index.ts';
import type { EditionEvent, PluginRoom, Plugins } from '../lifecycle/plugins.ts';
import type { Clock } from '../platform/clock.ts';

/** What every admin service works with. */
export interface AdminSession {
  depot: Depot;
  plugins: Plugins;
  /** The person who does this. */
  admin: string;
  clock: Clock;
  report: Reporter;
  signal: AbortSignal;
  /** What plugins reach of the depot; without it they reach nothing but its blobs. */
  portOf?: (session: AdminSession) => AdminPort;
}

export interface AdminSessionOptions extends Omit<AdminSession, 'depot'> {
  /** Absolute path of the depot's folder. */
  dir: string;
  /** What the environment and the configuration say of its database. */
  database?: DatabaseGiven | null;
  /** Folders with signing keys of the person who does this. */
  keys?: readonly string[];
  /** Only looks: that machines cannot be shown something is no more than a warning. */
  readOnly?: boolean;
}

/** Opens a depot for one piece of work: reports that machines left are taken in first, and it is closed whatever happens. */
export async function withDepot<Result>(
  { dir, database = null, keys = [], readOnly = false, ...rest }: AdminSessionOptions,
  work: (session: AdminSession) => Promise<Result>,
): Promise<Result> {
  const unpublished = ({ message, target }: D3Error) =>
    rest.report({ type: 'warning', target, text: `machines are not shown the newest state: ${message}` });
  const options = { clock: rest.clock, database, keys, ...(readOnly ? { unpublished } : {}) };
  return withOpened(await openDepot(dir, options), rest, work);
}

/** The same with a depot that is open already, here or over the network. */
export async function withOpened<Result>(
  depot: Depot,
  rest: Omit<AdminSession, 'depot'>,
  work: (session: AdminSession) => Promise<Result>,
): Promise<Result> {
  try {
    const { rejected } = await depot.takeInbox();
    for (const { file, why } of rejected) {
      rest.report({ type: 'warning', target: file, text: `this report was put aside: ${why}` });
    }
    for (const text of await endings(depot, rest.clock.now())) rest.report({ type: 'warning', target: null, text });
    return await work({ depot, ...rest });
  } finally {
    await depot.close();
  }
}

/** What of a depot ends soon, in sentences: what its host cannot renew by itself, and copies that were not renewed. */
async function endings({ local, store }: Depot, now: Date): Promise<string[]> {
  const last = await store.publication.last();
  const endings: string[] = [];
  for (const [role, expires] of Object.entries(last?.expiries ?? {})) {
    const isHosts = role === 'snapshot' || role === 'timestamp';
    // Who administers over the network may have the keys of the others; these are renewed by the server.
    if (isHosts && local === null) continue;
    const left = endsSoon(expires, isHosts ? last?.days : undefined, now);
    const mend = isHosts ? 'd3 depot publish --renew' : 'whoever has its key signs it anew: d3 depot keys sign';
    if (left !== null) endings.push(`the ${role} metadata of the depot expires in ${left}, at ${expires}: ${mend}`);
  }
  for (const { to, expires } of (await local?.copies()) ?? []) {
    const left = endsSoon(expires, undefined, now);
    if (left !== null) endings.push(`the copy ${to} expires in ${left}, at ${expires}: d3 depot publish --renew`);
  }
  return endings;
}

/**
 * The depot in its folder, for what is done on its own host alone.
 * @throws D3Error refused `ON_ITS_HOST`
 */
export function localDepot({ depot }: AdminSession): LocalDepot {
  if (depot.local !== null) return depot.local;
  throw new D3Error('ON_ITS_HOST', 'refused', 'That is done in the folder of a depot, on its own host.', {
    target: depot.location,
    actions: ['name the folder of the depot there: --depot DIR'],
  });
}

/**
 * What cannot be published is not to be changed either; and nobody signs on the quiet what somebody else changed.
 * @throws D3Error refused `UNSIGNED_CHANGES`
 */
export async function readyToChange({ depot }: AdminSession): Promise<void> {
  await depot.publish();
  if (!(await depot.signing.waitsForMine())) return;
  throw new D3Error(
    'UNSIGNED_CHANGES',
    'refused',
    'The depot has changes you have not signed: your next one would sign them too.',
    { target: depot.location, actions: ['look at them, and sign them: d3 depot keys sign'] },
  );
}

/** Shows machines what was changed, or says what it waits for. @throws D3Error failed (1): the change is in, and the next admin command shows it */
export async function publish({ depot, report }: AdminSession): Promise<void> {
  try {
    await depot.publish({ mine: true });
    const waiting = await depot.signing.waiting();
    if (waiting.length === 0) return;
    const { waitingWords } = await import('./waiting.ts');
    for (const draft of waiting) report({ type: 'warning', target: null, text: waitingWords(draft) });
  } catch (error) {
    // Somebody may be at work on the depot: that is no mishap on the way.
    if (error instanceof D3Error && error.exit === 'verificationFailed') throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new D3Error('NOT_PUBLISHED', 'failed', `The change was taken in, but machines are not shown it yet: ${why}`, {
      target: depot.location,
      actions: [...(error instanceof D3Error ? error.actions : []), 'mend that; the next d3admin command publishes it'],
      cause: error,
    });
  }
}

/** Tells plugins what became of an edition; what they make of it changes nothing here. */
export async function announce(
  event: EditionEvent,
  edition: Edition,
  session: AdminSession,
  more: { keepInJss?: boolean } = {},
): Promise<void> {
  await session.plugins.editionChanged(event, payloadOf(edition, session, more), roomOf(session));
}

/**
 * Asks plugins whether an edition may be deleted: whoever mirrors it may know of something that needs it.
 * @throws D3Error refused `DELETE_REFUSED`
 */
export async function mayDelete(edition: Edition, keepInJss: boolean, session: AdminSession): Promise<void> {
  const verdict = await session.plugins.beforeDelete(payloadOf(edition, session, { keepInJss }), roomOf(session));
  if (verdict.kind !== 'refuse') return;
  throw new D3Error('DELETE_REFUSED', verdict.exit, `${edition.edition} is not deleted: ${verdict.reason}.`, {
    target: edition.edition,
    actions: keepInJss ? [] : ['to leave its package in Jamf: --keep-in-jss'],
  });
}

function payloadOf(edition: Edition, { admin }: AdminSession, more: { keepInJss?: boolean }): EditionPayload {
  const { id, basename, version, revision, edition: name } = edition;
  return { id, basename, version, revision, edition: name, by: admin, ...more };
}

/** What plugins may reach on a depot: its blobs. There is no machine, and nothing of theirs is kept here. */
export function roomOf(session: AdminSession): PluginRoom {
  const { depot, signal, report } = session;
  return {
    ...(session.portOf === undefined ? {} : { admin: session.portOf(session) }),
    machine: { root: '', name: '', user: null },
    blob: (sha256) => depot.blobs.read(sha256),
    stateOf: () => NO_STATE,
    signal,
    report,
  };
}

const NO_STATE: StatePort = {
  get: () => null,
  set() {
    throw new D3Error('NO_PLUGIN_STATE', 'refused', 'Plugins have a store of their own on machines only.');
  },
};
