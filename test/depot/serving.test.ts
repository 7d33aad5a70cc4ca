import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { withOpened } from '../../src/admin/session.ts';
import { initDepot, openDepot, openRemoteDepot, type ServeOptions, serveDepot } from '../../src/depot/index.ts';
import { buildApp } from '../../src/depot/server/app.ts';
import { Contacts } from '../../src/depot/server/contacts.ts';
import { Limiter } from '../../src/depot/server/limiter.ts';
import { Publisher } from '../../src/depot/server/publisher.ts';
import { Tags } from '../../src/depot/server/static-files.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { systemClock, ticks } from '../../src/platform/clock.ts';
import { type Certified, selfSigned } from '../support/certificates.ts';
import { expectFailure, inFolder, newEdition, newReport, TestClock } from './helpers.ts';
import { type ServedDepot, serveForTest } from './served.ts';

const MEMBER = '0b9f2c9e-1111-4222-8333-444455556666';

describe('files of a served depot', () => {
  let served: ServedDepot;
  let at: string;
  const bytes = randomBytes(100_000);
  before(async () => {
    served = await serveForTest({ clock: new TestClock() });
    const { sha256 } = await served.depot.blobs.put(bytes);
    at = `/blobs/${sha256.slice(0, 2)}/${sha256}`;
  });
  after(() => served.discard());

  const fetched = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(`${served.url}${path}`, { headers, method });
    return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
  };

  it('come with a strong tag, whole, in part, or not at all when they are known', async () => {
    const whole = await fetched(at);
    const etag = whole.headers.get('etag') as string;
    expect([whole.status, whole.body.equals(bytes)]).to.deep.equal([200, true]);
    expect(etag).to.equal(`"${at.split('/')[3]}"`);
    expect(whole.headers.get('cache-control')).to.include('immutable');
    const known = await fetched(at, { 'if-none-match': `"x", ${etag}` });
    expect([known.status, known.body.length]).to.deep.equal([304, 0]);
    const parts: [string, number, number][] = [
      ['bytes=99990-', 99_990, 99_999],
      ['bytes=10-19', 10, 19],
      ['bytes=-5', 99_995, 99_999],
      ['bytes=99990-200000', 99_990, 99_999],
    ];
    for (const [range, start, end] of parts) {
      const part = await fetched(at, { range, 'if-range': etag });
      expect([range, part.status, part.headers.get('content-range')]).to.deep.equal([
        range,
        206,
        `bytes ${start}-${end}/100000`,
      ]);
      expect(part.body.equals(bytes.subarray(start, end + 1)), range).to.equal(true);
    }
    for (const headers of [
      { range: 'bytes=5-', 'if-range': '"another"' },
      { range: 'bytes=1-2,4-5' },
      { range: 'lines=1-' },
      { range: 'bytes=9-5' },
    ])
      expect((await fetched(at, headers)).body.length, JSON.stringify(headers)).to.equal(100_000);
    const beyond = await fetched(at, { range: 'bytes=100000-' });
    expect([beyond.status, beyond.headers.get('content-range')]).to.deep.equal([416, 'bytes */100000']);
    expect(beyond.headers.get('cache-control')).to.equal(null);
    const head = await fetched(at, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), head.body.length]).to.deep.equal([200, '100000', 0]);
  });

  it('are those of the signed catalog and of packages, and no others', async () => {
    for (const path of [
      '/public/',
      '/public/metadata',
      '/public/metadata/../../depot.db',
      '/public/metadata/..%2f..%2fdepot.db',
      '/public/metadata/1.root.json.bak',
      '/blobs/aa/../../keys/root.pem',
      '/blobs/keys/root.pem',
      `/blobs/aa/${'b'.repeat(64)}`,
      '/depot.db',
      '/keys/root.pem',
      '/inbox/',
    ]) {
      const { status, body } = await fetched(path);
      expect([path, status], body.toString()).to.deep.equal([path, 404]);
    }
    expect((await fetched('/public/metadata/1.root.json')).status).to.equal(200);
  });

  it('change their tag with what is published', async () => {
    const timestamp = () => fetched('/public/metadata/timestamp.json');
    const before = (await timestamp()).headers.get('etag');
    expect((await timestamp()).headers.get('etag')).to.equal(before);
    await served.depot.store
      .documents('group')
      .create('g', { schema: 'd3/group@1', kind: 'static', description: '', members: [] }, 'a');
    await served.server.publisher.now();
    expect((await timestamp()).headers.get('etag')).to.not.equal(before);
  });

  it('are known again by all who ask at once, and no longer when they change or go', async () => {
    const path = '/public/metadata/timestamp.json';
    const etag = (await fetched(path)).headers.get('etag') as string;
    const file = join(served.dir, 'depot', path);
    const bytes = readFileSync(file);
    try {
      const all = await Promise.all(Array.from({ length: 50 }, () => fetched(path, { 'if-none-match': etag })));
      expect(new Set(all.map(({ status }) => status))).to.deep.equal(new Set([304]));
      for (const header of ['etag', 'cache-control', 'accept-ranges', 'x-content-type-options'])
        expect(all[0]?.headers.get(header), header).to.equal((await fetched(path)).headers.get(header));
      expect((await fetched(path, { 'if-none-match': '"another"' })).status).to.equal(200);
      rmSync(file);
      expect((await fetched(path, { 'if-none-match': etag })).status).to.equal(404);
      writeFileSync(file, Buffer.concat([bytes, Buffer.from(' ')]));
      expect((await fetched(path, { 'if-none-match': etag })).status).to.equal(200);
    } finally {
      writeFileSync(file, bytes);
    }
    expect((await fetched(path, { 'if-none-match': etag })).status).to.equal(304);
  });

  it('look once for all who ask at the same moment', async () => {
    const tags = new Tags();
    const file = join(served.dir, 'depot/public/metadata/timestamp.json');
    expect(await tags.unchanged(file)).to.equal(null);
    const handle = await open(file);
    const tag = await tags.of(file, handle, await handle.stat());
    await handle.close();
    const looks = [tags.unchanged(file), tags.unchanged(file)];
    expect(await Promise.all(looks)).to.deep.equal([tag, tag]);
    // One that begins afterwards looks again.
    const moved = `${file}.moved`;
    renameSync(file, moved);
    try {
      expect(await tags.unchanged(file)).to.equal(null);
      symlinkSync(moved, file);
      expect(await tags.unchanged(file)).to.equal(null);
    } finally {
      rmSync(file, { force: true });
      renameSync(moved, file);
    }
    expect(await tags.unchanged(file)).to.equal(tag);
  });
});

