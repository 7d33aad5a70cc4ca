import { createHash } from 'node:crypto';

/** Names the work of a step on a host: the same whoever runs it, and another one in every run. */
export function workId(run: string, index: number): string {
  return `w-${createHash('sha256').update(`${run} ${index}`).digest('hex').slice(0, 32)}`;
}
