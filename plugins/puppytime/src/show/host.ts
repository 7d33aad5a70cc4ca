import { baseFor, clearAway, makePlace, sessionNow } from '@d3/show';
import type { Driver, Stage, Window } from './drivers/driver.ts';
import { jamfHelperDriver } from './drivers/jamf-helper.ts';
import { pageDriver } from './drivers/page.ts';
import { swiftDialogDriver } from './drivers/swift-dialog.ts';
import { Exchange, type Orders, REPORT_SCHEMA, type Report } from './orders.ts';
import type { Answer, Scene, SceneQuestion } from './scene.ts';
import { Slideshow } from './slideshow.ts';

const OWN: Readonly<Record<Driver['name'], Driver>> = {
  swiftDialog: swiftDialogDriver,
  page: pageDriver,
  jamfHelper: jamfHelperDriver,
};
/** How often a window that is gone is opened once more before another way to show is taken. */
const REOPENED = 1;

/**
 * Shows what the orders in the folder say until they say that it is over. It runs in a process of its own: it goes on when who
 * installs dies, and what it does or fails to do never reaches them but as a report they may read.
 */
export async function host(folder: string, signal: AbortSignal): Promise<void> {
  const now = () => performance.now();
  const exchange = Exchange.ofShow(folder, now);
  const orders = exchange.read();
  if (orders === null) return;
  await new Host(exchange, orders, now).run(signal);
}

class Host {
  readonly #exchange: Exchange<Report, Orders>;
  readonly #now: () => number;
  #orders: Orders;
  #report: Report;
  #slideshow: Slideshow;
  #question: SceneQuestion | null = null;
  #window: { driver: Driver; window: Window } | null = null;
  #place = '';
  /** Another window that is about to be opened for one that was lost. */
  #opening: Promise<void> = Promise.resolve();
  /** Ways to show that are not tried any more, and how often each was opened again. */
  readonly #reopened = new Map<string, number>();

  constructor(exchange: Exchange<Report, Orders>, orders: Orders, now: () => number) {
    this.#exchange = exchange;
    this.#orders = orders;
    this.#now = now;
    this.#slideshow = new Slideshow(orders.folder, now);
    this.#report = {
      schema: REPORT_SCHEMA,
      pid: process.pid,
      driver: null,
      settled: false,
      failed: [],
      place: null,
      answer: null,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    // What a show before this one left when it was killed would stand before what this one shows.
    const left = this.#exchange.readOwn()?.place ?? null;
    if (left !== null) clearAway(left);
    this.#place = makePlace(baseFor(this.#orders.platform));
    this.#tell({ place: this.#place });
    const beat = setInterval(() => this.#exchange.beat(), this.#orders.timing.beat);
    let shown = '';
    let deserted: number | null = null;
    try {
      await this.#open();
      while (this.#window !== null && !signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, this.#orders.timing.look));
        const { timing } = this.#orders;
        const here = this.#exchange.alive(timing.silent);
        this.#take(this.#exchange.read());
        if (this.#orders.closed) break;
        deserted = here ? null : (deserted ?? this.#now());
        if (deserted !== null && this.#now() - deserted > timing.linger) break;
        this.#answerInTime();
        const scene = this.#scene(here);
        const state = JSON.stringify(scene);
        if (state === shown) continue;
        shown = state;
        this.#window?.window.show(scene);
      }
    } finally {
      await this.#opening;
      await this.#window?.window.close();
      this.#window = null;
      clearInterval(beat);
      clearAway(this.#place);
      this.#tell({ driver: null, settled: true, place: null });
    }
  }

  #take(orders: Orders | null): void {
    if (orders === null) return;
    if (orders.folder !== this.#orders.folder) this.#slideshow = new Slideshow(orders.folder, this.#now);
    this.#orders = orders;
  }

  /** Nobody said anything: the question does. */
  #answerInTime(): void {
    if (this.#question === null || this.#now() < this.#question.until) return;
    this.#answer({ question: this.#question.id, answer: this.#question.byItself });
  }

  #answer(answer: Answer): void {
    if (this.#report.answer?.question !== answer.question) this.#tell({ answer });
  }

  /** Tries one way after the other. Without any, there is nothing to be run for. */
  async #open(): Promise<void> {
    for (const name of this.#orders.drivers) {
      if (this.#report.failed.some(({ driver }) => driver === name)) continue;
      this.#take(this.#exchange.read());
      if (this.#orders.closed) break;
      const driver = OWN[name];
      try {
        const window = await driver.open(await this.#stage());
        this.#window = { driver, window };
        this.#tell({ driver: name, settled: true });
        void this.#watch(window);
        return;
      } catch (error) {
        this.#failed(name, (error as Error).message);
      }
    }
    this.#window = null;
    this.#tell({ driver: null, settled: true });
  }

  async #stage(): Promise<Stage> {
    const { programs, timing, platform } = this.#orders;
    return {
      scene: this.#scene(this.#exchange.alive(timing.silent)),
      slideshow: this.#slideshow,
      session: await sessionNow(platform, programs),
      programs,
      platform,
      timing,
      place: this.#place,
      now: this.#now,
      onAnswer: (answer) => this.#answer(answer),
    };
  }

  async #watch(window: Window): Promise<void> {
    const reason = await window.lost;
    this.#opening = this.#lost(window, reason);
  }

  async #lost(window: Window, reason: string): Promise<void> {
    if (this.#window?.window !== window || this.#orders.closed) return;
    const { name } = this.#window.driver;
    const again = this.#reopened.get(name) ?? 0;
    this.#reopened.set(name, again + 1);
    if (again >= REOPENED) this.#failed(name, reason);
    this.#tell({ driver: null, settled: false });
    await window.close();
    await this.#open();
  }

  #failed(driver: Driver['name'], reason: string): void {
    this.#tell({ failed: [...this.#report.failed, { driver, reason }] });
  }

  /** What is shown now. A question runs from when it was first seen here. */
  #scene(here: boolean): Scene {
    const { question, ...scene } = this.#orders.scene;
    if (question === null) this.#question = null;
    else if (this.#question?.id !== question.id) {
      const { seconds, ...rest } = question;
      this.#question = { ...rest, until: this.#now() + seconds * 1000 };
    }
    const over = this.#question !== null && this.#report.answer?.question === this.#question.id;
    return { ...scene, question: over ? null : this.#question, installer: here ? 'here' : 'gone' };
  }

  #tell(changed: Partial<Report>): void {
    this.#report = { ...this.#report, ...changed };
    try {
      this.#exchange.write(this.#report);
    } catch {
      // Nobody hears of it; what is shown stays.
    }
  }
}
