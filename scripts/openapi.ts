/**
 * schemas/openapi.json is what a served depot tells of itself, made from the schemas its routes check with. `--write`
 * renews it; without, this compares it and fails on any difference.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildApp } from '../src/depot/server/app.ts';
import type { ServerParts } from '../src/depot/server/route.ts';

const file = path.join(path.dirname(import.meta.dirname), 'schemas', 'openapi.json');

// Nothing is asked of it, so nothing has to be behind it.
const server = { clock: { now: () => new Date(0) } } as ServerParts;
const app = await buildApp(server, {
  log: () => undefined,
  logLevel: 'off',
  proxies: [],
  tls: null,
  perMinute: 1,
  ticks: () => 0,
});
const text = `${JSON.stringify(app.swagger(), null, 2)}\n`;
await app.close();

if (process.argv.includes('--write')) {
  writeFileSync(file, text);
  process.stdout.write('schemas/openapi.json was written.\n');
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  process.stdout.write('schemas/openapi.json is not what the routes are: npm run manifest\n');
  process.exitCode = 1;
} else process.stdout.write('schemas/openapi.json is what the routes are.\n');
