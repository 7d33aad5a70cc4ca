import { readFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error, type PendingChange, type SettingDeclaration, type StepHere } from '@d3/sdk';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { readAttributes, readingOf, type Values, valuesOf } from '../src/rules/attributes.ts';
import { afterRefusal, MOST_TRIES, rungFor } from '../src/rules/credentials.ts';
import { EVENT_STANDARD, fillEvent, isEventSafe, judgeEvent, readEvent, releaseEvent } from '../src/rules/events.ts';
import { newestLine, readFrom, readOn, shownLine, TAIL_BEGIN, type Tail } from '../src/rules/feed.ts';
import { backOff, elapsed, holdCode, isOverdue, LEAST_POLL, nextPoll } from '../src/rules/hold.ts';
import { judgeName, type NameQuestion, namePattern, proposedName } from '../src/rules/names.ts';
import { inTheWay, mayRelease } from '../src/rules/release.ts';
import { type Console, isAsked, mayStart, type StartQuestion } from '../src/rules/start.ts';
import { LOOP_BEGIN, type Loop, turn } from '../src/rules/update-loop.ts';
import { writtenSettings } from '../src/settings.ts';

const KEYS = ['build', 'site', 'department', 'building'];
const written = (attributes: string[], changes: Partial<Record<'optional' | 'unasked' | 'defaults', string[]>> = {}) =>
  readAttributes({ attributes, optional: [], unasked: [], defaults: [], ...changes });
const record = (changes: object) => ({ department: null, building: null, site: null, attributes: {}, ...changes });
const NOW = new Date('2030-06-01T12:00:00Z');
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof D3Error) return error.code;
    throw error;
  }
  return 'none';
}

describe('what has to be known of a machine', () => {
  it('patchoo:DS-10 each of the four can be wanted or not: all sixteen ways, and none of them is complete at once', () => {
    for (let ways = 0; ways < 16; ways += 1) {
      const wanted = KEYS.filter((_, at) => ways & (1 << at));
      const attributes = written(wanted);
      expect(attributes.map(({ key }) => key)).to.deep.equal(wanted);
      expect(readingOf(attributes, {}).kind).to.equal(wanted.length === 0 ? 'complete' : 'incomplete');
      const said: Values = Object.fromEntries(wanted.map((key) => [key, 'x']));
      expect(readingOf(attributes, said)).to.deep.include({ kind: 'complete', values: said });
    }
  });

  it('patchoo:DS-11 a wanted one is required unless it is optional; a blank is nothing, and a default stands in', () => {
    for (const key of KEYS) {
      const others = Object.fromEntries(KEYS.filter((other) => other !== key).map((other) => [other, 'x']));
      const missing = readingOf(written(KEYS), { ...others, [key]: '  ' });
      expect(missing.kind === 'incomplete' && missing.missing.map((one) => one.key)).to.deep.equal([key]);
      expect(readingOf(written(KEYS, { optional: [key] }), others).kind).to.equal('complete');
      const standing = readingOf(written(KEYS, { defaults: [`${key}=lab`] }), others);
      expect(standing.kind === 'complete' && [standing.values[key], standing.sources[key]]).to.deep.equal([
        'lab',
        'default',
      ]);
    }
  });

  it('patchoo:D-01 a record with all that is wanted is complete, the site among it', () => {
    const attributes = written(KEYS);
    const said = valuesOf(
      record({ site: 'North', department: 'R&D, "Lab"', building: 'Äußere Halle', attributes: { BUILD: 'studio' } }),
      attributes,
      'Build',
    );
    expect(said).to.deep.equal({ build: 'studio', site: 'North', department: 'R&D, "Lab"', building: 'Äußere Halle' });
    expect(readingOf(attributes, said).kind).to.equal('complete');
    expect(valuesOf(null, attributes, 'Build')).to.deep.equal({});
  });

  it('patchoo:DS-18 patchoo:DS-20 further extension attributes are asked for by name; any value comes through as it is', () => {
    const attributes = written(['ea:Room No. (new)']);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const said = valuesOf(record({ attributes: { 'room no. (new)': value } }), attributes, 'Build');
        expect(said).to.deep.equal(value.trim() === '' ? {} : { 'ea:Room No. (new)': value.trim() });
      }),
    );
    expect(attributes[0]?.label).to.equal('Room No. (new)');
  });

  it('says which setting is wrong, and why', () => {
    const table: [() => unknown, RegExp][] = [
      [() => written(['bild']), /provision\.attributes.*"bild" is none of/],
      [() => written(['build', 'build']), /named twice/],
      [() => written(['build'], { optional: ['site'] }), /provision\.optional.*not among/],
      [() => written(['build'], { defaults: ['build'] }), /provision\.defaults.*KEY=VALUE/],
      [() => written(['build'], { unasked: ['ea:'] }), /provision\.unasked/],
      [() => readEvent('; required=no', 'provision.deployEvent'), /no policy or event/],
      [() => readEvent('deploy; retries=-1', 'provision.deployEvent'), /no option/],
      [() => readEvent('deploy; toString=1', 'provision.deployEvent'), /no option/],
      [() => releaseEvent(['testers'], []), /GROUP=EVENT/],
      [() => proposedName('%seriel%', { serial: 'a', model: null }, {}), /none of/],
      [() => namePattern('['), /regular expression/],
    ];
    for (const [work, says] of table) expect(work, String(says)).to.throw(D3Error, says);
  });
});

