import { randomBytes } from 'node:crypto';
import { canRun, type Running, sleep, start } from '../programs.ts';
import { WorkFolder } from '../work-folder.ts';
import { pageWay } from './page.ts';
import type { Scene, ScreenWindow, Stage, Way } from './way.ts';

/** Whom the browser runs as: Linux's own user for what belongs to nobody. */
const NOBODY = { uid: 65_534, gid: 65_534 };
/** Milliseconds between two looks at whether the X server is ready. */
const LOOK = 50;

/**
 * The page where nobody is logged in at a Linux machine: on an X server of its own, in the place of the display manager. Keys that
 * lead to other consoles are switched off there, and the browser is nobody's.
 */
export const kioskWay: Way = {
  name: 'kiosk',
  unfit: () => null,
  limits: () => [],
  async open(stage, scene) {
    const { platform, session, programs } = stage;
    if (platform !== 'linux') throw new Error('an X server of its own is for Linux');
    if (session.kind !== 'none') throw new Error('somebody is logged in at the screen');
    if (process.getuid?.() !== 0) throw new Error('an X server of its own is started by root');
    if (!canRun(programs.xServer.program)) throw new Error('there is no X server');
    if (!programs.browsers.some(({ program }) => canRun(program))) throw new Error('there is no browser');
    return KioskWindow.open(stage, scene);
  },
};

class KioskWindow implements ScreenWindow {
  readonly lost: Promise<string>;
  readonly #server: Running;
  readonly #page: ScreenWindow;
  readonly #folders: readonly WorkFolder[];

  static async open(stage: Stage, scene: Scene): Promise<KioskWindow> {
    const { programs, place, timing } = stage;
    const { program, words, config } = programs.xServer;
    const own = new WorkFolder(place, null);
    const theirs = new WorkFolder(place, NOBODY);
    let server: Running | null = null;
    try {
      const cookie = authority(randomBytes(16));
      const auth = await own.put('authority', cookie);
      const configured = config === null ? [] : ['-config', await own.put('xorg.conf', config)];
      const all = [
        '-displayfd',
        '1',
        '-auth',
        auth,
        '-nolisten',
        'tcp',
        '-noreset',
        '-s',
        '0',
        ...configured,
        ...words,
      ];
      server = await start(program, all, { heard: true });
      const display = await displayOf(server, timing.up);
      const environment = {
        DISPLAY: `:${display}`,
        XAUTHORITY: await theirs.put('authority', cookie),
        HOME: theirs.inside,
      };
      const session = { kind: 'user', ...NOBODY, environment } as const;
      const page = await pageWay.open({ ...stage, session }, scene);
      return new KioskWindow(server, page, [own, theirs]);
    } catch (error) {
      await server?.end();
      for (const folder of [own, theirs]) folder.remove();
      throw error;
    }
  }

  private constructor(server: Running, page: ScreenWindow, folders: readonly WorkFolder[]) {
    this.#server = server;
    this.#page = page;
    this.#folders = folders;
    this.lost = Promise.race([page.lost, server.ended.then(() => 'the X server ended')]);
  }

  show(scene: Scene): Promise<void> {
    return this.#page.show(scene);
  }

  async close(): Promise<void> {
    await this.#page.close();
    await this.#server.end();
    for (const folder of this.#folders) folder.remove();
  }
}

/** It tells the number of its display when it is ready. @throws Error when it does not */
async function displayOf(server: Running, up: number): Promise<string> {
  for (let waited = 0; waited < up; waited += LOOK) {
    const [, display] = /^(\d+)\n/.exec(server.printed) ?? [];
    if (display !== undefined) return display;
    if (!server.running) throw new Error('the X server ended at once');
    await sleep(LOOK);
  }
  throw new Error('the X server was not ready in time');
}

/** A file of X's own form: one secret, good for any display of this machine. */
function authority(secret: Buffer): Buffer {
  const ANY = 0xffff;
  const counted = (bytes: Buffer): Buffer => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const family = Buffer.alloc(2);
  family.writeUInt16BE(ANY);
  const nothing = counted(Buffer.alloc(0));
  return Buffer.concat([family, nothing, nothing, counted(Buffer.from('MIT-MAGIC-COOKIE-1')), counted(secret)]);
}
