import type { Clock } from './clock.ts';

/** What Jamf asks of those who call: no more connections at once. */
const MOST = 5;
/** How much of each new measurement goes into the average. */
const WEIGHT = 0.2;
const LONGEST_PAUSE = 5000;
/** Milliseconds below which an answer is never slow, whatever the average. */
const QUICK = 200;

/** Lets at most five calls through at once, and lets the next wait when the server answers slower than it did. */
export class Gate {
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #open = MOST;
  #average: number | null = null;
  #pause = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param measured whether the time says how busy the server is; that of an upload says how long the file is */
  async through<T>(call: () => Promise<T>, measured: boolean): Promise<T> {
    if (this.#open === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#open -= 1;
    try {
      if (this.#pause > 0) await this.#clock.wait(this.#pause);
      const began = this.#clock.now();
      const answer = await call();
      if (measured) this.#measure(this.#clock.now() - began);
      return answer;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open += 1;
      else next();
    }
  }

  #measure(took: number): void {
    const average = this.#average ?? took;
    this.#pause = took > QUICK && took > 2 * average ? Math.min(took, LONGEST_PAUSE) : 0;
    this.#average = average + WEIGHT * (took - average);
  }
}
