import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  type Browser,
  type Form,
  type OpenScreen,
  openScreen,
  type Screen,
  SHOW_PROGRAMS,
  type ShowPrograms,
  type View,
} from '@d3/show';

export { runs, until } from '../../../../test/support/waiting.ts';

export const QUICK = { up: 12_000, again: 60_000, beat: 150, steady: 3000, linger: 120 };

export const VIEW: View = {
  title: 'Mac is provisioning.',
  message: 'Do not interrupt or power off.',
  newest: '',
  icon: null,
  steps: [
    { name: 'Check in', state: 'done' },
    { name: 'deploy', state: 'running', note: 'Installing, please wait' },
    { name: 'deploy-studio', state: 'waiting' },
  ],
  bar: { done: 1, total: 3 },
  facts: [],
};

export function form(changed: Partial<Form> = {}): Form {
  return {
    id: 'name',
    title: 'Computer name',
    text: 'Please confirm this Mac’s computername',
    icon: null,
    facts: [],
    fields: [{ kind: 'text', name: 'name', label: 'Name', value: 'studio-7', secret: false, required: 'It is blank.' }],
    buttons: [
      { id: 'set', label: 'Confirm and Set', checks: true },
      { id: 'skip', label: 'Skip', checks: false },
    ],
    limit: null,
    closed: null,
    ...changed,
  };
}

/** How the stand-in for swiftDialog answers a form: by a button's exit code, with what it prints. */
export interface DialogAnswer {
  code: number;
  said?: Readonly<Record<string, unknown>>;
}

/**
 * A machine with programs that behave as the real ones were recorded to: swiftDialog reads a JSON file, takes its command file away,
 * makes it anew and reads what is added, prints answers as JSON and ends by a button's code; jamfHelper shows what it was started
 * with until a button is pressed.
 */
