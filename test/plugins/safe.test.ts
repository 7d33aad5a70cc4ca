import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { foreignIn, pluginStoreIn } from '../../src/platform/plugin-store.ts';
import { runProgram } from '../../src/platform/program.ts';
import { layDown } from '../../src/plugins/lay-down.ts';
import { npmAt } from '../../src/plugins/npm.ts';
import { NpmRegistry } from '../support/npm-registry.ts';
import { type Entry, packed } from '../support/packages.ts';
import { npmCli, Place, plugin, saying } from './place.ts';

describe('installing plugins, whatever comes in between', function () {
  this.timeout(600_000);
  let registry: NpmRegistry;
  let place: Place;
  beforeEach(async () => {
    registry = await new NpmRegistry().listen();
    place = new Place(registry.url);
  });
  afterEach(async () => {
    place.remove();
    await registry.close();
  });

  const publish = (name: string, version: string, word: string) => {
    const made = plugin(name, version, word);
    return registry.publish(made.manifest, made.files);
  };

  it('eight installs at once: one after another, all of them are there, and d3 works all the while', async () => {
    const names = Array.from({ length: 8 }, (_, at) => `d3-plugin-${at}`);
    for (const [at, name] of names.entries()) publish(name, '1.0.0', `word-${at}`);
    const looking = Promise.all(Array.from({ length: 4 }, () => place.run(['list-available', '--json'])));
    const ended = await Promise.all(names.map((name) => place.plugins(['install', name])));
    expect(ended.map(({ exit, errors }) => ({ exit, errors }))).to.deep.equal(
      names.map(() => ({ exit: 0, errors: [] })),
    );
    expect(place.installed.sort()).to.deep.equal(names.map((name) => `${name}@1.0.0`));
    expect(place.stored).to.have.lengthOf(8);
    for (const { stderr } of await looking) expect(stderr).to.not.contain('plugin');
    const listed = await place.plugins([]);
    expect(listed.result.map(({ name, problem }) => [name, problem]).sort()).to.deep.equal(
      names.map((name) => [name, null]),
    );
    expect(await place.run(['word-7'])).to.deep.include({ code: 0, stdout: 'word-7\n', stderr: '' });
  });

  it('who may not wait is told that another command is at it', async () => {
    publish('d3-slow', '1.0.0', 'slow');
    registry.delay = 1500;
    const first = place.plugins(['install', 'd3-slow']);
    for (let tries = 0; registry.asked.length === 0 && tries < 1500; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await place.plugins(['install', 'd3-slow', '--wait', '0']);
    expect(second.exit).to.equal(41);
    expect(second.errors[0]).to.include({ code: 'PLUGINS_BUSY' });
    expect((await first).errors).to.deep.equal([]);
  });

  it('killed at any point, the old version or the new one is there whole, and the next change clears away what was left', async () => {
    publish('d3-night', '1.0.0', 'night 0');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const lock = () => readFileSync(path.join(place.folder, 'd3.plugins.lock'), 'utf8');
    const first = place.stored;
    const staged = () => place.stored.find((name) => !first.includes(name)) ?? 'none yet';
    const inStage = (file: string) => existsSync(path.join(place.folder, 'store', staged(), file));
    let before = lock();
    /** When it is killed, and whether it may already be installed then. */
    const points: [when: string, reached: () => boolean, after: 'old' | 'either' | 'new'][] = [
      ['it asks what there is', () => registry.asked.length > 0, 'old'],
      ['it is being fetched', () => registry.asked.some((asked) => asked.endsWith('.tgz')), 'old'],
      ['it is unpacked', () => inStage('node_modules/d3-night/package.json'), 'either'],
      ['it is laid down', () => inStage('package-lock.json'), 'either'],
      ['the list is being written', () => place.listed.some((name) => name.startsWith('.d3.plugins.lock.')), 'either'],
      ['the list is written', () => lock() !== before, 'new'],
    ];
    for (const [at, [when, reached, after]] of points.entries()) {
      const now = `1.${at + 1}.0`;
      publish('d3-night', now, `night ${at + 1}`);
      registry.asked.length = 0;
      before = lock();
      const { signal } = await place.run(['plugins', 'install', 'd3-night'], {
        running: (child) => killWhen(child, reached),
      });
      const [plugin] = place.lock.plugins;
      const [old, fresh] = [
        { version: '1.0.0', word: 'night 0' },
        { version: now, word: `night ${at + 1}` },
      ];
      // Whoever looks from outside may come too late to kill anything.
      const ended = after === 'new' || signal === null || plugin?.version === now ? fresh : old;
      if (after === 'old') expect(signal, when).to.equal('SIGKILL');
      expect(plugin?.version, when).to.equal(ended.version);
      expect(await place.run(['night']), when).to.deep.include({ code: 0, stdout: `${ended.word}\n`, stderr: '' });
      if (ended === fresh && after !== 'new') {
        expect((await place.plugins(['install', 'd3-night@1.0.0'])).errors, when).to.deep.equal([]);
      }
    }
    const leftover = place.write('data/d3/.d3.plugins.lock.cut', '{');
    // What was replaced stays until the change after the next: who runs meanwhile may still read it.
    expect((await place.plugins(['install', 'd3-night@1.0.0'])).errors).to.deep.equal([]);
    expect(place.stored).to.have.lengthOf(3);
    expect(existsSync(leftover)).to.equal(false);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night 0\n' });
    expect((await place.plugins(['uninstall', 'd3-night'])).errors).to.deep.equal([]);
    expect(place.stored).to.deep.equal([]);
  });

  it('hostile packages are refused, and leave nothing anywhere', async () => {
    const manifest = (more: object = {}) => JSON.stringify({ ...plugin('d3-bad', '1.0.0', 'bad').manifest, ...more });
    const good = { 'package.json': manifest(), 'commands/bad.js': 'export default class {}' };
    const outside = path.join(place.dir, 'outside');
    writeFileSync(outside, 'untouched');
    const up = '../'.repeat(12);
    const link = (to: string): Entry => ({ path: 'package/link', type: '2', to });
    const many = Array.from({ length: 100_001 }, (_, at): Entry => ({ path: `package/${at}` }));
    const rows: Record<string, Buffer> = {
      'no archive': Buffer.from('not an archive'),
      'an empty one': Buffer.alloc(0),
      'cut off': packed(good).subarray(0, 60),
      'no package.json': packed({ 'commands/bad.js': '' }),
      'a package.json that is none': packed({ 'package.json': '{"name":' }),
      'a name that is a path': packed({ 'package.json': manifest({ name: '../../../escaped' }) }),
      'a name with folders in it': packed({ 'package.json': manifest({ name: 'a/../../../escaped' }) }),
      'a name of an object': packed({ 'package.json': manifest({ name: '__proto__/x' }) }),
      'no version': packed({ 'package.json': manifest({ version: undefined }) }),
      'a version that is a path': packed({ 'package.json': manifest({ version: '../../1.0.0' }) }),
      'no plugin': packed({ 'package.json': manifest({ oclif: undefined }) }),
      'a command that does not load': packed({ ...good, 'commands/bad.js': 'syntax error' }),
      'too many files': packed(good, many),
      'a repository to be prepared': packed({
        ...good,
        'package.json': manifest({ dependencies: { evil: `git+file://${place.dir}/evil` } }),
      }),
      'a folder of this machine': packed({
        ...good,
        'package.json': manifest({ dependencies: { evil: `file:${place.dir}` } }),
      }),
    };
    const files = Object.entries(rows).map(([what, bytes], at) => ({ what, file: place.write(`${at}.tgz`, bytes) }));
    const { exit, result, errors } = await place.plugins(['install', ...files.map(({ file }) => file)]);
    expect(exit).to.not.equal(0);
    expect(result).to.deep.equal([]);
    expect(errors).to.have.lengthOf(files.length);
    expect(errors.find(({ message }) => message.includes('too much'))).to.include({ code: 'NO_PLUGIN' });
    expect(place.stored).to.deep.equal([]);

    // What npm leaves out of what it unpacks does no harm; what it lays down stays within.
    const escaping: Entry[] = [
      { path: `package/${up}tmp/d3-escaped`, content: 'x' },
      { path: '/tmp/d3-escaped', content: 'x' },
      link(outside),
      { path: 'package/link', content: 'overwritten' },
      { path: 'package/hard', type: '1', to: outside },
      link('/etc'),
      { path: 'package/link/d3-escaped', content: 'x' },
      { path: 'package/rights', content: 'x', mode: 0o6777 },
    ];
    const sound = { 'package.json': manifest(), 'commands/bad.js': saying('bad') };
    const mixed = await place.plugins(['install', place.write('mixed.tgz', packed(sound, escaping))]);
    expect(mixed.exit, JSON.stringify(mixed.errors)).to.be.oneOf([0, 1, 30]);
    for (const gone of ['/tmp/d3-escaped', '/etc/d3-escaped', path.join(place.dir, 'escaped')]) {
      expect(existsSync(gone), gone).to.equal(false);
    }
    expect(readFileSync(outside, 'utf8')).to.equal('untouched');
    expect(await place.run(['version'])).to.deep.include({ code: 0, stderr: '' });
  });

  it('what an archive says of rights is not kept', async () => {
    const { manifest, files } = plugin('d3-rights', '1.0.0', 'rights');
    const entries: Entry[] = [{ path: 'package/tool', content: 'x', mode: 0o6777 }];
    const bytes = packed({ 'package.json': JSON.stringify(manifest), ...files }, entries);
    expect((await place.plugins(['install', place.write('rights.tgz', bytes)])).errors).to.deep.equal([]);
    const [folder = ''] = place.stored;
    const modeOf = (name: string) => statSync(path.join(place.folder, 'store', folder, name)).mode & 0o7777;
    expect(modeOf('.')).to.equal(0o755);
    expect(modeOf('node_modules/d3-rights/tool')).to.equal(0o755);
    expect(modeOf('node_modules/d3-rights/package.json')).to.equal(0o644);
  });

  it('a package that unpacks to more than it says is stopped', async () => {
    const { manifest, files } = plugin('d3-huge', '1.0.0', 'huge');
    const integrity = registry.publish(manifest, { ...files, 'zeros.bin': '0'.repeat(8_000_000) });
    registry.publish(
      { ...plugin('d3-says-so', '1.0.0', 'says').manifest, dist: { unpackedSize: 600 * 1024 * 1024 } },
      files,
    );
    const declared = await place.plugins(['install', 'd3-says-so']);
    expect(declared.errors[0]).to.include({ code: 'NO_PLUGIN' });
    expect(registry.asked.filter((asked) => asked.endsWith('.tgz'))).to.deep.equal([]);

    const store = pluginStoreIn(place.folder, 'store');
    const npm = npmAt(
      { node: process.execPath, program: npmCli, cache: null, registry: registry.url, environment: {} },
      runProgram,
    );
    const fetched = { name: 'd3-huge', version: '1.0.0', integrity, signatures: [], file: null };
    const ports = { npm, store, signal: new AbortController().signal, most: { bytes: 4_000_000, files: 1000 } };
    const failure = await layDown(fetched, store.stage(), ports).then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).to.be.instanceOf(D3Error).and.to.include({ code: 'NO_PLUGIN' });
  });

  it('a link in what is laid down may not lead out, by whatever way', () => {
    const made = path.join(place.dir, 'made');
    mkdirSync(path.join(made, 'a/b'), { recursive: true });
    expect(foreignIn(made)).to.equal(null);
    symlinkSync('..', path.join(made, 'a/up'));
    expect(foreignIn(made)).to.equal(null);
    // By its words alone it stays within.
    symlinkSync('up/../../outside', path.join(made, 'a/b/sly'));
    expect(foreignIn(made)).to.contain('leads nowhere');
    mkdirSync(path.join(place.dir, 'outside'));
    rmSync(path.join(made, 'a/b/sly'));
    symlinkSync('../up/../outside', path.join(made, 'a/b/sly'));
    expect(foreignIn(made)).to.contain('leads out of it');
  });
});

/** Kills it as soon as something holds: looked at all the time, for some of it is over in a moment. */
function killWhen(child: ChildProcess, reached: () => boolean): void {
  const look = () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    if (reached()) child.kill('SIGKILL');
    else setImmediate(look);
  };
  look();
}
