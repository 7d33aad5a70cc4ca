import type { DepotRunBrief } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { nextBeat, type Part, partId, partOf, type Score } from '../src/rules/conduct.ts';
import type { Phase } from '../src/rules/host-steps.ts';
import { progressOf, progressText } from '../src/rules/progress.ts';
import type { Role } from '../src/types.ts';

const RUN = 'r1';

function role(name: string, more: Partial<Role> = {}): Role {
  const usual = {
    after: [],
    mode: 'concurrent',
    leader: null,
    batches: [],
    abreast: 100,
    maxFailures: 0,
    min: 0,
  } as const;
  return { name, ...usual, max: null, steps: [{ sync: true }], ...more };
}

function score(roles: readonly Role[], hosts: Readonly<Record<string, string>>, abreast = 100): Score {
  return {
    roles,
    abreast,
    hosts: Object.entries(hosts).map(([host, name]) => ({ host, kind: 'ssh', role: name, hostgroup: null })),
  };
}

/** A world that begins what is to be begun, and in which each part ends as it is said to. */
class World {
  readonly parts = new Map<string, Part>();
  /** Host and phase, in the order they were begun. */
  readonly begun: string[] = [];
  most = 0;
  readonly #score: Score;

  constructor(of: Score) {
    this.#score = of;
  }

