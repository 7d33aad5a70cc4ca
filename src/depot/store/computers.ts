import { D3Error } from '@d3/sdk';
import type { Kysely, Selectable } from 'kysely';
import { nameKey } from '../../catalog/names.ts';
import type { Clock } from '../../platform/clock.ts';
import type {
  ComputerAheadBody,
  ComputerBody,
  Report,
  ReportedOutcome,
  ReportedQueued,
  ReportedReceipt,
} from '../contract.ts';
import { keepClaims } from './claims.ts';
import {
  type Computer,
  type ComputerStore,
  type DocumentBody,
  type InstalledSomewhere,
  type InventoryFilter,
  type KeptReport,
  type ProblemSomewhere,
  type QueuedSomewhere,
  REPORTS_KEPT,
} from './contract.ts';
import { SqlDocuments } from './documents.ts';
import { recordEvent } from './events.ts';
import {
  installedSomewhere,
  keepInventory,
  problemsSomewhere,
  queuedSomewhere,
  queueOf,
  receiptsOf,
} from './inventory.ts';
import { storable } from './storable.ts';
import type { ComputerTable, Tables } from './tables.ts';
import { DEPOT, inTurn, turnOfComputer } from './turns.ts';

/** Reports read in one piece, where all computers are asked for. */
const READ_AT_ONCE = 200;

/** What a computer has rows in, besides its own. */
const TABLES_OF_A_COMPUTER = [
  'reports',
  'computer_receipts',
  'computer_queue',
  'computer_problems',
  'computer_claims',
] as const;

/** What a document says when somebody else changed it at the same moment. */
const FASTER = new Set(['DOCUMENT_EXISTS', 'DOCUMENT_CONFLICT', 'DOCUMENT_NOT_FOUND']);

/** What is said of it already stays; what was said ahead is taken where nothing is. */
function recordFrom(own: ComputerBody | undefined, ahead: ComputerAheadBody): DocumentBody {
  return {
    schema: 'd3/computer@1',
    name: own?.name ?? ahead.name,
    department: own?.department ?? ahead.department,
    building: own?.building ?? ahead.building,
    site: own?.site ?? ahead.site,
    attributes: { ...ahead.attributes, ...own?.attributes },
  };
}

export class SqlComputers implements ComputerStore {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;

