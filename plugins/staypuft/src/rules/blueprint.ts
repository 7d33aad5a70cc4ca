import { isAlias, Lexer, LineCounter, parseDocument, stringify, visit } from 'yaml';
import type { Blueprint, Parameter, ParameterValue, Role } from '../types.ts';
import { isLine, nameProblem } from './names.ts';
import { cycleOf } from './order.ts';
import { PARAMETER_TYPES, parameterNameProblem, valueProblem, variableOf } from './parameters.ts';
import { at, type Fields, type Problem, Reader } from './problems.ts';
import { readSteps, type StepWritten, writtenStep } from './role-steps.ts';

/** Bytes a blueprint may have. */
const MAX_TEXT = 1024 * 1024;
/** Places that may stand for another one, all together: enough for people, too few to blow up a file. */
const MAX_ALIASES = 100;
/** Lists and mappings within one another; the reader of YAML goes one step deeper for each. */
const MAX_DEPTH = 50;
/** A line that begins within more blocks than this is nested too deep, too. */
const MAX_INDENT = 250;
/** Words and signs of YAML; texts count as one each. */
const MAX_TOKENS = 50_000;
/** Problems of YAML itself that are told: one makes many. */
const MAX_TOLD = 20;
const MAX_ROLES = 200;
const MAX_PARAMETERS = 500;
/** Hosts of a role that are worked on at the same time, unless it says. */
const ABREAST = 20;
const MAX_HOSTS = 20_000;

const MODES = ['concurrent', 'serial', 'leader'] as const;
const ROLE_FIELDS = [
  'name',
  'after',
  'order',
  'mode',
  'leader',
  'batches',
  'abreast',
  'max_failures',
  'maxFailures',
  'min',
  'max',
  'hostgroup',
  'steps',
];

/** A blueprint that was read, or all that is wrong with its text. */
export type BlueprintRead =
  | { blueprint: Blueprint; name: string | null; problems: readonly [] }
  | { blueprint: null; name: string | null; problems: readonly Problem[] };

/** @param text YAML, or JSON, which is YAML too */
export function readBlueprint(text: string): BlueprintRead {
  if (Buffer.byteLength(text) > MAX_TEXT) return refused('it is larger than 1 MiB', 'part it into several blueprints');
  const tangled = tangleOf(text);
  if (tangled !== null) return refused(tangled, 'write it as plain YAML or JSON');
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', schema: 'core' });
    const wrong = [...document.errors, ...document.warnings].slice(0, MAX_TOLD).map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return { path: `line ${line}, column ${col}`, what: message, next: 'write it as YAML or JSON' };
    });
    if (wrong.length > 0) return { blueprint: null, name: null, problems: wrong };
    let aliases = 0;
    visit(document, (_, node) => {
      if (isAlias(node)) aliases += 1;
    });
    if (aliases > MAX_ALIASES) {
      return refused(`it has ${aliases} places that stand for others (*name)`, `at most ${MAX_ALIASES} are allowed`);
    }
    return blueprintOf(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    // Text that stands for too much: no place in it can be named.
    return refused((error as Error).message, 'write it as plain YAML or JSON');
  }
}

/** What makes text too much for a reader that goes into each level by itself, or null. */
function tangleOf(text: string): string | null {
  const deep = 'it is nested too deep';
  if (new RegExp(`^(?:[ \\t]|[-?:](?=[ \\t])){${MAX_INDENT}}`, 'm').test(text)) return deep;
  let depth = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    tokens += 1;
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') depth -= 1;
    if (depth > MAX_DEPTH) return deep;
    if (tokens > MAX_TOKENS) return 'it has too many parts';
  }
  return null;
}

/** A blueprint from a value that may be anything: what a text says, or what the depot keeps. */
export function blueprintOf(value: unknown): BlueprintRead {
  const reader = new Reader();
  const fields = reader.fields(value, '', ['schema', 'name', 'description', 'parameters', 'roles']);
  if (fields === null) return { blueprint: null, name: null, problems: reader.problems };
  if (fields['schema'] !== undefined) reader.oneOf(fields['schema'], 'schema', ['d3/blueprint@1']);
  const name = fields['name'] === undefined ? null : reader.text(fields['name'], 'name', nameProblem);
  const description =
    fields['description'] === undefined ? '' : reader.text(fields['description'], 'description', described);
  const parameters = parametersOf(fields['parameters'], reader);
  const roles = rolesOf(fields['roles'], reader);
  if (reader.problems.length > 0) return { blueprint: null, name, problems: reader.problems };
  const blueprint = { schema: 'd3/blueprint@1', description, roles, parameters } as unknown as Blueprint;
  return { blueprint, name, problems: [] };
}

/**
 * A blueprint as YAML that {@link readBlueprint} reads as the same; what goes without saying is left out.
 * @param options `secrets`: with the places where defaults of secrets are kept
 */