  beat() {
    const beat = nextBeat(RUN, this.#score, this.parts);
    for (const { index, phase } of beat.begin) {
      const id = partId(RUN, index, phase);
      expect(this.parts.has(id), id).to.equal(false);
      this.parts.set(id, { state: 'running', text: '' });
      this.begun.push(`${this.#score.hosts[index]?.host} ${phase}`);
    }
    this.most = Math.max(this.most, this.open().length);
    return beat;
  }

  open(): string[] {
    return [...this.parts].filter(([, { state }]) => state === 'running').map(([id]) => id);
  }

  set(host: string, phase: Phase, state: DepotRunBrief['state']): void {
    const index = this.#score.hosts.findIndex((one) => one.host === host);
    this.parts.set(partId(RUN, index, phase), { state, text: '' });
  }

  /** Lets everything end, until nothing goes on by itself. */
  settle(fails: (host: string, phase: Phase) => boolean = () => false) {
    for (;;) {
      const beat = this.beat();
      if (beat.end !== null) return beat;
      const open = this.open();
      expect(open.length, 'somebody is at work, or it is over').to.be.greaterThan(0);
      for (const id of open) {
        const { index, phase } = partOf(RUN, id) as { index: number; phase: Phase };
        const { host } = this.#score.hosts[index] as { host: string };
        this.parts.set(id, { state: fails(host, phase) ? 'failed' : 'done', text: '' });
      }
    }
  }
}

describe('how a deployment is conducted', () => {
  const two = [role('db'), role('web', { after: ['db'] })];

  it('staypuft:S1-11 staypuft:E-03 prepares all hosts before the first role, then role after role, then releases all', () => {
    const world = new World(score(two, { w1: 'web', d1: 'db', d2: 'db' }));
    expect(world.settle().end).to.equal('done');
    expect(world.begun).to.deep.equal([
      'w1 prepare',
      'd1 prepare',
      'd2 prepare',
      'd1 role',
      'd2 role',
      'w1 role',
      'w1 release',
      'd1 release',
      'd2 release',
    ]);
  });

  it('staypuft:E-04 a host that fails stops no host beside it, but the roles behind; it holds and says which', () => {
    const world = new World(score([...two, role('mail')], { d1: 'db', d2: 'db', w1: 'web', m1: 'mail' }));
    const beat = world.settle((host, phase) => host === 'd1' && phase === 'role');
    expect(beat.end).to.equal('hold');
    expect(world.begun.filter((one) => one.endsWith('role'))).to.deep.equal(['d1 role', 'd2 role', 'm1 role']);
    expect(beat.text).to.equal(
      'db: 1 of 2 done, 1 failed (d1); web: 0 of 1 done; mail: 1 of 1 done; not begun because of that: web',
    );
    expect(world.begun.some((one) => one.endsWith('release'))).to.equal(false);
    // Once it is mended, it goes on from there.
    world.set('d1', 'role', 'running');
    expect(world.beat().end).to.equal(null);
    expect(world.settle().end).to.equal('done');
    expect(world.begun.filter((one) => one.startsWith('d1'))).to.deep.equal(['d1 prepare', 'd1 role', 'd1 release']);
  });

  it('a host that cannot be prepared counts for its role', () => {
    const world = new World(score(two, { d1: 'db', w1: 'web' }));
    const beat = world.settle((host) => host === 'd1');
    expect([beat.end, world.begun]).to.deep.equal(['hold', ['d1 prepare', 'w1 prepare']]);
  });

  it('staypuft:E-06 a host that is left out stands in nobody’s way, and is not released', () => {
    const world = new World(score(two, { d1: 'db', d2: 'db', w1: 'web' }));
    world.settle((host, phase) => host === 'd1' && phase === 'role');
    world.set('d1', 'role', 'cancelled');
    const beat = world.settle();
    expect(beat.end).to.equal('done');
    expect(beat.text).to.equal('db: 1 of 2 done, 1 left out; web: 1 of 1 done; 2 of 2 released');
    expect(world.begun.filter((one) => one.endsWith('release'))).to.deep.equal(['d2 release', 'w1 release']);
  });

  it('staypuft:E-17 a canary goes first, then waves, and none more once too many have failed', () => {
    const hosts = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`h${index}`, 'web']));
    const web = role('web', { mode: 'leader', leader: 'h4', batches: [3, 'rest'], maxFailures: 1 });
    const world = new World(score([web], hosts));
    const beat = world.settle((host, phase) => phase === 'role' && (host === 'h0' || host === 'h1'));
    expect(world.begun.filter((one) => one.endsWith('role'))).to.deep.equal([
      'h4 role',
      'h0 role',
      'h1 role',
      'h2 role',
    ]);
    expect(beat.end).to.equal('hold');
    const allowed = new World(score([web], hosts));
    const end = allowed.settle((host, phase) => phase === 'role' && host === 'h0');
    expect([end.end, end.text]).to.deep.equal(['done', 'web: 8 of 9 done, 1 failed (h0); 8 of 8 released']);
  });

  it('staypuft:E-02 works on so many hosts at the same time, and one after the other where it is serial', () => {
    const hosts = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h${10 + index}`, 'web']));
    const world = new World(score([role('web', { abreast: 4 })], hosts, 5));
    world.settle();
    expect(world.most).to.equal(5);
    const serial = new World(score([role('web', { mode: 'serial' })], hosts, 1));
    serial.settle();
    expect(serial.most).to.equal(1);
    expect(serial.begun.filter((one) => one.endsWith('role'))).to.deep.equal(
      Object.keys(hosts).map((host) => `${host} role`),
    );
  });

  it('a role nobody takes part in stands in no way, and what it waits for is waited for all the same', () => {
    const roles = [role('a'), role('b', { after: ['a'] }), role('c', { after: ['b'] })];
    const world = new World(score(roles, { z: 'c', x: 'a' }));
    world.settle();
    expect(world.begun.filter((one) => one.endsWith('role'))).to.deep.equal(['x role', 'z role']);
  });

  it('with nobody in it is done at once', () => {
    expect(new World(score(two, {})).settle().end).to.equal('done');
  });

  it('staypuft:E-05 whatever fails and is mended, nothing is begun twice, no role before those it waits for, and it ends', () => {
    const names = ['a', 'b', 'c', 'd'];
    const roles = fc.tuple(
      ...names.map((name, index) =>
        fc
          .record({
            after: fc.subarray(names.slice(0, index)),
            mode: fc.constantFrom('concurrent' as const, 'serial' as const, 'leader' as const),
            batches: fc.array(fc.constantFrom<Role['batches'][number]>(1, 2, '50%', 'rest'), { maxLength: 3 }),
            abreast: fc.integer({ min: 1, max: 4 }),
            maxFailures: fc.integer({ min: 0, max: 2 }),
          })
          .map((more) => role(name, more)),
      ),
    );
    const hosts = fc.array(fc.constantFrom(...names), { maxLength: 12 });
    fc.assert(
      fc.property(
        roles,
        hosts,
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (made, whose, abreast, luck) => {
          const dice = luck[Symbol.iterator]();
          const roll = () => dice.next().value as number;
          const of = score(
            made,
            Object.fromEntries(whose.map((name, index) => [`h${String(index).padStart(2, '0')}`, name])),
            abreast,
          );
          const world = new World(of);
          const after = new Map(made.map((one) => [one.name, one]));
          // What may fail is not waited for; once it is mended it comes late.
          const mended = new Set<string>();
          for (let rounds = 0; ; rounds += 1) {
            const beat = world.settle((host) => {
              const fails = rounds < 3 && roll() < 0.2;
              if (fails) mended.add(host);
              return fails;
            });
            if (beat.end === 'done') break;
            expect(rounds, 'it ends').to.be.lessThan(60);
            for (const [id, { state }] of world.parts)
              if (state === 'failed') world.parts.set(id, { state: 'running', text: '' });
          }
          const begun = world.begun.filter((one) => one.endsWith(' role')).map((one) => one.slice(0, -5));
          const roleOf = new Map(of.hosts.map(({ host, role: name }) => [host, name]));
          for (const [place, host] of begun.entries()) {
            const before = after.get(roleOf.get(host) as string)?.after ?? [];
            const later = begun
              .slice(place)
              .filter((one) => !mended.has(one))
              .map((one) => roleOf.get(one) as string);
            expect(
              later.some((name) => before.includes(name)),
              `${host} too early`,
            ).to.equal(false);
          }
          expect(new Set(world.begun).size).to.equal(world.begun.length);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('how far a deployment is', () => {
  const brief = (id: string, state: DepotRunBrief['state'], more: Partial<DepotRunBrief> = {}): DepotRunBrief => ({
    id,
    parent: RUN,
    name: '',
    state,
    text: '',
    cursor: 0,
    steps: 1,
    step: 'sync',
    createdAt: '2026-01-01T00:00:00Z',
    endedAt: null,
    cancel: null,
    ...more,
  });

  it('staypuft:E-11 is told of preparing, of each role and of releasing, with who is at what and how long it takes still', () => {
    const of = score([role('db', { abreast: 2 }), role('web', { after: ['db'] })], {
      d1: 'db',
      d2: 'db',
      d3: 'db',
      d4: 'db',
      w1: 'web',
    });
    const family = [
      ...[0, 1, 2, 3, 4].map((index) =>
        brief(partId(RUN, index, 'prepare'), 'done', { endedAt: '2026-01-01T00:00:05Z', step: null }),
      ),
      brief(partId(RUN, 0, 'role'), 'done', { endedAt: '2026-01-01T00:01:40Z', step: null }),
      brief(partId(RUN, 1, 'role'), 'failed', { text: 'no disk' }),
      brief(partId(RUN, 2, 'role'), 'running'),
    ];
    const [prepare, db, web, release] = progressOf(RUN, of, family);
    expect(prepare).to.include({ name: 'prepare', hosts: 5, done: 5, secondsLeft: 0 });
    // Two are left, two at a time, and one took a hundred seconds.
    expect(db).to.deep.equal({
      name: 'db',
      hosts: 4,
      done: 1,
      failed: 1,
      skipped: 0,
      now: [{ host: 'd3', step: 'sync' }],
      secondsLeft: 100,
    });
    expect(progressText(db as NonNullable<typeof db>)).to.equal('1 of 4, 1 failed, d3: sync, about 2 min left');
    expect(web).to.include({ name: 'web', hosts: 1, done: 0, secondsLeft: null });
    expect(release).to.include({ name: 'release', hosts: 5, done: 0 });
  });
});