describe('a served depot', () => {
  const options = (dir: string, changes: Partial<ServeOptions> = {}): ServeOptions => ({
    dir,
    host: '127.0.0.1',
    port: 0,
    tls: null,
    proxies: [],
    readers: 'everyone',
    perMinute: 1000,
    maxUpload: 1 << 20,
    logLevel: 'info',
    log: () => undefined,
    clock: systemClock,
    ticks,
    version: '0.0.0',
    ...changes,
  });

  it('believes the headers of proxies it was told of, and of nobody else', () =>
    inFolder(async (dir) => {
      await initDepot(join(dir, 'depot'), { clock: systemClock });
      for (const [proxies, from] of [
        [['127.0.0.1'], '203.0.113.7'],
        [['10.0.0.0/8'], '127.0.0.1'],
        [[], '127.0.0.1'],
      ] as [string[], string][]) {
        const log: string[] = [];
        const served = await serveDepot(options(join(dir, 'depot'), { proxies, log: (line) => log.push(line) }));
        await fetch(`${served.url}/api/v1/session`, { headers: { 'x-forwarded-for': '203.0.113.7' } });
        await served.stop();
        const line = log.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'request');
        expect(line.from, proxies.join()).to.equal(from);
      }
    }));

  it('takes no secret that came past the proxy, where all could read it', async () => {
    const served = await serveForTest({ clock: systemClock });
    try {
      const secret = await served.token('sally');
      const statuses = async (proxies: string[], from: string) => {
        const app = await buildApp(served.server, {
          log: () => undefined,
          logLevel: 'off',
          proxies,
          tls: null,
          perMinute: 1000,
          ticks,
        });
        const asked = (url: string, headers: Record<string, string>) =>
          app.inject({ method: 'GET', url, headers, remoteAddress: from }).then(({ statusCode }) => statusCode);
        const authorization = `Bearer ${secret}`;
        const found = [await asked('/api/v1/session', { authorization }), await asked('/health', {})];
        await app.close();
        return found;
      };
      expect(await statuses(['10.1.2.1'], '10.1.2.1')).to.deep.equal([200, 200]);
      expect(await statuses(['10.1.0.0/16', '2001:db8::/32'], '::ffff:10.1.9.9')).to.deep.equal([200, 200]);
      expect(await statuses(['2001:db8::/32'], '2001:db8::7')).to.deep.equal([200, 200]);
      expect(await statuses(['10.1.2.1'], '127.0.0.1')).to.deep.equal([200, 200]);
      expect(await statuses(['10.1.2.1'], '203.0.113.7')).to.deep.equal([403, 200]);
      expect(await statuses(['10.1.2.1'], '2001:db8::7')).to.deep.equal([403, 200]);
    } finally {
      await served.discard();
    }
  });

  it('patchoo:D-28 speaks TLS with its own certificate, to machines, to browsers and to admins who know it', () =>
    inFolder(async (folder) => {
      const { key, cert } = await tlsFiles(folder, selfSigned());
      await initDepot(join(folder, 'depot'), { clock: systemClock });
      const depot = await openDepot(join(folder, 'depot'), { clock: systemClock });
      const vera = { name: 'vera', role: 'viewer', computer: null, expiresAt: null } as const;
      const { secret } = await depot.store.tokens.add(vera, 'test');
      await depot.close();
      const served = await serveDepot(options(join(folder, 'depot'), { tls: { cert, key } }));
      const ca = readFileSync(cert);
      const ask = (method: string, path: string, headers: Record<string, string> = {}) =>
        new Promise<IncomingMessage>((resolve, reject) => {
          const asked = request(`${served.url}${path}`, { method, headers, ca }, (answer) => resolve(answer.resume()));
          asked.on('error', reject).end();
        });
      try {
        expect(served.url).to.match(/^https:/);
        expect((await ask('GET', '/public/metadata/timestamp.json')).statusCode).to.equal(200);
        const signedIn = await ask('POST', '/api/v1/page/session', { authorization: `Bearer ${secret}` });
        const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
        expect(cookie).to.match(/^__Host-d3=d3p_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
        const pair = cookie.split(';')[0] as string;
        expect((await ask('GET', '/api/v1/views/overview', { cookie: pair })).statusCode).to.equal(200);
        const inTheClear = pair.replace('__Host-d3', 'd3-page');
        expect((await ask('GET', '/api/v1/views/overview', { cookie: inTheClear })).statusCode).to.equal(401);
        const remote = (trusted: string | null) =>
          openRemoteDepot({
            url: new URL(served.url),
            token: async () => `d3t_${'x'.repeat(43)}`,
            ca: trusted,
            work: join(folder, 'work'),
            signal: new AbortController().signal,
          });
        const outcome = (trusted: string | null) =>
          remote(trusted).then(
            () => 'open',
            (error) => error.code,
          );
        expect([await outcome(cert), await outcome(null)]).to.deep.equal(['UNAUTHENTICATED', 'DEPOT_UNREACHABLE']);
      } finally {
        await served.stop();
      }
    }));

  it('does not begin with a certificate and a key that do not belong together, or are none, and names the file', () =>
    inFolder(async (folder) => {
      const own = await tlsFiles(folder, selfSigned());
      const other = await tlsFiles(folder, selfSigned(), 'other');
      const nothing = join(folder, 'nothing.pem');
      await writeFile(nothing, 'no PEM at all\n');
      await initDepot(join(folder, 'depot'), { clock: systemClock });
      for (const [tls, target, named] of [
        [{ cert: own.cert, key: other.key }, '--tls-key', other.key],
        [{ cert: nothing, key: own.key }, '--tls-cert', nothing],
        [{ cert: own.cert, key: nothing }, '--tls-key', nothing],
        [{ cert: own.key, key: own.key }, '--tls-cert', own.key],
      ] as const) {
        const refused = await expectFailure(
          serveDepot(options(join(folder, 'depot'), { tls })),
          'TLS_INVALID',
          'usage',
        );
        expect([refused.target, refused.message]).to.satisfy(
          ([flag, text]: [string, string]) => flag === target && text.includes(named),
        );
      }
    }));

  it('says that it is about to stop, in the shape of all errors, to who still has a connection', () =>
    inFolder(async (dir) => {
      await initDepot(join(dir, 'depot'), { clock: systemClock });
      const served = await serveDepot(options(join(dir, 'depot')));
      const { hostname, port } = new URL(served.url);
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.on('data', (piece) => (text += piece.toString()));
      const ended = new Promise((resolve) => socket.on('close', resolve));
      const head =
        'POST /api/v1/enrol HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n';
      socket.write(`${head}{}`);
      await until(() => text.includes('"code":"BODY_INVALID"'));
      text = '';
      // What is under way keeps the connection.
      socket.write('GET /ready HTTP/1.1\r\nhost: x\r\n');
      await new Promise((resolve) => setTimeout(resolve, 100));
      const stopping = served.stop();
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.write('\r\n');
      await ended;
      await stopping;
      expect(text)
        .to.match(/^HTTP\/1\.1 503 /)
        .and.include('"code":"STOPPING"')
        .and.match(/connection: close/i);
    }));

  it('tells admins over the network a week ahead what the keys of people signed for it, and of the rest nothing', async () => {
    const clock = new TestClock();
    const served = await serveForTest({ clock });
    try {
      const secret = await served.token('vera', 'viewer');
      const warned = async (): Promise<string[]> => {
        const said: string[] = [];
        const report = (event: { type: string; text?: string }) => said.push(event.text ?? '');
        const { signal } = new AbortController();
        const url = new URL(served.url);
        const remote = await openRemoteDepot({ url, token: async () => secret, ca: null, work: served.dir, signal });
        await withOpened(remote, { admin: 'vera', clock, plugins: noPlugins, report, signal }, async () => undefined);
        return said;
      };
      expect(await warned()).to.deep.equal([]);
      clock.moveDays(360);
      const said = await warned();
      expect(said.map((text) => /^the (\w+) metadata of the depot expires in \d days/.exec(text)?.[1])).to.have.members(
        ['root', 'targets'],
      );
      expect(said.join()).to.include('d3 depot keys sign');
    } finally {
      await served.discard();
    }
  });

  it('writes down who was there all at once, and nothing while they ask', async () => {
    const clock = new TestClock();
    const served = await serveForTest({ clock });
    try {
      await served.depot.store.computers.takeReport(newReport());
      const key = await served.machineKey(MEMBER);
      const before = (await served.depot.store.computers.find(MEMBER))?.lastContact;
      clock.moveDays(1);
      for (let n = 0; n < 5; n += 1) await served.ask('GET', '/public/metadata/timestamp.json', { secret: key });
      expect((await served.depot.store.computers.find(MEMBER))?.lastContact).to.equal(before);
      await served.server.contacts.writeDown();
      expect((await served.depot.store.computers.find(MEMBER))?.lastContact).to.equal('2030-01-02T00:00:00.000Z');
    } finally {
      await served.discard();
    }
  });

  it('that is about to stop says so to whoever asks for something new, and that it is alive', async () => {
    let isStopping = false;
    const served = await serveForTest({ clock: new TestClock(), isStopping: () => isStopping });
    try {
      const secret = await served.token('sally');
      expect((await served.ask('GET', '/ready')).status).to.equal(200);
      isStopping = true;
      for (const path of ['/ready', '/api/v1/editions', '/public/metadata/timestamp.json']) {
        const { status, headers, json } = await served.ask('GET', path, { secret });
        expect([path, status, json['code']]).to.deep.equal([path, 503, 'STOPPING']);
        expect(json).to.have.all.keys('code', 'exit', 'message', 'target', 'actions');
        expect(Number(headers.get('retry-after'))).to.be.greaterThan(0);
      }
      expect((await served.ask('GET', '/health')).status).to.equal(200);
    } finally {
      await served.discard();
    }
  });

  it('answers others while it writes down very many, and keeps what could not be written', async () => {
    const written: number[] = [];
    let [isFull, others] = [false, 0];
    const contacts = new Contacts(
      {
        async contacted(some) {
          if (isFull && written.length > 0) throw new Error('the disk is full');
          written.push(some.length);
        },
      },
      () => new Date('2030-01-01T00:00:00.000Z'),
    );
    const hear = (count: number) => {
      for (let id = 1; id <= count; id += 1) contacts.heard({ id, name: 'mac', role: 'machine', computer: MEMBER });
    };
    hear(12_000);
    const asking = setInterval(() => {
      others += 1;
    }, 0);
    await contacts.writeDown();
    clearInterval(asking);
    expect(written.reduce((sum, each) => sum + each)).to.equal(12_000);
    expect(written.length).to.be.greaterThan(2);
    expect(others).to.be.greaterThan(0);
    written.length = 0;
    isFull = true;
    hear(12_000);
    const failure = await contacts.writeDown().catch((error: Error) => error.message);
    expect([failure, written.length]).to.deep.equal(['the disk is full', 1]);
    isFull = false;
    await contacts.writeDown();
    expect(written.reduce((sum, each) => sum + each)).to.equal(12_000);
    written.length = 0;
    await contacts.writeDown();
    expect(written).to.deep.equal([]);
  });

  it('shows machines a change by itself', async () => {
    const served = await serveForTest({ clock: new TestClock() });
    try {
      const secret = await served.token('sally');
      const { sha256, size } = await served.depot.blobs.put(Buffer.from('a package'));
      const file = { name: 'x.pkg', sha256, size, format: 'pkg' as const };
      const added = await served.ask('POST', '/api/v1/editions', { secret, json: newEdition({ file }) });
      expect(added.status, added.text).to.equal(200);
      const missing = await served.ask('POST', '/api/v1/editions', { secret, json: newEdition({ revision: 2 }) });
      expect([missing.status, missing.json['code']]).to.deep.equal([503, 'BLOB_GONE']);
      for (let waited = 0; waited < 5000; waited += 50) {
        const { publication } = served.depot.store;
        if ((await publication.last())?.generation === (await publication.generation())) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('it was never published');
    } finally {
      await served.discard();
    }
  });
});

describe('an upload to a served depot', () => {
  it('goes on when the connection that was cut before is let go', async function () {
    this.timeout(30_000);
    const served = await serveForTest({ clock: systemClock });
    try {
      const secret = await served.token('sally');
      const bytes = randomBytes(1000);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const { hostname, port } = new URL(served.url);
      const stuck = connect(Number(port), hostname);
      stuck.on('error', () => undefined);
      stuck.write(
        `PUT /api/v1/uploads/${sha256}?offset=0&size=1000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\n` +
          'content-type: application/octet-stream\r\ncontent-length: 1000\r\n\r\n',
      );
      stuck.write(bytes.subarray(0, 100));
      const uploads = async () => (await served.ask('GET', `/api/v1/uploads/${sha256}`, { secret })).json['received'];
      for (let tries = 0; tries < 100 && (await uploads()) !== 100; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      setTimeout(() => stuck.destroy(), 500);
      const remote = await served.remote(secret);
      expect((await remote.blobs.put(bytes)).sha256).to.equal(sha256);
      await remote.close();
      expect(await served.depot.blobs.read(sha256)).to.deep.equal(bytes);
    } finally {
      await served.discard();
    }
  });
});

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !isSo(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the publisher', () => {
  it('makes one publication of several changes, and another when one came too late for it', async () => {
    let published = 0;
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const publisher = new Publisher(
      async () => {
        published += 1;
        if (published === 1) await gate;
        return null;
      },
      () => undefined,
    );
    const first = publisher.now();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(published).to.equal(1);
    const [second, third] = [publisher.now(), publisher.now()];
    release();
    await Promise.all([first, second, third]);
    expect(published).to.equal(2);
    for (let n = 0; n < 5; n += 1) publisher.soon();
    await publisher.stop();
    expect(published).to.equal(3);
  });

  it('tells what went wrong to whoever waits, and goes on', async () => {
    let tries = 0;
    const failures: unknown[] = [];
    const publisher = new Publisher(
      async () => {
        tries += 1;
        if (tries < 3) throw new Error('disk full');
        return null;
      },
      (error) => failures.push(error),
    );
    expect(await publisher.now().catch((error: Error) => error.message)).to.equal('disk full');
    publisher.soon();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(failures.length).to.equal(1);
    expect(await publisher.now()).to.equal(null);
  });
});

describe('the limiter', () => {
  it('lets so many through at once and then as many as time gives back, for each by itself', () => {
    let now = 0;
    const limiter = new Limiter(60, () => now);
    const taken = (who: string, times: number) =>
      Array.from({ length: times }, () => limiter.take(who)).filter((wait) => wait === 0).length;
    expect(taken('a', 100)).to.equal(60);
    expect(taken('b', 10)).to.equal(10);
    now += 10_000;
    expect(taken('a', 100)).to.equal(10);
    expect(limiter.take('a')).to.equal(1);
    now += 3_600_000;
    expect(taken('a', 100)).to.equal(60);
  });
});

async function tlsFiles(
  folder: string,
  { cert, key }: Certified,
  name = 'own',
): Promise<{ cert: string; key: string }> {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  return files;
}
