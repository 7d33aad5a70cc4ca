import { type Kysely, sql } from 'kysely';
import type { Tables } from './tables.ts';

/** Counts a change of what the catalog shows, in the transaction that makes it. */
export async function countCatalogChange(transaction: Kysely<Tables>): Promise<void> {
  await transaction.updateTable('depot').set({ generation: sql`generation + 1` }).execute();
}