export function writeBlueprint(blueprint: Blueprint, options: { name: string | null; secrets: boolean }): string {
  const roles = (blueprint.roles as readonly Role[]).map(writtenRole);
  const parameters = (blueprint.parameters as readonly Parameter[]).map((one) =>
    writtenParameter(one, options.secrets),
  );
  const { schema, description } = blueprint;
  return stringify(
    {
      schema,
      ...(options.name === null ? {} : { name: options.name }),
      ...(description === '' ? {} : { description }),
      ...(parameters.length === 0 ? {} : { parameters }),
      roles,
    },
    { version: '1.2', schema: 'core', lineWidth: 0, aliasDuplicateObjects: false },
  );
}

function rolesOf(value: unknown, reader: Reader): Role[] {
  const before = reader.problems.length;
  const drafts = reader
    .list(value, 'roles', MAX_ROLES)
    .map((one, n) => roleOf(one, at('roles', n), reader))
    .filter((one) => one !== null);
  if (drafts.length === 0 && reader.problems.length === before) {
    reader.wrong('roles', 'there is none', 'write at least one role with a name');
  }
  const names = new Map<string, string>();
  for (const { role, path } of drafts) {
    const key = role.name.toLowerCase();
    const twin = names.get(key);
    if (twin !== undefined)
      reader.wrong(at(path, 'name'), `${role.name} is the name of ${twin} already`, 'choose another name');
    else names.set(key, path);
  }
  const known = new Set(drafts.map(({ role }) => role.name));
  for (const { role, path } of drafts) {
    for (const [n, one] of role.after.entries()) {
      if (!known.has(one))
        reader.wrong(at(at(path, 'after'), n), `there is no role ${one}`, `there are ${[...known].join(', ')}`);
    }
  }
  const roles = ordered(drafts);
  const cycle = cycleOf(roles);
  if (cycle !== null) {
    reader.wrong(
      'roles',
      `they wait for one another: ${cycle.join(' → ')}`,
      'take one of them out of the others’ "after"',
    );
  }
  return roles;
}

interface RoleDraft {
  role: Role;
  path: string;
  order: number | null;
}

/** Numbers say which roles come before which: those of one number wait for all of the next lower one, and run together. */
function ordered(drafts: readonly RoleDraft[]): Role[] {
  const numbers = [...new Set(drafts.flatMap(({ order }) => (order === null ? [] : [order])))].sort((a, b) => a - b);
  return drafts.map(({ role, order }) => {
    const lower = order === null ? undefined : numbers[numbers.indexOf(order) - 1];
    if (lower === undefined) return role;
    return { ...role, after: drafts.filter((one) => one.order === lower).map((one) => one.role.name) };
  });
}

function roleOf(value: unknown, path: string, reader: Reader): RoleDraft | null {
  const fields = reader.fields(value, path, ROLE_FIELDS);
  if (fields === null) return null;
  const whole = (name: string, preset: number, from: number, to: number) =>
    fields[name] === undefined ? preset : reader.whole(fields[name], at(path, name), from, to);
  const name = reader.text(fields['name'], at(path, 'name'), nameProblem);
  const after = reader
    .list(fields['after'], at(path, 'after'), MAX_ROLES)
    .map((one, n) => reader.text(one, at(at(path, 'after'), n), nameProblem));
  const order = fields['order'] === undefined ? null : whole('order', 0, -1_000_000, 1_000_000);
  if (order !== null && fields['after'] !== undefined) {
    reader.wrong(at(path, 'order'), 'it says both order and after', 'say one of them');
  }
  const mode = fields['mode'] === undefined ? 'concurrent' : reader.oneOf(fields['mode'], at(path, 'mode'), MODES);
  const leader = isNothing(fields['leader']) ? null : reader.text(fields['leader'], at(path, 'leader'), hostProblem);
  if (leader !== null && mode !== 'leader') {
    reader.wrong(at(path, 'leader'), `a role of mode ${mode} has no leader`, 'write mode: leader, or leave it out');
  }
  if (fields['max_failures'] !== undefined && fields['maxFailures'] !== undefined) {
    reader.wrong(at(path, 'max_failures'), 'it is said twice', 'say it once');
  }
  const failures = fields['max_failures'] === undefined ? 'maxFailures' : 'max_failures';
  const min = whole('min', 0, 0, MAX_HOSTS);
  const max = isNothing(fields['max']) ? null : whole('max', 0, 0, MAX_HOSTS);
  if (max !== null && max < min)
    reader.wrong(at(path, 'max'), `it is less than min, which is ${min}`, 'make it larger');
  const role: Role = {
    name,
    after: [...new Set(after)],
    mode,
    leader,
    batches: batchesOf(fields['batches'], at(path, 'batches'), mode, reader),
    abreast: whole('abreast', ABREAST, 1, 1000),
    maxFailures: whole(failures, 0, 0, MAX_HOSTS),
    min,
    max,
    ...hostgroupOf(fields['hostgroup'], at(path, 'hostgroup'), reader),
    steps: readSteps(fields['steps'], at(path, 'steps'), reader),
  };
  return { role, path, order };
}

