import type { Json, PluginContext, StepAnswer, StepPayload } from '@d3/sdk';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { factsOf } from '../src/hosts/facts.ts';
import { readyKind } from '../src/kinds/ready.ts';
import { stepKind } from '../src/kinds/step.ts';
import type { Kind } from '../src/kinds.ts';
import { markOf } from '../src/mark.ts';
import type { Remote, RemoteEnd } from '../src/ssh-port.ts';
import type { Host } from '../src/types.ts';

const MINUTE = 60_000;

/** One host whose boot id a test says, and a clock that only steps move. */
class OneHost {
  boot: string | null = 'image';
  now = Date.parse('2026-01-01T00:00:00Z');
  restarts = 0;
  unreachable = false;
  answers: Record<string, number> = {};
  readonly host: Host;
  settings: Record<string, Json> = { 'deployment.readySeconds': 1800, 'deployment.graceSeconds': 60 };

  constructor(kind: Host['kind']) {
    const common = {
      port: 22,
      user: 'root',
      proxy: null,
      computer: null,
      foreman: null,
      hostKeys: [],
      facts: {},
    } as const;
    this.host = { schema: 'd3/host@1', kind, address: 'h', ...common, hostKeys: [], facts: {} };
  }

  remote(): Remote {
    const end = (code: number): RemoteEnd => ({ code, timedOut: false, output: '' });
    const look = async (script: string) => {
      if (this.unreachable) throw new D3Error('SSH_UNREACHABLE', 'failed', 'h cannot be reached.');
      if (script.includes('reboot')) this.restarts += 1;
      return end(this.answers[script.trim()] ?? 0);
    };
    return {
      work: (_target, { script }) => look(script),
      look: (_target, script) => look(script),
      find: async () => null,
      end: async () => undefined,
      forget: async () => undefined,
      bootId: async () => this.boot,
      close: async () => undefined,
    };
  }

  context(): PluginContext {
    const documents = () => ({
      byName: async () => ({ id: 1, name: 'h', generation: 1, body: this.host }),
      update: async () => undefined,
    });
    return {
      admin: { documents },
      settings: { all: async () => this.settings },
      clock: { now: () => new Date(this.now) },
      signal: new AbortController().signal,
      ui: () => undefined,
    } as unknown as PluginContext;
  }

  /** Advances a step as the engine does. @param between what happens while it waits, by how often it did */
  async step(kind: Kind, args: Record<string, Json>, between: (times: number) => void = () => undefined) {
    let data: Json = null;
    const texts: string[] = [];
    for (let times = 1; times < 10_000; times += 1) {
      const payload = {
        kind: '',
        args: { deployment: 'shop', host: 'h', ...args },
        run: 'r',
        index: 0,
        attempt: times,
        environment: {},
        data,
      };
      const answer = (await kind.run(payload as unknown as StepPayload, this.context())) as Extract<
        StepAnswer,
        { handled: true }
      >;
      texts.push(answer.text);
      if (answer.outcome !== 'later') return { answer, texts, times };
      data = answer.data ?? data;
      this.now += Math.max(1000, answer.seconds * 1000);
      between(times);
    }
    throw new Error('it never ends');
  }
}

