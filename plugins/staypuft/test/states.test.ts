import type { RunHere } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { type HostSeen, type PhaseRun, stateOf } from '../src/rules/states.ts';
import type { HostState, Outcome } from '../src/types.ts';

const run = (state: RunHere['state'], cursor = 0, ...steps: PhaseRun['steps'][number][]): PhaseRun => ({
  state,
  cursor,
  steps: steps.length > 0 ? steps : [step('started')],
});
const step = (state: string, kind = 'deploy-step', args: Record<string, unknown> = { step: { sync: true } }) => ({
  kind,
  args,
  state,
});
const done = run('done', 1, step('done'));
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
  ...given,
});

describe('States of hosts', () => {
  it('staypuft:M-14 known, held, assigned, preparing, ready, configuring, verifying, released, failed', () => {
    const check = { step: { assert: 'true' } };
    const states: [Partial<HostSeen>, HostState][] = [
      [{ assignment: null }, 'known'],
      [{ assignment: null, kind: 'computer' }, 'known'],
      [{ assignment: null, kind: 'discovered' }, 'held'],
      [{ assignment: null, kind: 'registered' }, 'held'],
      [{}, 'assigned'],
      [{ runs: { prepare: run('running', 0, step('pending')) } }, 'assigned'],
      [{ runs: { prepare: run('running') } }, 'preparing'],
      [{ runs: { prepare: run('waiting', 1, step('done'), step('pending')) } }, 'preparing'],
      [{ runs: { prepare: done } }, 'ready'],
      [{ runs: { prepare: done, role: run('running', 0, step('pending')) } }, 'ready'],
      [{ runs: { prepare: done, role: run('running') } }, 'configuring'],
      [
        { runs: { prepare: done, role: run('running', 1, step('done'), step('started', 'deploy-step', check)) } },
        'verifying',
      ],
      [
        { runs: { prepare: done, role: run('running', 0, step('started'), step('pending', 'deploy-step', check)) } },
        'configuring',
      ],
      [{ runs: { prepare: done, role: done } }, 'verifying'],
      [{ runs: { prepare: done, role: done, release: run('running') } }, 'verifying'],
      [{ runs: { prepare: done, role: done, release: done } }, 'released'],
      [{ runs: { prepare: run('failed') } }, 'failed'],
      [{ runs: { prepare: done, role: run('holding', 0, step('failed')) } }, 'failed'],
      [{ runs: { prepare: done, role: run('holding', 0, step('started')) } }, 'configuring'],
      [{ runs: { prepare: done, role: done, release: run('cancelled') } }, 'failed'],
      // Cancelled before anything was done to it: it is as it was.
      [{ runs: { prepare: run('cancelled', 0, step('pending')) } }, 'assigned'],
    ];
    for (const [given, state] of states) expect(stateOf(seen(given)), JSON.stringify(given)).to.equal(state);
  });

  it('staypuft:D-07 a host is released only when its last step is done, whatever was done before it failed', () => {
    const phase = fc.option(
      fc
        .tuple(
          fc.constantFrom('running', 'waiting', 'holding', 'done', 'failed', 'cancelled'),
          fc.constantFrom('pending', 'started', 'failed', 'done'),
        )
        .map(([state, last]) => (state === 'done' ? done : run(state as RunHere['state'], 0, step(last)))),
      { nil: undefined },
    );
    fc.assert(
      fc.property(
        phase,
        phase,
        phase,
        fc.option(fc.constantFrom(outcome('failed', 'r0'), outcome('failed', 'r1'))),
        (prepare, role, release, before) => {
          const runs = Object.fromEntries(
            Object.entries({ prepare, role, release }).filter(([, one]) => one !== undefined),
          );
          if (stateOf(seen({ runs, assignment: { outcome: before } })) !== 'released') return;
          for (const one of [prepare, role, release]) expect(one?.state).to.equal('done');
          expect(before?.run).not.to.equal('r1');
        },
      ),
    );
  });

  it('staypuft:D-07 what came of a run holds until a newer one does something to the host', () => {
    const failed = { outcome: outcome('failed', 'r0') };
    const released = { outcome: outcome('released', 'r0') };
    expect(stateOf(seen({ assignment: failed, run: null }))).to.equal('failed');
    expect(stateOf(seen({ assignment: released, run: 'r0', runs: { prepare: done } }))).to.equal('released');
    expect(stateOf(seen({ assignment: failed, runs: { prepare: run('running') } }))).to.equal('preparing');
    expect(stateOf(seen({ assignment: failed, runs: { prepare: run('running', 0, step('pending')) } }))).to.equal(
      'failed',
    );
  });
});
