import { setImmediate } from 'node:timers/promises';
import type { KnownToken, TokenStore } from '../store/contract.ts';

/** Contacts in one transaction: whoever asks meanwhile waits for it, and no longer. */
const AT_ONCE = 5000;

/** Who was heard of since it was written down last: one write a minute, however many ask. */
export class Contacts {
  readonly #tokens: Pick<TokenStore, 'contacted'>;
  readonly #now: () => Date;
  #heard = new Map<number, { computer: string | null; at: string }>();

  constructor(tokens: Pick<TokenStore, 'contacted'>, now: () => Date) {
    this.#tokens = tokens;
    this.#now = now;
  }

  heard({ id, role, computer }: KnownToken): void {
    this.#heard.set(id, { computer: role === 'machine' ? computer : null, at: this.#now().toISOString() });
  }

  /** What could not be written is written the next time. */
  async writeDown(): Promise<void> {
    if (this.#heard.size === 0) return;
    const heard = [...this.#heard];
    this.#heard = new Map();
    for (let from = 0; from < heard.length; from += AT_ONCE) {
      const some = heard.slice(from, from + AT_ONCE);
      try {
        await this.#tokens.contacted(some.map(([token, contact]) => ({ token, ...contact })));
      } catch (error) {
        this.#heard = new Map([...heard.slice(from), ...this.#heard]);
        throw error;
      }
      // SQLite works where answers are given: those who wait get theirs in between.
      await setImmediate();
    }
  }
}
