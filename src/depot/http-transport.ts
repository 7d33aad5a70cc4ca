import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { readCertificates, whyUnreachable } from '../platform/http.ts';
import {
  isPublic,
  noInbox,
  type Passage,
  type Piece,
  requirePath,
  SourceRefused,
  type Transport,
  unreachable,
} from './transport.ts';

export interface HttpOptions {
  /** `user:password`, or a token; asked for when something is to be fetched, never kept in an argument. Null: nobody asks for any. */
  credentials: (() => Promise<string>) | null;
  /** File with certificates that are trusted besides the system's; null: the system's alone. */
  ca: string | null;
  /** Stops whatever is being fetched; a report still goes. */
  signal: AbortSignal;
}

const SECOND = 1000;
const TIMEOUTS = { lookup: 10 * SECOND, connect: 10 * SECOND, secureConnect: 10 * SECOND, response: 30 * SECOND };
/** A connection on which nothing comes for so long is taken as cut. */
const IDLE = 30 * SECOND;
/** Milliseconds for what is sent. */
const SENT_WITHIN = 60 * SECOND;
/** What an answer may take: one that drips would keep a connection, and a sync, for ever. */
const PACE: Pace = { window: 60 * SECOND, least: 64 * 1024, whole: 60 * SECOND, perByte: SECOND / (16 * 1024) };
/** Milliseconds a server that is busy may have d3 wait within one question. */
const LONGEST_PAUSE = 10 * SECOND;
const MOST_REDIRECTS = 5;
/** Bytes of an answer nobody reads for which its connection is kept. */
const LET_GO = 64 * 1024;
const AGAIN = [408, 429, 500, 502, 503, 504];
/** What a server answers that only gives files. */
const TAKES_NO_REPORTS = [404, 405, 501];

interface Pace {
  /** Milliseconds in each of which at least `least` bytes come. */
  window: number;
  least: number;
  /** Milliseconds a small file may take as a whole, and those for each byte it may have. */
  whole: number;
  perByte: number;
}

type Got = typeof import('got').default;

/**
 * A depot behind a web server, a CDN, or `d3 depot serve`: the files of its folder, `public/` and `blobs/`, under one address.
 * A server that only gives files is enough; reports then wait on the machine.
 */
export class HttpTransport implements Transport {
  readonly location: string;
  readonly pauses = [SECOND, 3 * SECOND, 9 * SECOND];
  readonly pace: Pace = PACE;
  readonly #base: string;
  readonly #options: HttpOptions;
  #got: Promise<Got> | null = null;
  readonly #tags = new Map<string, string>();
  #time: Date | null = null;

  /** @param url as {@link depotUrl} lets it through */
  constructor(url: URL, options: HttpOptions) {
    this.location = url.href.replace(/\/$/, '');
    this.#base = `${this.location}/`;
    this.#options = options;
  }

  async read(path: string, maxBytes: number): Promise<Buffer | null> {
    const answer = await this.#get(path, {});
    if (answer === null) return null;
    return this.#whole(answer, path, maxBytes);
  }

  async changed(path: string, maxBytes: number, tag: string | null): Promise<Buffer | 'unchanged' | null> {
    if (tag === null) return this.read(path, maxBytes);
    const answer = await this.#get(path, { 'if-none-match': tag });
    if (answer === null) return null;
    if (answer.status === 304) {
      answer.body.resume();
      return 'unchanged';
    }
    return this.#whole(answer, path, maxBytes);
  }

  async #whole({ body, tag }: Answer, path: string, maxBytes: number): Promise<Buffer> {
    const { whole, perByte } = this.pace;
    const bytes = await collect(this.#paced(body, whole + maxBytes * perByte), path, maxBytes);
    if (tag !== null) this.#tags.set(path, tag);
    return bytes;
  }

  tagOf(path: string): string | null {
    return this.#tags.get(path) ?? null;
  }

  time(): Date | null {
    return this.#time;
  }

