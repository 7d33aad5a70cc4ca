import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A page in somebody's browser that has told of itself. */
export interface Sighting {
  page: string;
  visible: boolean;
}

/** What is answered. */
export interface Answered {
  bytes: Buffer | string;
  type: string;
  /** Left out: {@link PAGE_POLICY}. */
  policy?: string;
  /** Left out: 200. */
  status?: number;
}

/** What there is to be had; who asks has proven that they were told the address. */
export interface Pages {
  /** @returns null: there is no such thing */
  get(path: string): Promise<Answered | null>;
  /** @returns an HTTP status, or what is answered */
  post(path: string, body: Readonly<Record<string, unknown>>): Promise<number | Answered>;
}

/** Bytes of what a page sends, unless somebody expects more. */
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
export const IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/**
 * Pages and all they need, on this machine only, under an address nobody can guess: who has not been told it gets no more than that
 * there is nothing.
 */
export class LocalPages {
  readonly #server: Server;
  readonly #pages: Pages;
  readonly #most: number;
  readonly #token = randomBytes(32).toString('base64url');
  #port = 0;

  private constructor(pages: Pages, most: number) {
    this.#pages = pages;
    this.#most = most;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => fail(response, 500));
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.headersTimeout = 5000;
    this.#server.requestTimeout = 10_000;
  }

  /** @param most bytes that a page may send at once */
  static async start(pages: Pages, most = MOST_SENT): Promise<LocalPages> {
    const server = new LocalPages(pages, most);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    server.#port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  /** The address, its secret included: not for a command line, which everybody on the machine can read. */
  get url(): string {
    return `${this.#origin}/${this.#token}/`;
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
    if (request.method === 'GET' || request.method === 'HEAD') {
      const answer = await this.#pages.get(path);
      return answer === null ? fail(response, 404) : send(response, answer);
    }
    if (request.method !== 'POST') return fail(response, 405);
    if (request.headers.origin !== this.#origin) return fail(response, 403);
    if (request.headers['content-type'] !== 'application/json') return fail(response, 415);
    const sent = await received(request, this.#most);
    if (sent === null) return fail(response, 413);
    const body = typeof sent === 'object' ? (sent as Record<string, unknown>) : {};
    const answer = await this.#pages.post(path, body);
    if (typeof answer !== 'number') return send(response, answer);
    if (answer >= 400) return fail(response, answer);
    response.writeHead(answer, BASIC).end();
  }
}

function sameSecret(given: string, secret: string): boolean {
  const [one, other] = [given, secret].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one as Buffer, other as Buffer);
}

async function received(request: IncomingMessage, most: number): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > most) return null;
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

function send(response: ServerResponse, { bytes, type, policy = PAGE_POLICY, status = 200 }: Answered): void {
  const body = Buffer.from(bytes);
  response.writeHead(status, {
    ...BASIC,
    'content-type': type,
    'content-length': body.length,
    'content-security-policy': policy,
  });
  response.end(body);
}

function fail(response: ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { ...BASIC, 'content-length': 0, connection: 'close' }).end();
}
