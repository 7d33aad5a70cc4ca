import { expect } from 'chai';
import fc from 'fast-check';
import { indexCatalog } from '../../src/catalog/resolve.ts';
import { plan } from '../../src/planner/plan.ts';
import { withProcesses } from '../../src/planner/processes.ts';
import type { Action, Decision, Facts, ReasonCode, Request } from '../../src/planner/types.ts';
import { applied, basenameOf } from './fixtures.ts';
import { isTrue, REASON_CODES } from './reason-truth.ts';
import { expectedSync } from './sync-oracle.ts';
import { CPUS, cases, OS_LIMITS, syncs, type World, worlds } from './worlds.ts';

const RUNS = { numRuns: 1000 };

const made = (request: Request, { catalog, facts }: World) =>
  withProcesses(plan(request, facts, indexCatalog(catalog)), facts);

function actionsOf(decisions: readonly Decision[]): Action[] {
  return decisions.flatMap(({ action }) => (action === null ? [] : [action]));
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}

/** An action in a line, to compare plans by. */
function line(action: Action): string {
  const edition =
    action.kind === 'install'
      ? action.edition.edition
      : action.kind === 'uninstall'
        ? action.receipt.edition
        : action.kind === 'defer'
          ? action.deferred.edition.edition
          : action.edition;
  return `${action.kind} ${basenameOf(action)} ${edition}`;
}

/** A change of d3's own record, before whatever else is done about the basename. */
function isOfRecord({ kind }: Action): boolean {
  return kind === 'refresh' || kind === 'dequeue';
}

const lines = (actions: readonly Action[]) => actions.map(line).toSorted();

describe('the worlds drawn here', () => {
  it('bring up every verdict, every action and every reason there is', () => {
    const seen = new Set<string>();
    for (const [request, world] of fc.sample(cases, { seed: 11, numRuns: 4000 })) {
      for (const { verdict, action, reasons } of made(request, world).decisions) {
        seen.add(verdict);
        if (action !== null) seen.add('mode' in action ? action.mode : action.kind);
        for (const { code } of reasons) seen.add(code);
      }
    }
    const modes = [
      'install',
      'pilot',
      'update',
      'rollback',
      'reinstall',
      'auto-install',
      'put-back',
      'uninstall',
      'depilot',
    ];
    // What plugins propose and d3 itself have tests of their own, why nothing is decided is told by explain alone, and what
    // changed meanwhile is known only while acting.
    const elsewhere: ReasonCode[] = ['CHANGED_MEANWHILE', 'PROPOSED', 'OVER_ITSELF', 'NOT_AUTO', 'NOT_ASKED'];
    const drawn = REASON_CODES.filter((code) => !elsewhere.includes(code));
    const verdicts = ['act', 'nothing', 'held', 'blocked', 'refused'];
    expect([...seen]).to.have.members([...verdicts, ...modes, 'refresh', 'forget', 'defer', 'dequeue', ...drawn]);
  });
});

describe('any plan', () => {
  it('is pure and total: the same input gives the same plan, nothing throws and nothing given is changed', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        const copy = structuredClone({ request, world });
        const first = made(frozen(request), frozen(world));
        expect(made(copy.request, copy.world)).to.deep.equal(first);
        expect({ request, world }).to.deep.equal(copy);
      }),
      RUNS,
    );
  });

  it('gives only reasons that are true, and at least one for every decision', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        for (const { reasons } of made(request, world).decisions) {
          expect(reasons).not.to.deep.equal([]);
          for (const reason of reasons)
            expect(isTrue(reason, request, world), `${reason.code}: ${reason.text}`).to.equal(true);
          for (const { text } of reasons) expect(text).not.to.match(/undefined|null|\[object/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('neither overwrites nor removes what somebody else changed, unless it is forced', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        for (const { action } of made(request, world).decisions) {
          if ((action?.kind !== 'install' && action?.kind !== 'uninstall') || action.force) continue;
          const wanted = action.kind === 'install' ? action.edition.debianPackage?.version : undefined;
          const changed = (world.facts.drift ?? []).filter(({ basename }) => basename === basenameOf(action));
          for (const { found } of changed) expect(found).to.be.oneOf([null, wanted]);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('answers every target in its order, with an action exactly where it acts and a problem exactly where it fails', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        const { decisions } = made(request, world);
        if ('targets' in request) expect(decisions.map((one) => one.target)).to.deep.equal(request.targets);
        for (const { verdict, action, problem, reasons, basename } of decisions) {
          expect(action !== null).to.equal(verdict === 'act');
          expect(problem !== null).to.equal(verdict === 'refused' || verdict === 'blocked');
          if (problem !== null) expect(reasons.map((reason) => reason.code)).to.include(problem.code);
          if (action !== null) expect(basenameOf(action)).to.equal(basename);
          if (request.kind !== 'sync') expect(verdict).to.be.oneOf(['act', 'nothing', 'refused']);
        }
      }),
      RUNS,
    );
  });

  it('never installs what is missing or of another OS or CPU, and never removes what is not removable', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        const { os, cpu } = world.facts.machine;
        for (const action of actionsOf(made(request, world).decisions)) {
          if (action.kind === 'uninstall') expect(action.receipt.removable).to.equal(true);
          if (action.kind !== 'install') continue;
          const { edition, removeFirst, replaces } = action;
          expect(edition.status).not.to.equal('missing');
          expect(world.catalog.editions).to.include(edition);
          if (edition.oses.length > 0) {
            expect(edition.oses.flatMap((limit) => OS_LIMITS[limit] ?? [])).to.include(`${os.name} ${os.version}`);
          }
          if (edition.cpu !== null) expect(CPUS[cpu]).to.equal(edition.cpu);
          if (removeFirst) expect(replaces?.removable).to.equal(true);
        }
      }),
      RUNS,
    );
  });

  it('acts at most once on a basename, but for a record refreshed before its update', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        const actions = actionsOf(made(request, world).decisions);
        const changing = actions.filter((action) => request.kind !== 'sync' || !isOfRecord(action)).map(basenameOf);
        expect(new Set(changing).size).to.equal(changing.length);
        for (const action of actions)
          expect(
            world.facts.interrupted.includes(basenameOf(action)) && !isOfRecord(action) && action.kind !== 'forget',
          ).to.equal(false);
      }),
      RUNS,
    );
  });

  it('pilots only what was asked for by name, and never in a sync', () => {
    fc.assert(
      fc.property(cases, ([request, world]) => {
        for (const { target, action } of made(request, world).decisions) {
          if (action?.kind !== 'install' || !action.piloting) continue;
          const { id } = action.edition;
          const queued = world.facts.deferred.some((entry) => entry.piloting && entry.edition.id === id);
          if (queued && request.kind === 'sync') continue;
          expect(request.kind).to.be.oneOf(['install', 'pilot']);
          expect(target).not.to.equal(action.edition.basename);
        }
      }),
      RUNS,
    );
  });

  it('does not depend on the order of receipts or of editions', () => {
    const orders = fc.tuple(fc.infiniteStream(fc.nat()), fc.infiniteStream(fc.nat()));
    const decided = (request: Request, world: World) =>
      made(request, world).decisions.map((one) => JSON.stringify(one));
    fc.assert(
      fc.property(cases, orders, ([request, world], [first, second]) => {
        const shuffled: World = {
          catalog: { ...world.catalog, editions: shuffle(world.catalog.editions, first) },
          facts: { ...world.facts, receipts: shuffle(world.facts.receipts, second) },
        };
        expect(decided(request, shuffled).toSorted()).to.deep.equal(decided(request, world).toSorted());
      }),
      RUNS,
    );
  });
});

