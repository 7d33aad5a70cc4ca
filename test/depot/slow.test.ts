import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { TestClock } from './helpers.ts';
import { type ServedDepot, serveForTest } from './served.ts';

const MEBIBYTE = 1024 * 1024;
const SIZE = 256 * MEBIBYTE;
const STANDSTILL = 2_400;
const READERS = 20;

/** Who takes or sends next to nothing costs the server next to nothing, keeps nobody else waiting, and is cut. */
describe('slow clients of a served depot', function () {
  this.timeout(60_000);
  let served: ServedDepot;
  let secret: string;
  const sockets: Socket[] = [];
  // Nobody looks into its bytes: only its size counts here.
  const sha256 = 'ab'.repeat(32);
  const at = `/blobs/ab/${sha256}`;

  beforeEach(async () => {
    served = await serveForTest({ clock: new TestClock(), standstill: STANDSTILL, headWithin: 700, bodyWithin: 700 });
    secret = await served.token('sally');
    await mkdir(path.join(served.dir, 'depot/blobs/ab'), { recursive: true });
    const file = await open(path.join(served.dir, 'depot', at), 'w');
    await file.truncate(SIZE);
    await file.close();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await served.discard();
  });

  interface Spoken {
    socket: Socket;
    /** What was answered so far. */
    answer: () => string;
    /** Bytes that came. */
    came: () => number;
    closed: Promise<void>;
  }

  async function say(text: string): Promise<Spoken> {
    const { hostname, port } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    let answer = '';
    let came = 0;
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
    });
    await new Promise((resolve) => {
      socket.once('connect', resolve);
    });
    socket.on('data', (piece) => {
      came += piece.length;
      if (answer.length < 10_000) answer += piece.toString('latin1').slice(0, 1000);
    });
    socket.write(text);
    return { socket, answer: () => answer, came: () => came, closed };
  }

  async function closedWithin({ closed }: Spoken, most: number): Promise<void> {
    const end = await Promise.race([closed.then(() => 'closed'), sleep(most, 'still open')]);
    expect(end).to.equal('closed');
  }

  /** A small file comes at once. */
  async function othersAreServed(): Promise<void> {
    const began = performance.now();
    expect((await served.ask('GET', '/public/metadata/timestamp.json')).status).to.equal(200);
    expect(performance.now() - began).to.be.lessThan(1_000);
  }

  it('who takes nothing of a large file costs little memory, and is cut after the time without progress', async () => {
    await othersAreServed();
    const before = process.memoryUsage().rss;
    const readers = await Promise.all(
      Array.from({ length: READERS }, async () => {
        const reader = await say(`GET ${at} HTTP/1.1\r\nhost: x\r\n\r\n`);
        reader.socket.once('data', () => reader.socket.pause());
        return reader;
      }),
    );
    while (readers.some(({ answer }) => answer() === '')) await sleep(10);
    await sleep(STANDSTILL / 3);
    expect(openFiles(sha256)).to.be.oneOf([READERS, null]);
    // Together they asked for 5 GiB.
    expect((process.memoryUsage().rss - before) / MEBIBYTE / READERS).to.be.lessThan(8);
    await othersAreServed();
    await sleep(STANDSTILL * 3);
    expect(openFiles(sha256)).to.be.oneOf([0, null]);
    // What was on the way before it was cut is still taken, and there is no more.
    for (const { socket } of readers) socket.resume();
    for (const reader of readers) {
      await closedWithin(reader, 5_000);
      expect(reader.came()).to.be.lessThan(SIZE / 4);
    }
    await othersAreServed();
  });

  it('who takes it slowly, but takes it, gets it whole', async () => {
    const { socket, came, closed } = await say(`GET ${at} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    // For longer than the time without progress, in the middle of it, only a little is taken at a time.
    for (let pauses = 0; pauses < 8; pauses += 1) {
      socket.pause();
      await sleep(STANDSTILL / 3);
      socket.resume();
      const upTo = came() + 8 * MEBIBYTE;
      while (came() < upTo) await sleep(5);
    }
    await closed;
    expect(came()).to.be.greaterThan(SIZE);
  });

  it('who drips the head of a request is answered and cut', async () => {
    const slow = await say('GET /health HTTP/1.1\r\nhost: x\r\n');
    const drip = setInterval(() => slow.socket.write('x: y\r\n'), 100);
    try {
      await othersAreServed();
      await closedWithin(slow, 5_000);
    } finally {
      clearInterval(drip);
    }
    expect(slow.answer())
      .to.match(/^HTTP\/1\.1 408 /)
      .and.include('"code":"TOO_SLOW"');
  });

  it('who drips a body is answered and cut, and who drips an upload may, until nothing comes', async () => {
    const head = (method: string, to: string, type: string) =>
      `${method} ${to} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\ncontent-type: ${type}\r\ncontent-length: 100\r\n\r\n`;
    const body = await say(head('POST', '/api/v1/tokens', 'application/json'));
    const wanted = 'c'.repeat(64);
    const upload = await say(head('PUT', `/api/v1/uploads/${wanted}?offset=0&size=100`, 'application/octet-stream'));
    const drip = setInterval(() => {
      body.socket.write(' ');
      upload.socket.write('x');
    }, 100);
    try {
      await closedWithin(body, 5_000);
      expect(body.answer())
        .to.match(/^HTTP\/1\.1 408 /)
        .and.include('"code":"TOO_SLOW"');
      expect(upload.socket.destroyed).to.equal(false);
      await othersAreServed();
    } finally {
      clearInterval(drip);
    }
    upload.socket.destroy();
    // What came of it is kept to be gone on with.
    const known = await served.ask('GET', `/api/v1/uploads/${wanted}`, { secret });
    expect(known.json['received']).to.be.greaterThan(3);
    expect(known.json['isThere']).to.equal(false);
  });
});

/** How many times this process has a file open; null where the system does not tell. */
function openFiles(name: string): number | null {
  if (!existsSync('/proc/self/fd')) return null;
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.includes(name)).length;
}
