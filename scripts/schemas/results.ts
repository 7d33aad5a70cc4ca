import { globSync } from 'node:fs';
import path from 'node:path';
import type { Schema, ts } from 'ts-json-schema-generator';
import { resultType } from './result-type.ts';

/** A command's file, and the declarations the build made of it. */
export interface CommandFile {
  /** As it is typed, words parted by `/`. */
  command: string;
  source: string;
  declarations: string;
}

/** @param root of the repository */
export function commandFiles(root: string): CommandFile[] {
  const sources = globSync(['src/commands/**/*.ts', 'plugins/*/src/commands/**/*.ts'], { cwd: root });
  return sources
    .map((source) => {
      const [, folder = '', inner = ''] = /^(.*?)src\/commands\/(.+)\.ts$/.exec(source.split(path.sep).join('/')) ?? [];
      const declarations = path.join(root, folder, 'dist', 'commands', `${inner}.d.ts`);
      return { command: inner.replace(/\/index$/, ''), source, declarations };
    })
    .toSorted((a, b) => (a.command < b.command ? -1 : 1));
}

/** The schema of each command's result, by its path under schemas/. @throws Error naming every command whose type will not do */
export function resultSchemas(
  files: readonly CommandFile[],
  program: ts.Program,
  schemaOf: (type: ts.Node) => Schema,
): Map<string, Schema> {
  const schemas = new Map<string, Schema>();
  const wrong: string[] = [];
  for (const { command, source, declarations } of files) {
    try {
      const type = resultType(program, declarations);
      if (type.getText() === 'Json') throw new Error('its result is Json, which is anything: say what it is');
      const { $schema, ...schema } = schemaOf(type);
      const title = `The result of d3 ${command.replaceAll('/', ' ')}`;
      schemas.set(`results/${command}.json`, { ...($schema === undefined ? {} : { $schema }), title, ...schema });
    } catch (error) {
      wrong.push(`${source}: ${reasonOf(error)}`);
    }
  }
  if (wrong.length > 0) throw new Error(`Some commands have a result that is no schema:\n${wrong.join('\n')}`);
  return schemas;
}

/** The generator's own errors say where in a diagnostic, and why in what they were caused by. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { diagnostic } = error as { diagnostic?: ts.Diagnostic };
  const said = diagnostic === undefined ? error.message : JSON.stringify(diagnostic.messageText);
  return error.cause === undefined ? said : `${said}: ${reasonOf(error.cause)}`;
}
