import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { D3Error, type ProgressEvent } from '@d3/sdk';
import { expect } from 'chai';
import { installTrigger, removeTrigger } from '../../../src/client/triggers.ts';
import { machinePaths } from '../../../src/platform/paths.ts';
import type { ProgramCall } from '../../../src/platform/program.ts';
import { advance } from '../src/advance.ts';
import { consoleNow } from '../src/asking/presence.ts';
import { begin } from '../src/begin.ts';
import { bootstrapFiles } from '../src/bootstrap.ts';
import { companionFiles } from '../src/companion.ts';
import { lockFiles } from '../src/lock/files.ts';
import { Memory } from '../src/memory.ts';
import { paused } from '../src/paused.ts';
import { waitUntilReady } from '../src/readiness.ts';
import { isAsked } from '../src/rules/start.ts';
import { haveShown } from '../src/screen-here.ts';
import { languageOf, readTexts, TEXTS } from '../src/screens/texts.ts';
import { type SetUp, setUp } from '../src/set-up.ts';
import { World } from './support/world.ts';

const away = () => new D3Error('DEPOT_AWAY', 'depotUnreachable', 'The depot does not answer.');

describe('a machine that is set up from an image', () => {
  function waiting(answers: readonly (D3Error | null)[], seconds: number) {
    let at = 0;
    let turn = 0;
    const said: string[] = [];
    const pauses: number[] = [];
    const waited = waitUntilReady({
      parts: {
        ports: {
          signal: new AbortController().signal,
          sync: {
            pending: async () => {
              const answer = answers[Math.min(turn, answers.length - 1)] ?? null;
              turn += 1;
              if (answer !== null) throw answer;
              return [];
            },
            run: async () => ({ exit: 0, restart: [], failed: [], done: [] }),
          },
        },
      },
      seconds,
      say: (text) => void said.push(text),
      now: () => at,
      pause: async (long) => {
        pauses.push(long);
        at += long;
      },
    });
    return { waited, said, pauses };
  }

  it('patchoo:DS-03 patchoo:BS-10 looks every three seconds until it is enrolled and the depot answers, and says what it waits for', async () => {
    const none = new D3Error('NO_DEPOT', 'usage', 'No depot is known.');
    const key = new D3Error('UNAUTHENTICATED', 'notAuthorised', 'That needs a key.');
    const { waited, said, pauses } = waiting([none, none, key, away(), null], 3600);
    expect(await waited).to.equal(null);
    expect(pauses).to.deep.equal([3, 3, 3, 3]);
    expect(said).to.have.length(3);
    expect(said[0]).to.include('No depot is known.');
  });

  it('patchoo:DS-03 patchoo:DS-22 waits no longer than it may, and what is wrong on the machine itself is no reason to wait', async () => {
    const { waited, pauses } = waiting([away()], 7);
    expect(await waited).to.equal('The depot does not answer.');
    expect(pauses).to.deep.equal([3, 3, 1]);
    let code = '';
    await waiting([new D3Error('CONFIGURATION', 'usage', 'etc/d3.json is no JSON.')], 60).waited.catch(
      (error: D3Error) => {
        ({ code } = error);
      },
    );
    expect(code).to.equal('CONFIGURATION');
  });

  describe('what does so', () => {
    let root: string;
    const calls: ProgramCall[] = [];
    const ANSWER = { code: 0, signal: null, timedOut: false, stdout: '', stderr: '', cut: false, lastLines: [] };
    beforeEach(() => {
      root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
      calls.length = 0;
    });
    afterEach(() => rmSync(root, { recursive: true, force: true }));

    const trigger = (platform: NodeJS.Platform, at = root) => ({
      paths: machinePaths(root, platform),
      plugin: '@d3/plugin-patchoo-deploy',
      root: at,
      platform,
      run: async (call: ProgramCall) => {
        calls.push(call);
        return ANSWER;
      },
    });
    const everything = () =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(plist|service)$/.test(name));

    it('patchoo:DS-03 is there from the first start, and goes without a trace', async () => {
      for (const [platform, file] of [
        ['darwin', 'Library/LaunchDaemons/org.d3.provision.setup.plist'],
        ['linux', 'etc/systemd/system/d3-provision-setup.service'],
      ] as const) {
        const files = companionFiles('/opt/d 3/d3', platform);
        await installTrigger(files, trigger(platform), { dryRun: false, now: false });
        expect(everything()).to.deep.equal([file]);
        const text = readFileSync(path.join(root, file), 'utf8');
        for (const word of ['provision', 'setup', '--wait', '4h', '--no-input']) expect(text).to.include(word);
        await removeTrigger(files, trigger(platform), { dryRun: false, leaveRunning: true });
        expect(everything(), platform).to.deep.equal([]);
      }
      expect(existsSync(root)).to.equal(true);
    });

    it('patchoo:DS-04 what is laid down begins at the next start, or at once without being waited for, as it is wanted', async () => {
      const linux = trigger('linux', '/');
      const said = () => calls.splice(0).map(({ args }) => args.join(' '));
      await installTrigger(lockFiles('/usr/local/bin/d3', 'linux'), linux, { dryRun: false, now: false });
      expect(said()).to.deep.equal(['daemon-reload', 'enable d3-provision-lock.service']);
      await installTrigger(lockFiles('/usr/local/bin/d3', 'linux'), linux, { dryRun: false, now: true });
      expect(said()).to.deep.equal(['daemon-reload', 'enable --now --no-block d3-provision-lock.service']);
      const mac = trigger('darwin', '/');
      await installTrigger(bootstrapFiles('/usr/local/bin/d3', 'darwin'), mac, { dryRun: false, now: false });
      expect(said(), 'launchd reads it at the next start').to.deep.equal([]);
      await installTrigger(bootstrapFiles('/usr/local/bin/d3', 'darwin'), mac, { dryRun: false });
      expect(said().map((line) => line.split(' ')[0])).to.deep.equal(['bootout', 'bootstrap']);
    });
  });
});

