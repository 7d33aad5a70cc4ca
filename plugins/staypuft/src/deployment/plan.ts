import { D3Error, D3Errors, EXIT_CODES, type StepToRun } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { isForeman, stepsOf, usesPuppet } from '../rules/host-steps.ts';
import { levels } from '../rules/order.ts';
import { type Origin, valueProblems, valuesOf } from '../rules/parameters.ts';
import { wavesOf } from '../rules/waves.ts';
import type {
  Assignment,
  Blueprint,
  Deployment,
  HostKind,
  HostState,
  NamedHost,
  ParameterValue,
  Role,
} from '../types.ts';
import type { Connector } from './connector.ts';
import { secretsInJobs } from './job-secrets.ts';
import { type DeploymentRuns, isUnderWay, newestRun, type Standing, standingsOf } from './runs.ts';
import { eachOf } from './several.ts';
import { type Admin, blueprintNamed, deploymentNamed, hostsByName, rolesIn } from './store.ts';

/** Which hosts take part. */
export interface Chosen {
  /** Roles by their names; empty: all. */
  roles: readonly string[];
  /** Hosts by their names; empty: all. */
  hosts: readonly string[];
  /** Also those that are released: all that is done to them is done again. */
  again: boolean;
}

export const EVERYONE: Chosen = { roles: [], hosts: [], again: false };

/** Something that stands against a run, or that somebody should know before. */
export type PlanProblem = {
  /** A host, a role, or the deployment. */
  target: string;
  code: string;
  text: string;
  next: string;
};

export type PlannedHost = {
  host: string;
  role: string;
  kind: HostKind;
  state: HostState;
  /** Place of its wave within its role, from 0. */
  wave: number;
  /** Title of its role's hostgroup in Foreman; null: it is not deployed by way of it. */
  hostgroup: string | null;
  /** Secrets say only that they are given. */
  values: Readonly<Record<string, { value: ParameterValue; from: Origin }>>;
  prepare: readonly StepToRun[];
  /** Those of its role. */
  steps: readonly StepToRun[];
  release: readonly StepToRun[];
};

type PlannedRole = {
  name: string;
  after: readonly string[];
  /** Roles of one level run together. */
  level: number;
  mode: Role['mode'];
  abreast: number;
  maxFailures: number;
  waves: readonly (readonly string[])[];
};

/** What a run of a deployment does. */
export type DeploymentPlan = {
  deployment: string;
  blueprint: string;
  roles: readonly PlannedRole[];
  /** By role in their order, wave by wave. */
  hosts: readonly PlannedHost[];
  /** Hosts that take no part, and why. */
  left: readonly { host: string; role: string; why: string }[];
  /** What stands against it: with any of these it is not run. */
  problems: readonly PlanProblem[];
};

interface PlanInput {
  name: string;
  deployment: Deployment;
  blueprint: Blueprint;
  standings: readonly Standing[];
  hostgroup: (role: Role) => string | null;
  chosen: Chosen;
}

/** What a run would do: pure. */
function planOf({ name, deployment, blueprint, standings, hostgroup, chosen }: PlanInput): DeploymentPlan {
  const roles = levels(rolesIn(blueprint)).flatMap((level, n) => level.map((role) => ({ role, level: n })));
  const problems: PlanProblem[] = [...chosenProblems(name, blueprint, standings, chosen)];
  const left: DeploymentPlan['left'][number][] = [];
  const going: (Standing & { named: NamedHost })[] = [];
  const known = new Set(roles.map(({ role }) => role.name));
  for (const one of standings) {
    const { assignment, named, state } = one;
    const { host, role } = assignment;
    const why = reasonToLeave(assignment, state, chosen);
    if (why !== null) left.push({ host, role, why });
    else if (!known.has(role)) {
      problems.push({
        target: host,
        code: 'ROLE_GONE',
        text: `${host} is in role ${role}, which the blueprint ${deployment.blueprint} does not have any more`,
        next: `d3 deployment unassign ${name} ${host}`,
      });
    } else if (named === null) {
      problems.push({
        target: host,
        code: 'HOST_GONE',
        text: `nothing is known of the host ${host} any more`,
        next: `look for it: d3admin computer discover; or d3 deployment unassign ${name} ${host}`,
      });
    } else going.push({ ...one, named });
  }
  const puppet = usesPuppet(blueprint);
  const planned = roles.map(({ role, level }) => {
    const mine = going.filter(({ assignment }) => assignment.role === role.name);
    const waves = wavesOf(
      role,
      mine.map(({ named }) => named.name),
    );
    problems.push(...roleProblems(name, role, standings, mine, hostgroup(role)));
    const hosts = waves.flatMap((wave, n) =>
      wave.map((host): PlannedHost => {
        const { assignment, named, state } = mine.find((one) => one.named.name === host) as (typeof mine)[number];
        const { kind } = named.host;
        const made = stepsOf({ deployment: name, host, kind, role, puppet, hostgroup: hostgroup(role) });
        return {
          host,
          role: role.name,
          kind,
          state,
          wave: n,
          hostgroup: isForeman(named.host) ? hostgroup(role) : null,
          values: shownValues(blueprint, deployment, assignment),
          prepare: made.prepare,
          steps: made.role,
          release: made.release,
        };
      }),
    );
    const { after, mode, abreast, maxFailures } = role;
    return { role: { name: role.name, after, level, mode, abreast, maxFailures, waves }, hosts };
  });
  problems.push(...missingValues(name, deployment, blueprint, going));
  return {
    deployment: name,
    blueprint: deployment.blueprint,
    roles: planned.map(({ role }) => role),
    hosts: planned.flatMap(({ hosts }) => hosts),
    left,
    problems,
  };
}

