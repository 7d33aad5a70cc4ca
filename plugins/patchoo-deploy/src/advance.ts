import { D3Error } from '@d3/sdk';
import { clearUp } from './clear-up.ts';
import type { Parts } from './parts.ts';

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
  // Whoever starts it has a reason: what it waits for may be there by now.
  await ports.runs.hurry(id);
  const after = run.state === 'cancelled' ? run : await ports.power.awake(() => ports.runs.advance(id, { stays, by }));
  // What was ended from outside is cleared up by whoever comes next.
  if (after.state === 'cancelled') await clearUp(parts, id, 'cancelled');
}
