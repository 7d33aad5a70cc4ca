import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { addEa } from '../../../src/admin/eas.ts';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';

/** What is said of many machines, through the real command line. */
describe('tables of machines', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' });
    await sandbox.admin(async (session) => {
      const { store } = session.depot;
      for (const name of ['Fine Art', 'R&D, "Labs"'])
        await store.documents('department').create(name, { schema: 'd3/department@1', description: '' }, 'sally');
      await addEa('Build', { type: 'choice', choices: ['studio', 'office'], description: '' }, session);
      await addEa('Room', { type: 'text', choices: [], description: '' }, session);
    });
  });
  afterEach(() => sandbox.remove());

  const env = () => ({ D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' });
  const run = (...line: string[]) => d3(line, { cwd: sandbox.dir, env: env() });
  const json = async (...line: string[]) => JSON.parse((await run(...line, '--json')).stdout);
  const file = (name: string, text: string) => {
    writeFileSync(path.join(sandbox.dir, name), text);
    return name;
  };

  it('patchoo:AP-20 patchoo:AP-21 what is said ahead of a machine is its record from its first report on', async () => {
    expect((await run('provision', 'assign', 'C02A', '--build', 'studio')).code, 'nothing was heard of it').to.equal(
      34,
    );
    expect((await run('provision', 'assign', 'no serial!', '--ahead', '--build', 'studio')).code).to.equal(2);
    const ahead = await json('provision', 'assign', 'c02a', '--ahead', '--build', 'Studio', '--department', 'fine art');
    expect([ahead.exit, ahead.result.ahead, ahead.result.record]).to.deep.equal([
      0,
      true,
      { Build: 'studio', department: 'Fine Art' },
    ]);
    const renamed = await json('provision', 'assign', 'C02A', '--name', 'Studio 7');
    expect(renamed.result, 'it is there by now, and needs no --ahead').to.deep.include({ ahead: true, changed: true });
    const twin = await json('provision', 'assign', 'C02OTHER', '--ahead', '--name', 'studio 7');
    expect([twin.exit, twin.errors[0].code], 'names are held against those to come').to.deep.equal([
      30,
      'COMPUTER_NAME',
    ]);

    mkdirSync(path.join(machine.root, 'etc'), { recursive: true });
    writeFileSync(path.join(machine.root, 'etc/d3.json'), '{"provision":{"update":"no","checkIn":"no","lock":"no"}}');
    await json('provision', 'setup');
    expect((await json('provision', 'run', '--no-wait')).result.state, 'its first report').to.equal('holding');
    // Whoever administers the depot next takes the report in.
    const [listed] = (await json('provision', 'export')).result.rows;
    expect(listed.slice(2, 5)).to.deep.equal(['Studio 7', 'studio', 'Fine Art']);
    const ended = await json('provision', 'run');
    expect([ended.result.state, ended.result.values]).to.deep.equal([
      'released',
      { build: 'studio', department: 'Fine Art' },
    ]);
    const left = await sandbox.admin(({ depot }) => depot.store.documents('computer-ahead').list());
    expect(left).to.deep.equal([]);
  });

  it('patchoo:AP-21 patchoo:DS-20 a table is exported, edited, and read again; a row that cannot be used leaves out that row alone', async () => {
    await json('provision', 'assign', 'C02B', '--ahead', '--build', 'office', '--department', 'R&D, "Labs"');
    await json('provision', 'assign', 'C02C', '--ahead', '--ea', 'Room==1+1');
    const { stdout } = await run('provision', 'export');
    const [header, ...rows] = stdout.trimEnd().split(/[\r\n]+/);
    expect(header).to.equal('serial,computer,name,build,department,building,site,ea:Room');
    expect(rows).to.deep.equal(['C02B,,,office,"R&D, ""Labs""",,,', "C02C,,,,,,,'=1+1"]);
    const again = await json('provision', 'assign', '--from', file('same.csv', stdout));
    expect(again.result.rows.map(({ changed }: { changed: boolean }) => changed)).to.deep.equal([false, false]);

    // As a spreadsheet of half the world writes it, with a mark of its encoding.
    const edited = [
      'Serial;Build;Department;ea:Room',
      'C02B;studio;;101',
      'C02D;office;nowhere;',
      ';office;;',
      'c02b;;;',
    ];
    const table = file('edited.csv', `\ufeff${edited.join('\r\n')}\r\n`);
    const dry = await json('provision', 'assign', '--from', table, '--ahead', '--dry-run');
    const mixed = await json('provision', 'assign', '--from', table, '--ahead');
    expect(dry.result.rows[0].record).to.deep.equal({ department: 'R&D, "Labs"', Build: 'studio', Room: '101' });
    expect(mixed.result.rows).to.deep.equal(dry.result.rows);
    expect(mixed.exit).to.equal(40);
    expect(
      mixed.errors.map(({ code, message }: { code: string; message: string }) => [code, message.split(':')[0]]),
    ).to.deep.equal([
      ['DEPARTMENT_NOT_FOUND', 'row 3 (C02D)'],
      ['ROW_NAMELESS', 'row 4'],
      ['ROW_TWICE', 'row 5 (c02b)'],
    ]);
    const after = (await run('provision', 'export')).stdout;
    expect(after).to.include('C02B,,,studio,"R&D, ""Labs""",,,101').and.not.to.include('C02D');

    const preload = (await run('provision', 'export', '--as', 'preload')).stdout.trimEnd().split(/[\r\n]+/);
    expect(preload).to.deep.equal([
      'Serial Number,Device Type,Department,Building,EA Build,EA Room',
      'C02B,Computer,"R&D, ""Labs""",,studio,101',
      "C02C,Computer,,,,'=1+1",
    ]);
    expect((await run('provision', 'assign', 'c02b', '--forget')).code).to.equal(0);
    expect((await run('provision', 'assign', 'c02b', '--forget')).code).to.equal(34);
  });

  it('what is no table of machines is refused by what is wrong with it', async () => {
    const refusals: [string, RegExp][] = [
      ['', /it is empty/],
      ['build,department\nstudio,x\n', /there is no column serial/],
      ['serial,bild\nC02A,x\n', /no column is called "bild"/],
      ['serial,serial\nC02A,x\n', /the column serial twice/],
      ['serial\n"C02A\n', /Quote/],
    ];
    for (const [text, why] of refusals) {
      const { exit, errors } = await json('provision', 'assign', '--from', file('bad.csv', text));
      expect([exit, errors[0].code], text).to.deep.equal([2, 'TABLE_UNUSABLE']);
      expect(errors[0].message).to.match(why);
    }
    expect((await run('provision', 'assign', '--from', 'nowhere.csv')).code).to.equal(34);
    expect((await run('provision', 'assign')).code).to.equal(2);
    expect(readFileSync(path.join(sandbox.dir, 'bad.csv'), 'utf8')).not.to.equal('');
  });
});
