import { writeFileSync } from 'node:fs';
import { request as ask, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { type Certified, makeAuthority } from '../../../test/support/certificates.ts';
import type { DiscoveryImage } from './support/discovery-image.ts';
import { ForemanSite, factsOf, GROUP } from './support/foreman-site.ts';

/** Hands on to the image of a machine what it is asked. */
async function smartProxy(certified: Certified, port: number): Promise<{ url: string; close: () => Promise<unknown> }> {
  const server = createServer(certified, (request, response) => {
    const image = ask({
      host: '127.0.0.1',
      port,
      path: request.url,
      method: request.method,
      rejectUnauthorized: false,
    });
    image.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)));
    image.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()),
  };
}

const ARGS = {
  convert: { hostgroup: GROUP },
  provision: { hostgroup: GROUP },
  autosign: { is: 'add' },
  environment: { name: null },
};

describe('installing hosts through Foreman', function () {
  this.timeout(300_000);
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
  });
  afterEach(async () => {
    await site.close();
  });

  const record = (id: number) => site.foreman.hosts.get(id) as NonNullable<ReturnType<typeof site.foreman.hosts.get>>;

  /** A discovered host of a deployment. */
  async function host(manner: DiscoveryImage['manner'] = 'leaves'): Promise<{ id: number; image: DiscoveryImage }> {
    const { id, image } = await site.machine('mac525400aa0001', manner);
    await site.host('web1', 'discovered', id);
    return { id, image };
  }

  /** One that was converted when it was assigned. */
  async function converted(manner: DiscoveryImage['manner'] = 'leaves') {
    site.foreman.discoveryReboot = false;
    const made = await host(manner);
    expect(await site.step('web1', { do: 'convert', hostgroup: GROUP })).to.include({ outcome: 'done' });
    return made;
  }

  it('staypuft:S1-02 staypuft:S1-03 staypuft:S1-04 staypuft:D-11 production, a fresh token, the boot configuration, a restart by the image, which has to be gone', async () => {
    const { id, image } = await converted();
    const { token } = record(id);
    const answer = await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer).to.deep.include({ outcome: 'done', text: 'web1 left its discovery image' });
    expect(image.restarts).to.equal(1);
    expect(record(id)).to.include({ build: true, token: token + 1 });
    expect(site.foreman.environmentOf(record(id))).to.equal('production');
    const [rebuilt] = site.foreman.made(/rebuild_config/);
    expect(rebuilt?.body).to.deep.equal({ only: ['TFTP'] });
    const after = site.foreman.calls.indexOf(rebuilt as NonNullable<typeof rebuilt>);
    expect(site.foreman.calls.slice(after + 1).filter(({ method }) => method !== 'GET')).to.deep.equal([]);
  });

  it('staypuft:S1-02 in an environment of the meantime, where one is set', async () => {
    const { id } = await converted();
    site.foreman.environment('provisioning');
    site.settings['foreman.interim'] = 'provisioning';
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(site.foreman.environmentOf(record(id))).to.equal('provisioning');
    await site.step('web1', { do: 'environment', name: null });
    expect(site.foreman.environmentOf(record(id))).to.equal('production');
  });

  it('staypuft:M-24 staypuft:S1-04 converts what was held here now, and Foreman’s own restart is as good', async () => {
    const { id, image } = await host();
    site.foreman.onConversion = () => void image.stop();
    expect(await site.step('web1', { do: 'convert', hostgroup: GROUP })).to.include({ outcome: 'done' });
    expect(record(id).type).to.equal('Discovered');
    const answer = await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer, answer.text).to.include({ outcome: 'done' });
    expect(record(id)).to.include({ type: 'Managed', managed: true, build: true });
    expect(record(id).hostgroup_id).to.equal(site.foreman.hostgroups[0]?.id);
  });

  for (const manner of ['says-no', 'says-no-in-words', 'breaks'] as const)
    it(`staypuft:D-01 staypuft:F-09 a restart that fails is seen at once, also with 200 (${manner})`, async () => {
      const { image } = await converted(manner);
      const answer = await site.step('web1', { do: 'provision', hostgroup: GROUP });
      expect(answer.outcome).to.equal('failed');
      expect(answer.text)
        .to.include('web1 was not restarted')
        .and.include(`https://127.0.0.1:${image.port}/power/reboot`);
      expect(answer.text).to.include('d3 deployment retry');
      image.manner = 'leaves';
      expect(await site.untilOver('web1', { do: 'provision', hostgroup: GROUP })).to.include({ outcome: 'done' });
    });

  it('staypuft:D-01 a machine that does not answer is named with its address, and nothing is told to Foreman', async () => {
    const { image } = await converted();
    await image.stop();
    const writes = site.foreman.writes().length;
    const answer = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.outcome).to.equal('failed');
    expect(answer.text).to.include(`web1 does not answer at https://127.0.0.1:${image.port}`);
    expect(site.foreman.writes().length).to.equal(writes);
  });

  it('staypuft:S1-06 staypuft:S1-07 restarts nothing where the installer would switch the agent on, or lets nobody in', async () => {
    const { id, image } = await converted();
    record(id).template = 'yum -y install puppet-agent\nsystemctl enable puppet';
    const agent = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(agent.outcome).to.equal('failed');
    expect(agent.text).to.include('systemctl enable puppet').and.include('d3 foreman snippets');
    record(id).template = '';
    expect((await site.step('web1', { do: 'provision', hostgroup: GROUP })).text).to.include(
      'renders no provision template',
    );
    record(id).template = 'systemctl disable puppet';
    await site.depot(async (admin) => {
      const proxies = admin.documents('proxy');
      const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey d3@proxy';
      await proxies.create('site-a', {
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
      });
      const host = await admin.documents('host').byName('web1');
      if (host === null) throw new Error('it is gone');
      await admin.documents('host').update(host.id, host.generation, { body: { ...host.body, proxy: 'site-a' } });
    });
    const key = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(key.text).to.include('does not set the authorized key').and.include('d3 foreman snippets --proxy');
    expect(image.restarts).to.equal(0);
    record(id).template += '\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey d3@proxy';
    expect(await site.untilOver('web1', { do: 'provision', hostgroup: GROUP })).to.include({ outcome: 'done' });
  });

  it('staypuft:D-07 staypuft:E-14 a machine that is installed is not installed anew by another run, unless it boots its image again', async () => {
    const { id, image } = await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    site.foreman.built(id);
    await site.step('web1', { do: 'provisioned' });
    await site.depot(async (admin) => {
      const host = await admin.documents('host').byName('web1');
      if (host === null) throw new Error('it is gone');
      const body = { ...host.body, hostKeys: ['ssh-ed25519 AAAA'] };
      await admin.documents('host').update(host.id, host.generation, { body });
    });
    const writes = site.foreman.writes().length;
    const texts: string[] = [];
    for (const step of [
      { do: 'convert', hostgroup: GROUP },
      { do: 'provision', hostgroup: GROUP },
      { do: 'provisioned' },
    ])
      texts.push((await site.step('web1', step, 'run-2')).text ?? '');
    expect(texts).to.deep.equal(Array.from({ length: 3 }, () => 'web1 is installed already'));
    expect(site.foreman.writes().length).to.equal(writes);
    expect(await site.hostNow('web1')).to.deep.include({ hostKeys: ['ssh-ed25519 AAAA'] });
    site.settings['foreman.restart'] = 'foreman';
    const provision = { do: 'provision', hostgroup: GROUP };
    expect(await site.step('web1', provision, 'run-2b')).to.include({ text: 'web1 is installed already' });
    expect(site.foreman.writes().length).to.equal(writes);
    delete site.settings['foreman.restart'];
    await image.start();
    expect(await site.step('web1', provision, 'run-3')).to.include({ outcome: 'later' });
    expect([image.restarts, record(id).build]).to.deep.equal([2, true]);
  });

  it('staypuft:S1-04 an image is asked through a smart proxy whose certificate is of the site’s own authority', async () => {
    const { image } = await converted('stays');
    const authority = makeAuthority();
    const proxy = await smartProxy(authority.issue(['127.0.0.1']), image.port);
    site.settings['foreman.discoveryProxy'] = proxy.url;
    try {
      const ca = path.join(site.sandbox.dir, 'ca.pem');
      writeFileSync(ca, authority.cert);
      expect((await site.step('web1', { do: 'provision', hostgroup: GROUP })).text).to.include('does not answer');
      site.settings['foreman.ca'] = ca;
      expect(await site.step('web1', { do: 'provision', hostgroup: GROUP })).to.include({ outcome: 'later' });
      expect(image.restarts).to.equal(1);
    } finally {
      await proxy.close();
    }
  });

  it('staypuft:D-11 a machine that stays is found within the limit', async () => {
    const { image } = await converted('stays');
    const began = site.now;
    const answer = await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.outcome).to.equal('failed');
    expect(answer.text).to.include('still runs its discovery image').and.include(`https://127.0.0.1:${image.port}`);
    expect(site.now - began).to.be.within(30_000, 40_000);
    expect(image.restarts).to.equal(1);
  });

  it('staypuft:D-11 a machine that restarts into its image again is found', async () => {
    await converted('comes-back');
    const answer = await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.outcome).to.equal('failed');
    expect(answer.text).to.include('came back to its discovery image');
  });

  it('staypuft:S1-04 another machine at its address is not restarted', async () => {
    const { image } = await converted();
    image.facts = factsOf('52:54:00:bb:00:02', '127.0.0.1');
    const answer = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.text).to.include('it is another machine');
    expect(image.restarts).to.equal(0);
  });

  it('staypuft:S1-04 asks images through a smart proxy, where one is set', async () => {
    const { image } = await converted();
    site.settings['foreman.discoveryProxy'] = `https://127.0.0.1:${image.port}`;
    // Its certificate is checked, unlike that of an image: nobody vouches for this one.
    const answer = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.text).to.include(`https://127.0.0.1:${image.port}/discovery/127.0.0.1`);
    expect(image.restarts).to.equal(0);
  });

  it('staypuft:F-09 Foreman is asked to restart what d3 does not reach, and its message with 200 is no success', async () => {
    const { id } = await host();
    site.settings['foreman.restart'] = 'foreman';
    site.foreman.imageTrouble = 'ERF42-4444: Failed to perform reboot: connection refused';
    const answer = await site.step('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer.outcome).to.equal('failed');
    expect(answer.text).to.include('ERF42-4444').and.include(`/api/v2/discovered_hosts/${id}/refresh_facts`);
    expect(record(id).type).to.equal('Discovered');
    site.foreman.imageTrouble = null;
    expect(await site.step('web1', { do: 'provision', hostgroup: GROUP })).to.include({ outcome: 'done' });
    expect(record(id)).to.include({ type: 'Managed', build: true });
    expect(await site.step('web1', { do: 'provision', hostgroup: GROUP }), 'found again').to.include({
      outcome: 'done',
    });
    expect(site.foreman.made(/PUT .*discovered_hosts\/\d+$/).length).to.equal(1);
  });

  it('staypuft:S1-04 is found again after a cut at any call, and a machine that left is not looked for', async () => {
    const { id, image } = await converted();
    for (const match of [/PUT .*\/hosts\/\d+$/, /PUT .*rebuild_config/])
      site.foreman.trouble(match, { kind: 'cut-after' });
    const answer = await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(answer, answer.text).to.include({ outcome: 'done' });
    expect(image.restarts).to.equal(1);
    expect(record(id).build).to.equal(true);
    // The end of that step was lost: it is begun again.
    expect(await site.untilOver('web1', { do: 'provision', hostgroup: GROUP })).to.include({ outcome: 'done' });
    expect(image.restarts).to.equal(1);
  });

  it('staypuft:S1-09 staypuft:D-02 waits until it is installed, and sees it also when it was before anybody waited', async () => {
    const { id } = await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'later', seconds: 10 });
    site.foreman.built(id);
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'done', text: 'web1 is installed' });
    expect((await site.hostNow('web1')).facts).to.not.have.property('foreman');
    // Again, and it is installed before the wait begins.
    const again = await site.machine('mac525400aa0003', 'leaves', '52:54:00:aa:00:03');
    await site.host('web2', 'discovered', again.id);
    await site.untilOver('web2', { do: 'provision', hostgroup: GROUP });
    site.foreman.built(again.id);
    expect(await site.step('web2', { do: 'provisioned' })).to.include({ outcome: 'done' });
  });

  it('staypuft:S1-09 an installed host has another address and none of its old host keys', async () => {
    const { id } = await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    record(id).ip = '127.0.0.9';
    site.foreman.built(id);
    await site.step('web1', { do: 'provisioned' });
    expect(await site.hostNow('web1')).to.deep.include({ address: '127.0.0.9', hostKeys: [] });
  });

  for (const [status, words] of [
    [2, 'token expired'],
    [3, 'told Foreman of an error'],
  ] as const)
    it(`staypuft:S1-09 fails at once when ${words}`, async () => {
      const { id } = await converted();
      await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
      record(id).build_status = status;
      const answer = await site.step('web1', { do: 'provisioned' });
      expect(answer.outcome).to.equal('failed');
      expect(answer.text).to.include('web1').and.include(words).and.include('d3 deployment retry');
    });

  it('staypuft:S1-09 fails after 7200 s unless another time is said, and waits as long again when it is tried again', async () => {
    await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    const began = site.now;
    await site.step('web1', { do: 'provisioned' });
    site.now = began + 7_190_000;
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'later' });
    site.now = began + 7_201_000;
    expect((await site.step('web1', { do: 'provisioned' })).text).to.include('not installed within 7200 s');
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'later' });
    site.now += 100_000;
    expect((await site.step('web1', { do: 'provisioned', seconds: 90 })).outcome).to.equal('failed');
  });

  it('staypuft:S1-09 fails when somebody cancels the build', async () => {
    const { id } = await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    Object.assign(record(id), { build: false, build_status: 0 });
    expect((await site.step('web1', { do: 'provisioned' })).text).to.include('cancelled its build');
  });

  it('staypuft:S1-11 staypuft:D-15 many machines are told at the same time, and one that is dead holds up none', async () => {
    site.foreman.discoveryReboot = false;
    const { image } = await site.machine('web0', 'stays', '52:54:00:aa:01:00');
    const names = ['web0', 'web1', 'web2', 'web3', 'web4', 'web5'];
    // All behind one address here: what they are told by is Foreman's records.
    const macs = names.map((_, index) => `52:54:00:aa:01:0${index}`);
    image.facts = { ...image.facts, discovery_bootif: '' };
    for (const [index, name] of names.entries()) {
      const facts = factsOf(macs[index] as string, '127.0.0.1');
      const ip = index === 5 ? '127.255.255.254' : '127.0.0.1';
      const { id } = site.foreman.discovered(`mac${index}`, ip, macs[index] as string, {
        ...facts,
        ipaddress_eth0: ip,
      });
      await site.host(name, 'discovered', id);
    }
    site.foreman.slow = 10;
    const answers = await Promise.all(
      names.map(async (name) => {
        await site.step(name, { do: 'convert', hostgroup: GROUP });
        return site.step(name, { do: 'provision', hostgroup: GROUP });
      }),
    );
    expect(answers.map(({ outcome }) => outcome)).to.deep.equal([
      'later',
      'later',
      'later',
      'later',
      'later',
      'failed',
    ]);
    expect(image.restarts).to.equal(5);
    expect(site.foreman.crowd).to.be.within(3, 8);
  });

  it('staypuft:S2-01 a registered host is never installed nor restarted, whatever is asked', async () => {
    const { id } = site.foreman.registered('db1.example.org');
    await site.host('db1', 'registered', id);
    for (const what of ['convert', 'provision', 'autosign', 'environment'] as const) {
      const answer = await site.step('db1', { do: what, ...ARGS[what] });
      expect(answer.outcome, answer.text).to.equal(what === 'provision' ? 'failed' : 'done');
    }
    await site.step('db1', { do: 'autosign', is: 'remove' });
    expect(site.foreman.made(/power|\/reboot|rebuild_config|status\/build|discovered_hosts\/\d+\//)).to.deep.equal([]);
    expect(site.foreman.writes().filter(({ body }) => JSON.stringify(body ?? {}).includes('"build"'))).to.deep.equal(
      [],
    );
    expect(record(id)).to.include({ build: false, managed: false, token: 0 });
  });

  it('staypuft:S2-01 not even when its record became a managed one', async () => {
    const { id } = site.foreman.registered('db1.example.org', { managed: true, ip: '127.0.0.1' });
    await site.host('db1', 'registered', id);
    expect((await site.step('db1', { do: 'provision', hostgroup: GROUP })).outcome).to.equal('failed');
    await site.step('db1', { do: 'convert', hostgroup: GROUP });
    expect(record(id).build).to.equal(false);
  });

  it('staypuft:S2-02 its certificate is signed by itself for the time of the run only, and what others let be signed stays', async () => {
    const [proxy] = site.foreman.proxies;
    const { id } = site.foreman.registered('db1.example.org');
    await site.host('db1', 'registered', id);
    await site.step('db1', { do: 'autosign', is: 'add' });
    await site.step('db1', { do: 'autosign', is: 'add' });
    expect(proxy?.autosign).to.deep.equal(['db1.example.org']);
    await site.step('db1', { do: 'autosign', is: 'remove' });
    await site.step('db1', { do: 'autosign', is: 'remove' });
    expect(proxy?.autosign).to.deep.equal([]);
    proxy?.autosign.push('db1.example.org');
    await site.step('db1', { do: 'autosign', is: 'add' });
    await site.step('db1', { do: 'autosign', is: 'remove' });
    expect(proxy?.autosign).to.deep.equal(['db1.example.org']);
  });

  it('staypuft:S2-02 what is left of a run that was cancelled is taken away at its end', async () => {
    const { foremanTidy } = await import('../src/foreman/autosign.ts');
    const [proxy] = site.foreman.proxies;
    const { id } = site.foreman.registered('db1.example.org');
    await site.host('db1', 'registered', id);
    site.foreman.trouble(/POST .*autosign/, { kind: 'answer-after', status: 504 });
    await site.step('db1', { do: 'autosign', is: 'add' });
    expect(proxy?.autosign).to.deep.equal(['db1.example.org']);
    const host = await site.hostNow('db1');
    const tidy = () => site.depot(async (admin) => foremanTidy([{ name: 'db1', host }], site.context(admin)));
    site.foreman.trouble(/DELETE .*autosign/, { kind: 'answer', status: 403 });
    const [left] = await tidy();
    expect(left?.host).to.equal('db1');
    expect(left?.text).to.include('still signed by itself').and.include('d3 foreman autosign remove db1.example.org');
    expect(await tidy()).to.deep.equal([]);
    expect(proxy?.autosign).to.deep.equal([]);
    const calls = site.foreman.calls.length;
    const now = await site.hostNow('db1');
    await site.depot(async (admin) => foremanTidy([{ name: 'db1', host: now }], site.context(admin)));
    expect(site.foreman.calls.length).to.equal(calls);
  });

  it('staypuft:S2-14 staypuft:S2-17 of discovered and registered hosts in one role both come to production, and one is installed', async () => {
    const { id, image } = await site.machine('mac525400aa0001');
    const registered = site.foreman.registered('web2.example.org');
    await site.host('web1', 'discovered', id);
    await site.host('web2', 'registered', registered.id);
    for (const name of ['web1', 'web2']) await site.step(name, { do: 'convert', hostgroup: GROUP });
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    site.foreman.built(id);
    await site.untilOver('web1', { do: 'provisioned' });
    expect(site.foreman.environmentOf(registered)).to.equal('discovery');
    for (const name of ['web1', 'web2']) await site.step(name, { do: 'environment', name: 'production' });
    expect([record(id), registered].map((one) => site.foreman.environmentOf(one))).to.deep.equal([
      'production',
      'production',
    ]);
    expect([record(id).token, registered.token]).to.deep.equal([1, 0]);
    expect(image.restarts).to.equal(1);
  });

  it('staypuft:F-07 where there is no Foreman, what would only be told to it is nothing to do', async () => {
    await site.host('db1', 'registered', null);
    for (const args of [
      { do: 'autosign', is: 'add' },
      { do: 'environment', name: 'production' },
    ])
      expect(await site.step('db1', args)).to.include({ outcome: 'done' });
    expect(site.foreman.calls).to.deep.equal([]);
  });

  it('staypuft:F-01 a Foreman that is away for a moment does not end the wait for an installation', async () => {
    const { id } = await converted();
    await site.untilOver('web1', { do: 'provision', hostgroup: GROUP });
    const url = site.settings['foreman.url'] as string;
    site.settings['foreman.url'] = 'http://127.0.0.1:1';
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'later' });
    site.settings['foreman.url'] = url;
    site.foreman.built(id);
    expect(await site.step('web1', { do: 'provisioned' })).to.include({ outcome: 'done' });
  });
});
