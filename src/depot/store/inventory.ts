import { D3Error } from '@d3/sdk';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Status } from '../../catalog/types.ts';
import type { Report, ReportedOutcome, ReportedQueued, ReportedReceipt } from '../contract.ts';
import type {
  InstalledSomewhere,
  InventoryFilter,
  ProblemSomewhere,
  ProblemStatus,
  QueuedSomewhere,
} from './contract.ts';
import { isOneOf } from './lists.ts';
import { storable } from './storable.ts';
import type { ComputerProblemTable, ComputerQueueTable, ComputerReceiptTable, Tables } from './tables.ts';

/**
 * What machines reported they have, a row each, so that a question about all of them is one of the database's. Rows that
 * say what is known already are not written again: most reports change nothing.
 */

/** Rows a statement writes at once: their values stay below what a database takes. */
const ROWS_AT_ONCE = 500;

/** Takes over what a report says the machine has, in the transaction that takes the report. */
export async function keepInventory(db: Kysely<Tables>, report: Report): Promise<void> {
  const id = report.computer.id;
  await replaceRows(
    db,
    'computer_receipts',
    id,
    report.receipts.map((receipt) => receiptRow(id, receipt)),
    'basename',
  );
  await replaceRows(
    db,
    'computer_queue',
    id,
    (report.queue ?? []).map((entry) => queueRow(id, entry)),
    'basename',
  );
  await replaceRows(db, 'computer_problems', id, await problemRows(db, report), 'subject');
}

type Row = Readonly<Record<string, unknown>>;

/** @param key the column that tells a computer's rows apart */
async function replaceRows(
  db: Kysely<Tables>,
  table: 'computer_receipts' | 'computer_queue' | 'computer_problems',
  computerId: string,
  rows: readonly object[],
  key: 'basename' | 'subject',
): Promise<void> {
  // The same statements for each of the tables; their rows differ, and so Kysely's types of them.
  const any = db as unknown as Kysely<{ [name: string]: Row }>;
  const name: string = table;
  const there = await any.selectFrom(name).selectAll().where('computer_id', '=', computerId).execute();
  const known = new Map(there.map((row) => [String(row[key]), row]));
  // A hostile report may name one twice.
  const wanted = new Map((rows as readonly Row[]).map(storableRow).map((row) => [String(row[key]), row]));
  const gone = [...known.keys()].filter((value) => !wanted.has(value));
  const changed = [...wanted].filter(([value, row]) => !isSame(row, known.get(value)));
  const outdated = [...gone, ...changed.flatMap(([value]) => (known.has(value) ? [value] : []))];
  for (const some of chunks(outdated)) {
    await any.deleteFrom(name).where('computer_id', '=', computerId).where(key, 'in', some).execute();
  }
  for (const some of chunks(changed)) {
    await any
      .insertInto(name)
      .values(some.map(([, row]) => row))
      .execute();
  }
}

function storableRow(row: Row): Row {
  const made: Record<string, unknown> = {};
  for (const column in row) {
    const value = row[column];
    made[column] = typeof value === 'string' ? storable(value) : value;
  }
  return made;
}

function isSame(row: Row, known: Row | undefined): boolean {
  return known !== undefined && Object.entries(row).every(([column, value]) => known[column] === value);
}

function chunks<T>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += ROWS_AT_ONCE) parts.push(all.slice(at, at + ROWS_AT_ONCE));
  return parts;
}

function receiptRow(computer_id: string, receipt: ReportedReceipt): ComputerReceiptTable {
  const { basename, version, revision, edition, id, piloting, frozen, admin, installedAt } = receipt;
  return {
    computer_id,
    basename,
    edition_id: id,
    edition,
    version,
    revision,
    piloting: Number(piloting),
    frozen: Number(frozen),
    frozen_by: receipt.freeze?.by ?? null,
    frozen_at: receipt.freeze?.at ?? null,
    admin,
    installed_at: installedAt,
    manual: receipt.manual === undefined ? null : Number(receipt.manual),
    gone_since: receipt.goneSince ?? null,
    attention: receipt.attention ?? null,
  };
}

type ReceiptColumns = Omit<ComputerReceiptTable, 'computer_id'>;

function reportedReceipt(row: ReceiptColumns): ReportedReceipt {
  return {
    basename: row.basename,
    version: row.version,
    revision: row.revision,
    edition: row.edition,
    id: row.edition_id,
    piloting: row.piloting === 1,
    frozen: row.frozen === 1,
    admin: row.admin,
    installedAt: row.installed_at,
    ...(row.frozen_by === null || row.frozen_at === null ? {} : { freeze: { by: row.frozen_by, at: row.frozen_at } }),
    ...(row.gone_since === null ? {} : { goneSince: row.gone_since }),
    ...(row.manual === null ? {} : { manual: row.manual === 1 }),
    ...(row.attention === null ? {} : { attention: row.attention }),
  };
}

