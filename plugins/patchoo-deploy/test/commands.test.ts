import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

  function script(name: string, ...lines: string[]): string {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
    return file;
  }

  const done = () => readFileSync(path.join(root, 'done'), 'utf8').trim().split('\n');
  const units = () => path.join(root, 'etc/systemd/system');

  /** Builds, a department, and policies that write down that they were there. */
  async function lab(more: Record<string, { event: string; script: string }> = {}): Promise<void> {
    const note = 'echo "$D3_POLICY $D3_PROVISION_BUILD $D3_PROVISION_DEPARTMENT" >> "$1/done"';
    const policies = {
      'a-config': { event: 'deploy', script: note },
      'b-apps': { event: 'deploy', script: note },
      'c-studio': { event: 'deploy-studio', script: note },
      'd-office': { event: 'deploy-office', script: note },
      'e-update': { event: 'update', script: note },
      ...more,
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

  it('patchoo:HP-01 patchoo:HP-07 patchoo:AP-20 patchoo:DR-05 patchoo:UL-07 holds, is assigned from elsewhere, deploys in order, and is released', async () => {
    await lab();
    await sandbox.add('lamp', '1', { live: true, autoGroups: 'standard' });
    const begun = await json('provision', 'setup');
    expect(begun.exit, JSON.stringify(begun.errors)).to.equal(0);
    expect(begun.result.state).to.equal('connecting');
    expect(readdirSync(units()).sort()).to.deep.equal(['d3-provision-lock.service', 'd3-provision.service']);

    const held = await json('provision', 'run', '--no-wait');
    expect([held.exit, held.result.state, held.result.missing]).to.deep.equal([43, 'holding', ['Build', 'Department']]);
    expect((await json('provision', 'run', '--no-wait')).exit).to.equal(43);
    expect((await json('provision', 'status')).exit).to.equal(43);
    const reports = () => sandbox.reports().filter(({ command }) => command === 'provision');
    expect(
      reports().map(({ provisioning }) => provisioning?.['state']),
      'patchoo:HP-03 told once',
    ).to.deep.equal(['holding']);

    const [waiting] = (await json('provision', 'hold', 'list')).result;
    expect(waiting).to.deep.include({
      serial: 'C02A',
      state: 'holding',
      code: held.result.code,
      missing: 'Build, Department',
    });
    const half = await json('provision', 'assign', 'c02a', '--build', 'Studio');
    expect([half.exit, half.result.record]).to.deep.equal([0, { Build: 'studio' }]);
    expect((await json('provision', 'run', '--no-wait')).result.missing).to.deep.equal(['Department']);
    await ok('provision', 'assign', 'C02A', '--department', 'fine art', '--name', 'Studio 7');

    const ended = await json('provision', 'run');
    expect([ended.exit, ended.result.state], JSON.stringify(ended)).to.deep.equal([0, 'released']);
    expect(done()).to.deep.equal([
      'a-config studio Fine Art',
      'b-apps studio Fine Art',
      'c-studio studio Fine Art',
      'e-update studio Fine Art',
    ]);
    expect(existsSync(path.join(root, 'opt/lamp/version'))).to.equal(true);
    expect(readdirSync(units()), 'patchoo:BS-26').to.deep.equal([]);
    expect((await json('provision', 'hold', 'list')).result).to.deep.equal([]);
    const shown = (await json('provision', 'hold', 'show', 'C02A')).result.said;
    expect(shown).to.deep.include({ state: 'released', build: 'studio', department: 'Fine Art' });

    const again = await json('provision', 'setup', '--enrolment', 'renewal');
    expect([again.exit, again.errors[0].code], 'patchoo:G10').to.deep.equal([30, 'DEPLOY_REFUSED']);
    expect((await json('provision', 'setup')).exit).to.equal(30);
    expect((await json('provision', 'setup', '--mode', 'update-only')).exit, 'patchoo:G8').to.equal(0);
    const updated = await json('provision', 'run');
    expect([
      updated.exit,
      updated.result.mode,
      updated.result.steps.map(({ kind }: { kind: string }) => kind),
    ]).to.deep.equal([0, 'update-only', ['provision-connect', 'provision-update', 'provision-release']]);
    expect(done().slice(4)).to.deep.equal(['e-update  ']);
    await ok('provision', 'setup', '--again');
    expect((await json('provision', 'run')).result.state, 'patchoo:DS-06 patchoo:D-06 deploys anew').to.equal(
      'released',
    );
    expect(done().length).to.equal(9);
  });

  it('patchoo:DR-08 patchoo:D-11 a required failure holds (44) until it is mended, skipped or the machine released by somebody', async () => {
    await lab({ 'z-bad': { event: 'deploy', script: 'test -e "$1/mended"' } });
    configure({ attributes: [], deployEvent: 'deploy; retries=0' });
    await ok('provision', 'setup');
    const failed = await json('provision', 'run');
    expect([failed.exit, failed.result.state]).to.deep.equal([44, 'failed-held']);
    expect(failed.result.text).to.match(/exited 1/);
    expect(done().length).to.equal(2);
    expect((await json('provision', 'run')).exit, 'it holds').to.equal(44);
    expect((await run(['provision', 'skip'])).code).to.equal(2);
    writeFileSync(path.join(root, 'mended'), '');
    await ok('provision', 'retry', '-a', 'bob');
    const ended = await json('provision', 'run');
    expect([ended.exit, ended.result.state]).to.deep.equal([0, 'released']);
    expect(done().filter((line) => line.startsWith('a-config')).length, 'done ones are not repeated').to.equal(1);
  });

  it('patchoo:HP-11 patchoo:BS-22 is released as it is, or cancelled, by somebody who is named; both are cleared up', async () => {
    await lab();
    await ok('provision', 'setup');
    expect((await json('provision', 'run', '--no-wait')).exit).to.equal(43);
    await ok('provision', 'hold', 'release', '--reason', 'needed now', '-a', 'bob');
    const ended = await json('provision', 'run');
    expect([ended.exit, ended.result.state, ended.result.override.by]).to.deep.equal([0, 'released', 'bob']);
    expect(existsSync(path.join(root, 'done')), 'nothing was deployed').to.equal(false);
    expect(readdirSync(units())).to.deep.equal([]);

    await ok('provision', 'setup', '--again');
    expect((await json('provision', 'run', '--no-wait')).exit).to.equal(43);
    const cancelled = await json('provision', 'cancel', '--reason', 'the wrong machine', '-a', 'bob');
    expect([cancelled.exit, cancelled.result.state]).to.deep.equal([0, 'cancelled']);
    expect(readdirSync(units())).to.deep.equal([]);
    expect((await json('provision', 'run')).errors[0].code).to.equal('NOT_DEPLOYED');
    expect((await json('provision', 'status')).exit).to.equal(0);
  });

  it('patchoo:UL-06 patchoo:BS-23 waits for restarts (42), both always there where they are wanted, and goes on after each', async () => {
    await lab();
    configure({ attributes: [], afterSetup: 'always', afterDeploy: 'always' });
    await ok('provision', 'setup');
    const boot = (word: string) =>
      writeFileSync(path.join(root, 'facts.json'), JSON.stringify({ processes: [], serial: 'C02A', boot: word }));
    const first = await json('provision', 'run');
    expect([first.exit, first.result.state]).to.deep.equal([42, 'restarting']);
    expect((await json('provision', 'run')).exit, 'nothing was restarted yet').to.equal(42);
    expect(existsSync(path.join(root, 'done'))).to.equal(false);
    boot('two');
    expect((await json('provision', 'run')).exit).to.equal(42);
    expect(done().map((line) => line.split(' ')[0])).to.deep.equal(['a-config', 'b-apps']);
    boot('three');
    // As the service does that goes on with everything at a start.
    await ok('run', 'resume', '--all');
    expect((await json('provision', 'status')).result.state).to.equal('released');
    expect(done().map((line) => line.split(' ')[0])).to.deep.equal(['a-config', 'b-apps', 'e-update']);
  });

  it('patchoo:CN-04 patchoo:AP-14 says all that is wrong with an assignment, and changes nothing', async () => {
    await lab();
    for (const [name, serial] of [
      ['mac-b', 'C02B'],
      ['mac-c', 'C02C'],
    ] as const) {
      const machine = sandbox.machine(name, { serial });
      await machine.sync();
    }
    const wrong = await json(
      'provision',
      'assign',
      'C02B',
      '--build',
      'stodio',
      '--department',
      'Arts',
      '--name',
      'mac-c',
    );
    expect(wrong.errors.map(({ code }: { code: string }) => code).toSorted()).to.deep.equal([
      'COMPUTER_NAME',
      'DEPARTMENT_NOT_FOUND',
      'EA_CHOICE',
    ]);
    expect((await json('provision', 'assign', 'C02B', '--name', 'mac-b')).exit, 'patchoo:D-03 its own name').to.equal(
      0,
    );
    expect((await json('provision', 'assign', 'C02X', '--build', 'studio')).exit).to.equal(34);
    expect((await json('provision', 'hold', 'show', 'C02B')).result.said).to.deep.equal({});
  });

  it('patchoo:DG-01 patchoo:DG-02 patchoo:DG-03 patchoo:DG-05 a group runs any number of policies and events, and tells of the worst', async () => {
    await lab();
    const good = await json('provision', 'group', 'B-APPS', ' ', 'deploy-studio', 'a-config');
    expect(good.exit, JSON.stringify(good.errors)).to.equal(0);
    expect(done().map((line) => line.split(' ')[0])).to.deep.equal(['b-apps', 'c-studio', 'a-config']);
    const absent = await json('provision', 'group', 'nobody-knows-it', 'a-config');
    expect([absent.exit, absent.errors[0].code]).to.deep.equal([40, 'POLICY_NOT_FOUND']);
    expect(done().length).to.equal(4);
  });
});

