import { expect } from 'chai';
import fc from 'fast-check';
import { indexCatalog } from '../../src/catalog/resolve.ts';
import { basenameMeant, type Explanation, explain, knownBasenames } from '../../src/planner/explain.ts';
import type { Topic } from '../../src/planner/findings.ts';
import { plan } from '../../src/planner/plan.ts';
import type { Facts, Request } from '../../src/planner/types.ts';
import { deferred, edition, FROZEN, facts, indexOf, on, receipt, script, sync } from './fixtures.ts';
import { isTrue } from './reason-truth.ts';
import { cases, type World } from './worlds.ts';

type Editions = ReturnType<typeof edition>[];

function explained(of: Facts, editions: Editions, request: Request = sync()): Explanation {
  const index = indexOf(...editions);
  return explain('foo', request, plan(request, of, index), of, index);
}

function finding({ findings }: Explanation, topic: Topic): string {
  const found = findings.find((one) => one.topic === topic);
  return found === undefined ? 'absent' : `${found.against ? '! ' : ''}${found.text}`;
}

const codes = ({ decisions }: Explanation) => decisions.flatMap(({ reasons }) => reasons.map(({ code }) => code));

function everyWord({ catalog: { editions }, facts: { receipts, deferred: queue, interrupted } }: World): string[] {
  const queued = queue.map(({ edition: of }) => of);
  return [...new Set([...editions, ...receipts, ...queued].map(({ basename }) => basename)), ...interrupted];
}

