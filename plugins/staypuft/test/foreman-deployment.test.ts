import { expect } from 'chai';
import { assignHosts } from '../src/deployment/assign.ts';
import { EVERYONE, planHere } from '../src/deployment/plan.ts';
import { portsOf } from '../src/deployment/ports.ts';
import { unassignHosts } from '../src/deployment/unassign.ts';
import { ForemanSite, factsOf, MAC } from './support/foreman-site.ts';

describe('deployments and Foreman', function () {
  this.timeout(300_000);
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
    await site.depot(async (admin) => {
      const role = {
        name: 'web',
        after: [],
        mode: 'concurrent',
        leader: null,
        batches: [],
        abreast: 10,
        maxFailures: 0,
      };
      await admin.documents('blueprint').create('shop', {
        schema: 'd3/blueprint@1',
        description: '',
        roles: [{ ...role, min: 0, max: null, steps: [{ sync: true }] }],
        parameters: [],
      });
      await admin.documents('deployment').create('shop', {
        schema: 'd3/deployment@1',
        description: '',
        blueprint: 'shop',
        parameters: {},
        hosts: [],
        run: null,
      });
    });
  });
  afterEach(async () => {
    await site.close();
  });

  const assign = (...hosts: string[]) =>
    site.depot(async (admin) =>
      assignHosts(
        { deployment: 'shop', role: 'web', hosts, set: [], dryRun: false },
        await portsOf(admin, site.context(admin)),
      ),
    );
  const problems = () =>
    site.depot(async (admin) => {
      const { plan } = await planHere('shop', EVERYONE, await portsOf(admin, site.context(admin)));
      return plan.problems.map(({ code, text }) => `${code}: ${text}`);
    });

  async function three() {
    const good = site.foreman.discovered('mac1', '127.0.0.1', MAC, factsOf(MAC, '127.0.0.1'));
    const away = site.foreman.discovered(
      'mac2',
      '10.9.9.9',
      '52:54:00:aa:00:02',
      factsOf('52:54:00:aa:00:02', '10.9.9.9'),
    );
    const known = site.foreman.registered('db1.example.org');
    await site.host('web1', 'discovered', good.id);
    await site.host('web2', 'discovered', away.id);
    await site.host('db1', 'registered', known.id);
    return { good, away, known };
  }

  it('staypuft:M-18 staypuft:M-15 staypuft:M-17 assigns many, each on its own, and says of each what became of it', async () => {
    const { good, away, known } = await three();
    const { result, errors = [] } = (await assign('web1', 'web2', 'db1')) as unknown as {
      result: { hosts: { host: string; fate: string; text: string }[] };
      errors?: { message: string }[];
    };
    expect(result.hosts.map(({ host, fate }) => [host, fate])).to.deep.equal([
      ['web1', 'held'],
      ['web2', 'failed'],
      ['db1', 'assigned'],
    ]);
    expect(errors.map(({ message }) => message).join()).to.include('eth0 has 10.9.9.9');
    expect([good.type, away.type, known.hostgroup_id]).to.deep.equal([
      'Discovered',
      'Discovered',
      site.foreman.hostgroups[0]?.id,
    ]);
  });

  it('staypuft:M-20 staypuft:E-10 staypuft:S1-06 a plan tells what was changed in Foreman, and which installation cannot be, and writes nothing', async () => {
    site.foreman.discoveryReboot = false;
    const { good, known } = await three();
    await assign('web1', 'db1');
    const writes = site.foreman.writes().length;
    expect(await problems()).to.deep.equal([]);
    known.hostgroup_id = null;
    good.template = 'systemctl enable puppet';
    const found = (await problems()).join('\n');
    expect(found).to.include('HOST_DRIFTED: db1 is in no hostgroup');
    expect(found).to.include('web1 cannot be installed').and.include('d3 foreman snippets');
    expect(site.foreman.writes().length).to.equal(writes);
  });

  it('staypuft:S2-02 a plan tells where the certificate of a registered host cannot be signed by itself, and writes nothing', async () => {
    const { known } = await three();
    await assign('db1');
    const writes = site.foreman.writes().length;
    const [proxy] = site.foreman.proxies;
    (proxy as NonNullable<typeof proxy>).features = [];
    expect((await problems()).join('\n')).to.include('HOST_DRIFTED: the certificate of db1 cannot be signed by itself');
    (proxy as NonNullable<typeof proxy>).features = [{ name: 'Puppet CA' }];
    site.foreman.lacks.add('view_smart_proxies_autosign');
    expect((await problems()).join('\n')).to.include('view_smart_proxies_autosign');
    site.foreman.lacks.clear();
    // Where somebody lets it be signed already, nothing stands against it.
    (proxy as NonNullable<typeof proxy>).autosign.push(known.name);
    expect(await problems()).to.deep.equal([]);
    expect(site.foreman.writes().length).to.equal(writes);
  });

  it('staypuft:M-21 taking hosts out of a deployment takes them out of their hostgroup', async () => {
    const { known } = await three();
    await assign('db1');
    await site.depot(async (admin) =>
      unassignHosts(
        { deployment: 'shop', role: null, hosts: ['db1'], force: false, dryRun: false },
        await portsOf(admin, site.context(admin)),
      ),
    );
    expect(known).to.include({ hostgroup_id: null, build: false });
    expect(site.foreman.environmentOf(known)).to.equal('discovery');
  });
});
