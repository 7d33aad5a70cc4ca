import { createHash } from 'node:crypto';

/** What stands before the first event. */
export const CHAIN_BEGIN = '0'.repeat(64);

/** An event as it is stored: its texts are hashed as they are, so that no reading of them can differ. */
export interface ChainedEvent {
  id: number;
  at: string;
  by: string;
  what: string;
  target_kind: string;
  target_id: number;
  target_name: string;
  /** JSON. */
  before: string | null;
  after: string | null;
  /** Hash of the event before. */
  prev: string;
  hash: string;
}

/** Hash of an event: SHA-256 of the JSON list of the hash before it and of all it says, in a fixed order. */
export function eventHash(prev: string, event: Omit<ChainedEvent, 'prev' | 'hash'>): string {
  const { id, at, by, what, target_kind, target_id, target_name, before, after } = event;
  const said = [prev, id, at, by, what, target_kind, target_id, target_name, before, after];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/** The newest event when something was signed. */
export interface Anchor {
  /** Its id; 0: there was none yet. */
  id: number;
  hash: string;
}

/** One thing that is wrong with the history. */
export interface ChainProblem {
  /** Id of the event it shows at; null where that is not there. */
  event: number | null;
  what: 'altered' | 'removed' | 'inserted' | 'cut';
  /** A sentence that names the event. */
  text: string;
}

export interface ChainVerdict {
  /** Events read. */
  events: number;
  newest: Anchor;
  problems: ChainProblem[];
}

/**
 * Reads a history from its first event to its last.
 * @param anchors newest events that signed metadata remembers
 * @param counted what the depot itself says its newest hash is, and how many events there were; null: not known
 */
export async function verifyChain(
  events: AsyncIterable<ChainedEvent> | Iterable<ChainedEvent>,
  anchors: readonly Anchor[],
  counted: { events: number; newest: string } | null,
): Promise<ChainVerdict> {
  const problems: ChainProblem[] = [];
  const byHash = new Set<string>();
  const awaited = new Map(anchors.map((anchor) => [anchor.id, anchor.hash]));
  let last: ChainedEvent | null = null;
  let count = 0;
  for await (const event of events) {
    count += 1;
    const expected: string = last?.hash ?? CHAIN_BEGIN;
    const isItself = eventHash(event.prev, event) === event.hash;
    if (!isItself) {
      problems.push({ event: event.id, what: 'altered', text: `event ${nameOf(event)} is not what was written` });
    }
    if (event.prev !== expected && (isItself || last === null)) problems.push(breakAt(event, last, byHash));
    const anchored = awaited.get(event.id);
    if (anchored !== undefined && anchored !== event.hash && isItself) {
      problems.push({
        event: event.id,
        what: 'altered',
        text: `event ${nameOf(event)} is not the one that signed metadata remembers: it, or one before it, was written anew`,
      });
    }
    awaited.delete(event.id);
    byHash.add(event.hash);
    last = event;
  }
  const newest = { id: last?.id ?? 0, hash: last?.hash ?? CHAIN_BEGIN };
  for (const [id] of awaited) {
    if (id === 0) continue;
    const text =
      id > newest.id
        ? `event ${id} is gone: signed metadata remembers it, and history ends ${last === null ? 'before its first event' : `at event ${nameOf(last)}`}`
        : `event ${id} is gone: signed metadata remembers it`;
    problems.push({ event: id, what: id > newest.id ? 'cut' : 'removed', text });
  }
  const isCut = problems.some(({ what }) => what === 'cut');
  if (counted !== null && !isCut && counted.newest !== newest.hash) {
    problems.push({
      event: null,
      what: 'cut',
      text: `the newest event is not the one the depot wrote last: history ends ${last === null ? 'before its first event' : `at event ${nameOf(last)}`}`,
    });
  }
  return { events: count, newest, problems };
}

/** Where an event does not follow the one that stands before it. */
function breakAt(event: ChainedEvent, last: ChainedEvent | null, known: ReadonlySet<string>): ChainProblem {
  if (event.prev === CHAIN_BEGIN || known.has(event.prev)) {
    return {
      event: last?.id ?? event.id,
      what: 'inserted',
      text: `event ${nameOf(last ?? event)} was put in: event ${event.id} follows an earlier one`,
    };
  }
  const gap = event.id - (last?.id ?? 0) - 1;
  const which =
    gap === 1
      ? `event ${event.id - 1} is`
      : gap > 1
        ? `events ${(last?.id ?? 0) + 1} to ${event.id - 1} are`
        : 'an event is';
  return {
    event: event.id,
    what: 'removed',
    text: `${which} gone: event ${nameOf(event)} follows one that is not there`,
  };
}

function nameOf({ id, at, by, what, target_name }: ChainedEvent): string {
  return `${id} (${at}, ${by}, ${what} ${target_name})`;
}
