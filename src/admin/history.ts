import { D3Error, type Json } from '@d3/sdk';
import {
  type Anchor,
  type ChainedEvent,
  type ChainVerdict,
  Fleet,
  type HistoryEvent,
  verifyChain,
} from '../depot/index.ts';
import type { AdminSession } from './session.ts';

export interface HistoryRequest {
  /** An edition, its id, a basename, or the name of anything else; each past or present. Null: everything. */
  target: string | null;
  who?: string | undefined;
  /** ISO 8601. */
  since?: string | undefined;
  /** The newest so many; null: all. */
  limit: number | null;
}

/** One property that changed; null is "was not there". */
interface PropertyChange {
  what: string;
  before: Json;
  after: Json;
}

/** What was kept of it was JSON. */
interface Stored extends HistoryEvent {
  /** What it was; null: it was not there. */
  before: Json;
  /** What it is since; null: it is gone. */
  after: Json;
}

export interface ShownEvent extends Stored {
  changes: PropertyChange[];
}

export interface History {
  /** Oldest first. */
  events: ShownEvent[];
  /** Whether there are older ones than the limit let through. */
  isCut: boolean;
}

/**
 * Who changed what, and when.
 * @throws D3Error notFound (34) when nothing was ever called so
 */
export async function showHistory(request: HistoryRequest, session: AdminSession): Promise<History> {
  const { depot } = session;
  const { target, who, since, limit } = request;
  const targets = target === null ? undefined : await targetsCalled(target, session);
  if (target !== null && targets?.length === 0) {
    throw new D3Error('HISTORY_NOT_FOUND', 'notFound', `History knows nothing that was ever called ${target}.`, {
      target,
      actions: ['see everything: d3admin history', `look for editions: d3admin search ${target}`],
    });
  }
  const events = await depot.store.history.list({
    ...(targets === undefined ? {} : { targets }),
    ...(who === undefined ? {} : { by: who }),
    ...(since === undefined ? {} : { since }),
    ...(limit === null ? {} : { limit: limit + 1 }),
  });
  const kept = limit === null ? events : events.slice(-limit);
  const nameOf = await editionNames(kept, session);
  return {
    events: kept.map((event) => ({ ...(event as Stored), changes: changesOf(event, nameOf) })),
    isCut: events.length > kept.length,
  };
}

/** Of a computer the depot's records have the id for a name: what people call it is looked up. */
async function targetsCalled(name: string, session: AdminSession) {
  const { history } = session.depot.store;
  const found = await history.targetsCalled(name);
  if (found.length > 0) return found;
  const computer = (await Fleet.of(session)).lookUp(name);
  return computer === null ? [] : history.targetsCalled(computer.id);
}

/** How editions are called now; what was deleted for good keeps its id alone. */
async function editionNames(events: readonly HistoryEvent[], { depot }: AdminSession): Promise<(id: string) => string> {
  if (!events.some(({ after }) => isObject(after) && isObject(after['statuses']))) return (id) => id;
  const known = [...(await depot.store.editions.list()), ...(await depot.store.editions.archived())];
  const names = new Map(known.map(({ id, edition }) => [String(id), edition]));
  return (id) => names.get(id) ?? id;
}

export interface VerifiedHistory extends ChainVerdict {
  /** How many newest events signed metadata remembers; 0: there is nothing to hold the end of history against. */
  anchors: number;
}

/**
 * Reads the whole history and finds what was altered, removed or put in. Its end is held against what signed metadata
 * remembers, and against a hash somebody noted.
 * @param noted `ID:HASH` as an earlier verification told it; null: none
 */
export async function verifyHistory(noted: string | null, { depot }: AdminSession): Promise<VerifiedHistory> {
  const said = noted === null ? [] : [anchorOf(noted)];
  // Over the network it is read as it is shown; what its host alone can look into is held against nothing here.
  if (depot.local === null) {
    const events = (await depot.store.history.list()).map(asStored);
    return { ...(await verifyChain(events, said, null)), anchors: said.length };
  }
  const { history } = depot.local.store;
  const anchors = [...(await depot.local.signing.anchors()), ...said];
  return { ...(await verifyChain(history.rows(), anchors, await history.chain())), anchors: anchors.length };
}

/** As {@link verifyHistory}, of what `d3admin history --json` wrote: the chain alone, without a depot. */
export async function verifyHistoryFile(text: string, noted: string | null, file: string): Promise<VerifiedHistory> {
  const anchors = noted === null ? [] : [anchorOf(noted)];
  return { ...(await verifyChain(eventsIn(text, file), anchors, null)), anchors: anchors.length };
}

function eventsIn(text: string, file: string): ChainedEvent[] {
  try {
    const { events } = JSON.parse(text).result as { events: HistoryEvent[] };
    return events.map(asStored);
  } catch (error) {
    throw new D3Error('HISTORY_FILE', 'usage', `${file} is no history: ${(error as Error).message}.`, {
      target: file,
      actions: ['write one: d3admin history --all --json > FILE'],
      cause: error,
    });
  }
}

function asStored({ id, at, by, what, target, before, after, prev, hash }: HistoryEvent): ChainedEvent {
  return {
    id,
    at,
    by,
    what,
    target_kind: target.kind,
    target_id: target.id,
    target_name: target.name,
    prev,
    hash,
    before: before === null ? null : JSON.stringify(before),
    after: after === null ? null : JSON.stringify(after),
  };
}

function anchorOf(noted: string): Anchor {
  const [, id, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(noted) ?? [];
  if (id !== undefined && hash !== undefined) return { id: Number(id), hash };
  throw new D3Error('ANCHOR', 'usage', `${JSON.stringify(noted)} is no event and its hash.`, {
    target: '--newest',
    actions: ['give ID:HASH as "d3admin history --verify" prints it'],
  });
}

/** What is wrong with a history, as one error. */
export function brokenHistory({ problems }: ChainVerdict): D3Error {
  const shown = problems.slice(0, MOST_PROBLEMS).map(({ text }) => text);
  const more = problems.length > shown.length ? [`and ${problems.length - shown.length} more`] : [];
  return new D3Error(
    'HISTORY_BROKEN',
    'verificationFailed',
    `The history was changed: ${[...shown, ...more].join('; ')}.`,
    {
      target: problems[0]?.event === null ? 'history' : `event ${problems[0]?.event}`,
      actions: ['compare the depot with its backup, and find out who could write to it'],
    },
  );
}

const MOST_PROBLEMS = 20;

/** What differs between before and after, property by property; nothing where one side is missing as a whole. */
function changesOf({ before, after }: HistoryEvent, nameOf: (id: string) => string): PropertyChange[] {
  if (!isObject(before) || !isObject(after)) return [];
  const [from, to] = [flattened(before, nameOf), flattened(after, nameOf)];
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((what) => {
    const change = { what, before: (from.get(what) ?? null) as Json, after: (to.get(what) ?? null) as Json };
    return JSON.stringify(change.before) === JSON.stringify(change.after) ? [] : [change];
  });
}

/** The body of a document and the statuses of siblings are looked into; the generation only counts. */
function flattened(side: Record<string, unknown>, nameOf: (id: string) => string): Map<string, unknown> {
  const { generation: _generation, body, statuses, ...own } = side;
  return new Map([
    ...Object.entries(own),
    ...(isObject(body) ? Object.entries(body) : []),
    ...(isObject(statuses)
      ? Object.entries(statuses).map(([id, status]) => [`status of ${nameOf(id)}`, status] as const)
      : []),
  ]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
