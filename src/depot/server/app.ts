import { randomUUID } from 'node:crypto';
import { D3Error } from '@d3/sdk';
import swagger from '@fastify/swagger';
import { Ajv } from 'ajv';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { isTooDeep, MAX_DEPTH } from '../../json-schema.ts';
import { errorBody, errorSchema, statusOf } from '../api/errors.ts';
import { withoutSecrets } from '../secrets.ts';
import { type Caller, requireAccess } from './callers.ts';
import { Gate } from './gate.ts';
import { logOptions } from './logging.ts';
import type { Route, ServerParts } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { Way } from './way.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller;
    began: number;
  }
  interface FastifyContextConfig {
    route?: Route;
  }
}

export interface AppOptions {
  /** Takes log lines, one JSON document each. */
  log: (line: string) => void;
  /** debug, info, warn, error, off. */
  logLevel: string;
  /** Addresses of proxies whose headers say who asks. */
  proxies: readonly string[];
  tls: { key: Buffer; cert: Buffer } | null;
  /** Requests a minute for each token. */
  perMinute: number;
  ticks: () => number;
  /** Milliseconds in which a JSON body has to have come; half a minute unless said. */
  bodyWithin?: number;
  /** Milliseconds in which the head of a request has to have come. */
  headWithin?: number;
  /** Milliseconds a connection may stand still: nothing comes, or nothing of an answer is taken. */
  standstill?: number;
}

/** Bytes of a JSON body unless its route says otherwise. */
const BODY = 1024 * 1024;
/** Milliseconds in which a JSON body has to have come. */
const BODY_WITHIN = 30_000;
const HEAD_WITHIN = 15_000;
/** Milliseconds between two looks at heads that are too slow. */
const LOOK_EVERY = 5_000;
/** Milliseconds a connection may stand still. */
const STANDSTILL = 120_000;
const KEEP_ALIVE = 65_000;
/** Seconds after which to ask again, where there is no better guess. */
const ASK_AGAIN = 5;

/** The web server in front of a depot; every route comes from the one table. */
export async function buildApp(server: ServerParts, options: AppOptions): Promise<FastifyInstance> {
  const { proxies, tls, headWithin = HEAD_WITHIN, standstill = STANDSTILL } = options;
  const looking = { connectionsCheckingInterval: Math.min(LOOK_EVERY, headWithin) };
  const app = Fastify({
    logger: logOptions(options.log, options.logLevel, () => server.clock.now()),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: proxies.length === 0 ? false : [...proxies],
    bodyLimit: BODY,
    // Uploads take as long as they take: the whole of a request is limited by what it is, below.
    requestTimeout: 0,
    connectionTimeout: standstill,
    keepAliveTimeout: KEEP_ALIVE,
    forceCloseConnections: 'idle',
    // Said below, in the one shape of errors.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 1000 },
    exposeHeadRoutes: true,
    ...(tls === null ? { http: looking } : { https: { ...tls, ...looking, minVersion: 'TLSv1.2' as const } }),
    clientErrorHandler: answerBadHttp,
    frameworkErrors: answerError,
  } as object) as unknown as FastifyInstance;
  app.server.headersTimeout = headWithin;
  app.removeContentTypeParser('text/plain');
  app.addSchema({ ...errorSchema, $id: 'Error' });
  checkWithAjv(app);
  app.decorateRequest('caller', null);
  app.decorateRequest('began', 0);
  const gate = new Gate(server, options.perMinute, options.ticks, new Way(tls !== null, proxies));

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'd3 depot', version: 'v1', description: 'The depot of d3 over HTTP.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    convertConstToEnum: false,
    refResolver: {
      buildLocalReference: ({ $id }, _base, _fragment, count) => (typeof $id === 'string' ? $id : `schema${count}`),
    },
  });

  app.addHook('onRequest', async (request) => {
    request.began = options.ticks();
    const { route } = request.routeOptions.config;
    if (server.isStopping() && route?.id !== 'health') throw stopping();
    limitBody(request, options.bodyWithin ?? BODY_WITHIN);
    request.caller = await gate.callerOf(request, route);
    if (route !== undefined) requireAccess(route.access, request.caller, server.readers);
  });
  app.addHook('preValidation', async (request) => {
    request.raw.emit(BODY_IS_HERE);
    if (request.routeOptions.config.route?.streams === true || !isTooDeep(request.body)) return;
    throw invalid('REQUEST_INVALID', `The body is nested deeper than ${MAX_DEPTH} levels.`);
  });
  app.addHook('onSend', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  app.addHook('onResponse', async (request, reply) => told(request, reply, server, options.ticks));
  app.setErrorHandler(async (error: FastifyError | D3Error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler(async (request, reply) => {
    const error = new D3Error('ROUTE_NOT_FOUND', 'notFound', `There is no ${request.method} ${pathOf(request.url)}.`, {
      target: pathOf(request.url),
      actions: ['see what there is: GET /api/v1/openapi.json'],
    });
    return reply.code(404).send(errorBody(error));
  });

  for (const route of ROUTES.filter(({ streams }) => streams !== true)) addRoute(app, route, server);
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    for (const route of ROUTES.filter(({ streams }) => streams === true)) addRoute(scope, route, server);
  });
  let description = '';
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(description),
  );
  await app.ready();
  description = JSON.stringify(app.swagger());
  return app;
}

