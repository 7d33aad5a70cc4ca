import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, D3Errors, type Json } from '@d3/sdk';
import { expect } from 'chai';
import { d3 } from '../../../test/cli/spawn.ts';
import { type Discovered, lookInDepot, lookInForeman, takeIn } from '../src/foreman/discover.ts';
import { hostsIn } from '../src/foreman/inventory.ts';
import { ForemanSite, factsOf, GROUP, MAC } from './support/foreman-site.ts';

const ED25519 = 'AAAAC3NzaC1lZDI1NTE5AAAAIHost';

describe('which hosts there are', function () {
  this.timeout(600_000);
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
  });
  afterEach(async () => {
    await site.close();
  });

  async function discover(dryRun = false, proxy: string | null = null): Promise<Map<string, Discovered>> {
    const client = site.client();
    const looked = await lookInForeman(client);
    client.close();
    const taken = await site.depot(async (admin) => takeIn(looked, { admin }, { dryRun, proxy }));
    return new Map(taken.map((one) => [one.name, one]));
  }

  it('staypuft:S1-01 staypuft:M-26 keeps what booted a discovery image, with what it is', async () => {
    site.foreman.discovered('mac525400aa0001', '10.0.0.5', MAC, factsOf(MAC, '10.0.0.5'));
    site.foreman.mostRows = 1;
    const found = await discover();
    expect(found.get('mac525400aa0001')).to.include({ kind: 'discovered', address: '10.0.0.5', mac: MAC, fate: 'new' });
    const { facts } = await site.hostNow('mac525400aa0001');
    expect(facts).to.deep.include({ cpus: 4, memory: 7984, os: 'CentOS 9', disks: [{ name: 'sda', bytes: 1000 }] });
    expect(facts['nics']).to.deep.equal([{ name: 'eth0', mac: MAC, ip: '10.0.0.5' }]);
    expect((await discover()).get('mac525400aa0001')?.fate).to.equal('known');
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  it('staypuft:F-04 staypuft:S2-10 tells discovered from registered by the record, never by the name', async () => {
    site.foreman.discovered('db.example.org', '10.0.0.5', MAC, factsOf(MAC, '10.0.0.5'));
    site.foreman.registered('mac525400bb0001', { ip: '10.0.0.6' });
    const found = await discover();
    expect(found.get('db.example.org')?.kind).to.equal('discovered');
    expect(found.get('mac525400bb0001')?.kind).to.equal('registered');
  });

  it('staypuft:S2-09 takes a registered host without hostgroup, with its address and its host keys', async () => {
    site.foreman.registered('db1.example.org', {
      ip: '10.0.0.6',
      environment_id: site.foreman.environments[1]?.id as number,
      facts: { 'ssh::ed25519::key': ED25519, 'processors::count': '2' },
    });
    const found = await discover();
    expect(found.get('db1.example.org')).to.include({ kind: 'registered', address: '10.0.0.6' });
    expect(await site.hostNow('db1.example.org')).to.deep.include({
      hostKeys: [`ssh-ed25519 ${ED25519}`],
      facts: { cpus: 2, ip: '10.0.0.6' },
    });
  });

  it('staypuft:S2-01 leaves somebody’s managed host out: it could be installed anew', async () => {
    site.foreman.registered('live.example.org', { managed: true });
    const held = site.foreman.registered('held.example.org', {
      managed: true,
      build: true,
      environment_id: site.foreman.environments[0]?.id as number,
      facts: factsOf(MAC, '10.0.0.5'),
    });
    site.foreman.registered('odd.example.org', {
      managed: true,
      build: true,
      environment_id: site.foreman.environments[0]?.id as number,
    });
    const found = await discover();
    expect(found.get('live.example.org')).to.include({ fate: 'left' });
    expect(found.get('live.example.org')?.why).to.include('managed');
    expect(found.get('held.example.org')).to.include({ kind: 'discovered', foreman: String(held.id) });
    expect(found.get('odd.example.org')).to.include({ fate: 'left' });
    expect(await site.hostNow('live.example.org')).to.equal(undefined);
    // What d3 had installed is not held any more, and known all the same.
    site.foreman.built(held.id);
    expect((await discover()).get('held.example.org')).to.include({ kind: 'discovered', fate: 'known' });
  });

  it('staypuft:S2-09 staypuft:K-04 a host that its owner set up is the one of Foreman’s record, with the keys it came with', async () => {
    const key = `ssh-ed25519 ${ED25519}`;
    await site.host('db1.example.org', 'registered', null, {
      address: 'db1.example.org',
      proxy: 'site-a',
      hostKeys: [key],
    });
    await site.host('db2.example.org', 'ssh', null);
    await site.host('db3.example.org', 'registered', null, { address: '10.0.0.9' });
    const [one] = ['db1', 'db2', 'db3'].map((name) =>
      site.foreman.registered(`${name}.example.org`, {
        ...(name === 'db3' ? {} : { ip: '10.0.0.6' }),
        facts: { 'ssh::ed25519::key': 'AAAAC3NzaC1lZDI1NTE5AAAAIother' },
      }),
    );
    const found = await discover(false, 'site-b');
    expect([...found].map(([name, { fate }]) => [name, fate])).to.deep.equal([
      ['db1.example.org', 'changed'],
      ['db2.example.org', 'left'],
      ['db3.example.org', 'changed'],
    ]);
    expect(await site.hostNow('db1.example.org')).to.deep.include({
      foreman: String(one?.id),
      address: '10.0.0.6',
      proxy: 'site-a',
      hostKeys: [key],
    });
    // Foreman knows no address of the other one, and nobody said how it is reached.
    expect(await site.hostNow('db3.example.org')).to.include({ address: '10.0.0.9', proxy: 'site-b' });
    expect((await discover()).get('db1.example.org')?.fate).not.to.equal('left');
  });

  it('two machines of one name are taken for neither, and both are named', async () => {
    const one = site.foreman.registered('db1.example.org');
    const two = site.foreman.registered('db1.example.org');
    const client = site.client();
    const { found, left } = await lookInForeman(client);
    client.close();
    expect(found).to.deep.equal([]);
    expect(left.map(({ why }) => why)).to.deep.equal(
      Array.from({ length: 2 }, () => `Foreman has several of this name (ids ${one.id}, ${two.id}): rename one there`),
    );
  });

  it('keeps what people said of a host, and finds it by what it is when its name is another', async () => {
    const { id } = site.foreman.discovered('mac525400aa0001', '10.0.0.5', MAC, factsOf(MAC, '10.0.0.5'));
    await site.host('web1', 'discovered', id, {
      user: 'admin',
      port: 2222,
      proxy: 'site-a',
      facts: { rack: 'r7', foreman: { autosign: { proxy: 1, name: 'x' } } },
    });
    const found = await discover();
    expect([...found.keys()]).to.deep.equal(['web1']);
    expect(found.get('web1')?.fate).to.equal('changed');
    const now = await site.hostNow('web1');
    expect(now).to.include({ user: 'admin', port: 2222, proxy: 'site-a', address: '10.0.0.5' });
    expect(now.facts).to.deep.include({ rack: 'r7', foreman: { autosign: { proxy: 1, name: 'x' } }, mac: MAC });
    // It booted again, and Foreman has another record of it.
    site.foreman.hosts.clear();
    const again = site.foreman.discovered('mac525400aa0001', '10.0.0.8', MAC, factsOf(MAC, '10.0.0.8'));
    expect((await discover()).get('web1')).to.include({ foreman: String(again.id), address: '10.0.0.8' });
  });

  it('a machine without bootif is listed, and only cannot be assigned', async () => {
    site.foreman.discovered('macx', '10.0.0.5', MAC, { ipaddress: '10.0.0.5' });
    expect((await discover()).get('macx')).to.include({ kind: 'discovered', fate: 'new' });
  });

  it('staypuft:F-07 takes hosts of an inventory and of what was printed on them', async () => {
    const found = await hostsIn(
      `hosts:
  db1: {address: 10.0.0.7, user: admin, proxy: site-a, facts: {rack: r1}}
  db2:
---
schema: d3/client-registration@1
name: db3
address: 10.0.0.9
hostKeys: ["ssh-ed25519 ${ED25519} root@db3"]
`,
      'inventory.yaml',
    );
    expect(found.map(({ name, host }) => [name, host.kind, host.address, host.user, host.proxy])).to.deep.equal([
      ['db1', 'ssh', '10.0.0.7', 'admin', 'site-a'],
      ['db2', 'ssh', 'db2', 'root', null],
      ['db3', 'registered', '10.0.0.9', 'root', null],
    ]);
    expect(found[2]?.host.hostKeys).to.deep.equal([`ssh-ed25519 ${ED25519}`]);
  });

  it('staypuft:F-07 takes computers of the depot by names that can be connected to, each for one', async () => {
    const claims = { serial: null, hardwareUuid: null, macs: [] };
    const computers = ['mac-1', "Jane's Mac", 'twin', 'Twin'].map((name, index) => ({
      id: `id-${index}`,
      name,
      claims: index === 0 ? { ...claims, macs: ['AA:BB:CC:00:00:01'] } : claims,
      lastContact: '2026-01-01T00:00:00Z',
    }));
    const taken = await site.depot(async (admin) => {
      const port = { ...admin, computers: async () => computers } as AdminPort;
      return takeIn(await lookInDepot({ admin: port }), { admin }, { dryRun: false, proxy: null });
    });
    expect(taken.filter(({ fate }) => fate === 'new').map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['mac-1', 'computer'],
    ]);
    expect(taken.filter(({ fate }) => fate === 'left').length).to.equal(3);
    expect(await site.hostNow('mac-1')).to.deep.include({
      computer: 'id-0',
      foreman: null,
      facts: { mac: 'aa:bb:cc:00:00:01' },
    });
  });

  it('staypuft:F-07 tells every mistake of an inventory at once', async () => {
    const text = JSON.stringify({
      hosts: [
        { name: 'a', address: '-oProxyCommand=x' },
        { name: 'b', port: 0 },
        { name: 'c', hostKeys: ['nonsense'] },
        { name: 'd' },
        { name: 'D' },
      ],
    });
    const problem = await hostsIn(text, 'hosts.json').then(
      () => null,
      (error: unknown) => error,
    );
    expect(problem).to.be.instanceOf(D3Errors);
    expect((problem as D3Errors).errors.length).to.equal(4);
    expect((problem as D3Errors).exitCode).to.equal(2);
  });

  const settings = () => [
    '--url',
    site.url,
    '--user',
    'd3',
    '--token-file',
    site.settings['foreman.tokenFile'] as string,
    '--json',
    '--no-input',
  ];
  const environment = () => ({
    cwd: site.sandbox.dir,
    env: { D3_ROOT: site.sandbox.dir, D3_DEPOT: site.sandbox.depot },
  });
  const resultOf = (stdout: string) => (JSON.parse(stdout) as { result: Json }).result;

  it('staypuft:S1-01 staypuft:F-07 d3admin computer discover', async () => {
    site.foreman.discovered('mac525400aa0001', '10.0.0.5', MAC, factsOf(MAC, '10.0.0.5'));
    const line = ['admin', 'computer', 'discover', ...settings()];
    const dry = await d3([...line, '--dry-run', '--admin', 'sally'], environment());
    expect(dry.code, dry.stdout + dry.stderr).to.equal(0);
    expect(await site.hostNow('mac525400aa0001')).to.equal(undefined);
    const { code, stdout } = await d3([...line, '--admin', 'sally'], environment());
    expect(code, stdout).to.equal(0);
    expect((resultOf(stdout) as Discovered[])[0]).to.include({ kind: 'discovered', fate: 'new' });
    const file = path.join(site.sandbox.dir, 'inventory.yaml');
    writeFileSync(file, 'hosts:\n  db1: {address: 10.0.0.7}\n');
    const from = ['admin', 'computer', 'discover', '--from', file, '--json', '--no-input', '--admin', 'sally'];
    const taken = await d3(from, environment());
    expect(taken.code, taken.stdout).to.equal(0);
    expect(await site.hostNow('db1')).to.include({ kind: 'ssh', address: '10.0.0.7' });
  });

  it('staypuft:F-03 staypuft:F-05 d3 foreman doctor, --fix and environments', async () => {
    site.foreman.environments.shift();
    const bad = await d3(['foreman', 'doctor', '--hostgroup', GROUP, ...settings()], environment());
    expect(bad.code, bad.stdout + bad.stderr).to.equal(33);
    const good = await d3(['foreman', 'doctor', '--hostgroup', GROUP, '--fix', ...settings()], environment());
    expect(good.code, good.stdout).to.equal(0);
    const { stdout } = await d3(['foreman', 'environments', '--create', 'extra', ...settings()], environment());
    expect(resultOf(stdout)).to.deep.equal({ environments: ['discovery', 'extra', 'production'], created: ['extra'] });
  });

  it('staypuft:S2-12 staypuft:S2-02 d3 foreman register, autosign and snippets', async () => {
    const registered = await d3(['foreman', 'register', '--hours', '1', ...settings()], environment());
    expect(registered.code, registered.stdout + registered.stderr).to.equal(0);
    expect((resultOf(registered.stdout) as { command: string }).command).to.include('Bearer jwt-for-1-hours');
    const [asked] = site.foreman.made(/POST .*registration_commands/);
    expect(asked?.body?.['registration_command']).to.deep.equal({
      setup_remote_execution: true,
      jwt_expiration: 1,
      insecure: false,
    });
    const added = await d3(['foreman', 'autosign', 'add', 'DB1.example.org', ...settings()], environment());
    expect(resultOf(added.stdout)).to.deep.equal({
      proxy: 'proxy.example.org',
      entries: ['db1.example.org'],
      changed: ['db1.example.org'],
    });
    const removed = await d3(['foreman', 'autosign', 'remove', 'db1.example.org', ...settings()], environment());
    expect(resultOf(removed.stdout)).to.include.keys('changed');
    expect(site.foreman.proxies[0]?.autosign).to.deep.equal([]);
    const file = path.join(site.sandbox.dir, 'key.pub');
    writeFileSync(file, `ssh-ed25519 ${ED25519} d3@site\n`);
    const snippet = await d3(['foreman', 'snippets', 'kickstart', '--key-file', file, '--no-input'], environment());
    expect(snippet.code, snippet.stderr).to.equal(0);
    expect(snippet.stdout)
      .to.include(`ssh-ed25519 ${ED25519} d3@site`)
      .and.not.include('@KEYS@')
      .and.not.include('@USER@');
  });
});
