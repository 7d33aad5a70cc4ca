import { D3Error, type Reporter, type StatePort } from '@d3/sdk';
import type { Edition } from '../catalog/types.ts';
import { type Depot, openDepot } from '../depot/index.ts';
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
}

export interface AdminSessionOptions extends Omit<AdminSession, 'depot'> {
  /** Absolute path of the depot's folder. */
  dir: string;
}

/** Opens a depot for one piece of work: reports that machines left are taken in first, and it is closed whatever happens. */
export async function withDepot<Result>(
  { dir, ...rest }: AdminSessionOptions,
  work: (session: AdminSession) => Promise<Result>,
): Promise<Result> {
  return withOpened(await openDepot(dir, { clock: rest.clock }), rest, work);
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
    return await work({ depot, ...rest });
  } finally {
    await depot.close();
  }
}

/** Shows machines what was changed. @throws D3Error failed (1): the change is in, and the next admin command shows it */
export async function publish({ depot }: AdminSession): Promise<void> {
  try {
    await depot.publish();
  } catch (error) {
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
  const { id, basename, version, revision, edition: name } = edition;
  await session.plugins.editionChanged(
    event,
    { id, basename, version, revision, edition: name, by: session.admin, ...more },
    roomOf(session),
  );
}

/** What plugins may reach on a depot: its blobs. There is no machine, and nothing of theirs is kept here. */
export function roomOf({ depot, signal, report }: AdminSession): PluginRoom {
  return {
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
