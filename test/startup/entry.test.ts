import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { d3FromSources, repository, run } from '../cli/spawn.ts';
import { BuiltD3 } from './built.ts';
import { greeting, PluginFolder } from './plugin-folder.ts';

describe('the built d3', function () {
  this.timeout(60_000);
  const built = new BuiltD3();
  let root: string;
  before(async () => {
    root = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-entry-')));
    await built.build();
  });
  after(() => {
    built.remove();
    rmSync(root, { recursive: true, force: true });
  });

  it('says what the sources say', async () => {
    const env = { D3_ROOT: root, USER: 'sally' };
    const lines = [
      ['help', '--extended'],
      ['help', 'admin', 'add'],
      ['help', 'plugins', 'install'],
      ['version'],
      ['list-installed', '--json'],
      ['list-available'],
      ['install', 'transmogrifier', '--dry-run'],
      ['admin', 'frobnicate', '--json'],
      ['-q'],
      ['plugins', '--help'],
      ['pkg', 'inspect', '/nonexistent.pkg', '--json'],
    ];
    for (const words of lines) {
      const ended = await built.run(words, { env });
      expect(ended, words.join(' ')).to.deep.equal(await d3FromSources(words, { env }));
      expect(ended.code, ended.stderr).to.not.equal(10);
    }
  });

  it('lists commands in their order, however they were read: built twice it is the same', () => {
    const { records } = JSON.parse(readFileSync(path.join(built.root, 'dist/plugins.index.json'), 'utf8')) as {
      records: { plugins: { manifest: { commands: Record<string, unknown> } }[] };
    };
    const all = records.plugins.map(({ manifest }) => Object.keys(manifest.commands));
    expect(all.flat()).to.have.length.greaterThan(200);
    for (const ids of all) expect(ids).to.deep.equal([...ids].sort());
  });

  it('runs without its bundle too, from the plain modules', async () => {
    const plain = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-plain-')));
    try {
      for (const name of ['bin', 'package.json', 'oclif.manifest.json', 'node_modules']) {
        symlinkSync(path.join(built.root, name), path.join(plain, name));
      }
      mkdirSync(path.join(plain, 'dist'));
      const start = path.join(plain, 'dist', 'startup', 'entry.js');
      mkdirSync(path.dirname(start));
      writeFileSync(start, 'export const start = async (words, { code }) => (console.log(code, ...words), 3);');
      const ended = await run(process.execPath, ['--preserve-symlinks-main', path.join(plain, 'bin/run.js'), 'sync']);
      expect(ended).to.deep.include({ code: 3, stdout: 'dist sync\n' });
    } finally {
      rmSync(plain, { recursive: true, force: true });
    }
  });

  describe('shares one copy with its plugins', () => {
    let folder: PluginFolder;
    beforeEach(() => {
      folder = new PluginFolder();
    });
    afterEach(() => folder.remove());

    const copies = `
      const same = {
        config: this.config.constructor === Config,
        flags: Flags.string === again.string,
        required: require('@oclif/core').Command === Command,
        command: this instanceof Command,
      };
      this.log(JSON.stringify(same));
      throw new D3Error('MINE', 'refused', 'a rule says no');`;
    const all = { config: true, flags: true, required: true, command: true };

    it('written as modules and as CommonJS, by its name and by its parts', async () => {
      folder.add({
        name: 'd3-modules',
        files: {
          'commands/modules.js': `import { createRequire } from 'node:module';
            import { Command, Config, Flags } from '@oclif/core';
            import * as again from '@oclif/core/flags';
            import { D3Error } from '@d3/sdk';
            const require = createRequire(import.meta.url);
            export default class extends Command { async run() { ${copies} } }`,
          'commands/required.cjs': `const { Command, Config, Flags } = require('@oclif/core');
            const again = require('@oclif/core/flags');
            const { D3Error } = require('@d3/sdk');
            module.exports = class extends Command { async run() { ${copies} } }`,
        },
      });
      // A copy of its own, which must not be taken.
      const own = path.join(folder.home, 'd3-modules', 'node_modules', '@oclif', 'core');
      mkdirSync(own, { recursive: true });
      writeFileSync(path.join(own, 'package.json'), '{"name":"@oclif/core","version":"4.0.0","main":"index.js"}');
      writeFileSync(path.join(own, 'index.js'), 'throw new Error("a second copy")');
      for (const [what, start] of [
        ['built', (words: string[]) => built.run(words, { env: folder.env })],
        ['sources', (words: string[]) => d3FromSources(words, { env: folder.env })],
      ] as const) {
        for (const word of ['modules', 'required']) {
          const ended = await start([word]);
          expect(ended.code, `${what} ${word}: ${ended.stderr}`).to.equal(30);
          expect(JSON.parse(ended.stdout), `${what} ${word}`).to.deep.equal(all);
          expect(ended.stderr, what).to.contain('a rule says no');
        }
      }
    });

    it('every part of it can be imported', async () => {
      const { exports } = JSON.parse(readFileSync(`${repository}node_modules/@oclif/core/package.json`, 'utf8')) as {
        exports: Record<string, string>;
      };
      const parts = Object.keys(exports).map((part) => path.posix.join('@oclif/core', part));
      const lines = parts
        .filter((part) => !part.endsWith('.json'))
        .map((part) => `parts[${JSON.stringify(part)}] = Object.keys(await import(${JSON.stringify(part)})).sort();`);
      const names = `const parts = {}; ${lines.join('\n')}`;
      folder.add({
        name: 'd3-parts',
        files: { 'commands/parts.js': greeting('x', names).replace("'x'", 'JSON.stringify(parts)') },
      });
      const fromBundle = await built.run(['parts'], { env: folder.env });
      expect(fromBundle, fromBundle.stderr).to.deep.include({ code: 0 });
      const ignored = new Set(['default', 'module.exports', '__esModule']);
      const plain = ({ stdout }: { stdout: string }) =>
        Object.entries(JSON.parse(stdout) as Record<string, string[]>).map(([part, exported]) => [
          part,
          exported.filter((name) => !ignored.has(name)),
        ]);
      expect(plain(fromBundle)).to.deep.equal(plain(await d3FromSources(['parts'], { env: folder.env })));
    });
  });

  describe('keeps what Node compiled', () => {
    let home: string;
    const cache = () => path.join(home, 'd3', 'compile');
    const version = () =>
      built.run(['version'], { env: { XDG_CACHE_HOME: home, NODE_DISABLE_COMPILE_CACHE: undefined } });
    beforeEach(() => {
      home = realpathSync(mkdtempSync(path.join(tmpdir(), 'd3-cache-')));
    });
    afterEach(() => rmSync(home, { recursive: true, force: true }));

    it('in a folder nobody else can look into', async () => {
      expect(await version()).to.deep.include({ code: 0 });
      expect(statSync(cache()).mode & 0o777).to.equal(0o700);
      expect(readdirSync(cache(), { recursive: true }).length).to.be.greaterThan(3);
      expect(existsSync(path.join(tmpdir(), 'node-compile-cache', 'd3'))).to.equal(false);
    });

    const UNSAFE: Record<string, () => void> = {
      'others may write it': () => {
        mkdirSync(cache(), { recursive: true });
        chmodSync(cache(), 0o777);
      },
      'others may read it': () => {
        mkdirSync(cache(), { recursive: true });
        chmodSync(cache(), 0o755);
      },
      'it is a link': () => {
        mkdirSync(path.dirname(cache()), { recursive: true });
        mkdirSync(path.join(home, 'elsewhere'), { mode: 0o700 });
        symlinkSync(path.join(home, 'elsewhere'), cache());
      },
      'others may swap the folder above': () => {
        mkdirSync(cache(), { recursive: true, mode: 0o700 });
        chmodSync(path.dirname(cache()), 0o777);
      },
      'it is a file': () => {
        mkdirSync(path.dirname(cache()), { recursive: true });
        writeFileSync(cache(), '');
      },
    };
    for (const [what, make] of Object.entries(UNSAFE)) {
      it(`never where ${what}; that is doctor's to tell`, async () => {
        make();
        expect(await version()).to.deep.include({ code: 0, stderr: '' });
        expect(readdirSync(home, { recursive: true }).length).to.be.lessThan(4);
        const doctor = await built.run(['doctor', '--json'], {
          env: { XDG_CACHE_HOME: home, NODE_DISABLE_COMPILE_CACHE: undefined },
        });
        const { exit, errors } = JSON.parse(doctor.stdout);
        expect(exit).to.equal(1);
        // Whether the repository's own plugins are built is nothing of this.
        const codes = errors.map((error: { code: string }) => error.code);
        expect(codes.filter((code: string) => code !== 'PLUGIN_BROKEN')).to.deep.equal(['CACHE_UNSAFE']);
      });
    }

    it('never in a folder of somebody else', async function () {
      if (process.getuid?.() !== 0) return this.skip();
      mkdirSync(cache(), { recursive: true, mode: 0o700 });
      chownSync(cache(), 65534, 65534);
      expect(await version()).to.deep.include({ code: 0, stderr: '' });
      expect(readdirSync(cache())).to.deep.equal([]);
      // Nor below one.
      chownSync(cache(), 0, 0);
      chownSync(path.dirname(cache()), 65534, 65534);
      expect(await version()).to.deep.include({ code: 0 });
      expect(readdirSync(cache())).to.deep.equal([]);
    });
  });

  it('leaves plugins out that others could have put there', async () => {
    const folder = new PluginFolder();
    try {
      folder.add({ name: 'd3-good', files: { 'commands/greet.js': greeting('hullo') } });
      chmodSync(folder.folder, 0o777);
      const ended = await built.run(['greet', '--json'], { env: folder.env });
      expect(ended.code).to.equal(127);
      const listed = await built.run(['list-installed', '--json'], { env: { ...folder.env, D3_ROOT: root } });
      expect(JSON.parse(listed.stdout).warnings.join()).to.contain('others may write');
    } finally {
      folder.remove();
    }
  });
});
