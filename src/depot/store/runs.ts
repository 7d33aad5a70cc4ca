import type { Kysely } from 'kysely';
import { systemClock } from '../../platform/clock.ts';
import { briefOf, readyAt } from '../../runs/brief.ts';
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
import { storable } from './storable.ts';
import type { RunTable, Tables } from './tables.ts';
import { inTurn, serverTime } from './turns.ts';

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

  async list({ open, alone = false }: { open: boolean; alone?: boolean } = { open: false }): Promise<Run[]> {
    let query = this.#db.selectFrom('runs').select('body').orderBy('created_at', 'desc').orderBy('id', 'desc');
    if (open) query = query.where('is_over', '=', 0);
    if (alone) query = query.where('parent', 'is', null);
    const runs: Run[] = [];
    for (const { body } of await query.execute()) runs.push(await readRun(body, WHERE));
    return runs;
  }

  async family(parent: string): Promise<RunBrief[]> {
    const rows = await this.#db.selectFrom('runs').select('brief').where('parent', '=', parent).orderBy('id').execute();
    return rows.map(({ brief }) => JSON.parse(brief));
  }

  async ready({ at, family, limit }: ReadyRuns): Promise<string[]> {
    const now = at ?? ((await serverTime(this.#db)) ?? systemClock.now()).toISOString();
    let query = this.#db
      .selectFrom('runs')
      .select('id')
      .where('ready_at', '<=', now)
      .orderBy('ready_at')
      .orderBy('id')
      .limit(limit);
    if (family !== undefined)
      query = query.where((runs) => runs.or([runs('id', '=', family), runs('parent', '=', family)]));
    return (await query.execute()).map(({ id }) => id);
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

export function rowOf(run: Run): RunTable {
  const { id, createdAt, generation, parent } = run;
  return {
    id,
    created_at: createdAt,
    is_over: isOver(run) ? 1 : 0,
    generation,
    body: JSON.stringify(run),
    parent,
    ready_at: readyAt(run),
    brief: JSON.stringify(briefOf(run)),
  };
}

async function dropEnded(db: Kysely<Tables>): Promise<void> {
  const ended = await db
    .selectFrom('runs')
    .select('id')
    .where('is_over', '=', 1)
    .where('parent', 'is', null)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(ENDED_KEPT)
    .limit(1000)
    .execute();
  if (ended.length === 0) return;
  const ids = ended.map(({ id }) => id);
  const family = db.selectFrom('runs').select('id').where('parent', 'in', ids);
  await db.deleteFrom('run_lines').where('run', 'in', family).execute();
  await db.deleteFrom('runs').where('parent', 'in', ids).execute();
  await db.deleteFrom('run_lines').where('run', 'in', ids).execute();
  await db.deleteFrom('runs').where('id', 'in', ids).execute();
}
