import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Faults, Form, View } from '@d3/show';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ScreenServer } from '../../src/screen/page.ts';
import { faultsOf } from '../../src/screen/scripted.ts';
import type { FormScene, Scene, Verdict } from '../../src/screen/way.ts';
import { form, VIEW } from './machine.ts';
import { problemsOf } from './page-problems.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';
/** Where screenshots go for whoever wants to look at them; nowhere unless it is said. */
const SHOTS = process.env['D3_LAB_SHOTS'];
const SIZES = [
  [320, 568],
  [800, 1200],
  [1280, 720],
  [1920, 1080],
  [5120, 2880],
] as const;

const now = () => performance.now();

const LOCK: View = {
  ...VIEW,
  newest: '17:47:14 HOST jamf[21302]: Installing Acrobat-XI-Pro-11.0.09.pkg…',
  steps: [
    { name: 'Check in', state: 'done' },
    { name: 'deploy', state: 'done', note: '14 policies' },
    { name: 'deploy-studio', state: 'running', note: 'Installing Acrobat' },
    { name: 'fonts-and-profiles', state: 'failed', note: 'Failed twice, is tried again' },
    { name: 'printers', state: 'skipped' },
    ...Array.from({ length: 9 }, (_, index) => ({ name: `extra-${index + 1}`, state: 'waiting' as const })),
  ],
  bar: { done: 2, total: 14 },
};

const HOLD: View = {
  ...VIEW,
  message: 'Do not interrupt or power off.\n\nAwaiting provisioning information. Your admin has been notified.',
  steps: [],
  bar: null,
  facts: [
    { label: 'Code', value: 'K7 4M QX' },
    { label: 'Serial number', value: 'C02XK1YZJGH5' },
    { label: 'Contact', value: 'Service desk, extension 4711' },
    { label: 'Waiting for', value: '1 hour 12 minutes' },
  ],
};

const CREDENTIALS = form({
  id: 'credentials',
  title: 'Admin credentials',
  text: 'The provisioning information is written with an account of the server that may do so.',
  fields: [
    {
      kind: 'text',
      name: 'user',
      label: 'Please enter your username',
      value: '',
      secret: false,
      required: 'Who are you?',
    },
    { kind: 'text', name: 'password', label: 'Password', value: '', secret: true, required: 'A password is needed.' },
  ],
});

const CHOICE = form({
  id: 'build',
  title: 'Build',
  text: 'Please choose:',
  fields: [
    {
      kind: 'choice',
      name: 'build',
      label: 'Deployment build',
      options: ['creative', 'studio', 'R&D, Perth', 'Büro'].map((value) => ({ value, label: value })),
      value: 'studio',
      required: 'Choose a build.',
    },
  ],
  buttons: [
    { id: 'ok', label: 'OK', checks: true },
    { id: 'back', label: 'Back', checks: false },
    { id: 'skip', label: 'Skip', checks: false },
  ],
  limit: { seconds: 90, button: 'skip', countdown: 'It goes on by itself in %s.' },
});

