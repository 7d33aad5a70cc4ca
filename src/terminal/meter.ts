import { ticks } from '../platform/clock.ts';

const MEGABYTE = 1_000_000;

/** How far something measured has come: `12.3 of 40.0 MB, 5.1 MB/s, 6 s left`. */
export class Meter {
  readonly #now: () => number;
  readonly #begun: number;
  readonly #first: number;
  #told: number;

  /** @param done where it begins: what was there before says nothing of the rate */
  constructor(done: number, now: () => number = ticks) {
    this.#now = now;
    this.#first = done;
    this.#begun = now();
    this.#told = this.#begun;
  }

  /** Whether enough time has gone by for the next word. @param interval milliseconds */
  isDue(interval: number): boolean {
    const now = this.#now();
    if (now - this.#told < interval) return false;
    this.#told = now;
    return true;
  }

  text(done: number, total: number | null, unit: 'bytes' | 'items' | 'percent'): string {
    // What says its own share in percent says nothing of how fast it goes.
    if (unit === 'percent') return `${done} %`;
    const seconds = (this.#now() - this.#begun) / 1000;
    const rate = seconds > 0.5 ? (done - this.#first) / seconds : 0;
    const [name, scale] = unit === 'bytes' ? ['MB', MEGABYTE] : ['items', 1];
    const amount = (value: number) => (value / scale).toFixed(unit === 'bytes' ? 1 : 0);
    const parts = [total === null ? `${amount(done)} ${name}` : `${amount(done)} of ${amount(total)} ${name}`];
    if (rate > 0) parts.push(`${amount(rate)} ${name}/s`);
    if (rate > 0 && total !== null && total > done) parts.push(`${duration((total - done) / rate)} left`);
    return parts.join(', ');
  }
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
