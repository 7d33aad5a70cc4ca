import { createHash } from 'node:crypto';
import type { RunHere } from '@d3/sdk';
import { ROUNDS } from '../puppet/rules.ts';
import type { PuppetStep } from '../types.ts';

/** The kinds of steps that begin work on hosts. */
export const STEP = 'deploy-step';
export const PUPPET = 'deploy-puppet';
export const AGENT = 'deploy-agent';

/**
 * Names the work of a step on a host: the same whoever runs it, and another one in every run.
 * @param round of a step that does the same several times, from 1
 */
export function workId(run: string, index: number, round?: number): string {
  const id = `w-${createHash('sha256').update(`${run} ${index}`).digest('hex').slice(0, 32)}`;
  return round === undefined ? id : `${id}-${round}`;
}

/** All work that the step whose turn it is may have begun and not seen the end of, whatever became of who advanced the run. */
export function worksUnderWay({ id, cursor, steps }: Pick<RunHere, 'id' | 'cursor' | 'steps'>): string[] {
  const step = steps[cursor];
  // One that could not reach its host waits for another try, and what it began goes on there.
  if (step === undefined || step.attempts === 0 || (step.state !== 'started' && step.state !== 'pending')) return [];
  if (step.kind === STEP) return [workId(id, cursor)];
  if (step.kind === AGENT) return [workId(id, cursor, 1)];
  if (step.kind !== PUPPET) return [];
  const { rounds = ROUNDS } = step.args['puppet'] as unknown as PuppetStep;
  return Array.from({ length: rounds }, (_, before) => workId(id, cursor, before + 1));
}
