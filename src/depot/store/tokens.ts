import { D3Error } from '@d3/sdk';
import type { Kysely, Selectable } from 'kysely';
import { nameKey } from '../../catalog/names.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Role } from '../roles.ts';
import { newSecret, secretHash } from '../secrets.ts';
import type { Contact, KnownToken, NewToken, Token, TokenStore } from './contract.ts';
import { recordEvent } from './events.ts';
import type { Tables, TokenTable } from './tables.ts';

/** Names as they stand in history: on one line, and none that is a machine's. */
const NAME = /^(?!\s)(?!computer:)[^\p{Cc}]{1,64}(?<!\s)$/u;
/** Rows a statement changes at once. */
const AT_ONCE = 500;

export class SqlTokens implements TokenStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async add(given: NewToken, by: string): Promise<{ token: Token; secret: string }> {
    const { name, role, computer, expiresAt } = given;
    const at = this.#now();
    refuseInvalid(given, at);
    const secret = newSecret('token');
    return this.#db.transaction().execute(async (transaction) => {
      const twin = await inForce(transaction, name);
      if (twin !== null) {
        throw new D3Error('TOKEN_EXISTS', 'refused', `There is a token called ${twin.name} already.`, {
          target: name,
          actions: ['choose another name', `or revoke that one first: d3admin token revoke ${twin.name}`],
        });
      }
      const token = await insertToken(transaction, {
        name,
        role,
        computer_id: computer,
        hash: secretHash(secret),
        created_at: at,
        created_by: by,
        expires_at: expiresAt,
      });
      await recordEvent(transaction, {
        at,
        by,
        what: 'token.added',
        target: { kind: 'token', id: token.id, name },
        before: null,
        after: { role, computer, expiresAt },
      });
      return { token, secret };
    });
  }

  async list(): Promise<Token[]> {
    const rows = await this.#db
      .selectFrom('tokens')
      .selectAll()
      .where('role', '!=', 'machine')
      .orderBy('name_key')
      .orderBy('id')
      .execute();
    return rows.map(fromRow);
  }

  async revoke(name: string, by: string): Promise<Token> {
    return this.#db.transaction().execute(async (transaction) => {
      const found = await inForce(transaction, name);
      if (found === null || found.role === 'machine') {
        throw new D3Error('TOKEN_NOT_FOUND', 'notFound', `No token in force is called ${name}.`, {
          target: name,
          actions: ['see them: d3admin token list'],
        });
      }
      const at = this.#now();
      await transaction
        .updateTable('tokens')
        .set({ revoked_at: at, revoked_by: by })
        .where('id', '=', found.id)
        .execute();
      await recordEvent(transaction, {
        at,
        by,
        what: 'token.revoked',
        target: { kind: 'token', id: found.id, name: found.name },
        before: { role: found.role },
        after: null,
      });
      return fromRow({ ...found, revoked_at: at, revoked_by: by });
    });
  }

  async known(secret: string): Promise<KnownToken | null> {
    const row = await this.#db
      .selectFrom('tokens')
      .selectAll()
      .where('hash', '=', secretHash(secret))
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    if (row === undefined) return null;
    const { id, name, role, computer_id: computer, expires_at: expiresAt } = row;
    if (expiresAt !== null && expiresAt <= this.#now()) return null;
    return { id, name, role: role as Role | 'machine', computer };
  }

  async contacted(contacts: readonly Contact[]): Promise<void> {
    if (contacts.length === 0) return;
    await this.#db.transaction().execute(async (transaction) => {
      // One moment for all of a batch: they were within the same minute.
      const at = contacts.reduce((latest, contact) => (contact.at > latest ? contact.at : latest), '');
      for (let from = 0; from < contacts.length; from += AT_ONCE) {
        const some = contacts.slice(from, from + AT_ONCE);
        const tokens = some.map(({ token }) => token);
        await transaction.updateTable('tokens').set({ last_used_at: at }).where('id', 'in', tokens).execute();
        const computers = some.flatMap(({ computer }) => (computer === null ? [] : [computer]));
        if (computers.length === 0) continue;
        await transaction
          .updateTable('computers')
          .set({ last_contact: at })
          .where('id', 'in', computers)
          .where('last_contact', '<', at)
          .execute();
      }
    });
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }
}

/** @throws D3Error usage `TOKEN_INVALID` */
function refuseInvalid({ name, role, computer, expiresAt }: NewToken, now: string): void {
  const wrong = (text: string, action: string) =>
    new D3Error('TOKEN_INVALID', 'usage', `${text}.`, { target: name, actions: [action] });
  if (!NAME.test(name)) {
    throw wrong(
      `A token cannot be called ${JSON.stringify(name)}`,
      'a name is 1 to 64 characters on one line; it stands in history for who did something',
    );
  }
  if ((role === 'technician') !== (computer !== null)) {
    throw role === 'technician'
      ? wrong('A technician’s token is for one computer', 'name it: --computer ID')
      : wrong('Only a technician’s token is for one computer', 'leave the computer out');
  }
  if (expiresAt !== null && !(expiresAt > now)) {
    throw wrong('The token would have expired already', 'give a later time');
  }
}

type Row = Selectable<TokenTable>;

/** The token of this name that is not revoked, expired or not; null when there is none. */
async function inForce(db: Kysely<Tables>, name: string): Promise<Row | null> {
  const row = await db
    .selectFrom('tokens')
    .selectAll()
    .where('name_key', '=', nameKey(name))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/** Adds a token or a computer's key, in the transaction that decided it. */
export async function insertToken(
  db: Kysely<Tables>,
  token: Pick<Row, 'name' | 'role' | 'computer_id' | 'hash' | 'created_at' | 'created_by' | 'expires_at'>,
): Promise<Token> {
  const row = await db
    .insertInto('tokens')
    .values({ ...token, name_key: nameKey(token.name), revoked_at: null, revoked_by: null, last_used_at: null })
    .returningAll()
    .executeTakeFirstOrThrow();
  return fromRow(row);
}

function fromRow(row: Row): Token {
  return {
    id: row.id,
    name: row.name,
    role: row.role as Role,
    computer: row.computer_id,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by,
    lastUsedAt: row.last_used_at,
  };
}
