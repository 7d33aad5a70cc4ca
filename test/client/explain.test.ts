import { DatabaseSync } from 'node:sqlite';
import { silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { deleteEdition } from '../../src/admin/delete.ts';
import { type Explainer, explainNow, explainRun } from '../../src/client/explain.ts';
import { StateReader } from '../../src/client/state/state.ts';
import type { TrustedCatalog } from '../../src/depot/contract.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('d3 explain', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
  });
  afterEach(() => sandbox.remove());

  const signal = new AbortController().signal;
  const kept = async () => (await machine.machine.depot?.kept()) ?? null;
  const fresh = async () => (await machine.machine.depot?.refresh({ keep: false })) as TrustedCatalog;
  const now = (trusted: TrustedCatalog | null): Promise<Explainer> => {
    const state = StateReader.open(machine.machine.paths);
    const options = { signal, report: silentReporter };
    return explainNow(machine.machine, state, trusted, options).finally(() => state.close());
  };
  const ofRun = async (id: string): Promise<Explainer> => {
    const trusted = await kept();
    return machine.reading((state) => explainRun(id, state, trusted));
  };
  const verdicts = (explainer: Explainer, name = 'tool') =>
    explainer.about(name).decisions.map(({ verdict, action }) => action?.kind ?? verdict);

  it('plans a sync now by the same planner, and writes and locks nothing', async () => {
    const before = machine.everything();
    const explainer = await now(await fresh());
    expect(verdicts(explainer)).to.deep.equal(['install']);
    expect(machine.everything()).to.deep.equal(before);
    const rehearsed = await machine.sync({}, { dryRun: true });
    expect(explainer.about('tool').decisions).to.deep.equal(rehearsed.plan.decisions);
    await machine.sync();
    expect(verdicts(await now(await kept()))).to.deep.equal(['nothing']);
  });

  it('plans a run on record again from its facts while its catalog is at hand, else shows what it decided', async () => {
    const synced = await machine.sync();
    const replayed = await ofRun(synced.run);
    expect(replayed).to.include({ how: 'replayed' });
    expect(replayed.warnings).to.deep.equal([]);
    expect(replayed.run).to.include({ id: synced.run, command: 'sync', exit: 0 });
    expect(replayed.about('tool').decisions).to.deep.equal(synced.plan.decisions);
    expect(replayed.about('tool').installed, 'as it was then').to.equal(null);
    expect(replayed.about('tool').outcomes.map(({ status }) => status)).to.deep.equal(['installed']);

    await sandbox.add('tool', '2', { live: true });
    const updated = await machine.sync();
    const stored = await ofRun(synced.run);
    expect(stored).to.include({ how: 'stored' });
    expect(stored.about('tool').decisions).to.deep.equal(synced.plan.decisions);
    expect((await ofRun('last')).run?.id).to.equal(updated.run);
    expect((await ofRun('last')).how).to.equal('replayed');
  });

  it('replays requests that need no catalog, whatever the depot has become', async () => {
    const { edition } = await sandbox.add('tool', '2');
    await machine.install(['tool']);
    const removed = await machine.uninstall(['tool']);
    await sandbox.admin((session) => deleteEdition(edition, {}, session));
    await machine.sync();
    const explainer = await ofRun(removed.run);
    expect(explainer.how).to.equal('replayed');
    expect(explainer.about('tool').decisions).to.deep.equal(removed.plan.decisions);
    expect(explainer.about('tool-1-1').basename).to.equal('tool');
  });

  it('says what is known without any catalog, and that the rest is not', async () => {
    await machine.install(['tool'], { freeze: true });
    const explainer = await now(null);
    expect(explainer.how).to.equal('unknown');
    const { decisions, findings, installed } = explainer.about('tool');
    expect(decisions).to.deep.equal([]);
    expect(installed).to.equal('tool-1-1');
    expect(findings.find(({ topic }) => topic === 'frozen')?.text).to.match(/^by sally/);
  });

  it('tells what came of it last time', async () => {
    expect((await now(await fresh())).about('tool')).to.deep.include({ outcomes: [], outcomesOf: null });
    await machine.install(['tool']);
    const removed = await machine.uninstall(['tool']);
    await machine.install(['nothing']);
    const { outcomes, outcomesOf } = (await now(await kept())).about('tool');
    expect(outcomes.map(({ status }) => status)).to.deep.equal(['uninstalled']);
    expect(outcomesOf).to.include({ id: removed.run, command: 'uninstall', exit: 0 });
  });

  it('names what there is when a basename or a run is unknown', async () => {
    await machine.sync();
    const explainer = await now(await kept());
    const basename = await problemsOf(Promise.resolve().then(() => explainer.about('nothing')));
    expect(basename.problems[0]).to.include({ code: 'NOT_FOUND', exit: 'notFound' });
    expect(basename.problems[0]?.actions.join()).to.include('tool');
    const run = await problemsOf(ofRun('nothing'));
    expect(run.problems[0]).to.include({ code: 'RUN_NOT_FOUND', exit: 'notFound' });
    expect(run.problems[0]?.actions.join()).to.match(/\d{8}T\d{6}Z-[0-9a-f]{8} {2}sync/);
  });

  it('shows what runs of an older d3 decided, of which less is on record', async () => {
    const { run } = await machine.sync();
    const database = new DatabaseSync(machine.machine.paths.stateDatabase);
    const { body } = database.prepare('SELECT body FROM runs').get() as { body: string };
    const { request: _r, catalog: _c, proposals: _p, facts, ...record } = JSON.parse(body);
    const { deferred: _d, waits: _w, ...older } = facts;
    database.prepare('UPDATE runs SET body = ?').run(JSON.stringify({ ...record, facts: older }));
    database.close();
    const explainer = await ofRun(run);
    expect(explainer.how).to.equal('stored');
    expect(verdicts(explainer)).to.deep.equal(['install']);
    expect((await problemsOf(async () => explainer.about('nothing'))).problems[0]?.code).to.equal('NOT_FOUND');
  });

  it('keeps the last ten runs', async () => {
    const first = await machine.sync();
    for (let count = 0; count < 10; count += 1)
      await machine.request(
        { kind: count % 2 === 0 ? 'freeze' : 'thaw', targets: ['tool'], admin: 'sally' },
        { command: 'x' },
      );
    const { problems } = await problemsOf(ofRun(first.run));
    expect(problems[0]?.code).to.equal('RUN_NOT_FOUND');
    expect((await ofRun('last')).about('tool').decisions[0]?.action?.kind).to.equal('refresh');
  });
});
