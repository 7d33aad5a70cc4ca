import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import type { RunResult } from '../../src/client/run.ts';
import { failureOf } from '../../src/terminal/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** A machine on a file system of its own, which gets really full and is really not to be written. */
describe('a machine on a small disk', () => {
  let sandbox: Sandbox;
  let disk: string;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    disk = path.join(sandbox.dir, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=150m', 'd3-test', disk]);
    machine = sandbox.machine('disk');
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('large', '1', { payload: { 'opt/large': 'x'.repeat(100_000_000) }, live: true });
    expect((await machine.install(['tool'])).exit).to.equal(0);
  });
  afterEach(() => {
    execFileSync('umount', ['-l', disk]);
    sandbox.remove();
  });

  /** @returns how a request ended, as the command line would say it */
  async function ended(work: Promise<RunResult>): Promise<{ exit: number; said: string }> {
    try {
      const { exit, outcomes } = await work;
      return { exit, said: outcomes.map(({ text }) => text).join() };
    } catch (error) {
      const { exit, errors } = failureOf(error);
      return { exit, said: errors.map((one: D3Error) => one.message).join() };
    }
  }

  function fill(): string {
    const filler = path.join(disk, 'filler');
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize + 1_000_000));
    } catch {
      // It is full now.
    }
    expect(statfsSync(disk).bavail).to.equal(0);
    return filler;
  }

  it('says what is missing before it changes anything', async () => {
    const { exit, said } = await ended(machine.install(['large']));
    expect(exit).to.be.oneOf([1, 32]);
    expect(said).to.match(/does not fit|MB are needed/);
    expect(machine.lies(['filler'])).to.deep.equal([]);
  });

  it('that is full to the last byte refuses what needs room, and goes on when there is some', async () => {
    const before = machine.receipts();
    const filler = fill();
    for (const work of [() => machine.sync(), () => machine.install(['large']), () => machine.uninstall(['tool'])]) {
      const { exit, said } = await ended(work());
      expect(exit, said).to.be.oneOf([0, 1]);
      if (exit === 1) expect(said).to.match(/full|no space|disk|MB free/i);
    }
    expect(machine.receipts().length).to.be.oneOf([before.length, before.length - 1]);
    rmSync(filler);
    expect((await ended(machine.sync())).exit).to.equal(0);
    expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
  });

  it('that cannot be written says so, and is as it was when it can be again', async () => {
    const before = machine.everything();
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    for (const work of [() => machine.sync(), () => machine.uninstall(['tool'])]) {
      const { exit, said } = await ended(work());
      expect(exit, said).to.be.oneOf([1, 21]);
    }
    expect(machine.receipts().map(({ edition }) => edition)).to.deep.equal(['tool-1-1']);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    expect(machine.everything()).to.deep.equal(before);
    expect((await ended(machine.uninstall(['tool']))).exit).to.equal(0);
  });
});
