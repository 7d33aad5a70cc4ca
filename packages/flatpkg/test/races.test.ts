import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import { recoverWith } from '../src/extract/recover.ts';
import { stageWith } from '../src/extract/stage.ts';
import { extractTo, stage } from '../src/index.ts';
import { dir, file, pkg } from './helpers/craft.ts';
import { failureOf } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

/** What the owner of a folder in the target can do between two steps of a commit that runs as root. */
describe('a folder swapped for a link while a commit runs', () => {
  const temp = useTempFolder();
  const root = () => temp.path('root');

  /** Runs `swap` at the n-th step of that name. */
  function at(name: string, count: number, swap: () => void) {
    let seen = 0;
    return (step: string) => {
      if (step !== name) return;
      seen += 1;
      if (seen === count) swap();
    };
  }

  function swapFolder(path: string, target: string): void {
    renameSync(temp.path(path), temp.path(`${path}.moved`));
    symlinkSync(temp.path(target), temp.path(path));
  }

  it('gets neither mode nor owner nor time of the new folder for the target of the link', async () => {
    mkdirSync(root());
    const secret = temp.write('secret', 'secret');
    mkdirSync(temp.path('private'), { mode: 0o700 });
    const path = temp.write('x.pkg', pkg([dir('./home'), dir('./home/new', { mode: 0o040777, uid: 1, gid: 1 })]));
    for (const victim of ['private', 'secret']) {
      const before = statSync(temp.path(victim));
      const onStep = at('mode', 1, () => swapFolder('root/home/new', victim));
      const staged = await stageWith(path, { root: root() }, { onStep });
      expect((await failureOf(staged.commit())).code).to.equal('TARGET_CHANGED');
      const { mode, uid, mtimeMs } = statSync(temp.path(victim));
      expect([mode, uid, mtimeMs]).to.deep.equal([before.mode, before.uid, before.mtimeMs]);
      execFileSync('rm', ['-r', temp.path('root/home')]);
    }
    expect(readFileSync(secret, 'utf8')).to.equal('secret');
  });

  it('gets no file, however many went into the folder before', async () => {
    mkdirSync(temp.path('root/home'), { recursive: true });
    mkdirSync(temp.path('outside'));
    const path = temp.write('x.pkg', pkg([file('./home/a'), file('./home/b'), dir('./home/c'), dir('./home/d')]));
    for (const [step, count] of [
      ['place', 2],
      ['folder', 2],
    ] as const) {
      const onStep = at(step, count, () => swapFolder('root/home', 'outside'));
      const staged = await stageWith(path, { root: root() }, { onStep });
      await failureOf(staged.commit());
      expect(readdirSync(temp.path('outside')), step).to.deep.equal([]);
      execFileSync('sh', ['-c', 'rm -r root && mkdir -p root/home'], { cwd: temp.path() });
    }
  });

  it('gets no old file back when the commit is undone', async () => {
    temp.write('root/home/a', 'by the owner of the folder');
    temp.write('root/home/b', 'b');
    mkdirSync(temp.path('outside'));
    const path = temp.write('x.pkg', pkg([file('./home/a', 'new'), file('./home/b', 'new')]));
    // Its own undo is cut as well: the journal stays for a recovery.
    const cut = (step: string) => {
      if (step === 'moved' || step === 'undo') throw new Error('cut');
    };
    const staged = await stageWith(path, { root: root(), stagingName: '.stage' }, { onStep: cut });
    expect((await failureOf(staged.commit())).code).to.equal('UNDO');
    const onStep = at('undo place', 2, () => swapFolder('root/home', 'outside'));
    expect((await failureOf(recoverWith(root(), '.stage', onStep))).code).to.equal('TARGET_CHANGED');
    expect(readdirSync(temp.path('outside'))).to.deep.equal([]);
  });

  it('for a pipe cannot make the commit wait for ever', async () => {
    mkdirSync(temp.path('root/home'), { recursive: true });
    const path = temp.write('x.pkg', pkg([file('./home/a')]));
    const onStep = at('sync', 1, () => {
      renameSync(temp.path('root/home'), temp.path('root/moved'));
      execFileSync('mkfifo', [temp.path('root/home')]);
      // Should it wait all the same, the test ends with another failure than a hang.
      execFileSync('sh', ['-c', '(sleep 3; : > "$0") &', temp.path('root/home')], { stdio: 'ignore' });
    });
    const started = Date.now();
    const staged = await stageWith(path, { root: root() }, { onStep });
    const failure = await failureOf(staged.commit());
    expect(failure.message).to.include('is no folder any more');
    expect(Date.now() - started).to.be.lessThan(2500);
  });
});

