/** What benches of a served depot share: a filled depot on either database, the server as a process, its peers, and load on them. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentReporter } from '@d3/sdk';
import { initDepot, moveDepot, openDepot } from '../src/depot/index.ts';
import { systemClock } from '../src/platform/clock.ts';
import { ask, freePort, freshSchema, type TestServer } from '../test/support/postgres.ts';
import { catalogOf, fillDepot, fillMachines, publishWithoutFiles } from './fleet.ts';
import type { Load, Outcome } from './load.ts';
import { say } from './measure.ts';

export const DATABASES = ['SQLite', 'PostgreSQL'] as const;

/** A depot in a folder, published, that enrolled machines have keys for. */
export interface BenchDepot {
  dir: string;
  on: (typeof DATABASES)[number];
  /** Address of its PostgreSQL database with the password; null: it is in the folder. */
  database: string | null;
  /** File with the machines' keys, a line each. */
  keys: string;
}

export interface Filled {
  on: BenchDepot['on'];
  editions: number;
  machines: number;
}

/** @param folder a new one is made in it */
export async function makeDepot(folder: string, server: TestServer, filled: Filled): Promise<BenchDepot> {
  const { on, editions, machines } = filled;
  const dir = path.join(folder, `${on}-${editions}-${machines}`);
  const clock = systemClock;
  await initDepot(dir, { clock });
  const catalog = catalogOf(Math.ceil(editions / 4));
  fillDepot(dir, catalog);
  const keys = path.join(folder, `${on}-${editions}-${machines}.keys`);
  writeFileSync(keys, fillMachines(dir, machines).join('\n'), { mode: 0o600 });
  const database = on === 'SQLite' ? null : freshSchema(server);
  if (database !== null) {
    const signal = new AbortController().signal;
    const how = { database: null, password: null, dryRun: false, report: silentReporter, signal };
    await moveDepot({ ...how, dir, to: database });
  }
  const depot = await openDepot(dir, { clock, database: { url: database, password: null } });
  await publishWithoutFiles(depot, catalog);
  await depot.close();
  return { dir, on, database, keys };
}

/** A server that runs. */
export interface Peer {
  name: string;
  url: string;
  usage(): Usage;
  stop(): Promise<void>;
}

interface Usage {
  /** Seconds of CPU since it started. */
  cpu: number;
  /** Largest resident size, MiB. */
  peak: number;
}

const RUN = path.join(import.meta.dirname, '..', 'bin', 'run.js');
const TIMESTAMP = 'public/metadata/timestamp.json';

