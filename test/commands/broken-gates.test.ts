import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from '@d3/flatpkg';
import { expect } from 'chai';
import { d3, type Ended } from '../cli/spawn.ts';
import { type MadePlugin, PluginFolder } from '../startup/plugin-folder.ts';

const GATE = { 'd3:install:before': './gate.js' };
const REFUSES = "export default () => ({ kind: 'refuse', cause: 'rule', reason: 'not on this site', evidence: [] });\n";
const FAILS_LATER = `export default () => {
  setTimeout(() => { throw new Error('a tick later'); }, 1);
  return new Promise((resolve) => setTimeout(() => resolve({ kind: 'proceed', evidence: [] }), 2000));
};
`;

/** Through the real command line: what guards an install and is broken does not leave it unguarded. */
describe('a plugin that guards installs', () => {
  let dir: string;
  let plugins: PluginFolder;
  beforeEach(async () => {
    dir = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-gates-')));
    plugins = new PluginFolder();
    mkdirSync(path.join(dir, 'root/opt'), { recursive: true });
    mkdirSync(path.join(dir, 'a'));
    writeFileSync(path.join(dir, 'root/opt/file'), 'content');
    const output = path.join(dir, 'tool.pkg');
    await build({ root: path.join(dir, 'root'), output, identifier: 'org.example.tool', version: '1' });
    await run('depot', 'init');
    await run('admin', 'add', 'tool', '-v', '1', '-s', output);
    await run('admin', 'live', 'tool-1-1', '-a');
  });
  afterEach(() => {
    plugins.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const run = (...line: string[]): Promise<Ended> => {
    const env = { D3_DEPOT: path.join(dir, 'depot'), D3_ROOT: path.join(dir, 'a'), USER: 'sally', ...plugins.env };
    return d3(line, { env, cwd: dir });
  };
  const guard = (more: Partial<MadePlugin> = {}) =>
    plugins.add({ name: 'guard', hooks: GATE, files: { 'gate.js': REFUSES }, ...more });

  it('refuses as it says', async () => {
    guard();
    const { code, stderr } = await run('install', 'tool');
    expect([code, stderr.includes('Not on this site')], stderr).to.deep.equal([30, true]);
  });

  it('is missed when its folder is gone', async () => {
    const root = guard();
    await run('hooks', 'list');
    PluginFolder.empty(root);
    const { code, stderr } = await run('install', 'tool');
    expect(code, stderr).to.equal(30);
    expect(stderr).to.include('guard');
    expect((await run('hooks', 'list')).stdout).to.match(/d3:install:before .*guard/);
  });

  it('guards on when one of its commands never comes to an end', async () => {
    guard({ files: { 'gate.js': REFUSES, 'commands/loop.js': 'for (;;);\n' } });
    const { code, stderr } = await run('install', 'tool');
    expect(code, stderr).to.equal(30);
  });

  it('that fails a tick later ends d3 with a bug’s code, and the next run goes on', async () => {
    guard({ files: { 'gate.js': FAILS_LATER } });
    const { code, stderr } = await run('install', 'tool');
    expect(code, stderr).to.equal(10);
    expect(stderr).to.include('a tick later');
    rmSync(plugins.folder, { recursive: true });
    expect((await run('sync')).code).to.equal(0);
    expect((await run('install', 'tool')).code).to.equal(0);
  });
});
