import type { PluginContext } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { isOverdue } from '../src/consent.ts';
import { isDue } from '../src/notify.ts';
import { powerEnough } from '../src/power.ts';
import { KINDS } from '../src/triggers.ts';

const DAY = 86_400_000;
const NOW = new Date('2027-03-01T12:00:00Z');
const ago = (days: number) => new Date(NOW.getTime() - days * DAY).toISOString();

describe('the rules of puppytime', () => {
  it('depot3:I03 users are told never (0), always (-1), or when so many days have passed', () => {
    expect(isDue(0, null, NOW)).to.equal(false);
    expect(isDue(0, ago(1000), NOW)).to.equal(false);
    expect(isDue(-1, ago(0), NOW)).to.equal(true);
    expect(isDue(7, null, NOW)).to.equal(true);
    expect(isDue(7, ago(6.99), NOW)).to.equal(false);
    expect(isDue(7, ago(7), NOW)).to.equal(true);
    expect(isDue(7, ago(-1), NOW), 'written by a clock that was wrong').to.equal(true);
  });

  it('never in spite of somebody before both the warnings and the deadline have passed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 30 }),
        (days, warnings, deadlineDays) => {
          const warned = days.toSorted((a, b) => b - a).map(ago);
          const overdue = isOverdue(warned, { warnings, deadlineDays }, NOW);
          const [first] = warned;
          const passed = first !== undefined && NOW.getTime() - Date.parse(first) >= deadlineDays * DAY;
          expect(overdue).to.equal(warned.length >= warnings && passed);
        },
      ),
    );
  });

  it('on battery it waits for power, for so long and no longer', async () => {
    const settings = { batteryPercent: 50, powerMinutes: 1 };
    const look = async (...seen: ({ charging: boolean; percent: number } | null)[]) => {
      const said: number[] = [];
      let waits = 0;
      const power = { battery: async () => (seen.length > 1 ? seen.shift() : seen[0]) ?? null };
      const ports = { power } as unknown as PluginContext;
      const enough = await powerEnough(
        ports,
        settings,
        async () => {
          waits += 1;
        },
        (percent) => said.push(percent),
      );
      return [enough, waits, said];
    };
    expect(await look(null), 'no battery').to.deep.equal([true, 0, []]);
    expect(await look({ charging: false, percent: 50 })).to.deep.equal([true, 0, []]);
    expect(await look({ charging: true, percent: 3 })).to.deep.equal([true, 0, []]);
    const low = { charging: false, percent: 49 };
    expect(await look(low, low, { charging: true, percent: 49 })).to.deep.equal([true, 2, [49]]);
    expect(await look(low), 'a minute is six looks').to.deep.equal([false, 6, [49]]);
  });

  it('depot3:I05 kinds of triggers are those the help names', () => {
    expect([...KINDS]).to.deep.equal(['login-window', 'shutdown', 'boot', 'logout-policy', 'self-service']);
  });
});
