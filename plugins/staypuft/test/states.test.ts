import type { RunHere } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { type HostSeen, type PhaseRun, stateOf } from '../src/rules/states.ts';
import type { HostState, Outcome } from '../src/types.ts';

const run = (state: RunHere['state'], cursor = 0): PhaseRun => ({ state, cursor });
const done = run('done', 2);
const outcome = (state: Outcome['state'], id = 'r1'): Outcome => ({
  state,
  run: id,
  at: '2030-01-01T00:00:00.000Z',
  text: '',
});
const seen = (given: Partial<HostSeen>): HostSeen => ({
  kind: 'ssh',
  assignment: { outcome: null },
  runs: {},
  run: 'r1',
  checks: null,
  ...given,
});

describe('States of hosts', () => {
  it('staypuft:M-14 known, held, assigned, preparing, ready, configuring, verifying, released, failed', () => {
    const states: [Partial<HostSeen>, HostState][] = [
      [{ assignment: null }, 'known'],
      [{ assignment: null, kind: 'computer' }, 'known'],
      [{ assignment: null, kind: 'discovered' }, 'held'],
      [{ assignment: null, kind: 'registered' }, 'held'],
      [{}, 'assigned'],
      [{ runs: { prepare: run('running') } }, 'preparing'],
      [{ runs: { prepare: run('waiting', 1) } }, 'preparing'],
      [{ runs: { prepare: done } }, 'ready'],
      [{ runs: { prepare: done, role: run('running') } }, 'configuring'],
      [{ runs: { prepare: done, role: run('holding', 1) }, checks: 2 }, 'configuring'],
      [{ runs: { prepare: done, role: run('running', 2) }, checks: 2 }, 'verifying'],
      [{ runs: { prepare: done, role: done } }, 'verifying'],
      [{ runs: { prepare: done, role: done, release: run('running') } }, 'verifying'],
      [{ runs: { prepare: done, role: done, release: done } }, 'released'],
      [{ runs: { prepare: run('failed') } }, 'failed'],
      [{ runs: { prepare: done, role: run('failed', 1) } }, 'failed'],
      [{ runs: { prepare: done, role: done, release: run('cancelled') } }, 'failed'],
      [{ runs: { prepare: run('cancelled', 1) } }, 'failed'],
      // Cancelled before anything was done to it: it is as it was.
      [{ runs: { prepare: run('cancelled') } }, 'assigned'],
    ];
    for (const [given, state] of states) expect(stateOf(seen(given)), JSON.stringify(given)).to.equal(state);
  });

  it('staypuft:D-07 a host is released only when its last step is done, whatever was done before it failed', () => {
    const phase = fc.option(
      fc
        .constantFrom<RunHere['state']>('running', 'waiting', 'holding', 'done', 'failed', 'cancelled')
        .map((state) => (state === 'done' ? done : run(state))),
      { nil: undefined },
    );
    const before = fc.option(fc.constantFrom(outcome('failed', 'r0'), outcome('failed', 'r1')));
    fc.assert(
      fc.property(phase, phase, phase, before, (prepare, role, release, last) => {
        const runs = Object.fromEntries(
          Object.entries({ prepare, role, release }).filter(([, one]) => one !== undefined),
        );
        const isReleased = stateOf(seen({ runs, assignment: { outcome: last } })) === 'released';
        const isDone = [prepare, role, release].every((one) => one?.state === 'done');
        // That it failed in this very run is what it was before it was tried again.
        expect(isReleased).to.equal(isDone);
      }),
    );
  });

  it('staypuft:D-07 what came of a run holds until a newer one does something to the host', () => {
    const failed = { outcome: outcome('failed', 'r0') };
    const released = { outcome: outcome('released', 'r0') };
    expect(stateOf(seen({ assignment: failed, run: null }))).to.equal('failed');
    expect(stateOf(seen({ assignment: released, run: 'r0', runs: { prepare: done } }))).to.equal('released');
    expect(stateOf(seen({ assignment: failed, runs: { prepare: run('running') } }))).to.equal('preparing');
    expect(stateOf(seen({ assignment: failed, runs: { prepare: run('cancelled') } }))).to.equal('failed');
    const again = { outcome: outcome('failed', 'r0') };
    expect(stateOf(seen({ assignment: again, run: 'r0', runs: { prepare: done, role: run('failed') } }))).to.equal(
      'failed',
    );
    expect(stateOf(seen({ assignment: again, run: 'r0', runs: { prepare: done, role: run('running') } }))).to.equal(
      'configuring',
    );
  });
});
