import {
  createFormatter,
  createParser,
  DEFAULT_CONFIG,
  type Schema,
  SchemaGenerator,
  ts,
} from 'ts-json-schema-generator';
import { mapSchema, nameOf } from './subschemas.ts';

/**
 * Schemas of TypeScript's types. They are read from declarations as the build wrote them: a tenth of the text, and the same types.
 * TypeScript 7 has no interface for programs yet, so it is the generator's own one that reads them.
 */

/** A type's own name; whatever else a definition is called came of how the type was put together. */
const NAME = /^[A-Z][A-Za-z0-9]*$/;

const config = {
  ...DEFAULT_CONFIG,
  expose: 'all',
  topRef: false,
  functions: 'fail',
} as const;

/** @param files declarations */
export function programOf(files: readonly string[]): ts.Program {
  return ts.createProgram(files, {
    target: ts.ScriptTarget.ES2024,
    lib: ['lib.es2024.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  });
}

/** The type or interface of that name in a file. */
export function typeNamed(program: ts.Program, file: string, name: string): ts.Node {
  const found = program
    .getSourceFile(file)
    ?.statements.find(
      (statement) =>
        (ts.isTypeAliasDeclaration(statement) || ts.isInterfaceDeclaration(statement)) && statement.name.text === name,
    );
  if (found === undefined) throw new Error(`${file} has no type ${name}`);
  return found;
}

/** @returns what makes a schema of a type; it throws where the type says less than JSON needs */
export function schemasOf(program: ts.Program): (type: ts.Node) => Schema {
  const generator = new SchemaGenerator(program, createParser(program, config), createFormatter(config), config);
  return (type) => {
    const { $schema, definitions = {}, ...root } = tidied(generator.createSchemaFromNodes([type]));
    const named = Object.entries(definitions).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      ...($schema === undefined ? {} : { $schema }),
      ...root,
      ...(named.length === 0 ? {} : { definitions: Object.fromEntries(named) }),
    };
  };
}

/**
 * Definitions that nobody named stand where they are used; one use of a type says no more than the type. Objects are left open: what a
 * newer d3 adds is no breach of the schema.
 */
function tidied(schema: Schema): Schema {
  const { definitions = {} } = schema;
  const inlined = (one: Schema, at: string, within: readonly string[]): Schema => {
    const name = nameOf(one);
    if (name === null) {
      refuseEmpty(one, at);
      return opened(one);
    }
    if (NAME.test(name)) return one;
    if (within.includes(name)) throw new Error(`${at || '/'} holds itself, and has no name`);
    const body = mapSchema(definitions[name] as Schema, (inner, place) =>
      inlined(inner, at + place, [...within, name]),
    );
    const { $ref: _, ...beside } = one;
    return { ...body, ...beside };
  };
  const named = Object.entries(definitions).filter(([name]) => NAME.test(name));
  return mapSchema({ ...schema, definitions: Object.fromEntries(named) }, (one, at) => inlined(one, at, []));
}

function opened({ additionalProperties, ...schema }: Schema): Schema {
  return additionalProperties === undefined || additionalProperties === false
    ? schema
    : { ...schema, additionalProperties };
}

/** What is closed says so still; an object that does not has values of any type. */
function refuseEmpty(schema: Schema, at: string): void {
  const { description: _, ...said } = schema;
  const isAnything =
    Object.keys(said).length === 0 || (said.type === 'object' && said.additionalProperties === undefined);
  if (at !== '' && isAnything)
    throw new Error(`${at} may be anything (any or unknown): give it a type, Json where it is any JSON`);
}
