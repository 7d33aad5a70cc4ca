import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'chai';
import { addGroup } from '../../src/admin/groups.ts';
import { type ReportRequest, report } from '../../src/admin/report.ts';
import { openDepot } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { matchingWords } from '../../src/platform/patterns.ts';
import { csvText } from '../../src/terminal/csv.ts';
import { renderTable } from '../../src/terminal/table.ts';
import { d3 } from '../cli/spawn.ts';
import { newReport } from '../depot/helpers.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

const REQUEST: ReportRequest = {
  type: 'installed',
  targets: ['tool'],
  computers: false,
  queue: false,
  statuses: null,
  frozen: false,
};

/** What admins see of editions and machines, through the real command line on a real depot. */
describe('show, search, report and history', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { user: 'calvin' });
  });
  afterEach(() => sandbox.remove());

  const run = (line: string[]) =>
    d3(line, { env: { D3_DEPOT: sandbox.depot, D3_ROOT: machine.root, USER: 'sally' }, cwd: sandbox.dir });
  async function ok(line: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(line);
    expect(code, `${line.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }
  const reported = async (changes: Partial<ReportRequest>) =>
    (await sandbox.admin((session) => report({ ...REQUEST, ...changes }, session))).result;

  it('depot3:J24 depot3:J25 shows by status and basename, and informs of archived editions too', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('tool', '2');
    await sandbox.add('other', '1');
    const rows = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(rows(await ok(['admin', 'show', 'all', 'tool'])).map((line) => line.split(' ')[0])).to.deep.equal([
      'tool-1-1',
      'tool-2-1',
    ]);
    expect(rows(await ok(['admin', 'show', 'pilot']))).to.have.length(2);
    expect((await run(['admin', 'show', 'none-such'])).code).to.equal(34);
    await ok(['admin', 'delete', 'tool-2-1', '--archive', '-a']);
    expect(await ok(['admin', 'show', 'archived'])).to.match(/tool-2-1 +archived/);
    expect(await ok(['admin', 'info', 'tool-2-1'])).to.match(/Status: +archived/);
    expect(await ok(['admin', 'search', '^TO', '-S', 'live,archived'])).to.include('tool-2-1');
    expect(await ok(['admin', 'show', '--csv'])).to.match(
      /^id,basename,edition,status,[^\r]*\r\n\d+,other,other-1-1,pilot/,
    );
    expect((await run(['admin', 'search', '(', '--json'])).code).to.equal(2);
    expect((await run(['admin', 'search', 'x', '-S', 'lively'])).code).to.equal(2);
  });

  it('depot3:J26 depot3:BUG-37 finds groups, standard among them, installed and excluded', async () => {
    await sandbox.admin((session) => addGroup('lab', '', [], session));
    await sandbox.add('tool', '1', { autoGroups: 'standard', excludedGroups: 'lab' });
    const standard = await ok(['admin', 'search', '--groups', '^standard$']);
    expect(standard).to.include('Installed by itself for standard').and.include('tool-1-1');
    const lab = JSON.parse(await ok(['admin', 'search', '--groups', 'lab', '--json']));
    expect(lab.result.groups).to.have.length(1);
    expect(lab.result.groups[0].excluded[0].edition).to.equal('tool-1-1');
    expect(await ok(['admin', 'search', '--groups'])).to.match(/tool-1-1 +pilot +standard +lab/);
  });

  it('says when the catalog that a computer has is near its end, and nothing before', async () => {
    const takeReport = async (name: string, days: number, id: string) => {
      const depot = await openDepot(sandbox.depot, { clock: systemClock });
      const catalogExpires = new Date(Date.now() + days * 86_400_000 + 60_000).toISOString();
      await depot.store.computers.takeReport(newReport({ catalogExpires, at: new Date().toISOString() }, { id, name }));
      await depot.close();
    };
    await takeReport('mac-soon', 3, '0b9f2c9e-1111-4222-8333-444455556661');
    await takeReport('mac-late', 20, '0b9f2c9e-1111-4222-8333-444455556662');
    await takeReport('mac-over', -1, '0b9f2c9e-1111-4222-8333-444455556663');
    for (const line of [
      ['admin', 'computer', 'show'],
      ['admin', 'report', '--computers'],
    ]) {
      expect(await ok([...line, 'mac-soon'])).to.match(/Its catalog ends:? .*\(in 3 days\)/);
      expect(await ok([...line, 'mac-over'])).to.match(/Its catalog ends:? .*\(it is over\)/);
      expect(await ok([...line, 'mac-late'])).not.to.include('catalog ends');
    }
  });

  it('depot3:J27 depot3:J28 depot3:J29 depot3:BUG-38 runs the seeds reports, and limits by status and frozen', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool'], { freeze: true });
    await sandbox.add('tool', '2');
    const pilot = sandbox.machine('mac-b');
    await pilot.pilot(['tool-2-1']);
    expect(await ok(['admin', 'report', '--type', 'installed', 'tool'])).to.match(
      /mac-a +calvin +tool-1-1 +live .* min ago +yes/,
    );
    expect(await ok(['admin', 'report', '--type', 'pilot', 'tool']))
      .to.include('mac-b')
      .and.not.include('mac-a');
    expect(await ok(['admin', 'report', '--type', 'deprecated', 'tool'])).to.include('nothing');
    await sandbox.live('tool-2-1');
    expect(await ok(['admin', 'report', '--type', 'deprecated', 'tool']))
      .to.include('mac-a')
      .and.not.include('mac-b');
    expect(await ok(['admin', 'report', '--type', 'computer', 'mac-a'])).to.include('tool-1-1');
    expect((await reported({ statuses: new Set(['deprecated']) })).installed.map((row) => row.edition)).to.deep.equal([
      'tool-1-1',
    ]);
    expect((await reported({ statuses: new Set(['live']), frozen: true })).installed).to.deep.equal([]);
    expect(await ok(['admin', 'report', 'tool', '-S', 'live,deprecated', '-z']))
      .to.include('mac-a')
      .and.not.include('mac-b');
    const mixed = await run(['admin', 'report', 'tool', 'none-such']);
    expect([mixed.code, mixed.stdout.includes('mac-a')]).to.deep.equal([40, true]);
    expect((await run(['admin', 'report', '--type', 'computer', 'none-such'])).code).to.equal(34);
    expect((await run(['admin', 'report'])).code).to.equal(2);
  });

  it('depot3:J28 a computer is meant by its id, its serial number, the name it reports and the one admins gave it', async () => {
    const other = sandbox.machine('mac-b', { serial: 'SER-B' });
    await sandbox.add('tool', '1', { live: true });
    await other.install(['tool']);
    await ok(['admin', 'computer', 'edit', 'mac-b', '--name', 'front desk', '--admin', 'sally']);
    const id = other.reading((state) => state.computerId()) as string;
    for (const word of [id, 'ser-b', 'MAC-B', 'Front Desk'])
      expect(await ok(['admin', 'report', '--type', 'computer', word]), word).to.include('tool-1-1');
    for (const word of [id, 'mac-b', 'front desk'])
      expect(await ok(['admin', 'history', word]), word).to.include(`computer ${id}`);
  });

  it('depot3:J30 depot3:BUG-39 depot3:BUG-40 reports queues by basename and by computer', async () => {
    await sandbox.add('tool', '1', { live: true, reboot: 'y' });
    await machine.install(['tool']);
    for (const line of [
      ['tool', '--queue'],
      ['mac-a', '--queue', '--computers'],
      ['tool', '-q', '-S', 'live'],
    ])
      expect(await ok(['admin', 'report', ...line]), line.join(' ')).to.match(/mac-a +calvin +tool-1-1 +live +\d{4}-/);
  });

  it('depot3:J27 tells why an install failed or is held up, until a sync says otherwise', async () => {
    await sandbox.add('tool', '1', { live: true, prohibitingProcesses: 'Keynote', autoGroups: 'standard' });
    const busy = sandbox.machine('mac-a', { processes: ['Keynote'] });
    await busy.sync();
    const [held] = (await reported({})).problems;
    expect(held?.problem.processes).to.deep.equal(['Keynote']);
    expect(held?.problem.why).to.include('Keynote');
    await sandbox.machine('mac-a').sync();
    const after = await reported({});
    expect([after.problems.length, after.installed.length]).to.deep.equal([0, 1]);
  });

  it('patchoo:UP-15 depot3:J31 prints the attributes of receipts and queue in an element', async () => {
    await sandbox.add('tool', '1', { live: true });
    await sandbox.add('boot', '1', { live: true, reboot: 'y' });
    await machine.install(['tool', 'boot']);
    const attribute = async (name: string) =>
      JSON.parse(/^<result>([^<>&]*)<\/result>\n$/.exec(await ok(['ea', name]))?.[1] ?? 'null');
    const receipts = await attribute('receipts');
    expect(receipts['_schema']).to.equal('d3/ea-receipts@1');
    expect(receipts['_computer']).to.match(/^[0-9a-f-]{36}$/);
    expect(receipts.tool).to.include({
      version: '1',
      revision: 1,
      status: 'live',
      admin: 'sally',
      frozen: false,
      manual: true,
    });
    expect((await attribute('queue')).boot).to.include({ version: '1', status: 'live', admin: 'sally' });
    const failed = await d3(['ea', 'receipts'], { env: { D3_ROOT: path.join(sandbox.dir, 'nowhere') } });
    expect(failed.stdout).to.match(/^<result>ERROR: .*<\/result>\n$/);
    expect(failed.code).to.equal(2);
  });

  it('history has a row of every change: who, when, before and after', async () => {
    await sandbox.add('tool', '1');
    await ok(['admin', 'category', 'add', 'Apps']);
    await ok(['admin', 'edit', 'tool-1-1', '-C', 'Apps']);
    await ok(['admin', 'live', 'tool-1-1', '-a']);
    await ok(['admin', 'group', 'add', 'lab']);
    await ok(['admin', 'group', 'edit', 'lab', '--name', 'labs']);
    await ok(['admin', 'delete', 'tool-1-1', '--live', '-a', '--admin', 'susie']);
    const events = JSON.parse(await ok(['admin', 'history', 'tool-1-1', '--json'])).result.events;
    expect(events.map(({ what, by }: { what: string; by: string }) => `${what} ${by}`)).to.deep.equal([
      'edition.added sally',
      'edition.edited sally',
      'edition.live sally',
      'edition.deleted susie',
    ]);
    expect(events[1].changes).to.deep.equal([{ what: 'category', before: null, after: 'Apps' }]);
    expect(await ok(['admin', 'history', 'lab'])).to.include('name: lab => labs');
    expect(await ok(['admin', 'history', '--who', 'susie']))
      .to.include('tool-1-1')
      .and.not.include('sally');
    expect(await ok(['admin', 'history', '--since', '2999-01-01'])).to.include('none');
    expect((await run(['admin', 'history', '--since', 'soon'])).code).to.equal(2);
    expect((await run(['admin', 'history', 'none-such'])).code).to.equal(34);
  });

  it('reads what an older depot was told into the tables', async () => {
    await sandbox.add('tool', '1', { live: true });
    await machine.install(['tool']);
    const [told] = sandbox.reports();
    await reported({});
    const database = new DatabaseSync(path.join(sandbox.depot, 'depot.db'));
    database.exec(`drop index runs_parent; drop index runs_ready; alter table runs drop column parent; alter table runs drop column ready_at;
      alter table runs drop column brief; drop table page_sessions; drop table tokens; drop table enrolments; drop table enrolment_codes;
      drop table computer_claims; drop table computer_receipts; drop table computer_queue; drop table computer_problems;
      drop index events_at; drop index events_key; alter table computers drop column user_name;
      alter table events drop column target_key; alter table depot drop column identity;
      alter table depot drop column unfinished;
      alter table events drop column prev; alter table events drop column hash;
      alter table depot drop column events; alter table depot drop column newest_event`);
    database.prepare('update reports set body = ?').run(JSON.stringify(told));
    database.exec('update depot set schema_version = 3');
    database.close();
    expect((await reported({})).installed.map(({ edition }) => edition)).to.deep.equal(['tool-1-1']);
  });

  it('gives up on a hostile pattern', () => {
    const started = process.hrtime.bigint();
    expect(() => matchingWords(['(a+)+$'], [`${'a'.repeat(60)}!`], 'BASENAME', 200)).to.throw('given up');
    expect(Number(process.hrtime.bigint() - started) / 1e6).to.be.lessThan(5_000);
    expect([...matchingWords(['^tr', 'X$'], ['Trans', 'fox', 'no'], 'BASENAME')]).to.deep.equal(['Trans', 'fox']);
  });

  it('hands on rows no spreadsheet runs, and cuts them only on a screen', () => {
    expect(
      csvText({
        columns: ['a', 'b'],
        rows: [
          ['=1+1', 'x,"y"\nz'],
          ['-', null],
          [3, true],
        ],
      }),
    ).to.equal('a,b\r\n\'=1+1,"x,""y""\r\nz"\r\n\'-,\r\n3,true\r\n');
    const table = {
      title: 'T',
      columns: ['Edition', 'Why'],
      rows: [['transmogrifier-2.1.2-1', 'w'.repeat(60)]],
      fit: true as const,
    };
    expect(Math.max(...renderTable(table, 40, true).map((line) => line.length))).to.be.at.most(40);
    expect(renderTable(table, 40).at(-1)).to.include('w'.repeat(60));
  });
});
