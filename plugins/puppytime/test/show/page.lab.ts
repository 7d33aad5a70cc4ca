import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Sighting } from '@d3/show';
import axe from 'axe-core';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { png, SVG, webp } from '../../../../packages/show/test/pictures.ts';
import { PageServer } from '../../src/show/page/server.ts';
import type { Answer, Scene, SceneQuestion } from '../../src/show/scene.ts';
import { findSlides, PUPPIES, type Slide } from '../../src/show/slides.ts';
import { Machine, QUESTION, QUICK } from './fakes.ts';
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
    byItself: 'continue',
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
      onAsked: () => undefined,
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

  const slide = (folder: string, name: string, bytes: Buffer | string) => writeFileSync(path.join(folder, name), bytes);

  it('depot3:I07 turns the images, passes over one that only begins as an image, and takes captions for text', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    try {
      slide(folder, 'broken.webp', webp(8, 8));
      slide(folder, 'good.png', png(8, 8));
      slide(folder, `quote"'&amp;<b>bold.svg`, SVG);
      slide(folder, 'line\nbreak.svg', SVG);
      const slides = await findSlides(folder);
      expect(slides).to.have.length(4);
      await look({ scene: scene({ seconds: 0.4 }), slides }, async ({ page }) => {
        const captions = new Set<string>();
        for (let looks = 0; looks < 60 && captions.size < 3; looks += 1) {
          await shownSlide(page).waitFor();
          captions.add((await page.locator('#caption').textContent()) ?? '');
          await page.waitForTimeout(100);
        }
        expect([...captions]).to.have.members(['good', `quote"'&amp;<b>bold`, 'line break']);
        expect(await page.locator('figcaption *').count()).to.equal(0);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('a drawing that wants to run something, or to have something from elsewhere, is a drawing', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    const asked: string[] = [];
    const trap = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as AddressInfo;
    try {
      const evil = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="40" height="40" onload="top.document.title='owned'">
        <script>top.document.title = 'owned'; fetch('http://127.0.0.1:${port}/script')</script>
        <image href="http://127.0.0.1:${port}/image" width="9" height="9"/><rect width="40" height="40"/>
        <style>@import url('http://127.0.0.1:${port}/style');</style>
        <foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1:${port}/frame"/></foreignObject></svg>`;
      slide(folder, 'evil.svg', evil);
      await look({ scene: scene(), slides: await findSlides(folder) }, async ({ page, server }) => {
        await shownSlide(page).waitFor();
        await page.waitForTimeout(500);
        expect(await page.title()).to.equal('Puppytime!');
        // Nor when somebody opens it by itself.
        const { slides } = (await (await fetch(`${server.url}state`)).json()) as { slides: { path: string }[] };
        await page.goto(server.url + slides[0]?.path);
        await page.waitForTimeout(500);
        expect(await page.title()).to.not.equal('owned');
      });
      expect(asked).to.deep.equal([]);
      // What the browser says of what it was kept from is no complaint of the page.
      complaints.length = 0;
      elsewhere.length = 0;
    } finally {
      trap.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('depot3:I06 answers are given by clicks and keys, once; the time is counted, and read aloud now and then', async () => {
    for (const [press, answer] of [
      [(page: Page) => page.getByRole('button', { name: 'Install now' }).click(), 'continue'],
      [(page: Page) => page.getByRole('button', { name: 'Later' }).click(), 'postpone'],
      [(page: Page) => page.keyboard.press('Enter'), 'continue'],
      [(page: Page) => page.keyboard.press('Escape'), 'postpone'],
      [
        async (page: Page) => {
          await page.keyboard.press('Tab');
          await page.keyboard.press('Space');
        },
        'postpone',
      ],
    ] as const) {
      await look({ scene: scene({ question: question(40) }) }, async ({ page, answers }) => {
        await page
          .getByText(/It begins by itself in (?:40|39|38) seconds/)
          .first()
          .waitFor();
        await press(page);
        await page.waitForFunction('document.getElementById("continue").disabled');
        await page.keyboard.press('Escape');
        await page.waitForTimeout(200);
        expect(answers).to.deep.equal([{ question: 'q1', answer }]);
      });
    }
    await look({ scene: scene({ question: question(12) }) }, async ({ page }) => {
      await page.locator('#spoken').getByText('in 10 seconds').waitFor({ state: 'attached' });
      await page.locator('#countdown').getByText('in 7 seconds').waitFor();
      expect(await page.locator('#spoken').textContent()).to.include('10 seconds');
    });
    const only = { ...question(40), labels: { continue: 'Install now', postpone: null } };
    await look({ scene: scene({ question: only }) }, async ({ page, answers }) => {
      await page.getByRole('button', { name: 'Install now' }).waitFor();
      expect(await page.getByRole('button').count()).to.equal(1);
      await page.keyboard.press('Escape');
      await page.waitForTimeout(300);
      expect(answers).to.deep.equal([]);
    });
  });

  it('who shows it dies: the page says so, and goes on with the images it has', async () => {
    await look({ scene: scene({ seconds: 0.3 }) }, async ({ page, server }) => {
      const caption = () => page.locator('#caption').textContent();
      const seen = new Set<string | null>();
      for (let looks = 0; looks < 100 && seen.size < 4; looks += 1) {
        seen.add(await caption());
        await page.waitForTimeout(100);
      }
      await server.close();
      await page.getByText('goes on by itself').waitFor({ timeout: 20_000 });
      await page.getByText('installing firmware-7.1-2').waitFor();
      const later = new Set<string | null>();
      for (let looks = 0; looks < 30; looks += 1) {
        later.add(await caption());
        await page.waitForTimeout(100);
      }
      expect(later.size).to.be.greaterThan(2);
      await shoot(page, 'alone');
    });
  });

  it('tells that it came up, and that somebody can see it', async () => {
    await look({ scene: scene() }, async ({ page, sightings }) => {
      await shownSlide(page).waitFor();
      await page.waitForTimeout(300);
      expect(sightings.map(({ visible }) => visible)).to.deep.equal([true]);
    });
  });

  it('a long text, a long name and a size of its own stay on the screen', async () => {
    const long = {
      ...question(40),
      heading: 'Aktualisierungsvorbereitungsbenachrichtigung '.repeat(4),
      text: 'It takes a while. '.repeat(120),
    };
    await look({ scene: scene({ question: long, progress: null }) }, async ({ page }) => {
      await page.getByRole('button', { name: 'Later' }).waitFor();
      await page.getByRole('button', { name: 'Install now' }).waitFor();
      await shoot(page, 'long-question');
      expect((await problemsOf(page)).filter((problem) => problem.includes('on the screen'))).to.deep.equal([]);
    });
    const progress = { message: `installing ${'very-long-package-name-'.repeat(12)}1.0-1`, done: 0, total: 0 };
    await look({ scene: scene({ progress, size: 250 }) }, async ({ page }) => {
      await shownSlide(page).waitFor();
      await shoot(page, 'long-progress');
      expect(await problemsOf(page)).to.deep.equal([]);
      expect((await shownSlide(page).boundingBox())?.width).to.be.at.most(250);
      expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).to.equal(null);
    });
  });

  for (const who of ['root', 'somebody else'] as const)
    it(`the driver opens Debian’s Chromium as ${who} and hears from the page`, async () => {
      const machine = new Machine();
      const uid = who === 'root' ? 0 : 65534;
      const home = path.join(machine.folder, 'home');
      mkdirSync(home);
      chmodSync(machine.folder, 0o755);
      chownSync(home, uid, uid);
      const loginctl = path.join(machine.folder, 'loginctl');
      writeFileSync(loginctl, `#!/bin/sh\necho '[{"session":"c1","uid":${uid},"seat":"seat0"}]'\n`, { mode: 0o755 });
      machine.programs.loginctl = loginctl;
      machine.programs.browsers = [
        { program: CHROMIUM, kind: 'chromium', asRoot: true, extra: ['--headless=new', '--no-sandbox'] },
      ];
      const env = { DISPLAY: ':0', XDG_SESSION_ID: 'c1', HOME: home, USER: 'x' };
      const session = spawn('/bin/sleep', ['120'], { env, uid, gid: uid, stdio: 'ignore' });
      try {
        const show = await machine.show({
          platform: 'linux',
          settings: { ways: ['page'] },
          timing: { ...QUICK, up: 60_000, silent: 20_000 },
        });
        expect([show.way(), show.failed()]).to.deep.equal(['page', []]);
        expect(await show.ask({ ...QUESTION, seconds: 2 })).to.equal('continue');
        await show.close();
        expect(machine.leftovers()).to.deep.equal([]);
      } finally {
        session.kill('SIGKILL');
        await machine.remove();
      }
    });

  it('asked nobody else for anything, and the browser had nothing to complain of', () => {
    expect(elsewhere).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });
});