/** What a newcomer types first. */
describe('d3 provision simulate and doctor', function () {
  this.timeout(600_000);
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  it('patchoo:IN-14 patchoo:SO-07 shows a whole deployment with both restarts, and leaves nothing behind', async () => {
    const root = sandbox.machine('mac-a').root;
    const before = readdirSync(root, { recursive: true }).length;
    const { code, stdout, stderr } = await d3(['provision', 'simulate', '--json'], { env: { D3_ROOT: root } });
    expect(code, stdout + stderr).to.equal(0);
    const lines = JSON.parse(stdout).result as { kind: string; text: string }[];
    expect(lines.filter(({ kind }) => kind === 'command').map(({ text }) => text.split(' ').slice(1, 4).join(' '))).to.deep.equal([
      'provision setup',
      'provision run --no-wait',
      'provision run --no-wait',
      'provision hold list',
      'provision assign C02SIM',
      'provision run --no-wait',
      'provision run --no-wait',
    ]);
    expect(lines.slice(-3).map(({ text }) => text)).to.deep.equal([
      'on-deploy was here, for a studio',
      'on-deploy-studio was here, for a studio',
      'on-update was here, for a studio',
    ]);
    const left = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('run-'));
    expect([before, left]).to.deep.equal([1, []]);
  });

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
    expect((await doctor()).no).to.deep.equal(['extension attribute Build', 'policy for deploy', 'policy for deploy-studio']);
  });
});
