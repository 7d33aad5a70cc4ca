import type { Schema } from 'ts-json-schema-generator';

/** Where schemas stand in a schema, of the words that ts-json-schema-generator and d3's own schemas use. */
const IN_A_MAP = ['properties', 'patternProperties', 'definitions'] as const;
const IN_A_LIST = ['anyOf', 'oneOf', 'allOf'] as const;
const ALONE = [
  'additionalProperties',
  'additionalItems',
  'not',
  'if',
  'then',
  'else',
  'propertyNames',
  'contains',
] as const;

/** The same schema, with each schema in it replaced by what `change` makes of it, innermost first. */
export function mapSchema(schema: Schema, change: (schema: Schema, at: string) => Schema, at = ''): Schema {
  const changed: Record<string, unknown> = { ...schema };
  const inner = (found: unknown, place: string) =>
    typeof found === 'object' && found !== null ? mapSchema(found, change, `${at}/${place}`) : found;
  const list = (found: readonly unknown[], place: string) => found.map((one, index) => inner(one, `${place}/${index}`));
  for (const word of IN_A_MAP) {
    const map = schema[word];
    if (map === undefined) continue;
    changed[word] = Object.fromEntries(Object.entries(map).map(([name, one]) => [name, inner(one, `${word}/${name}`)]));
  }
  for (const word of IN_A_LIST) if (schema[word] !== undefined) changed[word] = list(schema[word], word);
  for (const word of ALONE) if (schema[word] !== undefined) changed[word] = inner(schema[word], word);
  const { items } = schema;
  if (items !== undefined) changed['items'] = Array.isArray(items) ? list(items, 'items') : inner(items, 'items');
  return change(changed, at);
}

/** The name that a `$ref` to a definition of the same document says; null for any other schema. */
export function nameOf({ $ref }: Schema): string | null {
  const [, name] = /^#\/definitions\/(.+)$/.exec($ref ?? '') ?? [];
  return name === undefined ? null : decodeURIComponent(name);
}
