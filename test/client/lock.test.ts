import { chmodSync, cpSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error, silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { explainNow } from '../../src/client/explain.ts';
import { listInstalled } from '../../src/client/lists.ts';
import { takeRunLock } from '../../src/client/lock.ts';
import type { RunResult } from '../../src/client/run.ts';
import { StateReader } from '../../src/client/state/state.ts';
import { noPlugins, type Plugins } from '../../src/lifecycle/plugins.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { problemsOf } from '../support/errors.ts';
import { depotWith, driversWith, requestOf } from '../support/machine.ts';
import { asNobody } from '../support/nobody.ts';
import { installRequest, Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('one run at a time', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true });
  });
  afterEach(() => sandbox.remove());

  /** A machine whose gates wait until they are let go, and a promise that they are reached. */
  function holding() {
    let letGo = () => {};
    const released = new Promise<void>((resolve) => (letGo = resolve));
    let reached = () => {};
    const inside = new Promise<void>((resolve) => (reached = resolve));
    const plugins = {
      ...noPlugins,
      async before() {
        reached();
        await released;
        return { kind: 'proceed' as const };
      },
    };
    return { held: machine.with({ plugins }), inside, letGo };
  }

  it('the second ends as busy (41) when it may not wait, and changes nothing', async () => {
    const { held, inside, letGo } = holding();
    const first = held.install(['tool']);
    await inside;
    const { problems, exitCode } = await problemsOf(machine.sync());
    expect(exitCode).to.equal(41);
    expect(problems[0]?.actions.join()).to.include('--wait');
    expect((await machine.sync({}, { dryRun: true })).exit, 'looking is allowed').to.equal(0);
    letGo();
    expect((await first).exit).to.equal(0);
    expect((await machine.sync()).exit).to.equal(0);
  });

  it('the second waits, says so once, and goes on when the first has ended', async () => {
    const { held, inside, letGo } = holding();
    const first = held.install(['tool']);
    await inside;
    const notes: string[] = [];
    const second = machine.request(
      { kind: 'uninstall', targets: ['tool'], force: false },
      { wait: 30, report: (event) => void notes.push(event.type === 'note' ? event.text : '') },
    );
    await sleep(250);
    letGo();
    await first;
    expect((await second).exit).to.equal(0);
    expect(notes.filter((note) => note.includes('waiting'))).to.have.length(1);
    expect(machine.tree()).to.deep.equal([]);
  });

  it('waiting ends when it has taken long enough, or when it is stopped', async () => {
    const file = machine.machine.paths.runLock;
    const take = (wait: number, signal = new AbortController().signal) =>
      takeRunLock({ file, wait, clock, signal, onWait: () => {} });
    const lock = await take(0);
    expect((await problemsOf(take(0.2))).problems[0]?.message).to.include('after waiting 0.2 s');
    const stop = new AbortController();
    setTimeout(() => stop.abort(new D3Error('INTERRUPTED', 'interrupted', 'Interrupted.')), 50);
    let stopped: unknown = null;
    await take(30, stop.signal).catch((error) => (stopped = error));
    expect(stopped).to.equal(stop.signal.reason);
    lock.release();
    (await take(0)).release();
  });

  /** A machine on which a script of each edition does what is said, told the run it is part of. */
  function scripted(script: (edition: string, run: string) => Promise<unknown>): SandboxMachine {
    const plugins: Plugins = {
      ...noPlugins,
      async after({ edition, environment }) {
        await script(edition, environment['D3_RUN'] as string);
        return null;
      },
    };
    return machine.with({ plugins });
  }
  const installing = (name: string) => installRequest([name]);

  it('what a run is doing now is not called cut by whoever only looks, and what it was killed in is', async () => {
    const { held, inside, letGo } = holding();
    const looked = async () => {
      const { receipts, ...open } = await listInstalled(machine.machine.paths, 'installed', async () => null);
      const { warnings, outcomes } = await machine.sync({}, { dryRun: true });
      expect([receipts, outcomes]).to.deep.equal([[], []]);
      const state = StateReader.open(machine.machine.paths);
      const trusted = (await machine.machine.depot?.refresh()) ?? null;
      const options = { signal: new AbortController().signal, report: silentReporter };
      const now = await explainNow(machine.machine, state, trusted, options);
      const finding = now.about('tool').findings.find(({ topic }) => topic === 'interrupted')?.text;
      state.close();
      return { ...open, warnings, said: now.warnings, finding };
    };
    const first = held.install(['tool']);
    await inside;
    const run = machine.reading((state) => state.currentRun()) as string;
    const now = `tool-1-1 is being installed now by run ${run}`;
    const row = { basename: 'tool', edition: 'tool-1-1', doing: 'install' };
    expect(await looked()).to.deep.equal({
      interrupted: [],
      underWay: [{ ...row, run }],
      warnings: [now],
      said: [now],
      finding: 'a run that is under way is busy with it now',
    });
    const copy = path.join(sandbox.dir, 'killed');
    cpSync(machine.root, copy, { recursive: true });
    rmSync(path.join(copy, 'var/lib/d3/run.lock.owner'), { force: true });
    letGo();
    await first;
    machine = sandbox.machineAt(copy);
    const killed = await looked();
    expect([killed.interrupted, killed.underWay, killed.said]).to.deep.equal([[row], [], []]);
    expect(killed.warnings.join()).to.include('was cut while it was installing tool-1-1');
  });

  it('a run that a script left behind and that outlives its own is waited for, not taken for a cut one', async () => {
    await sandbox.add('slow', '1', { live: true });
    await sandbox.add('slow-too', '1', { live: true });
    const { held, inside, letGo } = holding();
    const left: Promise<RunResult>[] = [];
    const outer = scripted(async (_edition, parent) => {
      left.push(requestOf(held.machine, installing('slow'), { parent }));
      await inside;
    });
    expect((await outer.install(['tool'])).exit).to.equal(0);
    const { problems, exitCode } = await problemsOf(() => machine.sync());
    expect([exitCode, problems[0]?.code]).to.deep.equal([41, 'RUN_BUSY']);
    expect(problems[0]?.message).to.include('install, process');
    expect(machine.reading((state) => state.journal().map(({ retries }) => retries))).to.deep.equal([0]);
    const next = machine.request({ kind: 'sync', force: false, puppies: false }, { wait: 20 });
    await sleep(250);
    letGo();
    const [nested, sync] = [await left[0], await next];
    expect([nested?.exit, sync.exit]).to.deep.equal([0, 0]);
    expect(sync.outcomes.filter(({ status }) => status === 'installed')).to.deep.equal([]);
    expect(machine.receipts().map(({ basename }) => basename)).to.deep.equal(['slow', 'tool']);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('what scripts of one run start is done one after another', async () => {
    const names = ['n1', 'n2', 'n3'];
    for (const name of names) await sandbox.add(name, '1', { live: true });
    let [now, most] = [0, 0];
    const plugins: Plugins = {
      ...noPlugins,
      async before() {
        most = Math.max(most, ++now);
        await sleep(50);
        now -= 1;
        return { kind: 'proceed' as const };
      },
    };
    const inner = machine.with({ plugins }).machine;
    const outer = scripted((_edition, parent) =>
      Promise.all(names.map((name) => requestOf(inner, installing(name), { parent, wait: 20 }))),
    );
    expect((await outer.install(['tool'])).exit).to.equal(0);
    expect([most, machine.receipts().length]).to.deep.equal([1, 4]);
  });

  it('what a script of a run changed meanwhile is not undone by what that run had decided before', async () => {
    for (const name of ['aaa', 'bbb', 'ccc']) await sandbox.add(name, '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('bbb', '2');
    await machine.install(['aaa', 'ccc']);
    for (const name of ['aaa', 'ccc']) await sandbox.add(name, '2', { live: true });
    const outer = scripted(async (edition, parent) => {
      if (edition !== 'aaa-2-1') return;
      const pilot = { ...installing('bbb-2-1'), kind: 'pilot' as const, freeze: true };
      const ended = [
        await requestOf(machine.machine, pilot, { parent }),
        await requestOf(machine.machine, { kind: 'freeze', targets: ['ccc'], admin: 'fritz' }, { parent }),
      ];
      expect(ended.map(({ exit }) => exit)).to.deep.equal([0, 0]);
    });
    const { exit, outcomes } = await outer.sync();
    expect(exit).to.equal(0);
    const told = (name: string) => outcomes.find(({ basename }) => basename === name);
    expect(told('bbb')).to.deep.include({ status: 'held', edition: 'bbb-1-1' });
    expect(told('bbb')?.text).to.equal('changed meanwhile by another d3 run: bbb-2-1 is installed as a pilot');
    expect(told('ccc')).to.deep.include({ status: 'held', edition: 'ccc-2-1' });
    expect(told('ccc')?.text).to.include('ccc-1-1 was frozen by fritz');
    expect(machine.receipt('bbb')).to.deep.include({ edition: 'bbb-2-1', piloting: true });
    expect(machine.receipt('bbb')?.frozen?.by).to.equal('sally');
    expect(machine.lies()).to.deep.equal([]);
  });

  it('a script of a run that is itself part of another joins without waiting for it, and too deep is refused (30)', async () => {
    const names = ['tool', 'n1', 'n2', 'n3', 'n4', 'n5'];
    for (const name of names.slice(1)) await sandbox.add(name, '1', { live: true });
    const exits: number[] = [];
    const outer: SandboxMachine = scripted(async (edition, parent) => {
      const next = names[names.findIndex((name) => edition.startsWith(`${name}-`)) + 1] as string;
      const ended = await requestOf(outer.machine, installing(next), { parent }).catch((error: D3Error) => error);
      exits.unshift(ended instanceof D3Error ? ended.exitCode : ended.exit);
    });
    expect((await outer.install(['tool'])).exit).to.equal(0);
    expect(exits).to.deep.equal([0, 0, 0, 0, 30]);
    expect(machine.receipts()).to.have.length(5);
  });

  it('a run of a nested one that was left behind keeps the next run waiting too', async () => {
    await sandbox.add('slow', '1', { live: true });
    await sandbox.add('between', '1', { live: true });
    const { held, inside, letGo } = holding();
    const left: Promise<RunResult>[] = [];
    const outer: SandboxMachine = scripted(async (edition, parent) => {
      if (edition === 'tool-1-1') return requestOf(outer.machine, installing('between'), { parent });
      left.push(requestOf(held.machine, installing('slow'), { parent }));
      return inside;
    });
    expect((await outer.install(['tool'])).exit).to.equal(0);
    expect((await problemsOf(() => machine.sync())).exitCode).to.equal(41);
    letGo();
    expect((await left[0])?.exit).to.equal(0);
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.lies()).to.deep.equal([]);
  });

  it('is held by nobody but who may change the machine', async () => {
    await machine.install(['tool']);
    const { runLock, state, stateDatabase } = machine.machine.paths;
    expect(statSync(runLock).mode & 0o777).to.equal(0o600);
    expect(statSync(stateDatabase).mode & 0o777).to.equal(0o644);
    expect(statSync(state).mode & 0o777).to.equal(0o755);
  });

  it('another user may read but not change (21)', async function () {
    if (process.getuid?.() !== 0) this.skip();
    await machine.install(['tool']);
    for (const dir of [sandbox.dir, machine.root]) chmodSync(dir, 0o755);
    for (const mode of [0o600, 0o644]) {
      chmodSync(machine.machine.paths.runLock, mode);
      const said = await asNobody(machine.root, sandbox.depot, { kind: 'freeze', admin: 'sally', targets: ['tool'] });
      expect(said.receipts).to.deep.equal(['tool-1-1']);
      expect(said.error).to.deep.equal({ code: 'STATE_ACCESS', exit: 21 });
    }
  });
});

