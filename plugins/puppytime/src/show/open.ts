import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { clearAway, SHOW_PROGRAMS, type ShowPrograms } from '@d3/show';
import {
  DRIVERS,
  type DriverName,
  Exchange,
  ORDERS_SCHEMA,
  type Orders,
  type Report,
  TIMING,
  type Timing,
} from './orders.ts';
import type { Show, ShowAnswer, ShowName, ShowQuestion, ShowSettings } from './port.ts';
import type { Progress } from './scene.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export interface OpenShow {
  settings: ShowSettings;
  /** Absolute path of a folder of root's (or the caller's) own, made when it is not there: here who installs and who shows talk. */
  folder: string;
  /** The terminal somebody watches, or null. */
  terminal: Terminal | null;
  platform?: NodeJS.Platform;
  programs?: ShowPrograms;
  timing?: Timing;
  /** Milliseconds, always growing. */
  now?: () => number;
}

/** Milliseconds a question may take beyond its own time before it is taken as answered. */
const BEYOND = 10_000;
/** How often the show's process is started again when it dies while it is needed. */
const RESTARTS = 2;

/**
 * Opens a show, or takes over the one that an earlier run left when it died. It is there when something shows, or when it is
 * known that nothing will.
 */
export async function openShow({
  settings,
  folder,
  terminal,
  platform = process.platform,
  programs = SHOW_PROGRAMS,
  timing = TIMING,
  now = () => performance.now(),
}: OpenShow): Promise<Show> {
  const ways = settings.ways ?? waysFor(platform);
  const drivers = ways.filter((way): way is DriverName => (DRIVERS as readonly string[]).includes(way));
  const failed: { driver: ShowName; reason: string }[] = [];
  if (drivers.length > 0) {
    const wanted = { settings, folder, platform, programs, timing, now, drivers };
    try {
      const show = await WindowShow.open(wanted);
      if (show.way() !== 'none') return show;
      failed.push(...show.failed());
      await show.close();
    } catch (error) {
      failed.push({ driver: drivers[0] as DriverName, reason: (error as Error).message });
    }
  }
  if (ways.includes('terminal')) {
    if (terminal !== null) return openTerminal(terminal, settings, failed);
    failed.push({ driver: 'terminal', reason: 'nobody watches a terminal' });
  }
  return nothing(failed);
}

/** A Mac's windows, the page, the terminal. */
function waysFor(platform: NodeJS.Platform): readonly ShowName[] {
  return platform === 'darwin' ? [...DRIVERS, 'terminal'] : ['page', 'terminal'];
}

function nothing(failed: readonly { driver: ShowName; reason: string }[]): Show {
  return {
    way: () => 'none',
    failed: () => failed,
    ask: async () => 'unasked',
    progress: () => undefined,
    over: () => undefined,
    close: async () => undefined,
  };
}

type Wanted = Required<Omit<OpenShow, 'terminal'>> & { drivers: readonly DriverName[] };

/** A show in a process of its own. */
class WindowShow implements Show {
  readonly #wanted: Wanted;
  readonly #exchange: Exchange<Orders, Report>;
  readonly #beat: NodeJS.Timeout;
  #orders: Orders;
  #report: Report | null = null;
  #broughtUp = false;
  #restarts = 0;
  #starting: Promise<void> | null = null;

  static async open(wanted: Wanted): Promise<WindowShow> {
    const show = new WindowShow(wanted);
    try {
      await show.#bringUp();
      return show;
    } catch (error) {
      await show.close();
      throw error;
    }
  }

