import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Depot,
  initDepot,
  type LocalDepot,
  newSecret,
  openDepot,
  openRemoteDepot,
  secretHash,
} from '../../src/depot/index.ts';
import type { Rank } from '../../src/depot/roles.ts';
import { buildApp } from '../../src/depot/server/app.ts';
import { Contacts } from '../../src/depot/server/contacts.ts';
import { Metrics } from '../../src/depot/server/metrics.ts';
import { pageFiles } from '../../src/depot/server/page-files.ts';
import { Publisher } from '../../src/depot/server/publisher.ts';
import type { ServerParts } from '../../src/depot/server/route.ts';
import { Tags } from '../../src/depot/server/static-files.ts';
import { Views } from '../../src/depot/views/views.ts';
import { type Clock, ticks } from '../../src/platform/clock.ts';

/** A depot that is really served, on loopback, in this process. */
export interface ServedDepot {
  dir: string;
  depot: LocalDepot;
  server: ServerParts;
  url: string;
  /** Lines that were logged. */
  log: string[];
  /** A new token. */
  token(name: string, role?: Rank): Promise<string>;
  /** A machine's key, as enrolment gives it. @param id its computer's */
  machineKey(id: string): Promise<string>;
  /** As an admin elsewhere has it. */
  remote(secret: string): Promise<Depot>;
  /** Asks it. */
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  discard(): Promise<void>;
}

interface Asked {
  secret?: string | undefined;
  json?: unknown;
  body?: string | Buffer;
  headers?: Record<string, string>;
}

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

export interface ServedOptions {
  clock: Clock;
  perMinute?: number;
  maxUpload?: number;
  bodyWithin?: number;
  headWithin?: number;
  standstill?: number;
  readers?: 'everyone' | 'enrolled';
  isStopping?: () => boolean;
  /** Puts something else in place of a part of the depot. */
  change?: (depot: LocalDepot) => LocalDepot;
}

export async function serveForTest(options: ServedOptions): Promise<ServedDepot> {
  const dir = await mkdtemp(join(tmpdir(), 'd3-served-test-'));
  const { bodyWithin, headWithin, standstill } = options;
  const { clock, perMinute = 1_000_000, maxUpload = 1 << 30, readers = 'everyone', change = (same) => same } = options;
  await initDepot(join(dir, 'depot'), { clock });
  const opened = await openDepot(join(dir, 'depot'), { clock });
  const depot = change(opened);
  const server: ServerParts = {
    depot,
    clock,
    publisher: new Publisher(
      () => depot.publishIfBehind(),
      () => undefined,
    ),
    contacts: new Contacts(depot.store.tokens, () => clock.now()),
    metrics: new Metrics(),
    version: '0.0.0',
    maxUpload,
    readers,
    tags: new Tags(),
    page: pageFiles([['index.html', Buffer.from('<!doctype html>')]]),
    views: new Views(depot, clock),
    isStopping: () => options.isStopping?.() === true,
  };
  const log: string[] = [];
  const app = await buildApp(server, {
    log: (line) => log.push(line),
    logLevel: 'debug',
    proxies: [],
    tls: null,
    perMinute,
    ticks,
    ...(bodyWithin === undefined ? {} : { bodyWithin }),
    ...(headWithin === undefined ? {} : { headWithin }),
    ...(standstill === undefined ? {} : { standstill }),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const signal = new AbortController().signal;
  return {
    dir,
    depot,
    server,
    url,
    log,
    async token(name, role = 'admin') {
      return (await depot.store.tokens.add({ name, role, computer: null, expiresAt: null }, 'test')).secret;
    },
    async machineKey(id) {
      const { enrolments } = depot.store;
      const expiresAt = new Date(clock.now().getTime() + 60_000).toISOString();
      const { secret: code } = await enrolments.addCode({ kind: 'once', note: '', expiresAt }, 'test');
      const key = newSecret('key');
      const computer = { id, name: `mac-${id.slice(0, 4)}`, claims: { serial: null, hardwareUuid: null, macs: [] } };
      await enrolments.enrol({ code, keyHash: secretHash(key), computer });
      return key;
    },
    remote: (secret) =>
      openRemoteDepot({ url: new URL(url), token: async () => secret, ca: null, work: join(dir, 'work'), signal }),
    async ask(method, path, { secret, json, body, headers = {} } = {}) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(json === undefined ? (body === undefined ? {} : { body: body as string }) : { body: JSON.stringify(json) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: jsonIn(text) };
    },
    async discard() {
      app.server.closeAllConnections();
      await app.close();
      await server.publisher.stop();
      await opened.close().catch(() => undefined);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function jsonIn(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
