import { D3Error } from '@d3/sdk';

/** The one check of documents against JSON Schemas (draft-07). Nothing heavy is loaded before something is checked. */

type Check = (value: unknown) => string | null;
const checks = new WeakMap<object, Check>();

/**
 * Checks a value against a JSON Schema.
 * @returns what is wrong, every problem with its place, or null
 */
export async function problemsWith(value: unknown, schema: object): Promise<string | null> {
  let check = checks.get(schema);
  if (check === undefined) {
    check = await compile(schema);
    checks.set(schema, check);
  }
  return check(value);
}

/** Levels a document may have: what looks into one goes as deep as it is. */
export const MAX_DEPTH = 64;

/** Looks no deeper than it has to. */
export function isTooDeep(value: unknown, levels = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isTooDeep(part, levels - 1));
}

async function compile(schema: object): Promise<Check> {
  const { Ajv } = await import('ajv');
  const ajv = new Ajv({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true });
  const validate = ajv.compile(schema);
  return (value) => {
    if (isTooDeep(value)) return `it is nested deeper than ${MAX_DEPTH} levels`;
    if (validate(value)) return null;
    return (validate.errors ?? [])
      .map((error) => `${error.instancePath === '' ? 'it' : error.instancePath} ${error.message ?? 'is wrong'}`)
      .join('; ');
  };
}

/**
 * Refuses a document that a newer d3 wrote, before anything else looks at it.
 * @param schema its `schema` property
 * @param name the part between `d3/` and `@`
 * @param version the newest version this d3 knows
 * @throws D3Error refused `SCHEMA_NEWER`
 */
export function refuseNewerSchema(schema: unknown, name: string, version: number, target: string): void {
  const match = typeof schema === 'string' ? /^d3\/([a-z0-9-]+)@(\d+)$/.exec(schema) : null;
  if (match === null || match[1] !== name || Number(match[2]) <= version) return;
  throw new D3Error(
    'SCHEMA_NEWER',
    'refused',
    `${target} has schema ${match[0]}; this d3 knows d3/${name} up to version ${version}. It was left as it is.`,
    { target, actions: ['Update d3 here.'] },
  );
}
