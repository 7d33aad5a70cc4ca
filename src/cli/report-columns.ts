import type { InstalledReportRow, ProblemReportRow, QueuedReportRow, ReportedProblem } from '../admin/report.ts';
import { ageText, type ListingColumn } from './listing.ts';
import { day, moment } from './table-text.ts';

type AnyRow = Pick<InstalledReportRow, 'computer' | 'asOf' | 'ageSeconds'>;

const computer: readonly ListingColumn<AnyRow>[] = [
  { header: 'Computer', name: 'computer', value: (row) => row.computer.name },
  { header: 'Computer id', name: 'computer_id', value: (row) => row.computer.id, text: null },
  { header: 'User', name: 'user', value: (row) => row.computer.user },
];

const asOf: readonly ListingColumn<AnyRow>[] = [
  // People see how old it is, in few columns; programs have the time as well.
  { header: 'As of', name: 'as_of', value: (row) => row.asOf, text: (row) => `${ageText(row.ageSeconds)} ago` },
  { header: 'Age', name: 'age_seconds', value: (row) => row.ageSeconds, text: null },
];

const edition: readonly ListingColumn<Pick<InstalledReportRow, 'basename' | 'edition' | 'piloting' | 'status'>>[] = [
  { header: 'Basename', name: 'basename', value: (row) => row.basename, text: null },
  { header: 'Edition', name: 'edition', value: (row) => row.edition },
  {
    header: 'Status',
    name: 'status',
    value: (row) => row.status,
    text: (row) => (row.piloting && row.status !== 'pilot' ? `${row.status} (piloted)` : row.status),
  },
  { header: 'Piloting', name: 'piloting', value: (row) => row.piloting, text: null },
];

const problem: readonly ListingColumn<{ problem: ReportedProblem | null; attention?: string }>[] = [
  { header: 'Problem', name: 'problem', value: (row) => row.problem?.status, text: null },
  { header: 'Since', name: 'problem_since', value: (row) => row.problem?.since, text: null },
  { header: 'Why', name: 'why', value: (row) => row.problem?.why ?? row.attention, text: (row) => whyText(row) },
];

export const installedColumns: readonly ListingColumn<InstalledReportRow>[] = [
  ...computer,
  ...edition,
  ...asOf,
  { header: 'Frozen', name: 'frozen', value: (row) => row.frozen },
  { header: 'Installed', name: 'installed_at', value: (row) => row.installedAt, text: (row) => day(row.installedAt) },
  { header: 'By', name: 'installed_by', value: (row) => row.admin },
  ...problem,
];

export const queuedColumns: readonly ListingColumn<QueuedReportRow>[] = [
  ...computer,
  ...edition,
  { header: 'Queued', name: 'queued_at', value: (row) => row.queuedAt, text: (row) => moment(row.queuedAt) },
  { header: 'By', name: 'queued_by', value: (row) => row.admin },
  ...asOf,
  ...problem,
];

export const problemColumns: readonly ListingColumn<ProblemReportRow>[] = [
  ...computer,
  { header: 'What', name: 'subject', value: (row) => row.problem.edition ?? row.subject },
  ...asOf,
  { header: 'Why', name: 'why', value: (row) => row.problem.why, text: (row) => whyText(row) },
];

/** What failed or is held up, since when, and why. */
function whyText({ problem: wrong, attention }: { problem: ReportedProblem | null; attention?: string }): string {
  if (wrong === null) return attention === undefined ? '-' : `needs attention: ${attention}`;
  const of = wrong.edition === null ? '' : ` (${wrong.edition})`;
  return `${wrong.status}${of} since ${day(wrong.since)}: ${wrong.why ?? 'no reason was reported'}`;
}
