import type { Kysely } from 'kysely';
import type { Clock } from '../../platform/clock.ts';
import type { RunStore } from '../../runs/types.ts';
import { SqlComputers } from './computers.ts';
import type {
  ComputerStore,
  DocumentBodies,
  DocumentBody,
  Documents,
  EditionStore,
  EnrolmentStore,
  HistoryStore,
  OverviewStore,
  PageSessionStore,
  PublicationStore,
  Store,
  TokenStore,
} from './contract.ts';
import { SqlDocuments } from './documents.ts';
import { SqlEditions } from './editions.ts';
import { SqlEnrolments } from './enrolments.ts';
import { historyStore } from './events.ts';
import { SqlOverview } from './overview.ts';
import { SqlPageSessions } from './page-sessions.ts';
import { SqlPublication } from './publication.ts';
import { SqlRuns } from './runs.ts';
import type { Tables } from './tables.ts';
import { SqlTokens } from './tokens.ts';
import { DEPOT, inTurn, serverTime } from './turns.ts';

/** The store on any database Kysely speaks to, its tables already made. */
export class SqlStore implements Store {
  readonly editions: EditionStore;
  readonly history: HistoryStore;
  readonly computers: ComputerStore;
  readonly publication: PublicationStore;
  readonly overview: OverviewStore;
  readonly pageSessions: PageSessionStore;
  readonly runs: RunStore;
  readonly tokens: TokenStore;
  readonly enrolments: EnrolmentStore;
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.editions = new SqlEditions(db, clock);
    this.history = historyStore(db, clock);
    this.computers = new SqlComputers(db, clock);
    this.publication = new SqlPublication(db, clock);
    this.overview = new SqlOverview(db);
    this.pageSessions = new SqlPageSessions(db, clock);
    this.runs = new SqlRuns(db);
    this.tokens = new SqlTokens(db, clock);
    this.enrolments = new SqlEnrolments(db, clock);
  }

  documents<K extends keyof DocumentBodies>(kind: K): Documents<DocumentBodies[K]>;
  documents(kind: string): Documents<DocumentBody>;
  documents(kind: string): unknown {
    // The registered schema of its kind vouches for the type of the body.
    return new SqlDocuments(this.#db, this.#clock, kind);
  }

  async exclusively<Result>(
    work: (store: Pick<Store, 'editions' | 'documents' | 'documentHashes'>) => Promise<Result>,
  ): Promise<Result> {
    return inTurn(this.#db, DEPOT, (transaction) => work(new SqlStore(transaction, this.#clock)));
  }

  async documentHashes(): Promise<Set<string>> {
    const rows = await this.#db.selectFrom('documents').select('body').execute();
    return new Set(rows.flatMap(({ body }) => body.match(/\b[0-9a-f]{64}\b/g) ?? []));
  }

  async serverTime(): Promise<Date | null> {
    return serverTime(this.#db);
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }
}
