/** An unchanged sync as a whole process, against Node doing nothing. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { initDepot, openDepot } from '../src/depot/index.ts';
import { systemClock } from '../src/platform/clock.ts';
import { machinePaths } from '../src/platform/paths.ts';
import { catalogOf, factsOf, fillDepot, fillMachine, publishWithoutFiles } from './fleet.ts';
import { paired, say, sayPaired } from './measure.ts';

const project = path.dirname(import.meta.dirname);
const RECEIPTS = 500;

for (const basenames of [1000, 10_000]) {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'd3-bench-'));
  try {
    const depot = path.join(dir, 'depot');
    const root = path.join(dir, 'root');
    mkdirSync(root);
    await initDepot(depot, { clock: systemClock });
    const catalog = catalogOf(basenames);
    fillDepot(depot, catalog);
    const opened = await openDepot(depot, { clock: systemClock });
    await publishWithoutFiles(opened, catalog);
    await opened.close();
    const env = { ...process.env, D3_DEPOT: depot, D3_ROOT: root, USER: 'sally' };
    const sync = [path.join(project, 'bin/run.js'), 'sync'];
    paired(sync, 1, env);
    fillMachine(machinePaths(root, process.platform).stateDatabase, factsOf(catalog, RECEIPTS).receipts);
    sayPaired(`unchanged sync, ${basenames} basenames x 4 editions, ${RECEIPTS} receipts`, paired(sync, 7, env));
    if (basenames === 1000)
      sayPaired('list-installed', paired([path.join(project, 'bin/run.js'), 'list-installed'], 15, env));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
say('');
