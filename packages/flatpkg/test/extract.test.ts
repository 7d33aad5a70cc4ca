import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { expect } from 'chai';
import { stageWith } from '../src/extract/stage.ts';
import { extractTo, recoverStaging, stage } from '../src/index.ts';
import { cpio, dir, file, link, pkg } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

const asRoot = process.getuid?.() === 0;

describe('stage and commit', () => {
  const temp = useTempFolder();
  const root = () => temp.path('root');
  const write = (...args: Parameters<typeof pkg>) => temp.write('x.pkg', pkg(...args));
  const at = (location: string) => ({
    info: `<pkg-info identifier="com.example.crafted" version="1" install-location="${location}"/>`,
  });
  beforeEach(() => mkdirSync(root()));

  it('touches nothing before the commit, and everything at once in it', async () => {
    temp.write('root/old', 'old');
    const path = write([
      dir('.'),
      dir('./d', { mode: 0o040750 }),
      file('./d/a', 'A'),
      file('./old', 'new'),
      link('./l', 'd/a'),
    ]);
    const staged = await stage(path, { root: root() });
    expect(snapshot(root()).filter((line) => !line.includes('.flatpkg-'))).to.deep.equal([snapshot(root()).at(-1)]);
    expect(statSync(staged.stagingDir).mode & 0o777).to.equal(0o700);
    expect(readFileSync(temp.path('root/old'), 'utf8')).to.equal('old');
    expect(staged.entries.map((entry) => entry.absolute)).to.deep.equal(['/', '/d', '/d/a', '/old', '/l']);
    expect(staged.entries[2]?.cksum).to.be.a('number');
    expect(await staged.commit()).to.deep.equal({ created: ['/d'], replaced: ['/old'] });
    expect(snapshot(root())).to.deep.equal(['d/ 750', 'd/a 644 QQ==', 'l -> d/a', 'old 644 bmV3']);
    expect(lstatSync(temp.path('root/d/a')).mtimeMs).to.equal(1_000_000_000_000);
    expect((await failureOf(staged.commit())).kind).to.equal('usage');
    await staged.rollback();
    expect(existsSync(temp.path('root/old'))).to.equal(true);
  });

  it('rolls back to nothing', async () => {
    const staged = await stage(write([file('./a')]), { root: root() });
    await staged.rollback();
    await staged.rollback();
    expect(readdirSync(root())).to.deep.equal([]);
  });

  it('honours the install location and makes missing parents 0755', async () => {
    const staged = await stage(write([file('./a/b/c')], at('/opt/./x//')), { root: root() });
    expect(staged.entries[0]?.absolute).to.equal('/opt/x/a/b/c');
    const { created } = await staged.commit();
    expect(created).to.deep.equal(['/opt', '/opt/x', '/opt/x/a', '/opt/x/a/b']);
    expect(statSync(temp.path('root/opt/x')).mode & 0o7777).to.equal(0o755);
  });

  it('never changes mode or owner of folders that were there', async () => {
    mkdirSync(temp.path('root/d'));
    chmodSync(temp.path('root/d'), 0o711);
    const staged = await stage(
      write([dir('.', { mode: 0o041777 }), dir('./d', { mode: 0o040700, uid: 5 }), file('./d/a')]),
      {
        root: root(),
      },
    );
    expect((await staged.commit()).created).to.deep.equal([]);
    expect(statSync(temp.path('root/d')).mode & 0o7777).to.equal(0o711);
  });

  it('keeps the sticky bit of a folder, where it means something, and of no file', async () => {
    const path = write([dir('./d', { mode: 0o041777 }), file('./d/a', 'x', { mode: 0o101755 })]);
    await (await stage(path, { root: root() })).commit();
    expect(
      [statSync(temp.path('root/d')), statSync(temp.path('root/d/a'))].map(({ mode }) => mode & 0o7777),
    ).to.deep.equal([0o1777, 0o755]);
  });

  it('drops setuid and setgid with a warning unless they are allowed and owners are applied', async () => {
    const { uid, gid } = statSync(temp.path());
    const path = write([file('./s', 'x', { mode: 0o106755, uid, gid })]);
    for (const options of [{}, { allowSetuid: true, preserveOwners: false }]) {
      const dropped = await stage(path, { root: root(), ...options });
      expect(dropped.warnings.join()).to.include('s: setuid or setgid bit left out');
      expect(dropped.entries[0]?.mode).to.equal(0o6755);
      await dropped.commit();
      expect(statSync(temp.path('root/s')).mode & 0o7777).to.equal(0o755);
    }
    const kept = await stage(path, { root: root(), allowSetuid: true, preserveOwners: true });
    expect(kept.warnings.join()).not.to.include('setuid');
    await kept.commit();
    expect(statSync(temp.path('root/s')).mode & 0o7777).to.equal(0o6755);
  });

  (asRoot ? it : it.skip)('applies recorded owners as root, unless told not to', async () => {
    const path = write([
      dir('./d', { uid: 501, gid: 20 }),
      file('./d/a', 'x', { uid: 502, gid: 21 }),
      link('./l', 'x'),
    ]);
    await (await stage(path, { root: root() })).commit();
    expect([statSync(temp.path('root/d')).uid, statSync(temp.path('root/d/a')).gid]).to.deep.equal([501, 21]);
    rmSync(temp.path('root/d'), { recursive: true });
    await (await stage(path, { root: root(), preserveOwners: false })).commit();
    expect([statSync(temp.path('root/d')).uid, statSync(temp.path('root/d/a')).gid]).to.deep.equal([
      0,
      process.getgid?.(),
    ]);
  });

  it('follows symlinks that were in the target and stay inside', async () => {
    mkdirSync(temp.path('root/private/etc'), { recursive: true });
    symlinkSync('private/etc', temp.path('root/etc'));
    const staged = await stage(write([dir('./etc'), file('./etc/conf'), file('./etc/new/x')]), { root: root() });
    expect(staged.entries.map((entry) => entry.absolute)).to.deep.equal([
      '/private/etc',
      '/private/etc/conf',
      '/private/etc/new/x',
    ]);
    await staged.commit();
    expect(lstatSync(temp.path('root/etc')).isSymbolicLink()).to.equal(true);
    expect(existsSync(temp.path('root/private/etc/new/x'))).to.equal(true);
  });

  const blocked: [what: string, prepare: () => void, code: string][] = [
    ['a symlink out of the target', () => symlinkSync('../outside', temp.path('root/a')), 'TARGET_LINK'],
    [
      'an absolute symlink out of the target',
      () => symlinkSync(temp.path('outside'), temp.path('root/a')),
      'TARGET_LINK',
    ],
    ['a symlink to the folder above', () => symlinkSync('..', temp.path('root/a')), 'TARGET_LINK'],
    ['a symlink in a circle', () => symlinkSync('a', temp.path('root/a')), 'TARGET_LINK'],
    ['a symlink to nothing', () => symlinkSync('nothing', temp.path('root/a')), 'TARGET_LINK'],
    ['a file where a folder is needed', () => writeFileSync(temp.path('root/a'), 'x'), 'TARGET_TYPE'],
    ['a folder where a file is to be', () => mkdirSync(temp.path('root/a/b'), { recursive: true }), 'TARGET_TYPE'],
  ];
  for (const [what, prepare, code] of blocked) {
    it(`refuses ${what}, before anything is touched`, async () => {
      mkdirSync(temp.path('outside'));
      prepare();
      const before = snapshot(root());
      const failure = await failureOf(stage(write([file('./first'), file('./a/b')]), { root: root() }));
      expect([failure.kind, failure.code]).to.deep.equal(['refused', code]);
      expect(failure.member).to.match(/^\/a/);
      expect(snapshot(root())).to.deep.equal(before);
      expect(readdirSync(temp.path('outside'))).to.deep.equal([]);
    });
  }

  it('refuses two entries that come to lie on each other through links', async () => {
    mkdirSync(temp.path('root/real'));
    symlinkSync('real', temp.path('root/alias'));
    const failure = await failureOf(stage(write([file('./real/x'), file('./alias/x')]), { root: root() }));
    expect([failure.kind, failure.code]).to.deep.equal(['refused', 'SAME_PLACE']);
  });

  it('replaces a symlink itself, not what it points to', async () => {
    temp.write('root/kept', 'kept');
    symlinkSync('kept', temp.path('root/a'));
    await (await stage(write([file('./a', 'new')]), { root: root() })).commit();
    expect(snapshot(root())).to.deep.equal([`a 644 ${btoa('new')}`, `kept 644 ${btoa('kept')}`]);
  });

  it('refuses at commit when the target was swapped meanwhile, and changes nothing', async () => {
    mkdirSync(temp.path('outside'));
    mkdirSync(temp.path('root/a'));
    const staged = await stage(write([file('./0'), file('./a/b')]), { root: root() });
    renameSync(temp.path('root/a'), temp.path('root/moved'));
    symlinkSync(temp.path('outside'), temp.path('root/a'));
    expect((await failureOf(staged.commit())).kind).to.equal('refused');
    expect(readdirSync(root()).sort()).to.deep.equal(['a', 'moved']);
    expect(readdirSync(temp.path('outside'))).to.deep.equal([]);
  });

  it('refuses at commit when a folder is swapped for a link after the last look', async () => {
    mkdirSync(temp.path('outside'));
    mkdirSync(temp.path('root/a'));
    const onStep = (step: string) => {
      if (step !== 'begin') return;
      renameSync(temp.path('root/a'), temp.path('root/moved'));
      symlinkSync(temp.path('outside'), temp.path('root/a'));
    };
    const staged = await stageWith(write([file('./a/b')]), { root: root() }, { onStep });
    expect((await failureOf(staged.commit())).code).to.equal('TARGET_CHANGED');
    expect(readdirSync(root()).sort()).to.deep.equal(['a', 'moved']);
    expect(readdirSync(temp.path('outside'))).to.deep.equal([]);
  });

  it('refuses a package that writes into the staging folder', async () => {
    for (const name of ['./.Stage/journal', './.stage', './.stage.done/x', './.\u017ftage/x', './.sta\u200cge']) {
      const failure = await failureOf(stage(write([file(name)]), { root: root(), stagingName: '.stage' }));
      expect(failure.code).to.equal('TARGET_STAGING');
    }
    expect(readdirSync(root())).to.deep.equal([]);
  });

  it('wants a root folder, a plain staging name, and one that is free', async () => {
    const path = write([file('./a')]);
    expect((await failureOf(stage(path, { root: temp.path('missing') }))).kind).to.equal('usage');
    expect((await failureOf(stage(path, { root: path }))).kind).to.equal('usage');
    for (const stagingName of ['', '.', '..', 'a/b', '/a']) {
      expect((await failureOf(stage(path, { root: root(), stagingName }))).code).to.equal('STAGING_NAME');
    }
    const staged = await stage(path, { root: root(), stagingName: 's' });
    expect((await failureOf(stage(path, { root: root(), stagingName: 's' }))).code).to.equal('STAGING_EXISTS');
    await staged.commit();
  });

  it('reads from an open handle, the very file, and leaves it open', async () => {
    const path = write([file('./a')]);
    const handle = await open(path);
    try {
      rmSync(path);
      await (await stage(handle, { root: root() })).commit();
      expect((await handle.stat()).isFile()).to.equal(true);
    } finally {
      await handle.close();
    }
    expect(readdirSync(root())).to.deep.equal(['a']);
  });

  it('stops at an abort and removes the staging', async () => {
    const reason = new Error('enough');
    const failure = await stage(write([file('./a')]), { root: root(), signal: AbortSignal.abort(reason) }).catch(
      (e) => e,
    );
    expect(failure).to.equal(reason);
    const controller = new AbortController();
    const onStep = () => controller.abort(reason);
    const later = await stageWith(write([file('./a')]), { root: root(), signal: controller.signal }, { onStep }).catch(
      (e) => e,
    );
    expect(later).to.equal(reason);
    expect(readdirSync(root())).to.deep.equal([]);
  });

  it('stages nothing for a package without payload', async () => {
    const { xar, PACKAGE_INFO } = await import('./helpers/craft.ts');
    const path = temp.write('x.pkg', xar([{ name: 'PackageInfo', content: PACKAGE_INFO }]));
    const staged = await stage(path, { root: root() });
    expect([staged.entries, await staged.commit()]).to.deep.equal([[], { created: [], replaced: [] }]);
    expect(readdirSync(root())).to.deep.equal([]);
  });

  it('finds a wrong checksum of a member it does not need', async () => {
    const bytes = pkg([file('./a')], { scripts: cpio([file('./postinstall')]) });
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    const failure = await failureOf(stage(temp.write('x.pkg', bytes), { root: root() }));
    expect([failure.code, failure.member]).to.deep.equal(['XAR_MEMBER_CHECKSUM', 'Scripts']);
    expect(readdirSync(root())).to.deep.equal([]);
  });
});

