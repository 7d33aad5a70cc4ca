import { expect } from 'chai';
import { fuzz } from './helpers/fuzz.ts';

describe('mutants of our own packages', () => {
  it('are read or refused, and never do harm', async () => {
    const { tried, ends } = await fuzz({ seed: 1, from: 0, count: 300, seconds: 60 });
    expect(tried).to.equal(300);
    // The mutations reach what lies behind the hashes, and leave some packages sound.
    expect(Object.keys(ends)).to.include.members(['accepted', 'NAME', 'XML', 'BOM', 'XAR_NUMBER']);
  }).timeout(60_000);
});
