import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { D3Error } from '@d3/sdk';
import type { Clock } from '../../platform/clock.ts';
import { type LocalDepot, openDepot } from '../depot.ts';
import { errnoOf } from '../files.ts';
import { networkProblem } from '../mirrors.ts';
import type { DatabaseGiven } from '../store/database.ts';
import { Views } from '../views/views.ts';
import { buildApp } from './app.ts';
import type { Readers } from './callers.ts';
import { Contacts } from './contacts.ts';
import { Metrics } from './metrics.ts';
import type { PageFiles } from './page-files.ts';
import { Publisher } from './publisher.ts';
import type { ServerParts } from './route.ts';
import { Tags } from './static-files.ts';

export interface ServeOptions {
  /** Absolute path of the depot's folder. */
  dir: string;
  /** What the environment and the configuration say of its database. */
  database?: DatabaseGiven | null;
  host: string;
  /** 0: one that is free. */
  port: number;
  /** Files of a certificate and its key, PEM; null: no TLS here. */
  tls: { cert: string; key: string } | null;
  /** Addresses or ranges of proxies in front, which do TLS and say who asks. */
  proxies: readonly string[];
  readers: Readers;
  perMinute: number;
  maxUpload: number;
  logLevel: string;
  log: (line: string) => void;
  clock: Clock;
  /** Milliseconds that only grow. */
  ticks: () => number;
  version: string;
  /** What the page is made of; absent: there is none. */
  page?: PageFiles;
}

export interface Served {
  /** Where it listens. */
  url: string;
  /** Ends what is under way, and writes down what is owed. */
  stop(): Promise<void>;
}

/** Milliseconds between two rounds of what is done by and by. */
const ROUND = 60_000;
/** Milliseconds between two signatures of what machines read: it is good for a day. */
const RENEWAL = 60 * 60_000;
/** Milliseconds that requests under way have to end, when the server stops. */
const LEFT_TO_END = 20_000;

/**
 * Serves a depot.
 * @throws D3Error usage or refused when it would listen where secrets could be read; failed `LISTEN`
 */
export async function serveDepot(options: ServeOptions): Promise<Served> {
  refuseInTheClear(options);
  const tls = options.tls === null ? null : await readTls(options.tls);
  const depot = await openDepot(options.dir, { clock: options.clock, database: options.database ?? null });
  try {
    return await serving(depot, tls, options);
  } catch (error) {
    await depot.close();
    throw error;
  }
}

