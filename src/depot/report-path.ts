import { D3Error } from '@d3/sdk';
import type { Report } from './contract.ts';

/** A computer id: a UUID in lower case. */
export const COMPUTER_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** A run's id is part of a file's name. */
export const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * Where a machine leaves a report, as a path on every transport: `inbox/<computer id>/<time>-<run>.json`. Names sort by time.
 * @throws D3Error bug `REPORT_INVALID`
 */
export function reportPath(report: Report): string {
  const at = new Date(report.at);
  if (!COMPUTER_ID.test(report.computer.id) || !RUN_ID.test(report.run) || Number.isNaN(at.getTime())) {
    throw new D3Error('REPORT_INVALID', 'bug', `The report of run ${report.run} has a malformed id or time.`);
  }
  const time = at.toISOString().replace(/[-:.]/g, '');
  return `inbox/${report.computer.id}/${time}-${report.run}.json`;
}
