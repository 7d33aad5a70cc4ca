import type { KnownToken, TokenStore } from '../store/contract.ts';

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
    const heard = this.#heard;
    this.#heard = new Map();
    try {
      await this.#tokens.contacted([...heard].map(([token, contact]) => ({ token, ...contact })));
    } catch (error) {
      this.#heard = new Map([...heard, ...this.#heard]);
      throw error;
    }
  }
}
