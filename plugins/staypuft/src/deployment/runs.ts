import { D3Error, type DepotRunBrief, type RunHere } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { checksFrom, type Phase, phaseOfRun, stepsOf } from '../rules/host-steps.ts';
import { stateOf } from '../rules/states.ts';
import type { Assignment, Blueprint, Deployment, HostState, NamedHost, Role } from '../types.ts';
import { rolesIn } from './store.ts';

/** As much of a run of the depot as deployments look at. */
type RunBrief = Pick<DepotRunBrief, 'id' | 'name' | 'state' | 'text' | 'cursor' | 'steps' | 'step' | 'endedAt'>;

/** Runs of the depot that deployments are carried out by. */
export interface DeploymentRuns {
  /** Those that belong to one. */
  family(parent: string): Promise<readonly RunBrief[]>;
  get(id: string): Promise<RunHere | null>;
}

/** States in which nobody goes on with a run. */
const OVER: readonly RunHere['state'][] = ['done', 'failed', 'cancelled'];

/** The newest run of a deployment; null: it never ran, or what it ran is not kept any more. */
export async function newestRun({ run }: Deployment, runs: DeploymentRuns): Promise<RunHere | null> {
  return run === null ? null : runs.get(run);
}

export function isUnderWay(run: RunHere | null): boolean {
  return run !== null && !OVER.includes(run.state);
}

/** @throws D3Error busy (41) when a deployment is being carried out: what is asked for would pull hosts out from under it */
export function refuseUnderWay(name: string, run: RunHere | null, what: string): void {
  if (run === null || !isUnderWay(run)) return;
  throw new D3Error(
    'DEPLOYMENT_RUNNING',
    'refused',
    `${what} while ${name} runs (run ${run.id}, begun by ${run.by}).`,
    {
      target: name,
      actions: [
        `look how far it is: d3 deployment watch ${name}`,
        `or end it first: d3 deployment cancel ${name} --reason WHY`,
      ],
    },
  );
}

/** The runs of each host in one family, by its name and phase. */
function runsOfHosts(
  deployment: string,
  family: readonly RunBrief[],
): ReadonlyMap<string, Partial<Record<Phase, RunBrief>>> {
  const found = new Map<string, Partial<Record<Phase, RunBrief>>>();
  for (const run of family) {
    const part = phaseOfRun(deployment, run.name);
    if (part === null) continue;
    found.set(part.host, { ...found.get(part.host), [part.phase]: run });
  }
  return found;
}

/** A host of a deployment, with how far it is. */
export interface Standing {
  assignment: Assignment;
  /** Null: its document is gone. */
  named: NamedHost | null;
  state: HostState;
  runs: Partial<Record<Phase, RunBrief>>;
}

/** How far each host of a deployment is. */
export async function standingsOf(
  { name, body }: Kept<Deployment>,
  blueprint: Blueprint | null,
  hosts: ReadonlyMap<string, NamedHost>,
  runs: DeploymentRuns,
): Promise<Standing[]> {
  const found = runsOfHosts(name, body.run === null ? [] : await runs.family(body.run));
  const checks = new Map(
    (blueprint === null ? [] : rolesIn(blueprint)).map((role) => [
      role.name,
      (named: NamedHost) => checksIn(role, named),
    ]),
  );
  return (body.hosts as readonly Assignment[]).map((assignment) => {
    const named = hosts.get(assignment.host.toLowerCase()) ?? null;
    const own = found.get(assignment.host) ?? {};
    const state = stateOf({
      kind: named?.host.kind ?? 'ssh',
      assignment,
      runs: own,
      run: Object.keys(own).length === 0 ? null : body.run,
      checks: named === null ? null : (checks.get(assignment.role)?.(named) ?? null),
    });
    return { assignment, named, state, runs: own };
  });
}

function checksIn(role: Role, { name, host }: NamedHost): number | null {
  return checksFrom(stepsOf({ deployment: '', host: name, kind: host.kind, role, puppet: false, hostgroup: '' }));
}
