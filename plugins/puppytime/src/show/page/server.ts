import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MEDIA_TYPES } from '../images.ts';
import type { Answer, Scene } from '../scene.ts';
import { readImage, readSlide, type Slide } from '../slides.ts';

/** What the page asks for once a second. */
export interface PageState extends Omit<Scene, 'question'> {
  question: (Omit<NonNullable<Scene['question']>, 'image' | 'until'> & { left: number; picture: string | null }) | null;
  slides: { path: string; caption: string }[];
}

/** A page in somebody's browser that has told of itself. */
export interface Sighting {
  page: string;
  visible: boolean;
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
/** Bytes; what the page sends is far smaller. */
const MOST_SENT = 4096;
const MOST_CONNECTIONS = 64;

/** Nothing from elsewhere, nothing written into the page; images are images, whatever a drawing has inside. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
/** For an image opened by itself: a drawing may style itself, and may do nothing else. */
const IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/**
 * The page of a show and all it needs, on this machine only, under an address nobody can guess: who has not been told it gets
 * no more than that there is nothing.
 */
export class PageServer {
  readonly #server: Server;
  readonly #told: Told;
  readonly #token = randomBytes(32).toString('base64url');
  #port = 0;
  #scene: Scene;
  #slides: readonly (Slide & { path: string })[] = [];

  private constructor(scene: Scene, told: Told) {
    this.#scene = scene;
    this.#told = told;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => fail(response, 500));
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.headersTimeout = 5000;
    this.#server.requestTimeout = 10_000;
  }

  /** @param told who hears of pages and answers */
  static async start(scene: Scene, slides: readonly Slide[], told: Told): Promise<PageServer> {
    const server = new PageServer(scene, told);
    server.show(scene, slides);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  /** The page's address, its secret included: not for a command line, which everybody on the machine can read. */
  get url(): string {
    return `${this.#origin}/${this.#token}/`;
  }

  show(scene: Scene, slides: readonly Slide[]): void {
    this.#scene = scene;
    this.#slides = slides.map((slide) => ({ ...slide, path: pathOf(slide) }));
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get #origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A name that leads here from elsewhere is not this address.
    if (request.headers.host !== `127.0.0.1:${this.#port}`) return fail(response, 421);
    const [, token = '', ...rest] = (request.url ?? '/').split('/');
    if (!sameSecret(token, this.#token)) return fail(response, 404);
    const path = rest.join('/');
    if (request.method === 'GET' || request.method === 'HEAD') return this.#get(path, response);
    if (request.method !== 'POST') return fail(response, 405);
    if (request.headers.origin !== this.#origin) return fail(response, 403);
    if (request.headers['content-type'] !== 'application/json') return fail(response, 415);
    const sent = await received(request);
    if (sent === null) return fail(response, 413);
    return this.#post(path, sent, response);
  }

  async #get(path: string, response: ServerResponse): Promise<void> {
    if (Object.hasOwn(FILES, path)) {
      const [file, type] = FILES[path as keyof typeof FILES];
      return send(response, await readFile(new URL(file, FOLDER)), type, PAGE_POLICY);
    }
    if (path === 'state') {
      this.#told.onAsked();
      return send(response, Buffer.from(JSON.stringify(this.#state())), 'application/json', PAGE_POLICY);
    }
    const { question } = this.#scene;
    if (path.startsWith('picture/') && question !== null && question.image !== null && path === picturePath(question)) {
      const image = await readImage(question.image);
      if (image !== null) return send(response, image.bytes, MEDIA_TYPES[image.kind], IMAGE_POLICY);
    }
    const slide = this.#slides.find((one) => one.path === path);
    const bytes = slide === undefined ? null : await readSlide(slide);
    if (slide === undefined || bytes === null) return fail(response, 404);
    return send(response, bytes, MEDIA_TYPES[slide.kind], IMAGE_POLICY);
  }

  #post(path: string, sent: unknown, response: ServerResponse): void {
    const body = (typeof sent === 'object' && sent !== null ? sent : {}) as Record<string, unknown>;
    if (path === 'seen') {
      const { page, visible } = body;
      if (typeof page !== 'string' || typeof visible !== 'boolean') return fail(response, 400);
      this.#told.onSeen({ page: page.slice(0, 64), visible });
    } else if (path === 'answer') {
      const { question, answer } = body;
      // Of a question that is over, or with an answer it does not have: nobody was asked that.
      if (question !== this.#scene.question?.id || (answer !== 'continue' && answer !== 'postpone'))
        return fail(response, 409);
      if (answer === 'postpone' && this.#scene.question?.labels.postpone === null) return fail(response, 409);
      this.#told.onAnswer({ question: String(question), answer });
    } else {
      return fail(response, 404);
    }
    response.writeHead(204, BASIC).end();
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

function sameSecret(given: string, secret: string): boolean {
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one as Buffer, other as Buffer);
}

async function received(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MOST_SENT) return null;
    parts.push(part as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString()) ?? {};
  } catch {
    return {};
  }
}

const BASIC = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

function send(response: ServerResponse, bytes: Buffer, type: string, policy: string): void {
  const length = bytes.length;
  response.writeHead(200, {
    ...BASIC,
    'content-type': type,
    'content-length': length,
    'content-security-policy': policy,
  });
  response.end(bytes);
}

function fail(response: ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { ...BASIC, 'content-length': 0, connection: 'close' }).end();
}
