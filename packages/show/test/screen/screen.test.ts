import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Form, ScreenTaken, ScriptedScreen } from '@d3/show';
import { expect } from 'chai';
import { form, QUICK, runs, ScreenMachine, until, VIEW } from './machine.ts';

const CHILD = path.join(import.meta.dirname, 'screen-child.ts');

describe('a screen', () => {
  let machine: ScreenMachine;

  beforeEach(() => {
    machine = new ScreenMachine();
  });
  afterEach(async () => {
    expect(await machine.remove(), 'private folders left behind').to.deep.equal([]);
  });

  describe('in swiftDialog', () => {
    it('patchoo:D-27 patchoo:BS-17 patchoo:BS-15 shows steps with their states, and tells one window what changed, and nothing else', async () => {
      const screen = await machine.dialog().screen();
      screen.lock(VIEW, null);
      await screen.settled();
      expect([screen.way(), screen.failed()]).to.deep.equal(['swiftDialog', []]);
      const [shown] = machine.shown() as unknown as [{ listitem: object[] }];
      expect(shown).to.include({
        title: 'Mac is provisioning.',
        big: true,
        button1text: 'none',
        button1disabled: true,
      });
      expect(shown.listitem).to.deep.equal([
        { title: 'Check in', status: 'success', statustext: '\u200b' },
        { title: 'deploy', status: 'wait', statustext: 'Installing‚ please wait' },
        { title: 'deploy-studio', status: 'pending', statustext: '\u200b' },
      ]);
      await until('it was told', () => machine.commands().includes('progress: 33'));
      const before = machine.commands().length;
      screen.lock({ ...VIEW, newest: 'Installing Chrome' }, null);
      await screen.settled();
      await until('it was told more', () => machine.commands().length > before);
      expect(machine.commands().slice(before)).to.deep.equal(['progresstext: Installing Chrome']);
      const steps = VIEW.steps.map((step, index) =>
        index === 1 ? { ...step, state: 'done' as const, note: '' } : step,
      );
      screen.lock({ ...VIEW, newest: 'Installing Chrome', steps, bar: { done: 3, total: 3 } }, null);
      await screen.settled();
      await until('it was told the step', () => machine.commands().length >= before + 3);
      expect(machine.commands().slice(before + 1)).to.deep.equal([
        'progress: complete',
        'listitem: index: 1, status: success, statustext: \u200b',
      ]);
      expect(machine.said('dialog', 'started').filter(({ text }) => !text.includes('--version'))).to.have.length(1);
    });

    it('patchoo:BS-18 shows at the login window from 2.5 on only, and whoever is logged in needs no such version', async function () {
      if (process.getuid?.() !== 0) this.skip();
      const screen = await machine.dialog([], { version: '2.4.2.4755' }).jamfHelper().screen();
      screen.lock(VIEW, null);
      await screen.settled();
      expect(screen.way()).to.equal('jamfHelper');
      expect(screen.failed()).to.deep.include({
        way: 'swiftDialog',
        reason: 'swiftDialog 2.4 cannot show at the login window; 2.5 can',
      });
      await screen.close();
      for (const version of ['2.5.0.4768', '3.1.0']) {
        const newer = await machine.dialog([], { version }).screen();
        newer.lock(VIEW, null);
        await newer.settled();
        expect(newer.way(), version).to.equal('swiftDialog');
        const words = JSON.parse(machine.said('dialog', 'started').at(-1)?.text as string) as string[];
        expect(words).to.include.members(['--loginwindow', '--ontop', '--blurscreen', '--pid', String(process.pid)]);
        await newer.close();
      }
    });

    it('patchoo:AP-12 a secret that is asked for is in a pipe only: not on a command line, in an environment or in a file', async () => {
      const secret = 'tr0ub4dor & "3"';
      const screen = await machine
        .dialog([
          { code: 0, said: { user: 'alice smith', password: 'wrong one' } },
          { code: 0, said: { user: 'alice smith', password: secret } },
        ])
        .screen();
      const tried: string[] = [];
      const answer = await screen.ask(
        form({
          id: 'credentials',
          fields: [
            { kind: 'text', name: 'user', label: 'User name', value: '', secret: false, required: 'Who?' },
            { kind: 'text', name: 'password', label: 'Password', value: '', secret: true, required: 'Which?' },
          ],
          check: async ({ password = '' }) => {
            tried.push(password);
            return password === secret ? null : { '': 'The admin username or password was incorrect' };
          },
        }),
      );
      expect(answer).to.deep.equal({
        button: 'set',
        values: { user: 'alice smith', password: secret },
        by: 'person',
      });
      expect(tried).to.deep.equal(['wrong one', secret]);
      const [first, second] = machine.shown() as unknown as { textfield: object[]; message: string }[];
      expect(first?.textfield).to.deep.equal([
        { title: 'User name', name: 'user', secure: false, value: '' },
        { title: 'Password', name: 'password', secure: true },
      ]);
      // Asked again with the name that was typed and without the secret.
      expect(second?.textfield).to.deep.equal([
        { title: 'User name', name: 'user', secure: false, value: 'alice smith' },
        { title: 'Password', name: 'password', secure: true },
      ]);
      expect(second?.message).to.include('The admin username or password was incorrect');
      const everything = JSON.stringify(machine.said('dialog'));
      for (const text of [secret, 'tr0ub4dor', 'wrong one']) expect(everything).to.not.include(text);
    });

    it('patchoo:DS-20 choices with commas, the same name twice and texts like options are the ones that were chosen', async () => {
      const options = [
        { value: 'a', label: 'R&D, Perth' },
        { value: 'b', label: '---' },
        { value: 'c', label: 'Büro' },
        { value: 'd', label: 'Büro' },
        { value: 'e', label: 'none' },
      ];
      const choice: Form = form({
        fields: [
          { kind: 'choice', name: 'department', label: 'Department', options, value: 'c', required: 'Choose one.' },
        ],
      });
      const values = ['R&D, Perth', '\u200b---', 'Büro', 'Büro', 'none\u200b'];
      const screen = await machine
        .dialog(
          values.map((selectedValue, selectedIndex) => ({
            code: 0,
            said: { department: { selectedValue, selectedIndex } },
          })),
        )
        .screen();
      for (const { value } of options)
        expect(await screen.ask(choice)).to.deep.equal({ button: 'set', values: { department: value }, by: 'person' });
      expect(machine.shown()[0]).to.deep.include({
        selectitems: [{ title: 'Department', name: 'department', values, default: 'Büro' }],
      });
    });

    it('takes older output for one list, no answer as nothing chosen, and asks again with what is wrong', async () => {
      const screen = await machine
        .dialog([{ code: 0 }, { code: 0, said: { SelectedOption: 'Perth', SelectedIndex: 1 } }])
        .screen();
      const options = [
        { value: '1', label: 'Bern' },
        { value: '2', label: 'Perth' },
      ];
      const answer = await screen.ask(
        form({
          fields: [{ kind: 'choice', name: 'site', label: 'Site', options, value: null, required: 'Choose a site.' }],
        }),
      );
      expect(answer).to.deep.equal({ button: 'set', values: { site: '2' }, by: 'person' });
      expect(machine.shown()[1]?.['message']).to.include('Choose a site');
    });

    for (const [code, button] of [
      [0, 'set'],
      [2, 'skip'],
      [3, 'back'],
    ] as const)
      it(`patchoo:DS-21 takes exit code ${code} as its button: ${button}`, async () => {
        const screen = await machine.dialog([{ code, said: { name: 'x' } }]).screen();
        const buttons = [...form().buttons, { id: 'back', label: 'Back', checks: false }];
        expect(await screen.ask(form({ buttons }))).to.deep.include({ button, by: 'person' });
        expect(machine.shown()[0]).to.deep.include({
          button1text: 'Confirm and Set',
          button2text: 'Skip',
          infobuttontext: 'Back',
        });
      });

    it('a form that is closed comes up again, or is what closing it means', async () => {
      const screen = await machine
        .dialog([{ code: 10 }, { code: 15 }, { code: 0, said: { name: 'lab-1' } }, { code: 10 }])
        .screen();
      expect(await screen.ask(form())).to.deep.equal({ button: 'set', values: { name: 'lab-1' }, by: 'person' });
      expect(await screen.ask(form({ closed: 'skip' }))).to.deep.include({ button: 'skip' });
    });

    it('patchoo:DS-22 a form nobody answers answers itself, counts down to it, and its window goes', async () => {
      const screen = await machine.dialog().screen();
      const limit = { seconds: 2, button: 'skip', countdown: 'It goes on in %s.' };
      expect(await screen.ask(form({ limit }))).to.deep.equal({
        button: 'skip',
        values: { name: 'studio-7' },
        by: 'time',
      });
      expect(machine.commands().some((line) => /^infotext: It goes on in [12] seconds?\.$/.test(line))).to.equal(true);
      const [{ pid }] = machine.said('dialog', 'shown') as unknown as [{ pid: number }];
      await until('the window is gone', () => !runs(pid));
    });

    it('patchoo:BS-07 one that runs and shows nothing, fails or is not there is not taken for a window', async () => {
      const screen = await machine.dialog([], { deaf: true }).screen({ timing: { ...QUICK, up: 2500 } });
      screen.lock(VIEW, null);
      await screen.settled();
      expect(screen.way()).to.equal('none');
      expect(screen.failed()[0]?.reason).to.match(/did not begin to read its commands/);
      for (const { pid } of machine.said('dialog', 'shown')) expect(runs(pid)).to.equal(false);
      await screen.close();
      machine.programs.dialog = machine.folder;
      const none = await machine.screen();
      expect(await none.ask(form())).to.deep.include({ button: null });
      expect(none.failed()[0]).to.deep.equal({ way: 'swiftDialog', reason: 'swiftDialog is not installed' });
    });

    it('patchoo:BS-07 what did not come up is tried again while nothing shows: a machine that starts has no screen for a while', async () => {
      const screen = await machine.screen({ timing: { ...QUICK, again: 300 } });
      screen.lock(VIEW, null);
      await screen.settled();
      expect(screen.way()).to.equal('none');
      machine.dialog();
      machine.programs.dialog = path.join(machine.folder, 'dialog');
      await until('it shows', () => screen.way() === 'swiftDialog');
    });

    it('patchoo:BS-22 a lock is left by its code only; a wrong one is said and asked again, and the lock is there again', async () => {
      const screen = await machine
        .dialog(
          [
            { code: 0, said: { code: '1111' } },
            { code: 0, said: { code: '4711' } },
          ],
          { quits: 0 },
        )
        .screen();
      const codes: string[] = [];
      const escape = {
        label: 'Technician…',
        form: form({
          id: 'code',
          title: 'Code',
          fields: [
            { kind: 'text' as const, name: 'code', label: 'Code', value: '', secret: true, required: 'No code.' },
          ],
          check: async ({ code = '' }) => {
            codes.push(code);
            return code === '4711' ? null : { code: 'That is not the code.' };
          },
        }),
      };
      screen.lock(VIEW, escape);
      await until('both codes were tried', () => codes.length === 2);
      expect(codes).to.deep.equal(['1111', '4711']);
      const forms = machine.shown().filter((shown) => 'textfield' in shown);
      expect(forms[0]?.['textfield']).to.deep.equal([{ title: 'Code', name: 'code', secure: true }]);
      expect(forms[1]?.['message']).to.include('That is not the code');
      const lock = machine.shown().find((shown) => 'progress' in shown);
      expect(lock).to.include({ button1text: 'Technician…', hidedefaultkeyboardaction: true, quitkey: '\ue000' });
      await until('the lock is there again', () => machine.shown().filter((shown) => 'progress' in shown).length >= 2);
    });

    it('patchoo:BS-22 a lock that somebody quits comes up again; one that goes at once every time is left to the next way', async () => {
      const screen = await machine.dialog([], { quits: 10 }).jamfHelper().screen();
      screen.lock(VIEW, null);
      await until('another way shows', () => screen.way() === 'jamfHelper', 15_000);
      expect(machine.shown()).to.have.length(2);
      expect(screen.failed()[0]?.reason).to.match(/was closed \(exit code 10\)/);
      await screen.close();
      const steady = await machine.dialog([], { quits: 10 }).screen({ timing: { ...QUICK, steady: 100 } });
      steady.lock(VIEW, null);
      await until('it came up again and again', () => machine.shown().length >= 6, 15_000);
      expect(steady.failed()).to.deep.equal([]);
    });

    it('what is shown and asked lies in a folder that nobody else can look into', async () => {
      const screen = await machine.dialog().screen();
      screen.progress(VIEW);
      await screen.settled();
      const words = JSON.parse(machine.said('dialog', 'started').at(-1)?.text as string) as string[];
      for (const option of ['--jsonfile', '--commandfile']) {
        const file = words[words.indexOf(option) + 1] as string;
        expect(file).to.match(/\/d3-show-\w{6}\/w-\w{6}\//);
        expect(statSync(path.dirname(file)).mode & 0o777).to.equal(0o700);
      }
      expect(statSync(words[words.indexOf('--jsonfile') + 1] as string).mode & 0o777).to.equal(0o600);
      expect(statSync(machine.state).mode & 0o777).to.equal(0o700);
      expect(statSync(path.join(machine.state, 'screen.json')).mode & 0o777).to.equal(0o600);
    });
  });

  describe('in jamfHelper', () => {
    const only = { ways: ['jamfHelper'] } as const;

    it('patchoo:BS-12 locks with the base message, another run for another text, the new one before the old one goes', async () => {
      const screen = await machine.jamfHelper().screen(only);
      screen.lock(VIEW, null);
      await screen.settled();
      screen.lock({ ...VIEW, newest: 'Installing Chrome' }, null);
      await screen.settled();
      const all = machine.said('jamfHelper');
      const words = machine.said('jamfHelper', 'started').map(({ text }) => JSON.parse(text) as string[]);
      expect(words).to.have.length(2);
      expect(words[0]).to.include.members(['-windowType', 'fs', '-heading', 'Mac is provisioning.']);
      expect(words[1]?.[words[1].indexOf('-description') + 1]).to.equal(
        'Do not interrupt or power off.\n\nInstalling Chrome\n\ndeploy (1 of 3)',
      );
      const second = all.findIndex(({ kind, pid }) => kind === 'started' && pid !== all[0]?.pid);
      const gone = all.findIndex(({ kind, pid }) => kind === 'ended' && pid === all[0]?.pid);
      expect(second).to.be.below(gone);
      // Nothing new: nothing is started.
      screen.lock({ ...VIEW, newest: 'Installing Chrome' }, null);
      await screen.settled();
      expect(machine.said('jamfHelper', 'started')).to.have.length(2);
    });

    it('asks with its two buttons, and says what it cannot ask', async () => {
      const screen = await machine.jamfHelper([2, 0]).screen(only);
      const alert = form({
        fields: [],
        buttons: [
          { id: 'go', label: 'Configure', checks: false },
          { id: 'skip', label: 'Skip', checks: false },
        ],
      });
      expect(await screen.ask(alert)).to.deep.equal({ button: 'skip', values: {}, by: 'person' });
      expect(await screen.ask(alert)).to.deep.equal({ button: 'go', values: {}, by: 'person' });
      expect(await screen.ask(form())).to.deep.equal({
        button: null,
        reasons: ['jamfHelper: jamfHelper has buttons only: it cannot ask for a text, a choice or a secret'],
      });
      screen.lock(VIEW, { label: 'Technician…', form: form() });
      await screen.settled();
      expect(screen.limits()).to.deep.equal([
        'jamfHelper takes no code: the lock is left from elsewhere only',
        'jamfHelper has no list of steps: it names the one under way',
      ]);
    });

    it('its own count is not taken for its first button', async () => {
      const screen = await machine.jamfHelper().screen(only);
      const limit = { seconds: 5, button: 'skip', countdown: 'In %s.' };
      const alert = form({ fields: [], limit });
      expect(await screen.ask(alert)).to.deep.equal({ button: 'skip', values: {}, by: 'time' });
      const words = JSON.parse(machine.said('jamfHelper', 'started')[0]?.text as string) as string[];
      expect(words).to.include.members(['-timeout', '5', '-countdown', '-defaultButton', '2']);
    });
  });

  describe('as a page', () => {
    const linux = { platform: 'linux', ways: ['page'] } as const;
    beforeEach(() => void machine.somebodyAt(':77'));
    afterEach(() => {
      delete process.env['DISPLAY'];
    });

    it('patchoo:DS-21 asks on the page: what is wrong comes back, a stale answer counts for nothing, a secret is never told', async () => {
      const screen = await machine
        .browser(
          `
        let { form } = await state();
        say('form', JSON.stringify(form));
        let said = await post('answer', { id: form.id, button: 'set', values: { user: ' ', password: 'pw-one' } });
        say('status', said.status + ' ' + JSON.stringify((await said.json()).faults));
        said = await post('answer', { id: form.id, button: 'set', values: { user: 'alice', password: 'pw-one' } });
        say('status', String(said.status));
        ({ form } = await state());
        say('form', JSON.stringify(form));
        said = await post('answer', { id: form.id, button: 'nobody', values: {} });
        say('status', String(said.status));
        said = await post('answer', { id: form.id, button: 'set', values: { user: 7 } });
        say('status', String(said.status));
        said = await post('answer', { id: form.id, button: 'set', values: { user: 'alice', password: 'pw-two', more: 'x' } });
        say('status', String(said.status));`,
        )
        .screen(linux);
      const answer = await screen.ask(
        form({
          fields: [
            { kind: 'text', name: 'user', label: 'User name', value: 'bob', secret: false, required: 'Who?' },
            { kind: 'text', name: 'password', label: 'Password', value: '', secret: true, required: null },
          ],
        }),
      );
      expect(answer).to.deep.equal({ button: 'set', values: { user: 'alice', password: 'pw-two' }, by: 'person' });
      await until('all was said', () => machine.said('browser', 'status').length === 5);
      expect(machine.said('browser', 'status').map(({ text }) => text)).to.deep.equal([
        '422 {"user":"Who?"}',
        '409',
        '409',
        '400',
        '204',
      ]);
      const [, second] = machine.said('browser', 'form').map(({ text }) => text);
      expect(second).to.include('"faults":{"user":"Who?"}');
      expect(second).to.not.include('pw-one');
    });

    it('patchoo:BS-22 the page of a lock leads to the code, and only where there is one', async () => {
      const screen = await machine
        .browser(
          `
        say('status', String((await post('escape', {})).status));
        let now = await state();
        for (; now.form === null; now = await state());
        say('form', now.form.id.length > 10 ? now.title : '');
        await post('answer', { id: now.form.id, button: 'set', values: { code: '4711' } });`,
        )
        .screen(linux);
      const codes: string[] = [];
      const escape = {
        label: 'Technician…',
        form: form({
          title: 'The code',
          fields: [
            { kind: 'text' as const, name: 'code', label: 'Code', value: '', secret: true, required: 'No code.' },
          ],
          check: async ({ code = '' }) => {
            codes.push(code);
            return null;
          },
        }),
      };
      screen.lock(VIEW, escape);
      await until('the code was given', () => codes[0] === '4711', 15_000);
      expect(machine.said('browser', 'form').map(({ text }) => text)).to.deep.equal(['The code']);
      await screen.close();
      const shut = await machine.browser(`say('shut', String((await post('escape', {})).status));`).screen(linux);
      shut.lock(VIEW, null);
      await until('it was refused', () => machine.said('browser', 'shut')[0]?.text === '409');
    });
  });

  describe('whatever shows it', () => {
    it('patchoo:BS-24 belongs to one process at a time, and to the next when that died', async () => {
      const screen = await machine.dialog().screen();
      let taken: unknown;
      await machine.screen().catch((error: unknown) => {
        taken = error;
      });
      expect(taken).to.be.instanceOf(ScreenTaken);
      await screen.close();
      expect((await machine.screen()).way()).to.equal('none');
    });

    it('patchoo:BS-27 goes when the process that shows it is killed, and is cleared when its keeper was killed as well', async () => {
      machine.dialog();
      for (const keeperToo of [false, true]) {
        const shown = machine.said('dialog', 'shown').length;
        const child = spawn(
          process.execPath,
          [...process.execArgv, CHILD, machine.state, JSON.stringify(machine.programs)],
          { stdio: ['ignore', 'pipe', 'inherit'], env: process.env },
        );
        await once(child.stdout, 'data');
        const window = machine.said('dialog', 'shown')[shown]?.pid as number;
        const place = JSON.parse(readFileSync(path.join(machine.state, 'screen.json'), 'utf8')).place as string;
        expect([runs(window), existsSync(place)]).to.deep.equal([true, true]);
        if (keeperToo) for (const pid of keepersOf(place)) process.kill(pid, 'SIGKILL');
        child.kill('SIGKILL');
        // A keeper that is killed while who shows it lives is replaced; both at once leave the window until the next one comes.
        if (keeperToo) await machine.screen().then((next) => next.close());
        await until('the window is gone', () => !runs(window) && !existsSync(place));
      }
    });

    it('asks one thing after the other, whoever asks first', async () => {
      const screen = await machine
        .dialog([
          { code: 0, said: { name: 'one' } },
          { code: 0, said: { name: 'two' } },
        ])
        .screen();
      const [one, two] = await Promise.all([screen.ask(form()), screen.ask(form({ id: 'other' }))]);
      expect([one, two].map((answer) => (answer.button === null ? null : answer.values['name']))).to.deep.equal([
        'one',
        'two',
      ]);
    });

    it('a check that fails is said, and asked again', async () => {
      const screen = await machine
        .dialog([
          { code: 0, said: { name: 'a' } },
          { code: 0, said: { name: 'b' } },
        ])
        .screen();
      let calls = 0;
      const answer = await screen.ask(
        form({
          check: async () => {
            calls += 1;
            if (calls === 1) throw new Error('The server does not answer.');
            return null;
          },
        }),
      );
      expect(answer).to.deep.include({ button: 'set', values: { name: 'b' } });
      expect(machine.shown()[1]?.['message']).to.include('The server does not answer');
    });
  });

  it('patchoo:DS-23 answers that were written down are checked as those of a person, and noted without secrets', async () => {
    const screen = new ScriptedScreen({
      name: [{ values: { name: '' } }, { values: { name: 'lab-2' } }],
      credentials: { values: { password: 'hush' } },
    });
    expect(await screen.ask(form())).to.deep.equal({ button: 'set', values: { name: 'lab-2' }, by: 'person' });
    expect(screen.events.map((event) => (event.kind === 'asked' ? event.faults : null))).to.deep.equal([
      { name: 'It is blank.' },
      null,
    ]);
    const secret = form({
      id: 'credentials',
      fields: [{ kind: 'text', name: 'password', label: 'Password', value: '', secret: true, required: null }],
    });
    expect(await screen.ask(secret)).to.deep.include({ values: { password: 'hush' } });
    expect(JSON.stringify(screen.events)).to.not.include('hush');
    expect(await screen.ask(form())).to.deep.equal({ button: null, reasons: ['nothing was written down for "name"'] });
    const limit = { seconds: 9, button: 'skip', countdown: '%s' };
    expect(await screen.ask(form({ limit }))).to.deep.include({ button: 'skip', by: 'time' });
  });
});

/** Processes that wait to clear a place away. */
function keepersOf(place: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const words = readFileSync(`/proc/${name}/cmdline`, 'latin1');
        return words.includes('leash-main') && words.includes(place);
      } catch {
        return false;
      }
    })
    .map(Number);
}
