import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program, type Ended } from '../../../test/cli/spawn.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { Screen } from '../../../test/support/screen.ts';
import { type Running, serveProcess } from '../../../test/support/serve-process.ts';

/** What becomes of the policies of the event, for a machine of art in Perth. */
const DEPLOY = [
  'a-everywhere: done',
  'b-art: done',
  "b-science: it is for department science, and this machine's is art",
  'c-perth: done',
  "c-rome: it is for building Rome, and this machine's is Perth",
  'd-nobody: this machine is in none of its groups',
];

/** The sixteen steps of the deployment of a new machine, in their order, each looked at as it happens: one machine, one depot, real processes. */
describe('the deployment of a new machine, step by step', function () {
  this.timeout(120_000);
  this.bail(true);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let server: Running;
  let desk: Record<string, string>;
  let lock: Screen | undefined;
  let boots = 0;
  const { CI: _, ...inherited } = process.env as Record<string, string>;
  const terminal = () => ({
    cwd: sandbox.dir,
    env: { ...inherited, TERM: 'xterm-256color', D3_ROOT: machine.root, ...desk },
  });

  before(async () => {
    sandbox = await Sandbox.make();
    const inFolder = async (...words: string[]) =>
      good(await d3(words, { cwd: sandbox.dir, env: { D3_DEPOT: sandbox.depot, D3_FLAG_ADMIN: 'sally' } }));
    const note = path.join(sandbox.dir, 'note');
    writeFileSync(note, '#!/bin/sh\necho "$D3_POLICY $D3_PROVISION_BUILD" >> "$1/done"\nsleep 1.5\n');
    for (const name of ['art', 'science']) await inFolder('admin', 'department', 'add', name);
    for (const name of ['Perth', 'Rome']) await inFolder('admin', 'building', 'add', name);
    await inFolder('admin', 'ea', 'add', 'Build', '--type', 'choice', '--choices', 'studio,office');
    await inFolder('admin', 'group', 'add', 'nobody');
    for (const [name, event, ...scope] of [
      ['a-everywhere', 'deploy'],
      ['b-art', 'deploy', '--departments', 'art'],
      ['b-science', 'deploy', '--departments', 'science'],
      ['c-perth', 'deploy', '--buildings', 'Perth'],
      ['c-rome', 'deploy', '--buildings', 'Rome'],
      ['d-nobody', 'deploy', '--groups', 'nobody'],
      ['e-studio', 'deploy-studio'],
      ['e-office', 'deploy-office'],
      ['f-update', 'update'],
    ] as const)
      await inFolder('admin', 'policy', 'add', name, '--script', note, '--events', event, ...scope);
    await sandbox.add('lamp', '1', { live: true, autoGroups: 'standard' });
    await sandbox.add('lamp', '2', { inherit: true });
    const token = JSON.parse(await inFolder('admin', 'token', 'add', 'sally', '--role', 'admin', '--json')).result;
    server = await serveProcess(sandbox.depot);
    desk = { D3_DEPOT: server.url, D3_CREDENTIALS: `sally:${token.secret}` };
  });
  after(async () => {
    lock?.close();
    await server?.end('SIGKILL');
    sandbox?.remove();
  });

  function good({ code, stdout, stderr }: Ended): string {
    expect(code, stderr + stdout).to.equal(0);
    return stdout;
  }
  const there = (...words: string[]) => d3(words, { cwd: sandbox.dir, env: { D3_ROOT: machine.root } });
  const atDesk = async (...words: string[]) => good(await d3(words, { cwd: sandbox.dir, env: desk }));
  const status = async () => JSON.parse((await there('provision', 'status', '--json')).stdout).result;
  const heard = async () => JSON.parse(await atDesk('provision', 'hold', 'show', 'C02A', '--json')).result.said;
  const units = () => readdirSync(path.join(machine.root, 'etc/systemd/system')).toSorted();
  const done = () => machine.read('done').trim().split('\n');
  function starts(user: { user?: string }): void {
    boots += 1;
    machine.write('facts.json', JSON.stringify({ processes: [], serial: 'C02A', boot: `boot ${boots}`, ...user }));
  }
  const locks = () => new Screen([...d3Program, 'provision', 'lock'], terminal());
  let printed = '';
  async function goesOn(): Promise<number | null> {
    const { code, stderr } = await there('provision', 'run', '--no-input');
    printed = stderr;
    return code;
  }

  it('patchoo:EN-01 1. a Mac out of the box', async () => {
    machine = sandbox.machine('new-mac');
    starts({});
    expect((await status()).state).to.equal('idle');
    expect(machine.tree()).to.deep.equal([]);
  });

  it('patchoo:EN-02 2. Setup Assistant: it gets its user', () => {
    starts({ user: 'bob' });
  });

  it('patchoo:EN-03 patchoo:DS-01 3. it is enrolled', async () => {
    const { secret } = JSON.parse(await atDesk('admin', 'enrol', 'code', '--once', '--json')).result;
    good(await d3(['enroll', server.url], { env: { D3_ROOT: machine.root, D3_FLAG_CODE: secret } }));
    for (const [name, value] of [
      ['attributes', 'build,department,building'],
      ['afterSetup', 'always'],
      ['afterDeploy', 'always'],
      ['lockSeconds', '1'],
    ])
      good(await there('config', 'set', `provision.${name}`, value as string));
  });

  it('patchoo:CN-01 patchoo:DS-08 patchoo:DS-14 patchoo:DS-15 patchoo:DS-16 4. its user is asked the name, the build, the department and the building', async () => {
    const screen = new Screen([...d3Program, 'provision', 'prompt'], terminal());
    try {
      await screen.sees('1. OK', 60_000);
      await screen.press('return');
      await screen.sees('? Computer name');
      await screen.press('ctrl-u');
      await screen.type('Studio 7\r');
      await screen.sees('Missing: Build, Department, Building');
      await screen.choose('Configure');
      for (const [question, answer] of [
        ['Build', 'studio'],
        ['Department', 'art'],
        ['Building', 'Perth'],
      ] as const) {
        await screen.sees(`? ${question}`);
        await screen.choose(answer);
      }
      expect(await screen.ended(), screen.text).to.equal(0);
    } finally {
      screen.close();
    }
  });

  it('patchoo:AP-06 patchoo:AP-07 5. the depot has it', async () => {
    const { record } = JSON.parse(await atDesk('provision', 'assign', 'C02A', '--json')).result;
    expect(record).to.deep.equal({ name: 'Studio 7', department: 'art', building: 'Perth', Build: 'studio' });
  });

  it('patchoo:BS-01 patchoo:BS-02 patchoo:BS-03 patchoo:DS-05 6. what goes on at each start, and what locks, is laid down', async () => {
    good(await there('provision', 'setup'));
    expect(units()).to.deep.equal(['d3-provision-lock.service', 'd3-provision.service']);
    expect(machine.read('etc/systemd/system/d3-provision.service')).to.match(/ExecStart=.*provision.*run.*--no-input/);
    expect(machine.read('etc/systemd/system/d3-provision-lock.service')).to.match(/ExecStart=.*provision.*lock/);
    expect((await status()).startedAt, 'that it was asked for is on record').to.be.a('string');
  });

  it('patchoo:DS-24 7. it restarts', async () => {
    expect(await goesOn()).to.equal(42);
    expect((await status()).state).to.equal('restarting');
    starts({});
  });

  it('patchoo:BS-07 patchoo:BS-12 patchoo:BS-13 8. the screen is locked, before anything is asked of the depot, and shows the newest line of what goes on', async () => {
    lock = locks();
    await lock.sees('This computer is being provisioned', 60_000);
    await lock.sees('restart after setup');
  });

  it('patchoo:BS-11 patchoo:DR-01 patchoo:DR-02 patchoo:DR-03 patchoo:DR-05 patchoo:DR-09 9. to 13. it reads its record, runs `deploy` for what it is, then `deploy-studio`, and is deployed', async () => {
    const running = goesOn();
    await lock?.sees(/deploy/, 60_000);
    expect(await running, printed).to.equal(42);
    const became = [...printed.matchAll(/^deployment (\d+\/\d+: .*): done(?: \((.*)\))?$/gm)].map(
      ([, step = '', text = '']) => [step.replace(/^\d+\/\d+: /, ''), text],
    );
    expect(became.slice(0, 4)).to.deep.equal([
      ['restart after setup', 'the machine was restarted'],
      ['the time is right', 'the clock is right'],
      ['the depot answers', 'the depot answers'],
      ['what this machine is', 'build studio, department art, building Perth'],
    ]);
    expect(became.slice(5)).to.deep.equal([
      ['check-in', 'lamp-1-1'],
      ['deploy', DEPLOY.join('; ')],
      ['deploy-%build%', 'e-studio: done'],
      ['deployed', ''],
      ['nothing updates the system', 'nothing updates the system'],
    ]);
    expect(done()).to.deep.equal(['a-everywhere', 'b-art', 'c-perth', 'e-studio'].map((name) => `${name} studio`));
    expect(await heard(), 'patchoo:DR-11').to.deep.include({ state: 'deployed', build: 'studio', building: 'Perth' });
  });

  it('patchoo:DR-12 14. it restarts, and meanwhile there is something newer', async () => {
    expect((await status()).state).to.equal('restarting');
    lock?.close();
    starts({});
    await atDesk('admin', 'live', 'lamp-2-1', '-a');
    lock = locks();
    await lock.sees('This computer is being provisioned', 60_000);
  });

  it('patchoo:UL-01 patchoo:UL-07 15. it is patched until nothing is pending', async () => {
    expect(await goesOn(), printed).to.equal(0);
    expect(printed).to.match(/updates: done \(nothing is pending after \d+ cycles\)/);
    expect(machine.read('opt/lamp/version')).to.equal('2');
    expect(done().slice(4)).to.deep.equal(['f-update studio']);
  });

  it('patchoo:BS-25 patchoo:BS-26 16. the screen is unlocked; what is left is its log, its state and the mark that it was deployed', async () => {
    await lock?.sees(/^released/m, 60_000);
    expect(await lock?.ended()).to.equal(0);
    expect(units()).to.deep.equal([]);
    const { state, values, override } = await status();
    expect([state, values, override]).to.deep.equal([
      'released',
      { build: 'studio', department: 'art', building: 'Perth' },
      null,
    ]);
    expect(await heard()).to.deep.include({ state: 'released' });
    const own = /^(etc\/d3|etc\/systemd|etc$|var\/log|done|opt)/;
    expect(machine.tree().filter((line) => !own.test(line))).to.deep.equal([]);
    expect(readFileSync(path.join(machine.root, 'var/log/d3.log'), 'utf8')).to.include('release');
    const again = await there('provision', 'setup', '--json');
    expect([again.code, JSON.parse(again.stdout).errors[0].code]).to.deep.equal([30, 'DEPLOY_REFUSED']);
  });
});
