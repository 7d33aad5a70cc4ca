import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, D3Error, type Json, type PluginContext, silentReporter } from '@d3/sdk';
import type { Following } from '@d3/sdk/command';
import { adminPortOf } from '../../../../src/admin/plugin-port.ts';
import type { AdminSession } from '../../../../src/admin/session.ts';
import { kindsComeFrom } from '../../../../src/lifecycle/declared-kinds.ts';
import type { PluginRoom } from '../../../../src/lifecycle/plugins.ts';
import { Sandbox } from '../../../../test/support/sandbox.ts';
import { EVERYONE } from '../../src/deployment/plan.ts';
import { targetNamed } from '../../src/deployment/reach.ts';
import { beginRun, type RunPorts } from '../../src/deployment/run.ts';
import { runPorts, workAndFollow } from '../../src/deployment/run-here.ts';
import { createDeployment } from '../../src/deployment/store.ts';
import type { Watched } from '../../src/deployment/watch.ts';
import { adminOf } from '../../src/kinds/admin.ts';
import { agentKind } from '../../src/kinds/agent.ts';
import { conductKind } from '../../src/kinds/conduct.ts';
import { markKind } from '../../src/kinds/mark.ts';
import { puppetKind } from '../../src/kinds/puppet.ts';
import { readyKind } from '../../src/kinds/ready.ts';
import { stepKind } from '../../src/kinds/step.ts';
import type { Kind } from '../../src/kinds.ts';
import { MARK_OFF, MARK_ON } from '../../src/mark.ts';
import type { PuppetParts } from '../../src/puppet/parts.ts';
import { AGENT_RESOURCES } from '../../src/puppet/rules.ts';
import { blueprintOf } from '../../src/rules/blueprint.ts';
import type { Remote, RemoteEnd, RemoteWork, Target } from '../../src/ssh-port.ts';
import type { Assignment, Deployment, Host } from '../../src/types.ts';

const manifest = path.join(import.meta.dirname, '../../package.json');

/** How a played host answers a script. */
type Answering = (host: string, script: string) => number | 'hangs' | 'unreachable' | Promise<number>;

/** Hosts that are only played: what they are told to do they write down, and end as the test says. What the depot does is real. */
class PlayedHosts implements Remote {
  /** `host: what`, in the order it was begun. */
  readonly did: string[] = [];
  readonly marked = new Map<string, { deployment: string; until: string }>();
  readonly ended: string[] = [];
  /** How often work was not reached. */
  lost = 0;
  readonly environments: Readonly<Record<string, string>>[] = [];
  readonly #boots = new Map<string, number>();
  readonly #works = new Map<string, Promise<RemoteEnd> | 'hangs'>();
  answer: Answering = () => 0;

