import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

type Row = { id: string; [field: string]: unknown };
type Json = Record<string, unknown>;

interface Operation {
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
  'x-required-privileges'?: string[];
  'x-authentication-required'?: boolean;
}

/** What happens to a request, once. */
export type Trouble =
  | { kind: 'cut-before' }
  /** The connection breaks after the work was done. */
  | { kind: 'cut-after' }
  | { kind: 'answer'; status: number; body?: string; type?: string };

export interface Behaviours {
  tokenSeconds: number;
  /** Milliseconds, by the server's clock, until the other node knows. */
  lag: number;
  /** Readings of a package after an upload that still say PENDING. */
  pendingReads: number;
  /** Ends an upload in this. */
  transfer: 'READY' | 'ERROR';
  absent: readonly string[];
  privileges: readonly string[] | null;
  slow: number;
  /** Cookie that names the node. */
  cookie: string;
}

interface Stored {
  row: Row;
  since: number;
  node: number;
  pending: number;
}

const schema = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../schema/calls.json'), 'utf8')) as {
  paths: Record<string, Record<string, Operation>>;
  schemas: Record<string, Json>;
};

export const SECRET = 'abcdefgh-not-for-logs';

/** A Jamf Pro of two nodes. Requests and answers are held against the schema; an answer that breaks it is an error of the test. */
export class StandIn {
  readonly behaviours: Behaviours = {
    tokenSeconds: 60,
    lag: 0,
    pendingReads: 0,
    transfer: 'READY',
    absent: [],
    privileges: null,
    slow: 0,
    cookie: 'jpro-ingress',
  };
  readonly requests: { call: string; cookie: string | null; node: number; status: number }[] = [];
  /** By call, such as `POST /v1/packages`; each is used once. */
  readonly troubles = new Map<string, Trouble[]>();
  /** Answers that broke the schema. */
  readonly wrong: string[] = [];
  readonly tokens = new Map<string, { end: number; user: boolean }>();
  mostAtOnce = 0;
  now: () => number = Date.now;
  onPage: (page: number) => void = () => undefined;
  computers: Row[] = [];
  readonly #packages = new Map<string, Stored>();
  readonly #ajv = new Ajv({ strict: false, validateFormats: false });
  readonly #validators = new Map<Json, ValidateFunction>();
  readonly #server: Server;
  #nextId = 1;
  #turn = 0;
  #atOnce = 0;

