import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { makeFolder } from '../../src/platform/make-folder.ts';
import { openRootFs, type RootFs, whereIs } from '../../src/platform/rootfs.ts';
import { withinFolder } from '../../src/platform/stepping.ts';

describe('the hand under the root', () => {
  let dir: string;
  let root: string;
  let rootfs: RootFs;
  const at = (name: string) => path.join(root, name);
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-rootfs-')));
    root = path.join(dir, 'root');
    mkdirSync(at('folder'), { recursive: true });
    writeFileSync(at('file'), 'content');
    mkdirSync(path.join(dir, 'outside'));
    writeFileSync(path.join(dir, 'outside/file'), 'precious');
    symlinkSync('../outside', at('link'));
    rootfs = openRootFs(root);
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('sees what stands at a path itself, never behind a link', () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('/nowhere', at('dangling'));
    const kinds = Object.fromEntries(
      [
        '/',
        '/folder',
        '/file',
        '/link',
        '/dangling',
        '/pipe',
        '/nothing',
        '/folder/no/thing',
        '/link/file',
        '/file/x',
      ].map((name) => [name, rootfs.kind(name)]),
    );
    expect(kinds).to.deep.equal({
      '/': 'dir',
      '/folder': 'dir',
      '/file': 'file',
      '/link': 'symlink',
      '/dangling': 'symlink',
      '/pipe': 'other',
      '/nothing': 'absent',
      '/folder/no/thing': 'absent',
      '/link/file': 'unreachable',
      '/file/x': 'unreachable',
    });
  });

  it('knows whether just this stands at a path', () => {
    const file = { type: 'file', size: 7, target: null } as const;
    expect(rootfs.holds('/file', file)).to.equal(true);
    expect(rootfs.holds('/file', { ...file, size: 8 })).to.equal(false);
    expect(rootfs.holds('/folder', file)).to.equal(false);
    expect(rootfs.holds('/nothing', file)).to.equal(false);
    expect(rootfs.holds('/link/file', { ...file, size: 8 })).to.equal(false);
    expect(rootfs.holds('/folder', { type: 'dir', size: 0, target: null })).to.equal(true);
    expect(rootfs.holds('/link', { type: 'symlink', size: 10, target: '../outside' })).to.equal(true);
    expect(rootfs.holds('/link', { type: 'symlink', size: 10, target: 'elsewhere' })).to.equal(false);
  });

  for (const way of ['descriptors', 'current-folder'] as const) {
    describe(`by way of ${way}`, () => {
      beforeEach(function () {
        if (way === 'descriptors' && process.platform !== 'linux') this.skip();
        rootfs = openRootFs(root, way);
      });

      it('removes files, links as links, and folders only when they are empty', () => {
        expect(rootfs.removeFile('/folder')).to.equal('dir');
        expect(rootfs.removeFile('/link/file')).to.equal('unreachable');
        expect(rootfs.removeFile('/file/x')).to.equal('unreachable');
        expect(rootfs.removeFile('/link')).to.equal('symlink');
        expect(rootfs.removeFile('/file')).to.equal('file');
        expect(rootfs.removeFile('/file')).to.equal('absent');
        expect(rootfs.removeFile('/nowhere/file')).to.equal('absent');
        writeFileSync(at('folder/mine'), '');
        expect(rootfs.removeEmptyDir('/folder')).to.equal(false);
        rmSync(at('folder/mine'));
        expect(rootfs.removeEmptyDir('/folder')).to.equal(true);
        expect(rootfs.removeEmptyDir('/folder')).to.equal(true);
        expect(existsSync(path.join(dir, 'outside/file'))).to.equal(true);
        rootfs.sync(['/', '/folder']);
        expect(rootfs.freeBytes()).to.be.greaterThan(0);
      });

      it('removes a folder with all that is in it, links as links, but for what is spared', () => {
        mkdirSync(at('tree/a/b'), { recursive: true });
        for (const name of ['tree/-rf', 'tree/a/one', 'tree/a/b/two', 'tree/a/b/kept', 'tree/a/new\nline'])
          writeFileSync(at(name), '');
        symlinkSync('../../outside', at('tree/out'));
        execFileSync('mkfifo', [at('tree/pipe')]);
        const spared = (name: string) => (name.endsWith('kept') ? 'it is dear' : null);
        const { removed, kept } = rootfs.removeTree('/tree', spared);
        expect(removed.toSorted()).to.deep.equal([
          '/tree/-rf',
          '/tree/a/b/two',
          '/tree/a/new\nline',
          '/tree/a/one',
          '/tree/out',
          '/tree/pipe',
        ]);
        expect(kept).to.deep.equal([{ path: '/tree/a/b/kept', why: 'it is dear' }]);
        expect(existsSync(path.join(dir, 'outside/file'))).to.equal(true);
        rootfs.removeTree('/tree', () => null);
        expect(rootfs.kind('/tree')).to.equal('absent');
        expect(rootfs.removeTree('/link', () => null)).to.deep.equal({ removed: [], kept: [] });
        expect(rootfs.kind('/link')).to.equal('symlink');
      });

      it('stays in the folder it has reached, whatever is put in its place', () => {
        const here = process.cwd();
        const done = withinFolder(
          root,
          '/folder',
          (inside) => {
            renameSync(at('folder'), at('moved'));
            symlinkSync('../outside', at('folder'));
            writeFileSync(at('moved/file'), 'own');
            unlinkSync(inside('file'));
            return 'done';
          },
          way,
        );
        expect(done).to.deep.equal({ entered: 'done' });
        expect(readdirSync(at('moved'))).to.deep.equal([]);
        expect(existsSync(path.join(dir, 'outside/file'))).to.equal(true);
        expect(process.cwd()).to.equal(here);
      });

      it('leaves nothing open or changed behind when the work fails', () => {
        const here = process.cwd();
        const fails = () => withinFolder(root, '/folder', () => expect.fail('on purpose'), way);
        for (let times = 0; times < 2000; times += 1) expect(fails).to.throw('on purpose');
        expect(withinFolder(root, '/folder/none/x', () => 1, way)).to.equal('absent');
        expect(withinFolder(root, '/link', () => 1, way)).to.equal('unreachable');
        expect(process.cwd()).to.equal(here);
      });

      it('works where the current folder has been deleted', () => {
        const here = process.cwd();
        mkdirSync(at('gone'));
        process.chdir(at('gone'));
        try {
          rmSync(at('gone'), { recursive: true });
          expect(rootfs.removeFile('/file')).to.equal('file');
        } finally {
          process.chdir(here);
        }
      });
    });
  }

  it('knows that names that differ in case only are two here', () => {
    mkdirSync(at('FOLDER'), { recursive: true });
    expect(rootfs.ignoresCase()).to.equal(readdirSync(root).length === 3);
  });

  it('makes folders of d3 with their modes, whatever the umask is, and leaves those alone that are there', () => {
    const umask = process.umask(0o077);
    try {
      makeFolder(at('a/b/c'), 0o700);
      makeFolder(at('a/b'), 0o777);
    } finally {
      process.umask(umask);
    }
    const modes = ['a', 'a/b', 'a/b/c'].map((name) => statSync(at(name)).mode & 0o777);
    expect(modes).to.deep.equal([0o755, 0o755, 0o700]);
  });

  describe('a place of d3’s own', () => {
    let outside: string;
    beforeEach(() => {
      outside = path.join(dir, 'outside');
      // For whoever is no root in here, too.
      chmodSync(dir, 0o755);
    });

    it('is within its root, or led out by a link on the way', () => {
      mkdirSync(at('var'));
      symlinkSync('var', at('inner'));
      symlinkSync(outside, at('outer'));
      symlinkSync('nowhere', at('var/dangling'));
      const where = (name: string) => whereIs(root, at(name));
      expect(['var/lib/d3', 'inner/lib', 'not/there', 'outer/lib', 'outer', 'var/dangling'].map(where)).to.deep.equal([
        'within',
        'within',
        'within',
        'outside',
        'outside',
        'outside',
      ]);
    });

    it('in a folder one may not enter is nothing only where nobody else can open that folder', () => {
      mkdirSync(at('var/lib'), { recursive: true });
      symlinkSync(outside, at('var/lib/d3'));
      symlinkSync('var', at('inner'));
      const where = () =>
        asOrdinaryUser(() => [whereIs(root, at('var/lib/d3/owners')), whereIs(root, at('inner/lib/d3'))]);
      chmodSync(at('var'), process.getuid?.() === 0 ? 0o700 : 0);
      expect(where()).to.deep.equal(['within', 'within']);
      if (process.getuid?.() === 0) {
        chownSync(at('var'), 1234, 1234);
        expect(where()).to.deep.equal(['unseen', 'unseen']);
        chownSync(at('var'), 0, 0);
        chmodSync(at('var'), 0o702);
        expect(where()).to.deep.equal(['unseen', 'unseen']);
        // What a link leads to that cannot be looked at could be anywhere.
        chmodSync(outside, 0o700);
        symlinkSync(path.join(outside, 'in'), at('other'));
        expect(asOrdinaryUser(() => whereIs(root, at('other/d3')))).to.equal('outside');
      }
      chmodSync(at('var'), 0o755);
      expect(where()).to.deep.equal(['outside', 'outside']);
    });
  });
});

/** Root may look everywhere; what it does for a moment as another user may not. */
function asOrdinaryUser<Result>(work: () => Result): Result {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}
