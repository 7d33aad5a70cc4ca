import { renameSync } from 'node:fs';
import { expect } from 'chai';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('what a machine tells', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { serial: 'C02', hardwareUuid: 'A-B', macs: ['00:11'] });
    await sandbox.add('tool', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  it('patchoo:UP-14 is in the inbox after every run, with what happened and what is installed', async () => {
    const { run } = await machine.install(['tool']);
    const [report] = sandbox.reports();
    const id = machine.reading((state) => state.computerId());
    expect(report?.computer).to.deep.equal({
      id,
      name: 'mac-a',
      user: null,
      claims: { serial: 'C02', hardwareUuid: 'A-B', macs: ['00:11'] },
    });
    expect(report).to.deep.include({ schema: 'd3/report@1', run, command: 'install', exit: 0 });
    expect(report?.outcomes).to.deep.equal([
      { target: 'tool', basename: 'tool', edition: 'tool-1-1', status: 'installed', reason: 'asked for by sally' },
    ]);
    expect(report?.receipts.map(({ edition, piloting, admin }) => [edition, piloting, admin])).to.deep.equal([
      ['tool-1-1', false, 'sally'],
    ]);
  });

  it('is in the inbox after a failed run, too', async () => {
    await machine.install(['nothing']);
    expect(sandbox.reports()[0]).to.deep.include({ command: 'install', exit: 34 });
    expect(sandbox.reports()[0]?.outcomes[0]?.status).to.equal('blocked');
  });

  it('is kept while the depot cannot be reached, and delivered in its order when it can', async () => {
    await machine.install(['tool']);
    renameSync(sandbox.depot, `${sandbox.depot}-away`);
    const { exitCode } = await problemsOf(machine.sync());
    expect(exitCode).to.equal(20);
    const uninstalled = await machine.uninstall(['tool']);
    expect(uninstalled.exit).to.equal(0);
    expect(uninstalled.warnings.join()).to.include('kept and goes with the next run');
    expect(machine.reading((state) => state.receipts())).to.deep.equal([]);
    renameSync(`${sandbox.depot}-away`, sandbox.depot);
    await machine.sync();
    const commands = sandbox.reports().map(({ command, exit }) => `${command} ${exit}`);
    expect(commands).to.deep.equal(['install 0', 'sync 20', 'uninstall 0', 'sync 0']);
    await machine.sync();
    expect(sandbox.reports(), 'nothing is sent twice').to.have.length(5);
  });

  it('keeps its last ten runs with facts and plan', async () => {
    for (let count = 0; count < 12; count += 1) await machine.sync();
    await machine.install(['tool']);
    const runs = machine.reading((state) => state.runs());
    expect(runs).to.have.length(10);
    expect(runs[0]).to.deep.include({ schema: 'd3/run@1', command: 'install', exit: 0 });
    expect(runs[0]?.facts.machine.name).to.equal('mac-a');
    expect(runs[0]?.plan.decisions[0]?.action?.kind).to.equal('install');
    expect(runs[0]?.outcomes[0]?.status).to.equal('installed');
    expect(runs.map(({ startedAt }) => startedAt)).to.deep.equal(
      runs
        .map(({ startedAt }) => startedAt)
        .toSorted()
        .toReversed(),
    );
    expect(machine.reading((state) => state.lastSync())).to.equal(runs[1]?.finishedAt);
  });
});
