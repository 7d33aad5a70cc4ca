import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { Sighting } from '@d3/show';
import { expect } from 'chai';
import { png, SVG } from '../../../../packages/show/test/pictures.ts';
import { PageServer, type PageState } from '../../src/show/page/server.ts';
import type { Answer } from '../../src/show/scene.ts';
import { findSlides, PUPPIES } from '../../src/show/slides.ts';
import { questionScene, scene } from './scenes.ts';

describe('the server of a show’s page', () => {
  let server: PageServer;
  let folder: string;
  let sightings: Sighting[];
  let answers: Answer[];
  let asked: number;
  let time: number;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-page-'));
    sightings = [];
    answers = [];
    asked = 0;
    time = 0;
    server = await PageServer.start(scene(), await findSlides(PUPPIES), {
      onSeen: (sighting) => sightings.push(sighting),
      onAnswer: (answer) => answers.push(answer),
      onAsked: () => {
        asked += 1;
      },
      now: () => time,
    });
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const origin = () => new URL(server.url).origin;
  const state = async () => (await (await fetch(`${server.url}state`)).json()) as PageState;
  const post = (where: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(server.url + where, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: origin(), ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  /** As fetch, with any host name and any path as it is. */
  const raw = (target: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const { port } = new URL(server.url);
      request({ host: '127.0.0.1', port, path: target, headers }, (response) => {
        response.resume();
        resolve(response.statusCode as number);
      })
        .once('error', reject)
        .end();
    });

  it('serves the page and all it needs, and tells browsers to load nothing from elsewhere', async () => {
    for (const [file, type] of [
      ['', 'text/html'],
      ['show.css', 'text/css'],
      ['show.js', 'text/javascript'],
      ['state', 'application/json'],
    ] as const) {
      const answer = await fetch(server.url + file);
      expect(answer.status, file).to.equal(200);
      expect(answer.headers.get('content-type'), file).to.include(type);
      expect(answer.headers.get('content-security-policy'), file)
        .to.include("default-src 'none'")
        .and.not.include('unsafe');
      expect(answer.headers.get('x-content-type-options')).to.equal('nosniff');
      expect(answer.headers.get('referrer-policy')).to.equal('no-referrer');
      expect(answer.headers.get('cache-control')).to.equal('no-store');
      expect(await answer.text()).to.not.match(/https?:\/\/(?!www\.w3\.org)/);
    }
  });

  it('listens on this machine only, under an address nobody can guess', async () => {
    const { hostname, pathname } = new URL(server.url);
    expect(hostname).to.equal('127.0.0.1');
    expect(pathname).to.match(/^\/[\w-]{43}\/$/);
    const others = Object.values(os.networkInterfaces())
      .flat()
      .filter((one) => one?.family === 'IPv4' && !one.internal);
    for (const other of others) {
      const connected = await new Promise((resolve) => {
        const socket = net.connect(Number(new URL(server.url).port), other?.address as string);
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
        socket.unref();
      });
      expect(connected, other?.address).to.equal(false);
    }
  });

  it('who does not know the address gets nothing, whatever they ask for and however they call the server', async () => {
    const token = new URL(server.url).pathname.slice(1, -1);
    const host = new URL(server.url).host;
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const target of [
      '/',
      '/state',
      `/${wrong}/`,
      `/${wrong}/state`,
      `/${token.slice(0, 20)}/state`,
      '//state',
      `/%00/${token}/state`,
      '*',
    ])
      expect(await raw(target, { host }), target).to.equal(404);
    for (const name of ['evil.example', `localhost:${new URL(server.url).port}`, '127.0.0.1', `127.0.0.1:1`])
      expect(await raw(`/${token}/state`, { host: name }), name).to.equal(421);
    expect(await raw(`/${token}/state`, { host })).to.equal(200);
    expect(asked).to.equal(1);
  });

  it('gives images by the names it has given them, never by paths', async () => {
    const { slides } = await state();
    expect(slides).to.have.length(12);
    for (const { path: where } of slides) {
      const answer = await fetch(server.url + where);
      expect(answer.headers.get('content-type')).to.equal('image/svg+xml');
      expect(answer.headers.get('content-security-policy')).to.include('sandbox').and.include("default-src 'none'");
      expect(await answer.text()).to.include('<svg');
    }
    const token = new URL(server.url).pathname;
    for (const target of [
      'slide/0',
      'slide/',
      'slide/../show.js',
      '../page/show.js',
      '..%2fpackage.json',
      'slide/%2e%2e/%2e%2e/etc/passwd',
      'constructor',
      '__proto__',
      'picture/q1',
    ])
      expect(await raw(token + target, { host: new URL(server.url).host }), target).to.equal(404);
  });

  it('an image that is gone, or is another now, is not there; the others are', async () => {
    writeFileSync(path.join(folder, 'a.svg'), SVG);
    writeFileSync(path.join(folder, 'b.png'), png(4, 4));
    server.show(scene(), await findSlides(folder));
    const { slides } = await state();
    const status = async () =>
      Promise.all(slides.map(async ({ path: where }) => (await fetch(server.url + where)).status));
    expect(await status()).to.deep.equal([200, 200]);
    writeFileSync(path.join(folder, 'a.svg'), '<html><script>alert(1)</script></html>');
    expect(await status()).to.deep.equal([404, 200]);
    rmSync(folder, { recursive: true });
    expect(await status()).to.deep.equal([404, 404]);
    expect((await state()).slides).to.have.length(2);
  });

  it('depot3:I06 tells the question with the time that is left, and its image under a name of its own', async () => {
    writeFileSync(path.join(folder, 'ask.png'), png(4, 4));
    server.show(questionScene({ image: path.join(folder, 'ask.png'), until: 30_000 }), []);
    time = 10_500;
    const { question } = await state();
    expect(question).to.deep.include({
      id: 'q1',
      left: 19.5,
      picture: 'picture/q1',
      labels: { continue: 'Install now', postpone: 'Later' },
    });
    expect(JSON.stringify(question)).to.not.include(folder);
    const answer = await fetch(`${server.url}picture/q1`);
    expect(answer.headers.get('content-type')).to.equal('image/png');
    time = 40_000;
    expect((await state()).question?.left).to.equal(0);
    server.show(scene(), []);
    expect((await fetch(`${server.url}picture/q1`)).status).to.equal(404);
  });

  it('takes an answer to the question that is asked, from the page itself, and no other', async () => {
    server.show(questionScene(), []);
    const good = { question: 'q1', answer: 'postpone' };
    for (const [body, headers, status] of [
      [{ question: 'q0', answer: 'continue' }, {}, 409],
      [{ question: 'q1', answer: 'yes' }, {}, 409],
      [{ answer: 'continue' }, {}, 409],
      ['{', {}, 409],
      ['null', {}, 409],
      ['[]', {}, 409],
      [good, { origin: 'http://evil.example' }, 403],
      [good, { origin: 'null' }, 403],
      [good, { 'content-type': 'text/plain' }, 415],
      ['x'.repeat(5000), {}, 413],
    ] as const)
      expect((await post('answer', body, headers)).status, JSON.stringify([body, headers]).slice(0, 80)).to.equal(
        status,
      );
    expect((await fetch(`${server.url}answer`, { method: 'PUT' })).status).to.equal(405);
    expect(answers).to.deep.equal([]);
    expect((await post('answer', good)).status).to.equal(204);
    expect(answers).to.deep.equal([good]);
    server.show(questionScene({ labels: { continue: 'Install now', postpone: null } }), []);
    expect((await post('answer', good)).status, 'postponing is not offered').to.equal(409);
    server.show(scene(), []);
    expect((await post('answer', good)).status, 'nothing is asked').to.equal(409);
    expect(answers).to.have.length(1);
  });

  it('hears of pages that came up, and whether they can be seen', async () => {
    expect((await post('seen', { page: 'p', visible: true })).status).to.equal(204);
    expect((await post('seen', { page: 'x'.repeat(500), visible: false })).status).to.equal(204);
    expect((await post('seen', { page: 1, visible: true })).status).to.equal(400);
    expect((await post('seen', { page: 'p' })).status).to.equal(400);
    expect((await post('elsewhere', {})).status).to.equal(404);
    expect(sightings).to.deep.equal([
      { page: 'p', visible: true },
      { page: 'x'.repeat(64), visible: false },
    ]);
  });

  it('whoever connects and says nothing does not keep it from ending', async () => {
    const { port } = new URL(server.url);
    const sockets = Array.from({ length: 20 }, () =>
      net.connect(Number(port), '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    sockets[0]?.write('GET / HTTP/1.1\r\nHost:');
    expect((await state()).title).to.equal('Puppytime!');
    const began = performance.now();
    await server.close();
    expect(performance.now() - began).to.be.below(1000);
    for (const socket of sockets) socket.destroy();
  });
});
