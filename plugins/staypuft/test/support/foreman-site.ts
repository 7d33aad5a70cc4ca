import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type AdminPort, D3Error, type Json, type PluginContext, type StepAnswer } from '@d3/sdk';
import { expect } from 'chai';
import { adminPortOf } from '../../../../src/admin/plugin-port.ts';
import { kindsComeFrom } from '../../../../src/lifecycle/declared-kinds.ts';
import { Sandbox } from '../../../../test/support/sandbox.ts';
import { Foreman } from '../../src/foreman/client.ts';
import { Gate } from '../../src/foreman/gate.ts';
import { kindOf } from '../../src/kinds.ts';
import type { Host, NamedHost } from '../../src/types.ts';
import { DiscoveryImage, type Manner } from './discovery-image.ts';
import { ForemanStandIn, TOKEN } from './foreman.ts';

const manifest = path.join(import.meta.dirname, '../../package.json');

export const GROUP = 'base/web';
export const MAC = '52:54:00:aa:00:01';

/** A depot, a stand-in of Foreman, discovery images and one clock that only tests move. */
export class ForemanSite {
  readonly foreman = new ForemanStandIn();
  readonly images: DiscoveryImage[] = [];
  readonly stopping = new AbortController();
  /** How long each wait between two tries was, in milliseconds. */
  readonly waits: number[] = [];
  now = Date.parse('2026-01-01T00:00:00Z');
  url = '';
  settings: Record<string, Json> = {};
  readonly sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  static async open(): Promise<ForemanSite> {
    kindsComeFrom(() => [{ pjson: JSON.parse(readFileSync(manifest, 'utf8')) as { oclif: unknown } }]);
    const site = new ForemanSite(await Sandbox.make());
    site.url = await site.foreman.start();
    const tokenFile = path.join(site.sandbox.dir, 'token');
    writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
    site.settings = {
      'foreman.url': site.url,
      'foreman.user': 'd3',
      'foreman.tokenFile': tokenFile,
      'foreman.hostgroup': 'base',
      'foreman.leaveSeconds': 30,
    };
    const { foreman } = site;
    foreman.environment('discovery');
    foreman.environment('production');
    foreman.hostgroup(GROUP, 'production', foreman.subnet('127.0.0.0', '255.0.0.0'));
    foreman.proxy('proxy.example.org', ['Puppet CA', 'TFTP', 'SSH'], 'ssh-ed25519 AAAAC3Nzremote foreman-proxy');
    foreman.runmode();
    return site;
  }

  async close(): Promise<void> {
    await Promise.all([this.foreman.stop(), ...this.images.map(async (one) => one.stop())]);
    this.sandbox.remove();
    kindsComeFrom(() => []);
  }

  client(more: { token?: string; within?: number; atOnce?: number } = {}): Foreman {
    return new Foreman({
      server: this.url,
      user: 'd3',
      token: more.token ?? TOKEN,
      ca: null,
      gate: new Gate(more.atOnce ?? 8),
      signal: this.stopping.signal,
      ...(more.within === undefined ? {} : { within: more.within }),
      wait: async (milliseconds) => {
        this.waits.push(milliseconds);
      },
    });
  }

  depot<Result>(work: (admin: AdminPort) => Promise<Result>): Promise<Result> {
    return this.sandbox.admin((session) => work(adminPortOf(session, path.join(this.sandbox.dir, 'work'))));
  }

  /** The context that a step or a service gets. */
  context(admin: AdminPort): PluginContext {
    return {
      admin,
      signal: this.stopping.signal,
      settings: { all: async () => this.settings },
      clock: { now: () => new Date(this.now) },
      ui: () => {},
    } as unknown as PluginContext;
  }

  /** A machine that booted the image, with its record in Foreman. */
  async machine(name: string, manner: Manner = 'leaves', mac = MAC): Promise<{ id: number; image: DiscoveryImage }> {
    const facts = factsOf(mac, '127.0.0.1');
    const image = new DiscoveryImage(facts);
    image.manner = manner;
    await image.start();
    this.images.push(image);
    this.settings = { ...this.settings, 'foreman.imagePort': image.port };
    return { id: this.foreman.discovered(name, '127.0.0.1', mac, facts).id, image };
  }

  /** Keeps a host in the depot. */
  async host(name: string, kind: Host['kind'], foreman: number | null, more: Partial<Host> = {}): Promise<NamedHost> {
    const host: Host = {
      schema: 'd3/host@1',
      kind,
      address: '127.0.0.1',
      port: 22,
      user: 'root',
      proxy: null,
      computer: null,
      foreman: foreman === null ? null : String(foreman),
      hostKeys: [],
      facts: {},
      ...more,
    };
    await this.depot(async (admin) => admin.documents('host').create(name, host));
    return { name, host };
  }

  async hostNow(name: string): Promise<Host> {
    return this.depot(async (admin) => (await admin.documents('host').byName(name))?.body as Host);
  }

  /** Runs a step of a deployment once, as a worker does. */
  async step(host: string, args: Record<string, Json>, run = 'run-1'): Promise<Extract<StepAnswer, { handled: true }>> {
    const kind = kindOf('deploy-foreman');
    if (kind === undefined) throw new Error('there is no such kind');
    return this.depot(async (admin) => {
      const payload = {
        kind: 'deploy-foreman',
        args: { deployment: 'shop', host, ...args },
        run,
        index: 0,
        attempt: 1,
      };
      const answer = await kind.run({ ...payload, environment: {} } as never, this.context(admin));
      if (!answer.handled) throw new Error('it was not handled');
      return answer;
    });
  }

  /** Runs a step until it ends; the clock goes on for as long as it waits. */
  async untilOver(
    host: string,
    args: Record<string, Json>,
    between: (times: number) => void = () => {},
  ): Promise<Extract<StepAnswer, { handled: true }>> {
    for (let times = 1; ; times += 1) {
      const answer = await this.step(host, args);
      if (answer.outcome !== 'later' || times > 200) return answer;
      this.now += answer.seconds * 1000;
      between(times);
    }
  }
}

export function factsOf(mac: string, ip: string, nic = 'eth0'): Record<string, unknown> {
  return {
    discovery_bootif: `01-${mac.replaceAll(':', '-')}`,
    [`macaddress_${nic}`]: mac.toUpperCase(),
    [`ipaddress_${nic}`]: ip,
    processorcount: '4',
    memorysize_mb: '7984.12',
    blockdevice_sda_size: '1000',
    operatingsystem: 'CentOS',
    operatingsystemrelease: '9',
  };
}

/** The error some work fails with, which has to be one a person reads. */
export async function failureOf(work: Promise<unknown>): Promise<D3Error> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(D3Error);
  return error as D3Error;
}
