import type { StatePort } from '@d3/sdk';

/** What puppytime has to know the next time; a value each in the plugin's own store. */
export interface Memory {
  /** ISO 8601: when users were told last. */
  notified: string | null;
  /** How often the answer was "later", since the queue was empty last. */
  postponed: number;
  /** ISO 8601: when somebody at the machine was warned, since the queue was empty last. */
  warned: readonly string[];
  /** Editions that were installed and need a restart, with the boot they were installed in. */
  restart: { boot: string | null; editions: readonly string[] } | null;
}

const NOTHING: Memory = { notified: null, postponed: 0, warned: [], restart: null };

/** @returns what is not written down as nothing */
export function recall<Key extends keyof Memory>(state: StatePort, key: Key): Memory[Key] {
  return (state.get(key)?.value ?? NOTHING[key]) as Memory[Key];
}

/** Writes down before anything goes on: a power cut must not make anybody be asked or warned anew. */
export function keep<Key extends keyof Memory>(state: StatePort, key: Key, value: Memory[Key]): void {
  const { value: before, version } = state.get(key) ?? { value: NOTHING[key], version: 0 };
  if (JSON.stringify(before) !== JSON.stringify(value)) state.set(key, value, version);
}
