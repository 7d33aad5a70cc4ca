import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { readCertificates, whyUnreachable } from '../../platform/http.ts';
import { errorFrom } from '../api/errors.ts';
import { unreachable } from '../transport.ts';
import type { Signer } from './signing.ts';

export interface RemoteOptions {
  url: URL;
  /** The token to ask with; on one served depot it is always the same, whoever acts. Null: none is needed. */
  token: ((by: string) => Promise<string>) | null;
  /** File with certificates that are trusted besides the system's; null: the system's alone. */
  ca: string | null;
  /** Absolute path of a private folder for what is in the making. */
  work: string;
  signal: AbortSignal;
  /** Milliseconds an answer may take, for who must know soon whether it got one: it asks once. Left out: some minutes. */
  answer?: number | undefined;
  /** Who signs here; absent: nobody does. */
  signer?: Signer;
}

type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

interface Sent {
  query?: Query;
  json?: unknown;
  /** Who acts. */
  by?: string;
}

const SECOND = 1000;
/** Milliseconds an answer may take: the server may have to publish first. */
const WITHIN = 300 * SECOND;
/** Milliseconds without a byte after which a connection is taken as cut. */
const IDLE = 60 * SECOND;
/** Milliseconds before each further try of what changes nothing. */
const PAUSES = [SECOND, 3 * SECOND];

type Got = typeof import('got').default;

