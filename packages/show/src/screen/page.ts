import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { BrowserWindow, browserFor, Eyes } from '../browser-window.ts';
import { MEDIA_TYPES, readImage } from '../images.ts';
import { type Answered, IMAGE_POLICY, LocalPages, type Pages } from '../local-pages.ts';
import { OWN_ICON } from './icon.ts';
import type { Fact, Field, ShownStep, Values } from './port.ts';
import type { Scene, ScreenWindow, Stage, Way } from './way.ts';
import { textLines } from './words.ts';

/** What the page asks for once a second. */
interface ScreenState {
  title: string;
  lines: readonly string[];
  facts: readonly Fact[];
  /** Address of the image, within the page's own. */
  icon: string;
  view: {
    locked: boolean;
    escape: string | null;
    newest: string;
    steps: readonly ShownStep[];
    bar: { done: number; total: number } | null;
  } | null;
  form: {
    id: string;
    /** What was typed into a secret field is never told. */
    fields: readonly Field[];
    buttons: readonly { id: string; label: string }[];
    faults: Readonly<Record<string, string>>;
    /** Seconds left; null: it stands until somebody answers. */
    left: number | null;
    countdown: string;
  } | null;
}

const FILES = {
  '': ['screen.html', 'text/html; charset=utf-8'],
  'screen.css': ['screen.css', 'text/css; charset=utf-8'],
  'screen.js': ['screen.js', 'text/javascript; charset=utf-8'],
} as const;
const FOLDER = new URL('../../page/', import.meta.url);
/** Bytes of an answer; a form has few fields. */
const MOST_SENT = 64 * 1024;

/** A page on the whole screen, in a browser of whoever is logged in. */
export const pageWay: Way = {
  name: 'page',
  unfit: () => null,
  limits: () => [],
  async open(stage, scene) {
    browserFor(stage.session, stage.programs);
    const { session, programs, platform, place, timing, now } = stage;
    const eyes = new Eyes(now);
    const server = await ScreenServer.start(stage, scene, eyes);
    try {
      const wanted = { url: server.url, session, programs, platform, place, up: timing.up, eyes, now };
      return new PageWindow(server, await BrowserWindow.open(wanted));
    } catch (error) {
      await server.close();
      throw error;
    }
  },
};

class PageWindow implements ScreenWindow {
  readonly lost: Promise<string>;
  readonly #server: ScreenServer;
  readonly #browser: BrowserWindow;

  constructor(server: ScreenServer, browser: BrowserWindow) {
    this.#server = server;
    this.#browser = browser;
    this.lost = browser.lost;
  }

  async show(scene: Scene): Promise<void> {
    this.#server.show(scene);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#server.close();
  }
}

/** What the page is told, and what it may say. */
export class ScreenServer implements Pages {
  readonly #stage: Pick<Stage, 'answer' | 'escape' | 'now'>;
  readonly #eyes: Pick<Eyes, 'see' | 'ask'>;
  #served: LocalPages | null = null;
  #scene: Scene;

  private constructor(stage: Pick<Stage, 'answer' | 'escape' | 'now'>, scene: Scene, eyes: Pick<Eyes, 'see' | 'ask'>) {
    this.#stage = stage;
    this.#scene = scene;
    this.#eyes = eyes;
  }

  static async start(
    stage: Pick<Stage, 'answer' | 'escape' | 'now'>,
    scene: Scene,
    eyes: Pick<Eyes, 'see' | 'ask'>,
  ): Promise<ScreenServer> {
    const server = new ScreenServer(stage, scene, eyes);
    server.#served = await LocalPages.start(server, MOST_SENT);
    return server;
  }

  /** The page's address, its secret included. */
  get url(): string {
    return (this.#served as LocalPages).url;
  }

  show(scene: Scene): void {
    this.#scene = scene;
  }

  async close(): Promise<void> {
    await this.#served?.close();
  }

  async get(path: string): Promise<Answered | null> {
    if (Object.hasOwn(FILES, path)) {
      const [file, type] = FILES[path as keyof typeof FILES];
      return { bytes: await readFile(new URL(file, FOLDER)), type };
    }
    if (path === 'state') {
      this.#eyes.ask();
      return { bytes: JSON.stringify(stateOf(this.#scene, this.#stage.now())), type: 'application/json' };
    }
    if (path !== iconPath(this.#scene)) return null;
    const image = (await readImage(iconOf(this.#scene) ?? OWN_ICON)) ?? (await readImage(OWN_ICON));
    return image && { bytes: image.bytes, type: MEDIA_TYPES[image.kind], policy: IMAGE_POLICY };
  }

  async post(path: string, body: Readonly<Record<string, unknown>>): Promise<number | Answered> {
    if (path === 'seen') {
      const { page, visible } = body;
      if (typeof page !== 'string' || typeof visible !== 'boolean') return 400;
      this.#eyes.see({ page: page.slice(0, 64), visible });
      return 204;
    }
    if (path === 'escape') {
      if (this.#scene.kind !== 'view' || this.#scene.escape === null) return 409;
      this.#stage.escape();
      return 204;
    }
    if (path !== 'answer') return 404;
    const { id, button, values } = body;
    if (typeof id !== 'string' || typeof button !== 'string' || !areValues(values)) return 400;
    const verdict = await this.#stage.answer(id, button, values);
    if (verdict.state !== 'faults') return verdict.state === 'taken' ? 204 : 409;
    return { bytes: JSON.stringify({ faults: verdict.faults }), type: 'application/json', status: 422 };
  }
}

function areValues(values: unknown): values is Values {
  return (
    typeof values === 'object' && values !== null && Object.values(values).every((value) => typeof value === 'string')
  );
}

function stateOf(scene: Scene, now: number): ScreenState {
  if (scene.kind === 'view') {
    const { title, message, facts, newest, steps, bar } = scene.view;
    const { locked, escape } = scene;
    return {
      title,
      lines: textLines(message),
      facts,
      icon: iconPath(scene),
      view: { locked, escape, newest, steps, bar },
      form: null,
    };
  }
  const { form, id, faults, until } = scene;
  return {
    title: form.title,
    lines: textLines(form.text),
    facts: form.facts,
    icon: iconPath(scene),
    view: null,
    form: {
      id,
      fields: form.fields.map((field) => ({
        ...field,
        value: field.kind === 'text' && field.secret ? '' : (scene.values[field.name] ?? ''),
      })),
      buttons: form.buttons.map((button) => ({ id: button.id, label: button.label })),
      faults,
      left: until === null ? null : Math.max(0, (until - now) / 1000),
      countdown: form.limit?.countdown ?? '',
    },
  };
}

function iconOf(scene: Scene): string | null {
  return scene.kind === 'view' ? scene.view.icon : scene.form.icon;
}

/** Another image has another address, so that the page sees it changed. */
function iconPath(scene: Scene): string {
  return `icon/${createHash('sha256')
    .update(iconOf(scene) ?? '')
    .digest('base64url')
    .slice(0, 16)}`;
}
