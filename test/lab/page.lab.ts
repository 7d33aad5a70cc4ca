import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect } from 'chai';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Fleet, HOSTILE_NAME, makeFleet } from '../support/fleet.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';
const project = path.dirname(path.dirname(import.meta.dirname));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
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
    const wider = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
    await page.evaluate(axe);
    const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
      'axe.run().then(({ violations }) => violations)',
    );
    return [
      ...(Number(wider) > 0 ? [`wider than the screen by ${wider} pixels`] : []),
      ...found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)),
    ];
  }

  it('asked nobody else for anything, and the browser had nothing to complain of', () => {
    expect(elsewhere).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
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
