import { expect } from 'chai';
import { Meter } from '../../src/terminal/meter.ts';

describe('how far something has come', () => {
  it('is told in what it is measured in, with its rate and the time left; a share in percent just so', () => {
    let now = 0;
    const meter = new Meter(0, () => now);
    now = 2000;
    expect(meter.text(10_000_000, 40_000_000, 'bytes')).to.equal('10.0 of 40.0 MB, 5.0 MB/s, 6 s left');
    expect(meter.text(10, null, 'items')).to.equal('10 items, 5 items/s');
    expect(meter.text(84, 100, 'percent')).to.equal('84 %');
  });
});
