/**
 * The committed oclif.manifest.json is the snapshot of every command, flag and alias: users' policies rely on them.
 * `--write` renews it; without, this compares it with the build and fails on any difference.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Plugin } from '@oclif/core';

const root = path.dirname(import.meta.dirname);
const file = path.join(root, 'oclif.manifest.json');

/** Absolute paths and load order have no place in a snapshot. */
function stable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, stable(part)]),
  );
}

const plugin = new Plugin({ root, isRoot: true, ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
const made = `${JSON.stringify(stable(plugin.manifest), null, 2)}\n`;
if (process.argv.includes('--write')) {
  writeFileSync(file, made);
  process.stdout.write(`${Object.keys(plugin.manifest.commands).length} commands are in the manifest.\n`);
} else if (readFileSync(file, 'utf8') !== made) {
  process.stderr.write(
    'oclif.manifest.json does not show the commands as they are. Look at the change and run: npm run manifest\n',
  );
  process.exit(1);
}
