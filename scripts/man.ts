/**
 * Man pages of every command, made from what docs/reference.md is made from:
 *   node --conditions=d3-source scripts/man.ts OUTDIR
 * They are for packages of d3, which lay them down in man1; nothing of them is committed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { knownCommands } from './known-commands.ts';
import { manPages } from './man-pages.ts';

const root = path.dirname(import.meta.dirname);
const [out] = process.argv.slice(2);
if (out === undefined) {
  process.stderr.write('Usage: node --conditions=d3-source scripts/man.ts OUTDIR\n');
  process.exit(2);
}
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };
// Whoever builds packages says when, so that two builds are the same.
const epoch = Number(process.env['SOURCE_DATE_EPOCH'] ?? 0);
const date = new Date(epoch * 1000).toISOString().slice(0, 10);
const pages = manPages((await knownCommands(root)).commands, { version, date });
mkdirSync(out, { recursive: true });
for (const [name, text] of Object.entries(pages)) writeFileSync(path.join(out, name), text);
process.stdout.write(`${Object.keys(pages).length} pages are in ${out}.\n`);
