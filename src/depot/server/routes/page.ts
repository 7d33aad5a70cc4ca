import { D3Error } from '@d3/sdk';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { INDEX } from '../page-files.ts';
import { SESSION_HOURS, sessionCookie, sessionIn } from '../page-session.ts';
import { type Route, route, type ServerParts } from '../route.ts';
import { Anything, answer, exactly, Time } from '../schemas.ts';
import { isNamed } from '../static-files.ts';

const HOUR = 3_600_000;

/** Nothing from elsewhere, nothing written into the page itself, no frame around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const Session = answer({
  name: Type.String({ description: 'Whose token it is.' }),
  ends: Time,
});

/** The page for people who would rather look, and who is signed in on it. What it shows is in `views.ts`. */
export const pageRoutes: readonly Route[] = [
  route({
    id: 'page',
    method: 'GET',
    url: '/',
    summary: 'The page for people who would rather look.',
    tag: 'page',
    access: { for: 'anybody' },
    answer: Anything,
    handle: async ({ request, reply }, server) => {
      void reply
        .header('content-security-policy', POLICY)
        .header('x-frame-options', 'DENY')
        .header('referrer-policy', 'no-referrer')
        .header('cross-origin-opener-policy', 'same-origin')
        .header('permissions-policy', 'camera=(), geolocation=(), microphone=()');
      return give(INDEX, 'no-cache', request, reply, server);
    },
  }),
  route({
    id: 'pageFile',
    method: 'GET',
    url: '/page/:name',
    summary: 'What the page is made of; its name has its hash.',
    tag: 'page',
    access: { for: 'anybody' },
    params: exactly({ name: Type.String({ maxLength: 100 }) }),
    answer: Anything,
    handle: async ({ params, request, reply }, server) =>
      give(params.name, 'public, max-age=31536000, immutable', request, reply, server),
  }),
  route({
    id: 'signIn',
    method: 'POST',
    url: '/api/v1/page/session',
    summary: `Sign in on the page with a token, for ${SESSION_HOURS} hours; to look, whatever else the token may do.`,
    tag: 'page',
    access: { for: 'people', least: 'viewer' },
    answer: Session,
    async handle({ caller, request, reply }, { depot, clock }) {
      if (caller === null) throw new Error('whoever comes here has a token');
      const ends = new Date(clock.now().getTime() + SESSION_HOURS * HOUR).toISOString();
      const secret = await depot.store.pageSessions.open(caller.id, ends);
      void reply.header('set-cookie', sessionCookie(secret, request)).header('cache-control', 'no-store');
      return { name: caller.name, ends };
    },
  }),
  route({
    id: 'getSession',
    method: 'GET',
    url: '/api/v1/page/session',
    summary: 'Who is signed in on the page.',
    tag: 'page',
    access: { for: 'people', least: 'viewer' },
    page: true,
    answer: Session,
    async handle({ caller, request, reply }, { depot, clock }) {
      void reply.header('cache-control', 'no-store');
      const secret = sessionIn(request);
      const session = secret === null ? null : await depot.store.pageSessions.known(secret);
      return { name: caller?.name ?? '', ends: session?.sessionEnds ?? clock.now().toISOString() };
    },
  }),
  route({
    id: 'signOut',
    method: 'DELETE',
    url: '/api/v1/page/session',
    summary: 'Sign out on the page: the session opens nothing any more.',
    tag: 'page',
    access: { for: 'anybody' },
    async handle({ request, reply }, { depot }) {
      const secret = sessionIn(request);
      if (secret !== null) await depot.store.pageSessions.close(secret);
      void reply.header('set-cookie', sessionCookie(null, request));
    },
  }),
];

function give(
  name: string,
  cache: string,
  request: FastifyRequest,
  reply: FastifyReply,
  { page }: ServerParts,
): FastifyReply {
  const file = page.get(name);
  if (file === undefined) throw new D3Error('FILE_NOT_FOUND', 'notFound', 'There is no such file.', { target: name });
  void reply
    .header('etag', file.tag)
    .header('cache-control', cache)
    .header('x-content-type-options', 'nosniff')
    .header('cross-origin-resource-policy', 'same-origin');
  if (isNamed(request.headers['if-none-match'], file.tag)) return reply.code(304).send();
  return reply.type(file.type).send(file.body);
}
