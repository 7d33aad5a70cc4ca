import { mkdirSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { readBom } from '../src/bom/read.ts';
import { type BomSource, writeBom } from '../src/bom/write.ts';
import { Budget } from '../src/budget.ts';
import { Cksum, cksumOf } from '../src/cksum.ts';
import { DEFAULT_LIMITS, inspect, stage, verify } from '../src/index.ts';
import { dir, file, pkg } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { useTempFolder } from './helpers/temp.ts';

const read = (bytes: Buffer) => readBom(bytes, 'Bom', new Budget(DEFAULT_LIMITS).boms);

function source(path: string, more: Partial<BomSource> = {}): BomSource {
  const isRoot = path === '.';
  return {
    path,
    type: isRoot ? 'dir' : 'file',
    mode: isRoot ? 0o040755 : 0o100644,
    uid: 0,
    gid: 80,
    mtime: 1_600_000_000,
    size: isRoot ? 0 : 7,
    cksum: isRoot ? 0 : 12345,
    target: null,
    ...more,
  };
}

/** Positions inside a written Bom, found the way a reader finds them. */
class Layout {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
  get index(): number {
    return this.bytes.readUInt32BE(16);
  }
  block(number: number): { offset: number; length: number; slot: number } {
    const slot = this.index + 4 + 8 * number;
    return { slot, offset: this.bytes.readUInt32BE(slot), length: this.bytes.readUInt32BE(slot + 4) };
  }
  get pathsTree(): number {
    const at = this.bytes.indexOf('Paths', this.bytes.readUInt32BE(24), 'latin1');
    return this.block(this.bytes.readUInt32BE(at - 5)).offset;
  }
  get firstLeaf(): number {
    return this.block(this.bytes.readUInt32BE(this.pathsTree + 8)).offset;
  }
}

// Type, 1, flags and mode of a regular file.
const FIRST_RECORD = Buffer.from([1, 1, 0, 0x0f, 0x81, 0xa4]);

describe('cksum', () => {
  it('agrees with the POSIX command', () => {
    expect(cksumOf(Buffer.alloc(0))).to.equal(0xffffffff);
    expect(cksumOf(Buffer.from('123456789'))).to.equal(930766865);
    expect(cksumOf(Buffer.from('hello\n'))).to.equal(3015617425);
  });

  it('does not depend on how the bytes are cut', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const sum = new Cksum();
        sum.update(bytes.subarray(0, cut));
        sum.update(bytes.subarray(cut));
        expect(sum.digest()).to.equal(cksumOf(bytes));
      }),
    );
  });
});

