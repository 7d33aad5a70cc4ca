import { D3Error } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { isForeman } from '../rules/host-steps.ts';
import type { Assignment, Deployment, NamedHost } from '../types.ts';
import type { Ports } from './assign.ts';
import { type AssignOutcome, type End, type HostFate, isSame, outcomeOf, problem } from './fates.ts';
import { newestRun, refuseUnderWay, type Standing, standingsOf } from './runs.ts';
import { eachOf } from './several.ts';
import { changeDeployment, deploymentNamed, hostsByName, hostsIn, withHosts } from './store.ts';

export interface UnassignRequest {
  deployment: string;
  /** Null: whichever they are in. */
  role: string | null;
  hosts: readonly string[];
  /** Also hosts that are released: in Foreman, one that was discovered is installed anew at its next start. */
  force: boolean;
  dryRun: boolean;
}

/**
 * Takes hosts out of a deployment, each on its own.
 * @throws D3Error notFound; refused while the deployment runs
 */
export async function unassignHosts(request: UnassignRequest, ports: Ports): Promise<AssignOutcome> {
  const { admin, runs } = ports;
  const deployment = await deploymentNamed(admin, request.deployment);
  refuseUnderWay(deployment.name, await newestRun(deployment.body, runs), 'No host can be taken out');
  const hosts = await hostsByName(admin);
  const standings = await standingsOf(deployment, null, hosts, runs);
  const words = [...new Set(request.hosts)];
  const found = words.map((word) => {
    const one = standings.find(
      ({ assignment, named }) => isSame(assignment.host, word) || named?.host.computer === word,
    );
    if (one === undefined || (request.role !== null && one.assignment.role !== request.role)) {
      const where =
        request.role === null || one === undefined ? deployment.name : `role ${request.role} of ${deployment.name}`;
      return problem(
        'HOST_NOT_ASSIGNED',
        'notFound',
        `${word} is not in ${where}.`,
        word,
        `see who is: d3 deployment show ${deployment.name}`,
      );
    }
    if (one.state === 'released' && !request.force) {
      const what =
        one.named?.host.kind === 'discovered'
          ? 'it would be installed anew at its next start'
          : 'it would be d3’s no more';
      return problem(
        'HOST_RELEASED',
        'refused',
        `${word} is deployed: ${what}.`,
        word,
        'if that is meant, say --force',
      );
    }
    return one;
  });
  const good = found.filter((one): one is Standing => !(one instanceof D3Error));
  const problems = found.filter((one) => one instanceof D3Error);
  const ends = request.dryRun ? good.map(() => ({ result: null })) : await takeOut(deployment, good, ports);
  const fates: HostFate[] = [
    ...good.map(({ assignment: { host, role } }, n): HostFate => {
      const end = ends[n] as End;
      if (!('problem' in end)) return { host, role, fate: 'unassigned', text: end.result?.text ?? '' };
      problems.push(end.problem);
      return { host, role, fate: 'failed', text: end.problem.message };
    }),
    ...found.flatMap((one) =>
      one instanceof D3Error
        ? [{ host: one.target ?? '', role: null, fate: 'failed' as const, text: one.message }]
        : [],
    ),
  ];
  return outcomeOf({ deployment: deployment.name, dryRun: request.dryRun, hosts: fates }, problems);
}

/** Says it elsewhere first: what is cut off in between is still assigned here, and taken out by the same command again. */
export async function takeOut(
  deployment: Kept<Deployment>,
  wanted: readonly { assignment: Assignment; named: NamedHost | null }[],
  { admin, connector }: Pick<Ports, 'admin' | 'connector'>,
): Promise<End[]> {
  const ends: End[] = await eachOf(wanted, async ({ named }) =>
    named === null || !isForeman(named.host) ? null : connector.unassign(named),
  );
  const gone = new Set(
    wanted.filter((_, n) => !('problem' in (ends[n] as End))).map(({ assignment }) => assignment.host),
  );
  if (gone.size === 0) return ends;
  await changeDeployment(admin, deployment.name, (body) => {
    if (body.run !== deployment.body.run) {
      throw new D3Error(
        'DEPLOYMENT_RUNNING',
        'refused',
        `${deployment.name} was begun meanwhile: its hosts stay in it.`,
        {
          target: deployment.name,
          actions: [`look how far it is: d3 deployment watch ${deployment.name}`],
        },
      );
    }
    return withHosts(
      body,
      hostsIn(body).filter(({ host }) => !gone.has(host)),
    );
  });
  return ends;
}
