import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { D3Error } from '@d3/sdk';
import { waited } from '../waited.ts';
import { CALLS, type CallName } from './calls.ts';
import type { Gate } from './gate.ts';
import { type Answer, callWords, type Named, notUnderstood, OutcomeUnknown, refusal, unreachable } from './refusal.ts';

export interface ForemanOptions {
  /** Where it is: `https://host`, without `/api`. */
  server: string;
  user: string;
  /** A personal access token; in no message and no log. */
  token: string;
  /** Certificates (PEM) that are trusted besides those of the system. */
  ca: string | null;
  /** Every connection of this process to one Foreman goes through the same. */
  gate: Gate;
  signal: AbortSignal;
  /** Milliseconds without a byte after which a call is given up. */
  within?: number;
  /** Waits between two tries of a read. */
  wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

export interface Sent {
  params?: Readonly<Record<string, string | number>>;
  query?: Readonly<Record<string, string | number>>;
  json?: unknown;
}

type Got = typeof import('got').default;

const SECOND = 1000;
const PAUSES = [SECOND, 3 * SECOND, 9 * SECOND];
const AGAIN = new Set([408, 429, 500, 502, 503, 504]);
/** Errors after which a request surely did not reach the server. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const PER_PAGE = 100;
/** Readings of a list that keeps changing. */
const MOST_PAGES = 10_000;

/**
 * A site's Foreman. Reads are tried again while it is in trouble; a write is made once: where nobody knows whether it was done,
 * {@link OutcomeUnknown} says so, and whoever wrote reads before doing anything twice.
 */
export class Foreman {
  readonly signal: AbortSignal;
  readonly server: string;
  /** Certificates (PEM) that are trusted besides those of the system; its smart proxies have theirs from there, too. */
  readonly ca: string | null;
  readonly #options: ForemanOptions;
  readonly #agents: { http: HttpAgent; https: HttpsAgent };
  #got: Promise<Got> | null = null;

  constructor(options: ForemanOptions) {
    this.#options = options;
    this.signal = options.signal;
    this.ca = options.ca;
    this.server = options.server.replace(/\/+$/, '');
    this.#agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  }

  /** @returns what its JSON says; null where it says nothing */
  async call(name: CallName, sent: Sent = {}): Promise<unknown> {
    const call: Named = { name, path: filled(CALLS[name].path, sent.params ?? {}) };
    const answer = await this.#patiently(call, sent);
    if (answer.status < 200 || answer.status > 299) throw refusal(call, answer);
    return parsed(call, answer);
  }

  /** The record; null where there is none. */
  async find(name: CallName, sent: Sent = {}): Promise<unknown> {
    try {
      return await this.call(name, sent);
    } catch (error) {
      if (error instanceof D3Error && error.code === 'FOREMAN_NOT_FOUND') return null;
      throw error;
    }
  }

  /** Everything a list has, each record once. An answer without a list is no empty one. */
  async list<Row extends { id: number | string }>(
    name: CallName,
    query: Readonly<Record<string, string>> = {},
    params: Sent['params'] = {},
  ): Promise<Row[]> {
    const rows = new Map<number | string, Row>();
    for (let page = 1; page <= MOST_PAGES; page += 1) {
      const sent: Sent = { params, query: { ...query, page, per_page: PER_PAGE } };
      const answer = (await this.call(name, sent)) as { results?: unknown; subtotal?: unknown; total?: unknown } | null;
      const { results } = answer ?? {};
      if (!Array.isArray(results))
        throw notUnderstood({ name, path: filled(CALLS[name].path, params) }, 'with no list');
      for (const row of results as Row[]) rows.set(row.id, row);
      const all = Number(answer?.subtotal ?? answer?.total ?? results.length);
      if (results.length === 0 || rows.size >= all) break;
    }
    return [...rows.values()];
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #patiently(call: Named, sent: Sent): Promise<Answer> {
    const reads = CALLS[call.name].method === 'get';
    for (let attempt = 0; ; attempt += 1) {
      const pause = PAUSES[attempt];
      try {
        const answer = await this.#options.gate.through(async () => this.#ask(call, sent));
        // A gateway that gave up does not say whether what is behind it did.
        if (!reads && answer.status >= 500 && answer.status !== 501)
          throw new OutcomeUnknown(call, new Error(`it answered ${answer.status}`));
        if (!AGAIN.has(answer.status) || pause === undefined || !(reads || answer.status === 429)) return answer;
      } catch (error) {
        this.signal.throwIfAborted();
        if (error instanceof D3Error) throw error;
        if (!reads && !NEVER_SENT.has((error as { code?: string }).code ?? '')) throw new OutcomeUnknown(call, error);
        if (pause === undefined || isCertificate(error)) throw unreachable(this.server, call, error);
      }
      await (this.#options.wait ?? waited)(pause, this.signal);
    }
  }

  async #ask({ name, path }: Named, { query, json }: Sent): Promise<Answer> {
    this.#got ??= import('got').then((module) => module.default);
    const got = await this.#got;
    const { user, token, ca, within = 60 * SECOND } = this.#options;
    const url = new URL(`${this.server}${path}`);
    for (const [key, value] of Object.entries(query ?? {})) url.searchParams.set(key, String(value));
    const { rootCertificates } = await import('node:tls');
    const { method } = CALLS[name];
    // Foreman takes no POST or PUT that is not JSON, even where there is nothing to say.
    const body = json ?? (method === 'post' || method === 'put' ? {} : undefined);
    const reply = await got(url, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`,
      },
      ...(body === undefined ? {} : { json: body }),
      ...(ca === null ? {} : { https: { certificateAuthority: [...rootCertificates, ca] } }),
      agent: this.#agents,
      timeout: {
        lookup: 10 * SECOND,
        connect: 10 * SECOND,
        secureConnect: 10 * SECOND,
        response: within,
        socket: within,
      },
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      signal: this.signal,
    });
    return { status: reply.statusCode, body: reply.body };
  }
}

/**
 * Brings a record to be as it is wanted, and never does it twice: where nobody knows whether it was done, it is read.
 * @returns whether anything was written
 */
export async function ensured<Seen>(
  read: () => Promise<Seen>,
  isSo: (seen: Seen) => boolean,
  write: (seen: Seen) => Promise<unknown>,
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const seen = await read();
    if (isSo(seen)) return tries > 1;
    try {
      await write(seen);
      return true;
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || tries === 2) throw error;
    }
  }
}

/** A value in a search of Foreman, standing for nothing but itself. */
export function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

function isCertificate(error: unknown): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|ALTNAME/.test((error as { code?: string }).code ?? '');
}

function filled(template: string, params: Readonly<Record<string, string | number>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(params[key] ?? '')));
}

/** Of a write that was answered by something else than Foreman nobody knows whether it was done. */
function parsed(call: Named, { status, body }: Answer): unknown {
  if (body.trim() === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    if (CALLS[call.name].method !== 'get')
      throw new OutcomeUnknown(call, new Error(`it answered ${status} and no JSON to ${callWords(call)}`));
    throw notUnderstood(call, `with ${status} and no JSON`);
  }
}
