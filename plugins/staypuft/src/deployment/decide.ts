import { type AdminPort, D3Error, type DepotRunBrief, type RunHere } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { worksUnderWay } from '../kinds/work-id.ts';
import { partId, partOf } from '../rules/conduct.ts';
import { runName, stepsOf } from '../rules/host-steps.ts';
import type { DeploymentRun, Role } from '../types.ts';
import { isSame } from './fates.ts';
import { lastRun, openRun, type RunPorts } from './run.ts';
import { eachOf } from './several.ts';
import { hostsByName } from './store.ts';

/** What was decided about a run. A type, so that it is JSON. */
export type DecidedRun = {
  deployment: string;
  run: string;
  /** What was done to each host's run. */
  hosts: { host: string; phase: string; text: string }[];
};

/** Milliseconds that a run has to end once it is cancelled, and between two looks whether it has. */
const ENDING = 65_000;
const LOOK = 250;

type Pause = (milliseconds: number) => Promise<void>;

/** Has what failed tried again, on all hosts or on one. @throws D3Error refused `NOTHING_TO_RETRY` */
export async function retryHosts(name: string, host: string | null, ports: RunPorts): Promise<DecidedRun> {
  const { admin } = ports;
  const { name: deployment, run } = await openRun(name, ports);
  const score = await scoreOfRun(admin, run.id);
  const stopped = (await admin.runs.family(run.id)).filter(isStopped);
  const own = partsOf(score, run.id, stopped, host);
  if (own.length === 0 && run.state !== 'holding') {
    throw new D3Error(
      'NOTHING_TO_RETRY',
      'refused',
      `Nothing of ${deployment} has failed${host === null ? '' : ` on ${host}`}.`,
      {
        target: host ?? deployment,
        actions: [`look how far it is: d3 deployment watch ${deployment}`],
      },
    );
  }
  const hosts = [];
  for (const { id, host: which, phase } of own) {
    await admin.runs.retry(id);
    hosts.push({ host: which, phase, text: 'is tried again' });
  }
  await goOn(admin, run);
  return { deployment, run: run.id, hosts };
}

/**
 * Leaves out the step a host failed on, or the host altogether.
 * @param step whether only the step
 */
export async function skipHost(
  name: string,
  { host, step, why }: { host: string; step: boolean; why: string },
  ports: RunPorts,
): Promise<DecidedRun> {
  const { admin } = ports;
  const { name: deployment, run } = await openRun(name, ports);
  const score = await scoreOfRun(admin, run.id);
  const family = await admin.runs.family(run.id);
  const part = partsOf(score, run.id, family, host).find(({ state }) => state !== 'done' && state !== 'cancelled');
  if (part === undefined) {
    throw new D3Error('NOTHING_TO_SKIP', 'refused', `Nothing of ${deployment} is to be left out on ${host}.`, {
      target: host,
      actions: [`look how far it is: d3 deployment watch ${deployment}`],
    });
  }
  const was = await admin.runs.get(part.id);
  if (step) await admin.runs.skip(part.id, why);
  else {
    // One that failed is over: it is begun again to be ended by somebody, with why.
    if (part.state === 'failed') await admin.runs.retry(part.id);
    await admin.runs.cancel(part.id, why);
  }
  const text = await endedOn(part.host, step ? 'the step is left out' : 'the host is left out', was, ports);
  await goOn(admin, run);
  return { deployment, run: run.id, hosts: [{ host: part.host, phase: part.phase, text }] };
}

/** Lets a run go on that holds, or that nobody advances. */
export async function resumeDeployment(name: string, ports: RunPorts): Promise<DecidedRun> {
  const { name: deployment, run } = await openRun(name, ports);
  await goOn(ports.admin, run);
  return { deployment, run: run.id, hosts: [] };
}

/**
 * Ends a run for good: nothing more is begun, and what is under way is ended on its hosts, as soon as whoever advances it sees it.
 * @param pause waits so many milliseconds
 */
export async function cancelDeployment(name: string, why: string, ports: RunPorts, pause: Pause): Promise<DecidedRun> {
  const { admin } = ports;
  const { name: deployment, run } = await openRun(name, ports);
  const score = await scoreOfRun(admin, run.id);
  await admin.runs.cancel(run.id, why);
  // First nobody begins anything more; then what was begun is ended.
  await ending(admin, run.id, why, pause);
  const open = partsOf(score, run.id, (await admin.runs.family(run.id)).filter(isOpen), null);
  for (const { id } of open) await cancelOpen(admin, id, why);
  for (const { id } of open) await ending(admin, id, why, pause);
  const hosts: DecidedRun['hosts'] = [];
  await eachOf(open, async ({ id, host, phase }, index) => {
    hosts[index] = { host, phase, text: await endedOn(host, 'is ended', await admin.runs.get(id), ports) };
  });
  const known = await hostsByName(admin);
  const targets = score.hosts.flatMap(({ host }) => known.get(host.toLowerCase()) ?? []);
  for (const { host, text } of await ports.connector.tidy(targets)) hosts.push({ host, phase: 'release', text });
  return { deployment, run: run.id, hosts };
}