/** `d3 depot serve` as it is run, once it has signed what machines read. */
export async function serve({ dir, database, on }: BenchDepot): Promise<Peer> {
  const before = readFileSync(path.join(dir, TIMESTAMP));
  const child = started(process.execPath, [RUN, 'depot', 'serve', dir, '--listen', '127.0.0.1:0'], {
    env: { ...process.env, ...(database === null ? {} : { D3_DEPOT_DATABASE: database }) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  let listening: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve, reject) => {
    listening = resolve;
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${lines.join('\n')}`)));
  });
  createInterface(child.stderr as Readable).on('line', (line) => {
    lines.splice(0, lines.length - 20);
    lines.push(line);
    if (line.includes('"listening"')) listening((JSON.parse(line) as { url: string }).url);
  });
  const peer = peerOf(`d3 on ${on}`, await url, child);
  for (let tries = 0; readFileSync(path.join(dir, TIMESTAMP)).equals(before); tries += 1) {
    if (tries > 300) throw new Error(`the server signs nothing: ${lines.join('\n')}`);
    await sleep(100);
  }
  return peer;
}

/** nginx with the same files; null where there is none. */
export async function nginx(folder: string, depot: BenchDepot): Promise<Peer | null> {
  const program = ['nginx', '/usr/sbin/nginx'].find((each) => spawnSync(each, ['-v']).error === undefined);
  if (program === undefined) {
    say('nginx is not here (Debian: apt-get install --no-install-recommends nginx-light): it is not compared with');
    return null;
  }
  const prefix = path.join(folder, `nginx-${depot.on}`);
  mkdirSync(prefix);
  const port = await freePort();
  const config = path.join(prefix, 'nginx.conf');
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${prefix}/${what};`,
  );
  writeFileSync(
    config,
    `${process.getuid?.() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${prefix}/pid; error_log ${prefix}/error.log;
     events { worker_connections 4096; }
     http { access_log off; etag on; sendfile on; tcp_nopush on; keepalive_requests 1000000000; ${bodies.join(' ')}
       server { listen 127.0.0.1:${port} backlog=4096; root ${depot.dir}; } }\n`,
  );
  const child = started(program, ['-p', prefix, '-c', config, '-e', path.join(prefix, 'error.log')], {
    stdio: 'inherit',
  });
  return answering(peerOf('nginx', `http://127.0.0.1:${port}`, child));
}

/** The floor: Node's own server that looks at nothing and says that nothing has changed. */
export async function bareNode(): Promise<Peer> {
  const port = await freePort();
  const code = `require('node:http').createServer((asked, answer) => {
    answer.writeHead(304, { etag: asked.headers['if-none-match'] ?? '"none"' }); answer.end(); }).listen(${port}, '127.0.0.1')`;
  const child = started(process.execPath, ['-e', code], { stdio: 'inherit' });
  return answering(peerOf('node:http', `http://127.0.0.1:${port}`, child));
}

async function answering(peer: Peer): Promise<Peer> {
  for (let tries = 0; ; tries += 1) {
    try {
      await (await fetch(peer.url)).arrayBuffer();
      return peer;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(50);
    }
  }
}

const running = new Set<ChildProcess>();
// Whatever ends the bench, no server is left.
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

function started(program: string, argv: readonly string[], options: SpawnOptions): ChildProcess {
  const child = spawn(program, argv, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

function peerOf(name: string, url: string, child: ChildProcess): Peer {
  const pid = child.pid as number;
  return {
    name,
    url,
    usage: () => usageOf(pid),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Of a process and its children, from /proc: the peers run under Linux, as a depot does. */
function usageOf(pid: number): Usage {
  // Behind the name, which may hold anything, come the fields from the third on; times are in hundredths of a second.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const peak = Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  const all = children.map((child) => usageOf(Number(child)));
  const cpu = (Number(stat[11]) + Number(stat[12])) / 100;
  return {
    cpu: all.reduce((sum, each) => sum + each.cpu, cpu),
    peak: all.reduce((sum, each) => sum + each.peak, peak),
  };
}

export interface Loaded extends Outcome {
  /** Microseconds of the server's CPU for each request. */
  cpu: number;
}

/** Puts load on a server. @param until where the load has no end of its own: resolves when it is enough */
export async function load(peer: Peer, asked: Omit<Load, 'url'>, until?: Promise<void>): Promise<Loaded> {
  const argument: Load = { ...asked, url: peer.url };
  const argv = ['--conditions=d3-source', path.join(import.meta.dirname, 'load.ts'), JSON.stringify(argument)];
  const before = peer.usage();
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const ended = once(child, 'close');
  void until?.then(() => child.kill('SIGTERM'));
  const [code] = await ended;
  if (code !== 0) throw new Error(`the load on ${peer.name} ended with ${code}`);
  const outcome = JSON.parse(text) as Outcome;
  return { ...outcome, cpu: ((peer.usage().cpu - before.cpu) * 1e6) / outcome.requests };
}

/** What asks a server whether anything is new. */
export async function unchanged({ url }: Peer): Promise<{ path: string; tag: string }> {
  const asked = `/${TIMESTAMP}`;
  const answer = await fetch(`${url}${asked}`, { headers: { 'if-none-match': '"another"' } });
  await answer.arrayBuffer();
  return { path: asked, tag: answer.headers.get('etag') ?? '"none"' };
}

/** Counts the transactions that wrote into a depot's database, from now on. */
export async function countWrites({ dir, database }: BenchDepot): Promise<{ count(): Promise<number>; end(): void }> {
  if (database !== null) {
    // Only what writes gets a number.
    const number = async () =>
      Number((await ask<{ n: string }>(database, 'select pg_snapshot_xmax(pg_current_snapshot())::text as n'))[0]?.n);
    const first = await number();
    return { count: async () => (await number()) - first, end: () => undefined };
  }
  const file = path.join(dir, 'depot.db');
  const reader = new DatabaseSync(file, { readOnly: true });
  // As long as somebody reads what was, the log of writes keeps everything that came after.
  reader.exec('begin');
  reader.prepare('select count(*) from depot').get();
  const first = commits(`${file}-wal`);
  return {
    async count() {
      const now = commits(`${file}-wal`);
      return now.salt === first.salt ? now.count - first.count : now.count;
    },
    end: () => reader.close(),
  };
}

/** The commits in a log of SQLite's: frames that say how large the database is after them. */
function commits(file: string): { salt: string; count: number } {
  const log = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  if (log.length < 32) return { salt: '', count: 0 };
  const frame = 24 + log.readUInt32BE(8);
  const salt = log.toString('hex', 16, 24);
  let count = 0;
  for (let at = 32; at + frame <= log.length && log.toString('hex', at + 8, at + 16) === salt; at += frame) {
    if (log.readUInt32BE(at + 4) > 0) count += 1;
  }
  return { salt, count };
}

/** The numbers among the arguments, else these. */
export function sizes(otherwise: readonly number[]): number[] {
  const given = process.argv
    .slice(2)
    .map(Number)
    .filter((size) => Number.isSafeInteger(size) && size > 0);
  return given.length > 0 ? given : [...otherwise];
}

/** Where every bench says what else the machine was doing. */
export function sayMachine(): void {
  const [load = 0] = os.loadavg();
  say(`(${os.availableParallelism()} cores shared by server and load; load before: ${load.toFixed(1)})`);
}

/** The files a machine that knows nothing reads, with their sizes. */
export function publication({ dir }: BenchDepot): { path: string; size: number }[] {
  const newest = (role: string) =>
    readdirSync(path.join(dir, 'public/metadata'))
      .filter((name) => name.endsWith(`.${role}.json`))
      .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
      .at(-1) as string;
  const targets = JSON.parse(readFileSync(path.join(dir, 'public/metadata', newest('targets')), 'utf8')) as {
    signed: { targets: Record<string, { hashes: { sha256: string } }> };
  };
  const catalog = `${targets.signed.targets['catalog.json']?.hashes.sha256}.catalog.json`;
  const metadata = ['1.root.json', 'timestamp.json', newest('snapshot'), newest('targets')];
  return [...metadata.map((name) => `public/metadata/${name}`), `public/targets/${catalog}`].map((each) => ({
    path: each,
    size: readFileSync(path.join(dir, each)).length,
  }));
}
