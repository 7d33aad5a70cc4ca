import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { FilesPort, HostileFile, StepHere, TriggerFiles } from '@d3/sdk';
import { type Form, ScriptedScreen, type View } from '@d3/show';
import { expect } from 'chai';
import { installTrigger, removeTrigger } from '../../../src/client/triggers.ts';
import { machinePaths } from '../../../src/platform/paths.ts';
import type { ProgramCall } from '../../../src/platform/program.ts';
import { problemsOf } from '../../../test/support/errors.ts';
import { CodeGate, readCode } from '../src/lock/code.ts';
import { lockFiles } from '../src/lock/files.ts';
import { actionsFor, type Decided, keepLocked, type LockParts } from '../src/lock/lock.ts';
import { LogLine } from '../src/lock/log-line.ts';
import { readTexts, TEXTS } from '../src/screens/texts.ts';
import { type LockFacts, lockView } from '../src/screens/views.ts';

const NOW = new Date('2026-11-28T12:00:00Z');
const texts = readTexts([]);

function step(name: string, state: StepHere['state'], text = ''): StepHere {
  return {
    name,
    kind: 'provision-event',
    args: {},
    state,
    required: true,
    attempts: 1,
    startedAt: null,
    endedAt: null,
    text,
    notBefore: null,
    skipped: null,
  };
}

function facts(changed: Partial<Omit<LockFacts, 'run'>> & { run?: Partial<LockFacts['run']> } = {}): LockFacts {
  const { run, ...rest } = changed;
  return {
    run: {
      id: 'r-1',
      state: 'running',
      text: '',
      isAdvanced: true,
      cursor: 1,
      createdAt: '2026-11-28T11:00:00Z',
      steps: [
        step('check-in', 'done', 'in order'),
        step('deploy', 'started', 'Installing Chrome'),
        step('deploy-studio', 'pending'),
      ],
      ...run,
    },
    hold: null,
    trouble: null,
    serial: 'C02XK1YZJGH5',
    said: null,
    ...rest,
  };
}

const parts = { texts, icon: null, contact: 'Service desk, 4711', logLine: null, now: NOW };

describe('what the lock shows', () => {
  it('patchoo:BS-12 patchoo:BS-17 the base message, the steps with their states and how far it is', () => {
    expect(lockView(facts(), parts)).to.deep.equal({
      title: TEXTS['lock.title'],
      message: TEXTS['lock.text'],
      newest: 'Installing Chrome',
      icon: null,
      steps: [
        { name: 'check-in', state: 'done', note: 'in order' },
        { name: 'deploy', state: 'running', note: 'Installing Chrome' },
        { name: 'deploy-studio', state: 'waiting' },
      ],
      bar: { done: 1, total: 3 },
      facts: [],
    } satisfies View);
  });

  it('patchoo:BS-13 what the run says comes before the line of a log, which is put on one line', () => {
    const logLine = '17:47:14 MY HOST jamf[21302]\n\nInstalling Acrobat.pkg...';
    const quiet = facts({ run: { steps: [step('deploy', 'started')], cursor: 0 } });
    expect(lockView(quiet, { ...parts, logLine }).newest).to.equal(
      '17:47:14 MY HOST jamf[21302] – Installing Acrobat.pkg...',
    );
    expect(lockView({ ...quiet, said: { at: '', text: 'Reading the record' } }, { ...parts, logLine }).newest).to.equal(
      'Reading the record',
    );
    expect(lockView(quiet, parts).newest).to.equal('');
  });

  it('patchoo:BS-16 one that holds says what is missing, its code, whom to call and for how long', () => {
    const hold = { since: '2026-11-28T10:48:00Z', missing: ['Build', 'Department'] };
    const view = lockView(facts({ hold }), parts);
    expect(view.message).to.equal(`${TEXTS['lock.text']}\n\n${TEXTS['hold.text']}`);
    expect([view.steps, view.bar]).to.deep.equal([[], null]);
    expect(view.facts.map(({ label, value }) => [label, value])).to.deep.equal([
      ['Code', view.facts[0]?.value],
      ['Serial number', 'C02XK1YZJGH5'],
      ['Missing', 'Build, Department'],
      ['Contact', 'Service desk, 4711'],
      ['Waiting for', '1 h 12 min'],
    ]);
    expect(view.facts[0]?.value).to.match(/^[A-Z2-9]{6}$/);
  });

  it('patchoo:BS-09 one that waits for a server says so, why and for how long', () => {
    const trouble = { since: '2026-11-28T11:59:15Z', text: 'The depot does not answer: connection refused.' };
    const view = lockView(facts({ trouble }), parts);
    expect(view.message).to.include(TEXTS['lock.waiting']).and.include(trouble.text);
    expect(view.facts).to.deep.equal([{ label: 'Waiting for', value: '45 s' }]);
  });

  it('patchoo:BS-27 one that nothing works on says that, and a restart is said', () => {
    expect(lockView(facts({ run: { isAdvanced: false } }), parts).message).to.include(TEXTS['lock.dead']);
    expect(lockView(facts({ run: { state: 'waiting', isAdvanced: false } }), parts).message).to.include(
      TEXTS['lock.restarting'],
    );
  });

  it('one that failed stays locked with what failed, its code and whom to call', () => {
    const steps = [step('check-in', 'done'), step('deploy', 'failed', 'the policy fonts failed: exited 3')];
    const view = lockView(
      facts({ run: { state: 'holding', isAdvanced: false, text: 'deploy failed 3 times', steps } }),
      parts,
    );
    expect(view.title).to.equal(TEXTS['failed.title']);
    expect(view.message).to.equal(`${TEXTS['failed.text']}\n\ndeploy failed 3 times`);
    expect(view.facts.map(({ label }) => label)).to.deep.equal(['Code', 'Serial number', 'Contact', 'Failed']);
    expect(view.steps[1]).to.deep.equal({ name: 'deploy', state: 'failed', note: 'the policy fonts failed: exited 3' });
  });
});

