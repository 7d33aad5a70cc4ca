import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { openStore } from '../../src/depot/index.ts';
import { openSqliteStore } from '../../src/depot/store/sqlite-store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { expectFailure, inFolder, newEdition, TestClock } from './helpers.ts';
import { describeStore } from './store-contract.ts';

describeStore('SQLite', async (clock) => {
  const dir = await mkdtemp(join(tmpdir(), 'd3-store-test-'));
  return {
    store: await openStore(dir, { clock, mustExist: false }),
    discard: () => rm(dir, { recursive: true, force: true }),
  };
});

describe('SQLite store', () => {
  const clock = new TestClock();

  it('is a file for its owner only, with the settings that keep data', () =>
    inFolder(async (dir) => {
      const store = await openStore(dir, { clock, mustExist: false });
      await store.editions.insert(newEdition(), 'a');
      for (const name of ['depot.db', 'depot.db-wal', 'depot.db-shm']) {
        expect((await stat(join(dir, name))).mode & 0o777, name).to.equal(0o600);
      }
      await store.close();
      const again = await openStore(dir, { clock, mustExist: true });
      expect((await again.editions.list()).length).to.equal(1);
      await again.close();
    }));

  it('lists machines that wait however many were let in after them', () =>
    inFolder(async (dir) => {
      const store = await openStore(dir, { clock, mustExist: false });
      const expiresAt = new Date(clock.now().getTime() + 3_600_000).toISOString();
      const { code } = await store.enrolments.addCode({ kind: 'site', note: '', expiresAt }, 'a');
      const database = new DatabaseSync(join(dir, 'depot.db'));
      const insert = database.prepare(
        'insert into enrolments (code_id, state, computer_id, name, claims, key_hash, known_as, at) values (?, ?, ?, ?, ?, ?, ?, ?)',
      );
      database.exec('begin');
      for (let n = 0; n < 1500; n += 1)
        insert.run(code.id, n === 0 ? 'pending' : 'enrolled', `c${n}`, 'mac', '{}', `k${n}`, '[]', expiresAt);
      database.exec('commit');
      database.close();
      const listed = await store.enrolments.list();
      expect([listed.length, listed[0]?.computer.id, listed.at(-1)?.computer.id]).to.deep.equal([1000, 'c0', 'c1499']);
      await store.close();
    }));

  it('that another process holds for too long says so', () =>
    inFolder(async (dir) => {
      const file = join(dir, 'depot.db');
      const store = await openSqliteStore(file, { clock, mustExist: false, patience: 60 });
      const other = new DatabaseSync(file);
      other.exec('begin immediate');
      const error = await expectFailure(store.editions.insert(newEdition(), 'a'), 'STORE_BUSY', 'busy');
      expect(error.message).to.include(file);
      other.exec('rollback');
      await store.editions.insert(newEdition(), 'a');
      other.close();
      await store.close();
    }));

  it('asks the same again rightly when another process has changed a table meanwhile', () =>
    inFolder(async (dir) => {
      const store = await openStore(dir, { clock, mustExist: false });
      const { id } = await store.editions.insert(newEdition(), 'a');
      const before = await store.editions.list();
      const other = new DatabaseSync(join(dir, 'depot.db'));
      other.exec("alter table editions add column more text default 'more'");
      other.close();
      expect(await store.editions.list()).to.deep.equal(before);
      expect((await store.editions.insert(newEdition({ revision: 2 }), 'a')).id).to.equal(id + 1);
      expect((await store.editions.list()).length).to.equal(2);
      await store.close();
    }));

  it('is not made where it must be there', () =>
    inFolder(async (dir) => {
      await expectFailure(openStore(dir, { clock, mustExist: true }), 'STORE_NOT_FOUND', 'notFound');
      await writeFile(join(dir, 'depot.db'), 'this is no database, whatever its name says; really not');
      await expectFailure(openStore(dir, { clock, mustExist: true }), 'STORE_UNREADABLE', 'failed');
    }));

  it('of a newer d3 is refused by version and left untouched', () =>
    inFolder(async (dir) => {
      await (await openStore(dir, { clock, mustExist: false })).close();
      const database = new DatabaseSync(join(dir, 'depot.db'));
      database.exec('update depot set schema_version = 99');
      database.close();
      const error = await expectFailure(openStore(dir, { clock, mustExist: true }), 'SCHEMA_NEWER', 'refused');
      expect(error.message).to.include('version 99');
    }));

  it('leaves a document of a newer d3 as it is', () =>
    inFolder(async (dir) => {
      const store = await openStore(dir, { clock, mustExist: false });
      const groups = store.documents('group');
      const body = { schema: 'd3/group@1', kind: 'static', description: '', members: [] } as const;
      const { id } = await groups.create('g', { ...body, members: [] }, 'a');
      const database = new DatabaseSync(join(dir, 'depot.db'));
      database.exec(`update documents set body = replace(body, '@1', '@2')`);
      await expectFailure(groups.update(id, 1, { name: 'h' }, 'a'), 'SCHEMA_NEWER', 'refused');
      expect(database.prepare('select name, body from documents').get()).to.deep.include({ name: 'g' });
      database.close();
      await store.close();
    }));

  it('lets exactly one of two processes make an edition live', () =>
    inFolder(async (dir) => {
      const store = await openStore(dir, { clock: systemClock, mustExist: false });
      await store.editions.insert(newEdition({ revision: 1 }), 'a');
      await store.editions.insert(newEdition({ revision: 2 }), 'a');
      await store.close();
      for (let round = 0; round < 2; round++) {
        const copy = join(dir, `round-${round}`);
        await cp(join(dir, 'depot.db'), join(copy, 'depot.db'));
        const answers = await Promise.all([makeLiveElsewhere(copy, 1), makeLiveElsewhere(copy, 2)]);
        expect(answers.toSorted()).to.deep.equal(['LIVE_CONFLICT', 'done']);
      }
    }));
});

/** Makes an edition live in another process; resolves to `done` or the error's code. */
async function makeLiveElsewhere(dir: string, id: number): Promise<string> {
  const code = `
    import { openStore } from '${new URL('../../src/depot/index.ts', import.meta.url).href}';
    const store = await openStore(${JSON.stringify(dir)}, { clock: { now: () => new Date() }, mustExist: true });
    while (Date.now() % 250 > 5) {}
    const seen = { liveId: null, newestId: 2 };
    console.log(await store.editions.makeLive(${id}, 'a', seen).then(() => 'done', (error) => error.code));
    await store.close();`;
  const child = spawn(process.execPath, ['--conditions=d3-source', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of child.stdout) output += chunk;
  return output.trim();
}
