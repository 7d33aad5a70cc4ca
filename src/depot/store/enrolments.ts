import { D3Error } from '@d3/sdk';
import type { Kysely, Selectable } from 'kysely';
import type { Clock } from '../../platform/clock.ts';
import { newSecret, secretHash } from '../secrets.ts';
import { keepClaims, knownAs } from './claims.ts';
import type {
  Enrolled,
  Enrolment,
  EnrolmentCode,
  EnrolmentRequest,
  EnrolmentStore,
  NewEnrolmentCode,
} from './contract.ts';
import { recordEvent } from './events.ts';
import type { EnrolmentCodeTable, EnrolmentTable, Tables } from './tables.ts';
import { insertToken } from './tokens.ts';
import { DEPOT, inTurn, takeTurn, turnOfComputer } from './turns.ts';

type EnrolmentRow = Selectable<EnrolmentTable>;

/** Enrolments that are listed: those that wait come before those that were decided, the newest of each. */
const LISTED = 1_000;

export class SqlEnrolments implements EnrolmentStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async addCode(
    { kind, note, expiresAt }: NewEnrolmentCode,
    by: string,
  ): Promise<{ code: EnrolmentCode; secret: string }> {
    const at = this.#now();
    if (!(expiresAt > at)) {
      throw new D3Error('CODE_INVALID', 'usage', 'The code would have expired already.', {
        target: expiresAt,
        actions: ['give a later time'],
      });
    }
    const secret = newSecret('code');
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const row = await transaction
        .insertInto('enrolment_codes')
        .values({
          kind,
          note,
          hash: secretHash(secret),
          created_at: at,
          created_by: by,
          expires_at: expiresAt,
          revoked_at: null,
          uses: 0,
          last_used_at: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      await recordEvent(transaction, {
        at,
        by,
        what: 'enrolment.code',
        target: { kind: 'enrolment-code', id: row.id, name: String(row.id) },
        before: null,
        after: { kind, note, expiresAt },
      });
      return { code: codeFromRow(row), secret };
    });
  }

  async codes(): Promise<EnrolmentCode[]> {
    const rows = await this.#db.selectFrom('enrolment_codes').selectAll().orderBy('id').execute();
    return rows.map(codeFromRow);
  }

  async revokeCode(id: number, by: string): Promise<EnrolmentCode> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const row = await transaction
        .selectFrom('enrolment_codes')
        .selectAll()
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      if (row === undefined) {
        throw new D3Error('CODE_NOT_FOUND', 'notFound', `No code in force has the number ${id}.`, {
          target: String(id),
          actions: ['see them: d3admin enrol list'],
        });
      }
      const at = this.#now();
      await transaction.updateTable('enrolment_codes').set({ revoked_at: at }).where('id', '=', id).execute();
      await recordEvent(transaction, {
        at,
        by,
        what: 'enrolment.code.revoked',
        target: { kind: 'enrolment-code', id, name: String(id) },
        before: { kind: row.kind, note: row.note },
        after: null,
      });
      return codeFromRow({ ...row, revoked_at: at });
    });
  }

  async list(): Promise<Enrolment[]> {
    const rows = await this.#db
      .selectFrom('enrolments')
      .selectAll()
      .orderBy((is) => is.case().when('state', '=', 'pending').then(0).else(1).end())
      .orderBy('id', 'desc')
      .limit(LISTED)
      .execute();
    return rows.map(fromRow).toSorted((one, other) => one.id - other.id);
  }

  async enrol(request: EnrolmentRequest): Promise<Enrolled> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      // The same key once more: its answer was lost, or it asks whether it was decided.
      const earlier = await transaction
        .selectFrom('enrolments')
        .selectAll()
        .where('key_hash', '=', request.keyHash)
        .executeTakeFirst();
      if (earlier !== undefined) return this.#again(transaction, earlier, request);
      const at = this.#now();
      const code = await this.#codeMeant(transaction, request.code, at);
      await refuseKnownKey(transaction, request);
      const { id, name, claims } = request.computer;
      const known = await knownAs(transaction, id, claims);
      const isSure = known.length === 0 || (known.length === 1 && code.kind === 'once');
      const row = await transaction
        .insertInto('enrolments')
        .values({
          code_id: code.id,
          state: 'pending',
          computer_id: id,
          name,
          claims: JSON.stringify(claims),
          key_hash: request.keyHash,
          known_as: JSON.stringify(known),
          became: null,
          at,
          decided_at: null,
          decided_by: null,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      await this.#used(transaction, code, at);
      if (!isSure) return { state: 'pending', enrolment: row.id, computer: null };
      const by = `code ${code.id} of ${code.created_by}`;
      return this.#bind(transaction, row, known[0] ?? id, by);
    });
  }

  async approve(id: number, as: string | null, by: string): Promise<Enrolment> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const row = await this.#pending(transaction, id);
      const known = JSON.parse(row.known_as) as string[];
      const meant = as ?? (known.length === 1 ? known[0] : known.length === 0 ? row.computer_id : undefined);
      if (meant === undefined) {
        throw new D3Error(
          'ENROLMENT_AMBIGUOUS',
          'refused',
          `${row.name} may be any of ${known.length} computers: ${known.join(', ')}.`,
          {
            target: String(id),
            actions: [
              `say which: d3admin enrol approve ${id} --computer ID`,
              `or that it is another: --computer ${row.computer_id}`,
            ],
          },
        );
      }
      if (meant !== row.computer_id && !known.includes(meant)) {
        throw new D3Error('ENROLMENT_OTHER', 'refused', `${row.name} claims nothing of the computer ${meant}.`, {
          target: String(id),
          actions: [`it may be ${[...known, row.computer_id].join(', ')}`],
        });
      }
      await this.#bind(transaction, row, meant, by);
      return fromRow({ ...row, state: 'enrolled', became: meant, decided_at: this.#now(), decided_by: by });
    });
  }

  async refuse(id: number, by: string): Promise<Enrolment> {
    return inTurn(this.#db, DEPOT, async (transaction) => {
      const row = await this.#pending(transaction, id);
      const at = this.#now();
      await transaction
        .updateTable('enrolments')
        .set({ state: 'refused', decided_at: at, decided_by: by })
        .where('id', '=', id)
        .execute();
      await recordEvent(transaction, {
        at,
        by,
        what: 'enrolment.refused',
        target: { kind: 'enrolment', id, name: row.name },
        before: { computer: row.computer_id, claims: JSON.parse(row.claims) },
        after: null,
      });
      return fromRow({ ...row, state: 'refused', decided_at: at, decided_by: by });
    });
  }

  async #again(db: Kysely<Tables>, row: EnrolmentRow, request: EnrolmentRequest): Promise<Enrolled> {
    const { id, state, became } = row;
    // Whoever has the hash alone, from a log in between, must not learn more of the computer than the code tells.
    const code = await db
      .selectFrom('enrolment_codes')
      .select('hash')
      .where('id', '=', row.code_id)
      .executeTakeFirstOrThrow();
    const isSameCode = code.hash === secretHash(request.code);
    if (state === 'pending') {
      if (isSameCode) return { state: 'pending', enrolment: id, computer: null };
      return this.#withAnotherCode(db, row, request);
    }
    if (!isSameCode) throw codeUnknown();
    const key = await db.selectFrom('tokens').select('revoked_at').where('hash', '=', row.key_hash).executeTakeFirst();
    if (state === 'enrolled' && became !== null && key?.revoked_at === null)
      return { state: 'enrolled', enrolment: id, computer: became };
    throw new D3Error(
      'ENROLMENT_REFUSED',
      'notAuthorised',
      state === 'refused'
        ? `The depot refused to enrol this machine (enrolment ${id}).`
        : `The key of this enrolment was revoked (enrolment ${id}).`,
      { target: row.name, actions: ['ask an admin of the depot for a one-time code: d3admin enrol code --once'] },
    );
  }

  /** A machine that waits came with another code: a one-time code lets it in. */
  async #withAnotherCode(db: Kysely<Tables>, row: EnrolmentRow, request: EnrolmentRequest): Promise<Enrolled> {
    const at = this.#now();
    const code = await this.#codeMeant(db, request.code, at);
    await this.#used(db, code, at);
    await db.updateTable('enrolments').set({ code_id: code.id }).where('id', '=', row.id).execute();
    const known = JSON.parse(row.known_as) as string[];
    if (known.length !== 1 || code.kind !== 'once') return { state: 'pending', enrolment: row.id, computer: null };
    return this.#bind(db, row, known[0] as string, `code ${code.id} of ${code.created_by}`);
  }

  async #used(db: Kysely<Tables>, { id, uses }: Selectable<EnrolmentCodeTable>, at: string): Promise<void> {
    await db
      .updateTable('enrolment_codes')
      .set({ uses: uses + 1, last_used_at: at })
      .where('id', '=', id)
      .execute();
  }

  async #codeMeant(db: Kysely<Tables>, secret: string, now: string): Promise<Selectable<EnrolmentCodeTable>> {
    const row = await db
      .selectFrom('enrolment_codes')
      .selectAll()
      .where('hash', '=', secretHash(secret))
      .executeTakeFirst();
    if (row === undefined) throw codeUnknown();
    const why =
      row.revoked_at !== null
        ? 'was revoked'
        : row.expires_at <= now
          ? `expired at ${row.expires_at}`
          : row.kind === 'once' && row.uses > 0
            ? 'was used already, and is good for one machine'
            : null;
    if (why === null) return row;
    throw new D3Error('CODE_NOT_GOOD', 'notAuthorised', `That code (number ${row.id}) ${why}.`, {
      target: '--code',
      actions: ['ask an admin of the depot for another: d3admin enrol code'],
    });
  }

  /** Gives a record to the machine: its key is in force from now on, and no other key of that record is. */
  async #bind(db: Kysely<Tables>, row: EnrolmentRow, computer: string, by: string): Promise<Enrolled> {
    // Its reports write its claims too.
    await takeTurn(db, turnOfComputer(computer));
    const at = this.#now();
    const revoked = await db
      .updateTable('tokens')
      .set({ revoked_at: at, revoked_by: by })
      .where('computer_id', '=', computer)
      .where('role', '=', 'machine')
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    await insertToken(db, {
      name: `computer:${computer}`,
      role: 'machine',
      computer_id: computer,
      hash: row.key_hash,
      created_at: at,
      created_by: by,
      expires_at: null,
    });
    await db
      .updateTable('enrolments')
      .set({ state: 'enrolled', became: computer, decided_at: at, decided_by: by })
      .where('id', '=', row.id)
      .execute();
    const claims = JSON.parse(row.claims);
    await keepClaims(db, computer, claims);
    await recordEvent(db, {
      at,
      by,
      what: 'computer.enrolled',
      target: { kind: 'computer', id: 0, name: computer },
      before: { keysRevoked: Number(revoked.numUpdatedRows) },
      after: { enrolment: row.id, name: row.name, calledItself: row.computer_id, claims },
    });
    return { state: 'enrolled', enrolment: row.id, computer };
  }

  async #pending(db: Kysely<Tables>, id: number): Promise<EnrolmentRow> {
    const row = await db.selectFrom('enrolments').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) {
      throw new D3Error('ENROLMENT_NOT_FOUND', 'notFound', `There is no enrolment ${id}.`, {
        target: String(id),
        actions: ['see them: d3admin enrol list'],
      });
    }
    if (row.state === 'pending') return row;
    throw new D3Error('ENROLMENT_DECIDED', 'refused', `Enrolment ${id} was ${row.state} by ${row.decided_by}.`, {
      target: String(id),
      actions: ['see them: d3admin enrol list'],
    });
  }

  #now(): string {
    return this.#clock.now().toISOString();
  }
}

