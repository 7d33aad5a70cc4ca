import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import fc from 'fast-check';
import { type DebSummary, inspectDeb } from '../../src/installers/deb/inspect.ts';
import { type InstalledPackage, parseRelations, unmetRelations } from '../../src/installers/deb/relations.ts';
import { compareVersions, isVersion } from '../../src/installers/deb/version.ts';
import { ar, deb, TAR_END, type TarChanges, tar, tarEntry } from '../support/deb.ts';

const CONTROL = 'Package: tool\nVersion: 1.0\nArchitecture: all\n';

describe('a Debian package, read without dpkg', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-deb-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function read(bytes: Buffer): Promise<DebSummary> {
    const file = path.join(folder, 'x.deb');
    writeFileSync(file, bytes);
    const handle = await open(file);
    try {
      return await inspectDeb(handle, file);
    } finally {
      await handle.close();
    }
  }

  /** Whatever is wrong with it, it is refused as damaged, in words. */
  async function problem(bytes: Buffer): Promise<string> {
    const error = await read(bytes).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(D3Error);
    expect((error as D3Error).exit).to.equal('verificationFailed');
    return (error as D3Error).message;
  }

  const withData = (data: Buffer, ending = '.gz') =>
    ar([
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar', tar([['control', CONTROL]])],
      [`data.tar${ending}`, data],
    ]);
  const entries = (...all: Buffer[]) => withData(Buffer.concat([...all, TAR_END]), '');

  it('says what it is, what it asks for and what it holds', async () => {
    const summary = await read(
      deb({
        name: 'lib+x1.0',
        version: '1:2.0~rc1-3',
        architecture: 'arm64',
        fields: [
          'Pre-Depends: a',
          'Depends: b (>= 1),',
          ' c | d',
          'Breaks: e',
          'Installed-Size: 12',
          'Description: x',
          ' .',
          ' y',
        ],
        files: { './opt/': '', './opt/run': 'run', './opt/link': '-> run' },
        scripts: { './postinst': '#!/bin/sh\n', './triggers': 'x' },
      }),
    );
    expect(summary.control).to.deep.equal({
      name: 'lib+x1.0',
      version: '1:2.0~rc1-3',
      architecture: 'arm64',
      depends: 'a, b (>= 1), c | d',
      conflicts: 'e',
      replaces: '',
      installedKb: 12,
    });
    expect(summary.scripts).to.deep.equal(['postinst']);
    expect(summary.entries).to.deep.equal([
      { path: '/opt', type: 'dir', mode: 0o755, size: 0, target: null },
      { path: '/opt/run', type: 'file', mode: 0o644, size: 3, target: null },
      { path: '/opt/link', type: 'symlink', mode: 0o644, size: 0, target: 'run' },
    ]);
  });

  it('comes compressed in any way dpkg knows, and is read to the end of it', async () => {
    const data = tar([['./a', 'x'.repeat(3_000_000)]]);
    for (const [ending, bytes] of [
      ['', data],
      ['.gz', gzipSync(data)],
      ['.zst', zstdCompressSync(data)],
    ] as const) {
      expect((await read(withData(bytes, ending))).entries[0]?.size, ending).to.equal(3_000_000);
      if (ending === '') continue;
      expect(await problem(withData(bytes.subarray(0, -9), ending))).to.match(/cannot be|decompress|ends/i);
    }
    expect(await problem(withData(gzipSync(data), '.xz'))).to.include('not compressed as its name says');
    expect(await problem(withData(data, '.lz4'))).to.include('a way d3 does not know');
  });

  it('has long names in either form, and hard links', async () => {
    const long = `${'d/'.repeat(60)}${'n'.repeat(120)}`;
    const { entries: found } = await read(
      entries(
        tarEntry('././@LongLink', `${long}\0`, { type: 'L' }),
        tarEntry(long.slice(0, 99), 'xy'),
        tarEntry('end', 'z', { prefix: './some/prefix' }),
        tarEntry('././@LongLink', `${long}\0`, { type: 'K' }),
        tarEntry('hard', '', { type: '1', link: long.slice(0, 100) }),
      ),
    );
    expect(found.map(({ path: at, type, size }) => [at, type, size])).to.deep.equal([
      [`/${long}`, 'file', 2],
      ['/some/prefix/end', 'file', 1],
      ['/hard', 'file', 2],
    ]);
  });

  it('is refused when it is not what it should be', async () => {
    const data = gzipSync(tar([]));
    const control = gzipSync(tar([['control', CONTROL]]));
    const binary = Buffer.from('2.0\n');
    const members = (...all: [string, Buffer][]) => deb({ members: all });
    const cases: [Buffer, RegExp][] = [
      [Buffer.from('xar!'), /no ar archive/],
      [Buffer.from('!<arch>\n'), /first member/],
      [Buffer.concat([deb(), Buffer.from('x')]), /no sound header/],
      [deb().subarray(0, -5), /ends beyond the file/],
      [members(['control.tar.gz', control], ['debian-binary', binary], ['data.tar.gz', data]), /first member/],
      [
        members(['debian-binary', Buffer.from('3.0\n')], ['control.tar.gz', control], ['data.tar.gz', data]),
        /another format/,
      ],
      [members(['debian-binary', binary], ['data.tar.gz', data]), /no control/],
      [members(['debian-binary', binary], ['control.tar.gz', control]), /no data/],
      [
        members(['debian-binary', binary], ['control.tar.gz', gzipSync(tar([]))], ['data.tar.gz', data]),
        /no control file/,
      ],
      [
        members(['debian-binary', binary], ['control.tar.gz', control], ['data.tar.gz', data], ['data.tar.gz', data]),
        /behind its data/,
      ],
      [deb({ name: 'Tool' }), /names no package/],
      [deb({ name: '../x' }), /names no package/],
      [deb({ version: 'one' }), /no version/],
      [deb({ architecture: '../x' }), /no architecture/],
      [deb({ fields: ['Depends: a (>= )'] }), /cannot be read/],
      [deb({ fields: ['Package: other'] }), /two fields/],
      [deb({ fields: ['nonsense'] }), /has the line/],
    ];
    for (const [bytes, words] of cases) expect(await problem(bytes)).to.match(words);
    const spared = members(
      ['debian-binary', binary],
      ['_gpgorigin', binary],
      ['control.tar.gz', control],
      ['data.tar.gz', data],
    );
    expect((await read(spared)).control.name).to.equal('tool');
  });

  it('is refused when an entry is unsafe, damaged, or more than it may be', async () => {
    const file = (name: string, changes: TarChanges = {}) => tarEntry(name, 'x', changes);
    const cases: [Buffer, RegExp][] = [
      [entries(file('./a/../../etc/x')), /unsafe name/],
      [entries(file('..')), /unsafe name/],
      [entries(file(`./${'n'.repeat(99)}`), tarEntry('l', '', { type: '1', link: '../x' })), /unsafe name/],
      [entries(tarEntry('l', '', { type: '1', link: 'absent' })), /does not come before/],
      [entries(tarEntry('l', '', { type: '2' })), /link to nowhere/],
      [entries(file('a'), tarEntry('a', null, { type: '5' })), /folder and something else/],
      [entries(tarEntry('l', '-> /etc'), file('l/passwd')), /in what is no folder/],
      [entries(tarEntry('dev', '', { type: '3' })), /no file, folder or link/],
      [entries(file('pax', { type: 'x' })), /entry of type "x"/],
      [entries(file('a', { checksum: 1 })), /wrong checksum/],
      [entries(file('a', { size: '99999999999' })), /no sound size|wrong checksum/],
      [entries(file('a', { size: '77777777777' })), /middle of an entry/],
      [entries(tarEntry('././@LongLink', 'name\0', { type: 'L' })), /middle of an entry/],
      [entries(tarEntry('././@LongLink', 'n'.repeat(6000), { type: 'L' })), /more than 4096/],
      [withData(tarEntry('a', 'x'), ''), /no end/],
      [withData(Buffer.concat([tar([['a', 'x']]), Buffer.from('more')]), ''), /after its end/],
    ];
    for (const [bytes, words] of cases) expect(await problem(bytes)).to.match(words);
    const latin = tarEntry('abc', 'x');
    latin[1] = 0xff;
    latin.write(
      (latin.readUInt8(1) - 'b'.charCodeAt(0) + Number.parseInt(latin.toString('latin1', 148, 154), 8))
        .toString(8)
        .padStart(6, '0'),
      148,
    );
    expect(await problem(entries(latin))).to.include('not UTF-8');
  });

  it('of any bytes is read, or refused in words: nothing else', async () => {
    const whole = deb({ files: { './opt/run': 'run', './opt/link': '-> run' }, scripts: { preinst: 'x' } });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(whole.length),
        async (changes, end) => {
          const bytes = Buffer.from(whole.subarray(0, whole.length - (end % 3 === 0 ? end : 0)));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          await read(bytes).catch((error: unknown) => {
            expect(error, String((error as Error).stack)).to.be.instanceOf(D3Error);
          });
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("Debian's versions", () => {
  // Of deb-version(7), and what dpkg --compare-versions says of them.
  const ASCENDING = [
    '1~~',
    '1~~a',
    '1~',
    '1',
    '1-0+b1',
    '1-1',
    '1a',
    '1b',
    '1+',
    '1.0~rc1',
    '1.0',
    '1.0+b',
    '1.0.1',
    '1.2',
    '1.10',
    '10',
    '1:0.1',
    '2:0',
  ];

  it('are in the order dpkg has them in', () => {
    for (const [i, a] of ASCENDING.entries())
      for (const [j, b] of ASCENDING.entries())
        expect(Math.sign(compareVersions(a, b)), `${a} ${b}`).to.equal(Math.sign(i - j));
  });

  it('count leading zeros, a missing epoch and a missing revision for nothing', () => {
    for (const [a, b] of [
      ['1.01', '1.1'],
      ['0:1', '1'],
      ['1-0', '1'],
      ['1.0', '1.'],
    ])
      expect(compareVersions(a as string, b as string), `${a} ${b}`).to.equal(0);
  });

  const version = fc.stringMatching(/^(?:[12]:)?\d[a~+.\d]{0,6}(?:-[b~+.\d]{1,4})?$/);

  it('are in one order, whatever they are', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(isVersion(a)).to.equal(true);
        expect(compareVersions(a, a)).to.equal(0);
        expect(Math.sign(compareVersions(a, b))).to.equal(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) expect(compareVersions(a, c)).to.be.at.most(0);
        expect(compareVersions(`${a}~`, a)).to.be.below(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('are told from what is none', () => {
    for (const text of ['', '1_0', 'a1', ':1', 'x:1', '1 0', '-1', '99999999999:1', '1-'])
      expect(isVersion(text), text).to.equal(false);
  });
});

describe('what a package depends on', () => {
  const there = (name: string, version: string, more: Partial<InstalledPackage> = {}): InstalledPackage => ({
    name,
    version,
    architecture: 'amd64',
    status: 'installed',
    multiArch: 'no',
    provides: [],
    ...more,
  });
  const asking = (depends: string, conflicts = '', replaces = '') => ({
    name: 'tool',
    architecture: 'amd64',
    depends,
    conflicts,
    replaces,
  });
  const libc = there('libc6', '2.36-9');

  it('is there, or it is said what is not', () => {
    const cases: [depends: string, problem: string | null][] = [
      ['', null],
      ['libc6', null],
      ['libc6 (>= 2.14), libc6 (<< 3)', null],
      ['absent | libc6', null],
      ['libc6:any, libc6:amd64', null],
      ['libc6:arm64', 'it needs libc6:arm64; there is libc6 2.36-9 (amd64)'],
      ['libc6 (>= 2.37)', 'it needs libc6 (>= 2.37); there is libc6 2.36-9 (amd64)'],
      ['absent (= 1) | other', 'it needs absent (= 1) or other, which is not installed'],
    ];
    for (const [depends, problem] of cases)
      expect(unmetRelations(asking(depends), [libc], []), depends).to.deep.equal(problem === null ? [] : [problem]);
    expect(unmetRelations(asking('libc6, b'), [], [])).to.have.length(2);
  });

  it('has to work, to be of the same processor, and to stay', () => {
    const needs = asking('lib');
    for (const status of ['unpacked', 'half-configured', 'half-installed', 'config-files'])
      expect(unmetRelations(needs, [there('lib', '1', { status })], []), status).to.have.length(1);
    expect(unmetRelations(needs, [there('lib', '1', { status: 'triggers-pending' })], [])).to.deep.equal([]);
    expect(unmetRelations(needs, [there('lib', '1', { architecture: 'i386' })], [])).to.have.length(1);
    expect(
      unmetRelations(needs, [there('lib', '1', { architecture: 'i386', multiArch: 'foreign' })], []),
    ).to.deep.equal([]);
    expect(unmetRelations(needs, [there('lib', '1', { architecture: 'all' })], [])).to.deep.equal([]);
    expect(unmetRelations(needs, [there('lib', '1')], ['lib'])).to.have.length(1);
  });

  it('may be provided by another; by its version only where it says one', () => {
    const provides = (text: string) => [there('other', '9', { provides: (parseRelations(text) ?? []).flat() })];
    expect(unmetRelations(asking('lib'), provides('lib'), [])).to.deep.equal([]);
    expect(unmetRelations(asking('lib (>= 1)'), provides('lib'), [])).to.have.length(1);
    expect(unmetRelations(asking('lib (>= 1)'), provides('lib (= 2)'), [])).to.deep.equal([]);
    expect(unmetRelations(asking('lib (>= 3)'), provides('lib (= 2)'), [])).to.have.length(1);
  });

  it('must not be beside what it conflicts with, unless it takes its place', () => {
    const old = [there('old', '1')];
    expect(unmetRelations(asking('', 'old (<< 2)'), old, [])).to.deep.equal(['it cannot stand beside old 1']);
    expect(unmetRelations(asking('', 'old (<< 1)'), old, [])).to.deep.equal([]);
    expect(unmetRelations(asking('', 'old', 'old'), old, [])).to.deep.equal([]);
    expect(unmetRelations(asking('', 'old'), old, ['old'])).to.deep.equal([]);
    expect(unmetRelations(asking('', 'tool'), [there('tool', '0')], [])).to.deep.equal([]);
  });

  it('is never read as something else', () => {
    for (const text of ['a (1)', 'a >= 1', 'A', 'a b', 'a (>= 1) x', 'a [amd64]', '| a', 'a (>= _)'])
      expect(parseRelations(text), text).to.equal(null);
    expect(parseRelations('a (< 1), b (> 2),')).to.deep.equal([
      [{ name: 'a', architecture: null, version: { operator: '<=', version: '1' } }],
      [{ name: 'b', architecture: null, version: { operator: '>=', version: '2' } }],
    ]);
  });
});
