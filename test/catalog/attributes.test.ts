import type { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import {
  ATTRIBUTE_FLAGS,
  attributeConflicts,
  DEFAULT_ATTRIBUTES,
  type NamesKnown,
  type ReadAttributes,
  readAttributes,
  type TypedAttributes,
} from '../../src/catalog/attributes.ts';
import type { EditionAttributes } from '../../src/catalog/types.ts';

const KNOWN: NamesKnown = {
  categories: ['Toys', 'Productivity'],
  groups: [
    { id: 4, name: 'Special Macs' },
    { id: 5, name: 'lab' },
  ],
  scripts: [
    { id: 324, name: 'check' },
    { id: 9, name: '/tmp/named-like-a-file' },
  ],
  isFile: (path) => path.startsWith('/tmp/'),
};

function read(typed: TypedAttributes): ReadAttributes {
  const { read: result, problems } = readAttributes(typed, KNOWN);
  expect(problems.map((problem) => problem.message)).to.deep.equal([]);
  return result;
}

function problemsOf(typed: TypedAttributes): D3Error[] {
  return readAttributes(typed, KNOWN).problems;
}

describe('attributes as an admin types them', () => {
  it('nothing given reads as nothing', () => {
    expect(read({})).to.deep.equal({ attributes: {}, scripts: {} });
  });

  type Typed = keyof TypedAttributes & keyof EditionAttributes;
  const good: [key: Typed, text: string, value: unknown][] = [
    ['packageName', 'Transmogrifier 2', 'Transmogrifier 2'],
    ['category', 'productivity', 'Productivity'],
    ['category', 'n', null],
    ['category', 'None', null],
    ['description', 'two\nlines', 'two\nlines'],
    ['description', '', ''],
    ['oses', '>=10.9.5, debian 12', ['>=10.9.5', 'debian 12']],
    ['oses', 'n', []],
    ['cpu', 'intel', 'x86_64'],
    ['cpu', 'arm64', 'arm64'],
    ['cpu', 'none', null],
    ['cpu', 'n', null],
    ['reboot', 'y', true],
    ['reboot', 'n', false],
    ['removable', 'no', false],
    ['removeFirst', 'YES', true],
    ['prohibitingProcesses', 'Safari, Google Chrome,Safari', ['Safari', 'Google Chrome']],
    ['prohibitingProcesses', 'none', []],
    ['autoGroups', 'lab,special macs', [5, 4]],
    ['autoGroups', 'lab, Lab ,lab', [5]],
    ['autoGroups', 'n', []],
    ['autoGroups', 'standard', ['standard']],
    ['autoGroups', 'lab,standard,nix', ['standard']],
    ['excludedGroups', 'LAB', [5]],
    ['excludedGroups', 'none', []],
    ['expiration', '30', 30],
    ['expiration', '0', 0],
    ['expiration', 'n', 0],
    ['expirationPaths', '/Applications/A.app, /Applications/B.app', ['/Applications/A.app', '/Applications/B.app']],
    ['expirationPaths', 'none', []],
    ['firmExpiration', '2028-02-29', { on: '2028-02-29' }],
    ['firmExpiration', '90', { days: 90 }],
    ['firmExpiration', '90d', { days: 90 }],
    ['firmExpiration', '0', null],
    ['firmExpiration', 'none', null],
    ['packageScripts', 'ignore', 'ignore'],
    ['packageScripts', 'refuse', 'refuse'],
    ['setuid', 'keep', 'keep'],
    ['setuid', 'drop', 'drop'],
  ];
  for (const [key, text, value] of good) {
    it(`${ATTRIBUTE_FLAGS[key]} ${JSON.stringify(text)} is ${JSON.stringify(value)}`, () => {
      expect(read({ [key]: text })).to.deep.equal({ attributes: { [key]: value }, scripts: {} });
    });
  }

  it('version, revision and file name are read beside the attributes, spaces in a version as _', () => {
    expect(read({ version: '2.1 beta', revision: '3', filename: 'a b.pkg' })).to.deep.equal({
      version: '2.1_beta',
      revision: 3,
      filename: 'a b.pkg',
      attributes: {},
      scripts: {},
    });
  });

  const scripts: [text: string, reference: unknown][] = [
    ['324', { kind: 'document', id: 324 }],
    ['CHECK', { kind: 'document', id: 324 }],
    ['/tmp/test-preinstall', { kind: 'file', path: '/tmp/test-preinstall' }],
    ['/tmp/named-like-a-file', { kind: 'file', path: '/tmp/named-like-a-file' }],
    ['n', null],
    ['none', null],
  ];
  for (const slot of ['preInstall', 'postInstall', 'preRemove', 'postRemove'] as const) {
    for (const [text, reference] of scripts) {
      it(`${ATTRIBUTE_FLAGS[slot]} ${text} is ${JSON.stringify(reference)}`, () => {
        expect(read({ [slot]: text })).to.deep.equal({ attributes: {}, scripts: { [slot]: reference } });
      });
    }
  }

  const bad: [key: keyof TypedAttributes, text: string, said: string, exit: string][] = [
    ['version', '', '""', 'usage'],
    ['version', '1/2', '"1/2"', 'usage'],
    ['revision', '0', '"0"', 'usage'],
    ['revision', 'two', '"two"', 'usage'],
    ['packageName', '  ', '"  "', 'usage'],
    ['packageName', 'a\nb', 'one line', 'usage'],
    ['packageName', 'x'.repeat(256), '255', 'usage'],
    ['filename', 'a/b.pkg', '"a/b.pkg"', 'usage'],
    ['filename', '..', '".."', 'usage'],
    ['filename', 'a\u0000b', 'control', 'usage'],
    ['filename', '', '""', 'usage'],
    ['category', '', '""', 'usage'],
    ['oses', '10.9.x,snow', '"snow"', 'usage'],
    ['cpu', 'ppc', '"ppc"', 'usage'],
    ['cpu', 'constructor', '"constructor"', 'usage'],
    ['reboot', 'maybe', 'y, yes, true, 1 or n, no, false, 0', 'usage'],
    ['removable', '', '""', 'usage'],
    ['removeFirst', '2', '"2"', 'usage'],
    ['prohibitingProcesses', 'a\tb', 'one line', 'usage'],
    ['autoGroups', 'nix', 'nix', 'notFound'],
    ['autoGroups', 'Standard', 'Standard', 'notFound'],
    ['excludedGroups', 'nix', 'nix', 'notFound'],
    ['excludedGroups', 'standard', 'cannot be excluded', 'usage'],
    ['preInstall', '999', '999', 'notFound'],
    ['postInstall', 'nix', 'nix', 'notFound'],
    ['preRemove', './nix', './nix', 'notFound'],
    ['postRemove', '7zip', '7zip', 'notFound'],
    ['expiration', '-1', '"-1"', 'usage'],
    ['expiration', '1.5', '"1.5"', 'usage'],
    ['expiration', 'soon', '"soon"', 'usage'],
    ['expirationPaths', '/a,b', '"b"', 'usage'],
    ['firmExpiration', '2027-02-29', '"2027-02-29"', 'usage'],
    ['firmExpiration', 'soon', '"soon"', 'usage'],
    ['firmExpiration', '-3', '"-3"', 'usage'],
    ['category', 'Nonsense', 'Nonsense', 'notFound'],
    ['packageScripts', 'run', '"run"', 'usage'],
    ['setuid', 'yes', '"yes"', 'usage'],
  ];
  for (const [key, text, said, exit] of bad) {
    it(`${ATTRIBUTE_FLAGS[key]} ${JSON.stringify(text.slice(0, 20))} is refused, naming the flag and why`, () => {
      const problems = problemsOf({ [key]: text });
      expect(problems.map((problem) => [problem.target, problem.exit])).to.deep.equal([[ATTRIBUTE_FLAGS[key], exit]]);
      expect(problems[0]?.message).to.include(said);
    });
  }

  it('every attribute that can be typed has a row of its own above', () => {
    const rows = new Set<string>([...good, ...bad].map(([key]) => key));
    expect(Object.keys(ATTRIBUTE_FLAGS).filter((key) => !rows.has(key))).to.deep.equal([]);
  });

  it('depot3:BUG-45 yes and no may be typed as y, yes, true, 1 and n, no, false, 0, in any case', () => {
    const answers: [words: string[], read: boolean | null][] = [
      [['y', 'yes', 'true', '1', 'Y', 'Yes', 'TRUE'], true],
      [['n', 'no', 'false', '0', 'N', 'No', 'FALSE'], false],
      [['', 'on', '2', 'yess', ' y', 'none'], null],
    ];
    for (const key of ['reboot', 'removable', 'removeFirst'] as const) {
      for (const [words, answer] of answers) {
        for (const word of words) {
          const { read: result, problems } = readAttributes({ [key]: word }, KNOWN);
          expect(problems.length === 0 ? result.attributes[key] : null, `${key} ${word}`).to.equal(answer);
        }
      }
    }
  });

  it('unknown names and malformed values are all told at once, each with its flag', () => {
    const problems = problemsOf({
      version: '1/2',
      autoGroups: 'nix,lab,nada',
      excludedGroups: 'nil',
      preInstall: '999',
      postRemove: 'nothing',
      reboot: 'maybe',
    });
    expect(problems.map((problem) => `${problem.target} ${problem.exit}`).toSorted()).to.deep.equal([
      '-G/--excluded-groups notFound',
      '-R/--reboot usage',
      '-T/--post-remove notFound',
      '-e/--pre-install notFound',
      '-g/--auto-groups notFound',
      '-g/--auto-groups notFound',
      '-v/--version usage',
    ]);
    const text = problems.map((problem) => problem.message).join('\n');
    for (const name of ['nix', 'nada', 'nil', '999', 'nothing']) expect(text).to.include(name);
  });

  it('an unknown group says how to make it, an unknown script where to look', () => {
    const [group, script] = problemsOf({ autoGroups: 'nix', preInstall: 'nada' });
    expect(group?.actions.join()).to.include('d3admin group add nix');
    expect(script?.actions.join()).to.include('d3admin script list');
  });
});

describe('rules between attributes, on the edition as it would be', () => {
  const base: EditionAttributes = { ...DEFAULT_ATTRIBUTES, packageName: 'foo' };
  const conflicts = (changes: Partial<EditionAttributes>) =>
    attributeConflicts({ ...base, ...changes }, (id) => `group-${id}`).map((problem) => problem.code);

  it('the defaults contradict nothing', () => expect(conflicts({})).to.deep.equal([]));

  it('depot3:BUG-34 an expiration without a path is an error, whichever of the two was set or cleared', () => {
    const expiring = { ...base, expiration: 30, expirationPaths: ['/Applications/A.app'] };
    expect(conflicts(expiring)).to.deep.equal([]);
    const cleared = read({ expirationPaths: 'none' }).attributes;
    expect(conflicts({ ...expiring, ...cleared })).to.deep.equal(['EXPIRATION_WITHOUT_PATH']);
    expect(conflicts(read({ expiration: '30' }).attributes)).to.deep.equal(['EXPIRATION_WITHOUT_PATH']);
    expect(conflicts({ ...expiring, ...read({ expiration: '0', expirationPaths: 'n' }).attributes })).to.deep.equal([]);
  });

  it('a path without an expiration is fine', () => {
    expect(conflicts({ expirationPaths: ['/Applications/A.app'] })).to.deep.equal([]);
  });

  it('a group cannot be both auto and excluded; every such group is named', () => {
    const overlap = { autoGroups: [4, 5, 6], excludedGroups: [6, 4] };
    const [problem] = attributeConflicts({ ...base, ...overlap }, (id) => `group-${id}`);
    expect(problem?.code).to.equal('GROUPS_OVERLAP');
    expect(problem?.exit).to.equal('refused');
    expect(problem?.message).to.include('group-4, group-6');
    expect(problem?.message).not.to.include('group-5');
  });

  it('standard with an excluded group means all machines but those', () => {
    expect(conflicts({ autoGroups: ['standard'], excludedGroups: [5] })).to.deep.equal([]);
  });

  it('all conflicts are told together', () => {
    expect(conflicts({ autoGroups: [4], excludedGroups: [4], expiration: 1 })).to.deep.equal([
      'GROUPS_OVERLAP',
      'EXPIRATION_WITHOUT_PATH',
    ]);
  });
});
