import { randomUUID } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { clearAway } from '../leavings.ts';
import { SHOW_PROGRAMS, type ShowPrograms } from '../places.ts';
import { sleep } from '../programs.ts';
import { sessionNow } from '../session.ts';
import { baseFor, makePlace } from '../work-folder.ts';
import { jamfHelperWay } from './jamf-helper.ts';
import { kioskWay } from './kiosk.ts';
import { Leash } from './leash.ts';
import { pageWay } from './page.ts';
import type { Escape, Form, FormAnswer, Screen, Values, View, WayName } from './port.ts';
import { faultsOf } from './scripted.ts';
import { swiftDialogWay } from './swift-dialog.ts';
import { type Teletype, terminalWay } from './terminal.ts';
import type { FormScene, Scene, ScreenTiming, ScreenWindow, Stage, Verdict, ViewScene, Way } from './way.ts';

export interface OpenScreen {
  /** Absolute path of a folder of root's (or the caller's) own, made when it is not there: one screen at a time has it. */
  folder: string;
  /** What may show, in this order; null: what fits the machine. */
  ways?: readonly WayName[] | null;
  /** The terminal somebody watches, or null. */
  teletype: Teletype | null;
  /** Windows are shown in such a session only: another process has the other. Null: in any. */
  only?: 'login' | 'user' | null;
  platform?: NodeJS.Platform;
  programs?: ShowPrograms;
  timing?: ScreenTiming;
  /** Milliseconds, always growing. */
  now?: () => number;
}

export const SCREEN_TIMING: ScreenTiming = { up: 20_000, again: 30_000, beat: 2000, steady: 5000, linger: 300 };

/** Somebody else shows something from the same folder. */
export class ScreenTaken extends Error {
  constructor(pid: number) {
    super(`process ${pid} has the screen already`);
  }
}

/**
 * Takes the screen of the machine. What an earlier process left there when it died is taken away first; what this one shows goes when
 * it dies.
 * @throws ScreenTaken when a process that is alive has it
 */
export async function openScreen({
  folder,
  ways = null,
  teletype,
  only = null,
  platform = process.platform,
  programs = SHOW_PROGRAMS,
  timing = SCREEN_TIMING,
  now = () => performance.now(),
}: OpenScreen): Promise<Screen> {
  const hold = await Hold.take(folder, platform, timing);
  const all: readonly Way[] = [swiftDialogWay, pageWay, kioskWay, jamfHelperWay, terminalWay(teletype)];
  const wanted = ways ?? waysFor(platform);
  const chosen = wanted.flatMap((name) => all.filter((way) => way.name === name));
  return new OwnScreen(hold, chosen, { platform, programs, timing, now, only });
}

/** A Mac's windows, the page, at a Linux machine also where nobody is logged in, the terminal. */
function waysFor(platform: NodeJS.Platform): readonly WayName[] {
  return platform === 'darwin' ? ['swiftDialog', 'page', 'jamfHelper', 'terminal'] : ['page', 'kiosk', 'terminal'];
}

export interface Note {
  schema: 'd3/screen@1';
  pid: number;
  /** Absolute path of what was handed to programs. */
  place: string;
}

/** That the screen is ours: a note with a sign of life, a place for programs, and who clears up when we die. */
class Hold {
  readonly place: string;
  readonly #file: string;
  readonly #leash: Leash;
  readonly #beat: NodeJS.Timeout;

  static async take(folder: string, platform: NodeJS.Platform, timing: ScreenTiming): Promise<Hold> {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    const file = path.join(folder, 'screen.json');
    const before = readNote(file);
    if (before !== null) {
      if (await stirs(file, before.pid, timing.beat)) throw new ScreenTaken(before.pid);
      clearAway(before.place);
    }
    return new Hold(file, makePlace(baseFor(platform)), timing.beat);
  }

  private constructor(file: string, place: string, beat: number) {
    this.#file = file;
    this.place = place;
    const note: Note = { schema: 'd3/screen@1', pid: process.pid, place };
    const draft = `${file}.${randomUUID()}`;
    writeFileSync(draft, JSON.stringify(note), { flag: 'wx', mode: 0o600 });
    renameSync(draft, file);
    this.#leash = new Leash(place);
    this.#beat = setInterval(() => {
      try {
        utimesSync(file, new Date(), new Date());
      } catch {
        // Somebody took it away: it says nothing any more, and the screen stays.
      }
    }, beat);
    this.#beat.unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#beat);
    await this.#leash.release();
    clearAway(this.place);
    rmSync(this.#file, { force: true });
  }
}

