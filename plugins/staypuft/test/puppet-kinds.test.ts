import type { PluginContext, StepAnswer, StepPayload } from '@d3/sdk';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { until } from '../../../test/support/waiting.ts';
import { agentKind } from '../src/kinds/agent.ts';
import { puppetKind } from '../src/kinds/puppet.ts';
import { workId } from '../src/kinds/work-id.ts';
import type { PuppetParts, WithPuppet } from '../src/puppet/parts.ts';
import { AGENT_RESOURCES } from '../src/puppet/rules.ts';
import type { Target } from '../src/ssh-port.ts';
import type { Classifier, Host } from '../src/types.ts';
import { LocalHost, targetNamed } from './support/local-host.ts';
import { StandInPuppet } from './support/stand-in-puppet.ts';

type Handled = Extract<StepAnswer, { handled: true }> & { data?: unknown; seconds?: number };

const RUN = '0f6f2a53-8f39-4b8e-a6df-6a0f0d2f3c11';

interface Site {
  puppet: StandInPuppet;
  host: LocalHost;
  lines: string[];
  said: string[];
  /** Advances a step as the engine does: what it remembers is handed in again. @param most how often it is begun */
  step: (kind: 'puppet' | 'agent', args: object, most?: number) => Promise<{ answers: Handled[]; last: Handled }>;
}

