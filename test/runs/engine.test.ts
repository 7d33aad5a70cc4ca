import { D3Error, type Json } from '@d3/sdk';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { cancelRun, hurryStep, resumeRun, retryStep, skipStep } from '../../src/runs/decisions.ts';
import { advance, type Engine } from '../../src/runs/engine.ts';
import { exitOfRun } from '../../src/runs/exit.ts';
import { newRun } from '../../src/runs/make.ts';
import {
  isOver,
  type OnFailure,
  type Run,
  type RunStore,
  type Step,
  type StepEnd,
  type StepKind,
} from '../../src/runs/types.ts';
import { problemsOf } from '../support/errors.ts';
import { MemoryRuns } from './memory.ts';

const LOOK = 1;
const START = Date.UTC(2030, 0, 1);

/** A clock that waiting moves on. */
class Time {
  at = START;
  waited: number[] = [];
  now = () => new Date(this.at);
  pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
    if (milliseconds === LOOK) {
      // Looks at the store come of themselves in tests that want them.
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    }
    this.waited.push(milliseconds);
    this.at += milliseconds;
  };
}

const endedBySignal: StepEnd = {
  kind: 'failed',
  text: 'SIGTERM ended it',
  problem: { code: 'SCRIPT_FAILED', exit: 'failed', actions: [] },
};

interface World {
  time: Time;
  store: RunStore;
  kinds: Map<string, StepKind>;
  facts: Json;
  /** Owners that are gone. */
  gone: Set<string>;
}

function engineOf({ time, store, kinds, facts, gone }: World, owner: string, changes: Partial<Engine> = {}): Engine {
  return {
    store,
    kinds,
    clock: time,
    pause: time.pause,
    facts: async () => facts,
    owner,
    isGone: (name) => (gone.has(name) ? true : null),
    lease: 60_000,
    look: LOOK,
    signal: new AbortController().signal,
    tell: () => undefined,
    ...changes,
  };
}

function world(run: (index: number, context: Parameters<StepKind['run']>[0]) => Promise<StepEnd> | StepEnd): World {
  const kind: StepKind = {
    kind: 'work',
    schema: {},
    timeout: null,
    run: async (context) => run(context.index, context),
    settled: async () => null,
  };
  return {
    time: new Time(),
    store: new MemoryRuns(),
    kinds: new Map([['work', kind]]),
    facts: { is: { here: true } },
    gone: new Set(),
  };
}

const problem = { code: 'X', exit: 'scriptFailed' as const, actions: [] };
const failed: StepEnd = { kind: 'failed', text: 'no', problem };
const done: StepEnd = { kind: 'done', text: '' };

async function started(one: World, steps: Partial<Step>[], id = 'r'): Promise<string> {
  const whole = steps.map((step) => ({ kind: 'work', args: {}, ...step }));
  const origin = { kind: 'other' as const, id: null, name: 'test', event: null };
  await one.store.create(newRun({ id, origin, by: 'sally', at: one.time.now(), steps: whole }));
  return id;
}

const states = (run: Run) => run.steps.map(({ state }) => state);

