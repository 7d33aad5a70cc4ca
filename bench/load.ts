/**
 * Puts load on a server, in a process of its own: as many requests at once as there are connections, each answered before the
 * next is sent. Plain sockets, and no more of HTTP than the answers need, so that what is measured is the server. It is told what
 * to do as JSON in its argument, and says in one line how it went; without a number of requests it goes on until SIGTERM.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { reportPath } from '../src/depot/report-path.ts';
import { machineId, reportOf } from './fleet.ts';

export interface Load {
  url: string;
  /** A file that is asked for by its tag, as a machine to which nothing is new does; or reports of so many receipts each. */
  ask: { path: string; tag: string } | { receipts: number; run: string };
  /** File with the machines' keys, a line each, which take turns. */
  keys: string;
  connections: number;
  /** Whether each request comes on a connection of its own. */
  isFresh: boolean;
  /** Null: until SIGTERM, with so many milliseconds between two. */
  requests: number | { pause: number };
}

export interface Outcome {
  requests: number;
  seconds: number;
  /** Milliseconds: median, that in which 99 of 100 were answered, longest. */
  p50: number;
  p99: number;
  longest: number;
  /** Largest answer, bytes with its head. */
  answer: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');

async function main(load: Load): Promise<void> {
  const { host, hostname, port } = new URL(load.url);
  const keys = readFileSync(load.keys, 'utf8').trimEnd().split('\n');
  const most = typeof load.requests === 'number' ? load.requests : Number.POSITIVE_INFINITY;
  const pause = typeof load.requests === 'number' ? 0 : load.requests.pause;
  const request = requests(load, host, keys, most);
  const wanted = 'path' in load.ask ? 304 : 200;
  const took: number[] = [];
  let [next, largest] = [0, 0];
  const told = new AbortController();
  process.once('SIGTERM', () => told.abort());
  const open = () => Connection.to(Number(port), hostname);
  const work = async () => {
    let connection = load.isFresh ? null : await open();
    while (!told.signal.aborted && next < most) {
      const bytes = request(next++);
      const began = process.hrtime.bigint();
      connection ??= await open();
      const { status, size, text } = await connection.ask(bytes);
      took.push(Number(process.hrtime.bigint() - began) / 1e6);
      if (status !== wanted) throw new Error(`${status} instead of ${wanted}: ${text}`);
      largest = Math.max(largest, size);
      if (load.isFresh) {
        connection.end();
        connection = null;
      }
      if (pause > 0) await sleep(pause);
    }
    connection?.end();
  };
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: load.connections }, work));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  took.sort((a, b) => a - b);
  const at = (part: number) => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? 0;
  const outcome: Outcome = {
    requests: took.length,
    seconds,
    p50: at(0.5),
    p99: at(0.99),
    longest: at(1),
    answer: largest,
  };
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}

/** The bytes of the n-th request; reports are made before any is sent. */
function requests({ ask }: Load, host: string, keys: readonly string[], most: number): (n: number) => Buffer {
  const head = (n: number, first: string) =>
    `${first} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: d3\r\nAccept-Encoding: identity\r\nAuthorization: Bearer ${keys[n % keys.length]}\r\n`;
  if ('path' in ask) return (n) => Buffer.from(`${head(n, `GET ${ask.path}`)}If-None-Match: ${ask.tag}\r\n\r\n`);
  const made = Array.from({ length: most }, (_, n) => {
    const report = reportOf(machineId(n % keys.length), ask.receipts, `${ask.run}-${Math.floor(n / keys.length)}`);
    const body = JSON.stringify(report);
    const type = `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}`;
    return Buffer.from(`${head(n, `PUT /${reportPath(report)}`)}${type}\r\n\r\n${body}`);
  });
  return (n) => made[n] as Buffer;
}

interface Answer {
  status: number;
  size: number;
  text: string;
}

class Connection {
  readonly #socket: Socket;
  #came: Buffer = Buffer.alloc(0);
  #waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null;

  constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true);
    socket.on('data', (piece) => this.#take(piece as Buffer));
    socket.on('error', (error) => this.#waiting?.reject(error));
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')));
  }

  static to(port: number, host: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host }, () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
      socket.once('error', reject);
    });
  }

  ask(bytes: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(bytes);
    });
  }

  end(): void {
    this.#socket.end();
  }

  #take(piece: Buffer): void {
    this.#came = this.#came.length === 0 ? piece : Buffer.concat([this.#came, piece]);
    const end = this.#came.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#came.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const status = Number(head.slice(9, 12));
    const size = end + HEAD_END.length + (status === 304 ? 0 : length);
    if (this.#came.length < size) return;
    const text = this.#came.toString('utf8', end + HEAD_END.length, size);
    this.#came = this.#came.subarray(size);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve({ status, size, text });
  }
}

if (import.meta.main) await main(JSON.parse(process.argv[2] as string) as Load);
