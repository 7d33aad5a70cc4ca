import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { npmCli, Place } from './place.ts';

describe('d3 plugins create', function () {
  this.timeout(120_000);
  let place: Place;
  beforeEach(() => {
    // No registry: what it makes needs nothing.
    place = new Place('http://127.0.0.1:9/', ['d3-lantern@^0.1']);
  });
  afterEach(() => place.remove());

  it('makes a plugin that tests itself, is packed, installed, listens, answers, and is removed', async () => {
    expect((await place.plugins(['create', 'd3-lantern'])).result).to.include({ command: 'lantern' });
    const made = path.join(place.dir, 'd3-lantern');
    expect(readdirSync(made).sort()).to.deep.equal([
      'README.md',
      'commands',
      'hooks',
      'package.json',
      'rules.js',
      'test',
    ]);
    const node = (...words: string[]) =>
      spawnSync(process.execPath, words, { cwd: made, encoding: 'utf8', env: { HOME: place.dir } });
    const tested = node('--test');
    expect(tested.status, tested.stdout).to.equal(0);
    expect(tested.stdout).to.match(/pass 2/);
    const packed = node(
      npmCli,
      'pack',
      '--ignore-scripts',
      `--cache=${place.dir}/npm`,
      `--pack-destination=${place.dir}`,
    );
    expect(packed.status, packed.stderr).to.equal(0);

    const installed = await place.plugins(['install', './d3-lantern-0.1.0.tgz']);
    expect(installed.errors).to.deep.equal([]);
    expect((await place.run(['hooks', 'list'])).stdout).to.match(/^d3:plan .*d3-lantern/m);
    expect((await place.run(['lantern', 'Rehearsal'])).stdout).to.equal('Rehearsal holds what is installed.\n');
    const empty = await place.run(['lantern', ' ', '--json']);
    expect(JSON.parse(empty.stdout)).to.deep.include({ exit: 2, command: 'lantern' });
    expect((await place.plugins(['uninstall', 'd3-lantern'])).errors).to.deep.equal([]);
    expect((await place.run(['hooks', 'list'])).stdout).to.not.contain('d3-lantern');
  });

  it('overwrites nothing, and makes none with a name that is none or is d3’s', async () => {
    mkdirSync(path.join(place.dir, 'd3-there'));
    expect(await place.plugins(['create', 'd3-there'])).to.deep.include({ exit: 30 });
    for (const name of ['../out', 'A Name', '@d3/cli', 'd3-sync']) {
      const { exit } = await place.plugins(['create', name]);
      expect(exit, name).to.be.oneOf([2, 30]);
    }
    expect((await place.plugins(['create', 'd3-dry', '--dry-run'])).errors).to.deep.equal([]);
    expect(existsSync(path.join(place.dir, 'd3-dry'))).to.equal(false);
    expect(readdirSync(path.join(place.dir, 'd3-there'))).to.deep.equal([]);
  });
});
