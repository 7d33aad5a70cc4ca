import { existsSync, mkdirSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { initDepot, type LocalDepot, moveDepot, openDepot } from '../../src/depot/index.ts';
import { placeText, postgresPlace } from '../../src/depot/store/postgres-place.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { d3 } from '../cli/spawn.ts';
import { contentsOf, fillDepot } from '../support/filled-depot.ts';
import { ask, dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';
import { expectFailure, inFolder, newEdition, newReport, TestClock } from './helpers.ts';
import { killedEverywhere, runKilled } from './killing.ts';

describe('a depot that moves', function () {
  this.timeout(120_000);
  let server: TestServer;
  before(async () => {
    server = await testPostgres();
  });
  after(releasePostgres);

  const clock = new TestClock();
  const signal = new AbortController().signal;
  const passwordOf = (url: string) => postgresPlace(url).password;
  const opened = (dir: string, url: string | null) =>
    openDepot(dir, { clock, database: { url: null, password: url === null ? null : passwordOf(url) } });

  async function filled(dir: string, computers?: number): Promise<unknown> {
    await initDepot(dir, { clock });
    const depot = await openDepot(dir, { clock });
    try {
      await fillDepot(depot, computers);
      return await contentsOf(depot);
    } finally {
      await depot.close();
    }
  }

  const move = (dir: string, to: string, more: { password?: string | null; dryRun?: boolean } = {}) => {
    const { password = null, dryRun = false } = more;
    const database = { url: null, password };
    return moveDepot({ dir, database, to, password, dryRun, report: silentReporter, signal });
  };

  /** A server that was told another database than the depot's folder names, and changes something. */
  async function openAt(dir: string, url: string): Promise<void> {
    const depot = await openDepot(dir, { clock, database: { url, password: null } });
    try {
      await depot.store.editions.insert(newEdition({ revision: 30 }), 'a');
    } finally {
      await depot.close();
    }
  }

  async function inSchema(work: (url: string, to: string) => Promise<void>): Promise<void> {
    const url = freshSchema(server);
    try {
      await work(url, placeText(postgresPlace(url)));
    } finally {
      await dropSchema(url);
    }
  }

  async function contents(dir: string, url: string | null): Promise<unknown> {
    const depot = await opened(dir, url);
    try {
      return await contentsOf(depot);
    } finally {
      await depot.close();
    }
  }

  it('goes to PostgreSQL with everything, and back into its folder, and into another', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        const before = await filled(home);
        const raw = new DatabaseSync(join(home, 'depot.db'));
        raw.exec("insert into run_lines (run, at, step, text) values ('other', '2030', null, 'a' || char(0) || 'b')");
        raw.close();
        const password = passwordOf(url);
        const moved = await move(home, to, { password });
        expect(moved).to.deep.include({ from: join(home, 'depot.db'), to, dryRun: false });
        expect(moved.rows).to.deep.include({
          depot: 1,
          editions: 3,
          deleted_editions: 1,
          documents: 1,
          computers: 5,
          run_lines: 2,
        });
        expect(moved.files).to.be.greaterThan(4);
        expect(await contents(home, url)).to.deep.equal(before);
        const depot = await opened(home, url);
        expect((await depot.store.runs.lines('other'))[0]?.text).to.equal('a\ufffdb');
        expect((await depot.store.editions.insert(newEdition({ revision: 9 }), 'a')).id).to.equal(5);
        expect(
          (
            await depot.store
              .documents('group')
              .create('new', { schema: 'd3/group@1', kind: 'static', description: '', members: [] }, 'a')
          ).id,
        ).to.equal(3);
        await depot.publish();
        const changed = await contentsOf(depot);
        await depot.close();

        await move(home, home, { password });
        expect(existsSync(join(home, 'database.json'))).to.equal(false);
        expect(await contents(home, null)).to.deep.equal(changed);
        const back = await openDepot(home, { clock });
        expect((await back.store.editions.insert(newEdition({ revision: 10 }), 'a')).id).to.equal(6);
        await back.close();
      }),
    ));

  it('goes from one database to another', () =>
    inFolder(async (dir) =>
      inSchema(async (first, to) =>
        inSchema(async (second, further) => {
          const home = join(dir, 'depot');
          const before = await filled(home);
          const password = passwordOf(first);
          await move(home, to, { password });
          await expectFailure(move(home, to, { password }), 'DATABASE_NOT_EMPTY', 'refused');
          await move(home, further, { password });
          expect(await contents(home, second)).to.deep.equal(before);
          expect(await readFile(join(home, 'database.json'), 'utf8')).to.include(new URL(further).search);
          const depot = await opened(home, second);
          await depot.store.editions.insert(newEdition({ revision: 31 }), 'a');
          await depot.publish();
          await depot.close();
          const shown = await readFile(join(home, 'public/metadata/timestamp.json'), 'utf8');
          // Behind what machines are shown by now: it must not show them what it has.
          await expectFailure(openAt(home, first), 'STORE_MOVED', 'refused');
          expect(await readFile(join(home, 'public/metadata/timestamp.json'), 'utf8')).to.equal(shown);
        }),
      ),
    ));

  it('into another folder takes its files along', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        await filled(home);
        await move(home, to, { password: passwordOf(url) });
        const before = await contents(home, url);
        const other = join(dir, 'other');
        await move(home, other, { password: passwordOf(url) });
        expect(await contents(other, null)).to.deep.equal(before);
        expect((await readdir(other)).toSorted()).to.deep.equal(['blobs', 'depot.db', 'inbox', 'keys', 'public']);
        const depot = await openDepot(other, { clock });
        for (const { status } of await depot.editionsWithDerivedStatus()) expect(status).to.not.equal('missing');
        await depot.publish();
        await depot.close();
        const left = await opened(home, url);
        await expectFailure(left.store.editions.insert(newEdition({ revision: 7 }), 'a'), 'STORE_MOVED', 'refused');
        await left.close();
      }),
    ));

  it('leaves a store behind that takes no change, not even by a process that has it open', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        await filled(home);
        const late = await openDepot(home, { clock });
        await move(home, to, { password: passwordOf(url) });
        for (const change of [
          late.store.editions.insert(newEdition({ revision: 7 }), 'a'),
          late.store.computers.takeReport(newReport()),
          late.store.runs.append('run-1', [{ at: '2030-01-01T00:00:00.000Z', step: 0, text: 'late' }]),
        ]) {
          const error = await expectFailure(change, 'STORE_MOVED', 'refused');
          expect(error.message).to.include(to);
        }
        await expectFailure(move(home, home, { password: passwordOf(url) }), 'STORE_IN_USE', 'busy');
        await late.close();
        await move(home, home, { password: passwordOf(url) });
      }),
    ));

  it('says with --dry-run what would move, and touches nothing', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        const before = await filled(home);
        const would = await move(home, to, { password: passwordOf(url), dryRun: true });
        expect(would.rows).to.deep.include({ editions: 3 });
        expect(await ask(url, 'select to_regnamespace(current_schema()) as there')).to.deep.equal([{ there: null }]);
        expect(await contents(home, null)).to.deep.equal(before);
      }),
    ));

  it('is refused by a database or a folder that has something, and by a damaged package', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        await filled(home);
        const password = passwordOf(url);
        await initDepot(join(dir, 'another'), { clock, database: { url, password: null } });
        await expectFailure(move(home, to, { password }), 'DATABASE_NOT_EMPTY', 'refused');
        await expectFailure(move(home, home), 'ALREADY_THERE', 'refused');
        await mkdir(join(dir, 'full'));
        await writeFile(join(dir, 'full', 'thesis.txt'), '');
        await expectFailure(move(join(dir, 'another'), join(dir, 'full'), { password }), 'FOLDER_NOT_EMPTY', 'refused');
        const depot = await openDepot(home, { clock });
        const [edition] = await depot.store.editions.list();
        await writeFile(depot.blobs.path(edition?.file.sha256 ?? ''), 'something else');
        await depot.close();
        const fresh = freshSchema(server);
        await expectFailure(
          move(home, placeText(postgresPlace(fresh)), { password }),
          'BLOB_DAMAGED',
          'verificationFailed',
        );
      }),
    ));

  it('and is killed at any moment: the old store is in force or the new one, and repeating it ends well', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      const before = JSON.stringify(await filled(home, 150));
      let cut = 0;
      const once = async (wait: number, url: string, to: string): Promise<boolean> => {
        const env = { D3_DEPOT: home, D3_DEPOT_DATABASE: url };
        const argv = ['depot', 'migrate', '--to', to];
        const first = await d3(argv, { env, running: (child) => setTimeout(() => child.kill('SIGKILL'), wait) });
        if (first.signal === null) expect(first.code, first.stderr).to.equal(0);
        else if (!existsSync(join(home, 'database.json'))) {
          cut += 1;
          expect(JSON.stringify(await contents(home, null)) === before).to.equal(true);
          const again = await d3(argv, { env });
          expect(again.code, again.stderr).to.equal(0);
        }
        expect(JSON.stringify(await contents(home, url)) === before).to.equal(true);
        await move(home, home, { password: passwordOf(url) });
        return first.signal === null;
      };
      for (let wait = 100; wait < 20_000; wait = Math.round(wait * 1.5)) {
        const whole: boolean[] = [];
        await inSchema(async (url, to) => void whole.push(await once(wait, url, to)));
        if (whole[0] === true) break;
      }
      expect(cut).to.be.greaterThan(3);
    }));

  /** Whether a store takes changes; nothing is changed. */
  async function takesChanges(change: () => unknown): Promise<boolean> {
    try {
      await change();
      return true;
    } catch (error) {
      expect((error as Error).message).to.include('d3 moved: ');
      return false;
    }
  }
  const postgresTakes = (url: string) => takesChanges(() => ask(url, 'update depot set generation = generation'));
  const fileTakes = (file: string) =>
    takesChanges(() => {
      const raw = new DatabaseSync(file);
      try {
        raw.exec('update depot set generation = generation');
      } finally {
        raw.close();
      }
    });

  it('and is killed at any change of its files: never do two stores take changes, and repeating it ends well', () =>
    inFolder(async (dir) => {
      const original = join(dir, 'depot');
      const before = await filled(original);
      let shut = 0;
      const points = await killedEverywhere(async (at) => {
        let through = false;
        await inSchema(async (url, to) => {
          const home = join(dir, `there-${at}`);
          await cp(original, home, { recursive: true, preserveTimestamps: true });
          through = await runKilled(at / 2 + 0.5, 'move', home, url);
          const isThere = existsSync(join(home, 'database.json'));
          if (through) expect(isThere).to.equal(true);
          const isShut = !(await fileTakes(join(home, 'depot.db')));
          if (isThere) expect(isShut).to.equal(true);
          else {
            if (isShut) shut += 1;
            const other = await openDepot(home, { clock }).catch((error: unknown) => error);
            if (other instanceof Error) expect(other).to.include({ code: 'STORE_MOVED' });
            else await (other as LocalDepot).close();
            await move(home, to, { password: passwordOf(url) });
          }
          expect(await contents(home, url)).to.deep.equal(before);
          expect(await fileTakes(join(home, 'depot.db'))).to.equal(false);
        });
        return through;
      });
      expect(points).to.be.greaterThan(2);
      expect(shut).to.be.greaterThan(0);
    }));

  for (const [where, least] of [
    ['its own folder', 6],
    ['another folder', 5],
  ] as const) {
    it(`and is killed at any change of its files on its way into ${where}`, () =>
      inFolder(async (dir) => {
        const original = join(dir, 'depot');
        const before = await filled(original);
        let shut = 0;
        const points = await killedEverywhere(async (at) => {
          let through = false;
          await inSchema(async (url, from) => {
            const home = join(dir, `home-${at}`);
            await cp(original, home, { recursive: true, preserveTimestamps: true });
            const password = passwordOf(url);
            await move(home, from, { password });
            const to = where === 'another folder' ? join(dir, `to-${at}`) : home;
            const copy = join(to, '.d3-migrate/depot.db');
            // Into another folder there is nothing after a change that is not before the next one.
            through = await runKilled(to === home ? at / 2 + 0.5 : at, 'move', home, `${to} ${url}`, copy);
            const isThere =
              where === 'another folder' ? existsSync(join(to, 'depot.db')) : !existsSync(join(home, 'database.json'));
            if (through) expect(isThere).to.equal(true);
            const isShut = !(await postgresTakes(url));
            if (isThere) expect(isShut).to.equal(true);
            else {
              if (isShut) shut += 1;
              await move(home, to, { password });
            }
            expect(await contents(to, null)).to.deep.equal(before);
            expect(await fileTakes(join(to, 'depot.db'))).to.equal(true);
            expect(await postgresTakes(url)).to.equal(false);
            const names = await readdir(to);
            expect(names.filter((name) => name.startsWith('.d3-migrate') && name !== '.d3-migrate.lock')).to.deep.equal(
              through || !isThere ? [] : names.filter((name) => name === '.d3-migrate'),
            );
            const depot = await openDepot(to, { clock });
            for (const { status } of await depot.editionsWithDerivedStatus()) expect(status).to.not.equal('missing');
            await depot.close();
          });
          return through;
        });
        expect(points).to.be.greaterThan(least - 1);
        expect(shut).to.be.greaterThan(0);
      }));
  }

  it('says when it was cut right before its end, and goes on when that is mended', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) => {
        const home = join(dir, 'depot');
        const before = await filled(home);
        const password = passwordOf(url);
        const database = { url: null, password };
        const report = (event: { type: string; text?: string }) => {
          // A folder has the name that the file would get.
          if (event.text === 'every row was compared') mkdirSync(join(home, 'database.json'));
        };
        const cut = moveDepot({ dir: home, database, to, password, dryRun: false, report, signal });
        const error = await expectFailure(cut, 'MOVE_CUT', 'failed');
        expect(error.actions?.join()).to.include('repeat the command');
        await rmdir(join(home, 'database.json'));
        const late = await openDepot(home, { clock });
        await expectFailure(late.store.editions.insert(newEdition({ revision: 7 }), 'a'), 'STORE_MOVED', 'refused');
        await late.close();
        await move(home, to, { password });
        expect(await contents(home, url)).to.deep.equal(before);
      }),
    ));

  it('is refused to another place than where it was cut on its way to, and while another process moves it', () =>
    inFolder(async (dir) =>
      inSchema(async (url, to) =>
        inSchema(async (second, further) => {
          const home = join(dir, 'depot');
          await filled(home);
          const password = passwordOf(url);
          const stopped = await runKilled(1, 'move', home, url, home);
          expect([stopped, await fileTakes(join(home, 'depot.db'))]).to.deep.equal([false, false]);
          const error = await expectFailure(move(home, further, { password }), 'STORE_MOVED', 'refused');
          expect(error.message).to.include(to);
          expect(await ask(second, "select to_regclass('depot') as there")).to.deep.equal([{ there: null }]);
          const both = await Promise.allSettled([move(home, to, { password }), move(home, to, { password })]);
          expect(both.map(({ status }) => status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
          const [lost] = both.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
          expect(lost).to.include({ code: 'DEPOT_BUSY' });
        }),
      ),
    ));

  describe('by its command', () => {
    it('never takes a password on the command line, nor writes one anywhere', () =>
      inFolder(async (dir) =>
        inSchema(async (url, to) => {
          const home = join(dir, 'depot');
          await filled(home);
          const env = { D3_DEPOT: home };
          const password = passwordOf(url) ?? '';
          const withSecret = new URL(to);
          withSecret.password = 'hidden-word';
          const refused = await d3(['depot', 'migrate', '--to', withSecret.href, '--json'], { env });
          expect(refused.code).to.equal(2);
          expect(refused.stdout).to.include('DATABASE_SECRET').and.to.not.include('hidden-word');
          const file = join(dir, 'password');
          await writeFile(file, `${password}\n`, { mode: 0o600 });
          const argv = ['depot', 'migrate', '--to', to, '--password-file', file, '--json'];
          const moved = await d3([...argv, '--debug'], { env });
          expect(moved.code, moved.stderr).to.equal(0);
          expect(JSON.parse(moved.stdout).result).to.deep.include({ to, dryRun: false });
          expect(moved.stdout + moved.stderr).to.not.include(password);
          expect(await readFile(join(home, 'database.json'), 'utf8')).to.not.include(password);
          const shown = await d3(['admin', 'show', 'all', '--json'], { env: { ...env, D3_DEPOT_DATABASE: url } });
          expect(shown.code, shown.stderr).to.equal(0);
          const without = await d3(['admin', 'show', 'all', '--json'], { env: { ...env, PGPASSFILE: '/nonexistent' } });
          expect([without.code, JSON.parse(without.stdout).errors[0].code]).to.deep.equal([21, 'DATABASE_DENIED']);
        }),
      ));

    it('a database that does not answer ends with 20, its host named and its password not', () =>
      inFolder(async (dir) => {
        const home = join(dir, 'depot');
        await initDepot(home, { clock: systemClock });
        const env = { D3_DEPOT: home, D3_DEPOT_DATABASE: 'postgres://d3:hidden-word@127.0.0.1:1/d3' };
        const ended = await d3(['depot', 'migrate', '--to', 'postgres://d3@127.0.0.1:1/d3', '--json'], { env });
        expect(ended.code).to.equal(20);
        expect(ended.stdout).to.include('127.0.0.1').and.to.not.include('hidden-word');
        expect(ended.stderr).to.not.include('hidden-word');
      }));
  });
});
