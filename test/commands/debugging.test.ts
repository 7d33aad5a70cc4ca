import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { machinePaths } from '../../src/platform/paths.ts';
import { linesOf } from './lines.ts';

/** How much d3 says, and the file that makes it say everything. */
describe('what d3 says', () => {
  let dir: string;
  beforeEach(() => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-debug-')));
    mkdirSync(path.join(dir, 'a/etc'), { recursive: true });
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const env = () => ({ D3_ROOT: path.join(dir, 'a'), D3_DEPOT: path.join(dir, 'depot'), USER: 'sally' });
  const said = async (...lines: string[][]) =>
    linesOf(
      lines.map((argv) => ({ argv, env: env() })),
      dir,
    );
  const severities = /^(?:debug|info|warn|error|fatal): /m;

  it('depot3:D07 grows by each -v, shrinks by each -q, and -d says all with its severity', async () => {
    const [plain, quiet, quieter, silent, debug, both] = await said(
      ['uninstall', 'nothing'],
      ['-q', 'uninstall', 'nothing'],
      ['-qq', 'uninstall', 'nothing'],
      ['-q', '-q', '-q', '-q', 'uninstall', 'nothing'],
      ['-d', 'uninstall', 'nothing'],
      ['uninstall', 'nothing', '-v', '-q'],
    );
    expect(plain?.stderr).to.include('Warning: ').and.include('Error: ');
    expect(quiet?.stderr).to.include('Error: ').and.not.include('Warning: ');
    expect(quieter?.stderr).to.not.include('Error: ');
    expect(silent?.stderr).to.equal('');
    expect(debug?.stderr).to.match(severities);
    expect(both?.stderr).to.equal(plain?.stderr);
    for (const ended of [plain, quiet, quieter, silent, debug, both]) expect(ended?.code).to.equal(34);
  });

  it('patchoo:IN-09 depot3:D08 is everything while root has put the marker into the state folder, and not for anybody else’s', async () => {
    const { state, debugMarker } = machinePaths(path.join(dir, 'a'), process.platform);
    mkdirSync(state, { recursive: true });
    const lines = [
      ['list-installed', 'too-much'],
      ['uninstall', 'nothing'],
      ['admin', 'show'],
    ];
    for (const { stderr } of (await said(...lines)).slice(1)) expect(stderr).to.not.match(severities);
    writeFileSync(debugMarker, '');
    for (const { stderr } of (await said(...lines)).slice(1)) expect(stderr).to.match(severities);
    const [inEnvironment] = await linesOf([{ argv: lines[1] as string[], env: { ...env(), D3_FLAG_DEBUG: 'y' } }], dir);
    expect(inEnvironment?.stderr).to.match(severities);

    rmSync(debugMarker);
    symlinkSync(path.join(dir, 'elsewhere'), debugMarker);
    writeFileSync(path.join(dir, 'elsewhere'), '');
    expect((await said(['uninstall', 'nothing']))[0]?.stderr, 'a link').to.not.match(severities);
    if (process.getuid?.() !== 0) return;
    rmSync(debugMarker);
    writeFileSync(debugMarker, '');
    chownSync(debugMarker, 65_534, 65_534);
    expect((await said(['uninstall', 'nothing']))[0]?.stderr, 'of another user').to.not.match(severities);
  });
});
