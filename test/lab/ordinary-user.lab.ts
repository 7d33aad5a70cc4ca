import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';

const project = path.dirname(path.dirname(import.meta.dirname));
const NOBODY = 65_534;

describe('an ordinary user', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    chownSync(home, NOBODY, NOBODY);
  });
  after(() => rmSync(home, { recursive: true, force: true }));

  /** Runs a command as nobody, with a copy of the build in a folder of its own. */
  function asNobody(command: string, ...rest: string[]): { status: number | null; output: string } {
    const env = { PATH: `${path.join(project, 'node_modules', '.bin')}:/usr/bin:/bin`, HOME: home, USER: 'calvin' };
    const { status, stdout, stderr } = spawnSync(
      'setpriv',
      ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', command, ...rest],
      {
        cwd: home,
        env,
        encoding: 'utf8',
      },
    );
    return { status, output: `${stdout}${stderr}` };
  }

  it('walks the whole quickstart in one folder and leaves nothing outside it', () => {
    const copy = path.join(home, 'project');
    mkdirSync(copy);
    for (const name of [
      'bin',
      'dist',
      'scripts',
      'examples',
      'packages',
      'plugins',
      'package.json',
      'oclif.manifest.json',
      'node_modules',
    ]) {
      cpSync(path.join(project, name), path.join(copy, name), { recursive: true, verbatimSymlinks: true });
    }
    const outside = () =>
      execFileSync(
        'find',
        ['/', '-xdev', '-user', String(NOBODY), '-not', '-path', `${home}/*`, '-not', '-path', '/proc/*'],
        { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      );
    const before = outside();
    const { status, output } = asNobody('node', path.join(copy, 'scripts/quickstart.ts'), path.join(home, 'walk'));
    expect(status, output).to.equal(0);
    expect(output).to.include('Done in');
    expect(existsSync(path.join(home, 'walk', 'env.sh'))).to.equal(true);
    expect(outside()).to.equal(before);
  });

  it('may look at a machine but not change it, and is told so', () => {
    const root = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-root-'));
    chmodSync(root, 0o755);
    try {
      const d3 = (...argv: string[]) => asNobody(path.join(home, 'project/bin/d3'), ...argv, '--root', root);
      expect(d3('list-installed').status).to.equal(0);
      const sync = d3('sync', '--depot', path.join(home, 'walk/depot'));
      expect(sync.status, sync.output).to.equal(21);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
