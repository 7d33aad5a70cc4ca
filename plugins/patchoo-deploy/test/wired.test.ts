import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ProgressEvent } from '@d3/sdk';
import { expect } from 'chai';
import { addEa } from '../../../src/admin/eas.ts';
import { adminPortOf } from '../../../src/admin/plugin-port.ts';
import { addPolicy } from '../../../src/admin/policies.ts';
import type { HookFile } from '../../../src/lifecycle/bus.ts';
import { problemsOf } from '../../../test/support/errors.ts';
import { withOwnPluginSettings, withoutPluginSettings } from '../../../test/support/own-plugin-settings.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { advance } from '../src/advance.ts';
import { type Assignment, assign } from '../src/assign.ts';
import { type BeginRequest, begin } from '../src/begin.ts';
import { cancel, releaseAsItIs, retry, skip } from '../src/decide.ts';
import { runGroup } from '../src/group.ts';
import { waitingMachines } from '../src/holds.ts';
import { partsOf } from '../src/parts.ts';
import { statusOf } from '../src/status.ts';
import { wired } from './support/wired.ts';

/** Deployments on real machines in folders: real runs in SQLite, real policies and syncs, a real depot; in one process. */
describe('a deployment, wired as in d3', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let others: readonly (HookFile & { event: string })[];
  before(() => withOwnPluginSettings());
  after(() => withoutPluginSettings());
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' });
    others = [];
  });
  afterEach(() => sandbox.remove());

  const parts = () => partsOf(wired(machine, { others }).ports);
  const status = () => statusOf(wired(machine).ports);
  const setUp = async (changes: Partial<BeginRequest> = {}) =>
    begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false, ...changes }, await parts());
  const goOn = async () => {
    await advance(await parts(), { stays: false, by: 'sally' });
    return status();
  };
  const said = (word: string, assignment: Assignment) =>
    sandbox.admin((session) => assign(word, assignment, adminPortOf(session, sandbox.dir), 'Build'));
  const done = () => readFileSync(path.join(machine.root, 'done'), 'utf8').trim().split('\n');
  const units = () => readdirSync(path.join(machine.root, 'etc/systemd/system')).toSorted();
  const told = () =>
    sandbox
      .reports()
      .filter(({ command }) => command === 'provision')
      .map(({ provisioning }) => provisioning?.['state']);

  function configure(settings: Record<string, unknown>): void {
    mkdirSync(path.join(machine.root, 'etc'), { recursive: true });
    writeFileSync(path.join(machine.root, 'etc/d3.json'), JSON.stringify({ provision: settings }));
  }

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
      for (const [name, { event, script }] of Object.entries(policies)) {
        const file = path.join(sandbox.dir, `script-${name}`);
        writeFileSync(file, `#!/bin/sh\n${script}\n`);
        const steps = [{ kind: 'script', args: { script: file } }];
        await addPolicy(name, { file: { steps, folder: sandbox.dir }, events: [event] }, session);
      }
    });
  }

  it('patchoo:HP-01 patchoo:HP-02 patchoo:HP-03 patchoo:HP-04 patchoo:HP-07 patchoo:HP-08 patchoo:HP-13 patchoo:AP-05 patchoo:AP-06 patchoo:AP-07 patchoo:AP-20 patchoo:DR-05 patchoo:UL-07 holds, is assigned from elsewhere, deployed in order, and released', async () => {
    await lab();
    await sandbox.add('lamp', '1', { live: true, autoGroups: 'standard' });
    await setUp();
    expect(units()).to.deep.equal(['d3-provision-lock.service', 'd3-provision.service']);
    const held = await goOn();
    expect([held.state, held.exit, held.missing]).to.deep.equal(['holding', 43, ['Build', 'Department']]);
    expect((await goOn()).state).to.equal('holding');
    expect(told(), 'once').to.deep.equal(['holding']);
    const [waiting] = await sandbox.admin((session) => waitingMachines(adminPortOf(session, sandbox.dir)));
    expect(waiting).to.deep.include({
      serial: 'C02A',
      state: 'holding',
      code: held.code,
      missing: 'Build, Department',
    });
    const half = await said('c02a', { build: 'Studio' });
    expect([half.record, half.changed]).to.deep.equal([{ Build: 'studio' }, true]);
    expect((await said('c02a', { build: 'studio' })).changed).to.equal(false);
    expect((await goOn()).missing).to.deep.equal(['Department']);
    await said('C02A', { department: 'fine art', name: 'Studio 7' });
    let ended = await goOn();
    for (let turns = 0; turns < 5 && ended.state === 'updating'; turns += 1) ended = await goOn();
    expect([ended.state, ended.exit], JSON.stringify(ended)).to.deep.equal(['released', 0]);
    expect(done()).to.deep.equal([
      'a-config studio Fine Art',
      'b-apps studio Fine Art',
      'c-studio studio Fine Art',
      'e-update studio Fine Art',
    ]);
    expect(machine.exists('opt/lamp/version')).to.equal(true);
    expect(units(), 'patchoo:BS-26').to.deep.equal([]);
    expect(told(), 'those the depot has not taken in yet').to.deep.equal(['deploying', 'deployed', 'released']);
    expect(sandbox.reports().at(-1)?.provisioning).to.deep.include({ build: 'studio', department: 'Fine Art' });
    expect(await sandbox.admin((session) => waitingMachines(adminPortOf(session, sandbox.dir)))).to.deep.equal([]);

    for (const enrolment of ['renewal', 'new', 'existing'] as const) {
      const { problems } = await problemsOf(setUp({ enrolment }));
      expect(
        problems.map(({ code }) => code),
        `patchoo:G10 ${enrolment}`,
      ).to.deep.equal(['DEPLOY_REFUSED']);
    }
    await setUp({ mode: 'update-only' });
    let patched = await goOn();
    for (let turns = 0; turns < 5 && patched.state === 'updating'; turns += 1) patched = await goOn();
    expect([patched.state, patched.mode, done().slice(4)], 'patchoo:G8 patchoo:BS-06').to.deep.equal([
      'released',
      'update-only',
      ['e-update'],
    ]);
  });

  it('patchoo:DR-08 patchoo:DS-06 a required failure holds until it is mended, left out or released past; then the machine can be deployed anew', async () => {
    await lab({ 'z-bad': { event: 'deploy', script: 'test -e "$1/mended"' } });
    configure({ attributes: [], update: 'no', deployEvent: 'deploy; retries=0' });
    await setUp();
    const failed = await goOn();
    expect([failed.state, failed.exit]).to.deep.equal(['failed-held', 44]);
    expect(failed.text).to.match(/exited 1/);
    await retry(await parts(), 'bob');
    expect((await goOn()).state).to.equal('failed-held');
    expect(units(), 'nothing is taken away while it holds').to.deep.equal([
      'd3-provision-lock.service',
      'd3-provision.service',
    ]);
    writeFileSync(path.join(machine.root, 'mended'), '');
    await retry(await parts(), 'bob');
    expect((await goOn()).state).to.equal('released');
    expect(done(), 'what was done is not done again').to.have.length(2);

    writeFileSync(path.join(machine.root, 'mended'), '');
    await setUp({ again: true });
    expect((await goOn()).state).to.equal('released');
    expect(done(), 'patchoo:D-06 a new run does all of it').to.have.length(4);
  });

  it('patchoo:HP-11 patchoo:BS-22 patchoo:SQ-09 skipped, released or cancelled by somebody, with who and why; always cleared up', async () => {
    await lab();
    configure({ update: 'no' });
    await setUp();
    expect((await goOn()).state).to.equal('holding');
    await releaseAsItIs(await parts(), { by: 'bob', why: 'needed now' });
    const released = await goOn();
    expect([released.state, released.override?.by, released.override?.why]).to.deep.equal([
      'released',
      'bob',
      'needed now',
    ]);
    expect(machine.exists('done'), 'nothing was deployed').to.equal(false);
    expect(units()).to.deep.equal([]);

    await setUp({ again: true });
    await goOn();
    await cancel(await parts(), { by: 'bob', why: 'the wrong machine' });
    expect([(await status()).state, units()]).to.deep.equal(['cancelled', []]);
    const { problems } = await problemsOf(goOn());
    expect(problems.map(({ code }) => code)).to.deep.equal(['NOT_DEPLOYED']);

    await setUp({ again: true });
    await goOn();
    await skip(await parts(), { by: 'eve', why: 'nobody knows' });
    const skipped = await goOn();
    expect([skipped.state, skipped.override?.by]).to.deep.equal(['released', 'eve']);
  });

  it('patchoo:BS-23 patchoo:DS-24 patchoo:DR-12 waits for each restart that is wanted, and does not go on without it', async () => {
    await lab();
    configure({ attributes: [], update: 'no', afterSetup: 'always', afterDeploy: 'always' });
    const boot = (word: string) =>
      writeFileSync(
        path.join(machine.root, 'facts.json'),
        JSON.stringify({ processes: [], serial: 'C02A', boot: word }),
      );
    await setUp();
    expect([(await goOn()).state, (await goOn()).exit]).to.deep.equal(['restarting', 42]);
    expect(machine.exists('done')).to.equal(false);
    boot('two');
    expect((await goOn()).state).to.equal('restarting');
    expect(done()).to.have.length(2);
    boot('three');
    expect((await goOn()).state).to.equal('released');
    expect(done()).to.have.length(2);
  });

  it('patchoo:CN-04 patchoo:AP-14 patchoo:DS-14 says all that is wrong with an assignment, and changes nothing', async () => {
    await lab();
    for (const [name, serial] of [
      ['mac-b', 'C02B'],
      ['mac-c', 'C02C'],
    ] as const)
      await sandbox.machine(name, { serial }).sync();
    const { problems } = await problemsOf(said('C02B', { build: 'stodio', department: 'Arts', name: 'MAC-C' }));
    expect(problems.map(({ code }) => code).toSorted()).to.deep.equal([
      'COMPUTER_NAME',
      'DEPARTMENT_NOT_FOUND',
      'EA_CHOICE',
    ]);
    expect((await said('C02B', { name: 'mac-b' })).record, 'patchoo:D-03 its own name').to.deep.equal({
      name: 'mac-b',
    });
    expect((await problemsOf(said('C02X', { build: 'studio' }))).exitCode).to.equal(34);
  });

  it('patchoo:AP-01 patchoo:AP-23 patchoo:EN-07 an erased machine is deployed as its record says, and who keeps records elsewhere is asked first', async () => {
    await lab();
    configure({ update: 'no' });
    const elsewhere = path.join(sandbox.dir, 'elsewhere.mjs');
    const answer = {
      id: '7',
      name: 'x',
      department: 'art',
      building: null,
      site: null,
      attributes: { Build: 'office' },
    };
    writeFileSync(
      elsewhere,
      `export default ({ ask, record }) => ask === 'resolve' && record.serial === 'C02A'
        ? { schema: 'd3/provisioned@1', record: ${JSON.stringify(answer)} }
        : ask === 'read' ? { asset: '17' } : { handled: false };`,
    );
    const others = [{ event: 'd3:provisioning', plugin: 'elsewhere', file: elsewhere, identifier: 'default' }];
    const { ports, machine: whole } = wired(machine, { others });
    const own = await partsOf(ports);
    await begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, own);
    await advance(own, { stays: false, by: 'sally' });
    expect((await statusOf(ports)).state).to.equal('released');
    expect(done()).to.deep.equal(['a-config office art', 'b-apps office art', 'd-office office art']);
    expect(whole.paths.root).to.equal(machine.root);
    expect(sandbox.reports().at(-1)?.provisioning, 'all who know something are heard').to.deep.include({
      asset: '17',
      state: 'released',
      build: 'office',
    });
    writeFileSync(elsewhere, 'throw new Error("no network");');
    const again = path.join(sandbox.dir, 'broken.mjs');
    writeFileSync(again, 'export default () => { throw new Error("no network"); };');
    const broken = wired(machine, {
      others: [{ event: 'd3:provisioning', plugin: 'elsewhere', file: again, identifier: 'default' }],
    });
    const { problems } = await problemsOf(broken.ports.machine.record());
    expect(
      problems.map(({ code }) => code),
      'patchoo:D-16 that is not "nothing is said"',
    ).to.deep.equal(['RECORD_NOT_TOLD']);
  });

  it('patchoo:DR-13 a record that changes meanwhile is told of, and not followed', async () => {
    await lab();
    configure({ attributes: ['build'], afterDeploy: 'always', update: 'no' });
    await setUp();
    await goOn();
    await said('C02A', { build: 'studio' });
    expect((await goOn()).state).to.equal('restarting');
    await said('C02A', { build: 'office' });
    sandbox.machine('mac-a', { serial: 'C02A', boot: 'two' });
    const { state, values, warnings } = await goOn();
    expect([state, values]).to.deep.equal(['released', { build: 'studio' }]);
    expect(warnings).to.deep.equal(['its record says Build office by now; it was deployed with studio']);
    expect(done().map((line) => line.split(' ')[0])).to.deep.equal(['a-config', 'b-apps', 'c-studio']);
    expect(sandbox.reports().at(-1)?.provisioning?.['warnings']).to.equal('1');
  });

  it('patchoo:DS-25 nothing restarts where nothing needs it', async () => {
    await lab();
    configure({ attributes: [] });
    await setUp();
    let ended = await goOn();
    for (let turns = 0; turns < 5 && ended.state === 'updating'; turns += 1) ended = await goOn();
    expect(ended.state).to.equal('released');
    expect(ended.steps.filter(({ kind }) => kind === 'reboot')).to.deep.equal([]);
    expect(told()).to.not.include('restarting');
  });

  it('patchoo:DR-10 patchoo:UL-04 patchoo:UL-05 what waited in the queue before is installed by the deployment, and nobody is told of it or asked', async () => {
    const notice = path.join(sandbox.dir, 'deferred.mjs');
    const told = path.join(sandbox.dir, 'told');
    writeFileSync(
      notice,
      `import { appendFileSync } from 'node:fs';\nexport default async () => appendFileSync(${JSON.stringify(told)}, 'told\\n');\n`,
    );
    others = [{ event: 'd3:deferred', plugin: 'notice', file: notice, identifier: 'default' }];
    await lab();
    configure({ attributes: [] });
    await sandbox.add('kernel', '1', { live: true, autoGroups: 'standard', reboot: 'y' });
    await machine.sync();
    expect(machine.exists('opt/kernel/version'), 'it is only there to be installed').to.equal(false);
    await setUp();
    let ended = await goOn();
    for (let turns = 0; turns < 8 && ended.state !== 'released'; turns += 1) {
      sandbox.machine('mac-a', { serial: 'C02A', boot: `boot ${turns}` });
      ended = await goOn();
    }
    expect([ended.state, machine.read('opt/kernel/version')]).to.deep.equal(['released', '1']);
    expect(existsSync(told), 'a user was told').to.equal(false);
  });

  it('patchoo:DR-08 a policy that hangs is ended after its time, and holds', async () => {
    await lab({ 'a-hangs': { event: 'deploy', script: 'echo "$$" > "$1/pid"; sleep 600' } });
    configure({ attributes: [], update: 'no', deployEvent: 'deploy; timeout=3; retries=0' });
    await setUp();
    const { state, exit, text } = await goOn();
    expect([state, exit]).to.deep.equal(['failed-held', 44]);
    expect(text).to.match(/3 s|time/);
    const pid = Number(machine.read('pid'));
    expect(() => process.kill(pid, 0), 'it runs no more').to.throw(/ESRCH/);
  });

  it('patchoo:DR-07 patchoo:DR-03 a build that has no policies is what the settings say it is', async () => {
    await lab();
    const without = 'deploy-%build%; ifNoPolicy=';
    await sandbox.admin(async (session) => {
      const { policyMeant, deletePolicy } = await import('../../../src/admin/policies.ts');
      await deletePolicy(await policyMeant('d-office', session), session);
    });
    await setUp();
    await goOn();
    await said('C02A', { build: 'office', department: 'Fine Art' });
    for (const [word, state, warnings] of [
      ['fail', 'failed-held', []],
      ['warn', 'released', ['no policy has the name or the event deploy-office']],
      ['ok', 'released', []],
    ] as const) {
      await cancel(await parts(), { by: 'bob', why: 'another way' }).catch(() => undefined);
      configure({ update: 'no', checkIn: 'no', buildEvent: `${without}${word}; retries=0` });
      await setUp({ again: true });
      const ended = await goOn();
      expect([ended.state, ended.warnings], word).to.deep.equal([state, warnings]);
      if (word === 'fail') expect(ended.text).to.match(/no policy has the name or the event deploy-office/);
    }
  });

  it('patchoo:DG-01 patchoo:DG-02 patchoo:DG-03 a group runs any number of policies and events in their order', async () => {
    await lab();
    const items = await runGroup(
      ['B-APPS', ' ', 'event:deploy-studio', 'policy:a-config', 'nobody-knows-it'],
      wired(machine).ports,
    );
    expect(items.map(({ state }) => state)).to.deep.equal(['ran', 'ran', 'ran', 'absent']);
    expect(done().map((line) => line.split(' ')[0])).to.deep.equal(['b-apps', 'c-studio', 'a-config']);
  });

  it('patchoo:IN-12 patchoo:D-17 two processes at once: one advances, the other is told so', async () => {
    await lab({ 'a-slow': { event: 'deploy', script: 'sleep 2' } });
    configure({ attributes: [], update: 'no' });
    await setUp();
    const [first, second] = [await parts(), await parts()];
    const events: ProgressEvent[] = [];
    const results = await Promise.allSettled([
      advance(first, { stays: false, by: 'sally' }),
      new Promise((resolve) => setTimeout(resolve, 1000)).then(() => advance(second, { stays: false, by: 'bob' })),
    ]);
    expect(events).to.deep.equal([]);
    expect(results.map(({ status: how }) => how)).to.deep.equal(['fulfilled', 'rejected']);
    expect((results[1] as PromiseRejectedResult).reason).to.include({ code: 'RUN_HELD', exit: 'busy' });
    expect((await status()).state).to.equal('released');
  });
});