export class ScreenMachine {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'd3-screen-test-'));
  readonly state = path.join(this.folder, 'state', 'screen');
  readonly programs: { -readonly [Name in keyof ShowPrograms]: ShowPrograms[Name] };
  readonly #screens: Screen[] = [];
  readonly #passing = path.join(this.folder, 'tmp');
  readonly #before = process.env['TMPDIR'];
  readonly #sessions: ChildProcess[] = [];

  constructor() {
    const at = (name: string) => path.join(this.folder, name);
    mkdirSync(this.#passing);
    process.env['TMPDIR'] = this.#passing;
    // Owned by root where root runs the tests: a Mac's login window; else somebody is logged in.
    writeFileSync(at('console'), '');
    const none = at('none');
    this.programs = {
      ...SHOW_PROGRAMS,
      dialog: none,
      jamfHelper: none,
      launchctl: none,
      sudo: none,
      loginctl: none,
      console: at('console'),
      browsers: [],
    };
  }

  /** Has somebody logged in at a Linux screen. Root has none of its own: it is as loginctl and their processes say. */
  somebodyAt(display: string): this {
    process.env['DISPLAY'] = display;
    if (process.getuid?.() !== 0) return this;
    this.programs.loginctl = path.join(this.folder, 'loginctl');
    const listed = '[{"session":"c77","uid":0,"user":"root","seat":"seat0"}]';
    writeFileSync(this.programs.loginctl, `#!/bin/sh\necho '${listed}'\n`, { mode: 0o755 });
    const env = { DISPLAY: display, XDG_SESSION_ID: 'c77', HOME: this.folder, USER: 'root' };
    this.#sessions.push(spawn('/bin/sleep', ['600'], { env, stdio: 'ignore' }));
    return this;
  }

  async screen(changed: Partial<OpenScreen> = {}): Promise<Screen> {
    const screen = await openScreen({
      folder: this.state,
      teletype: null,
      platform: 'darwin',
      programs: this.programs,
      timing: QUICK,
      ...changed,
    });
    this.#screens.push(screen);
    return screen;
  }

  /**
   * @param answers to forms, one after the other; without any left a form stands
   * @param how `version`: what it says it is; `deaf`: never looks at its commands; `quits`: views end with that code after a while
   */
  dialog(answers: readonly DialogAnswer[] = [], how: { version?: string; deaf?: boolean; quits?: number } = {}): this {
    return this.#program(
      'dialog',
      `
      if (words.includes('--version')) { console.log(${JSON.stringify(how.version ?? '2.5.6.4805')}); process.exit(0); }
      const shown = JSON.parse(fs.readFileSync(words[words.indexOf('--jsonfile') + 1], 'utf8'));
      say('shown', JSON.stringify(shown));
      const file = words[words.indexOf('--commandfile') + 1];
      if (${how.deaf === true}) setInterval(() => {}, 1000);
      else {
        fs.rmSync(file);
        fs.writeFileSync(file, '', { mode: 0o666 });
        let at = 0;
        setInterval(() => {
          const text = fs.readFileSync(file, 'utf8');
          for (const line of text.slice(at).split('\\n').filter(Boolean)) say('command', line);
          at = text.length;
        }, 20);
        const view = 'progress' in shown;
        const counter = ${JSON.stringify(path.join(this.folder, 'answered'))};
        const answered = fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0;
        const answer = ${JSON.stringify(answers)}[answered];
        if (!view && answer !== undefined) setTimeout(() => {
          fs.writeFileSync(counter, String(answered + 1));
          if (answer.said !== undefined) console.log(JSON.stringify(answer.said));
          process.exit(answer.code);
        }, 250);
        if (view && ${how.quits ?? null} !== null) setTimeout(() => process.exit(${how.quits ?? 0}), 400);
      }`,
    );
  }

  /** @param presses codes of the buttons that are pressed, run by run that asks */
  jamfHelper(presses: readonly number[] = []): this {
    return this.#program(
      'jamfHelper',
      `
      const counter = ${JSON.stringify(path.join(this.folder, 'pressed'))};
      const pressed = fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0;
      const code = ${JSON.stringify(presses)}[pressed];
      const seconds = Number(words[words.indexOf('-timeout') + 1]);
      if (words.includes('-timeout')) setTimeout(() => process.exit(0), seconds * 1000);
      if (words.includes('-button1') && code !== undefined) setTimeout(() => {
        fs.writeFileSync(counter, String(pressed + 1));
        process.exit(code);
      }, 400);
      setInterval(() => {}, 1000);`,
    );
  }

  /** A browser that goes where the file it is given leads, and runs \`then\` with what it needs to press buttons. */
  browser(then: string): this {
    this.#program(
      'browser',
      `
      (async () => {
        const page = fs.readFileSync(new URL(words.at(-1).replace(/^--app=/, '')), 'utf8');
        const url = /url=([^"]+)"/.exec(page)[1];
        const post = (where, body) => fetch(url + where, { method: 'POST',
          headers: { 'content-type': 'application/json', origin: new URL(url).origin }, body: JSON.stringify(body) });
        const state = async () => (await fetch(url + 'state')).json();
        await post('seen', { page: 'stand-in', visible: true });
        say('opened', '');
        ${then}
        for (;;) { await state(); await new Promise((resolve) => setTimeout(resolve, 50)); }
      })().catch((error) => { say('failed', String(error)); process.exit(7); });`,
    );
    const browser: Browser = { program: path.join(this.folder, 'browser'), kind: 'chromium', asRoot: true };
    this.programs.browsers = [browser];
    return this;
  }

  #program(name: 'dialog' | 'jamfHelper' | 'browser', body: string): this {
    const file = path.join(this.folder, name);
    const log = JSON.stringify(path.join(this.folder, `${name}.log`));
    writeFileSync(
      file,
      `#!${process.execPath}
const fs = require('node:fs');
const words = process.argv.slice(2);
const say = (kind, text) => fs.appendFileSync(${log}, JSON.stringify({ kind, text, pid: process.pid }) + '\\n');
say('started', JSON.stringify(words));
say('environment', JSON.stringify(process.env));
process.on('SIGTERM', () => { say('ended', ''); process.exit(143); });
${body}
`,
    );
    chmodSync(file, 0o755);
    if (name !== 'browser') this.programs[name] = file;
    return this;
  }

  /** What a program did, in its order. */
  said(name: 'dialog' | 'jamfHelper' | 'browser', kind?: string): { kind: string; text: string; pid: number }[] {
    const log = path.join(this.folder, `${name}.log`);
    if (!existsSync(log)) return [];
    const all = readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { kind: string; text: string; pid: number });
    return kind === undefined ? all : all.filter((one) => one.kind === kind);
  }

  /** What the stand-in for swiftDialog was given to show, run by run. */
  shown(): Record<string, unknown>[] {
    return this.said('dialog', 'shown').map(({ text }) => JSON.parse(text) as Record<string, unknown>);
  }

  commands(): string[] {
    return this.said('dialog', 'command').map(({ text }) => text);
  }

  /** Closes every screen. @returns what they left behind */
  async remove(): Promise<string[]> {
    for (const screen of this.#screens) await screen.close();
    for (const session of this.#sessions.splice(0)) {
      session.kill('SIGKILL');
      delete process.env['DISPLAY'];
    }
    const left = readdirSync(this.#passing);
    if (this.#before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#before;
    rmSync(this.folder, { recursive: true, force: true });
    return left;
  }
}
