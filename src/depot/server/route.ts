import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Clock } from '../../platform/clock.ts';
import type { LocalDepot } from '../depot.ts';
import type { Views } from '../views/views.ts';
import type { Access, Caller, Readers } from './callers.ts';
import type { Contacts } from './contacts.ts';
import type { Metrics } from './metrics.ts';
import type { PageFiles } from './page-files.ts';
import type { Publisher } from './publisher.ts';
import type { Tags } from './static-files.ts';

/** What routes work with. */
export interface ServerParts {
  depot: LocalDepot;
  clock: Clock;
  publisher: Publisher;
  contacts: Contacts;
  metrics: Metrics;
  /** Version of d3. */
  version: string;
  /** Bytes the largest package may have. */
  maxUpload: number;
  readers: Readers;
  tags: Tags;
  /** What the page is made of. */
  page: PageFiles;
  views: Views;
  /** Whether it was told to stop. */
  isStopping: () => boolean;
}

/** The parts of a request as its route's schemas let them through. */
export interface Asked<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  caller: Caller;
  /** Who this is recorded for: the token's name. */
  by: string;
  request: FastifyRequest;
  reply: FastifyReply;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Tag = 'catalog' | 'computers' | 'access' | 'machines' | 'runs' | 'files' | 'depot' | 'page';

interface Shape<P extends TSchema, Q extends TSchema, B extends TSchema, A extends TSchema> {
  /** Unique; operationId in OpenAPI. */
  id: string;
  method: Method;
  /** As Fastify writes it: `/api/v1/editions/:id`. */
  url: string;
  summary: string;
  tag: Tag;
  access: Access;
  params?: P;
  query?: Q;
  body?: B;
  /** What is answered; absent: nothing (204). */
  answer?: A;
  /** It changes what machines are shown. */
  changes?: true;
  /** Bytes the body may have; the usual unless said. */
  bodyLimit?: number;
  /** Code of the error a malformed body gets; REQUEST_INVALID unless said. */
  invalid?: string;
  /** Whoever is signed in on the page may ask it too, to look. */
  page?: true;
  /** The body is no JSON: it is handed on as it comes. */
  streams?: true;
}

/** One route: the table of all of them is what OpenAPI, the checks of access and the tests are made from. */
export interface Route extends Shape<TSchema, TSchema, TSchema, TSchema> {
  handle(asked: Asked<never, never, never>, server: ServerParts): Promise<unknown>;
}

type Given<S> = S extends TSchema ? Static<S> : undefined;

/** Declares a route; types of what is asked and answered follow from its schemas. */
export function route<
  P extends TSchema = never,
  Q extends TSchema = never,
  B extends TSchema = never,
  A extends TSchema = never,
>(
  shape: Shape<P, Q, B, A> & {
    handle(
      asked: Asked<
        [P] extends [never] ? undefined : Given<P>,
        [Q] extends [never] ? undefined : Given<Q>,
        [B] extends [never] ? undefined : Given<B>
      >,
      server: ServerParts,
    ): Promise<[A] extends [never] ? void : Given<A>>;
  },
): Route {
  return shape;
}