  private constructor(wanted: Wanted) {
    const { settings, folder, drivers, programs, platform, timing, now } = wanted;
    const { title, size, seconds, captions, texts } = settings;
    this.#wanted = wanted;
    this.#exchange = Exchange.ofInstaller(folder, now);
    const scene = { title, size, seconds, captions, texts, question: null, progress: null, over: false };
    const { folder: images } = settings;
    this.#orders = {
      schema: ORDERS_SCHEMA,
      pid: process.pid,
      drivers,
      scene,
      folder: images,
      closed: false,
      timing,
      platform,
      programs,
    };
    this.#beat = setInterval(() => {
      this.#exchange.beat();
      if (this.#broughtUp) void this.#revive();
    }, timing.beat);
    this.#beat.unref();
  }

  way(): ShowName {
    this.#hear();
    return this.#report?.driver ?? 'none';
  }

  failed(): readonly { driver: ShowName; reason: string }[] {
    return this.#report?.failed ?? [];
  }

  async ask({ seconds, ...asked }: ShowQuestion): Promise<ShowAnswer> {
    const { now, timing } = this.#wanted;
    const id = randomUUID();
    this.#order({ question: { ...asked, id, seconds } });
    const until = now() + seconds * 1000 + BEYOND;
    let answer: ShowAnswer = 'unasked';
    while (now() < until) {
      await new Promise((resolve) => setTimeout(resolve, timing.look));
      this.#hear();
      if (this.#report?.answer?.question === id) {
        ({ answer } = this.#report.answer);
        break;
      }
      if (!this.#exchange.alive(timing.silent) && !(await this.#revive())) break;
      if (this.#report?.settled && this.#report.driver === null) break;
    }
    this.#order({ question: null });
    // It stood there for its whole time, or nobody could see it any more.
    return answer === 'unasked' && now() >= until ? asked.byItself : answer;
  }

  progress(progress: Progress): void {
    this.#order({ progress });
  }

  over(message: string): void {
    const { total = 0 } = this.#orders.scene.progress ?? {};
    this.#order({ over: true, progress: { message, done: total, total } });
  }

  async close(): Promise<void> {
    const { timing, now } = this.#wanted;
    clearInterval(this.#beat);
    this.#orders = { ...this.#orders, closed: true };
    this.#write();
    const until = now() + CLOSES;
    while (now() < until && this.#exchange.alive(timing.silent))
      await new Promise((resolve) => setTimeout(resolve, Math.min(timing.look, 100)));
    this.#hear();
    const { place = null } = this.#report ?? {};
    if (place !== null && !this.#exchange.alive(timing.silent)) clearAway(place);
    this.#exchange.remove();
  }

  #order(changed: Partial<Orders['scene']>): void {
    this.#orders = { ...this.#orders, scene: { ...this.#orders.scene, ...changed } };
    this.#write();
  }

  #write(): void {
    try {
      this.#exchange.write(this.#orders);
    } catch {
      // The disk is full, perhaps: what is installed is more important than what is shown of it.
    }
  }

  #hear(): void {
    this.#report = this.#exchange.read() ?? this.#report;
  }

  /** Starts the show's process again when it died: a few times, then it is left at that. */
  async #revive(): Promise<boolean> {
    if (this.#exchange.alive(this.#wanted.timing.silent)) return true;
    if (this.#orders.closed || this.#restarts >= RESTARTS) return false;
    this.#hear();
    // It ended by itself since nothing can be shown.
    if (this.#report?.settled && this.#report.driver === null) return false;
    if (this.#starting === null) this.#restarts += 1;
    await this.#once().catch(() => undefined);
    return this.#exchange.alive(this.#wanted.timing.silent);
  }

  /** Takes over the show that is there, or starts one, and waits until it knows whether it has a window. */
  async #bringUp(): Promise<void> {
    const there = await this.#exchange.stirs(this.#wanted.timing);
    this.#write();
    if (there) await this.#settled();
    else await this.#once();
    // It was just about to end when it was taken over.
    if (there && !this.#exchange.alive(this.#wanted.timing.silent)) await this.#once();
    this.#broughtUp = true;
  }

  /** Starts it, unless somebody here is about to. */
  #once(): Promise<void> {
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    this.#write();
    const child = spawn(process.execPath, [...process.execArgv.filter(kept), MAIN, this.#wanted.folder], {
      cwd: '/',
      detached: true,
      stdio: 'ignore',
      env: environment(),
    });
    child.unref();
    const { pid } = child;
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    await this.#settled(pid);
  }

  /** @param pid of the process whose word counts; undefined: of whichever */
  async #settled(pid?: number): Promise<void> {
    const { timing, now, drivers } = this.#wanted;
    const until = now() + drivers.length * (timing.up + BEYOND);
    while (now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(timing.look, 100)));
      const report = this.#exchange.read();
      if (report === null || (pid !== undefined && report.pid !== pid)) continue;
      this.#report = report;
      if (report.settled || !this.#exchange.alive(timing.silent)) return;
    }
  }
}

/** Milliseconds until a show that was told to end is left to itself. */
const CLOSES = 8000;
const MAIN = fileURLToPath(new URL(`./host-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/** How modules are found, from sources as from a build; nothing that listens, measures or tests. */
function kept(option: string): boolean {
  return /^(?:--conditions=|-C|--disable-warning=)/.test(option);
}

/** A way to somebody's screen for who has one of their own, and no more. */
function environment(): NodeJS.ProcessEnv {
  const names = [
    'PATH',
    'HOME',
    'USER',
    'LOGNAME',
    'LANG',
    'TMPDIR',
    'DISPLAY',
    'XAUTHORITY',
    'WAYLAND_DISPLAY',
    'XDG_RUNTIME_DIR',
    'DBUS_SESSION_BUS_ADDRESS',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}
