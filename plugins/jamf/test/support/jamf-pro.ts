import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Bucket } from './jamf-pro/bucket.ts';
import { classicAnswer, classicRefusal, classicRoute } from './jamf-pro/classic.ts';
import {
  matched,
  type Operation,
  problemOfAnswer,
  problemOfQuery,
  problemOfRequest,
  readOnlyFields,
  withoutNulls,
} from './jamf-pro/contract.ts';
import { type Group, Groups, type NewGroup } from './jamf-pro/groups.ts';
import { BadChange, change, shown } from './jamf-pro/inventory.ts';
import { BadSort, Collection, type Json, page, type Row } from './jamf-pro/lists.ts';
import { BadFilter } from './jamf-pro/rsql.ts';
import { has, type Version } from './jamf-pro/versions.ts';

/** What happens to a request, once. */
export type Trouble =
  | { kind: 'cut-before' }
  /** The connection breaks while the body is still coming. */
  | { kind: 'cut-during' }
  /** The connection breaks after the work was done. */
  | { kind: 'cut-after' }
  | { kind: 'answer'; status: number; body?: string; type?: string }
  /** The work is done, and something between says otherwise. */
  | { kind: 'answer-after'; status: number; body?: string; type?: string };

export interface Behaviours {
  /** Which server this is; what it does not have yet is not found. */
  version: Version;
  tokenSeconds: number;
  /** How a token that is dead is refused: 'full' with what would have been answered. */
  unauthorised: 'json' | 'empty' | 'full';
  /** Whether a token is looked at once more when the whole body has come. */
  tokenAfterBody: boolean;
  /** Whether users log in by user and password at all; if not, they hear what a wrong password hears. */
  basic: boolean;
  /** Milliseconds, by the server's clock, until the other node knows. */
  lag: number;
  /** Readings of a package after an upload that still say PENDING. */
  pendingReads: number;
  /** Which hashes it makes of a file. */
  hashes: readonly ('md5' | 'sha256' | 'sha3512')[];
  /** Ends an upload in this. */
  transfer: 'READY' | 'ERROR';
  /** Templates of paths that are not there, whatever the version. */
  absent: readonly string[];
  privileges: readonly string[] | null;
  /** Rows a page at most, whatever is asked for. */
  mostRows: number;
  /** Milliseconds that each answer takes. */
  slow: number;
  /** Milliseconds more for each request above five at once. */
  crowded: number;
  /** Cookie that names the node. */
  cookie: string;
  /** Whether scripts, categories and the like may have one name twice; packages always may. */
  duplicates: 'allowed' | 'refused';
  /** Whether smart groups are calculated only when that is asked for. */
  groupsLag: boolean;
  /** Whether notes on packages are taken: a server that is busy answers 503. */
  notes: 'taken' | 'busy';
  /** What the cloud distribution point is. */
  cloud: 'JAMF_CLOUD' | 'NONE' | 'absent';
}

/** One request, as it was answered. */
export interface Logged {
  call: string;
  /** As it was asked for, with its query. */
  path: string;
  cookie: string | null;
  node: number;
  status: number;
  /** Bytes of the bodies. */
  sent: number;
  answered: number;
}

interface Answer {
  status: number;
  json: unknown;
}

interface Asked {
  method: string;
  template: string;
  params: Readonly<Record<string, string>>;
  operation: Operation;
  url: URL;
  node: number;
  sent: Json;
  body: Buffer;
  authorization: string;
}

export const SECRET = 'abcdefgh-not-for-logs';

/** Where records of a kind are kept, under which path, and what of them must be unlike. */
const KINDS = {
  packages: { path: '/v1/packages', paged: true, unique: false },
  scripts: { path: '/v1/scripts', paged: true, unique: true },
  categories: { path: '/v1/categories', paged: true, unique: true },
  departments: { path: '/v1/departments', paged: true, unique: true },
  buildings: { path: '/v1/buildings', paged: true, unique: true },
  sites: { path: '/v1/sites', paged: false, unique: true },
  attributes: { path: '/v1/computer-extension-attributes', paged: true, unique: true },
} as const;

export type Kind = keyof typeof KINDS;

