import { expect } from 'chai';
import fc from 'fast-check';
import type { Request } from '../../src/planner/types.ts';
import { installRequest, Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { holdsAfterCut, NOTHING, settled } from './check.ts';
import { type CutOptions, cutEverywhere, failedAt, killedAt, machineAt } from './cuts.ts';
import { type KillWorld, killWorlds, scriptFile } from './worlds.ts';

const SYNC: Request = { kind: 'sync', force: false, puppies: false };
const INSTALL = installRequest(['tool']);

const V1 = { 'opt/tool/run': 'one', 'opt/tool/lib/old': 'old' };
const V2 = { 'opt/tool/run': 'two!', 'opt/tool/lib/new': 'new' };

const WORLDS: KillWorld[] = [
  {
    title: 'an update that runs scripts on both sides of it and of the removal before it',
    scripts: true,
    async before(sandbox, machine) {
      const quiet = scriptFile('exit 0', sandbox);
      const all = { preInstall: quiet, postInstall: quiet, preRemove: quiet, postRemove: quiet };
      await sandbox.add('tool', '1', { payload: V1, live: true, ...all });
      await machine.install(['tool']);
      await sandbox.add('tool', '2', { payload: V2, live: true, removeFirst: 'y', ...all });
    },
    request: INSTALL,
  },
  {
    title: 'an update that a script settles',
    scripts: true,
    async before(sandbox, machine) {
      await sandbox.add('tool', '1', { payload: V1, live: true });
      await machine.install(['tool']);
      await sandbox.add('tool', '2', { payload: V2, live: true, preInstall: scriptFile('exit 111', sandbox) });
    },
    request: INSTALL,
  },
  {
    title: 'an uninstall that a script settles',
    scripts: true,
    async before(sandbox, machine) {
      await sandbox.add('tool', '1', { payload: V1, live: true, preRemove: scriptFile('exit 111', sandbox) });
      await machine.install(['tool']);
    },
    request: { kind: 'uninstall', targets: ['tool'], force: false },
  },
  {
    title: 'a sync that refreshes, updates, rolls back, installs and fails',
    scripts: true,
    async before(sandbox, machine) {
      await sandbox.add('tool', '1', { payload: V1, live: true });
      await sandbox.add('back', '1', { live: true });
      await sandbox.add('back', '2', { live: true });
      await sandbox.add('pilot', '1');
      await machine.install(['tool', 'back']);
      await machine.pilot(['pilot-1-1']);
      await sandbox.live('pilot-1-1');
      await sandbox.live('back-1-1');
      await sandbox.add('tool', '2', { payload: V2, live: true });
      await sandbox.add('new', '1', { live: true, autoGroups: 'standard' });
      const refuses = scriptFile('exit 3', sandbox);
      await sandbox.add('refused', '1', { live: true, autoGroups: 'standard', preInstall: refuses });
    },
    request: SYNC,
  },
];

/** Points of all that the tests here and in `killed.test.ts` cut, held to be enough. */
let points = 0;

describe('a run disturbed at any point', function () {
  this.timeout(300_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  async function prepared({ before, scripts }: KillWorld): Promise<{ machine: SandboxMachine; options: CutOptions }> {
    const options = { scripts };
    const machine = machineAt(sandbox, sandbox.machine('mac').root, options);
    await before(sandbox, machine);
    return { machine, options };
  }

  async function whole(world: KillWorld, machine: SandboxMachine, options: CutOptions): Promise<SandboxMachine> {
    const { fresh } = await cutEverywhere(sandbox, machine.root, world.request, options);
    await fresh.request(world.request);
    await settled(fresh);
    return fresh;
  }

  async function cutAndHeld(world: KillWorld): Promise<number> {
    const { machine, options } = await prepared(world);
    const { cuts, fresh } = await cutEverywhere(sandbox, machine.root, world.request, options);
    await fresh.request(world.request);
    await settled(fresh);
    for (const cut of cuts) await holdsAfterCut(cut, world.request, fresh);
    points += cuts.length;
    return cuts.length;
  }

  for (const world of WORLDS) {
    it(`depot3:F05 depot3:BUG-55 ${world.title}, cut, comes to where it would have come`, async () => {
      expect(await cutAndHeld(world)).to.be.greaterThan(20);
    });
  }

  it('depot3:F05 depot3:BUG-55 any request on any machine, cut, comes to where it would have come', async () => {
    for (const world of fc.sample(killWorlds, { seed: 20, numRuns: 5 })) {
      await cutAndHeld(world);
      sandbox.remove();
      sandbox = await Sandbox.make();
    }
    expect(points, 'points in this file').to.be.greaterThan(500);
  });

  it('depot3:F05 killed for real while its scripts run, it is taken up again', async () => {
    const world = WORLDS[0] as KillWorld;
    const { machine, options } = await prepared(world);
    const done = await whole(world, machine, options);
    const { points: all } = await failedAt(sandbox, machine.root, world.request, '1000000:EIO', options);
    expect(all).to.be.greaterThan(60);
    for (let point = 3; point < all; point += Math.ceil(all / 8)) {
      const cut = await killedAt(sandbox, machine.root, world.request, point, options);
      if (cut === null) return expect.fail(`it ended before point ${point}`);
      await holdsAfterCut(cut, world.request, done);
    }
  });

  for (const [code, what] of [
    ['EIO', 'one change fails'],
    ['ENOSPC', 'the disk is full from then on'],
    ['EROFS', 'the root cannot be written from then on'],
  ] as const) {
    it(`says so and loses nothing when ${what}`, async () => {
      const world = WORLDS[0] as KillWorld;
      const { machine, options } = await prepared(world);
      const done = await whole(world, machine, options);
      const { points: all } = await failedAt(sandbox, machine.root, world.request, '1000000:EIO', options);
      for (let point = 1; point <= all; point += Math.ceil(all / 14)) {
        const how = `${point}:${code}`;
        const { machine: after, exit, said } = await failedAt(sandbox, machine.root, world.request, how, options);
        expect(said, how).to.equal('');
        expect(exit, how).to.be.oneOf([0, 1, 20, 21, 30, 31, 32, 33, 40]);
        await holdsAfterCut(after, world.request, done);
      }
    });
  }

  it('does nothing of its own when it takes up nothing', async () => {
    const machine = sandbox.machine('mac');
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    const before = machine.tree();
    expect((await machine.request(NOTHING)).exit).to.equal(34);
    expect(machine.tree()).to.deep.equal(before);
  });
});
