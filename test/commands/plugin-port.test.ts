import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program } from '../cli/spawn.ts';
import { PluginFolder } from '../startup/plugin-folder.ts';
import { Sandbox } from '../support/sandbox.ts';
import { personsEnvironment, Screen } from '../support/screen.ts';

const LINK = {
  kind: 'moon-link',
  version: 1,
  writers: 'packager',
  schema: {
    type: 'object',
    required: ['schema', 'of'],
    properties: { schema: { const: 'd3/moon-link@1' }, of: { type: 'integer' } },
    additionalProperties: false,
  },
};

/** A depot as plugins administer it: every command is a process with a real plugin in it. */
describe('a depot through a plugin', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let folder: PluginFolder;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    folder = new PluginFolder();
  });
  afterEach(() => {
    sandbox.remove();
    folder.remove();
  });

  const run = (line: string[]) =>
    d3(line, { cwd: sandbox.dir, env: { ...folder.env, D3_DEPOT: sandbox.depot, USER: 'sally' } });

  async function ok(...line: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(line);
    expect(code, `${line.join(' ')}: ${stdout}${stderr}`).to.equal(0);
    return stdout;
  }

  /** @param body of the function that does a command's work with `admin` and `ports` */
  function command(how: 'reads' | 'changes', body: string, documents: unknown[] = [LINK]): void {
    folder.add({
      name: 'd3-moon',
      d3: { documents },
      files: {
        'commands/moon.js': `
import { DepotCommand } from '@d3/sdk/command';
export default class Moon extends DepotCommand {
  static summary = 'Work on a depot.';
  execute({ depot }) { return depot('${how}', async (admin, ports) => { ${body} }); }
  text(result) { return JSON.stringify(result); }
}`,
      },
    });
  }

  it('keeps documents of its own kind, in the history under who acts, and only as it declared them', async () => {
    command(
      'changes',
      `const links = admin.documents('moon-link');
       const made = await links.create('first', { schema: 'd3/moon-link@1', of: 7 });
       const changed = await links.update(made.id, made.generation, { body: { schema: 'd3/moon-link@1', of: 8 } });
       const wrong = await links.create('second', { schema: 'd3/moon-link@1', of: 'x' }).catch(({ code }) => code);
       const late = await links.update(made.id, made.generation, { name: 'late' }).catch(({ code }) => code);
       return { result: { list: await links.list(), byName: (await links.byName('FIRST')).id === made.id, of: changed.body.of, wrong, late,
         by: admin.by, isHere: admin.isHere, same: ports.admin.location === admin.location } };`,
    );
    const { result } = JSON.parse(await ok('moon', '--json'));
    expect(result).to.deep.include({ byName: true, of: 8, wrong: 'DOCUMENT_INVALID', late: 'DOCUMENT_CONFLICT' });
    expect(result).to.deep.include({ by: 'sally', isHere: true, same: true });
    expect(result.list).to.have.length(1);
    const { result: history } = JSON.parse(await ok('admin', 'history', '--json'));
    const events = JSON.stringify(history);
    expect(events).to.contain('moon-link').and.to.contain('sally');
  });

  it('adds and edits as d3admin does, with its rules, and hands out files', async () => {
    const source = await sandbox.package('tool', { 'opt/tool': '1' }, { version: '1' });
    command(
      'changes',
      `const { edition } = await admin.add({ basename: 'tool', typed: { version: '1', description: 'd' }, source: ${JSON.stringify(source)} });
       const again = await admin.add({ basename: 'tool', typed: { version: '1', revision: '1' }, source: ${JSON.stringify(source)} }).catch((e) => e.exit ?? e.errors?.[0]?.exit);
       const { changed } = await admin.edit(edition.edition, { description: 'other', oses: '>=14' });
       const bad = await admin.edit(edition.edition, { reboot: 'perhaps' }).catch((e) => e.constructor.name);
       const size = await admin.withFile(edition.file.sha256, async (at) => (await import('node:fs')).statSync(at).size);
       return { result: { again, changed, bad, size: size === edition.file.size, editions: await admin.editions(), computers: await admin.computers() } };`,
    );
    const { result } = JSON.parse(await ok('moon', '--json'));
    expect(result).to.deep.include({ again: 'refused', size: true, computers: [] });
    expect(result.changed).to.have.members(['description', 'oses']);
    expect(result.bad).to.match(/D3Error/);
    expect(result.editions).to.have.length(1);
    expect(result.editions[0]).to.deep.include({
      edition: 'tool-1-1',
      status: 'pilot',
      oses: ['>=14'],
      addedBy: 'sally',
    });
  });

  it('says beforehand what stands against editions, and keeps files on their way in where only their owner looks', async () => {
    await sandbox.add('tool', '1');
    command(
      'changes',
      `const problems = await admin.problems([
         { basename: 'tool', typed: { version: '1', revision: '1' } },
         { basename: 'bad name', typed: { version: '2', oses: 'soon' } },
         { basename: 'fresh', typed: { version: '1' } },
       ]);
       const room = await admin.room('moon');
       const { mode } = (await import('node:fs')).statSync(room);
       return { result: { problems: problems.map((each) => each.map(({ code }) => code)), room, mode: mode & 0o777,
         same: room === (await admin.room('moon')), editions: (await admin.editions()).length } };`,
    );
    const { result } = JSON.parse(await ok('moon', '--json'));
    expect(result.problems[0]).to.include('EDITION_EXISTS');
    expect(result.problems[1]).to.include('BASENAME_INVALID').and.to.have.length(2);
    expect(result.problems[2]).to.deep.equal([]);
    expect(result).to.deep.include({ mode: 0o700, same: true, editions: 1 });
    expect(result.room.startsWith(sandbox.depot)).to.equal(true);
  });

  it('asks whoever sits there, or says which flag would have answered, and makes tables no spreadsheet runs', async () => {
    folder.add({
      name: 'd3-moon',
      files: {
        'commands/moon.js': `
import { PluginCommand } from '@d3/sdk/command';
export default class Moon extends PluginCommand {
  static summary = 'Ask.';
  async execute({ ask, csv }) {
    const table = csv({ columns: ['a', 'b'], rows: [['=1+1', 'x,y'], [null, 2]] });
    if (this.argv.includes('--json')) return { result: { table } };
    return { result: { yes: await ask.confirm({ question: 'Is it full?', flag: '--full' }) } };
  }
  text(result) { return JSON.stringify(result); }
}`,
      },
    });
    expect(JSON.parse(await ok('moon', '--json')).result.table).to.equal(`a,b\r\n'=1+1,"x,y"\r\n,2\r\n`);
    const nobody = await run(['moon']);
    expect([nobody.code, nobody.stderr.includes('--full')]).to.deep.equal([2, true]);
    const env = personsEnvironment(sandbox.folder('home', {}), folder.env);
    const screen = new Screen([...d3Program, 'moon'], { cwd: sandbox.dir, env });
    try {
      await screen.sees('Is it full?');
      await screen.type('y');
      await screen.press('return');
      expect(await screen.ended(), screen.text).to.equal(0);
      expect(screen.text).to.contain('{"yes":true}');
    } finally {
      screen.close();
    }
  });

  it('is told of an edition that was added, with the depot at hand', async () => {
    const seen = path.join(sandbox.dir, 'seen.json');
    folder.add({
      name: 'd3-moon',
      hooks: { 'd3:edition:added': './added.js' },
      files: {
        'added.js': `import { writeFileSync } from 'node:fs';
export default async ({ edition }, { admin }) => {
  const [only] = await admin.editions();
  writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ edition, only: only.edition, by: admin.by }));
};`,
      },
    });
    const source = await sandbox.package('tool', { 'opt/tool': '1' }, { version: '1' });
    await ok('admin', 'add', 'tool', '-v', '1', '-s', source);
    expect(existsSync(seen)).to.equal(true);
    expect(JSON.parse(readFileSync(seen, 'utf8'))).to.deep.equal({
      edition: 'tool-1-1',
      only: 'tool-1-1',
      by: 'sally',
    });
  });

  it('cannot take a kind that is d3’s own, and a kind that is declared wrongly is not there', async () => {
    const schema = { type: 'object' };
    command('reads', `return { result: { kind: await admin.documents('group').list() } };`, [
      { kind: 'group', version: 9, writers: 'viewer', schema },
      { kind: 'No Kind', version: 1, writers: 'admin', schema },
      null,
    ]);
    await ok('admin', 'group', 'add', 'lab', '--description', 'as ever');
    expect(JSON.parse(await ok('moon', '--json')).result.kind).to.have.length(1);
    command('reads', `return { result: await admin.documents('no-kind').list() };`);
    expect((await run(['moon', '--json'])).code).to.equal(10);
  });
});