/** A Jamf Pro of two nodes. Requests and answers are held against the schema; an answer that breaks it is an error of the test. */
export class StandIn {
  readonly behaviours: Behaviours = {
    version: '11.30.1',
    tokenSeconds: 60,
    unauthorised: 'json',
    tokenAfterBody: false,
    basic: true,
    lag: 0,
    pendingReads: 0,
    hashes: ['md5', 'sha256', 'sha3512'],
    transfer: 'READY',
    absent: [],
    privileges: null,
    mostRows: 2000,
    slow: 0,
    crowded: 0,
    cookie: 'jpro-ingress',
    duplicates: 'refused',
    groupsLag: false,
    notes: 'taken',
    cloud: 'JAMF_CLOUD',
  };
  readonly requests: Logged[] = [];
  /** By call, such as `POST /v1/packages`; each is used once. */
  readonly troubles = new Map<string, Trouble[]>();
  /** Asked for each request that no trouble waits for. */
  chaos: (call: string) => Trouble | undefined = () => undefined;
  /** Answers that broke the schema, and queries that the schema does not have. */
  readonly wrong: string[] = [];
  readonly tokens = new Map<string, { end: number; user: boolean }>();
  mostAtOnce = 0;
  now: () => number = Date.now;
  /** How the server lets time pass while it answers. */
  wait: (milliseconds: number) => Promise<unknown> = async (milliseconds) => sleep(milliseconds);
  onPage: (page: number) => void = () => undefined;
  /** Told how many bytes of a body have come. */
  onBody: (call: string, received: number) => void = () => undefined;
  /** Called when a file was taken. */
  afterUpload: () => void = () => undefined;
  /** As the newest version of the inventory shows them. */
  computers: Row[] = [];
  /** As the Classic API shows them: `general`, `package_configuration`, `scripts` and whatever else. */
  policies: Row[] = [];
  readonly groups = new Groups();
  /** What the cloud distribution point has. */
  readonly bucket = new Bucket();
  readonly #kinds: Readonly<Record<Kind, Collection>>;
  /** Readings that a package is still PENDING for, by id. */
  readonly #pending = new Map<string, number>();
  readonly #server: Server;
  #turn = 0;
  #atOnce = 0;

