/** How often somebody may ask: so many times at once, and then at a steady pace. */
export class Limiter {
  readonly #perMinute: number;
  readonly #now: () => number;
  readonly #spent = new Map<string, { level: number; at: number }>();

  /** @param now milliseconds that only grow */
  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute;
    this.#now = now;
  }

  /** @returns seconds to wait, 0 when it may go on */
  take(who: string): number {
    const now = this.#now();
    if (this.#spent.size >= MOST_KNOWN) this.#forget(now);
    const before = this.#spent.get(who);
    const level = before === undefined ? 0 : this.#levelAt(before, now);
    if (level + 1 > this.#perMinute)
      return Math.max(1, Math.ceil(((level - this.#perMinute + 1) * 60) / this.#perMinute));
    this.#spent.set(who, { level: level + 1, at: now });
    return 0;
  }

  #levelAt({ level, at }: { level: number; at: number }, now: number): number {
    return Math.max(0, level - ((now - at) * this.#perMinute) / MINUTE);
  }

  /** Those who have all of it again are as good as never seen; a flood of addresses loses the oldest. */
  #forget(now: number): void {
    for (const [who, known] of this.#spent) if (this.#levelAt(known, now) === 0) this.#spent.delete(who);
    for (const who of this.#spent.keys()) {
      if (this.#spent.size < MOST_KNOWN) break;
      this.#spent.delete(who);
    }
  }
}

const MINUTE = 60_000;
/** Whose asking is remembered at once. */
const MOST_KNOWN = 50_000;
