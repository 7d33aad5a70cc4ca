import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  sql,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { storable } from './storable.ts';
import type { Tables } from './tables.ts';
import type { TurnTaking } from './turns.ts';

/** What the dialect has to know of errors; handed in. */
export interface PostgresErrors {
  /** Makes of an error what the caller is to see; returns what it does not know. */
  explain(error: unknown): unknown;
  /** What to say when nobody can tell whether a transaction was kept. */
  unknownEnd(error: unknown): unknown;
  /** Whether the connection is gone, so that another one may do better. */
  isLost(error: unknown): boolean;
  /** Whether a server that cannot be reached now is worth another try. */
  mayComeBack(error: unknown): boolean;
}

/** How often a server that is being started again is asked, in milliseconds. */
const ASK_AGAIN = 200;

/**
 * Kysely on `pg`, for a server that may be restarted at any time: a connection that was lost while nobody used it is
 * replaced, and what only reads is asked again. What was being saved when it was lost is never repeated: nobody knows
 * whether it is in.
 */
export class DepotPostgresDialect implements Dialect {
  readonly #pool: Pool;
  readonly #errors: PostgresErrors;
  readonly #patience: number;

  /** @param patience milliseconds a server that was reached before may be away */
  constructor(pool: Pool, errors: PostgresErrors, patience: number) {
    this.#pool = pool;
    this.#errors = errors;
    this.#patience = patience;
  }

  createDriver(): Driver {
    return new PoolDriver(this.#pool, this.#errors, this.#patience);
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler();
  }

  createAdapter(): PostgresAdapter {
    return new TurnTakingAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new PostgresIntrospector(db);
  }
}

class TurnTakingAdapter extends PostgresAdapter implements TurnTaking {
  /** A lock of the server's own: it ends with the transaction, however that ends. The schema may still have to be made. */
  async takeTurn(transaction: Kysely<Tables>, of: string): Promise<void> {
    const name = sql`'d3 ' || current_setting('search_path') || ' ' || ${of}`;
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(transaction);
  }

  async serverTime(db: Kysely<Tables>): Promise<Date> {
    const { rows } = await sql<{ now: number }>`
      select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
    return new Date(rows[0]?.now ?? Number.NaN);
  }
}

class PoolDriver implements Driver {
  readonly #pool: Pool;
  readonly #errors: PostgresErrors;
  readonly #patience: number;
  /** Whether the server was there once: then it is being started again, and not at another address. */
  #wasReached = false;

  constructor(pool: Pool, errors: PostgresErrors, patience: number) {
    this.#pool = pool;
    this.#errors = errors;
    this.#patience = patience;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PoolConnection> {
    return new PoolConnection(await this.#connect(), () => this.#connect(), this.#errors);
  }

  async #connect(): Promise<PoolClient> {
    for (let waited = 0; ; waited += ASK_AGAIN) {
      try {
        const client = await this.#pool.connect();
        this.#wasReached = true;
        return client;
      } catch (error) {
        const again = this.#errors.mayComeBack(error) || (this.#wasReached && this.#errors.isLost(error));
        if (!again || waited >= this.#patience) throw this.#errors.explain(error);
        await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
      }
    }
  }

  async beginTransaction(connection: PoolConnection, { isolationLevel, accessMode }: TransactionSettings) {
    const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    await connection.begin(`start transaction${level}${accessMode === undefined ? '' : ` ${accessMode}`}`);
  }

  async commitTransaction(connection: PoolConnection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: PoolConnection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: PoolConnection): Promise<void> {
    connection.release();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }
}

class PoolConnection implements DatabaseConnection {
  /** Null: it was lost, and there was no other. */
  #client: PoolClient | null;
  readonly #connect: () => Promise<PoolClient>;
  readonly #errors: PostgresErrors;
  #isLost = false;
  #inTransaction = false;

  constructor(client: PoolClient, connect: () => Promise<PoolClient>, errors: PostgresErrors) {
    this.#client = client;
    this.#connect = connect;
    this.#errors = errors;
  }

  async begin(statement: string): Promise<void> {
    await this.#explaining(() => this.#again(() => this.#ask(statement, [])));
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    try {
      const { command } = await this.#ask('commit', []);
      this.#inTransaction = false;
      // So the server answers where a statement had failed before.
      if (command === 'ROLLBACK') throw new Error('the transaction had failed already');
    } catch (error) {
      throw this.#errors.isLost(error) ? this.#errors.unknownEnd(error) : this.#errors.explain(error);
    }
  }

  async rollback(): Promise<void> {
    this.#inTransaction = false;
    if (this.#isLost) return;
    // With the connection the transaction ends as well, and what went wrong before is what the caller is to hear of.
    await this.#ask('rollback', []).catch(() => {
      this.#isLost = true;
    });
  }

  async executeQuery<R>({ sql: text, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
    const ask = () => this.#ask(text, parameters);
    const onlyReads = query.kind === 'SelectQueryNode' && !this.#inTransaction;
    const { rows, rowCount } = await this.#explaining(() => (onlyReads ? this.#again(ask) : ask()));
    return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  /** Nothing here reads rows one by one: what may be much is asked for in pieces. */
  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  release(): void {
    this.#client?.release(this.#isLost);
    this.#client = null;
  }

  async #ask(text: string, parameters: readonly unknown[]) {
    try {
      const taken = parameters.map((value) => (typeof value === 'string' ? storable(value) : value));
      return await (this.#client ?? (await this.#replaced())).query(text, taken);
    } catch (error) {
      if (this.#errors.isLost(error)) this.#isLost = true;
      throw error;
    }
  }

  /** Once more over another connection where this one was lost: before anything was begun that changes something. */
  async #again<Result>(ask: () => Promise<Result>): Promise<Result> {
    try {
      return await ask();
    } catch (error) {
      if (!this.#isLost) throw error;
      this.release();
      return ask();
    }
  }

  async #replaced(): Promise<PoolClient> {
    const client = await this.#connect();
    this.#client = client;
    this.#isLost = false;
    return client;
  }

  async #explaining<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw this.#errors.explain(error);
    }
  }
}
