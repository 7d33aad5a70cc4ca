import { D3Error } from '@d3/sdk';
import type { ReportType } from '../catalog/statuses.ts';
import type { Status } from '../catalog/types.ts';
import type {
  Computer,
  InstalledSomewhere,
  InventoryFilter,
  ProblemSomewhere,
  QueuedSomewhere,
} from '../depot/index.ts';
import { computerMeant } from '../depot/index.ts';
import { catalogEnd } from './computers.ts';
import type { AdminSession } from './session.ts';

export interface ReportRequest {
  type: ReportType;
  /** Basenames, or with {@link computers} names or ids of computers; `all` means every one. */
  targets: readonly string[];
  /** Whether the targets are computers; those of type `computer` always are. */
  computers: boolean;
  /** What waits for a restart instead of what is installed. */
  queue: boolean;
  /** Null: all. */
  statuses: ReadonlySet<Status> | null;
  frozen: boolean;
}

/** What is wrong with something on a computer. */
export interface ReportedProblem extends Pick<ProblemSomewhere, 'edition' | 'status' | 'processes' | 'since' | 'at'> {
  why: string | null;
}

interface Row {
  /** Seconds since the computer was last heard of. */
  ageSeconds: number;
  problem: ReportedProblem | null;
}

export type InstalledReportRow = InstalledSomewhere & Row;
export type QueuedReportRow = QueuedSomewhere & Row;

/** What is not there because it failed or is held up. */
export interface ProblemReportRow {
  computer: ProblemSomewhere['computer'];
  asOf: string;
  ageSeconds: number;
  subject: string;
  problem: ReportedProblem;
}

/** A computer that was asked for by name, and how its newest run ended. */
interface ReportedComputer extends Computer {
  ageSeconds: number;
  /** Of its newest run. */
  command: string;
  exit: number;
  /** Why its newest run came to nothing; null when it came to its end. */
  failure: string | null;
  /** As {@link ShownComputer} has them. */
  catalogExpires: string | null;
  catalogEndsIn: string | null;
}

export interface ReportResult {
  type: ReportType;
  targets: readonly string[];
  /** Only where the targets are computers. */
  computers: ReportedComputer[];
  installed: InstalledReportRow[];
  queued: QueuedReportRow[];
  problems: ProblemReportRow[];
}

/** Rows of an answer: more would neither be read nor fit into memory. */
const MAX_ROWS = 250_000;

export interface Reported {
  result: ReportResult;
  /** Targets that are not known; the others are answered. */
  errors: D3Error[];
}

/** What machines have, by their newest reports. */
export async function report(request: ReportRequest, session: AdminSession): Promise<Reported> {
  const { depot } = session;
  const { type, queue } = request;
  const byComputer = request.computers || type === 'computer';
  const named = byComputer
    ? await computersMeant(request.targets, session)
    : await basenamesMeant(request.targets, session);
  const empty = { type, targets: request.targets, computers: [], installed: [], queued: [], problems: [] };
  if (named.values !== null && named.values.length === 0) return { result: empty, errors: named.errors };
  const where = whereOf(named.values, byComputer);
  const filter: InventoryFilter = {
    ...where,
    ...(request.statuses === null ? {} : { statuses: [...request.statuses] }),
    ...(type === 'pilot' ? { piloting: true } : {}),
    ...(type === 'deprecated' ? { outdated: true } : {}),
    ...(request.frozen ? { frozen: true } : {}),
    ...(request.statuses === null ? {} : { missing: await missingEditions(session) }),
    limit: MAX_ROWS,
  };
  const computers = byComputer && named.values !== null ? await reportedComputers(named.values, session) : [];
  const all = await depot.store.computers.problems({ ...where, limit: MAX_ROWS });
  const problemOf = new Map(all.map((row) => [keyOf(row.computer.id, row.subject), row]));
  const now = session.clock.now().getTime();
  const withProblem = <R extends { computer: { id: string }; basename: string; asOf: string }>(row: R): R & Row => {
    const problem = problemOf.get(keyOf(row.computer.id, row.basename));
    return { ...row, ageSeconds: age(row.asOf, now), problem: problem === undefined ? null : wrong(problem) };
  };
  const installed = queue ? [] : await withMissing(await depot.store.computers.installed(filter), session);
  const queued = queue ? await withMissing(await depot.store.computers.queued(filter), session) : [];
  // What is asked for by its state is there; what is asked for at all may have failed to get there.
  const isLimited = queue || request.statuses !== null || request.frozen || type === 'pilot' || type === 'deprecated';
  const there = new Set(installed.map(({ computer, basename }) => keyOf(computer.id, basename)));
  const problems = isLimited ? [] : all.filter(({ computer, subject }) => !there.has(keyOf(computer.id, subject)));
  return {
    result: {
      ...empty,
      computers,
      installed: installed.map(withProblem),
      queued: queued.map(withProblem),
      problems: problems.map((row) => ({
        computer: row.computer,
        asOf: row.asOf,
        ageSeconds: age(row.asOf, now),
        subject: row.subject,
        problem: wrong(row),
      })),
    },
    errors: named.errors,
  };
}