/** A key is one machine's, and no token of somebody. */
async function refuseKnownKey(db: Kysely<Tables>, { keyHash, computer }: EnrolmentRequest): Promise<void> {
  const known = await db.selectFrom('tokens').select('id').where('hash', '=', keyHash).executeTakeFirst();
  if (known === undefined) return;
  throw new D3Error('KEY_KNOWN', 'refused', 'That key is in use already.', {
    target: computer.id,
    actions: ['ask with a new key: d3 enroll makes one by itself'],
  });
}

function codeUnknown(): D3Error {
  return new D3Error('CODE_UNKNOWN', 'notAuthorised', 'The depot does not know that code.', {
    target: '--code',
    actions: ['look whether all of it was typed', 'ask an admin of the depot for one: d3admin enrol code'],
  });
}

function codeFromRow(row: Selectable<EnrolmentCodeTable>): EnrolmentCode {
  return {
    id: row.id,
    kind: row.kind as EnrolmentCode['kind'],
    note: row.note,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    uses: row.uses,
    lastUsedAt: row.last_used_at,
  };
}

function fromRow(row: EnrolmentRow): Enrolment {
  return {
    id: row.id,
    code: row.code_id,
    state: row.state as Enrolment['state'],
    computer: { id: row.computer_id, name: row.name, claims: JSON.parse(row.claims) },
    knownAs: JSON.parse(row.known_as),
    became: row.became,
    at: row.at,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
  };
}
