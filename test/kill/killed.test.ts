import { rmSync } from 'node:fs';
import path from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { listInstalled } from '../../src/client/lists.ts';
import type { Request } from '../../src/planner/types.ts';
import { depotWith } from '../support/machine.ts';
import { installRequest, Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { cutEverywhere, killedAt } from './cuts.ts';

const V1 = { 'opt/tool/run': 'one', 'opt/tool/lib/old': 'old', 'opt/shared': 'shared', 'opt/empty/': '' };
const V2 = { 'opt/tool/run': 'two!', 'opt/tool/lib/new/deep': 'new', 'opt/shared': 'shared' };

const APP = {
  'Applications/X.app/Contents/Info.plist': 'i',
  'Applications/X.app/Contents/MacOS/X': 'x',
  'opt/app/readme': 'r',
};

const INSTALL = installRequest(['tool']);

interface Scenario {
  title: string;
  /** Brings the machine to where it is before the request that is cut. */
  before: (sandbox: Sandbox, machine: SandboxMachine) => Promise<void>;
  request: Request;
  /** Files that d3 did not put there. */
  foreign?: string[];
}

async function withLive(sandbox: Sandbox, machine: SandboxMachine): Promise<void> {
  await sandbox.add('other', '1', { payload: { 'opt/shared': 'shared', 'opt/other': 'o' }, live: true });
  await sandbox.add('tool', '1', { payload: V1, live: true });
  await machine.install(['other', 'tool']);
}

const SCENARIOS: Scenario[] = [
  {
    title: 'an install',
    async before(sandbox) {
      await sandbox.add('tool', '1', { payload: V1, live: true });
    },
    request: INSTALL,
  },
  {
    title: 'a reinstall with force',
    before: withLive,
    request: { ...INSTALL, force: true },
  },
  {
    title: 'an update that keeps what the old one had',
    async before(sandbox, machine) {
      await withLive(sandbox, machine);
      await sandbox.add('tool', '2', { payload: V2, live: true });
    },
    request: INSTALL,
  },
  {
    title: 'an update that removes the old one first',
    async before(sandbox, machine) {
      await withLive(sandbox, machine);
      await sandbox.add('tool', '2', { payload: V2, live: true, removeFirst: 'y' });
    },
    request: INSTALL,
  },
  { title: 'an uninstall', before: withLive, request: { kind: 'uninstall', targets: ['tool'], force: false } },
  {
    title: 'an uninstall of an app that has changed itself since',
    async before(sandbox, machine) {
      await sandbox.add('app', '1', { payload: APP, live: true });
      await machine.install(['app']);
      machine.write('Applications/X.app/Contents/Frameworks/new/lib', 'n');
      machine.write('Applications/X.app/Contents/MacOS/X', 'changed');
    },
    request: { kind: 'uninstall', targets: ['app'], force: false },
    foreign: ['Applications/X.app/Contents/Frameworks/new/lib'],
  },
  {
    title: 'a depilot that puts the live edition back',
    async before(sandbox, machine) {
      await withLive(sandbox, machine);
      await sandbox.add('tool', '2', { payload: V2 });
      await machine.pilot(['tool-2-1']);
    },
    request: { kind: 'depilot', targets: ['tool'], force: false, leaveOff: false },
  },
];

describe('a machine cut at any point', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  for (const { title, before, request, foreign } of SCENARIOS) {
    it(`depot3:BUG-55 ${title} is found undone or done, and nothing is left behind`, async () => {
      const machine = sandbox.machine('whole');
      await before(sandbox, machine);
      const old = machine.tree();
      const { cuts, fresh } = await cutEverywhere(sandbox, machine.root, request);
      const done = fresh.tree();
      expect(cuts.length).to.be.greaterThan(15);
      for (const cut of cuts) {
        // Anybody can still read what is on record.
        expect(cut.receipts().length).to.be.oneOf([0, 1, 2]);
        // A run that does nothing of its own takes up what was cut.
        await cut.request({ kind: 'thaw', targets: ['nothing-of-the-kind'] });
        const name = path.basename(cut.root);
        expect(cut.lies(foreign), name).to.deep.equal([]);
        expect(cut.tree(), name).to.deep.be.oneOf([old, done]);
        await cut.sync();
        const again = await cut.sync({}, { dryRun: true });
        expect(again.plan.decisions.filter((decision) => decision.verdict === 'act')).to.deep.equal([]);
        expect([...cut.lies(foreign), ...cut.leavings()], name).to.deep.equal([]);
      }
    });
  }

  for (const [title, removeFirst] of [
    ['an update', 'n'],
    ['an update that removes first', 'y'],
  ] as const) {
    it(`depot3:BUG-55 ${title} whose package is gone after the cut is given up with a true record`, async () => {
      const machine = sandbox.machine('whole');
      await withLive(sandbox, machine);
      await sandbox.add('tool', '2', { payload: V2, live: true, removeFirst });
      const old = machine.tree();
      const { cuts, fresh } = await cutEverywhere(sandbox, machine.root, INSTALL);
      const possible = [old, fresh.tree()];
      const removed = machine.tree().filter((line) => !/opt\/(?:tool|empty)/.test(line));
      if (removeFirst === 'y') possible.push(removed);
      for (const cut of cuts) {
        rmSync(cut.machine.paths.packages, { recursive: true, force: true });
        const depot = depotWith(cut.machine, { blob: async () => Promise.reject(gone()) });
        await cut.with({ depot }).request({ kind: 'thaw', targets: ['nothing-of-the-kind'] });
        const name = path.basename(cut.root);
        expect(cut.lies(), name).to.deep.equal([]);
        expect(cut.tree(), name).to.deep.be.oneOf(possible);
      }
    });
  }

  it('depot3:BUG-55 without its depot it says what was cut, loses nothing, and finishes when the depot is back', async () => {
    const machine = sandbox.machine('whole');
    await SCENARIOS[3]?.before(sandbox, machine);
    const { cuts, fresh } = await cutEverywhere(sandbox, machine.root, INSTALL);
    let interrupted = 0;
    for (const cut of cuts) {
      rmSync(cut.machine.paths.packages, { recursive: true, force: true });
      const result = await cut.with({ depot: null }).request({ kind: 'freeze', admin: 'sally', targets: ['tool'] });
      const outcome = result.outcomes.find(({ status }) => status === 'interrupted');
      if (outcome !== undefined) {
        interrupted += 1;
        expect(result.exit).to.not.equal(0);
        const { receipts, interrupted: rows } = await listInstalled(cut.machine.paths, 'installed', async () => null);
        expect(rows.map((row) => row.edition)).to.deep.equal(['tool-2-1']);
        const rehearsed = await cut.sync({}, { dryRun: true });
        expect(rehearsed.warnings.join()).to.include('was cut while it was installing tool-2-1');
        expect(receipts.map((row) => row.edition)).to.not.include('tool-2-1');
        expect((await cut.uninstall(['tool'])).exit, 'taken up first, then removed').to.equal(0);
        continue;
      }
      await cut.request({ kind: 'thaw', targets: ['tool'] });
      await cut.sync();
      expect(cut.tree()).to.deep.equal(fresh.tree());
    }
    expect(interrupted).to.be.greaterThan(20);
  });

  it('depot3:BUG-55 a recovery that is cut itself is found undone or done', async () => {
    const machine = sandbox.machine('whole');
    await SCENARIOS[3]?.before(sandbox, machine);
    const { cuts, fresh } = await cutEverywhere(sandbox, machine.root, INSTALL);
    const done = fresh.tree();
    let again = 0;
    for (const [index, cut] of cuts.entries()) {
      if (index % 27 !== 10) continue;
      const recovery: Request = { kind: 'sync', force: false, puppies: false };
      const second = await cutEverywhere(sandbox, cut.root, recovery);
      for (const twice of second.cuts) {
        again += 1;
        await twice.sync();
        expect([...twice.lies(), ...twice.leavings()], twice.root).to.deep.equal([]);
        expect(twice.tree(), twice.root).to.deep.equal(done);
      }
    }
    expect(again).to.be.greaterThan(60);
  });

  it('depot3:BUG-09 a killed run frees the lock, and the next one finishes what it was doing', async () => {
    const machine = sandbox.machine('killed');
    await SCENARIOS[3]?.before(sandbox, machine);
    const request = SCENARIOS[3]?.request as Request;
    const ends = [20, 60, 100, 140].map(async (point) => {
      const copy = await killedAt(sandbox, machine.root, request, point);
      if (copy === null) return expect.fail(`it ended before change ${point}`);
      expect((await copy.sync()).exit).to.equal(0);
      expect([...copy.lies(), ...copy.leavings()]).to.deep.equal([]);
      expect(copy.receipt('tool')?.edition).to.equal('tool-2-1');
      expect(copy.exists('opt/tool/lib/old')).to.equal(false);
    });
    await Promise.all(ends);
  });
});

function gone(): D3Error {
  return new D3Error('BLOB_NOT_FOUND', 'notFound', 'the depot has no such file');
}
