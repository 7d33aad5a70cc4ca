import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { countStandings, outside, spreadSeries } from '../../src/catalog/spread.ts';
import { reasonKey, STANDINGS, type StandingInput, standingOf } from '../../src/catalog/standing.ts';
import { type LocalDepot, openDepot, type StoredEdition } from '../../src/depot/index.ts';
import { Views } from '../../src/depot/views/views.ts';
import { problemsOf } from '../support/errors.ts';
import { makeFleet, manyMachines, numberedId } from '../support/fleet.ts';
import { Sandbox } from '../support/sandbox.ts';
import { TestClock } from './helpers.ts';

const LIVE: StandingInput['edition'] = {
  id: 5,
  edition: 'tool-2-1',
  status: 'live',
  oses: [],
  cpu: null,
  file: { format: 'pkg' },
  releasedAt: '2030-01-10T00:00:00.000Z',
};
const INPUT: StandingInput = {
  edition: LIVE,
  computer: { os: { name: 'macOS', version: '15.5' }, cpu: 'arm64', lastContact: '2030-01-12T00:00:00.000Z' },
  receipt: null,
  queued: null,
  problem: null,
  autoGroups: [],
  excludedGroups: [],
};
const OLD = { id: 3, edition: 'tool-1-1', piloting: false, frozen: false };
const FAILED = { edition: 'tool-2-1', status: 'failed', reason: 'no', processes: [] };

describe('how computers stand to an edition', () => {
  const standing = (changes: Partial<StandingInput>) => {
    const found = standingOf({ ...INPUT, ...changes });
    return found === null ? null : `${found.state}: ${found.reason}`;
  };

  for (const [what, changes, expected] of [
    ['nothing of it, and none of its groups', {}, null],
    ['the edition itself', { receipt: { ...OLD, id: 5 } }, 'installed: installed'],
    [
      'it as a pilot, frozen',
      { receipt: { id: 5, edition: 'x', piloting: true, frozen: true } },
      'installed: as a pilot, frozen',
    ],
    ['it in its queue', { queued: { id: 5 }, receipt: OLD }, 'restart: waits for a restart'],
    ['an older one', { receipt: OLD }, 'pending: heard of since, did not say why'],
    [
      'an older one, silent since',
      { receipt: OLD, computer: { ...INPUT.computer, lastContact: '2030-01-09T00:00:00.000Z' } },
      'pending: not heard of since it went live',
    ],
    ['an older one, frozen', { receipt: { ...OLD, frozen: true } }, 'held: tool-1-1 is frozen there'],
    ['another pilot', { receipt: { ...OLD, id: 6, piloting: true } }, 'held: has the pilot tool-1-1'],
    ['one of its auto groups', { autoGroups: ['lab'] }, 'pending: heard of since, did not say why'],
    [
      'an auto group and an excluded one',
      { autoGroups: ['lab'], excludedGroups: ['kiosk'] },
      'held: is in kiosk, excluded',
    ],
    ['another system', { receipt: OLD, edition: { ...LIVE, oses: ['14'] } }, 'unfit: runs macOS 15.5'],
    [
      'another processor',
      { receipt: OLD, edition: { ...LIVE, cpu: 'x86_64' as const } },
      'unfit: its processor is arm64',
    ],
    ['no dpkg', { receipt: OLD, edition: { ...LIVE, file: { format: 'deb' as const } } }, 'unfit: installs no .deb'],
    ['failed at it', { receipt: OLD, problem: FAILED }, 'failed: no'],
    [
      'failed at an older edition',
      { receipt: OLD, problem: { ...FAILED, edition: 'tool-1-1' } },
      'pending: heard of since, did not say why',
    ],
    [
      'a program in its way',
      { receipt: OLD, problem: { ...FAILED, status: 'held', processes: ['Zed', 'Ado'] } },
      'blocked: waits for Ado, Zed to quit',
    ],
    [
      'a pilot that is not its business',
      { edition: { ...LIVE, status: 'pilot' as const }, receipt: OLD, autoGroups: ['lab'] },
      null,
    ],
    ['a pilot that failed there', { edition: { ...LIVE, status: 'pilot' as const }, problem: FAILED }, 'failed: no'],
  ] satisfies [string, Partial<StandingInput>, string | null][]) {
    it(`of a computer that has ${what}`, () => expect(standing(changes)).to.equal(expected));
  }

  it('reasons that differ by ids, times, long numbers and days only are one', () => {
    const key = (reason: string) => reasonKey('failed', reason, []);
    expect(key('cannot write /x/3f2a99b1c0de11/y at 2030-01-01T00:00:00Z: 12345 bytes\nmore')).to.equal(
      'cannot write /x/…/y at …: … bytes',
    );
    expect(key('exit 3')).to.not.equal(key('exit 4'));
    expect(key('')).to.equal('failed, without a reason');
    fc.assert(
      fc.property(fc.string(), fc.uuid(), (text, id) => {
        const once = key(text);
        expect(once.length).to.be.within(1, 160);
        expect(once).to.not.include('\n');
        expect(key(`${id} x`)).to.equal('… x');
      }),
    );
  });

  it('counts every computer once, in every state and by reason', () => {
    const standings = fc.array(
      fc.record({ state: fc.constantFrom(...STANDINGS), reason: fc.constantFrom('a', 'b', 'c') }),
    );
    fc.assert(
      fc.property(standings, (all) => {
        const counts = countStandings(all);
        expect(counts.map(({ state }) => state)).to.deep.equal([...STANDINGS]);
        for (const { state, computers, reasons } of counts) {
          expect(computers).to.equal(all.filter((one) => one.state === state).length);
          expect(reasons.reduce((sum, one) => sum + one.computers, 0)).to.equal(computers);
        }
      }),
    );
  });

  it('a curve never falls, ends with what is so now, and has wrong clocks at its nearest end', () => {
    const [from, now] = ['2030-01-01T00:00:00.000Z', '2030-02-01T00:00:00.000Z'];
    const time = fc
      .date({ min: new Date('2029-06-01'), max: new Date('2030-08-01'), noInvalidDate: true })
      .map((date) => date.toISOString());
    fc.assert(
      fc.property(fc.array(time), fc.array(time), fc.integer({ min: 2, max: 60 }), (installed, troubled, points) => {
        const series = spreadSeries({ installed, troubled, from, now, points });
        expect(series).to.have.length(points);
        expect([series[0]?.at, series.at(-1)?.at]).to.deep.equal([from, now]);
        expect([series.at(-1)?.installed, series.at(-1)?.troubled]).to.deep.equal([installed.length, troubled.length]);
        expect(series[0]?.installed).to.equal(installed.filter((at) => at <= from).length);
        for (const [index, point] of series.entries())
          expect(point.installed).to.be.at.least(series[index - 1]?.installed ?? 0);
      }),
    );
    expect(outside([from, now, '2029-12-31T00:00:00.000Z', '2030-02-02T00:00:00.000Z'], from, now)).to.equal(2);
  });
});