describe('steps of deployments on one host', () => {
  const ready = (one: OneHost) => readyKind(async () => one.remote());
  const step = (one: OneHost) => stepKind(async () => one.remote());

  it('staypuft:S1-10 one that was installed may settle for a minute once it answers, and is waited for again when it restarts meanwhile', async () => {
    const one = new OneHost('discovered');
    one.boot = null;
    const began = one.now;
    const { answer, texts } = await one.step(ready(one), {}, (times) => {
      if (times === 3) one.boot = 'first';
      if (times === 8) one.boot = 'second';
    });
    expect(answer).to.include({ outcome: 'done', text: 'reached, started as second' });
    expect(texts.filter((text) => text.includes('does not answer'))).to.have.length(3);
    // From the second start on it was a minute.
    expect(one.now - began).to.be.at.least(8 * 5000 + MINUTE);
  });

  it('one that has its system already is worked on as soon as it answers', async () => {
    const one = new OneHost('registered');
    expect((await one.step(ready(one), {})).times).to.equal(1);
  });

  it('staypuft:E-08 waits as long as it is set to, and begins to count anew when it is tried again', async () => {
    const one = new OneHost('ssh');
    one.boot = null;
    one.settings['deployment.readySeconds'] = 30;
    const began = one.now;
    for (const times of [1, 2]) {
      const { answer } = await one.step(ready(one), {});
      expect(answer).to.include({ outcome: 'failed', text: 'h could not be reached within 30 s' });
      expect(one.now - began).to.be.within(times * 30_000, times * 40_000);
    }
  });

  it('staypuft:E-09 a host that is away for a while fails nothing; one that stays away does', async () => {
    const one = new OneHost('ssh');
    const args = { role: 'web', step: { wait: { until: 'true' } } };
    one.unreachable = true;
    const back = await one.step(step(one), args, (times) => {
      if (times === 3) one.unreachable = false;
    });
    expect(back.answer.outcome).to.equal('done');
    one.unreachable = true;
    const began = one.now;
    const gone = await one.step(step(one), args);
    expect([gone.answer.outcome, gone.answer.text]).to.deep.equal(['failed', 'h cannot be reached.']);
    expect(one.now - began).to.be.within(5 * MINUTE, 6 * MINUTE);
  });

  it('staypuft:D-10 staypuft:D-11 a restart is one only when the boot id is another: told once, gone in time, back in time', async () => {
    const args = { role: 'web', step: { reboot: true } };
    const one = new OneHost('ssh');
    const { answer } = await one.step(step(one), args, (times) => {
      if (times === 4) one.boot = null;
      if (times === 8) one.boot = 'another';
    });
    expect([answer.outcome, one.restarts]).to.deep.equal(['done', 1]);
    const stays = new OneHost('ssh');
    const refused = await stays.step(step(stays), args);
    expect(refused.answer.text).to.equal('h was told to restart and still runs as before after 300 s');
    const lost = new OneHost('ssh');
    const never = await lost.step(step(lost), args, (times) => {
      if (times === 4) lost.boot = null;
    });
    expect(never.answer.text).to.equal('h did not come back within 1800 s after its restart');
  });

  it('staypuft:S1-05 a board restarts a host only where the step says so: one that hangs, too, and told once', async () => {
    const args = { role: 'web', step: { reboot: 'bmc' } };
    const one = new OneHost('ssh');
    const cycled: string[] = [];
    const kind = stepKind(
      async () => one.remote(),
      async ({ name }) => void cycled.push(name),
    );
    one.boot = null;
    const hung = await one.step(kind, args, (times) => {
      if (times === 5) one.boot = 'another';
    });
    expect([hung.answer.outcome, cycled, one.restarts]).to.deep.equal(['done', ['h'], 0]);
    const stays = await one.step(kind, args);
    expect(stays.answer.text).to.equal('h was told to restart and still runs as before after 300 s');
    expect(cycled).to.have.length(2);
    one.boot = 'first';
    await one.step(kind, { role: 'web', step: { reboot: true } }, (times) => {
      if (times === 4) one.boot = 'second';
    });
    expect([cycled.length, one.restarts]).to.deep.equal([2, 1]);
  });

  it('waits so many seconds, and until a command ends well, for as long as the step says', async () => {
    const one = new OneHost('ssh');
    const began = one.now;
    await one.step(step(one), { role: 'web', step: { wait: { seconds: 90 } } });
    expect(one.now - began).to.be.within(90_000, 92_000);
    one.answers['never'] = 1;
    const { answer } = await one.step(step(one), {
      role: 'web',
      step: { wait: { until: 'never', every: 7 }, timeout: 60 },
    });
    expect(answer.text).to.contain('waited 60 s in vain');
  });
});

describe('the mark of a deployment', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const file = (body: unknown, more: { uid?: number; mode?: number } = {}) => ({
    bytes: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    uid: 0,
    mode: 0o644,
    modifiedAt: now,
    ...more,
  });
  const good = { schema: 'd3/deployment-mark@1', deployment: 'shop', run: 'r', until: '2026-01-02T00:00:00Z' };

  it('holds a sync back until its time is over, and only when nobody else could have made it', () => {
    expect(markOf(file(good), now, 1000)).to.deep.equal({ deployment: 'shop', until: good.until });
    expect(markOf(file(good, { uid: 1000 }), now, 1000)).not.to.equal(null);
    for (const other of [
      null,
      file(good, { uid: 7 }),
      file(good, { mode: 0o666 }),
      file({ ...good, until: '2025-12-31T23:59:59Z' }),
      file({ ...good, until: 'never' }),
      file({ ...good, schema: 'd3/deployment-mark@2' }),
      file('{'),
      file('null'),
      file([good]),
    ])
      expect(markOf(other, now, 1000)).to.equal(null);
  });
});

describe('facts that hosts say of themselves', () => {
  it('staypuft:M-26 are taken line by line, and nothing of what else a host prints', () => {
    const said = [
      'Welcome to web-1!',
      'kernel=Linux',
      'cpus=8',
      'memory=16384',
      'os=debian',
      'osVersion=12',
      'disk=sda 2048',
      'disk=sdb x',
      'nic=eth0 52:54:00:00:00:01',
      'nic=eth1 none',
      'cpus=many',
      '__proto__=x',
      `os=${'x'.repeat(300)}`,
      'hostname=\u001b[2J',
    ].join('\n');
    expect(factsOf(said)).to.deep.equal({
      kernel: 'Linux',
      cpus: 8,
      memoryBytes: 16384 * 1024,
      os: 'debian',
      osVersion: '12',
      disks: [{ name: 'sda', bytes: 1024 * 1024 }],
      nics: [{ name: 'eth0', mac: '52:54:00:00:00:01' }],
    });
  });
});