function queueRow(computer_id: string, queued: ReportedQueued): ComputerQueueTable {
  const { basename, version, revision, edition, id, piloting, admin, customExpiration, queuedAt } = queued;
  return {
    computer_id,
    basename,
    edition_id: id,
    edition,
    version,
    revision,
    piloting: Number(piloting),
    admin,
    custom_expiration: customExpiration,
    queued_at: queuedAt,
  };
}

function reportedQueued(row: Omit<ComputerQueueTable, 'computer_id'>): ReportedQueued {
  return {
    basename: row.basename,
    version: row.version,
    revision: row.revision,
    edition: row.edition,
    id: row.edition_id,
    piloting: row.piloting === 1,
    admin: row.admin,
    customExpiration: row.custom_expiration,
    queuedAt: row.queued_at,
  };
}

/** What is wrong after a report: a sync that got to its plan says all there is, anything else speaks of its targets only. */
async function problemRows(db: Kysely<Tables>, report: Report): Promise<ComputerProblemTable[]> {
  const id = report.computer.id;
  const there = await db.selectFrom('computer_problems').selectAll().where('computer_id', '=', id).execute();
  const known = new Map(there.map((row) => [row.subject, row]));
  const reported = report.outcomes.flatMap((outcome) => problemOf(outcome));
  const saidAll =
    report.command === 'sync' && report.failure === undefined && (report.exit === 0 || reported.length > 0);
  const spokenOf = new Set(report.outcomes.map(subjectOf));
  const left = saidAll ? [] : there.filter(({ subject }) => !spokenOf.has(subject));
  return [
    ...left,
    ...reported.map(({ subject, status, outcome }) => {
      const before = known.get(subject);
      const same = before !== undefined && before.status === status && before.edition === outcome.edition;
      return {
        computer_id: id,
        subject,
        edition: outcome.edition,
        status,
        reason: outcome.reason,
        processes: outcome.blockedBy === undefined ? null : JSON.stringify(outcome.blockedBy.processes),
        since: outcome.blockedBy?.since ?? (same ? before.since : report.at),
        at: report.at,
      };
    }),
  ];
}

function subjectOf({ target, basename }: ReportedOutcome): string {
  return basename ?? target;
}

/** What is held because somebody wants it so, a frozen package or a pilot, is no problem; what waits for a process is. */
function problemOf(outcome: ReportedOutcome): { subject: string; status: ProblemStatus; outcome: ReportedOutcome }[] {
  const { status, blockedBy } = outcome;
  const isProblem =
    status === 'failed' ||
    status === 'blocked' ||
    status === 'interrupted' ||
    (status === 'held' && blockedBy !== undefined);
  return isProblem ? [{ subject: subjectOf(outcome), status, outcome }] : [];
}

export async function receiptsOf(db: Kysely<Tables>, computerId: string): Promise<ReportedReceipt[]> {
  const rows = await db
    .selectFrom('computer_receipts')
    .selectAll()
    .where('computer_id', '=', computerId)
    .orderBy('basename')
    .execute();
  return rows.map(reportedReceipt);
}

export async function queueOf(db: Kysely<Tables>, computerId: string): Promise<ReportedQueued[]> {
  const rows = await db
    .selectFrom('computer_queue')
    .selectAll()
    .where('computer_id', '=', computerId)
    .orderBy('basename')
    .execute();
  return rows.map(reportedQueued);
}

/** Columns every answer begins with. */
interface WhereColumns {
  computer_id: string;
  name: string;
  user_name: string | null;
  last_contact: string;
}

/** Columns that tell the status an edition has now. */
interface StatusColumns {
  edition_id: number;
  stored_status: string | null;
  archived: number | null;
}

export async function installedSomewhere(db: Kysely<Tables>, filter: InventoryFilter): Promise<InstalledSomewhere[]> {
  const rows = await editionsSomewhere<ReceiptColumns>(db, 'computer_receipts', filter);
  const isMissing = new Set(filter.missing);
  return rows.map((row) => ({ ...whereOf(row), ...reportedReceipt(row), status: statusOf(row, isMissing) }));
}

export async function queuedSomewhere(db: Kysely<Tables>, filter: InventoryFilter): Promise<QueuedSomewhere[]> {
  const rows = await editionsSomewhere<Omit<ComputerQueueTable, 'computer_id'>>(db, 'computer_queue', filter);
  const isMissing = new Set(filter.missing);
  return rows.map((row) => ({ ...whereOf(row), ...reportedQueued(row), status: statusOf(row, isMissing) }));
}