describe('what the page is told', () => {
  it('is what real machines did and reported', async () => {
    const end = Date.UTC(2030, 5, 30, 12);
    const fleet = await makeFleet(end);
    try {
      await opened(fleet.sandbox, async (depot) => {
        const views = new Views(depot, fleet.sandbox.clock);
        const overview = await views.overview();
        expect(overview.heard.map(({ computers }) => computers)).to.deep.equal([0, 7, 1, 2, 0]);
        expect([overview.computers, overview.failing, overview.blocked]).to.deep.equal([10, 1, 3]);
        expect(overview.queued).to.deep.equal({ entries: 8, computers: 8 });
        expect(overview.runs).to.deep.equal({ open: 1, holding: 1, failed: 0 });
        expect(overview.editions).to.deep.include({ live: 6, pilot: 1, deprecated: 1, skipped: 1 });
        expect(overview.troubles.map(({ edition, state, computers }) => [edition, state, computers])).to.deep.include([
          'chatter-4.0-1',
          'blocked',
          2,
        ]);
        const moving = overview.moving.find(({ edition }) => edition === 'editor-2.0-1');
        expect(moving?.states).to.deep.equal([
          { state: 'installed', computers: 6 },
          { state: 'pending', computers: 2 },
          { state: 'held', computers: 2 },
        ]);

        const spread = await views.spread(moving?.id as number);
        expect(spread.series[0]?.at).to.equal(spread.edition.addedAt);
        expect(spread.series.at(-1)).to.deep.include({ installed: 6, troubled: 0 });
        expect(spread.states.flatMap(({ reasons }) => reasons)).to.deep.include({
          reason: 'not heard of since it went live',
          computers: 2,
        });
        expect(spread.oddTimes).to.equal(0);

        const rows = (await views.computers('')).computers;
        const dora = rows.find(({ name }) => name === 'dora-mac');
        expect(dora).to.deep.include({ blocked: 1, failed: 0, queued: 1, user: 'dora', serial: 'C02X3D3XQ' });
        expect((await views.computers('DORA')).total).to.equal(1);
        const story = await views.computer(dora?.id as string);
        const scanner = story.basenames.find(({ basename }) => basename === 'scanner');
        expect(scanner?.standing?.state).to.equal('blocked');
        expect(scanner?.because.join('\n')).to.match(/auto-installed on standard\nblocked: .*driver/);
        expect(story.reports[0]).to.deep.include({ command: 'sync', failure: null });
        expect((await problemsOf(views.computer(randomUUID()))).problems[0]?.code).to.equal('COMPUTER_NOT_FOUND');
        expect((await problemsOf(views.spread(9999))).problems[0]?.code).to.equal('EDITION_NOT_FOUND');

        const packages = await views.basenames();
        expect(packages.basenames.map(({ basename }) => basename)).to.deep.equal([
          'chatter',
          'editor',
          'firmware',
          'grades',
          'old-tool',
          'scanner',
        ]);
        expect(packages.basenames.find(({ basename }) => basename === 'editor')).to.deep.include({ installed: 10 });
        const { entries } = await views.queue();
        expect(entries).to.have.length(8);
        expect(entries[0]).to.deep.include({ edition: 'firmware-7-1', status: 'live', piloting: false });
        const run = await views.run(fleet.run);
        expect(run.run).to.deep.include({ origin: 'announce', state: 'holding', steps: 2, done: 1 });
        expect(run.partStates).to.deep.equal([
          { state: 'failed', count: 1 },
          { state: 'running', count: 1 },
          { state: 'done', count: 1 },
        ]);
        expect(run.parts[0]).to.deep.equal({
          id: `${fleet.run}-1`,
          name: 'shop: <i>web-1</i>: role',
          state: 'failed',
          step: 'sync',
          text: 'there is no room on <b>its disk</b>',
          done: 0,
          steps: 1,
        });
        expect((await views.runs()).runs.map(({ id }) => id)).to.deep.equal([fleet.run]);
        expect(run.lines.map(({ text }) => text)).to.deep.equal(['told <b>everybody</b>']);
        expect((await problemsOf(views.run('20300101T000000Z-00000000'))).problems[0]?.code).to.equal('RUN_NOT_FOUND');
      });
    } finally {
      fleet.sandbox.remove();
    }
  });

  it('adds up at 1,000 computers, and takes a moment only', async function () {
    this.timeout(120_000);
    const start = Date.UTC(2030, 0, 1);
    const clock = new TestClock();
    const sandbox = await Sandbox.make(clock);
    try {
      await manyMachines(sandbox, 1000, clock.now().getTime());
      await opened(sandbox, async (depot) => {
        const next = (await depot.store.editions.byEdition('tool-2-1')) as StoredEdition;
        clock.moveTo(start + 1000 * 60_000);
        const views = new Views(depot, clock);
        const began = performance.now();
        const spread = await views.spread(next.id);
        const counts = Object.fromEntries(spread.states.map(({ state, computers }) => [state, computers]));
        // By index: 0..4 of ten have it, 5 fails at it, 6 is frozen, 7 has the old one, 8 nothing but arm64, 9 nothing and x86_64.
        expect(counts).to.deep.equal({
          installed: 500,
          restart: 0,
          pending: 200,
          held: 100,
          blocked: 0,
          failed: 100,
          unfit: 0,
        });
        expect(spread.series.at(-1)).to.deep.include({ installed: 500, troubled: 100 });
        expect(spread.states.find(({ state }) => state === 'failed')?.reasons).to.deep.equal([
          { reason: 'disk … gave up', computers: 100 },
        ]);
        expect(spread.computers).to.have.length(900);
        const overview = await views.overview();
        expect([overview.computers, overview.failing]).to.deep.equal([1000, 100]);
        expect(overview.troubles).to.have.length(1);
        expect((await views.computers('')).total).to.equal(1000);
        expect((await views.computers('c-0042')).computers.map(({ name }) => name)).to.deep.equal(['c-0042']);
        expect((await views.basenames()).basenames).to.have.length(1);
        expect((await views.queue()).entries).to.have.length(0);
        expect((await views.computer(numberedId(7))).basenames[0]?.standing?.state).to.equal('pending');
        expect(performance.now() - began).to.be.below(5_000);
      });
    } finally {
      sandbox.remove();
    }
  });
});

async function opened(sandbox: Sandbox, work: (depot: LocalDepot) => Promise<void>): Promise<void> {
  const depot = await openDepot(sandbox.depot, { clock: sandbox.clock });
  try {
    await depot.takeInbox();
    await work(depot);
  } finally {
    await depot.close();
  }
}
