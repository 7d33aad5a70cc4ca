import { expect } from 'chai';
import { CALLS } from '../src/foreman/calls.ts';
import { createEnvironments, examine, wantedEnvironments } from '../src/foreman/doctor.ts';
import { installJobTemplate } from '../src/foreman/job-template.ts';
import { siteOf } from '../src/foreman/site.ts';
import { snippets } from '../src/foreman/snippets.ts';
import { checkTemplate } from '../src/foreman/template.ts';
import type { Proxy } from '../src/types.ts';
import { ForemanSite, GROUP } from './support/foreman-site.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey d3@proxy';
const REMOTE = 'ssh-ed25519 AAAAC3Nzremote foreman-proxy';

const STOCK = `
yum -y install puppet-agent
cat > /etc/puppetlabs/puppet/puppet.conf << EOF
EOF
/sbin/chkconfig --level 345 puppet on
/opt/puppetlabs/bin/puppet agent --config /etc/puppetlabs/puppet/puppet.conf --onetime --tags no_such_tag --server puppet.example.org --no-daemonize
`;

function proxyOf(publicKey: string | null): Proxy {
  return {
    schema: 'd3/proxy@1',
    address: null,
    port: 22,
    user: 'root',
    key: null,
    publicKey,
    hostKeyMode: 'strict',
    hostKeys: [],
    authorities: [],
    opening: 8,
    sessions: 8,
  };
}