  constructor(db: Kysely<Tables>, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  async takeReport(report: Report): Promise<boolean> {
    const { id, name, claims, user = null } = report.computer;
    return inTurn(this.#db, turnOfComputer(id), async (transaction) => {
      const taken = await transaction
        .selectFrom('reports')
        .select('id')
        .where('computer_id', '=', id)
        .where('run', '=', report.run)
        .executeTakeFirst();
      if (taken !== undefined) return false;
      const contact = this.#contactTime(report);
      const record = {
        name,
        name_key: nameKey(name),
        claims: JSON.stringify(claims),
        os: JSON.stringify(report.os),
        cpu: report.cpu,
        d3: report.d3,
        user_name: user === null ? null : storable(user),
        last_contact: contact,
        last_run: report.run,
      };
      await transaction
        .insertInto('computers')
        .values({ id, first_contact: contact, ...record })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(record))
        .execute();
      const { receipts: _receipts, queue: _queue, ...kept } = report;
      await transaction
        .insertInto('reports')
        .values({ computer_id: id, run: report.run, at: report.at, body: JSON.stringify(kept) })
        .execute();
      await keepInventory(transaction, report);
      await keepClaims(transaction, id, claims);
      await dropOldReports(transaction, id);
      return true;
    });
  }

  async takeOverAhead({ id, claims: { serial } }: Report['computer']): Promise<boolean> {
    if (serial === null) return false;
    const documents = (kind: string) => new SqlDocuments(this.#db, this.#clock, kind);
    const ahead = await documents('computer-ahead').byName(serial);
    if (ahead === null) return false;
    const records = documents('computer');
    const own = await records.byName(id);
    const body = recordFrom(own?.body as ComputerBody | undefined, ahead.body as unknown as ComputerAheadBody);
    // A cut in between is mended by the next report, and so is somebody who is faster.
    try {
      if (own === null) await records.create(id, body, ahead.changedBy);
      else await records.update(own.id, own.generation, { body }, ahead.changedBy);
      await documents('computer-ahead').remove(ahead.id, ahead.generation, ahead.changedBy);
      return true;
    } catch (error) {
      if (error instanceof D3Error && FASTER.has(error.code)) return false;
      throw error;
    }
  }

  async list(): Promise<Computer[]> {
    const rows = await this.#db.selectFrom('computers').selectAll().orderBy('name_key').orderBy('id').execute();
    return rows.map(fromRow);
  }

  async find(idOrName: string): Promise<Computer | null> {
    const rows = await this.#db
      .selectFrom('computers')
      .selectAll()
      .where((where) => where.or([where('id', '=', idOrName.toLowerCase()), where('name_key', '=', nameKey(idOrName))]))
      .orderBy('id')
      .execute();
    const exact = rows.find((row) => row.id === idOrName.toLowerCase());
    if (exact !== undefined) return fromRow(exact);
    if (rows.length > 1) {
      const ids = rows.map((row) => row.id).join(', ');
      throw new D3Error('COMPUTER_AMBIGUOUS', 'refused', `${rows.length} computers are called ${idOrName}: ${ids}.`, {
        target: idOrName,
        actions: ['Name the computer by its id.'],
      });
    }
    return rows[0] === undefined ? null : fromRow(rows[0]);
  }

  async receipts(id: string): Promise<ReportedReceipt[]> {
    return receiptsOf(this.#db, id);
  }

  async outcomes(id: string): Promise<ReportedOutcome[]> {
    const [newest] = await this.#reports(id, 1);
    return newest?.outcomes ?? [];
  }

  async queue(id: string): Promise<ReportedQueued[]> {
    return queueOf(this.#db, id);
  }

  async reports(id: string): Promise<KeptReport[]> {
    return this.#reports(id, REPORTS_KEPT);
  }

  async installed(filter: InventoryFilter): Promise<InstalledSomewhere[]> {
    return installedSomewhere(this.#db, filter);
  }

  async queued(filter: InventoryFilter): Promise<QueuedSomewhere[]> {
    return queuedSomewhere(this.#db, filter);
  }

  async problems(filter: Pick<InventoryFilter, 'basenames' | 'computers' | 'limit'>): Promise<ProblemSomewhere[]> {
    return problemsSomewhere(this.#db, filter);
  }

  async isReported(basename: string): Promise<boolean> {
    for (const table of ['computer_receipts', 'computer_queue'] as const) {
      const row = await this.#db
        .selectFrom(table)
        .select('computer_id')
        .where('basename', '=', basename)
        .limit(1)
        .executeTakeFirst();
      if (row !== undefined) return true;
    }
    return false;
  }

  async *newestReports(ids?: readonly string[], after = ''): AsyncIterable<KeptReport> {
    for (const some of await this.#inPieces(ids, after)) {
      const rows = await this.#db
        .selectFrom('reports')
        .select('body')
        .where('id', 'in', (newest) =>
          newest
            .selectFrom('reports')
            .select((of) => of.fn.max('id').as('id'))
            .where('computer_id', 'in', some)
            .groupBy('computer_id'),
        )
        .orderBy('computer_id')
        .execute();
      for (const { body } of rows) yield JSON.parse(body);
    }
  }

  async namesInstalled(): Promise<{ basename: string; edition: string }[]> {
    return this.#db.selectFrom('computer_receipts').select(['basename', 'edition']).distinct().execute();
  }

  async *installedNames({
    ids,
    basenames,
  }: Parameters<ComputerStore['installedNames']>[0]): ReturnType<ComputerStore['installedNames']> {
    const rows = this.#db.selectFrom('computer_receipts').select(['computer_id as computer', 'basename', 'edition']);
    if (basenames !== undefined && ids === undefined) {
      for (const basename of new Set(basenames)) yield* await rows.where('basename', '=', basename).execute();
      return;
    }
    for (const some of await this.#inPieces(ids)) {
      const found = await rows.where('computer_id', 'in', some).execute();
      yield* found.filter(({ basename }) => basenames === undefined || basenames.includes(basename));
    }
  }

  /** Ids of computers, so many at once as one query is for. */
  async #inPieces(ids: readonly string[] | undefined, after = ''): Promise<string[][]> {
    const all = ids ?? (await this.#db.selectFrom('computers').select('id').execute()).map(({ id }) => id);
    const sorted = [...new Set(all)].filter((id) => id > after).toSorted();
    return Array.from({ length: Math.ceil(sorted.length / READ_AT_ONCE) }, (_, at) =>
      sorted.slice(at * READ_AT_ONCE, (at + 1) * READ_AT_ONCE),
    );
  }

  async remove(id: string, by: string): Promise<void> {
    await inTurn(this.#db, [DEPOT, turnOfComputer(id)], async (transaction) => {
      const row = await transaction.selectFrom('computers').selectAll().where('id', '=', id).executeTakeFirst();
      if (row === undefined) {
        throw new D3Error('COMPUTER_NOT_FOUND', 'notFound', `The depot has no computer ${id}.`, { target: id });
      }
      for (const table of TABLES_OF_A_COMPUTER)
        await transaction.deleteFrom(table).where('computer_id', '=', id).execute();
      await transaction.deleteFrom('computers').where('id', '=', id).execute();
      const at = this.#clock.now().toISOString();
      await transaction
        .updateTable('tokens')
        .set({ revoked_at: at, revoked_by: by })
        .where('computer_id', '=', id)
        .where('role', '=', 'machine')
        .where('revoked_at', 'is', null)
        .execute();
      await recordEvent(transaction, {
        at,
        by,
        what: 'computer.deleted',
        target: { kind: 'computer', id: 0, name: id },
        before: fromRow(row),
        after: null,
      });
    });
  }

  async #reports(id: string, limit: number): Promise<KeptReport[]> {
    const rows = await this.#db
      .selectFrom('reports')
      .select('body')
      .where('computer_id', '=', id)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute();
    return rows.map((row) => JSON.parse(row.body));
  }

  /** A machine whose clock is ahead was not here in the future. */
  #contactTime(report: Report): string {
    const now = this.#clock.now();
    const claimed = new Date(report.at);
    return (claimed > now ? now : claimed).toISOString();
  }
}

async function dropOldReports(db: Kysely<Tables>, computerId: string): Promise<void> {
  const kept = await db
    .selectFrom('reports')
    .select('id')
    .where('computer_id', '=', computerId)
    .orderBy('id', 'desc')
    .limit(REPORTS_KEPT)
    .execute();
  const oldest = kept.at(-1);
  if (oldest === undefined) return;
  await db.deleteFrom('reports').where('computer_id', '=', computerId).where('id', '<', oldest.id).execute();
}

function fromRow(row: Selectable<ComputerTable>): Computer {
  return {
    id: row.id,
    name: row.name,
    claims: JSON.parse(row.claims),
    os: JSON.parse(row.os),
    cpu: row.cpu,
    user: row.user_name,
    d3: row.d3,
    firstContact: row.first_contact,
    lastContact: row.last_contact,
    lastRun: row.last_run,
  };
}
