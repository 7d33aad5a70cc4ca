import { D3Error, D3Errors, EXIT_CODES, type Json } from '@d3/sdk';
import type { Kept } from '../documents.ts';
import { refuseName } from '../rules/names.ts';
import { roleKey, valueProblem, withoutSecrets } from '../rules/parameters.ts';
import type { Assignment, Blueprint, Deployment, Parameter, ParameterValue } from '../types.ts';
import { textOf } from './blueprints.ts';
import { type Admin, blueprintNamed, createDeployment, deploymentNamed, rolesIn } from './store.ts';
import { typedValues } from './values.ts';

export interface CreateRequest {
  name: string;
  blueprint: string;
  description: string;
  /** `NAME=VALUE` each. */
  set: readonly string[];
  /** A file of values, as `d3 deployment show NAME --values` prints them; null: none. */
  values: string | null;
  dryRun: boolean;
}

export type Created = { name: string; blueprint: string; dryRun: boolean; values: { [name: string]: Json } };

/** @throws D3Error usage for a name, notFound for a blueprint; D3Errors usage for values, with every problem */
export async function createHere(request: CreateRequest, admin: Admin): Promise<Created> {
  const { name, description, dryRun } = request;
  refuseName('deployment', name);
  const blueprint = await blueprintNamed(admin, request.blueprint);
  const given = request.values === null ? {} : await valuesIn(request.values, blueprint.body);
  const typed = Object.entries(typedValues(blueprint.body, request.set)).filter(([, value]) => value !== null);
  const parameters = { ...given, ...Object.fromEntries(typed) } as Deployment['parameters'];
  const body: Deployment = {
    schema: 'd3/deployment@1',
    description,
    blueprint: blueprint.name,
    parameters,
    hosts: [] as Assignment[] as Deployment['hosts'],
    run: null,
  };
  if (dryRun) {
    const there = await admin.documents('deployment').byName(name);
    if (there !== null) {
      throw new D3Error('DOCUMENT_EXISTS', 'refused', `There is already a deployment called ${there.name}.`, {
        target: name,
      });
    }
  } else await createDeployment(admin, name, body);
  const shown = withoutSecrets(blueprint.body.parameters as readonly Parameter[], rolesIn(blueprint.body), parameters);
  return { name, blueprint: blueprint.name, dryRun, values: shown };
}

/** What a deployment was given, as YAML that another one can be given. @param secrets with the places where secrets are kept */
export async function valuesYaml(
  admin: Admin,
  word: string,
  secrets: boolean,
): Promise<{ name: string; yaml: string }> {
  const { stringify } = await import('yaml');
  const { name, body } = await deploymentNamed(admin, word);
  const blueprint: Kept<Blueprint> = await blueprintNamed(admin, body.blueprint);
  const parameters = secrets
    ? body.parameters
    : withoutSecrets(blueprint.body.parameters as readonly Parameter[], rolesIn(blueprint.body), body.parameters);
  return { name, yaml: stringify({ values: parameters }, { version: '1.2', schema: 'core', lineWidth: 0 }) };
}

async function valuesIn(file: string, blueprint: Blueprint): Promise<Record<string, ParameterValue>> {
  const { parse } = await import('yaml');
  const wrong = (message: string) =>
    new D3Error('PARAMETER', 'usage', `${file}: ${message}.`, {
      target: file,
      actions: ['write values: with a line NAME: VALUE for each, or ROLE:NAME: VALUE for one role'],
    });
  let read: unknown;
  try {
    read = parse(await textOf(file), { version: '1.2', schema: 'core', maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof D3Error) throw error;
    throw wrong((error as Error).message.split('\n', 1)[0] ?? 'it is no YAML');
  }
  const values = (read as { values?: unknown } | null)?.values;
  if (typeof values !== 'object' || values === null || Array.isArray(values)) throw wrong('it has no values');
  const known = new Map<string, Parameter>();
  for (const parameter of blueprint.parameters as readonly Parameter[]) {
    known.set(parameter.name, parameter);
    for (const role of rolesIn(blueprint)) known.set(roleKey(role.name, parameter.name), parameter);
  }
  const problems = Object.entries(values).flatMap(([name, value]) => {
    const parameter = known.get(name);
    if (parameter === undefined) return [wrong(`the blueprint has no parameter ${JSON.stringify(name).slice(0, 80)}`)];
    const problem = valueProblem(parameter, value);
    return problem === null ? [] : [wrong(problem)];
  });
  if (problems.length > 0) throw new D3Errors(problems, EXIT_CODES.usage.code);
  return Object.fromEntries(
    Object.entries(values as Record<string, ParameterValue>).filter(([, value]) => value !== null),
  );
}
