import type { AfterAnswer, Evidence, GateAnswer, PinnedScript } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import type { HookOutcome } from '../../src/lifecycle/bus.ts';
import { hookSource } from '../../src/lifecycle/hooks.ts';
import { judgeAfter, judgeGate } from '../../src/lifecycle/judge.ts';

const script = (letter: string): PinnedScript => ({
  id: 1,
  name: `script-${letter}`,
  sha256: letter.repeat(64),
  size: 1,
});
const A = script('a');
const B = script('b');
const ran = ({ sha256 }: PinnedScript, outcome: Evidence['outcome']): Evidence => ({ ran: sha256, outcome });
const ok = (answer: GateAnswer): HookOutcome<GateAnswer> => ({ plugin: 'p', kind: 'ok', answer });
const proceed = (...evidence: Evidence[]) => ok({ kind: 'proceed', evidence });

describe('what a gate comes to', () => {
  it('lets an edition without scripts pass when nobody listens', () => {
    expect(judgeGate([], null, null)).to.deep.equal({ kind: 'proceed' });
  });

  it('lets nothing with a script pass when nobody answered for it', () => {
    for (const outcomes of [
      [],
      [proceed()],
      [proceed(ran(B, 'ok'))],
      [proceed(ran(A, 'later'))],
      [proceed(ran(A, 'failed'))],
    ]) {
      expect(judgeGate(outcomes, A, null).kind).to.equal('refuse');
    }
    expect(judgeGate([proceed(ran(A, 'ok'))], A, null).kind).to.equal('proceed');
  });

  it('wants the script of the moment after taken on too', () => {
    expect(judgeGate([proceed(ran(A, 'ok'))], A, B).kind).to.equal('refuse');
    expect(judgeGate([proceed(ran(A, 'ok'), ran(B, 'later'))], A, B).kind).to.equal('proceed');
    expect(judgeGate([proceed(ran(B, 'later'))], null, B).kind).to.equal('proceed');
  });

  it('settles only by a script that ran', () => {
    const settle = (...evidence: Evidence[]) => ok({ kind: 'settle', reason: '111', evidence });
    expect(judgeGate([settle(ran(A, 'settled'))], A, B)).to.deep.equal({ kind: 'settle', reason: '111' });
    expect(judgeGate([settle()], A, null).kind).to.equal('refuse');
  });

  it('tells a refusing script (31) from a rule or a broken plugin (30)', () => {
    const refuse = (cause: 'script' | 'rule'): HookOutcome<GateAnswer> => ({
      plugin: 'p',
      kind: 'veto',
      answer: { kind: 'refuse', reason: 'no', evidence: [], cause },
    });
    expect(judgeGate([refuse('script')], A, null)).to.include({ kind: 'refuse', exit: 'scriptFailed' });
    expect(judgeGate([refuse('rule')], A, null)).to.include({ kind: 'refuse', exit: 'refused' });
    for (const kind of ['error', 'timeout', 'missing'] as const) {
      const verdict = judgeGate([proceed(ran(A, 'ok')), { plugin: 'broken', kind, why: 'it is' }], A, null);
      expect(verdict).to.deep.equal({ kind: 'refuse', reason: 'broken: it is', exit: 'refused' });
    }
  });

  it('never passes without evidence for every script, whatever the plugins say', () => {
    const evidence = fc.array(
      fc.record({
        ran: fc.constantFrom(A.sha256, B.sha256, 'c'.repeat(64)),
        outcome: fc.constantFrom<Evidence['outcome'][]>('ok', 'settled', 'refused', 'failed', 'later'),
      }),
      { maxLength: 4 },
    );
    const answers = fc.array(
      evidence.map((list) => proceed(...list)),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(answers, fc.option(fc.constant(A)), fc.option(fc.constant(B)), (outcomes, now, later) => {
        const all = outcomes.flatMap((outcome) => (outcome.kind === 'ok' ? [...outcome.answer.evidence] : []));
        const answered =
          (now === null || all.some((item) => item.ran === A.sha256 && item.outcome === 'ok')) &&
          (later === null || all.some((item) => item.ran === B.sha256 && item.outcome === 'later'));
        expect(judgeGate(outcomes, now, later).kind === 'proceed').to.equal(answered);
      }),
    );
  });
});

describe('what is said after the fact', () => {
  const after = (answer: AfterAnswer): HookOutcome<AfterAnswer> => ({ plugin: 'p', kind: 'ok', answer });
  it('is nothing when the script ran well, and a complaint otherwise', () => {
    expect(judgeAfter([], null)).to.equal(null);
    expect(judgeAfter([after({ evidence: [ran(A, 'ok')], attention: null })], A)).to.equal(null);
    expect(judgeAfter([], A)).to.include('script-a');
    expect(judgeAfter([after({ evidence: [ran(A, 'failed')], attention: 'it exited 3' })], A)).to.equal('it exited 3');
    expect(judgeAfter([{ plugin: 'p', kind: 'timeout', why: 'late' }], null)).to.equal('p: late');
  });
});

describe('the order of plugins', () => {
  it('is the host, its own as listed, installed, linked, then by name', () => {
    const hooks = { 'd3:plan': [{ target: './hook.js', identifier: 'default' }] };
    const plugin = (name: string, type: string, isRoot = false) => ({ name, type, isRoot, root: `/${name}`, hooks });
    const all = [
      plugin('z-link', 'link'),
      plugin('b-user', 'user'),
      plugin('second', 'core'),
      plugin('a-user', 'user'),
      plugin('first', 'core'),
      plugin('host', 'core', true),
    ];
    const orders = new Set<string>();
    for (let turn = 0; turn < all.length; turn += 1) {
      all.push(all.shift() as (typeof all)[number]);
      orders.add(
        hookSource(all, ['first', 'second'])
          .filesFor('d3:plan')
          .map((hook) => hook.plugin)
          .join(' '),
      );
    }
    expect([...orders]).to.deep.equal(['host first second a-user b-user z-link']);
  });
});
