import { D3Error, type RunHere } from '@d3/sdk';
import { clearUp, disarm } from './clear-up.ts';
import type { Deployment } from './memory.ts';
import type { Parts } from './parts.ts';

/** What persons decide about the deployment of this machine; each is kept with who and why. */

export interface Who {
  by: string;
  why: string;
}

/** @throws D3Error notFound `NOT_DEPLOYED` */
function underWay({ memory, ports }: Parts): Deployment {
  const deployment = memory.deployment();
  if (deployment !== null && (deployment.end === null || deployment.end.closing)) return deployment;
  throw new D3Error('NOT_DEPLOYED', 'notFound', 'No deployment of this machine is under way.', {
    target: ports.root,
    actions: ['see how it stands: d3 provision status'],
  });
}

async function runOf({ ports }: Parts, { run: id }: Deployment): Promise<RunHere> {
  const run = await ports.runs.get(id);
  if (run !== null) return run;
  throw new D3Error('RUN_NOT_FOUND', 'notFound', `The run ${id} of this machine's deployment is not there.`, {
    target: id,
  });
}

/** Has the step that failed or holds tried again; one that waits is tried at once. */
export async function retry(parts: Parts, by: string): Promise<void> {
  const deployment = underWay(parts);
  if (await parts.ports.runs.hurry(deployment.run)) return;
  await parts.ports.runs.retry(deployment.run, by);
}

/** Leaves out the step at which it stands. The release itself is not left out: then the machine is released in spite of what is in the way. */
export async function skip(parts: Parts, who: Who): Promise<void> {
  const deployment = underWay(parts);
  const run = await runOf(parts, deployment);
  const step = run.steps[run.cursor];
  if (step?.kind === 'provision-release' || step?.kind === 'provision-resolve') return releaseAsItIs(parts, who);
  await parts.ports.runs.skip(deployment.run, who.by, who.why);
}

/** The machine is released as it is: what is still to be done is left out, and what keeps it is taken away. */
export async function releaseAsItIs(parts: Parts, { by, why }: Who): Promise<void> {
  const { memory, ports } = parts;
  const deployment = underWay(parts);
  const run = await runOf(parts, deployment);
  const at = ports.clock.now().toISOString();
  memory.change(deployment.run, () => ({ override: { by, at, why }, restart: null }));
  if (await ports.runs.hurry(deployment.run)) return;
  const step = run.steps[run.cursor];
  if (run.state !== 'holding' && run.state !== 'failed') return;
  if (step?.kind.startsWith('provision-')) await ports.runs.retry(deployment.run, by);
  else await ports.runs.skip(deployment.run, by, why);
}

/** Ends it for good. What keeps the machine is taken away at once, unless somebody is at work: then by them. */
export async function cancel(parts: Parts, { by, why }: Who): Promise<void> {
  const deployment = underWay(parts);
  const run = await parts.ports.runs.get(deployment.run);
  const after = run === null || run.state === 'cancelled' ? run : await cancelled(parts, run, { by, why });
  if (after !== null && after.state !== 'cancelled') return;
  await clearUp(parts, deployment.run, 'cancelled');
  await disarm(parts);
}

async function cancelled({ ports }: Parts, { id, endedAt }: RunHere, { by, why }: Who): Promise<RunHere | null> {
  return endedAt === null ? ports.runs.cancel(id, by, why) : null;
}
