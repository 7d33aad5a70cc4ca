import { createHash } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { effectsOfMakingLive } from '../../src/catalog/lifecycle.ts';
import type { GroupBody } from '../../src/depot/contract.ts';
import { type AdminStore, type EnrolmentRequest, REPORTS_KEPT, type Store } from '../../src/depot/store/contract.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { expectFailure, newEdition, newReport, TestClock } from './helpers.ts';

/**
 * A new, empty store for each test, and what removes it. `local` is the store on its own host, where `store` reaches it
 * over the network: some of it is for that host alone.
 */
export type OpenStore = (clock: Clock) => Promise<OpenedStore>;
type OpenedStore =
  | { store: Store; discard: () => Promise<void> }
  | { store: AdminStore; local: Store; discard: () => Promise<void> };

const group = (members: string[] = []): GroupBody => ({
  schema: 'd3/group@1',
  kind: 'static',
  description: '',
  members,
});
const MEMBER = '0b9f2c9e-1111-4222-8333-444455556666';

/** What every store must do, whatever the database. */
export function describeStore(title: string, open: OpenStore): void {
  describe(`${title}: store contract`, () => {
    let store: AdminStore;
    let local: Store;
    let clock: TestClock;
    let discard: () => Promise<void>;

    beforeEach(async () => {
      clock = new TestClock();
      const opened = await open(clock);
      ({ store, discard } = opened);
      local = 'local' in opened ? opened.local : opened.store;
    });
    afterEach(async () => {
      await local.close();
      await discard();
    });

    describe('editions', () => {
      it('are inserted as pilots and read back whole', async () => {
        const given = newEdition({
          oses: ['>=13'],
          preInstall: { id: 3, name: 'pre', sha256: 'b'.repeat(64), size: 4 },
        });
        const added = await store.editions.insert(given, 'sally');
        expect(added).to.deep.equal({
          ...given,
          id: added.id,
          edition: 'transmogrifier-2.1.2-1',
          status: 'pilot',
          addedAt: '2030-01-01T00:00:00.000Z',
          addedBy: 'sally',
          releasedAt: null,
          releasedBy: null,
        });
        expect(await store.editions.byId(added.id)).to.deep.equal(added);
        expect(await store.editions.byEdition('transmogrifier-2.1.2-1')).to.deep.equal(added);
        expect(await store.editions.byEdition('Transmogrifier-2.1.2-1')).to.equal(null);
        expect(await store.editions.list()).to.deep.equal([added]);
      });

      it('with malformed attributes are refused and leave nothing', async () => {
        await expectFailure(store.editions.insert(newEdition({ basename: '../x' }), 'a'), 'EDITION_INVALID', 'usage');
        await expectFailure(store.editions.insert(newEdition({ revision: 0 }), 'a'), 'EDITION_INVALID', 'usage');
        const extra = { ...newEdition(), surprise: true };
        await expectFailure(store.editions.insert(extra, 'a'), 'EDITION_INVALID', 'usage');
        expect(await store.editions.list()).to.deep.equal([]);
        expect(await store.publication.generation()).to.equal(0);
      });

      it('keep one meaning for every name', async () => {
        const insert = (basename: string, version: string, revision: number) =>
          store.editions.insert(newEdition({ basename, version, revision }), 'a');
        await insert('a-1', '2', 3);
        await expectFailure(insert('a', '1-2', 3), 'EDITION_EXISTS', 'refused');
        await expectFailure(insert('A-1', '2', 3), 'EDITION_EXISTS', 'refused');
        await expectFailure(insert('A-1', '2', 4), 'BASENAME_CASE', 'refused');
        await expectFailure(insert('A-1-2-3', '1', 1), 'BASENAME_IS_AN_EDITION', 'refused');
        await insert('foo-1-1', '5', 1);
        await expectFailure(insert('FOO', '1', 1), 'EDITION_IS_A_BASENAME', 'refused');
        expect((await store.editions.list()).map(({ edition }) => edition)).to.deep.equal(['a-1-2-3', 'foo-1-1-5-1']);
      });

      it('are edited under the same rules', async () => {
        const first = await store.editions.insert(newEdition(), 'a');
        const second = await store.editions.insert(newEdition({ revision: 2 }), 'a');
        await expectFailure(store.editions.update(second.id, { revision: 1 }, 'b'), 'EDITION_EXISTS', 'refused');
        const edited = await store.editions.update(first.id, { revision: 7, reboot: true }, 'b');
        expect(edited).to.deep.equal({ ...first, revision: 7, edition: 'transmogrifier-2.1.2-7', reboot: true });
        await expectFailure(store.editions.update(99, { reboot: true }, 'b'), 'EDITION_NOT_FOUND', 'notFound');
      });

      it('are not edited when they are what they must not be by then', async () => {
        const { id } = await local.editions.insert(newEdition(), 'sally');
        expect((await local.editions.update(id, { reboot: true }, 'joe', 'live')).reboot).to.equal(true);
        await local.editions.makeLive(id, 'sally', { liveId: null, newestId: id });
        await expectFailure(local.editions.update(id, { reboot: false }, 'joe', 'live'), 'EDIT_CONFLICT', 'refused');
        expect((await local.editions.byId(id))?.reboot).to.equal(true);
      });

      it('go live with their effects on the basename', async () => {
        for (let revision = 1; revision <= 3; revision++) await store.editions.insert(newEdition({ revision }), 'a');
        const other = await store.editions.insert(newEdition({ basename: 'other' }), 'a');
        await store.editions.makeLive(1, 'sally', { liveId: null, newestId: 3 });
        clock.moveDays(1);
        const changes = await store.editions.makeLive(3, 'joe', { liveId: 1, newestId: 3 });
        expect(changes).to.deep.equal([
          { id: 1, from: 'live', to: 'deprecated' },
          { id: 2, from: 'pilot', to: 'skipped' },
          { id: 3, from: 'pilot', to: 'live' },
        ]);
        const list = await store.editions.list();
        expect(list.map(({ status }) => status)).to.deep.equal(['deprecated', 'skipped', 'live', 'pilot']);
        expect(list.map(({ releasedBy }) => releasedBy)).to.deep.equal(['sally', null, 'joe', null]);
        expect(list[2]?.releasedAt).to.equal('2030-01-02T00:00:00.000Z');
        expect(await store.editions.makeLive(3, 'joe', { liveId: 3, newestId: 3 })).to.deep.equal([]);
        expect(other.id).to.equal(4);
      });

      it('do not go live over what the caller has not seen', async () => {
        await store.editions.insert(newEdition({ revision: 1 }), 'a');
        await store.editions.insert(newEdition({ revision: 2 }), 'a');
        const stale = await expectFailure(
          store.editions.makeLive(1, 'a', { liveId: null, newestId: 1 }),
          'LIVE_CONFLICT',
          'refused',
        );
        expect(stale.message).to.include('transmogrifier-2.1.2-2 (id 2) is its newest edition now');
        await store.editions.makeLive(2, 'a', { liveId: null, newestId: 2 });
        const lost = await expectFailure(
          store.editions.makeLive(1, 'a', { liveId: null, newestId: 2 }),
          'LIVE_CONFLICT',
          'refused',
        );
        expect(lost.message).to.include('transmogrifier-2.1.2-2 (id 2) is live now');
        expect((await store.editions.list()).map(({ status }) => status)).to.deep.equal(['skipped', 'live']);
      });

      it('that are deleted keep their id and their revision; archived ones can be looked up', async () => {
        await store.editions.insert(newEdition({ revision: 4 }), 'a');
        await store.editions.insert(newEdition({ revision: 5 }), 'a');
        expect(await store.editions.highestRevision('Transmogrifier', '2.1.2')).to.equal(5);
        const gone = await store.editions.delete(2, 'sally', { archive: true });
        expect(gone.edition).to.equal('transmogrifier-2.1.2-5');
        await store.editions.delete(1, 'sally', { archive: false });
        expect(await store.editions.archived()).to.deep.equal([
          { ...gone, deletedAt: '2030-01-01T00:00:00.000Z', deletedBy: 'sally', archived: true, fileKept: false },
        ]);
        expect(await store.editions.highestRevision('transmogrifier', '2.1.2')).to.equal(5);
        expect(await store.editions.highestRevision('transmogrifier', '3')).to.equal(null);
        expect((await store.editions.insert(newEdition({ revision: 6 }), 'a')).id).to.equal(3);
        await expectFailure(store.editions.delete(2, 'a', { archive: false }), 'EDITION_NOT_FOUND', 'notFound');
      });

      it('have at most one live per basename after any sequence', async () => {
        const step = fc.oneof(
          fc.record({ do: fc.constant('insert' as const), pick: fc.nat(2) }),
          fc.record({ do: fc.constant('live' as const), pick: fc.nat(20) }),
          fc.record({ do: fc.constant('delete' as const), pick: fc.nat(20) }),
        );
        let revision = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
            for (const edition of await store.editions.list()) {
              await store.editions.delete(edition.id, 'a', { archive: false });
            }
            for (const { do: action, pick } of steps) {
              const before = await store.editions.list();
              const chosen = before[pick % Math.max(before.length, 1)];
              if (action === 'insert') {
                revision += 1;
                await store.editions.insert(newEdition({ basename: `b${pick}`, revision }), 'a');
              } else if (chosen !== undefined && action === 'delete') {
                await store.editions.delete(chosen.id, 'a', { archive: false });
              } else if (chosen !== undefined) {
                const siblings = before.filter(({ basename }) => basename === chosen.basename);
                const live = siblings.find(({ status }) => status === 'live');
                const seen = { liveId: live?.id ?? null, newestId: Math.max(...siblings.map(({ id }) => id)) };
                const changes = await store.editions.makeLive(chosen.id, 'a', seen);
                expect(changes).to.deep.equal(effectsOfMakingLive(siblings, chosen.id));
                expect((await store.editions.byId(chosen.id))?.status).to.equal('live');
              }
              const live = (await store.editions.list()).filter(({ status }) => status === 'live');
              expect(new Set(live.map(({ basename }) => basename)).size).to.equal(live.length);
            }
          }),
          { numRuns: 20 },
        );
      });

      it('survive calls at the same time', async () => {
        const added = await Promise.all(
          Array.from({ length: 8 }, (_, index) => store.editions.insert(newEdition({ revision: index + 1 }), 'a')),
        );
        expect(new Set(added.map(({ id }) => id)).size).to.equal(8);
        const outcomes = await Promise.allSettled(
          added.map(({ id }) => store.editions.makeLive(id, 'a', { liveId: null, newestId: 8 })),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled').length).to.equal(1);
      });
    });

    describe('documents', () => {
      it('are found by id and by name in any case', async () => {
        const groups = store.documents('group');
        const created = await groups.create('Test-Macs', group([MEMBER]), 'sally');
        expect(created).to.deep.equal({
          kind: 'group',
          id: created.id,
          name: 'Test-Macs',
          generation: 1,
          body: group([MEMBER]),
          changedAt: '2030-01-01T00:00:00.000Z',
          changedBy: 'sally',
        });
        expect(await groups.get(created.id)).to.deep.equal(created);
        expect(await groups.byName('TEST-macs')).to.deep.equal(created);
        expect(await groups.byName('test')).to.equal(null);
        expect(await store.documents('script').get(created.id)).to.equal(null);
        await expectFailure(groups.create('test-macs', group(), 'a'), 'DOCUMENT_EXISTS', 'refused');
        await store
          .documents('script')
          .create('test-macs', { schema: 'd3/script@1', sha256: 'c'.repeat(64), size: 1, description: '' }, 'a');
      });

      it('change only from the generation the caller saw', async () => {
        const groups = store.documents('group');
        const { id } = await groups.create('one', group(), 'sally');
        const changed = await groups.update(id, 1, { body: group([MEMBER]) }, 'joe');
        expect(changed.generation).to.equal(2);
        const lost = await expectFailure(groups.update(id, 1, { name: 'two' }, 'a'), 'DOCUMENT_CONFLICT', 'refused');
        expect(lost.message).to.include('joe');
        await expectFailure(groups.remove(id, 1, 'a'), 'DOCUMENT_CONFLICT', 'refused');
        expect((await groups.update(id, 2, { name: 'ONE' }, 'a')).name).to.equal('ONE');
        await groups.remove(id, 3, 'a');
        expect(await groups.get(id)).to.equal(null);
        expect((await groups.create('one', group(), 'a')).id).to.be.greaterThan(id);
        expect((await groups.history(id)).map(({ what, by }) => [what, by])).to.deep.equal([
          ['document.created', 'sally'],
          ['document.changed', 'joe'],
          ['document.changed', 'a'],
          ['document.removed', 'a'],
        ]);
        await expectFailure(groups.update(999, 1, {}, 'a'), 'DOCUMENT_NOT_FOUND', 'notFound');
      });

      it('are checked by the schema of their kind; a newer one is refused by name', async () => {
        const groups = store.documents('group');
        await expectFailure(groups.create('x', group(['not an id']), 'a'), 'DOCUMENT_INVALID', 'usage');
        await expectFailure(groups.create('', group(), 'a'), 'DOCUMENT_INVALID', 'usage');
        await expectFailure(groups.create('a\u001b[2J', group(), 'a'), 'DOCUMENT_INVALID', 'usage');
        await expectFailure(groups.create('half \ud83d', group(), 'a'), 'DOCUMENT_INVALID', 'usage');
        const newer = { ...group(), schema: 'd3/group@2' } as unknown as GroupBody;
        const error = await expectFailure(groups.create('x', newer, 'a'), 'SCHEMA_NEWER', 'refused');
        expect(error.message).to.include('d3/group@2');
        expect(await groups.list()).to.deep.equal([]);
        expect(() => store.documents('nonsense')).to.throw(/nonsense/);
      });
    });

    describe('history', () => {
      it('tells of every change with before and after', async () => {
        const added = await store.editions.insert(newEdition(), 'sally');
        await store.editions.update(added.id, { reboot: true }, 'joe');
        await store.editions.makeLive(added.id, 'sally', { liveId: null, newestId: added.id });
        await store.documents('group').create('g', group(), 'joe');
        await store.editions.delete(added.id, 'sally', { archive: false });
        const events = await store.history.list();
        expect(events.map(({ what }) => what)).to.deep.equal([
          'edition.added',
          'edition.edited',
          'edition.live',
          'document.created',
          'edition.deleted',
        ]);
        expect(events[0]).to.deep.include({ by: 'sally', before: null, after: added });
        expect(events[2]).to.deep.include({
          target: { kind: 'edition', id: added.id, name: added.edition },
          before: { statuses: { [added.id]: 'pilot' } },
          after: { statuses: { [added.id]: 'live' } },
        });
        await store.documents('group').create('École', group(), 'zoe');
        const [called] = await store.history.targetsCalled('ÉCOLE');
        expect(called?.kind).to.equal('group');
        expect((await store.history.list({ targets: [called as NonNullable<typeof called>] })).length).to.equal(1);
        expect((await store.history.list({ by: 'joe' })).length).to.equal(2);
        expect((await store.history.list({ kind: 'group' })).length).to.equal(2);
        expect((await store.history.list({ limit: 2 })).map(({ what }) => what)).to.deep.equal([
          'edition.deleted',
          'document.created',
        ]);
      });
    });

    describe('computers', () => {
      it('give the newest report of each, however many there are', async () => {
        const ids = Array.from({ length: 450 }, (_, n) => `0b9f2c9e-1111-4222-8333-${String(n).padStart(12, '0')}`);
        for (const id of ids) await local.computers.takeReport(newReport({ run: 'r1' }, { id }));
        await local.computers.takeReport(newReport({ run: 'r2' }, { id: ids[7] as string }));
        const runs = new Map<string, string>();
        for await (const { computer, run } of store.computers.newestReports()) runs.set(computer.id, run);
        expect([...runs.keys()]).to.deep.equal(ids);
        expect([runs.get(ids[6] as string), runs.get(ids[7] as string)]).to.deep.equal(['r1', 'r2']);
        const two = [ids[7], ids[440]] as [string, string];
        const some: string[] = [];
        for await (const { computer } of store.computers.newestReports([...two, 'nobody'])) some.push(computer.id);
        expect(some).to.deep.equal(two);
        const named: string[] = [];
        for await (const { computer, basename, edition } of store.computers.installedNames({ ids: two }))
          named.push(`${computer} ${basename} ${edition}`);
        const receipts = await Promise.all(two.map((id) => store.computers.receipts(id)));
        const wanted = receipts.flatMap((of, at) =>
          of.map(({ basename, edition }) => `${two[at]} ${basename} ${edition}`),
        );
        expect(named).to.have.members(wanted).and.not.deep.equal([]);
        let all = 0;
        for await (const { edition } of store.computers.installedNames({})) all += edition.length > 0 ? 1 : 0;
        expect(all).to.equal((wanted.length / two.length) * ids.length);
        const basename = (await store.computers.namesInstalled())[0]?.basename ?? '';
        let ofBasename = 0;
        for await (const row of store.computers.installedNames({ basenames: [basename, basename, 'nothing'] }))
          ofBasename += row.basename === basename ? 1 : 0;
        expect(ofBasename).to.equal(ids.length);
      });

      it('are taken out with their reports, on record, and once', async () => {
        await local.computers.takeReport(newReport());
        await store.computers.remove(MEMBER, 'sally');
        expect(await store.computers.find(MEMBER)).to.equal(null);
        expect(await store.computers.reports(MEMBER)).to.deep.equal([]);
        const [event] = await store.history.list({ what: 'computer.deleted' });
        expect(event).to.deep.include({ by: 'sally', target: { kind: 'computer', id: 0, name: MEMBER } });
        await expectFailure(store.computers.remove(MEMBER, 'sally'), 'COMPUTER_NOT_FOUND', 'notFound');
      });

      it('patchoo:AP-20 get what was said of their serial number ahead, where nothing is said of them; once, whoever is faster', async () => {
        const nothing = { name: null, department: null, building: null, site: null, attributes: {} };
        const ahead = store.documents('computer-ahead');
        const records = store.documents('computer');
        const { computer } = newReport();
        expect(await local.computers.takeOverAhead(computer)).to.equal(false);
        const said = { ...nothing, name: 'Studio 7', department: 7, attributes: { '3': 'studio' } };
        await ahead.create('c02x', { schema: 'd3/computer-ahead@1', ...said }, 'sally');
        await local.computers.takeReport(newReport());
        const other = { ...computer, id: '0b9f2c9e-1111-4222-8333-444455557777' };
        const won = await Promise.all([computer, other].map((one) => local.computers.takeOverAhead(one)));
        expect(won.filter(Boolean).length, 'one of two that say the same number at once').to.be.at.most(1);
        if (!won.includes(true)) expect(await local.computers.takeOverAhead(computer)).to.equal(true);
        const owner = await records.byName(won[1] === true ? other.id : computer.id);
        expect(owner?.body).to.deep.equal({ schema: 'd3/computer@1', ...said });
        expect(owner?.changedBy, 'whoever said it').to.equal('sally');
        expect(await ahead.list()).to.deep.equal([]);
        await ahead.create('C02Y', { schema: 'd3/computer-ahead@1', ...said, site: 9 }, 'bob');
        const known = { ...computer, id: '0b9f2c9e-1111-4222-8333-444455558888' };
        await records.create(
          known.id,
          { schema: 'd3/computer@1', ...nothing, name: 'Mine', attributes: { '3': 'office' } },
          'sally',
        );
        expect(await local.computers.takeOverAhead({ ...known, claims: { ...known.claims, serial: 'c02y' } })).to.equal(
          true,
        );
        expect((await records.byName(known.id))?.body, 'what is said of it stays').to.deep.include({
          name: 'Mine',
          department: 7,
          site: 9,
          attributes: { '3': 'office' },
        });
        expect(await local.computers.takeOverAhead({ ...known, claims: { ...known.claims, serial: null } })).to.equal(
          false,
        );
      });

      it('follow their reports; a run is taken once', async () => {
        const first = newReport({ run: 'r1' });
        expect(await local.computers.takeReport(first)).to.equal(true);
        expect(await local.computers.takeReport(first)).to.equal(false);
        const next = newReport({ run: 'r2', at: '2029-12-31T00:00:00.000Z', receipts: [] }, { name: 'Lab-2' });
        await local.computers.takeReport(next);
        const found = await store.computers.find('lab-2');
        expect(found).to.deep.include({ id: MEMBER, name: 'Lab-2', lastRun: 'r2', os: first.os });
        expect(await store.computers.find('Lab-1')).to.equal(null);
        expect(await store.computers.find(MEMBER)).to.deep.equal(found);
        expect(await store.computers.receipts(MEMBER)).to.deep.equal([]);
        expect(await store.computers.outcomes(MEMBER)).to.deep.equal(next.outcomes);
        expect((await store.computers.reports(MEMBER)).map(({ run }) => run)).to.deep.equal(['r2', 'r1']);
        expect(await store.publication.generation()).to.equal(0);
      });

      it('with one name are told apart by id', async () => {
        const other = '1b9f2c9e-1111-4222-8333-444455556666';
        await local.computers.takeReport(newReport());
        await local.computers.takeReport(newReport({}, { id: other }));
        const error = await expectFailure(store.computers.find('LAB-1'), 'COMPUTER_AMBIGUOUS', 'refused');
        expect(error.message).to.include(MEMBER).and.include(other);
        expect((await store.computers.find(other))?.id).to.equal(other);
        expect((await store.computers.list()).map(({ id }) => id)).to.deep.equal([MEMBER, other]);
      });

      it('keep the newest reports only, and were never here in the future', async () => {
        for (let run = 1; run <= REPORTS_KEPT + 3; run++) {
          await local.computers.takeReport(newReport({ run: `r${run}`, at: '2031-01-01T00:00:00.000Z' }));
        }
        const runs = (await store.computers.reports(MEMBER)).map(({ run }) => run);
        expect([runs.length, runs[0], runs.at(-1)]).to.deep.equal([REPORTS_KEPT, 'r13', 'r4']);
        expect((await store.computers.find(MEMBER))?.lastContact).to.equal('2030-01-01T00:00:00.000Z');
      });
    });

    describe('tokens', () => {
      const viewer = { name: 'Sally', role: 'viewer', computer: null, expiresAt: null } as const;
      const hourFrom = (hours: number) => new Date(clock.now().getTime() + hours * 3_600_000).toISOString();

      it('are known by their secret until they are revoked or expire, and listed without it', async () => {
        const { token, secret } = await store.tokens.add({ ...viewer, expiresAt: hourFrom(30) }, 'joe');
        expect(token).to.deep.include({
          name: 'Sally',
          role: 'viewer',
          createdBy: 'joe',
          revokedAt: null,
          lastUsedAt: null,
        });
        expect(await local.tokens.known(secret)).to.deep.equal({
          id: token.id,
          name: 'Sally',
          role: 'viewer',
          computer: null,
        });
        expect(await local.tokens.known(`${secret.slice(0, -1)}-`)).to.equal(null);
        expect(JSON.stringify(await store.tokens.list())).to.not.include(secret.slice(4));
        await expectFailure(store.tokens.add({ ...viewer, name: 'sally' }, 'joe'), 'TOKEN_EXISTS', 'refused');
        const revoked = await store.tokens.revoke('SALLY', 'joe');
        expect(revoked).to.deep.include({ name: 'Sally', revokedBy: 'joe' });
        expect(await local.tokens.known(secret)).to.equal(null);
        await expectFailure(store.tokens.revoke('sally', 'joe'), 'TOKEN_NOT_FOUND', 'notFound');
        const next = await store.tokens.add({ ...viewer, expiresAt: hourFrom(1) }, 'joe');
        clock.moveDays(1);
        expect(await local.tokens.known(next.secret)).to.equal(null);
        expect((await store.tokens.list()).map(({ name }) => name)).to.deep.equal(['Sally', 'Sally']);
        expect((await store.history.list({ kind: 'token' })).map(({ what }) => what)).to.deep.equal([
          'token.added',
          'token.revoked',
          'token.added',
        ]);
      });

      it('are refused when they make no sense', async () => {
        for (const wrong of [
          { name: '' },
          { name: 'computer:x' },
          { name: 'a\nb' },
          { role: 'technician' as const },
          { computer: MEMBER },
          { expiresAt: '2029-01-01T00:00:00.000Z' },
        ]) {
          await expectFailure(store.tokens.add({ ...viewer, ...wrong }, 'joe'), 'TOKEN_INVALID', 'usage');
        }
        expect(await store.tokens.list()).to.deep.equal([]);
      });

      it('who was heard of is written down for all at once, and never goes back', async () => {
        await local.computers.takeReport(newReport());
        const { token } = await store.tokens.add(viewer, 'joe');
        await local.tokens.contacted([
          { token: token.id, computer: null, at: '2030-01-01T01:00:00.000Z' },
          { token: 9999, computer: MEMBER, at: '2030-01-01T01:00:01.000Z' },
        ]);
        expect((await store.tokens.list())[0]?.lastUsedAt).to.equal('2030-01-01T01:00:01.000Z');
        expect((await store.computers.find(MEMBER))?.lastContact).to.equal('2030-01-01T01:00:01.000Z');
        await local.tokens.contacted([{ token: 9999, computer: MEMBER, at: '2029-01-01T00:00:00.000Z' }]);
        expect((await store.computers.find(MEMBER))?.lastContact).to.equal('2030-01-01T01:00:01.000Z');
      });
    });

    describe('sessions of the page', () => {
      it('are so many for each token; the oldest ends', async () => {
        const { token } = await store.tokens.add(
          { name: 'vera', role: 'viewer', computer: null, expiresAt: null },
          'sally',
        );
        const { pageSessions } = local;
        const secrets: string[] = [];
        for (let n = 0; n < 52; n += 1) {
          secrets.push(await pageSessions.open(token.id, '2030-01-02T00:00:00.000Z'));
          clock.moveDays(0.001);
        }
        const known: boolean[] = [];
        for (const secret of secrets) known.push((await pageSessions.known(secret)) !== null);
        expect(known.indexOf(true)).to.equal(2);
        expect(known.filter(Boolean).length).to.equal(50);
      });

      it('are known by their secret until they are closed, are over, or their token is', async () => {
        const { token } = await store.tokens.add(
          { name: 'vera', role: 'viewer', computer: null, expiresAt: null },
          'sally',
        );
        const { pageSessions } = local;
        const ends = '2030-01-02T00:00:00.000Z';
        const [one, two] = [await pageSessions.open(token.id, ends), await pageSessions.open(token.id, ends)];
        const known = { id: token.id, name: 'vera', role: 'viewer', computer: null, sessionEnds: ends };
        expect([await pageSessions.known(one), await pageSessions.known(two)]).to.deep.equal([known, known]);
        await pageSessions.close(one);
        await pageSessions.close('nobody');
        expect([await pageSessions.known(one), await pageSessions.known(two)]).to.deep.equal([null, known]);
        clock.moveDays(1);
        expect(await pageSessions.known(two)).to.equal(null);
        const three = await pageSessions.open(token.id, '2030-01-03T00:00:00.000Z');
        expect(await pageSessions.known(three)).to.not.equal(null);
        await store.tokens.revoke('vera', 'sally');
        expect(await pageSessions.known(three)).to.equal(null);
      });
    });

    describe('sums over all computers', () => {
      it('are found among however many are asked for', async () => {
        await local.computers.takeReport(newReport());
        const others = Array.from({ length: 70_000 }, (_, n) => `x${n}`);
        const computers = [...others, MEMBER];
        const [receipt] = await store.computers.receipts(MEMBER);
        const basenames = [...others, receipt?.basename as string];
        const missing = [...others.map((_, n) => n + 1000), receipt?.id as number];
        const asked = { computers, basenames, missing, statuses: ['missing' as const], limit: 10 };
        const found = await store.computers.installed(asked);
        expect(found.map(({ computer, status }) => [computer.id, status])).to.deep.equal([[MEMBER, 'missing']]);
      });

      it('are those of their newest reports', async () => {
        const id = (n: number) => `0b9f2c9e-1111-4222-8333-00000000000${n}`;
        const failed = { target: 'foo', basename: 'foo', edition: 'foo-2-1', status: 'failed' as const, reason: 'no' };
        const queued = {
          ...newReport().receipts[0],
          basename: 'bar',
          edition: 'bar-1-1',
          id: 9,
          queuedAt: '2030-01-01T00:00:00.000Z',
          customExpiration: null,
        };
        for (const n of [1, 2, 3]) await local.computers.takeReport(newReport({}, { id: id(n) }));
        await local.computers.takeReport(newReport({ outcomes: [failed], exit: 1 }, { id: id(1) }));
        await local.computers.takeReport(
          newReport({ outcomes: [failed], exit: 1, at: '2029-12-31T00:00:00.000Z' }, { id: id(2) }),
        );
        await local.computers.takeReport(newReport({ receipts: [], queue: [queued as never] }, { id: id(3) }));
        const { overview } = local;
        const foo = { basename: 'foo', id: 1, edition: 'foo-1-1', computers: 2, piloting: 0, frozen: 0 };
        expect(await overview.editions()).to.deep.equal([foo]);
        expect(await overview.queues()).to.deep.equal([{ basename: 'bar', id: 9, computers: 1 }]);
        const problem = { subject: 'foo', edition: 'foo-2-1', status: 'failed', reason: 'no', processes: [] };
        expect(await overview.problems(5)).to.deep.equal([
          { ...problem, since: '2029-12-31T00:00:00.000Z', computers: 2 },
        ]);
        expect(await overview.problems(0)).to.deep.equal([]);
        expect([...(await overview.computers())].toSorted()).to.deep.equal([
          [id(1), { receipts: 1, queued: 0, failed: 1, blocked: 0 }],
          [id(2), { receipts: 1, queued: 0, failed: 1, blocked: 0 }],
          [id(3), { receipts: 0, queued: 1, failed: 0, blocked: 0 }],
        ]);
        expect(await overview.contacts(['2029-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000Z'])).to.deep.equal([3, 0]);
      });
    });

    describe('enrolment', () => {
      const OTHER = '1b9f2c9e-1111-4222-8333-444455556666';
      const NEW = '2b9f2c9e-1111-4222-8333-444455556666';
      const asks = (code: string, key: string, id: string, serial: string | null = null) => ({
        code,
        keyHash: createHash('sha256').update(key).digest('hex'),
        computer: { id, name: 'Lab-1', claims: { serial, hardwareUuid: null, macs: [] } },
      });
      const code = async (kind: 'once' | 'site') => {
        const expiresAt = new Date(clock.now().getTime() + 3_600_000).toISOString();
        return (await store.enrolments.addCode({ kind, note: '', expiresAt }, 'sally')).secret;
      };
      const enrol = (request: EnrolmentRequest) => local.enrolments.enrol(request);

      it('of a new machine takes a code, once or for a site, and the same answer comes again', async () => {
        const site = await code('site');
        const first = await enrol(asks(site, 'k1', MEMBER, 'C02A'));
        expect(first).to.deep.include({ state: 'enrolled', computer: MEMBER });
        expect(await enrol(asks(site, 'k1', MEMBER, 'C02A'))).to.deep.equal(first);
        expect(await local.tokens.known('k1')).to.deep.include({ role: 'machine', computer: MEMBER });
        expect((await enrol(asks(site, 'k2', OTHER, 'C02B'))).computer).to.equal(OTHER);
        const once = await code('once');
        await enrol(asks(once, 'k3', NEW));
        await expectFailure(
          enrol(asks(once, 'k4', '3b9f2c9e-1111-4222-8333-444455556666')),
          'CODE_NOT_GOOD',
          'notAuthorised',
        );
        await expectFailure(enrol(asks('d3c_x', 'k5', NEW)), 'CODE_UNKNOWN', 'notAuthorised');
        // Who saw a key's hash on its way has no use of it.
        await expectFailure(enrol(asks('d3c_x', 'k1', MEMBER)), 'CODE_UNKNOWN', 'notAuthorised');
        const codes = await store.enrolments.codes();
        expect(codes.map(({ kind, uses }) => [kind, uses])).to.deep.equal([
          ['site', 2],
          ['once', 1],
        ]);
        await store.enrolments.revokeCode(codes[0]?.id as number, 'sally');
        await expectFailure(enrol(asks(site, 'k6', NEW)), 'CODE_NOT_GOOD', 'notAuthorised');
        const late = await code('site');
        clock.moveDays(1);
        await expectFailure(enrol(asks(late, 'k7', NEW)), 'CODE_NOT_GOOD', 'notAuthorised');
      });

      it('of a known machine gives its record back with a one-time code or an approval, and revokes its key', async () => {
        const site = await code('site');
        await local.computers.takeReport(newReport());
        // Known by its serial number, in whatever case; what makers write where there is none is no number.
        const waits = await enrol(asks(site, 'k1', OTHER, 'c02x'));
        expect(waits).to.deep.include({ state: 'pending', computer: null });
        expect((await enrol(asks(site, 'k0', NEW, 'To be filled by O.E.M.'))).state).to.equal('enrolled');
        expect(await local.tokens.known('k1')).to.equal(null);
        const approved = await store.enrolments.approve(waits.enrolment, null, 'sally');
        expect(approved).to.deep.include({ state: 'enrolled', became: MEMBER, decidedBy: 'sally', knownAs: [MEMBER] });
        expect((await enrol(asks(site, 'k1', OTHER, 'c02x'))).computer).to.equal(MEMBER);
        expect(await local.tokens.known('k1')).to.deep.include({ computer: MEMBER });
        await expectFailure(store.enrolments.approve(waits.enrolment, null, 'sally'), 'ENROLMENT_DECIDED', 'refused');
        const again = await enrol(asks(await code('once'), 'k2', '4b9f2c9e-1111-4222-8333-444455556666', 'C02X'));
        expect(again.computer).to.equal(MEMBER);
        expect(await local.tokens.known('k1')).to.equal(null);
        await expectFailure(enrol(asks(site, 'k1', OTHER, 'c02x')), 'ENROLMENT_REFUSED', 'notAuthorised');
        const events = await store.history.list({ what: 'computer.enrolled' });
        expect(events.map(({ target }) => target.name)).to.deep.equal([NEW, MEMBER, MEMBER]);
        expect(events.at(-1)?.before).to.deep.equal({ keysRevoked: 1 });
      });

      it('of one that may be several waits for an admin who says which; a refusal is final', async () => {
        await local.computers.takeReport(newReport());
        await local.computers.takeReport(newReport({}, { id: OTHER }));
        const waits = await enrol(asks(await code('once'), 'k1', NEW, 'C02X'));
        expect(waits.state).to.equal('pending');
        const { enrolment: number } = waits;
        await expectFailure(store.enrolments.approve(number, null, 'sally'), 'ENROLMENT_AMBIGUOUS', 'refused');
        const third = '3b9f2c9e-1111-4222-8333-444455556666';
        await expectFailure(store.enrolments.approve(number, third, 'sally'), 'ENROLMENT_OTHER', 'refused');
        expect((await store.enrolments.approve(number, OTHER, 'sally')).became).to.equal(OTHER);
        const site = await code('site');
        const next = await enrol(asks(site, 'k2', MEMBER, 'C02X'));
        await store.enrolments.refuse(next.enrolment, 'sally');
        await expectFailure(enrol(asks(site, 'k2', MEMBER, 'C02X')), 'ENROLMENT_REFUSED', 'notAuthorised');
        await expectFailure(store.enrolments.approve(999, null, 'sally'), 'ENROLMENT_NOT_FOUND', 'notFound');
        expect((await store.enrolments.list()).map(({ state }) => state)).to.deep.equal(['enrolled', 'refused']);
      });

      it('with the key of somebody else is refused', async () => {
        const { secret } = await store.tokens.add(
          { name: 'sally', role: 'admin', computer: null, expiresAt: null },
          'sally',
        );
        await expectFailure(enrol(asks(await code('site'), secret, MEMBER)), 'KEY_KNOWN', 'refused');
        expect(await local.tokens.known(secret)).to.deep.include({ name: 'sally', role: 'admin' });
      });

      it('takes what a machine says of itself, whatever is in it', async () => {
        const asked = await enrol(asks(await code('once'), 'k1', MEMBER, 'a\0b\ud800'));
        expect(asked.state).to.equal('enrolled');
        expect((await store.enrolments.list()).map(({ state }) => state)).to.deep.equal(['enrolled']);
        const odd = newReport({}, { claims: { serial: '\0', hardwareUuid: '\ud800', macs: ['\0'] } });
        expect(await local.computers.takeReport(odd)).to.equal(true);
        expect(await store.editions.basename('\0')).to.equal(null);
        expect(await store.documents('group').byName('\0')).to.equal(null);
      });

      it('a machine that waits is let in when it comes with a one-time code', async () => {
        await local.computers.takeReport(newReport());
        await enrol(asks(await code('site'), 'k1', OTHER, 'C02X'));
        const let_in = await enrol(asks(await code('once'), 'k1', OTHER, 'C02X'));
        expect(let_in).to.deep.include({ state: 'enrolled', computer: MEMBER });
        await store.computers.remove(MEMBER, 'sally');
        expect(await local.tokens.known('k1')).to.equal(null);
      });
    });

    describe('publication', () => {
      it('counts what the catalog shows, with the change itself', async () => {
        const { editions, publication } = store;
        const counts = async (change: () => Promise<unknown>) => {
          const before = await publication.generation();
          await change().catch(() => undefined);
          return (await publication.generation()) - before;
        };
        expect(await counts(() => editions.insert(newEdition(), 'a'))).to.equal(1);
        expect(await counts(() => editions.insert(newEdition(), 'a'))).to.equal(0);
        expect(await counts(() => editions.update(1, { reboot: true }, 'a'))).to.equal(1);
        expect(await counts(() => editions.makeLive(1, 'a', { liveId: null, newestId: 1 }))).to.equal(1);
        expect(await counts(() => store.documents('group').create('g', group(), 'a'))).to.equal(1);
        const script = { schema: 'd3/script@1', sha256: 'c'.repeat(64), size: 1, description: '' } as const;
        expect(await counts(() => store.documents('script').create('s', script, 'a'))).to.equal(0);
        expect(await counts(() => editions.delete(1, 'a', { archive: true }))).to.equal(1);
      });

      it('is recorded with its work, or not at all', async () => {
        await store.editions.insert(newEdition(), 'a');
        const record = {
          generation: 1,
          versions: { root: 1, targets: 1, snapshot: 1, timestamp: 1 },
          catalogSha256: 'd'.repeat(64),
          at: '2030-01-01T00:00:00.000Z',
          expires: '2031-01-01T00:00:00Z',
        };
        const failure = await local.publication
          .exclusively(async () => {
            throw new Error('disk full');
          })
          .catch((error) => error.message);
        expect(failure).to.equal('disk full');
        expect(await store.publication.last()).to.equal(null);
        await local.publication.exclusively(async ({ generation, editions, groups, last }) => {
          expect([generation, editions.length, groups.length, last]).to.deep.equal([1, 1, 0, null]);
          return record;
        });
        expect(await store.publication.last()).to.deep.equal(record);
        expect(await local.publication.exclusively(async () => null)).to.equal(null);
        expect(await store.publication.last()).to.deep.equal(record);
      });
    });
  });
}
