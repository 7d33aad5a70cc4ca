import { expect } from 'chai';
import fc from 'fast-check';
import { bundlesIn } from '../../src/client/bundles.ts';
import type { ManifestEntry } from '../../src/client/state/state.ts';

const file = (path: string): ManifestEntry => ({ path, type: 'file', mode: 0o644, size: 1, target: null });

describe('the bundles of a package', () => {
  const table: [what: string, paths: string[], bundles: string[]][] = [
    ['an app', ['/Applications/X.app/Contents/Info.plist'], ['/Applications/X.app']],
    ['one of another case', ['/A/X.APP/Contents/Info.plist'], ['/A/X.APP']],
    ['a shallow one', ['/A/X.app/Info.plist'], ['/A/X.app']],
    ['a framework', ['/L/F.framework/Versions/A/Resources/Info.plist'], ['/L/F.framework']],
    ['one in another', ['/A/X.app/Contents/Info.plist', '/A/X.app/Contents/P.plugin/Info.plist'], ['/A/X.app']],
    ['one put into another', ['/A/X.app/Contents/PlugIns/P.plugin/Info.plist'], ['/A/X.app/Contents/PlugIns/P.plugin']],
    [
      'names that begin alike',
      ['/A/X.app/Info.plist', '/A/X.app-2/Y.app/Info.plist'],
      ['/A/X.app', '/A/X.app-2/Y.app'],
    ],
    ['none: no such file', ['/A/X.app/Contents/MacOS/X', '/A/X.app/Contents/Resources/de/Info.plist'], []],
    ['none: no such folder', ['/A/X/Contents/Info.plist', '/Info.plist', '/A/Info.plist', '/.app/Info.plist'], []],
    ['none: a part of a name', ['/A/X.app/Contents/MyInfo.plist', '/A/X.app.d/Info.plist'], []],
  ];
  for (const [what, paths, bundles] of table) {
    it(what, () => expect(bundlesIn(paths.map(file))).to.deep.equal(bundles));
  }

  it('is none whose Info.plist is a link or a folder', () => {
    const path = '/A/X.app/Contents/Info.plist';
    expect(bundlesIn([{ ...file(path), type: 'symlink', target: '/x' }])).to.deep.equal([]);
    expect(bundlesIn([{ ...file(path), type: 'dir' }])).to.deep.equal([]);
  });

  it('are folders of the manifest, none within another', () => {
    const part = fc.constantFrom('a', 'X.app', 'Contents', 'F.framework', 'Versions', 'Resources', 'Info.plist');
    const paths = fc.array(fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`));
    fc.assert(
      fc.property(paths, (all) => {
        const bundles = bundlesIn(all.map(file));
        for (const bundle of bundles) {
          expect(all.some((path) => path.startsWith(`${bundle}/`) && path.endsWith('/Info.plist'))).to.equal(true);
          expect(bundles.some((other) => bundle.startsWith(`${other}/`))).to.equal(false);
        }
      }),
    );
  });
});
