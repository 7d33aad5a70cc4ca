import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { addEa } from '../../../src/admin/eas.ts';
import { addPolicy } from '../../../src/admin/policies.ts';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';

/** Deployments through the real command line: a depot, machines in folders, each command a process of its own. */
describe('d3 provision', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
  });
  afterEach(() => sandbox.remove());

  const env = (at = root) => ({ D3_ROOT: at, D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' });
  const run = (line: readonly string[], at = root) => d3([...line], { cwd: sandbox.dir, env: env(at) });

  async function ok(...line: string[]): Promise<string> {
    const ended = await run(line);
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}${ended.stdout}`).to.equal(0);
    return ended.stdout;
  }

  async function json(...line: string[]) {
    const { stdout, stderr } = await run([...line, '--json']);
    expect(stdout, stderr).not.to.equal('');
    return JSON.parse(stdout);
  }

  function script(name: string, line: string): string {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n${line}\n`);
    return file;
  }

  const done = () => readFileSync(path.join(root, 'done'), 'utf8').trim().split('\n');
  const units = () => path.join(root, 'etc/systemd/system');

  /** Builds, a department, and policies that write down that they were there. */
  async function lab(): Promise<void> {
    const note = 'echo "$D3_POLICY $D3_PROVISION_BUILD $D3_PROVISION_DEPARTMENT" >> "$1/done"';
    const policies = {
      'a-config': { event: 'deploy', script: note },
      'b-apps': { event: 'deploy', script: note },
      'c-studio': { event: 'deploy-studio', script: note },
    };
    await sandbox.admin(async (session) => {
      const { store } = session.depot;
      await store.documents('department').create('Fine Art', { schema: 'd3/department@1', description: '' }, 'sally');
      await addEa('Build', { type: 'choice', choices: ['studio', 'office'], description: '' }, session);
      for (const [name, { event, script: line }] of Object.entries(policies)) {
        const steps = [{ kind: 'script', args: { script: script(name, line) } }];
        await addPolicy(name, { file: { steps, folder: sandbox.dir }, events: [event] }, session);
      }
    });
  }

  function configure(settings: Record<string, unknown>): void {
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    writeFileSync(path.join(root, 'etc/d3.json'), JSON.stringify({ provision: settings }));
  }

  it('patchoo:IN-01 patchoo:IN-03 patchoo:HP-07 patchoo:AP-20 holds (43), is assigned from elsewhere, and is released (0); every command says so', async () => {
    await lab();
    configure({ update: 'no' });
    expect((await json('provision', 'setup')).result.state).to.equal('connecting');
    expect(readdirSync(units()).toSorted()).to.deep.equal(['d3-provision-lock.service', 'd3-provision.service']);
    const held = await json('provision', 'run', '--no-wait');
    expect([held.exit, held.result.state, held.errors[0].code]).to.deep.equal([43, 'holding', 'DEPLOYMENT_OPEN']);
    const [waiting] = (await json('provision', 'hold', 'list')).result;
    expect(waiting).to.deep.include({ serial: 'C02A', state: 'holding', code: held.result.code });
    expect((await run(['provision', 'skip'])).code, 'a reason has to be given').to.equal(2);
    expect(await ok('provision', 'assign', 'C02A', '--build', 'studio', '--department', 'fine art')).to.include(
      'Build studio',
    );
    const ended = await json('provision', 'run');
    expect([ended.exit, ended.result.state], JSON.stringify(ended.errors)).to.deep.equal([0, 'released']);
    expect(done()).to.deep.equal(['a-config studio Fine Art', 'b-apps studio Fine Art', 'c-studio studio Fine Art']);
    expect(readdirSync(units())).to.deep.equal([]);
    const again = await json('provision', 'setup', '--enrolment', 'renewal');
    expect([again.exit, again.errors[0].code]).to.deep.equal([30, 'DEPLOY_REFUSED']);
    const group = await json('provision', 'group', 'b-apps', 'nobody-knows-it');
    expect([group.exit, group.errors[0].code], 'patchoo:DG-05').to.deep.equal([40, 'POLICY_NOT_FOUND']);
    // A machine that never saw the catalog cannot know that there is none.
    const stranger = path.join(sandbox.dir, 'stranger');
    mkdirSync(stranger);
    renameSync(sandbox.depot, `${sandbox.depot}.away`);
    const away = await run(['provision', 'group', 'nobody-knows-it'], stranger);
    renameSync(`${sandbox.depot}.away`, sandbox.depot);
    expect([away.code, away.stderr], 'patchoo:DG-04').to.satisfy(
      ([code, said]: [number, string]) => code !== 34 && !/no policy/i.test(said),
    );
  });
});

/** What a newcomer types first. */
describe('d3 provision doctor', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('patchoo:SO-01 patchoo:SO-02 doctor says what the depot lacks for the settings, and nothing once it is there', async () => {
    const doctor = async () => {
      const ended = await d3(['provision', 'doctor', '--depot', sandbox.depot, '--json'], {
        env: { D3_FLAG_ADMIN: 'sally', D3_ROOT: sandbox.machine('mac-a').root },
      });
      const { result, exit } = JSON.parse(ended.stdout);
      return { exit, no: result.filter(({ ok }: { ok: boolean }) => !ok).map(({ check }: { check: string }) => check) };
    };
    expect(await doctor()).to.deep.equal({
      exit: 1,
      no: ['extension attribute Build', 'departments', 'policy for deploy'],
    });
    await sandbox.admin(async (session) => {
      await session.depot.store
        .documents('department')
        .create('art', { schema: 'd3/department@1', description: '' }, 'sally');
      await addEa('Build', { type: 'choice', choices: ['studio', 'a b'], description: '' }, session);
    });
    expect((await doctor()).no).to.deep.equal([
      'extension attribute Build',
      'policy for deploy',
      'policy for deploy-studio',
    ]);
  });
});
