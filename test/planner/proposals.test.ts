import type { Proposal } from '@d3/sdk';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { plan } from '../../src/planner/plan.ts';
import { withProposals } from '../../src/planner/proposals.ts';
import type { Facts, Plan, Request } from '../../src/planner/types.ts';
import { edition, facts, indexOf, install, receipt, sync, told } from './fixtures.ts';

describe('what plugins propose', () => {
  const old = edition({ id: 1, status: 'deprecated' });
  const live = edition({ id: 2 });
  const other = edition({ id: 3, basename: 'bar', version: '1' });

  function proposed(request: Request, of: Facts, editions: Edition[], ...proposals: Proposal[]): Plan {
    const index = indexOf(...editions);
    return withProposals(plan(request, of, index), [{ plugin: 'p', proposals }], request, of, index);
  }
  const lines = (made: Plan) => made.decisions.map(told);

  it('holds what was planned, with the plugin named in the chain', () => {
    const made = proposed(sync(), facts([receipt(old)]), [old, live], {
      kind: 'hold',
      basename: 'foo',
      reason: 'at night',
    });
    expect(lines(made)).to.deep.equal(['held (LIVE_IS_NEWER PROPOSED)']);
    expect(made.decisions[0]?.reasons.at(-1)?.text).to.equal('p says: at night');
  });

  it('refuses what was planned, which counts as refused by a rule', () => {
    const made = proposed(install('foo'), facts(), [live], { kind: 'refuse', basename: 'foo', reason: 'no licence' });
    expect(lines(made)).to.deep.equal(['refused refused (STATUS REQUESTED PROPOSED)']);
  });

  it('removes by the rules of core: not what is not removable, nor what is in use', () => {
    const uninstall: Proposal = { kind: 'uninstall', basename: 'foo', reason: 'unused' };
    const of = (changes: object) => facts([receipt(live, changes)]);
    expect(lines(proposed(sync(), of({}), [live], uninstall))).to.deep.equal(['act uninstall foo-2.0-1 (PROPOSED)']);
    expect(
      lines(proposed(sync(), of({ removable: false }), [edition({ id: 2, removable: false })], uninstall))[0],
    ).to.match(/^held/);
    const busy = of({ prohibitingProcesses: ['Foo'] });
    const running = { ...busy, machine: { ...busy.machine, processes: ['Foo'] } };
    const named = edition({ id: 2, prohibitingProcesses: ['Foo'] });
    expect(lines(proposed(sync(), running, [named], uninstall))[0]).to.match(/^held/);
  });

  it('installs a live edition that is not there, and no other', () => {
    const ask = (name: string, of = facts()) =>
      proposed(sync(), of, [old, live, other], { kind: 'install', edition: name, reason: 'wanted' });
    expect(lines(ask('bar-1-1'))).to.deep.equal(['act auto-install bar-1-1 (PROPOSED)']);
    for (const [name, of] of [
      ['foo-1.0-1', facts()],
      ['none-1-1', facts()],
      ['foo-2.0-1', facts([receipt(old)])],
    ] as const) {
      const made = ask(name, of);
      expect(made.warnings.join(), name).to.include('p proposed to install');
    }
  });

  it('forgets a receipt', () => {
    expect(
      lines(proposed(sync(), facts([receipt(live)]), [live], { kind: 'forget', basename: 'foo', reason: 'gone' })),
    ).to.deep.equal(['act forget foo-2.0-1 (PROPOSED)']);
  });

  it('says what it cannot take up, and leaves the plan as it was', () => {
    const cases: [Request, Facts, Proposal][] = [
      [sync(), facts(), { kind: 'hold', basename: 'foo', reason: 'r' }],
      [sync(), facts(), { kind: 'uninstall', basename: 'foo', reason: 'r' }],
      [sync(), facts([receipt(old)]), { kind: 'uninstall', basename: 'foo', reason: 'r' }],
      [install('bar'), facts([receipt(live)]), { kind: 'uninstall', basename: 'foo', reason: 'r' }],
      [sync(), facts([receipt(live)], { interrupted: ['foo'] }), { kind: 'uninstall', basename: 'foo', reason: 'r' }],
    ];
    for (const [request, of, proposal] of cases) {
      const editions = [old, live, other];
      const made = proposed(request, of, editions, proposal);
      expect(made.warnings).to.have.length(1);
      expect(made.decisions).to.deep.equal(plan(request, of, indexOf(...editions)).decisions);
    }
  });
});