function hostgroupOf(value: unknown, path: string, reader: Reader): Pick<Role, 'hostgroup'> {
  if (isNothing(value)) return {};
  const rule = (text: string) =>
    text !== '' && text.length <= 255 && isLine(text) ? null : 'write the title of a hostgroup: base/web';
  return { hostgroup: reader.text(value, path, rule) };
}

function batchesOf(value: unknown, path: string, mode: Role['mode'], reader: Reader): Role['batches'] {
  const batches = reader.list(value, path, 100).map((one, n) => {
    if (one === 'rest' || (Number.isInteger(one) && (one as number) >= 1 && (one as number) <= MAX_HOSTS)) return one;
    if (typeof one === 'string' && /^(?:[1-9]\d?|100)%$/.test(one)) return one;
    reader.wrong(
      at(path, n),
      `${JSON.stringify(one)?.slice(0, 80)} is no size of a wave`,
      'write a number, a percentage such as 25%, or rest',
    );
    return 1;
  }) as Role['batches'][number][];
  const rest = batches.indexOf('rest');
  if (rest !== -1 && rest < batches.length - 1) {
    reader.wrong(at(path, rest + 1), 'nothing is left after rest', 'make rest the last');
  }
  if (batches.length > 0 && mode === 'serial') {
    reader.wrong(path, 'a role of mode serial has no batches', 'leave them out, or choose another mode');
  }
  return batches;
}

function parametersOf(value: unknown, reader: Reader): Parameter[] {
  const seen = new Set<string>();
  return reader.list(value, 'parameters', MAX_PARAMETERS).flatMap((one, n) => {
    const path = at('parameters', n);
    const fields = reader.fields(one, path, ['name', 'type', 'default', 'required', 'description']);
    if (fields === null) return [];
    const name = reader.text(fields['name'], at(path, 'name'), parameterNameProblem);
    const variable = variableOf(name);
    if (seen.has(variable))
      reader.wrong(at(path, 'name'), `another parameter is ${variable} for scripts already`, 'choose another name');
    seen.add(variable);
    return [parameterOf(name, fields, path, reader)];
  });
}

function parameterOf(name: string, fields: Fields, path: string, reader: Reader): Parameter {
  const type = fields['type'] === undefined ? 'text' : reader.oneOf(fields['type'], at(path, 'type'), PARAMETER_TYPES);
  const preset = fields['default'] ?? null;
  const problem = valueProblem({ name, type }, preset);
  if (problem !== null) reader.wrong(at(path, 'default'), problem, 'write such a value, or leave it out');
  return {
    name,
    type,
    default: problem === null ? (preset as ParameterValue) : null,
    required: fields['required'] === undefined ? false : reader.yes(fields['required'], at(path, 'required')),
    description:
      fields['description'] === undefined ? '' : reader.text(fields['description'], at(path, 'description'), described),
  };
}

interface RoleWritten extends Partial<Omit<Role, 'steps' | 'maxFailures'>> {
  name: string;
  max_failures?: number;
  steps?: readonly StepWritten[];
}

function writtenRole({ maxFailures, steps, ...role }: Role): RoleWritten {
  const { name, after, mode, leader, batches, abreast, min, max, hostgroup = null } = role;
  return {
    name,
    ...(after.length === 0 ? {} : { after }),
    ...(mode === 'concurrent' ? {} : { mode }),
    ...(leader === null ? {} : { leader }),
    ...(batches.length === 0 ? {} : { batches }),
    ...(abreast === ABREAST ? {} : { abreast }),
    ...(maxFailures === 0 ? {} : { max_failures: maxFailures }),
    ...(min === 0 ? {} : { min }),
    ...(max === null ? {} : { max }),
    ...(hostgroup === null ? {} : { hostgroup }),
    steps: steps.map(writtenStep),
  };
}

function writtenParameter(one: Parameter, secrets: boolean): Partial<Parameter> {
  const { name, type, required, description } = one;
  const preset = one.type === 'secret' && !secrets ? null : one.default;
  return {
    name,
    type,
    ...(preset === null ? {} : { default: preset }),
    ...(required ? { required } : {}),
    ...(description === '' ? {} : { description }),
  };
}

function described(text: string): string | null {
  const good = text.length <= 1000 && text.isWellFormed() && !text.includes('\0');
  return good ? null : 'a description has at most 1000 characters';
}

function hostProblem(name: string): string | null {
  const good = name !== '' && name.length <= 255 && isLine(name);
  return good ? null : 'the name of a host is 1 to 255 characters on one line';
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function refused(what: string, next: string): BlueprintRead {
  return { blueprint: null, name: null, problems: [{ path: '', what, next }] };
}
