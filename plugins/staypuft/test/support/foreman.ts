import { createServer as createHttp, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Certified } from '../../../../test/support/certificates.ts';
import { type AskedJob, StandInJobs } from './foreman-jobs.ts';

/**
 * A stand-in for Foreman, written by hand from its sources as the specification tells of them (5.4): no real Foreman was ever asked. It
 * keeps every call, and misbehaves when it is told to.
 */
export const TOKEN = 'token-not-for-logs';

type Json = Record<string, unknown>;

/** What happens to a call, once. */
export type Trouble =
  | { kind: 'answer'; status: number; json?: unknown; body?: string }
  /** The work is done, and something between says otherwise. */
  | { kind: 'answer-after'; status: number }
  /** The connection breaks before, or after, the work is done. */
  | { kind: 'cut-before' | 'cut-after' };

export interface Call {
  method: string;
  /** Without the query. */
  path: string;
  query: string;
  body: Json | null;
  status: number;
}

interface Host {
  id: number;
  name: string;
  type: 'Managed' | 'Discovered';
  ip: string | null;
  mac: string | null;
  managed: boolean;
  build: boolean;
  hostgroup_id: number | null;
  environment_id: number | null;
  installed_at: string | null;
  puppet_ca_proxy_id: number | null;
  facts: Record<string, unknown>;
  interfaces: { type: string; mac: string }[];
  /** 0 built, 1 pending, 2 token expired, 3 failed. */
  build_status: number;
  token: number;
  template: string;
}

interface Hostgroup {
  id: number;
  name: string;
  title: string;
  environment_id: number | null;
  subnet_id: number | null;
}

interface Proxy {
  id: number;
  name: string;
  url: string;
  features: { name: string }[];
  remote_execution_pubkey: string | null;
  autosign: string[];
}

interface Parameter {
  id: number;
  parameter: string;
  puppetclass_name: string;
  override: boolean;
  default_value: unknown;
  values: { id: number; match: string; value: unknown }[];
}

const LABELS = ['Installed', 'Pending installation', 'Token expired', 'Installation error'];

interface Asked {
  method: string;
  parts: string[];
  url: URL;
  body: Json;
}

interface Answer {
  status: number;
  json: unknown;
}

class Refused extends Error {
  readonly status: number;
  readonly json: unknown;
  constructor(status: number, json: unknown) {
    super(String(status));
    this.status = status;
    this.json = json;
  }
}

export class ForemanStandIn {
  readonly calls: Call[] = [];
  /** Milliseconds each answer takes. */
  slow = 0;
  /** Rows a page at most. */
  mostRows = 100;
  /** Permissions that the account lacks. */
  readonly lacks = new Set<string>();
  readonly hosts = new Map<number, Host>();
  readonly hostgroups: Hostgroup[] = [];
  readonly environments: { id: number; name: string }[] = [];
  readonly subnets: { id: number; name: string; network: string; mask: string }[] = [];
  readonly proxies: Proxy[] = [];
  readonly parameters: Parameter[] = [];
  readonly jobs = new StandInJobs();
  plugins = ['foreman_discovery', 'foreman_puppet', 'foreman_remote_execution'];
  discoveryReboot = true;
  /** What a hostgroup's environment does to a host that is put into it, whatever else was asked for. */
  hostgroupOverrides = false;
  /** What becomes of a machine whose power is switched. */
  onPower: (host: Host, action: string) => void = () => {};
  /** What Foreman does to a machine that it converts, where discovery_reboot is on. */
  onConversion: (host: Host) => void = () => {};
  /** The answer of a restart, or of fetching facts, that goes wrong: 200 all the same. */
  imageTrouble: string | null = null;
  /** Calls at the same time, at most. */
  crowd = 0;
  readonly #troubles: { match: RegExp; trouble: Trouble }[] = [];
  #now = 0;
  #next = 1;
  #server: Server | null = null;