function addRoute(app: FastifyInstance, route: Route, server: ServerParts): void {
  const { id, method, url, summary, tag, access, params, query, body, answer, bodyLimit, streams } = route;
  app.route({
    method,
    url,
    config: { route },
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    ...(streams === true ? { bodyLimit: Number.MAX_SAFE_INTEGER } : {}),
    schema: {
      operationId: id,
      summary,
      tags: [tag],
      ...(access.for === 'anybody' || access.for === 'readers' ? {} : { security: [{ token: [] }] }),
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { querystring: query }),
      ...(body === undefined || streams === true ? {} : { body }),
      ...(streams === true ? { consumes: ['application/octet-stream'] } : {}),
      response: {
        ...(answer === undefined
          ? { 204: { type: 'null', description: 'Done.' } }
          : { 200: { ...answer, description: summary } }),
        default: { $ref: 'Error#' },
      },
    },
    async handler(request, reply) {
      const { caller } = request;
      const asked = {
        params: request.params,
        query: request.query,
        body: request.body,
        caller,
        by: caller?.name ?? '',
        request,
        reply,
      };
      const result = await route.handle(asked as never, server);
      if (route.changes === true) server.publisher.soon();
      if (reply.sent) return reply;
      return result === undefined ? reply.code(204).send() : result;
    },
  });
}

/** What validates is what OpenAPI shows. Texts of an address become what their schema wants; a body is taken as it is. */
function checkWithAjv(app: FastifyInstance): void {
  const common = { allErrors: false, strict: false, allowUnionTypes: true } as const;
  const body = new Ajv(common);
  const address = new Ajv({ ...common, coerceTypes: 'array' });
  app.setValidatorCompiler(({ schema, httpPart }) => {
    const check = (httpPart === 'body' ? body : address).compile(schema as object);
    return (value: unknown) => {
      if (check(value)) return { value };
      const [problem] = check.errors ?? [];
      const where = `${httpPart ?? 'request'}${problem?.instancePath ?? ''}`;
      const extra = (problem?.params as { additionalProperty?: string } | undefined)?.additionalProperty;
      const text = `${where} ${problem?.message ?? 'is wrong'}${extra === undefined ? '' : ` (${extra.slice(0, 100)})`}`;
      return { error: invalid(httpPart === 'body' ? 'BODY_INVALID' : 'REQUEST_INVALID', `${text}.`) };
    };
  });
  // Answers are written as they are: what a newer d3 adds to a document must not be dropped on the way.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function invalid(code: string, text: string): D3Error {
  return new D3Error(code, 'usage', text, {
    target: 'request',
    actions: ['see what is expected: GET /api/v1/openapi.json'],
  });
}

function stopping(): D3Error {
  return new D3Error('STOPPING', 'busy', 'The server is about to stop.', {
    target: 'server',
    actions: ['ask another one, or this one in a moment'],
  });
}

const BODY_IS_HERE = Symbol('body');

/** A JSON body that drips is given up. Where bytes are streamed, whoever takes them looks to it. */
function limitBody(request: FastifyRequest, within: number): void {
  const { raw } = request;
  const { route } = request.routeOptions.config;
  const hasBody = raw.headers['transfer-encoding'] !== undefined || Number(raw.headers['content-length'] ?? 0) > 0;
  if (!hasBody || route?.streams === true) return;
  const timer = setTimeout(() => {
    request.log.warn({ url: pathOf(request.url) }, 'body too slow');
    const error = new D3Error('TOO_SLOW', 'usage', 'The body took too long to come.', { target: 'request' });
    if (raw.socket.writable && !raw.complete) raw.socket.end(plainAnswer(error));
    raw.socket.destroySoon();
  }, within);
  const over = () => clearTimeout(timer);
  raw.once(BODY_IS_HERE, over);
  raw.once('close', over);
}

