import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { State } from '../../src/client/state/state.ts';
import { StateRuns } from '../../src/client/state/step-runs.ts';
import { openStore } from '../../src/depot/index.ts';
import { postgresPlace } from '../../src/depot/store/postgres-place.ts';
import { openPostgresStore } from '../../src/depot/store/postgres-store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { machinePaths } from '../../src/platform/paths.ts';
import { ask, dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';
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

describe('runs on PostgreSQL', function () {
  this.timeout(120_000);
  let server: TestServer;
  before(async () => {
    server = await testPostgres();
  });
  after(releasePostgres);

  describeRuns('PostgreSQL of a depot', async () => {
    const url = freshSchema(server);
    const options = { clock: systemClock, mustExist: false, identity: null };
    const store = await openPostgresStore(postgresPlace(url), options);
    const other = await openPostgresStore(postgresPlace(url), options);
    return {
      store: store.runs,
      other: other.runs,
      discard: async () => {
        await store.close();
        await other.close();
        await dropSchema(url);
      },
      forge: async (id, from, to) => {
        await ask(url, 'update runs set body = replace(body, $1, $2) where id = $3', [from, to, id]);
      },
    };
  });
});

describeRuns('the memory of tests', async () => {
  const store = new MemoryRuns();
  return { store, other: store, discard: async () => undefined, forge: null };
});

describe('stores of before there were runs', () => {
  it('a depot is brought up to date when it is opened', async () => {
    const dir = temporary();
    try {
      await (await openStore(dir, { clock: systemClock, mustExist: false })).close();
      const before = new DatabaseSync(path.join(dir, 'depot.db'));
      before.exec(`DROP TABLE runs; DROP TABLE run_lines; ALTER TABLE deleted_editions DROP COLUMN file_kept;
        DROP TABLE computer_receipts; DROP TABLE computer_queue; DROP TABLE computer_problems;
        DROP INDEX events_at; DROP INDEX events_key; ALTER TABLE computers DROP COLUMN user_name;
        ALTER TABLE depot DROP COLUMN identity; ALTER TABLE depot DROP COLUMN unfinished;
        ALTER TABLE events DROP COLUMN target_key; ALTER TABLE events DROP COLUMN prev; ALTER TABLE events DROP COLUMN hash;
        ALTER TABLE depot DROP COLUMN events; ALTER TABLE depot DROP COLUMN newest_event;
        DROP TABLE page_sessions; DROP TABLE tokens; DROP TABLE enrolments; DROP TABLE enrolment_codes; DROP TABLE computer_claims;
        UPDATE depot SET schema_version = 1`);
      before.close();
      const store = await openStore(dir, { clock: systemClock, mustExist: true });
      expect(await store.runs.list()).to.deep.equal([]);
      await store.runs.append('r', [{ at: '2030-01-01T00:00:00.000Z', step: null, text: 'kept' }]);
      expect((await store.runs.lines('r')).map(({ text }) => text)).to.deep.equal(['kept']);
      await store.close();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('a machine is read as it is: there are no runs yet', async () => {
    const root = temporary();
    try {
      const paths = machinePaths(root, process.platform);
      const runs = new StateRuns(paths);
      expect([await runs.list(), runs.policiesDone().size]).to.deep.equal([[], 0]);
      State.open(paths).close();
      const before = new DatabaseSync(paths.stateDatabase);
      before.exec('DROP TABLE step_runs; DROP TABLE step_lines; DROP TABLE policies_done; PRAGMA user_version = 3');
      before.close();
      expect([await runs.list(), await runs.get('r'), await runs.lines('r')]).to.deep.equal([[], null, []]);
      runs.policyDone(7, '2030-01-01T00:00:00.000Z');
      expect([...runs.policiesDone()]).to.deep.equal([[7, '2030-01-01T00:00:00.000Z']]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
