import { D3Error, type RunHere } from '@d3/sdk';
import { clearUp } from './clear-up.ts';
import { happens, tellNotices } from './notices.ts';
import type { Parts } from './parts.ts';
import { writeReport } from './report.ts';

/**
 * Goes on with the deployment of this machine until it is over, holds at a failure or waits for a restart.
 * @param stays whether it also stays while it holds for what is not known, or the depot does not answer
 * @throws D3Error notFound `NOT_DEPLOYED` when there is none; busy when another process is at it
 */
export async function advance(parts: Parts, { stays, by }: { stays: boolean; by: string }): Promise<void> {
  const { memory, ports } = parts;
  const deployment = memory.deployment();
  if (deployment === null || (deployment.end !== null && !deployment.end.closing)) {
    throw new D3Error('NOT_DEPLOYED', 'notFound', 'No deployment of this machine is under way.', {
      target: ports.root,
      actions: ['begin one: d3 provision setup'],
    });
  }
  const { run: id } = deployment;
  const run = await ports.runs.get(id);
  if (run === null) {
    throw new D3Error('RUN_NOT_FOUND', 'notFound', `The run ${id} of this machine's deployment is not there.`, {
      target: id,
      actions: ['begin it again: d3 provision setup'],
    });
  }
  // What was cut before it was told, and what did not come through.
  await failureTold(parts, run);
  // Whoever starts it has a reason: what it waits for may be there by now.
  await ports.runs.hurry(id);
  const after = run.state === 'cancelled' ? run : await ports.power.awake(() => ports.runs.advance(id, { stays, by }));
  await failureTold(parts, after);
  // What was ended from outside is cleared up by whoever comes next.
  if (after.state === 'cancelled') await clearUp(parts, id, 'cancelled');
  // Once more, with how its last step ended.
  if (after.endedAt !== null && memory.deployment()?.end) await writeReport(parts, id);
}

/** A failure that holds the machine is told once for each time the step failed. */
async function failureTold(parts: Parts, run: RunHere): Promise<void> {
  const { id, state, text: reason, cursor, steps } = run;
  if (state === 'holding' || state === 'failed') {
    const key = `failure-held ${cursor} ${steps[cursor]?.attempts ?? 0}`;
    parts.memory.change(id, (before) =>
      happens(parts, before, { event: 'failure-held', state: 'failed-held', reason, key }),
    );
  }
  await tellNotices(parts, id);
}
