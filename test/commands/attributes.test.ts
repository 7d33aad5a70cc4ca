import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Envelope } from '@d3/sdk';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { attributeFlags, buildFlags } from '../../src/cli/flags.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type LineEnded, linesOf } from './lines.ts';

/** One attribute as the ancestor's table has it: everything about it that can be typed and seen on the command line. */
interface AttributeRow {
  /** Every way to type its flag. */
  flags: readonly string[];
  /** What an edition shows of it. */
  shown: (edition: Edition) => unknown;
  /** Of a new basename where it is not given; `edition` names the edition. */
  byDefault: (edition: string) => unknown;
  typed: string;
  /** What `typed` comes to. */
  becomes: unknown;
  /** Whether the next edition of the basename takes it over. */
  inherited: boolean;
  /** What `n` and `none` come to; undefined: they clear nothing. */
  cleared?: unknown;
  bad: readonly [typed: string, exit: number, said: string][];
}

const yesNo = (
  flags: readonly string[],
  shown: AttributeRow['shown'],
  byDefault: boolean,
): Omit<AttributeRow, 'typed' | 'becomes'> => ({
  flags,
  shown,
  byDefault: () => byDefault,
  inherited: true,
  bad: [['perhaps', 2, 'neither yes nor no']],
});

const slot = (
  flags: readonly string[],
  shown: (edition: Edition) => { name: string } | null,
): Omit<AttributeRow, 'typed' | 'becomes'> => ({
  flags,
  shown: (edition) => shown(edition)?.name ?? null,
  byDefault: () => null,
  inherited: true,
  cleared: null,
  bad: [['no-such-script', 34, 'no-such-script']],
});

