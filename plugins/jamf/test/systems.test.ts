import { expect } from 'chai';
import fc from 'fast-check';
import { fromJamf, toJamf } from '../src/mirror/systems.ts';

describe('systems a package is for', () => {
  const CASES: readonly [string[], string][] = [
    [[], ''],
    [['13'], '13.x'],
    [['10.9.x', '10.8.5'], '10.9.x, 10.8.5'],
    [['>=15'], '15.x, 26.x, 27.x, 28.x, 29.x, 30.x, 31.x, 32.x, 33.x, 34.x, 35.x, 36.x, 37.x, 38.x, 39.x, 40.x'],
    [['macOS >=40'], '40.x'],
  ];
  for (const [limits, list] of CASES)
    it(`${limits.join(' or ') || 'none'} is ${list || 'nothing'}`, () => {
      expect(toJamf(limits)).to.deep.equal({ list, unsaid: [] });
    });

  it('names every later line, over the gap Apple left, and says what Jamf Pro has no word for', () => {
    const { list } = toJamf(['>=10.14.6']);
    const names = list.split(', ');
    expect(names.slice(0, 2)).to.deep.equal(['10.14.6', '10.14.7']);
    expect(names).to.include.members(['10.15.x', '11.x', '15.x', '26.x', '40.x']);
    expect(names).not.to.include('16.x');
    expect(toJamf(['>=14', 'debian 12', 'like debian']).unsaid).to.deep.equal(['debian 12', 'like debian']);
  });

  it('is read back as it was said, whatever the version', () => {
    const major = fc.constantFrom(10, 11, 12, 13, 14, 15, 26, 27, 30);
    const version = fc.oneof(
      major.filter((one) => one > 10).map(String),
      fc.tuple(major, fc.integer({ min: 9, max: 30 })).map((parts) => parts.join('.')),
      fc.tuple(major, fc.integer({ min: 9, max: 20 }), fc.integer({ min: 1, max: 30 })).map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(
        version,
        fc.array(fc.constantFrom('10.6.8', '10.7.x', '10.8.5'), { maxLength: 2 }),
        (from, before) => {
          const limits = [...new Set(before), `>=${from}`];
          expect(fromJamf(toJamf(limits).list)).to.deep.equal({ limits, unknown: [] });
        },
      ),
    );
  });

  it('takes a few names for just these, and somebody’s shorter list for what it means', () => {
    expect(fromJamf('14.x, 15.x')).to.deep.equal({ limits: ['14.x', '15.x'], unknown: [] });
    expect(fromJamf('13.x, 14.x, 15.x, 26.x')).to.deep.equal({ limits: ['>=13'], unknown: [] });
    expect(fromJamf('13.x,15.x, 26.x').limits).to.deep.equal(['13.x', '15.x', '26.x']);
    expect(fromJamf(' 10.6.8 , , Snow Leopard')).to.deep.equal({ limits: ['10.6.8'], unknown: ['Snow Leopard'] });
  });

  /** `10.FROM.x` up to `10.TO.x`. */
  const minors = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `10.${from + index}.x`).join(', ');
  const ANCESTORS: readonly (readonly [string, string, string[]])[] = [
    ['>=10.9', minors(9, 19), ['>=10.9']],
    ['>=10.9.5', `10.9.5, 10.9.6, 10.9.7, ${minors(10, 19)}`, ['>=10.9.5']],
    ['>=10.12 with others around it', `10.6.8, ${minors(12, 19)}, 13.x`, ['10.6.8', '>=10.12', '13.x']],
    ['patches with a gap', `10.9.2, 10.9.5, ${minors(10, 19)}`, ['10.9.2', '>=10.9.5']],
    ['a name that never was', '10.19.x', ['10.19.x']],
  ];
  for (const [what, list, limits] of ANCESTORS)
    it(`depot3:B21 is read from the list the ancestor made: ${what}`, () => {
      expect(fromJamf(list)).to.deep.equal({ limits, unknown: [] });
    });

  it('never says more than is said: what is read back from any list is written as that list, or as one that goes on', () => {
    const name = fc.oneof(
      fc.tuple(fc.integer({ min: 10, max: 40 }), fc.integer({ min: 0, max: 20 })).map(([a, b]) => `${a}.${b}`),
      fc.integer({ min: 11, max: 40 }).map((one) => `${one}.x`),
    );
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 6 }), (names) => {
        const again = toJamf(fromJamf(names.join(', ')).limits)
          .list.split(', ')
          .filter((one) => one !== '');
        expect(again.slice(0, names.length)).to.deep.equal(names);
      }),
    );
  });
});
