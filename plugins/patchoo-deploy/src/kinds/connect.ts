import { done, type Kind, NO_ARGS } from './kind.ts';
import { askAgain, isOutside, troubleOver } from './trouble.ts';

/** Nothing is begun before the depot answers. It is waited for as long as it takes, and never without saying so. */
export const connect: Kind = {
  offer: {
    kind: 'provision-connect',
    summary: 'Waits until the depot answers.',
    schema: NO_ARGS,
    timeout: 600,
  },
  async run(parts, { run }) {
    try {
      // What is pending is worked out from the newest catalog: whoever can say it has reached the depot and trusts it.
      await parts.ports.sync.pending();
    } catch (error) {
      if (!isOutside(error)) throw error;
      // It may have gone wrong since it was looked at, or nobody could tell before.
      if (error.code === 'CLOCK_WRONG' || /certificate/.test(error.message)) await parts.ports.system.setClock();
      return askAgain(parts, run, error, 'waiting for the depot');
    }
    troubleOver(parts, run);
    return done('the depot answers');
  },
};
