import { expect } from 'chai';
import fc from 'fast-check';
import type { ExpirationFacts, ExpiringReceipt, UsageFacts } from '../src/facts.ts';
import { judge } from '../src/rules.ts';

const DAY = 86_400_000;
const AT = '2027-05-01T12:00:00.000Z';
const NOW = Date.parse(AT);
const APP = '/Applications/Foo.app/Contents/MacOS/Foo';
const ago = (days: number) => new Date(NOW - days * DAY).toISOString();

type KnownUsage = Extract<UsageFacts, { known: true }>;

function usage(changes: Partial<KnownUsage> = {}): KnownUsage {
  const written = { known: true, writtenAt: ago(0.01), since: ago(400), lastUsed: { [APP]: ago(40) } } as const;
  return { ...written, future: [], unrecordable: [], ...changes };
}

/** A machine on which what was last used 40 days ago expires. */
function facts(changes: Partial<ExpirationFacts> = {}): ExpirationFacts {
  const known = { clockSeen: ago(0.1), monitor: true, running: [], usage: usage(), kept: {}, noticed: {} };
  return { allowed: true, noticeDays: null, ...known, ...changes };
}

function receipt(changes: Partial<ExpiringReceipt> = {}): ExpiringReceipt {
  const named = { basename: 'foo', edition: 'foo-1-1', removable: true, installedAt: ago(200) };
  return { ...named, expiration: 30, expirationPaths: [APP], firmExpiration: null, ...changes };
}

const verdict = (of: Partial<ExpirationFacts> = {}, on: Partial<ExpiringReceipt> = {}) =>
  judge(receipt(on), facts(of), AT);
const kept = (of: Partial<ExpirationFacts> = {}, on: Partial<ExpiringReceipt> = {}) => {
  const found = verdict(of, on);
  expect(found.kind, JSON.stringify(found)).to.equal('keep');
  return (found as { reason: string }).reason;
};

