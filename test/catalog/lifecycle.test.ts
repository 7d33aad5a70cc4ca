import { expect } from 'chai';
import fc from 'fast-check';
import { effectsOfMakingLive, isRollback, type Sibling } from '../../src/catalog/lifecycle.ts';
import type { StoredStatus } from '../../src/catalog/types.ts';

/** Siblings from a line such as `deprecated live pilot`, with ids 10, 20, 30. */
function family(line: string): Sibling[] {
  return line.split(' ').map((status, at) => ({ id: (at + 1) * 10, status: status as StoredStatus }));
}

function after(siblings: readonly Sibling[], id: number): Sibling[] {
  const to = new Map(effectsOfMakingLive(siblings, id).map((change) => [change.id, change.to]));
  return siblings.map((sibling) => ({ id: sibling.id, status: to.get(sibling.id) ?? sibling.status }));
}

const line = (siblings: readonly Sibling[]) => siblings.map((sibling) => sibling.status).join(' ');

describe('making an edition live', () => {
  const table: [behaviour: string, before: string, id: number, expected: string][] = [
    ['the first pilot simply goes live', 'pilot', 10, 'live'],
    ['the older live one is deprecated', 'live pilot', 20, 'deprecated live'],
    ['pilots between are skipped', 'live pilot pilot', 30, 'deprecated skipped live'],
    ['older pilots are skipped without a live one too', 'pilot pilot', 20, 'skipped live'],
    ['newer pilots stay pilots', 'live pilot pilot', 20, 'deprecated live pilot'],
    [
      'older deprecated and skipped ones stay',
      'deprecated skipped live pilot',
      40,
      'deprecated skipped deprecated live',
    ],
    ['a rollback makes the live one a pilot', 'deprecated live', 10, 'live pilot'],
    [
      'a rollback makes every newer one a pilot',
      'deprecated skipped deprecated live pilot',
      10,
      'live pilot pilot pilot pilot',
    ],
    ['a rollback leaves older ones alone', 'deprecated skipped deprecated live', 20, 'deprecated live pilot pilot'],
    ['what is live already changes nothing', 'deprecated live pilot', 20, 'deprecated live pilot'],
  ];
  for (const [behaviour, before, id, expected] of table) {
    it(`${behaviour}: ${before} → ${expected}`, () => expect(line(after(family(before), id))).to.equal(expected));
  }

  it('tells only real changes, in id order, each from what it was', () => {
    expect(effectsOfMakingLive(family('skipped live pilot pilot').toReversed(), 30)).to.deep.equal([
      { id: 20, from: 'live', to: 'deprecated' },
      { id: 30, from: 'pilot', to: 'live' },
    ]);
  });

  it('goes by id and never by the order siblings are given in', () => {
    const siblings = family('live pilot pilot');
    expect(effectsOfMakingLive(siblings.toReversed(), 20)).to.deep.equal(effectsOfMakingLive(siblings, 20));
  });

  it('is a rollback for skipped and deprecated editions only', () => {
    const rollbacks = family('pilot live deprecated skipped').filter(isRollback);
    expect(line(rollbacks)).to.equal('deprecated skipped');
  });
});

describe('a basename after any sequence of add, make live and delete', () => {
  interface Step {
    kind: 'add' | 'live' | 'delete';
    which: number;
  }
  const steps = fc.array(fc.record<Step>({ kind: fc.constantFrom('add', 'live', 'delete'), which: fc.nat(5) }), {
    maxLength: 25,
  });

  /** Runs steps from nothing, checking after each. */
  function play(
    sequence: Step[],
    check: (now: Sibling[], step: Step, before: Sibling[], target: Sibling) => void,
  ): void {
    let siblings: Sibling[] = [];
    let nextId = 1;
    for (const step of sequence) {
      const before = siblings;
      const target = before[step.which % Math.max(before.length, 1)];
      if (step.kind === 'add') siblings = [...before, { id: nextId++, status: 'pilot' }];
      else if (target !== undefined && step.kind === 'live') siblings = after(before, target.id);
      else siblings = before.filter((sibling) => sibling !== target);
      if (target !== undefined) check(siblings, step, before, target);
    }
  }

  it('has at most one live edition, everything newer than it is a pilot and nothing older is', () => {
    fc.assert(
      fc.property(steps, (sequence) =>
        play(sequence, (now) => {
          const live = now.filter((sibling) => sibling.status === 'live');
          expect(live.length).to.be.at.most(1);
          for (const { id, status } of live.length === 1 ? now : []) {
            if (id > (live[0] as Sibling).id) expect(status).to.equal('pilot');
            if (id < (live[0] as Sibling).id) expect(status).to.be.oneOf(['deprecated', 'skipped']);
          }
        }),
      ),
      { numRuns: 1000 },
    );
  });

  it('has the edition live that was made live last, until it is deleted', () => {
    fc.assert(
      fc.property(steps, (sequence) =>
        play(sequence, (now, step, _before, target) => {
          if (step.kind === 'live') expect(now.find((sibling) => sibling.id === target.id)?.status).to.equal('live');
        }),
      ),
    );
  });

  it('is the same when it is made live twice, and changes only editions it has, and only in status', () => {
    fc.assert(
      fc.property(steps, (sequence) =>
        play(sequence, (now, step, before, target) => {
          if (step.kind !== 'live') return;
          expect(effectsOfMakingLive(now, target.id)).to.deep.equal([]);
          const changes = effectsOfMakingLive(before, target.id);
          for (const { id, from, to } of changes) {
            expect(before.find((sibling) => sibling.id === id)?.status).to.equal(from);
            expect(to).not.to.equal(from);
          }
          const untouched = before.filter(({ id, status }) => id < target.id && /deprecated|skipped/.test(status));
          for (const { id } of untouched) expect(changes.map((change) => change.id)).not.to.include(id);
        }),
      ),
    );
  });
});
