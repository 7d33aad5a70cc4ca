import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { State } from '../../src/client/state/state.ts';
import { StateRuns } from '../../src/client/state/step-runs.ts';
import { openStore } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import { MemoryRuns } from './memory.ts';
import { describeRuns } from './store-contract.ts';

function temporary(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'd3-runs-'));
}

function forgeIn(file: string, table: string) {
  return (id: string, from: string, to: string) => {
    const database = new DatabaseSync(file);
    database.prepare(`UPDATE ${table} SET body = replace(body, ?, ?) WHERE id = ?`).run(from, to, id);
    database.close();
  };
}

describeRuns('state.db of a machine', async () => {
  const root = temporary();
  const paths = machinePaths(root, process.platform);
  State.open(paths).close();
  return {
    store: new StateRuns(paths),
    other: new StateRuns(paths),
    discard: async () => rmSync(root, { recursive: true, force: true }),
    forge: forgeIn(paths.stateDatabase, 'step_runs'),
  };
});

describeRuns('SQLite of a depot', async () => {
  const dir = temporary();
  const [store, other] = [
    await openStore(dir, { clock: systemClock, mustExist: false }),
    await openStore(dir, { clock: systemClock, mustExist: true }),
  ];
  return {
    store: store.runs,
    other: other.runs,
    discard: async () => {
      await store.close();
      await other.close();
      rmSync(dir, { recursive: true, force: true });
    },
    forge: forgeIn(path.join(dir, 'depot.db'), 'runs'),
  };
});

describeRuns('the memory of tests', async () => {
  const store = new MemoryRuns();
  return { store, other: store, discard: async () => undefined, forge: null };
});
