import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { refuseNewerSchema } from '../json-schema.ts';
import { errnoOf, makeFolder, writeFileDurably } from './files.ts';
import { keysFolder } from './keys.ts';

/** Keys whose private half is not on the depot's host: that they are not at hand is as it should be. */

const VERSION = 1;

const fileOf = (dir: string) => join(keysFolder(dir), 'elsewhere.json');

/** Ids of keys that are kept elsewhere, with where or by whom. */
export async function keptElsewhere(dir: string): Promise<ReadonlyMap<string, string>> {
  const file = fileOf(dir);
  try {
    const { schema, keys } = JSON.parse(await readFile(file, 'utf8'));
    refuseNewerSchema(schema, 'elsewhere', VERSION, file);
    return new Map(Object.entries(keys as Record<string, string>));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return new Map();
    throw error;
  }
}

export async function noteElsewhere(dir: string, notes: ReadonlyMap<string, string>): Promise<void> {
  if (notes.size === 0) return;
  const keys = Object.fromEntries([...(await keptElsewhere(dir)), ...notes]);
  await makeFolder(keysFolder(dir), 0o700);
  await writeFileDurably(fileOf(dir), `${JSON.stringify({ schema: 'd3/elsewhere@1', keys })}\n`, 0o600);
}
