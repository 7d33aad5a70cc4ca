import type { ProgressEvent } from '@d3/sdk';
import { Meter } from './meter.ts';
import { escapeText } from './text.ts';

const UPDATE_MS = 100;

type Ending = Extract<ProgressEvent, { type: 'end' }>;

interface Item {
  title: string;
  meter: Meter | null;
  /** Shows under the title how far it has come. */
  show: (text: string) => void;
  end: (ending: Ending | null) => void;
  ended: Promise<Ending | null>;
}

/** What is being done, as a tree that moves on a terminal. Loaded when something begins. */
export class LiveProgress {
  readonly #stream: NodeJS.WriteStream;
  #item: Item | null = null;
  #target = '';
  #drawn: Promise<void> = Promise.resolve();

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  begin(target: string, text: string): void {
    this.#end(null);
    let end: Item['end'] = () => undefined;
    const ended = new Promise<Ending | null>((resolve) => {
      end = resolve;
    });
    const item: Item = { title: escapeText(`${target}: ${text}`), meter: null, show: () => undefined, end, ended };
    this.#item = item;
    this.#target = target;
    this.#drawn = this.#drawn.then(() => this.#draw(item)).catch(() => undefined);
  }

  advance({ target, done, total, unit }: Extract<ProgressEvent, { type: 'advance' }>): void {
    const item = this.#item;
    if (item === null || target !== this.#target) return;
    item.meter ??= new Meter(done);
    if (item.meter.isDue(UPDATE_MS)) item.show(item.meter.text(done, total, unit));
  }

  end(ending: Ending): void {
    if (ending.target === this.#target) this.#end(ending);
  }

  /** Waits until the last of it is drawn: then other lines may be written. */
  async settle(): Promise<void> {
    this.#end(null);
    await this.#drawn;
  }

  #end(ending: Ending | null): void {
    this.#item?.end(ending);
    this.#item = null;
  }

  async #draw(item: Item): Promise<void> {
    const { drawTasks } = await import('./listr.ts');
    const task = {
      title: item.title,
      task: async (_context: unknown, wrapper: { output: string; skip(): void }) => {
        item.show = (text) => {
          wrapper.output = text;
        };
        const ending = await item.ended;
        if (ending?.outcome === 'failed') throw new Error(escapeText(ending.text));
        if (ending?.outcome === 'skipped') wrapper.skip();
      },
    };
    await drawTasks(this.#stream, [task]);
  }
}
