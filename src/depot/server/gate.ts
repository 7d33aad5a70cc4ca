import { D3Error } from '@d3/sdk';
import type { FastifyRequest } from 'fastify';
import { suffices } from '../roles.ts';
import { SECRET, secretHash } from '../secrets.ts';
import type { KnownToken } from '../store/contract.ts';
import { type Caller, unauthenticated } from './callers.ts';
import { Limiter } from './limiter.ts';
import { sessionIn } from './page-session.ts';
import type { Route, ServerParts } from './route.ts';
import type { Way } from './way.ts';

/** Of how many requests a token may make, one address may come with so many wrong ones. */
const FAILURES = 1 / 100;
/** Requests to enrol a minute from one address: many machines may stand behind one. */
const ENROLMENTS = 120;
/** Milliseconds for which a key is taken as known that reads what everybody may. */
const KNOWN_FOR = 10_000;
const MOST_KNOWN = 200_000;

/** Tells who asks, and lets nobody ask too often. */
export class Gate {
  readonly #server: ServerParts;
  readonly #ticks: () => number;
  readonly #way: Way;
  readonly #asking: Limiter;
  readonly #failing: Limiter;
  readonly #enrolling: Limiter;
  readonly #readers = new Map<string, { caller: KnownToken | null; until: number }>();

  constructor(server: ServerParts, perMinute: number, ticks: () => number, way: Way) {
    this.#way = way;
    this.#server = server;
    this.#ticks = ticks;
    this.#asking = new Limiter(perMinute, ticks);
    this.#failing = new Limiter(Math.ceil(perMinute * FAILURES), ticks);
    this.#enrolling = new Limiter(ENROLMENTS, ticks);
  }

  /**
   * Who asks; null: nobody who said so.
   * @throws D3Error notAuthorised `UNAUTHENTICATED` for a secret nobody has, `IN_THE_CLEAR`; busy `TOO_MANY`
   */
  async callerOf(request: FastifyRequest, route: Route | undefined): Promise<Caller> {
    const { ip } = request;
    if (route?.id === 'enrol') refuseMany(this.#enrolling.take(ip));
    const secret = secretIn(request.headers.authorization);
    if (secret !== null || route?.id === 'enrol') this.#way.refuseInTheClear(request);
    if (secret === null) return this.#onPage(request, route);
    const access = route?.access.for ?? 'anybody';
    const isOpen = access === 'anybody' || (access === 'readers' && this.#server.readers === 'everyone');
    const caller = await this.#known(secret, access === 'readers').catch((error) => {
      // What everybody may read is on the disk: machines go on while the database is away.
      if (isOpen && error instanceof D3Error && error.exit === 'depotUnreachable') return null;
      throw error;
    });
    if (caller === null) {
      // Others may stand behind the same address: whoever has a right one is never held up by this.
      if (!isOpen) refuseMany(this.#failing.take(ip));
      // Whoever is let in without a secret is let in with a wrong one too.
      if (isOpen) return null;
      throw unauthenticated('The depot does not know that token: it is wrong, revoked or expired.');
    }
    this.#server.contacts.heard(caller);
    if (access !== 'readers') refuseMany(this.#asking.take(String(caller.id)));
    return caller;
  }

  /** Who is signed in on the page; whoever that is, the page only looks. */
  async #onPage(request: FastifyRequest, route: Route | undefined): Promise<Caller> {
    const secret = route?.page === true ? sessionIn(request) : null;
    if (secret === null) return null;
    this.#way.refuseInTheClear(request);
    const session = await this.#server.depot.store.pageSessions.known(secret);
    if (session === null || session.role === 'machine' || !suffices(session.role, 'viewer')) return null;
    this.#server.contacts.heard(session);
    refuseMany(this.#asking.take(String(session.id)));
    return { ...session, role: 'viewer' };
  }

  async #known(secret: string, forReading: boolean): Promise<KnownToken | null> {
    if (!SECRET.test(secret)) return null;
    const { tokens } = this.#server.depot.store;
    // Where it opens something, a key that was revoked opens nothing any more.
    if (!forReading || this.#server.readers === 'enrolled') return tokens.known(secret);
    const hash = secretHash(secret);
    const kept = this.#readers.get(hash);
    if (kept !== undefined && kept.until > this.#ticks()) return kept.caller;
    const caller = await tokens.known(secret);
    if (this.#readers.size >= MOST_KNOWN) this.#readers.clear();
    this.#readers.set(hash, { caller, until: this.#ticks() + KNOWN_FOR });
    return caller;
  }
}

/** `Bearer SECRET`, or the password of `Basic`. */
function secretIn(header: string | undefined): string | null {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S{1,8192})$/i.exec(header ?? '') ?? [];
  if (scheme === '') return header === undefined ? null : '';
  if (scheme.toLowerCase() === 'bearer') return value;
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

function refuseMany(seconds: number): void {
  if (seconds === 0) return;
  const error = new D3Error('TOO_MANY', 'busy', `That is asked too often: wait ${seconds} s.`, {
    target: 'request',
    actions: [`ask again in ${seconds} s`],
  });
  throw Object.assign(error, { retryAfter: seconds });
}
