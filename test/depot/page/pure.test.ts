import { expect } from 'chai';
import * as fc from 'fast-check';
import { moments, nearest, steps, ticks, yOf } from '../../../src/depot/page/curve.ts';
import { pressed, SHORTCUTS } from '../../../src/depot/page/keys.ts';
import { editionAt, hashOf, machineAt, placeOf } from '../../../src/depot/page/place.ts';
import { matching, sorted, sortingOf, sortingWord } from '../../../src/depot/page/rows.ts';
import { age, ago, counted, freshness, number, percent } from '../../../src/depot/page/words.ts';

const NOW = '2030-06-30T12:00:00.000Z';

describe('the pure parts of the page', () => {
  it('every place has an address, and every address a place', () => {
    for (const view of ['packages', 'machines', 'queue', 'runs'] as const)
      expect(placeOf(hashOf([view])).view).to.equal(view);
    expect(placeOf('').view).to.equal('overview');
    expect(placeOf('#/').view).to.equal('overview');
    expect(placeOf(editionAt(12))).to.deep.equal({ view: 'edition', id: '12', query: {} });
    expect(placeOf('#/constructor').view).to.equal('nowhere');
    expect(placeOf('#/machines/%E0%A4%A').view).to.equal('machine');
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (id, typed) => {
        expect(placeOf(machineAt(id))).to.deep.equal({ view: 'machine', id, query: {} });
        expect(placeOf(hashOf(['machines'], { q: typed, sort: '' })).query).to.deep.equal({ q: typed });
      }),
    );
    fc.assert(fc.property(fc.string(), (anything) => void placeOf(anything)));
  });

  it('sorts numbers as numbers, leaves equal rows as they are, and puts what is not known last either way', () => {
    const rows = [
      { name: 'b10', size: 2 },
      { name: 'B9', size: null },
      { name: 'a', size: 10 },
      { name: 'c', size: 2 },
    ];
    const names = (by: 'name' | 'size', descending: boolean) =>
      sorted(rows, (row) => row[by], descending).map(({ name }) => name);
    expect(names('name', false)).to.deep.equal(['a', 'B9', 'b10', 'c']);
    expect(names('size', false)).to.deep.equal(['b10', 'c', 'a', 'B9']);
    expect(names('size', true)).to.deep.equal(['a', 'b10', 'c', 'B9']);
    const usual = { column: 'name', descending: false };
    expect(sortingOf('-size', ['name', 'size'], usual)).to.deep.equal({ column: 'size', descending: true });
    expect(sortingOf('none', ['name'], usual)).to.equal(usual);
    expect(sortingWord({ column: 'size', descending: true })).to.equal('-size');
  });

  it('finds rows that have every word that was typed', () => {
    const rows = [['Ada Mac', 'x1'], ['bert'], ['ADA', 'x2']];
    expect(matching(rows, ' ada  X ', (row) => row)).to.deep.equal([rows[0], rows[2]]);
    expect(matching(rows, '', (row) => row)).to.deep.equal(rows);
  });

  it('says ages, counts and shares as people do', () => {
    for (const [at, expected] of [
      ['2030-06-30T11:59:40.000Z', 'now'],
      ['2030-06-30T11:55:00.000Z', '5 min'],
      ['2030-06-29T12:00:00.000Z', '24 h'],
      ['2030-06-20T12:00:00.000Z', '10 days'],
      ['2026-06-20T12:00:00.000Z', '4 years'],
      ['2030-06-30T12:30:00.000Z', 'in 30 min'],
      ['rubbish', 'unknown'],
    ] as const)
      expect(age(at, NOW), at).to.equal(expected);
    expect([ago(NOW, NOW), ago('2030-06-20T12:00:00.000Z', NOW)]).to.deep.equal(['just now', '10 days ago']);
    expect(freshness('2030-06-29T13:00:00.000Z', NOW)).to.equal('fresh');
    expect(freshness('2030-06-24T12:00:00.000Z', NOW)).to.equal('quiet');
    expect(freshness('2030-06-20T12:00:00.000Z', NOW)).to.equal('silent');
    expect([counted(1, 'machine'), counted(2000, 'machine')]).to.deep.equal(['1 machine', '2,000 machines']);
    expect([percent(0, 0), percent(1, 1000), percent(999, 1000), percent(1, 2)]).to.deep.equal([
      '0 %',
      '< 1 %',
      '> 99 %',
      '50 %',
    ]);
    expect(number(1234567)).to.equal('1,234,567');
  });

  it('draws within its frame, with round levels', () => {
    expect(ticks(10)).to.deep.equal([0, 5, 10]);
    expect(ticks(0)).to.deep.equal([0, 1]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (most) => {
        const levels = ticks(most);
        expect(levels.at(-1)).to.be.at.least(most);
        expect(levels.length).to.be.within(2, 7);
        expect(levels.every(Number.isInteger)).to.equal(true);
      }),
    );
    const frame = { width: 100, height: 50, left: 10, right: 10, top: 5, bottom: 5 };
    const scale = { from: 0, to: 10, most: 4 };
    expect(
      steps(
        [
          { at: 0, value: 0 },
          { at: 5, value: 2 },
          { at: 10, value: 4 },
        ],
        scale,
        frame,
      ),
    ).to.equal('M10 45H50V25H90V5');
    expect(steps([], scale, frame)).to.equal('');
    expect(yOf(4, scale, frame)).to.equal(5);
    expect(moments(0, 10, 3)).to.deep.equal([0, 5, 10]);
    expect(moments(5, 5, 3)).to.deep.equal([5]);
    expect(nearest([{ at: 0 }, { at: 10 }], 6)).to.equal(1);
  });

  it('keys do what the help says, and nothing while somebody writes or holds another key', () => {
    const free = { modified: false, typing: false };
    for (const { keys, doing } of SHORTCUTS) {
      let begun = '';
      let done: unknown = null;
      for (const key of keys.split(' ')) ({ doing: done, begun } = pressed({ key, ...free }, begun));
      expect(done, keys).to.deep.equal(doing);
      expect(begun).to.equal('');
    }
    expect(pressed({ key: '?', modified: false, typing: true }, '').doing).to.equal(null);
    expect(pressed({ key: 'r', modified: true, typing: false }, '').doing).to.equal(null);
    expect(pressed({ key: 'x', ...free }, 'g')).to.deep.equal({ doing: null, begun: '' });
    // g r is not r.
    expect(pressed({ key: 'r', ...free }, 'g').doing).to.deep.equal({ go: ['runs'] });
  });
});
