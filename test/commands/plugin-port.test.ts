import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { PluginFolder } from '../startup/plugin-folder.ts';
import { Sandbox } from '../support/sandbox.ts';

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
import { DepotCommand } from '${new URL('../../packages/sdk/src/command.ts', import.meta.url).href}';
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
