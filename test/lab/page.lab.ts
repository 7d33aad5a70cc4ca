import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import axe from 'axe-core';
import { expect } from 'chai';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { addToken } from '../../src/admin/tokens.ts';
import { type Fleet, HOSTILE_NAME, makeFleet, manyMachines } from '../support/fleet.ts';
import { Sandbox } from '../support/sandbox.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';
const project = path.dirname(path.dirname(import.meta.dirname));
/** Where screenshots go for whoever wants to look at them; nowhere unless it is said. */
const SHOTS = process.env['D3_LAB_SHOTS'];

/** Every view, as it is addressed, with words that must be there. */
const views = (fleet: Fleet, machine: string, edition: number): readonly (readonly [string, string, string])[] => [
  ['overview', '#/', 'On the move'],
  ['packages', '#/packages', 'chatter'],
  ['edition', `#/editions/${edition}`, 'Over time'],
  ['machines', '#/machines', 'ada-mac'],
  ['machine', `#/machines/${machine}`, 'As far as the depot knows'],
  ['queue', '#/queue', 'firmware-7-1'],
  ['runs', '#/runs', 'announce'],
  ['run', `#/runs/${fleet.run}`, 'Tell everybody'],
];

describe('the page of a served depot in a real browser', () => {
  let fleet: Fleet;
  let server: ChildProcess | undefined;
  let url: string;
  let browser: Browser;
  let machine: string;
  let edition: number;
  const elsewhere: string[] = [];
  const complaints: string[] = [];

  before(async () => {
    fleet = await makeFleet(Date.now());
    ({ server, url } = await serve(fleet.sandbox.depot));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    await fleet.sandbox.admin(async ({ depot: { store } }) => {
      machine = (await store.computers.find('dora-mac'))?.id as string;
      edition = (await store.editions.byEdition('editor-2.0-1'))?.id as number;
    });
  });
  after(async () => {
    await browser?.close();
    await stop(server);
    fleet?.sandbox.remove();
  });

  interface Eyes {
    width?: number;
    height?: number;
    dark?: boolean;
    signedIn?: boolean;
  }

  /** A browser of its own; everything it asks for and complains of is kept. */
  async function look(eyes: Eyes, work: (page: Page, context: BrowserContext) => Promise<void>): Promise<void> {
    const { width = 1280, height = 900, dark = false, signedIn = true } = eyes;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    });
    try {
      const page = await context.newPage();
      page.on('request', (request) => {
        if (!request.url().startsWith(`${url}/`)) elsewhere.push(request.url());
      });
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(`${url}/`);
      if (signedIn) await enter(page, fleet.token);
      await work(page, context);
    } finally {
      await context.close();
    }
  }

  async function enter(page: Page, token: string): Promise<void> {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Views' }).waitFor();
  }

  async function go(page: Page, hash: string, words: string): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.locator('main').getByText(words).first().waitFor();
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
  }

  for (const dark of [false, true]) {
    for (const [width, height] of [
      [360, 740],
      [1280, 900],
      [2560, 1440],
      [5120, 2880],
    ] as const) {
      const name = `${width}-${dark ? 'dark' : 'light'}`;
      it(`shows every view at ${width} pixels, ${dark ? 'dark' : 'light'}: nothing sticks out, axe finds nothing`, async () => {
        await look({ width, height, dark, signedIn: false }, async (page) => {
          const problems: string[] = [];
          const show = async (view: string) => {
            await shoot(page, `${name}-${view}`);
            problems.push(...(await problemsOf(page)).map((problem) => `${view}: ${problem}`));
          };
          await page.getByLabel('Token').waitFor();
          await show('sign-in');
          await enter(page, fleet.token);
          for (const [view, hash, words] of views(fleet, machine, edition)) {
            await go(page, hash, words);
            await show(view);
          }
          expect(problems).to.deep.equal([]);
        });
      });
    }
  }

  /** What sticks out, and what axe finds wrong for those who see, hear or type. */
  async function problemsOf(page: Page): Promise<string[]> {
    const wider = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    await page.evaluate(axe.source);
    const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
      'axe.run().then(({ violations }) => violations)',
    );
    return [
      ...(wider > 0 ? [`wider than the screen by ${wider} pixels`] : []),
      ...found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)),
    ];
  }

  it('the eyes of these tests see: what is wrong is found', async () => {
    await look({}, async (page) => {
      await page.locator('.tile').first().waitFor();
      await page.evaluate(`{
        const wide = document.createElement('input');
        wide.style.width = '3000px';
        wide.style.color = '#bbb';
        document.querySelector('main').append(wide);
      }`);
      const problems = (await problemsOf(page)).join('\n');
      expect(problems)
        .to.include('wider than the screen')
        .and.to.match(/^label: <input/m);
    });
  });

  it('refuses a wrong token and one that may not look, each with its reason, and asks again', async () => {
    await look({ signedIn: false }, async (page) => {
      const token = page.getByLabel('Token');
      const alert = page.getByRole('alert');
      await token.waitFor();
      for (const [typed, said] of [
        ['', 'Type or paste a token'],
        ['kein Schlüssel', 'That is no token'],
        [`d3t_${'x'.repeat(43)}`, 'wrong, revoked or expired'],
        [fleet.technician, 'viewer'],
      ] as const) {
        await token.fill(typed);
        await page.keyboard.press('Enter');
        await alert.getByText(said).waitFor();
        expect(await page.evaluate('document.activeElement.id'), said).to.equal('token');
        expect(await page.getByRole('navigation').count()).to.equal(0);
      }
      expect(await problemsOf(page)).to.deep.equal([]);
      await enter(page, fleet.token);
    });
    // What the browser itself says of an answer 403 is no complaint of the page.
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('403')));
  });

  it('keeps no token in the browser: one cookie that scripts cannot read, and what it opens ends with the session', async () => {
    await look({}, async (page, context) => {
      const cookies = await context.cookies();
      expect(cookies).to.have.length(1);
      expect(cookies[0]).to.include({ name: 'd3-page', httpOnly: true, sameSite: 'Strict', expires: -1 });
      expect(cookies[0]?.value).to.not.include(fleet.token.slice(4));
      expect(await page.evaluate('document.cookie + localStorage.length + sessionStorage.length')).to.equal('00');
      // A new tab and a deep link are signed in; the form does not come again.
      const tab = await context.newPage();
      await tab.goto(`${url}/#/machines/${machine}`);
      await tab.getByRole('heading', { level: 1, name: 'dora-mac' }).waitFor();
      await tab.waitForFunction("document.title === 'dora-mac · d3 depot'");
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('You are signed out.').waitFor();
      expect(await context.cookies()).to.deep.equal([]);
      // Whoever still had the cookie has nothing.
      const headers = { cookie: `d3-page=${cookies[0]?.value}` };
      expect((await fetch(`${url}/api/v1/views/overview`, { headers })).status).to.equal(401);
      await tab.keyboard.press('r');
      await tab.getByText('You are signed out: the session is over.').waitFor();
    });
  });

  it('can be walked by keys alone', async () => {
    await look({ signedIn: false }, async (page) => {
      const focused = () => page.evaluate('(document.activeElement.textContent || "").trim()');
      const title = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
      await page.getByLabel('Token').waitFor();
      await page.keyboard.type(fleet.token);
      await page.keyboard.press('Enter');
      await title('Overview');
      await page.keyboard.press('Tab');
      expect(await focused()).to.equal('Skip to what is shown');
      await page.keyboard.press('Enter');
      expect(await focused()).to.equal('Overview');
      await page.locator('.tile').first().waitFor();
      await page.keyboard.press('Tab');
      expect(await focused()).to.include('machine with failures');

      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      expect(await problemsOf(page)).to.deep.equal([]);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });

      await page.keyboard.press('g');
      await page.keyboard.press('m');
      await title('Machines');
      expect(await focused()).to.equal('Machines');
      await page.getByRole('row').nth(1).waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('dora g m');
      await page.getByText('Nothing fits').waitFor();
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type('dora');
      await page.getByText('1 of 10 machines').waitFor();
      // Past the choices and the headings of the columns to the machine.
      for (let presses = 0; (await focused()) !== 'dora-mac'; presses += 1) {
        expect(presses).to.be.below(25);
        await page.keyboard.press('Tab');
      }
      await page.keyboard.press('Enter');
      await title('dora-mac');
      expect(await focused()).to.include('dora-mac');
      for (const [keys, name] of [
        ['gp', 'Packages'],
        ['gq', 'Puppy queues'],
        ['gr', 'Runs'],
        ['go', 'Overview'],
      ] as const) {
        for (const key of keys) await page.keyboard.press(key);
        await title(name);
      }
      await go(page, `#/editions/${edition}`, 'Over time');
      const curve = page.getByRole('slider', { name: 'Moment of the curve' });
      await curve.focus();
      expect(await curve.getAttribute('aria-valuetext')).to.include('6 have it');
      await page.keyboard.press('Home');
      expect(await curve.getAttribute('aria-valuetext')).to.include('1 have it');
    });
  });

  it('sorts, filters and keeps both in the address', async () => {
    await look({}, async (page, context) => {
      await go(page, '#/machines', 'ada-mac');
      const names = async () => (await page.locator('tbody th').allTextContents()).slice(0, 2);
      await page.getByRole('button', { name: 'Trouble' }).click();
      await page.getByRole('button', { name: 'Trouble' }).click();
      expect((await names())[0]).to.equal('fritz-mac');
      expect(await page.getByRole('columnheader', { name: 'Trouble' }).getAttribute('aria-sort')).to.equal(
        'descending',
      );
      await page.getByRole('button', { name: /^Silent/ }).click();
      expect(await names()).to.have.members(['greta-mac', 'hugo-mac']);
      const copy = await context.newPage();
      await copy.goto(page.url());
      await copy.getByText('2 of 10 machines').waitFor();
      expect(page.url()).to.match(/#\/machines\?sort=-trouble&show=silent$/);
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    });
  });

  it('says what is not there, and what to do', async () => {
    await look({}, async (page) => {
      await go(page, '#/machines/nobody', 'That is not there');
      await page.getByText('The depot has no computer nobody.').waitFor();
      expect(await problemsOf(page)).to.deep.equal([]);
      await go(page, '#/no/such/view', 'The address leads nowhere');
    });
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('404')));
  });

  it('keeps what was read last when the server goes away, and says so; an empty depot says how to begin', async () => {
    const sandbox = await Sandbox.make();
    try {
      const token = await sandbox.admin(
        async (session) =>
          (await addToken({ name: 'vera', role: 'viewer', computer: undefined, days: undefined }, session)).secret,
      );
      const other = await serve(sandbox.depot);
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      try {
        const page = await context.newPage();
        await page.goto(other.url);
        await enter(page, token);
        for (const [hash, words] of [
          ['#/', 'This depot is empty'],
          ['#/packages', 'The depot has no packages'],
          ['#/machines', 'No machine has reported yet'],
          ['#/queue', 'No puppies'],
          ['#/runs', 'No runs'],
        ] as const) {
          await go(page, hash, words);
          await shoot(page, `empty-${hash.slice(2) || 'overview'}`);
        }
        await stop(other.server);
        await page.keyboard.press('r');
        await page.getByText('This is what was read last: The server does not answer.').waitFor();
        await page.getByText('No runs').waitFor();
        await page.keyboard.press('g');
        await page.keyboard.press('m');
        await page.getByText('That could not be read').waitFor();
        await shoot(page, 'gone');
      } finally {
        await context.close();
        await stop(other.server);
      }
    } finally {
      sandbox.remove();
    }
  });

  it('shows every view of a depot with 1,000 machines', async () => {
    const sandbox = await Sandbox.make();
    try {
      const token = await manyMachines(sandbox, 1000);
      const other = await serve(sandbox.depot);
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      try {
        const page = await context.newPage();
        await page.goto(other.url);
        await enter(page, token);
        await go(page, '#/machines', '1,000 machines');
        expect(await page.getByRole('row').count()).to.equal(101);
        await page.getByRole('button', { name: 'Show 400 more of 900' }).click();
        expect(await page.getByRole('row').count()).to.equal(501);
        await page.keyboard.press('/');
        await page.keyboard.type('c-0999');
        await page.getByText('1 of 1,000 machines').waitFor();
        await shoot(page, 'many-machines');
        await go(page, '#/editions/2', 'Over time');
        await page.getByText('900 machines', { exact: true }).waitFor();
        await shoot(page, 'many-edition');
      } finally {
        await context.close();
        await stop(other.server);
      }
    } finally {
      sandbox.remove();
    }
  });

  it('takes what machines say for text', async () => {
    await look({}, async (page) => {
      await go(page, '#/machines', 'ada-mac');
      expect(await page.locator('tbody th').allTextContents()).to.include(HOSTILE_NAME);
      expect(await page.locator('main img').count()).to.equal(0);
      expect(await page.title()).to.equal('Machines · d3 depot');
      await page.getByRole('link', { name: HOSTILE_NAME }).click();
      await page.getByRole('heading', { level: 1 }).getByText(HOSTILE_NAME).waitFor();
      expect(await page.locator('main img').count()).to.equal(0);
    });
  });

  it('asked nobody else for anything, and the browser had nothing to complain of', () => {
    expect(elsewhere).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });
});

async function stop(server: ChildProcess | undefined): Promise<void> {
  if (server === undefined || server.exitCode !== null) return;
  const over = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await over;
}

/** The built d3, as users run it. */
async function serve(depot: string): Promise<{ server: ChildProcess; url: string }> {
  const server = spawn(path.join(project, 'bin/d3'), ['depot', 'serve', depot, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const found = /"url":"(http:[^"]+)"/.exec(said);
      if (found !== null) resolve(found[1] as string);
    });
    server.once('exit', (code) => reject(new Error(`d3 depot serve ended with ${code}: ${said}`)));
  });
  return { server, url };
}