function readNote(file: string): Note | null {
  try {
    const found = JSON.parse(readFileSync(file, 'utf8')) as Note;
    return found.schema === 'd3/screen@1' && Number.isInteger(found.pid) && typeof found.place === 'string'
      ? found
      : null;
  } catch {
    return null;
  }
}

/** Whether who wrote a note gives a sign of life from now on: its number may be somebody else's since the machine was started. */
async function stirs(file: string, pid: number, beat: number): Promise<boolean> {
  const before = stampOf(file);
  for (let waited = 0; waited < 3 * beat; waited += 50) {
    try {
      process.kill(pid, 0);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
    }
    if (stampOf(file) !== before) return true;
    await sleep(50);
  }
  return false;
}

function stampOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A form that was asked, and who waits for its answer. */
interface Asking {
  scene: FormScene;
  settle: (answer: FormAnswer) => void;
  timer: NodeJS.Timeout | undefined;
  /** An answer is looked at right now. */
  busy: boolean;
}

type Machine = Pick<Stage, 'platform' | 'programs' | 'timing' | 'now'> & { only: 'login' | 'user' | null };

class OwnScreen implements Screen {
  readonly #hold: Hold;
  readonly #ways: readonly Way[];
  readonly #machine: Machine;
  #view: ViewScene | null = null;
  #escape: Form | null = null;
  #asking: Asking | null = null;
  #asks: Promise<unknown> = Promise.resolve();
  #window: { way: Way; window: ScreenWindow; since: number } | null = null;
  readonly #failed = new Map<WayName, string>();
  readonly #reopened = new Map<WayName, number>();
  #work: Promise<void> = Promise.resolve();
  #waiting = false;
  #again: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(hold: Hold, ways: readonly Way[], machine: Machine) {
    this.#hold = hold;
    this.#ways = ways;
    this.#machine = machine;
  }

  way(): WayName | 'none' {
    return this.#window?.way.name ?? 'none';
  }

  failed(): readonly { way: WayName; reason: string }[] {
    return [...this.#failed].map(([way, reason]) => ({ way, reason }));
  }

  limits(): readonly string[] {
    const scene = this.#scene();
    return scene === null || this.#window === null ? [] : this.#window.way.limits(scene);
  }

  progress(view: View): void {
    this.#escape = null;
    this.#show({ kind: 'view', view, locked: false, escape: null });
  }

  lock(view: View, escape: Escape | null): void {
    this.#escape = escape?.form ?? null;
    this.#show({ kind: 'view', view, locked: true, escape: escape?.label ?? null });
  }

  #show(scene: ViewScene): void {
    this.#view = scene;
    if (this.#asking === null) this.#bring();
  }

  ask(form: Form): Promise<FormAnswer> {
    const asked = this.#asks.then(() => this.#askNow(form));
    this.#asks = asked;
    return asked;
  }

  async settled(): Promise<void> {
    await this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    clearTimeout(this.#lingering);
    this.#settle({ button: null, reasons: ['the screen was closed'] });
    await this.#work;
    await this.#leave();
    await this.#hold.release();
  }

  #scene(): Scene | null {
    return this.#asking?.scene ?? this.#view;
  }

  #askNow(form: Form): Promise<FormAnswer> {
    if (this.#closed) return Promise.resolve({ button: null, reasons: ['the screen was closed'] });
    clearTimeout(this.#lingering);
    const { limit } = form;
    const until = limit === null ? null : this.#machine.now() + limit.seconds * 1000;
    const values = Object.fromEntries(form.fields.map(({ name, value }) => [name, value ?? '']));
    return new Promise((settle) => {
      const scene: FormScene = { kind: 'form', form, id: randomUUID(), values, faults: {}, until };
      const timer =
        limit === null
          ? undefined
          : setTimeout(
              () => this.#settle({ button: limit.button, values: this.#asking?.scene.values ?? values, by: 'time' }),
              limit.seconds * 1000,
            );
      this.#asking = { scene, settle, timer, busy: false };
      this.#bring();
    });
  }

  /** The form is over. What comes next may come at once; if not, what was there before comes back. */
  #settle(answer: FormAnswer): void {
    const asking = this.#asking;
    if (asking === null) return;
    clearTimeout(asking.timer);
    this.#asking = null;
    asking.settle(answer);
    clearTimeout(this.#lingering);
    this.#lingering = setTimeout(() => this.#bring(), this.#machine.timing.linger);
  }

  async #answer(id: string, button: string, values: Values): Promise<Verdict> {
    const asking = this.#asking;
    const pressed = asking?.scene.form.buttons.find((one) => one.id === button);
    if (asking === null || asking.scene.id !== id || asking.busy || pressed === undefined) return { state: 'stale' };
    const { form } = asking.scene;
    const said = Object.fromEntries(form.fields.map(({ name }) => [name, values[name] ?? '']));
    asking.busy = true;
    try {
      const faults = pressed.checks ? await faultsOf(form, said, button) : null;
      // Its time was up meanwhile.
      if (this.#asking !== asking) return { state: 'stale' };
      if (faults === null) {
        this.#settle({ button, values: said, by: 'person' });
        return { state: 'taken' };
      }
      this.#askAgain(asking, said, faults);
      return { state: 'faults', faults };
    } catch (error) {
      const faults = { '': (error as Error).message };
      if (this.#asking === asking) this.#askAgain(asking, said, faults);
      return { state: 'faults', faults };
    } finally {
      asking.busy = false;
    }
  }

  /** Asks the same again: with what was typed, but for secrets. */
  #askAgain(asking: Asking, said: Values, faults: Readonly<Record<string, string>>): void {
    const { form } = asking.scene;
    const values = Object.fromEntries(
      form.fields.map((field) => [field.name, field.kind === 'text' && field.secret ? '' : (said[field.name] ?? '')]),
    );
    asking.scene = { ...asking.scene, id: randomUUID(), values, faults };
    this.#bring();
  }

  #closedByPerson(id: string): void {
    const asking = this.#asking;
    if (asking === null || asking.scene.id !== id) return;
    const { form, values } = asking.scene;
    if (form.closed !== null) return this.#settle({ button: form.closed, values, by: 'person' });
    this.#askAgain(asking, values, asking.scene.faults);
  }

  #out(): void {
    if (this.#escape === null || this.#asking !== null) return;
    void this.ask(this.#escape);
  }

  /** Has what is wanted stand on the screen; what is wanted meanwhile is looked at once, after that. */
  #bring(): void {
    if (this.#waiting || this.#closed) return;
    this.#waiting = true;
    this.#work = this.#standAfter(this.#work);
  }

  async #standAfter(before: Promise<void>): Promise<void> {
    await before;
    this.#waiting = false;
    if (!this.#closed) await this.#stand();
  }

  async #stand(): Promise<void> {
    clearTimeout(this.#again);
    const scene = this.#scene();
    if (scene === null) return this.#leave();
    const reasons: string[] = [];
    for (const way of this.#ways) {
      const unfit = way.unfit(scene) ?? this.#failed.get(way.name) ?? null;
      if (unfit !== null) {
        reasons.push(`${way.name}: ${unfit}`);
        continue;
      }
      try {
        if (this.#window?.way === way) await this.#window.window.show(scene);
        else await this.#open(way, scene);
        return;
      } catch (error) {
        if (this.#window?.way === way) await this.#leave();
        this.#failed.set(way.name, (error as Error).message);
        reasons.push(`${way.name}: ${(error as Error).message}`);
      }
      if (this.#closed) return;
    }
    await this.#leave();
    if (scene.kind === 'form' && this.#asking?.scene === scene) return this.#settle({ button: null, reasons });
    // A screen may be there later: a Mac that starts has none for a while.
    this.#again = setTimeout(() => {
      this.#failed.clear();
      this.#reopened.clear();
      this.#bring();
    }, this.#machine.timing.again);
    this.#again.unref();
  }

  async #open(way: Way, scene: Scene): Promise<void> {
    await this.#leave();
    const { platform, programs, timing, now, only } = this.#machine;
    const session = await sessionNow(platform, programs);
    if (only !== null && way.name !== 'terminal' && session.kind !== only)
      throw new Error(only === 'login' ? 'the login window is not there' : 'nobody is logged in at the screen');
    const stage: Stage = {
      session,
      programs,
      platform,
      timing,
      place: this.#hold.place,
      now,
      answer: (id, button, values) => this.#answer(id, button, values),
      closed: (id) => this.#closedByPerson(id),
      escape: () => this.#out(),
    };
    const window = await way.open(stage, scene);
    this.#window = { way, window, since: now() };
    void this.#watch(way, window);
  }

  async #watch(way: Way, window: ScreenWindow): Promise<void> {
    const reason = await window.lost;
    this.#work = this.#work.then(() => this.#lost(way, window, reason));
  }

  /** One that goes at once each time it is opened is no use; one that stood is opened again. */
  async #lost(way: Way, window: ScreenWindow, reason: string): Promise<void> {
    if (this.#window?.window !== window || this.#closed) return;
    const { now, timing } = this.#machine;
    const again = now() - this.#window.since >= timing.steady ? 0 : (this.#reopened.get(way.name) ?? 0) + 1;
    this.#reopened.set(way.name, again);
    if (again > 1) this.#failed.set(way.name, reason);
    await this.#leave();
    await this.#stand();
  }

  async #leave(): Promise<void> {
    const open = this.#window;
    this.#window = null;
    await open?.window.close();
  }
}
