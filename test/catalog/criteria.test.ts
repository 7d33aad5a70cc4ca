import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  type Criteria,
  criterionMet,
  isOfKind,
  leavesOf,
  likeProblem,
  machineMeets,
  OPERATORS,
  patternProblem,
} from '../../src/catalog/criteria.ts';
import { criteriaText, parseCriteria } from '../../src/catalog/criteria-text.ts';
import { subject } from './subject.ts';

const meets = (text: string, changes = {}) => machineMeets(parseCriteria(text), 'aa', subject(changes));

describe('criteria of smart groups', () => {
  it('ask each fact by each operator', () => {
    for (const [text, expected] of [
      ['os is macos', true],
      ['os is not macOS', false],
      ['os-version is 15.6.0', true],
      ['os-version >= 15', true],
      ['os-version > 15.6', false],
      ['os-version < 15.10', true],
      ['os-version <= 9', false],
      ['cpu = arm64', true],
      ['cpu != arm64', false],
      ['model like MacBook', true],
      ['model like "macbook*"', true],
      ['model like "*pro"', false],
      ['model not like iMac', true],
      ['name matches "^lab \\\\d+$"', true],
      ["name not matches '^room'", true],
      ['serial is c02xk1abjg5h', true],
      ['installed is transmogrifier', true],
      ['installed is transmogrifier-2.1-1', true],
      ['installed is not transmogrifier', false],
      ['installed is not other', true],
      ['last-report > 2', true],
      ['last-report > 10', false],
      ['provisioning.state is complete', true],
      ['provisioning.build >= 2026.10', false],
      ['provisioning.nothing is x', false],
      ['provisioning.nothing is not x', true],
    ] as const)
      expect(meets(text), text).to.equal(expected);
  });

  it('bind "and" closer than "or", and parentheses closest', () => {
    expect(meets('os is debian and cpu is arm64 or name is "Lab 1"')).to.equal(true);
    expect(meets('os is debian and (cpu is arm64 or name is "Lab 1")')).to.equal(false);
  });

  it('that nobody here knows, or nobody answers, are not met, and their opposite is where it is known to be asked', () => {
    const newer = { fact: 'moon', op: 'is', not: true, value: 'full' } as const;
    expect(machineMeets(newer, 'aa', subject()), 'a fact of a newer d3').to.equal(false);
    expect(meets('serial is x', { serial: null })).to.equal(false);
    expect(meets('serial is not x', { serial: null })).to.equal(true);
    expect(machineMeets({ members: ['aa'], not: false }, 'aa', subject())).to.equal(true);
    expect(machineMeets({ members: ['aa'], not: true }, 'bb', subject())).to.equal(true);
  });

  it('that somebody failed to answer are neither met nor is their opposite, whatever stands beside them', () => {
    const failed = { provisioning: { state: 'begun' }, provisioningComplete: false };
    for (const text of ['provisioning.build is 7', 'provisioning.build is not 7', 'provisioning.build not like 7'])
      expect(meets(text, failed), text).to.equal(false);
    expect(meets('provisioning.state is not complete', failed), 'what is known all the same').to.equal(true);
    expect(meets('provisioning.build is not 7 or cpu is arm64', failed)).to.equal(true);
    expect(meets('provisioning.build is not 7 and cpu is arm64', failed)).to.equal(false);
  });

  it('compare numbers as numbers, dates as dates, and nothing else with either', () => {
    const is = (kind: 'number' | 'date' | 'text', op: '>' | 'is', value: string, has: string) =>
      criterionMet({ fact: 'ea', op, not: false, value }, { kind, values: [has] });
    expect(is('number', '>', '3.10', '3.5')).to.equal(true);
    expect(is('number', 'is', '3.0', '3')).to.equal(true);
    expect(is('date', '>', '2026-01-31', '2026-02-01')).to.equal(true);
    expect(is('date', '>', '2026-01-31', 'soon')).to.equal(false);
    expect(is('text', '>', '1', '2')).to.equal(false);
    expect(isOfKind('2026-13-01', 'date')).to.equal(false);
  });

  it('name the place of what is wrong', () => {
    for (const [text, why] of [
      ['', 'there are none'],
      ['os is', 'a value after os is is missing at the end'],
      ['os macOS', 'after os an operator is missing'],
      ['os is mac and', 'a fact is missing at the end'],
      ['(os is mac', 'a ( is not closed'],
      ['os is mac)', 'a ) has no ('],
      ['department is Human Resources', '"Resources" (at 21) needs "and" or "or"'],
      ['os is "mac', 'opens a quotation that does not end'],
    ] as const)
      expect(() => parseCriteria(text), text)
        .to.throw()
        .with.property('message')
        .that.includes(why);
    expect(() => parseCriteria('('.repeat(30))).to.throw(/deeper than 20/);
    expect(() => parseCriteria(Array(200).fill('os is x').join(' and '))).to.throw(/more than 100/);
  });

  it('refuse patterns that could take for ever, and take ordinary ones', () => {
    for (const bad of ['(a+)+$', '(a|aa)*b', '([', '(a)\\1', 'a*b*c*d*', 'x'.repeat(201)])
      expect(patternProblem(bad), bad).to.be.a('string');
    for (const good of ['^lab-\\d+$', '(mac|lab)-[0-9]{2}', '[(+*)]+', '\\(a\\)'])
      expect(patternProblem(good), good).to.equal(null);
    expect(likeProblem('a*b*c*d*')).to.be.a('string');
  });

  const word = fc
    .string({ minLength: 1, maxLength: 20 })
    .filter((text) => text.trim() === text && !/\p{Cc}/u.test(text));
  const leaf = fc.record({
    fact: fc.constantFrom('os', 'name', 'ea.Asset owner', 'provisioning.state'),
    op: fc.constantFrom(...OPERATORS),
    not: fc.boolean(),
    value: word,
  });
  const { criteria } = fc.letrec<{ criteria: Criteria; several: Criteria[] }>((tie) => ({
    criteria: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.record({ all: tie('several') }),
      fc.record({ any: tie('several') }),
    ),
    several: fc.array(tie('criteria'), { minLength: 2, maxLength: 3 }),
  }));
  /** Comparisons have no opposite of their own in the language. */
  const isSayable = (found: Criteria): boolean => leavesOf(found).every(({ not, op }) => !(not && /[<>]/.test(op)));

  it('read back what they are written as', () => {
    fc.assert(
      fc.property(criteria.filter(isSayable), (found) => {
        expect(parseCriteria(criteriaText(found))).to.deep.equal(found);
      }),
    );
  });
});
