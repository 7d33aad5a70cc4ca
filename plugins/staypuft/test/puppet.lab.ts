import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { PluginContext, StepAnswer, StepPayload } from '@d3/sdk';
import { expect } from 'chai';
import { until } from '../../../test/support/waiting.ts';
import { agentKind } from '../src/kinds/agent.ts';
import { puppetKind } from '../src/kinds/puppet.ts';
import type { WithPuppet } from '../src/puppet/parts.ts';
import { AGENT_RESOURCES } from '../src/puppet/rules.ts';
import { LocalHost, targetNamed } from './support/local-host.ts';
import { PuppetLab } from './support/puppet-lab.ts';
import { RECORDED } from './support/stand-in-puppet.ts';

type Handled = Extract<StepAnswer, { handled: true }> & { data?: unknown };

const MINUTES = 60_000;

/** The real agent and a real puppetserver of Debian; one server for all of it. */
/** Ends what Puppet began and left; where all of it has ended, there is nothing to end. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe('Puppet, for real', function () {
  this.timeout(10 * MINUTES);
  const lab = new PuppetLab();
  const host = new LocalHost();
  const programs = new Map<string, string>();
  let index = 0;

  before(async () => {
    await lab.start();
    for (const name of ['web-1', 'web-2', 'web-3']) programs.set(name, lab.host(name));
  });

  after(async () => {
    await host.close();
    lab.remove();
  });

  /** A step from its beginning to its end; what it waits for is not waited for. @param foreman whether the host is in Foreman */
  async function step(kind: 'puppet' | 'agent', name: string, args: object, { foreman = true, most = 9 } = {}) {
    const withPuppet: WithPuppet = (_ctx, work) =>
      work({
        remote: host,
        target: async () => targetNamed(name, { foreman: foreman ? '1' : null }),
        classifier: lab,
        limits: { run: 300, wait: 60 },
        agentResources: AGENT_RESOURCES,
        programs: [programs.get(name) as string],
      });
    const one = (kind === 'puppet' ? puppetKind : agentKind)(withPuppet);
    const answers: Handled[] = [];
    const lines: string[] = [];
    const ui = (event: { text?: string }) => void lines.push(event.text ?? '');
    index += 1;
    for (let data: unknown = null; answers.length < most; ) {
      const payload = {
        kind: '',
        args: { deployment: 'd', host: name, ...args },
        run: 'r',
        index,
        attempt: answers.length + 1,
        data,
      };
      const context = { ui, signal: new AbortController().signal } as unknown as PluginContext;
      const answer = (await one.run(payload as unknown as StepPayload, context)) as Handled;
      answers.push(answer);
      if (answer.outcome !== 'later') break;
      data = answer.data;
    }
    return { answers, last: answers.at(-1) as Handled, lines };
  }

  function role(name: string, more: Record<string, string | number | boolean> = {}) {
    return { site_web: { file: lab.web(name), ...more }, d3_agent: { runmode: 'none' } };
  }

  it('staypuft:S2-13 staypuft:P-10 staypuft:P-13 in the environment of waiting, with the management class alone, just the agent is put off', async () => {
    writeFileSync(lab.service('web-1'), '');
    const { last } = await step('agent', 'web-1', { is: 'off', environment: 'discovery' });
    expect(last).to.include({ outcome: 'done', text: 'the agent is off now, and nothing else changed' });
    expect(existsSync(lab.service('web-1'))).to.equal(false);

    const again = await step('agent', 'web-1', { is: 'off', environment: 'discovery' });
    expect(again.last).to.include({ outcome: 'done', text: 'the agent was off already, and nothing changed' });
  });

  it('staypuft:P-02 staypuft:P-06 in production it is what its role says, after as many runs as that takes', async () => {
    lab.say('web-1', { environment: 'production', classes: role('web-1') });
    const { answers, last, lines } = await step('puppet', 'web-1', { puppet: { environment: 'production' } });
    expect(answers.map(({ outcome }) => outcome)).to.deep.equal(['later', 'done']);
    expect(last.text).to.include('web-1.web');
    expect(lines.join('\n')).to.include('Applied catalog in');
    expect(lab.read(lab.web('web-1'))).to.equal('served');
  });

  it('staypuft:P-08 staypuft:P-11 staypuft:P-07 staypuft:D-05 what fails is named, whatever report somebody else leaves meanwhile', async () => {
    lab.say('web-1', { environment: 'production', classes: role('web-1', { fails: true }) });
    const foreign = lab.of('web-1', 'var/state/last_run_report.yaml');
    mkdirSync(path.dirname(foreign), { recursive: true });
    const leaving = setInterval(() => copyFileSync(`${RECORDED}/unchanged.yaml`, foreign), 100);
    const { last } = await step('puppet', 'web-1', { puppet: { rounds: 1 } }).finally(() => clearInterval(leaving));
    expect(last.outcome).to.equal('failed');
    expect(last.text).to.include('Exec[/bin/false] failed').and.to.include('Notify[never] was skipped');
  });

  it('staypuft:D-06 tried again, Puppet runs again', async () => {
    lab.say('web-1', { environment: 'production', classes: role('web-1') });
    const { last } = await step('puppet', 'web-1', { puppet: {} });
    expect(last).to.include({ outcome: 'done' });
  });

  it('staypuft:S2-16 staypuft:S1-14 staypuft:P-09 on again: anything else that changes fails it; after that, it is on', async () => {
    rmSync(lab.web('web-1'));
    const { last } = await step('agent', 'web-1', { is: 'on' });
    expect(last.outcome).to.equal('failed');
    expect(last.text).to.include(`File[${lab.web('web-1')}] changed, and nothing but Service[puppet]`);

    const again = await step('agent', 'web-1', { is: 'on' });
    expect(again.last).to.include({ outcome: 'done', text: 'the agent was on already, and nothing changed' });
    expect(existsSync(lab.service('web-1'))).to.equal(true);
  });

  it('staypuft:P-04 a disabled agent is told with its reason', async () => {
    const program = programs.get('web-1') as string;
    execFileSync(program, ['agent', '--disable', 'the disk is full'], { stdio: 'ignore' });
    const { last } = await step('puppet', 'web-1', { puppet: {} });
    execFileSync(program, ['agent', '--enable'], { stdio: 'ignore' });
    expect(last.text).to.include('disabled, because: the disk is full');
  });

  it('staypuft:P-03 staypuft:D-13 a run that is under way is waited for; ended only where the step says so', async () => {
    lab.say('web-2', { environment: 'production', classes: role('web-2', { busy: 600 }) });
    const other = spawn(
      programs.get('web-2') as string,
      ['agent', '--onetime', '--no-daemonize', '--waitforcert', '0'],
      {
        stdio: 'ignore',
        detached: true,
      },
    );
    try {
      await until('the other run is under way', () => existsSync(lab.web('web-2')), 4 * MINUTES);
      const waiting = await step('puppet', 'web-2', { puppet: {} }, { most: 1 });
      expect(waiting.last).to.include({ outcome: 'later', seconds: 10 });
      expect(other.exitCode).to.equal(null);

      lab.say('web-2', { environment: 'production', classes: role('web-2') });
      const ending = await step('puppet', 'web-2', { puppet: { running: 'end' } });
      expect(ending.last).to.include({ outcome: 'done' });
    } finally {
      endGroup(other.pid as number);
    }
  });

  it('staypuft:P-11 staypuft:D-09 a node nobody knows has no catalog, and no old one is taken', async () => {
    lab.say('web-1', null);
    const { answers, last } = await step('puppet', 'web-1', { puppet: {} });
    expect(answers).to.have.length(1);
    expect(last.outcome).to.equal('failed');
    expect(last.text)
      .to.match(/web-1/)
      .and.to.match(/applied no catalog|did not come to a run/);
  });

  it('staypuft:P-12 staypuft:P-13 without a server the module that comes with d3 is applied, held to the same', async () => {
    writeFileSync(lab.service('web-3'), '');
    const { last } = await step('agent', 'web-3', { is: 'off' }, { foreman: false });
    expect(last).to.include({ outcome: 'done', text: 'the agent is off now, and nothing else changed' });
    expect(existsSync(lab.service('web-3'))).to.equal(false);
  });

  it('staypuft:P-13 any other word than none and service fails the catalog', async () => {
    lab.say('web-1', { environment: 'discovery', classes: { d3_agent: { runmode: 'sometimes' } } });
    const { last } = await step('puppet', 'web-1', { puppet: {} });
    expect(last.outcome).to.equal('failed');
    expect(last.text).to.include("runmode' expects a match for Enum['none', 'service']");
  });
});
