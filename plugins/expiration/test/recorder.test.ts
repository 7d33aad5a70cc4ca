import { expect } from 'chai';
import fc from 'fast-check';
import { Recorder } from '../src/repoman/recorder.ts';
import type { DatedUsage, Usage } from '../src/usage-file.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const EVERY = 5 * MINUTE;
const REFRESH = 60 * MINUTE;
const START = new Date('2026-11-20T08:00:00Z').getTime();

type Saved = Pick<Usage, 'lastUsed' | 'since'>;

/** Time that passes when it is told to, and a disk that keeps what was written. */
class World {
  elapsed = 0;
  /** What somebody did to the clock, milliseconds. */
  shift = 0;
  full = false;
  saved: { at: number; usage: Saved }[] = [];
  troubles = 0;
  #timers: { at: number; work: () => void }[] = [];

  readonly ports = {
    now: () => new Date(this.time),
    ticks: () => this.elapsed,
    later: (milliseconds: number, work: () => void) => {
      const timer = { at: this.elapsed + milliseconds, work };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((each) => each !== timer);
      };
    },
    save: ({ lastUsed, since }: Saved) => {
      if (this.full) throw new Error('no space left');
      this.saved.push({ at: this.elapsed, usage: { lastUsed: new Map(lastUsed), since } });
    },
    onTrouble: () => {
      this.troubles += 1;
    },
  };

  get time(): number {
    return START + this.elapsed + this.shift;
  }

  get timers(): number {
    return this.#timers.length;
  }

  pass(milliseconds: number): void {
    const until = this.elapsed + milliseconds;
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.elapsed = next.at;
      this.#timers = this.#timers.filter((each) => each !== next);
      next.work();
    }
    this.elapsed = until;
  }

  get last(): Saved {
    return this.saved.at(-1)?.usage as Saved;
  }

  begin(before: DatedUsage | null = null): Recorder {
    const recorder = new Recorder(before, { every: EVERY, refresh: REFRESH }, this.ports);
    recorder.begin();
    return recorder;
  }
}

const at = (time: number) => new Date(START + time);
const usage = (lastUsed: [string, Date][], more: Partial<DatedUsage> = {}): DatedUsage => ({
  lastUsed: new Map(lastUsed),
  future: [],
  since: at(-30 * DAY),
  writtenAt: at(-MINUTE),
  ...more,
});

describe('depot3:H02 what d3RepoMan keeps', () => {
  it('is written at once when nothing was for a while, and at most every few minutes', () => {
    const world = new World();
    const recorder = world.begin();
    world.pass(10 * MINUTE);
    recorder.front(['/a']);
    expect(world.saved).to.have.length(2);
    for (let second = 0; second < 60; second += 1) {
      world.pass(1000);
      recorder.front([second % 2 === 0 ? '/b' : '/a']);
    }
    expect(world.saved).to.have.length(2);
    world.pass(4 * MINUTE);
    expect(world.saved).to.have.length(3);
    expect(world.last.lastUsed.get('/b')).to.deep.equal(at(11 * MINUTE));
  });

  it('is as new as the moment for what stays in front, once an hour, though nobody switches for a day', () => {
    const world = new World();
    world.begin().front(['/a']);
    world.pass(DAY);
    expect(world.saved.length).to.be.within(24, 26);
    expect(world.time - (world.last.lastUsed.get('/a') as Date).getTime()).to.be.at.most(REFRESH);
    const gaps = world.saved.map((each, index) => each.at - (world.saved[index - 1]?.at ?? 0));
    expect(Math.max(...gaps)).to.be.at.most(REFRESH);
  });

  it('depot3:H07 counts an app as used until the moment it leaves the front, and as used when it comes', () => {
    const world = new World();
    const recorder = world.begin();
    recorder.front(['/a']);
    world.pass(30_000);
    recorder.front(['/b']);
    world.pass(20_000);
    recorder.front([]);
    world.pass(10_000);
    recorder.close();
    expect([...world.last.lastUsed]).to.deep.equal([
      ['/a', at(30_000)],
      ['/b', at(50_000)],
    ]);
    expect(world.timers, 'nothing waits any more').to.equal(0);
  });

  it('goes on with what was there, and says nothing is of the future', () => {
    const world = new World();
    const recorder = world.begin(usage([['/old', at(-3 * DAY)]], { future: ['/wrong'] }));
    expect(world.last).to.deep.equal({
      lastUsed: new Map([
        ['/old', at(-3 * DAY)],
        ['/wrong', at(0)],
      ]),
      since: at(-30 * DAY),
    });
    recorder.front(['/a']);
    world.shift = -DAY;
    recorder.close();
    expect(world.last.lastUsed.get('/a')).to.deep.equal(at(-DAY));
    expect(world.last.lastUsed.get('/wrong')).to.deep.equal(at(-DAY));
  });

  it('begins anew where nobody watched for weeks, or where it cannot be told', () => {
    for (const writtenAt of [at(-15 * DAY), null]) {
      const world = new World();
      world.begin(usage([['/old', at(-20 * DAY)]], { writtenAt }));
      expect(world.last.since, String(writtenAt)).to.deep.equal(at(0));
      expect(world.last.lastUsed.get('/old')).to.deep.equal(at(-20 * DAY));
    }
    const world = new World();
    world.begin(usage([], { writtenAt: at(-3 * DAY) }));
    expect(world.last.since, 'a long weekend').to.deep.equal(at(-30 * DAY));
  });

  it('is tried again when it could not be written, and a first time is no success unless it was', () => {
    const world = new World();
    world.full = true;
    expect(() => world.begin()).to.throw('no space left');
    world.full = false;
    const recorder = world.begin();
    world.full = true;
    world.pass(6 * MINUTE);
    recorder.front(['/a']);
    expect(world.troubles).to.equal(1);
    world.pass(EVERY);
    expect(world.troubles).to.equal(2);
    world.full = false;
    world.pass(EVERY);
    expect(world.last.lastUsed.has('/a')).to.equal(true);
  });

  it('whatever is switched and whenever the power goes, no more than the last few minutes are lost', () => {
    const step = fc.tuple(fc.nat(20 * MINUTE), fc.constantFrom<string[]>(['/a'], ['/b'], ['/c', '/d'], []));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const world = new World();
        const recorder = world.begin();
        const truth = new Map<string, number>();
        let front: string[] = [];
        const stamp = () => {
          for (const file of front) truth.set(file, world.time);
        };
        for (const [wait, next] of steps) {
          world.pass(wait);
          stamp();
          front = next;
          stamp();
          recorder.front(next);
          // The power goes here: what is on the disk is `last`.
          for (const [file, time] of truth) {
            const known = world.last.lastUsed.get(file)?.getTime() ?? 0;
            expect(known).to.be.at.most(world.time);
            if (world.time - time > EVERY) expect(known).to.equal(time);
          }
        }
        recorder.close();
        stamp();
        expect(new Map([...world.last.lastUsed].map(([file, time]) => [file, time.getTime()]))).to.deep.equal(truth);
      }),
    );
  });
});
