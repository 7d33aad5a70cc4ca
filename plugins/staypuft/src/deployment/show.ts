import type { D3Error, Json } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { roleKey, withoutSecrets } from '../rules/parameters.ts';
import { stateOf } from '../rules/states.ts';
import { byName } from '../rules/waves.ts';
import type { Blueprint, Deployment, HostKind, HostState, Parameter } from '../types.ts';
import type { Ports } from './assign.ts';
import { shownValues } from './plan.ts';
import { newestRun, standingsOf } from './runs.ts';
import { allDeployments, blueprintNamed, deploymentNamed, hostsByName, rolesIn } from './store.ts';

/** A host in one line, whatever kind it is. A type, so that it is JSON. */
export type HostTold = {
  host: string;
  kind: HostKind | null;
  address: string | null;
  proxy: string | null;
  deployment: string | null;
  role: string | null;
  state: HostState;
  /** What is done to it now, or was last. */
  text: string;
  by: string | null;
  at: string | null;
  facts: { [name: string]: Json };
};

export type DeploymentBrief = {
  name: string;
  description: string;
  blueprint: string;
  counts: { [state: string]: number };
  run: string | null;
};

export type DeploymentTold = DeploymentBrief & {
  values: { [name: string]: { value: Json; from: string } };
  /** Values that only hosts of one role have, as `ROLE:NAME`. */
  ofRoles: { [name: string]: Json };
  hosts: (HostTold & { values: { [name: string]: Json } })[];
};

type Looking = Pick<Ports, 'admin' | 'runs'>;

/** All deployments, by name. */
export async function listDeployments({ admin, runs }: Looking): Promise<DeploymentBrief[]> {
  const hosts = await hostsByName(admin);
  const told = await Promise.all(
    (await allDeployments(admin)).map(async (one) => {
      const standings = await standingsOf(one, await blueprintOrNull(admin, one), hosts, runs);
      return briefOf(one, standings, { runs });
    }),
  );
  return told.toSorted((one, other) => byName(one.name, other.name));
}

/** All hosts that are known, in a deployment or not: machines of every kind in one list. */
export async function listHosts({ admin, runs }: Looking): Promise<HostTold[]> {
  const hosts = await hostsByName(admin);
  const found: HostTold[] = [];
  const seen = new Set<string>();
  for (const one of await allDeployments(admin)) {
    const standings = await standingsOf(one, await blueprintOrNull(admin, one), hosts, runs);
    for (const standing of standings) seen.add(standing.assignment.host.toLowerCase());
    found.push(...standings.map((standing) => hostTold(one.name, standing)));
  }
  for (const [key, { name, host }] of hosts) {
    if (seen.has(key)) continue;
    const state = stateOf({ kind: host.kind, assignment: null, runs: {}, run: null, checks: null });
    const { kind, address, proxy, facts } = host;
    found.push({
      host: name,
      kind,
      address,
      proxy,
      deployment: null,
      role: null,
      state,
      text: '',
      by: null,
      at: null,
      facts: shownFacts(facts),
    });
  }
  return found.toSorted((one, other) => byName(one.host, other.host));
}

export async function showDeployment(word: string, { admin, runs }: Looking): Promise<DeploymentTold> {
  const one = await deploymentNamed(admin, word);
  const blueprint = await blueprintOrNull(admin, one);
  const standings = await standingsOf(one, blueprint, await hostsByName(admin), runs);
  const parameters = (blueprint?.parameters ?? []) as readonly Parameter[];
  const roles = blueprint === null ? [] : rolesIn(blueprint);
  const hidden = withoutSecrets(parameters, roles, one.body.parameters);
  return {
    ...(await briefOf(one, standings, { runs })),
    values: blueprint === null ? {} : shownValues(blueprint, one.body, null),
    ofRoles: Object.fromEntries(
      roles
        .flatMap((role) => parameters.map(({ name }) => roleKey(role.name, name)))
        .flatMap((key) => {
          const value = one.body.parameters[key];
          return value === undefined ? [] : [[key, hidden[key] ?? '(secret)']];
        }),
    ),
    hosts: standings.map((standing) => ({
      ...hostTold(one.name, standing),
      values: Object.fromEntries(
        Object.entries(blueprint === null ? {} : shownValues(blueprint, one.body, standing.assignment)).flatMap(
          ([name, { value, from }]) => (from === 'host' ? [[name, value as Json]] : []),
        ),
      ),
    })),
  };
}

async function briefOf(
  { name, body }: Kept<Deployment>,
  standings: Awaited<ReturnType<typeof standingsOf>>,
  { runs }: Pick<Ports, 'runs'>,
): Promise<DeploymentBrief> {
  const counts: Record<string, number> = {};
  for (const { state } of standings) counts[state] = (counts[state] ?? 0) + 1;
  const run = await newestRun(body, runs);
  return {
    name,
    description: body.description,
    blueprint: body.blueprint,
    counts,
    run: run === null ? null : run.state,
  };
}

function hostTold(
  deployment: string,
  { assignment, named, state, runs }: Awaited<ReturnType<typeof standingsOf>>[number],
): HostTold {
  const { role, by, at, outcome } = assignment;
  const last = runs.release ?? runs.role ?? runs.prepare;
  const text =
    last === undefined
      ? (outcome?.text ?? '')
      : [last.step, last.text].filter((one) => one !== null && one !== '').join(': ');
  const { kind = null, address = null, proxy = null, facts = {} } = named?.host ?? {};
  return {
    host: assignment.host,
    kind,
    address,
    proxy,
    deployment,
    role,
    state,
    text,
    by,
    at,
    facts: shownFacts(facts),
  };
}

/** What people choose hosts by; what plugins keep for themselves beside it is not shown. */
function shownFacts(facts: { [name: string]: Json }): { [name: string]: Json } {
  const names = ['cpus', 'memory', 'disks', 'nics', 'os', 'mac'];
  return Object.fromEntries(Object.entries(facts).filter(([name]) => names.includes(name)));
}

async function blueprintOrNull(admin: Ports['admin'], { body }: Kept<Deployment>): Promise<Blueprint | null> {
  try {
    return (await blueprintNamed(admin, body.blueprint)).body;
  } catch (error) {
    // It is gone, or somebody broke it: a plan says so; what is here can still be looked at.
    if ((error as D3Error).name === 'D3Error' || (error as Error).constructor.name === 'D3Errors') return null;
    throw error;
  }
}