/** Asks a served depot. Its errors come out as they were thrown there. */
export class Api {
  readonly location: string;
  readonly #options: RemoteOptions;
  readonly #agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  #got: Promise<Got> | null = null;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.location = options.url.href.replace(/\/$/, '');
  }

  /** @param path below `/api/v1/`, its parts as {@link part} makes them */
  async get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#ask<Answer>('GET', path, { query });
      } catch (error) {
        const pause = this.#options.answer === undefined ? PAUSES[attempt] : undefined;
        if (pause === undefined || !isWorthAnother(error)) throw error;
        await sleep(pause, undefined, { signal: this.#options.signal });
      }
    }
  }

  /** @returns null where there is nothing of that kind there. @param code of the error that says so */
  async find<Answer>(path: string, code: string): Promise<Answer | null> {
    return this.get<Answer>(path).catch((error) => {
      if (error instanceof D3Error && error.code === code) return null;
      throw error;
    });
  }

  /** Asks once: whether a change was made that got no answer, nobody knows. */
  async send<Answer>(method: Method, path: string, sent: Sent = {}): Promise<Answer> {
    return this.#ask<Answer>(method, path, sent);
  }

  /** Bytes that are sent as they are read. */
  async upload<Answer>(path: string, query: Query, bytes: Readable): Promise<Answer> {
    const got = await this.#client();
    return this.#answered<Answer>(
      got.put(this.#url(path, query), {
        body: bytes,
        headers: { ...(await this.#headers('')), 'content-type': 'application/octet-stream' },
        timeout: { socket: IDLE },
        throwHttpErrors: false,
        followRedirect: false,
        retry: { limit: 0 },
        signal: this.#options.signal,
      }),
      false,
    );
  }

  /** A file as machines read it. @returns null when it is not there */
  async file(path: string): Promise<Readable | null> {
    const got = await this.#client();
    const stream = got.stream(`${this.location}/${path}`, {
      headers: await this.#headers(''),
      timeout: { socket: IDLE },
      throwHttpErrors: false,
      followRedirect: false,
      retry: { limit: 0 },
      signal: this.#options.signal,
    });
    const status = await new Promise<number>((resolve, reject) => {
      stream.once('response', ({ statusCode }: { statusCode: number }) => resolve(statusCode));
      stream.once('error', (error) => reject(this.#asError(error, false)));
    });
    if (status === 200) return stream;
    stream.destroy();
    if (status === 404) return null;
    throw unreachable(this.location, `it answers ${status} for ${path}`);
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #ask<Answer>(method: Method, path: string, { query = {}, json, by = '' }: Sent): Promise<Answer> {
    const got = await this.#client();
    const within = this.#options.answer ?? WITHIN;
    const reached = Math.min(within, 10 * SECOND);
    return this.#answered<Answer>(
      got(this.#url(path, query), {
        method,
        headers: await this.#headers(by),
        ...(json === undefined ? {} : { json }),
        timeout: { request: within, connect: reached, lookup: reached, secureConnect: reached },
        throwHttpErrors: false,
        followRedirect: false,
        retry: { limit: 0 },
        signal: this.#options.signal,
      }),
      method !== 'GET',
    );
  }

  /** @param changes whether it may have been done although no answer came */
  async #answered<Answer>(asked: Promise<{ statusCode: number; body: unknown }>, changes: boolean): Promise<Answer> {
    let answer: { statusCode: number; body: unknown };
    try {
      answer = await asked;
    } catch (error) {
      throw this.#asError(error, changes);
    }
    const { statusCode: status } = answer;
    const text = String(answer.body);
    if (status === 204) return undefined as Answer;
    const body = jsonIn(text);
    if (status >= 200 && status < 300 && body !== undefined) return body as Answer;
    throw errorFrom(body) ?? this.foreign(status);
  }

  async #headers(by: string): Promise<Record<string, string>> {
    const { token } = this.#options;
    return {
      ...(token === null ? {} : { authorization: `Bearer ${await token(by)}` }),
      'user-agent': 'd3',
      accept: 'application/json',
    };
  }

  #url(path: string, query: Query): string {
    const url = new URL(`${this.location}/api/v1/${path}`);
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined) continue;
      for (const each of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(each));
    }
    return url.href;
  }

  #client(): Promise<Got> {
    this.#got ??= this.#make();
    return this.#got;
  }

  async #make(): Promise<Got> {
    const { default: got } = await import('got');
    const { ca } = this.#options;
    if (ca === null) return got.extend({ agent: this.#agents });
    const { rootCertificates } = await import('node:tls');
    const certificateAuthority = [...rootCertificates, await readCertificates(ca)];
    return got.extend({ agent: this.#agents, https: { certificateAuthority } });
  }

  /** An answer that no served depot gives. */
  foreign(status: number): D3Error {
    return new D3Error(
      'NOT_A_SERVED_DEPOT',
      'depotUnreachable',
      `${this.location} answers ${status}, and not as a served depot does.`,
      {
        target: this.location,
        actions: [
          'a depot that is only files is administered in its folder: --depot DIR',
          'else look at the server, or at the proxy in front of it',
        ],
      },
    );
  }

  #asError(error: unknown, changes: boolean): unknown {
    if (error instanceof D3Error) return error;
    const { signal } = this.#options;
    if (signal.aborted) return signal.reason;
    const { code } = error as NodeJS.ErrnoException;
    const why = whyUnreachable(error as NodeJS.ErrnoException);
    const never = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code ?? '') || /certificate/.test(why);
    if (!changes || never) return unreachable(this.location, why, error);
    return new D3Error(
      'OUTCOME_UNKNOWN',
      'depotUnreachable',
      `The depot ${this.location} did not answer (${why}): whether the change was made is not known.`,
      {
        target: this.location,
        actions: ['look at what is there, then repeat the command if it is missing'],
        cause: error,
      },
    );
  }
}

/** A name as one part of a path. */
export function part(text: string): string {
  // Addresses leave parts of one or two dots out, however they are written; nothing in a depot is called so.
  return /^\.{1,2}$/.test(text) ? `%25${text}` : encodeURIComponent(text);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A connection that was cut, or a server that is about to be replaced. */
function isWorthAnother(error: unknown): boolean {
  if (!(error instanceof D3Error)) return false;
  if (error.code === 'STOPPING') return true;
  return error.code === 'DEPOT_UNREACHABLE' && !/certificate|no such host/.test(error.message);
}