/** In the order of the ancestor's table; `check` (4) is a script, `Toys` a category, `lab` (1) and `office` (2) are groups. */
const TABLE: Record<keyof typeof attributeFlags, AttributeRow> = {
  version: {
    flags: ['--version', '-v'],
    shown: ({ version }) => version,
    byDefault: () => '1',
    typed: '2.1 beta',
    becomes: '2.1_beta',
    inherited: true,
    bad: [
      ['', 2, 'version'],
      ['a/b', 2, 'a/b'],
      ['x'.repeat(31), 2, '1 to 30'],
    ],
  },
  revision: {
    flags: ['--revision', '-r'],
    shown: ({ revision }) => revision,
    byDefault: () => 1,
    typed: '7',
    becomes: 7,
    inherited: false,
    bad: [
      ['x', 2, 'whole number'],
      ['0', 2, 'whole number'],
      ['1.5', 2, 'whole number'],
    ],
  },
  'package-name': {
    flags: ['--package-name', '-n'],
    shown: ({ packageName }) => packageName,
    byDefault: (edition) => edition,
    typed: 'Transmogrifier for all',
    becomes: 'Transmogrifier for all',
    inherited: false,
    bad: [
      ['taken-1-1', 30, 'taken-1-1'],
      ['', 2, '1 to 255'],
    ],
  },
  filename: {
    flags: ['--filename', '-f'],
    shown: ({ file }) => file.name,
    byDefault: (edition) => `${edition}.pkg`,
    typed: 'other.pkg',
    becomes: 'other.pkg',
    inherited: false,
    bad: [
      ['taken-1-1.pkg', 30, 'taken-1-1'],
      ['a/b.pkg', 2, 'without /'],
      ['..', 2, 'without /'],
    ],
  },
  category: {
    flags: ['--category', '-C'],
    shown: ({ category }) => category,
    byDefault: () => null,
    typed: 'toys',
    becomes: 'Toys',
    inherited: true,
    cleared: null,
    bad: [['Nowhere', 34, 'Nowhere']],
  },
  oses: {
    flags: ['--oses', '--os', '-o'],
    shown: ({ oses }) => oses,
    byDefault: () => [],
    typed: '>=14.2,13.x, 12.6.1,debian 12',
    becomes: ['>=14.2', '13.x', '12.6.1', 'debian 12'],
    inherited: true,
    cleared: [],
    bad: [['>=', 2, '>=']],
  },
  'cpu-type': {
    flags: ['--cpu-type', '--cpu_type', '-c'],
    shown: ({ cpu }) => cpu,
    byDefault: () => null,
    typed: 'intel',
    becomes: 'x86_64',
    inherited: true,
    cleared: null,
    bad: [['sparc', 2, 'sparc']],
  },
  reboot: { ...yesNo(['--reboot', '-R'], ({ reboot }) => reboot, false), typed: 'true', becomes: true },
  removable: { ...yesNo(['--removable', '-u'], ({ removable }) => removable, true), typed: '0', becomes: false },
  description: {
    flags: ['--description', '-d'],
    shown: ({ description }) => description,
    byDefault: () => '',
    typed: 'Turns things\ninto other things.',
    becomes: 'Turns things\ninto other things.',
    inherited: true,
    bad: [],
  },
  'remove-first': {
    ...yesNo(['--remove-first', '-F'], ({ removeFirst }) => removeFirst, false),
    typed: 'Y',
    becomes: true,
  },
  'prohibiting-processes': {
    flags: ['--prohibiting-processes', '--prohibiting-process', '-x'],
    shown: ({ prohibitingProcesses }) => prohibitingProcesses,
    byDefault: () => [],
    typed: 'Safari,Google Chrome',
    becomes: ['Safari', 'Google Chrome'],
    inherited: true,
    cleared: [],
    bad: [['a\nb', 2, 'one line']],
  },
  'auto-groups': {
    flags: ['--auto-groups', '-g'],
    shown: ({ autoGroups }) => autoGroups,
    byDefault: () => [],
    typed: 'LAB',
    becomes: [1],
    inherited: true,
    cleared: [],
    bad: [['nobody', 34, 'nobody']],
  },
  'excluded-groups': {
    flags: ['--excluded-groups', '-G'],
    shown: ({ excludedGroups }) => excludedGroups,
    byDefault: () => [],
    typed: 'office',
    becomes: [2],
    inherited: true,
    cleared: [],
    bad: [
      ['nobody', 34, 'nobody'],
      ['standard', 2, 'standard'],
    ],
  },
  'pre-install': {
    ...slot(['--pre-install', '-e'], ({ preInstall }) => preInstall),
    typed: 'check',
    becomes: 'check',
  },
  'post-install': {
    ...slot(['--post-install', '-t'], ({ postInstall }) => postInstall),
    typed: '4',
    becomes: 'check',
  },
  'pre-remove': { ...slot(['--pre-remove', '-E'], ({ preRemove }) => preRemove), typed: 'check', becomes: 'check' },
  'post-remove': { ...slot(['--post-remove', '-T'], ({ postRemove }) => postRemove), typed: 'CHECK', becomes: 'check' },
  expiration: {
    flags: ['--expiration', '-X'],
    shown: ({ expiration }) => expiration,
    byDefault: () => 0,
    typed: '30',
    becomes: 30,
    inherited: true,
    cleared: 0,
    bad: [
      ['-1', 2, 'expiration'],
      ['soon', 2, 'whole number of days'],
    ],
  },
  'expiration-paths': {
    flags: ['--expiration-paths', '--expiration-path', '-P'],
    shown: ({ expirationPaths }) => expirationPaths,
    byDefault: () => [],
    typed: '/Applications/A.app,/Applications/B.app',
    becomes: ['/Applications/A.app', '/Applications/B.app'],
    inherited: true,
    cleared: [],
    bad: [['Applications/A.app', 2, 'absolute']],
  },
  'firm-expiration': {
    flags: ['--firm-expiration'],
    shown: ({ firmExpiration }) => firmExpiration ?? null,
    byDefault: () => null,
    typed: '2099-12-31',
    becomes: { on: '2099-12-31' },
    inherited: true,
    cleared: null,
    bad: [['2027-02-30', 2, '2027-02-30']],
  },
  'package-scripts': {
    flags: ['--package-scripts'],
    shown: ({ packageScripts }) => packageScripts,
    byDefault: () => 'refuse',
    typed: 'ignore',
    becomes: 'ignore',
    inherited: true,
    bad: [['run', 2, 'refuse or ignore']],
  },
  setuid: {
    flags: ['--setuid'],
    shown: ({ setuid }) => setuid,
    byDefault: () => 'drop',
    typed: 'keep',
    becomes: 'keep',
    inherited: true,
    bad: [['perhaps', 2, 'drop or keep']],
  },
};

/** What an attribute cannot be without. */
const WITH: Partial<Record<keyof typeof TABLE, string[]>> = { expiration: ['-P', '/Applications/A.app'] };

