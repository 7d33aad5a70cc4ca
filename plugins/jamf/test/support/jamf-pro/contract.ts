import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import type { Json, Row } from './lists.ts';

interface Parameter {
  name: string;
  in: string;
  schema: Json;
  /** Of a filter or a sort: the fields the server knows in it. */
  'x-fields'?: string[];
}

export interface Operation {
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
  'x-required-privileges'?: string[];
  'x-authentication-required'?: boolean;
}

export interface Matched {
  template: string;
  params: Readonly<Record<string, string>>;
  operation: Operation;
}

interface Cut {
  paths: Record<string, Record<string, Operation>>;
  schemas: Record<string, Json>;
}

const cut = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../../schema/calls.json'), 'utf8')) as Cut;
const templates = Object.keys(cut.paths)
  .sort((a, b) => a.split('{').length - b.split('{').length)
  .map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
  }));
const validators = new Map<string, ValidateFunction>();

/** The operation of the schema that a request is for. */
export function matched(method: string, asked: string): Matched | null {
  // Older servers have it there, and newer ones still do; the schema has it under its new path only.
  const written = asked === '/oauth/token' ? '/v1/oauth/token' : asked;
  for (const { template, pattern } of templates) {
    const found = pattern.exec(written);
    const operation = cut.paths[template]?.[method.toLowerCase()];
    if (found === null || operation === undefined) continue;
    const params = Object.entries(found.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)] as const);
    return { template: asked === '/oauth/token' ? asked : template, params: Object.fromEntries(params), operation };
  }
  return null;
}

/** What of a body a server would refuse: what breaks the schema, and what the schema does not have. */
export function problemOfRequest(shape: Json, value: Json): string | null {
  return problemOf(shape, value, 'readOnly') ?? unknownField(shape, value, '');
}

/** What of an answer breaks the schema. */
export function problemOfAnswer(shape: Json, value: unknown): string | null {
  return problemOf(shape, value, 'writeOnly');
}

/** What of a query the schema does not have, and whether a server refuses it or overlooks it. */
export function problemOfQuery(operation: Operation, url: URL): { says: string; refused: boolean } | null {
  for (const [key, value] of url.searchParams) {
    const known = operation.parameters.find((one) => one.in === 'query' && one.name === key);
    if (known === undefined) return { says: `no parameter ${key}`, refused: false };
    const number = known.schema['type'] === 'integer';
    const shape = (known.schema['items'] ?? known.schema) as Json;
    const problem = key === 'sort' ? null : problemOf(shape, number ? Number(value) : value, 'readOnly');
    if (problem !== null) return { says: `${key}: ${problem}`, refused: true };
  }
  return null;
}

/** The fields a server knows in a filter or a sort. */
export function fieldsIn(operation: Operation, name: 'filter' | 'sort'): readonly string[] {
  const of = (one: string) => operation.parameters.find((parameter) => parameter.name === one)?.['x-fields'];
  // The default sort of each list is by id or by name, whatever else its words list.
  return name === 'filter' ? (of('filter') ?? []) : [...(of('sort') ?? of('filter') ?? []), 'id', 'name'];
}

/** The fields of a schema's objects that the server makes itself. */
export function readOnlyFields(shape: Json): string[] {
  return [...propertiesOf(shape)].filter(([, one]) => one['readOnly'] === true).map(([name]) => name);
}

/** Where an answer is a row of the inventory: its sections, and whether each is a list. */
export function sectionsOf(version: string): Map<string, boolean> {
  const name = version === 'v1' ? 'ComputerInventory' : `ComputerInventory${version.toUpperCase()}`;
  const shape = cut.schemas[name];
  if (shape === undefined) throw new Error(`no ${name} in the schema`);
  const all = propertiesOf(shape);
  return new Map(
    [...all].filter(([key]) => key !== 'id' && key !== 'udid').map(([k, v]) => [k, v['type'] === 'array']),
  );
}

/** A row of the inventory without what was not asked for: that is null on real servers, against their own schema. */
export function withoutNulls(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Row;
}

function problemOf(shape: Json, value: unknown, notOurs: 'readOnly' | 'writeOnly'): string | null {
  const key = `${notOurs} ${JSON.stringify(shape)}`;
  let validate = validators.get(key);
  if (validate === undefined) {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'jamf', components: { schemas: lenient(cut.schemas, notOurs) } });
    validate = ajv.compile(JSON.parse(JSON.stringify(shape).replaceAll('"#/', '"jamf#/')) as Json);
    validators.set(key, validate);
  }
  return validate(value) ? null : JSON.stringify(validate.errors?.map((one) => `${one.instancePath} ${one.message}`));
}

/** Nobody has to bring what only the other side writes. */
function lenient<T>(value: T, notOurs: 'readOnly' | 'writeOnly'): T {
  if (Array.isArray(value)) return value.map((one) => lenient(one as unknown, notOurs)) as T;
  if (value === null || typeof value !== 'object') return value;
  const made = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, lenient(one as unknown, notOurs)]));
  if (Array.isArray(made['required'])) {
    const properties = made['properties'] as Record<string, Json> | undefined;
    made['required'] = made['required'].filter((name: string) => properties?.[name]?.[notOurs] !== true);
  }
  return made as T;
}

function resolved(shape: Json): Json {
  const name = /([^/]+)$/.exec(typeof shape['$ref'] === 'string' ? shape['$ref'] : '')?.[1];
  return name === undefined ? shape : (cut.schemas[name] ?? {});
}

function propertiesOf(shape: Json): Map<string, Json> {
  const whole = resolved(shape);
  const parts = ((whole['allOf'] ?? []) as Json[]).flatMap((one) => [...propertiesOf(one)]);
  return new Map([...parts, ...Object.entries((whole['properties'] ?? {}) as Record<string, Json>)]);
}

function unknownField(shape: Json, value: unknown, at: string): string | null {
  if (Array.isArray(value)) {
    const items = (resolved(shape)['items'] ?? {}) as Json;
    return value.map((one, index) => unknownField(items, one, `${at}/${index}`)).find((one) => one !== null) ?? null;
  }
  if (value === null || typeof value !== 'object') return null;
  const known = propertiesOf(shape);
  if (known.size === 0) return null;
  for (const [field, one] of Object.entries(value)) {
    const of = known.get(field);
    const problem = of === undefined ? `unknown: ${at}/${field}` : unknownField(of, one, `${at}/${field}`);
    if (problem !== null) return problem;
  }
  return null;
}