describe('the engine of runs', () => {
  it('runs steps in their order, and says so in the log', async () => {
    const order: number[] = [];
    const one = world((index) => {
      order.push(index);
      return done;
    });
    const run = await advance(await started(one, [{}, { name: 'second' }, {}]), engineOf(one, 'a'));
    expect([run.state, run.cursor, run.lease, order]).to.deep.equal(['done', 3, null, [0, 1, 2]]);
    expect((await one.store.lines('r')).map(({ text }) => text)).to.deep.equal([
      'work begins',
      'work is done',
      'second begins',
      'second is done',
      'work begins',
      'work is done; the run is done',
    ]);
  });

  it('runs a step again later that waits for something, without a failure and without filling the log', async () => {
    let looks = 0;
    const one = world(() => (++looks < 4 ? { kind: 'later', text: 'nobody said it', seconds: 120 } : done));
    const run = await advance(await started(one, [{ retries: 0 }, {}]), engineOf(one, 'a'));
    expect([run.state, looks, one.time.waited, run.steps[0]?.failures]).to.deep.equal([
      'done',
      5,
      [120_000, 120_000, 120_000],
      0,
    ]);
    expect((await one.store.lines('r')).map(({ text }) => text)).to.deep.equal([
      'work begins',
      'work waits: nobody said it',
      'work is done',
      'work begins',
      'work is done; the run is done',
    ]);
  });

  it('lets go of a step that waits where nobody stays, and looks once each time it is taken up', async () => {
    let looks = 0;
    const one = world(() => (++looks < 3 ? { kind: 'later', text: `look ${looks}`, seconds: 120 } : done));
    const id = await started(one, [{}]);
    const once = () => advance(id, engineOf(one, 'a', { stays: () => false }));
    const states: unknown[] = [];
    for (const _ of [1, 2, 3]) {
      const { state, steps, lease } = await once();
      states.push([state, steps[0]?.text, lease, looks]);
    }
    expect(states).to.deep.equal([
      ['running', 'look 1', null, 1],
      ['running', 'look 2', null, 2],
      ['done', '', null, 3],
    ]);
    expect(one.time.waited).to.deep.equal([]);
  });

  it('runs a waiting step at once when somebody has it hurried, and cancels a waiting one', async () => {
    let looks = 0;
    const one = world(() => (++looks < 2 ? { kind: 'later', text: 'not yet', seconds: 3600 } : done));
    const id = await started(one, [{}]);
    // Waits for real, so that the looks at the store come in between.
    const pause = (milliseconds: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
      });
    const clock = { now: () => new Date() };
    const deciding = { store: one.store, clock, isGone: () => null };
    const advancing = advance(id, engineOf(one, 'a', { pause, look: 5, clock }));
    while (!(await hurryStep(id, deciding))) await new Promise((resolve) => setTimeout(resolve, 5));
    expect([(await advancing).state, looks]).to.deep.equal(['done', 2]);
    looks = 0;
    const second = await started(one, [{}], 'second');
    const other = advance(second, engineOf(one, 'a', { pause, look: 5, clock }));
    while ((await one.store.get(second))?.steps[0]?.notBefore === null) await new Promise((r) => setTimeout(r, 5));
    await cancelRun(second, { by: 'bob', why: 'enough' }, deciding);
    expect([(await other).state, looks]).to.deep.equal(['cancelled', 1]);
  });

  it('tries a failed step again, each time after a longer wait, as often as it may', async () => {
    let tries = 0;
    const one = world(() => (++tries < 4 ? failed : done));
    const retries = { times: 3, wait: 10, factor: 3, most: 60 };
    const run = await advance(await started(one, [{ retries }]), engineOf(one, 'a'));
    expect([run.state, tries, one.time.waited]).to.deep.equal(['done', 4, [10_000, 30_000, 60_000]]);
  });

  it('a failed step stops the run, is passed over, or holds it, as it says; only required ones make it fail', async () => {
    const ends: Record<string, [Partial<Step>, Run['state'], string[], number]> = {
      'stop unless said': [{}, 'failed', ['failed', 'pending'], 31],
      continue: [{ onFailure: 'continue' }, 'failed', ['failed', 'done'], 31],
      hold: [{ onFailure: 'hold' }, 'holding', ['failed', 'pending'], 44],
      'not required': [{ required: false }, 'done', ['failed', 'done'], 0],
      'not required, stop': [{ required: false, onFailure: 'stop' }, 'done', ['failed', 'pending'], 0],
    };
    for (const [what, [step, state, steps, exit]] of Object.entries(ends)) {
      const one = world((index) => (index === 0 ? failed : done));
      const run = await advance(await started(one, [step, {}]), engineOf(one, 'a'));
      expect([run.state, states(run), exitOfRun(run)], what).to.deep.equal([state, steps, exit]);
    }
  });

  it('leaves a step out whose condition does not hold when its turn comes', async () => {
    const one = world((index) => {
      if (index === 0) one.facts = { is: { here: false } };
      return done;
    });
    const when = { fact: 'is.here', is: true };
    const facts = async () => one.facts;
    const run = await advance(await started(one, [{ when }, { when }]), engineOf(one, 'a', { facts }));
    expect([run.state, states(run)]).to.deep.equal(['done', ['done', 'skipped']]);
    expect(run.steps[1]?.skipped).to.deep.include({ by: 'its condition', why: 'it is for where is.here is true' });
  });

  it('a step of a kind nobody has fails by its name', async () => {
    const one = world(() => done);
    const run = await advance(await started(one, [{ kind: 'puppet' }]), engineOf(one, 'a'));
    expect([run.state, exitOfRun(run)]).to.deep.equal(['failed', 34]);
    expect(run.text).to.include('puppet');
  });

  it('ends a step whose time is up', async () => {
    const one = world(
      (_, { signal }) =>
        new Promise<StepEnd>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('ended')), { once: true }),
        ),
    );
    const run = await advance(await started(one, [{ timeout: 5 }]), engineOf(one, 'a'));
    expect(run.steps[0]).to.deep.include({ state: 'failed', text: 'it did not end within 5 s' });
    expect(one.time.waited).to.include(5000);
  });

  it('is advanced by one at a time; a lease that ran out, or whose owner is gone, counts no more', async () => {
    const one = world(() => done);
    const id = await started(one, [{}]);
    const lease = { owner: 'b', until: new Date(START + 1000).toISOString(), generation: 1 };
    const run = (await one.store.get(id)) as Run;
    await one.store.save({ ...run, lease, leases: 1, generation: 2 }, 1);
    expect((await problemsOf(advance(id, engineOf(one, 'a')))).exitCode).to.equal(41);
    one.gone.add('b');
    expect((await advance(id, engineOf(one, 'a'))).state).to.equal('done');
    const late = await started(one, [{}], 'late');
    const fresh = (await one.store.get(late)) as Run;
    await one.store.save({ ...fresh, lease: { ...lease, owner: 'c' }, leases: 1, generation: 2 }, 1);
    one.time.at += 2000;
    const alive = engineOf(one, 'a', { isGone: () => false });
    expect((await problemsOf(advance(late, alive))).exitCode, 'its machine slept, and it is still there').to.equal(41);
    const ended = await advance(late, engineOf(one, 'a'));
    expect([ended.state, ended.leases]).to.deep.equal(['done', 2]);
  });

  it('whoever lost the lease writes nothing any more', async () => {
    const one = world(async (_, { run }) => {
      const now = (await one.store.get(run.id)) as Run;
      const lease = { owner: 'thief', until: new Date(START + 1e9).toISOString(), generation: now.leases + 1 };
      await one.store.save({ ...now, lease, leases: now.leases + 1, generation: now.generation + 1 }, now.generation);
      return done;
    });
    const id = await started(one, [{}, {}]);
    expect((await problemsOf(advance(id, engineOf(one, 'a')))).problems[0]?.code).to.equal('RUN_HELD');
    const run = (await one.store.get(id)) as Run;
    expect([run.lease?.owner, states(run)]).to.deep.equal(['thief', ['started', 'pending']]);
  });

  for (const [what, ending] of [
    ['throws', (reason: unknown) => Promise.reject(reason)],
    ['says that it failed', async () => endedBySignal],
  ] as const) {
    it(`a store that is lost ends the step, which is no failure of it where it ${what}`, async () => {
      let away = false;
      let tries = 0;
      const one = world(async (_, { signal }) => {
        tries += 1;
        if (tries > 1) return done;
        away = true;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        // It is back before anybody could say what became of the step.
        away = false;
        return ending(signal.reason);
      });
      const get = one.store.get.bind(one.store);
      one.store.get = async (id) => {
        if (!away) return get(id);
        away = false;
        throw new D3Error('AWAY', 'depotUnreachable', 'The store is away.');
      };
      const id = await started(one, [{}]);
      const looking = { pause: async () => new Promise<void>((resolve) => setTimeout(resolve, 5)) };
      const { problems } = await problemsOf(advance(id, engineOf(one, 'a', looking)));
      expect(problems[0]).to.include({ code: 'AWAY', exit: 'depotUnreachable' });
      const cut = (await one.store.get(id)) as Run;
      expect([cut.state, cut.lease, states(cut), cut.steps[0]?.failures]).to.deep.equal([
        'running',
        null,
        ['started'],
        0,
      ]);
      const run = await advance(id, engineOf(one, 'b'));
      expect([run.state, states(run), tries]).to.deep.equal(['done', ['done'], 2]);
    });
  }

  it('what a step cannot keep because the store is lost is no failure of it', async () => {
    let away = false;
    const one = world(async (_, { keep }) => {
      away = true;
      try {
        await keep({ half: true });
      } finally {
        away = false;
      }
      return done;
    });
    const get = one.store.get.bind(one.store);
    one.store.get = async (id) => {
      if (away) throw new D3Error('AWAY', 'depotUnreachable', 'The store is away.');
      return get(id);
    };
    const id = await started(one, [{}]);
    expect((await problemsOf(advance(id, engineOf(one, 'a')))).problems[0]).to.include({ code: 'AWAY' });
    const cut = (await one.store.get(id)) as Run;
    expect([cut.state, states(cut), cut.steps[0]?.failures]).to.deep.equal(['running', ['started'], 0]);
  });

  it('a cancellation while a step runs ends the step, and is kept with who and why', async () => {
    const one = world(
      (_, { signal }) =>
        new Promise<StepEnd>((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
        ),
    );
    const id = await started(one, [{}, {}]);
    const pause = (milliseconds: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, Math.min(milliseconds, 5));
        signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
      });
    const engine = engineOf(one, 'a', { pause });
    const advancing = advance(id, engine);
    while ((await one.store.get(id))?.steps[0]?.state !== 'started') await pause(1, new AbortController().signal);
    const asked = await cancelRun(id, { by: 'bob', why: 'wrong room' }, engine);
    expect([asked.state, asked.cancel?.by]).to.deep.equal(['running', 'bob']);
    const run = await advancing;
    expect([run.state, states(run)]).to.deep.equal(['cancelled', ['started', 'pending']]);
    expect(run.cancel).to.deep.include({ by: 'bob', why: 'wrong room' });
    for (const decide of [
      cancelRun(id, { by: 'x', why: 'y' }, engine),
      skipStep(id, { by: 'x', why: 'y' }, engine),
      resumeRun(id, 'x', engine),
    ])
      expect((await problemsOf(decide)).problems[0]?.code).to.equal('RUN_OVER');
    expect((await problemsOf(retryStep(id, 'x', engine))).problems[0]?.code).to.equal('NOTHING_TO_RETRY');
  });

  it('d3 that is stopped leaves the step as started, and the run open to anybody', async () => {
    const stop = new AbortController();
    const one = world((_, { signal }) => {
      stop.abort(new D3Error('INTERRUPTED', 'interrupted', 'Interrupted.'));
      return Promise.reject(signal.reason as Error);
    });
    const id = await started(one, [{}]);
    const stopped = await problemsOf(advance(id, engineOf(one, 'a', { signal: stop.signal })));
    expect(stopped.exitCode).to.equal(130);
    const run = (await one.store.get(id)) as Run;
    expect([run.state, run.lease, states(run)]).to.deep.equal(['running', null, ['started']]);
  });

  it('a run that failed goes on from its failed step when it is mended, or without it', async () => {
    let broken = true;
    const one = world(() => (broken ? failed : done));
    for (const [id, decide] of [
      ['retried', (engine: Engine) => retryStep('retried', 'bob', engine)],
      ['skipped', (engine: Engine) => skipStep('skipped', { by: 'bob', why: 'no need' }, engine)],
    ] as const) {
      broken = true;
      const engine = engineOf(one, `owner of ${id}`);
      await started(one, [{}, {}], id);
      expect((await advance(id, engine)).state).to.equal('failed');
      broken = false;
      await decide(engine);
      const run = await advance(id, engine);
      expect([run.state, run.steps[0]?.state]).to.deep.equal(['done', id === 'retried' ? 'done' : 'skipped']);
    }
    const skipped = (await one.store.get('skipped')) as Run;
    expect(skipped.steps[0]?.skipped).to.deep.include({ by: 'bob', why: 'no need' });
  });
});

