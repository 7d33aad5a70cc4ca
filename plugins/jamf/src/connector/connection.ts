import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { D3Error } from '@d3/sdk';
import { CALLS, type Call, type CallName } from './calls.ts';
import type { Clock } from './clock.ts';
import { Gate } from './gate.ts';
import { type Answer, loginRefused, OutcomeUnknown, refusal, unreachable } from './refusal.ts';

export type Credentials = { clientId: string; clientSecret: string } | { user: string; password: string };

export interface ConnectionOptions {
  /** Where the server is: `https://host`, without `/api`. */
  server: string;
  /** Asked for when a token is needed; never kept in an argument. */
  credentials: () => Promise<Credentials>;
  clock: Clock;
  signal: AbortSignal;
}

export interface Sent {
  params?: Readonly<Record<string, string>>;
  query?: ReadonlyArray<readonly [string, string]>;
  json?: unknown;
  /** Made anew for each attempt. */
  form?: () => Promise<FormData>;
}

interface Token {
  value: string;
  /** When it was asked for. */
  asked: number;
  /** When another is fetched; well before the end, so that what begins with it is let in. */
  renew: number;
}

interface Request {
  method: Call['method'];
  path: string;
  headers: Record<string, string>;
  sent: Sent;
  body?: string;
  pin: Pin | null;
}

type Got = typeof import('got').default;
/** Cookies that hold a sequence on one node of the server. */
type Pin = Map<string, string>;

const STICKY = /^(?:APBALANCEID|jpro-ingress|JSESSIONID)$/;
const SECOND = 1000;
/** Milliseconds after which every node of a server knows what one was told. */
export const KNOWN_EVERYWHERE = 65 * SECOND;
const TIMEOUTS = { lookup: 10 * SECOND, connect: 10 * SECOND, secureConnect: 10 * SECOND, socket: 120 * SECOND };
const PAUSES = [2 * SECOND, 6 * SECOND];
const AGAIN = new Set([408, 429, 500, 502, 503, 504]);
/** Errors after which a request surely did not reach the server. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

/** Milliseconds after which a token is too old to begin something long with. */
const YOUNG = 5 * SECOND;
/** A server works on for a while after it has the last byte of a file. */
const UPLOAD_TIMEOUTS = { ...TIMEOUTS, socket: 600 * SECOND };
/** Milliseconds a login gets that is not cut short: the token of a cut one would live on unknown. */
const LOGIN_TIME = 30 * SECOND;
/** At the end of a command nobody wants to wait long. */
const GIVE_BACK_TRIES = 3;

/** What one sequence of calls does through a connection. */
export interface Caller {
  /** What the server answers: what its JSON says, null where it says nothing; of the Classic API the XML as it came. */
  call(name: CallName, sent?: Sent): Promise<unknown>;
  /** The path under which the server has a call, as it was found; null before it was made. */
  taken(name: CallName): string | null;
}

/** A server to which several things are done: as they come, or all of them on one node. */
export interface Connected extends Caller {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Calls that see what those before them wrote: they go to one node. Only for writing; Jamf asks not to pin the rest. */
  sequence<T>(work: (connected: Connected) => Promise<T>): Promise<T>;
}

