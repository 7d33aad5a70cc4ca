/**
 * Takes from Jamf Pro's own schema what plugins/jamf calls: paths, shapes and privileges, without any of its prose.
 * Usage: node --conditions=d3-source scripts/jamf-schema.ts SCHEMA.json, and then npm run format
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CALLS } from '../plugins/jamf/src/connector/calls.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

const PROSE = new Set(['description', 'summary', 'example', 'examples', 'tags', 'title', 'externalDocs', 'parameters']);

const file = process.argv[2];
if (file === undefined) throw new Error('name the schema file of a Jamf Pro server, as it gives it under /api/schema');
const whole = JSON.parse(readFileSync(file, 'utf8')) as {
  paths: Record<string, JsonObject>;
  components: { schemas: Record<string, Json> };
};
const paths: Record<string, JsonObject> = {};
const schemas: Record<string, Json> = {};
for (const { method, paths: versions } of Object.values(CALLS)) {
  for (const one of versions) {
    const operation = whole.paths[one]?.[method];
    if (operation === undefined) continue;
    paths[one] = { ...paths[one], [method]: withoutProse(operation, false) };
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