describe('two installs at once', () => {
  const temp = useTempFolder();
  const root = () => temp.path('root');
  const write = (name: string, text: string) =>
    temp.write(name, pkg([dir('./d'), ...['a', 'b', 'c'].map((name) => file(`./d/${name}`, text.repeat(3000)))]));
  beforeEach(() => mkdirSync(root()));

  it('with the same staging folder: the second is turned away, and does the first no harm', async () => {
    const names = [write('one.pkg', '1'), write('two.pkg', '2')];
    const both = await Promise.allSettled(names.map((path) => stage(path, { root: root(), stagingName: '.stage' })));
    const [first, second] = both[0]?.status === 'fulfilled' ? both : both.toReversed();
    if (first?.status !== 'fulfilled' || second?.status !== 'rejected') return expect.fail('both, or none');
    expect(second.reason).to.include({ kind: 'usage', code: 'STAGING_EXISTS' });
    await first.value.commit();
    expect(readdirSync(root())).to.deep.equal(['d']);
  });

  it('with staging folders of their own: the one that commits last counts, whole', async () => {
    const [one, two] = await Promise.all(
      [write('one.pkg', '1'), write('two.pkg', '2')].map((path) => stage(path, { root: root() })),
    );
    await two?.commit();
    await one?.commit();
    const texts = ['a', 'b', 'c'].map((name) => readFileSync(temp.path('root/d', name), 'utf8').slice(0, 2));
    expect(texts).to.deep.equal(['11', '11', '11']);
    expect(readdirSync(root())).to.deep.equal(['d']);
  });

  it('never use a staging folder that somebody else has put there', async () => {
    mkdirSync(temp.path('outside'));
    const path = write('one.pkg', '1');
    const traps: [what: string, make: () => void][] = [
      ['a link', () => symlinkSync('../outside', temp.path('root/.stage'))],
      ['a link to nothing', () => symlinkSync('../nothing', temp.path('root/.stage'))],
      ['a file', () => writeFileSync(temp.path('root/.stage'), '')],
      ['a folder open to all', () => mkdirSync(temp.path('root/.stage'), { mode: 0o777 })],
    ];
    for (const [what, make] of traps) {
      make();
      const before = snapshot(temp.path());
      const failure = await failureOf(stage(path, { root: root(), stagingName: '.stage' }));
      expect(failure.code, what).to.equal('STAGING_EXISTS');
      expect(snapshot(temp.path()), what).to.deep.equal(before);
      rmSync(temp.path('root/.stage'), { recursive: true });
    }
  });

  it('stage in a folder that is closed to others, under a name nobody can foresee', async () => {
    const path = write('one.pkg', '1');
    const [one, two] = [await stage(path, { root: root() }), await stage(path, { root: root() })];
    expect(one.stagingDir).not.to.equal(two.stagingDir);
    expect(one.stagingDir).to.match(/\/\.flatpkg-[0-9a-f]{18}$/);
    for (const { stagingDir } of [one, two]) expect(statSync(stagingDir).mode & 0o777).to.equal(0o700);
    await Promise.all([one.rollback(), two.rollback()]);
    expect(readdirSync(root())).to.deep.equal([]);
  });

  it('leave nothing when the disk is too full for what a package claims to hold', async () => {
    const claims = pkg([file('./a'), file('./big', 'x', { size: 0o77777777777 })]);
    const limits = { reserveBytes: 2 ** 60 };
    const failure = await failureOf(stage(temp.write('x.pkg', claims), { root: root(), limits }));
    expect([failure.kind, failure.code, failure.member]).to.deep.equal(['io', 'NO_SPACE', 'a']);
    expect(readdirSync(root())).to.deep.equal([]);
  });
});

describe('an extraction to a folder', () => {
  const temp = useTempFolder();

  it('tells why it failed although its new folder is not empty', async () => {
    const path = temp.write('x.pkg', pkg([file('./a')]));
    const { signal } = new AbortController();
    signal.throwIfAborted = () => {
      writeFileSync(temp.path('out/theirs'), '');
      throw new Error('stop');
    };
    const failure = await extractTo(path, temp.path('out'), { signal }).catch((error: Error) => error.message);
    expect(failure).to.equal('stop');
  });
});
