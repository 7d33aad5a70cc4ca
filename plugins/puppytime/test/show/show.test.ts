import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { asLine, asMessage } from '@d3/show';
import { expect } from 'chai';
import fc from 'fast-check';
import { png } from '../../../../packages/show/test/pictures.ts';
import { commandsFor } from '../../src/show/drivers/swift-dialog.ts';
import { Exchange } from '../../src/show/orders.ts';
import { PUPPIES } from '../../src/show/slides.ts';
import { Machine, QUESTION, QUICK, runs, SETTINGS, until } from './fakes.ts';
import { scene } from './scenes.ts';

const INSTALLER = path.join(import.meta.dirname, 'installer-child.ts');

describe('the show', () => {
  let machine: Machine;

  beforeEach(() => {
    machine = new Machine();
  });
  afterEach(async () => {
    expect(await machine.remove(), 'private folders left behind').to.deep.equal([]);
  });

  describe('in swiftDialog', () => {
    it('depot3:I05 shows pictures, what is done and how far it is, through commands that the program reads', async () => {
      const show = await machine.dialog('shows').show();
      expect([show.way(), show.failed()]).to.deep.equal(['swiftDialog', []]);
      show.progress({ message: 'installing firmware-7.1-2', done: 1, total: 3 });
      await until('the progress is shown', () =>
        machine
          .said('dialog', 'command')
          .some(({ text }) => text === 'progresstext: installing firmware-7.1-2 (1 of 3)'),
      );
      const commands = () => machine.said('dialog', 'command').map(({ text }) => text);
      expect(commands()).to.include('progress: 33');
      await until(
        'another picture is shown',
        () => new Set(commands().filter((text) => text.startsWith('icon: '))).size >= 2,
      );
      await until(
        'another caption is shown',
        () => new Set(commands().filter((text) => text.startsWith('message: '))).size >= 2,
      );
      show.over('Restarting now.');
      await until('the end is shown', () => commands().includes('progresstext: Restarting now.'));
      expect(commands()).to.include('progress: complete');
      const [{ text, pid }] = machine.said('dialog', 'started') as unknown as [{ text: string; pid: number }];
      expect(JSON.parse(text)).to.include.members([
        '--title',
        'Puppytime!',
        '--loginwindow',
        '--blurscreen',
        '--ontop',
      ]);
      await show.close();
      expect(runs(pid), 'the window is closed').to.equal(false);
    });

    it('its command file is in a folder of its own that nobody can guess or look into', async () => {
      await machine.dialog('shows').show();
      const words = JSON.parse(machine.said('dialog', 'started')[0]?.text as string) as string[];
      const file = words[words.indexOf('--commandfile') + 1] as string;
      expect(file).to.match(/\/d3-show-\w{6}\/w-\w{6}\/commands-1\.log$/);
      expect(statSync(path.dirname(file)).mode & 0o777).to.equal(0o700);
      expect(statSync(machine.exchange).mode & 0o777).to.equal(0o700);
      expect(statSync(path.join(machine.exchange, 'orders.json')).mode & 0o777).to.equal(0o600);
    });

    for (const [code, answer] of [
      [0, 'continue'],
      [2, 'postpone'],
      [10, 'continue'],
      [15, 'continue'],
    ] as const)
      it(`depot3:I06 asks, and takes exit code ${code} as ${answer}`, async () => {
        const show = await machine.dialog('shows', code).show();
        expect(await show.ask({ ...QUESTION, image: path.join(PUPPIES, 'corgi.svg') })).to.equal(answer);
        const asking = machine
          .said('dialog', 'started')
          .map(({ text }) => JSON.parse(text) as string[])
          .find((words) => words.includes('--timer'));
        expect(asking).to.include.members(['--button1text', 'Install now', '--button2text', 'Later', '--timer', '20']);
        expect(asking?.[asking.indexOf('--icon') + 1]).to.match(/picture-[01]\.svg$/);
        await until('it shows again', () => machine.said('dialog', 'started').length >= 3);
      });

    it('depot3:I06 a question that answers itself with later does so when it is closed or its time is up, and no key begins by chance', async () => {
      for (const [code, answer] of [
        [0, 'continue'],
        [15, 'postpone'],
        [null, 'postpone'],
      ] as const) {
        const show = await machine.dialog('shows', code).show();
        expect(await show.ask({ ...QUESTION, seconds: 2, byItself: 'postpone' }), String(code)).to.equal(answer);
        await show.close();
      }
      const words = machine.said('dialog', 'started').map(({ text }) => JSON.parse(text) as string[]);
      for (const asking of words.filter((one) => one.includes('--timer')))
        expect(asking).to.include('--hidedefaultkeyboardaction');
      const helper = await machine.jamfHelper().show({ settings: { ways: ['jamfHelper'] } });
      await helper.ask({ ...QUESTION, seconds: 2, byItself: 'postpone' });
      const asking = machine.said('jamfHelper', 'started').map(({ text }) => JSON.parse(text) as string[]);
      const first = asking.find((one) => one.includes('-timeout'));
      expect(first?.[first.indexOf('-defaultButton') + 1]).to.equal('2');
    });

    it('depot3:I06 a question nobody answers goes on when its time is up', async () => {
      const show = await machine.dialog('shows').show();
      const began = performance.now();
      expect(await show.ask({ ...QUESTION, seconds: 2 })).to.equal('continue');
      expect(performance.now() - began).to.be.within(1500, 9000);
      expect(machine.said('dialog', 'command').map(({ text }) => text)).to.include('infotext: It begins in 1 second.');
    });

    it('a program that runs and shows nothing, ends at once, or is not there is not taken for a window', async () => {
      for (const [mode, reason] of [
        ['deaf', /did not begin to read its commands/],
        ['fails', /ended at once \(exit code 1\)/],
      ] as const) {
        const show = await machine.dialog(mode).show({ timing: { ...QUICK, up: 700 } });
        expect(show.way(), mode).to.equal('none');
        expect(show.failed()[0]?.reason, mode).to.match(reason);
        await show.close();
        for (const { pid } of machine.said('dialog', 'started')) expect(runs(pid), mode).to.equal(false);
      }
      machine.programs.dialog = path.join(machine.folder, 'no-such-program');
      expect((await machine.show()).failed()[0]).to.deep.equal({
        driver: 'swiftDialog',
        reason: 'swiftDialog is not installed',
      });
    });

    it('a window that is closed is opened once more, then another way is taken', async () => {
      const show = await machine.dialog('dies').jamfHelper().show();
      expect(show.way()).to.equal('swiftDialog');
      await until('jamfHelper took over', () => show.way() === 'jamfHelper', 15_000);
      expect(machine.said('dialog', 'started')).to.have.length(2);
      expect(show.failed().map(({ driver }) => driver)).to.include('swiftDialog');
    });

    it('a command file swapped for a link is not written to', async () => {
      const show = await machine.dialog('shows').show();
      const words = JSON.parse(machine.said('dialog', 'started')[0]?.text as string) as string[];
      const file = words[words.indexOf('--commandfile') + 1] as string;
      const victim = path.join(machine.folder, 'victim');
      writeFileSync(victim, 'precious\n');
      rmSync(file);
      symlinkSync(victim, file);
      show.progress({ message: 'overwrite me', done: 1, total: 2 });
      await until('a new window', () => machine.said('dialog', 'started').length >= 2);
      expect(readFileSync(victim, 'utf8')).to.equal('precious\n');
    });
  });

  describe('in jamfHelper', () => {
    const only = { settings: { ways: ['jamfHelper'] } } as const;

    it('shows each picture by another run of it, the new one before the old one goes', async () => {
      const show = await machine.jamfHelper().show(only);
      expect(show.way()).to.equal('jamfHelper');
      show.progress({ message: 'installing firmware-7.1-2', done: 0, total: 2 });
      await until('runs follow each other', () => machine.said('jamfHelper', 'started').length >= 3, 15_000);
      const all = machine.said('jamfHelper');
      const second = all.findIndex(({ kind, pid }) => kind === 'started' && pid !== all[0]?.pid);
      const gone = all.findIndex(({ kind, pid }) => kind === 'ended' && pid === all[0]?.pid);
      expect(second).to.be.below(gone);
      const words = machine.said('jamfHelper', 'started').map(({ text }) => JSON.parse(text) as string[]);
      expect(words[0]).to.include.members(['-startlaunchd', '-windowType', 'fs', '-title', 'Puppytime!']);
      expect(words.flat()).to.include('installing firmware-7.1-2 (0 of 2)');
    });

    for (const [code, answer] of [
      [0, 'continue'],
      [2, 'postpone'],
      [243, 'continue'],
    ] as const)
      it(`depot3:I06 asks, and takes exit code ${code} as ${answer}`, async () => {
        const show = await machine.jamfHelper(code).show(only);
        expect(await show.ask(QUESTION)).to.equal(answer);
        const asking = machine
          .said('jamfHelper', 'started')
          .map(({ text }) => JSON.parse(text) as string[])
          .find((words) => words.includes('-timeout'));
        expect(asking).to.include.members([
          '-windowType',
          'utility',
          '-button1',
          'Install now',
          '-button2',
          'Later',
          '-timeout',
          '20',
          '-countdown',
          '-cancelButton',
          '2',
        ]);
      });
  });

  describe('as a page', () => {
    const linux = { platform: 'linux', settings: { ways: ['page'] } } as const;

    beforeEach(() => {
      process.env['DISPLAY'] = ':77';
      // Root has no screen of its own: somebody is logged in, as loginctl and their processes say.
      if (process.getuid?.() === 0) asLoggedIn();
    });
    afterEach(() => {
      delete process.env['DISPLAY'];
      for (const child of children.splice(0)) child.kill('SIGKILL');
    });

    const children: ReturnType<typeof spawn>[] = [];

    function asLoggedIn(): void {
      const loginctl = path.join(machine.folder, 'loginctl');
      writeFileSync(loginctl, `#!/bin/sh\necho '[{"session":"c77","uid":0,"user":"root","seat":"seat0"}]'\n`, {
        mode: 0o755,
      });
      machine.programs.loginctl = loginctl;
      const env = {
        PATH: process.env['PATH'],
        DISPLAY: ':77',
        XDG_SESSION_ID: 'c77',
        HOME: machine.folder,
        USER: 'root',
      };
      children.push(spawn('/bin/sleep', ['600'], { env, stdio: 'ignore' }));
    }

    it('opens it in the browser of who is logged in, and hears that it came up', async () => {
      const show = await machine.browser('shows').show(linux);
      expect([show.way(), show.failed()]).to.deep.equal(['page', []]);
      show.progress({ message: 'installing firmware-7.1-2', done: 1, total: 3 });
      await until('the page knows', () => machine.states().some(({ progress }) => progress !== null));
      expect(machine.states().at(-1)).to.deep.include({
        title: 'Puppytime!',
        installer: 'here',
        slides: 12,
        progress: { message: 'installing firmware-7.1-2', done: 1, total: 3 },
      });
      show.over('Restarting now.');
      await until('the page knows the end', () => machine.states().at(-1)?.over === true);
    });

    it('its address is on no command line, and in a file that only who is logged in can read', async () => {
      await machine.browser('shows').show(linux);
      const started = machine.said('browser', 'started')[0]?.text as string;
      const url = machine.said('browser', 'opened')[0]?.text as string;
      expect(started).to.not.include(new URL(url).pathname.slice(1, 20));
      const file = (JSON.parse(started) as string[]).at(-1)?.replace('--app=file://', '') as string;
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(path.dirname(file)).mode & 0o777).to.equal(0o700);
    });

    for (const answer of ['continue', 'postpone'] as const)
      it(`depot3:I06 asks on the page: ${answer}`, async () => {
        const show = await machine.browser('shows', answer).show(linux);
        expect(await show.ask(QUESTION)).to.equal(answer);
        await until('the question is gone', () => machine.states().at(-1)?.question === null);
      });

    it('depot3:I06 asks on the page, and goes on by itself', async () => {
      const show = await machine.browser('shows').show(linux);
      expect(await show.ask({ ...QUESTION, seconds: 1 })).to.equal('continue');
      expect(await show.ask({ ...QUESTION, seconds: 1, byItself: 'postpone' })).to.equal('postpone');
    });

    it('a browser that opens nothing, or that nobody can see, is not taken for a window, and is ended', async () => {
      for (const mode of ['blind', 'hidden'] as const) {
        const show = await machine.browser(mode).show({ ...linux, timing: { ...QUICK, up: 900 } });
        expect(show.way(), mode).to.equal('none');
        expect(show.failed(), mode).to.deep.equal([
          { driver: 'page', reason: 'the browser did not show the page in time' },
        ]);
        for (const { pid } of machine.said('browser', 'started')) expect(runs(pid), mode).to.equal(false);
      }
    });

    it('a browser that is closed is opened once more; then nothing is left, and what is installed is not held up', async () => {
      const show = await machine.browser('shows').show(linux);
      const kill = async (count: number) => {
        await until('a browser', () => machine.said('browser', 'opened').length === count && show.way() === 'page');
        process.kill(machine.said('browser', 'opened').at(-1)?.pid as number, 'SIGKILL');
      };
      await kill(1);
      await kill(2);
      await until('nothing shows any more', () => show.way() === 'none' && machine.report().settled);
      expect(show.failed()).to.deep.equal([{ driver: 'page', reason: 'the browser was closed' }]);
      expect(await show.ask(QUESTION)).to.equal('unasked');
      show.progress({ message: 'goes on', done: 2, total: 3 });
    });

    it('is not to be had at a Mac’s login window, nor where nobody is logged in', async () => {
      const mac = await machine.browser('shows').show({ settings: { ways: ['page'] } });
      expect(mac.failed()).to.deep.equal([{ driver: 'page', reason: 'there is no browser at the login window' }]);
      await mac.close();
      delete process.env['DISPLAY'];
      machine.programs.loginctl = '/bin/false';
      const nobody = await machine.show(linux);
      expect(nobody.failed()[0]?.reason).to.match(/loginctl does not answer|no DISPLAY/);
    });

    it('depot3:I07 a folder that vanishes during the show is the puppies; the show goes on', async () => {
      const folder = path.join(machine.folder, 'ours');
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'a.png'), png(4, 4));
      const show = await machine.dialog('shows').show({ settings: { folder } });
      const icons = () =>
        machine.said('dialog', 'command').flatMap(({ text }) => (text.startsWith('icon: ') ? [text] : []));
      rmSync(folder, { recursive: true });
      await until('a puppy is shown', () => icons().some((text) => text.endsWith('.svg')));
      expect(show.way()).to.equal('swiftDialog');
    });

    describe('and deaths', () => {
      const orders = () => ({
        folder: machine.exchange,
        terminal: null,
        programs: machine.programs,
        timing: QUICK,
        ...linux,
        settings: { ...SETTINGS, ...linux.settings },
      });

      async function installer(): Promise<ReturnType<typeof spawn>> {
        const child = spawn(process.execPath, [...process.execArgv, INSTALLER, JSON.stringify(orders())], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        children.push(child);
        const way = await new Promise((resolve) =>
          child.stdout?.once('data', (text: Buffer) => resolve(text.toString().trim())),
        );
        expect(way).to.equal('page');
        return child;
      }

      it('who installs is killed: the show goes on, says so, and the next run takes it over', async () => {
        machine.browser('shows');
        const child = await installer();
        await until('the page knows', () => machine.states().at(-1)?.progress !== null);
        const { pid } = machine.report();
        child.kill('SIGKILL');
        await until('the page says so', () => machine.states().at(-1)?.installer === 'gone');
        expect(machine.states().at(-1)?.progress).to.deep.equal({
          message: 'installing firmware-7-1',
          done: 1,
          total: 3,
        });
        expect(runs(pid)).to.equal(true);
        const next = await machine.show(linux);
        expect(machine.report().pid, 'the same show').to.equal(pid);
        expect(machine.said('browser', 'opened'), 'the same window').to.have.length(1);
        next.progress({ message: 'installing firmware-7-1 again', done: 1, total: 3 });
        await until(
          'the page knows who installs',
          () =>
            machine.states().at(-1)?.installer === 'here' &&
            JSON.stringify(machine.states().at(-1)?.progress).includes('again'),
        );
        await next.close();
        await until('the show ends with who took it over', () => !runs(pid));
      });

      it('nobody comes back: the show ends by itself after a time', async () => {
        machine.browser('shows');
        Object.assign(QUICK, { linger: 500 });
        try {
          const child = await installer();
          const { pid } = machine.report();
          child.kill('SIGKILL');
          await until('it ended', () => !runs(pid));
          expect(machine.report()).to.deep.include({ driver: null, settled: true });
        } finally {
          Object.assign(QUICK, { linger: 60_000 });
        }
      });

      it('the show is killed: what is installed goes on, and a new show opens, a few times', async () => {
        const show = await machine.browser('shows').show(linux);
        const pids: number[] = [];
        for (let deaths = 0; deaths < 2; deaths += 1) {
          const { pid } = machine.report();
          pids.push(pid);
          process.kill(pid, 'SIGKILL');
          show.progress({ message: `after ${deaths + 1} deaths`, done: deaths, total: 3 });
          await until('a new show', () => machine.report().pid !== pid && machine.report().driver === 'page', 15_000);
          await until('it shows what is known', () =>
            JSON.stringify(machine.states().at(-1)).includes(`after ${deaths + 1} deaths`),
          );
        }
        process.kill(machine.report().pid, 'SIGKILL');
        const began = performance.now();
        show.progress({ message: 'goes on', done: 2, total: 3 });
        expect(await show.ask({ ...QUESTION, seconds: 5 })).to.equal('unasked');
        expect(performance.now() - began).to.be.below(4000);
        await show.close();
        // What killed shows could not take away is not left on the screen.
        await until('no browser is left', () => machine.said('browser', 'started').every(({ pid }) => !runs(pid)));
      });

      it('what a show wrote before a power cut is no show, though another process has its number now', async () => {
        mkdirSync(machine.exchange, { recursive: true });
        const old = {
          schema: 'd3/show-report@1',
          pid: process.pid,
          driver: 'page',
          settled: true,
          failed: [],
          place: null,
          answer: null,
        };
        writeFileSync(path.join(machine.exchange, 'report.json'), JSON.stringify(old));
        const show = await machine.browser('shows').show(linux);
        expect(show.way()).to.equal('page');
        expect(machine.report().pid).to.not.equal(process.pid);
        expect(machine.said('browser', 'opened')).to.have.length(1);
      });

      it('rubbish where they talk is no show, and stops nothing', async () => {
        mkdirSync(machine.exchange, { recursive: true });
        for (const rubbish of [
          '',
          '{',
          '[]',
          '"x"',
          JSON.stringify({ schema: 'd3/show-report@9', pid: process.pid }),
          'x'.repeat(400_000),
        ]) {
          writeFileSync(path.join(machine.exchange, 'report.json'), rubbish);
          const exchange = Exchange.ofInstaller(machine.exchange, () => performance.now());
          expect(exchange.read(), rubbish.slice(0, 40)).to.equal(null);
          expect(exchange.alive(1000)).to.equal(false);
        }
        const show = await machine.browser('shows').show(linux);
        expect(show.way()).to.equal('page');
        await show.close();
        expect(readdirSync(machine.exchange)).to.deep.equal(['report.json']);
      });
    });
  });

  it('without anything to show with, nothing is shown, nothing is asked, and nothing fails', async () => {
    const show = await machine.show({ settings: { ways: ['none'] } });
    show.progress({ message: 'x', done: 0, total: 0 });
    show.over('done');
    expect([show.way(), await show.ask(QUESTION)]).to.deep.equal(['none', 'unasked']);
    await show.close();
    const all = await machine.show();
    expect(all.way()).to.equal('none');
    expect(all.failed().map(({ driver }) => driver)).to.deep.equal(['swiftDialog', 'page', 'jamfHelper', 'terminal']);
    expect(existsSync(path.join(machine.exchange, 'orders.json'))).to.equal(false);
  });

  it('whatever a caption or a message says, it is one command to swiftDialog, and none of its own marks', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'a\\nb',
        '+ more',
        '# x.md',
        '![](http://x/y.png)',
        '<br>',
        'none',
        'quit:',
        'x\nquit:',
        '[a](b)',
        '**b**',
      ),
    );
    fc.assert(
      fc.property(text, text, (message, caption) => {
        const commands = commandsFor(scene({ progress: { message, done: 1, total: 2 } }), {
          file: '/x/p.png',
          caption,
        });
        expect(commands.map((line) => line.slice(0, line.indexOf(':')))).to.deep.equal([
          'icon',
          'message',
          'progress',
          'progresstext',
        ]);
        for (const line of commands) expect(line).to.not.match(/[\n\r\u2028\u2029]|\\n|<br>/);
        expect(asMessage(caption)).to.not.match(/(?<!\\)[`*_[\]()#!<>|~]|^[+-]|\.md$/);
        expect(asLine(caption)).to.not.match(/^(?:none|hide|show|clear|reset|disable|enable)?$/i);
      }),
      { numRuns: 500 },
    );
  });
});