describe('names of computers', () => {
  const facts = { serial: 'C02ABCDEF123', model: 'Mac15,3' };

  it('patchoo:CN-08 a template takes whole values and pieces of them, and proposes nothing where one is missing', () => {
    const table: [string, Values, string | null][] = [
      ['%serial%', {}, 'C02ABCDEF123'],
      ['%build%-%serial:-6%', { build: 'studio' }, 'studio-DEF123'],
      ['%department:3%%serial:-4%', { department: 'Öffentlichkeit' }, 'ÖffF123'],
      ['%department:2%', { department: '👩‍🎨x'.normalize() }, [...'👩‍🎨x'].slice(0, 2).join('')],
      ['%build%-1', {}, null],
      ['lab-%model%', {}, 'lab-Mac15,3'],
      ['fixed', {}, 'fixed'],
    ];
    for (const [template, values, name] of table)
      expect(proposedName(template, facts, values), template).to.equal(name);
    expect(proposedName('%serial%', { serial: null, model: null }, {})).to.equal(null);
  });

  const question = (changes: Partial<NameQuestion>): NameQuestion => ({
    name: 'lab-7',
    own: 'me',
    owners: [],
    pattern: null,
    taken: 'refuse',
    unchecked: 'ask',
    ...changes,
  });

  it("patchoo:CN-04 patchoo:D-03 one's own name is good, another computer's is not, whatever either is called", () => {
    const table: [Partial<NameQuestion>, string][] = [
      [{ owners: [] }, 'good'],
      [{ owners: ['me'] }, 'good'],
      [{ owners: ['other'] }, 'taken'],
      [{ owners: ['other', 'third'] }, 'taken'],
      [{ owners: ['me', 'other'] }, 'taken'],
      [{ own: null, owners: ['other'] }, 'taken'],
      [{ owners: ['other'], taken: 'allow' }, 'good'],
    ];
    for (const [changes, kind] of table)
      expect(judgeName(question(changes)).kind, JSON.stringify(changes)).to.equal(kind);
  });

  it('patchoo:CN-03 patchoo:CN-05 patchoo:CN-06 patchoo:D-10 blank is refused, spaces within are kept, and who cannot say is not "free"', () => {
    const table: [Partial<NameQuestion>, string][] = [
      [{ name: '' }, 'blank'],
      [{ name: ' \t' }, 'blank'],
      [{ name: 'Art Room 7' }, 'good'],
      [{ name: ' lab' }, 'malformed'],
      [{ name: 'a,b' }, 'malformed'],
      [{ name: 'a\nb' }, 'malformed'],
      [{ name: 'lab-7', pattern: namePattern('lab-\\d') }, 'good'],
      [{ name: 'xlab-7', pattern: namePattern('lab-\\d') }, 'malformed'],
      [{ name: 'b', pattern: namePattern('a|b') }, 'good'],
      [{ name: 'ab', pattern: namePattern('a|b') }, 'malformed'],
      [{ owners: null }, 'unchecked'],
      [{ owners: null, unchecked: 'accept' }, 'good'],
    ];
    for (const [changes, kind] of table)
      expect(judgeName(question(changes)).kind, JSON.stringify(changes)).to.equal(kind);
  });
});