describe('the lock', () => {
  class LockScreen extends ScriptedScreen {
    escape: { label: string; form: Form } | null = null;

    override lock(view: View, escape: { label: string; form: Form } | null = null): void {
      this.escape = escape;
      super.lock(view);
    }
  }

  function locked(states: readonly (LockFacts | null | Error)[], changed: Partial<LockParts> = {}) {
    const screen = new LockScreen({});
    const said: string[] = [];
    const decided: Decided[] = [];
    const filled: string[] = [];
    const pauses: number[] = [];
    let turn = 0;
    const all: LockParts = {
      screen,
      texts,
      icon: null,
      contact: null,
      facts: async () => {
        const state = states[Math.min(turn, states.length - 1)];
        turn += 1;
        if (state instanceof Error) throw state;
        return state ?? null;
      },
      logLine: async () => null,
      isCode: null,
      can: ['fill', 'retry', 'skip', 'release'],
      decide: async (one) => void decided.push(one),
      fill: async (by) => void filled.push(by),
      say: (line) => void said.push(line),
      now: () => NOW,
      pause: async (seconds) => void pauses.push(seconds),
      every: 3,
      signal: new AbortController().signal,
      ...changed,
    };
    return { screen, said, decided, filled, pauses, run: () => keepLocked(all) };
  }

  const newest = (screen: LockScreen) =>
    screen.events.flatMap((event) => (event.kind === 'view' ? [event.view.newest] : []));

  it('patchoo:BS-07 patchoo:BS-13 patchoo:BS-29 stands at once, looks every three seconds, asks no server, and ends with the deployment', async () => {
    const { screen, pauses, run } = locked([facts(), facts({ said: { at: '', text: 'Installing Slack' } }), null]);
    expect(await run()).to.equal('over');
    expect(newest(screen)).to.deep.equal(['Installing Chrome', 'Installing Slack']);
    expect(pauses).to.deep.equal([3, 3]);
    expect(screen.events.every((event) => event.kind === 'view' && event.locked)).to.equal(true);
  });

  it('patchoo:BS-25 what cannot be read lets nobody in: the last that was known stands, and it is said once', async () => {
    const failure = new Error('the state is busy');
    const { screen, said, run } = locked([facts(), failure, failure, null]);
    await run();
    expect(newest(screen)).to.have.length(3);
    expect(said.filter((line) => line.includes('the state is busy'))).to.have.length(1);
  });

  it('patchoo:BS-21 goes on where nothing can show, and says what could not', async () => {
    const { said, run } = locked([facts(), null]);
    await run();
    expect(said).to.deep.equal(['shown by: none']);
  });

  it('patchoo:BS-27 ends when it is stopped', async () => {
    const stop = new AbortController();
    const { run, screen } = locked([facts()], {
      signal: stop.signal,
      pause: async () => {
        if (newest(screen).length === 3) stop.abort();
      },
    });
    expect(await run()).to.equal('stopped');
  });

  it('patchoo:BS-22 without a code there is no way out; with one it takes the code, what, who and why, and does it before it says so', async () => {
    const none = locked([facts(), null]);
    await none.run();
    expect(none.screen.escape).to.equal(null);
    const { screen, decided, said, run } = locked(
      [facts({ hold: { since: NOW.toISOString(), missing: ['Build'] } }), null],
      {
        isCode: async (code) => code === '4711',
      },
    );
    await run();
    const form = screen.escape?.form as Form;
    expect(form.fields.map(({ name, kind }) => [name, kind])).to.deep.equal([
      ['code', 'text'],
      ['what', 'choice'],
      ['who', 'text'],
      ['why', 'text'],
    ]);
    expect(form.fields[0]).to.deep.include({ secret: true });
    const values = { code: '1111', what: 'release', who: 'alice', why: 'it is the studio’s' };
    expect(await form.check?.(values, 'do')).to.deep.equal({ code: TEXTS['escape.wrong'] });
    expect(decided).to.deep.equal([]);
    expect(await form.check?.({ ...values, code: '4711' }, 'do')).to.equal(null);
    expect(decided).to.deep.equal([{ action: 'release', by: 'alice', why: 'it is the studio’s' }]);
    expect(said.at(-1)).to.equal('alice has the code and decides: release (it is the studio’s)');
    expect(said.join()).to.not.include('4711');
    expect(form.limit).to.deep.include({ button: 'cancel' });
  });

  it('patchoo:HP-10 the form is opened over the lock, which goes on under it without a second way out; what goes wrong is said', async () => {
    let close: (error?: Error) => void = () => undefined;
    const hold = facts({ hold: { since: NOW.toISOString(), missing: ['Build'] } });
    const filled: string[] = [];
    let turn = 0;
    const escapes: boolean[] = [];
    const { screen, said, run } = locked([hold, hold, hold, hold, null], {
      isCode: async () => true,
      fill: (by) =>
        new Promise((resolve, reject) => {
          filled.push(by);
          close = (error) => (error === undefined ? resolve() : reject(error));
        }),
      pause: async () => {
        escapes.push(screen.escape !== null);
        turn += 1;
        const values = { code: '4711', what: 'fill', who: 'alice', why: 'she knows it' };
        if (turn === 1) expect(await screen.escape?.form.check?.(values, 'do')).to.equal(null);
        if (turn === 2) close(new Error('the depot does not answer'));
      },
    });
    await run();
    expect(filled).to.deep.equal(['alice']);
    expect(escapes).to.deep.equal([true, false, true, true]);
    expect(said).to.include('what this machine is could not be filled in: the depot does not answer');
  });

  it('patchoo:HP-10 what can be decided is what makes sense now', () => {
    expect(actionsFor(facts())).to.deep.equal(['release']);
    expect(actionsFor(facts({ hold: { since: '', missing: [] } }))).to.deep.equal(['fill', 'release']);
    expect(actionsFor(facts({ run: { state: 'holding' } }))).to.deep.equal(['retry', 'skip', 'release']);
  });
});

