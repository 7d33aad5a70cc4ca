import type { Assignment, Blueprint, Deployment, Parameter, ParameterValue, Role } from '../types.ts';
import { told } from './problems.ts';

export const PARAMETER_TYPES = ['text', 'number', 'boolean', 'list', 'secret'] as const;

/** Name of a parameter: what scripts see of it is `D3_PARAM_` and the name in capitals. */
const PARAMETER_NAME = /^[A-Za-z][A-Za-z0-9_]{0,59}$/;

/** Where a value comes from; each goes before those above it. */
export type Origin = 'default' | 'deployment' | 'role' | 'host';

/** A parameter with the value it has for one host. */
export interface Value {
  parameter: Parameter;
  /** Null: it has none. A secret's is where it is kept: see {@link secretPlace}. */
  value: ParameterValue;
  from: Origin;
}

/** Where a secret is kept on the controller. */
export type SecretPlace = { file: string } | { command: string };

/** @returns where the text says a secret is kept (`file:/path`, `command:/path`); null for any other text */
export function secretPlace(text: string): SecretPlace | null {
  const [, kind, place] = /^(file|command):(\/[^\p{Cc}]{1,4095})$/u.exec(text) ?? [];
  if (kind === undefined || place === undefined) return null;
  return kind === 'file' ? { file: place } : { command: place };
}

/** @returns why a parameter cannot be called so, or null */
export function parameterNameProblem(name: string): string | null {
  return PARAMETER_NAME.test(name)
    ? null
    : 'a parameter is called by 1 to 60 letters, digits or _ and begins with a letter';
}

/** @returns why a value is none of this parameter, or null; the value of a secret is quoted nowhere */
export function valueProblem({ type, name }: Pick<Parameter, 'type' | 'name'>, value: unknown): string | null {
  if (value === null) return null;
  switch (type) {
    case 'text':
      return isText(value) ? null : `${name} is a text, not ${told(value)}`;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? null : `${name} is a number, not ${told(value)}`;
    case 'boolean':
      return typeof value === 'boolean' ? null : `${name} is true or false, not ${told(value)}`;
    case 'list':
      return Array.isArray(value) && value.length <= 1000 && value.every((one) => isText(one) && !/\n/.test(one))
        ? null
        : `${name} is a list of texts on one line each, not ${told(value)}`;
    case 'secret':
      return typeof value === 'string' && secretPlace(value) !== null
        ? null
        : `${name} is a secret: say where it is kept on the controller (file:/path or command:/path), not what it is`;
  }
}

/**
 * A value as it is typed for a parameter. An empty word is no value, words of a list are parted by commas.
 * @returns the value, or what is wrong with it
 */
export function typedValue(parameter: Parameter, typed: string): { value: ParameterValue } | { problem: string } {
  const value = typed === '' ? null : meant(parameter.type, typed);
  const problem = valueProblem(parameter, value);
  return problem === null ? { value } : { problem };
}

function meant(type: Parameter['type'], typed: string): ParameterValue {
  switch (type) {
    case 'number':
      return /^-?\d+(?:\.\d+)?$/.test(typed) ? Number(typed) : typed;
    case 'boolean':
      return typed === 'true' ? true : typed === 'false' ? false : typed;
    case 'list':
      return typed.split(',');
    case 'text':
    case 'secret':
      return typed;
  }
}

/** Where a deployment keeps a value that only hosts of one role have. */
export function roleKey(role: string, name: string): string {
  return `${role}:${name}`;
}

/** The values one host has, in the order of the blueprint: the host's own, else its role's, else the deployment's, else the default. */
export function valuesOf(
  blueprint: Pick<Blueprint, 'parameters'>,
  deployment: Pick<Deployment, 'parameters'>,
  assignment: Pick<Assignment, 'role' | 'parameters'> | null,
): Value[] {
  return (blueprint.parameters as readonly Parameter[]).map((parameter) => {
    const { name } = parameter;
    const own = assignment && here(assignment.parameters, name);
    if (own !== null && own !== undefined) return { parameter, value: own, from: 'host' };
    const roles = assignment && here(deployment.parameters, roleKey(assignment.role, name));
    if (roles !== null && roles !== undefined) return { parameter, value: roles as ParameterValue, from: 'role' };
    const all = here(deployment.parameters, name);
    if (all !== null && all !== undefined) return { parameter, value: all as ParameterValue, from: 'deployment' };
    return { parameter, value: parameter.default, from: 'default' };
  });
}

/** What stands against values: required ones that are missing, and such as are of another type than the blueprint says by now. */
export function valueProblems(values: readonly Value[]): string[] {
  return values.flatMap(({ parameter, value }) => {
    if (value === null) return parameter.required ? [`${parameter.name} has no value`] : [];
    const problem = valueProblem(parameter, value);
    return problem === null ? [] : [problem];
  });
}

/** The variable in which scripts see a parameter. */
export function variableOf(name: string): string {
  return `D3_PARAM_${name.toUpperCase()}`;
}

/**
 * What scripts see of values: nothing of one without a value; a list has its words on lines of their own.
 * @param secret what is kept at a place; it is asked only for secrets
 */
export async function environmentOf(
  values: readonly Value[],
  secret: (place: SecretPlace, name: string) => Promise<string>,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const { parameter, value } of values) {
    if (value === null) continue;
    const place = parameter.type === 'secret' && typeof value === 'string' ? secretPlace(value) : null;
    // A secret that is no place is somebody's mistake, and stays where it is.
    if (parameter.type === 'secret' && place === null) continue;
    environment[variableOf(parameter.name)] = place === null ? wordOf(value) : await secret(place, parameter.name);
  }
  return environment;
}

/** A value on one line, for people; of a secret it says where it is kept. */
function wordOf(value: ParameterValue): string {
  if (value === null) return '';
  return typeof value === 'object' ? value.join('\n') : String(value);
}

/** Values without those that say where secrets are kept. */
export function withoutSecrets<Kept>(
  parameters: readonly Parameter[],
  roles: readonly Pick<Role, 'name'>[],
  values: Readonly<Record<string, Kept>>,
): Record<string, Kept> {
  const secrets = new Set(
    parameters
      .filter(({ type }) => type === 'secret')
      .flatMap(({ name }) => [name, ...roles.map((role) => roleKey(role.name, name))]),
  );
  return Object.fromEntries(Object.entries(values).filter(([name]) => !secrets.has(name)));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 10_000 && value.isWellFormed() && !value.includes('\0');
}

function here<Kept>(values: Readonly<Record<string, Kept>>, name: string): Kept | null {
  return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
}