async function serving(
  depot: LocalDepot,
  tls: { cert: Buffer; key: Buffer } | null,
  options: ServeOptions,
): Promise<Served> {
  const { clock, version, maxUpload, readers } = options;
  let isStopping = false;
  const metrics = new Metrics();
  const failures: ((error: unknown, what: string) => void)[] = [];
  const failed = (what: string) => (error: unknown) => {
    for (const tell of failures) tell(error, what);
  };
  let renewed = Number.NEGATIVE_INFINITY;
  const publisher = new Publisher(
    async () => {
      const isDue = options.ticks() - renewed >= RENEWAL;
      const record = await (isDue ? depot.renewServed() : depot.publishIfBehind());
      if (isDue) renewed = options.ticks();
      if (record !== null) metrics.count('d3_publications_total', 'Publications made.');
      return record;
    },
    (error) => {
      metrics.count('d3_publication_failures_total', 'Publications that failed.');
      failed('publish')(error);
    },
  );
  const contacts = new Contacts(depot.store.tokens, () => clock.now());
  const server: ServerParts = {
    depot,
    clock,
    publisher,
    contacts,
    metrics,
    version,
    maxUpload,
    readers,
    tags: new Tags(),
    page: options.page ?? new Map(),
    views: new Views(depot, clock),
    isStopping: () => isStopping,
  };
  const app = await buildApp(server, { ...options, tls });
  failures.push((error, what) => app.log.error({ err: error as Error }, `${what} failed`));

  const round = async () => {
    await contacts.writeDown().catch(failed('writing down contacts'));
    try {
      const { taken, rejected } = await depot.takeInbox();
      if (taken > 0) metrics.count('d3_reports_total', 'Reports taken in.', taken);
      for (const { file, why } of rejected) app.log.warn({ file, why }, 'report put aside');
    } catch (error) {
      failed('taking in the inbox')(error);
    }
    publisher.soon();
  };
  let rounds = Promise.resolve();
  const timer = setInterval(() => {
    rounds = rounds.then(round);
  }, ROUND);

  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    clearInterval(timer);
    await app.close();
    throw notListening(error, options);
  }
  const { address, port, family } = app.server.address() as AddressInfo;
  const url = `${tls === null ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  app.log.info({ url, depot: depot.dir, version }, 'listening');
  rounds = rounds.then(round);
  return {
    url,
    async stop() {
      isStopping = true;
      app.log.info('stopping');
      clearInterval(timer);
      const late = setTimeout(() => app.server.closeAllConnections(), LEFT_TO_END);
      await app.close();
      clearTimeout(late);
      await rounds;
      await publisher.stop().catch(failed('publish'));
      await contacts.writeDown().catch(failed('writing down contacts'));
      await depot.close();
      app.log.info('stopped');
    },
  };
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Tokens cross the line: nobody on the way may read them. */
function refuseInTheClear({ host, tls, proxies }: ServeOptions): void {
  for (const proxy of proxies) {
    const problem = isIP(proxy) === 0 ? networkProblem(proxy) : null;
    if (problem !== null) {
      throw new D3Error('PROXY_INVALID', 'usage', `${proxy} is no address or range of addresses of a proxy.`, {
        target: '--proxy',
        actions: ['give it as 10.1.2.3 or 10.1.2.0/24'],
      });
    }
  }
  if (LOOPBACK.test(host) || tls !== null || proxies.length > 0) return;
  throw new D3Error('SERVE_IN_THE_CLEAR', 'refused', `Tokens would cross the network unencrypted on ${host}.`, {
    target: '--listen',
    actions: [
      'give a certificate and its key: --tls-cert FILE --tls-key FILE',
      'or name the proxy in front that does TLS: --proxy ADDRESS',
      'or listen on this host alone: --listen 127.0.0.1:PORT',
    ],
  });
}

async function readTls({ cert, key }: { cert: string; key: string }): Promise<{ cert: Buffer; key: Buffer }> {
  const read = (file: string, flag: string) =>
    readFile(file).catch((error: Error) => {
      throw new D3Error('TLS_UNREADABLE', 'usage', `${file} cannot be read: ${error.message}.`, {
        target: flag,
        cause: error,
      });
    });
  const files = { cert: await read(cert, '--tls-cert'), key: await read(key, '--tls-key') };
  refuseUnusable(files, { cert, key });
  return files;
}

/** Each by itself first, so that the message names the file. */
function refuseUnusable(files: { cert: Buffer; key: Buffer }, names: { cert: string; key: string }): void {
  const tried = (flag: string, what: string, work: () => unknown) => {
    try {
      return work();
    } catch (error) {
      throw new D3Error('TLS_INVALID', 'usage', `${what}: ${(error as Error).message}.`, {
        target: flag,
        actions: ['give the certificate and its own key, both in PEM, the key without a passphrase'],
        cause: error,
      });
    }
  };
  tried('--tls-cert', `${names.cert} is no certificate`, () => new X509Certificate(files.cert));
  tried('--tls-key', `${names.key} is no key that can be used`, () => createPrivateKey(files.key));
  tried('--tls-key', `${names.key} is not the key of ${names.cert}`, () => createSecureContext(files));
}

function notListening(error: unknown, { host, port }: ServeOptions): unknown {
  const code = errnoOf(error);
  if (code === null) return error;
  const why =
    code === 'EADDRINUSE' ? 'something else listens there' : code === 'EACCES' ? 'that port is for root' : code;
  return new D3Error('LISTEN', 'failed', `Nothing can listen on ${host}:${port}: ${why}.`, {
    target: '--listen',
    actions: ['name another: --listen HOST:PORT'],
    cause: error,
  });
}
