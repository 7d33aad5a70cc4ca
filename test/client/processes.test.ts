import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { detailsOf } from '../../src/client/details.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { driversWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** A clock that stands until it is moved. */
class StandingClock implements Clock {
  at = Date.parse('2030-01-01T12:00:00Z');
  now(): Date {
    return new Date(this.at);
  }
  days(days: number): void {
    this.at += days * 86_400_000;
  }
}

describe('processes that are in the way', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  const clock = new StandingClock();
  beforeEach(async () => {
    clock.at = Date.parse('2030-01-01T12:00:00Z');
    sandbox = await Sandbox.make(clock);
    machine = sandbox.machine('mac-a');
    await sandbox.add('keynote', '1', { live: true, prohibitingProcesses: 'Keynote' });
    await sandbox.add('other', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  function running(...processes: string[]): void {
    writeFileSync(path.join(machine.root, 'facts.json'), JSON.stringify({ processes }));
  }

  /** The machine, on which processes start as soon as packages are being prepared: after the plan was made. */
  function startingLate(...processes: string[]): SandboxMachine {
    const { driverFor } = machine.machine;
    return machine.with({
      driverFor: (edition) => {
        const driver = driverFor(edition);
        return {
          ...driver,
          async prepare(pkg, target) {
            const prepared = await driver.prepare(pkg, target);
            running(...processes);
            return prepared;
          },
        };
      },
    });
  }

  it('patchoo:UP-09 depot3:B16 refuse an install by name (30), with what to do, and leave the others to go on', async () => {
    running('Keynote');
    const result = await machine.install(['keynote', 'other']);
    expect(result.exit).to.equal(40);
    expect(result.outcomes.map(({ status, text }) => [status, text])).to.deep.equal([
      ['refused', 'blocked by Keynote'],
      ['installed', 'asked for by sally'],
    ]);
    expect(result.outcomes[0]?.problem).to.deep.include({ code: 'PROCESS_RUNNING', exit: 'refused' });
    expect((await machine.install(['keynote'], { force: true })).exit).to.equal(0);
  });

  it('depot3:B17 depot3:BUG-14 refuse an uninstall, and leave the others to go on', async () => {
    await machine.install(['keynote', 'other']);
    running('Keynote');
    const result = await machine.uninstall(['keynote', 'other']);
    expect(result.outcomes.map(({ status }) => status)).to.deep.equal(['refused', 'uninstalled']);
    expect(result.exit).to.equal(40);
    expect((await machine.uninstall(['keynote'], true)).exit).to.equal(0);
  });

  it('depot3:B16 that start after the plan was made drop the action, and nothing is changed', async () => {
    const late = await startingLate('Keynote').install(['keynote', 'other']);
    expect(late.plan.decisions.map(({ verdict }) => verdict)).to.deep.equal(['act', 'act']);
    expect(late.outcomes.map(({ status, problem }) => [status, problem?.code])).to.deep.equal([
      ['refused', 'PROCESS_RUNNING'],
      ['installed', undefined],
    ]);
    expect(machine.exists('opt/keynote')).to.equal(false);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('that start late hold an update in a sync: the old edition stays, with remove-first too', async () => {
    await machine.install(['keynote']);
    await sandbox.add('keynote', '2', { live: true, prohibitingProcesses: 'Keynote', removeFirst: 'y' });
    const before = machine.tree();
    const result = await startingLate('Keynote').sync();
    expect(result.exit).to.equal(0);
    expect(result.outcomes.find(({ basename }) => basename === 'keynote')).to.deep.include({
      status: 'held',
      text: 'blocked by Keynote',
      blockedBy: { processes: ['Keynote'], since: '2030-01-01T12:00:00.000Z' },
    });
    expect(machine.tree()).to.deep.equal(before);
    expect(machine.lies()).to.deep.equal([]);
    running();
    await machine.sync();
    expect(machine.receipt('keynote')?.edition).to.equal('keynote-2-1');
  });

  it('depot3:B17 that start late drop an uninstall', async () => {
    await machine.install(['keynote', 'other']);
    const result = await machine
      .with({ plugins: { ...machine.machine.plugins, proposals: async () => (running('Keynote'), []) } })
      .uninstall(['keynote', 'other']);
    expect(result.outcomes.map(({ status }) => status)).to.deep.equal(['refused', 'uninstalled']);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('depot3:B16 what was begun is carried through, whatever has started since', async () => {
    await machine.install(['keynote']);
    await sandbox.add('keynote', '2', { live: true, prohibitingProcesses: 'Keynote', removeFirst: 'y' });
    const cut = driversWith(machine.machine, async () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    });
    await machine.with({ driverFor: cut }).sync();
    running('Keynote');
    const result = await machine.request({ kind: 'thaw', targets: ['other'] });
    expect(result.outcomes[0]).to.deep.include({ status: 'installed', edition: 'keynote-2-1' });
  });

  it('are remembered since the first sync that waited for them: told by sync, report and details; then forgotten', async () => {
    await machine.install(['keynote']);
    await sandbox.add('keynote', '2', { live: true, prohibitingProcesses: 'Keynote, Pages' });
    running('Keynote');
    const first = '2030-01-01T12:00:00.000Z';
    const settings = { ...machine.machine.settings, noticeDays: 14 };
    const text = async () =>
      (await machine.with({ settings }).sync()).outcomes.find((one) => one.status === 'held')?.text;
    expect(await text()).to.equal('blocked by Keynote');
    clock.days(13);
    running('Pages');
    expect(await text()).to.equal('blocked by Pages, 13 days');
    clock.days(1);
    const rehearsed = await machine.with({ settings }).sync({}, { dryRun: true });
    expect(rehearsed.warnings.join()).to.include('keynote-2-1 has waited 14 days for Pages to end');
    const due = await machine.with({ settings }).sync();
    expect(due.exit).to.equal(0);
    expect(due.warnings).to.deep.equal(rehearsed.warnings);
    const reported = sandbox.reports().find(({ run }) => run === due.run);
    expect(reported?.outcomes.find(({ target }) => target === 'keynote')).to.deep.include({
      status: 'held',
      reason: 'blocked by Pages, 14 days',
      blockedBy: { processes: ['Pages'], since: first },
    });
    const details = machine.reading((state) => detailsOf('keynote', null, state.receipts(), state.waits()));
    expect(details.waiting).to.deep.include({ processes: ['Pages'], since: first });
    running();
    await machine.sync();
    expect(machine.reading((state) => state.waits())).to.deep.equal([]);
    expect(machine.receipt('keynote')?.edition).to.equal('keynote-2-1');
  });

  it('are no longer waited for once somebody installs or removes it by force', async () => {
    await machine.install(['keynote']);
    await sandbox.add('keynote', '2', { live: true, prohibitingProcesses: 'Keynote' });
    running('Keynote');
    await machine.sync();
    expect(machine.reading((state) => state.waits())).to.have.length(1);
    await machine.install(['keynote'], { force: true });
    expect(machine.reading((state) => state.waits())).to.deep.equal([]);
  });
});
