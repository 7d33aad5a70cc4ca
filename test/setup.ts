import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BUILT, COMPILED, repository } from './cli/spawn.ts';

/**
 * What a whole run of the tests has once, before any of them: d3 built as users have it, for the tests that start it, and a
 * folder in which Node keeps what it compiled of the sources, for those that start something else.
 */
let folder: string | null = null;

export async function mochaGlobalSetup(): Promise<void> {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-tests-')));
  // Some tests start it as another user.
  chmodSync(folder, 0o755);
  process.on('exit', mochaGlobalTeardown);
  // Mocha ends itself after the first of these.
  process.once('SIGINT', mochaGlobalTeardown);
  process.once('SIGTERM', () => {
    mochaGlobalTeardown();
    process.kill(process.pid, 'SIGTERM');
  });
  const built = path.join(folder, 'd3');
  mkdirSync(built);
  // Mocha's workers read this too, and build nothing.
  const { buildD3 } = await import('./support/built-d3.ts');
  await buildD3(repository, built);
  process.env[BUILT] = built;
  process.env[COMPILED] = path.join(folder, 'compiled');
}

export function mochaGlobalTeardown(): void {
  if (folder !== null) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  folder = null;
}
