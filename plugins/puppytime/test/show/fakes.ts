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
import { type Browser, SHOW_PROGRAMS, type ShowPrograms } from '@d3/show';
import { type OpenShow, openShow } from '../../src/show/open.ts';
import type { Show, ShowQuestion, ShowSettings } from '../../src/show/port.ts';

export { runs, until } from '../../../../test/support/waiting.ts';

export const QUICK = { look: 40, beat: 150, silent: 1500, up: 4000, linger: 60_000 };

export const SETTINGS: ShowSettings = {
  title: 'Puppytime!',
  folder: null,
  captions: true,
  seconds: 1,
  size: null,
  texts: { caption: 'The puppies are here.', gone: 'It was interrupted.', over: 'All done.' },
  ways: null,
};

export const QUESTION: ShowQuestion = {
  heading: 'Install now?',
  text: 'It takes ten minutes.',
  image: null,
  labels: { continue: 'Install now', postpone: 'Later' },
  byItself: 'continue',
  countdown: 'It begins in %s.',
  seconds: 20,
};

/**
 * A machine with programs that behave as the real ones were recorded to: swiftDialog takes its command file away, makes it anew
 * and reads what is added to it; jamfHelper shows what it was started with until a button is pressed or it is ended; a browser
 * opens the file it is given, goes where that leads and tells of itself.
 */
export class Machine {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'd3-show-test-'));
  readonly exchange = path.join(this.folder, 'state', 'show');
  readonly programs: { -readonly [Name in keyof ShowPrograms]: ShowPrograms[Name] };
  readonly #shows: Show[] = [];
  /** Passing things of this machine alone, so that others' are not taken for a show's. */
  readonly #passing = path.join(this.folder, 'tmp');
  readonly #before = process.env['TMPDIR'];

  constructor() {
    const at = (name: string) => path.join(this.folder, name);
    // Owned by somebody who is not root where the test can arrange it: a Mac with a user logged in.
    mkdirSync(this.#passing);
    process.env['TMPDIR'] = this.#passing;
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

  async show(changed: Partial<Omit<OpenShow, 'settings'>> & { settings?: Partial<ShowSettings> } = {}): Promise<Show> {
    const { settings, ...rest } = changed;
    const show = await openShow({
      folder: this.exchange,
      terminal: null,
      platform: 'darwin',
      programs: this.programs,
      timing: QUICK,
      ...rest,
      settings: { ...SETTINGS, ...settings },
    });
    this.#shows.push(show);
    return show;
  }

  /** @param mode `shows`; `deaf`: runs and never looks at its commands; `fails`: ends at once; `dies`: ends after a while */
  dialog(mode: 'shows' | 'deaf' | 'fails' | 'dies', presses: number | null = null): this {
    return this.#program(
      'dialog',
      `
      const file = words[words.indexOf('--commandfile') + 1];
      if (${JSON.stringify(mode)} === 'fails') process.exit(1);
      if (${JSON.stringify(mode)} === 'deaf') setInterval(() => {}, 1000);
      else {
        fs.rmSync(file);
        fs.writeFileSync(file, '', { mode: 0o666 });
        let at = 0;
        setInterval(() => {
          const text = fs.readFileSync(file, 'utf8');
          for (const line of text.slice(at).split('\\n').filter(Boolean)) say('command', line);
          at = text.length;
        }, 20);
        const seconds = Number(words[words.indexOf('--timer') + 1]);
        if (words.includes('--timer')) setTimeout(() => process.exit(4), seconds * 1000);
        if (words.includes('--timer') && ${presses} !== null) setTimeout(() => process.exit(${presses}), 400);
        if (${JSON.stringify(mode)} === 'dies') setTimeout(() => process.exit(15), 600);
      }`,
    );
  }

  jamfHelper(presses: number | null = null): this {
    return this.#program(
      'jamfHelper',
      `
      const seconds = Number(words[words.indexOf('-timeout') + 1]);
      if (words.includes('-timeout')) setTimeout(() => process.exit(0), seconds * 1000);
      if (words.includes('-timeout') && ${presses} !== null) setTimeout(() => process.exit(${presses}), 400);
      setInterval(() => {}, 1000);`,
    );
  }

  /** @param mode `shows`; `blind`: opens nothing; `hidden`: nobody can see it */
  browser(mode: 'shows' | 'blind' | 'hidden', answers: 'continue' | 'postpone' | null = null): this {
    this.#program(
      'browser',
      `
      const address = words.at(-1).replace(/^--app=/, '');
      if (${JSON.stringify(mode)} === 'blind') setInterval(() => {}, 1000);
      else (async () => {
        const page = fs.readFileSync(new URL(address), 'utf8');
        const url = /url=([^"]+)"/.exec(page)[1];
        say('opened', url);
        const post = (where, body) => fetch(url + where, { method: 'POST',
          headers: { 'content-type': 'application/json', origin: new URL(url).origin }, body: JSON.stringify(body) });
        await (await fetch(url)).text();
        await post('seen', { page: 'fake', visible: ${JSON.stringify(mode)} === 'shows' });
        let before = '';
        for (;;) {
          const state = await (await fetch(url + 'state')).json();
          const { question } = state;
          const now = JSON.stringify({ ...state, slides: state.slides.length, question: question && question.id });
          if (now !== before) say('state', now);
          before = now;
          if (question && ${JSON.stringify(answers)}) await post('answer', { question: question.id, answer: ${JSON.stringify(answers)} });
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
      })().catch(() => process.exit(7));`,
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

  states(): {
    title: string;
    installer: string;
    over: boolean;
    progress: unknown;
    question: string | null;
    slides: number;
  }[] {
    return this.said('browser', 'state').map(({ text }) => JSON.parse(text) as never);
  }

  report(): { pid: number; driver: string | null; settled: boolean } {
    return JSON.parse(readFileSync(path.join(this.exchange, 'report.json'), 'utf8')) as never;
  }

  /** What shows have put among passing things and not taken away. */
  leftovers(): string[] {
    return readdirSync(this.#passing);
  }

  /** Closes every show. @returns what they left behind */
  async remove(): Promise<string[]> {
    for (const show of this.#shows) await show.close();
    const left = this.leftovers();
    if (this.#before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = this.#before;
    rmSync(this.folder, { recursive: true, force: true });
    return left;
  }
}