describe('a machine that waits to be set up', () => {
  /** Nobody is there. @param signal whether it is told to stop */
  function waiting(world: World, signal: AbortSignal): SetUp {
    const parts = world.process(null);
    Object.assign(parts.ports, { root: '/srv/machine', signal, session: { user: async () => null } });
    return {
      request: { mode: 'deploy', by: 'sally', enrolment: 'new', again: false },
      parts,
      ports: parts.ports as SetUp['ports'],
      context: { canAsk: false } as SetUp['context'],
      answers: null,
      wait: 3600,
    };
  }
  const SETUP = companionFiles('').files.map(({ name }) => name);
  const isThere = (world: World) => SETUP.some((name) => world.laid.has(name));

  it('restarts nothing when it is told to stop, and begins anew at the next start', async () => {
    const world = new World({ silent: 86_400 });
    const how = waiting(world, AbortSignal.abort(new Error('stopped')));
    await how.ports.triggers.install(companionFiles('/usr/local/bin/d3'), { dryRun: false });
    let why = '';
    await setUp(how).catch((error: Error) => {
      why = error.message;
    });
    expect([why, world.happened, world.armed, isThere(world)]).to.deep.equal(['stopped', [], true, true]);
  });

  it('is not begun beside what goes on with it: it takes itself away when that is past its beginning', async () => {
    const world = new World({ assigned: null, policies: {} });
    const how = waiting(world, new AbortController().signal);
    await how.ports.triggers.install(companionFiles('/usr/local/bin/d3'), { dryRun: false });
    await begin(how.request, how.parts);
    await advance(how.parts, { stays: false, by: 'sally' });
    expect((await world.status()).state).to.equal('holding');
    expect(await setUp(how)).to.equal(null);
    expect([world.happened, world.armed, isThere(world)]).to.deep.equal([[], true, false]);
  });
});

describe('what is kept of a deployment', () => {
  /** Somebody else writes right after it was looked at. */
  const meanwhile = (world: World, write: () => void) => {
    let left = 1;
    return new Memory({
      get: (key) => {
        const seen = world.values.get(key) ?? null;
        if (left-- > 0) write();
        return seen;
      },
      set: (key, value, version) => {
        if ((world.values.get(key)?.version ?? 0) !== version)
          throw new D3Error('STATE_CONFLICT', 'refused', 'somebody was faster');
        const stored = { value, version: version + 1 };
        world.values.set(key, stored);
        return stored;
      },
    });
  };
  const request = { mode: 'deploy', by: 'sally', enrolment: 'new', again: false } as const;

  it('loses nothing that another process decides at the same moment', async () => {
    const world = new World();
    const { id: run } = (await begin(request, world.process(null))).run;
    const override = { by: 'sally', at: world.now.toISOString(), why: 'enough' };
    const memory = meanwhile(world, () => world.memory.change(run, () => ({ override })));
    memory.warn(run, 'the webhook is away');
    const { override: kept, warnings } = world.memory.of(run);
    expect([kept, warnings]).to.deep.equal([override, ['the webhook is away']]);
  });

  it('is begun once: of two that begin at the same moment one is told so', async () => {
    const world = new World();
    const other = new World();
    await begin(request, other.process(null));
    const theirs = other.memory.of(other.memory.deployment()?.run as string);
    const parts = world.process(null);
    const memory = meanwhile(world, () => world.memory.begin(theirs, null));
    let code = '';
    await begin(request, { ...parts, memory }).catch((error: D3Error) => {
      ({ code } = error);
    });
    expect([code, world.memory.deployment()?.run]).to.deep.equal(['STATE_CONFLICT', theirs.run]);
  });
});