async function answerError(
  thrown: FastifyError | D3Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const error = asD3Error(thrown, request);
  const status = statusOf(error);
  if (status >= 500 && error.exit !== 'busy') request.log.error({ err: thrown }, error.message);
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="d3"');
  const { retryAfter = status === 503 ? ASK_AGAIN : undefined } = thrown as { retryAfter?: number };
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  // A body that was not read to its end would be taken for the next request.
  if (!request.raw.complete) void reply.header('connection', 'close');
  return reply.code(status).type('application/json; charset=utf-8').send(errorBody(error));
}

/** Fastify's own errors, by their codes. */
const KNOWN: Readonly<Record<string, [code: string, text: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['TOO_LARGE', 'The body is larger than it may be.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['CONTENT_TYPE', 'The body has another content type than is taken here.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['BODY_INVALID', 'The body is not JSON.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['BODY_INVALID', 'The body is empty.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['REQUEST_INVALID', 'The body has another length than was announced.'],
  FST_ERR_BAD_URL: ['REQUEST_INVALID', 'The address cannot be read.'],
  FST_ERR_MAX_PARAM_LENGTH: ['REQUEST_INVALID', 'A part of the address is longer than anything is called.'],
};

function asD3Error(thrown: FastifyError | D3Error, request: FastifyRequest): D3Error {
  if (thrown instanceof D3Error) {
    const code = request.routeOptions?.config?.route?.invalid;
    if (thrown.code !== 'BODY_INVALID' || code === undefined) return thrown;
    return new D3Error(code, 'usage', thrown.message, { target: 'request', actions: thrown.actions });
  }
  if (['ENOSPC', 'EDQUOT'].includes(thrown.code)) {
    return new D3Error('NO_SPACE', 'failed', 'The disk of the depot is full.', {
      target: 'depot',
      actions: ['have room made there, then repeat the request'],
      cause: thrown,
    });
  }
  const known = KNOWN[thrown.code];
  if (known !== undefined) return invalid(...known);
  if (typeof thrown.statusCode === 'number' && thrown.statusCode < 500)
    return invalid('REQUEST_INVALID', `The request was not taken: ${thrown.message}.`);
  return new D3Error('INTERNAL', 'bug', 'Something went wrong in the server.', {
    target: request.id,
    actions: ['look for that id in the log of the server', 'report it as a bug of d3'],
    cause: thrown,
  });
}

function answerBadHttp(error: Error & { code?: string }, socket: import('node:net').Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW';
  const slow = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const answer = slow
    ? new D3Error('TOO_SLOW', 'usage', 'The request took too long to come.', { target: 'request' })
    : tooLarge
      ? new D3Error('TOO_LARGE', 'usage', 'The head of the request is too large.', { target: 'request' })
      : invalid('REQUEST_INVALID', 'That is no HTTP.');
  if (socket.writable) socket.end(plainAnswer(answer));
  socket.destroySoon();
}

/** An answer where there is nobody any more who would write it. */
function plainAnswer(error: D3Error): string {
  const body = JSON.stringify(errorBody(error));
  const head = [
    `HTTP/1.1 ${statusOf(error)} Error`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** One line for each request, and what is counted of it. Addresses are logged without what follows the `?`. */
function told(request: FastifyRequest, reply: FastifyReply, { metrics }: ServerParts, ticks: () => number): void {
  const { route } = request.routeOptions.config;
  const milliseconds = ticks() - request.began;
  const { statusCode: status } = reply;
  metrics.request(route?.id ?? 'other', request.method, status, milliseconds / 1000);
  const line = {
    method: request.method,
    path: pathOf(request.url),
    status,
    ms: Math.round(milliseconds * 10) / 10,
    from: request.ip,
    ...(request.caller === null ? {} : { by: request.caller.name }),
  };
  const isQuiet = status < 400 && (route?.access.for === 'readers' || route?.access.for === 'anybody');
  if (isQuiet) request.log.debug(line, 'request');
  else request.log.info(line, 'request');
}

/** Somebody may take a secret for the name of something. */
function pathOf(url: string): string {
  return withoutSecrets((url.split('?')[0] as string).slice(0, 500));
}