/** The values a host has, as they are shown: a secret says only that it is given. */
export function shownValues(
  blueprint: Pick<Blueprint, 'parameters'>,
  deployment: Deployment,
  assignment: Pick<Assignment, 'role' | 'parameters'> | null,
): PlannedHost['values'] {
  return Object.fromEntries(
    valuesOf(blueprint, deployment, assignment).map(({ parameter, value, from }) => [
      parameter.name,
      { value: parameter.type === 'secret' && value !== null ? '(secret)' : value, from },
    ]),
  );
}

function reasonToLeave({ host, role }: Assignment, state: HostState, { roles, hosts, again }: Chosen): string | null {
  if (roles.length > 0 && !roles.includes(role)) return 'its role is not asked for';
  if (hosts.length > 0 && !hosts.some((one) => one.toLowerCase() === host.toLowerCase())) return 'it is not asked for';
  return state === 'released' && !again ? 'it is released' : null;
}

function chosenProblems(
  name: string,
  blueprint: Blueprint,
  standings: readonly Standing[],
  { roles, hosts }: Chosen,
): PlanProblem[] {
  const known = new Set(rolesIn(blueprint).map((role) => role.name));
  const here = new Set(standings.map(({ assignment }) => assignment.host.toLowerCase()));
  return [
    ...roles
      .filter((role) => !known.has(role))
      .map((role) => ({
        target: role,
        code: 'ROLE_NOT_FOUND',
        text: `there is no role ${role}`,
        next: `its roles are ${[...known].join(', ')}`,
      })),
    ...hosts
      .filter((host) => !here.has(host.toLowerCase()))
      .map((host) => ({
        target: host,
        code: 'HOST_NOT_ASSIGNED',
        text: `${host} is not in ${name}`,
        next: `d3 deployment assign ${name} --role ROLE ${host}`,
      })),
  ];
}

function roleProblems(
  name: string,
  role: Role,
  standings: readonly Standing[],
  going: readonly { named: NamedHost }[],
  hostgroup: string | null,
): PlanProblem[] {
  const all = standings.filter(({ assignment }) => assignment.role === role.name);
  const problems: PlanProblem[] = [];
  const wrong = (code: string, text: string, next: string) => problems.push({ target: role.name, code, text, next });
  if (all.length < role.min) {
    wrong(
      'ROLE_TOO_FEW',
      `role ${role.name} has ${all.length} of at least ${role.min} hosts`,
      `d3 deployment assign ${name} --role ${role.name} HOST`,
    );
  }
  if (role.max !== null && all.length > role.max) {
    wrong(
      'ROLE_TOO_MANY',
      `role ${role.name} has ${all.length} of at most ${role.max} hosts`,
      `d3 deployment unassign ${name} --role ${role.name} HOST`,
    );
  }
  const { leader } = role;
  if (
    leader !== null &&
    all.length > 0 &&
    !all.some(({ assignment }) => assignment.host.toLowerCase() === leader.toLowerCase())
  ) {
    wrong(
      'LEADER_MISSING',
      `role ${role.name} is led by ${leader}, which is not in it`,
      `d3 deployment assign ${name} --role ${role.name} ${leader}`,
    );
  }
  const needs = going.filter(({ named }) => isForeman(named.host));
  if (hostgroup === null && needs.length > 0) {
    wrong(
      'HOSTGROUP_UNKNOWN',
      `it is not said which hostgroup of Foreman is that of role ${role.name}, in which ${needs.length} of its hosts are`,
      'say hostgroup in the role of the blueprint, or set foreman.hostgroup',
    );
  }
  return problems;
}

/** What is missing, each once for all hosts it is missing for. */
function missingValues(
  name: string,
  deployment: Deployment,
  blueprint: Blueprint,
  going: readonly Standing[],
): PlanProblem[] {
  const found = new Map<string, string[]>();
  for (const { assignment } of going) {
    for (const text of valueProblems(valuesOf(blueprint, deployment, assignment))) {
      found.set(text, [...(found.get(text) ?? []), assignment.host]);
    }
  }
  return [...found].map(([text, hosts]) => ({
    target: hosts.length === going.length ? name : (hosts[0] as string),
    code: 'PARAMETER',
    text: `${text}, for ${hosts.length === going.length ? 'any host' : shortList(hosts)}`,
    next: `d3 deployment set ${name} NAME=VALUE`,
  }));
}

