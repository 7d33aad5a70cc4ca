import type { D3Error } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { isForeman } from '../rules/host-steps.ts';
import type { Assignment, Deployment, NamedHost, ParameterValue, Role } from '../types.ts';
import { type Connector, hostgroupOf } from './connector.ts';
import { type AssignOutcome, type End, type HostFate, here, isSame, outcomeOf, problem } from './fates.ts';
import { type DeploymentRuns, isUnderWay, newestRun } from './runs.ts';
import { eachOf } from './several.ts';
import {
  type Admin,
  allDeployments,
  blueprintNamed,
  changeDeployment,
  deploymentNamed,
  hostsIn,
  roleNamed,
  withHosts,
} from './store.ts';
import { type Refused, targetsOf } from './targets.ts';
import { refuseUnconfigured, typedValues } from './values.ts';

export interface AssignRequest {
  deployment: string;
  role: string;
  /** Names of hosts, or of computers. */
  hosts: readonly string[];
  /** `NAME=VALUE` each, for these hosts alone. */
  set: readonly string[];
  dryRun: boolean;
}

export interface Ports {
  admin: Admin;
  connector: Connector;
  runs: DeploymentRuns;
  clock: { now(): Date };
}

/**
 * Assigns hosts to a role of a deployment, each on its own: what stands against one is told beside it, and ends no other.
 * A host that is in that role already has its record elsewhere looked at again.
 * @throws D3Error notFound, refused, where the deployment, its role or what is set for it is wrong: then nothing is done
 */
export async function assignHosts(request: AssignRequest, ports: Ports): Promise<AssignOutcome> {
  const { admin } = ports;
  const deployment = await deploymentNamed(admin, request.deployment);
  const blueprint = await blueprintNamed(admin, deployment.body.blueprint);
  const role = roleNamed(blueprint, request.role);
  const own = typedValues(blueprint.body, request.set);
  refuseUnconfigured(deployment, blueprint.body, role.name, own);
  const targets = await targetsOf(request.hosts, admin, request.dryRun);
  const taken = await takenBy(admin);
  const wanted = targets.map((target): Wanted | Refused => {
    if ('problem' in target) return target;
    const problem = against(target.named, deployment.name, role.name, taken);
    return problem === null ? { ...target, role, own } : { word: target.word, problem };
  });
  const good = wanted.filter((one): one is Wanted => !('problem' in one));
  const bad = wanted.filter((one): one is Refused => 'problem' in one);
  const done = request.dryRun
    ? good.map((one): Wanted & { end: End } => ({ ...one, end: { result: null } }))
    : await carryOut(deployment, good, ports);
  const fates = new Map<string, HostFate>();
  const problems: D3Error[] = [];
  for (const { word, problem } of [...bad, ...done.flatMap(failures)]) {
    fates.set(word, { host: word, role: null, fate: 'failed', text: problem.message });
    problems.push(problem);
  }
  for (const { word, named, end } of done) {
    if ('problem' in end) continue;
    const was = here(hostsIn(deployment.body), named.name);
    const isSame = was?.role === role.name && Object.keys(own).length === 0 && end.result?.changed !== true;
    const fate = end.result?.state === 'held' ? 'held' : isSame ? 'same' : 'assigned';
    fates.set(word, { host: named.name, role: role.name, fate, text: end.result?.text ?? '' });
  }
  const hosts = targets.map(({ word }) => fates.get(word) as HostFate);
  return outcomeOf({ deployment: deployment.name, dryRun: request.dryRun, hosts }, problems);
}

interface Wanted {
  word: string;
  named: NamedHost;
  role: Role;
  own: Readonly<Record<string, ParameterValue>>;
}

function failures({ word, end }: { word: string; end: End }): Refused[] {
  return 'problem' in end ? [{ word, problem: end.problem }] : [];
}

/**
 * Writes the assignments down first, so that nobody else takes the hosts meanwhile; then says it elsewhere, host by host; and
 * takes those back that it could not be said of.
 */
async function carryOut(
  deployment: Kept<Deployment>,
  wanted: readonly Wanted[],
  ports: Ports,
): Promise<(Wanted & { end: End })[]> {
  if (wanted.length === 0) return [];
  const { admin, clock, connector } = ports;
  const at = clock.now().toISOString();
  const before = hostsIn(deployment.body);
  const run = await newestRun(deployment.body, ports.runs);
  await changeDeployment(admin, deployment.name, (body) => {
    const hosts = [...hostsIn(body)];
    for (const { named, role, own } of wanted) {
      const n = hosts.findIndex((one) => isSame(one.host, named.name));
      const was = hosts[n];
      // Somebody put it into another role meanwhile: found below, with those of other deployments.
      if (was !== undefined && was.role !== role.name) continue;
      const parameters = { ...was?.parameters, ...own };
      const made: Assignment =
        was === undefined
          ? { host: named.name, role: role.name, parameters, by: admin.by, at, outcome: null }
          : { ...was, parameters };
      hosts.splice(n === -1 ? hosts.length : n, 1, made);
    }
    return JSON.stringify(hosts) === JSON.stringify(hostsIn(body)) ? body : withHosts(body, hosts);
  });
  const taken = await takenBy(admin);
  const ends: End[] = await eachOf(wanted, async ({ named, role }) => {
    const problem = against(named, deployment.name, role.name, taken);
    if (problem !== null) throw problem;
    const was = here(before, named.name);
    // What was said of it elsewhere stays while it is deployed, and after: saying it anew would have it installed anew.
    if (!isForeman(named.host) || (was !== null && (isUnderWay(run) || was.outcome !== null))) return null;
    return connector.assign(named, hostgroupOf(connector, role));
  });
  const done = wanted.map((one, n) => ({ ...one, end: ends[n] as End }));
  const back = new Set(
    done.flatMap(({ named, end }) => ('problem' in end && here(before, named.name) === null ? [named.name] : [])),
  );
  if (back.size > 0) {
    await changeDeployment(admin, deployment.name, (body) =>
      withHosts(
        body,
        hostsIn(body).filter(({ host, at: since }) => !(back.has(host) && since === at)),
      ),
    );
  }
  return done;
}

/** Where each host is assigned, by its name in small letters: all places, which is one unless somebody was very fast. */
async function takenBy(admin: Admin): Promise<ReadonlyMap<string, { deployment: string; role: string }[]>> {
  const taken = new Map<string, { deployment: string; role: string }[]>();
  for (const { name, body } of await allDeployments(admin)) {
    for (const { host, role } of hostsIn(body)) {
      const key = host.toLowerCase();
      taken.set(key, [...(taken.get(key) ?? []), { deployment: name, role }]);
    }
  }
  return taken;
}

/** What stands against a host in this role of this deployment, or null: it is in one role of one deployment. */
function against(
  { name }: NamedHost,
  deployment: string,
  role: string,
  taken: ReadonlyMap<string, { deployment: string; role: string }[]>,
): D3Error | null {
  const other = (taken.get(name.toLowerCase()) ?? []).find((one) => one.deployment !== deployment || one.role !== role);
  if (other === undefined) return null;
  const out = `d3 deployment unassign ${other.deployment} --role ${other.role} ${name}`;
  const text = `${name} is in role ${other.role} of deployment ${other.deployment} already.`;
  return problem('HOST_TAKEN', 'refused', text, name, `take it out there first: ${out}`);
}
