import type { DatabaseGiven } from './store/database.ts';
import { databaseOf } from './store/database.ts';
import type { PostgresPlace } from './store/postgres-place.ts';

/**
 * Who advances which run, on a depot that several hosts share. A job says only that a run is to be advanced: the record of the
 * run, with its lease, is the truth. A job that is lost is offered again by whoever looks next, and one too many does nothing.
 */
export interface RunQueue {
  /** That these runs are to be advanced; one that is offered already is not offered twice. */
  offer(ids: readonly string[]): Promise<void>;
  /**
   * Takes up what is offered until it is closed.
   * @param abreast how many at the same time
   */
  take(advance: (id: string) => Promise<void>, abreast: number): Promise<void>;
  /** Takes up nothing more, and waits for what was taken. */
  close(): Promise<void>;
}

const QUEUE = 'advance-run';
/** Seconds a job may be under way: a day; the run goes on in any case. */
const LONGEST = 86_399;
/** Milliseconds what was taken has to end when the queue is closed. */
const CLOSING = 60_000;

/**
 * @param tell what goes wrong with the server meanwhile
 * @returns null for a depot whose store is in its folder
 * @throws D3Error as opening the store does
 */
export async function openRunQueue(
  dir: string,
  given: DatabaseGiven | null,
  tell: (error: unknown) => void,
): Promise<RunQueue | null> {
  const database = await databaseOf(dir, given);
  return database.kind === 'sqlite' ? null : postgresQueue(database.place, tell);
}

async function postgresQueue(place: PostgresPlace, tell: (error: unknown) => void): Promise<RunQueue> {
  const { PgBoss } = await import('pg-boss');
  const { connectionOf, postgresError } = await import('./store/postgres-store.ts');
  const boss = new PgBoss({
    ...connectionOf(place),
    application_name: 'd3 runs',
    schema: jobsSchema(place),
    max: 4,
    schedule: false,
    connectionTimeoutMillis: 10_000,
  });
  boss.on('error', (error) => tell(postgresError(error, place)));
  const explained = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (error) {
      throw postgresError(error, place);
    }
  };
  try {
    await explained(boss.start());
    // At most one job for a run waits; those under way do not count, for the one who took it may be gone.
    await explained(
      boss.createQueue(QUEUE, { policy: 'short', retryLimit: 0, expireInSeconds: LONGEST, deleteAfterSeconds: 3600 }),
    );
  } catch (error) {
    await boss.stop({ graceful: false }).catch(() => undefined);
    throw error;
  }
  return {
    async offer(ids) {
      for (const id of ids) await explained(boss.send(QUEUE, { run: id }, { singletonKey: id }));
    },
    async take(advance, abreast) {
      await explained(
        boss.work<{ run: string }>(
          QUEUE,
          { localConcurrency: abreast, pollingIntervalSeconds: 0.5, batchSize: 1 },
          async (jobs) => {
            for (const { data } of jobs) await advance(data.run);
          },
        ),
      );
    },
    async close() {
      await boss.stop({ graceful: true, timeout: CLOSING }).catch(tell);
    },
  };
}

/** The jobs are beside the depot's own tables, where nobody copies them; those of two depots in one database are apart. */
export function jobsSchema({ schema }: Pick<PostgresPlace, 'schema'>): string {
  return `${schema}_jobs`;
}
