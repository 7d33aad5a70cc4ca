import { escapeLine } from './text.ts';

/** How one branch of a tree ended; `open`: it did not, and nobody waits for it any more. */
export type BranchEnd = 'done' | 'failed' | 'skipped' | 'open';

/** Several things that happen one after the other, drawn as a tree that moves until the last of them has ended. */
export class LiveTree {
  readonly #ends: ((end: BranchEnd) => void)[] = [];
  readonly #shows: ((text: string) => void)[] = [];
  readonly #drawn: Promise<void>;

  constructor(stream: NodeJS.WriteStream, titles: readonly string[]) {
    const tasks = titles.map((title, index) => {
      const ended = new Promise<BranchEnd>((resolve) => {
        this.#ends[index] = resolve;
      });
      let before = '';
      this.#shows[index] = (text) => {
        before = text;
      };
      return {
        title: escapeLine(title),
        task: async (_context: unknown, wrapper: { title: string; output: string; skip(message?: string): void }) => {
          this.#shows[index] = (text) => {
            wrapper.output = escapeLine(text);
          };
          if (before !== '') wrapper.output = escapeLine(before);
          const end = await ended;
          if (end === 'failed') throw new Error(escapeLine(title));
          if (end !== 'done') wrapper.skip();
        },
      };
    });
    this.#drawn = import('./listr.ts').then(({ drawTasks }) => drawTasks(stream, tasks));
  }

  /** What is said of one of them, by its place. */
  show(index: number, text: string): void {
    this.#shows[index]?.(text);
  }

  end(index: number, end: BranchEnd): void {
    this.#ends[index]?.(end);
  }

  /** Waits until it stands still; what has not ended stays open. */
  async settle(): Promise<void> {
    for (const end of this.#ends) end('open');
    await this.#drawn;
  }
}
