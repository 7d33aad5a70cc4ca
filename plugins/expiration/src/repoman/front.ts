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

/** Lookups that wait at most: whoever switches faster than they are answered is not followed step by step. */
const MOST_WAITING = 20;

/** Does what has to be looked up one after another, so that apps are told in the order they came to the front. */
export class InOrder {
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;

  add(work: () => Promise<void>): void {
    if (this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    this.#last = this.#last.then(work, work).finally(() => {
      this.#waiting -= 1;
    });
    this.#last.catch(() => undefined);
  }

  /** Resolves when all is done. */
  async settled(): Promise<void> {
    await this.#last.catch(() => undefined);
  }
}