  async work(target: Target, work: RemoteWork, signal: AbortSignal): Promise<RemoteEnd> {
    const key = `${target.name} ${work.id}`;
    let under = this.#works.get(key);
    const answer = await this.answer(target.name, work.script);
    if (answer === 'unreachable') {
      this.lost += 1;
      throw unreachable(target.name);
    }
    if (under === undefined) {
      this.did.push(`${target.name}: ${whatOf(work.script)}`);
      this.environments.push(work.environment ?? {});
      under =
        answer === 'hangs' ? 'hangs' : Promise.resolve({ code: answer, timedOut: false, output: `said ${answer}\n` });
      this.#works.set(key, under);
    }
    if (under !== 'hangs') return under;
    return new Promise((_, reject) => {
      const stop = () => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }

  async find(target: Target, id: string): Promise<RemoteEnd | 'running' | null> {
    const under = this.#works.get(`${target.name} ${id}`);
    return under === undefined ? null : under === 'hangs' ? 'running' : under;
  }

  async end(target: Target, ...ids: readonly string[]): Promise<void> {
    if ((await this.answer(target.name, 'end')) === 'unreachable') throw unreachable(target.name);
    for (const id of ids) if (this.#works.delete(`${target.name} ${id}`)) this.ended.push(target.name);
  }

  async forget(target: Target, id: string): Promise<void> {
    this.#works.delete(`${target.name} ${id}`);
  }

  async look(
    target: Target,
    script: string,
    { input = '' }: { signal: AbortSignal; input?: string },
  ): Promise<RemoteEnd> {
    const answer = await this.answer(target.name, script);
    if (answer === 'unreachable') throw unreachable(target.name);
    if (script === MARK_ON) this.marked.set(target.name, JSON.parse(input) as { deployment: string; until: string });
    else if (script === MARK_OFF) this.marked.delete(target.name);
    else if (script.includes('reboot')) this.#boots.set(target.name, (this.#boots.get(target.name) ?? 0) + 1);
    const output = script.includes('/proc/meminfo')
      ? 'kernel=Linux\nos=debian\ncpus=4\nnic=eth0 52:54:00:00:00:01\n'
      : '';
    return { code: answer === 'hangs' ? 1 : answer, timedOut: false, output };
  }

  async bootId(target: Target): Promise<string | null> {
    return (await this.answer(target.name, 'boot')) === 'unreachable'
      ? null
      : `boot-${this.#boots.get(target.name) ?? 0}`;
  }

  /** What hangs on a host ends so. */
  finish(host: string, code: number): void {
    for (const [key, under] of this.#works)
      if (key.startsWith(`${host} `) && under === 'hangs')
        this.#works.set(key, Promise.resolve({ code, timedOut: false, output: '' }));
  }

  async close(): Promise<void> {}
}

function unreachable(host: string): D3Error {
  return new D3Error('SSH_UNREACHABLE', 'failed', `${host} cannot be reached.`, { target: host });
}

function whatOf(script: string): string {
  if (script.includes('d3 sync')) return 'sync';
  const [, own] = /\n([^\n]*)\nEND_/.exec(script) ?? [];
  return own ?? script.trim().split('\n').at(-1) ?? '';
}

/** A depot with a blueprint `shop`, hosts and a deployment `shop` of them; its runs are worked on by the real worker. */
export class Played {
  readonly hosts = new PlayedHosts();
  readonly sandbox: Sandbox;
  readonly happened: string[] = [];
  /** Hosts at the same time. */
  abreast = 10;
  settings: Record<string, Json> = { 'deployment.readySeconds': 5, 'deployment.graceSeconds': 0 };

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async open(
    blueprint: Json,
    hosts: Readonly<Record<string, string>>,
    more: Partial<Deployment> = {},
  ): Promise<Played> {
    kindsComeFrom(() => [{ pjson: JSON.parse(readFileSync(manifest, 'utf8')) as { oclif: unknown } }]);
    const played = new Played(await Sandbox.make());
    const { blueprint: body, problems } = blueprintOf(blueprint);
    if (body === null) throw new Error(JSON.stringify(problems));
    await played.with(async (admin) => {
      await admin.documents('blueprint').create('shop', body);
      for (const name of Object.keys(hosts)) await admin.documents('host').create(name, hostNamed(name));
      const assigned = Object.entries(hosts).map(
        ([host, role]): Assignment => ({
          host,
          role,
          parameters: {},
          by: 'sally',
          at: '2026-01-01T00:00:00Z',
          outcome: null,
        }),
      );
      const deployment: Deployment = {
        schema: 'd3/deployment@1',
        description: '',
        blueprint: 'shop',
        parameters: {},
        hosts: assigned as Deployment['hosts'],
        run: null,
        ...more,
      };
      await createDeployment(admin, 'shop', deployment);
    });
    return played;
  }

  close(): void {
    this.sandbox.remove();
    kindsComeFrom(() => []);
  }

  /** Works in a process of its own: what it does not end itself is left as a kill leaves it. */
  with<Result>(
    work: (admin: AdminPort, ports: RunPorts, session: AdminSession) => Promise<Result>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Result> {
    return this.sandbox.admin(async (opened) => {
      const session = { ...opened, signal: AbortSignal.any([opened.signal, signal]) };
      const admin = (of: AdminSession) => adminPortOf(of, path.join(this.sandbox.dir, 'work'));
      const kinds = [
        conductKind,
        ...[readyKind, markKind, stepKind].map((make) => make(async () => this.hosts)),
        ...[puppetKind, agentKind].map((make) => make((context, work) => work(this.#puppet(context)))),
      ];
      const own: AdminSession = { ...session, portOf: admin, plugins: { ...session.plugins, ...this.#plugins(kinds) } };
      const port = admin(own);
      const context = this.#context({ admin: port, signal: own.signal, report: silentReporter });
      const endWork: RunPorts['endWork'] = async (host, ids) => this.hosts.end(await targetNamed(port, host), ...ids);
      return work(port, { ...(await runPorts(port, context)), endWork }, own);
    });
  }

  /** Hosts of no Foreman. */
  #puppet(context: PluginContext): PuppetParts {
    return {
      remote: this.hosts,
      target: (host) => targetNamed(adminOf(context), host),
      classifier: null,
      limits: { run: 60, wait: 60 },
      agentResources: AGENT_RESOURCES,
    };
  }

  #plugins(kinds: readonly Kind[]): Partial<AdminSession['plugins']> {
    const named = (kind: string) => kinds.find(({ offer }) => offer.kind === kind);
    return {
      stepKinds: async () => [{ plugin: 'staypuft', answer: kinds.map(({ offer }) => offer) }],
      async runStep(step, room) {
        const answer = await named(step.kind)?.run(step, context(room));
        return answer?.handled === true ? answer : null;
      },
      async settledStep(step, room) {
        const answer = await named(step.kind)?.settled(step, context(room));
        return answer?.handled === true ? answer : null;
      },
    };
    function context(room: PluginRoom): PluginContext {
      return contextOf(room);
    }
  }

  #context(room: Pick<PluginRoom, 'admin' | 'signal' | 'report'>): PluginContext {
    return contextOf(room, this.settings);
  }

  /** Runs the deployment to its end, as `d3 deployment run`. */
  run(chosen = EVERYONE, signal?: AbortSignal): Promise<Watched | null> {
    return this.with(async (admin, ports, session) => {
      const { run } = await beginRun('shop', chosen, this.abreast, ports);
      if (run === null) return null;
      return this.#work(run, admin, ports, session.signal);
    }, signal);
  }

  /** Goes on with it. */
  resume(signal?: AbortSignal): Promise<Watched> {
    return this.with(async (admin, ports, session) => {
      const { resumeDeployment } = await import('../../src/deployment/decide.ts');
      const { run } = await resumeDeployment('shop', ports);
      return this.#work(run, admin, ports, session.signal);
    }, signal);
  }

  #work(run: string, admin: AdminPort, ports: RunPorts, signal: AbortSignal): Promise<Watched> {
    const shown: Following = { branches: async () => null, happened: (_, text) => void this.happened.push(text) };
    return workAndFollow('shop', run, { admin, ports, shown, signal, jobs: 2 * this.abreast });
  }

  deployment(): Promise<Deployment> {
    return this.with(async (admin) => (await admin.documents('deployment').byName('shop'))?.body as Deployment);
  }
}

function contextOf(
  room: Pick<PluginRoom, 'admin' | 'signal' | 'report'>,
  settings: Record<string, Json> = SETTINGS,
): PluginContext {
  return {
    admin: room.admin ?? null,
    signal: room.signal,
    settings: { all: async () => settings },
    clock: { now: () => new Date() },
    ui: room.report,
  } as unknown as PluginContext;
}

const SETTINGS: Record<string, Json> = { 'deployment.readySeconds': 5, 'deployment.graceSeconds': 0 };

function hostNamed(name: string): Host {
  return {
    schema: 'd3/host@1',
    kind: 'ssh',
    address: name,
    port: 22,
    user: 'root',
    proxy: null,
    computer: null,
    foreman: null,
    hostKeys: [],
    facts: {},
  };
}