describe('events of a deployment', () => {
  it('patchoo:DR-08 have their options beside them, with usual ones where nothing is said', () => {
    expect(readEvent('deploy', 's')).to.deep.equal({ word: 'deploy', ...EVENT_STANDARD });
    expect(
      readEvent(' set up printers ;required=no; retries=5;timeout=60; onFailure=release ;ifNoPolicy=fail', 's'),
    ).to.deep.equal({
      word: 'set up printers',
      required: false,
      retries: 5,
      timeout: 60,
      onFailure: 'release',
      ifNoPolicy: 'fail',
    });
    expect(readEvent('  ', 's')).to.equal(null);
  });

  it('patchoo:DR-03 an event with a value in it is fired only when the value is known and bends it into no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (build) => {
        const filled = fillEvent('deploy-%build%', { build });
        if (build === '') expect(filled.kind).to.equal('nothing');
        else if (isEventSafe(build)) expect(filled).to.deep.equal({ kind: 'fire', word: `deploy-${build}` });
        else expect(filled.kind).to.equal('unsafe');
      }),
    );
    for (const bad of ['a b', 'a,b', '../x', '-x', 'ä', '$&', 'x'.repeat(61)])
      expect(isEventSafe(bad), bad).to.equal(false);
    for (const good of ['studio', 'Studio_2', 'lab.3-x']) expect(isEventSafe(good), good).to.equal(true);
    expect(fillEvent('deploy-%build%', {}).kind).to.equal('nothing');
    expect(fillEvent('deploy', {})).to.deep.equal({ kind: 'fire', word: 'deploy' });
  });

  it('patchoo:DR-07 what became of one is looked at: no policy is what the settings say, never silently green', () => {
    const judged = (ifNoPolicy: 'ok' | 'warn' | 'fail', run: Parameters<typeof judgeEvent>[2]) => {
      const { kind, warning } = judgeEvent({ ifNoPolicy }, 'deploy', run);
      return `${kind}${warning ? '!' : ''}`;
    };
    const absent = { state: 'absent', text: '' } as const;
    expect([judged('ok', absent), judged('warn', absent), judged('fail', absent)]).to.deep.equal([
      'done',
      'done!',
      'failed',
    ]);
    for (const how of ['ok', 'warn', 'fail'] as const) {
      expect(judged(how, { state: 'failed', text: 'no' })).to.equal('failed');
      expect(judged(how, { state: 'failed', text: 'held', waits: 'person' })).to.equal('failed');
      expect(judged(how, { state: 'ran', text: '' })).to.equal('done');
      expect(judged(how, { state: 'skipped', text: '' })).to.equal('done');
      expect(judged(how, { state: 'ran', text: '', waits: 'restart' })).to.equal('restart');
    }
  });

  it('patchoo:UL-03 patchoo:G7 patchoo:D-19 the release group that counts is the first in the order written, by its whole name', () => {
    const groups = ['patchooDev=update-dev', 'patchooBeta=update-beta', 'a=b=update-odd'];
    const table: [string[], string | null][] = [
      [[], null],
      [['patchooDevelopers'], null],
      [['xpatchooDev'], null],
      [['PATCHOODEV'], 'update-dev'],
      [['patchooBeta', 'patchooDev'], 'update-dev'],
      [['a=b'], 'update-odd'],
    ];
    for (const [mine, event] of table) expect(releaseEvent(groups, mine), mine.join()).to.equal(event);
  });
});

