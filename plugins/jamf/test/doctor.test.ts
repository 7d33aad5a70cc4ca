import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { Sandbox } from '../../../test/support/sandbox.ts';
import { CALLS, type Call, ROLES } from '../src/connector/calls.ts';
import type { Check } from '../src/doctor.ts';
import { SECRET, StandIn } from './support/jamf-pro.ts';
import { ATTRIBUTE, PACKAGE } from './support/samples.ts';

describe('d3 jamf doctor', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let jamf: StandIn;
  let server: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    jamf = new StandIn();
    server = await jamf.start();
  });
  afterEach(async () => {
    await jamf.stop();
    sandbox.remove();
    expect(jamf.wrong).to.deep.equal([]);
  });

  function doctor(secret: string, where = server, more: readonly string[] = []) {
    const file = path.join(sandbox.dir, 'secret');
    writeFileSync(file, `${secret}\n`, { mode: 0o600 });
    const line = ['jamf', 'doctor', '--server', where, '--client-id', 'd3', '--secret-file', file, ...more];
    return d3([...line, '--json', '--no-input'], { cwd: sandbox.dir, env: { D3_ROOT: sandbox.dir } });
  }

  const checksIn = (stdout: string): Map<string, Check> =>
    new Map((JSON.parse(stdout) as { result: Check[] }).result.map((one) => [one.check, one]));

  /** One of each, so that each call that reads one has something to read. */
  function fill(): void {
    jamf.addPackage(PACKAGE);
    jamf.add('scripts', { name: 'script' });
    jamf.add('categories', { name: 'category', priority: 9 });
    jamf.add('departments', { name: 'department' });
    jamf.add('buildings', { name: 'building' });
    jamf.add('sites', { name: 'site' });
    jamf.add('attributes', ATTRIBUTE);
    jamf.addComputer({ general: { name: 'mac' } });
    jamf.addGroup({ name: 'smart', matches: () => true });
    jamf.addGroup({ name: 'static', members: ['1'] });
    jamf.addPolicy({ general: { name: 'policy' } });
  }

  for (const role of ROLES)
    it(`depot3:K12 makes each call that reads of the role ${role}, and says what the server is`, async () => {
      fill();
      const { code, stdout } = await doctor(SECRET, server, ['--role', role]);
      expect(code, stdout).to.equal(0);
      const checks = checksIn(stdout);
      const reads = (Object.entries(CALLS) as [string, Call][]).filter(
        ([, one]) => one.method === 'get' && one.roles.includes(role),
      );
      // A file in the cloud is named by what is in a package, and its address lets anyone fetch it.
      expect([...checks.keys()]).to.have.members([
        'clock',
        ...reads.map(([name]) => name).filter((name) => name !== 'cloudFile'),
      ]);
      expect(checks.get('version')?.says).to.match(/^11\.30\.1/);
      expect(checks.get('authorization')?.says).to.equal('an API client');
      expect(checks.get('clock')?.says).to.match(/^the clocks agree$|1 s/);
      for (const [name, { paths }] of reads)
        if (name !== 'cloudFile') expect(checks.get(name)?.path, name).to.equal(paths[0]);
    });

  it('says which path an older server has, and that it lacks a call', async () => {
    jamf.behaviours.version = '11.7.1';
    fill();
    const { code, stdout } = await doctor(SECRET);
    expect(code).to.equal(34);
    const checks = checksIn(stdout);
    expect(checks.get('computers')).to.include({ ok: true, path: '/v1/computers-inventory' });
    expect(checks.get('attributes')).to.include({ ok: false, path: null });
    expect(stdout).to.contain('too old for it');
    expect(checks.get('cloudDistributionPoint')?.says).to.contain('none');
    expect(checks.get('groupMembers')).to.include({ ok: true, says: '1 in one' });
  });

  it('depot3:K13 names each privilege that is missing, by the call that lacks it', async () => {
    jamf.behaviours.privileges = ['Read Packages'];
    const { code, stdout } = await doctor(SECRET);
    expect(code).to.equal(21);
    const checks = checksIn(stdout);
    expect(checks.get('packages')).to.deep.include({ ok: true, says: '0 there', lacks: [] });
    expect(checks.get('computers')).to.deep.include({ ok: false, lacks: ['Read Computers'] });
    // The Classic API names none itself.
    expect(checks.get('policies')).to.deep.include({ ok: false, lacks: ['Read Policies'] });
    expect(stdout).to.contain('d3 jamf roles');
  });

  it('says that clocks differ', async () => {
    jamf.now = () => Date.now() + 3_600_000;
    const { code, stdout } = await doctor(SECRET);
    expect(code).to.equal(1);
    expect(checksIn(stdout).get('clock')?.says).to.match(/^the server's is (3599|3600) s ahead$/);
  });

  it('says where files are, and whether the configured extension attributes are there', async () => {
    jamf.behaviours.cloud = 'NONE';
    jamf.add('attributes', ATTRIBUTE);
    mkdirSync(path.join(sandbox.dir, 'etc'), { recursive: true });
    const settings = { jamf: { reportAttribute: ATTRIBUTE.name, queueAttribute: 'gone' } };
    writeFileSync(path.join(sandbox.dir, 'etc/d3.json'), JSON.stringify(settings), { mode: 0o644 });
    const { code, stdout } = await doctor(SECRET);
    expect(code, stdout).to.equal(34);
    const checks = checksIn(stdout);
    expect(checks.get('cloudDistributionPoint')?.says).to.contain('none');
    expect(checks.get('uploadCapability')?.says).to.equal('takes no uploads');
    expect(checks.get('jamf.reportAttribute')).to.include({ ok: true, says: 'd3 report is there, filled by SCRIPT' });
    expect(checks.get('jamf.queueAttribute')).to.include({ ok: false });
    expect(checks.has('jamf.receiptsAttribute')).to.equal(false);
  });

  describe('as a technician', () => {
    const asUser = (password: string, running: (child: ChildProcess) => void = () => undefined) =>
      d3(['jamf', 'doctor', '--server', server, '--user', 'tech', '--role', 'client', '--json', '--no-input'], {
        cwd: sandbox.dir,
        env: { D3_ROOT: sandbox.dir },
        input: `${password}\n`,
        running,
      });
    const living = () => [...jamf.tokens.values()].filter(({ user }) => user).length;

    it('reads the password from stdin, says who logged in, and gives the token back', async () => {
      const { code, stdout } = await asUser(SECRET);
      expect(code, stdout).to.equal(0);
      expect(checksIn(stdout).get('authorization')?.says).to.equal('the user tech (JSS)');
      expect(jamf.requests.filter(({ call }) => call === 'POST /v1/auth/token')).to.have.length(1);
      expect(living()).to.equal(0);
    });

    it('says that a refused password may be a server that takes none, and does not repeat it', async () => {
      jamf.behaviours.basic = false;
      const { code, stdout, stderr } = await asUser(SECRET);
      expect(code).to.equal(21);
      expect(stdout).to.contain('takes no logins by password').and.to.contain('API client');
      expect(stdout + stderr).not.to.contain(SECRET);
      expect(jamf.requests).to.have.length(1);
    });

    it('wants a password', async () => {
      const { code, stdout } = await asUser('');
      expect(code).to.equal(2);
      expect(stdout).to.contain('stdin');
    });

    it('gives the token back when it is stopped', async () => {
      let stop: () => void = () => undefined;
      jamf.chaos = (call) => {
        if (call === 'GET /v1/departments') stop();
        return undefined;
      };
      jamf.behaviours.slow = 300;
      const { code } = await asUser(SECRET, (child) => {
        stop = () => child.kill('SIGTERM');
      });
      expect(code).to.equal(143);
      expect(living()).to.equal(0);
      expect(jamf.requests.some(({ call }) => call === 'POST /v1/auth/invalidate-token')).to.equal(true);
    });
  });

  it('asks once with a wrong secret, and does not repeat it', async () => {
    const { code, stdout, stderr } = await doctor('wrong-secret-of-a-site');
    expect(code).to.equal(21);
    expect(stdout + stderr).not.to.contain('wrong-secret-of-a-site');
    expect(jamf.requests).to.have.length(1);
  });

  it('sends nothing in the clear, nor a secret others may read', async () => {
    const plain = await doctor(SECRET, 'http://jamf.example.com');
    expect(plain.code).to.equal(2);
    expect(plain.stdout).to.contain('https://HOST');
    const file = path.join(sandbox.dir, 'secret');
    chmodSync(file, 0o644);
    const open = await doctor(SECRET);
    expect(open.code).to.equal(2);
    expect(open.stdout).to.contain('chmod 600');
    expect(jamf.requests).to.deep.equal([]);
  });
});
