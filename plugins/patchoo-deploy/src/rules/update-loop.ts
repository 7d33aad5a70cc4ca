import type { PendingChange } from '@d3/sdk';

/** The loop that goes on until nothing is pending: pure. */

/** How far it is; kept between cycles. */
export interface Loop {
  /** Cycles that were begun. */
  cycle: number;
  /** What was pending before the last cycle, each as one word; null: there was none yet. */
  before: readonly string[] | null;
  /** Cycles in a row in which nothing came off the list. */
  stuck: number;
  /** The last cycle that was begun is not over: a cut or a restart came into it. It goes on, and counts once. */
  open: boolean;
  /** What of the open cycle needs a restart of the machine. */
  restarts: readonly string[];
}

export const LOOP_BEGIN: Loop = { cycle: 0, before: null, stuck: 0, open: false, restarts: [] };

export interface LoopLimits {
  maxCycles: number;
  stuckCycles: number;
}

/** What is done next. `stuck` and `exhausted` say what is still pending. */
export type LoopTurn = { kind: 'done' } | { kind: 'cycle'; loop: Loop } | { kind: 'stuck' | 'exhausted'; why: string };

/** The same words for the same changes in any order. */
function fingerprint(pending: readonly PendingChange[]): string[] {
  return [...new Set(pending.map(({ action, edition, target }) => `${action} ${edition ?? target}`))].toSorted();
}

/**
 * Whether there is another cycle. Something that came off the list is progress, whatever came onto it; cycles that only swap the same
 * things for ever end with the most there may be.
 * @param pending what is pending now
 */
export function turn(loop: Loop, pending: readonly PendingChange[], { maxCycles, stuckCycles }: LoopLimits): LoopTurn {
  if (loop.open) return { kind: 'cycle', loop };
  const now = fingerprint(pending);
  // There is one cycle in any case: only it fires the events.
  if (now.length === 0 && loop.cycle > 0) return { kind: 'done' };
  const { before } = loop;
  const moved = before === null || before.some((word) => !now.includes(word)) || before.length === 0;
  const stuck = moved ? 0 : loop.stuck + 1;
  if (stuck >= stuckCycles)
    return { kind: 'stuck', why: `nothing came off the list in ${stuck} cycles: ${now.join(', ')}` };
  if (loop.cycle >= maxCycles)
    return { kind: 'exhausted', why: `after ${loop.cycle} cycles there is still: ${now.join(', ')}` };
  return { kind: 'cycle', loop: { cycle: loop.cycle + 1, before: now, stuck, open: true, restarts: [] } };
}