describe('a machine that waits', () => {
  it('patchoo:HP-06 patchoo:D-08 looks every 120 s unless set, more or less a tenth, and never oftener than every 30', async () => {
    const declared = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8')).oclif.d3
      .settings;
    expect(declared['provision.holdPollSeconds']).to.deep.include({ default: 120, kind: { from: 30, to: 3600 } });
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 3600 }), fc.double({ min: 0, max: 1, noNaN: true }), (seconds, random) => {
        const next = nextPoll(seconds, random);
        expect(next).to.be.within(Math.max(LEAST_POLL, seconds * 0.9 - 0.1), seconds * 1.1 + 0.1);
      }),
    );
    expect([nextPoll(120, 0), nextPoll(120, 1)]).to.deep.equal([108, 132]);
  });

  it('patchoo:BS-09 asks a server that does not answer after 2 s, then twice as long each time, up to a minute', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 1000].map(backOff)).to.deep.equal([2, 4, 8, 16, 32, 60, 60, 60]);
  });

  it('patchoo:HP-12 tells once more after so many hours, never where there is no limit, and not by a clock that is set back', () => {
    expect(isOverdue(ago(23.99), NOW, 24)).to.equal(false);
    expect(isOverdue(ago(24), NOW, 24)).to.equal(true);
    expect(isOverdue(ago(100_000), NOW, 0)).to.equal(false);
    expect(isOverdue(ago(-5), NOW, 1)).to.equal(false);
  });

  it('says how long, and has a code on its screen that is not misread and stays the same for the run', () => {
    const seconds = (count: number) => elapsed(new Date(NOW.getTime() - count * 1000).toISOString(), NOW);
    expect([-9, 0, 59, 60, 3599, 3600, 90_000].map(seconds)).to.deep.equal([
      '0 s',
      '0 s',
      '59 s',
      '1 min',
      '59 min',
      '1 h 0 min',
      '1 d 1 h',
    ]);
    const codes = new Set(Array.from({ length: 500 }, (_, at) => holdCode(`run-${at}`)));
    expect(codes.size).to.be.greaterThan(495);
    for (const code of codes) expect(code).to.match(/^[A-HJ-NP-Z2-9]{6}$/);
    expect(holdCode('a')).to.equal(holdCode('a'));
  });
});

describe('the update loop', () => {
  const change = (target: string): PendingChange => ({ target, edition: target, action: 'install' });
  const limits = { maxCycles: 10, stuckCycles: 3 };

  it('patchoo:UL-01 goes on until nothing is pending, and has one cycle at least', () => {
    const first = turn(LOOP_BEGIN, [], limits);
    expect(first).to.deep.equal({ kind: 'cycle', loop: { cycle: 1, before: [], stuck: 0, open: true, restarts: [] } });
    const { loop } = first as { loop: Loop };
    expect(turn({ ...loop, open: false }, [], limits)).to.deep.equal({ kind: 'done' });
    expect(turn(loop, [], limits), 'what was cut goes on, and counts once').to.deep.equal({ kind: 'cycle', loop });
  });

  it('patchoo:UL-08 patchoo:D-18 patchoo:G9 is stuck when nothing came off the list in so many cycles', () => {
    let loop = LOOP_BEGIN;
    const kinds: string[] = [];
    for (let at = 0; at < 6; at += 1) {
      const next = turn(loop, [change('bad-1-1')], limits);
      kinds.push(next.kind);
      if (next.kind !== 'cycle') {
        expect('why' in next && next.why).to.match(/3 cycles: install bad-1-1/);
        break;
      }
      loop = { ...next.loop, open: false };
    }
    expect(kinds).to.deep.equal(['cycle', 'cycle', 'cycle', 'stuck']);
  });

  it('ends for every machine there can be: whatever appears and goes, after the most cycles at the latest', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(fc.uniqueArray(names), { minLength: 40, maxLength: 40 }), (answers) => {
        let loop = LOOP_BEGIN;
        for (const [at, pending] of answers.entries()) {
          const next = turn(loop, pending.map(change), limits);
          if (next.kind !== 'cycle') {
            if (next.kind === 'done') expect(pending).to.deep.equal([]);
            else expect(pending).not.to.deep.equal([]);
            return;
          }
          expect(at).to.be.lessThan(limits.maxCycles);
          expect(next.loop.cycle).to.equal(loop.cycle + 1);
          loop = { ...next.loop, open: false };
        }
        expect.fail('it went on for ever');
      }),
    );
  });

  it('a list that gets shorter is never stuck, whatever comes onto it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), (count) => {
        let loop = LOOP_BEGIN;
        for (let left = count; left > 0; left -= 1) {
          const list = Array.from({ length: left }, (_, at) => change(`p${at}`));
          const next = turn(loop, [...list, change(`new${left}`)], limits);
          expect(next.kind).to.equal('cycle');
          loop = { ...(next as { loop: Loop }).loop, open: false };
        }
      }),
    );
  });
});

