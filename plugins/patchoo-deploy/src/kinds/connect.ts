import { notReady } from '../readiness.ts';
import { done, type Kind, NO_ARGS } from './kind.ts';
import { askAgain, troubleOver } from './trouble.ts';

/** Nothing is begun before the depot answers. It is waited for as long as it takes, and never without saying so. */
export const connect: Kind = {
  offer: {
    kind: 'provision-connect',
    summary: 'Waits until the depot answers.',
    schema: NO_ARGS,
    timeout: 600,
  },
  async run(parts, { run }) {
    const reason = await notReady(parts);
    if (reason !== null) {
      // It may have gone wrong since it was looked at, or nobody could tell before.
      if (reason.code === 'CLOCK_WRONG' || /certificate/.test(reason.message)) await parts.ports.system.setClock();
      return askAgain(parts, run, reason, 'waiting for the depot');
    }
    troubleOver(parts, run);
    return done('the depot answers');
  },
};