/** One site's Jamf Pro. */
export class Connection implements Connected {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly #options: ConnectionOptions;
  readonly #base: string;
  readonly #gate: Gate;
  readonly #agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  /** The path the server has, by call. */
  readonly #chosen = new Map<CallName, string>();
  /** Tokens of a user that still live: each is given back at the end. */
  readonly #userTokens = new Map<string, number>();
  #token: Promise<Token> | null = null;
  /** The node that was written to last, and until when the others may not know. */
  #pin: Pin = new Map();
  #pinnedUntil = 0;
  /** Sequences under way: as long as there are any, what they write stays on their node. */
  #sequences = 0;
  #ahead: number | null = null;
  #closed = false;
  #got: Promise<Got> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.signal = options.signal;
    this.#base = options.server.replace(/\/+$/, '');
    this.#gate = new Gate(options.clock);
  }

  async call(name: CallName, sent: Sent = {}): Promise<unknown> {
    return this.#call(name, sent, null);
  }

  /**
   * Calls that see what those before them wrote: they go to one node, and so do sequences that follow until every node knows. Only for
   * writing; Jamf asks not to pin the rest.
   */
  async sequence<T>(work: (connected: Connected) => Promise<T>): Promise<T> {
    if (this.#sequences === 0 && this.clock.now() >= this.#pinnedUntil) this.#pin = new Map();
    const pin = this.#pin;
    const connected: Connected = {
      clock: this.clock,
      signal: this.signal,
      call: async (name, sent = {}) => this.#call(name, sent, pin),
      taken: (name) => this.taken(name),
      // What belongs to a sequence stays on its node.
      sequence: async (inner) => inner(connected),
    };
    this.#sequences += 1;
    try {
      return await work(connected);
    } finally {
      this.#sequences -= 1;
      // From what was written last on, not from what was asked first: in between there may have been pauses.
      this.#pinnedUntil = this.clock.now() + KNOWN_EVERYWHERE;
    }
  }

  taken(name: CallName): string | null {
    return this.#chosen.get(name) ?? null;
  }

  /** Milliseconds the server's clock was ahead of this one's at the last answer, to about a second; null before the first. */
  get ahead(): number | null {
    return this.#ahead;
  }

  /** Gives every token of a user back, as well as it can; a client's run out by themselves. Nothing can be called after that. */
  async close(): Promise<void> {
    this.#closed = true;
    // A login that is under way ends first: its token is to be given back too.
    await this.#token?.catch(() => null);
    this.#token = null;
    const living = [...this.#userTokens].filter(([, end]) => end > this.clock.now());
    this.#userTokens.clear();
    for (const [value] of living) await this.#giveBack(value);
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #giveBack(token: string): Promise<void> {
    const { method, paths } = CALLS.invalidateToken;
    const request: Request = {
      method,
      path: paths[0],
      headers: { authorization: `Bearer ${token}` },
      sent: {},
      pin: null,
    };
    for (let tries = 0; tries < GIVE_BACK_TRIES; tries += 1) {
      const answer = await this.#ask(request, AbortSignal.timeout(5 * SECOND)).catch(() => null);
      // One the server does not know is as dead as one it took back.
      if (answer !== null && (answer.status < 300 || answer.status === 401)) return;
    }
  }

  async #call(name: CallName, sent: Sent, pin: Pin | null): Promise<unknown> {
    const { method, paths }: Call = CALLS[name];
    const chosen = this.#chosen.get(name);
    const candidates = chosen === undefined ? paths : [chosen];
    for (const [index, template] of candidates.entries()) {
      const path = filled(template, sent.params ?? {});
      const answer = await this.#authorised({ method, path, headers: {}, sent, pin });
      const last = index === candidates.length - 1;
      if (answer.status === 404 && !last) continue;
      if (answer.status < 200 || answer.status > 299)
        throw refusal(`${method.toUpperCase()} ${path}`, answer, template !== path);
      this.#chosen.set(name, template);
      return isClassic(path) ? answer.body : understood(method, path, answer);
    }
    throw new Error(`no path for ${name}`);
  }

  async #authorised(request: Request): Promise<Answer> {
    for (let fresh = false; ; fresh = true) {
      const upload = request.sent.form !== undefined;
      const token = await this.#tokenNow(upload ? YOUNG : null);
      const headers = { ...request.headers, authorization: `Bearer ${token.value}` };
      const answer = await this.#patiently({ ...request, headers });
      if (answer.status !== 401 || fresh) return answer;
      await this.#forget(token);
      // What was refused for its token was not done, whatever the body says; but a file that was on its way for longer than the token
      // lived may have been taken before the token was looked at.
      const what = `${request.method.toUpperCase()} ${request.path}`;
      if (upload)
        throw new OutcomeUnknown(
          what,
          new Error('its token was refused; one that runs out while a file is sent has to live longer'),
        );
    }
  }

  /** Repeats what may be repeated: a POST only when it surely was not taken. */
  async #patiently(request: Request): Promise<Answer> {
    const what = `${request.method.toUpperCase()} ${request.path}`;
    // A client's token more does no harm; a user's would live on unknown.
    const repeatable = request.method !== 'post' || request.path.endsWith('/oauth/token');
    for (let attempt = 0; ; attempt += 1) {
      const pause = PAUSES[attempt];
      try {
        const measured = request.sent.form === undefined;
        const answer = await this.#gate.through(async () => this.#ask(request, this.#signalFor(request)), measured);
        if (attempt > 0 && request.method === 'delete' && answer.status === 404) return { status: 204, body: '' };
        if (!repeatable && answer.status >= 500)
          throw new OutcomeUnknown(what, new Error(`it answered ${answer.status}`));
        if (!AGAIN.has(answer.status) || pause === undefined || !(repeatable || answer.status === 429)) return answer;
      } catch (error) {
        this.#options.signal.throwIfAborted();
        if (error instanceof D3Error) throw error;
        const sent = !NEVER_SENT.has((error as { code?: string }).code ?? '');
        if (sent && !repeatable) throw new OutcomeUnknown(what, error);
        if (pause === undefined) throw unreachable(this.#base, error);
      }
      await this.clock.wait(pause);
    }
  }

  /** @param oldest milliseconds since it was asked for, for what has to begin with a young one */
  async #tokenNow(oldest: number | null): Promise<Token> {
    for (;;) {
      if (this.#closed) throw new Error('the connection to Jamf Pro is closed');
      const mine = this.#token === null;
      this.#token ??= this.#newToken();
      const held = this.#token;
      try {
        const token = await held;
        const young = oldest === null || this.clock.now() - token.asked <= oldest;
        // One that was just made is used, however short its life: asking for another would bring the same.
        if (mine || (young && this.clock.now() < token.renew)) return token;
      } catch (error) {
        if (this.#token === held) this.#token = null;
        throw error;
      }
      if (this.#token === held) this.#token = null;
    }
  }

  async #forget(refused: Token): Promise<void> {
    const held = this.#token;
    if (held !== null && (await held) === refused && this.#token === held) this.#token = null;
  }

  async #newToken(): Promise<Token> {
    const credentials = await this.#options.credentials();
    const asked = this.clock.now();
    if ('user' in credentials) {
      const basic = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
      const given = (await this.#tokenFrom('userToken', { authorization: `Basic ${basic}` })) as UserToken | null;
      // By the clock of the server, which may not be that of this machine.
      const end = Date.parse(given?.expires ?? '') - (this.#ahead ?? 0);
      if (typeof given?.token === 'string') this.#userTokens.set(given.token, Number.isNaN(end) ? Infinity : end);
      return tokenOf(given?.token, asked, end - asked);
    }
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const given = (await this.#tokenFrom('clientToken', headers, body.toString())) as ClientToken | null;
    return tokenOf(given?.access_token, asked, Number(given?.expires_in) * SECOND);
  }

  async #tokenFrom(
    name: 'userToken' | 'clientToken',
    headers: Record<string, string>,
    body?: string,
  ): Promise<unknown> {
    const { method, paths }: Call = CALLS[name];
    let answer: Answer = { status: 404, body: '' };
    for (const path of paths) {
      const request: Request = { method, path, headers, sent: {}, pin: null };
      answer = await this.#patiently(body === undefined ? request : { ...request, body });
      if (answer.status !== 404) break;
    }
    if (answer.status === 200) return parsed('a token', answer);
    if (name === 'userToken' && answer.status === 401) throw loginRefused(answer);
    throw refusal('a token', answer.status === 400 ? { ...answer, status: 401 } : answer);
  }

  /** What ends a request early. */
  #signalFor({ path }: Request): AbortSignal {
    const { signal } = this.#options;
    if (path !== CALLS.userToken.paths[0]) return signal;
    signal.throwIfAborted();
    return AbortSignal.timeout(LOGIN_TIME);
  }

  async #ask({ method, path, headers, sent, body, pin }: Request, signal: AbortSignal): Promise<Answer> {
    this.#got ??= import('got').then((module) => module.default);
    const got = await this.#got;
    const classic = isClassic(path);
    const url = new URL(`${this.#base}${classic ? '' : '/api'}${path}`);
    for (const [key, value] of sent.query ?? []) url.searchParams.append(key, value);
    const cookie = [...(pin ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
    const content = sent.form === undefined ? {} : { body: await sent.form() };
    const reply = await got(url, {
      method,
      headers: {
        accept: classic ? 'application/xml' : 'application/json',
        ...headers,
        ...(cookie === '' ? {} : { cookie }),
      },
      ...(sent.json === undefined ? {} : { json: sent.json }),
      ...(body === undefined ? {} : { body }),
      ...content,
      agent: this.#agents,
      timeout: sent.form === undefined ? TIMEOUTS : UPLOAD_TIMEOUTS,
      retry: { limit: 0 },
      throwHttpErrors: false,
      followRedirect: false,
      signal,
    });
    const date = Date.parse(reply.headers.date ?? '');
    if (!Number.isNaN(date)) this.#ahead = date - this.clock.now();
    // Whoever asked without a cookie while another was given one does not move the rest to another node.
    if (pin !== null && (cookie !== '' || pin.size === 0)) keepSticky(pin, reply.headers['set-cookie'] ?? []);
    return { status: reply.statusCode, body: reply.body };
  }
}

interface UserToken {
  token: string;
  expires: string;
}

interface ClientToken {
  access_token: string;
  expires_in: number;
}

function isClassic(path: string): boolean {
  return path.startsWith('/JSSResource/');
}

function filled(template: string, params: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(params[key] ?? ''));
}

function keepSticky(pin: Pin, cookies: readonly string[]): void {
  for (const one of cookies) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(one) ?? [];
    if (STICKY.test(name)) pin.set(name, value);
  }
}

/** What a call answered. Of a POST that was answered by something else than Jamf Pro nobody knows whether it was done. */
function understood(method: Call['method'], path: string, answer: Answer): unknown {
  const what = `${method.toUpperCase()} ${path}`;
  try {
    return parsed(what, answer);
  } catch (error) {
    throw method === 'post' ? new OutcomeUnknown(what, error) : error;
  }
}

/** @param life in milliseconds */
function tokenOf(value: unknown, asked: number, life: number): Token {
  if (typeof value === 'string' && value !== '' && life > 0) return { value, asked, renew: asked + life / 2 };
  throw new D3Error('JAMF_BAD_TOKEN', 'depotUnreachable', 'Jamf Pro answered with no token that lives', {
    target: 'a token',
    actions: ['Check that the address is that of Jamf Pro, and the clock of this machine.'],
  });
}

/** A body that should be JSON; an empty one is null. */
function parsed(what: string, { status, body }: Answer): unknown {
  if (body.trim() === '') return null;
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new D3Error('JAMF_NOT_JSON', 'depotUnreachable', `Jamf Pro answered ${what} with ${status} and no JSON`, {
      target: what,
      actions: ['Check that the address is that of Jamf Pro, and what lies between.'],
      cause,
    });
  }
}