describe('the release of a machine', () => {
  const step = (state: StepHere['state'], required: boolean): StepHere => ({
    name: 'deploy',
    kind: 'provision-event',
    args: {},
    state,
    required,
    attempts: 1,
    startedAt: null,
    endedAt: null,
    text: 'no',
    notBefore: null,
    skipped: null,
  });

  it('patchoo:DR-08 patchoo:SQ-09 never comes about while a required step failed, unless somebody decided so on record', () => {
    const state = fc.constantFrom<StepHere['state']>('pending', 'started', 'done', 'failed', 'skipped');
    const override = fc.option(fc.constant({ by: 'sally', at: NOW.toISOString(), why: 'enough' }));
    fc.assert(
      fc.property(fc.array(fc.tuple(state, fc.boolean())), override, (steps, decided) => {
        const run = { steps: steps.map(([how, required]) => step(how, required)) };
        const bad = steps.some(([how, required]) => how === 'failed' && required);
        expect(mayRelease(run, decided)).to.equal(decided !== null || !bad);
        expect(inTheWay(run).length > 0).to.equal(bad);
      }),
    );
  });
});

describe('the start of a deployment', () => {
  const question = (changes: Partial<StartQuestion>): StartQuestion => ({
    enrolment: 'new',
    mark: 'a',
    released: null,
    open: false,
    again: false,
    ...changes,
  });

  it('patchoo:DS-27 patchoo:EN-09 patchoo:G10 a renewal never starts one, whatever else is so', () => {
    const any = fc.record({
      mark: fc.option(fc.string()),
      released: fc.option(fc.string()),
      open: fc.boolean(),
      again: fc.boolean(),
    });
    fc.assert(
      fc.property(any, (rest) => {
        expect(mayStart({ enrolment: 'renewal', ...rest }).kind).to.equal('refuse');
      }),
    );
  });

  it('patchoo:DS-26 patchoo:EN-09 each path of enrolment has its start', () => {
    const table: [string, Partial<StartQuestion>, string][] = [
      ['out of the box', {}, 'begin'],
      ['erased and enrolled again', { mark: 'b', released: null }, 'begin'],
      ['enrolled anew without being erased, another id', { mark: 'b', released: 'a' }, 'begin'],
      ['the same enrolment once more', { released: 'a' }, 'refuse'],
      ['nobody knows which enrolment', { mark: null, released: 'a' }, 'refuse'],
      ['asked for by hand', { released: 'a', again: true }, 'begin'],
      ['moved from another management', { enrolment: 'existing' }, 'refuse'],
      ['the same, asked for by hand', { enrolment: 'existing', again: true }, 'begin'],
      ['one under way', { open: true, released: 'a' }, 'resume'],
    ];
    for (const [name, changes, kind] of table) expect(mayStart(question(changes)).kind, name).to.equal(kind);
  });

  it('patchoo:DS-07 patchoo:DS-09 patchoo:D-07 nobody is asked who is not there, and nobody at all where that is set', () => {
    const asked = (console: Console) => isAsked('interactive', console);
    const all: Console[] = ['user', 'setup-assistant', 'nobody', 'screensaver', 'other-user'];
    expect(all.map(asked)).to.deep.equal([true, true, false, false, false]);
    for (const console of all) expect(isAsked('never', console)).to.equal(false);
  });
});

describe('who writes what was answered', () => {
  it('patchoo:AP-09 patchoo:AP-11 patchoo:AP-19 goes down the ladder: a stored one only when allowed, and never one that others can read', () => {
    const table: [Parameters<typeof rungFor>[0], string][] = [
      [{ stored: 'none', isOpen: false, writeAllowed: false, canAsk: false }, 'assign'],
      [{ stored: 'none', isOpen: false, writeAllowed: false, canAsk: true }, 'technician'],
      [{ stored: 'read', isOpen: false, writeAllowed: true, canAsk: true }, 'technician'],
      [{ stored: 'read', isOpen: false, writeAllowed: true, canAsk: false }, 'assign'],
      [{ stored: 'write', isOpen: false, writeAllowed: true, canAsk: false }, 'stored'],
      [{ stored: 'write', isOpen: false, writeAllowed: false, canAsk: true }, 'technician'],
      [{ stored: 'write', isOpen: true, writeAllowed: true, canAsk: true }, 'refuse'],
      [{ stored: 'read', isOpen: true, writeAllowed: true, canAsk: true }, 'refuse'],
    ];
    for (const [asked, kind] of table) expect(rungFor(asked).kind, JSON.stringify(asked)).to.equal(kind);
  });

  it('patchoo:AP-10 patchoo:D-04 wrong ones are asked for again, but not until an account is locked; skipping leaves it to an admin', () => {
    for (let tries = 1; tries < MOST_TRIES; tries += 1) expect(afterRefusal(tries, 'again')).to.equal('ask');
    expect(afterRefusal(MOST_TRIES, 'again')).to.equal('assign');
    expect(afterRefusal(1, 'skip')).to.equal('assign');
  });
});