  constructor() {
    this.#ajv.addSchema({ $id: 'jamf', components: { schemas: schema.schemas } });
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get packages(): Row[] {
    return [...this.#packages.values()].map(({ row }) => row);
  }

  addPackage(fields: Json): string {
    const id = String(this.#nextId++);
    this.#packages.set(id, { row: { ...fields, id }, since: Number.NEGATIVE_INFINITY, node: 0, pending: 0 });
    return id;
  }

  removePackage(id: string): void {
    this.#packages.delete(id);
  }

  trouble(call: string, ...troubles: Trouble[]): void {
    this.troubles.set(call, [...(this.troubles.get(call) ?? []), ...troubles]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (this.behaviours.slow > 0) await new Promise((resolve) => setTimeout(resolve, this.behaviours.slow));
      this.#handle(request, response, Buffer.concat(chunks));
    } catch (error) {
      this.wrong.push(String(error));
      response.destroy();
    } finally {
      this.#atOnce -= 1;
    }
  }

  #handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url ?? '/', 'http://stand-in');
    const asked = url.pathname.replace(/^\/api/, '');
    const id = /^\/v1\/packages\/([^/]+)/.exec(asked)?.[1] ?? '';
    const template = id === '' ? asked : asked.replace(`/packages/${id}`, '/packages/{id}');
    const call = `${request.method} ${template}`;
    const cookie = request.headers.cookie ?? null;
    const pinned = /=node-(\d)/.exec(cookie ?? '')?.[1];
    const node = pinned === undefined ? this.#turn++ % 2 : Number(pinned);
    const log = (status: number) => this.requests.push({ call, cookie, node, status });
    const send = (status: number, text: string, type: string) => {
      log(status);
      response.writeHead(status, {
        'content-type': type,
        'set-cookie': `${this.behaviours.cookie}=node-${node}; Path=/`,
      });
      response.end(text);
    };
    const trouble = this.troubles.get(call)?.shift();
    if (trouble?.kind === 'answer') return send(trouble.status, trouble.body ?? '', trouble.type ?? 'text/html');
    if (trouble?.kind === 'cut-before') {
      log(0);
      response.destroy();
      return;
    }
    const { status, json } = this.#answer(request, url, template, id, node, body);
    if (trouble?.kind === 'cut-after') {
      log(0);
      response.destroy();
      return;
    }
    const wanted = schema.paths[template]?.[(request.method ?? '').toLowerCase()]?.responses[String(status)];
    const shape = wanted?.content?.['application/json']?.schema;
    if (shape !== undefined && json !== null) this.#hold(shape, json, `answer ${status} of ${call}`);
    send(status, json === null ? '' : JSON.stringify(json), 'application/json');
  }

  #answer(
    request: IncomingMessage,
    url: URL,
    template: string,
    id: string,
    node: number,
    body: Buffer,
  ): { status: number; json: unknown } {
    const known = template === '/oauth/token' ? '/v1/oauth/token' : template;
    const operation = schema.paths[known]?.[(request.method ?? '').toLowerCase()];
    if (operation === undefined || this.behaviours.absent.includes(template))
      return refused(404, 'NOT_FOUND', 'no such path');
    const authorization = request.headers.authorization ?? '';
    const open = operation['x-authentication-required'] === false;
    const token = this.tokens.get(authorization.replace(/^Bearer /, ''));
    if (!open && (token === undefined || token.end <= this.now())) return refused(401, 'INVALID_TOKEN', 'token');
    const missing = (operation['x-required-privileges'] ?? []).filter(
      (one) => this.behaviours.privileges?.includes(one) === false,
    );
    if (missing.length > 0) return refused(403, 'INVALID_PRIVILEGE', missing.join(', '));
    const content = Object.entries(operation.requestBody?.content ?? {})[0];
    let sent: Json = {};
    if (content !== undefined) {
      const [type, { schema: shape }] = content;
      if (!(request.headers['content-type'] ?? '').startsWith(type)) return refused(415, 'TYPE', `not ${type}`);
      if (type === 'application/json') sent = JSON.parse(body.toString()) as Json;
      if (type.endsWith('urlencoded')) sent = Object.fromEntries(new URLSearchParams(body.toString()));
      if (!type.startsWith('multipart')) {
        const problem = this.#problem(shape, sent) ?? unknownField(shape, sent);
        if (problem !== null) return refused(400, 'INVALID_FIELD', problem);
      }
    }
    if (known === '/v1/oauth/token') {
      if (sent['client_secret'] !== SECRET) return { status: 400, json: { error: 'invalid_client' } };
      const value = this.#newToken(false);
      const answer = {
        access_token: value,
        token_type: 'Bearer',
        scope: 'api-role:1',
        expires_in: this.behaviours.tokenSeconds,
      };
      return { status: 200, json: answer };
    }
    if (known === '/v1/auth/token') {
      if (authorization !== `Basic ${Buffer.from(`tech:${SECRET}`).toString('base64')}`)
        return refused(401, 'INVALID_CREDENTIALS', 'user or password');
      const value = this.#newToken(true);
      return { status: 200, json: { token: value, expires: new Date(this.tokens.get(value)?.end ?? 0).toISOString() } };
    }
    if (known === '/v1/auth/invalidate-token') {
      this.tokens.delete(authorization.replace(/^Bearer /, ''));
      return { status: 204, json: null };
    }
    if (known.endsWith('/computers-inventory')) return { status: 200, json: this.#page(this.computers, url) };
    return this.#onPackages(`${request.method} ${known}`, url, id, node, sent, body);
  }

  #onPackages(
    call: string,
    url: URL,
    id: string,
    node: number,
    sent: Json,
    body: Buffer,
  ): { status: number; json: unknown } {
    if (call === 'GET /v1/packages') return { status: 200, json: this.#page(this.#seen(node), url) };
    if (call === 'POST /v1/packages') {
      const made = String(this.#nextId++);
      this.#packages.set(made, { row: { ...sent, id: made }, since: this.now(), node, pending: 0 });
      return { status: 201, json: { id: made, href: `/v1/packages/${made}` } };
    }
    const stored = this.#packages.get(id);
    if (stored === undefined || !this.#sees(stored, node)) return refused(404, 'INVALID_ID', `package ${id}`);
    if (call === 'PUT /v1/packages/{id}') {
      stored.row = { ...sent, id };
      return { status: 200, json: stored.row };
    }
    if (call === 'POST /v1/packages/{id}/upload') {
      const start = body.indexOf('\r\n\r\n') + 4;
      const end = body.lastIndexOf('\r\n--');
      const sha256 = createHash('sha256').update(body.subarray(start, end)).digest('hex');
      stored.row = { ...stored.row, sha256, size: String(end - start), cloudTransferStatus: 'PENDING' };
      stored.pending = this.behaviours.pendingReads;
      return { status: 201, json: { id, href: `/v1/packages/${id}` } };
    }
    if (stored.row['cloudTransferStatus'] === 'PENDING' && stored.pending-- <= 0)
      stored.row = { ...stored.row, cloudTransferStatus: this.behaviours.transfer };
    return { status: 200, json: stored.row };
  }

  #sees({ node, since }: Stored, asking: number): boolean {
    return node === asking || this.now() - since >= this.behaviours.lag;
  }

  #seen(node: number): Row[] {
    return [...this.#packages.values()].filter((one) => this.#sees(one, node)).map(({ row }) => row);
  }

  #page(rows: Row[], url: URL): { totalCount: number; results: Row[] } {
    const page = Number(url.searchParams.get('page') ?? 0);
    const size = Number(url.searchParams.get('page-size') ?? 100);
    const named = /^fileName=="(.*)"$/.exec(url.searchParams.get('filter') ?? '')?.[1]?.replaceAll(/\\(.)/g, '$1');
    const found = rows
      .filter((row) => named === undefined || row['fileName'] === named)
      .sort((a, b) => Number(a.id) - Number(b.id));
    const answer = { totalCount: found.length, results: found.slice(page * size, (page + 1) * size) };
    this.onPage(page);
    return answer;
  }

  #newToken(user: boolean): string {
    const value = randomUUID();
    this.tokens.set(value, { end: this.now() + this.behaviours.tokenSeconds * 1000, user });
    return value;
  }

  #hold(shape: Json, value: unknown, what: string): void {
    const problem = this.#problem(shape, value);
    if (problem !== null) this.wrong.push(`${what}: ${problem}`);
  }

  #problem(shape: Json, value: unknown): string | null {
    let validate = this.#validators.get(shape);
    if (validate === undefined) {
      validate = this.#ajv.compile(JSON.parse(JSON.stringify(shape).replaceAll('"#/', '"jamf#/')) as Json);
      this.#validators.set(shape, validate);
    }
    return validate(value) ? null : this.#ajv.errorsText(validate.errors);
  }
}

function unknownField(shape: Json, value: Json): string | null {
  const name = /([^/]+)$/.exec(JSON.stringify(shape['$ref'] ?? '').slice(1, -1))?.[1];
  const known = (name === undefined ? shape : schema.schemas[name])?.['properties'] as Json | undefined;
  const unknown = Object.keys(value).filter((field) => known !== undefined && !(field in known));
  return unknown.length === 0 ? null : `unknown: ${unknown.join(', ')}`;
}

function refused(httpStatus: number, code: string, description: string): { status: number; json: unknown } {
  return { status: httpStatus, json: { httpStatus, errors: [{ code, field: '', description, id: null }] } };
}