describe('Puppet on hosts', () => {
  const open: Site[] = [];

  afterEach(async () => {
    for (const { puppet, host } of open.splice(0)) {
      await host.close();
      puppet.remove();
    }
  });

  function site(runs: readonly string[], more: Partial<PuppetParts> & { host?: Partial<Host> } = {}): Site {
    const { host: record, ...parts } = more;
    const puppet = new StandInPuppet(runs);
    const host = new LocalHost({ HOME: puppet.folder, TMPDIR: puppet.folder });
    const lines: string[] = [];
    const said: string[] = [];
    const classifier: Classifier = {
      agent: async ({ name }, mode) => void said.push(`${name} ${mode}`),
      environment: async ({ name }, environment) => void said.push(`${name} in ${environment}`),
    };
    const withPuppet: WithPuppet = (_ctx, work) =>
      work({
        remote: host,
        target: async (name): Promise<Target> => targetNamed(name, record),
        classifier,
        limits: { run: 60, wait: 100 },
        agentResources: AGENT_RESOURCES,
        programs: [puppet.program],
        ...parts,
      });
    const kinds = { puppet: puppetKind(withPuppet), agent: agentKind(withPuppet) };
    const made: Site = {
      puppet,
      host,
      lines,
      said,
      async step(kind, args, most = 20) {
        const answers: Handled[] = [];
        for (let data: unknown = null; answers.length < most; ) {
          const answer = (await kinds[kind].run(
            payloadOf(args, answers.length + 1, data),
            contextOf(lines),
          )) as Handled;
          answers.push(answer);
          if (answer.outcome !== 'later') break;
          data = JSON.parse(JSON.stringify(answer.data));
        }
        return { answers, last: answers.at(-1) as Handled };
      },
    };
    open.push(made);
    return made;
  }

  describe('a run', () => {
    it('staypuft:P-02 staypuft:P-01 it is a run of its own, attached, of a fresh catalog, and all it prints is told', async () => {
      const { puppet, step, lines, host } = site(['agent-changed', 'agent-unchanged']);
      const { last } = await step('puppet', { puppet: {} });
      expect(last.outcome).to.equal('done');
      const [first = ''] = puppet.calls;
      for (const word of [
        'agent',
        '--onetime',
        '--no-daemonize',
        '--no-usecacheonfailure',
        '--detailed-exitcodes',
        '--no-splay',
        '--no-use_cached_catalog',
      ])
        expect(first.split(' ')).to.include(word);
      expect(lines.join('\n')).to.include('Notice: Applied catalog in').and.to.not.include('d3:');
      expect(host.calls.filter((call) => call.startsWith('work'))).to.have.length(2);
    });

    it('staypuft:P-06 rounds follow until nothing changes, three at most, and the last one has to succeed', async () => {
      const converges = site(['agent-changed', 'agent-unchanged', 'resource-failed']);
      const { answers, last } = await converges.step('puppet', { puppet: {} });
      expect(answers.map(({ outcome }) => outcome)).to.deep.equal(['later', 'done']);
      expect(answers[0]?.seconds).to.equal(0);
      expect(last.text).to.match(/^1 resource changed: File\[\/tmp\/rec\/motd\] \(environment production, 7\./);

      const recovers = site(['resource-failed', 'resource-failed', 'changed']);
      expect((await recovers.step('puppet', { puppet: {} })).answers.map(({ outcome }) => outcome)).to.deep.equal([
        'later',
        'later',
        'done',
      ]);

      const never = site(['changed', 'changed', 'resource-failed']);
      const end = await never.step('puppet', { puppet: {} });
      expect(end.last.outcome).to.equal('failed');
      expect(never.puppet.calls).to.have.length(3);

      const once = site(['resource-failed']);
      await once.step('puppet', { puppet: { rounds: 1 } });
      expect(once.puppet.calls).to.have.length(1);
    });

    it('staypuft:P-08 what failed is named, with what Puppet logged of it', async () => {
      const { step } = site(['resource-failed']);
      const { last } = await step('puppet', { puppet: {} });
      expect(last.outcome).to.equal('failed');
      expect(last.text)
        .to.include('web-1')
        .and.to.include("Exec[/bin/false] failed: change from 'notrun' to ['0'] failed");
      expect(last.text).to.include('File[/tmp/rec/y] was skipped because of something that failed');
    });

    it('staypuft:P-11 staypuft:D-17 failed restarts, noop and wrong environments are failures', async () => {
      const restart = await site(['restart-failed']).step('puppet', { puppet: { rounds: 1 } });
      expect(restart.last).to.include({ outcome: 'failed' });
      expect(restart.last.text).to.include('Service[d3fake] failed to restart');
      const noop = site(['noop']);
      expect((await noop.step('puppet', { puppet: {} })).last.text).to.include('noop');
      expect(noop.puppet.calls).to.have.length(1);
      const elsewhere = await site(['agent-changed']).step('puppet', { puppet: { environment: 'staging' } });
      expect(elsewhere.last.text).to.include('it applied environment production, not staging');
    });

    it('staypuft:D-09 a catalog that fails is not tried again; a host that does not answer is, with growing pauses', async () => {
      const catalog = site(['agent-catalog-failed']);
      const { answers, last } = await catalog.step('puppet', { puppet: {} });
      expect(answers).to.have.length(1);
      expect(last.text).to.include('it applied no catalog').and.to.include('nosuchclass');

      const far = site(['agent-unchanged']);
      far.host.cuts = 2;
      const tries = await far.step('puppet', { puppet: {} });
      expect(tries.answers.map(({ outcome, seconds }) => [outcome, seconds])).to.deep.equal([
        ['later', 15],
        ['later', 60],
        ['done', undefined],
      ]);
      const farther = site(['agent-unchanged']);
      farther.host.cuts = 9;
      const end = await farther.step('puppet', { puppet: {} });
      expect(end.answers).to.have.length(3);
      expect(end.last).to.include({ outcome: 'failed', text: 'The host web-1 does not answer.; see whether it runs' });
      expect(farther.host.calls).to.have.length(3);
    });

    it('staypuft:P-03 staypuft:D-13 another run is waited for, longer each time, up to a limit, and never ended unasked', async () => {
      const { step, puppet, host } = site(['agent-busy', 'agent-busy', 'agent-unchanged']);
      const { answers } = await step('puppet', { puppet: {} });
      expect(answers.map(({ outcome, seconds }) => [outcome, seconds])).to.deep.equal([
        ['later', 10],
        ['later', 20],
        ['done', undefined],
      ]);
      expect(puppet.calls.every((call) => call.startsWith('agent --onetime'))).to.equal(true);
      expect(host.calls.filter((call) => call.startsWith('end'))).to.deep.equal([]);

      const stuck = site(['agent-busy']);
      const end = await stuck.step('puppet', { puppet: {} });
      expect(end.answers.map(({ seconds }) => seconds)).to.deep.equal([10, 20, 40, 30, undefined]);
      expect(end.last.outcome).to.equal('failed');
      expect(end.last.text).to.include('for 100 seconds').and.to.include('running: end');
    });

    it('staypuft:P-04 a disabled agent is told with its reason, and is no other run', async () => {
      const { last, answers } = await site(['agent-disabled']).step('puppet', { puppet: {} });
      expect(answers).to.have.length(1);
      expect(last.text).to.include('disabled, because: somebody works here').and.to.include('puppet agent --enable');
    });

    it('what keeps it from a run is told by its own words: no server, no certificate, no agent', async () => {
      const server = await site(['agent-no-server']).step('puppet', { puppet: {} });
      expect(server.last.outcome).to.equal('failed');
      expect(server.last.text).to.match(/Connection refused|Failed to open TCP/);
      const certificate = await site(['agent-wrong-certificate']).step('puppet', { puppet: {} });
      expect(certificate.last.text).to.match(/did not come to a run|applied no catalog/);
      const none = await site(['changed'], { programs: ['/nowhere/puppet'] }).step('puppet', { puppet: {} });
      expect(none.last.text).to.include('no Puppet agent on web-1').and.to.include('openvox-agent');
    });

    it('staypuft:P-12 a manifest is applied without a server, and judged alike', async () => {
      const { step, puppet } = site(['changed', 'unchanged']);
      const text = "notify { 'it''s': }\nfile { '/x': }\n";
      expect((await step('puppet', { puppet: { apply: text } })).last.outcome).to.equal('done');
      expect(puppet.read('manifest')).to.equal(`${text}\n`);
      expect(puppet.calls[0]).to.match(/^apply .*--detailed-exitcodes/);
      const file = site(['unchanged']);
      await file.step('puppet', { puppet: { apply: "/srv/it's here.pp" } });
      expect(file.puppet.calls[0]).to.match(/ \/srv\/it's here\.pp$/);
      const failing = site(['resource-failed']);
      expect((await failing.step('puppet', { puppet: { apply: text } })).last.outcome).to.equal('failed');
    });

    it('only what a step names may change', async () => {
      const named = site(['changed', 'unchanged']);
      expect((await named.step('puppet', { puppet: { only: ['file[/tmp/rec/motd]'] } })).last.outcome).to.equal('done');
      const other = site(['changed']);
      const { last } = await other.step('puppet', { puppet: { only: ['Service[nginx]'] } });
      expect(last.text).to.include('File[/tmp/rec/motd] changed, and nothing but Service[nginx] may');
      expect(other.puppet.calls).to.have.length(1);
    });
  });

  describe('its report', () => {
    it('staypuft:P-07 staypuft:D-05 it is where nobody else writes: reports of other runs, before and meanwhile, are not taken', async () => {
      const { step, puppet } = site(['?agent-unchanged']);
      const running = step('puppet', { puppet: {} });
      await until('Puppet runs', () => puppet.read('begun') === '');
      const places = puppet.calls.map((call) => /--lastrunreport (\S+)/.exec(call)?.[1]);
      expect(places[0]).to.match(/\/d3-puppet\.[^/]+\/report$/);
      puppet.write('go');
      expect((await running).last.outcome).to.equal('done');
      const again = await step('puppet', { puppet: {} });
      expect(again.last.outcome).to.equal('done');
      expect(/--lastrunreport (\S+)/.exec(puppet.calls.at(-1) ?? '')?.[1]).to.not.equal(places[0]);
    });

    it('staypuft:D-05 a report that is that of a round before is none of this one', async () => {
      const { step, puppet } = site(['changed']);
      puppet.write('same');
      const { last } = await step('puppet', { puppet: {} });
      expect(last.outcome).to.equal('failed');
      expect(last.text).to.include('its report is that of an earlier run');
    });

    it('a run without a report where there should be one is nobody’s success', async () => {
      const { step, puppet } = site(['unchanged']);
      puppet.will(['agent-disabled']);
      expect((await step('puppet', { puppet: {} })).last.outcome).to.equal('failed');
    });
  });

  describe('cuts', () => {
    it('staypuft:D-06 a step that failed runs Puppet again when it is tried again', async () => {
      const { step, puppet } = site(['resource-failed', 'unchanged']);
      const first = await step('puppet', { puppet: { rounds: 1 } });
      expect(first.last.outcome).to.equal('failed');
      const again = await step('puppet', { puppet: { rounds: 1 } });
      expect(again.last.outcome).to.equal('done');
      expect(puppet.calls).to.have.length(2);
    });

    it('staypuft:D-06 what was remembered of a try that failed does not shorten the next one', async () => {
      const made = site(['resource-failed', 'resource-failed', 'resource-failed', 'resource-failed', 'unchanged']);
      const { answers } = await made.step('puppet', { puppet: {} });
      expect(answers.map(({ outcome }) => outcome)).to.deep.equal(['later', 'later', 'failed']);
      const { data } = answers[1] as Handled;
      const kind = kindOf(made);
      const retried = (await kind.run(payloadOf({ puppet: {} }, 4, data), contextOf([]))) as Handled;
      expect(retried).to.include({ outcome: 'later' });
      const last = (await kind.run(payloadOf({ puppet: {} }, 5, retried.data), contextOf([]))) as Handled;
      expect(last.outcome).to.equal('done');
    });

    it('a controller that goes leaves the run to itself; the next one finds it, and Puppet ran once', async () => {
      const made = site(['?agent-unchanged']);
      const leaving = new AbortController();
      const kind = kindOf(made);
      const first = kind.run(payloadOf({ puppet: {} }, 1, null), contextOf([], leaving.signal));
      await until('Puppet runs', () => made.puppet.read('begun') === '');
      leaving.abort(new Error('the controller stops'));
      const error = await first.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(Error);
      expect(await made.host.find(targetNamed('web-1'), workId(RUN, 2, 1))).to.equal('running');
      const second = kind.run(payloadOf({ puppet: {} }, 2, null), contextOf(made.lines));
      made.puppet.write('go');
      expect(await second).to.include({ outcome: 'done' });
      expect(made.puppet.calls).to.have.length(1);
      expect(made.lines.join('\n')).to.include('Applied catalog');
    });

    it('a run that was cancelled is ended on its host', async () => {
      const made = site(['?agent-unchanged']);
      const cancelling = new AbortController();
      const running = kindOf(made).run(payloadOf({ puppet: {} }, 1, null), contextOf([], cancelling.signal));
      await until('Puppet runs', () => made.puppet.read('begun') === '');
      cancelling.abort(new D3Error('RUN_CANCELLED', 'interrupted', 'somebody cancelled it'));
      await running.catch(() => undefined);
      expect(await made.host.find(targetNamed('web-1'), workId(RUN, 2, 1))).to.equal(null);
    });
  });

  describe('the agent', () => {
    const BY_FOREMAN = { host: { foreman: '17' } };

    it('staypuft:S2-13 staypuft:P-10 it is off after one run in the environment of waiting, and nothing else changed', async () => {
      const { step, said, puppet } = site(['agent-off'], BY_FOREMAN);
      const { last } = await step('agent', { is: 'off', environment: 'production' });
      expect(last).to.include({ outcome: 'done', text: 'the agent is off now, and nothing else changed' });
      expect(said).to.deep.equal(['web-1 in production', 'web-1 none']);
      expect(puppet.calls).to.have.length(1);
      expect(puppet.calls[0]).to.match(/^agent /);
    });

    it('staypuft:S2-16 staypuft:S1-14 staypuft:P-09 staypuft:A-16 on again is held to the same: anything else that changes fails it, and is named', async () => {
      const { step, said } = site(['agent-on-and-more'], BY_FOREMAN);
      const { last } = await step('agent', { is: 'on' });
      expect(last.outcome).to.equal('failed');
      expect(last.text).to.include('File[/tmp/rec/motd] changed, and nothing but Service[puppet]');
      expect(said).to.deep.equal(['web-1 service']);
      const right = site(['agent-on'], BY_FOREMAN);
      expect((await right.step('agent', { is: 'on' })).last.text).to.equal(
        'the agent is on now, and nothing else changed',
      );
    });

    it('staypuft:A-17 nothing to change is said, and only believed where the catalog wants just that', async () => {
      const already = await site(['agent-off-already'], BY_FOREMAN).step('agent', { is: 'off' });
      expect(already.last).to.include({ outcome: 'done', text: 'the agent was off already, and nothing changed' });
      const stale = await site(['agent-off-already'], BY_FOREMAN).step('agent', { is: 'on' });
      expect(stale.last.outcome).to.equal('failed');
      expect(stale.last.text).to.include('wants the agent off, not on');
      const unmanaged = await site(['agent-unchanged'], BY_FOREMAN).step('agent', { is: 'off' });
      expect(unmanaged.last.text).to.include('assign the class d3_agent');
    });

    it('staypuft:S2-13 a run in another environment than that of waiting does not count', async () => {
      const { last } = await site(['agent-off'], BY_FOREMAN).step('agent', { is: 'off', environment: 'discovery' });
      expect(last.text).to.include('it applied environment production, not discovery');
    });

    it('staypuft:P-13 without Foreman the module that comes with d3 is sent along and applied', async () => {
      const { step, puppet, said } = site(['agent-off']);
      expect((await step('agent', { is: 'off' })).last.outcome).to.equal('done');
      expect(said).to.deep.equal([]);
      expect(puppet.calls[0]).to.match(/^apply .*--modulepath \S+\/modules /);
      expect(puppet.read('manifest')).to.equal("class { 'd3_agent': runmode => 'none' }\n");
      expect(puppet.read('modules/d3_agent/manifests/init.pp')).to.include("Enum['none', 'service'] $runmode");
    });

    it('staypuft:P-11 it fails where a role would get another round', async () => {
      const { step, puppet } = site(['resource-failed', 'agent-off']);
      expect((await step('agent', { is: 'off' })).last.outcome).to.equal('failed');
      expect(puppet.calls).to.have.length(1);
    });

    it('a host of Foreman needs to know how that is reached', async () => {
      const { step, puppet } = site(['agent-off'], { ...BY_FOREMAN, classifier: null });
      expect((await step('agent', { is: 'off' })).last.text).to.include('foreman.url');
      expect(puppet.folder).to.be.a('string');
    });
  });

  function kindOf({ host, puppet }: Site) {
    return puppetKind((_ctx, work) =>
      work({
        remote: host,
        target: async (name) => targetNamed(name),
        classifier: null,
        limits: { run: 60, wait: 100 },
        agentResources: AGENT_RESOURCES,
        programs: [puppet.program],
      }),
    );
  }
});

function payloadOf(args: object, attempt: number, data: unknown): StepPayload {
  const payload = {
    kind: 'deploy-puppet',
    args: { deployment: 'shop', host: 'web-1', ...args },
    run: RUN,
    index: 2,
    attempt,
    environment: {},
    machine: {},
    data,
  };
  return payload as unknown as StepPayload;
}

function contextOf(lines: string[], signal = new AbortController().signal): PluginContext {
  const ui = (event: { type: string; text?: string }) => void lines.push(event.text ?? '');
  return { ui, signal } as unknown as PluginContext;
}
