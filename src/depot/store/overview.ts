import { type Kysely, sql } from 'kysely';
import type { ComputerCounts, EditionCount, OverviewStore, ProblemCount, QueueCount } from './contract.ts';
import type { Tables } from './tables.ts';

/** Sums over what computers reported, made by the database: no row for each computer where a number will do. */
export class SqlOverview implements OverviewStore {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async editions(): Promise<EditionCount[]> {
    const { rows } = await sql<Record<keyof EditionCount, string | number>>`
      select basename, edition_id as id, edition, count(*) as computers, sum(piloting) as piloting, sum(frozen) as frozen
      from computer_receipts group by basename, edition_id, edition order by basename, edition_id`.execute(this.#db);
    return rows.map(({ basename, edition, ...numbers }) => ({
      basename: String(basename),
      edition: String(edition),
      ...eachNumber(numbers),
    }));
  }

  async queues(): Promise<QueueCount[]> {
    const { rows } = await sql<Record<keyof QueueCount, string | number>>`
      select basename, edition_id as id, count(*) as computers
      from computer_queue group by basename, edition_id order by basename, edition_id`.execute(this.#db);
    return rows.map(({ basename, ...numbers }) => ({ basename: String(basename), ...eachNumber(numbers) }));
  }

  async problems(limit: number): Promise<ProblemCount[]> {
    const { rows } = await sql<{
      subject: string;
      edition: string | null;
      status: string;
      reason: string | null;
      processes: string | null;
      since: string;
      computers: string | number;
    }>`
      select subject, edition, status, reason, processes, min(since) as since, count(*) as computers
      from computer_problems group by subject, edition, status, reason, processes
      order by computers desc, subject, edition, status, reason limit ${limit}`.execute(this.#db);
    return rows.map(({ computers, processes, status, ...rest }) => ({
      ...rest,
      status: status as ProblemCount['status'],
      processes: processes === null ? [] : (JSON.parse(processes) as string[]),
      computers: Number(computers),
    }));
  }

  async computers(): Promise<Map<string, ComputerCounts>> {
    const counts = new Map<string, ComputerCounts>();
    const of = (id: string) => {
      const known = counts.get(id);
      if (known !== undefined) return known;
      const none = { receipts: 0, queued: 0, failed: 0, blocked: 0 };
      counts.set(id, none);
      return none;
    };
    const counted = (table: string) =>
      sql<{ id: string; computers: string | number }>`
        select computer_id as id, count(*) as computers from ${sql.table(table)} group by computer_id`.execute(
        this.#db,
      );
    for (const { id, computers } of (await counted('computer_receipts')).rows) of(id).receipts = Number(computers);
    for (const { id, computers } of (await counted('computer_queue')).rows) of(id).queued = Number(computers);
    const { rows } = await sql<{ id: string; failed: string | number; computers: string | number }>`
      select computer_id as id, count(*) as computers,
        sum(case when status in ('failed', 'interrupted') then 1 else 0 end) as failed
      from computer_problems group by computer_id`.execute(this.#db);
    for (const { id, computers, failed } of rows) {
      of(id).failed = Number(failed);
      of(id).blocked = Number(computers) - Number(failed);
    }
    return counts;
  }

  async contacts(moments: readonly string[]): Promise<number[]> {
    const rows = await this.#db.selectFrom('computers').select('last_contact').execute();
    return moments.map((moment) => rows.filter(({ last_contact }) => last_contact >= moment).length);
  }
}

/** Databases give sums as they like: as numbers, or as the text of numbers. */
function eachNumber<Key extends string>(row: Record<Key, string | number>): Record<Key, number> {
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Number(value)])) as Record<Key, number>;
}
