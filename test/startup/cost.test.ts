import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { BuiltD3 } from './built.ts';
import { greeting, PluginFolder } from './plugin-folder.ts';

/** Files read as code by the commands users run most; each that is added is paid for on every start. */
const MOST_FILES: Record<string, number> = { version: 8, 'list-installed': 9, help: 10, 'sync --dry-run': 10 };

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