  constructor() {
    const cluster = { now: () => this.now(), lag: () => this.behaviours.lag };
    const made = Object.keys(KINDS).map((kind) => [kind, new Collection(cluster)]);
    this.#kinds = Object.fromEntries(made) as Record<Kind, Collection>;
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.#origin;
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What is there of a kind, whichever node knows it. */
  rows(kind: Kind): Row[] {
    return this.#kinds[kind].truth();
  }

  /** Puts a record where every node sees it; its id. */
  add(kind: Kind, fields: Json): string {
    return this.#kinds[kind].add(fields);
  }

  /** Changes a record behind d3's back. */
  set(kind: Kind, id: string, fields: Json): void {
    const before = this.rows(kind).find((row) => row.id === id);
    if (before === undefined) throw new Error(`no ${kind} ${id}`);
    this.#kinds[kind].add({ ...before, ...fields });
  }

  remove(kind: Kind, id: string): void {
    this.#kinds[kind].drop(id);
  }

  get packages(): Row[] {
    return this.rows('packages');
  }

  addPackage(fields: Json): string {
    return this.add('packages', fields);
  }

  /** @param fields as the newest inventory shows them, without what is of no matter */
  addComputer(fields: Json): string {
    const id = typeof fields['id'] === 'string' ? fields['id'] : String(this.computers.length + 1);
    this.computers.push({ ...fields, id });
    return id;
  }

  addGroup(group: NewGroup): Group {
    const made = this.groups.add(group);
    this.groups.calculate(this.computers);
    return made;
  }

  /** @param sections as the Classic API shows a policy; `general` has at least its name */
  addPolicy(sections: Json): string {
    const id = String(Math.max(0, ...this.policies.map((one) => Number(one.id))) + 1);
    const general = { id: Number(id), ...(sections['general'] as Json | undefined) };
    this.policies.push({ ...sections, general, id });
    return id;
  }

  trouble(call: string, ...troubles: Trouble[]): void {
    this.troubles.set(call, [...(this.troubles.get(call) ?? []), ...troubles]);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      await this.#handle(request, response);
    } catch (error) {
      // A client that is killed hangs up: no answer was wrong.
      const hungUp = (error as NodeJS.ErrnoException).code === 'ECONNRESET';
      if (!hungUp) this.wrong.push(error instanceof Error ? `${error.message} ${error.stack}` : String(error));
      response.destroy();
    } finally {
      this.#atOnce -= 1;
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? '';
    const url = new URL(request.url ?? '/', 'http://stand-in');
    if (url.pathname.startsWith('/cdn/')) return this.bucket.serve(request, response, url);
    const asked = url.pathname.replace(/^\/api\b/, '');
    const found = matched(method, asked);
    const classic = classicRoute(method, url.pathname);
    const call = `${method} ${found?.template ?? classic?.template ?? asked}`;
    const cookie = request.headers.cookie ?? null;
    const pinned = /=node-(\d)/.exec(cookie ?? '')?.[1];
    const node = pinned === undefined ? this.#turn++ % 2 : Number(pinned);
    const trouble = this.troubles.get(call)?.shift() ?? this.chaos(call);
    const authorised = this.#lives(request);
    let sent = 0;
    const log = (status: number, answered: number) =>
      this.requests.push({ call, path: `${url.pathname}${url.search}`, cookie, node, status, sent, answered });
    const cut = () => {
      log(0, 0);
      response.destroy();
    };
    const send = (status: number, text: string, type: string) => {
      log(status, Buffer.byteLength(text));
      response.writeHead(status, {
        'content-type': type,
        'set-cookie': `${this.behaviours.cookie}=node-${node}; Path=/`,
        date: new Date(this.now()).toUTCString(),
      });
      response.end(text);
    };
    if (trouble?.kind === 'cut-before') return cut();
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
      sent += (chunk as Buffer).length;
      this.onBody(call, sent);
      if (trouble?.kind === 'cut-during') return cut();
    }
    const crowd = Math.max(0, this.#atOnce - 5) * this.behaviours.crowded;
    if (this.behaviours.slow + crowd > 0) await this.wait(this.behaviours.slow + crowd);
    if (trouble?.kind === 'answer') return send(trouble.status, trouble.body ?? '', trouble.type ?? 'text/html');
    const alive = authorised && (!this.behaviours.tokenAfterBody || this.#lives(request));
    if (classic !== null) {
      const { status, body, type } = this.#classic(classic.privileges, url, request.headers.accept ?? '', alive);
      return trouble?.kind === 'cut-after' ? cut() : send(status, body, type);
    }
    const there = found !== null && this.#has(found.template);
    const authorization = request.headers.authorization ?? '';
    const { status, json } = there
      ? this.#answer(
          { method, url, node, sent: {}, body: Buffer.concat(chunks), authorization, ...found },
          request,
          alive,
        )
      : refused(404, 'NOT_FOUND', 'no such path');
    if (trouble?.kind === 'cut-after') return cut();
    if (trouble?.kind === 'answer-after') return send(trouble.status, trouble.body ?? '', trouble.type ?? 'text/html');
    if (there && status !== 401) this.#hold(found.operation, status, json, call);
    send(status, json === null ? '' : JSON.stringify(json), 'application/json');
  }

  #has(template: string): boolean {
    return has(this.behaviours.version, template) && !this.behaviours.absent.includes(template);
  }

