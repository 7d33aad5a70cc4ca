/**
 * Takes from Jamf Pro's own schema what plugins/jamf calls: paths, shapes and privileges, without any of its prose.
 * Usage: node --conditions=d3-source scripts/jamf-schema.ts SCHEMA.json, and then npm run format
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CALLS, type Call } from '../plugins/jamf/src/connector/calls.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const PROSE = new Set(['description', 'summary', 'example', 'examples', 'tags', 'title', 'externalDocs']);

const file = process.argv[2];
if (file === undefined) throw new Error('name the schema file of a Jamf Pro server, as it gives it under /api/schema');
const whole = JSON.parse(readFileSync(file, 'utf8')) as {
  paths: Record<string, JsonObject>;
  components: { schemas: Record<string, Json>; parameters: Record<string, JsonObject> };
};
const paths: Record<string, JsonObject> = {};
const schemas: Record<string, Json> = {};
const privileges = new Set(
  Object.values(whole.paths).flatMap((one) =>
    Object.values(one).flatMap((operation) => (operation as JsonObject)?.['x-required-privileges'] ?? []),
  ),
);
for (const { method, paths: versions, privileges: typed = [] } of Object.values(CALLS) as Call[]) {
  const unknown = typed.filter((one) => !privileges.has(one));
  if (unknown.length > 0) throw new Error(`no privilege of this server: ${unknown.join(', ')}`);
  for (const one of versions) {
    const operation = whole.paths[one]?.[method] as JsonObject | undefined;
    if (operation === undefined) continue;
    const { parameters = [], ...rest } = operation;
    const kept = {
      parameters: (parameters as JsonObject[]).map(parameterOf),
      ...(withoutProse(rest, false) as JsonObject),
    };
    paths[one] = { ...paths[one], [method]: kept };
    take(operation);
  }
}
const target = path.join(import.meta.dirname, '../plugins/jamf/schema/calls.json');
writeFileSync(target, `${JSON.stringify({ paths: sorted(paths), schemas: sorted(schemas) }, null, 2)}\n`);

function take(value: Json): void {
  for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    const found = whole.components.schemas[name as string];
    if (name === undefined || found === undefined || name in schemas) continue;
    schemas[name] = withoutProse(found, false);
    take(found);
  }
}

/** The name of a parameter, where it stands, what it takes, and for `filter` and `sort` the fields the server knows in it. */
function parameterOf(given: JsonObject): JsonObject {
  const reference = typeof given['$ref'] === 'string' ? given['$ref'].split('/').at(-1) : undefined;
  const one = reference === undefined ? given : whole.components.parameters[reference];
  if (one === undefined) throw new Error(`no parameter ${String(reference)}`);
  const { name, in: where, required, schema, description } = one;
  const fields =
    name === 'filter' || name === 'sort' ? fieldsOf(typeof description === 'string' ? description : '') : [];
  return {
    name: name ?? '',
    in: where ?? '',
    ...(required === true ? { required } : {}),
    schema: withoutProse(schema ?? {}, false),
    ...(fields.length > 0 ? { 'x-fields': fields } : {}),
  };
}

/** The fields that the words about a filter or a sort list. */
function fieldsOf(words: string): string[] {
  const list =
    /(?:Fields allowed in the (?:query|sort):|Allows sort for)\s*(.*?)(?:\n\n|<br\/?>|\.\s|$|This param|Example|Default)/s.exec(
      words,
    )?.[1];
  const found = (list ?? '').match(/\w+(?:\.\w+)*/g)?.filter((one) => one !== 'and') ?? [];
  const range = found.indexOf('up');
  if (range < 0) return found;
  const [from, to] = [found[range - 1], found[range + 2]].map((one) => Number(/\d+$/.exec(one ?? '')?.[0]));
  const stem = found[range - 1]?.replace(/\d+$/, '') ?? '';
  const between = Array.from({ length: (to ?? 0) - (from ?? 0) + 1 }, (_, index) => `${stem}${(from ?? 0) + index}`);
  return [...found.slice(0, range - 1), ...between, ...found.slice(range + 3)];
}

/** @param names whether the keys are names of properties, which may be called as prose is */
function withoutProse(value: Json, names: boolean): Json {
  if (Array.isArray(value)) return value.map((one) => withoutProse(one, false));
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([key]) => names || !PROSE.has(key));
  return Object.fromEntries(kept.map(([key, one]) => [key, withoutProse(one, !names && key === 'properties')]));
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
