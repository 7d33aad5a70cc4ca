import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { StateReader } from '../../src/client/state/state.ts';
import { problemsOf } from '../support/errors.ts';
import { asNobody } from '../support/nobody.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe("a machine's state", () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let file: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    file = machine.machine.paths.stateDatabase;
  });
  afterEach(() => sandbox.remove());

  it('keeps the id a machine goes by', async () => {
    const id = machine.reading((state) => state.computerId());
    expect(id).to.match(/^[0-9a-f-]{36}$/);
    await machine.sync();
    expect(machine.reading((state) => state.computerId())).to.equal(id);
  });

  it('that a newer d3 wrote is refused, read or changed, and left as it is', async () => {
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 99; PRAGMA journal_mode = WAL;');
    database.close();
    const before = readFileSync(file);
    for (const work of [
      () => machine.sync(),
      async () => machine.receipts(),
      () => machine.sync({}, { dryRun: true }),
    ]) {
      const { problems } = await problemsOf(async () => work());
      expect(problems[0]).to.deep.include({ code: 'STATE_NEWER', target: file });
      expect(problems[0]?.message).to.match(/format 99, this d3 knows \d{1,2}\b/);
    }
    expect(readFileSync(file).equals(before)).to.equal(true);
  });

  it('of an older format can be read as it is, and is brought up to date by the next run', async () => {
    const older = new DatabaseSync(file);
    older.exec(
      'DROP TABLE waits; DROP TABLE deferred; DROP TABLE step_runs; DROP TABLE step_lines; DROP TABLE policies_done; PRAGMA user_version = 1;',
    );
    older.close();
    expect(machine.reading((state) => [state.waits(), state.deferred(), state.receipts().length])).to.deep.equal([
      [],
      [],
      1,
    ]);
    expect((await machine.sync({}, { dryRun: true })).exit).to.equal(0);
    expect((await machine.sync()).exit).to.equal(0);
    expect(machine.reading((state) => state.waits())).to.deep.equal([]);
  });

  it('can be read when it cannot be written', async function () {
    if (process.getuid?.() !== 0) this.skip();
    chmodSync(file, 0o444);
    for (const dir of [sandbox.dir, machine.root]) chmodSync(dir, 0o755);
    const said = await asNobody(machine.root, sandbox.depot, { kind: 'thaw', targets: ['tool'] });
    expect(said.receipts).to.deep.equal(['tool-1-1']);
    expect(said.error?.exit).to.equal(21);
  });

  it('can be read after a cut in the middle of a change, of which nothing is seen', () => {
    // Pages that do not fit into memory go to the file before the change is complete.
    const cut = `
      import { DatabaseSync } from 'node:sqlite';
      const database = new DatabaseSync(process.argv[1]);
      database.exec('PRAGMA cache_size = 1; BEGIN IMMEDIATE');
      for (let at = 0; at < 500; at += 1) database.exec("INSERT INTO outbox (body) VALUES ('" + 'x'.repeat(1000) + "')");
      database.exec('DELETE FROM receipts');
      process.kill(process.pid, 'SIGKILL');`;
    try {
      execFileSync(process.execPath, ['--input-type=module', '--eval', cut, file], { stdio: 'ignore' });
    } catch {
      // it was killed
    }
    expect(existsSync(`${file}-journal`)).to.equal(true);
    expect(machine.receipts().map(({ edition }) => edition)).to.deep.equal(['tool-1-1']);
    expect(existsSync(`${file}-journal`)).to.equal(false);
  });

  it('that was never begun is as if d3 had never run', () => {
    const empty = sandbox.machine('mac-b');
    expect(empty.receipts()).to.deep.equal([]);
    writeFileSync(path.join(empty.root, 'no-state'), '');
    const reader = StateReader.open({ ...empty.machine.paths, stateDatabase: path.join(empty.root, 'no-state') });
    expect(reader.computerId()).to.equal(null);
    expect(reader.journal()).to.deep.equal([]);
    reader.close();
  });
});