describe('recoverStaging', () => {
  const temp = useTempFolder();

  it('does nothing where there is nothing, and refuses what is not its own', async () => {
    const root = temp.path();
    expect(await recoverStaging(root, 's')).to.equal('none');
    writeFileSync(temp.path('s'), 'x');
    expect((await failureOf(recoverStaging(root, 's'))).code).to.equal('STAGING_FOREIGN');
    rmSync(temp.path('s'));
    mkdirSync(temp.path('s'), { mode: 0o755 });
    chmodSync(temp.path('s'), 0o755);
    expect((await failureOf(recoverStaging(root, 's'))).code).to.equal('STAGING_FOREIGN');
    symlinkSync('elsewhere', temp.path('l'));
    expect((await failureOf(recoverStaging(root, 'l'))).code).to.equal('STAGING_FOREIGN');
  });

  it('refuses a journal that climbs or makes no sense', async () => {
    for (const line of [
      '{"folder":"/../x","mode":1}',
      '{"place":1,"at":"a","replaces":false}',
      '{"begin":5}',
      '[]',
      '{}',
    ]) {
      const folder = temp.path('s');
      mkdirSync(folder, { mode: 0o700 });
      writeFileSync(`${folder}/journal`, `${line}\n`);
      expect((await failureOf(recoverStaging(temp.path(), 's'))).code).to.equal('JOURNAL');
      rmSync(folder, { recursive: true });
    }
  });
});

