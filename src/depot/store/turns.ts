import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './tables.ts';

/** Whatever decides something from what it reads, and writes it, takes its turn: nobody does the same at that time. */

/** The turn of everything that changes editions or documents, or publishes them. */
export const DEPOT = 'depot';

/** The turn of everything that changes what is known of one computer: those of different ones go on at the same time. */
export function turnOfComputer(id: string): string {
  return `computer ${id}`;
}

/** The adapter of a database that lets several transactions write at once. */
export interface TurnTaking {
  /** Waits until the transaction is the only one whose turn it is; it is until it ends. */
  takeTurn(transaction: Kysely<Tables>, of: string): Promise<void>;
  /** What time it is where the database is. */
  serverTime(db: Kysely<Tables>): Promise<Date>;
}

/** What time it is for all who share the database; null: it is on this host, whose clock counts. */
export async function serverTime(db: Kysely<Tables>): Promise<Date | null> {
  const adapter = db.getExecutor().adapter as Partial<TurnTaking>;
  return (await adapter.serverTime?.(db)) ?? null;
}

/**
 * Does work in a transaction while nobody else, on whatever host, has the turn. SQLite's transactions are alone anyway.
 * @param of what the turn is of: {@link DEPOT}, or one computer or run; where it is several, {@link DEPOT} comes first
 */
export async function inTurn<Result>(
  db: Kysely<Tables>,
  of: string | readonly string[],
  work: (transaction: Transaction<Tables>) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(async (transaction) => {
    for (const each of [of].flat()) await takeTurn(transaction, each);
    return work(transaction);
  });
}

/** One more turn, where what it is of is known only within the transaction; {@link DEPOT} never comes second. */
export async function takeTurn(transaction: Kysely<Tables>, of: string): Promise<void> {
  const adapter = transaction.getExecutor().adapter as Partial<TurnTaking>;
  await adapter.takeTurn?.(transaction, of);
}
