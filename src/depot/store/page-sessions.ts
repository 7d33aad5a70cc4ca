import type { Kysely } from 'kysely';
import type { Clock } from '../../platform/clock.ts';
import type { Role } from '../roles.ts';
import { newSecret, secretHash } from '../secrets.ts';
import type { KnownToken, PageSessionStore } from './contract.ts';
import type { Tables } from './tables.ts';
import { DEPOT, inTurn } from './turns.ts';

/** Browsers somebody may be signed in with at once; the oldest is signed out. */
const MOST_SESSIONS = 50;

export class SqlPageSessions implements PageSessionStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async open(token: number, expiresAt: string): Promise<string> {
    const secret = newSecret('page');
    const now = this.#now();
    await inTurn(this.#db, DEPOT, async (transaction) => {
      await transaction.deleteFrom('page_sessions').where('expires_at', '<=', now).execute();
      await transaction
        .insertInto('page_sessions')
        .values({ hash: secretHash(secret), token_id: token, created_at: now, expires_at: expiresAt })
        .execute();
      const older = await transaction
        .selectFrom('page_sessions')
        .select('hash')
        .where('token_id', '=', token)
        .where('hash', '!=', secretHash(secret))
        .orderBy('created_at', 'desc')
        .offset(MOST_SESSIONS - 1)
        .limit(MOST_SESSIONS)
        .execute();
      if (older.length === 0) return;
      const hashes = older.map(({ hash }) => hash);
      await transaction.deleteFrom('page_sessions').where('hash', 'in', hashes).execute();
    });
    return secret;
  }

  async known(secret: string): Promise<(KnownToken & { sessionEnds: string }) | null> {
    const now = this.#now();
    const row = await this.#db
      .selectFrom('page_sessions')
      .innerJoin('tokens', 'tokens.id', 'page_sessions.token_id')
      .select(['tokens.id', 'tokens.name', 'tokens.role', 'tokens.computer_id', 'tokens.expires_at as token_ends'])
      .select('page_sessions.expires_at as session_ends')
      .where('page_sessions.hash', '=', secretHash(secret))
      .where('page_sessions.expires_at', '>', now)
      .where('tokens.revoked_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined || (row.token_ends !== null && row.token_ends <= now)) return null;
    const { id, name, role, computer_id: computer, session_ends: sessionEnds } = row;
    return { id, name, role: role as Role | 'machine', computer, sessionEnds };
  }

  async close(secret: string): Promise<void> {
    await this.#db.deleteFrom('page_sessions').where('hash', '=', secretHash(secret)).execute();
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }
}