function keyOf(computerId: string, subject: string): string {
  return `${computerId} ${subject}`;
}

function age(asOf: string, now: number): number {
  return Math.max(0, Math.floor((now - new Date(asOf).getTime()) / 1000));
}

function wrong({ edition, status, reason, processes, since, at }: ProblemSomewhere): ReportedProblem {
  return { edition, status, why: reason, processes, since, at };
}

function whereOf(
  values: readonly string[] | null,
  byComputer: boolean,
): Pick<InventoryFilter, 'computers' | 'basenames'> {
  if (values === null) return {};
  return byComputer ? { computers: values } : { basenames: values };
}

interface Named {
  /** Null: all. */
  values: string[] | null;
  errors: D3Error[];
}

async function computersMeant(targets: readonly string[], session: AdminSession): Promise<Named> {
  if (targets.includes('all')) return { values: null, errors: [] };
  const named: Named & { values: string[] } = { values: [], errors: [] };
  for (const target of new Set(targets)) {
    try {
      named.values.push((await computerMeant(target, session)).id);
    } catch (error) {
      if (!(error instanceof D3Error)) throw error;
      named.errors.push(error);
    }
  }
  return named;
}

/** As the catalog writes them; what is known from machines only, as they do. */
async function basenamesMeant(targets: readonly string[], { depot }: AdminSession): Promise<Named> {
  if (targets.includes('all')) return { values: null, errors: [] };
  const named: Named & { values: string[] } = { values: [], errors: [] };
  for (const target of new Set(targets)) {
    const known = await depot.store.editions.basename(target);
    if (known !== null) named.values.push(known);
    else if (await depot.store.computers.isReported(target)) named.values.push(target);
    else {
      named.errors.push(
        new D3Error('BASENAME_NOT_FOUND', 'notFound', `Nothing has the basename ${target}.`, {
          target,
          actions: [`look for it: d3admin search ${target}`, 'targets that are computers need --computers'],
        }),
      );
    }
  }
  return named;
}

/** Editions whose files are gone; their status is not in the store. */
async function missingEditions({ depot }: AdminSession): Promise<number[]> {
  return (await depot.editionsWithDerivedStatus()).flatMap(({ id, status }) => (status === 'missing' ? [id] : []));
}

/** Files are looked for only of what is in the answer: most answers name few of a depot's editions. */
async function withMissing<R extends { id: number; status: Status }>(
  rows: readonly R[],
  { depot }: AdminSession,
): Promise<R[]> {
  const ids = [...new Set(rows.map(({ id }) => id))];
  const gone = new Set<number>();
  for (const { id, sha256 } of await depot.store.editions.files(ids)) {
    if (!(await depot.blobs.has(sha256))) gone.add(id);
  }
  return rows.map((row) => (gone.has(row.id) ? { ...row, status: 'missing' } : row));
}

async function reportedComputers(ids: readonly string[], session: AdminSession): Promise<ReportedComputer[]> {
  const { depot, clock } = session;
  const now = clock.now().getTime();
  const found: ReportedComputer[] = [];
  for (const id of ids) {
    const computer = await depot.store.computers.find(id);
    const [newest] = await depot.store.computers.reports(id);
    if (computer === null || newest === undefined) continue;
    const { command, exit, failure = null } = newest;
    const end = await catalogEnd(newest.catalogExpires, session);
    found.push({ ...computer, ageSeconds: age(computer.lastContact, now), command, exit, failure, ...end });
  }
  return found;
}
