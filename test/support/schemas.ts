import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';

/** The schemas in the repository, held to what d3 really says. */
const folder = fileURLToPath(new URL('../../schemas/', import.meta.url));

/**
 * What is published lets properties through that it does not know, so that a newer d3 may say more. Here all are known: one that the
 * schema does not name is a hole in it.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isOpen = inner['type'] === 'object' && 'properties' in inner && !('additionalProperties' in inner);
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}

let ajv: Ajv | null = null;

function schemas(): Ajv {
  if (ajv !== null) return ajv;
  ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  for (const file of globSync(['envelope.json', 'results/**/*.json', 'documents/**/*.json'], { cwd: folder })) {
    // A name for each, so that what they share is found by its path.
    const $id = `d3:///${file.split(path.sep).join('/')}`;
    ajv.addSchema({ ...(closed(JSON.parse(readFileSync(path.join(folder, file), 'utf8'))) as object), $id });
  }
  return ajv;
}

/** @param name the path of a schema in schemas/, without its ending @returns null where there is none */
function schemaNamed(name: string): ValidateFunction | null {
  if (!existsSync(path.join(folder, `${name}.json`))) return null;
  return schemas().getSchema(`d3:///${name}.json`) ?? null;
}

/** @returns what of the document is not as the schema says; null: nothing */
export function breachOf(name: string, document: unknown): string | null {
  const schema = schemaNamed(name);
  if (schema === null) return `there is no schema ${name}`;
  if (schema(document)) return null;
  const [first] = schema.errors ?? [];
  return `not as schemas/${name}.json says: ${schemas().errorsText(schema.errors?.slice(0, 5))}; ${JSON.stringify(first?.params)}`;
}

/**
 * @param stdout what a command printed
 * @returns what of an envelope at its end, or of the result in it, is not as the schemas say; null: nothing, or there is no envelope of
 *   a command that has a schema, as those of fixtures
 */
export function envelopeBreach(stdout: string): string | null {
  const envelope = envelopeIn(stdout);
  if (envelope === null) return null;
  const { command, result } = envelope;
  const name = `results/${String(command).replaceAll(' ', '/')}`;
  const breach = breachOf('envelope', envelope);
  if (breach !== null || result === null || schemaNamed(name) === null) return breach;
  return breachOf(name, result);
}

function envelopeIn(stdout: string): Record<string, unknown> | null {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  if (!line.startsWith('{"d3":')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}