describe('the newest line of a log', () => {
  const ignore = ['The management framework will be enforced', 'Checking for policies triggered by'];

  it('patchoo:BS-13 is shown without its date, a blank line for each colon, whatever its host is called', () => {
    const table: [string, string][] = [
      [
        'Tue Oct 14 17:47:14 HOST jamf[21302]: Installing Acrobat.pkg...',
        '17:47:14 HOST jamf[21302]\n\nInstalling Acrobat.pkg...',
      ],
      [
        'Tue Oct  4 07:47:14 Anna\u2019s Mac Pro jamf[1]: Executing Policy: deploy',
        '07:47:14 Anna\u2019s Mac Pro jamf[1]\n\nExecuting Policy\n\ndeploy',
      ],
      ['no date here: x', 'no date here\n\nx'],
      ['Tue Oct 14 17:47:14 H d:\ta\u0007b', '17:47:14 H d\n\nab'],
      ['a:b http://x', 'a:b http://x'],
    ];
    for (const [line, shown] of table) expect(shownLine(line)).to.equal(shown);
  });

  it('patchoo:BS-14 steps back over ignored ones, so far and no further; none at all leaves the base message', () => {
    expect(newestLine([], ignore)).to.equal(null);
    expect(newestLine(['', '  '], ignore)).to.equal(null);
    expect(newestLine(['x Checking for policies triggered by "deploy"...'], ignore)).to.equal(null);
    expect(newestLine(['first', 'The management framework will be enforced', ''], ignore)).to.equal('first');
    expect(newestLine(['first', ...Array<string>(10_000).fill(ignore[0] as string)], ignore)).to.equal(null);
    expect(newestLine(['a', 'b'], [''])).to.equal('b');
  });

  it('patchoo:BS-13 follows a log through every cut of its bytes, rotation and truncation', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ' '));
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(50)),
        (files, cuts) => {
          let tail: Tail = TAIL_BEGIN;
          const seen: string[] = [];
          for (const [at, lines] of files.entries()) {
            const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
            const ends = [...new Set([...cuts.filter((cut) => cut < bytes.length), bytes.length])].toSorted(
              (a, b) => a - b,
            );
            for (const size of ends) {
              const from = readFrom(tail, `file-${at}`, size);
              if (from !== null) tail = readOn(tail, `file-${at}`, from, bytes.subarray(from, size));
            }
            seen.push(...lines);
            expect(tail.lines).to.deep.equal(seen);
          }
        },
      ),
    );
    const emptied = readOn(TAIL_BEGIN, 'f', 0, Buffer.from('one\ntwo\n'));
    expect(readFrom(emptied, 'f', 4)).to.equal(0);
    expect(readFrom(emptied, 'f', 8)).to.equal(null);
  });
});

describe('the settings of deployments', () => {
  const declared = JSON.parse(readFileSync(path.join(import.meta.dirname, '../package.json'), 'utf8')) as {
    oclif: { d3: { settings: Record<string, SettingDeclaration> } };
  };

  it('have defaults that can be used as they are', async () => {
    const entries = Object.entries(declared.oclif.d3.settings).map(([name, { default: value = null }]) => [
      name,
      value,
    ]);
    const settings = await writtenSettings({ all: async () => Object.fromEntries(entries) });
    expect(readAttributes(settings).map(({ key, required, asked }) => [key, required, asked])).to.deep.equal([
      ['build', true, true],
      ['department', true, true],
    ]);
    expect(readEvent(settings.deployEvent, 's')?.word).to.equal('deploy');
    expect(readEvent(settings.buildEvent, 's')?.word).to.equal('deploy-%build%');
    expect(codeOf(() => namePattern(settings.namePattern))).to.equal('none');
    expect(Object.keys(settings).length).to.equal(entries.length);
  });
});
