/**
 * schemas/ has the JSON Schemas of what d3 prints under --json, stores and sends, made from the types and schemas the code itself
 * goes by. `--write` renews them; without, this compares them and fails on any difference. It reads the build.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Schema } from 'ts-json-schema-generator';
import { checkedDocuments, contractFiles, typedDocuments } from './schemas/documents.ts';
import { programOf, schemasOf, typeNamed } from './schemas/from-types.ts';
import { commandFiles, resultSchemas } from './schemas/results.ts';
import { withShared } from './schemas/shared.ts';
import { jsonText } from './schemas/text.ts';

const root = path.dirname(import.meta.dirname);
const folder = path.join(root, 'schemas');
/** What of the folder is made here; the schemas of settings and OpenAPI have scripts of their own. */
const MADE = ['envelope.json', 'documents/*.json', 'results/**/*.json'];

try {
  const texts = new Map([...(await schemas())].map(([file, schema]) => [file, `${jsonText(schema)}\n`]));
  const there = globSync(MADE, { cwd: folder }).map((file) => file.split(path.sep).join('/'));
  const over = there.filter((file) => !texts.has(file) && !isBefore(file, texts));
  const stale = [...texts].filter(
    ([file, text]) => !there.includes(file) || readFileSync(path.join(folder, file), 'utf8') !== text,
  );
  if (process.argv.includes('--write')) {
    for (const file of over) rmSync(path.join(folder, file));
    for (const [file, text] of stale) {
      mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      writeFileSync(path.join(folder, file), text);
    }
    process.stdout.write(`schemas/: ${stale.length} of ${texts.size} files were written, ${over.length} removed.\n`);
  } else if (over.length + stale.length > 0) {
    const files = [...stale.map(([file]) => file), ...over].map((file) => `schemas/${file}`);
    throw new Error(`${files.join(', ')}: not what the code says`);
  } else process.stdout.write(`schemas/: all ${texts.size} are what the code says.\n`);
} catch (error) {
  process.stdout.write(`${(error as Error).message}\nTo renew all that is made from the code: npm run manifest\n`);
  process.exitCode = 1;
}

/** The schema a document had before the one it has: as long as readers take N − 1, it stays. */
function isBefore(file: string, made: ReadonlyMap<string, string>): boolean {
  const [, kind, version] = /^(documents\/.+)@(\d+)\.json$/.exec(file) ?? [];
  return made.has(`${kind}@${Number(version) + 1}.json`);
}

async function schemas(): Promise<Map<string, Schema>> {
  const commands = commandFiles(root);
  const contracts = contractFiles(root);
  const declarations = [...commands.map((command) => command.declarations), ...contracts];
  const missing = declarations.filter((file) => !existsSync(file)).map((file) => path.relative(root, file));
  if (missing.length > 0) throw new Error(`Not built yet: ${missing.join(', ')}`);
  const program = programOf(declarations);
  const schemaOf = schemasOf(program);
  const results = withShared(resultSchemas(commands, program, schemaOf), 'results/shared.json');
  const typed = typedDocuments(contracts, program, schemaOf);
  const checked = await checkedDocuments(root);
  const twice = [...typed.keys()].filter((name) => checked.has(name));
  if (twice.length > 0)
    throw new Error(`d3/${twice.join(', d3/')}: there is a schema in the code and a type in contracts.ts`);
  const documents = [...typed, ...checked].map(
    ([name, schema]) => [`documents/${name}.json`, { title: `d3/${name}`, ...schema }] as const,
  );
  const envelope = schemaOf(typeNamed(program, path.join(root, 'dist', 'contracts.d.ts'), 'AnyEnvelope'));
  return new Map([['envelope.json', envelope], ...documents, ...results]);
}
