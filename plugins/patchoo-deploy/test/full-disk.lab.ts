import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';

const MEBIBYTE = 1024 * 1024;

/** A machine on a file system of its own, which gets really full. */
describe('a deployment on a full disk', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = path.join(sandbox.dir, 'small');
    mkdirSync(root);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'd3-test', root]);
    sandbox.machine('small', { serial: 'C02A', boot: 'one' });
  });
  // d3 leaves 64 MiB of a disk alone when it unpacks.
  afterEach(() => {
    execFileSync('umount', ['-l', root]);
    sandbox.remove();
  });

  const run = (...words: string[]) =>
    d3([...words, '--json'], { env: { D3_ROOT: root, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' } });
  async function json(...words: string[]) {
    const { stdout, stderr } = await run(...words);
    expect(stdout, stderr).not.to.equal('');
    return JSON.parse(stdout);
  }

  function fill(): string {
    const filler = path.join(root, 'filler');
    const { bavail, bsize } = statfsSync(root);
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize + MEBIBYTE));
    } catch {
      // It is full now.
    }
    expect(statfsSync(root).bavail).to.equal(0);
    return filler;
  }

  it('patchoo:BS-23 patchoo:DR-08 is never released as if it had worked, loses nothing, and goes on when there is room', async () => {
    const script = path.join(sandbox.dir, 'note');
    writeFileSync(script, '#!/bin/sh\necho "$D3_POLICY" >> "$1/done"\n');
    expect((await run('admin', 'policy', 'add', 'config', '--script', script, '--events', 'deploy')).code).to.equal(0);
    const content = randomBytes(2 * MEBIBYTE).toString('hex');
    await sandbox.add('lamp', '1', { live: true, autoGroups: 'standard', payload: { 'opt/lamp/file': content } });
    expect((await run('config', 'set', 'provision.attributes', '')).code).to.equal(0);
    expect((await run('provision', 'setup')).code).to.equal(0);
    const filler = fill();
    for (let times = 0; times < 2; times += 1) {
      const full = await json('provision', 'run', '--no-wait');
      expect([0, 10], JSON.stringify(full)).to.not.include(full.exit);
      expect(JSON.stringify(full.errors)).to.match(/room|space|full|ENOSPC/i);
    }
    rmSync(filler);
    let ended = await json('provision', 'run', '--no-wait');
    for (let times = 0; times < 5 && ended.exit !== 0; times += 1) ended = await json('provision', 'run', '--no-wait');
    expect([ended.exit, ended.result.state], JSON.stringify(ended)).to.deep.equal([0, 'released']);
    const machine = sandbox.machineAt(root);
    expect(machine.read('done')).to.equal('config\n');
    expect(machine.read('opt/lamp/file') === content).to.equal(true);
    expect(machine.leavings()).to.deep.equal([]);
  });
});
