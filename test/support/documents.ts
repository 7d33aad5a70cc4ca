import { globSync, lstatSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A document as it lies somewhere: what it says it is, where, and all of it. */
export interface Lying {
  schema: string;
  place: string;
  body: unknown;
}

const SCHEMA = /^d3\/([a-z-]+@\d+)$/;
const MOST = 8 * 1024 * 1024;

/** Every document of d3's below a folder: files of JSON, lines of JSON in files, and rows of SQLite. What is within one is one too. */
export function documentsBelow(folder: string): Lying[] {
  return globSync('**/*', { cwd: folder, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const file = path.join(entry.parentPath, entry.name);
      if (lstatSync(file).size > MOST) return [];
      const bytes = readFileSync(file);
      const place = path.relative(folder, file);
      if (bytes.subarray(0, 15).toString('latin1') === 'SQLite format 3') return inDatabase(file, place);
      return inText(bytes.toString('utf8'), place);
    });
}

function inDatabase(file: string, place: string): Lying[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    return tables.flatMap(({ name }) =>
      database
        .prepare(`SELECT * FROM "${String(name)}"`)
        .all()
        .flatMap((row) =>
          Object.entries(row).flatMap(([column, value]) =>
            typeof value === 'string' ? inText(value, `${place}: ${String(name)}.${column}`) : [],
          ),
        ),
    );
  } finally {
    database.close();
  }
}

function inText(text: string, place: string): Lying[] {
  if (!text.includes('"d3/')) return [];
  try {
    return within(JSON.parse(text), place);
  } catch {
    return [];
  }
}

function within(value: unknown, place: string): Lying[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap((one) => within(one, place));
  const { schema } = value as { schema?: unknown };
  const [, name] = SCHEMA.exec(typeof schema === 'string' ? schema : '') ?? [];
  return name === undefined ? inner : [{ schema: name, place, body: value }, ...inner];
}
