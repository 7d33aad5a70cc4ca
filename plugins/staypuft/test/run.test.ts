import { expect } from 'chai';
import { problemsOf } from '../../../test/support/errors.ts';
import { cancelDeployment, releaseHosts, retryHosts, skipHost } from '../src/deployment/decide.ts';
import { logOf } from '../src/deployment/log.ts';
import { EVERYONE } from '../src/deployment/plan.ts';
import { beginRun } from '../src/deployment/run.ts';
import { exitOf } from '../src/deployment/run-here.ts';
import { standing } from '../src/deployment/watch.ts';
import { Played } from './support/played.ts';

const SHOP = {
  schema: 'd3/blueprint@1',
  description: 'a shop',
  roles: [
    { name: 'db', steps: [{ script: '#!/bin/sh\ninstall db' }, { assert: 'db answers' }] },
    { name: 'web', after: ['db'], steps: ['sync'] },
  ],
};
const HOSTS = { 'web-1': 'web', 'db-1': 'db', 'db-2': 'db', 'web-2': 'web' };

describe('a run of a deployment', function () {
  this.timeout(120_000);
  let played: Played;
  beforeEach(async () => {
    played = await Played.open(SHOP, HOSTS);
  });
  afterEach(() => played.close());

  it('staypuft:E-03 staypuft:M-14 prepares, deploys role after role, releases, and is on record with each host', async () => {
    const watched = await played.run();
    expect(watched).to.include({ state: 'done', deployment: 'shop' });
    expect(exitOf(watched as NonNullable<typeof watched>)).to.equal(0);
    const { did, marked } = played.hosts;
    expect(did.slice(0, 4).toSorted()).to.deep.equal([
      'db-1: db answers',
      'db-1: install db',
      'db-2: db answers',
      'db-2: install db',
    ]);
    expect(did.slice(4).toSorted()).to.deep.equal(['web-1: sync', 'web-2: sync']);
    expect(marked.size).to.equal(0);
    const { hosts, run } = await played.deployment();
    expect(hosts.map(({ outcome }) => [outcome?.state, outcome?.run])).to.deep.equal(
      hosts.map(() => ['released', run]),
    );
    expect(watched?.progress.map(({ name, hosts: all, done }) => [name, all, done])).to.deep.equal([
      ['prepare', 4, 4],
      ['db', 2, 2],
      ['web', 2, 2],
      ['release', 4, 4],
    ]);
    expect(played.happened).to.include('web-1 role: done');
  });

  it('staypuft:E-14 a second time there is nothing to do', async () => {
    await played.run();
    const before = played.hosts.did.length;
    expect(await played.run()).to.equal(null);
    expect(played.hosts.did.length).to.equal(before);
  });

  it('staypuft:E-04 staypuft:E-05 holds when a host fails, hosts beside it go on, and goes on from there when it is mended', async () => {
    played.hosts.answer = (host, script) => (host === 'db-2' && script === 'db answers' ? 3 : 0);
    const held = (await played.run()) as NonNullable<Awaited<ReturnType<Played['run']>>>;
    expect([held.state, exitOf(held)]).to.deep.equal(['holding', 44]);
    expect(held.failed).to.deep.equal([
      {
        host: 'db-2',
        phase: 'role',
        step: 'check db answers',
        text: 'check db answers failed: it ended with 3: said 3',
      },
    ]);
    expect(held.text).to.contain('not begun because of that: web').and.to.contain('d3 deployment retry shop');
    expect(played.hosts.marked.has('web-1')).to.equal(true);
    expect((await played.deployment()).hosts.find(({ host }) => host === 'db-2')?.outcome?.state).to.equal('failed');
    played.hosts.answer = () => 0;
    const decided = await played.with((_, ports) => retryHosts('shop', null, ports));
    expect(decided.hosts).to.deep.equal([{ host: 'db-2', phase: 'role', text: 'is tried again' }]);
    const done = await played.resume();
    expect([done.state, exitOf(done)]).to.deep.equal(['done', 0]);
    // The step that was done before is not done again.
    expect(played.hosts.did.filter((one) => one === 'db-2: install db')).to.have.length(1);
    expect(played.hosts.did.filter((one) => one === 'db-2: db answers')).to.have.length(2);
  });

  it('staypuft:E-06 staypuft:E-12 a host is left out with a reason: the others are deployed, and it ends as partly done', async () => {
    played.hosts.answer = (host) => (host === 'db-2' ? 1 : 0);
    await played.run();
    const why = 'its disk is broken';
    await played.with((_, ports) => skipHost('shop', { host: 'db-2', step: false, why }, ports));
    const done = await played.resume();
    expect([done.state, exitOf(done)]).to.deep.equal(['done', 40]);
    expect((await played.deployment()).hosts.map(({ host, outcome }) => [host, outcome?.state])).to.deep.include([
      'web-1',
      'released',
    ]);
    const { lines } = await played.with((_, ports) => logOf('shop', 'db-2', ports));
    expect(lines.some(({ text }) => text.includes(why) && text.includes('sally'))).to.equal(true);
  });

  it('staypuft:E-07 is cancelled: nothing more begins, and what is under way is ended on its host', async () => {
    played.hosts.answer = (host, script) => (host === 'db-1' && script.includes('install db') ? 'hangs' : 0);
    const running = played.run();
    await until(() => played.hosts.did.includes('db-1: install db'));
    await played.with((_, ports) => cancelDeployment('shop', 'wrong rack', ports, pause));
    const watched = (await running) as NonNullable<Awaited<typeof running>>;
    expect([watched.state, exitOf(watched)]).to.deep.equal(['cancelled', 1]);
    expect(played.hosts.ended).to.include('db-1');
    expect(played.hosts.did.some((one) => one.startsWith('web'))).to.equal(false);
    // And it can be run anew.
    played.hosts.answer = () => 0;
    expect((await played.run())?.state).to.equal('done');
  });

  it('staypuft:E-07 is cancelled when its controller is gone: work that goes on is ended by whoever cancels, of Puppet too, and told where it cannot be', async () => {
    played.close();
    played = await Played.open(
      { ...SHOP, roles: [{ name: 'db', steps: [{ puppet: {} }] }, ...SHOP.roles.slice(1)] },
      { 'db-1': 'db', 'db-2': 'db', 'web-1': 'web' },
    );
    played.hosts.answer = (_, script) => (script.includes('--detailed-exitcodes') ? 'hangs' : 0);
    const stop = new AbortController();
    const running = played.run(EVERYONE, stop.signal);
    await until(() => played.hosts.did.length === 2);
    stop.abort(new Error('stopped'));
    await running.catch(() => undefined);
    expect(played.hosts.ended).to.deep.equal([]);
    played.hosts.answer = (host) => (host === 'db-2' ? 'unreachable' : 0);
    const { hosts } = await played.with((_, ports) => cancelDeployment('shop', 'wrong rack', ports, pause));
    expect(played.hosts.ended).to.deep.equal(['db-1']);
    const told = Object.fromEntries(hosts.map(({ host, text }) => [host, text]));
    expect(told).to.include({
      'db-1': 'is ended',
      'db-2': 'is ended, but what it began there may go on: db-2 cannot be reached.',
    });
  });

  it('staypuft:E-07 is cancelled while a host is out of reach on which work goes on: that is ended once it is reached', async () => {
    played.hosts.answer = (host, script) => (host === 'db-1' && script.includes('install db') ? 'hangs' : 0);
    const stop = new AbortController();
    const running = played.run(EVERYONE, stop.signal);
    await until(() => played.hosts.did.includes('db-1: install db'));
    stop.abort(new Error('stopped'));
    await running.catch(() => undefined);
    // Whoever goes on does not reach it: the step waits for another try.
    played.hosts.answer = (host) => (host === 'db-1' ? 'unreachable' : 0);
    const second = new AbortController();
    const resumed = played.resume(second.signal);
    await until(() => played.hosts.lost > 0);
    await pause(1000);
    second.abort(new Error('stopped'));
    await resumed.catch(() => undefined);
    played.hosts.answer = () => 0;
    await played.with((_, ports) => cancelDeployment('shop', 'wrong rack', ports, pause));
    expect(played.hosts.ended).to.deep.equal(['db-1']);
  });

  it('staypuft:E-06 a host that is left out, and a step: what was begun of it is ended there', async () => {
    for (const step of [false, true]) {
      played.hosts.answer = (host, script) => (host === 'db-1' && script.includes('install db') ? 'hangs' : 0);
      played.hosts.did.length = 0;
      const stop = new AbortController();
      const running = played.run(EVERYONE, stop.signal);
      await until(() => played.hosts.did.includes('db-1: install db'));
      stop.abort(new Error('stopped'));
      await running.catch(() => undefined);
      played.hosts.ended.length = 0;
      await played.with((_, ports) => skipHost('shop', { host: 'db-1', step, why: 'no disk' }, ports));
      expect(played.hosts.ended).to.deep.equal(['db-1']);
      await played.with((_, ports) => cancelDeployment('shop', 'the next', ports, pause));
    }
  });

  it('staypuft:E-05 goes on after its controller was stopped in the middle of a step, which is found again', async () => {
    played.hosts.answer = (host, script) => (host === 'db-1' && script.includes('install db') ? 'hangs' : 0);
    const stop = new AbortController();
    const running = played.run(EVERYONE, stop.signal);
    await until(() => played.hosts.did.includes('db-1: install db'));
    stop.abort(new Error('stopped'));
    await running.catch(() => undefined);
    expect(played.hosts.ended).to.deep.equal([]);
    played.hosts.finish('db-1', 0);
    const done = await played.resume();
    expect(done.state).to.equal('done');
    expect(played.hosts.did.filter((one) => one === 'db-1: install db')).to.have.length(1);
  });

  it('hands hosts over whose role is done while their run holds', async () => {
    played.hosts.answer = (host, script) => (host === 'web-1' && script.includes('d3 sync') ? 1 : 0);
    expect((await played.run())?.state).to.equal('holding');
    expect([...played.hosts.marked.keys()].toSorted()).to.deep.equal(['db-1', 'db-2', 'web-1', 'web-2']);
    const decided = await played.with(async (admin, ports) => {
      const begun = await releaseHosts('shop', null, ports);
      await admin.runs.work(begun.run, { abreast: 5 });
      return begun;
    });
    expect(decided.hosts.map(({ host }) => host)).to.deep.equal(['db-1', 'db-2', 'web-2']);
    expect([...played.hosts.marked.keys()]).to.deep.equal(['web-1']);
  });

  it('is followed from elsewhere as long as somebody works on it, and told as left when nobody does', async () => {
    await played.with(async (_, ports) => {
      const { run } = await beginRun('shop', EVERYONE, 10, ports);
      const at = (milliseconds: number) => ({ ...ports, clock: { now: () => new Date(Date.now() + milliseconds) } });
      expect(await standing('shop', run as string, at(0))).to.include({ state: 'running', isAdvanced: true });
      expect(await standing('shop', run as string, at(120_000))).to.include({ state: 'running', isAdvanced: false });
    });
  });

  it('staypuft:E-15 many hosts of one role are worked on at once, as many as the role says and no more', async () => {
    played.close();
    const abreast = 12;
    const names = Array.from({ length: 100 }, (_, n) => [`host-${n}`, 'all'] as const);
    const roles = [{ name: 'all', steps: ['sync'], abreast }];
    played = await Played.open({ ...SHOP, roles }, Object.fromEntries(names));
    played.abreast = 25;
    let [inFlight, most] = [0, 0];
    played.hosts.answer = async (_, script) => {
      if (!script.includes('d3 sync')) return 0;
      inFlight += 1;
      most = Math.max(most, inFlight);
      await pause(50);
      inFlight -= 1;
      return 0;
    };
    expect((await played.run())?.state).to.equal('done');
    expect([most, played.hosts.did.length, new Set(played.hosts.did).size]).to.deep.equal([abreast, 100, 100]);
  });

  it('staypuft:E-01 runs once at a time', async () => {
    await played.with(async (_, ports) => {
      const { run } = await beginRun('shop', EVERYONE, 10, ports);
      expect(run).to.be.a('string');
      const { problems } = await problemsOf(beginRun('shop', EVERYONE, 10, ports));
      expect(problems[0]).to.include({ code: 'DEPLOYMENT_RUNNING', exit: 'refused' });
    });
  });

  it('staypuft:M-26 says what hosts are, by what they were asked when they were reached', async () => {
    await played.run();
    const host = await played.with(async (admin) => (await admin.documents('host').byName('db-1'))?.body);
    expect(host?.['facts']).to.deep.equal({
      kernel: 'Linux',
      os: 'debian',
      cpus: 4,
      nics: [{ name: 'eth0', mac: '52:54:00:00:00:01' }],
    });
  });

  it('a host that is not reached fails in its own time, and is named', async () => {
    played.hosts.answer = (host) => (host === 'web-2' ? 'unreachable' : 0);
    const held = await played.run();
    const web = held?.failed.find(({ host }) => host === 'web-2');
    expect(web).to.include({ phase: 'prepare', step: 'wait until it is reached' });
    expect(web?.text).to.contain('web-2 could not be reached within 5 s');
    expect(held?.text).to.contain('web: 0 of 2 done, 1 failed (web-2)');
  });
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks > 1000) throw new Error('it never came about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
