import { D3Error } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import { backOff, elapsed } from '../rules/hold.ts';
import { later, type StepEnd } from './kind.ts';

/** What is asked again until it answers: a depot out of reach, a credential that is refused. What is not there is not "incomplete". */
const OUTSIDE = ['depotUnreachable', 'notAuthorised', 'verificationFailed', 'busy'];

/** Whether something outside was the reason, so that asking again is of use. */
export function isOutside(error: unknown): error is D3Error {
  return error instanceof D3Error && OUTSIDE.includes(error.exit);
}

/** Seconds between tries with a credential that is refused: more often only locks an account. */
const REFUSED = 300;

/** Seconds after which it is asked in any case. */
const LONGEST = 900;

/** Asks again after a while, longer each time; the screen says what is waited for, and for how long. */
export function askAgain({ memory, ports }: Parts, run: string, error: D3Error, what: string): StepEnd {
  const now = ports.clock.now();
  const { trouble } = memory.change(run, ({ trouble: before }) => ({
    trouble: {
      since: before?.since ?? now.toISOString(),
      failures: (before?.failures ?? 0) + 1,
      text: error.message,
    },
  }));
  const { since, failures } = trouble as NonNullable<typeof trouble>;
  const { retryAfter } = error as { retryAfter?: number | null };
  // A server that says when it wants to be asked again is not asked before, nor kept waiting for hours.
  const least = error.exit === 'notAuthorised' ? REFUSED : backOff(failures);
  const seconds = Math.max(least, Math.min(retryAfter ?? 0, LONGEST));
  return later(seconds, `${what} for ${elapsed(since, now)}: ${error.message}`);
}

/** Does what somebody outside has to answer for; where nobody does, it is asked again. */
export async function askedOutside(
  parts: Parts,
  run: string,
  what: string,
  work: () => Promise<StepEnd>,
): Promise<StepEnd> {
  try {
    return await work();
  } catch (error) {
    if (!isOutside(error)) throw error;
    return askAgain(parts, run, error, what);
  }
}

export function troubleOver({ memory }: Parts, run: string): void {
  memory.change(run, () => ({ trouble: null }));
}
