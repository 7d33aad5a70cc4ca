import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, D3Error, D3Errors } from '@d3/sdk';
import { expect } from 'chai';
import { adminPortOf } from '../../../../src/admin/plugin-port.ts';
import { kindsComeFrom } from '../../../../src/lifecycle/declared-kinds.ts';
import { d3 } from '../../../../test/cli/spawn.ts';
import { Sandbox } from '../../../../test/support/sandbox.ts';
import type { Ports } from '../../src/deployment/assign.ts';
import { createHere } from '../../src/deployment/create.ts';
import { readBlueprint } from '../../src/rules/blueprint.ts';
import type { Deployment, Host, NamedHost, Outcome } from '../../src/types.ts';

/** What a command printed under --json. */
export interface Envelope {
  exit: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- each command has its own
  result: any;
  errors: { code: string; message: string; target: string | null; actions: string[] }[];
}

/** Two roles, of which the second waits for the first. */
const TWO_ROLES = `
description: Databases, and web servers in front of them.
parameters:
  - {name: port, type: number, default: 8080}
  - {name: key, type: secret}
roles:
  - {name: db, mode: leader, hostgroup: base/db, steps: [sync, puppet, {assert: 'true'}]}
  - {name: web, after: [db], batches: [1, rest], hostgroup: base/web, max_failures: 1}
`;

/** A depot in a temporary folder with a blueprint, hosts and deployments; what it is asked elsewhere is written down. */
export class DeploymentSite {
  readonly sandbox: Sandbox;
  /** What Foreman was told, in order. */
  readonly told: string[] = [];
  /** Hosts with which Foreman refuses everything, and why. */
  readonly refused = new Map<string, string>();
  /** What Foreman says was changed behind d3's back, by host. */
  readonly drifted = new Map<string, string>();
  /** Why hosts cannot be restarted by their boards. */
  readonly boardless = new Map<string, string>();
  /** Hosts that are worked on by jobs. */
  readonly carried = new Set<string>();
  now = Date.parse('2030-01-01T00:00:00Z');

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async open(): Promise<DeploymentSite> {
    const pjson = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as object;
    kindsComeFrom(() => [{ pjson }]);
    return new DeploymentSite(await Sandbox.make());
  }

  close(): void {
    kindsComeFrom(() => []);
    this.sandbox.remove();
  }

  /** Works on the depot as an admin does. */
  with<Result>(work: (admin: AdminPort) => Promise<Result>): Promise<Result> {
    return this.sandbox.admin(async (session) => work(adminPortOf(session, path.join(this.sandbox.depot, 'work'))));
  }

  /** The same with all that deployments work with. @param given in place of what is here */
  ports<Result>(work: (ports: Ports) => Promise<Result>, given: Partial<Ports> = {}): Promise<Result> {
    const say = async (what: string, { name }: NamedHost, hostgroup = '') => {
      const why = this.refused.get(name);
      if (why !== undefined) throw new D3Error('FOREMAN_REFUSED', 'failed', why, { target: name });
      this.told.push([what, name, hostgroup].filter((word) => word !== '').join(' '));
      return { state: 'assigned' as const, changed: true, text: '' };
    };
    return this.with((admin) =>
      work({
        admin,
        connector: {
          hostgroup: ({ hostgroup = null }) => hostgroup,
          assign: (target, hostgroup) => say('assign', target, hostgroup),
          unassign: (target) => say('unassign', target),
          boardMissing: async ({ name }) => this.boardless.get(name) ?? null,
          drift: async ({ name }) => (this.drifted.has(name) ? [this.drifted.get(name) as string] : []),
          carries: ({ name }) => this.carried.has(name),
          tidy: async () => [],
        },
        runs: admin.runs,
        clock: { now: () => new Date(this.now) },
        ...given,
      }),
    );
  }

  async blueprint(name = 'web-and-db', text = TWO_ROLES): Promise<void> {
    const { blueprint, problems } = readBlueprint(text);
    expect(problems).to.deep.equal([]);
    await this.with((admin) => admin.documents('blueprint').create(name, blueprint as NonNullable<typeof blueprint>));
  }

  async hosts(names: readonly string[], given: Partial<Host> = {}): Promise<void> {
    await this.with(async (admin) => {
      for (const name of names) await admin.documents('host').create(name, hostOf(name, given));
    });
  }

  async deployment(name = 'shop', set: readonly string[] = [], blueprint = 'web-and-db'): Promise<void> {
    const request = { name, blueprint, description: '', set, values: null, dryRun: false };
    await this.with((admin) => createHere(request, admin));
  }

  async deploymentBody(name = 'shop'): Promise<Deployment> {
    return this.with(async (admin) => (await admin.documents('deployment').byName(name))?.body as Deployment);
  }

  /** Writes down how hosts ended, as a run does. */
  async ended(state: Outcome['state'], hosts: readonly string[], run = 'run-1', name = 'shop'): Promise<void> {
    await this.with(async (admin) => {
      const found = await admin.documents('deployment').byName(name);
      const body = found?.body as Deployment;
      const outcome = { state, run, at: new Date(this.now).toISOString(), text: state };
      const changed = body.hosts.map((one) => (hosts.includes(one.host) ? { ...one, outcome } : one));
      const next = { ...body, hosts: changed as Deployment['hosts'], run };
      await admin.documents('deployment').update(found?.id ?? 0, found?.generation ?? 0, { body: next });
    });
  }

  /** A run that nobody takes up, as that of a deployment is while it runs. */
  async running(name = 'shop', id = 'run-1'): Promise<void> {
    await this.with(async (admin) => {
      await admin.runs.create({ id, name, parent: null, steps: [{ kind: 'wait', args: { seconds: 3600 } }] });
      const found = await admin.documents('deployment').byName(name);
      const body = { ...(found?.body as Deployment), run: id };
      await admin.documents('deployment').update(found?.id ?? 0, found?.generation ?? 0, { body });
    });
  }

  /** d3 itself, in a process of its own. */
  run(...line: string[]) {
    const env = { D3_ROOT: this.sandbox.dir, D3_DEPOT: this.sandbox.depot, D3_FLAG_ADMIN: 'sally' };
    return d3(line, { cwd: this.sandbox.dir, env });
  }

  async json(...line: string[]): Promise<Envelope> {
    const { code, stdout, stderr } = await this.run(...line, '--json', '--no-input');
    expect(stdout, stderr).not.to.equal('');
    const envelope = JSON.parse(stdout) as Envelope;
    expect(envelope.exit, stderr).to.equal(code);
    return envelope;
  }
}

export function hostOf(name: string, given: Partial<Host> = {}): Host {
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
    ...given,
  };
}

/** Codes of the errors that some work ends with. */
export async function codesOf(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof D3Errors) return error.errors.map(({ code }) => code);
  expect(error).to.be.instanceOf(D3Error);
  return [(error as D3Error).code];
}
