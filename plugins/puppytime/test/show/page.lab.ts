import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import axe from 'axe-core';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { PageServer, type Sighting } from '../../src/show/page/server.ts';
import type { Answer, Scene, SceneQuestion } from '../../src/show/scene.ts';
import { findSlides, PUPPIES, type Slide } from '../../src/show/slides.ts';
import { scene } from './scenes.ts';

/** Debian's. */
const CHROMIUM = '/usr/bin/chromium';
/** Where screenshots go for whoever wants to look at them; nowhere unless it is said. */
const SHOTS = process.env['D3_LAB_SHOTS'];
const SIZES = [
  [1280, 720],
  [1920, 1080],
  [5120, 2880],
  [800, 1200],
] as const;

const now = () => performance.now();

function question(seconds: number): SceneQuestion {
  return {
    id: 'q1',
    heading: 'Updates are ready to be installed',
    text: 'Three packages need a restart. It takes about ten minutes; meanwhile this computer cannot be used.\n\nPlease leave it switched on and plugged in.',
    image: path.join(PUPPIES, 'corgi.svg'),
    labels: { continue: 'Install now', postpone: 'Later' },
    countdown: 'It begins by itself in %s.',
    until: now() + seconds * 1000,
  };
}

describe('the page of a show in a real browser', () => {
  let browser: Browser;
  let puppies: Slide[];
  const complaints: string[] = [];
  const elsewhere: string[] = [];

  before(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    puppies = await findSlides(PUPPIES);
  });
  after(() => browser?.close());

  interface Seen {
    page: Page;
    server: PageServer;
    sightings: Sighting[];
    answers: Answer[];
  }

  async function look(
    shown: { scene: Scene; slides?: Slide[]; width?: number; height?: number; dark?: boolean; still?: boolean },
    work: (seen: Seen) => Promise<void>,
  ): Promise<void> {
    const { width = 1280, height = 720, dark = false, still = true, slides = puppies } = shown;
    const sightings: Sighting[] = [];
    const answers: Answer[] = [];
    const server = await PageServer.start(shown.scene, slides, {
      onSeen: (sighting) => sightings.push(sighting),
      onAnswer: (answer) => answers.push(answer),
      now,
    });
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: still ? 'reduce' : 'no-preference',
    });
    try {
      const page = await context.newPage();
      const { origin } = new URL(server.url);
      page.on('request', (request) => {
        if (!request.url().startsWith(origin) && !/^(?:blob|data):/.test(request.url())) elsewhere.push(request.url());
      });
      page.on('console', (message) => {
        if (message.type() === 'error' && !/ERR_CONNECTION|404/.test(message.text())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      await page.goto(server.url);
      await work({ page, server, sightings, answers });
    } finally {
      await context.close();
      await server.close();
    }
  }

  async function shoot(page: Page, name: string): Promise<void> {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
  }

  /** What is not all on the screen, and what axe finds wrong for those who see, hear or type. */
  async function problemsOf(page: Page): Promise<string[]> {
    const outside = await page.evaluate<string[]>(`[...document.querySelectorAll('main *:not(.spoken, .bar div)')]
      .filter((one) => one.checkVisibility({ opacityProperty: true }))
      .filter((one) => {
        const { left, top, right, bottom, width, height } = one.getBoundingClientRect();
        return width > 0 && height > 0 && (left < -1 || top < -1 || right > innerWidth + 1 || bottom > innerHeight + 1);
      })
      .map((one) => one.id + ' is not all on the screen')`);
    await page.evaluate(axe.source);
    const found = await page.evaluate<{ id: string; nodes: { html: string; failureSummary: string }[] }[]>(
      'axe.run().then(({ violations }) => violations)',
    );
    return [
      ...outside,
      ...found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)),
    ];
  }

  const shownSlide = (page: Page) => page.locator('.frame img.now');

  for (const [width, height] of SIZES) {
    for (const dark of [false, true]) {
      const name = `${width}x${height}-${dark ? 'dark' : 'light'}`;
      it(`depot3:I05 depot3:I06 shows question, progress and end at ${name}: all of it is on the screen, axe finds nothing`, async () => {
        const problems: string[] = [];
        const show = async (page: Page, view: string) => {
          await shoot(page, `${name}-${view}`);
          problems.push(...(await problemsOf(page)).map((problem) => `${view}: ${problem}`));
        };
        await look({ scene: scene(), width, height, dark }, async ({ page, server }) => {
          await shownSlide(page).waitFor();
          await page.getByText('installing firmware-7.1-2').waitFor();
          await show(page, 'progress');
          server.show(scene({ question: question(30) }), puppies);
          await page.getByRole('button', { name: 'Install now' }).waitFor();
          await show(page, 'question');
          server.show(
            scene({ question: { ...question(30), image: null, labels: { continue: 'Install now', postpone: null } } }),
            puppies,
          );
          server.show(scene({ question: { ...question(30), id: 'q2', image: null } }), puppies);
          await page.locator('#picture').waitFor({ state: 'hidden' });
          await show(page, 'question-plain');
          server.show(scene({ installer: 'gone' }), puppies);
          await page.getByText('goes on by itself').waitFor();
          await show(page, 'gone');
          server.show(
            scene({ over: true, progress: { message: 'Everything is installed. Restarting now.', done: 3, total: 3 } }),
            puppies,
          );
          await page.getByText('Restarting now').waitFor();
          await show(page, 'over');
        });
        expect(problems).to.deep.equal([]);
      });
    }
  }

  it('asked nobody else for anything, and the browser had nothing to complain of', () => {
    expect(elsewhere).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });
});
