import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { addMirror, deleteMirror, listMirrors } from '../../src/admin/mirrors.ts';
import { createDepotClient, depotUrl, FolderTransport, HttpTransport, type Transport } from '../../src/depot/index.ts';
import { problemsOf } from '../support/errors.ts';
import { installRequest, Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { FileServer, giveFile } from '../support/web.ts';

const PAUSES = { value: [1, 1, 1] };
const PACE = { value: { window: 1000, least: 5000, whole: 500, perByte: 0 } };

describe('a depot behind a web server', () => {
  let sandbox: Sandbox;
  let server: FileServer;
  let machine: SandboxMachine;
  const others: FileServer[] = [];
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    server = await FileServer.of(sandbox.depot);
    machine = overHttp(sandbox.machine('mac-a'), server.url);
  });
  afterEach(async () => {
    await Promise.all([server, ...others.splice(0)].map((one) => one.close()));
    sandbox.remove();
  });

  function overHttp(
    of: SandboxMachine,
    url: string,
    addresses: string[] = [],
    signal = new AbortController().signal,
  ): SandboxMachine {
    const transportTo = (at: string): Transport =>
      at.startsWith('/')
        ? new FolderTransport(at)
        : Object.defineProperties(
            new HttpTransport(new URL(at), { credentials: async () => 'sally:secret', ca: null, signal }),
            { pauses: PAUSES, pace: PACE },
          );
    const { paths, clock } = of.machine;
    const depot = createDepotClient({
      transport: transportTo(url),
      trustDir: paths.trust,
      clock,
      mirror: transportTo,
      addresses: () => addresses,
    });
    return of.with({ depot });
  }

  /** Bytes that do not shrink, so that they come in many pieces. */
  const LARGE = { 'opt/large': randomBytes(900_000).toString('base64') };
  const blobs = () => server.asked.filter(({ path: at }) => at.startsWith('/blobs/'));
  const isBlob = (url: string | undefined) => url?.startsWith('/blobs/') === true;

  it('depot3:E08 depot3:BUG-27 gives catalog and packages, all with the same credentials; no secret is in an address, and reports wait where none are taken', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    const said: string[] = [];
    const result = await machine.sync({}, { report: (event) => 'text' in event && said.push(event.text) });
    expect([result.exit, result.warnings]).to.deep.equal([0, []]);
    expect(machine.read('opt/tool/version')).to.equal('1');
    expect(said.join()).to.include('takes no reports');
    expect(machine.reading((state) => state.lastSync())).to.not.equal(null);
    for (const { path: at, authorization } of server.asked) {
      expect(at).to.match(/^\/(?:public\/(?:metadata|targets)|blobs|inbox)\//);
      expect(authorization).to.equal(`Basic ${Buffer.from('sally:secret').toString('base64')}`);
    }
  });

  it('depot3:G16 is asked one small question when nothing changed', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    await machine.sync();
    server.asked.length = 0;
    await overHttp(sandbox.machineAt(machine.root), server.url).sync();
    const gets = server.asked.filter(({ method }) => method === 'GET');
    expect(gets.map(({ path: at }) => at)).to.deep.equal(['/public/metadata/timestamp.json']);
    expect(gets[0]?.ifNoneMatch).to.be.a('string');
  });

  /** Answers with a byte now and then, for ever. @returns when all such answers are over */
  const drips = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': 100_000_000 });
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
    return true;
  };

  it('does not wait for ever for metadata that drips (20)', async () => {
    await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
    server.answers = (request, response) => request.url?.endsWith('timestamp.json') === true && drips(response);
    const { problems, exitCode } = await problemsOf(machine.sync());
    expect([exitCode, problems[0]?.message]).to.deep.equal([
      20,
      `The depot ${server.url} cannot be reached: its answer takes too long.`,
    ]);
  });

  it('leaves a source whose package drips for the next one', async () => {
    await sandbox.add('tool', '1', { payload: LARGE, live: true, autoGroups: 'standard' });
    const slow = await FileServer.of(sandbox.depot);
    others.push(slow);
    slow.answers = (_request, response) => drips(response);
    await sandbox.admin((session) => addMirror(slow.url, [], 1, session));
    const result = await machine.sync();
    expect([result.exit, result.outcomes[0]?.status]).to.deep.equal([0, 'installed']);
  });

  for (const [what, isIt] of [
    ['metadata', 'timestamp.json'],
    ['packages', '/blobs/'],
  ] as const) {
    it(`stops at once when d3 is stopped while ${what} come`, async () => {
      await sandbox.add('tool', '1', { payload: LARGE, live: true, autoGroups: 'standard' });
      const stop = new AbortController();
      const reason = new D3Error('TERMINATED', 'terminated', 'Terminated.');
      let dripped = 0;
      server.answers = (request, response) => {
        if (request.url?.includes(isIt) !== true) return false;
        dripped = Date.now();
        setTimeout(() => stop.abort(reason), 100);
        return drips(response);
      };
      const { problems } = await problemsOf(
        overHttp(machine, server.url, [], stop.signal).sync({}, { signal: stop.signal }),
      );
      expect(problems[0]?.code).to.equal('TERMINATED');
      expect(Date.now() - dripped).to.be.lessThan(900);
    });
  }

  it('takes reports where the server does', async () => {
    const taken: string[] = [];
    server.answers = (request, response) => {
      if (request.method !== 'PUT') return false;
      let text = '';
      request
        .on('data', (piece) => (text += piece))
        .on('end', () => {
          taken.push(JSON.parse(text).command);
          response.writeHead(201).end();
        });
      return true;
    };
    await sandbox.add('tool', '1', { live: true });
    await machine.sync();
    expect(taken).to.deep.equal(['sync']);
    expect(
      machine.reading((state) =>
        (state as unknown as { rows: (sql: string) => unknown[] }).rows('SELECT id FROM outbox'),
      ),
    ).to.deep.equal([]);
  });

  it('depot3:B28 goes on after a cut, with the same file, and never has a wrong byte', async () => {
    await sandbox.add('large', '1', { payload: LARGE, live: true });
    let cuts = 0;
    server.answers = (request, response, file) => {
      if (!isBlob(request.url) || cuts >= 2) return false;
      cuts += 1;
      giveFile(request, response, file, 200_000);
      return true;
    };
    expect((await machine.install(['large'])).exit).to.equal(0);
    expect(machine.read('opt/large')).to.equal(LARGE['opt/large']);
    const [first, second, third] = blobs();
    expect(first).to.deep.include({ range: null, ifRange: null });
    expect(Number(second?.range?.slice(6, -1))).to.be.greaterThan(150_000);
    expect(second?.ifRange).to.match(/^"/);
    expect(Number(third?.range?.slice(6, -1))).to.be.greaterThan(Number(second?.range?.slice(6, -1)));
  });

  it('depot3:G16 keeps what has come when the server stays away, and the next run goes on there', async () => {
    await sandbox.add('large', '1', { payload: LARGE, live: true });
    server.answers = (request, response, file) => {
      if (!isBlob(request.url)) return false;
      if (request.headers.range === undefined) giveFile(request, response, file, 300_000);
      else response.destroy();
      return true;
    };
    const failed = await machine.install(['large']);
    expect([failed.exit, machine.exists('opt/large'), machine.lies()]).to.deep.equal([20, false, []]);
    const kept = readdirSync(machine.machine.paths.packages);
    expect(kept.filter((name) => name.endsWith('.part'))).to.have.length(1);
    server.answers = () => false;
    server.asked.length = 0;
    expect((await machine.install(['large'])).exit).to.equal(0);
    expect(Number(blobs()[0]?.range?.slice(6, -1))).to.be.greaterThan(200_000);
    expect(machine.read('opt/large')).to.equal(LARGE['opt/large']);
    expect(machine.leavings()).to.deep.equal([]);
  });

  const lies: [what: string, lie: FileServer['answers'], exit: number][] = [
    [
      'another content',
      (request, response, file) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 9] = (bytes.at(-9) ?? 0) ^ 1;
        response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
        return request.method === 'GET';
      },
      33,
    ],
    [
      'a length that is too small',
      (_request, response, file) => {
        const bytes = readFileSync(file);
        response.writeHead(200, { 'content-length': bytes.length - 7 }).end(bytes.subarray(0, -7));
        return true;
      },
      33,
    ],
    [
      'a length that is too large',
      (_request, response, file) => {
        const bytes = readFileSync(file);
        response.writeHead(200, { 'content-length': bytes.length + 7 });
        response.write(bytes, () => response.destroy());
        return true;
      },
      20,
    ],
    [
      'more bytes, without end',
      (_request, response, file) => {
        response.writeHead(200);
        response.write(readFileSync(file));
        const more = setInterval(() => response.write(Buffer.alloc(65_536)), 1);
        response.on('close', () => clearInterval(more));
        return true;
      },
      33,
    ],
    [
      'a packed file nobody asked for',
      (_request, response, file) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(readFileSync(file));
        return true;
      },
      33,
    ],
    [
      'the whole file where a piece was asked for',
      (request, response, file) => {
        if (request.headers.range === undefined) giveFile(request, response, file, 200_000);
        else response.writeHead(200).end(readFileSync(file));
        return true;
      },
      0,
    ],
    [
      'another piece than was asked for',
      (request, response, file) => {
        const bytes = readFileSync(file);
        if (request.headers.range === undefined) giveFile(request, response, file, 200_000);
        else
          response
            .writeHead(206, { 'content-range': `bytes 5-${bytes.length - 1}/${bytes.length}` })
            .end(bytes.subarray(5));
        return true;
      },
      33,
    ],
    [
      'another file after the cut, and then the right one',
      (() => {
        let asked = 0;
        return (request, response, file) => {
          asked += 1;
          const bytes = readFileSync(file);
          if (asked === 1) giveFile(request, response, file, 200_000);
          else if (asked === 2) {
            const from = Number(request.headers.range?.slice(6, -1));
            const rest = Buffer.alloc(bytes.length - from, 'x');
            response.writeHead(206, { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }).end(rest);
          } else return false;
          return true;
        };
      })(),
      0,
    ],
  ];
  for (const [what, lie, exit] of lies) {
    it(`depot3:B28 never installs a wrong byte: ${what} (${exit})`, async () => {
      await sandbox.add('large', '1', { payload: LARGE, live: true });
      server.answers = (request, response, file) => isBlob(request.url) && lie(request, response, file);
      const result = await machine.install(['large']);
      expect(result.exit).to.equal(exit);
      if (exit === 0) expect(machine.read('opt/large')).to.equal(LARGE['opt/large']);
      else expect(machine.exists('opt/large')).to.equal(false);
      expect(machine.lies()).to.deep.equal([]);
      server.answers = () => false;
      expect((await machine.sync()).exit).to.equal(0);
      expect((await machine.install(['large'])).exit).to.equal(0);
      expect(machine.read('opt/large')).to.equal(LARGE['opt/large']);
    });
  }

  it('tries again what a busy server puts off, and says what it answers when it stays so', async () => {
    await sandbox.add('tool', '1', { live: true });
    let busy = 2;
    server.answers = (_request, response) => {
      busy -= 1;
      if (busy < 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect((await machine.install(['tool'])).exit).to.equal(0);
    server.answers = (_request, response) => {
      response.writeHead(500).end();
      return true;
    };
    const { problems, exitCode } = await problemsOf(() => machine.sync());
    expect(exitCode).to.equal(20);
    expect(problems[0]?.message).to.include('it answers 500');
  });

  it('does not ask for ever where a server refuses even the whole of a file as a part of it (416)', async () => {
    await sandbox.add('tool', '1', { live: true });
    server.answers = ({ url }, response) => {
      if (!isBlob(url)) return false;
      response.writeHead(416).end();
      return true;
    };
    const { exit, outcomes } = await machine.install(['tool']);
    expect(exit).to.equal(20);
    expect(outcomes[0]?.text).to.include('answers 416');
    expect(blobs().length).to.be.lessThan(10);
  });

  it('depot3:G16 tells one way of being away from another', async () => {
    const closed = await FileServer.of(sandbox.depot);
    await closed.close();
    const away = async (url: string) => (await problemsOf(() => overHttp(machine, url).sync())).problems[0];
    expect((await away(closed.url))?.message).to.include('refused the connection');
    expect((await away('http://d3-test.invalid/'))?.message).to.match(/no such host|did not answer/);
    expect((await away(server.url.replace('http:', 'https:')))?.exit).to.equal('depotUnreachable');
    server.answers = (_request, response) => {
      response.writeHead(401).end();
      return true;
    };
    const unauthorised = await away(server.url);
    expect(unauthorised).to.deep.include({ code: 'DEPOT_UNAUTHORISED', exit: 'notAuthorised' });
    expect(unauthorised?.actions.join()).to.include('d3 enroll');
  });

  it('depot3:K14 takes no address with a secret in it, and shows it to nobody', async () => {
    for (const said of ['https://sally:secret@depot.example.org/', 'http://x/?token=secret', 'ftp://sally:secret@x/']) {
      const { problems, exitCode } = await problemsOf(async () => depotUrl(said));
      expect(exitCode).to.equal(2);
      expect(JSON.stringify([problems[0]?.message, problems[0]?.target])).to.not.include('secret');
    }
    expect(depotUrl('/srv/d3')).to.equal(null);
    expect(depotUrl('https://depot.example.org/d3/')?.pathname).to.equal('/d3/');
  });

  describe('with mirrors', () => {
    let mirror: FileServer;
    beforeEach(async () => {
      mirror = await FileServer.of(sandbox.depot);
      others.push(mirror);
      await sandbox.add('large', '1', { payload: LARGE, live: true });
    });
    const add = (url: string, networks: string[], priority = 10) =>
      sandbox.admin((session) => addMirror(url, networks, priority, session));

    it('depot3:E07 depot3:BUG-60 asks the one meant for its network, and the depot itself elsewhere', async () => {
      await add(mirror.url, ['10.1.0.0/16', '2001:db8:1::/48']);
      await overHttp(machine, server.url, ['192.168.7.1', '2001:db8:1::7']).install(['large']);
      expect([blobs().length, mirror.asked.length]).to.deep.equal([0, 1]);
      const elsewhere = overHttp(sandbox.machine('mac-b'), server.url, ['10.2.0.1']);
      await elsewhere.install(['large']);
      expect([blobs().length, mirror.asked.length]).to.deep.equal([1, 1]);
      expect(mirror.asked[0]?.path).to.match(/^\/blobs\//);
    });

    it('depot3:E10 depot3:BUG-28 falls back in their order, with a warning that names the one that failed', async () => {
      const gone = await FileServer.of(sandbox.dir);
      await gone.close();
      const empty = await FileServer.of(sandbox.folder('empty', {}));
      others.push(empty);
      await add(mirror.url, [], 30);
      await add(gone.url, [], 10);
      await add(empty.url, [], 20);
      const warned: string[] = [];
      const report = (event: { type: string; text?: string }) =>
        event.type === 'warning' && warned.push(event.text ?? '');
      expect((await machine.request(installRequest(['large']), { report })).exit).to.equal(0);
      expect(warned.map((text) => [gone.url, empty.url].find((url) => text.includes(url)))).to.deep.equal([
        gone.url,
        empty.url,
      ]);
      expect([empty.asked.length, mirror.asked.length, blobs().length]).to.deep.equal([1, 1, 0]);
    });

    it('depot3:E10 leaves one that gives other bytes for the next', async () => {
      await add(mirror.url, []);
      mirror.answers = (_request, response, file) => {
        response.writeHead(200).end(Buffer.alloc(readFileSync(file).length, 'x'));
        return true;
      };
      expect((await machine.install(['large'])).exit).to.equal(0);
      expect(machine.read('opt/large')).to.equal(LARGE['opt/large']);
      expect(blobs()).to.have.length(1);
    });

    it('depot3:E09 may be a folder that is mounted', async () => {
      await add(sandbox.depot, []);
      const folders = machine.with({});
      expect((await folders.install(['large'])).exit).to.equal(0);
    });

    it('depot3:E07 are added, changed, listed and deleted by admins, who are told of ranges that are none', async () => {
      const { problems, exitCode } = await problemsOf(() => add(mirror.url, ['10.1.0.0', '10.1.0.0/33', '::/0']));
      expect([exitCode, problems.length]).to.deep.equal([2, 2]);
      await problemsOf(() => add('ftp://x/', []));
      await add(`${mirror.url}/`, ['10.0.0.0/8']);
      await add(mirror.url, ['::/0'], 3);
      const [only, ...more] = await sandbox.admin((session) => listMirrors(session));
      expect(only).to.deep.include({ url: mirror.url, networks: ['::/0'], priority: 3 });
      expect(more).to.deep.equal([]);
      await sandbox.admin((session) => deleteMirror(mirror.url, session));
      expect(await sandbox.admin((session) => listMirrors(session))).to.deep.equal([]);
      expect((await problemsOf(() => sandbox.admin((session) => deleteMirror(mirror.url, session)))).exitCode).to.equal(
        34,
      );
    });
  });

  it('never follows a part somebody else has put there, nor uses one of another length', async () => {
    await sandbox.add('large', '1', { payload: LARGE, live: true });
    const { sha256, size } = (await machine.machine.depot?.refresh())?.catalog.editions[0]?.file ?? {
      sha256: '',
      size: 0,
    };
    const { packages } = machine.machine.paths;
    const part = path.join(packages, `${sha256}.part`);
    await machine.install(['nothing']);
    mkdirSync(packages, { recursive: true, mode: 0o700 });
    const elsewhere = path.join(sandbox.dir, 'elsewhere');
    writeFileSync(elsewhere, 'mine');
    symlinkSync(elsewhere, part);
    writeFileSync(`${part}.tag`, 'no tag\r\nX: y');
    expect((await machine.install(['large'])).exit).to.equal(0);
    expect(readFileSync(elsewhere, 'utf8')).to.equal('mine');
    expect(blobs()[0]).to.deep.include({ range: null, ifRange: null });
    await machine.uninstall(['large']);
    writeFileSync(part, Buffer.alloc(size + 1), { mode: 0o600 });
    expect((await machine.install(['large'])).exit).to.equal(0);
    expect(existsSync(part)).to.equal(false);
  });

  it('asks the next question on the same connection where something was not there, and ends one that goes on and on', async () => {
    let connections = 0;
    const closed: string[] = [];
    const host = createServer((request, response) => {
      const at = request.url ?? '';
      response.writeHead(404).write('no');
      request.socket.once('close', () => closed.push(at));
      if (at.endsWith('2.root.json')) {
        const dripping = setInterval(() => response.write(Buffer.alloc(32 * 1024)), 5);
        response.once('close', () => clearInterval(dripping));
      } else response.end();
    });
    host.on('connection', () => {
      connections += 1;
    });
    host.listen(0, '127.0.0.1');
    await once(host, 'listening');
    try {
      const { port } = host.address() as AddressInfo;
      const { signal } = new AbortController();
      const transport = new HttpTransport(new URL(`http://127.0.0.1:${port}`), { credentials: null, ca: null, signal });
      for (let n = 0; n < 3; n += 1) {
        expect(await transport.read('metadata/1.root.json', 10)).to.equal(null);
        await sleep(50);
      }
      expect([connections, closed]).to.deep.equal([1, []]);
      expect(await transport.read('metadata/2.root.json', 10)).to.equal(null);
      for (let waited = 0; closed.length === 0 && waited < 5000; waited += 20) await sleep(20);
      expect(closed.at(-1)).to.equal('/public/metadata/2.root.json');
    } finally {
      host.closeAllConnections();
      host.close();
    }
  });
});
