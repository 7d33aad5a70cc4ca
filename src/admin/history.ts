import { D3Error } from '@d3/sdk';
import type { HistoryEvent } from '../depot/index.ts';
import { Fleet } from '../depot/index.ts';
import type { AdminSession } from './session.ts';

export interface HistoryRequest {
  /** An edition, its id, a basename, or the name of anything else; each past or present. Null: everything. */
  target: string | null;
  who?: string | undefined;
  /** ISO 8601. */
  since?: string | undefined;
  /** The newest so many. */
  limit: number;
}

/** One property that changed; null is "was not there". */
interface PropertyChange {
  what: string;
  before: unknown;
  after: unknown;
}

export interface ShownEvent extends HistoryEvent {
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
    limit: limit + 1,
  });
  const kept = events.slice(-limit);
  const nameOf = await editionNames(kept, session);
  return {
    events: kept.map((event) => ({ ...event, changes: changesOf(event, nameOf) })),
    isCut: events.length > limit,
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

/** What differs between before and after, property by property; nothing where one side is missing as a whole. */
function changesOf({ before, after }: HistoryEvent, nameOf: (id: string) => string): PropertyChange[] {
  if (!isObject(before) || !isObject(after)) return [];
  const [from, to] = [flattened(before, nameOf), flattened(after, nameOf)];
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((what) => {
    const change = { what, before: from.get(what) ?? null, after: to.get(what) ?? null };
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
