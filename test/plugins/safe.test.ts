import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { NpmRegistry } from '../support/npm-registry.ts';
import { type Entry, packed } from '../support/packages.ts';
import { Place, plugin } from './place.ts';

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

  it('killed anywhere, the old version or the new one is there whole, and the next change clears away what was left', async () => {
    publish('d3-night', '1.0.0', 'night 1');
    const began = process.hrtime.bigint();
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    const whole = Number(process.hrtime.bigint() - began) / 1e6;
    const points = 9;
    let version = '1.0.0';
    for (let at = 1; at <= points; at += 1) {
      const next = `1.${at}.0`;
      publish('d3-night', next, `night 1.${at}`);
      const ended = await place.run(['plugins', 'install', 'd3-night'], {
        running: (child) => {
          const timer = setTimeout(() => child.kill('SIGKILL'), (whole * at) / points);
          child.once('exit', () => clearTimeout(timer));
        },
      });
      const [now] = place.lock.plugins;
      expect(now?.version, `killed at ${at}`).to.be.oneOf(ended.signal === null ? [next] : [version, next]);
      version = now?.version as string;
      const word = version === '1.0.0' ? 'night 1' : `night ${version.slice(0, -2)}`;
      expect(await place.run(['night']), `killed at ${at}`).to.deep.include({
        code: 0,
        stdout: `${word}\n`,
        stderr: '',
      });
    }
    publish('d3-night', '2.0.0', 'night 2');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    // The one before stays until the next change: who runs meanwhile may still read it.
    expect(place.stored).to.have.lengthOf(2);
    publish('d3-night', '2.1.0', 'night 3');
    expect((await place.plugins(['install', 'd3-night'])).errors).to.deep.equal([]);
    expect(place.stored).to.have.lengthOf(2);
    expect(await place.run(['night'])).to.deep.include({ code: 0, stdout: 'night 3\n' });
  });

  it('hostile packages are refused, and leave nothing anywhere', async () => {
    const manifest = (more: object = {}) => JSON.stringify({ ...plugin('d3-bad', '1.0.0', 'bad').manifest, ...more });
    const good = { 'package.json': manifest(), 'commands/bad.js': 'export default class {}' };
    const outside = path.join(place.dir, 'outside');
    writeFileSync(outside, 'untouched');
    const up = '../'.repeat(12);
    const link = (to: string): Entry => ({ path: 'package/link', type: '2', to });
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
    };
    for (const [what, bytes] of Object.entries(rows)) {
      const { exit, errors } = await place.plugins(['install', place.write('bad.tgz', bytes)]);
      expect(exit, what).to.be.oneOf([1, 30, 33, 34]);
      expect(errors, what).to.have.lengthOf(1);
      expect(place.stored, what).to.deep.equal([]);
    }
    // What npm leaves out of what it unpacks does no harm; what it lays down stays within.
    const escaping: Entry[] = [
      { path: `package/${up}tmp/d3-escaped`, content: 'x' },
      { path: '/tmp/d3-escaped', content: 'x' },
      link(outside),
      { path: 'package/link', content: 'overwritten' },
      { path: 'package/hard', type: '1', to: outside },
      link('/etc'),
      { path: 'package/link/d3-escaped', content: 'x' },
    ];
    const mixed = packed(good, escaping);
    const { exit } = await place.plugins(['install', place.write('mixed.tgz', mixed)]);
    expect(exit).to.be.oneOf([0, 1, 30]);
    for (const gone of ['/tmp/d3-escaped', '/etc/d3-escaped', path.join(place.dir, 'escaped')]) {
      expect(existsSync(gone), gone).to.equal(false);
    }
    expect(readFileSync(outside, 'utf8')).to.equal('untouched');
    expect(await place.run(['version'])).to.deep.include({ code: 0, stderr: '' });
  });
});
