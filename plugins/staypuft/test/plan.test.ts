import { expect } from 'chai';
import { assignHosts } from '../src/deployment/assign.ts';
import { type Chosen, EVERYONE, planHere, refusalOf } from '../src/deployment/plan.ts';
import { listHosts, showDeployment } from '../src/deployment/show.ts';
import { planText } from '../src/deployment/words.ts';
import { DeploymentSite } from './support/site.ts';

describe('Plans of deployments', function () {
  this.timeout(60_000);
  let site: DeploymentSite;
  beforeEach(async () => {
    site = await DeploymentSite.open();
    await site.blueprint();
    await site.hosts(['db1', 'db2', 'web1', 'web2', 'web3']);
    await site.deployment();
  });
  afterEach(() => site.close());

  const assign = (role: string, hosts: string[]) =>
    site.ports((ports) => assignHosts({ deployment: 'shop', role, hosts, set: [], dryRun: false }, ports));
  const plan = (chosen: Partial<Chosen> = {}, name = 'shop') =>
    site.ports(async (ports) => (await planHere(name, { ...EVERYONE, ...chosen }, ports)).plan);
  const codes = async (name = 'shop') => (await plan({}, name)).problems.map(({ code, target }) => `${code} ${target}`);

  it('staypuft:E-10 staypuft:E-17 every step of every host, in waves and in the order of roles, and nothing is written', async () => {
    await assign('db', ['db2', 'db1']);
    await assign('web', ['web3', 'web1', 'web2']);
    const history = async () =>
      site.sandbox.admin(async ({ depot }) => (await depot.store.history.list()).map(({ id }) => id));
    const before = await history();
    const made = await plan();
    expect(await history()).to.deep.equal(before);
    expect(site.told).to.deep.equal([]);
    expect(made.problems).to.deep.equal([]);
    expect(made.roles.map(({ name, level, waves }) => ({ name, level, waves }))).to.deep.equal([
      { name: 'db', level: 0, waves: [['db1'], ['db2']] },
      { name: 'web', level: 1, waves: [['web1'], ['web2', 'web3']] },
    ]);
    expect(made.hosts.map(({ host, wave, state }) => `${host} ${wave} ${state}`)).to.deep.equal([
      'db1 0 assigned',
      'db2 1 assigned',
      'web1 0 assigned',
      'web2 1 assigned',
      'web3 1 assigned',
    ]);
    const [first] = made.hosts;
    expect(first?.prepare.map(({ kind }) => kind)).to.deep.equal(['deploy-ready', 'deploy-mark', 'deploy-agent']);
    expect(first?.steps.map(({ kind }) => kind)).to.deep.equal(['deploy-step', 'deploy-puppet', 'deploy-step']);
    expect(first?.release.map(({ kind }) => kind)).to.deep.equal(['deploy-agent', 'deploy-mark']);
    expect(planText(made)).to.contain('role web after db: 3 hosts').and.to.contain('wave 2: web2, web3');
  });

  it('staypuft:F-08 a step that would hand a secret to a job of Foreman stands against it, by name and with its hosts; no other does', async () => {
    const text = `schema: d3/blueprint@1
description: one with a secret
parameters:
  - { name: password, type: secret }
roles:
  - name: db
    steps:
      - { name: make it known, script: "#!/bin/sh\\ntrue" }
      - wait: { seconds: 1 }
      - puppet: {}
`;
    await site.blueprint('secretive', text);
    await site.deployment('vault', [], 'secretive');
    await site.ports((ports) =>
      assignHosts({ deployment: 'vault', role: 'db', hosts: ['db1', 'db2', 'web1'], set: [], dryRun: false }, ports),
    );
    for (const host of ['db1', 'db2']) site.carried.add(host);
    expect((await plan({}, 'vault')).problems).to.deep.equal([]);
    await site.json('deployment', 'set', 'vault', 'password=file:/etc/shadow-of-shop');
    const { problems } = await plan({}, 'vault');
    expect(problems.map(({ code, target, text: told }) => [code, target, told])).to.deep.equal([
      [
        'SECRET_IN_JOB',
        'db',
        `the step "make it known" of role db is given the secret password, which could be read in Foreman's jobs, on db1, db2`,
      ],
    ]);
    site.carried.clear();
    expect((await plan({}, 'vault')).problems).to.deep.equal([]);
  });

  it('staypuft:S1-05 a host that a step restarts by its board, and that has none, stands against it; nobody else is asked for one', async () => {
    await site.blueprint('boards', 'roles: [{name: db, steps: [{reboot: bmc}]}, {name: web, steps: [{reboot: true}]}]');
    await site.deployment('racks', [], 'boards');
    await site.ports(async (ports) => {
      await assignHosts({ deployment: 'racks', role: 'db', hosts: ['db1', 'db2'], set: [], dryRun: false }, ports);
      await assignHosts({ deployment: 'racks', role: 'web', hosts: ['web1'], set: [], dryRun: false }, ports);
    });
    for (const host of ['db2', 'web1']) site.boardless.set(host, 'Foreman does not know it');
    const { problems } = await plan({}, 'racks');
    expect(problems.map(({ code, target, text }) => [code, target, text])).to.deep.equal([
      ['HOST_WITHOUT_BMC', 'db2', 'a step has db2 restarted by its board, which cannot be: Foreman does not know it'],
    ]);
    site.boardless.clear();
    expect((await plan({}, 'racks')).problems).to.deep.equal([]);
  });

  it('staypuft:E-14 staypuft:M-25 what is released takes no part; hosts that come later do, alone, unless all is asked for again', async () => {
    await assign('web', ['web1', 'web2']);
    await site.ended('released', ['web1', 'web2']);
    const nothing = await plan();
    expect(nothing.hosts).to.deep.equal([]);
    expect(nothing.problems).to.deep.equal([]);
    expect(nothing.left.map(({ host, why }) => `${host}: ${why}`)).to.deep.equal([
      'web1: it is released',
      'web2: it is released',
    ]);
    expect(refusalOf(nothing)).to.equal(null);
    expect(planText(nothing)).to.contain('Nothing is to be done.');
    await assign('web', ['web3']);
    expect((await plan()).hosts.map(({ host }) => host)).to.deep.equal(['web3']);
    expect((await plan({ again: true })).hosts).to.have.length(3);
    expect((await plan({ again: true, hosts: ['WEB2'] })).hosts.map(({ host }) => host)).to.deep.equal(['web2']);
    expect((await plan({ roles: ['db'] })).hosts).to.deep.equal([]);
  });

  it('staypuft:D-07 a host that failed takes part again', async () => {
    await assign('web', ['web1', 'web2']);
    await site.ended('failed', ['web1']);
    await site.ended('released', ['web2']);
    expect((await plan()).hosts.map(({ host, state }) => `${host} ${state}`)).to.deep.equal(['web1 failed']);
  });

  it('staypuft:M-09 staypuft:D-14 too few hosts, too many, and a leader that is not there stand against it', async () => {
    await site.blueprint(
      'strict',
      'roles: [{name: db, min: 2, mode: leader, leader: db9}, {name: web, max: 1}, {name: spare, min: 1}]',
    );
    await site.deployment('strict', [], 'strict');
    await site.ports(async (ports) => {
      await assignHosts({ deployment: 'strict', role: 'db', hosts: ['db1'], set: [], dryRun: false }, ports);
      await assignHosts({ deployment: 'strict', role: 'web', hosts: ['web1', 'web2'], set: [], dryRun: false }, ports);
    });
    expect((await codes('strict')).toSorted()).to.deep.equal([
      'LEADER_MISSING db',
      'ROLE_TOO_FEW db',
      'ROLE_TOO_FEW spare',
      'ROLE_TOO_MANY web',
    ]);
    expect(refusalOf(await plan({}, 'strict'))?.exitCode).to.equal(30);
  });

  it('staypuft:M-20 what was changed in Foreman behind d3’s back stands against it; so does a role nobody named a hostgroup of', async () => {
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7' });
    await assign('web', ['disc1', 'web1']);
    site.drifted.set('disc1', 'disc1 was put into another hostgroup');
    site.drifted.set('web1', 'nobody asks');
    expect(await codes()).to.deep.equal(['HOST_DRIFTED disc1']);
    await site.with(async (admin) => {
      const found = await admin.documents('blueprint').byName('web-and-db');
      const roles = [{ name: 'web', after: [], mode: 'concurrent', steps: [{ sync: true }] }];
      await admin.documents('blueprint').update(found?.id ?? 0, found?.generation ?? 0, {
        body: { schema: 'd3/blueprint@1', description: '', parameters: [], roles },
      });
    });
    expect(await codes()).to.deep.equal(['HOSTGROUP_UNKNOWN web']);
  });

  it('a role that the blueprint lost, a host that is gone and a run under way stand against it', async () => {
    await assign('db', ['db1', 'db2']);
    await assign('web', ['web1']);
    await site.with(async (admin) => {
      const host = await admin.documents('host').byName('web1');
      await admin.documents('host').remove(host?.id ?? 0, host?.generation ?? 0);
    });
    await site.running();
    expect((await codes()).toSorted()).to.deep.equal(['DEPLOYMENT_RUNNING shop', 'HOST_GONE web1']);
    expect((await plan({ roles: ['none'], hosts: ['nobody'] })).problems.map(({ code }) => code)).to.include.members([
      'ROLE_NOT_FOUND',
      'HOST_NOT_ASSIGNED',
    ]);
  });

  it('staypuft:M-13 staypuft:M-14 staypuft:M-26 machines of every kind are in one list, with what is known of each and how far it is', async () => {
    const facts = { cpus: 4, memory: 8192, disks: [], nics: [], foreman: { secret: 'notes' } };
    await site.hosts(['disc1'], { kind: 'discovered', foreman: '7', facts });
    await site.hosts(['reg1'], { kind: 'registered', foreman: '8', facts });
    await site.hosts(['mac1'], { kind: 'computer' });
    await assign('web', ['web1', 'mac1']);
    await site.ended('released', ['web1']);
    const hosts = await site.ports((ports) => listHosts(ports));
    const told = Object.fromEntries(hosts.map(({ host, kind, state, role }) => [host, [kind, state, role]]));
    expect(told).to.deep.include({
      disc1: ['discovered', 'held', null],
      reg1: ['registered', 'held', null],
      db1: ['ssh', 'known', null],
      web1: ['ssh', 'released', 'web'],
      mac1: ['computer', 'assigned', 'web'],
    });
    const { foreman: _, ...known } = facts;
    for (const name of ['disc1', 'reg1']) expect(hosts.find(({ host }) => host === name)?.facts).to.deep.equal(known);
    expect(hosts.find(({ host }) => host === 'web1')).to.deep.include({ by: 'sally', at: '2030-01-01T00:00:00.000Z' });
  });

  it('staypuft:M-01 staypuft:M-11 a deployment is shown without what its secrets are, or where they are kept', async () => {
    await site.deployment('secret', ['key=file:/etc/key', 'port=1']);
    await site.ports((ports) =>
      assignHosts(
        { deployment: 'secret', role: 'web', hosts: ['web1'], set: ['key=file:/etc/other'], dryRun: false },
        ports,
      ),
    );
    const shown = await site.ports((ports) => showDeployment('secret', ports));
    expect(shown.values).to.deep.equal({
      port: { value: 1, from: 'deployment' },
      key: { value: '(secret)', from: 'deployment' },
    });
    const made = await plan({}, 'secret');
    expect(JSON.stringify([shown, made])).not.to.contain('/etc/');
  });
});