describe('the code of the lock', () => {
  const file = (changed: Partial<HostileFile> & { text?: string } = {}): Pick<FilesPort, 'read'> => ({
    read: async () => ({
      bytes: Buffer.from(changed.text ?? ' 4711-q \n'),
      uid: 0,
      mode: 0o600,
      modifiedAt: NOW,
      ...changed,
    }),
  });

  it('patchoo:SQ-02 is taken from a file of root’s alone, and from no other', async () => {
    expect(await readCode(file(), '/etc/d3.lock', 0)).to.equal('4711-q');
    for (const [wrong, why] of [
      [file({ mode: 0o640 }), /others may read or change it/],
      [file({ mode: 0o602 }), /others may read or change it/],
      [file({ uid: 501 }), /somebody else’s/],
      [file({ text: '12' }), /four letters/],
      [{ read: async () => null }, /no plain file/],
    ] as const) {
      let message = '';
      const read = readCode(wrong, '/etc/d3.lock', 0).catch((error: Error) => {
        ({ message } = error);
        throw error;
      });
      const { exitCode } = await problemsOf(read);
      expect(exitCode).to.equal(30);
      expect(message).to.match(why);
    }
  });

  it('patchoo:BS-22 patchoo:SQ-04 is not found out by trying: after three wrong ones each costs more time, also the right one', async () => {
    let now = 0;
    const gate = new CodeGate(
      async () => '4711',
      () => now,
    );
    expect([await gate.isCode('1'), await gate.isCode('2'), await gate.isCode('3')]).to.deep.equal([
      false,
      false,
      false,
    ]);
    expect(await gate.isCode('4711')).to.equal(30);
    now += 29_500;
    expect(await gate.isCode('4711')).to.equal(1);
    now += 500;
    expect(await gate.isCode('4')).to.equal(false);
    expect(await gate.isCode('4711')).to.equal(60);
    now += 60_000;
    expect(await gate.isCode(' 4711 ')).to.equal(true);
    expect(await gate.isCode('5')).to.equal(false);
  });
});