describe('the rule of expiration', () => {
  it('removes what was last used longer ago than it may be', () => {
    expect(verdict()).to.deep.equal({
      kind: 'expire',
      reason: 'last used 40 days ago; it may be unused for 30 days',
    });
  });

  it('never removes what has no expiration', () => {
    expect(verdict({}, { expiration: 0 })).to.deep.equal({ kind: 'never' });
  });

  it('counts strictly: unused for as many days as it may be is not too long', () => {
    const used = (days: number) => verdict({ usage: usage({ lastUsed: { [APP]: ago(days) } }) }).kind;
    expect([30, 30.9, 31].map(used)).to.deep.equal(['keep', 'keep', 'expire']);
  });

  it('depot3:H01 does nothing unless it is allowed on the machine', () => {
    expect(kept({ allowed: false })).to.include('not allowed');
  });

  it('depot3:H03 needs the monitor running', () => {
    expect(kept({ monitor: false })).to.include('d3RepoMan');
    expect(kept({ monitor: null })).to.include('d3RepoMan');
  });

  it('depot3:H04 depot3:BUG-20 needs usage data of the last 24 hours', () => {
    expect(kept({ usage: usage({ writtenAt: ago(25 / 24) }) })).to.include('a day ago or longer');
    expect(kept({ usage: usage({ writtenAt: ago(1) }) })).to.include('a day ago or longer');
    expect(kept({ usage: usage({ writtenAt: null }) })).to.include('a day ago or longer');
    expect(kept({ usage: { known: false, why: 'nobody has recorded any yet' } })).to.include('nobody has recorded');
  });

  it('depot3:H05 takes the newest use of any of its paths', () => {
    const other = '/Applications/Foo.app/Contents/MacOS/Helper';
    const lastUsed = { [APP]: ago(40), [other]: ago(2) };
    expect(kept({ usage: usage({ lastUsed }) }, { expirationPaths: [APP, other] })).to.include('last used 2 days ago');
  });

  it('depot3:H06 counts the install as use', () => {
    expect(kept({}, { installedAt: ago(3) })).to.include('not used since it was installed 3 days ago');
    expect(verdict({ usage: usage({ lastUsed: {} }) }).kind).to.equal('expire');
  });

  it('depot3:H08 keeps what runs', () => {
    expect(kept({ running: [APP] })).to.equal(`${APP} is running`);
    expect(kept({ running: null })).to.include('cannot be found out');
  });

  it('keeps what is not removable, has no path, or has a path nobody can record', () => {
    expect(kept({}, { removable: false })).to.include('not removable');
    expect(kept({}, { expirationPaths: [] })).to.include('no expiration path');
    expect(kept({ usage: usage({ unrecordable: [APP] }) })).to.include('cannot be recorded');
    expect(kept({ usage: usage({ future: [APP] }) })).to.include('still to come');
    for (const expiration of [Number.NaN, -1, 1.5]) expect(kept({}, { expiration })).to.include('no number of days');
  });

  it('keeps everything while the clock is earlier than it was, and while an install lies in the future', () => {
    expect(kept({ clockSeen: ago(-0.001) })).to.include('the clock is earlier');
    expect(kept({ clockSeen: 'rubbish' })).to.include('the clock is earlier');
    expect(kept({}, { installedAt: ago(-1) })).to.include('not installed yet');
    const over = { on: '2027-04-01' };
    expect(kept({ clockSeen: ago(-1) }, { firmExpiration: over })).to.include('the clock is earlier');
  });

  it('removes nothing without as many days on record as it may be unused', () => {
    expect(kept({ usage: usage({ since: ago(29) }) })).to.include('on record for 29 days only');
    expect(kept({ usage: usage({ since: null }) })).to.include('on record for 0 days only');
    expect(verdict({ usage: usage({ since: ago(30) }) }).kind).to.equal('expire');
  });

  it('keeps what was asked to be kept, until then', () => {
    expect(kept({ kept: { foo: null } })).to.include('d3 keep');
    expect(kept({ kept: { foo: ago(-5) } })).to.include('kept until 2027-05-06');
    expect(verdict({ kept: { foo: ago(1), bar: null } }).kind).to.equal('expire');
  });

  it('depot3:B30 ends on its day or days after the install, used or not, and without usage data', () => {
    const used = usage({ lastUsed: { [APP]: ago(0.1) } });
    const firm = (firmExpiration: ExpiringReceipt['firmExpiration'], of: Partial<ExpirationFacts> = { usage: used }) =>
      verdict(of, { firmExpiration });
    expect(firm({ on: '2027-04-30' }).kind).to.equal('expire');
    expect(firm({ on: '2027-05-01' }).kind).to.equal('keep');
    expect(firm({ days: 200 }).kind).to.equal('expire');
    expect(firm({ days: 201 }).kind).to.equal('keep');
    const without = { usage: { known: false, why: 'there is no folder' }, monitor: false } as const;
    expect(firm({ on: '2027-04-30' }, without).kind).to.equal('expire');
    expect(verdict(without, { firmExpiration: { days: 9 }, expiration: 0, expirationPaths: [] }).kind).to.equal(
      'expire',
    );
    expect(firm({ on: '2027-04-30' }, { running: [APP] }).kind).to.equal('keep');
    expect(firm({ on: '2027-04-30' }, { allowed: false }).kind).to.equal('keep');
    expect(firm({ on: '2027-04-30' }, { kept: { foo: null } }).kind).to.equal('expire');
    expect(verdict({}, { expiration: 0, firmExpiration: { on: 'rubbish' } }).kind).to.equal('keep');
  });

  it('warns before, and removes nothing its users were not told of in time', () => {
    const told = (days: number) => ({ noticeDays: 7, noticed: { foo: { edition: 'foo-1-1', at: ago(days) } } });
    expect(verdict({ noticeDays: 7 })).to.include({ kind: 'warn', days: 7 });
    expect(verdict(told(2))).to.include({ kind: 'warn', days: 5 });
    expect(verdict(told(7)).kind).to.equal('expire');
    // Told of an earlier time of disuse, or of another edition.
    expect(verdict(told(41))).to.include({ kind: 'warn', days: 7 });
    expect(verdict(told(8), { edition: 'foo-2-1' })).to.include({ kind: 'warn', days: 7 });
    // Told in time, it goes on its day.
    const used = { usage: usage({ lastUsed: { [APP]: ago(26) } }) };
    expect(verdict({ ...used, noticeDays: 7 })).to.include({ kind: 'warn', days: 5 });
    expect(verdict({ ...used, noticeDays: 3 }).kind).to.equal('keep');
    expect(verdict({ noticeDays: 7 }, { expiration: 0, firmExpiration: { on: '2027-05-03' } })).to.include({
      kind: 'warn',
      days: 3,
    });
  });

  it('keeps everything when nothing could be gathered', () => {
    expect(judge(receipt(), null, AT).kind).to.equal('keep');
  });

  const time = fc.oneof(
    fc.double({ min: -60, max: 500, noNaN: true }).map(ago),
    fc.constantFrom('', 'never', '2027-13-01T00:00:00Z'),
  );
  const paths = fc.subarray([APP, '/b', '/c,d', '/e\nf']);
  const anyUsage: fc.Arbitrary<UsageFacts> = fc.oneof(
    fc.record({ known: fc.constant(false as const), why: fc.string() }),
    fc.record({
      known: fc.constant(true as const),
      writtenAt: fc.option(fc.double({ min: -1, max: 2, noNaN: true }).map(ago)),
      since: fc.option(time),
      lastUsed: fc.dictionary(fc.constantFrom(APP, '/b', '/c,d', '/e\nf'), time, { noNullPrototype: true }),
      future: fc.oneof(fc.constant([]), paths),
      unrecordable: fc.oneof(fc.constant([]), paths),
    }),
  );
  const often = <T>(value: T, other: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: fc.constant(value) }, other);
  const anyFacts: fc.Arbitrary<ExpirationFacts> = fc.record({
    allowed: often(true, fc.boolean()),
    noticeDays: fc.option(fc.integer({ min: 1, max: 30 })),
    clockSeen: often<string | null>(null, time),
    monitor: often<boolean | null>(true, fc.option(fc.boolean())),
    running: often<readonly string[] | null>([], fc.option(paths)),
    usage: often<UsageFacts>(usage(), anyUsage),
    kept: fc.oneof(fc.constant({}), fc.record({ foo: fc.option(time) })),
    noticed: fc.oneof(fc.constant({}), fc.record({ foo: fc.record({ edition: fc.constant('foo-1-1'), at: time }) })),
  });
  const anyReceipt: fc.Arbitrary<ExpiringReceipt> = fc.record({
    basename: fc.constant('foo'),
    edition: fc.constantFrom('foo-1-1', 'foo-2-1'),
    removable: often(true, fc.boolean()),
    expiration: often<number>(30, fc.constantFrom(0, 1, 7, -3, 2.5, Number.NaN)),
    expirationPaths: often<string[]>([APP], paths),
    firmExpiration: often<ExpiringReceipt['firmExpiration']>(
      null,
      fc.oneof(
        fc.record({ on: fc.constantFrom('2027-04-29', '2027-05-01', '2027-05-02', 'rubbish') }),
        fc.record({ days: fc.integer({ min: 1, max: 300 }) }),
      ),
    ),
    installedAt: fc.oneof(fc.constant(ago(200)), time),
  });

  it('whatever the facts: what is removed fulfils every condition', () => {
    let removed = 0;
    fc.assert(
      fc.property(anyReceipt, anyFacts, (on, of) => {
        const found = judge(on, of, AT);
        if (found.kind !== 'expire') return;
        removed += 1;
        const { firmExpiration: firm, expiration, expirationPaths } = on;
        expect(of.allowed && on.removable).to.equal(true);
        expect(of.clockSeen === null || Date.parse(of.clockSeen) <= NOW).to.equal(true);
        expect(of.running).to.be.an('array');
        expect(expirationPaths.filter((path) => of.running?.includes(path))).to.deep.equal([]);
        expect(Date.parse(on.installedAt)).to.be.at.most(NOW);
        if (of.noticeDays !== null)
          expect(Date.parse(of.noticed['foo']?.at ?? '')).to.be.at.most(NOW - of.noticeDays * DAY);
        const isOver =
          firm !== null &&
          ('on' in firm ? firm.on < AT.slice(0, 10) : Date.parse(on.installedAt) + firm.days * DAY <= NOW);
        if (isOver) return;
        expect(Number.isInteger(expiration) && expiration > 0).to.equal(true);
        expect(expirationPaths).to.not.be.empty;
        expect(of.monitor).to.equal(true);
        const { foo: until = 'not kept' } = of.kept;
        expect(until === 'not kept' || Date.parse(until ?? '') <= NOW).to.equal(true);
        if (!of.usage.known) throw new Error('removed without usage');
        const { writtenAt, since, lastUsed, future, unrecordable } = of.usage;
        expect(NOW - Date.parse(writtenAt ?? '')).to.be.below(DAY);
        expect(NOW - Date.parse(since ?? '')).to.be.at.least(expiration * DAY);
        expect(expirationPaths.filter((path) => [...future, ...unrecordable].includes(path))).to.deep.equal([]);
        for (const used of [on.installedAt, ...expirationPaths.flatMap((path) => lastUsed[path] ?? [])])
          expect(NOW - Date.parse(used)).to.be.at.least((expiration + 1) * DAY);
      }),
      { numRuns: 5000 },
    );
    expect(removed).to.be.above(100);
  });

  it('whatever the facts: one that gets worse removes nothing more', () => {
    const worse: ((of: ExpirationFacts) => ExpirationFacts)[] = [
      (of) => ({ ...of, allowed: false }),
      (of) => ({ ...of, running: null }),
      (of) => ({ ...of, running: [...(of.running ?? []), APP] }),
      (of) => ({ ...of, monitor: null }),
      (of) => ({ ...of, clockSeen: ago(-1) }),
      (of) => ({ ...of, usage: { known: false, why: 'gone' } }),
      (of) => ({ ...of, usage: of.usage.known ? { ...of.usage, since: ago(0) } : of.usage }),
      (of) => ({ ...of, kept: { foo: null } }),
      (of) => ({ ...of, noticeDays: of.noticeDays ?? 5 }),
    ];
    fc.assert(
      fc.property(anyReceipt, anyFacts, fc.constantFrom(...worse), (on, of, worsen) => {
        if (judge(on, of, AT).kind !== 'expire') expect(judge(on, worsen(of), AT).kind).to.not.equal('expire');
      }),
      { numRuns: 3000 },
    );
  });
});