  /** A certificate can only be judged by the right time, so none is here; what comes is never more than a hint. */
  async askTime(): Promise<Date | null> {
    const { default: got } = await import('got');
    const { signal } = this.#options;
    const answer = await got
      .head(this.#url('metadata/timestamp.json'), {
        https: { rejectUnauthorized: false },
        headers: { 'user-agent': 'd3' },
        throwHttpErrors: false,
        retry: { limit: 0 },
        followRedirect: false,
        timeout: TIMEOUTS,
        signal,
      })
      .catch(() => null);
    const time = new Date(answer?.headers.date ?? Number.NaN);
    return Number.isNaN(time.getTime()) ? null : time;
  }

  async stream(path: string): Promise<NodeJS.ReadableStream | null> {
    return (await this.passage(path, null))?.stream ?? null;
  }

  async passage(path: string, after: Piece | null): Promise<Passage | null> {
    const asked =
      after === null ? {} : { range: `bytes=${after.size}-`, ...(after.tag === null ? {} : { 'if-range': after.tag }) };
    const answer = await this.#get(path, asked);
    if (answer === null) return null;
    const { body, tag } = answer;
    if (answer.status === 416) {
      body.resume();
      if (after === null) throw this.#statusError(416, path);
      return this.passage(path, null);
    }
    const from = answer.status === 206 ? rangeStart(answer.range, path, after) : 0;
    return { stream: Readable.from(this.#paced(body, null), { objectMode: false }), from, tag };
  }

  async put(path: string, bytes: Buffer): Promise<void> {
    const got = await this.#client();
    try {
      const { statusCode } = await got.put(this.#url(path), {
        body: bytes,
        headers: { 'content-type': 'application/json', ...(await this.#authorization()) },
        followRedirect: false,
        timeout: { request: SENT_WITHIN },
      });
      if (statusCode >= 200 && statusCode < 300) return;
      if (TAKES_NO_REPORTS.includes(statusCode)) throw noInbox(this.location);
      throw this.#statusError(statusCode, path);
    } catch (error) {
      throw this.#asError(error);
    }
  }

  #url(path: string): string {
    requirePath(path);
    return `${this.#base}${isPublic(path) ? 'public/' : ''}${path}`;
  }

  async #get(path: string, headers: Record<string, string>): Promise<Answer | null> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    const got = await this.#client();
    const url = this.#url(path);
    const authorization = await this.#authorization();
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await begun(got, url, { headers: { ...headers, ...authorization }, signal });
        this.#time = answer.time;
        if (answer.status === 404 || answer.status === 410) {
          letGo(answer.body);
          return null;
        }
        if (![200, 206, 304, 416].includes(answer.status)) {
          answer.body.destroy();
          throw Object.assign(this.#statusError(answer.status, path), { retryAfter: answer.retryAfter });
        }
        if (answer.encoding !== null) {
          answer.body.destroy();
          throw new SourceRefused(path, `comes packed (${answer.encoding}), which nobody asked for`);
        }
        return answer;
      } catch (error) {
        const made = this.#asError(error);
        const pause = this.pauses[attempt];
        const { retryAfter = null } = made as { retryAfter?: number | null };
        // Who is told to come back later than d3 waits here comes back later.
        if (pause === undefined || !isWorthAnother(made) || (retryAfter ?? 0) * SECOND > LONGEST_PAUSE) throw made;
        await sleep(Math.max(pause, (retryAfter ?? 0) * SECOND), undefined, { signal }).catch(() =>
          signal.throwIfAborted(),
        );
      }
    }
  }

  /** Loaded when something is fetched for the first time. */
  #client(): Promise<Got> {
    this.#got ??= this.#make();
    return this.#got;
  }

  async #make(): Promise<Got> {
    const { default: got } = await import('got');
    const { rootCertificates } = await import('node:tls');
    const { ca } = this.#options;
    const certificateAuthority =
      ca === null ? {} : { certificateAuthority: [...rootCertificates, await readCertificates(ca)] };
    return got.extend({
      https: certificateAuthority,
      headers: { 'user-agent': 'd3', 'accept-encoding': 'identity' },
      decompress: false,
      throwHttpErrors: false,
      retry: { limit: 0 },
      timeout: { ...TIMEOUTS, socket: IDLE },
      maxRedirects: MOST_REDIRECTS,
      hooks: { beforeRedirect: [refuseUnsafeRedirect] },
    });
  }

  async #authorization(): Promise<Record<string, string>> {
    const { credentials } = this.#options;
    if (credentials === null) return {};
    const secret = await credentials();
    const value = secret.includes(':') ? `Basic ${Buffer.from(secret).toString('base64')}` : `Bearer ${secret}`;
    return { authorization: value };
  }

  #statusError(status: number, path: string): D3Error {
    if (status === 401 || status === 403) {
      return new D3Error(
        'DEPOT_UNAUTHORISED',
        'notAuthorised',
        `The depot ${this.location} lets nobody in without credentials it knows (${status}).`,
        {
          target: this.location,
          actions: [
            'Set depot and http.credentials in the configuration: they go to the depot named there, and to no other host.',
            `Or, where d3 serves it, enrol this machine, anew if its key was revoked: d3 enroll ${this.location} --code CODE`,
          ],
        },
      );
    }
    return Object.assign(unreachable(this.location, `it answers ${status} for ${path}`), { status });
  }

  /**
   * The bytes of an answer, as long as they come fast enough; what goes wrong with them says that the depot cannot be reached.
   * @param within milliseconds for all of them; null: no limit
   */
  async *#paced(body: Readable, within: number | null): AsyncGenerator<Buffer> {
    const { window, least } = this.pace;
    let came = 0;
    let failure: D3Error | null = null;
    const tooSlow = (why: string) => {
      failure = unreachable(this.location, why);
      body.destroy(failure);
    };
    const watch = setInterval(() => {
      if (came < least) tooSlow('it sends too slowly');
      came = 0;
    }, window);
    const limit = within === null ? undefined : setTimeout(() => tooSlow('its answer takes too long'), within);
    try {
      for await (const piece of body as AsyncIterable<Buffer>) {
        came += piece.length;
        yield piece;
      }
    } catch (error) {
      throw this.#asError(failure ?? error);
    } finally {
      clearInterval(watch);
      clearTimeout(limit);
      body.destroy();
    }
  }

  #asError(error: unknown): unknown {
    if (error instanceof D3Error || error instanceof SourceRefused) return error;
    if (this.#options.signal.aborted) return this.#options.signal.reason;
    return unreachable(this.location, whyUnreachable(error as NodeJS.ErrnoException), error);
  }
}