describe('the newest line of a log', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'd3-test-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const line = (text: string) => `Fri Oct 24 17:47:14 MY HOST jamf[21302]: ${text}\n`;
  const shown = (text: string) => `17:47:14 MY HOST jamf[21302]\n\n${text}`;

  it('patchoo:BS-13 patchoo:BS-14 is followed through growth, rotation and emptying; what is passed over steps back, an empty log shows nothing', async () => {
    const log = new LogLine(root, '/jamf.log', ['Checking for policies triggered by']);
    const file = path.join(root, 'jamf.log');
    expect(await log.newest()).to.equal(null);
    writeFileSync(file, '');
    expect(await log.newest()).to.equal(null);
    appendFileSync(file, line('Installing Chrome.pkg...'));
    expect(await log.newest()).to.equal(shown('Installing Chrome.pkg...'));
    appendFileSync(file, line('Checking for policies triggered by "deploy"...'));
    expect(await log.newest()).to.equal(shown('Installing Chrome.pkg...'));
    appendFileSync(file, line('Installing Slack').slice(0, -1));
    expect(await log.newest(), 'a line that is being written').to.equal(shown('Installing Chrome.pkg...'));
    appendFileSync(file, '.pkg...\n');
    expect(await log.newest()).to.equal(shown('Installing Slack.pkg...'));
    renameSync(file, `${file}.0`);
    expect(await log.newest()).to.equal(shown('Installing Slack.pkg...'));
    writeFileSync(file, line('Installing Word.pkg...'));
    expect(await log.newest()).to.equal(shown('Installing Word.pkg...'));
    truncateSync(file, 0);
    appendFileSync(file, line('New'));
    expect(await log.newest()).to.equal(shown('New'));
  });

  it('patchoo:BS-14 of a log of any size its end is read only, and one with nothing to show ends the look back', async () => {
    const file = path.join(root, 'jamf.log');
    writeFileSync(file, line('old').repeat(20_000) + line('Installing Chrome.pkg...'));
    expect(await new LogLine(root, '/jamf.log', []).newest()).to.equal(shown('Installing Chrome.pkg...'));
    writeFileSync(file, line('Checking for policies triggered by "x"').repeat(20_000));
    expect(await new LogLine(root, '/jamf.log', ['Checking for policies']).newest()).to.equal(null);
  });
});

describe('what starts the lock', () => {
  let root: string;
  let calls: ProgramCall[];
  beforeEach(() => {
    root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'd3-test-')));
    calls = [];
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const trigger = (platform: NodeJS.Platform) => ({
    root,
    paths: machinePaths(root, platform),
    platform,
    plugin: '@d3/plugin-patchoo-deploy',
    run: async (call: ProgramCall) => {
      calls.push(call);
      return { code: 0, signal: null, timedOut: false, stdout: '', stderr: '', cut: false, lastLines: [] };
    },
  });
  const everything = () =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));

  async function laid(platform: NodeJS.Platform): Promise<TriggerFiles> {
    const files = lockFiles('/opt/d 3/d3', platform);
    await installTrigger(files, trigger(platform), { dryRun: false });
    for (const file of everything()) {
      const about = statSync(path.join(root, file));
      expect([about.mode & 0o7777, about.uid], file).to.deep.equal([0o644, process.getuid?.()]);
      expect(readFileSync(path.join(root, file), 'utf8'), file).to.equal(
        readFileSync(path.join(import.meta.dirname, 'goldens', path.basename(file)), 'utf8'),
      );
    }
    return files;
  }

  it('patchoo:BS-01 patchoo:BS-04 patchoo:BS-18 patchoo:BS-19 patchoo:BS-20 is an agent of a Mac’s login window and a daemon for sessions, root’s and 0644, word for word', async () => {
    await laid('darwin');
    expect(everything().sort()).to.deep.equal([
      'Library/LaunchAgents/org.d3.provision.lock.plist',
      'Library/LaunchDaemons/org.d3.provision.lock.session.plist',
    ]);
    expect(calls).to.deep.equal([]);
  });

  it('patchoo:BS-18 is a unit in the place of the display manager on Linux, word for word, as systemd reads it', async () => {
    await laid('linux');
    expect(everything()).to.deep.equal(['etc/systemd/system/d3-provision-lock.service']);
  });

  it('patchoo:BS-26 goes without a trace', async () => {
    for (const platform of ['darwin', 'linux'] as const) {
      const files = await laid(platform);
      await removeTrigger(files, trigger(platform), { dryRun: false });
      expect(everything(), platform).to.deep.equal([]);
      expect(existsSync(root)).to.equal(true);
    }
  });
});
