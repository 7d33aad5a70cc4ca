import { D3Error } from '@d3/sdk';
import type { Ports } from './assign.ts';
import { type AssignOutcome, type HostFate, outcomeOf } from './fates.ts';
import { newestRun, refuseUnderWay, standingsOf } from './runs.ts';
import { deploymentNamed, hostsByName } from './store.ts';
import { takeOut } from './unassign.ts';

export interface DeleteRequest {
  deployment: string;
  /** Also where hosts are released. */
  force: boolean;
  dryRun: boolean;
}

/**
 * Takes all hosts out of a deployment, and then the deployment away; while one of them stays, so does the deployment.
 * @throws D3Error notFound; refused while it runs, and where hosts are released and nobody insists
 */
export async function deleteDeployment(
  { deployment: name, force, dryRun }: DeleteRequest,
  ports: Ports,
): Promise<AssignOutcome> {
  const { admin, runs } = ports;
  const deployment = await deploymentNamed(admin, name);
  refuseUnderWay(deployment.name, await newestRun(deployment.body, runs), 'It cannot be deleted');
  const standings = await standingsOf(deployment, null, await hostsByName(admin), runs);
  const released = standings.filter(({ state }) => state === 'released');
  if (released.length > 0 && !force) {
    const [first] = released;
    throw new D3Error(
      'HOST_RELEASED',
      'refused',
      `${released.length} hosts of ${deployment.name} are deployed, ${first?.assignment.host} among them: discovered ones would be installed anew at their next start.`,
      {
        target: deployment.name,
        actions: [
          'if that is meant, say --force',
          `or keep it, and its report: d3 deployment report ${deployment.name}`,
        ],
      },
    );
  }
  const ends = dryRun ? standings.map(() => ({ result: null })) : await takeOut(deployment, standings, ports);
  const errors: D3Error[] = [];
  const hosts = standings.map(({ assignment: { host, role } }, n): HostFate => {
    const end = ends[n] as (typeof ends)[number];
    if (!('problem' in end)) return { host, role, fate: 'unassigned', text: end.result?.text ?? '' };
    errors.push(end.problem);
    return { host, role, fate: 'failed', text: end.problem.message };
  });
  if (!dryRun && errors.length === 0) {
    const now = await deploymentNamed(admin, deployment.name);
    if ((now.body.hosts as readonly unknown[]).length > 0) {
      throw new D3Error('DOCUMENT_CONFLICT', 'refused', `Somebody assigned hosts to ${now.name} meanwhile: it stays.`, {
        target: now.name,
        actions: [`look who they are: d3 deployment show ${now.name}`],
      });
    }
    await admin.documents('deployment').remove(now.id, now.generation);
  }
  return outcomeOf({ deployment: deployment.name, dryRun, hosts }, errors);
}
