import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Form, View } from '@d3/show';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { ScreenServer } from '../../../packages/show/src/screen/page.ts';
import { faultsOf } from '../../../packages/show/src/screen/scripted.ts';
import type { FormScene, Scene, Verdict } from '../../../packages/show/src/screen/way.ts';
import { problemsOf } from '../../../packages/show/test/screen/page-problems.ts';
import { escapeForm } from '../src/screens/escape.ts';
import {
  choicesUnread,
  choose,
  chooseAll,
  confirmName,
  credentials,
  credentialsRefused,
  incomplete,
  type Look,
  nameExists,
  nameUnchecked,
  restartNotice,
  summary,
  unwritten,
  welcome,
} from '../src/screens/forms.ts';
import { readTexts } from '../src/screens/texts.ts';
import { type LockFacts, lockView } from '../src/screens/views.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';
/** Where screenshots go for whoever wants to look at them; nowhere unless it is said. */
const SHOTS = process.env['D3_LAB_SHOTS'];

const look: Look = { texts: readTexts([]), icon: null, seconds: 600 };
const options = (...values: string[]) => values.map((value) => ({ value, label: value }));
const MANY = Array.from({ length: 60 }, (_, at) => `Department ${at + 1} of the faculty of arts`);
const BUILD = { key: 'build', label: 'Build', value: 'studio', required: true, back: false };
const DEPARTMENT = { key: 'department', label: 'Department', value: null, required: true, back: true };
const FACTS = [
  { label: 'Build', value: 'studio' },
  { label: 'Department', value: 'Fine Art' },
];

const FORMS: Readonly<Record<string, Form>> = {
  welcome: welcome(look),
  name: confirmName(look, 'C02XK1YZJGH5', () => null),
  'name-exists': nameExists(look, 'Studio 7'),
  'name-unchecked': nameUnchecked(look, 'Studio 7'),
  summary: summary(look, FACTS),
  incomplete: incomplete(look, FACTS.slice(0, 1), ['Department', 'Building']),
  build: choose(look, BUILD, options('creative', 'studio', 'office')),
  'department-long': choose(look, DEPARTMENT, options(...MANY)),
  'choice-empty': choose(look, DEPARTMENT, []),
  details: chooseAll(look, [
    { choosing: BUILD, options: options('creative', 'studio', 'office') },
    { choosing: DEPARTMENT, options: options(...MANY) },
    { choosing: { ...BUILD, key: 'building', label: 'Building', value: null }, options: options('MEB', 'MEW') },
    { choosing: { ...BUILD, key: 'ea:Room', label: 'Room', value: '101', required: false }, options: null },
  ]),
  'choices-unread': choicesUnread(
    look,
    'Build',
    'The depot at depot.example does not answer: its host refused the connection.',
  ),
  'credentials-password': credentials(look, '', 'password'),
  'credentials-token': credentials(look, 'alice', 'token'),
  'credentials-name': credentials(look, '', 'name'),
  'credentials-refused': credentialsRefused(look),
  unwritten: unwritten(look, '"studio" is no choice of Build.'),
  restart: restartNotice(look, 120),
  escape: escapeForm(look, { actions: ['fill', 'release'], isCode: async () => true }),
};

const step = (name: string, state: 'pending' | 'started' | 'done' | 'failed', text = '') => ({
  name,
  kind: 'provision-event',
  args: {},
  state,
  required: true,
  attempts: 1,
  text,
  notBefore: null,
  startedAt: null,
  endedAt: null,
  skipped: null,
});
const STEPS = [
  step('the depot answers', 'done'),
  step('what this machine is', 'done', 'build studio, department Fine Art'),
  step('check-in', 'done', 'in order'),
  step('deploy', 'started', 'Installing Chrome'),
  step('deploy-studio', 'pending'),
  step('updates', 'pending'),
  step('release', 'pending'),
];
const NOW = new Date('2026-11-28T12:00:00Z');

function locked(changed: Partial<LockFacts>, run: Partial<LockFacts['run']> = {}): View {
  const facts: LockFacts = {
    run: {
      id: 'provision-1',
      state: 'running',
      text: '',
      isAdvanced: true,
      cursor: 3,
      createdAt: '2026-11-28T11:00:00Z',
      steps: STEPS,
      ...run,
    },
    hold: null,
    trouble: null,
    serial: 'C02XK1YZJGH5',
    said: null,
    ...changed,
  };
  const logLine = '17:47:14 HOST jamf[21302]\n\nInstalling Acrobat-XI-Pro-11.0.09.pkg...';
  return lockView(facts, { texts: look.texts, icon: null, contact: 'Service desk, 4711', logLine, now: NOW });
}

const VIEWS: Readonly<Record<string, View>> = {
  'lock-working': locked({}),
  'lock-hold': locked({ hold: { since: '2026-11-28T10:48:00Z', missing: ['Build', 'Department'] } }),
  'lock-waiting': locked({
    trouble: { since: '2026-11-28T11:59:15Z', text: 'The depot at depot.example does not answer: connection refused.' },
  }),
  'lock-restarting': locked({}, { state: 'waiting', isAdvanced: false }),
  'lock-dead': locked({}, { isAdvanced: false }),
  'lock-failed': locked(
    {},
    {
      state: 'holding',
      isAdvanced: false,
      text: 'deploy failed 3 times: the policy fonts exited with 3',
      steps: STEPS.map((one) => (one.name === 'deploy' ? step('deploy', 'failed', 'fonts exited with 3') : one)),
    },
  ),
};

