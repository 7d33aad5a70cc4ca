import { expect } from 'chai';
import { indexCatalog, type Resolved, resolveTarget } from '../../src/catalog/resolve.ts';
import { receiptNamed } from '../../src/planner/requested.ts';
import { catalog, edition, HASH, indexOf, receipt } from '../planner/fixtures.ts';
import { subject } from './subject.ts';

const file = (name: string) => ({ name, sha256: HASH, size: 1, format: 'pkg' as const });

function named(resolved: Resolved): string {
  if (resolved.kind === 'edition') return resolved.edition.edition;
  if (resolved.kind === 'ambiguous') return resolved.editions.map((found) => found.edition).join(' | ');
  return resolved.kind === 'basename' ? `basename ${resolved.basename}` : 'none';
}

describe('what a target means', () => {
  // Every name here is also a name of something that comes later in the order.
  const editions = [
    edition({ id: 7, basename: 'seven', version: '1', packageName: 'Seven' }),
    edition({ id: 8, basename: 'foo', version: '1', status: 'pilot', packageName: 'seven-1-1' }),
    edition({ id: 9, basename: '7', version: '1', packageName: 'foo', file: file('Seven') }),
    edition({ id: 10, basename: 'bar', version: '1', packageName: '8', file: file('8') }),
    edition({ id: 11, basename: 'bar', version: '2', packageName: 'Twins', file: file('one.pkg') }),
    edition({ id: 12, basename: 'baz', version: '1', packageName: 'Twins', file: file('two.pkg') }),
    edition({ id: 13, basename: 'baz', version: '2', packageName: 'P', file: file('one.pkg') }),
  ];
  const table: [behaviour: string, target: string, meant: string][] = [
    ['an exact edition', 'foo-1-1', 'foo-1-1'],
    ['an edition before a package of that name', 'seven-1-1', 'seven-1-1'],
    ['a basename before a package of that name', 'foo', 'basename foo'],
    ['a basename before an id', '7', 'basename 7'],
    ['a whole-number id before a package and a file of that name', '8', 'foo-1-1'],
    ['a package name before a file of that name', 'Seven', 'seven-1-1'],
    ['a file name last', 'two.pkg', 'baz-1-1'],
    ['a package name of several editions is ambiguous, naming them', 'Twins', 'bar-2-1 | baz-1-1'],
    ['a file name of several editions is ambiguous, naming them', 'one.pkg', 'bar-2-1 | baz-2-1'],
    ['nothing by an unknown name', 'nix', 'none'],
    ['nothing by an unknown id', '99', 'none'],
    ['nothing by the wrong case', 'FOO', 'none'],
    ['nothing by an empty word', '', 'none'],
    ['nothing by a word every object knows', 'constructor', 'none'],
    ['nothing by a part of an edition', 'foo-1', 'none'],
  ];
  for (const [behaviour, target, meant] of table) {
    it(`${behaviour}: ${JSON.stringify(target)}`, () => {
      expect(named(resolveTarget(indexOf(...editions), target))).to.equal(meant);
      expect(named(resolveTarget(indexOf(...editions.toReversed()), target))).to.equal(meant);
    });
  }

  it('depot3:BUG-10 7zip-x is never id 7, neither in the depot nor among receipts', () => {
    const index = indexOf(...editions);
    const receipts = editions.map((of) => receipt(of));
    for (const word of ['7zip-x', '7zip', '7 ', ' 7', '7.0', '07x']) {
      expect(named(resolveTarget(index, word)), word).to.equal('none');
      expect(receiptNamed(word, { receipts }), word).to.equal(null);
    }
  });
});

describe('what a receipt is called', () => {
  const receipts = [
    receipt(edition({ id: 7, basename: 'seven', version: '1' })),
    receipt(edition({ id: 8, basename: '7', version: '1' })),
    receipt(edition({ id: 9, basename: 'foo', version: '1' })),
  ];
  const table: [behaviour: string, target: string, id: number | null][] = [
    ['a basename first', '7', 8],
    ['an exact edition', 'foo-1-1', 9],
    ['a whole-number id', '9', 9],
    ['nothing else', 'foo-1', null],
  ];
  for (const [behaviour, target, id] of table) {
    it(`${behaviour}: ${target}`, () => expect(receiptNamed(target, { receipts })?.id ?? null).to.equal(id));
  }
});

describe('the index of a catalog', () => {
  const editions = [
    edition({ id: 3, status: 'pilot' }),
    edition({ id: 1, status: 'deprecated' }),
    edition({ id: 2, status: 'live' }),
    edition({ id: 5, basename: 'bar', status: 'missing' }),
    edition({ id: 4, basename: 'zed', status: 'live' }),
  ];
  const index = indexCatalog({
    ...catalog(...editions),
    groups: [
      { id: 1, name: 'lab', members: ['aa', 'bb'] },
      { id: 2, name: 'all', members: ['bb'] },
      { id: 3, name: 'macs', members: ['cc'], criteria: { fact: 'os', op: 'is', not: false, value: 'macOS' } },
    ],
  });

  it('gives the editions of a basename oldest first, and none of an unknown one', () => {
    expect(index.ofBasename('foo').map((found) => found.id)).to.deep.equal([1, 2, 3]);
    expect(index.ofBasename('constructor')).to.deep.equal([]);
  });

  it('gives the live edition of a basename, and every live one in id order', () => {
    expect(index.liveOf('foo')?.id).to.equal(2);
    expect(index.liveOf('bar')).to.equal(undefined);
    expect(index.live.map((found) => found.id)).to.deep.equal([2, 4]);
  });

  it('knows groups by id, their members by hash, and those of smart ones by what they are', () => {
    const mac = subject();
    const other = subject({ os: { name: 'debian', version: '12' } });
    expect(index.groupName(1)).to.equal('lab');
    expect(index.groupName(9)).to.equal(undefined);
    expect(index.groupsOf('bb', mac)).to.deep.equal([1, 2, 3]);
    expect(index.groupsOf('bb', other)).to.deep.equal([1, 2]);
    expect(index.groupsOf('cc', other)).to.deep.equal([3]);
    expect(index.groupsOf('dd', other)).to.deep.equal([]);
  });
});
