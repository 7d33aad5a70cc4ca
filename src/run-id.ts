import { randomBytes } from 'node:crypto';

/** The id of a run: when it was made, so that names sort by time, and something nobody else has. */
export function newRunId(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`;
}
