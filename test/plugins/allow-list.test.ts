import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { allowPolicy, judge } from '../../src/plugins/allow-list.ts';

describe('the list of plugins that are allowed', () => {
  const content = `sha512-${'A'.repeat(86)}==`;
  const nobody = { root: false, ci: false };
  const night = (version: string, integrity: string | null = content) => ({
    name: 'd3-night',
    version,
    integrity,
    signatures: [],
  });
  const isIn = (list: string[], candidate: Parameters<typeof judge>[1]) =>
    'by' in judge(allowPolicy(list, nobody), candidate);

  it('unset it allows everything, but to root and in CI nothing', () => {
    expect(judge(allowPolicy(null, nobody), night('1.0.0'))).to.deep.equal({ by: null });
    for (const who of [
      { root: true, ci: false },
      { root: false, ci: true },
    ])
      expect(judge(allowPolicy(null, who), night('1.0.0'))).to.have.property('refused');
    expect(isIn([], night('1.0.0'))).to.equal(false);
  });

  it('names a plugin, a scope, versions, a content', () => {
    const rows: [entry: string, lets: boolean][] = [
      ['d3-night', true],
      ['d3-night@^1', true],
      ['d3-night@>=1.0.0 <2', true],
      [`d3-night@1.0.0 ${content}`, true],
      ['*', true],
      ['d3-nigh', false],
      ['d3-night-shift', false],
      ['d3-night@2', false],
      [`d3-night sha512-${'B'.repeat(86)}==`, false],
      ['@acme/*', false],
    ];
    for (const [entry, lets] of rows) expect(isIn([entry], night('1.0.0')), entry).to.equal(lets);
    const scoped = (name: string) => ({ ...night('1.0.0'), name });
    expect(isIn(['@acme/*'], scoped('@acme/night'))).to.equal(true);
    expect(isIn(['@acme/*'], scoped('@acme-too/night'))).to.equal(false);
    // A version that is still being tried is not what a range means.
    expect(isIn(['d3-night@^1'], night('1.1.0-beta.1'))).to.equal(false);
    // What is linked has no content that stays.
    expect(isIn([`d3-night ${content}`], night('1.0.0', null))).to.equal(false);
    expect(isIn(['d3-night'], night('1.0.0', null))).to.equal(true);
  });

  it('an entry that is none is a mistake, and lets nothing in', () => {
    for (const entry of [
      '',
      'a b',
      '../x',
      'd3-night@no range',
      'd3-night sha512-AAAA',
      'd3-night key:AAAA',
      '@acme/',
    ]) {
      expect(() => allowPolicy([entry], nobody), entry).to.throw(D3Error, 'is no entry');
    }
  });
});
