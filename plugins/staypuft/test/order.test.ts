import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { cycleOf, levels, readyRoles, rolesBehind } from '../src/rules/order.ts';

const role = (name: string, ...after: string[]) => ({ name, after });

/** Roles of which each waits for some written before it, in any order; so they make no ring. */
const graphs = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 }).chain((drawn) => {
  const roles = drawn.map((after, n) => role(`r${n}`, ...new Set(n === 0 ? [] : after.map((one) => `r${one % n}`))));
  return fc.shuffledSubarray(roles, { minLength: roles.length });
});

describe('The order of roles', () => {
  it('staypuft:M-04 a ring of roles is refused and shown', () => {
    const roles = [role('db', 'web'), role('web', 'db'), role('other')];
    expect(cycleOf(roles)).to.deep.equal(['db', 'web', 'db']);
    try {
      levels(roles);
      expect.fail('not refused');
    } catch (error) {
      expect(error).to.be.instanceOf(D3Error);
      expect((error as D3Error).code).to.equal('ROLE_CYCLE');
      expect((error as D3Error).message).to.contain('db → web → db');
    }
    expect(cycleOf([role('a', 'a')])).to.deep.equal(['a', 'a']);
  });

  it('staypuft:M-04 a role after one that is not there is refused by name', () => {
    expect(() => levels([role('web', 'db')])).to.throw(D3Error, '"db"');
  });

  it('staypuft:M-04 no role is on a level before one it waits for, and every role is on one', () => {
    fc.assert(
      fc.property(graphs, (roles) => {
        const found = levels(roles);
        const place = new Map(found.flatMap((level, n) => level.map(({ name }) => [name, n] as const)));
        expect([...place.keys()].sort()).to.deep.equal(roles.map(({ name }) => name).sort());
        for (const { name, after } of roles) {
          for (const one of after) expect(place.get(one)).to.be.lessThan(place.get(name) as number);
        }
        expect(cycleOf(roles)).to.equal(null);
      }),
    );
  });

  it('staypuft:M-04 one role that waits for what waits for it makes a ring, which is a way from role to role', () => {
    fc.assert(
      fc.property(graphs, fc.nat(), fc.nat(), (roles, from, to) => {
        const first = roles[from % roles.length] as (typeof roles)[number];
        const behind = [first.name, ...rolesBehind(roles, new Set([first.name]))];
        const last = behind[to % behind.length] as string;
        const ringed = roles.map((one) => (one === first ? role(one.name, ...one.after, last) : one));
        const cycle = cycleOf(ringed);
        expect(cycle).not.to.equal(null);
        expect(cycle?.[0]).to.equal(cycle?.at(-1));
        const after = new Map(ringed.map((one) => [one.name, one.after]));
        for (const [n, name] of (cycle ?? []).slice(0, -1).entries())
          expect(after.get(name)).to.include(cycle?.[n + 1]);
      }),
    );
  });

  it('a chain of thousands of roles is found out without a deep stack', () => {
    const chain = Array.from({ length: 5000 }, (_, n) => role(`r${n}`, `r${(n + 1) % 5000}`));
    expect(cycleOf(chain)).to.have.length(5001);
  });

  it('staypuft:M-05 roles that wait for the same run together, and a blocked role keeps just those behind it from beginning', () => {
    const roles = [role('db'), role('web', 'db'), role('cache', 'db'), role('lb', 'web', 'cache')];
    const ready = (done: string[], blocked: string[] = []) =>
      readyRoles(roles, new Set(done), new Set(blocked)).map(({ name }) => name);
    expect(ready([])).to.deep.equal(['db']);
    expect(ready(['db'])).to.deep.equal(['web', 'cache']);
    expect(ready(['db', 'web'])).to.deep.equal(['cache']);
    expect(ready(['db', 'cache'], ['web'])).to.deep.equal([]);
    expect([...rolesBehind(roles, new Set(['web']))]).to.deep.equal(['lb']);
    expect(levels(roles).map((level) => level.map(({ name }) => name))).to.deep.equal([
      ['db'],
      ['web', 'cache'],
      ['lb'],
    ]);
  });
});
