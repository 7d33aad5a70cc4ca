import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { writeMacPackage } from '../../scripts/package/mac-package.ts';
import { Sandbox } from '../support/sandbox.ts';
import { FAKE_NODE, fakeApp } from './fake-app.ts';

describe('the .pkg of d3', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('depot3:K07 is an edition of d3 like any: a sync installs it beside the old one, goes over to it, and keeps two', async () => {
    const machine = sandbox.machine('mac-a');
    const lib = path.join(machine.root, 'usr/local/lib/d3');
    for (const [version, kept] of [
      ['1.0.0', ['1.0.0']],
      ['1.1.0', ['1.0.0', '1.1.0']],
      ['1.2.0', ['1.1.0', '1.2.0']],
    ] as const) {
      const file = path.join(sandbox.dir, `d3-${version}.pkg`);
      const entries = fakeApp(path.join(sandbox.dir, `app-${version}`), version);
      const source = { version, entries, node: FAKE_NODE, processor: null, minimum: null, seconds: 0 };
      await writeMacPackage(file, source, path.join(sandbox.dir, 'work'));
      // Where Apple's installer is not, d3 goes over to it without the package's own scripts.
      const { edition } = await sandbox.addFile('d3', version, file, {
        live: true,
        autoGroups: 'standard',
        packageScripts: 'ignore',
      });
      expect(edition.applePackages.map(({ id }) => id)).to.deep.equal(['org.d3.d3']);
      const { exit, outcomes } = await machine.sync();
      expect(exit, JSON.stringify(outcomes)).to.equal(0);
      expect([readlinkSync(path.join(lib, 'current')), readdirSync(path.join(lib, 'versions')).sort()]).to.deep.equal([
        `versions/${version}`,
        kept,
      ]);
      const started = execFileSync(path.join(machine.root, 'usr/local/bin/d3'), ['--version'], { encoding: 'utf8' });
      expect(started.trim()).to.equal(`d3/${version}`);
    }
  });
});
