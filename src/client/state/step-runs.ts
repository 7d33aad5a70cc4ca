import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { systemClock } from '../../platform/clock.ts';
import type { MachinePaths } from '../../platform/paths.ts';
import { briefOf, listed, readyOf } from '../../runs/brief.ts';
import { readRun } from '../../runs/check.ts';
import { runExists } from '../../runs/saving.ts';
import {
  ENDED_KEPT,
  isOver,
  type KeptLine,
  LINES_KEPT,
  type LogLine,
  type ReadyRuns,
  type Run,
  type RunBrief,
  type RunStore,
} from '../../runs/types.ts';
import { openStateForChange, openStateForReading, stateError, transaction } from './database.ts';

/**
 * Runs in this machine's state, and which policies were done. A run of steps holds no run lock: its steps take that themselves,
 * other processes among them. So the state is opened for each change by itself, and every change is one transaction.
 */
export class StateRuns implements RunStore {
  readonly #paths: MachinePaths;

  constructor(paths: MachinePaths) {
    this.#paths = paths;
  }

  async create(run: Run): Promise<void> {
    this.#changing((database) => {
      if (rows(database, 'SELECT 1 FROM step_runs WHERE id = ?', run.id).length > 0) throw runExists(run.id);
      const { id, createdAt, generation } = run;
      database
        .prepare('INSERT INTO step_runs VALUES (?, ?, ?, ?, ?)')
        .run(id, createdAt, isOver(run) ? 1 : 0, generation, JSON.stringify(run));
      database
        .prepare(
          'DELETE FROM step_runs WHERE id IN (SELECT id FROM step_runs WHERE is_over = 1 ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?)',
        )
        .run(ENDED_KEPT);
      database.exec('DELETE FROM step_lines WHERE run NOT IN (SELECT id FROM step_runs)');
    });
  }

  async get(id: string): Promise<Run | null> {
    const [row] = this.#reading<{ body: string }>('SELECT body FROM step_runs WHERE id = ?', id);
    return row === undefined ? null : readRun(row.body, 'state.db');
  }

  async list({ open, alone = false }: { open: boolean; alone?: boolean } = { open: false }): Promise<Run[]> {
    const sql = `SELECT body FROM step_runs ${open ? 'WHERE is_over = 0' : ''} ORDER BY created_at DESC, id DESC`;
    const runs: Run[] = [];
    for (const { body } of this.#reading<{ body: string }>(sql)) runs.push(await readRun(body, 'state.db'));
    return listed(runs, { open, alone });
  }

  async family(parent: string): Promise<RunBrief[]> {
    const own = (await this.list()).filter((run) => run.parent === parent);
    return own.map(briefOf).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async ready(wanted: ReadyRuns): Promise<string[]> {
    return readyOf(await this.list({ open: true }), { ...wanted, at: wanted.at ?? systemClock.now().toISOString() });
  }

  async save(run: Run, generation: number): Promise<boolean> {
    return this.#changing((database) => {
      const { changes } = database
        .prepare('UPDATE step_runs SET is_over = ?, generation = ?, body = ? WHERE id = ? AND generation = ?')
        .run(isOver(run) ? 1 : 0, run.generation, JSON.stringify(run), run.id, generation);
      return changes > 0;
    });
  }

  async append(id: string, lines: readonly LogLine[]): Promise<void> {
    if (lines.length === 0) return;
    this.#changing((database) => {
      const insert = database.prepare('INSERT INTO step_lines (run, at, step, text) VALUES (?, ?, ?, ?)');
      for (const { at, step, text } of lines) insert.run(id, at, step, text);
      database
        .prepare(
          'DELETE FROM step_lines WHERE run = ? AND id <= (SELECT id FROM step_lines WHERE run = ? ORDER BY id DESC LIMIT 1 OFFSET ?)',
        )
        .run(id, id, LINES_KEPT);
    });
  }

  async lines(id: string, after = 0): Promise<KeptLine[]> {
    return this.#reading<KeptLine>(
      'SELECT id, at, step, text FROM step_lines WHERE run = ? AND id > ? ORDER BY id',
      id,
      after,
    ).map((line) => ({ ...line }));
  }

  /** When each policy was done last, by its id; ISO 8601. */
  policiesDone(): Map<number, string> {
    const found = this.#reading<{ policy: number; at: string }>('SELECT policy, at FROM policies_done');
    return new Map(found.map(({ policy, at }) => [policy, at]));
  }

  policyDone(policy: number, at: string): void {
    this.#changing((database) =>
      database.prepare('INSERT OR REPLACE INTO policies_done VALUES (?, ?)').run(policy, at),
    );
  }

  #changing<Result>(work: (database: DatabaseSync) => Result): Result {
    const database = openStateForChange(this.#paths);
    try {
      return transaction(database, () => work(database));
    } finally {
      database.close();
    }
  }

  /** Everybody may; where an older d3 wrote the state, or none, there is nothing yet. */
  #reading<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    const database = openStateForReading(this.#paths);
    if (database === null) return [];
    try {
      if (rows(database, "SELECT 1 FROM sqlite_master WHERE name = 'step_runs'").length === 0) return [];
      return rows<Row>(database, sql, ...values);
    } catch (error) {
      throw stateError(error, 'state.db');
    } finally {
      database.close();
    }
  }
}

function rows<Row>(database: DatabaseSync, sql: string, ...values: SQLInputValue[]): Row[] {
  return database.prepare(sql).all(...values) as Row[];
}