describe('every screen of a deployment in a real browser', function () {
  this.timeout(280_000);
  let browser: Browser;
  before(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  });
  after(() => browser?.close());

  const now = () => performance.now();
  const view = (one: View): Scene => ({ kind: 'view', view: one, locked: true, escape: look.texts['escape.button'] });
  const asked = (form: Form): FormScene => ({
    kind: 'form',
    form,
    id: `${form.id}-${Math.random()}`,
    values: Object.fromEntries(form.fields.map(({ name, value }) => [name, value ?? ''])),
    faults: {},
    until: form.limit === null ? null : now() + form.limit.seconds * 1000,
  });

  async function opened(
    first: Scene,
    { width, height, dark }: { width: number; height: number; dark: boolean },
    work: (page: Page, server: ScreenServer, taken: Record<string, string>[]) => Promise<void>,
  ): Promise<void> {
    const taken: Record<string, string>[] = [];
    let scene = first;
    const stage = {
      now,
      escape: () => undefined,
      answer: async (id: string, button: string, values: Readonly<Record<string, string>>): Promise<Verdict> => {
        if (scene.kind !== 'form' || scene.id !== id) return { state: 'stale' };
        const faults = await faultsOf(scene.form, values, button);
        if (faults !== null) {
          scene = { ...asked(scene.form), values, faults };
          server.show(scene);
          return { state: 'faults', faults };
        }
        taken.push({ ...values });
        server.show(view(VIEWS['lock-working'] as View));
        return { state: 'taken' };
      },
    };
    const server = await ScreenServer.start(stage, first, { see: () => undefined, ask: () => undefined });
    const colorScheme = dark ? 'dark' : 'light';
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
    try {
      const page = await context.newPage();
      await page.goto(server.url);
      await work(page, server, taken);
    } finally {
      await context.close();
      await server.close();
    }
  }

  for (const [width, height, dark] of [
    [1280, 800, false],
    [1280, 800, true],
    [390, 844, false],
  ] as const) {
    const size = `${width}x${height}-${dark ? 'dark' : 'light'}`;
    it(`patchoo:SO-08 can be read and reached at ${size}`, async () => {
      const problems: string[] = [];
      await opened(view(VIEWS['lock-working'] as View), { width, height, dark }, async (page, server) => {
        const scenes: (readonly [string, Scene, string])[] = [
          ...Object.entries(VIEWS).map(([name, one]) => [name, view(one), one.title] as const),
          ...Object.entries(FORMS).map(([name, form]) => [name, asked(form), form.title] as const),
        ];
        for (const [name, scene, title] of scenes) {
          server.show(scene);
          await page.getByRole('heading', { name: title, exact: true }).first().waitFor();
          const last = scene.kind === 'form' ? scene.form.buttons.at(-1)?.label : null;
          if (last) await page.getByRole('button', { name: last, exact: true }).waitFor();
          // A screen of the same title came before.
          await page.waitForTimeout(1100);
          if (SHOTS !== undefined) {
            mkdirSync(SHOTS, { recursive: true });
            await page.screenshot({ path: path.join(SHOTS, `${size}-${name}.png`), fullPage: true });
          }
          problems.push(...(await problemsOf(page)).map((problem) => `${name}: ${problem}`));
        }
      });
      expect(problems).to.deep.equal([]);
    });
  }

  it('patchoo:DS-15 all choices are on one form; a long list is narrowed by what is typed, with the keyboard alone', async () => {
    const form = asked(FORMS['details'] as Form);
    await opened(form, { width: 1280, height: 800, dark: false }, async (page, _server, taken) => {
      const search = page.getByLabel('Search: Department');
      await search.fill('17 arts');
      const list = page.getByRole('listbox', { name: 'Department' });
      expect(await list.locator('option:not([hidden])').allTextContents()).to.deep.equal([
        'Department 17 of the faculty of arts',
      ]);
      expect(await list.inputValue()).to.equal('Department 17 of the faculty of arts');
      await search.fill('');
      expect(await list.locator('option:not([hidden])').count()).to.equal(60);
      // Building is left out: it is said at its field, and what was chosen stays.
      await page.getByLabel('Room').press('Enter');
      await page.getByText('Please choose one.').last().waitFor();
      expect(await page.getByLabel('Building', { exact: true }).getAttribute('aria-invalid')).to.equal('true');
      await page.getByLabel('Building', { exact: true }).selectOption('MEW');
      await page.getByRole('button', { name: 'OK' }).click();
      await page.getByText('Installing Chrome').first().waitFor();
      expect(taken).to.deep.equal([
        {
          build: 'studio',
          department: 'Department 17 of the faculty of arts',
          building: 'MEW',
          'ea:Room': '101',
        },
      ]);
    });
  });
});
