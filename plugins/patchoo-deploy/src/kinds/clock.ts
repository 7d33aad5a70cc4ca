import type { ClockHere } from '@d3/sdk';
import type { Parts } from '../parts.ts';
import { backOff, elapsed } from '../rules/hold.ts';
import { done, type Kind, later, NO_ARGS, type StepEnd } from './kind.ts';
import { troubleOver } from './trouble.ts';

/** How often a clock is set because of what a host says, which may itself be wrong. */
const TRIES_ON_HEARSAY = 8;

/**
 * The time comes before everything that is verified by it: a signature that is out of date, or a certificate that is not valid yet,
 * would else say of the depot what is wrong with the clock. The machine's own time service sets it; nothing is set from what a host says.
 */
export const clock: Kind = {
  offer: {
    kind: 'provision-clock',
    summary: 'Has the clock set where it cannot be right; waits until it is.',
    schema: NO_ARGS,
    timeout: 600,
  },
  async run(parts, { run }) {
    const { ports, memory } = parts;
    const before = await ports.system.clock();
    if (before.verdict === 'right') return right(parts, run);
    const { set, text } = await ports.system.setClock();
    const after = await ports.system.clock();
    if (after.verdict === 'right') {
      memory.warn(run, `${before.text}; ${text}`);
      return right(parts, run);
    }
    // A time service that was reached is believed before a host, unless the time is past for certain.
    const failures = memory.of(run).trouble?.failures ?? 0;
    if (!after.certain && (set || failures + 1 >= TRIES_ON_HEARSAY)) {
      memory.warn(run, `${after.text}; ${text}`);
      troubleOver(parts, run);
      return done(`it goes on with what the clock says: ${after.text}`);
    }
    return waitFor(parts, run, after, text);
  },
};

function right(parts: Parts, run: string): StepEnd {
  troubleOver(parts, run);
  return done('the clock is right');
}

function waitFor({ memory, ports }: Parts, run: string, { text }: ClockHere, why: string): StepEnd {
  const now = ports.clock.now();
  const { trouble } = memory.change(run, ({ trouble: before }) => ({
    trouble: { since: before?.since ?? now.toISOString(), failures: (before?.failures ?? 0) + 1, text },
  }));
  const { since, failures } = trouble as NonNullable<typeof trouble>;
  return later(backOff(failures), `${text}; it was not set (${why}): set it by hand. Tried for ${elapsed(since, now)}`);
}
