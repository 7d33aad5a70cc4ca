import { expect } from 'chai';
import { limitsOf } from '../src/import/oses.ts';

/** `10.FROM.x` up to `10.TO.x`. */
const minors = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `10.${from + index}.x`).join(', ');

describe('the list of systems of a Jamf package', () => {
  const LISTS: readonly (readonly [string, string, string[]])[] = [
    ['nothing', '', []],
    ['what d3 says as well', '12.x, 13.x,14.5 , 15', ['12.x', '13.x', '14.5', '15']],
    ['a limit of d3', '>=13.2', ['>=13.2']],
    ['what the ancestor made of >=10.9', minors(9, 19), ['>=10.9']],
    ['what the ancestor made of >=10.9.5', `10.9.5, 10.9.6, 10.9.7, ${minors(10, 19)}`, ['>=10.9.5']],
    ['that, with others around it', `10.6.8, ${minors(12, 19)}, 13.x`, ['10.6.8', '>=10.12', '13.x']],
    ['patches with a gap are a list of their own', `10.9.2, 10.9.5, ${minors(10, 19)}`, ['10.9.2', '>=10.9.5']],
    ['systems that there were, and no more', minors(9, 15), minors(9, 15).split(', ')],
    ['one that never was', '10.19.x', ['10.19.x']],
  ];
  for (const [what, list, limits] of LISTS)
    it(`depot3:B21 is read: ${what}`, () => {
      expect(limitsOf(list)).to.deep.equal({ limits, unknown: [] });
    });

  it('depot3:B21 is not guessed at: what d3 has no word for is named', () => {
    expect(limitsOf('Sonoma, 14.x, <11')).to.deep.equal({ limits: ['14.x'], unknown: ['Sonoma', '<11'] });
  });
});
