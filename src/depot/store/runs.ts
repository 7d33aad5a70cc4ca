import type { Kysely } from 'kysely';
import { readRun } from '../../runs/check.ts';
import { runExists } from '../../runs/saving.ts';
import {
  ENDED_KEPT,
  isOver,
  type KeptLine,
  LINES_KEPT,
  type LogLine,
  type Run,
  type RunStore,
} from '../../runs/types.ts';
import { storable } from './storable.ts';
import type { RunTable, Tables } from './tables.ts';
import { inTurn } from './turns.ts';

const WHERE = "the depot's database";
/** Lines a statement writes at once. */
const LINES_AT_ONCE = 500;

/** Runs in the depot's own store. */
export class SqlRuns implements RunStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async create(run: Run): Promise<void> {
    await inTurn(this.#db, 'runs', async (transaction) => {
      const twin = await transaction.selectFrom('runs').select('id').where('id', '=', run.id).executeTakeFirst();
      if (twin !== undefined) throw runExists(run.id);
      await transaction.insertInto('runs').values(rowOf(run)).execute();
      await dropEnded(transaction);
    });
  }

  async get(id: string): Promise<Run | null> {
    const row = await this.#db.selectFrom('runs').select('body').where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : readRun(row.body, WHERE);
  }

  async list({ open }: { open: boolean } = { open: false }): Promise<Run[]> {
    let query = this.#db.selectFrom('runs').select('body').orderBy('created_at', 'desc').orderBy('id', 'desc');
    if (open) query = query.where('is_over', '=', 0);
    const runs: Run[] = [];
    for (const { body } of await query.execute()) runs.push(await readRun(body, WHERE));
    return runs;
  }

  async save(run: Run, generation: number): Promise<boolean> {
    const { id, ...changes } = rowOf(run);
    const { numUpdatedRows } = await this.#db
      .updateTable('runs')
      .set(changes)
      .where('id', '=', id)
      .where('generation', '=', generation)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async append(id: string, lines: readonly LogLine[]): Promise<void> {
    if (lines.length === 0) return;
    await inTurn(this.#db, `run ${id}`, async (transaction) => {
      for (let at = 0; at < lines.length; at += LINES_AT_ONCE) {
        const some = lines.slice(at, at + LINES_AT_ONCE);
        await transaction
          .insertInto('run_lines')
          .values(some.map(({ text, ...line }) => ({ run: id, ...line, text: storable(text) })))
          .execute();
      }
      const oldest = await transaction
        .selectFrom('run_lines')
        .select('id')
        .where('run', '=', id)
        .orderBy('id', 'desc')
        .offset(LINES_KEPT)
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return;
      await transaction.deleteFrom('run_lines').where('run', '=', id).where('id', '<=', oldest.id).execute();
    });
  }

  async lines(id: string, after = 0): Promise<KeptLine[]> {
    return this.#db
      .selectFrom('run_lines')
      .select(['id', 'at', 'step', 'text'])
      .where('run', '=', id)
      .where('id', '>', after)
      .orderBy('id')
      .execute();
  }
}

function rowOf(run: Run): RunTable {
  const { id, createdAt, generation } = run;
  return { id, created_at: createdAt, is_over: isOver(run) ? 1 : 0, generation, body: JSON.stringify(run) };
}

async function dropEnded(db: Kysely<Tables>): Promise<void> {
  const ended = await db
    .selectFrom('runs')
    .select('id')
    .where('is_over', '=', 1)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(ENDED_KEPT)
    .limit(1000)
    .execute();
  if (ended.length === 0) return;
  const ids = ended.map(({ id }) => id);
  await db.deleteFrom('run_lines').where('run', 'in', ids).execute();
  await db.deleteFrom('runs').where('id', 'in', ids).execute();
}
