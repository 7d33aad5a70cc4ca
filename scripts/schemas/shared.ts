import type { Schema } from 'ts-json-schema-generator';
import { mapSchema, nameOf } from './subschemas.ts';

/**
 * Takes the definitions that several schemas have alike out of them. Two types may have one name: what most say stands in the shared
 * file, and the others keep theirs, with all that leads to it.
 * @param schemas by the paths they will have
 * @param path the path of what they share
 * @returns all of them, what they share included
 */
export function withShared(schemas: ReadonlyMap<string, Schema>, path: string): Map<string, Schema> {
  const shared = sharedOf([...schemas.values()]);
  const out = new Map<string, Schema>();
  for (const [own, schema] of schemas) {
    const local = localOf(schema, shared);
    const up = '../'.repeat(own.split('/').length - path.split('/').length);
    const { definitions = {}, ...root } = pointing(schema, local, `${up === '' ? './' : up}${path.split('/').at(-1)}`);
    const left = Object.entries(definitions).filter(([name]) => local.has(name));
    out.set(own, { ...root, ...(left.length === 0 ? {} : { definitions: Object.fromEntries(left) }) });
  }
  const named = [...shared].toSorted(([a], [b]) => (a < b ? -1 : 1));
  out.set(path, { $schema: 'http://json-schema.org/draft-07/schema#', definitions: Object.fromEntries(named) });
  return out;
}

function definitionsOf({ definitions = {} }: Schema): [string, Schema][] {
  return Object.entries(definitions) as [string, Schema][];
}

/** By name, what most schemas say it is, where that is more than one; what it names is among them. */
function sharedOf(schemas: readonly Schema[]): Map<string, Schema> {
  const said = new Map<string, Map<string, { body: Schema; times: number }>>();
  for (const [name, body] of schemas.flatMap(definitionsOf)) {
    const bodies = said.get(name) ?? new Map<string, { body: Schema; times: number }>();
    const text = JSON.stringify(body);
    bodies.set(text, { body, times: (bodies.get(text)?.times ?? 0) + 1 });
    said.set(name, bodies);
  }
  const shared = new Map<string, Schema>();
  for (const [name, bodies] of said) {
    const [most] = [...bodies.values()].toSorted((a, b) => b.times - a.times);
    if (most !== undefined && most.times > 1) shared.set(name, most.body);
  }
  for (let before = -1; before !== shared.size; ) {
    before = shared.size;
    for (const [name, body] of shared) if (namesIn(body).some((inner) => !shared.has(inner))) shared.delete(name);
  }
  return shared;
}

/** The definitions a schema keeps: those that are not what is shared under their name, and those that name such ones. */
function localOf(schema: Schema, shared: ReadonlyMap<string, Schema>): Set<string> {
  const own = definitionsOf(schema);
  const local = new Set(
    own.filter(([name, body]) => JSON.stringify(body) !== JSON.stringify(shared.get(name))).map(([name]) => name),
  );
  for (let before = -1; before !== local.size; ) {
    before = local.size;
    for (const [name, body] of own) if (namesIn(body).some((inner) => local.has(inner))) local.add(name);
  }
  return local;
}

function namesIn(schema: Schema): string[] {
  const names: string[] = [];
  mapSchema(schema, (one) => {
    const name = nameOf(one);
    if (name !== null) names.push(name);
    return one;
  });
  return names;
}

function pointing(schema: Schema, local: ReadonlySet<string>, file: string): Schema {
  return mapSchema(schema, (one) => {
    const name = nameOf(one);
    return name === null || local.has(name) ? one : { ...one, $ref: `${file}${one.$ref}` };
  });
}
