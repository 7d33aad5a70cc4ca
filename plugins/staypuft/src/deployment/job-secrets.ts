import { STEP } from '../kinds/work-id.ts';
import type { Blueprint, NamedHost, Parameter } from '../types.ts';
import type { Connector } from './connector.ts';
import type { DeploymentPlan, PlannedHost, PlanProblem } from './plan.ts';

/**
 * Steps that would hand a secret to a job of Foreman: whoever may look at jobs there could read it.
 * @returns each step of a role once, with the hosts it is so for
 */
export function secretsInJobs(
  { hosts: planned }: Pick<DeploymentPlan, 'hosts'>,
  { parameters }: Pick<Blueprint, 'parameters'>,
  hosts: ReadonlyMap<string, NamedHost>,
  connector: Pick<Connector, 'carries'>,
): PlanProblem[] {
  const secrets = (parameters as readonly Parameter[]).filter(({ type }) => type === 'secret');
  const found = new Map<string, PlanProblem & { hosts: string[] }>();
  for (const one of planned) {
    const named = hosts.get(one.host.toLowerCase());
    const given = secrets.map(({ name }) => name).filter((name) => (one.values[name]?.value ?? null) !== null);
    if (named === undefined || given.length === 0 || !connector.carries(named)) continue;
    for (const step of stepsGiven(one)) {
      const key = JSON.stringify([one.role, step, given]);
      const problem = found.get(key) ?? {
        target: one.role,
        code: 'SECRET_IN_JOB',
        text: `the step "${step}" of role ${one.role} is given the secret ${given.join(', ')}, which could be read in Foreman's jobs`,
        next: 'reach these hosts over SSH: set deployment.transport to ssh; or take the secret from the blueprint',
        hosts: [],
      };
      problem.hosts.push(one.host);
      found.set(key, problem);
    }
  }
  return [...found.values()].map(({ hosts: on, text, ...problem }) => ({
    ...problem,
    text: `${text}, on ${on.join(', ')}`,
  }));
}

/** Names of the steps that see parameters. */
function stepsGiven({ steps }: PlannedHost): string[] {
  return steps.flatMap(({ kind, name, args }) => {
    const step = args['step'];
    const isGiven =
      kind === STEP && typeof step === 'object' && step !== null && !('wait' in step) && !('reboot' in step);
    return isGiven ? [name ?? kind] : [];
  });
}
