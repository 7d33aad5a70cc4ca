import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { MachinePorts, PluginContext, ProgressEvent } from '@d3/sdk';
import { expect } from 'chai';
import { portsOf } from '../../../src/cli/plugin-ports.ts';
import { roomOfCommand } from '../../../src/client/room.ts';
import { ScriptBlobs } from '../../../src/client/script-blobs.ts';
import { contextOf } from '../../../src/lifecycle/plugins.ts';
import { execIn } from '../../../src/platform/exec.ts';
import { Sandbox, type SandboxMachine } from '../../../test/support/sandbox.ts';
import { scriptsPlugin } from '../../../test/support/scripts-plugin.ts';
import { type PuppyParts, type PuppyResult, puppytime } from '../src/puppytime.ts';
import type { Settings } from '../src/settings.ts';
import type { Show, ShowAnswer, ShowQuestion } from '../src/show/port.ts';

const SETTINGS: Settings = {
  notificationPolicy: null,
  notificationDays: 7,
  notificationText: '',
  notificationImage: null,
  rebootPolicy: null,
  optOutSeconds: 30,
  optOutText: 'It is time.',
  optOutImage: null,
  postponements: 2,
  warnings: 2,
  deadlineDays: 3,
  attempts: 2,
  batteryPercent: 50,
  powerMinutes: 1,
  show: {
    title: 'PuppyTime!',
    folder: null,
    captions: false,
    seconds: 8,
    size: null,
    texts: { caption: '', gone: '', over: '' },
    ways: null,
  },
};

const DAY = 86_400_000;

