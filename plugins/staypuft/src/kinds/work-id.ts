import { createHash } from 'node:crypto';

/** The kind of step whose work {@link workId} names. */
export const STEP = 'deploy-step';

/** Names the work of a step on a host: the same whoever runs it, and another one in every run. */
export function workId(run: string, index: number): string {
  return `w-${createHash('sha256').update(`${run} ${index}`).digest('hex').slice(0, 32)}`;
}