/** The power goes: nothing of this process happens any more. */
class Killed extends Error {}

interface Planned {
  fails: number;
  retries: number;
  required: boolean;
  onFailure: OnFailure;
  /** Whether its condition holds. */
  here: boolean;
  /** It wants a person to look at it once. */
  holds: boolean;
  /** Whether its kind can tell that it is done. */
  tells: boolean;
}

type Decision = 'retry' | 'resume' | 'skip' | 'cancel';

const planned: fc.Arbitrary<Planned> = fc.record({
  fails: fc.integer({ min: 0, max: 2 }),
  retries: fc.integer({ min: 0, max: 2 }),
  required: fc.boolean(),
  onFailure: fc.constantFrom<OnFailure>('continue', 'hold', 'stop'),
  here: fc.boolean(),
  holds: fc.boolean(),
  tells: fc.boolean(),
});

/** What must come of a program, whenever the power goes. */
function expected(program: readonly Planned[], decisions: readonly Decision[]): { state: string; steps: string[] } {
  const steps = program.map(() => 'pending');
  const left = [...decisions];
  let broken = false;
  for (const [index, step] of program.entries()) {
    const { fails, retries, required, onFailure, here, holds } = step;
    if (!here) {
      steps[index] = 'skipped';
      continue;
    }
    const fell = fails > retries;
    if (!fell && !holds) {
      steps[index] = 'done';
      continue;
    }
    if (fell && onFailure !== 'hold') {
      steps[index] = 'failed';
      broken ||= required;
      if (onFailure === 'stop') return { state: broken ? 'failed' : 'done', steps };
      continue;
    }
    const decision = left.shift() ?? 'skip';
    if (decision === 'cancel') {
      steps[index] = fell ? 'failed' : 'started';
      return { state: 'cancelled', steps };
    }
    steps[index] = decision === 'skip' ? 'skipped' : 'done';
  }
  return { state: broken ? 'failed' : 'done', steps };
}

