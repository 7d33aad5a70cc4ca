import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('staging folders of actions that are over', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac');
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
  });
  afterEach(() => sandbox.remove());

  function leave(name: string, mode: number): void {
    const folder = path.join(machine.root, name);
    mkdirSync(folder, { mode });
    writeFileSync(path.join(folder, 'leaving'), 'of a run whose disk failed at its very end');
  }

  it('depot3:F05 go at the next run, in whatever state they were left', async () => {
    const before = machine.tree();
    leave('.d3-stage-1', 0o700);
    leave('.d3-stage-7.done', 0o700);
    leave('.d3-stage-8', 0o700);
    leave('.d3-stage-8.done', 0o700);
    const { exit, warnings } = await machine.sync();
    expect([exit, warnings]).to.deep.equal([0, []]);
    expect(machine.leavings()).to.deep.equal([]);
    expect(machine.tree()).to.deep.equal(before);
  });

  it('stay, and are said, where somebody else may have filled them; what only looks like one stays', async () => {
    leave('.d3-stage-9', 0o755);
    leave('.d3-stage-of-mine', 0o700);
    const told: string[] = [];
    const { exit } = await machine.sync(
      {},
      { report: (event) => void (event.type === 'warning' && told.push(event.text)) },
    );
    expect(exit).to.equal(0);
    expect(told).to.have.lengthOf(1);
    expect(told[0]).to.match(/^\.d3-stage-9, left by an earlier run, could not be removed: .*not a staging folder/);
    expect(machine.exists('.d3-stage-9/leaving')).to.equal(true);
    expect(machine.exists('.d3-stage-of-mine/leaving')).to.equal(true);
  });
});
