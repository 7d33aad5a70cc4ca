import { eventRow, type Proposal } from '@d3/sdk';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { actionEnvironment } from '../../src/client/environment.ts';
import { plan } from '../../src/planner/plan.ts';
import { withProposals } from '../../src/planner/proposals.ts';
import type { Facts, Plan, Request } from '../../src/planner/types.ts';
import { deferred, edition, facts, indexOf, install, receipt, sync, told } from './fixtures.ts';

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

  it('a note says why nothing is done, changes no verdict, and warns of nothing', () => {
    const note: Proposal = { kind: 'note', basename: 'foo', reason: 'it is used' };
    const made = proposed(sync(), facts([receipt(live)]), [live], note);
    expect(lines(made)).to.deep.equal(['nothing (PROPOSED INSTALLED_SAME)']);
    expect(made.decisions[0]?.reasons[0]?.text).to.equal('p says: it is used');
    const planned = proposed(sync(), facts([receipt(old)]), [old, live], note);
    expect(lines(planned)).to.deep.equal(['act update foo-2.0-1 (PROPOSED LIVE_IS_NEWER)']);
    expect([...made.warnings, ...planned.warnings, ...proposed(sync(), facts(), [], note).warnings]).to.deep.equal([]);
  });

  it('removes what the depot says now: what it refreshes in the same plan counts', () => {
    const uninstall: Proposal = { kind: 'uninstall', basename: 'foo', reason: 'unused' };
    const changed = edition({ id: 2, removable: false });
    const made = proposed(sync(), facts([receipt(live)]), [changed], uninstall);
    expect(lines(made).at(-1)).to.match(/^held/);
    const allowed = proposed(sync(), facts([receipt(changed)]), [live], uninstall);
    const { action } = allowed.decisions.at(-1) ?? expect.fail('nothing decided');
    expect(action).to.include({ kind: 'uninstall' });
    if (action?.kind === 'uninstall') expect(action.receipt.removable).to.equal(true);
  });

  it('does not remove what waits for a restart, and says that it was proposed', () => {
    const uninstall: Proposal = { kind: 'uninstall', basename: 'foo', reason: 'unused' };
    const restarting = edition({ id: 2, reboot: true });
    const waiting = facts([receipt(old)], { deferred: [deferred(restarting)] });
    const made = proposed(sync(), waiting, [old, restarting], uninstall);
    expect(made.decisions.flatMap(({ action }) => (action?.kind === 'uninstall' ? [action] : []))).to.deep.equal([]);
    expect(made.decisions.flatMap(({ reasons }) => reasons.map(({ text }) => text))).to.include('p says: unused');
    expect(made.warnings).to.deep.equal([]);
  });

  it('depot3:E11 gives a removal variables of its own', () => {
    const environment = { D3_EXPIRING_PKG: 'foo-2.0-1' };
    const uninstall: Proposal = { kind: 'uninstall', basename: 'foo', reason: 'unused', environment };
    const { action } = proposed(sync(), facts([receipt(live)]), [live], uninstall).decisions[0] ?? expect.fail();
    if (action?.kind !== 'uninstall') expect.fail('it is removed');
    const identity = { run: 'r', command: 'sync', admin: 'sally', force: false, debug: false };
    expect(actionEnvironment(identity, action, 0)).to.include({ ...environment, D3_UNINSTALLING: 'foo-2.0-1' });
    expect(actionEnvironment(identity, { ...action, environment: {} }, 0)).to.not.have.property('D3_EXPIRING_PKG');
  });

  it("variables that are d3's own, or none at all, are no answer", () => {
    const row = eventRow('d3:plan');
    const answer = (environment: unknown) =>
      row.check([{ kind: 'uninstall', basename: 'foo', reason: 'r', environment }]);
    expect(answer({ D3_EXPIRING_PKG: 'foo-1-1' })).to.equal(null);
    expect(answer(undefined)).to.equal(null);
    for (const wrong of [
      { D3_RUN: 'x' },
      { D3_UNINSTALLING_BEFORE_INSTALL: 'x' },
      { D3_DEPOT: 'x' },
      { PATH: '/tmp' },
      { D3_A: 1 },
      { D3_A: 'a\0b' },
      ['D3_A'],
    ])
      expect(answer(wrong), JSON.stringify(wrong)).to.be.a('string');
  });
});
