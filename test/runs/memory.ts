import { D3Error } from '@d3/sdk';
import { briefOf, listed, readyOf } from '../../src/runs/brief.ts';
import {
  type KeptLine,
  LINES_KEPT,
  type LogLine,
  type ReadyRuns,
  type Run,
  type RunBrief,
  type RunStore,
} from '../../src/runs/types.ts';

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

  #all(): Run[] {
    return [...this.#runs.values()].map((text) => JSON.parse(text) as Run);
  }

  async list(options: { open: boolean; alone?: boolean } = { open: false }): Promise<Run[]> {
    return listed(this.#all(), options).toSorted((a, b) =>
      `${a.createdAt} ${a.id}` < `${b.createdAt} ${b.id}` ? 1 : -1,
    );
  }

  async family(parent: string): Promise<RunBrief[]> {
    const own = this.#all().filter((run) => run.parent === parent);
    return own.map(briefOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async ready(wanted: ReadyRuns): Promise<string[]> {
    return readyOf(this.#all(), { ...wanted, at: wanted.at ?? new Date().toISOString() });
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
