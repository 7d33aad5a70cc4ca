import {
  canRun,
  countdownText,
  type ImageKind,
  oneLine,
  type Running,
  readImage,
  start,
  type WorkFolder,
} from '@d3/show';
import type { Scene, SceneQuestion } from '../scene.ts';
import type { Stage, Window } from './driver.ts';

/** An image as a program of the system gets it: a private copy with a plain name, whatever the original is called. */
export interface Picture {
  file: string;
  caption: string;
}

/** How a program of the system shows things: one run of it asks, another shows images. */
export interface Program {
  /** Absolute path. */
  readonly path: string;
  /** What it is called when something is wrong with it. */
  readonly called: string;
  /** The words for a run that shows images and progress. */
  showing(scene: Scene, picture: Picture | null): Promise<string[]>;
  asking(question: SceneQuestion, scene: Scene, picture: Picture | null, seconds: number): Promise<string[]>;
  /** What a run that asked meant by its exit code; null: it was never seen. */
  answered(code: number | null, byItself: SceneQuestion['byItself']): 'continue' | 'postpone' | null;
  /**
   * Waits until a run has really come up.
   * @throws Error when it has not
   */
  cameUp(run: Running): Promise<void>;
  /** Tells a run that asks how long it still does; null: it counts by itself. */
  readonly count: ((text: string) => Promise<void>) | null;
  /** Tells a run that shows of what changed; null: it takes another run to show something else. */
  readonly change: ((scene: Scene, picture: Picture | null) => Promise<void>) | null;
}

/** What a run does: shows, or asks the question with that id. */
type Doing = 'showing' | { asking: string };

/** A window that a program of the system has, with a picture that changes. */
export class ProgramWindow implements Window {
  readonly lost: Promise<string>;
  readonly #stage: Stage;
  readonly #program: Program;
  readonly #folder: WorkFolder;
  #lose: (reason: string) => void = () => undefined;
  #scene: Scene;
  #run: Running | undefined;
  #doing: Doing | null = null;
  #answered: string | null = null;
  #shown = '';
  #picture: Picture | null = null;
  #turn = 0;
  #work: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #counter: NodeJS.Timeout | undefined;
  #closed = false;

  static async open(stage: Stage, folder: WorkFolder, program: Program): Promise<ProgramWindow> {
    const window = new ProgramWindow(stage, folder, program);
    try {
      if (!canRun(program.path)) throw new Error(`${program.called} is not installed`);
      await window.#turnPicture();
      await window.#bringAbout();
      window.#schedule();
      window.#counter = setInterval(() => window.#count(), 1000);
      return window;
    } catch (error) {
      await window.close();
      throw error;
    }
  }

  private constructor(stage: Stage, folder: WorkFolder, program: Program) {
    this.#stage = stage;
    this.#scene = stage.scene;
    this.#folder = folder;
    this.#program = program;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  show(scene: Scene): void {
    this.#scene = scene;
    this.#queue(() => this.#bringAbout());
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#counter);
    // What waits for a run to come up waits no longer; what it was about to start is ended as well.
    await this.#run?.end();
    await this.#work;
    await this.#run?.end();
    this.#folder.remove();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#queue(async () => {
        if (this.#doing === 'showing') await this.#turnPicture();
        await this.#bringAbout();
      });
      if (!this.#closed) this.#schedule();
    }, this.#scene.seconds * 1000);
  }

  #count(): void {
    const { question } = this.#scene;
    if (question === null || typeof this.#doing !== 'object' || this.#program.count === null) return;
    const { count } = this.#program;
    this.#queue(() => count(countdownOf(question, this.#stage.now())));
  }

  /** One thing after the other; what goes wrong is the end of the window. */
  #queue(work: () => Promise<void>): void {
    this.#work = this.#after(this.#work, work);
  }

  async #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    await before;
    if (this.#closed) return;
    try {
      await work();
    } catch (error) {
      this.#lose((error as Error).message);
    }
  }

  async #turnPicture(): Promise<void> {
    const next = await this.#stage.slideshow.next();
    if (next === null) return;
    const caption = this.#scene.captions ? next.slide.caption : this.#scene.texts.caption;
    this.#picture = await this.#copy(next.slide.kind, next.bytes, caption);
  }

  async #copy(kind: ImageKind, bytes: Buffer, caption: string): Promise<Picture> {
    // Two names in turn: what is shown is not written over.
    this.#turn += 1;
    return { file: await this.#folder.put(`picture-${this.#turn % 2}.${kind}`, bytes), caption };
  }

  async #bringAbout(): Promise<void> {
    const { question } = this.#scene;
    if (question !== null && question.id !== this.#answered) {
      if (typeof this.#doing !== 'object' || this.#doing?.asking !== question.id) await this.#ask(question);
      return;
    }
    const state = JSON.stringify([textOf(this.#scene), this.#scene.title, this.#picture]);
    if (this.#doing === 'showing' && state === this.#shown) return;
    this.#shown = state;
    if (this.#doing === 'showing' && this.#program.change !== null)
      return this.#program.change(this.#scene, this.#picture);
    const words = await this.#program.showing(this.#scene, this.#picture);
    await this.#replace('showing', words, (code) => {
      if (!this.#closed) this.#lose(`${this.#program.called} ended (exit code ${code ?? 'none'})`);
    });
  }

  async #ask(question: SceneQuestion): Promise<void> {
    const image = question.image === null ? null : await readImage(question.image);
    const picture = image === null ? this.#picture : await this.#copy(image.kind, image.bytes, '');
    const seconds = Math.max(1, Math.ceil((question.until - this.#stage.now()) / 1000));
    const words = await this.#program.asking(question, this.#scene, picture, seconds);
    await this.#replace({ asking: question.id }, words, (code) => {
      const answer = this.#program.answered(code, question.byItself);
      if (answer === null) return this.#lose(`${this.#program.called} ended (exit code ${code ?? 'none'})`);
      this.#answered = question.id;
      this.#stage.onAnswer({ question: question.id, answer });
      this.#queue(() => this.#bringAbout());
    });
  }

  /** Starts the new run before it ends the old one, so that nobody sees what is behind. */
  async #replace(doing: Doing, words: string[], onEnd: (code: number | null) => void): Promise<void> {
    const before = this.#run;
    const run = await start(this.#program.path, words);
    this.#run = run;
    this.#doing = doing;
    void this.#watch(run, onEnd);
    await this.#program.cameUp(run);
    await before?.end();
  }

  async #watch(run: Running, onEnd: (code: number | null) => void): Promise<void> {
    const code = await run.ended;
    if (this.#run === run && !this.#closed) onEnd(code);
  }
}

/** How long a question still waits. */
export function countdownOf({ countdown, until }: SceneQuestion, now: number): string {
  return countdownText(countdown, (until - now) / 1000);
}

/** What is said of how it goes, in one line. */
export function textOf({ progress, installer, over, texts }: Scene): string {
  const { message = over ? texts.over : '', done = 0, total = 0 } = progress ?? {};
  const far = total > 0 && !over ? ` (${done} of ${total})` : '';
  return oneLine(installer === 'gone' ? texts.gone : `${message}${far}`);
}