describe('what Foreman has to have', () => {
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
  });
  afterEach(async () => {
    await site.close();
  });

  async function look(more: Partial<Parameters<typeof examine>[2]> = {}) {
    const client = site.client();
    const asked = { hostgroups: [], hosts: [], proxies: new Map<string, Proxy>(), ...more };
    const checks = await examine(client, siteOf(site.settings), asked);
    client.close();
    return new Map(checks.map((one) => [one.check, one]));
  }

  const wrongIn = (checks: Awaited<ReturnType<typeof look>>) =>
    [...checks.values()].filter(({ ok }) => !ok).map(({ check }) => check);

  it('staypuft:F-03 looks at version, plugins, permissions, environments, proxies and hostgroups, and only reads', async () => {
    const checks = await look({ hostgroups: [GROUP] });
    expect(wrongIn(checks)).to.deep.equal([]);
    expect(checks.get('version')?.says).to.equal('3.13.0');
    expect(checks.get('smart proxies')?.says).to.include('proxy.example.org (Puppet CA, TFTP, SSH)');
    expect(checks.get('restart on conversion')?.says).to.include('held in d3');
    expect(site.foreman.writes()).to.deep.equal([]);
  });

  it('staypuft:F-03 says what is missing, and what to do about each', async () => {
    site.foreman.plugins = ['foreman_discovery'];
    site.foreman.lacks.add('view_hostgroups');
    site.foreman.environments.shift();
    site.foreman.parameters.length = 0;
    site.foreman.proxies.length = 0;
    const checks = await look({ hostgroups: ['base/none'] });
    expect(wrongIn(checks)).to.have.members([
      'plugin foreman_puppet',
      `may ${CALLS.hostgroups.permission}`,
      'environment discovery',
      'agent parameter',
      'smart proxies',
      'hostgroup base/none',
    ]);
    expect(checks.get('may view_hostgroups')?.next).to.include('the permission view_hostgroups');
    expect(checks.get('environment discovery')?.next).to.include('d3 foreman environments --create discovery');
    expect(checks.get('plugin foreman_remote_execution')?.ok).to.equal(true);
  });

  it('staypuft:F-08 asks for the job template where jobs are the way to hosts, and for nothing of it elsewhere', async () => {
    expect([...(await look()).keys()]).not.to.include('job template');
    site.settings = { ...site.settings, 'deployment.transport': 'foreman' };
    const without = await look();
    expect(wrongIn(without)).to.deep.equal(['job template']);
    expect(without.get('job template')?.next).to.include('d3 foreman job-template --install');
    const client = site.client();
    await installJobTemplate(client);
    client.close();
    expect(wrongIn(await look())).to.deep.equal([]);
  });

  it('staypuft:F-03 stops where Foreman lets nobody in', async () => {
    site.foreman.trouble(/status/, { kind: 'answer', status: 401 });
    const checks = await look();
    expect([...checks.keys()]).to.deep.equal(['version']);
  });

  it('staypuft:F-05 makes the environments that are missing, once', async () => {
    site.foreman.environments.length = 0;
    const client = site.client();
    const wanted = wantedEnvironments({ interim: 'provisioning' });
    expect(await createEnvironments(client, wanted)).to.deep.equal(['discovery', 'provisioning', 'production']);
    expect(await createEnvironments(client, wanted)).to.deep.equal([]);
    expect(site.foreman.environments.map(({ name }) => name)).to.deep.equal(wanted);
    client.close();
  });

  async function templateChecks(template: string, key: string | null = KEY) {
    const { id } = site.foreman.registered('web1.example.org', { managed: true, build: true, template });
    const target = await site.host('web1', 'discovered', id, key === null ? {} : { proxy: 'site-a' });
    return look({ hosts: [target], proxies: new Map([['site-a', proxyOf(key)]]) });
  }

  it('staypuft:S1-06 staypuft:S1-07 the stock template fails: it switches the agent on, and has no key', async () => {
    const checks = await templateChecks(STOCK);
    expect(checks.get('template of web1: agent')).to.include({ ok: false });
    expect(checks.get('template of web1: agent')?.says).to.include('chkconfig --level 345 puppet on');
    expect(checks.get('template of web1: key')).to.include({ ok: false });
    expect(checks.get('template of web1: key')?.next).to.include('d3 foreman snippets --proxy NAME');
    expect(checks.get('template of web1: registration')).to.include({ ok: true });
  });

  for (const kind of ['kickstart', 'preseed'] as const)
    it(`staypuft:S1-06 staypuft:S1-07 staypuft:S1-08 with the snippet for ${kind} it passes`, async () => {
      const [snippet] = await snippets([kind], [KEY], 'root');
      const checks = await templateChecks(`${STOCK}\n${snippet?.text ?? ''}`);
      expect(wrongIn(checks)).to.deep.equal([]);
    });

  it('staypuft:S1-07 where no proxy of d3 is said, the keys of Foreman’s own proxies have to be there', async () => {
    const checks = await templateChecks(
      `systemctl disable puppet\necho '${REMOTE}' >> /root/.ssh/authorized_keys`,
      null,
    );
    expect(wrongIn(checks)).to.deep.equal([]);
  });

  it('staypuft:S1-07 a missing key is an error, never a text that stands for it', () => {
    const [, , key] = checkTemplate('systemctl disable puppet\necho missing >> /root/.ssh/authorized_keys', [KEY]);
    expect(key).to.include({ what: 'key', ok: false });
    expect(checkTemplate('', [])[2]).to.include({ what: 'key', ok: false });
  });

  it('staypuft:S1-06 the last word about the agent counts, and words in comments do not', () => {
    const agent = (text: string) => checkTemplate(text, [KEY])[0]?.ok;
    expect(agent('systemctl disable puppet\nsystemctl enable --now puppet')).to.equal(false);
    expect(agent('systemctl enable --now puppet\nsystemctl disable --now puppet.service')).to.equal(true);
    expect(agent('# systemctl disable puppet\napt-get install -y puppet-agent')).to.equal(false);
    expect(agent('puppet resource service puppet ensure=running enable=true')).to.equal(false);
    expect(agent('puppet resource service puppet ensure=stopped enable=false')).to.equal(true);
    expect(agent('echo nothing of it')).to.equal(true);
  });

  it('staypuft:S1-08 a run of the agent that applies a catalog is an error', () => {
    const registration = (text: string) => checkTemplate(text, [KEY])[1]?.ok;
    expect(registration('puppet agent --onetime --no-daemonize')).to.equal(false);
    expect(registration('puppet agent --onetime \\\n  --tags no_such_tag')).to.equal(true);
    expect(registration('puppet agent --test --noop')).to.equal(true);
  });
});