function shuffle<T>(items: readonly T[], keys: fc.Stream<number>): T[] {
  return items
    .map((item) => ({ item, key: keys.next().value as number }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

describe('a sync', () => {
  it('comes to what the seed says, for every basename', () => {
    fc.assert(
      fc.property(syncs, worlds, (request, world) => {
        const decided = new Map<string, string>();
        for (const { basename, verdict, action } of made(request, world).decisions) {
          if (action !== null && isOfRecord(action)) continue;
          expect(decided.has(basename as string)).to.equal(false);
          decided.set(
            basename as string,
            action?.kind === 'install'
              ? `${action.mode} ${action.edition.edition}`
              : action?.kind === 'forget'
                ? 'forgotten'
                : action?.kind === 'defer'
                  ? line(action).replace(/ \S+/, '')
                  : verdict,
          );
        }
        expect(Object.fromEntries(decided)).to.deep.equal(Object.fromEntries(expectedSync(request, world)));
      }),
      { numRuns: 2000 },
    );
  });

  it('has nothing left to do once every action succeeded', () => {
    fc.assert(
      fc.property(syncs, worlds, (request, world) => {
        const facts = actionsOf(made(request, world).decisions).reduce(applied, world.facts);
        expect(lines(actionsOf(made(request, { ...world, facts }).decisions))).to.deep.equal([]);
      }),
      RUNS,
    );
  });

  it('plans exactly the failed actions again; a record whose basename was installed anew needs no refresh any more', () => {
    fc.assert(
      fc.property(syncs, worlds, fc.infiniteStream(fc.boolean()), (request, world, succeeds) => {
        const actions = actionsOf(made(request, world).decisions);
        const succeeded = actions.filter(() => succeeds.next().value as boolean);
        const facts = succeeded.reduce(applied, world.facts);
        const failed = actions.filter((action) => !succeeded.includes(action));
        expect(lines(actionsOf(made(request, { ...world, facts }).decisions))).to.deep.equal(
          lines(failed.filter((action) => !isMooted(action, succeeded))),
        );
      }),
      RUNS,
    );
  });

  it('never touches the record of anything else', () => {
    fc.assert(
      fc.property(syncs, worlds, (request, world) => {
        const actions = actionsOf(made(request, world).decisions);
        const facts: Facts = actions.reduce(applied, world.facts);
        const acted = new Set(actions.map(basenameOf));
        const untouched = ({ receipts }: Facts) => receipts.filter((receipt) => !acted.has(receipt.basename));
        expect(untouched(facts)).to.deep.equal(untouched(world.facts));
      }),
    );
  });
});

/** A refresh that failed where the install of its basename succeeded: the new record came with everything. */
function isMooted(action: Action, succeeded: readonly Action[]): boolean {
  return (
    isOfRecord(action) &&
    succeeded.some(
      (other) =>
        (other.kind === 'install' || (other.kind === 'defer' && action.kind === 'dequeue')) &&
        basenameOf(other) === basenameOf(action),
    )
  );
}