  #lives(request: IncomingMessage): boolean {
    const token = this.tokens.get((request.headers.authorization ?? '').replace(/^Bearer /, ''));
    return token !== undefined && token.end > this.now();
  }

  #lacks(needed: readonly string[]): string[] {
    return needed.filter((one) => this.behaviours.privileges?.includes(one) === false);
  }

  #classic(needed: readonly string[], url: URL, accept: string, alive: boolean) {
    if (!alive) return classicRefusal(401, 'Unauthorized', 'The request requires user authentication');
    if (this.#lacks(needed).length > 0)
      return classicRefusal(403, 'Forbidden', 'The request was not allowed by your privileges');
    this.#calculate();
    const data = { policies: this.policies, groups: this.groups.list, computers: this.computers };
    return classicAnswer(url.pathname, accept, data);
  }

  #answer(asked: Asked, request: IncomingMessage, alive: boolean): Answer {
    const { operation, template } = asked;
    if (operation['x-authentication-required'] !== false && !alive && template !== '/v1/auth/token')
      return this.#unauthorised(asked);
    const missing = this.#lacks(operation['x-required-privileges'] ?? []);
    if (missing.length > 0) return refused(403, 'INVALID_PRIVILEGE', missing.join(', '));
    const query = problemOfQuery(operation, asked.url);
    if (query?.refused === true) return refused(400, 'INVALID_FIELD', query.says);
    if (query !== null) this.wrong.push(`${asked.method} ${template}: ${query.says}`);
    const content = Object.entries(operation.requestBody?.content ?? {})[0];
    if (content !== undefined) {
      const [type, { schema: shape }] = content;
      if (!(request.headers['content-type'] ?? '').startsWith(type)) return refused(415, 'TYPE', `not ${type}`);
      if (type.startsWith('multipart')) {
        if (!/name="?file"?[;\r]/.test(asked.body.subarray(0, 1000).toString('latin1')))
          return refused(400, 'INVALID_FIELD', 'no part "file"');
      } else {
        const text = asked.body.toString();
        const form = type.endsWith('urlencoded');
        asked.sent = (form ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text)) as Json;
        const problem = problemOfRequest(shape, asked.sent);
        if (problem !== null) return refused(400, 'INVALID_FIELD', problem);
        for (const field of form ? [] : readOnlyFields(shape)) delete asked.sent[field];
      }
    }
    return this.#done(asked);
  }

  #done(asked: Asked): Answer {
    try {
      return this.#onServer(asked) ?? this.#onComputers(asked) ?? this.#onGroups(asked) ?? this.#onRecords(asked);
    } catch (error) {
      if (error instanceof BadFilter) return refused(400, 'INVALID_FILTER', error.message, 'filter');
      if (error instanceof BadSort) return refused(400, 'INVALID_SORT', error.message, 'sort');
      if (error instanceof BadChange) return refused(400, 'INVALID_FIELD', error.message);
      throw error;
    }
  }

  #unauthorised(asked: Asked): Answer {
    if (this.behaviours.unauthorised === 'empty') return { status: 401, json: null };
    if (this.behaviours.unauthorised === 'json') return refused(401, 'INVALID_TOKEN', 'token');
    // A real one was recorded that did this; what is written is not done.
    return { status: 401, json: asked.method === 'GET' ? this.#done(asked).json : { id: '1', href: '/' } };
  }

  /** Tokens, and what the server says of itself. */
  #onServer({ method, template, params, sent, authorization }: Asked): Answer | null {
    const bearer = authorization.replace(/^Bearer /, '');
    switch (`${method} ${template}`) {
      case 'POST /oauth/token':
      case 'POST /v1/oauth/token': {
        if (sent['client_secret'] !== SECRET) return { status: 400, json: { error: 'invalid_client' } };
        const access_token = this.#newToken(false);
        const expires_in = this.behaviours.tokenSeconds;
        return { status: 200, json: { access_token, token_type: 'Bearer', scope: 'api-role:1', expires_in } };
      }
      case 'POST /v1/auth/token': {
        const right = authorization === `Basic ${Buffer.from(`tech:${SECRET}`).toString('base64')}`;
        if (!right || !this.behaviours.basic) return refused(401, 'INVALID_CREDENTIALS', 'Unauthorized');
        return { status: 200, json: this.#userToken() };
      }
      case 'POST /v1/auth/invalidate-token':
        this.tokens.delete(bearer);
        return { status: 204, json: null };
      case 'GET /v1/auth': {
        const user = this.tokens.get(bearer)?.user === true;
        const privileges = this.behaviours.privileges ?? [];
        const account = {
          id: '1',
          username: user ? 'tech' : 'd3',
          realName: '',
          email: '',
          multiSiteAdmin: false,
          accessLevel: 'FullAccess',
          privilegeSet: 'CUSTOM',
          privilegesBySite: { '-1': privileges },
          groupIds: [],
          currentSiteId: '-1',
        };
        const authenticationType = user ? 'JSS' : 'CLIENT_CREDENTIALS';
        return { status: 200, json: { account, accountGroups: [], sites: [], authenticationType } };
      }
      case 'GET /v1/jamf-pro-version':
        return { status: 200, json: { version: `${this.behaviours.version}-t1780000000000` } };
      case 'GET /v1/cloud-distribution-point':
        return this.#cloud();
      case 'GET /v1/cloud-distribution-point/upload-capability': {
        const principal = this.behaviours.cloud === 'JAMF_CLOUD';
        return { status: 200, json: { principalDistributionTechnology: principal, directUploadCapable: principal } };
      }
      case 'GET /v1/jcds/files':
        return { status: 200, json: this.bucket.list() };
      case 'GET /v1/jcds/files/{fileName}': {
        const { fileName = '' } = params;
        if (!this.bucket.files.has(fileName)) return refused(404, 'NOT_FOUND', fileName);
        return { status: 200, json: { uri: this.bucket.addressOf(fileName, this.#origin) } };
      }
      case 'POST /v1/cloud-distribution-point/refresh-inventory':
        this.#pending.clear();
        return { status: 204, json: null };
      default:
        return null;
    }
  }

  #cloud(): Answer {
    const { cloud } = this.behaviours;
    if (cloud === 'absent') return refused(404, 'NOT_FOUND', 'no cloud distribution point');
    const there = cloud === 'JAMF_CLOUD';
    const json = {
      hasConnectionSucceeded: there,
      message: there ? '' : 'Cannot contact JCDS',
      inventoryId: '1',
      cdnType: cloud,
      master: there,
      username: '',
      directory: '',
      cdnUrl: '',
      uploadUrl: '',
      downloadUrl: '',
    };
    return { status: 200, json };
  }

  #onComputers(asked: Asked): Answer | null {
    const { method, template, params, url, sent, operation } = asked;
    const version = /^\/(v\d)\/computers-inventory/.exec(template)?.[1];
    const computer = this.computers.find(({ id }) => id === params['id']);
    if (template === '/v1/computers/{id}/recalculate-smart-groups') {
      if (computer === undefined) return refused(400, 'INVALID_ID', `computer ${params['id']}`);
      return { status: 200, json: { count: this.groups.calculate([computer]) } };
    }
    if (version === undefined) return null;
    this.#calculate();
    const around = {
      groupsOf: (one: string) => this.groups.of(one),
      attributes: () => this.rows('attributes'),
      sites: () => this.rows('sites'),
      buildings: () => this.rows('buildings'),
      departments: () => this.rows('departments'),
    };
    if (template.endsWith('/computers-inventory')) {
      const named = url.searchParams.getAll('section');
      const sections = named.length === 0 ? ['GENERAL'] : named;
      // Older versions know the time of the last contact by another name.
      const rows = version === 'v4' ? this.computers : this.computers.map((one) => shown(one, version, null, around));
      const { totalCount, results } = page(rows, operation, url, this.behaviours.mostRows);
      this.onPage(Number(url.searchParams.get('page') ?? 0));
      const whole = results.flatMap((row) => this.computers.find(({ id }) => id === row.id) ?? []);
      return { status: 200, json: { totalCount, results: whole.map((one) => shown(one, version, sections, around)) } };
    }
    if (computer === undefined) return refused(404, 'INVALID_ID', `computer ${params['id']}`);
    if (method === 'GET') return { status: 200, json: shown(computer, version, null, around) };
    change(computer, sent, around);
    return version === 'v1'
      ? { status: 200, json: shown(computer, version, null, around) }
      : { status: 204, json: null };
  }

  #onGroups({ method, template, params, url, operation }: Asked): Answer | null {
    const kind = /\/computer-groups(?:\/(smart-groups|static-groups|smart-group-membership)(\/\{id\})?)?$/.exec(
      template,
    );
    if (kind === null) return null;
    this.#calculate();
    const [, which, one] = kind;
    if (which === undefined) {
      const rows = this.groups.list.map(({ id, name, description, smart }) => ({
        id,
        name,
        description,
        smartGroup: smart,
      }));
      return { status: 200, json: rows };
    }
    const smart = which !== 'static-groups';
    if (one === undefined) {
      const rows = this.groups.list.filter((group) => group.smart === smart).map((group) => this.groups.row(group));
      return { status: 200, json: page(rows, operation, url, this.behaviours.mostRows) };
    }
    const group = this.groups.list.find(({ id }) => id === params['id']);
    if (group === undefined || group.smart !== smart) return refused(404, 'INVALID_ID', `group ${params['id']}`);
    if (which === 'smart-group-membership') return { status: 200, json: { members: group.members.map(Number) } };
    if (method === 'DELETE') {
      this.groups.remove(group.id);
      return { status: 204, json: null };
    }
    const { count: _, membershipCount: __, ...row } = this.groups.row(group);
    return { status: 200, json: row };
  }

  /** Records of which each kind is a collection. */
  #onRecords({ method, template, params, url, node, sent, body, operation }: Asked): Answer {
    const [kind, of] = Object.entries(KINDS).find(
      ([, one]) => template === one.path || template.startsWith(`${one.path}/`),
    ) as [Kind, (typeof KINDS)[Kind]];
    const records = this.#kinds[kind];
    const id = params['id'];
    if (id === undefined && method === 'GET') {
      if (!of.paged) return { status: 200, json: records.rows(node) };
      const json = page(records.rows(node), operation, url, this.behaviours.mostRows);
      this.onPage(Number(url.searchParams.get('page') ?? 0));
      return { status: 200, json };
    }
    const twice = ['POST', 'PUT'].includes(method) && this.#twice(of.unique, records.truth(), id, sent);
    if (twice) return refused(409, 'DUPLICATE_FIELD', 'the name is taken', 'name');
    if (id === undefined) {
      const made = records.create(sent, node);
      return { status: 201, json: { id: made, href: `${of.path}/${made}` } };
    }
    const row = records.get(id, node);
    if (row === null) return refused(404, 'INVALID_ID', `${kind} ${id}`);
    const change = (to: Row | null) => records.change(id, to, node);
    if (method === 'DELETE') {
      change(null);
      return { status: 204, json: null };
    }
    if (method === 'PUT') {
      // What is not brought is gone, but for what the server makes itself.
      const shape = Object.values(operation.requestBody?.content ?? {})[0]?.schema ?? {};
      const own = readOnlyFields(shape).filter((field) => field in row);
      const to = { ...sent, ...Object.fromEntries(own.map((field) => [field, row[field]])), id };
      change(to);
      return { status: Number(Object.keys(operation.responses)[0]), json: to };
    }
    if (template.endsWith('/upload')) {
      const start = body.indexOf('\r\n\r\n') + 4;
      const file = body.subarray(start, body.lastIndexOf('\r\n--'));
      const hash = (name: string) => createHash(name).update(file).digest('hex');
      const all = { md5: hash('md5'), sha256: hash('sha256'), sha3512: hash('sha3-512') };
      const hashes = Object.fromEntries(this.behaviours.hashes.map((one) => [one, all[one]]));
      change({ ...row, ...hashes, size: String(file.length), cloudTransferStatus: 'PENDING' });
      this.#pending.set(id, this.behaviours.pendingReads);
      this.afterUpload();
      return { status: 201, json: { id, href: `${of.path}/${id}` } };
    }
    if (template.endsWith('/history')) {
      if (this.behaviours.notes === 'busy') return refused(503, 'BUSY', 'all in use');
      const date = new Date(this.now()).toISOString();
      return { status: 201, json: { id: 1, username: 'd3', date, note: sent['note'], details: null } };
    }
    return { status: 200, json: kind === 'packages' ? this.#transferred(row, change) : row };
  }

  #transferred(row: Row, change: (to: Row) => void): Row {
    if (row['cloudTransferStatus'] !== 'PENDING') return row;
    // A node that lags shows what was; it does not undo what the other one was told since.
    if (!this.packages.includes(row)) return row;
    const left = this.#pending.get(row.id) ?? 0;
    this.#pending.set(row.id, left - 1);
    if (left > 0) return row;
    const done = { ...row, cloudTransferStatus: this.behaviours.transfer };
    change(done);
    return done;
  }

  #twice(unique: boolean, rows: readonly Row[], id: string | undefined, sent: Json): boolean {
    if (!unique || this.behaviours.duplicates === 'allowed') return false;
    return rows.some((row) => row.id !== id && row['name'] === sent['name']);
  }

  #calculate(): void {
    if (!this.behaviours.groupsLag) this.groups.calculate(this.computers);
  }

  #userToken(): { token: string; expires: string } {
    const token = this.#newToken(true);
    return { token, expires: new Date(this.tokens.get(token)?.end ?? 0).toISOString() };
  }

  #newToken(user: boolean): string {
    const value = randomUUID();
    this.tokens.set(value, { end: this.now() + this.behaviours.tokenSeconds * 1000, user });
    return value;
  }

  #hold(operation: Operation, status: number, json: unknown, call: string): void {
    const response = operation.responses[String(status)];
    const shape = response?.content?.['application/json']?.schema;
    if (shape === undefined || json === null) return;
    const problem = problemOfAnswer(shape, call.includes('/computers-inventory') ? bare(json) : json);
    if (problem !== null) this.wrong.push(`answer ${status} of ${call}: ${problem}`);
  }
}

function bare(json: unknown): unknown {
  const { results, ...rest } = json as { results?: Row[] };
  return results === undefined ? withoutNulls(json as Row) : { ...rest, results: results.map(withoutNulls) };
}

function refused(httpStatus: number, code: string, description: string, field = ''): Answer {
  return { status: httpStatus, json: { httpStatus, errors: [{ code, field, description, id: null }] } };
}
