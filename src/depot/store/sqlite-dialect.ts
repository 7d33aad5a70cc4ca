import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

const SQLITE_BUSY = 5;
/** Makes of an error of SQLite what the caller is to see; returns what it does not know. */
type Explain = (error: unknown) => unknown;

/** How often a waiting transaction asks again, in milliseconds. */
const ASK_AGAIN = 20;

/**
 * Kysely on node:sqlite. The stock SQLite dialect asks a statement for `reader`, which `DatabaseSync` does not have, and
 * so answers every select with no rows; this one asks for its columns.
 * A write transaction waits for other processes without blocking the event loop: several handles of one process on one
 * database would otherwise wait for themselves.
 */
export class NodeSqliteDialect implements Dialect {
  readonly #database: DatabaseSync;
  readonly #patience: number;
  readonly #explain: Explain;

  /** @param patience milliseconds a transaction waits for another process's */
  constructor(database: DatabaseSync, patience: number, explain: Explain) {
    this.#database = database;
    this.#patience = patience;
    this.#explain = explain;
  }

  createDriver(): Driver {
    return new NodeSqliteDriver(this.#database, this.#patience, this.#explain);
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler();
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db);
  }
}

class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #connection: NodeSqliteConnection;
  readonly #patience: number;
  readonly #explain: Explain;

  constructor(database: DatabaseSync, patience: number, explain: Explain) {
    this.#database = database;
    this.#connection = new NodeSqliteConnection(database, explain);
    this.#patience = patience;
    this.#explain = explain;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection;
  }

  /** Every transaction of the store writes: IMMEDIATE takes the lock at once instead of failing half-way. */
  async beginTransaction(): Promise<void> {
    for (let waited = 0; ; waited += ASK_AGAIN) {
      try {
        this.#database.exec('begin immediate');
        return;
      } catch (error) {
        if (!isBusy(error) || waited >= this.#patience) throw this.#explain(error);
        await sleep(ASK_AGAIN);
      }
    }
  }

  async commitTransaction(): Promise<void> {
    this.#explaining(() => this.#database.exec('commit'));
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite rolls back by itself after a full disk or an I/O error.
    if (this.#database.isTransaction) this.#explaining(() => this.#database.exec('rollback'));
  }

  #explaining(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#database.close();
  }
}

/** Statements that leave the tables what they are. */
const OF_DATA = /^\s*(?:select|insert|update|delete)\b/i;
/** Statements kept ready: more than one request asks, fewer than would be worth their memory. */
const KEPT_READY = 100;
/** Characters of the longest. */
const READY_LENGTH = 16_384;

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  /** Preparing a statement costs more than most of them do. The one used last comes last. */
  readonly #ready = new Map<string, { statement: StatementSync; returnsRows: boolean }>();

  readonly #explain: Explain;

  constructor(database: DatabaseSync, explain: Explain) {
    this.#database = database;
    this.#explain = explain;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const { statement, returnsRows } = this.#prepared(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (returnsRows) return { rows: statement.all(...parameters) as R[] };
      const { changes, lastInsertRowid } = statement.run(...parameters);
      return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #prepared(text: string) {
    const kept = this.#ready.get(text);
    if (kept !== undefined) {
      this.#ready.delete(text);
      this.#ready.set(text, kept);
      return kept;
    }
    const statement = this.#database.prepare(text);
    const ready = { statement, returnsRows: statement.columns().length > 0 };
    // What changes tables is asked once, and others may answer otherwise afterwards.
    if (!OF_DATA.test(text)) this.#ready.clear();
    else if (text.length <= READY_LENGTH) {
      this.#ready.set(text, ready);
      const [oldest] = this.#ready.keys();
      if (this.#ready.size > KEPT_READY && oldest !== undefined) this.#ready.delete(oldest);
    }
    return ready;
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const statement = this.#database.prepare(query.sql);
    for (const row of statement.iterate(...(query.parameters as SQLInputValue[]))) yield { rows: [row as R] };
  }
}

/** The primary result code of an error of node:sqlite (extended ones carry it in their low byte); null for any other error. */
export function primaryCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}

/** Whether an error of node:sqlite says that another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}
