import { randomBytes } from 'node:crypto';
import { type AdminPort, D3Error, type RunHere } from '@d3/sdk';
import { CONDUCT } from '../kinds/conduct.ts';
import { usesPuppet } from '../rules/host-steps.ts';
import type { DeploymentRun, Role } from '../types.ts';
import type { Ports } from './assign.ts';
import { type Chosen, type DeploymentPlan, planHere, refusalOf } from './plan.ts';
import { isUnderWay, newestRun } from './runs.ts';
import { changeDeployment, deploymentNamed, rolesIn } from './store.ts';

/** Plans of runs that are kept of each deployment, the newest. */
const KEPT = 10;

export interface Begun {
  /** Null: there is nothing to do. */
  run: string | null;
  plan: DeploymentPlan;
}

/** Ports to begin and decide about runs. */
export type RunPorts = Ports & {
  admin: AdminPort;
  /** Ends work of these ids on a host. */
  endWork: (host: string, ids: readonly string[]) => Promise<void>;
};

/**
 * Begins a run of a deployment: what it goes by is written down, then the deployment says that it runs, then the run is made. A cut
 * in between leaves one that never began, and the next begins anew.
 * @param abreast hosts that are prepared and released at the same time
 * @throws D3Error refused `DEPLOYMENT_RUNNING`; D3Errors refused with all that stands against it
 */
export async function beginRun(name: string, chosen: Chosen, abreast: number, ports: RunPorts): Promise<Begun> {
  const { admin, clock, connector } = ports;
  const { plan, deployment: kept, blueprint } = await planHere(name, chosen, ports);
  const refusal = refusalOf(plan);
  if (refusal !== null) throw refusal;
  if (plan.hosts.length === 0) return { run: null, plan };
  const id = `${clock
    .now()
    .toISOString()
    .slice(0, 19)
    .replaceAll(/[^0-9]/g, '')}-${randomBytes(4).toString('hex')}`;
  const byRole = new Map(rolesIn(blueprint.body).map((role) => [role.name, connector.hostgroup(role)]));
  const score: DeploymentRun = {
    schema: 'd3/deployment-run@1',
    deployment: kept.name,
    at: clock.now().toISOString(),
    by: admin.by,
    roles: rolesIn(blueprint.body) as Role[] & DeploymentRun['roles'],
    hosts: plan.hosts.map(({ host, kind, role }) => ({ host, kind, role, hostgroup: byRole.get(role) ?? null })),
    puppet: usesPuppet(blueprint.body),
    abreast,
  };
  const before = kept.body.run;
  await admin.documents('deployment-run').create(id, score);
  await changeDeployment(admin, kept.name, (body) => {
    if (body.run !== before) throw fasterThan(kept.name);
    return { ...body, run: id };
  });
  await admin.runs.create({
    id,
    name: kept.name,
    parent: null,
    steps: [{ kind: CONDUCT, args: { deployment: kept.name }, name: 'conduct', timeout: 3600, onFailure: 'hold' }],
  });
  await dropOld(kept.name, id, admin);
  return { run: id, plan };
}

/** The run of a deployment that is under way, or holds. @throws D3Error refused `DEPLOYMENT_NOT_RUNNING` */
export async function openRun(
  name: string,
  { admin, runs }: Pick<RunPorts, 'admin' | 'runs'>,
): Promise<{ name: string; run: RunHere }> {
  const kept = await deploymentNamed(admin, name);
  const run = await newestRun(kept.body, runs);
  if (run !== null && isUnderWay(run)) return { name: kept.name, run };
  throw new D3Error(
    'DEPLOYMENT_NOT_RUNNING',
    'refused',
    run === null ? `${kept.name} does not run.` : `${kept.name} does not run any more: it ended ${run.state}.`,
    { target: kept.name, actions: [`begin: d3 deployment run ${kept.name}`] },
  );
}

/** @throws D3Error notFound where a deployment never ran, or its last run is not kept any more */
export async function lastRun(
  name: string,
  { admin, runs }: Pick<RunPorts, 'admin' | 'runs'>,
): Promise<{ name: string; run: RunHere }> {
  const kept = await deploymentNamed(admin, name);
  const run = await newestRun(kept.body, runs);
  if (run !== null) return { name: kept.name, run };
  throw new D3Error('DEPLOYMENT_NEVER_RAN', 'notFound', `${kept.name} never ran.`, {
    target: kept.name,
    actions: [`see what it would do: d3 deployment plan ${kept.name}`, `begin: d3 deployment run ${kept.name}`],
  });
}

function fasterThan(name: string): D3Error {
  return new D3Error('DEPLOYMENT_RUNNING', 'refused', `Somebody else began to run ${name} at the same moment.`, {
    target: name,
    actions: [`look how far it is: d3 deployment watch ${name}`],
  });
}

/** What runs went by that are long over; nothing looks at it any more. */
async function dropOld(name: string, newest: string, admin: AdminPort): Promise<void> {
  const documents = admin.documents('deployment-run');
  const own = (await documents.list()).filter(({ body }) => body['deployment'] === name);
  for (const { id, generation, name: run } of own.slice(0, Math.max(0, own.length - KEPT)))
    if (run !== newest) await documents.remove(id, generation).catch(() => undefined);
}
