import type { PublicationRecord } from '../store/contract.ts';

/** Milliseconds in which changes that follow each other become one publication. */
const GATHERED = 100;

/** Publishes after changes, one publication at a time; several changes in a row are one. */
export class Publisher {
  readonly #publish: () => Promise<PublicationRecord | null>;
  readonly #failed: (error: unknown) => void;
  #running: Promise<PublicationRecord | null> | null = null;
  #timer: NodeJS.Timeout | null = null;

  /** @param failed told of what went wrong where nobody waits for it; it is tried again with the next change */
  constructor(publish: () => Promise<PublicationRecord | null>, failed: (error: unknown) => void) {
    this.#publish = publish;
    this.#failed = failed;
  }

  /** Something changed that machines are to be shown. */
  soon(): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.now().catch(this.#failed);
    }, GATHERED);
  }

  /** Resolves when machines are shown everything that was changed before this call. */
  async now(): Promise<PublicationRecord | null> {
    // One that is under way may have read the store before the change.
    await this.#running?.catch(() => undefined);
    this.#running ??= this.#publish().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** What is due is done, and nothing more begun. */
  async stop(): Promise<void> {
    if (this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
      await this.now();
    } else await this.#running;
  }
}