/** Nobody reads this answer. A short one that came whole leaves its connection for the next question; else that ends. */
function letGo(body: Readable): void {
  let left = LET_GO;
  body.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left < 0) body.destroy();
  });
  body.resume();
}

interface Answer {
  status: number;
  body: Readable;
  tag: string | null;
  range: string | null;
  encoding: string | null;
  time: Date | null;
  /** Seconds after which it wants to be asked again; null: it does not say. */
  retryAfter: number | null;
}

/** `Retry-After` in seconds; as a date it would take a right clock. */
function secondsOf(said: string | null): number | null {
  return said !== null && /^\d{1,6}$/.test(said) ? Number(said) : null;
}

/** Resolves when the head of the answer is there. */
function begun(
  got: Got,
  url: string,
  asked: { headers: Record<string, string>; signal: AbortSignal },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = got.stream(url, asked);
    body.once('response', ({ statusCode, headers: said }) => {
      body.off('error', reject);
      // Whoever reads hears of it; where nobody does any more, it must not end d3.
      body.on('error', () => undefined);
      const text = (name: string) => (typeof said[name] === 'string' ? said[name] : null);
      const encoding = text('content-encoding');
      const time = new Date(text('date') ?? Number.NaN);
      const tag = text('etag');
      resolve({
        status: statusCode,
        body,
        // Only a strong one says that not one byte differs.
        tag: tag?.startsWith('W/') ? null : tag,
        range: text('content-range'),
        encoding: encoding === 'identity' ? null : encoding,
        time: Number.isNaN(time.getTime()) ? null : time,
        retryAfter: secondsOf(text('retry-after')),
      });
    });
    body.once('error', reject);
    body.pause();
  });
}

/** @returns where the piece begins that came. @throws SourceRefused when it is not the one that was asked for */
function rangeStart(range: string | null, path: string, after: Piece | null): number {
  const start = /^bytes (\d+)-/.exec(range ?? '')?.[1];
  if (after !== null && start !== undefined && Number(start) === after.size) return after.size;
  throw new SourceRefused(path, `comes in another piece than was asked for (${range ?? 'no range'})`);
}

function refuseUnsafeRedirect(options: { url?: string | URL | undefined }, response: { url: string }): void {
  const [from, to] = [new URL(response.url), new URL(String(options.url))];
  if (from.protocol === 'https:' && to.protocol !== 'https:') {
    throw new D3Error(
      'DEPOT_REDIRECT',
      'depotUnreachable',
      `${from.host} leads to ${to.host}, which is not encrypted.`,
      {
        target: from.host,
        actions: ['An admin of the depot should look at its web server.'],
      },
    );
  }
}

async function collect(body: AsyncIterable<Buffer>, path: string, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > maxBytes) throw new SourceRefused(path, `is larger than the ${maxBytes} bytes it may have`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function isWorthAnother(error: unknown): boolean {
  if (!(error instanceof D3Error) || error.exit !== 'depotUnreachable') return false;
  const { status } = error as { status?: number };
  if (status !== undefined) return AGAIN.includes(status);
  return !/certificate|no such host|refused the connection|not encrypted/.test(error.message);
}

/**
 * The address of a depot, as typed.
 * @returns null when it is no address but a path
 * @throws D3Error usage for one that d3 cannot use, or that carries a secret
 */
export function depotUrl(said: string): URL | null {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(said)) return null;
  const url = URL.canParse(said) ? new URL(said) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new D3Error('DEPOT_URL', 'usage', 'A depot is a folder, or an http: or https: address without ? and #.', {
      target: said.replace(/\/\/[^/@]*@/, '//…@').replace(/[?#].*/s, ''),
      actions: ['name it as in https://depot.example.org/d3'],
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new D3Error(
      'DEPOT_URL_SECRET',
      'usage',
      'Credentials do not belong into the address: everybody can read it.',
      {
        target: `${url.protocol}//${url.host}${url.pathname}`,
        actions: ['set http.credentials in the configuration, to a file or a command that gives them'],
      },
    );
  }
  return url;
}
