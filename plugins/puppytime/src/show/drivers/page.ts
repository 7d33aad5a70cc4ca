import type { Browser } from '../orders.ts';
import { PageServer, type Sighting } from '../page/server.ts';
import { canRun, type Running, startFor, type UserSession } from '../programs.ts';
import type { Scene } from '../scene.ts';
import { WorkFolder } from '../work-folder.ts';
import { type Driver, type Stage, sleep, type Window } from './driver.ts';

/** Milliseconds without a question from the page after which nobody looks at it any more. */
const UNASKED = 30_000;

/** A page on the whole screen, in a browser of whoever is logged in. A Mac's login window has no browser. */
export const pageDriver: Driver = {
  name: 'page',
  async open(stage) {
    const { session, programs } = stage;
    if (session.kind === 'login') throw new Error('there is no browser at the login window');
    if (session.kind === 'none') throw new Error(session.reason);
    if (session.uid === 0 && !programs.browsers.some(({ asRoot }) => asRoot === true))
      throw new Error('a browser is not run as root');
    const browser = programs.browsers.find(({ program }) => canRun(program));
    if (browser === undefined) throw new Error('there is no browser');
    return BrowserWindow.open(stage, session, browser);
  },
};

class BrowserWindow implements Window {
  readonly lost: Promise<string>;
  readonly #stage: Stage;
  readonly #server: PageServer;
  readonly #folder: WorkFolder;
  readonly #browser: Running;
  #scene: Scene;
  #closed = false;
  #watch: NodeJS.Timeout | undefined;
  #refresh: NodeJS.Timeout | undefined;

  static async open(stage: Stage, session: UserSession, browser: Browser): Promise<BrowserWindow> {
    const { scene, slideshow, now, timing, place, programs, platform } = stage;
    const eyes = new Eyes(now);
    const told = { onSeen: eyes.see, onAnswer: stage.onAnswer, onAsked: eyes.ask, now };
    const server = await PageServer.start(scene, await slideshow.slides(), told);
    const folder = new WorkFolder(place, session);
    let running: Running | undefined;
    try {
      // The address is a secret, and command lines are not: the browser reads it from a file of its user's.
      const file = await folder.put('open.html', leadingTo(server.url));
      running = await startFor(session, browser.program, wordsFor(browser, folder.inside, file), programs, platform);
      const window = new BrowserWindow(stage, server, folder, running, eyes);
      await Promise.race([
        eyes.open,
        running.ended.then(() => Promise.reject(new Error(`${browser.program} ended at once`))),
        sleep(timing.up).then(() => Promise.reject(new Error('the browser did not show the page in time'))),
      ]);
      return window;
    } catch (error) {
      await running?.end();
      await server.close();
      folder.remove();
      throw error;
    }
  }

  private constructor(stage: Stage, server: PageServer, folder: WorkFolder, browser: Running, eyes: Eyes) {
    this.#stage = stage;
    this.#scene = stage.scene;
    this.#server = server;
    this.#folder = folder;
    this.#browser = browser;
    const unasked = new Promise<string>((resolve) => {
      this.#watch = setInterval(() => {
        if (stage.now() - eyes.askedAt > UNASKED) resolve('the page does not answer any more');
      }, 1000);
    });
    this.lost = Promise.race([browser.ended.then(() => 'the browser was closed'), unasked]);
    // The folder may change while it is shown.
    this.#refresh = setInterval(() => void this.#pass(), 5000);
  }

  show(scene: Scene): void {
    this.#scene = scene;
    void this.#pass();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    clearInterval(this.#refresh);
    await this.#browser.end();
    await this.#server.close();
    this.#folder.remove();
  }

  async #pass(): Promise<void> {
    this.#server.show(this.#scene, await this.#stage.slideshow.slides());
  }
}

/** What pages tell of themselves. */
class Eyes {
  /** Settles when somebody can see one. */
  readonly open: Promise<void>;
  askedAt: number;
  readonly #now: () => number;
  #opened: () => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.askedAt = now();
    this.open = new Promise((resolve) => {
      this.#opened = resolve;
    });
  }

  readonly see = ({ visible }: Sighting): void => {
    if (visible) this.#opened();
  };

  readonly ask = (): void => {
    this.askedAt = this.#now();
  };
}

function leadingTo(url: string): string {
  return `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><title>d3</title>`;
}

/** On the whole screen, with a profile of its own that knows nobody and asks nothing. */
function wordsFor({ kind, extra = [] }: Browser, folder: string, file: string): string[] {
  const address = `file://${file}`;
  if (kind === 'firefox') return ['--new-instance', '--profile', folder, ...extra, '--kiosk', address];
  return [
    `--user-data-dir=${folder}/profile`,
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-extensions',
    '--disable-sync',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-features=Translate,MediaRouter',
    '--disable-session-crashed-bubble',
    '--password-store=basic',
    '--use-mock-keychain',
    // Where there is Wayland and no X11.
    '--ozone-platform-hint=auto',
    '--kiosk',
    ...extra,
    `--app=${address}`,
  ];
}
