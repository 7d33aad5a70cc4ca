/** Everything that must hold of the sources besides the tests; prints one line for each, and all of what is wrong. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const project = path.dirname(import.meta.dirname);

const CHECKS: readonly [what: string, command: string, ...rest: string[]][] = [
  ['types', 'tsc', '-b'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'biome', 'check', '--linter-enabled=false', '--error-on-warnings', '.'],
  ['dead code', 'knip', '--no-progress'],
  ['laws', 'mocha', '--config', 'test/laws.mocharc.json'],
  ['reference', 'node', '--conditions=d3-source', 'scripts/reference.ts'],
  ['OpenAPI', 'node', '--conditions=d3-source', '--disable-warning=ExperimentalWarning', 'scripts/openapi.ts'],
  ['schemas', 'node', '--conditions=d3-source', '--disable-warning=ExperimentalWarning', 'scripts/schemas.ts'],
  ['command snapshot', 'node', 'scripts/manifest.ts'],
];

let failed = 0;
for (const [what, command, ...rest] of CHECKS) {
  const started = Date.now();
  const { status, stdout, stderr } = spawnSync(command, rest, { cwd: project, encoding: 'utf8' });
  const good = status === 0;
  process.stdout.write(`${good ? 'ok    ' : 'FAILED'} ${what} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  if (good) continue;
  failed += 1;
  process.stdout.write(`${stdout}${stderr}\n`);
}
process.exit(failed === 0 ? 0 : 1);