function shortList(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}

export interface PlanPorts {
  admin: Admin;
  connector: Connector;
  runs: DeploymentRuns;
}

/** A plan, with all it was made from. */
export interface PlanHere {
  plan: DeploymentPlan;
  deployment: Kept<Deployment>;
  blueprint: Kept<Blueprint>;
}

/**
 * The plan of a deployment as everything is now; it writes nothing, here or elsewhere.
 * @param drift whether Foreman is asked what of its hosts was changed behind d3's back
 */
export async function planHere(
  name: string,
  chosen: Chosen,
  { admin, connector, runs }: PlanPorts,
  drift = true,
): Promise<PlanHere> {
  const deployment = await deploymentNamed(admin, name);
  const blueprint = await blueprintNamed(admin, deployment.body.blueprint);
  const hosts = await hostsByName(admin);
  const standings = await standingsOf(deployment, blueprint.body, hosts, runs);
  const hostgroup = (role: Role) => connector.hostgroup(role);
  const plan = planOf({
    name: deployment.name,
    deployment: deployment.body,
    blueprint: blueprint.body,
    standings,
    hostgroup,
    chosen,
  });
  const problems = [...plan.problems];
  const run = await newestRun(deployment.body, runs);
  if (run !== null && isUnderWay(run)) {
    problems.push({
      target: deployment.name,
      code: 'DEPLOYMENT_RUNNING',
      text: `${deployment.name} runs (run ${run.id}, begun by ${run.by})`,
      next: `d3 deployment watch ${deployment.name}`,
    });
  }
  problems.push(...secretsInJobs(plan, blueprint.body, hosts, connector));
  if (drift) {
    problems.push(...(await driftOf(plan, deployment.name, blueprint.body, hosts, connector)));
    problems.push(...(await boardsMissing(plan, hosts, connector)));
  }
  return { plan: { ...plan, problems }, deployment, blueprint };
}

async function driftOf(
  plan: DeploymentPlan,
  name: string,
  blueprint: Blueprint,
  hosts: ReadonlyMap<string, NamedHost>,
  connector: Connector,
): Promise<PlanProblem[]> {
  const asked = plan.hosts.flatMap(({ host, role }) => {
    const named = hosts.get(host.toLowerCase());
    const found = rolesIn(blueprint).find((one) => one.name === role);
    const title = found === undefined ? null : connector.hostgroup(found);
    return named === undefined || title === null || !isForeman(named.host) ? [] : [{ named, title, role }];
  });
  const ends = await eachOf(asked, async ({ named, title }) => connector.drift(named, title));
  return ends.flatMap((end, n) => {
    const { named, role } = asked[n] as (typeof asked)[number];
    const texts = 'problem' in end ? [end.problem.message] : end.result;
    return texts.map((text) => ({
      target: named.name,
      code: 'HOST_DRIFTED',
      text,
      next: `have it as it is assigned again: d3 deployment assign ${name} --role ${role} ${named.name}; or put it right in Foreman`,
    }));
  });
}

/** Hosts that a step has restarted by their boards, and that have none. */
async function boardsMissing(
  { hosts: planned }: DeploymentPlan,
  hosts: ReadonlyMap<string, NamedHost>,
  connector: Connector,
): Promise<PlanProblem[]> {
  const asked = planned.flatMap(({ host, steps }) => {
    const named = hosts.get(host.toLowerCase());
    const byBoard = steps.some(({ args }) => (args['step'] as { reboot?: unknown } | undefined)?.reboot === 'bmc');
    return named === undefined || !byBoard ? [] : [named];
  });
  const ends = await eachOf(asked, async (named) => connector.boardMissing(named));
  return ends.flatMap((end, n) => {
    const why = 'problem' in end ? end.problem.message : end.result;
    const target = (asked[n] as NamedHost).name;
    return why === null
      ? []
      : [
          {
            target,
            code: 'HOST_WITHOUT_BMC',
            text: `a step has ${target} restarted by its board, which cannot be: ${why.replace(/\.$/, '')}`,
            next: 'give it an interface of type BMC in Foreman; or say reboot: true in the blueprint, by its own system',
          },
        ];
  });
}

/** All that stands against a plan, as one error. */
export function refusalOf({ deployment, problems }: DeploymentPlan): D3Errors | null {
  if (problems.length === 0) return null;
  const errors = problems.map(
    ({ code, text, target, next }) =>
      new D3Error(code, 'refused', `${deployment}: ${text}.`, { target, actions: [next] }),
  );
  return new D3Errors(errors, EXIT_CODES.refused.code);
}
