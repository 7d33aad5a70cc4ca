import { D3Error } from '@d3/sdk';
import { isOver, type KeptLine, LINES_KEPT, type LogLine, type Run, type RunStore } from '../../src/runs/types.ts';

/** Runs in memory, as text, so that nobody holds on to an object of another. */
export class MemoryRuns implements RunStore {
  readonly #runs = new Map<string, string>();
  #lines: (KeptLine & { run: string })[] = [];
  #line = 0;

  async create(run: Run): Promise<void> {
    if (this.#runs.has(run.id)) throw new D3Error('RUN_EXISTS', 'refused', `There is a run ${run.id} already.`);
    this.#runs.set(run.id, JSON.stringify(run));
  }

  async get(id: string): Promise<Run | null> {
    const text = this.#runs.get(id);
    return text === undefined ? null : JSON.parse(text);
  }

  async list({ open }: { open: boolean } = { open: false }): Promise<Run[]> {
    const runs = [...this.#runs.values()].map((text) => JSON.parse(text) as Run);
    return runs
      .filter((run) => !open || !isOver(run))
      .toSorted((a, b) => (`${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? 1 : -1));
  }

  async save(run: Run, generation: number): Promise<boolean> {
    const text = this.#runs.get(run.id);
    if (text === undefined || (JSON.parse(text) as Run).generation !== generation) return false;
    this.#runs.set(run.id, JSON.stringify(run));
    return true;
  }

  async append(id: string, lines: readonly LogLine[]): Promise<void> {
    for (const line of lines) this.#lines.push({ id: ++this.#line, run: id, ...line });
    const own = this.#lines.filter(({ run }) => run === id);
    const dropped = new Set(own.slice(0, Math.max(0, own.length - LINES_KEPT)));
    if (dropped.size > 0) this.#lines = this.#lines.filter((line) => !dropped.has(line));
  }

  async lines(id: string, after = 0): Promise<KeptLine[]> {
    const own = this.#lines.filter((line) => line.run === id && line.id > after);
    return own.map(({ id: number, at, step, text }) => ({ id: number, at, step, text }));
  }
}