/**
 * Whoever advances a run that is cancelled ends what it began on its host: where they can, and are there. So it is seen to here that it is.
 * @param text what became of the host @returns that, and whether something may go on there
 */
async function endedOn(host: string, text: string, run: RunHere | null, ports: RunPorts): Promise<string> {
  const works = run === null ? [] : worksUnderWay(run);
  if (works.length === 0) return text;
  try {
    await ports.endWork(host, works);
    return text;
  } catch (error) {
    if (!(error instanceof D3Error)) throw error;
    return `${text}, but what it began there may go on: ${error.message}`;
  }
}

/** Hands hosts over whose role is done, without waiting for the others. */
export async function releaseHosts(name: string, host: string | null, ports: RunPorts): Promise<DecidedRun> {
  const { admin } = ports;
  const { name: deployment, run } = await lastRun(name, ports);
  const score = await scoreOfRun(admin, run.id);
  const family = new Map((await admin.runs.family(run.id)).map((part) => [part.id, part]));
  const hosts: DecidedRun['hosts'] = [];
  for (const [index, taking] of score.hosts.entries()) {
    if (host !== null && !isSame(taking.host, host)) continue;
    const done = family.get(partId(run.id, index, 'role'))?.state === 'done';
    const id = partId(run.id, index, 'release');
    if (!done || family.has(id)) continue;
    const role = (score.roles as readonly Role[]).find((one) => one.name === taking.role) as Role;
    const { release } = stepsOf({ ...taking, deployment, role, puppet: score.puppet });
    await admin.runs.create({ id, name: runName(deployment, taking.host, 'release'), parent: run.id, steps: release });
    hosts.push({ host: taking.host, phase: 'release', text: 'is released' });
  }
  if (hosts.length > 0) return { deployment, run: run.id, hosts };
  throw new D3Error(
    'NOTHING_TO_RELEASE',
    'refused',
    `No host${host === null ? '' : ` ${host}`} of ${deployment} has its role done and is not released.`,
    {
      target: host ?? deployment,
      actions: [`see how far they are: d3 deployment show ${deployment}`],
    },
  );
}

export async function scoreOfRun(admin: AdminPort, run: string): Promise<DeploymentRun> {
  const found = await admin.documents('deployment-run').byName(run);
  if (found !== null) return (found as Kept<DeploymentRun>).body;
  throw new D3Error('RUN_PLAN_GONE', 'notFound', `What the run ${run} goes by is gone.`, {
    target: run,
    actions: ['end it: d3 run cancel --of-depot', 'then run the deployment again'],
  });
}

async function goOn(admin: AdminPort, run: RunHere): Promise<void> {
  if (run.state === 'holding' || run.state === 'waiting') await admin.runs.resume(run.id);
  else await admin.runs.hurry(run.id);
}

/** One that came to its end meanwhile stays as it is. */
async function cancelOpen(admin: AdminPort, id: string, why: string): Promise<void> {
  await admin.runs.cancel(id, why).catch((error: unknown) => {
    if (!(error instanceof D3Error && error.code === 'RUN_OVER')) throw error;
  });
}

/** Waits for the end of a run that was cancelled. Where whoever advanced it was lost, it ends when their lease is over. */
async function ending(admin: AdminPort, id: string, why: string, pause: Pause): Promise<void> {
  for (let waited = 0; waited < ENDING; waited += LOOK) {
    const found = await admin.runs.get(id);
    if (found === null || !isOpen(found)) return;
    if (!found.isAdvanced) return cancelOpen(admin, id, why);
    await pause(LOOK);
  }
}

function isStopped({ state }: DepotRunBrief): boolean {
  return state === 'failed' || state === 'holding';
}

function isOpen({ state }: Pick<DepotRunBrief, 'state'>): boolean {
  return state === 'running' || state === 'waiting' || state === 'holding';
}

interface HostPart extends DepotRunBrief {
  host: string;
  phase: string;
}

function partsOf(score: DeploymentRun, run: string, family: readonly DepotRunBrief[], host: string | null): HostPart[] {
  return family.flatMap((brief) => {
    const part = partOf(run, brief.id);
    const taking = part === null ? undefined : score.hosts[part.index];
    if (part === null || taking === undefined || (host !== null && !isSame(taking.host, host))) return [];
    return [{ ...brief, host: taking.host, phase: part.phase }];
  });
}