describe('who is asked', () => {
  it('patchoo:DS-07 patchoo:BS-19 patchoo:BS-20 patchoo:BS-28 whoever is logged in, and Setup Assistant’s user; at the login window, without a screen and in a root folder nobody', async () => {
    const user = { kind: 'user', uid: 501, gid: 20, environment: {} } as const;
    for (const [root, name, session, there, asked] of [
      ['/', 'anna', user, 'user', true],
      ['/', '_mbsetupuser', user, 'setup-assistant', true],
      ['/', null, { kind: 'login' }, 'nobody', false],
      ['/', null, { kind: 'none', reason: 'no screen' }, 'nobody', false],
      ['/srv/machine', 'anna', user, 'nobody', false],
    ] as const) {
      const found = await consoleNow(root, name, async () => session);
      expect([found, isAsked('interactive', found)], String(name)).to.deep.equal([there, asked]);
    }
  });
});

describe('what shows first', () => {
  function showing(event: string | null, there: readonly boolean[], root = '/') {
    const ran: string[] = [];
    const said: ProgressEvent[] = [];
    let looks = 0;
    const had = haveShown(
      {
        settings: { show: [], showEvent: event },
        ports: {
          root,
          ui: (line) => void said.push(line),
          policies: {
            run: async (word) => {
              ran.push(word);
              return { state: 'failed', text: 'it exited with 3' };
            },
          },
        },
      },
      () => there[Math.min(looks++, there.length - 1)] === true,
      'darwin',
    );
    return { had, ran, said };
  }

  it('patchoo:IN-05 is installed by an event where it is missing, looked for again, and what stays missing is said', async () => {
    for (const [event, there, runs, warnings] of [
      [null, [false], [], 0],
      ['installcd', [true], [], 0],
      ['installcd', [false, false], ['installcd'], 1],
    ] as const) {
      const { had, ran, said } = showing(event, there);
      await had;
      expect([ran, said.length]).to.deep.equal([runs, warnings]);
      if (warnings > 0)
        expect(JSON.stringify(said)).to.include('swiftDialog is still not there').and.include('exited with 3');
    }
    const folder = showing('installcd', [false], '/srv/machine');
    await folder.had;
    expect(folder.ran, 'a root folder has no screen').to.deep.equal([]);
  });
});

describe('texts by language', () => {
  it('patchoo:IN-13 those of the language that is spoken count before those of none, the nearer before the wider', () => {
    const set = [
      'lock.title=A',
      'de:lock.title=B',
      'de-CH:lock.title=C',
      'fr:skip=Passer',
      'de:exists.text=%s: schon da',
    ];
    const titles = [null, 'de', 'de-CH', 'de-AT', 'fr', 'en-DE'].map(
      (language) => readTexts(set, language)['lock.title'],
    );
    expect(titles).to.deep.equal(['A', 'B', 'C', 'B', 'A', 'A']);
    expect(readTexts(set, 'fr').skip).to.equal('Passer');
    expect(readTexts(set, 'de').skip).to.equal(TEXTS.skip);
    expect(() => readTexts(['de:lock.titel=x'], 'fr'), 'a wrong one is said whatever is spoken').to.throw(
      /no text lock.titel/,
    );
    expect(languageOf({ language: 'pt-BR' }, {})).to.equal('pt-BR');
    expect(languageOf({ language: null }, { LANG: 'de_CH.UTF-8' })).to.equal('de-CH');
    for (const LANG of ['C', 'POSIX', '', 'C.UTF-8']) expect(languageOf({ language: null }, { LANG })).to.equal(null);
  });
});

describe('a machine that is deployed', () => {
  it('patchoo:BS-08 is kept awake while it goes on, and no longer, however that ends', async () => {
    for (const fails of [false, true]) {
      const told: string[] = [];
      const run = { id: 'r-1', state: 'running', steps: [], cursor: 0, endedAt: null };
      const parts = {
        memory: { deployment: () => ({ run: 'r-1', end: null }), of: () => ({ history: [] }) },
        ports: {
          root: '/',
          power: {
            awake: async <Result>(work: () => Promise<Result>): Promise<Result> => {
              told.push('awake');
              try {
                return await work();
              } finally {
                told.push('over');
              }
            },
          },
          runs: {
            get: async () => run,
            hurry: async () => false,
            advance: async () => {
              told.push('advanced');
              if (fails) throw away();
              return run;
            },
          },
        },
      };
      await advance(parts as unknown as Parameters<typeof advance>[0], { stays: false, by: 'sally' }).catch(
        (error: D3Error) => told.push(error.code),
      );
      expect(told).to.deep.equal(['awake', 'advanced', 'over', ...(fails ? ['DEPOT_AWAY'] : [])]);
    }
  });

  it('a pause is over when it is told to stop', async () => {
    const stop = new AbortController();
    const begun = performance.now();
    setTimeout(() => stop.abort(), 20);
    await paused(60, stop.signal);
    await paused(60, stop.signal);
    expect(performance.now() - begun).to.be.lessThan(5000);
  });
});
