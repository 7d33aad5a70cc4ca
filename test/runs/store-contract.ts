import { expect } from 'chai';
import { newRun } from '../../src/runs/make.ts';
import { changeRun } from '../../src/runs/saving.ts';
import { ENDED_KEPT, LINES_KEPT, type Run, type RunStore } from '../../src/runs/types.ts';
import { problemsOf } from '../support/errors.ts';

/** A new, empty store for each test, what removes it, and how to put a body there that no d3 of today would write. */
export type OpenRuns = () => Promise<{
  store: RunStore;
  /** Another process's view of the same store. */
  other: RunStore;
  discard: () => Promise<void>;
  /** Replaces words in the stored body of a run; null where bodies are not kept as text. */
  forge: ((id: string, from: string, to: string) => void | Promise<void>) | null;
}>;

const aRun = (id: string, changes: Partial<Run> = {}): Run => ({
  ...newRun({
    id,
    origin: { kind: 'policy', id: 7, name: 'clean', event: 'logout' },
    by: 'sally',
    at: new Date('2030-01-01T00:00:00Z'),
    steps: [
      { kind: 'wait', args: { seconds: 1 } },
      { kind: 'assert', args: { that: { fact: 'x', exists: true } } },
    ],
    environment: { D3_NOTIFYING_PUPPIES: 'a-1-1' },
  }),
  ...changes,
});

