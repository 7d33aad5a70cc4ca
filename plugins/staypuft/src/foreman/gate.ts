/** Lets so many through at once. */
export class Gate {
  readonly #waiting: (() => void)[] = [];
  #open: number;

  constructor(atOnce: number) {
    this.#open = atOnce;
  }

  async through<T>(work: () => Promise<T>): Promise<T> {
    if (this.#open === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#open -= 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open += 1;
      else next();
    }
  }
}