/** A real machine with real ports; what shows, the clock, and the power switch are the test's. */
describe('puppytime', function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let now: Date;
  let said: ProgressEvent[];
  let asked: ShowQuestion[];
  let shown: string[];
  let restarts: number;
  let boots: string;
  let answers: ShowAnswer[];

  beforeEach(async () => {
    now = new Date('2027-03-01T12:00:00Z');
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
    machine = machine.with({ plugins: scriptsPlugin(machine.machine.paths.work) });
    [said, asked, shown, restarts, boots, answers] = [[], [], [], 0, 'one', []];
  });
  afterEach(() => sandbox.remove());

  const facts = (changes: Record<string, unknown>) =>
    writeFileSync(path.join(machine.root, 'facts.json'), JSON.stringify({ processes: [], ...changes }));

  const queued = async (name: string, changes: object = {}) => {
    await sandbox.add(name, '1', { live: true, reboot: 'y', ...changes });
    expect((await machine.install([name])).exit).to.equal(0);
  };

  const waiting = () => machine.reading((state) => state.deferred().map(({ edition }) => edition.edition));

  const script = (name: string, ...lines: string[]) => {
    const file = path.join(sandbox.dir, name);
    writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
    return file;
  };

  const show = (): Show => ({
    way: () => (answers[0] === 'unasked' ? 'none' : 'page'),
    failed: () => [],
    ask: async (question) => {
      asked.push(question);
      return answers.shift() ?? question.byItself;
    },
    progress: ({ message, done, total }) => void shown.push(`${message} ${done}/${total}`),
    over: (message) => void shown.push(message),
    close: async () => void shown.push('closed'),
  });

  function context(signal: AbortSignal, changes: Partial<MachinePorts>): PluginContext {
    const { paths, depot } = machine.machine;
    const report = (event: ProgressEvent) => void said.push(event);
    const room = roomOfCommand({ paths, scripts: new ScriptBlobs(paths.scripts, depot), signal, report });
    const real = portsOf('puppytime', {
      paths,
      machine: async () => machine.machine,
      debug: false,
      parent: null,
      own: '/',
      signal,
      report,
    });
    const power: MachinePorts['power'] = {
      ...real.power,
      bootId: async () => boots,
      restart: async () => {
        restarts += 1;
        return true;
      },
    };
    const ports = () => ({ ...real, power, ...changes });
    return contextOf('puppytime', room, { exec: execIn(paths.work), ports, clock: { now: () => now } });
  }

  function run(
    changes: Partial<Settings> = {},
    parts: Partial<PuppyParts> = {},
    ports: Partial<MachinePorts> = {},
    signal = new AbortController().signal,
  ): Promise<PuppyResult> {
    return puppytime({
      ports: context(signal, ports),
      settings: { ...SETTINGS, ...changes },
      openShow: async () => show(),
      reboot: true,
      pause: async () => undefined,
      ...parts,
    });
  }

  it('is over at once when nothing waits, and shows nothing', async () => {
    expect((await run()).state).to.equal('nothing');
    expect([asked, shown, restarts]).to.deep.equal([[], [], 0]);
  });

  it('depot3:I05 depot3:I06 asks, installs one after another, says how far it is, and restarts', async () => {
    await queued('a');
    await queued('b');
    const result = await run();
    expect(result).to.deep.include({
      state: 'done',
      installed: ['a-1-1', 'b-1-1'],
      queue: [],
      restart: 'd3',
      show: 'page',
    });
    expect(asked.map(({ seconds, labels }) => [seconds, labels])).to.deep.equal([
      [30, { continue: 'Install now', postpone: 'Later' }],
    ]);
    expect(asked[0]?.text).to.equal('It is time.\na-1-1, b-1-1');
    expect(shown).to.deep.equal([
      'Installing a-1-1 0/2',
      'Installing b-1-1 1/2',
      'All done. The computer restarts now.',
      'closed',
    ]);
    expect([restarts, machine.read('opt/a/version'), machine.lies()]).to.deep.equal([1, '1', []]);
  });

  it('patchoo:UP-06 depot3:I06 "later" leaves all in the queue, at most so often; after a time through it may be said again', async () => {
    await queued('a');
    answers = ['postpone'];
    expect(await run()).to.deep.include({ state: 'postponed', queue: ['a-1-1'], restart: 'none' });
    answers = ['postpone'];
    expect((await run()).state).to.equal('postponed');
    expect(asked.at(-1)?.labels.postpone).to.equal('Later');
    const last = await run();
    expect(asked.at(-1)?.labels.postpone, 'no more').to.equal(null);
    expect([last.state, last.installed]).to.deep.equal(['done', ['a-1-1']]);
    await queued('b');
    await run();
    expect(asked.at(-1)?.labels.postpone).to.equal('Later');
  });

  it('depot3:I09 depot3:I08 a failing one stops no other, is tried so often, and leaves the queue with its reason in the report', async () => {
    await queued('a', { preInstall: script('pre', 'echo "no room for it"', 'exit 7') });
    await queued('b');
    const first = await run();
    expect(first.installed).to.deep.equal(['b-1-1']);
    expect(first.failed.map(({ edition, attempts, givenUp }) => [edition, attempts, givenUp])).to.deep.equal([
      ['a-1-1', 1, false],
    ]);
    expect([first.restart, restarts, waiting()]).to.deep.equal(['d3', 1, ['a-1-1']]);
    boots = 'two';
    const second = await run();
    expect(second.failed[0]).to.deep.include({ edition: 'a-1-1', attempts: 2, givenUp: true });
    expect([second.restart, restarts, waiting()], 'nothing was installed').to.deep.equal(['none', 1, []]);
    const gone = sandbox.reports().find(({ command }) => command === 'dequeue');
    expect(gone?.outcomes).to.have.length(1);
    expect(gone?.outcomes[0]).to.deep.include({ basename: 'a', edition: 'a-1-1', status: 'failed' });
    expect(gone?.outcomes[0]?.reason).to.match(/leaves the queue: it failed 2 times: .*exited 7/);
  });

  it('queueing it anew gives it all its tries again', async () => {
    await queued('a', { preInstall: script('pre', 'exit 7') });
    expect((await run()).failed[0]?.attempts).to.equal(1);
    await machine.install(['a'], { force: true });
    expect((await run()).failed[0]).to.deep.include({ attempts: 1, givenUp: false });
  });

  it('one that waits for a process is held: no failure, and no restart', async () => {
    await queued('a', { prohibitingProcesses: 'Editor' });
    facts({ processes: ['Editor'] });
    const result = await run();
    expect(result.held.map(({ edition }) => edition)).to.deep.equal(['a-1-1']);
    expect([result.failed, result.restart, waiting()]).to.deep.equal([[], 'none', ['a-1-1']]);
  });

  it('depot3:BUG-07 depot3:E11 is installed as it was asked for; its scripts see D3_RUNNING_PUPPYTIME', async () => {
    const post = script('post', 'env | grep ^D3_ | sort > "$1/seen"');
    await sandbox.add('a', '1', {
      live: true,
      reboot: 'y',
      postInstall: post,
      expiration: '90',
      expirationPaths: '/opt/a/a',
    });
    await machine.install(['a'], { admin: 'paul', expiration: 30 });
    await run();
    expect(machine.receipt('a')).to.deep.include({ admin: 'paul', customExpiration: 30 });
    expect(machine.read('seen'))
      .to.match(/^D3_ADMIN=paul$/m)
      .and.match(/^D3_RUNNING_PUPPYTIME=1$/m);
    await sandbox.add('b', '1', { live: true, postInstall: post });
    await machine.install(['b']);
    expect(machine.read('seen')).not.to.include('PUPPYTIME');
  });

  describe('depot3:I10 the restart', () => {
    const policies = (state: 'absent' | 'skipped' | 'failed' | 'ran', seen: [string, object][]) => ({
      policies: {
        run: async (word: string, environment: Readonly<Record<string, string>>) => {
          seen.push([word, environment]);
          return { state, text: `it is ${state}` };
        },
      },
    });

    it('depot3:BUG-22 is a policy’s where the settings name one, which sees D3_REBOOTING_PUPPIES', async () => {
      await queued('a');
      await queued('b');
      const seen: [string, object][] = [];
      const result = await run({ rebootPolicy: 'restart' }, {}, policies('ran', seen));
      expect([result.restart, restarts]).to.deep.equal(['policy', 0]);
      expect(seen).to.deep.equal([['restart', { D3_RUNNING_PUPPYTIME: '1', D3_REBOOTING_PUPPIES: 'a-1-1 b-1-1' }]]);
    });

    for (const state of ['absent', 'skipped', 'failed'] as const) {
      it(`depot3:BUG-23 is the ordinary one when the policy is ${state}: never neither`, async () => {
        await queued('a');
        const result = await run({ rebootPolicy: 'gone' }, {}, policies(state, []));
        expect([result.restart, restarts]).to.deep.equal(['d3', 1]);
        expect(said.filter(({ type }) => type === 'warning')).to.deep.equal([
          {
            type: 'warning',
            target: 'puppytime.rebootPolicy',
            text: `the policy did not restart the machine, so d3 does: it is ${state}`,
          },
        ]);
      });
    }

    it('depot3:BUG-23 the real thing: a policy that the depot does not have', async () => {
      await queued('a');
      const result = await run({ rebootPolicy: 'nobody-knows-it' });
      expect([result.restart, restarts]).to.deep.equal(['d3', 1]);
      expect(JSON.stringify(said)).to.include('nobody-knows-it');
    });

    it('is left out on request, is due until the machine was started anew, and not any more then', async () => {
      await queued('a');
      expect((await run({}, { reboot: false })).restart).to.equal('pending');
      expect([restarts, (await run({}, { reboot: false })).restart]).to.deep.equal([0, 'pending']);
      expect([(await run()).restart, restarts]).to.deep.equal(['d3', 1]);
      boots = 'two';
      expect((await run()).state).to.equal('nothing');
      expect(restarts).to.equal(1);
    });
  });

  describe('with somebody at the machine', () => {
    beforeEach(() => facts({ user: 'ann' }));

    it('asks, and nobody answering is "later"; begins only by their own choice', async () => {
      await queued('a');
      expect(await run()).to.deep.include({ state: 'warned', queue: ['a-1-1'] });
      expect(asked[0], 'what it answers by itself installs nothing').to.deep.include({
        labels: { continue: 'Install now', postpone: 'Later' },
        byItself: 'postpone',
      });
      answers = ['continue'];
      expect((await run()).installed).to.deep.equal(['a-1-1']);
      expect(restarts).to.equal(1);
    });

    it('patchoo:UP-07 patchoo:UP-09 patchoo:D-15 never runs in spite of them before the warnings and the deadline have passed; then it does', async () => {
      await queued('a');
      expect((await run()).state).to.equal('warned');
      expect((await run()).state, 'two warnings, no deadline').to.equal('warned');
      expect((await run()).state).to.equal('warned');
      now = new Date(now.getTime() + 3 * DAY - 1000);
      expect((await run()).state).to.equal('warned');
      now = new Date(now.getTime() + 1000);
      expect((await run()).state).to.equal('done');
      expect(asked.at(-1)?.labels).to.deep.equal({ continue: 'Install now', postpone: null });
      expect(asked.at(-1)?.text).to.include('save your work');
    });

    it('patchoo:UP-08 patchoo:IN-08 never runs when nothing can be shown, whatever has passed; that counts as no warning', async () => {
      await queued('a');
      for (let days = 0; days < 5; days += 1) {
        answers = ['unasked'];
        expect((await run()).state).to.equal('unasked');
        now = new Date(now.getTime() + 3 * DAY);
      }
      answers = [];
      expect((await run()).state, 'the first warning').to.equal('warned');
      answers = [];
      expect((await run()).state).to.equal('warned');
      now = new Date(now.getTime() + 30 * DAY);
      answers = ['unasked'];
      expect((await run()).state, 'overdue, but nobody could be told').to.equal('unasked');
      expect([waiting(), restarts]).to.deep.equal([['a-1-1'], 0]);
    });
  });

  it('somebody logging in stops it between packages: the rest waits, and nothing restarts under them', async () => {
    await queued('a', { postInstall: script('login', `echo '{"processes": [], "user": "ann"}' > "$1/facts.json"`) });
    await queued('b');
    const result = await run();
    expect(result).to.deep.include({ state: 'stopped', installed: ['a-1-1'], queue: ['b-1-1'], restart: 'pending' });
    expect(restarts).to.equal(0);
    facts({});
    const later = await run();
    expect(later).to.deep.include({ state: 'done', installed: ['b-1-1'], restart: 'd3' });
    expect(restarts).to.equal(1);
  });

  it('somebody who logs in during the last package is not restarted under', async () => {
    await queued('a', { postInstall: script('login', `echo '{"processes": [], "user": "ann"}' > "$1/facts.json"`) });
    expect((await run()).restart).to.equal('pending');
    expect(restarts).to.equal(0);
  });

  it('patchoo:UP-13 without power on a low battery it waits, says so, and leaves everything when the time is up', async () => {
    await queued('a');
    facts({ battery: { charging: false, percent: 20 } });
    const result = await run();
    expect(result).to.deep.include({ state: 'power', installed: [], queue: ['a-1-1'], restart: 'none' });
    expect(shown[0]).to.match(/plug the computer in.*20 %/);
    let looks = 0;
    const plugged = async () => {
      looks += 1;
      if (looks === 2) facts({ battery: { charging: true, percent: 20 } });
    };
    expect((await run({}, { pause: plugged })).installed).to.deep.equal(['a-1-1']);
  });

  it('goes on the next time after a stop, with what is left, and restarts for all of it', async () => {
    const abort = new AbortController();
    await queued('a');
    await queued('b');
    const stop = async () => {
      if (shown.at(-1) === 'Installing a-1-1 0/2' && machine.receipts().length === 1) abort.abort(new Error('killed'));
      return null;
    };
    const ports = { session: { user: stop } };
    const error = await run({}, {}, ports, abort.signal).catch((thrown: Error) => thrown);
    expect(error).to.be.an('error').with.property('message', 'killed');
    expect(shown.at(-1), 'the show does not stay').to.equal('closed');
    expect(waiting()).to.deep.equal(['b-1-1']);
    const seen: [string, object][] = [];
    const result = await run(
      { rebootPolicy: 'r' },
      {},
      {
        policies: {
          run: async (word, environment) => {
            seen.push([word, environment]);
            return { state: 'ran', text: '' };
          },
        },
      },
    );
    expect(result.installed).to.deep.equal(['b-1-1']);
    expect(seen[0]?.[1]).to.deep.include({ D3_REBOOTING_PUPPIES: 'a-1-1 b-1-1' });
  });

  it('depot3:I11 needs no depot: what waits was fetched and verified when it was queued', async () => {
    await queued('a');
    rmSync(sandbox.depot, { recursive: true });
    expect((await run()).installed).to.deep.equal(['a-1-1']);
  });

  it('one that settles itself by its script (111) leaves the queue and needs no restart', async () => {
    await queued('a', { preInstall: script('settle', 'exit 111') });
    const result = await run();
    expect(result).to.deep.include({ installed: ['a-1-1'], queue: [], restart: 'none' });
  });
});
