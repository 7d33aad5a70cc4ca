import { globSync } from 'node:fs';
import path from 'node:path';
import { type Schema, ts } from 'ts-json-schema-generator';
import { documentKind, documentKinds } from '../../src/depot/document-kinds.ts';
import { registerKinds } from '../../src/depot/kinds.ts';
import { reportSchema } from '../../src/depot/schemas.ts';
import { kindsComeFrom } from '../../src/lifecycle/declared-kinds.ts';
import { runSchema } from '../../src/runs/schema.ts';
import { loadByOclif } from '../../src/startup/own-plugins.ts';
import { typeNamed } from './from-types.ts';

/** The declarations that say which documents an owner stores or sends: the host, a plugin, a package. */
export function contractFiles(root: string): string[] {
  const sources = globSync(['src/contracts.ts', '{plugins,packages}/*/src/contracts.ts'], { cwd: root });
  return sources
    .toSorted()
    .map((source) => path.join(root, source.replace(/src\/contracts\.ts$/, 'dist/contracts.d.ts')));
}

/** Documents that no schema in the code checks, from their types. @throws Error naming those whose type will not do */
export function typedDocuments(
  files: readonly string[],
  program: ts.Program,
  schemaOf: (type: ts.Node) => Schema,
): Map<string, Schema> {
  const schemas = new Map<string, Schema>();
  for (const file of files) {
    const documents = typeNamed(program, file, 'Documents');
    if (!ts.isInterfaceDeclaration(documents)) throw new Error(`${file}: Documents is no interface`);
    for (const member of documents.members) {
      if (!ts.isPropertySignature(member) || member.type === undefined || !ts.isStringLiteral(member.name)) continue;
      const { text } = member.name;
      if (schemas.has(text)) throw new Error(`d3/${text} is two documents`);
      try {
        schemas.set(text, schemaOf(member.type));
      } catch (error) {
        throw new Error(`d3/${text}: ${(error as Error).message}`, { cause: error });
      }
    }
  }
  return schemas;
}

/** Documents that are checked by a schema where they are taken in: by just that one. */
export async function checkedDocuments(root: string): Promise<Map<string, Schema>> {
  const plugins = await loadByOclif({ root, code: 'sources' });
  kindsComeFrom(() => plugins);
  registerKinds();
  const $schema = 'http://json-schema.org/draft-07/schema#';
  const kinds = documentKinds().map(documentKind);
  return new Map<string, Schema>([
    ...kinds.map(({ kind, version, bodySchema }) => [`${kind}@${version}`, { $schema, ...bodySchema }] as const),
    ['report@1', { $schema, ...reportSchema } as Schema],
    ['step-run@1', { $schema, ...runSchema } as Schema],
  ]);
}
