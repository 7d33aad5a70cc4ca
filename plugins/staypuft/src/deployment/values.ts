import { D3Error, D3Errors, EXIT_CODES } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { roleKey, typedValue, valueProblems, valuesOf } from '../rules/parameters.ts';
import type { Blueprint, Deployment, Parameter, ParameterValue } from '../types.ts';
import { here, isSame, problem } from './fates.ts';
import {
  type Admin,
  blueprintNamed,
  changeDeployment,
  deploymentNamed,
  hostsIn,
  roleNamed,
  withHosts,
} from './store.ts';

/** Values typed as `NAME=VALUE`. @throws D3Errors usage, with every problem */
export function typedValues(blueprint: Blueprint, set: readonly string[]): Record<string, ParameterValue> {
  const values: Record<string, ParameterValue> = {};
  const problems: D3Error[] = [];
  const parameters = blueprint.parameters as readonly Parameter[];
  for (const one of set) {
    const n = one.indexOf('=');
    const name = n === -1 ? one : one.slice(0, n);
    const parameter = parameters.find((each) => each.name === name);
    const usage = (message: string, action: string) =>
      problems.push(new D3Error('PARAMETER', 'usage', message, { target: name, actions: [action] }));
    if (n === -1) usage(`"${name}" says no value.`, 'write NAME=VALUE');
    else if (parameter === undefined) {
      const known = parameters.map((each) => each.name).join(', ');
      usage(`The blueprint has no parameter ${name}.`, known === '' ? 'it has none at all' : `it has ${known}`);
    } else {
      const typed = typedValue(parameter, one.slice(n + 1));
      if ('problem' in typed) usage(`${typed.problem}.`, 'write such a value');
      else values[name] = typed.value;
    }
  }
  if (problems.length > 0) throw new D3Errors(problems, EXIT_CODES.usage.code);
  return values;
}

/** @throws D3Error refused `DEPLOYMENT_NOT_CONFIGURED` where a value is missing that all hosts of the role need */
export function refuseUnconfigured(
  { name, body }: Kept<Deployment>,
  blueprint: Blueprint,
  role: string,
  parameters: Record<string, ParameterValue>,
): void {
  const problems = valueProblems(valuesOf(blueprint, body, { role, parameters }));
  if (problems.length === 0) return;
  throw new D3Error('DEPLOYMENT_NOT_CONFIGURED', 'refused', `${name} is not configured: ${problems.join('; ')}.`, {
    target: name,
    actions: [
      `give it to all: d3 deployment set ${name} NAME=VALUE`,
      `to the hosts of one role: d3 deployment set ${name} --role ${role} NAME=VALUE`,
      'or to these hosts alone: --set NAME=VALUE',
    ],
  });
}

export interface SetRequest {
  deployment: string;
  /** `NAME=VALUE` each; an empty value takes it away. */
  set: readonly string[];
  role: string | null;
  host: string | null;
  dryRun: boolean;
}

/** Gives parameters of a deployment, of one role or of one host other values; a run that is under way keeps those it has begun with. */
export async function setValues(request: SetRequest, { admin }: { admin: Admin }): Promise<Kept<Deployment>> {
  const before = await deploymentNamed(admin, request.deployment);
  const blueprint = await blueprintNamed(admin, before.body.blueprint);
  const { role, host } = request;
  if (role !== null) roleNamed(blueprint, role);
  const values = typedValues(blueprint.body, request.set);
  const change = (body: Deployment): Deployment => {
    if (host === null) {
      const named = Object.entries(values).map(
        ([name, value]) => [role === null ? name : roleKey(role, name), value] as const,
      );
      return { ...body, parameters: merged(body.parameters, named) as Deployment['parameters'] };
    }
    if (here(hostsIn(body), host) === null) {
      throw problem(
        'HOST_NOT_ASSIGNED',
        'notFound',
        `${host} is not in ${before.name}.`,
        host,
        `see who is: d3 deployment show ${before.name}`,
      );
    }
    return withHosts(
      body,
      hostsIn(body).map((one) =>
        isSame(one.host, host) ? { ...one, parameters: merged(one.parameters, Object.entries(values)) } : one,
      ),
    );
  };
  return request.dryRun ? { ...before, body: change(before.body) } : changeDeployment(admin, before.name, change);
}

function merged<Value>(
  before: Readonly<Record<string, Value>>,
  values: readonly (readonly [string, Value])[],
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries({ ...before, ...Object.fromEntries(values) }).filter(([, value]) => value !== null),
  );
}