/** What every store of runs must do, whatever is behind it. */
export function describeRuns(title: string, open: OpenRuns): void {
  describe(`${title}: contract of runs`, () => {
    let store: RunStore;
    let other: RunStore;
    let discard: () => Promise<void>;
    let forge: Awaited<ReturnType<OpenRuns>>['forge'];
    beforeEach(async () => {
      ({ store, other, discard, forge } = await open());
    });
    afterEach(() => discard());

    it('a run is read back whole, by everybody, and made once', async () => {
      const run = aRun('a');
      await store.create(run);
      expect(await other.get('a')).to.deep.equal(run);
      expect(await store.get('b')).to.equal(null);
      const { problems } = await problemsOf(other.create(run));
      expect(problems[0]).to.deep.include({ code: 'RUN_EXISTS', exit: 'refused' });
      expect(await store.list()).to.deep.equal([run]);
    });

    it('is saved only by who saw its last generation', async () => {
      await store.create(aRun('a'));
      const [mine, theirs] = [await store.get('a'), await other.get('a')] as [Run, Run];
      expect(await store.save({ ...mine, text: 'mine', generation: 2 }, 1)).to.equal(true);
      expect(await other.save({ ...theirs, text: 'theirs', generation: 2 }, 1)).to.equal(false);
      expect((await other.get('a'))?.text).to.equal('mine');
      expect(await store.save({ ...mine, id: 'none' }, 1)).to.equal(false);
    });

    it('loses no change of many at once', async () => {
      await store.create(aRun('a', { leases: 0 }));
      const add = (by: RunStore) => changeRun(by, 'a', (run) => ({ ...run, leases: run.leases + 1 }));
      await Promise.all(Array.from({ length: 12 }, (_, index) => add(index % 2 === 0 ? store : other)));
      expect(await store.get('a')).to.include({ leases: 12, generation: 13 });
    });

    it('lists the newest first, and only open ones when asked', async () => {
      await store.create(aRun('a'));
      await store.create(aRun('c', { createdAt: '2030-01-01T00:00:02.000Z', state: 'done' }));
      await store.create(aRun('b', { createdAt: '2030-01-01T00:00:01.000Z', state: 'holding' }));
      expect((await store.list()).map(({ id }) => id)).to.deep.equal(['c', 'b', 'a']);
      expect((await other.list({ open: true })).map(({ id }) => id)).to.deep.equal(['b', 'a']);
      const c = (await store.get('b')) as Run;
      await store.save({ ...c, state: 'cancelled', generation: 2 }, 1);
      expect((await other.list({ open: true })).map(({ id }) => id)).to.deep.equal(['a']);
    });

    it('tells of those that belong to one in short, and lists those that stand alone', async () => {
      await store.create(aRun('p'));
      await store.create(aRun('p-2', { parent: 'p', state: 'holding', text: 'somebody has to look' }));
      await store.create(aRun('p-1', { parent: 'p' }));
      await store.create(aRun('q-1', { parent: 'q' }));
      expect((await other.list({ open: true, alone: true })).map(({ id }) => id)).to.deep.equal(['p']);
      const [first, second] = await other.family('p');
      expect(first).to.deep.equal({
        id: 'p-1',
        parent: 'p',
        name: 'clean',
        state: 'running',
        text: '',
        cursor: 0,
        steps: 2,
        step: 'wait',
        createdAt: '2030-01-01T00:00:00.000Z',
        endedAt: null,
        cancel: null,
      });
      expect(second).to.include({ id: 'p-2', state: 'holding', text: 'somebody has to look' });
      const changed = (await store.get('p-1')) as Run;
      await store.save({ ...changed, state: 'done', cursor: 2, generation: 2 }, 1);
      expect((await other.family('p'))[0]).to.include({ state: 'done', step: null });
    });

    it('says whose time has come: nobody advances them, and they wait for nothing', async () => {
      const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
      const lease = (until: string) => ({ owner: 'w', until, generation: 1 });
      const waiting = (notBefore: string) => {
        const run = aRun('x');
        return { steps: run.steps.map((step, index) => (index === 0 ? { ...step, notBefore } : step)) };
      };
      await store.create(aRun('new', { createdAt: at(3) }));
      await store.create(aRun('later', { parent: 'new', ...waiting(at(10)) }));
      await store.create(aRun('cancelled', { ...waiting(at(10)), cancel: { by: 'x', at: at(1), why: 'y' } }));
      await store.create(aRun('held', { lease: lease(at(8)) }));
      await store.create(aRun('holding', { state: 'holding' }));
      await store.create(aRun('done', { state: 'done' }));
      const ready = (second: number, rest: { family?: string; limit?: number } = {}) =>
        store.ready({ at: at(second), limit: 10, ...rest });
      expect(await ready(2)).to.deep.equal(['cancelled']);
      expect(await ready(9)).to.deep.equal(['cancelled', 'new', 'held']);
      expect(await other.ready({ at: at(10), limit: 3 })).to.deep.equal(['cancelled', 'new', 'held']);
      expect(await ready(10, { family: 'new' })).to.deep.equal(['new', 'later']);
      const run = (await store.get('later')) as Run;
      await store.save({ ...run, state: 'done', generation: 2 }, 1);
      expect(await ready(20, { family: 'new' })).to.deep.equal(['new']);
    });

    it('keeps the lines of a run in order, the last of them only', async () => {
      await store.create(aRun('a'));
      await store.create(aRun('b'));
      const line = (text: string, step: number | null = null) => ({ at: '2030-01-01T00:00:00.000Z', step, text });
      await store.append('a', [line('one'), line('two', 1)]);
      await other.append('b', [line('of b')]);
      const first = await other.lines('a');
      expect(first.map(({ text, step }) => [text, step])).to.deep.equal([
        ['one', null],
        ['two', 1],
      ]);
      await store.append('a', []);
      await store.append(
        'a',
        Array.from({ length: LINES_KEPT }, (_, index) => line(`${index}`)),
      );
      const kept = await store.lines('a', first[1]?.id);
      expect([kept.length, kept[0]?.text, kept.at(-1)?.text]).to.deep.equal([LINES_KEPT, '0', `${LINES_KEPT - 1}`]);
      expect((await store.lines('a')).length).to.equal(LINES_KEPT);
      expect((await store.lines('b')).map(({ text }) => text)).to.deep.equal(['of b']);
    });

    it('lets go of old runs that are over, never of open ones', async function () {
      if (forge === null) this.skip();
      await store.create(aRun('open', { createdAt: '2029-01-01T00:00:00.000Z' }));
      for (let index = 0; index < ENDED_KEPT + 3; index += 1) {
        const createdAt = new Date(Date.UTC(2030, 0, 1, 0, 0, index)).toISOString();
        await store.create(aRun(`r${index}`, { createdAt, state: 'done' }));
      }
      const ids = (await store.list()).map(({ id }) => id);
      expect(ids).to.include('open').and.not.include('r0');
      expect(ids.length).to.be.within(ENDED_KEPT + 1, ENDED_KEPT + 2);
    });

    it('refuses run@2 by name and leaves it as it is; what is no run is said', async function () {
      if (forge === null) this.skip();
      await store.create(aRun('a'));
      await forge('a', 'd3/step-run@1', 'd3/step-run@2');
      for (const read of [() => store.get('a'), () => other.list()]) {
        const { problems } = await problemsOf(read());
        expect(problems[0]?.code).to.equal('SCHEMA_NEWER');
        expect(problems[0]?.message).to.include('d3/step-run@2').and.to.include('a');
      }
      await forge('a', 'd3/step-run@2', 'd3/step-run@1');
      expect((await store.get('a'))?.id).to.equal('a');
      await forge('a', '"cursor":0', '"cursor":-1');
      const { problems } = await problemsOf(store.get('a'));
      expect(problems[0]).to.deep.include({ code: 'RUN_DAMAGED', exit: 'failed' });
      expect(problems[0]?.message).to.include('/cursor');
    });
  });
}
