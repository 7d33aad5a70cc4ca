import { D3Error, type Json, type PluginContext } from '@d3/sdk';
import type { ExpirationFacts } from './facts.ts';

/** What expiration keeps on the machine from one sync to the next, each value under a key of its own. */
export interface Memory {
  /** The latest time a sync has seen, ISO 8601. */
  clock: string;
  /** Since when all use is on record (ISO 8601), and since when each user's file has been kept, as last seen. */
  coverage: { since: string; users: Record<string, string> };
  /** By basename: until when it is kept, ISO 8601; null: until that is taken back. */
  kept: Record<string, string | null>;
  noticed: Record<string, ExpirationFacts['noticed'][string]>;
  /** Editions whose removal has begun and of which the policy is still to be told. */
  removing: string[];
}

type State = Pick<PluginContext, 'state'>['state'];

/** What is kept under a key; null when there is nothing, or something of another form. */
export function recall<Key extends keyof Memory>(key: Key, state: Pick<State, 'get'>): Memory[Key] | null {
  const value = state.get(key)?.value ?? null;
  return value !== null && FORMS[key](value) ? (value as unknown as Memory[Key]) : null;
}

/** Replaces what is kept, if it has changed. */
export function remember<Key extends keyof Memory>(key: Key, value: Memory[Key], state: State): void {
  const before = state.get(key);
  if (before !== null && JSON.stringify(before.value) === JSON.stringify(value)) return;
  state.set(key, value, before?.version ?? 0);
}

/** The same where it may be a rehearsal, which changes nothing: then nothing is kept. */
export function rememberIfPossible<Key extends keyof Memory>(key: Key, value: Memory[Key], state: State): void {
  try {
    remember(key, value, state);
  } catch (error) {
    if (!(error instanceof D3Error) || error.code !== 'STATE_CONFLICT') throw error;
  }
}

const FORMS: Record<keyof Memory, (value: Json) => boolean> = {
  clock: isTime,
  coverage: (value) => isObject(value) && isTime(value['since']) && ofAll(value['users'], isTime),
  kept: (value) => ofAll(value, (until) => until === null || isTime(until)),
  noticed: (value) =>
    ofAll(value, (notice) => isObject(notice) && typeof notice['edition'] === 'string' && isTime(notice['at'])),
  removing: (value) => Array.isArray(value) && value.every((edition) => typeof edition === 'string'),
};

function isTime(value: Json | undefined): boolean {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ofAll(value: Json | undefined, isGood: (part: Json) => boolean): boolean {
  return isObject(value) && Object.values(value).every(isGood);
}