  async start(certified: Certified | null = null): Promise<string> {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      this.#serve(request, response).catch((error: unknown) => {
        response.statusCode = 500;
        response.end(String(error));
      });
    };
    const server = certified === null ? createHttp(listener) : createHttps(certified, listener);
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return `${certified === null ? 'http' : 'https'}://127.0.0.1:${port}`;
  }

  async stop(): Promise<void> {
    await this.jobs.stop();
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** @param match against `METHOD /path` */
  trouble(match: RegExp, ...troubles: Trouble[]): void {
    this.#troubles.push(...troubles.map((trouble) => ({ match, trouble })));
  }

  environment(name: string): number {
    const made = { id: this.#id(), name };
    this.environments.push(made);
    return made.id;
  }

  subnet(network: string, mask: string): number {
    const made = { id: this.#id(), name: `subnet ${network}`, network, mask };
    this.subnets.push(made);
    return made.id;
  }

  hostgroup(title: string, environment: string | null, subnet: number | null = null): number {
    const environment_id = this.environments.find(({ name }) => name === environment)?.id ?? null;
    const made = { id: this.#id(), name: title.split('/').at(-1) as string, title, environment_id, subnet_id: subnet };
    this.hostgroups.push(made);
    return made.id;
  }

  proxy(name: string, features: readonly string[], key: string | null = null): number {
    const made = {
      id: this.#id(),
      name,
      url: `https://${name}:8443`,
      features: features.map((one) => ({ name: one })),
      remote_execution_pubkey: key,
      autosign: [],
    };
    this.proxies.push(made);
    return made.id;
  }

  runmode(puppetclass_name = 'd3_agent'): Parameter {
    const made = {
      id: this.#id(),
      parameter: 'runmode',
      puppetclass_name,
      override: false,
      default_value: 'none',
      values: [],
    };
    this.parameters.push(made);
    return made;
  }

  discovered(name: string, ip: string | null, mac: string, facts: Record<string, unknown>): Host {
    return this.#host({ name, type: 'Discovered', ip, mac, facts });
  }

  registered(name: string, more: Partial<Host> = {}): Host {
    return this.#host({ name, type: 'Managed', ...more });
  }

  environmentOf(host: Pick<Host, 'environment_id'>): string | null {
    return this.environments.find(({ id }) => id === host.environment_id)?.name ?? null;
  }

  /** The installer is done, and tells so. */
  built(id: number): void {
    this.#now += 1;
    Object.assign(this.hosts.get(id) as Host, {
      build: false,
      build_status: 0,
      installed_at: new Date(Date.UTC(2026, 0, 1) + this.#now * 1000).toISOString(),
    });
  }

  made(match: RegExp): Call[] {
    return this.calls.filter(({ method, path }) => match.test(`${method} ${path}`));
  }

  writes(): Call[] {
    return this.calls.filter(({ method }) => method !== 'GET');
  }

  #host(given: Partial<Host> & Pick<Host, 'name' | 'type'>): Host {
    const made: Host = {
      id: this.#id(),
      ip: null,
      mac: null,
      managed: false,
      build: false,
      hostgroup_id: null,
      environment_id: null,
      installed_at: null,
      puppet_ca_proxy_id: null,
      facts: {},
      interfaces: [],
      build_status: 0,
      token: 0,
      template: 'systemctl disable puppet',
      ...given,
    };
    this.hosts.set(made.id, made);
    return made;
  }

  #id(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  #atOnce = 0;

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#atOnce += 1;
    this.crowd = Math.max(this.crowd, this.#atOnce);
    response.on('close', () => {
      this.#atOnce -= 1;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const url = new URL(request.url as string, 'http://foreman');
    const method = request.method as string;
    const call: Call = {
      method,
      path: decodeURIComponent(url.pathname),
      query: url.search,
      body: text === '' ? null : (JSON.parse(text) as Json),
      status: 0,
    };
    this.calls.push(call);
    if (this.slow > 0) await sleep(this.slow);
    const at = this.#troubles.findIndex(({ match }) => match.test(`${method} ${call.path}`));
    const trouble = at === -1 ? null : (this.#troubles.splice(at, 1)[0]?.trouble ?? null);
    if (trouble?.kind === 'cut-before') return void request.socket.destroy();
    let answer: Answer;
    if (trouble?.kind === 'answer')
      answer = { status: trouble.status, json: trouble.json ?? { error: { message: `trouble ${trouble.status}` } } };
    else answer = this.#answered({ method, url, parts: call.path.split('/').slice(3), body: call.body ?? {} }, request);
    if (trouble?.kind === 'cut-after') return void request.socket.destroy();
    if (trouble?.kind === 'answer-after') answer = { status: trouble.status, json: { message: 'gateway' } };
    call.status = answer.status;
    const body = trouble?.kind === 'answer' ? trouble.body : undefined;
    response.writeHead(answer.status, { 'content-type': body === undefined ? 'application/json' : 'text/html' });
    response.end(body ?? JSON.stringify(answer.json));
  }

  #answered(asked: Asked, { headers }: IncomingMessage): Answer {
    try {
      const basic = `Basic ${Buffer.from(`d3:${TOKEN}`).toString('base64')}`;
      if (headers.authorization !== basic)
        throw new Refused(401, { error: { message: 'Unable to authenticate user d3' } });
      if (asked.method !== 'GET' && asked.method !== 'DELETE' && !headers['content-type']?.includes('json'))
        throw new Refused(415, { error: { message: "Content-Type must be 'application/json'" } });
      return this.#route(asked);
    } catch (error) {
      if (error instanceof Refused) return { status: error.status, json: error.json };
      throw error;
    }
  }

  #route({ method, parts, url, body }: Asked): Answer {
    const [what, id, more, extra] = parts;
    const call = `${method} ${[what, id === undefined ? null : ':id', more, extra === undefined ? null : ':extra'].filter((one) => one !== null && one !== undefined).join('/')}`;
    switch (call) {
      // What was removed since 2014.
      case 'PUT hosts/:id/puppetrun':
        throw new Refused(501, { error: { message: 'removed in version 2.3' } });
      case 'GET status':
        return ok({ result: 'ok', status: 200, version: '3.13.0', api_version: 2 });
      case 'GET plugins':
        return ok({ total: this.plugins.length, results: this.plugins.map((name) => ({ name, version: '1.0.0' })) });
      case 'GET settings/:id':
        this.#may('view_settings');
        return id === 'discovery_reboot' ? ok({ id, name: id, value: this.discoveryReboot }) : notFound(what, id);
      case 'GET hosts':
        this.#may('view_hosts');
        return this.#page(
          url,
          [...this.hosts.values()].filter(({ type }) => type === 'Managed').map((one) => this.#shown(one)),
        );
      case 'GET hosts/:id':
        this.#may('view_hosts');
        return ok(this.#shown(this.#managed(id)));
      case 'PUT hosts/:id':
        this.#may('edit_hosts');
        return ok(this.#shown(this.#change(this.#managed(id), (body['host'] ?? {}) as Json)));
      case 'GET hosts/:id/facts': {
        const host = this.#managed(id);
        return ok({ total: 1, results: { [host.name]: host.facts } });
      }
      case 'PUT hosts/:id/rebuild_config':
        this.#may('build_hosts');
        this.#managed(id);
        return ok({ message: 'Configuration successfully rebuilt.' });
      case 'GET hosts/:id/template/:extra': {
        const host = this.#managed(id);
        return host.template === '' ? notFound(more, extra) : ok({ template: host.template });
      }
      case 'GET hosts/:id/status/:extra': {
        const { build_status } = this.#managed(id);
        return ok({ status: build_status, status_label: LABELS[build_status] });
      }
      case 'PUT hosts/:id/power': {
        this.#may('power_hosts');
        const host = this.#managed(id);
        if (host.interfaces.every(({ type }) => type !== 'bmc')) throw invalid('No BMC NIC available');
        this.onPower(host, String(body['power_action']));
        return ok({ power: true });
      }
      case 'GET discovered_hosts':
        this.#discovery();
        this.#may('view_discovered_hosts');
        return this.#page(url, [...this.hosts.values()].filter(({ type }) => type === 'Discovered').map(withoutFacts));
      case 'GET discovered_hosts/:id':
        this.#discovery();
        return ok(this.#found(id));
      case 'PUT discovered_hosts/:id':
        return ok(this.#convert(this.#found(id), (body['discovered_host'] ?? {}) as Json));
      case 'PUT discovered_hosts/:id/reboot':
      case 'PUT discovered_hosts/:id/refresh_facts': {
        const host = this.#found(id);
        // An exception is rendered with 200: the body alone tells.
        return this.imageTrouble === null ? ok({ id: host.id, name: host.name }) : ok({ message: this.imageTrouble });
      }
      case 'GET hostgroups':
        this.#may('view_hostgroups');
        return this.#page(
          url,
          this.hostgroups.map((one) => ({ ...one, environment_name: this.environmentOf(one) })),
        );
      case 'GET subnets/:id':
        return ok(this.subnets.find((one) => String(one.id) === id) ?? refuse(404, what, id));
      case 'GET environments':
        this.#may('view_environments');
        return this.#page(url, this.environments);
      case 'POST environments': {
        this.#may('create_environments');
        const { name } = (body['environment'] ?? {}) as { name?: string };
        if (this.environments.some((one) => one.name === name)) throw invalid('Name has already been taken');
        this.environment(name as string);
        return { status: 201, json: this.environments.at(-1) };
      }
      case 'GET smart_class_parameters':
        return this.#page(
          url,
          this.parameters.filter(
            (one) => url.searchParams.get('search')?.includes(`"${one.puppetclass_name}"`) ?? true,
          ),
        );
      case 'PUT smart_class_parameters/:id': {
        const parameter = this.#parameter(id);
        Object.assign(parameter, body['smart_class_parameter']);
        return ok(parameter);
      }
      case 'GET smart_class_parameters/:id/override_values':
        return this.#page(url, this.#parameter(id).values);
      case 'POST smart_class_parameters/:id/override_values': {
        const parameter = this.#parameter(id);
        const { match, value } = body['override_value'] as { match: string; value: unknown };
        if (!parameter.override) throw invalid('Override must be true to edit the parameter');
        if (parameter.values.some((one) => one.match === match)) throw invalid('Match has already been taken');
        parameter.values.push({ id: this.#id(), match, value });
        return { status: 201, json: parameter.values.at(-1) };
      }
      case 'PUT smart_class_parameters/:id/override_values/:extra': {
        const found = this.#parameter(id).values.find((one) => String(one.id) === extra);
        if (found === undefined) return notFound(more, extra);
        Object.assign(found, body['override_value']);
        return ok(found);
      }
      case 'DELETE smart_class_parameters/:id/override_values/:extra': {
        const parameter = this.#parameter(id);
        const at = parameter.values.findIndex((one) => String(one.id) === extra);
        return at === -1 ? notFound(more, extra) : ok(parameter.values.splice(at, 1)[0]);
      }
      case 'GET smart_proxies':
        this.#may('view_smart_proxies');
        return this.#page(url, this.proxies);
      case 'GET smart_proxies/:id':
        return ok(this.#proxy(id));
      case 'GET smart_proxies/:id/autosign':
        return ok({ total: this.#proxy(id).autosign.length, results: this.#proxy(id).autosign });
      case 'POST smart_proxies/:id/autosign': {
        this.#may('create_smart_proxies_autosign');
        this.#proxy(id).autosign.push(String(body['id']));
        return ok({ message: 'Created' });
      }
      case 'DELETE smart_proxies/:id/autosign/:extra': {
        const { autosign } = this.#proxy(id);
        const at = autosign.indexOf(extra as string);
        if (at === -1) return notFound(more, extra);
        autosign.splice(at, 1);
        return ok({ message: 'Deleted' });
      }
      case 'GET job_templates': {
        this.#may('view_job_templates');
        const name = /^name="(.*)"$/.exec(url.searchParams.get('search') ?? '')?.[1];
        const { templates } = this.jobs;
        return this.#page(
          new URL('http://foreman'),
          name === undefined ? templates : templates.filter((one) => one.name === name),
        );
      }
      case 'GET job_templates/:id':
        this.#may('view_job_templates');
        return ok(this.jobs.templates.find((one) => String(one.id) === id) ?? refuse(404, what, id));
      case 'POST job_templates/:id':
        this.#may('create_job_templates');
        return id === 'import' ? ok(this.jobs.take(this.#id(), String(body['template']))) : notFound(what, id);
      case 'POST job_invocations': {
        this.#may('create_job_invocations');
        const asked = (body['job_invocation'] ?? {}) as unknown as AskedJob;
        const name = /^name = "(.*)"$/.exec(asked.search_query)?.[1];
        const host = [...this.hosts.values()].find((one) => one.type === 'Managed' && one.name === name);
        if (host === undefined) throw invalid('Could not find any suitable host');
        const job =
          this.jobs.begin(this.#id(), asked, host) ?? refuse(404, 'job_template', String(asked.job_template_id));
        return { status: 201, json: { id: job.id, status_label: 'running' } };
      }
      case 'GET job_invocations/:id/hosts/:extra': {
        this.#may('view_job_invocations');
        const job = this.jobs.invocations.find((one) => String(one.id) === id) ?? refuse(404, what, id);
        if (String(job.host) !== extra) return notFound('host', extra);
        return ok(job.output(url.searchParams.get('since')));
      }
      case 'POST job_invocations/:id/cancel': {
        this.#may('cancel_job_invocations');
        const job = this.jobs.invocations.find((one) => String(one.id) === id) ?? refuse(404, what, id);
        return job.cancel()
          ? ok({ cancelled: true, id: job.id })
          : { status: 422, json: { message: 'The job could not be cancelled.' } };
      }
      case 'POST registration_commands': {
        this.#may('register_hosts');
        const hours = ((body['registration_command'] ?? {}) as Json)['jwt_expiration'];
        const text = `set -o pipefail && curl -sS 'https://foreman.example.org/register?setup_remote_execution=true' -H 'Authorization: Bearer jwt-for-${String(hours)}-hours' | bash`;
        return ok({ registration_command: text });
      }
      default:
        return { status: 404, json: { error: { message: `no route ${call}` } } };
    }
  }

  #may(permission: string): void {
    if (!this.lacks.has(permission)) return;
    throw new Refused(403, {
      error: { message: 'Access denied', details: `Missing one of the required permissions: ${permission}` },
    });
  }

  #discovery(): void {
    if (!this.plugins.includes('foreman_discovery')) throw new Refused(404, { error: { message: 'no route' } });
  }

  #managed(id: string | undefined): Host {
    const host = this.hosts.get(Number(id));
    return host?.type === 'Managed' ? host : refuse(404, 'host', id);
  }

  #found(id: string | undefined): Host {
    const host = this.hosts.get(Number(id));
    return host?.type === 'Discovered' ? host : refuse(404, 'discovered_host', id);
  }

  #parameter(id: string | undefined): Parameter {
    return this.parameters.find((one) => String(one.id) === id) ?? refuse(404, 'smart_class_parameter', id);
  }

  #proxy(id: string | undefined): Proxy {
    return this.proxies.find((one) => String(one.id) === id) ?? refuse(404, 'smart_proxy', id);
  }

  #convert(host: Host, fields: Json): unknown {
    this.#may('provision_discovered_hosts');
    if (this.hostgroups.every(({ id }) => id !== fields['hostgroup_id'])) throw invalid('Hostgroup is invalid');
    host.type = 'Managed';
    host.managed = true;
    this.#change(host, fields);
    if (this.discoveryReboot) this.onConversion(host);
    return this.#shown(host);
  }

  #change(host: Host, fields: Json): Host {
    const { hostgroup_id, build, managed, puppet_attributes } = fields as {
      hostgroup_id?: number | null;
      build?: boolean;
      managed?: boolean;
      puppet_attributes?: { environment_id?: number | null };
    };
    const moved = hostgroup_id !== undefined && hostgroup_id !== host.hostgroup_id;
    if (hostgroup_id !== undefined) host.hostgroup_id = hostgroup_id;
    if (managed !== undefined) host.managed = managed;
    if (puppet_attributes?.environment_id !== undefined) host.environment_id = puppet_attributes.environment_id;
    const group = this.hostgroups.find(({ id }) => id === host.hostgroup_id);
    if (moved && this.hostgroupOverrides && group !== undefined) host.environment_id = group.environment_id;
    if (build === true && !host.build) {
      host.token += 1;
      host.build_status = 1;
    }
    if (build === false && host.build) host.build_status = 0;
    if (build !== undefined) host.build = build;
    return host;
  }

  #shown(host: Host): Json {
    const group = this.hostgroups.find(({ id }) => id === host.hostgroup_id);
    const { facts: _, template: __, token: ___, type: ____, ...shown } = host;
    return {
      ...shown,
      hostgroup_name: group?.name ?? null,
      hostgroup_title: group?.title ?? null,
      environment_name: this.environmentOf(host),
    };
  }

  #page(url: URL, all: readonly object[]): Answer {
    const asked = url.searchParams.get('search');
    const title = /^title="(.*)"$/.exec(asked ?? '')?.[1];
    const rows = title === undefined ? all : all.filter((one) => (one as { title?: string }).title === title);
    const size = Math.min(Number(url.searchParams.get('per_page') ?? 20), this.mostRows);
    const page = Number(url.searchParams.get('page') ?? 1);
    return ok({
      total: all.length,
      subtotal: rows.length,
      page,
      per_page: size,
      results: rows.slice((page - 1) * size, page * size),
    });
  }
}

function withoutFacts(host: Host): object {
  return { ...host, facts: undefined };
}

function ok(json: unknown): Answer {
  return { status: 200, json };
}

function notFound(what: unknown, id: unknown): Answer {
  return { status: 404, json: { error: { message: `Resource ${String(what)} not found by id '${String(id)}'` } } };
}

function refuse(status: number, what: unknown, id: unknown): never {
  throw new Refused(status, notFound(what, id).json);
}

function invalid(message: string): Refused {
  return new Refused(422, { error: { errors: {}, full_messages: [message] } });
}