describe('the page of a screen in a real browser', () => {
  let browser: Browser;
  const complaints: string[] = [];
  const elsewhere: string[] = [];

  before(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(() => browser?.close());

  function asked(form: Form, faults: Faults = {}): FormScene {
    const values = Object.fromEntries(form.fields.map(({ name, value }) => [name, value ?? '']));
    const until = form.limit === null ? null : now() + form.limit.seconds * 1000;
    return { kind: 'form', form, id: `${form.id}-${Math.random()}`, values, faults, until };
  }

  const lock = (view: View, escape: string | null = 'Technician…'): Scene => ({
    kind: 'view',
    view,
    locked: true,
    escape,
  });

  interface Seen {
    page: Page;
    server: ScreenServer;
    answers: { button: string; values: Readonly<Record<string, string>> }[];
    escapes: number[];
  }

  async function look(
    first: Scene,
    { width = 1280, height = 720, dark = false }: { width?: number; height?: number; dark?: boolean },
    work: (seen: Seen) => Promise<void>,
  ): Promise<void> {
    let scene = first;
    const answers: Seen['answers'] = [];
    const escapes: number[] = [];
    const stage = {
      now,
      escape: () => void escapes.push(1),
      answer: async (id: string, button: string, values: Readonly<Record<string, string>>): Promise<Verdict> => {
        if (scene.kind !== 'form' || scene.id !== id) return { state: 'stale' };
        const { form } = scene;
        const pressed = form.buttons.find((one) => one.id === button);
        const faults = pressed?.checks ? await faultsOf(form, values, button) : null;
        if (faults === null) {
          answers.push({ button, values });
          scene = lock(LOCK);
        } else scene = { ...asked(form, faults), values: { ...values, password: '' } };
        server.show(scene);
        return faults === null ? { state: 'taken' } : { state: 'faults', faults };
      },
    };
    const server = await ScreenServer.start(stage, scene, { see: () => undefined, ask: () => undefined });
    const shown = server.show.bind(server);
    server.show = (next) => {
      scene = next;
      shown(next);
    };
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    });
    try {
      const page = await context.newPage();
      const { origin } = new URL(server.url);
      page.on('request', (request) => {
        if (!request.url().startsWith(origin) && !/^(?:blob|data):/.test(request.url())) elsewhere.push(request.url());
      });
      page.on('console', (message) => {
        if (message.type() === 'error' && !/ERR_CONNECTION|422|409/.test(message.text()))
          complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(server.url);
      await work({ page, server, answers, escapes });
    } finally {
      await context.close();
      await server.close();
    }
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
  }

  for (const [width, height] of SIZES) {
    for (const dark of [false, true]) {
      const name = `${width}x${height}-${dark ? 'dark' : 'light'}`;
      it(`patchoo:BS-16 patchoo:BS-17 shows lock, hold and forms at ${name}: all of it can be reached, axe finds nothing`, async () => {
        const problems: string[] = [];
        await look(lock(LOCK), { width, height, dark }, async ({ page, server }) => {
          const show = async (view: string, ready: string) => {
            await page.getByText(ready, { exact: false }).first().waitFor();
            await shoot(page, `${name}-${view}`);
            problems.push(...(await problemsOf(page)).map((problem) => `${view}: ${problem}`));
          };
          await show('lock', 'Installing Acrobat-XI');
          server.show(lock(HOLD));
          await show('hold', 'Awaiting provisioning');
          server.show(asked(form({ closed: null })));
          await show('name', 'computername');
          server.show(asked(CHOICE));
          await show('choice', 'Please choose');
          server.show(
            asked(CREDENTIALS, {
              '': 'The admin username or password was incorrect',
              password: 'A password is needed.',
            }),
          );
          await show('credentials', 'was incorrect');
          server.show(
            asked(
              form({
                title: 'Welcome',
                text: 'Welcome to patchoo deploy.\nWe are gathering provisioning information',
                fields: [],
                buttons: [{ id: 'ok', label: 'OK', checks: false }],
              }),
            ),
          );
          await show('welcome', 'Welcome to');
        });
        expect(problems).to.deep.equal([]);
      });
    }
  }

  it('patchoo:DS-21 is filled in with the keyboard alone: what is wrong is said at its field, then it is taken', async () => {
    await look(asked(CREDENTIALS), {}, async ({ page, answers }) => {
      await page.getByLabel('Please enter your username').waitFor();
      expect(await page.evaluate('document.activeElement.name')).to.equal('user');
      await page.keyboard.type('alice smith');
      await page.keyboard.press('Enter');
      await page.getByText('A password is needed.').last().waitFor();
      expect(await page.evaluate('document.activeElement.name')).to.equal('password');
      expect(await page.getByLabel('Please enter your username').inputValue()).to.equal('alice smith');
      expect(await page.getByLabel('Password').getAttribute('aria-invalid')).to.equal('true');
      expect(await page.getByLabel('Password').getAttribute('type')).to.equal('password');
      await page.keyboard.type('tr0ub4dor');
      await page.keyboard.press('Enter');
      await page.getByText('Installing Acrobat-XI').waitFor();
      expect(answers).to.deep.equal([{ button: 'set', values: { user: 'alice smith', password: 'tr0ub4dor' } }]);
    });
  });

  it('patchoo:DS-14 has the current value chosen, and none where there is none; other buttons check nothing', async () => {
    await look(asked(CHOICE), {}, async ({ page, server, answers }) => {
      const list = page.getByLabel('Deployment build');
      await list.waitFor();
      expect(await list.inputValue()).to.equal('studio');
      await list.selectOption('R&D, Perth');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByText('Installing Acrobat-XI').waitFor();
      const [field] = CHOICE.fields;
      server.show(
        asked({ ...CHOICE, fields: [{ ...field, kind: 'choice', options: [], value: null } as typeof field & object] }),
      );
      await page.getByRole('button', { name: 'Back' }).click();
      await page.getByText('Installing Acrobat-XI').waitFor();
      expect(answers).to.deep.equal([
        { button: 'ok', values: { build: 'R&D, Perth' } },
        { button: 'back', values: { build: '' } },
      ]);
    });
  });

  it('patchoo:BS-15 changes what changed and nothing else: the page is not loaded anew, what stands stays', async () => {
    await look(lock(LOCK), {}, async ({ page, server }) => {
      await page.getByText('Installing Acrobat-XI').waitFor();
      await page.evaluate(`window.changes = 0; window.first = document.querySelector('#steps li');
        new MutationObserver((all) => { window.changes += all.length; }).observe(document.body, { subtree: true, childList: true, characterData: true });`);
      await page.waitForTimeout(2500);
      expect(await page.evaluate('window.changes')).to.equal(0);
      server.show(lock({ ...LOCK, newest: 'Installing Chrome' }));
      await page.getByText('Installing Chrome').waitFor();
      expect(await page.evaluate(`window.first === document.querySelector('#steps li')`)).to.equal(true);
      expect(await page.evaluate('window.changes')).to.equal(1);
    });
  });

  it('patchoo:BS-22 has a way to the code where there is one, and says when nobody answers any more', async () => {
    await look(lock(HOLD), {}, async ({ page, server, escapes }) => {
      await page.getByRole('button', { name: 'Technician…' }).click();
      for (let waited = 0; waited < 3000 && escapes.length === 0; waited += 50) await page.waitForTimeout(50);
      expect(escapes).to.have.length(1);
      server.show(lock(HOLD, null));
      await page.getByRole('button', { name: 'Technician…' }).waitFor({ state: 'hidden' });
      await server.close();
      await page.getByText('does not answer').waitFor({ timeout: 20_000 });
    });
  });

  it('whatever texts hold is text: nothing is loaded from elsewhere, nothing is run', async () => {
    const hostile = '<img src=x onerror=alert(1)><script>alert(2)</script>';
    const view = {
      ...LOCK,
      title: hostile,
      message: hostile,
      newest: hostile,
      facts: [{ label: hostile, value: hostile }],
    };
    await look(lock(view, hostile), {}, async ({ page, server }) => {
      await page.getByText('onerror').first().waitFor();
      server.show(asked(form({ title: hostile, text: hostile })));
      await page.getByLabel('Name').waitFor();
      expect(await page.locator('img[src="x"]').count()).to.equal(0);
    });
    expect(complaints).to.deep.equal([]);
    expect(elsewhere).to.deep.equal([]);
  });
});
