import { expect } from 'chai';
import fc from 'fast-check';
import { abreastOf, byName, wavesOf } from '../src/rules/waves.ts';
import type { Role } from '../src/types.ts';

type Waved = Pick<Role, 'mode' | 'leader' | 'batches'>;

const HOSTS = ['web1', 'web2', 'web3', 'web4', 'web5'];
const role = (given: Partial<Waved>): Waved => ({ mode: 'concurrent', leader: null, batches: [], ...given });

const batch = fc.oneof(
  fc.integer({ min: 1, max: 50 }),
  fc.integer({ min: 1, max: 100 }).map((n) => `${n}%` as const),
  fc.constant('rest' as const),
);
const anyRole = fc.record({
  mode: fc.constantFrom('concurrent' as const, 'serial' as const, 'leader' as const),
  leader: fc.option(fc.constantFrom('h0', 'h3', 'absent')),
  batches: fc.array(batch, { maxLength: 4 }),
});
const anyHosts = fc.array(
  fc.nat({ max: 300 }).map((n) => `h${n}`),
  { maxLength: 200 },
);

describe('The waves of a role', () => {
  it('staypuft:M-06 hosts of a concurrent role are one wave, as many at a time as the role says', () => {
    expect(wavesOf(role({}), HOSTS)).to.deep.equal([HOSTS]);
    expect(abreastOf({ mode: 'concurrent', abreast: 20 })).to.equal(20);
  });

  it('staypuft:M-07 hosts of a serial role come one after the other, by name', () => {
    expect(wavesOf(role({ mode: 'serial' }), HOSTS.toReversed())).to.deep.equal(HOSTS.map((host) => [host]));
    expect(abreastOf({ mode: 'serial', abreast: 20 })).to.equal(1);
  });

  it('staypuft:M-08 staypuft:D-14 the leader that is named goes first and alone, whatever the order of hosts', () => {
    const named = role({ mode: 'leader', leader: 'web3' });
    for (const hosts of [HOSTS, HOSTS.toReversed()]) {
      expect(wavesOf(named, hosts)).to.deep.equal([['web3'], ['web1', 'web2', 'web4', 'web5']]);
      expect(wavesOf(role({ mode: 'leader' }), hosts)[0]).to.deep.equal(['web1']);
    }
    // It was done before: nobody else takes its place.
    expect(wavesOf(named, ['web5', 'web4'])).to.deep.equal([['web4', 'web5']]);
  });

  it('staypuft:E-17 a canary and then larger batches, numbers and percentages, and all that is left', () => {
    expect(wavesOf(role({ batches: [1, 2, 'rest'] }), HOSTS)).to.deep.equal([
      ['web1'],
      ['web2', 'web3'],
      ['web4', 'web5'],
    ]);
    expect(wavesOf(role({ batches: ['20%', '50%'] }), HOSTS)).to.deep.equal([
      ['web1'],
      ['web2', 'web3', 'web4'],
      ['web5'],
    ]);
    expect(wavesOf(role({ batches: [2] }), HOSTS)).to.deep.equal([['web1', 'web2'], ['web3', 'web4'], ['web5']]);
    expect(wavesOf(role({ mode: 'leader', leader: 'web5', batches: [2] }), HOSTS)).to.deep.equal([
      ['web5'],
      ['web1', 'web2'],
      ['web3', 'web4'],
    ]);
  });

  it('staypuft:E-17 every host is in one wave, no wave is empty, and none depends on the order hosts come in', () => {
    fc.assert(
      fc.property(anyRole, anyHosts, (one, hosts) => {
        const waves = wavesOf(one, hosts);
        expect(waves.flat().sort(byName)).to.deep.equal([...new Set(hosts)].sort(byName));
        expect(waves.every((wave) => wave.length > 0)).to.equal(true);
        expect(wavesOf(one, hosts.toReversed())).to.deep.equal(waves);
      }),
    );
  });
});
