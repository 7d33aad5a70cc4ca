import type { Sighting } from './local-pages.ts';
import type { Browser, ShowPrograms } from './places.ts';
import { canRun, type Running, sleep, startFor, type UserSession } from './programs.ts';
import type { Session } from './session.ts';
import { WorkFolder } from './work-folder.ts';

/** Milliseconds without a question from the page after which nobody looks at it any more. */
const UNASKED = 30_000;
/** What Chromium adds to a folder; no other browser adds more. */
const SOCKET_NAME = '/org.chromium.Chromium.XXXXXX/SingletonSocket';
/** Characters of `sun_path` (macOS), less its end. */
const LONGEST_SOCKET = 103;

export interface OpenBrowser {
  /** The page's address, its secret included. */
  url: string;
  session: Session;
  programs: ShowPrograms;
  platform: NodeJS.Platform;
  /** Absolute path of the place of what is handed to programs. */
  place: string;
  /** Milliseconds the page may take to come up. */
  up: number;
  eyes: Eyes;
  /** Milliseconds, always growing. */
  now: () => number;
}

/** Who has a browser now, and which. @throws Error with the reason when there is none to be had */
export function browserFor(session: Session, programs: ShowPrograms): { session: UserSession; browser: Browser } {
  if (session.kind === 'login') throw new Error('there is no browser at the login window');
  if (session.kind === 'none') throw new Error(session.reason);
  if (session.uid === 0 && !programs.browsers.some(({ asRoot }) => asRoot === true))
    throw new Error('a browser is not run as root');
  const browser = programs.browsers.find(({ program }) => canRun(program));
  if (browser === undefined) throw new Error('there is no browser');
  return { session, browser };
}

/** A page on the whole screen, in a browser of whoever is logged in. */
export class BrowserWindow {
  /** Settles with the reason when it is gone though nobody closed it. */
  readonly lost: Promise<string>;
  readonly #folder: WorkFolder;
  readonly #browser: Running;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  /** Opens it, and hears from the page that somebody can see it. @throws Error with the reason when it did not come up */
  static async open(wanted: OpenBrowser): Promise<BrowserWindow> {
    const { session, browser } = browserFor(wanted.session, wanted.programs);
    const folder = new WorkFolder(wanted.place, session);
    let running: Running | undefined;
    try {
      // The address is a secret, and command lines are not: the browser reads it from a file of its user's.
      const file = await folder.put('open.html', leadingTo(wanted.url));
      const words = wordsFor(browser, folder.inside, file);
      running = await startFor(
        withRoom(session, folder.inside),
        browser.program,
        words,
        wanted.programs,
        wanted.platform,
      );
      await Promise.race([
        wanted.eyes.open,
        running.ended.then(() => Promise.reject(new Error(`${browser.program} ended at once`))),
        sleep(wanted.up).then(() => Promise.reject(new Error('the browser did not show the page in time'))),
      ]);
      return new BrowserWindow(folder, running, wanted);
    } catch (error) {
      await running?.end();
      folder.remove();
      throw error;
    }
  }

  private constructor(folder: WorkFolder, browser: Running, { eyes, now }: OpenBrowser) {
    this.#folder = folder;
    this.#browser = browser;
    const unasked = new Promise<string>((resolve) => {
      this.#watch = setInterval(() => {
        if (now() - eyes.askedAt > UNASKED) resolve('the page does not answer any more');
      }, 1000);
    });
    this.lost = Promise.race([browser.ended.then(() => 'the browser was closed'), unasked]);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    await this.#browser.end();
    this.#folder.remove();
  }
}

/** What pages tell of themselves. */
export class Eyes {
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

/**
 * A browser that is ended leaves the socket behind by which another one of its user's would find it: in its own folder it goes with that.
 * Where the folder's path is too long for a socket's, and where root starts it on a Mac, it is in the system's.
 */
function withRoom(session: UserSession, folder: string): UserSession {
  if (folder.length + SOCKET_NAME.length > LONGEST_SOCKET) return session;
  return { ...session, environment: { ...session.environment, TMPDIR: folder } };
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
