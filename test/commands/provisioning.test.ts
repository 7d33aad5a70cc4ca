import { expect } from 'chai';
import { d3 } from '../cli/spawn.ts';
import { PluginFolder } from '../startup/plugin-folder.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** What plugins know of a machine's provisioning, over the real bus: every command is a process with a real plugin in it. */
describe('provisioning as plugins tell it', function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let folder: PluginFolder;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { serial: 'SER-A' });
    folder = new PluginFolder();
  });
  afterEach(() => {
    sandbox.remove();
    folder.remove();
  });

  const run = (line: string[]) =>
    d3(line, {
      cwd: sandbox.dir,
      env: { ...folder.env, D3_ROOT: machine.root, D3_DEPOT: sandbox.depot, USER: 'sally' },
    });

  async function ok(...line: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(line);
    expect(code, `${line.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  }

  /** @param body of the function that answers `d3:provisioning` */
  function answers(name: string, body: string): void {
    folder.add({
      name,
      hooks: { 'd3:provisioning': './provisioning.js' },
      files: { 'provisioning.js': `export default ({ ask, record }) => { ${body} };` },
    });
  }

  /** Groups for each answer there can be, each with a package of its own. */
  async function groups(): Promise<void> {
    for (const [name, criteria] of [
      ['ready', 'provisioning.state is complete'],
      ['unready', 'provisioning.state is not complete'],
      ['unplaced', 'provisioning.room is not 7'],
    ] as const) {
      await ok('admin', 'group', 'add', name, '--criteria', criteria);
      await sandbox.add(`for-${name}`, '1', { live: true, autoGroups: name });
    }
  }

  const basenames = () => machine.receipts().map(({ basename }) => basename);

  it('puts the machine into the groups that ask for it; the question names the machine', async () => {
    await groups();
    answers('d3-other', `return { handled: false };`);
    answers(
      'd3-told',
      `if (ask !== 'read' || record.name !== 'mac-a' || record.serial !== 'SER-A') throw new Error('who is ' + JSON.stringify(record));
       return { state: 'complete', room: 7, build: 'x'.repeat(300) };`,
    );
    await ok('sync');
    // A number is no text: what it said of the room counts as nothing said.
    expect(basenames()).to.deep.equal(['for-ready', 'for-unplaced']);
    await ok('admin', 'show');
    const shown = JSON.parse(await ok('admin', 'computer', 'show', 'mac-a', '--json')).result;
    expect(shown.provisioning).to.deep.equal({ state: 'complete', build: 'x'.repeat(255) });
    expect(shown.groups).to.deep.equal(['ready', 'unplaced']);
  });

  it('that one fails to tell puts it into none, not into those for whoever is otherwise either', async () => {
    await groups();
    answers('d3-broken', `throw new Error('the server is down');`);
    const { code, stderr } = await run(['sync']);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.include('d3-broken').and.include('the server is down');
    expect(basenames()).to.deep.equal([]);
    const shown = JSON.parse(await ok('admin', 'computer', 'show', 'mac-a', '--json')).result;
    expect(shown.groups, 'nor in the depot').to.deep.equal([]);
    const tried = await ok(
      'admin',
      'group',
      'test',
      '--criteria',
      'provisioning.state is not complete',
      '--computers',
      'mac-a',
    );
    expect(tried).to.include('not in');
  });

  it('that another tells counts, though one fails', async () => {
    await groups();
    answers('d3-broken', `throw new Error('the server is down');`);
    answers('d3-told', `return { state: 'begun' };`);
    await ok('sync');
    expect(basenames()).to.deep.equal(['for-unready']);
  });
});
