import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3, d3Program } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { Screen } from '../../../test/support/screen.ts';
import { type Running, serveProcess } from '../../../test/support/serve-process.ts';
import { filesWith, SecretWatch } from './support/secret-watch.ts';

/** A new machine from setup to its first restart through the real command line, with and without somebody there. */
describe('d3 provision setup asks', function () {
  this.timeout(280_000);
  let sandbox: Sandbox;
  let root: string;
  let screen: Screen | undefined;
  let server: Running | null = null;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = sandbox.machine('mac-a', { serial: 'C02A', boot: 'one' }).root;
    await ok('admin', 'department', 'add', 'Fine Art');
    await ok('admin', 'ea', 'add', 'Build', '--type', 'choice', '--choices', 'studio,office');
    await ok('config', 'set', 'provision.afterSetup', 'always');
  });
  afterEach(async () => {
    screen?.close();
    screen = undefined;
    await server?.end('SIGKILL');
    server = null;
    return sandbox.remove();
  });

  const env = (more: Record<string, string> = {}) => ({
    D3_ROOT: root,
    D3_DEPOT: sandbox.depot,
    D3_FLAG_ADMIN: 'sally',
    ...more,
  });
  async function ok(...line: string[]): Promise<string> {
    const ended = await d3(line, { cwd: sandbox.dir, env: env() });
    expect(ended.code, `${line.join(' ')}: ${ended.stderr}${ended.stdout}`).to.equal(0);
    return ended.stdout;
  }
  async function json(line: readonly string[], more: Record<string, string> = {}) {
    const { stdout, stderr } = await d3([...line, '--json'], { cwd: sandbox.dir, env: env(more) });
    expect(stdout, stderr).not.to.equal('');
    return JSON.parse(stdout);
  }
  function typed(line: readonly string[], more: Record<string, string> = {}): Screen {
    const { CI: _, ...inherited } = process.env as Record<string, string>;
    return new Screen([...d3Program, ...line], {
      cwd: sandbox.dir,
      env: { ...inherited, ...env(more), TERM: 'xterm-256color' },
    });
  }
  function answers(given: unknown): string {
    const file = path.join(sandbox.dir, 'answers.json');
    writeFileSync(file, JSON.stringify(given));
    return file;
  }

  it('patchoo:DS-01 patchoo:DS-08 patchoo:DS-13 patchoo:DS-14 patchoo:DS-24 patchoo:G2 asks in its order, writes, tells of the restart and has it', async () => {
    screen = typed(['provision', 'setup']);
    await screen.sees('Welcome', 60_000);
    await screen.press('return');
    await screen.sees('? Computer name', 30_000);
    await screen.type('Studio 7\r');
    await screen.sees('Missing: Build, Department', 30_000);
    await screen.choose('Configure');
    await screen.sees('? Build', 30_000);
    await screen.choose('studio');
    await screen.sees('? Department', 30_000);
    await screen.choose('Fine Art');
    await screen.sees('Ready to provision', 30_000);
    await screen.sees('It restarts in 120 seconds');
    await screen.press('return');
    await screen.sees('asked: answered', 60_000);
    expect(await screen.ended()).to.equal(0);
    const { result } = await json(['provision', 'status']);
    const restart = result.steps.find(({ kind }: { kind: string }) => kind === 'reboot');
    expect([result.state, restart?.state]).to.deep.equal(['restarting', 'started']);
    const { record } = (await json(['provision', 'assign', 'C02A'])).result;
    expect(record).to.deep.equal({ name: 'Studio 7', department: 'Fine Art', Build: 'studio' });
    // Once it was started anew it is past that: nobody is asked a second time.
    sandbox.machine('mac-a', { serial: 'C02A', boot: 'two' });
    expect((await json(['provision', 'run', '--no-wait'])).exit).to.not.equal(42);
    expect((await json(['provision', 'setup'])).errors[0].code).to.equal('DEPLOY_REFUSED');
  });

  it('patchoo:DS-07 patchoo:D-07 patchoo:D-32 asks nobody where nobody is, and restarts all the same; it holds then', async () => {
    const { exit, result } = await json(['provision', 'setup']);
    expect([exit, result.asked, result.state]).to.deep.equal([
      0,
      { state: 'nobody', written: 'nothing', reasons: ['nobody is at the screen'] },
      'restarting',
    ]);
    sandbox.machine('mac-a', { serial: 'C02A', boot: 'two' });
    expect((await json(['provision', 'run', '--no-wait'])).result.state).to.equal('holding');
  });

  it('patchoo:DS-23 patchoo:G4 takes answers that were written down; Skip arms all the same, and holds', async () => {
    const file = answers({ name: {}, incomplete: { button: 'skip' }, restart: {} });
    const skipped = await json(['provision', 'setup', '--answers', file]);
    expect([skipped.exit, skipped.result.asked.state, skipped.result.state]).to.deep.equal([
      0,
      'skipped',
      'restarting',
    ]);
    expect(readdirSync(path.join(root, 'etc/systemd/system')).toSorted()).to.deep.equal([
      'd3-provision-lock.service',
      'd3-provision.service',
    ]);
    const wrong = path.join(sandbox.dir, 'wrong.json');
    writeFileSync(wrong, '[]');
    const refused = await json(['provision', 'setup', '--answers', wrong]);
    expect([refused.exit, refused.errors[0].code]).to.deep.equal([2, 'ANSWERS']);
  });

  it('patchoo:DS-09 patchoo:EN-06 asks nobody where that is switched off, and a depot that is away stops nothing', async () => {
    await ok('config', 'set', 'provision.prompt', 'never');
    const off = await json(['provision', 'setup']);
    expect(off.result.asked.reasons).to.deep.equal(['nobody is asked at machines: provision.prompt is never']);
    await ok('provision', 'cancel', '--reason', 'again');
    await ok('config', 'set', 'provision.prompt', 'interactive');
    const file = answers({ name: {}, restart: {} });
    const away = await json(['provision', 'setup', '--answers', file], { D3_DEPOT: 'http://127.0.0.1:9' });
    expect([away.exit, away.result.asked.state, away.result.state], JSON.stringify(away)).to.deep.equal([
      0,
      'nobody',
      'restarting',
    ]);
    expect(away.result.asked.reasons[0]).to.include('127.0.0.1:9');
  });

  it('patchoo:DS-22 with provision.promptUnanswered continue a machine nobody answered at goes on with what is known, and says so', async () => {
    await ok('config', 'set', 'provision.promptUnanswered', 'continue');
    const file = answers({ name: {}, incomplete: {}, restart: {} });
    expect((await json(['provision', 'setup', '--answers', file])).result.asked.state).to.equal('unanswered');
    sandbox.machine('mac-a', { serial: 'C02A', boot: 'two' });
    const { exit, result } = await json(['provision', 'run', '--no-wait']);
    expect([exit, result.state], JSON.stringify(result)).to.deep.equal([0, 'released']);
    expect(result.warnings.join()).to.include('nobody said its Build, Department: it goes on without');
  });

  it('patchoo:DS-03 patchoo:DS-04 what sets up a machine from an image waits, sets it up, takes itself away and restarts', async () => {
    await ok('config', 'set', 'provision.afterSetup', 'auto');
    await ok('provision', 'bootstrap', 'install', '--setup');
    const units = () => readdirSync(path.join(root, 'etc/systemd/system')).toSorted();
    expect(units()).to.deep.equal(['d3-provision-setup.service']);
    const begun = performance.now();
    const away = await d3(['provision', 'setup', '--wait', '4s', '--no-input'], {
      cwd: sandbox.dir,
      env: env({ D3_DEPOT: 'http://127.0.0.1:9' }),
    });
    expect(performance.now() - begun).to.be.greaterThan(4000);
    expect([away.code, units()], away.stdout + away.stderr).to.deep.equal([
      0,
      ['d3-provision-lock.service', 'd3-provision.service'],
    ]);
    expect(away.stderr).to.include('waiting to be enrolled, and for the depot').and.include('it goes on all the same');
    expect((await json(['provision', 'run', '--no-wait'])).result.state).to.equal('holding');
  });

  describe('a depot that is served', () => {
    let code: string;
    beforeEach(async () => {
      await ok('config', 'set', 'provision.askName', 'no');
      code = JSON.parse(await ok('admin', 'enrol', 'code', '--site', '--json')).result.secret;
      server = await serveProcess(sandbox.depot);
      const enrolled = await d3(['enroll', server.url, '--json', '--no-input'], {
        cwd: sandbox.dir,
        env: { D3_ROOT: root, D3_FLAG_CODE: code },
      });
      expect(enrolled.code, enrolled.stderr).to.equal(0);
    });
    const token = async (name: string, role: string): Promise<string> =>
      JSON.parse(await ok('admin', 'token', 'add', name, '--role', role, '--json')).result.secret;

    it('patchoo:DS-19 patchoo:CN-02 patchoo:AP-09 patchoo:AP-10 patchoo:AP-12 patchoo:AP-13 patchoo:D-04 patchoo:D-09 patchoo:D-21 patchoo:SQ-03 patchoo:G3 asks for the account of whoever may write: wrong is asked again, right is used and kept nowhere', async () => {
      const secret = await token('alice', 'admin');
      const watch = new SecretWatch(secret);
      const { url } = server as Running;
      screen = typed(['provision', 'setup', '--debug', '--trace-hooks'], { D3_DEPOT: url });
      await screen.sees('Welcome', 60_000);
      await screen.press('return');
      await screen.choose('Configure');
      await screen.sees('? User name', 30_000);
      await screen.type('alice\r');
      await screen.sees('? Token', 30_000);
      await screen.type('d3t_wrong\r');
      await screen.sees('The admin username or password was incorrect.', 30_000);
      await screen.choose('Try again');
      await screen.sees('? User name (return for alice)', 30_000);
      await screen.press('return');
      await screen.sees(/✔ Token[\s\S]*\? Token/, 30_000);
      await screen.type(`${secret}\r`);
      await screen.sees('? Build', 60_000);
      await screen.choose('office');
      await screen.sees('? Department', 30_000);
      await screen.choose('Fine Art');
      await screen.sees('Ready to provision', 60_000);
      await screen.press('return');
      await screen.sees('asked: answered', 60_000);
      expect(await screen.ended()).to.equal(0);
      const { text } = screen;
      expect([watch.end(), watch.looks > 50]).to.deep.equal([[], true]);
      expect(text).to.not.include(secret);
      expect([
        filesWith(sandbox.dir, secret),
        JSON.stringify((server as Running).log()).includes(secret),
      ]).to.deep.equal([[], false]);
      const { record } = (await json(['provision', 'assign', 'C02A'])).result;
      expect(record).to.deep.equal({ department: 'Fine Art', Build: 'office' });
      const [document] = await sandbox.admin((session) => session.depot.store.documents('computer').list());
      expect(document?.changedBy, 'the change is hers').to.equal('alice');
    });

    for (const end of ['success', 'failure', 'SIGTERM', 'SIGKILL'] as const)
      it(`patchoo:AP-13 patchoo:SQ-03 provision prompt leaves nothing of an account anywhere: ${end}`, async () => {
        const secret = end === 'failure' ? 'd3t_wrong-0123456789' : await token('alice', 'admin');
        const temporary = path.join(sandbox.dir, 'temporary');
        mkdirSync(temporary);
        const watch = new SecretWatch(secret);
        screen = typed(['provision', 'prompt', '--debug', '--trace-hooks'], {
          D3_DEPOT: (server as Running).url,
          TMPDIR: temporary,
        });
        await screen.sees('Missing: Build, Department', 60_000);
        await screen.choose('Configure');
        await screen.sees('? User name', 30_000);
        await screen.type('alice\r');
        await screen.sees('? Token', 30_000);
        await screen.type(`${secret}\r`);
        if (end === 'failure') {
          await screen.sees('The admin username or password was incorrect.', 30_000);
          await screen.choose('Skip');
        } else {
          await screen.sees('? Build', 60_000);
          if (end === 'success') {
            await screen.choose('office');
            await screen.sees('? Department', 30_000);
            await screen.choose('Fine Art');
          } else screen.end(end);
        }
        const codes = { success: [0], failure: [43], SIGTERM: [143], SIGKILL: [137] };
        expect(codes[end]).to.include(await screen.ended());
        expect([watch.end(), watch.looks > 50], 'in words or the environment of a process').to.deep.equal([[], true]);
        expect(screen.text).to.not.include(secret);
        expect(filesWith(sandbox.dir, secret), 'in state, logs and temporary files').to.deep.equal([]);
        expect(JSON.stringify((server as Running).log())).to.not.include(secret);
      });

    it('patchoo:AP-10 patchoo:AP-11 somebody else’s token, one that may not write, and one that is kept are refused; Skip holds', async () => {
      const secret = await token('alice', 'viewer');
      const { url } = server as Running;
      const file = answers({
        incomplete: {},
        credentials: [{ values: { user: 'bob', password: secret } }, { values: { user: 'alice', password: secret } }],
        'credentials-refused': [{ button: 'again' }, { button: 'skip' }],
        restart: {},
      });
      const refused = await json(['provision', 'setup', '--answers', file], {
        D3_DEPOT: url,
        D3_CREDENTIALS: `carol:${await token('carol', 'admin')}`,
      });
      expect([refused.exit, refused.result.asked], JSON.stringify(refused.errors)).to.deep.equal([
        0,
        { state: 'skipped', written: 'nothing', reasons: ['the credentials were refused'] },
      ]);
    });

    it('patchoo:AP-11 with provision.storedAccount what is kept writes, with a warning', async () => {
      await ok('config', 'set', 'provision.storedAccount', 'yes');
      const file = answers({
        incomplete: {},
        build: { values: { value: 'studio' } },
        department: { values: { value: 'Fine Art' } },
        restart: {},
      });
      const written = await json(['provision', 'setup', '--answers', file], {
        D3_DEPOT: (server as Running).url,
        D3_CREDENTIALS: `carol:${await token('carol', 'admin')}`,
        D3_FLAG_ADMIN: 'carol',
      });
      expect([written.exit, written.result.asked.written], JSON.stringify(written)).to.deep.equal([0, 'yes']);
      expect(JSON.stringify(written.warnings)).to.include('a credential that is kept on this machine');
    });
  });
});