describe('an explanation', () => {
  it('says why nothing is done where a sync has no decision: by name only, another group, no live edition', () => {
    const byName = explained(facts(), [edition()]);
    expect(codes(byName)).to.deep.equal(['NOT_AUTO']);
    expect(byName.decisions[0]?.reasons[0]?.text).to.equal(
      'foo-1.0-1 is live and not installed here, and comes only by name',
    );
    const elsewhere = explained(facts(), [edition({ autoGroups: [1, 99] })]);
    expect(finding(elsewhere, 'auto')).to.equal('! test-macs, deleted group 99; this machine is in none of them');
    expect(elsewhere.decisions[0]?.reasons[0]?.text).to.include('none of its auto groups: test-macs, deleted group 99');
    const pilotOnly = explained(facts(), [edition({ status: 'pilot' })]);
    expect(codes(pilotOnly)).to.deep.equal(['NO_LIVE_EDITION']);
    expect(finding(pilotOnly, 'depot')).to.equal('! no live edition; pilots: foo-1.0-1');
    const cut = explained(facts([], { interrupted: ['foo'] }), [edition()]);
    expect(codes(cut)).to.deep.equal(['INTERRUPTED']);
    expect(finding(cut, 'interrupted')).to.match(/^! .*next run takes that up first/);
  });

  it('shows each thing that stands against what would be done, all at once', () => {
    const live = edition({
      id: 2,
      autoGroups: ['standard'],
      excludedGroups: [1, 2],
      oses: ['>=26'],
      cpu: 'x86_64',
      requires: ['future'],
      prohibitingProcesses: ['Safari', 'Mail'],
      preInstall: script(3),
    });
    const of = on({ groups: [2], processes: ['Mail'] }, facts([], { scriptRunners: [] }));
    const all = explained(of, [live]);
    const against = all.findings.filter((one) => one.against).map(({ topic }) => topic);
    expect(against).to.deep.equal(['excluded', 'system', 'processor', 'capabilities', 'processes', 'scripts']);
    expect(finding(all, 'excluded')).to.include('lab');
    expect(finding(all, 'processes')).to.include('Mail').and.not.include('Safari');
    expect(finding(all, 'auto')).to.equal('every machine');
  });

  it('shows what waits for a restart, and that it disturbs no program until then', () => {
    const [old, live] = [
      edition({ id: 1, status: 'deprecated' }),
      edition({ id: 2, reboot: true, prohibitingProcesses: ['Mail'] }),
    ];
    const busy = on({ processes: ['Mail'] }, facts([receipt(old)]));
    const queues = explained(busy, [old, live]);
    expect(queues.edition).to.equal('foo-2.0-1');
    expect(finding(queues, 'restart')).to.equal('needed: it is queued for one');
    expect(queues.findings.filter(({ against }) => against)).to.deep.equal([]);
    const waits = explained({ ...busy, deferred: [deferred(live)] }, [old, live]);
    expect(finding(waits, 'queue')).to.match(/^! foo-2\.0-1, by amy, /);
    expect(waits.decisions.at(-1)?.because).to.equal('QUEUED');
  });

  it('holds nothing against what is here already, and says it all the same', () => {
    const live = edition({ id: 2, prohibitingProcesses: ['Mail'] });
    const here = explained(on({ processes: ['Mail'] }, facts([receipt(live)])), [live]);
    expect(finding(here, 'processes')).to.equal('blocked by Mail');
    const again = explained(on({ processes: ['Mail'] }, facts()), [live]);
    expect(finding(again, 'processes')).to.equal('! blocked by Mail');
  });

  it('shows who asked for, froze and piloted what is installed', () => {
    const [old, live] = [edition({ id: 1, status: 'deprecated' }), edition({ id: 2 })];
    const frozen = explained(facts([receipt(old, { frozen: FROZEN })]), [old, live]);
    expect(frozen).to.include({ installed: 'foo-1.0-1', edition: 'foo-2.0-1' });
    expect(finding(frozen, 'frozen')).to.match(/^! by fritz/);
    expect(finding(frozen, 'installed')).to.include('asked for by sally');
    const auto = explained(facts([receipt(live, { manual: false })]), [live]);
    expect(finding(auto, 'installed')).to.include('by itself');
    const pilot = explained(facts([receipt(old, { piloting: true })]), [old, live]);
    expect(finding(pilot, 'pilot')).to.equal('! it was installed as a pilot');
    const gone = explained(facts([receipt(edition({ id: 7, version: 'gone' }))]), [live]);
    expect(finding(gone, 'leftover')).to.equal('foo-gone-1 is no longer in the depot');
    expect(gone.decisions.at(-1)?.action?.kind).to.equal('install');
  });

  it('depot3:C11 holds for any world: the plan is its verdict, its reasons are true, each obstacle shows', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        const index = indexCatalog(world.catalog);
        const made = plan(request, world.facts, index);
        for (const basename of everyWord(world)) {
          const { decisions, findings, edition: about } = explain(basename, request, made, world.facts, index);
          const own = made.decisions.filter((decision) => decision.basename === basename);
          if (own.length > 0) expect(decisions).to.deep.equal(own);
          else expect(decisions.map(({ verdict }) => verdict)).to.deep.equal(['nothing']);
          for (const { reasons } of decisions)
            for (const one of reasons) expect(isTrue(one, request, world), one.text).to.equal(true);
          const topics = findings.map(({ topic }) => topic);
          expect(new Set(topics).size, 'a topic twice').to.equal(topics.length);
          for (const { text } of findings)
            expect(text)
              .not.to.match(/undefined|null|\[object/)
              .and.not.equal('');
          const last = decisions.at(-1);
          const stands = findings.some(({ against }) => against);
          if (last?.verdict === 'held' || last?.verdict === 'blocked') expect(stands, 'what holds it').to.equal(true);
          if (last?.action?.kind === 'install') {
            expect(about).to.equal(last.action.edition.edition);
            // Another word for the same basename may have been refused in the same command.
            if (own.every(({ verdict }) => verdict === 'act'))
              expect(findings.filter(({ against }) => against)).to.deep.equal([]);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('knows what a word means, and every basename there is', () => {
    fc.assert(
      fc.property(cases, ([, world]) => {
        const index = indexCatalog(world.catalog);
        const known = knownBasenames(world.facts, index);
        expect(known).to.have.members([...new Set(everyWord(world))]);
        for (const basename of known) expect(known).to.include(basenameMeant(basename, world.facts, index));
        for (const { edition: name, basename } of world.facts.receipts)
          expect(basenameMeant(name, world.facts, null)).to.equal(basename);
        expect(basenameMeant('7zip-x', world.facts, index)).to.equal(null);
      }),
    );
  });

  it('does without the catalog: what is here is told, what the depot says is not made up', () => {
    const live = edition();
    const of = facts([receipt(live)]);
    const made = plan(sync(), of, indexOf(live));
    const told = explain('foo', sync(), made, of, null);
    expect(finding(told, 'depot')).to.equal('what it said is not at hand');
    expect(finding(told, 'leftover')).to.equal('absent');
    expect(finding(told, 'auto')).to.equal('absent');
    expect(told.decisions).to.deep.equal(made.decisions);
  });
});
