import { expect } from 'chai';
import { coverageOf } from '../src/coverage.ts';

const day = (number: number) => new Date(Date.UTC(2027, 0, number));
const iso = (number: number) => day(number).toISOString();
const users = (of: Record<string, number>) => new Map(Object.entries(of).map(([user, at]) => [user, day(at)]));

describe('since when use is on record', () => {
  it('at first by the file that was begun last', () => {
    expect(coverageOf(null, users({ calvin: 1, susie: 5 }), iso(9))?.since).to.equal(iso(5));
    expect(coverageOf(null, new Map(), iso(9))).to.equal(null);
  });

  it('a user who comes later takes nothing away', () => {
    const before = { since: iso(1), users: { calvin: iso(1) } };
    const after = coverageOf(before, users({ calvin: 1, moe: 8 }), iso(9));
    expect(after).to.deep.equal({ since: iso(1), users: { calvin: iso(1), moe: iso(8) } });
  });

  it('a file begun anew, or gone, begins all of it anew', () => {
    const before = { since: iso(1), users: { calvin: iso(1), moe: iso(2) } };
    expect(coverageOf(before, users({ calvin: 7, moe: 2 }), iso(9))?.since).to.equal(iso(7));
    expect(coverageOf(before, users({ calvin: 1 }), iso(9))).to.deep.equal({
      since: iso(9),
      users: { calvin: iso(1) },
    });
    expect(coverageOf(before, new Map(), iso(9))).to.deep.equal({ since: iso(9), users: {} });
  });
});