describe('bill of materials', () => {
  const temp = useTempFolder();

  it('is read back as it was written, whatever the tree', () => {
    const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((text) => isName(text));
    const tree = fc.uniqueArray(fc.tuple(name, fc.constantFrom('file', 'dir', 'symlink'), fc.nat(0xffffffff)), {
      selector: ([text]) => text,
      maxLength: 20,
    });
    fc.assert(
      fc.property(tree, (items) => {
        const sources = [source('.')];
        const folders = ['.'];
        for (const [text, type, number] of items) {
          const folder = folders[number % folders.length] ?? '.';
          const path = folder === '.' ? text : `${folder}/${text}`;
          const target = type === 'symlink' ? text : null;
          const size = type === 'dir' ? 0 : number;
          sources.push(source(path, { type: type, size, cksum: type === 'file' ? number : 0, target }));
          if (type === 'dir') folders.push(path);
        }
        const back = new Map(read(writeBom(sources)).map((entry) => [entry.path, entry]));
        expect(back.size).to.equal(sources.length);
        for (const { cksum, ...expected } of sources) {
          expect(back.get(expected.path)).to.deep.include(expected);
          if (expected.type === 'file') expect(back.get(expected.path)?.cksum).to.equal(cksum);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('keeps 70 000 paths in a tree of three levels, sorted by parent and name', () => {
    const sources = [source('.'), source('d', { type: 'dir' })];
    for (let n = 0; n < 70_000; n += 1) sources.push(source(`d/${n}`));
    const back = read(writeBom(sources));
    expect(back).to.have.length(70_002);
    const names = back.slice(2).map(({ path }) => path);
    expect(names).to.deep.equal([...names].sort());
  });

  const hostile: [what: string, lie: (layout: Layout) => void][] = [
    ['another magic', ({ bytes }) => bytes.write('BOMStorm')],
    ['index beyond the end', ({ bytes }) => bytes.writeUInt32BE(0xfffffff0, 16)],
    ['index of 2^32 blocks', ({ bytes, index }) => bytes.writeUInt32BE(0xffffffff, index)],
    ['variables beyond the end', ({ bytes }) => bytes.writeUInt32BE(0xfffffff0, 24)],
    ['no Paths', ({ bytes }) => bytes.write('Baths', bytes.lastIndexOf('Paths'))],
    ['a tree that is none', ({ bytes, pathsTree }) => bytes.write('free', pathsTree)],
    ['a tree pointing at the null block', ({ bytes, pathsTree }) => bytes.writeUInt32BE(0, pathsTree + 8)],
    ['a tree pointing nowhere', ({ bytes, pathsTree }) => bytes.writeUInt32BE(0x7fffffff, pathsTree + 8)],
    ['a count beyond the node', ({ bytes, firstLeaf }) => bytes.writeUInt16BE(0xffff, firstLeaf + 2)],
    [
      'leaves in a circle',
      ({ bytes, pathsTree, firstLeaf }) => bytes.writeUInt32BE(bytes.readUInt32BE(pathsTree + 8), firstLeaf + 4),
    ],
    [
      'an inner node that is its own child',
      ({ bytes, pathsTree, firstLeaf }) => {
        bytes.writeUInt16BE(0, firstLeaf);
        bytes.writeUInt32BE(bytes.readUInt32BE(pathsTree + 8), firstLeaf + 12);
      },
    ],
    ['a block beyond the end', (layout) => layout.bytes.writeUInt32BE(0xffffff00, layout.block(2).slot)],
    ['a name with a slash', ({ bytes }) => bytes.write('a/c\0', bytes.indexOf('abc\0'))],
    ['a name that climbs', ({ bytes }) => bytes.write('..\0', bytes.indexOf('abc\0'))],
    ['an empty name', ({ bytes }) => bytes.write('\0', bytes.indexOf('abc\0'))],
    ['a name in bad UTF-8', ({ bytes }) => bytes.writeUInt8(0xff, bytes.indexOf('abc\0'))],
    ['a record that is its own parent', ({ bytes }) => bytes.writeUInt32BE(2, bytes.indexOf('abc\0') - 4)],
    [
      'two records that are parents of each other',
      ({ bytes }) => {
        bytes.writeUInt32BE(3, bytes.indexOf('abc\0') - 4);
        bytes.writeUInt32BE(2, bytes.indexOf('def\0') - 4);
      },
    ],
    ['a record without parent', ({ bytes }) => bytes.writeUInt32BE(99, bytes.indexOf('abc\0') - 4)],
    ['two records of one path', ({ bytes }) => bytes.write('abc\0', bytes.indexOf('def\0'))],
    [
      'names in one and the same block',
      ({ bytes, firstLeaf }) => bytes.writeUInt32BE(bytes.readUInt32BE(firstLeaf + 24), firstLeaf + 32),
    ],
    ['a folder below a file', ({ bytes }) => bytes.writeUInt32BE(2 ** 32 - 1, bytes.indexOf('def\0') - 4)],
    ['a symlink without a target', ({ bytes }) => bytes.writeUInt8(3, bytes.indexOf(FIRST_RECORD))],
    ['a record of a type nobody knows', ({ bytes }) => bytes.writeUInt8(9, bytes.indexOf(FIRST_RECORD))],
    [
      'an empty leaf before others',
      ({ bytes, firstLeaf }) => {
        bytes.writeUInt16BE(0, firstLeaf + 2);
        bytes.writeUInt32BE(2, firstLeaf + 4);
      },
    ],
    ['an empty inner node', ({ bytes, firstLeaf }) => bytes.writeUInt32BE(0, firstLeaf)],
    ['the null block with a length', (layout) => layout.bytes.writeUInt32BE(0, layout.firstLeaf + 12)],
    ['a table of names that ends inside one', ({ bytes }) => bytes.writeUInt32BE(8, 28)],
    ['a second root', ({ bytes }) => bytes.writeUInt32BE(0, bytes.indexOf('abc\0') - 4)],
    [
      'two records of one id',
      ({ bytes, firstLeaf, ...layout }) => {
        const other = bytes.readUInt32BE(firstLeaf + 12);
        bytes.writeUInt32BE(other, firstLeaf + 20);
        void layout;
      },
    ],
  ];
  for (const [what, lie] of hostile) {
    it(`refuses ${what}`, async () => {
      const bytes = writeBom([source('.'), source('abc'), source('def')]);
      lie(new Layout(bytes));
      const failure = await failureOf(() => read(bytes));
      expect([failure.kind, failure.code, failure.member]).to.deep.equal(['damaged', 'BOM', 'Bom']);
    });
  }

  it('refuses names and targets no disk could hold, and more of them than memory should', async () => {
    const limits = { ...DEFAULT_LIMITS, nameBytes: 3000 };
    const long = 'n'.repeat(256);
    const deep = ['a', 'b', 'c', 'd', 'e'].map((_part, index, parts) =>
      parts
        .slice(0, index + 1)
        .map((letter) => letter.repeat(250))
        .join('/'),
    );
    const links = ['a', 'b', 'c'].map((path) => source(path, { type: 'symlink', target: 't'.repeat(2000) }));
    const cases: [sources: BomSource[], code: string, says: RegExp][] = [
      [[source(long)], 'BOM', /too long/],
      [deep.map((path) => source(path, { type: 'dir' })), 'BOM', /a path is longer/],
      [[source('a', { type: 'symlink', target: 't'.repeat(5000) })], 'BOM', /target of a symlink is too long/],
      [links, 'LIMIT_NAMES', /more than 3000 bytes/],
      [Array.from({ length: 30 }, (_, n) => source(`${n}${'x'.repeat(150)}`)), 'LIMIT_NAMES', /more than 3000 bytes/],
    ];
    for (const [sources, code, says] of cases) {
      const bytes = writeBom([source('.'), ...sources]);
      const failure = await failureOf(() => readBom(bytes, 'Bom', new Budget(limits).boms));
      expect([failure.code, failure.member]).to.deep.equal([code, 'Bom']);
      expect(failure.message).to.match(says);
    }
  });

  it('never hangs or crashes on a flipped byte', () => {
    const good = writeBom([source('.'), source('abc'), source('def', { type: 'symlink', target: 'abc' })]);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(254), (at, change) => {
        const bad = Buffer.from(good);
        bad[at] = (bad[at] as number) ^ (change + 1);
        try {
          read(bad);
        } catch (error) {
          expect((error as { kind: string }).kind).to.equal('damaged');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('only warns when it disagrees with the payload, file by file', async () => {
    const bom = writeBom([
      source('.', { gid: 0 }),
      source('a', { size: 5, cksum: 1, gid: 0 }),
      source('gone', { gid: 0 }),
    ]);
    const path = temp.write('x.pkg', pkg([dir('.'), file('./a', 'hello'), file('./new')], { bom }));
    mkdirSync(temp.path('root'));
    const staged = await stage(path, { root: temp.path('root') });
    await staged.rollback();
    for (const warnings of [staged.warnings, (await verify(path)).warnings]) {
      expect(warnings).to.deep.equal([
        'a: the checksum differs from the bill of materials',
        'new: is in the payload, but not in the bill of materials',
        'gone: is in the bill of materials, but not in the payload',
      ]);
    }
  });

  it('is not needed to inspect, but a damaged one stops a stage', async () => {
    const path = temp.write('x.pkg', pkg([file('./a')], { bom: Buffer.from('BOMStore') }));
    mkdirSync(temp.path('root'));
    expect((await inspect(path)).components).to.have.length(1);
    expect((await failureOf(stage(path, { root: temp.path('root') }))).code).to.equal('BOM');
  });
});

function isName(text: string): boolean {
  return text !== '.' && text !== '..' && !/[/\0]/.test(text) && text.isWellFormed();
}
