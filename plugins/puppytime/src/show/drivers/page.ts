import { BrowserWindow, browserFor, Eyes } from '@d3/show';
import { PageServer } from '../page/server.ts';
import type { Scene } from '../scene.ts';
import type { Driver, Stage, Window } from './driver.ts';

/** A page on the whole screen, in a browser of whoever is logged in. A Mac's login window has no browser. */
export const pageDriver: Driver = {
  name: 'page',
  async open(stage) {
    browserFor(stage.session, stage.programs);
    const { scene, slideshow, now, timing, place, programs, platform, session } = stage;
    const eyes = new Eyes(now);
    const told = { onSeen: eyes.see, onAnswer: stage.onAnswer, onAsked: eyes.ask, now };
    const server = await PageServer.start(scene, await slideshow.slides(), told);
    try {
      const wanted = { url: server.url, session, programs, platform, place, up: timing.up, eyes, now };
      return new PageWindow(stage, server, await BrowserWindow.open(wanted));
    } catch (error) {
      await server.close();
      throw error;
    }
  },
};

class PageWindow implements Window {
  readonly lost: Promise<string>;
  readonly #stage: Stage;
  readonly #server: PageServer;
  readonly #browser: BrowserWindow;
  readonly #refresh: NodeJS.Timeout;
  #scene: Scene;

  constructor(stage: Stage, server: PageServer, browser: BrowserWindow) {
    this.#stage = stage;
    this.#scene = stage.scene;
    this.#server = server;
    this.#browser = browser;
    this.lost = browser.lost;
    // The folder may change while it is shown.
    this.#refresh = setInterval(() => void this.#pass(), 5000);
  }

  show(scene: Scene): void {
    this.#scene = scene;
    void this.#pass();
  }

  async close(): Promise<void> {
    clearInterval(this.#refresh);
    await this.#browser.close();
    await this.#server.close();
  }

  async #pass(): Promise<void> {
    this.#server.show(this.#scene, await this.#stage.slideshow.slides());
  }
}
