import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { readContents } from '../../src/client/adopt.ts';
import type { DepotClient } from '../../src/depot/contract.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What a machine keeps: where, and what reads it. State and catalog as a whole, and the depot's kinds, have tests of their own. */
const RECORDS: readonly { kind: string; table: string; read: (machine: SandboxMachine) => unknown }[] = [
  { kind: 'receipt', table: 'receipts', read: (machine) => machine.receipts() },
  { kind: 'receipt', table: 'receipts', read: (machine) => machine.sync() },
  { kind: 'deferred', table: 'deferred', read: (machine) => machine.reading((state) => state.deferred()) },
  { kind: 'deferred', table: 'deferred', read: (machine) => machine.sync() },
  { kind: 'run', table: 'runs', read: (machine) => machine.reading((state) => state.runs()) },
];

describe('a document that a newer d3 wrote is refused by name and left as it is', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('system', '1', { live: true, reboot: 'y' });
    await machine.install(['tool', 'system']);
  });
  afterEach(() => sandbox.remove());

  function inState<Result>(work: (database: DatabaseSync) => Result): Result {
    const database = new DatabaseSync(machine.machine.paths.stateDatabase);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  for (const [index, { kind, table, read }] of RECORDS.entries()) {
    it(`${kind}@2 in the state (${index + 1})`, async () => {
      await read(machine);
      const bodies = () => inState((database) => database.prepare(`SELECT body FROM ${table} ORDER BY body`).all());
      inState((database) => database.exec(`UPDATE ${table} SET body = replace(body, 'd3/${kind}@1', 'd3/${kind}@2')`));
      const before = bodies();
      expect(JSON.stringify(before)).to.include(`d3/${kind}@2`);
      const { problems } = await problemsOf(async () => read(machine));
      expect(problems[0]).to.deep.include({ code: 'SCHEMA_NEWER', target: 'state.db' });
      expect(problems[0]?.message).to.include(kind).and.to.include('format 2');
      expect(bodies()).to.deep.equal(before);
    });
  }

  it('trust@2 beside the state', async () => {
    const file = path.join(machine.machine.paths.trust, 'trusted.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('d3/trust@1', 'd3/trust@2'));
    const before = readFileSync(file);
    const { problems } = await problemsOf(async () => machine.sync());
    expect(problems[0]).to.deep.include({ code: 'SCHEMA_NEWER', target: file });
    expect(problems[0]?.message).to.include('d3/trust@2');
    expect(readFileSync(file).equals(before)).to.equal(true);
  });

  it('contents@2 of a package; contents@1 is read', async () => {
    const reading = (schema: string) => {
      const bytes = Buffer.from(JSON.stringify({ schema, files: [] }));
      const contents = createHash('sha256').update(bytes).digest('hex');
      const depot = { blob: async () => Readable.from([bytes]) } as unknown as DepotClient;
      return readContents({ edition: 'tool-1-1', contents } as Edition, depot);
    };
    expect(await reading('d3/contents@1')).to.deep.equal({ schema: 'd3/contents@1', files: [] });
    const { problems } = await problemsOf(() => reading('d3/contents@2'));
    expect(problems[0]?.code).to.equal('SCHEMA_NEWER');
    expect(problems[0]?.message).to.include('d3/contents@2').and.to.include('tool-1-1');
  });
});
