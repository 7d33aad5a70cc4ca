import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { BuiltD3 } from './built.ts';
import { greeting, PluginFolder } from './plugin-folder.ts';

/** Files read as code by the commands users run most; each that is added is paid for on every start. */
const MOST_FILES: Record<string, number> = { version: 8, 'list-installed': 9, help: 10, 'sync --dry-run': 10 };

/** Parts of Node that take milliseconds to load, and that these commands need nothing of. */
const SLOW_BUILTINS = ['crypto', 'stream', 'http', 'https', 'net', 'tls', 'zlib', 'readline', 'child_process'];

/** The bench shows about 2; this only notices when something heavy has come into every start. */
const MOST_OF_NOTHING = 5;

describe('the start of the built d3', function () {
  this.timeout(60_000);
  const built = new BuiltD3();
  const folder = new PluginFolder();
  let dir: string;
  before(async () => {
    dir = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-cost-')));
    mkdirSync(path.join(dir, 'root'));
    await built.build();
    for (let at = 0; at < 10; at += 1) {
      folder.add({
        name: `d3-plugin-${at}`,
        type: 'user',
        files: { [`commands/greet-${at}.js`]: greeting(`hullo-${at}`), 'hook.js': 'export default () => ({});' },
        hooks: { 'd3:facts': './hook.js' },
      });
    }
  });
  after(() => {
    built.remove();
    folder.remove();
    rmSync(dir, { recursive: true, force: true });
  });

  const env = (plugins: boolean) => ({
    D3_ROOT: path.join(dir, 'root'),
    USER: 'sally',
    XDG_CACHE_HOME: path.join(dir, 'cache'),
    NODE_DISABLE_COMPILE_CACHE: undefined,
    ...(plugins ? folder.env : {}),
  });

  it('loads no part of Node that takes long and is not needed', async () => {
    const note = path.join(dir, 'builtins.cjs');
    const noted = path.join(dir, 'builtins.json');
    writeFileSync(
      note,
      `const { registerHooks } = require('node:module');
      const loaded = new Set();
      registerHooks({ load: (url, context, next) => (url.startsWith('node:') && loaded.add(url.slice(5)), next(url, context)) });
      process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(noted)}, JSON.stringify([...loaded])));`,
    );
    for (const words of ['version', 'list-installed']) {
      await built.run([words], { env: env(true) });
      const ended = await built.run([words], { env: env(true) }, ['--require', note]);
      expect(ended.code, ended.stderr).to.equal(0);
      const loaded = JSON.parse(readFileSync(noted, 'utf8')) as string[];
      expect(loaded, words).to.include('path');
      expect(
        loaded.filter((name) => SLOW_BUILTINS.includes(name)),
        words,
      ).to.deep.equal([]);
    }
  });

  it('reads few files, and as many with ten plugins as with none', async () => {
    const count = path.join(dir, 'count.cjs');
    const counted = path.join(dir, 'files.json');
    writeFileSync(
      count,
      `const { registerHooks } = require('node:module');
      const files = new Set();
      const note = (url) => url.startsWith('file:') && files.add(url);
      registerHooks({ load: (url, context, next) => (note(url), next(url, context)) });
      process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(counted)}, JSON.stringify([...files])));`,
    );
    for (const [words, most] of Object.entries(MOST_FILES)) {
      const files: string[][] = [];
      for (const plugins of [false, true]) {
        await built.run(words.split(' '), { env: env(plugins) });
        const ended = await built.run(words.split(' '), { env: env(plugins) }, ['--require', count]);
        expect(ended.code, ended.stderr).to.be.oneOf([0, 2]);
        files.push(JSON.parse(readFileSync(counted, 'utf8')) as string[]);
      }
      expect(files[1], words).to.deep.equal(files[0]);
      expect(files[0]?.length, `${words}: ${files[0]?.join('\n')}`).to.be.most(most);
    }
  });

  it(`takes less than ${MOST_OF_NOTHING} times as long as Node doing nothing`, () => {
    const run = (argv: readonly string[]) => {
      const started = process.hrtime.bigint();
      const { status } = spawnSync(process.execPath, argv, { env: { ...process.env, ...env(true) } });
      expect(status).to.equal(0);
      return Number(process.hrtime.bigint() - started);
    };
    const ratios = Array.from({ length: 9 }, () => {
      const nothing = run(['-e', '0']);
      return run([path.join(built.root, 'bin/run.js'), 'list-installed']) / nothing;
    });
    expect(ratios.toSorted((a, b) => a - b)[4]).to.be.below(MOST_OF_NOTHING);
  });
});
