/** Says which app is in front whenever that changes. */
export interface FrontSource {
  /** As people call it. */
  name: string;
  /**
   * Tells of every change until the session ends (then it returns) or the signal comes.
   * @throws D3Error when it cannot be known here
   */
  watch(onFront: OnFront, signal: AbortSignal): Promise<void>;
}

/** @param paths absolute paths by which the app in front may be known, its executable's first; none: no app is in front */
export type OnFront = (paths: readonly string[]) => void;

/** Lookups that wait at most: of more, only the newest is done. */
const MOST_WAITING = 20;

/** Does what has to be looked up one after another, so that apps are told in the order they came to the front. */
export class InOrder {
  readonly #waiting: (() => Promise<void>)[] = [];
  #work: Promise<void> | null = null;

  add(work: () => Promise<void>): void {
    // Whoever switches faster than it can be looked up is not followed step by step, but to where they are.
    if (this.#waiting.length === MOST_WAITING) this.#waiting.pop();
    this.#waiting.push(work);
    this.#work ??= this.#drain();
  }

  /** Resolves when all is done. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #drain(): Promise<void> {
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) {
      // What cannot be looked up is not known; the next may be.
      await work().catch(() => undefined);
    }
    this.#work = null;
  }
}
