import { expect } from 'chai';
import fc from 'fast-check';
import {
  basenameProblem,
  cleanVersion,
  editionString,
  MAX_REVISION,
  revisionProblem,
  versionProblem,
  wholeNumber,
} from '../../src/catalog/names.ts';

const FIRST = [...'abzABZ0189'];
const LATER = [...FIRST, '.', '_', '+', '-'];

/** Words of one first character and any number of later ones. */
function words(later: string[], longest: number): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...FIRST),
      fc.string({ unit: fc.constantFrom(...later), minLength: 0, maxLength: longest - 1 }),
    )
    .map(([first, rest]) => first + rest);
}

describe('names', () => {
  describe('basename', () => {
    for (const good of ['a', '7zip', 'transmogrifier', 'Foo.Bar_1+x-', 'constructor', 'a'.repeat(60)]) {
      it(`takes ${good}`, () => expect(basenameProblem(good)).to.equal(null));
    }
    for (const bad of ['', '-a', '.a', '_a', '+a', 'a b', 'a/b', 'a~', 'ä', 'a\n', '../a', 'a'.repeat(61)]) {
      it(`refuses ${JSON.stringify(bad)}, naming it`, () => expect(basenameProblem(bad)).to.include(`"${bad}"`));
    }

    it('takes every word of its alphabet up to 60 characters, and none with another character', () => {
      const stranger = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((c) => !/[\w.+-]/.test(c));
      fc.assert(
        fc.property(words(LATER, 60), stranger, fc.nat(), (word, strange, at) => {
          expect(basenameProblem(word)).to.equal(null);
          const cut = at % (word.length + 1);
          expect(basenameProblem(word.slice(0, cut) + strange + word.slice(cut))).to.be.a('string');
        }),
      );
    });
  });

  describe('version', () => {
    for (const good of ['1', '2.1.2', '12.5a3', '1-2', '1~rc1', 'v1+b_2', '9'.repeat(30)]) {
      it(`takes ${good}`, () => expect(versionProblem(good)).to.equal(null));
    }
    for (const bad of ['', '~1', '-1', '1 2', '1/2', '1:2', '1\n', '9'.repeat(31)]) {
      it(`refuses ${JSON.stringify(bad)}, naming it`, () => expect(versionProblem(bad)).to.include(`"${bad}"`));
    }

    const spaced: [typed: string, version: string][] = [
      ['2.1 beta 3', '2.1_beta_3'],
      ['  1.0 ', '1.0'],
      ['1\t2', '1_2'],
      ['1  2', '1__2'],
      ['1.0', '1.0'],
    ];
    for (const [typed, version] of spaced) {
      it(`${JSON.stringify(typed)} becomes ${version}`, () => expect(cleanVersion(typed)).to.equal(version));
    }

    it('is clean after cleaning once', () => {
      fc.assert(
        fc.property(fc.string(), (typed) => {
          const once = cleanVersion(typed);
          expect(cleanVersion(once)).to.equal(once);
          expect(once).not.to.match(/\s/);
        }),
      );
    });
  });

  describe('revision', () => {
    for (const good of ['1', '2', '10', '007', String(MAX_REVISION)]) {
      it(`takes ${good}`, () => expect(revisionProblem(good)).to.equal(null));
    }
    for (const bad of ['', '0', '-1', '1.5', '1e3', ' 1', '1 ', '1a', '0x1', '٣', String(MAX_REVISION + 1)]) {
      it(`refuses ${JSON.stringify(bad)}, naming it`, () => expect(revisionProblem(bad)).to.include(`"${bad}"`));
    }
  });

  describe('edition', () => {
    it('is basename, version and revision joined by hyphens', () => {
      expect(editionString('transmogrifier', '2.1.2', 1)).to.equal('transmogrifier-2.1.2-1');
    });

    it('is the same for a-1/2/3 and a/1-2/3, so it can never be taken apart', () => {
      expect(editionString('a-1', '2', 3)).to.equal(editionString('a', '1-2', 3));
    });

    it('gives its revision back as what follows the last hyphen, whatever the other two are', () => {
      fc.assert(
        fc.property(
          words(LATER, 60),
          words([...LATER, '~'], 30),
          fc.integer({ min: 1, max: MAX_REVISION }),
          (basename, version, revision) => {
            const edition = editionString(basename, version, revision);
            expect(versionProblem(version)).to.equal(null);
            expect(edition.slice(edition.lastIndexOf('-') + 1)).to.equal(String(revision));
            expect(edition.slice(0, edition.lastIndexOf('-'))).to.equal(`${basename}-${version}`);
          },
        ),
      );
    });
  });

  describe('whole number', () => {
    const table: [word: string, number: number | null][] = [
      ['7', 7],
      ['0', 0],
      ['007', 7],
      ['7zip', null],
      ['7zip-x', null],
      ['7.0', null],
      ['-7', null],
      ['+7', null],
      [' 7', null],
      ['', null],
      ['1e3', null],
      ['9007199254740991', 9007199254740991],
      ['9007199254740993', null],
    ];
    for (const [word, number] of table) {
      it(`${JSON.stringify(word)} is ${number}`, () => expect(wholeNumber(word)).to.equal(number));
    }
  });
});
