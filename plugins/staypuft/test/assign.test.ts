import { expect } from 'chai';
import { type AssignRequest, assignHosts } from '../src/deployment/assign.ts';
import { deleteDeployment } from '../src/deployment/delete.ts';
import { planHere } from '../src/deployment/plan.ts';
import { unassignHosts } from '../src/deployment/unassign.ts';
import { setValues } from '../src/deployment/values.ts';
import { codesOf, DeploymentSite, hostOf } from './support/site.ts';

describe('Assigning hosts', function () {
  this.timeout(60_000);
  let site: DeploymentSite;
  beforeEach(async () => {
    site = await DeploymentSite.open();
    await site.blueprint();
    await site.hosts(['db1', 'web1', 'web2']);
    await site.deployment();
  });
  afterEach(() => site.close());

  const assign = (role: string, hosts: string[], given: Partial<AssignRequest> = {}) =>
    site.ports((ports) => assignHosts({ deployment: 'shop', role, hosts, set: [], dryRun: false, ...given }, ports));
  const unassign = (hosts: string[], given: { role?: string; force?: boolean; dryRun?: boolean } = {}) =>
    site.ports((ports) =>
      unassignHosts({ deployment: 'shop', role: null, hosts, force: false, dryRun: false, ...given }, ports),
    );
  const assigned = async (name = 'shop') =>
    (await site.deploymentBody(name)).hosts.map(({ host, role }) => `${host} ${role}`);

  it('staypuft:M-18 many at once, each on its own: what stands against one ends no other, and the exit code says so', async () => {
    await site.hosts(['disc1', 'disc2'], { kind: 'discovered', foreman: '7' });
    site.refused.set('disc2', 'networks do not match');
    const { result, exit, errors } = await assign('web', ['web1', 'nobody', 'disc1', 'disc2', 'WEB1']);
    expect(exit).to.equal(40);
    expect(result.hosts.map(({ host, fate }) => `${host} ${fate}`)).to.deep.equal([
      'web1 assigned',
      'nobody failed',
      'disc1 assigned',
      'disc2 failed',
    ]);
    expect(errors.map(({ code, target }) => [code, target])).to.deep.equal([
      ['HOST_NOT_FOUND', 'nobody'],
      ['FOREMAN_REFUSED', 'disc2'],
    ]);
    expect(await assigned()).to.deep.equal(['web1 web', 'disc1 web']);
    expect(site.told).to.deep.equal(['assign disc1 base/web']);
    expect((await assign('web', ['web1'])).result.hosts[0]?.fate).to.equal('same');
    expect((await assign('web', ['nobody'])).exit).to.equal(34);
  });

  it('staypuft:M-19 a host is in one role of one deployment', async () => {
    await site.deployment('other');
    await assign('web', ['web1']);
    for (const other of [
      { role: 'db', deployment: 'shop' },
      { role: 'web', deployment: 'other' },
    ]) {
      const { exit, errors } = await assign(other.role, ['web1', 'web2'], other);
      expect([exit, errors[0]?.code]).to.deep.equal([40, 'HOST_TAKEN']);
      expect(errors[0]?.actions[0]).to.contain('d3 deployment unassign shop --role web web1');
      await unassign(['web2']).catch(() => null);
      await site.ports((ports) =>
        unassignHosts(
          { deployment: other.deployment, role: null, hosts: ['web2'], force: false, dryRun: false },
          ports,
        ),
      );
    }
    expect(await assigned('other')).to.deep.equal([]);
  });

  it('staypuft:M-19 of two who take a host at the same moment, at most one has it', async () => {
    await site.deployment('other');
    const both = await Promise.all([
      assign('web', ['web1', 'web2']),
      assign('web', ['web2', 'web1'], { deployment: 'other' }),
    ]);
    const here = await assigned();
    const there = await assigned('other');
    expect(here.filter((one) => there.includes(one))).to.deep.equal([]);
    const said = both.map(({ result }) =>
      result.hosts.filter(({ fate }) => fate === 'assigned').map(({ host }) => `${host} web`),
    );
    expect([here.toSorted(), there.toSorted()]).to.deep.equal(said.map((one) => one.toSorted()));
  });

  it('staypuft:M-02 staypuft:M-10 a deployment that lacks a value takes no hosts, unless the value comes with them', async () => {
    await site.blueprint(
      'strict',
      'parameters: [{name: port, type: number, required: true}]\nroles: [{name: web}, {name: db}]',
    );
    await site.deployment('bare', [], 'strict');
    const bare = { deployment: 'bare' };
    expect(await codesOf(assign('web', ['web1'], bare))).to.deep.equal(['DEPLOYMENT_NOT_CONFIGURED']);
    expect(
      await codesOf(assign('web', ['web1'], { ...bare, set: ['port=eighty', 'colour=red', 'port'] })),
    ).to.deep.equal(['PARAMETER', 'PARAMETER', 'PARAMETER']);
    await assign('web', ['web1'], { ...bare, set: ['port=81'] });
    await site.ports((ports) =>
      setValues({ deployment: 'bare', set: ['port=82'], role: 'db', host: null, dryRun: false }, ports),
    );
    await assign('db', ['db1'], bare);
    const { plan } = await site.ports((ports) => planHere('bare', { roles: [], hosts: [], again: false }, ports));
    expect(plan.hosts.map(({ host, values }) => [host, values['port']])).to.deep.equal([
      ['web1', { value: 81, from: 'host' }],
      ['db1', { value: 82, from: 'role' }],
    ]);
    // What a host was given goes away, and is missing again.
    await site.ports((ports) =>
      setValues({ deployment: 'bare', set: ['port='], role: null, host: 'WEB1', dryRun: false }, ports),
    );
    const after = await site.ports((ports) => planHere('bare', { roles: [], hosts: [], again: false }, ports));
    expect(after.plan.problems.map(({ code, text }) => [code, text])).to.deep.equal([
      ['PARAMETER', 'port has no value, for web1'],
    ]);
    expect(await codesOf(assign('lb', ['web1']))).to.deep.equal(['ROLE_NOT_FOUND']);
    expect(await codesOf(assign('web', ['web1'], { deployment: 'gone' }))).to.deep.equal(['DEPLOYMENT_NOT_FOUND']);
  });

  it('a dry run says what would be done, and writes nothing', async () => {
    const before = await site.deploymentBody();
    const { result } = await assign('web', ['web1'], { dryRun: true });
    expect(result.hosts[0]?.fate).to.equal('assigned');
    expect(await site.deploymentBody()).to.deep.equal(before);
    await assign('web', ['web1']);
    await unassign(['web1'], { dryRun: true });
    expect(await assigned()).to.deep.equal(['web1 web']);
  });

  it('staypuft:M-15 staypuft:M-16 Foreman is told of its own hosts, and never again of one that was deployed', async () => {
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7' });
    await site.hosts(['reg1'], { kind: 'registered', foreman: '8' });
    await assign('db', ['disc1', 'reg1', 'db1']);
    expect(site.told.toSorted()).to.deep.equal(['assign disc1 base/db', 'assign reg1 base/db']);
    site.told.length = 0;
    await site.ended('released', ['disc1']);
    await assign('db', ['disc1', 'reg1']);
    expect(site.told).to.deep.equal(['assign reg1 base/db']);
  });

  it('staypuft:M-21 staypuft:M-22 a host that is deployed is taken out only where somebody insists', async () => {
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7' });
    await assign('web', ['disc1', 'web1', 'web2']);
    await site.ended('released', ['disc1', 'web1']);
    const { exit, errors } = await unassign(['disc1', 'web2', 'db1']);
    expect(exit).to.equal(40);
    expect(errors.map(({ code }) => code).toSorted()).to.deep.equal(['HOST_NOT_ASSIGNED', 'HOST_RELEASED']);
    expect(errors.find(({ code }) => code === 'HOST_RELEASED')?.message).to.contain('installed anew');
    expect((await unassign(['disc1'], { force: true, role: 'db' })).exit).to.equal(34);
    expect((await unassign(['disc1'], { force: true })).exit).to.equal(0);
    expect(site.told.at(-1)).to.equal('unassign disc1');
    expect(await assigned()).to.deep.equal(['web1 web']);
  });

  it('a host that Foreman does not let go stays in its deployment', async () => {
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7' });
    await assign('web', ['disc1', 'web1']);
    site.refused.set('disc1', 'it does not answer');
    const { exit } = await unassign(['disc1', 'web1']);
    expect(exit).to.equal(40);
    expect(await assigned()).to.deep.equal(['disc1 web']);
  });

  it('staypuft:D-08 staypuft:D-18 while a deployment runs none of its hosts is taken out, nor is it deleted; others can come in', async () => {
    await assign('web', ['web1']);
    await site.running();
    expect(await codesOf(unassign(['web1'], { force: true }))).to.deep.equal(['DEPLOYMENT_RUNNING']);
    const remove = { deployment: 'shop', force: true, dryRun: false };
    expect(await codesOf(site.ports((ports) => deleteDeployment(remove, ports)))).to.deep.equal(['DEPLOYMENT_RUNNING']);
    expect((await assign('web', ['web2'])).exit).to.equal(0);
    await site.with((admin) => admin.runs.cancel('run-1', 'enough'));
    expect((await unassign(['web1'])).exit).to.equal(0);
    expect(await assigned()).to.deep.equal(['web2 web']);
  });

  it('staypuft:M-23 deleting takes all hosts out first; one that stays keeps the deployment', async () => {
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7' });
    await assign('web', ['disc1', 'web1']);
    const remove = (force = false) =>
      site.ports((ports) => deleteDeployment({ deployment: 'shop', force, dryRun: false }, ports));
    await site.ended('released', ['web1']);
    expect(await codesOf(remove())).to.deep.equal(['HOST_RELEASED']);
    site.refused.set('disc1', 'it does not answer');
    expect((await remove(true)).exit).to.equal(40);
    expect(await assigned()).to.deep.equal(['disc1 web']);
    site.refused.clear();
    expect((await remove(true)).exit).to.equal(0);
    expect(await site.deploymentBody()).to.equal(undefined);
    expect(site.told.at(-1)).to.equal('unassign disc1');
  });

  it('staypuft:M-13 a computer of the depot is taken by its name or its id, and is a host from then on', async () => {
    const id = '0b9f2c9e-1111-4222-8333-000000000001';
    const computers = [
      {
        id,
        name: 'mac-7',
        claims: { serial: null, hardwareUuid: null, macs: [] },
        lastContact: '2030-01-01T00:00:00Z',
      },
      {
        id: '0b9f2c9e-1111-4222-8333-000000000002',
        name: 'Größe 7',
        claims: { serial: null, hardwareUuid: null, macs: [] },
        lastContact: '2030-01-01T00:00:00Z',
      },
    ];
    const take = (hosts: string[]) =>
      site.ports(async (ports) =>
        assignHosts(
          { deployment: 'shop', role: 'web', hosts, set: [], dryRun: false },
          {
            ...ports,
            admin: {
              by: ports.admin.by,
              documents: (kind) => ports.admin.documents(kind),
              computers: async () => computers,
            },
          },
        ),
      );
    const { result, errors } = await take(['MAC-7', id, 'Größe 7']);
    expect(result.hosts.map(({ fate }) => fate)).to.include('assigned');
    expect(errors.map(({ code }) => code)).to.deep.equal(['HOST_ADDRESS']);
    expect(await assigned()).to.deep.equal(['mac-7 web']);
    const host = await site.with(async (admin) => (await admin.documents('host').byName('mac-7'))?.body);
    expect(host).to.deep.equal(hostOf('mac-7', { kind: 'computer', computer: id }));
    expect((await take([id])).result.hosts[0]).to.deep.include({ host: 'mac-7', fate: 'same' });
  });
});
