import { type Kysely, sql } from 'kysely';
import type { Clock } from '../../platform/clock.ts';
import { type Anchor, CHAIN_BEGIN } from '../event-chain.ts';
import type {
  DocumentBodies,
  PublicationInput,
  PublicationRecord,
  PublicationStore,
  StoredDocument,
} from './contract.ts';
import { SqlDocuments } from './documents.ts';
import { listEditions } from './editions.ts';
import type { Tables } from './tables.ts';
import { DEPOT, inTurn } from './turns.ts';

export class SqlPublication implements PublicationStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async generation(): Promise<number> {
    return (await readDepot(this.#db)).generation;
  }

  async last(): Promise<PublicationRecord | null> {
    return (await readDepot(this.#db)).last;
  }

  async exclusively(
    work: (input: PublicationInput) => Promise<PublicationRecord | null>,
  ): Promise<PublicationRecord | null> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      // A store that was left takes no change: it must say so before machines are shown what it has.
      await transaction.updateTable('depot').set({ generation: sql`generation` }).execute();
      const { generation, last } = await readDepot(transaction);
      const anchor = await newestEvent(transaction);
      const editions = await listEditions(transaction);
      const documents = async <K extends keyof DocumentBodies>(kind: K): Promise<StoredDocument<DocumentBodies[K]>[]> =>
        // The registered schema of its kind vouches for the type of the body.
        (await new SqlDocuments(transaction, this.#clock, kind).list()) as unknown as StoredDocument<
          DocumentBodies[K]
        >[];
      const groups = await documents('group');
      const mirrors = await documents('mirror');
      const policies = await documents('policy');
      const records = {
        computers: await documents('computer'),
        eas: await documents('ea'),
        places: [...(await documents('department')), ...(await documents('building')), ...(await documents('site'))],
      };
      const record = await work({
        generation,
        editions,
        groups,
        mirrors,
        policies,
        records,
        anchor,
        last,
      });
      if (record === null) return null;
      await transaction
        .updateTable('depot')
        .set({ published: JSON.stringify(record), generation: Math.max(generation, record.generation) })
        .execute();
      return record;
    });
  }
}

async function newestEvent(db: Kysely<Tables>): Promise<Anchor> {
  const newest = await db.selectFrom('events').select(['id', 'hash']).orderBy('id', 'desc').limit(1).executeTakeFirst();
  return newest ?? { id: 0, hash: CHAIN_BEGIN };
}

async function readDepot(db: Kysely<Tables>): Promise<{ generation: number; last: PublicationRecord | null }> {
  const row = await db.selectFrom('depot').select(['generation', 'published']).executeTakeFirstOrThrow();
  return {
    generation: row.generation,
    last: row.published === null ? null : JSON.parse(row.published),
  };
}
