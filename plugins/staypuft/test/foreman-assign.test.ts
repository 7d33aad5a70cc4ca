import type { AdminPort } from '@d3/sdk';
import { expect } from 'chai';
import { foremanAssign, foremanDrift, foremanUnassign, hostgroupOfRole } from '../src/foreman/assign.ts';
import { foremanClassifier } from '../src/foreman/classifier.ts';
import { foremanConnector } from '../src/foreman/connector.ts';
import { bitsOf, bootProblem, isWithin, nicsOf } from '../src/foreman/network.ts';
import type { NamedHost, Role } from '../src/types.ts';
import { ForemanSite, factsOf, failureOf, GROUP, MAC } from './support/foreman-site.ts';

describe('assigning hosts in Foreman', () => {
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
  });
  afterEach(async () => {
    await site.close();
  });

  const assign = (target: NamedHost, group = GROUP) =>
    site.depot((admin) => foremanAssign(target, group, site.context(admin)));
  const unassign = (target: NamedHost) => site.depot((admin) => foremanUnassign(target, site.context(admin)));
  const drift = (target: NamedHost) => site.depot((admin) => foremanDrift(target, GROUP, site.context(admin)));
  const record = (id: number) => site.foreman.hosts.get(id) as NonNullable<ReturnType<typeof site.foreman.hosts.get>>;

  async function discovered(facts = factsOf(MAC, '127.0.0.1')): Promise<{ id: number; target: NamedHost }> {
    const { id } = site.foreman.discovered('mac525400aa0001', '127.0.0.1', MAC, facts);
    return { id, target: await site.host('web1', 'discovered', id) };
  }

  it('a role is the hostgroup it names, or the one of its name', () => {
    expect(hostgroupOfRole({ name: 'web', hostgroup: 'all/www' }, 'base')).to.equal('all/www');
    expect(hostgroupOfRole({ name: 'web', hostgroup: null }, 'base')).to.equal('base/web');
    expect(hostgroupOfRole({ name: 'web' }, null)).to.equal(null);
  });

  it('staypuft:M-15 makes a managed host of a discovered one, with hostgroup, build flag and environment discovery, in one call', async () => {
    site.foreman.discoveryReboot = false;
    const { id, target } = await discovered();
    expect(await assign(target)).to.include({ state: 'assigned', changed: true });
    expect(record(id)).to.include({ type: 'Managed', managed: true, build: true });
    expect(record(id).hostgroup_id).to.equal(site.foreman.hostgroups[0]?.id);
    expect(site.foreman.environmentOf(record(id))).to.equal('discovery');
    expect(site.foreman.writes().map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      `PUT /api/v2/discovered_hosts/${id}`,
    ]);
    expect(site.foreman.made(/PUT .*(?:reboot|power)/)).to.deep.equal([]);
  });

  it('staypuft:M-15 holds the assignment here where Foreman would restart the machine, and says so', async () => {
    const { id, target } = await discovered();
    const { state, text } = await assign(target);
    expect(state).to.equal('held');
    expect(text).to.include('discovery_reboot');
    expect(record(id).type).to.equal('Discovered');
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  it('staypuft:M-15 assigning again changes nothing', async () => {
    site.foreman.discoveryReboot = false;
    const { target } = await discovered();
    await assign(target);
    const before = site.foreman.writes().length;
    expect(await assign(target)).to.include({ state: 'assigned', changed: false });
    expect(site.foreman.writes().length).to.equal(before);
  });

  it('staypuft:M-15 corrects what a hostgroup did to the environment that was asked for', async () => {
    site.foreman.discoveryReboot = false;
    site.foreman.hostgroupOverrides = true;
    const { id, target } = await discovered();
    await assign(target);
    expect(site.foreman.environmentOf(record(id))).to.equal('discovery');
  });

  it('staypuft:M-15 does not convert twice where nobody knows whether it was done', async () => {
    site.foreman.discoveryReboot = false;
    const { id, target } = await discovered();
    site.foreman.trouble(/PUT .*discovered_hosts/, { kind: 'cut-after' });
    await assign(target);
    expect(record(id)).to.include({ type: 'Managed', build: true });
    expect(site.foreman.made(/PUT .*discovered_hosts/).length).to.equal(1);
  });

  it('staypuft:M-15 a conversion that Foreman refuses leaves the host as it was', async () => {
    site.foreman.discoveryReboot = false;
    const { id, target } = await discovered();
    site.foreman.trouble(/PUT .*discovered_hosts/, {
      kind: 'answer',
      status: 422,
      json: { error: { full_messages: ['Root pass is too short'] } },
    });
    expect((await failureOf(assign(target))).message).to.include('Root pass is too short');
    expect(record(id)).to.include({ type: 'Discovered', managed: false, build: false, hostgroup_id: null });
  });

  it('staypuft:M-15 what was half done is taken back, and said', async () => {
    site.foreman.discoveryReboot = false;
    site.foreman.hostgroupOverrides = true;
    const { id, target } = await discovered();
    site.foreman.trouble(/PUT .*\/hosts/, { kind: 'answer', status: 422 });
    const error = await failureOf(assign(target));
    expect(error.message).to.include('web1 was not assigned').and.include('without a hostgroup now');
    expect(record(id).hostgroup_id).to.equal(null);
  });

  it('staypuft:M-15 names the hostgroup or the environment that is not there', async () => {
    const { target } = await discovered();
    expect(await failureOf(assign(target, 'base/none'))).to.include({
      code: 'FOREMAN_NO_HOSTGROUP',
      target: 'base/none',
    });
    site.foreman.environments.shift();
    const error = await failureOf(assign(target));
    expect(error.code).to.equal('FOREMAN_NO_ENVIRONMENT');
    expect(error.actions.join()).to.include('d3 foreman environments --create discovery');
  });

  it('staypuft:M-16 staypuft:S2-01 a registered host gets hostgroup and environment, and is neither built nor restarted', async () => {
    const production = site.foreman.environments[1]?.id as number;
    const { id } = site.foreman.registered('db1.example.org', { environment_id: production });
    const target = await site.host('db1', 'registered', id);
    await assign(target);
    expect(record(id)).to.include({ managed: false, build: false, token: 0 });
    expect(record(id).hostgroup_id).to.equal(site.foreman.hostgroups[0]?.id);
    expect(site.foreman.environmentOf(record(id))).to.equal('discovery');
    const [write, ...more] = site.foreman.writes();
    expect(more).to.deep.equal([]);
    expect(write?.body?.['host']).to.have.all.keys('hostgroup_id', 'puppet_attributes');
    await unassign(target);
    expect(record(id)).to.include({ build: false, hostgroup_id: null });
    expect(site.foreman.made(/power|\/reboot|rebuild_config|discovered_hosts|status\/build/)).to.deep.equal([]);
    expect(site.foreman.writes().filter(({ body }) => JSON.stringify(body).includes('build'))).to.deep.equal([]);
  });

  it('staypuft:M-16 a registered host whose change fails half way is as it was', async () => {
    site.foreman.hostgroupOverrides = true;
    const { id } = site.foreman.registered('db1.example.org');
    const target = await site.host('db1', 'registered', id);
    const seen: number[] = [];
    site.foreman.trouble(/^PUT .*\/hosts/, { kind: 'answer-after', status: 502 }, { kind: 'answer', status: 409 });
    const error = await failureOf(assign(target));
    seen.push(site.foreman.writes().length);
    expect(error.code).to.equal('FOREMAN_CONFLICT');
    expect(error.message).to.include('as it was before');
    expect(record(id)).to.include({ hostgroup_id: null, environment_id: null });
    expect(seen[0]).to.be.greaterThan(2);
  });

  it('staypuft:M-17 staypuft:D-19 refuses a machine that did not boot from the network of its hostgroup', async () => {
    const away = await discovered(factsOf(MAC, '10.9.0.7'));
    const error = await failureOf(assign(away.target));
    expect(error.code).to.equal('FOREMAN_BOOT_NETWORK');
    expect(error.message).to.include('eth0 has 10.9.0.7').and.include('127.0.0.0/8');
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  it('staypuft:M-17 refuses a machine that does not say what it booted from', async () => {
    const { discovery_bootif: _, ...facts } = factsOf(MAC, '127.0.0.1');
    const { target } = await discovered(facts);
    expect((await failureOf(assign(target))).message).to.include('discovery_bootif');
  });

  it('staypuft:D-19 a network is what its mask says, of an interface with whatever name', () => {
    const subnet = { name: 's', network: '10.1.2.0', mask: '255.255.254.0' };
    expect(isWithin('10.1.3.200', subnet)).to.equal(true);
    expect(isWithin('10.1.4.1', subnet)).to.equal(false);
    expect(isWithin('2001:db8::7', { name: 's', network: '2001:db8::', mask: 'ffff:ffff:ffff:ffff::' })).to.equal(true);
    expect(isWithin('2001:db9::7', { name: 's', network: '2001:db8::', mask: 'ffff:ffff:ffff:ffff::' })).to.equal(
      false,
    );
    expect([bitsOf('255.255.255.0'), bitsOf('255.0.255.0'), bitsOf('0.0.0.0')]).to.deep.equal([24, null, 0]);
    const facts = factsOf(MAC, '10.1.3.9', 'eth0_100') as Record<string, string>;
    expect(nicsOf(facts)).to.deep.equal([{ name: 'eth0_100', mac: MAC, ip: '10.1.3.9' }]);
    expect(bootProblem(facts, subnet)).to.equal(null);
    expect(bootProblem({ ...facts, macaddress_eth0_100: '00:00:00:00:00:01' }, subnet)).to.include('no interface');
  });

  it('staypuft:M-20 sees what was changed in Foreman behind d3', async () => {
    const { id } = site.foreman.registered('db1.example.org');
    const target = await site.host('db1', 'registered', id);
    await assign(target);
    expect(await drift(target)).to.deep.equal([]);
    const other = site.foreman.hostgroup('base/db', 'production');
    Object.assign(record(id), { hostgroup_id: other, managed: true });
    const found = await drift(target);
    expect(found.join('\n')).to.include('base/db').and.include('made a managed host');
    expect((await failureOf(assign(target))).code).to.equal('FOREMAN_HOST_TAKEN');
    record(id).hostgroup_id = null;
    expect((await drift(target))[0]).to.include('in no hostgroup');
    site.foreman.hosts.delete(id);
    expect((await drift(target))[0]).to.include('not in Foreman any more');
  });

  it('staypuft:M-21 unassigning takes the hostgroup away, and builds only what is managed', async () => {
    site.foreman.discoveryReboot = false;
    const { id, target } = await discovered();
    await assign(target);
    site.foreman.built(id);
    record(id).environment_id = site.foreman.environments[1]?.id as number;
    await unassign(target);
    expect(record(id)).to.include({ hostgroup_id: null, build: true });
    expect(site.foreman.environmentOf(record(id))).to.equal('discovery');
    const before = site.foreman.writes().length;
    expect(await unassign(target)).to.include({ changed: false });
    expect(site.foreman.writes().length).to.equal(before);
  });

  it('staypuft:M-21 what was only held here is nothing to Foreman', async () => {
    const { target } = await discovered();
    await assign(target);
    expect(await unassign(target)).to.include({ changed: false });
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  async function agent(target: NamedHost, mode: 'none' | 'service', admin: AdminPort): Promise<void> {
    await (await foremanClassifier(target, site.context(admin)))?.agent(target, mode);
  }

  it('staypuft:F-06 staypuft:D-12 says of one host what its agent does, as often as it is said, and no more when it is unassigned', async () => {
    const { id } = site.foreman.registered('DB1.example.org');
    const target = await site.host('db1', 'registered', id);
    await assign(target);
    const [parameter] = site.foreman.parameters;
    await site.depot(async (admin) => {
      await agent(target, 'none', admin);
      await agent(target, 'none', admin);
      expect(parameter?.values).to.deep.include.members([]);
      expect(parameter?.values.map(({ match, value }) => [match, value])).to.deep.equal([
        ['fqdn=db1.example.org', 'none'],
      ]);
      await agent(target, 'service', admin);
      await agent(target, 'service', admin);
    });
    expect(parameter?.values.map(({ value }) => value)).to.deep.equal(['service']);
    expect(site.foreman.made(/POST .*override_values/).length).to.equal(1);
    expect(site.foreman.made(/PUT .*override_values/).length).to.equal(1);
    await unassign(target);
    expect(parameter?.values).to.deep.equal([]);
  });

  it('staypuft:D-12 an override that was made before its answer was lost is not made again', async () => {
    const { id } = site.foreman.registered('db1.example.org');
    const target = await site.host('db1', 'registered', id);
    site.foreman.trouble(/POST .*override_values/, { kind: 'cut-after' });
    await site.depot(async (admin) => agent(target, 'service', admin));
    expect(site.foreman.made(/POST .*override_values/).length).to.equal(1);
    expect(site.foreman.parameters[0]?.values.length).to.equal(1);
  });

  it('staypuft:F-07 without a Foreman nobody is asked', async () => {
    const target = await site.host('db1', 'ssh', null);
    await site.depot(async (admin) => {
      const context = site.context(admin);
      expect(await foremanClassifier(target, context)).to.equal(null);
      const connector = await foremanConnector(context);
      expect(connector.hostgroup({ name: 'web' } as Role)).to.equal(GROUP);
      expect(await connector.assign(target, GROUP)).to.include({ state: 'assigned', changed: false });
      expect(await connector.unassign(target)).to.include({ changed: false });
      expect(await connector.drift(target, GROUP)).to.deep.equal([]);
    });
    expect(site.foreman.calls).to.deep.equal([]);
  });
});
