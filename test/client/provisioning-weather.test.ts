import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { D3Error, silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { advance } from '../../plugins/patchoo-deploy/src/advance.ts';
import { type Assignment, assign } from '../../plugins/patchoo-deploy/src/assign.ts';
import { begin } from '../../plugins/patchoo-deploy/src/begin.ts';
import { partsOf } from '../../plugins/patchoo-deploy/src/parts.ts';
import { statusOf } from '../../plugins/patchoo-deploy/src/status.ts';
import { wired } from '../../plugins/patchoo-deploy/test/support/wired.ts';
import { addEa } from '../../src/admin/eas.ts';
import { adminPortOf } from '../../src/admin/plugin-port.ts';
import { addPolicy } from '../../src/admin/policies.ts';
import { withOpened } from '../../src/admin/session.ts';
import { createDepotClient, HttpTransport, openRemoteDepot } from '../../src/depot/index.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { type ServedDepot, serveForTest } from '../depot/served.ts';
import { problemsOf } from '../support/errors.ts';
import { withOwnPluginSettings, withoutPluginSettings } from '../support/own-plugin-settings.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

type Weather = 'down' | 'reset' | 'cut' | 'drips' | 'nonsense' | 'html' | 401 | 403 | 429 | 500 | 503;

/** Between a machine, or an admin, and a depot that is really served: what comes through is what the weather lets through. */
class Proxy {
  url = '';
  /** What comes instead of the answer to a request; null: the answer. */
  weather: (path: string, method: string) => Weather | null = () => null;
  /** Requests that met any. */
  met = 0;
  readonly #target: URL;
  readonly #server: Server;

  constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((request, response) => this.#pass(request, response));
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const kind = this.weather(request.url ?? '', request.method ?? '');
    if (kind !== null) {
      this.met += 1;
      request.resume();
      return meet(kind, request, response);
    }
    const { method, headers } = request;
    const passed = ask(new URL(request.url ?? '/', this.#target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  }
}

function meet(kind: Weather, request: IncomingMessage, response: ServerResponse): void {
  if (kind === 'down' || kind === 'reset') request.socket.resetAndDestroy();
  else if (kind === 'cut') response.writeHead(200, { 'content-length': '9999' }).write('{"signed":');
  else if (kind === 'drips') response.writeHead(200).write('{');
  else if (kind === 'nonsense') response.writeHead(200, { 'content-type': 'application/json' }).end('{"signed":7}');
  else if (kind === 'html')
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in to the hotel</html>');
  else response.writeHead(kind, kind === 429 ? { 'retry-after': '77' } : {}).end('no');
  if (kind === 'cut') setTimeout(() => response.destroy(), 50);
}

const ALL: readonly Weather[] = ['reset', 'cut', 'drips', 'nonsense', 'html', 401, 403, 429, 500, 503];
const PACE = { window: 500, least: 5_000, whole: 1_500, perByte: 0 };

describe('provisioning in bad weather', function () {
  this.timeout(280_000);
  let served: ServedDepot;
  let sandbox: Sandbox;
  let proxy: Proxy;
  let machine: SandboxMachine;
  let id: string;
  before(() => withOwnPluginSettings());
  after(() => withoutPluginSettings());

  beforeEach(async () => {
    sandbox = await Sandbox.make();
    served = await serveForTest({ clock: systemClock });
    proxy = new Proxy(served.url);
    await proxy.open();
    const secret = await served.token('sally');
    await locally(async (_, session) => {
      await session.depot.store
        .documents('department')
        .create('Art', { schema: 'd3/department@1', description: '' }, 'sally');
      await addEa('Build', { type: 'choice', choices: ['studio', 'office'], description: '' }, session);
      const script = path.join(sandbox.folder('policy', { s: '#!/bin/sh\necho "$D3_POLICY" >> "$1/done"\n' }), 's');
      const file = { steps: [{ kind: 'script', args: { script } }], folder: sandbox.dir };
      await addPolicy('apps', { file, events: ['deploy'] }, session);
      await session.depot.publish();
    }, secret);
    const root = path.join(sandbox.dir, 'mac-a');
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    const facts = { processes: [], serial: 'C02A', hardwareUuid: 'UDID-1', boot: 'one' };
    writeFileSync(path.join(root, 'facts.json'), JSON.stringify(facts));
    const provision = { attributes: ['build', 'department'] };
    writeFileSync(path.join(root, 'etc/d3.json'), JSON.stringify({ provision }));
    const bare = sandbox.machineAt(root);
    const keyed: { key: string | null } = { key: null };
    const transport = new HttpTransport(new URL(proxy.url), {
      credentials: async () => keyed.key ?? 'none',
      ca: null,
      signal: new AbortController().signal,
    });
    Object.defineProperties(transport, { pauses: { value: [] }, pace: { value: PACE } });
    const { paths } = bare.machine;
    machine = bare.with({ depot: createDepotClient({ transport, trustDir: paths.trust, clock: systemClock }) });
    id = await idOf();
    keyed.key = await served.machineKey(id);
  });
  afterEach(async () => {
    await proxy.close();
    await served.discard();
    sandbox.remove();
  });

  /** The id a machine gives itself when it first looks. */
  async function idOf(): Promise<string> {
    const { State } = await import('../../src/client/state/state.ts');
    const state = State.open(machine.machine.paths);
    try {
      return state.computerId() as string;
    } finally {
      state.close();
    }
  }

  async function locally<Result>(
    work: (port: ReturnType<typeof adminPortOf>, session: Parameters<typeof adminPortOf>[0]) => Promise<Result>,
    secret: string,
  ): Promise<Result> {
    const { signal } = new AbortController();
    const depot = await openRemoteDepot({
      url: new URL(proxy.url),
      token: async () => secret,
      ca: null,
      work: path.join(sandbox.dir, 'work'),
      signal,
    });
    const rest = { admin: 'sally', clock: systemClock, plugins: noPlugins, report: silentReporter, signal };
    return withOpened(depot, rest, (session) => work(adminPortOf(session, path.join(sandbox.dir, 'work')), session));
  }

  const setUp = async () =>
    begin({ mode: 'deploy', by: 'sally', enrolment: 'new', again: false }, await partsOf(wired(machine).ports));
  const goOn = async () => {
    const { ports } = wired(machine);
    await advance(await partsOf(ports), { stays: false, by: 'sally' });
    return statusOf(ports);
  };
  const assignTo = async (what: Assignment) =>
    locally((port) => assign('C02A', what, port, 'Build'), await served.token(`bob-${Math.random()}`));
  const done = () => readFileSync(path.join(machine.root, 'done'), 'utf8').trim().split('\n');

  it('patchoo:AP-14 patchoo:AP-18 patchoo:HP-09 patchoo:D-16 whatever comes instead of the depot, at every place a run asks it: said, waited out, never "incomplete"', async () => {
    await setUp();
    const places: [string, (url: string) => boolean][] = [
      ['connect', (url) => /timestamp/.test(url)],
      ['resolve', (url) => /records\//.test(url)],
    ];
    for (const [place, at] of places) {
      for (const weather of ALL) {
        proxy.weather = (url) => (at(url) ? weather : null);
        proxy.met = 0;
        const { state, missing, text, exit } = await goOn();
        const what = `${place}, ${weather}: ${state} ${text}`;
        expect(proxy.met, what).to.be.greaterThan(0);
        expect([state, missing, exit], what).to.deep.equal(['server-error', [], 20]);
        expect(text, what).to.match(/ for \d+ s: .{20}/);
        if (typeof weather === 'number') expect(text, what).to.match(new RegExp(String(weather)));
      }
    }
    proxy.weather = () => null;
    expect((await goOn()).state, 'once it answers, it is what it is').to.equal('holding');
    await assignTo({ build: 'studio', department: 'Art' });
    // The check-in, the update loop and the report; the reports wait on the machine, and come.
    for (const weather of ALL) {
      proxy.weather = (url) => (/timestamp/.test(url) ? weather : null);
      const { state, text } = await goOn();
      expect(state, `check-in, ${weather}: ${text}`).to.equal('server-error');
    }
    proxy.weather = (url) => (/inbox\//.test(url) ? 503 : null);
    const released = await goOn();
    expect([released.state, done()]).to.deep.equal(['released', ['apps']]);
  });

  it('patchoo:AP-14 patchoo:D-11 an assignment through bad weather is made or not made, and says which', async () => {
    await setUp();
    await goOn();
    // An answer that drips is waited for: the server may have to publish first.
    for (const weather of ALL.filter((one) => one !== 'drips')) {
      proxy.weather = (url, method) => (/api\/v1\//.test(url) && method !== 'GET' ? weather : null);
      const { problems } = await problemsOf(assignTo({ build: 'studio' }));
      const said = problems.map((problem) => (problem instanceof D3Error ? `${problem.exit} ${problem.message}` : ''));
      // What something in between says is not taken for the depot's own word; its number is told.
      const says = typeof weather === 'number' ? `depotUnreachable .*${weather}` : '(?:depotUnreachable|failed) .{20}';
      expect(said.join(), String(weather)).to.match(new RegExp(`^${says}`));
      proxy.weather = () => null;
      expect((await goOn()).state, `${weather}: nothing was written`).to.equal('holding');
    }
    await assignTo({ build: 'studio', department: 'Art' });
    expect((await goOn()).state).to.equal('released');
  });

  it('patchoo:AP-18 a server that says when it wants to be asked again is not asked before', async () => {
    await setUp();
    proxy.weather = (url) => (/timestamp/.test(url) ? 429 : null);
    await goOn();
    const { run } = (await partsOf(wired(machine).ports)).memory.deployment() ?? { run: '' };
    const step = (await wired(machine).ports.runs.get(run))?.steps.find(({ kind }) => kind === 'provision-connect');
    const ahead = Date.parse(step?.notBefore ?? '') - Date.now();
    expect(ahead).to.be.within(60_000, 77_000);
  });
});
