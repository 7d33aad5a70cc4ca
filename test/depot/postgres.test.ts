import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { initDepot, openDepot, openStore, type Store } from '../../src/depot/index.ts';
import { registerKinds } from '../../src/depot/kinds.ts';
import { jobsSchema } from '../../src/depot/run-queue.ts';
import { placeText, postgresPlace } from '../../src/depot/store/postgres-place.ts';
import { openPostgresStore, postgresError } from '../../src/depot/store/postgres-store.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { makeAuthority } from '../support/certificates.ts';
import {
  ask,
  dropSchema,
  freshDatabase,
  freshSchema,
  releasePostgres,
  type TestServer,
  testPostgres,
} from '../support/postgres.ts';
import { expectFailure, inFolder, newEdition, newReport, TestClock } from './helpers.ts';
import { describeStore } from './store-contract.ts';

describe('PostgreSQL', function () {
  this.timeout(120_000);
  let server: TestServer;
  before(async () => {
    registerKinds();
    server = await testPostgres();
  });
  after(releasePostgres);

  const clock = new TestClock();
  const open = (url: string, options: { clock?: Clock; patience?: number; statement?: number } = {}): Promise<Store> =>
    openPostgresStore(postgresPlace(url), { clock, mustExist: false, identity: null, ...options });
  const opening = (url: string) =>
    openPostgresStore(postgresPlace(url), { clock, mustExist: true, identity: null }).then((store) => store.close());

  /** Several servers of one depot: each has a store of its own. */
  async function withServers(count: number, work: (stores: Store[], url: string) => Promise<void>): Promise<void> {
    const url = freshSchema(server);
    const stores: Store[] = [];
    try {
      // At the same time, on an empty database: its tables are made once.
      stores.push(...(await Promise.all(Array.from({ length: count }, () => open(url)))));
      await work(stores, url);
    } finally {
      await Promise.all(stores.map((store) => store.close()));
      await dropSchema(url);
    }
  }

  describeStore('PostgreSQL', async (given) => {
    const url = freshSchema(server);
    return { store: await open(url, { clock: given }), discard: () => dropSchema(url) };
  });

  it('is asked about many names, one of which no database can hold', async () => {
    const url = freshSchema(server);
    const store = await open(url);
    await store.computers.takeReport(newReport());
    const basenames = [...Array.from({ length: 1500 }, (_, n) => `b${n}`), 'foo', 'a\0', 'a\ud800'];
    const found = await store.computers.installed({ basenames, limit: 10 });
    expect(found.map(({ basename }) => basename)).to.deep.equal(['foo']);
    await store.close();
    await dropSchema(url);
  });

  it('says of a change that lost against another one that somebody else was at it', () => {
    for (const code of ['40P01', '40001'])
      expect(
        postgresError(
          Object.assign(new Error('deadlock detected'), { code }),
          postgresPlace('postgres://u@localhost/d'),
        ),
      ).to.include({ code: 'STORE_BUSY', exit: 'busy' });
  });

  it('keeps the jobs of two depots in one database apart', () => {
    const schemas = ['public', 'd3', 'depot'].map((schema) => jobsSchema({ schema }));
    expect(new Set(schemas).size).to.equal(3);
  });

  describe('several servers at once', () => {
    it('make one edition live, and never two', () =>
      withServers(4, async (stores) => {
        const [first] = stores as [Store];
        for (let revision = 1; revision <= 8; revision += 1) await first.editions.insert(newEdition({ revision }), 'a');
        for (let round = 0; round < 5; round += 1) {
          const liveId = (await first.editions.list()).find(({ status }) => status === 'live')?.id ?? null;
          const others = (await first.editions.list()).filter(({ id }) => id !== liveId);
          const outcomes = await Promise.allSettled(
            others.map(({ id }, index) =>
              (stores[index % stores.length] as Store).editions.makeLive(id, 'a', { liveId, newestId: 8 }),
            ),
          );
          expect(outcomes.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
          for (const outcome of outcomes)
            if (outcome.status === 'rejected')
              expect(outcome.reason).to.include({ code: 'LIVE_CONFLICT', exit: 'refused' });
          const live = (await first.editions.list()).filter(({ status }) => status === 'live');
          expect(live.length).to.equal(1);
        }
      }));

    it('enrol a machine anew while it reports', () =>
      withServers(2, async (stores) => {
        const [one, other] = stores as [Store, Store];
        const { id, name } = newReport().computer;
        await one.computers.takeReport(newReport());
        for (let round = 0; round < 40; round += 1) {
          const claims = (hardwareUuid: string) => ({ serial: 'C02X', hardwareUuid, macs: [] });
          const { secret: code } = await one.enrolments.addCode(
            { kind: 'once', note: '', expiresAt: '2031-01-01T00:00:00.000Z' },
            'a',
          );
          const keyHash = String(round).padStart(64, '0');
          const [enrolled] = await Promise.all([
            one.enrolments.enrol({ code, keyHash, computer: { id, name, claims: claims(`e${round}`) } }),
            ...[1, 2, 3].map((n) => other.computers.takeReport(newReport({}, { claims: claims(`r${round}-${n}`) }))),
          ]);
          expect(enrolled).to.include({ state: 'enrolled', computer: id });
        }
      }));

    it('add one of two editions that would mean the same', () =>
      withServers(4, async (stores) => {
        const outcomes = await Promise.allSettled(
          stores.flatMap((store) => [
            store.editions.insert(newEdition({ basename: 'a-1', version: '2' }), 'a'),
            store.editions.insert(newEdition({ basename: 'A', version: '1-2' }), 'a'),
          ]),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
        for (const outcome of outcomes)
          if (outcome.status === 'rejected') expect(outcome.reason).to.include({ code: 'EDITION_EXISTS' });
      }));

    it('take a report once, and many at the same time', () =>
      withServers(3, async (stores) => {
        const ids = Array.from({ length: 12 }, (_, n) => `0b9f2c9e-1111-4222-8333-${String(n).padStart(12, '0')}`);
        const reports = ids.map((id) => newReport({ run: 'r1' }, { id, name: `Lab ${id}` }));
        const taken = await Promise.all(
          stores.flatMap((store) => reports.map((report) => store.computers.takeReport(report))),
        );
        expect(taken.filter(Boolean).length).to.equal(ids.length);
        const [first] = stores as [Store];
        expect((await first.computers.list()).map(({ id }) => id)).to.deep.equal(ids);
        for (const id of ids) expect((await first.computers.reports(id)).length).to.equal(1);
      }));

    it('publish one after the other, and nothing changes meanwhile', () =>
      withServers(3, async (stores) => {
        let within = 0;
        const seen: number[] = [];
        await Promise.all(
          stores.flatMap((store, index) => [
            store.publication.exclusively(async ({ editions }) => {
              within += 1;
              expect(within).to.equal(1);
              await new Promise((resolve) => setTimeout(resolve, 30));
              seen.push(editions.length);
              within -= 1;
              return null;
            }),
            store.editions.insert(newEdition({ revision: index + 1 }), 'a', async () => {
              expect(within).to.equal(0);
            }),
          ]),
        );
        expect(seen).to.deep.equal(seen.toSorted((a, b) => a - b));
        expect((await (stores[0] as Store).editions.list()).length).to.equal(3);
      }));

    it('one that holds its turn for too long is not waited for forever', () =>
      withServers(1, async ([first], url) => {
        const hurried = await open(url, { patience: 100 });
        try {
          await (first as Store).exclusively(async () => {
            const error = await expectFailure(hurried.editions.insert(newEdition(), 'a'), 'STORE_BUSY', 'busy');
            expect(error.message).to.include(postgresPlace(url).host);
          });
          expect((await hurried.editions.insert(newEdition(), 'a')).id).to.be.greaterThan(0);
        } finally {
          await hurried.close();
        }
      }));

    it('more callers than connections wait for one another', () =>
      withServers(1, async ([store]) => {
        const all = await Promise.all(
          Array.from({ length: 60 }, (_, index) =>
            (store as Store).editions.insert(newEdition({ revision: index + 1 }), 'a'),
          ),
        );
        expect(new Set(all.map(({ id }) => id)).size).to.equal(60);
      }));
  });

  describe('what databases differ in', () => {
    it('names are folded as everywhere else, in a database that speaks Turkish', async () => {
      const { url, drop } = await freshDatabase(server, "locale_provider icu icu_locale 'tr-TR' template template0");
      const store = await open(url);
      try {
        await store.editions.insert(newEdition({ basename: 'INSTALLER' }), 'a');
        await expectFailure(
          store.editions.insert(newEdition({ basename: 'installer' }), 'a'),
          'EDITION_EXISTS',
          'refused',
        );
        expect(await store.editions.basename('installer')).to.equal('INSTALLER');
        for (const name of ['zebra', 'Ärger', 'apple', 'Zoo']) {
          await store.computers.takeReport(
            newReport({}, { id: `0b9f2c9e-1111-4222-8333-44445555${name.length}${name.length}66`, name }),
          );
        }
        const names = (await store.computers.list()).map(({ name }) => name);
        expect(names).to.deep.equal(names.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
      } finally {
        await store.close();
        await drop();
      }
    });

    it('numbers above 32 bits come back as numbers', () =>
      withServers(1, async ([store], url) => {
        await ask(url, `select setval(pg_get_serial_sequence('editions', 'id'), 5000000000)`);
        const added = await (store as Store).editions.insert(newEdition(), 'a');
        expect(added.id).to.equal(5_000_000_001);
        expect(await (store as Store).editions.byId(5_000_000_001)).to.deep.equal(added);
        await ask(url, 'update depot set generation = 9007199254740993');
        await expectFailure((store as Store).publication.generation(), 'NUMBER_TOO_LARGE', 'failed');
      }));

    it('characters it cannot keep do not stop a report or the log of a run', () =>
      withServers(1, async ([given]) => {
        const store = given as Store;
        const [receipt] = newReport().receipts;
        if (receipt === undefined) throw new Error('a report has receipts');
        const report = newReport({ receipts: [{ ...receipt, admin: 'a\0b\ud800' }] }, { user: 'x\0y' });
        expect(await store.computers.takeReport(report)).to.equal(true);
        expect((await store.computers.receipts(report.computer.id))[0]?.admin).to.equal('a\ufffdb\ufffd');
        await store.runs.append('r', [{ at: '2030-01-01T00:00:00.000Z', step: null, text: 'a\0b' }]);
        expect((await store.runs.lines('r'))[0]?.text).to.equal('a\ufffdb');
      }));

    it('a database in another encoding is refused', async () => {
      const { url, drop } = await freshDatabase(server, "encoding 'LATIN1' locale 'C' template template0");
      try {
        await expectFailure(open(url), 'DATABASE_ENCODING', 'refused');
      } finally {
        await drop();
      }
    });

    it('tables of an older d3 are brought up to date; those of a newer one are left alone', () =>
      withServers(1, async ([store], url) => {
        await (store as Store)
          .documents('group')
          .create('École', { schema: 'd3/group@1', kind: 'static', description: '', members: [] }, 'a');
        await ask(url, 'alter table depot drop column identity, drop column unfinished');
        await ask(url, 'alter table events drop column target_key');
        await ask(url, 'create index events_name on events (lower(target_name))');
        await ask(url, 'alter table runs drop column parent, drop column ready_at, drop column brief');
        await ask(url, 'drop table page_sessions, tokens, enrolments, enrolment_codes, computer_claims');
        await ask(url, 'update depot set schema_version = 5');
        await opening(url);
        expect((await (store as Store).history.targetsCalled('ÉCOLE')).length).to.equal(1);
        await ask(url, 'update depot set schema_version = 99');
        await expectFailure(opening(url), 'SCHEMA_NEWER', 'refused');
        expect(await ask(url, 'select schema_version from depot')).to.deep.equal([{ schema_version: 99 }]);
      }));
  });

  describe('an address', () => {
    it('is understood, and shown without its password', () => {
      const place = postgresPlace('postgresql://d%33:s%40cret@db.example:5433/store?schema=d3');
      expect(place).to.deep.include({ host: 'db.example', port: 5433, user: 'd3', database: 'store', schema: 'd3' });
      expect(place.password).to.equal('s@cret');
      expect(place.tls).to.deep.equal({ ca: null });
      expect(placeText(place)).to.equal('postgres://d3@db.example:5433/store?schema=d3');
      for (const text of [
        'postgres://d3@localhost/x',
        'postgres://d3@localhost/x?host=%2Frun%2Fpostgresql',
        'postgres://d3@10.0.0.1/x?sslmode=disable',
        'postgres://d3@[fe80::1]:99/x?sslrootcert=%2Fetc%2Fca.pem',
      ]) {
        const read = postgresPlace(text);
        expect(postgresPlace(placeText(read))).to.deep.equal(read);
      }
      expect(postgresPlace('postgres://d3@localhost/x').tls).to.equal(null);
      expect(postgresPlace('postgres://d3@db.example/x?sslmode=disable').tls).to.equal(null);
    });

    it('that cannot be used is refused without being repeated', () => {
      for (const text of [
        'mysql://d3:secret@h/d',
        'postgres://d3:secret@/x',
        'postgres://d3:secret@h',
        'postgres://d3:secret@h/x?schema=a-b',
        'postgres://d3:secret@h/x?sslmode=require',
        'postgres://d3:secret@h/x?options=secret',
        'postgres://d3:secret%zz@h/x',
        'postgres://d3:secret@h:port/x',
      ]) {
        let thrown: unknown = null;
        try {
          postgresPlace(text);
        } catch (error) {
          thrown = error;
        }
        expect(thrown, text).to.deep.include({ code: 'DATABASE_URL', exit: 'usage' });
        expect(JSON.stringify([thrown, String(thrown)]), text).to.not.include('secret');
      }
    });
  });

  describe('what goes wrong', () => {
    const wordsOf = (error: { message: string; target: string | null; actions: readonly string[] }) =>
      [error.message, error.target, ...error.actions].join('\n');

    it('nobody listens there: exit 20 names the host and not the password', async () => {
      const listener = createServer();
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const { port } = listener.address() as { port: number };
      await new Promise((resolve) => listener.close(resolve));
      const error = await expectFailure(
        open(`postgres://d3:hidden-word@127.0.0.1:${port}/d3`),
        'DATABASE_UNREACHABLE',
        'depotUnreachable',
      );
      expect(wordsOf(error)).to.include(`127.0.0.1 (port ${port})`).and.to.not.include('hidden-word');
    });

    it('a wrong password, another database, no depot: each is said', async function () {
      if (server.own === null) this.skip();
      const wrong = new URL(server.url);
      wrong.password = 'hidden-word';
      const denied = await expectFailure(open(wrong.href), 'DATABASE_DENIED', 'notAuthorised');
      expect(wordsOf(denied)).to.not.include('hidden-word');
      const other = new URL(server.url);
      other.pathname = '/nowhere';
      await expectFailure(open(other.href), 'STORE_NOT_FOUND', 'notFound');
      const none = freshSchema(server);
      await expectFailure(opening(none), 'STORE_NOT_FOUND', 'notFound');
      expect(await ask(none, 'select to_regnamespace(current_schema()) as there')).to.deep.equal([{ there: null }]);
    });

    it('a user who may not make tables is told so', async function () {
      if (server.own === null) this.skip();
      await ask(server.url, `create role poor login password 'hidden-word'`);
      const poor = new URL(server.url);
      poor.username = 'poor';
      poor.password = 'hidden-word';
      const error = await expectFailure(open(poor.href), 'DATABASE_DENIED', 'notAuthorised');
      expect(wordsOf(error)).to.include('owner of the database').and.to.not.include('hidden-word');
    });

    it('a connection the server ended is replaced where nothing had begun', () =>
      withServers(1, async ([given], url) => {
        const store = given as Store;
        const end = () =>
          ask(
            url,
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'd3' and pid <> pg_backend_pid()
               and datname = current_database()`,
          );
        for (let round = 0; round < 3; round += 1) {
          await end();
          expect((await store.editions.list()).length).to.equal(round);
          await end();
          await store.editions.insert(newEdition({ revision: round + 1 }), 'a');
        }
        const cut = store.editions.insert(newEdition({ revision: 9 }), 'a', async () => {
          await end();
        });
        const error = await cut.then(
          () => null,
          (reason: unknown) => reason,
        );
        expect(error).to.have.property('exit', 'depotUnreachable');
        expect((await store.editions.list()).length).to.equal(3);
      }));

    it('a statement that takes too long is stopped', () =>
      withServers(1, async ([first], url) => {
        const hurried = await open(url, { statement: 200, patience: 5_000 });
        try {
          await (first as Store).exclusively(async () => {
            await expectFailure(hurried.editions.insert(newEdition(), 'a'), 'STORE_SLOW', 'failed');
          });
        } finally {
          await hurried.close();
        }
      }));
  });

  describe('over TLS', () => {
    /** The address of an unused schema, reached over TLS. */
    const overTls = (host: string, ca: string | null) => {
      const url = new URL(freshSchema(server));
      url.hostname = host;
      url.searchParams.set('sslmode', 'verify-full');
      if (ca !== null) url.searchParams.set('sslrootcert', ca);
      return url.href;
    };

    it('a server whose certificate is from the authority that is named is reached, by its name and its address', async function () {
      const { own } = server;
      if (own === null) this.skip();
      for (const host of ['localhost', '127.0.0.1']) {
        const url = overTls(host, own.ca);
        const store = await open(url);
        try {
          await store.editions.insert(newEdition(), 'a');
          const [{ encrypted } = { encrypted: false }] = await ask<{ encrypted: boolean }>(
            server.url,
            `select bool_and(s.ssl) as encrypted from pg_stat_ssl s join pg_stat_activity a using (pid)
             where a.application_name = 'd3'`,
          );
          expect([host, encrypted]).to.deep.equal([host, true]);
        } finally {
          await store.close();
        }
      }
    });

    it('one from another authority, for another host, or without TLS gets no password and is named', async function () {
      const { own } = server;
      if (own === null) this.skip();
      await inFolder(async (dir) => {
        const authority = makeAuthority();
        const ca = join(dir, 'other.pem');
        await writeFile(ca, authority.cert);
        for (const trusted of [ca, null]) {
          const error = await expectFailure(open(overTls('localhost', trusted)), 'DATABASE_TLS', 'depotUnreachable');
          expect(error.message).to.match(/localhost.*certificate/);
          expect(error.message + error.target).to.not.include(postgresPlace(server.url).password);
        }
        await expectFailure(open(overTls('localhost', join(dir, 'none.pem'))), 'CERTIFICATES_UNREADABLE', 'failed');
        const named = authority.issue(['elsewhere.example.org']);
        for (const [answer, said] of [
          ['S', /127\.0\.0\.1 is not in the cert's list/],
          ['N', /does not support SSL/],
        ] as const) {
          const came: string[] = [];
          const stranger = createServer((socket) => {
            socket.on('error', () => undefined);
            socket.once('data', () => {
              socket.write(answer);
              if (answer === 'N') return;
              const secure = new TLSSocket(socket, { isServer: true, ...named });
              secure.on('error', () => undefined).on('data', (bytes) => came.push(bytes.toString('latin1')));
            });
          });
          await new Promise<void>((resolve) => {
            stranger.listen(0, '127.0.0.1', resolve);
          });
          try {
            const url = new URL(overTls('127.0.0.1', ca));
            url.port = String((stranger.address() as { port: number }).port);
            const error = await expectFailure(open(url.href), 'DATABASE_TLS', 'depotUnreachable');
            expect(error.message).to.match(said);
            expect(came).to.deep.equal([]);
          } finally {
            stranger.close();
          }
        }
      });
    });
  });

  describe('a depot whose store is there', () => {
    const given = (url: string) => ({ url, password: null });

    it('is made and opened; its folder says where the store is, without the password', () =>
      inFolder(async (dir) => {
        const url = freshSchema(server);
        const folder = join(dir, 'depot');
        await initDepot(folder, { clock, database: given(url) });
        const said = await readFile(join(folder, 'database.json'), 'utf8');
        const { password } = postgresPlace(url);
        expect(said)
          .to.include('t_')
          .and.to.not.include(password ?? '\0');
        const depot = await openDepot(folder, { clock, database: { url: null, password } });
        try {
          await depot.store.editions.insert(newEdition(), 'a');
          expect((await depot.publish())?.generation).to.equal(1);
        } finally {
          await depot.close();
        }
        await expectFailure(initDepot(folder, { clock, database: given(url) }), 'DEPOT_EXISTS', 'refused');
        await expectFailure(
          initDepot(join(dir, 'second'), { clock, database: given(url) }),
          'DATABASE_TAKEN',
          'refused',
        );
        await dropSchema(url);
      }));

    it('is not opened with another depot’s database, nor one in its folder with any', () =>
      inFolder(async (dir) => {
        const [one, two] = [freshSchema(server), freshSchema(server)];
        await initDepot(join(dir, 'one'), { clock, database: given(one) });
        await initDepot(join(dir, 'two'), { clock, database: given(two) });
        await expectFailure(openDepot(join(dir, 'one'), { clock, database: given(two) }), 'DATABASE_TAKEN', 'refused');
        await initDepot(join(dir, 'file'), { clock });
        await expectFailure(
          openDepot(join(dir, 'file'), { clock, database: given(one) }),
          'NOT_ON_POSTGRES',
          'refused',
        );
        await writeFile(join(dir, 'one', 'database.json'), '{"schema":"d3/depot-database@9"}');
        await expectFailure(openStore(join(dir, 'one'), { clock, mustExist: true }), 'DATABASE_FILE', 'failed');
        await dropSchema(one);
        await dropSchema(two);
      }));
  });
});