async function editionsSomewhere<Columns>(
  db: Kysely<Tables>,
  table: 'computer_receipts' | 'computer_queue',
  filter: InventoryFilter,
): Promise<(Columns & WhereColumns & StatusColumns)[]> {
  const conditions = [
    ...among(db, 'had.basename', filter.basenames),
    ...among(db, 'had.computer_id', filter.computers),
    ...(filter.piloting === undefined ? [] : [sql`had.piloting = 1`]),
    ...(filter.frozen === undefined ? [] : [sql`had.frozen = 1`]),
    ...statusConditions(db, filter),
    ...(filter.outdated === undefined
      ? []
      : [sql`(had.edition_id < live.id or stored.status in ('deprecated', 'skipped'))`]),
  ];
  const live =
    filter.outdated === undefined
      ? sql``
      : sql`left join editions live on lower(live.basename) = lower(had.basename) and live.status = 'live'`;
  return answered(
    db,
    sql<Columns & WhereColumns & StatusColumns>`
      select had.*, computer.name, computer.user_name, computer.last_contact,
        stored.status as stored_status, gone.archived as archived
      from ${sql.table(table)} had
      join computers computer on computer.id = had.computer_id
      left join editions stored on stored.id = had.edition_id
      left join deleted_editions gone on gone.id = had.edition_id
      ${live}
      ${whereAll(conditions)}
      order by computer.name_key, computer.id, had.basename
      limit ${filter.limit + 1}`,
    filter.limit,
  );
}

export async function problemsSomewhere(
  db: Kysely<Tables>,
  filter: Pick<InventoryFilter, 'basenames' | 'computers' | 'limit'>,
): Promise<ProblemSomewhere[]> {
  const conditions = [...among(db, 'had.subject', filter.basenames), ...among(db, 'had.computer_id', filter.computers)];
  const rows = await answered(
    db,
    sql<ComputerProblemTable & WhereColumns>`
      select had.*, computer.name, computer.user_name, computer.last_contact
      from computer_problems had
      join computers computer on computer.id = had.computer_id
      ${whereAll(conditions)}
      order by computer.name_key, computer.id, had.subject
      limit ${filter.limit + 1}`,
    filter.limit,
  );
  return rows.map((row) => ({
    ...whereOf(row),
    subject: row.subject,
    edition: row.edition,
    status: row.status as ProblemStatus,
    reason: row.reason,
    processes: row.processes === null ? [] : JSON.parse(row.processes),
    since: row.since,
    at: row.at,
  }));
}

async function answered<Answer>(db: Kysely<Tables>, question: RawBuilder<Answer>, limit: number): Promise<Answer[]> {
  const { rows } = await question.execute(db);
  if (rows.length <= limit) return rows;
  throw new D3Error('TOO_MANY_ROWS', 'refused', `The answer has more than ${limit} rows.`, {
    actions: ['Ask for less: fewer targets, one status, or only what is frozen.'],
  });
}

function among(db: Kysely<Tables>, column: string, values: readonly string[] | undefined): RawBuilder<unknown>[] {
  return values === undefined ? [] : [isOneOf(db, column, values)];
}

/** What is missing has another status in the store, or none; what was deleted and archived is archived. */
function statusConditions(db: Kysely<Tables>, { statuses, missing = [] }: InventoryFilter): RawBuilder<unknown>[] {
  if (statuses === undefined) return [];
  const lost = isOneOf(db, 'had.edition_id', missing);
  const stored = statuses.filter((status) => status !== 'missing' && status !== 'archived');
  const any = [
    ...(stored.length === 0 ? [] : [sql`(stored.status in (${sql.join(stored)}) and not ${lost})`]),
    ...(statuses.includes('archived') ? [sql`gone.archived = 1`] : []),
    ...(statuses.includes('missing') ? [sql`(${lost} or (stored.id is null and coalesce(gone.archived, 0) = 0))`] : []),
  ];
  return any.length === 0 ? [sql`1 = 0`] : [sql`(${sql.join(any, sql` or `)})`];
}

function whereAll(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}

function whereOf({ computer_id, name, user_name, last_contact }: WhereColumns) {
  return { computer: { id: computer_id, name, user: user_name }, asOf: last_contact };
}

function statusOf({ edition_id, stored_status, archived }: StatusColumns, isMissing: ReadonlySet<number>): Status {
  if (stored_status === null) return archived === 1 ? 'archived' : 'missing';
  return isMissing.has(edition_id) ? 'missing' : (stored_status as Status);
}
