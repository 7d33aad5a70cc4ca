import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Answered, IMAGE_POLICY, LocalPages, MEDIA_TYPES, type Pages, readImage, type Sighting } from '@d3/show';
import type { Answer, Scene } from '../scene.ts';
import { readSlide, type Slide } from '../slides.ts';

/** What the page asks for once a second. */
export interface PageState extends Omit<Scene, 'question'> {
  question: (Omit<NonNullable<Scene['question']>, 'image' | 'until'> & { left: number; picture: string | null }) | null;
  slides: { path: string; caption: string }[];
}

interface Told {
  /** A page came up, or came to the front or went from it. */
  onSeen(sighting: Sighting): void;
  onAnswer(answer: Answer): void;
  /** A page asked how things stand: it is still there. */
  onAsked(): void;
  /** Milliseconds, always growing. */
  now(): number;
}

const FILES = {
  '': ['show.html', 'text/html; charset=utf-8'],
  'show.css': ['show.css', 'text/css; charset=utf-8'],
  'show.js': ['show.js', 'text/javascript; charset=utf-8'],
} as const;
const FOLDER = new URL('../../../page/', import.meta.url);
/**
 * The page of a show and all it needs, on this machine only, under an address nobody can guess: who has not been told it gets
 * no more than that there is nothing.
 */
export class PageServer implements Pages {
  readonly #told: Told;
  #served: LocalPages | null = null;
  #scene: Scene;
  #slides: readonly (Slide & { path: string })[] = [];

  private constructor(scene: Scene, told: Told) {
    this.#scene = scene;
    this.#told = told;
  }

  /** @param told who hears of pages and answers */
  static async start(scene: Scene, slides: readonly Slide[], told: Told): Promise<PageServer> {
    const server = new PageServer(scene, told);
    server.show(scene, slides);
    server.#served = await LocalPages.start(server);
    return server;
  }

  /** The page's address, its secret included: not for a command line, which everybody on the machine can read. */
  get url(): string {
    return (this.#served as LocalPages).url;
  }

  show(scene: Scene, slides: readonly Slide[]): void {
    this.#scene = scene;
    this.#slides = slides.map((slide) => ({ ...slide, path: pathOf(slide) }));
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
      this.#told.onAsked();
      return { bytes: JSON.stringify(this.#state()), type: 'application/json' };
    }
    const { question } = this.#scene;
    if (path.startsWith('picture/') && question !== null && question.image !== null && path === picturePath(question)) {
      const image = await readImage(question.image);
      if (image !== null) return { bytes: image.bytes, type: MEDIA_TYPES[image.kind], policy: IMAGE_POLICY };
    }
    const slide = this.#slides.find((one) => one.path === path);
    const bytes = slide === undefined ? null : await readSlide(slide);
    if (slide === undefined || bytes === null) return null;
    return { bytes, type: MEDIA_TYPES[slide.kind], policy: IMAGE_POLICY };
  }

  async post(path: string, body: Readonly<Record<string, unknown>>): Promise<number> {
    if (path === 'seen') {
      const { page, visible } = body;
      if (typeof page !== 'string' || typeof visible !== 'boolean') return 400;
      this.#told.onSeen({ page: page.slice(0, 64), visible });
    } else if (path === 'answer') {
      const { question, answer } = body;
      // Of a question that is over, or with an answer it does not have: nobody was asked that.
      if (question !== this.#scene.question?.id || (answer !== 'continue' && answer !== 'postpone')) return 409;
      if (answer === 'postpone' && this.#scene.question?.labels.postpone === null) return 409;
      this.#told.onAnswer({ question: String(question), answer });
    } else {
      return 404;
    }
    return 204;
  }

  #state(): PageState {
    const { question, ...scene } = this.#scene;
    const slides = this.#slides.map(({ path, caption }) => ({ path, caption }));
    if (question === null) return { ...scene, question: null, slides };
    const { image, until, ...rest } = question;
    const left = Math.max(0, (until - this.#told.now()) / 1000);
    return { ...scene, question: { ...rest, left, picture: image === null ? null : picturePath(question) }, slides };
  }
}

function pathOf({ file }: Slide): string {
  return `slide/${createHash('sha256').update(file).digest('base64url').slice(0, 16)}`;
}

function picturePath({ id }: { id: string }): string {
  return `picture/${encodeURIComponent(id)}`;
}