describe('the attributes of an edition on the command line', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let source: string;
  before(async () => {
    sandbox = await Sandbox.make();
    source = await sandbox.package('source', { 'opt/tool': 'x' });
    const script = path.join(sandbox.dir, 'check.sh');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    chmodSync(script, 0o755);
    for (const { code, stderr } of await lines([
      ['group', 'add', 'lab'],
      ['group', 'add', 'office'],
      ['category', 'add', 'Toys'],
      ['script', 'add', script, '--name', 'check'],
      ['add', 'taken', '-v', '1', '-s', source],
    ]))
      expect(code, stderr).to.equal(0);
  });
  after(() => sandbox.remove());

  const rows = Object.entries(TABLE) as [keyof typeof TABLE, AttributeRow][];

  function lines(all: readonly string[][]): Promise<LineEnded[]> {
    const env = { D3_DEPOT: sandbox.depot, USER: 'sally', XDG_CONFIG_HOME: sandbox.dir };
    return linesOf(
      all.map((argv) => ({ argv: ['admin', ...argv], env })),
      sandbox.dir,
    );
  }

  function editionOf({ code, stdout, stderr }: LineEnded, what: string): Edition {
    expect(code, `${what}: ${stderr || stdout}`).to.equal(0);
    return (JSON.parse(stdout).result as { edition: Edition }).edition;
  }

  const added = (basename: string, argv: readonly string[]) => {
    const version = argv.some((word) => word.startsWith('--version')) ? [] : ['-v', '1'];
    return ['add', basename, ...version, '-s', source, '--json', ...argv];
  };

  it('depot3:J06 every flag of an attribute is in the table, by all its names, and in the guide or the reference', () => {
    for (const [name, row] of rows) {
      const { char, aliases = [] } = attributeFlags[name] as { char?: string; aliases?: string[] };
      const names = [`--${name}`, ...aliases.map((alias) => `--${alias}`), ...(char === undefined ? [] : [`-${char}`])];
      expect([...row.flags].toSorted(), name).to.deep.equal(names.toSorted());
    }
    const reference = readFileSync(new URL('../../docs/reference.md', import.meta.url), 'utf8');
    for (const name of [...Object.keys(attributeFlags), ...Object.keys(buildFlags)])
      expect(reference, name).to.include(`--${name}`);
  });

  it('depot3:J06 depot3:B04 without a flag each has its default', async () => {
    const [ended] = await lines([['add', 'plain', '-v', '1', '-s', source, '--json']]);
    const edition = editionOf(ended as LineEnded, 'plain');
    for (const [name, { shown, byDefault }] of rows) expect(shown(edition), name).to.deep.equal(byDefault('plain-1-1'));
  });

  it('depot3:J06 depot3:B02 depot3:B03 depot3:B05 each is taken by every name of its flag, before or after the basename', async () => {
    const all = rows.flatMap(([name, { flags, typed, becomes, shown }]) =>
      flags.flatMap((flag) =>
        ['first', 'last'].map((place) => {
          const basename = `set-${name}-${flag.replaceAll('-', '')}-${place}`;
          // Names are nobody else's.
          const own = name === 'package-name' || name === 'filename';
          const value = own ? `${basename} ${typed}` : typed;
          const given = [flag, value, ...(WITH[name] ?? [])];
          const others = [...(name === 'version' ? [] : ['-v', '1']), '-s', source, '--json'];
          const argv = place === 'first' ? [...given, basename, ...others] : [basename, ...others, ...given];
          return { argv: ['add', ...argv], what: `${name} ${flag} ${place}`, shown, becomes: own ? value : becomes };
        }),
      ),
    );
    const ends = await lines(all.map(({ argv }) => argv));
    for (const [at, { what, shown, becomes }] of all.entries())
      expect(shown(editionOf(ends[at] as LineEnded, what)), what).to.deep.equal(becomes);
  });

  it('depot3:BUG-44 depot3:BUG-45 y and n are read in every spelling, and bare they mean y', async () => {
    const flags = ['reboot', 'removable', 'remove-first'] as const;
    const spellings = [
      ...['y', 'yes', 'true', '1', 'TRUE'].map((text) => [text, true] as const),
      ...['n', 'no', 'false', '0', 'No'].map((text) => [text, false] as const),
      ['', true] as const,
    ];
    const all = flags.flatMap((name) =>
      spellings.flatMap(([text, value], index) =>
        TABLE[name].flags.map((flag) => ({
          argv: added(`yn-${name}-${index}-${flag.length}`, [flag, ...(text === '' ? [] : [text])]),
          what: `${flag} ${text}`,
          shown: TABLE[name].shown,
          value,
        })),
      ),
    );
    const ends = await lines(all.map(({ argv }) => argv));
    for (const [at, { what, shown, value }] of all.entries())
      expect(shown(editionOf(ends[at] as LineEnded, what)), what).to.equal(value);
  });

  it('depot3:J07 what is wrong is refused with the flag, the value and the right exit code, and nothing is added', async () => {
    const bad = rows.flatMap(([name, { bad: values }]) =>
      values.map(([typed, exit, said]) => ({ name, typed, exit, said })),
    );
    // A value that begins with - has to be tied to its flag.
    const ends = await lines(bad.map(({ name, typed }) => added('wrong', [`--${name}=${typed}`])));
    for (const [at, { name, typed, exit, said }] of bad.entries()) {
      const { code, stdout } = ends[at] as LineEnded;
      const { errors } = JSON.parse(stdout) as Envelope;
      const told = errors.map(({ message, target }) => `${target} ${message}`).join('\n');
      expect(code, `${name} ${typed}: ${told}`).to.equal(exit);
      expect(told)
        .to.include(said)
        .and.include(`--${name === 'expiration-paths' ? 'expiration-path' : name}`);
    }
    const all = await sandbox.admin((session) => session.depot.store.editions.list());
    expect(all.filter(({ basename }) => basename === 'wrong')).to.deep.equal([]);
  });

  it('depot3:B25 the next edition takes over what is inherited; --no-inherit nothing; n and none clear', async () => {
    const everything = rows.flatMap(([name, { typed }]) => [`--${name}`, typed]);
    const clearable = rows.filter(([, { cleared }]) => cleared !== undefined);
    const clear = (word: string) => clearable.flatMap(([name]) => [`--${name}`, word]);
    const file = ['-s', source, '--json'];
    const [full, next, fresh, n, none] = await lines([
      ['add', 'heir', ...everything, ...file],
      ['add', 'heir', '--json'],
      ['add', 'heir', '--no-inherit', '-v', '9', ...file],
      ['add', 'full', '-v', '1', ...clear('n'), ...file],
      ['add', 'heir', '-v', '3', ...clear('none'), '--json'],
    ]);
    const first = editionOf(full as LineEnded, 'full');
    const second = editionOf(next as LineEnded, 'next');
    for (const [name, { shown, becomes, inherited }] of rows) {
      expect(shown(first), name).to.deep.equal(becomes);
      if (inherited) expect(shown(second), name).to.deep.equal(becomes);
    }
    expect(second).to.include({ version: '2.1_beta', revision: 8, packageName: 'heir-2.1_beta-8' });
    expect(second.file).to.include({ name: 'heir-2.1_beta-8.pkg', sha256: first.file.sha256 });
    const bare = editionOf(fresh as LineEnded, 'fresh');
    for (const [name, { shown, byDefault }] of rows)
      if (name !== 'version') expect(shown(bare), name).to.deep.equal(byDefault('heir-9-1'));
    for (const ended of [n, none]) {
      const edition = editionOf(ended as LineEnded, 'cleared');
      for (const [name, { shown, cleared }] of clearable) expect(shown(edition), name).to.deep.equal(cleared);
    }
  });

  it('depot3:J14 each can be edited by itself, and nothing else changes', async () => {
    await lines([['add', 'edited', '-v', '1', '-s', source]]);
    let before = (await sandbox.admin((session) => session.depot.store.editions.list())).at(-1) as Edition;
    const own = (name: string, typed: string) =>
      ['filename', 'package-name'].includes(name) ? `edited ${typed}` : typed;
    const ends = await lines(
      rows.map(([name, { flags, typed }]) => {
        const given = [flags.at(-1) as string, own(name, typed), ...(WITH[name] ?? [])];
        return ['edit', String(before.id), ...given, '--json'];
      }),
    );
    for (const [at, [name, { typed, becomes, shown }]] of rows.entries()) {
      const after = editionOf(ends[at] as LineEnded, name);
      const value = own(name, typed);
      expect(shown(after), name).to.deep.equal(value === typed ? becomes : value);
      // Names made from the edition follow it; an expiration needs a path.
      const follows = name === 'version' || name === 'revision' ? ['package-name', 'filename'] : [];
      const partners = name === 'expiration' ? ['expiration-paths'] : [];
      for (const [other, { shown: of }] of rows)
        if (other !== name && ![...follows, ...partners].includes(other))
          expect(of(after), `${other} after ${name}`).to.deep.equal(of(before));
      before = after;
    }
  });

  it('depot3:B08 groups that are both auto and excluded are refused, also against the list that stays', async () => {
    const ends = await lines([
      added('both', ['-g', 'lab', '-G', 'office,lab']),
      added('one', ['-g', 'lab']),
      ['edit', 'one-1-1', '-G', 'lab', '--json'],
      ['add', 'one', '-G', '1', '--json'],
      added('all', ['-g', 'lab,standard,office']),
    ]);
    expect(ends.map(({ code }) => code)).to.deep.equal([30, 0, 30, 34, 0]);
    expect(ends[0]?.stdout).to.include('no group can be both auto and excluded: lab');
    expect(editionOf(ends[4] as LineEnded, 'standard').autoGroups, 'standard is all of it').to.deep.equal(['standard']);
  });
});
