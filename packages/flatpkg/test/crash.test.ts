import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { recoverWith } from '../src/extract/recover.ts';
import { stageWith } from '../src/extract/stage.ts';
import { recoverStaging } from '../src/index.ts';
import { dir, file, link, pkg } from './helpers/craft.ts';
import { removeTree, snapshot, useTempFolder } from './helpers/temp.ts';

function child(name: string, ...args: string[]): SpawnSyncReturns<string> {
  const script = fileURLToPath(new URL(`./helpers/${name}`, import.meta.url));
  return spawnSync(process.execPath, ['--conditions=d3-source', script, ...args], { encoding: 'utf8' });
}

describe('a commit that is cut', () => {
  const temp = useTempFolder();
  const root = () => temp.path('root');

  function prepare(): string {
    removeTree(root());
    temp.write('root/old-file', 'old');
    temp.write('root/private/etc/conf', 'old conf');
    chmodSync(temp.path('root/private/etc/conf'), 0o640);
    symlinkSync('old-target', temp.path('root/old-link'));
    symlinkSync('private/etc', temp.path('root/etc'));
    return temp.write(
      'x.pkg',
      pkg([
        dir('.'),
        file('./old-file', 'new'),
        link('./old-link', 'new-target'),
        file('./etc/conf', 'new conf'),
        dir('./closed', { mode: 0o040555 }),
        file('./closed/in/a', 'A'),
        file('./b', 'B'),
      ]),
    );
  }

  async function snapshots(): Promise<{ path: string; before: string[]; after: string[]; steps: number }> {
    const path = prepare();
    const before = snapshot(root());
    const whole = child('commit-child.ts', path, root(), '0');
    expect(whole.stderr).to.equal('');
    const after = snapshot(root());
    expect(after).not.to.deep.equal(before);
    return { path, before, after, steps: Number(whole.stdout) };
  }

  it('by a kill at any step is brought back to before, or is complete', async () => {
    const { path, before, after, steps } = await snapshots();
    expect(steps).to.be.greaterThan(15);
    const answers = new Set<string>();
    for (let at = 1; at <= steps; at += 1) {
      prepare();
      expect(child('commit-child.ts', path, root(), String(at)).signal).to.equal('SIGKILL');
      const answer = await recoverStaging(root(), '.stage');
      answers.add(answer);
      expect(snapshot(root()), `killed at step ${at}`).to.deep.equal(answer === 'completed' ? after : before);
      expect(await recoverStaging(root(), '.stage')).to.equal('none');
    }
    expect([...answers].sort()).to.deep.equal(['completed', 'none', 'rolled-back']);
  });

  it('is brought back to before even if the recovery is cut itself, anywhere', async () => {
    const { path, before, steps } = await snapshots();
    // Before the last two steps everything has been moved, and there is most to undo.
    const allMoved = String(steps - 1);
    for (let cut = 1, steady = false; !steady; cut += 1) {
      prepare();
      expect(child('commit-child.ts', path, root(), allMoved).signal).to.equal('SIGKILL');
      let step = 0;
      const onStep = () => {
        step += 1;
        if (step === cut) throw new Error('cut');
      };
      const answer = await recoverWith(root(), '.stage', onStep).catch((error: Error) => error.message);
      steady = answer === 'rolled-back';
      if (!steady) expect(await recoverStaging(root(), '.stage')).to.equal('rolled-back');
      expect(snapshot(root()), `cut at step ${cut}`).to.deep.equal(before);
    }
  });

  it('by a failure at any step is taken back at once', async () => {
    const { path, before, after, steps } = await snapshots();
    for (let at = 1; at <= steps; at += 1) {
      prepare();
      let step = 0;
      const onStep = (what: string) => {
        step += 1;
        if (step === at && what !== 'finish')
          throw Object.assign(new Error('the disk said no'), { code: 'EIO', syscall: 'test' });
      };
      let failed = false;
      try {
        await (await stageWith(path, { root: root(), stagingName: '.stage' }, { onStep })).commit();
      } catch (error) {
        failed = true;
        expect((error as Error).message).to.include('the disk said no');
      }
      expect(snapshot(root()), `failed at step ${at}`).to.deep.equal(failed ? before : after);
    }
  });

  it('leaves in peace what others have put into its new folders meanwhile', async () => {
    const path = prepare();
    mkdirSync(temp.path('elsewhere'));
    const onStep = (what: string) => {
      if (what !== 'moved') return;
      chmodSync(temp.path('root/closed'), 0o755);
      temp.write('root/closed/theirs', 'theirs');
      throw Object.assign(new Error('the disk said no'), { code: 'EIO', syscall: 'test' });
    };
    const staged = await stageWith(path, { root: root() }, { onStep });
    expect(await staged.commit().catch((error: { kind: string }) => error.kind)).to.equal('io');
    expect(snapshot(root()).filter((line) => line.startsWith('closed'))).to.deep.equal([
      'closed/ 555',
      `closed/theirs 644 ${btoa('theirs')}`,
    ]);
  });
});