describe('a run that is stopped', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  const reason = new D3Error('TERMINATED', 'terminated', 'Terminated.');
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    for (const name of ['a', 'b']) await sandbox.add(name, '1', { live: true });
    await machine.install(['a', 'b']);
    for (const name of ['a', 'b']) await sandbox.add(name, '2', { live: true, removeFirst: 'y' });
  });
  afterEach(() => sandbox.remove());

  /** Stops a sync at a moment. @returns what it ended with */
  async function stoppedAt(moment: 'fetching' | 'checking' | 'removing' | 'gate' | 'commit'): Promise<unknown> {
    const stop = new AbortController();
    const plugins = {
      ...noPlugins,
      async before({ event }: { event: string }) {
        if (moment === 'gate' && event === 'install') {
          stop.abort(reason);
          throw reason;
        }
        return { kind: 'proceed' as const };
      },
    };
    const driverFor = driversWith(machine.machine, async (commit) => {
      if (moment === 'commit') stop.abort(reason);
      await commit();
    });
    const options = {
      signal: stop.signal,
      report: (event: { type: string; text?: string }) => {
        if (event.type === 'detail' && event.text === moment) stop.abort(reason);
      },
    };
    return machine
      .with({ plugins, driverFor })
      .sync({}, options)
      .catch((error) => error);
  }

  it('does not wait for a depot that gives nothing', async () => {
    const stop = new AbortController();
    const blob = async () => {
      setTimeout(() => stop.abort(reason), 50);
      return new Readable({ read() {} });
    };
    const depot = depotWith(machine.machine, { blob });
    const stopped = await machine
      .with({ depot })
      .sync({}, { signal: stop.signal })
      .catch((error) => error);
    expect(stopped).to.equal(reason);
    expect(machine.lies()).to.deep.equal([]);
    await machine.sync();
    expect(machine.leavings()).to.deep.equal([]);
  });

  for (const [moment, editions] of [
    ['fetching', ['a-1-1', 'b-1-1']],
    ['checking', ['a-1-1', 'b-1-1']],
    ['removing', ['a-2-1', 'b-1-1']],
    ['gate', ['b-1-1']],
    ['commit', ['a-2-1', 'b-1-1']],
  ] as const) {
    it(`while it was at "${moment}" leaves every package whole, and the next run goes on`, async () => {
      expect(await stoppedAt(moment)).to.equal(reason);
      expect(machine.receipts().map(({ edition }) => edition)).to.deep.equal(editions);
      const open = moment === 'gate' ? ['a is still in the journal'] : [];
      expect(machine.lies(), 'only what was removed already has to be gone on with').to.deep.equal(open);
      expect(sandbox.reports().at(-1)).to.deep.include({ exit: 143, command: 'sync' });
      await machine.sync();
      expect(machine.receipts().map(({ edition }) => edition)).to.deep.equal(['a-2-1', 'b-2-1']);
      expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
    });
  }
});
