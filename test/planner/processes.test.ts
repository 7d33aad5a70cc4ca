import { expect } from 'chai';
import fc from 'fast-check';
import { plan } from '../../src/planner/plan.ts';
import { waitOf, whichRun, withProcesses } from '../../src/planner/processes.ts';
import type { Facts } from '../../src/planner/types.ts';
import {
  AT,
  decision,
  decisions,
  edition,
  facts,
  indexOf,
  install,
  on,
  receipt,
  sync,
  told,
  uninstall,
} from './fixtures.ts';

const old = edition({ id: 1, status: 'deprecated' });
const live = edition({ id: 2, prohibitingProcesses: ['Keynote', 'Pages'] });
const running = (...processes: string[]) => on({ processes }, facts([receipt(old)]));
const settings = (changes: Partial<Facts['settings']>, of: Facts): Facts => ({
  ...of,
  settings: { ...of.settings, ...changes },
});

describe('which processes are in the way', () => {
  const run = { processes: ['Keynote', 'Safari'], cutProcesses: ['averyveryverylo'] };

  it('depot3:B16 is decided by whole names, case and all; one of several suffices', () => {
    expect(whichRun(['Keynote', 'Pages', 'Keynote'], run)).to.deep.equal(['Keynote']);
    expect(whichRun(['Key', 'keynote', 'Keynote ', 'Keynote Helper', 'eynote', '', '.*'], run)).to.deep.equal([]);
    expect(told(decision(sync(), running('Pages', 'Finder'), live, old))).to.equal(
      'held (LIVE_IS_NEWER PROCESS_RUNNING)',
    );
    expect(decision(sync(), running('Pages Helper'), live, old).verdict).to.equal('act');
  });

  it('depot3:B16 takes the first 15 bytes for enough only where the system tells no more', () => {
    expect(whichRun(['averyveryverylongname', 'averyveryverylo'], run)).to.deep.equal([
      'averyveryverylongname',
      'averyveryverylo',
    ]);
    expect(whichRun(['averyveryverylxng', 'averyvery'], run)).to.deep.equal([]);
    expect(whichRun(['Keynote for everybody'], { processes: ['Keynote for eve'], cutProcesses: [] })).to.deep.equal([]);
    // 15 bytes may end within a character.
    const cut = Buffer.from('ééééééééé').subarray(0, 15).toString();
    expect(whichRun(['ééééééééé'], { processes: [], cutProcesses: [cut] })).to.have.length(1);
  });

  it('is never more than what was asked about, nor than what runs', () => {
    const names = fc.array(fc.string({ maxLength: 20 }));
    fc.assert(
      fc.property(names, names, (wanted, processes) => {
        const found = whichRun(wanted, { processes, cutProcesses: [] });
        expect(found).to.deep.equal([...new Set(wanted.filter((name) => processes.includes(name)))]);
      }),
    );
  });

  it('depot3:B17 depot3:BUG-14 they block an uninstall as well, of that target alone; force lifts both', () => {
    const busy = receipt(edition({ prohibitingProcesses: ['Keynote'] }));
    const free = receipt(edition({ id: 9, basename: 'bar' }));
    const of = on({ processes: ['Keynote'] }, facts([busy, free]));
    expect(decisions(uninstall(['foo', 'bar']), of).map(told)).to.deep.equal([
      'refused refused (PROCESS_RUNNING)',
      'act uninstall bar-9.0-1 (INSTALLED)',
    ]);
    expect(decisions(uninstall(['bar', 'foo']), of).map(({ verdict }) => verdict)).to.deep.equal(['act', 'refused']);
    expect(decision(uninstall('foo', true), of).verdict).to.equal('act');
    expect(decision(install('foo', { force: true }), running('Keynote'), live, old).verdict).to.equal('act');
  });
});

describe('waiting for a process', () => {
  const since = (date: string, of: Facts): Facts => ({ ...of, waits: [{ basename: 'foo', since: date }] });
  const words = (of: Facts) => decision(sync(), of, live, old).reasons.at(-1)?.text;

  it('is told with the days it has taken so far', () => {
    expect(words(running('Keynote'))).to.equal('blocked by Keynote');
    expect(words(since(AT, running('Keynote')))).to.equal('blocked by Keynote');
    expect(words(since('2029-12-31T00:00:00.000Z', running('Keynote')))).to.equal('blocked by Keynote, 1 day');
    expect(words(since('2029-12-18T00:00:00.000Z', running('Keynote', 'Pages')))).to.equal(
      'blocked by Keynote, Pages, 14 days',
    );
    expect(words(since('2031-01-01T00:00:00.000Z', running('Keynote'))), 'a clock set back').to.equal(
      'blocked by Keynote',
    );
  });

  it('is data of the reason, and of nothing that waits for something else', () => {
    const first = '2029-12-18T00:00:00.000Z';
    expect(waitOf(decision(sync(), since(first, running('Keynote')), live, old))).to.deep.equal({
      processes: ['Keynote'],
      since: first,
    });
    expect(waitOf(decision(sync(), running(), live, old))).to.equal(null);
    const frozen = facts([receipt(old, { frozen: { by: 'amy', at: AT } })]);
    expect(waitOf(decision(sync(), frozen, live, old))).to.equal(null);
    const wrong = { ...live, oses: ['debian 12'] };
    expect(waitOf(decision(sync(), since(first, running('Keynote')), wrong, old))).to.equal(null);
  });

  it('for as many days as the setting says is worth a notice at every sync, and never with 0', () => {
    const warnings = (days: number, from: string) => {
      const of = settings({ noticeDays: days }, since(from, running('Keynote')));
      return withProcesses(plan(sync(), of, indexOf(live, old)), of).warnings;
    };
    expect(warnings(14, '2029-12-19T00:00:00.000Z')).to.deep.equal([]);
    expect(warnings(14, '2029-12-18T00:00:00.000Z')).to.deep.equal([
      'foo-2.0-1 has waited 14 days for Keynote to end: ask whoever uses it to quit it',
    ]);
    expect(warnings(0, '2020-01-01T00:00:00.000Z')).to.deep.equal([]);
    const asking = settings({ noticeDays: 14, quitProcesses: 'ask' }, since(AT, running('Keynote')));
    const vain = settings(
      { noticeDays: 14, quitProcesses: 'ask' },
      since('2029-12-01T00:00:00.000Z', running('Keynote')),
    );
    expect(withProcesses(plan(sync(), asking, indexOf(live, old)), asking).warnings).to.deep.equal([]);
    expect(withProcesses(plan(sync(), vain, indexOf(live, old)), vain).warnings.join()).to.include('waited 31 days');
  });

  it('patchoo:UP-12 is spared where processes are asked to quit: the plan says so, and forced things ask nobody', () => {
    const asking = settings({ quitProcesses: 'ask' }, running('Keynote'));
    const planned = (request: Parameters<typeof plan>[0], of: Facts) =>
      withProcesses(plan(request, of, indexOf(live, old)), of).decisions.map(told);
    expect(planned(sync(), asking)).to.deep.equal(['act update foo-2.0-1 (LIVE_IS_NEWER ASKED_TO_QUIT)']);
    expect(planned(sync({ force: true }), asking)).to.deep.equal(['act update foo-2.0-1 (LIVE_IS_NEWER)']);
    expect(planned(sync(), settings({ quitProcesses: 'ask' }, running()))).to.deep.equal([
      'act update foo-2.0-1 (LIVE_IS_NEWER)',
    ]);
  });
});