describe('a run that is cut anywhere', () => {
  it('repeats no completed step, keeps the order, and comes to the end it would have come to', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(planned, { minLength: 1, maxLength: 6 }),
        fc.array(fc.constantFrom<Decision>('retry', 'resume', 'skip', 'cancel'), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 12 }),
        async (program, decisions, kills) => {
          const store = new MemoryRuns();
          const starts: number[] = [];
          const effects: number[] = [];
          const looked = new Set<number>();
          const gone = new Set<string>();
          const time = new Time();
          const cuts = [...kills];
          const left = [...decisions];
          let life = 0;

          /** One process, from its start to its end or to the power cut. */
          const live = async (work: (engine: Engine) => Promise<unknown>): Promise<boolean> => {
            const owner = `life ${++life}`;
            let until = cuts.shift() ?? Number.POSITIVE_INFINITY;
            const point = () => {
              until -= 1;
              if (until <= 0) throw new Killed();
            };
            const cut =
              <A extends unknown[], R>(what: (...args: A) => Promise<R>) =>
              async (...args: A): Promise<R> => {
                point();
                const result = await what(...args);
                point();
                return result;
              };
            const kind: StepKind = {
              kind: 'work',
              schema: {},
              timeout: null,
              async run({ index, run }) {
                point();
                starts.push(index);
                const { fails, holds } = program[index] as Planned;
                if (!looked.has(index)) {
                  if ((run.steps[index]?.failures ?? 0) < fails) return failed;
                  if (holds) return { kind: 'hold', text: 'look at it' };
                }
                effects.push(index);
                point();
                return done;
              },
              async settled({ index }) {
                point();
                return (program[index] as Planned).tells && effects.includes(index) ? 'it was done' : null;
              },
            };
            const dying: RunStore = {
              create: cut((run) => store.create(run)),
              get: cut((id) => store.get(id)),
              list: cut((options) => store.list(options)),
              family: cut((parent) => store.family(parent)),
              ready: cut((wanted) => store.ready(wanted)),
              save: cut((run, generation) => store.save(run, generation)),
              append: cut((id, lines) => store.append(id, lines)),
              lines: cut((id, after) => store.lines(id, after)),
            };
            const one: World = { time, store: dying, kinds: new Map([['work', kind]]), facts: { here: true }, gone };
            try {
              await work(engineOf(one, owner));
              return true;
            } catch (error) {
              if (!(error instanceof Killed)) throw error;
              return false;
            } finally {
              gone.add(owner);
            }
          };

          const steps = program.map(({ retries, required, onFailure, here }) => ({
            retries: { times: retries, wait: 1 },
            required,
            onFailure,
            ...(here ? {} : { when: { fact: 'nowhere', exists: true } }),
          }));
          const id = await started({ time, store, kinds: new Map(), facts: null, gone }, steps);
          const made: { step: number; decision: Decision }[] = [];
          for (let lives = 0; lives < 200; lives += 1) {
            await live((engine) => advance(id, engine));
            const run = (await store.get(id)) as Run;
            if (isOver(run)) break;
            if (run.state !== 'holding') continue;
            const decision = left.shift() ?? 'skip';
            made.push({ step: run.cursor, decision });
            looked.add(run.cursor);
            const who = { by: 'bob', why: `for ${run.cursor}` };
            const engine = engineOf({ time, store, kinds: new Map(), facts: null, gone }, 'person');
            if (decision === 'retry') await retryStep(id, 'bob', engine);
            else if (decision === 'resume') await resumeRun(id, 'bob', engine);
            else if (decision === 'skip') await skipStep(id, who, engine);
            else await cancelRun(id, who, engine);
          }

          const run = (await store.get(id)) as Run;
          expect({ state: run.state, steps: states(run) }).to.deep.equal(expected(program, decisions));
          expect(starts, 'the order is kept, and nothing completed begins again').to.deep.equal(
            starts.toSorted((a, b) => a - b),
          );
          for (const [index, { state, skipped, attempts }] of run.steps.entries()) {
            const times = effects.filter((effect) => effect === index).length;
            const { tells, here } = program[index] as Planned;
            if (state === 'done' && tells) expect(times, 'exactly once').to.equal(1);
            if (state === 'done') expect(times, 'at least once').to.be.greaterThan(0);
            if (state === 'pending' || !here) expect(times).to.equal(0);
            if (attempts > 0 && state === 'done') expect(starts).to.include(index);
            if (state === 'skipped' && here) expect(skipped).to.include({ by: 'bob', why: `for ${index}` });
          }
          if (run.state === 'cancelled') expect(run.cancel).to.include({ by: 'bob', why: `for ${made.at(-1)?.step}` });
        },
      ),
      { numRuns: 300 },
    );
  });
});