describe('extractTo', () => {
  const temp = useTempFolder();

  it('unpacks below a folder whatever the install location', async () => {
    const info = '<pkg-info identifier="a" version="1" install-location="/opt/x"/>';
    const path = temp.write('x.pkg', pkg([dir('.'), file('./d/a')], { info }));
    const { entries } = await extractTo(path, temp.path('to'));
    expect(entries.map((entry) => [entry.path, entry.absolute])).to.deep.equal([
      ['.', '/'],
      ['d/a', '/d/a'],
    ]);
    expect(snapshot(temp.path('to'))).to.deep.equal(['d/ 755', 'd/a 644 eA==']);
    mkdirSync(temp.path('empty'));
    await extractTo(path, temp.path('empty'));
    expect((await failureOf(extractTo(path, temp.path('empty')))).kind).to.equal('usage');
    expect((await failureOf(extractTo(path, temp.path('no/such')))).kind).to.equal('usage');
    expect((await failureOf(extractTo(path, path))).kind).to.equal('usage');
  });

  it('leaves nothing of a bad package', async () => {
    const path = temp.write('x.pkg', pkg([file('./a'), file('../b')]));
    await failureOf(extractTo(path, temp.path('to')));
    expect(readdirSync(temp.path())).to.deep.equal(['x.pkg']);
  });
});
