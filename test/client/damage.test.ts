import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import fc from 'fast-check';
import type { DepotClient } from '../../src/depot/contract.ts';
import { cutEverywhere } from '../kill/cuts.ts';
import { problemsOf } from '../support/errors.ts';
import { depotWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const SYNC = { kind: 'sync', force: false, puppies: false } as const;

describe('a state that is damaged or lost', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let file: string;
  let id: string | null;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { payload: { 'opt/tool/run': 'one' }, live: true });
    await sandbox.add('other', '1', { payload: { 'opt/other': 'other' }, live: true, autoGroups: 'standard' });
    await machine.sync();
    await machine.install(['tool']);
    file = machine.machine.paths.stateDatabase;
    id = machine.reading((state) => state.computerId());
  });
  afterEach(() => sandbox.remove());

  const editions = (of: SandboxMachine) => of.receipts().map((receipt) => receipt.edition);
  const asides = (of: SandboxMachine) =>
    readdirSync(of.machine.paths.state).filter((name) => /^state\.db\.damaged-[0-9TZ]+$/.test(name));

  it('is refused by whoever only reads, with what helps, and left as it is', async () => {
    writeFileSync(file, 'no database'.repeat(100));
    const { problems } = await problemsOf(async () => machine.receipts());
    expect(problems[0]).to.deep.include({ code: 'STATE_DAMAGED', exit: 'failed' });
    expect(problems[0]?.actions.join()).to.include('d3 sync');
    expect(readFileSync(file, 'utf8')).to.match(/^no database/);
    const rehearsed = await problemsOf(() => machine.sync({}, { dryRun: true }));
    expect(rehearsed.problems[0]?.code).to.equal('STATE_DAMAGED');
    expect(asides(machine)).to.deep.equal([]);
  });

  it('is kept aside, made anew from what is on the disk, and said', async () => {
    await sandbox.add('linked', '1', { payload: { 'opt/linked/run': 'one', 'opt/linked/link': '-> run' }, live: true });
    await machine.install(['linked']);
    writeFileSync(file, 'no database'.repeat(100));
    const before = machine.tree();
    const result = await machine.sync();
    expect(result.exit).to.equal(0);
    expect(result.warnings.join()).to.match(/was damaged and is kept as .*state\.db\.damaged-/);
    const [aside] = asides(machine);
    expect(readFileSync(path.join(path.dirname(file), aside as string), 'utf8')).to.match(/^no database/);
    expect(editions(machine)).to.deep.equal(['linked-1-1', 'other-1-1', 'tool-1-1']);
    const adopted = result.outcomes.filter(({ status }) => status === 'adopted').map(({ basename }) => basename);
    expect(adopted).to.have.members(['tool', 'other', 'linked']);
    expect(machine.receipt('tool')).to.deep.include({ admin: 'unknown', piloting: false, manual: true });
    expect(machine.tree(), 'not one file is touched').to.deep.equal(before);
    expect(machine.reading((state) => state.computerId())).to.equal(id);
    expect(machine.lies()).to.deep.equal([]);
    expect((await machine.sync()).warnings).to.deep.equal([]);
    expect((await machine.uninstall(['tool', 'other', 'linked'])).exit).to.equal(0);
    expect(machine.tree().filter((name) => /^opt\/(?:tool\/|linked\/|other)/.test(name))).to.deep.equal([]);
  });

  for (const [how, take] of [
    ['gone', (at: string) => rmSync(at)],
    ['empty', (at: string) => writeFileSync(at, '')],
  ] as const) {
    it(`is made anew when it is ${how}: nothing is installed twice, and the machine keeps its id`, async () => {
      await sandbox.add('tool', '2', { payload: { 'opt/tool/run': 'two!' } });
      take(file);
      const before = machine.everything().filter((line) => line.startsWith('opt/'));
      const first = await machine.install(['nothing-of-the-kind']);
      expect(first.warnings.join()).to.include('was gone');
      const result = await machine.sync();
      expect([result.exit, asides(machine)]).to.deep.equal([0, []]);
      expect(editions(machine)).to.deep.equal(['other-1-1', 'tool-1-1']);
      expect(machine.everything().filter((line) => line.startsWith('opt/'))).to.deep.equal(before);
      expect(machine.reading((state) => state.computerId())).to.equal(id);
    });
  }

  it('takes nothing on record of which a file is gone or of another size, and a pilot as a pilot', async () => {
    await sandbox.add('gauge', '1', { payload: { 'opt/gauge': 'live' }, live: true });
    await sandbox.add('gauge', '2', { payload: { 'opt/gauge': 'a pilot' } });
    await machine.install(['gauge']);
    await machine.pilot(['gauge-2-1']);
    rmSync(path.join(machine.root, 'opt/tool/run'));
    writeFileSync(path.join(machine.root, 'opt/other'), 'of another size');
    rmSync(file);
    const result = await machine.sync();
    expect(result.exit).to.equal(0);
    expect(editions(machine), 'other is auto-installed again').to.deep.equal(['gauge-2-1', 'other-1-1']);
    expect(machine.receipt('gauge')).to.deep.include({ piloting: true, displacedLive: true });
    expect(machine.receipt('other')).to.deep.include({ admin: 'auto-installed' });
    expect(machine.read('opt/other')).to.equal('other');
  });

  it('keeps every record that can still be read', async () => {
    await machine.request({ kind: 'freeze', targets: ['tool'], admin: 'sally' });
    const database = new DatabaseSync(file);
    database.exec("UPDATE receipts SET body = '{\"half' WHERE basename = 'other'");
    database.close();
    const result = await machine.sync();
    expect(result.warnings.join()).to.include('not all of receipts could be read');
    expect(machine.receipt('tool')?.frozen?.by).to.equal('sally');
    expect(editions(machine)).to.deep.equal(['other-1-1', 'tool-1-1']);
    expect(machine.lies()).to.deep.equal([]);
  });

  /** Every table, and what may stand where a record did: other words, no object, half of it, another's, no JSON. */
  for (const table of ['receipts', 'deferred', 'waits', 'actions', 'runs', 'plugin_state', 'outbox']) {
    it(`heals at the next run when a row of ${table} is wrong in itself`, async () => {
      await sandbox.add('restart', '1', { live: true, reboot: 'y' });
      await machine.install(['restart']);
      const whole = machine.reading((state) => state.deferred().length);
      expect(whole).to.equal(1);
      const column = { waits: 'processes', plugin_state: 'value' }[table] ?? 'body';
      const sound = readFileSync(file);
      for (const bad of ['null', '7', '[]', '{}', '{"schema":"d3/reciept@1"}', '{"schema":"d3/receipt@1"}', '{"half']) {
        writeFileSync(file, sound);
        const database = new DatabaseSync(file);
        database.exec(`
          INSERT OR IGNORE INTO waits VALUES ('other', '2026-01-01T00:00:00.000Z', '["Safari"]');
          INSERT OR IGNORE INTO plugin_state VALUES ('scripts', 'k', '1', 1);
          INSERT INTO actions (run, basename, body, phase, since) VALUES ('r', 'tool', '{}', 'planned', 't');
          INSERT INTO outbox (body) VALUES ('{}');
        `);
        if (table !== 'actions') database.exec('DELETE FROM actions');
        if (table !== 'outbox') database.exec('DELETE FROM outbox');
        database.prepare(`UPDATE ${table} SET ${column} = ?`).run(bad);
        database.close();
        const first = await machine.sync();
        expect([first.exit, editions(machine)], `${bad}: ${first.warnings.join()}`).to.deep.equal([
          0,
          ['other-1-1', 'tool-1-1'],
        ]);
        const second = await machine.sync();
        expect([second.exit, second.warnings], bad).to.deep.equal([0, []]);
        expect((await machine.request({ kind: 'dequeue', targets: ['all'] })).exit, bad).to.equal(0);
        expect(machine.reading((state) => state.runs())[0]?.command).to.equal('dequeue');
        expect(machine.lies(), bad).to.deep.equal([]);
        for (const aside of asides(machine)) rmSync(path.join(path.dirname(file), aside));
      }
    });
  }

  it('of which only a record of a run is wrong needs no mending: that run counts as absent', async () => {
    const ids = () => machine.reading((state) => state.runs()).map(({ id }) => id);
    const [newest = '', ...others] = ids();
    const database = new DatabaseSync(file);
    database.prepare("UPDATE runs SET body = 'null' WHERE id = ?").run(newest);
    database.close();
    expect(others).to.have.length(1);
    expect(ids()).to.deep.equal(others);
    expect((await machine.sync()).warnings).to.deep.equal([]);
    expect(asides(machine)).to.deep.equal([]);
  });

  it('is found whatever of it was overwritten, and what was installed is on record again', async function () {
    this.timeout(180_000);
    const sound = readFileSync(file);
    let rebuilt = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 8192 }), async (at, length) => {
        for (const aside of asides(machine)) rmSync(path.join(path.dirname(file), aside));
        writeFileSync(file, sound);
        const descriptor = openSync(file, 'r+');
        const bytes = Buffer.alloc(Math.min(length, sound.length - at), 0xa5);
        writeSync(descriptor, bytes, 0, bytes.length, at);
        closeSync(descriptor);
        // As after a power cut: then everything is examined.
        markAsCut(machine);
        const result = await machine.sync();
        if (asides(machine).length > 0) rebuilt += 1;
        expect(result.exit, result.warnings.join()).to.equal(0);
        expect(editions(machine)).to.deep.equal(['other-1-1', 'tool-1-1']);
        expect(machine.reading((state) => state.computerId())).to.equal(id);
        expect(machine.lies()).to.deep.equal([]);
        expect((await machine.sync()).outcomes.filter(({ status }) => status === 'adopted')).to.deep.equal([]);
      }),
      { numRuns: 40 },
    );
    expect(rebuilt).to.be.greaterThan(10);
  });

  it('that shows in the middle of a run ends that run, and is found by the next', async () => {
    const broken = machine.with({
      depot: depotWith(machine.machine, {
        refresh: async () => {
          const database = new DatabaseSync(file);
          database.exec("UPDATE receipts SET body = '{' WHERE basename = 'other'");
          database.close();
          return (machine.machine.depot as DepotClient).refresh();
        },
      }),
    });
    const { problems } = await problemsOf(() => broken.sync());
    expect(problems[0]?.code).to.equal('STATE_DAMAGED');
    expect((await machine.sync()).exit).to.equal(0);
    expect(editions(machine)).to.deep.equal(['other-1-1', 'tool-1-1']);
  });

  it('is made anew whole or not at all, wherever the making is cut', async function () {
    this.timeout(180_000);
    writeFileSync(file, Buffer.concat([readFileSync(file).subarray(0, 4096), Buffer.alloc(statSync(file).size, 0xa5)]));
    const { cuts } = await cutEverywhere(sandbox, machine.root, SYNC);
    expect(cuts.length).to.be.greaterThan(15);
    for (const cut of cuts) {
      expect((await cut.sync()).exit, cut.root).to.equal(0);
      expect(editions(cut), cut.root).to.deep.equal(['other-1-1', 'tool-1-1']);
      expect(cut.reading((state) => state.computerId())).to.equal(id);
      expect([...cut.lies(), ...cut.leavings()], cut.root).to.deep.equal([]);
      const left = readdirSync(cut.machine.paths.state).filter((name) => name.startsWith('state.db'));
      expect(
        left.filter((name) => !/^state\.db(?:\.damaged-[0-9TZ]+)?$/.test(name)),
        cut.root,
      ).to.deep.equal([]);
    }
  });
});

/** Marks the run before as one that did not come to its end. */
function markAsCut({ machine }: SandboxMachine): void {
  const database = new DatabaseSync(machine.paths.stateDatabase);
  try {
    database.exec("INSERT OR REPLACE INTO meta VALUES ('current-run', 'cut')");
  } catch {
    // It is damaged so much that anybody sees it.
  } finally {
    database.close();
  }
}
