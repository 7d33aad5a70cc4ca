import { done, failed, type Kind, NO_ARGS } from './kind.ts';
import { notNow } from './not-now.ts';
import { restartFor } from './restart.ts';
import { askedOutside, troubleOver } from './trouble.ts';

/** Everything the machine should have by now, before its events. A depot that does not answer is waited for; it is no failure of the machine. */
export const checkIn: Kind = {
  offer: {
    kind: 'provision-check-in',
    summary: 'Syncs, before the events of a deployment.',
    schema: NO_ARGS,
    timeout: 4 * 3600,
  },
  async run(parts, { run }) {
    const { memory, ports } = parts;
    const before = await notNow(parts, run);
    if (before !== null) return before;
    return askedOutside(parts, run, 'the depot does not answer', async () => {
      const { failed: problems, restart, done: changed } = await ports.sync.run(memory.of(run).by);
      troubleOver(parts, run);
      if (problems.length > 0) return failed(problems.map(({ target, text }) => `${target}: ${text}`).join('; '));
      if (restart.length > 0) return await restartFor(parts, run, `${restart.join(', ')} needs it`);
      return done(changed.length === 0 ? 'in order' : changed.join(', '));
    });
  },
};
