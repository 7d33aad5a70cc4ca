import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { initDepot, type LocalDepot, newSecret, openDepot, secretHash } from '../../src/depot/index.ts';
import type { Rank } from '../../src/depot/roles.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { d3, type Ended } from '../cli/spawn.ts';
import { dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type Running, serveProcess } from '../support/serve-process.ts';
import { newEdition, newReport } from './helpers.ts';

interface Answered {
  status: number;
  headers: Headers;
  json: Record<string, unknown>;
}

/** Two servers, each a process of its own, on one PostgreSQL and one folder of files. */
describe('several servers of one depot', function () {
  this.timeout(120_000);
  let postgres: TestServer;
  let database: string;
  let folder: string;
  let dir: string;
  let depot: LocalDepot;
  let secret: string;
  let a: Running;
  let b: Running;

  before(async () => {
    postgres = await testPostgres();
    database = freshSchema(postgres);
    folder = mkdtempSync(path.join(tmpdir(), 'd3-servers-test-'));
    dir = path.join(folder, 'depot');
    const given = { clock: systemClock, database: { url: database, password: null } };
    await initDepot(dir, given);
    depot = await openDepot(dir, given);
    secret = await token('sally');
    [a, b] = await Promise.all([serve(), serve()]);
  });
  after(async () => {
    await Promise.all([a, b].map((server) => server?.end('SIGKILL')));
    await depot?.close();
    if (database !== undefined) await dropSchema(database);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    await releasePostgres();
  });

  const serve = () => serveProcess(dir, [], { D3_DEPOT_DATABASE: database });
  const token = async (name: string, role: Rank = 'admin') =>
    (await depot.store.tokens.add({ name, role, computer: null, expiresAt: null }, 'test')).secret;
  const ask = async (
    { url }: Running,
    method: string,
    at: string,
    {
      auth = secret,
      json,
      body,
      cookie,
    }: { auth?: string | null; json?: unknown; body?: Buffer; cookie?: string } = {},
  ): Promise<Answered> => {
    const response = await fetch(`${url}${at}`, {
      method,
      headers: {
        ...(auth === null ? {} : { authorization: `Bearer ${auth}` }),
        ...(cookie === undefined ? {} : { cookie }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body: body as unknown as string }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text.startsWith('{') ? JSON.parse(text) : {} };
  };
  const result = ({ stdout, stderr }: Ended) => {
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`no envelope: ${stdout} ${stderr}`);
    }
  };
  const admin = async ({ url }: Running, words: string[]) => {
    const env = { D3_DEPOT: url, XDG_CONFIG_HOME: path.join(folder, 'home'), D3_CREDENTIALS: `sally:${secret}` };
    return result(await d3(['admin', ...words, '--json', '--no-input'], { env }));
  };
  /** An edition with a file that is there. */
  const edition = async (basename: string, revision: number) => {
    const { sha256, size } = await depot.blobs.put(Buffer.from(`${basename} ${revision}`));
    const file = { name: `${basename}.pkg`, sha256, size, format: 'pkg' as const };
    return depot.store.editions.insert(newEdition({ basename, revision, file }), 'sally');
  };

  it('what is added through one is made live through another, and machines of either get it', async () => {
    const sandbox = await Sandbox.make();
    try {
      const source = await sandbox.package('tool', { 'opt/tool/version': '1' });
      expect((await admin(a, ['add', 'tool', '-v', '1', '-s', source, '-g', 'standard'])).exit).to.equal(0);
      const live = await admin(b, ['live', 'tool-1-1', '-a']);
      expect([live.exit, live.warnings]).to.deep.equal([0, []]);
      const { secret: code } = (await admin(a, ['enrol', 'code', '--site'])).result;
      const ids: string[] = [];
      for (const [name, server] of Object.entries({ one: a, two: b })) {
        const root = sandbox.folder(name, {});
        const facts = { name, os: { name: 'macOS', version: '15.1' }, serial: `C02${name}`, processes: [] };
        writeFileSync(path.join(root, 'facts.json'), JSON.stringify(facts));
        const words = ['enroll', server.url, '--root', root, '--json', '--no-input'];
        ids.push(result(await d3(words, { env: { D3_FLAG_CODE: code } })).result.computer);
        const synced = result(await d3(['sync', '--root', root, '--json', '--no-input']));
        expect([synced.exit, synced.warnings]).to.deep.equal([0, []]);
        expect(readFileSync(path.join(root, 'opt/tool/version'), 'utf8')).to.equal('1');
      }
      // What a machine reported to one server is known to the other.
      for (const [id, other] of [
        [ids[0], b],
        [ids[1], a],
      ] as const) {
        const story = await ask(other, 'GET', `/api/v1/views/computers/${id}`);
        const basenames = story.json['basenames'] as { basename: string; standing: { state: string } | null }[];
        expect(basenames.find(({ basename }) => basename === 'tool')?.standing?.state).to.equal('installed');
      }
    } finally {
      sandbox.remove();
    }
  });

  it('an upload that was begun at one goes on at another, and bytes come from one side at a time', async () => {
    const bytes = randomBytes(400_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const at = (offset: number) => `/api/v1/uploads/${sha256}?offset=${offset}&size=${bytes.length}`;
    const first = await ask(a, 'PUT', at(0), { body: bytes.subarray(0, 100_000) });
    expect(first.json).to.deep.equal({ received: 100_000, isThere: false });
    const known = await ask(b, 'GET', `/api/v1/uploads/${sha256}`);
    expect(known.json).to.deep.equal({ received: 100_000, isThere: false });

    // Through A more comes, but not its end; meanwhile B takes nothing of it.
    const cut = await opened(a.url, [
      `PUT ${at(100_000)} HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${secret}`,
      'content-type: application/octet-stream',
      'content-length: 300000',
    ]);
    cut.write(bytes.subarray(100_000, 200_000));
    await until(
      async () => ((await ask(b, 'GET', `/api/v1/uploads/${sha256}`)).json['received'] as number) === 200_000,
    );
    const busy = await ask(b, 'PUT', at(200_000), { body: bytes.subarray(200_000) });
    expect([busy.status, busy.json['code']]).to.deep.equal([503, 'UPLOAD_BUSY']);
    expect(Number(busy.headers.get('retry-after'))).to.be.greaterThan(0);
    cut.destroy();
    let last: Answered | undefined;
    await until(
      async () => (last = await ask(b, 'PUT', at(200_000), { body: bytes.subarray(200_000) })).status !== 503,
    );
    expect(last?.json).to.deep.equal({ received: 400_000, isThere: true });
    expect(await depot.blobs.unfinished()).to.deep.equal([]);
    const given = await fetch(`${a.url}/blobs/${sha256.slice(0, 2)}/${sha256}`);
    expect(Buffer.from(await given.arrayBuffer()).equals(bytes)).to.equal(true);
  });

  it('an upload through a server that is killed with kill -9 goes on at another', async () => {
    const bytes = randomBytes(300_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const at = (offset: number) => `/api/v1/uploads/${sha256}?offset=${offset}&size=${bytes.length}`;
    const short = await serve();
    const upload = await opened(short.url, [
      `PUT ${at(0)} HTTP/1.1`,
      'host: x',
      `authorization: Bearer ${secret}`,
      'content-type: application/octet-stream',
      'content-length: 300000',
    ]);
    upload.write(bytes.subarray(0, 200_000));
    const received = async () => (await ask(b, 'GET', `/api/v1/uploads/${sha256}`)).json['received'] as number;
    await until(async () => (await received()) === 200_000);
    await short.end('SIGKILL');
    expect(await depot.blobs.has(sha256)).to.equal(false);
    expect((await ask(b, 'PUT', at(200_000), { body: bytes.subarray(200_000) })).json).to.deep.equal({
      received: 300_000,
      isThere: true,
    });
    expect(await depot.blobs.isWhole(sha256)).to.equal(true);
  });

  it('a token that is revoked at one opens nothing at another from the next request on', async () => {
    const joe = await token('joe', 'viewer');
    expect((await ask(b, 'GET', '/api/v1/session', { auth: joe })).status).to.equal(200);
    expect((await ask(a, 'DELETE', '/api/v1/tokens/joe')).status).to.equal(200);
    const refused = await ask(b, 'GET', '/api/v1/session', { auth: joe });
    expect([refused.status, refused.json['code']]).to.deep.equal([401, 'UNAUTHENTICATED']);
  });

  it('who signed in on the page of one is signed in on that of another, and after it was started again', async () => {
    const vera = await token('vera', 'viewer');
    const signedIn = await ask(a, 'POST', '/api/v1/page/session', { auth: vera });
    const cookie = (signedIn.headers.get('set-cookie') as string).split(';')[0] as string;
    const looks = async (server: Running) =>
      (await ask(server, 'GET', '/api/v1/views/overview', { auth: null, cookie })).status;
    expect([await looks(a), await looks(b)]).to.deep.equal([200, 200]);
    expect(await a.end('SIGTERM')).to.deep.equal({ code: 0, signal: null });
    a = await serve();
    expect(await looks(a)).to.equal(200);
    expect((await ask(b, 'DELETE', '/api/v1/page/session', { auth: null, cookie })).status).to.equal(204);
    expect(await looks(a)).to.equal(401);
  });

  it('of two who make editions of one basename live at once, one does and the other is told', async () => {
    let liveId: number | null = null;
    const made = [await edition('race', 1), await edition('race', 2), await edition('race', 3)];
    const newestId = made[2]?.id;
    for (let round = 0; round < 4; round += 1) {
      const free: number[] = made.map(({ id }) => id).filter((id) => id !== liveId);
      const answers = await Promise.all(
        [a, b].map((server, index) =>
          ask(server, 'POST', `/api/v1/editions/${free[index]}/live`, { json: { liveId, newestId } }),
        ),
      );
      expect(answers.map(({ status }) => status).toSorted()).to.deep.equal([200, 409]);
      expect(answers.find(({ status }) => status === 409)?.json['code']).to.equal('LIVE_CONFLICT');
      liveId = free[answers.findIndex(({ status }) => status === 200)] as number;
      const live = (await depot.store.editions.list()).filter((e) => e.basename === 'race' && e.status === 'live');
      expect(live.map(({ id }) => id)).to.deep.equal([liveId]);
    }
  });

  it('PostgreSQL killed under load: nothing acknowledged is lost, it is said meanwhile, and they go on by themselves', async function () {
    const { own } = postgres;
    if (own === null) this.skip();
    const computer = { id: randomUUID(), name: 'load', claims: { serial: null, hardwareUuid: null, macs: [] } };
    const key = newSecret('key');
    const expiresAt = new Date(systemClock.now().getTime() + 600_000).toISOString();
    const { secret: code } = await depot.store.enrolments.addCode({ kind: 'once', note: '', expiresAt }, 'test');
    await depot.store.enrolments.enrol({ code, keyHash: secretHash(key), computer });
    const acknowledged = { groups: [] as string[], report: '' };
    const refused: Answered[] = [];
    const load = { isOver: false };
    const untilOver = async (work: (n: number) => Promise<Answered>, taken: (n: number) => void) => {
      for (let n = 0; !load.isOver; n += 1) {
        const answered = await work(n);
        if (answered.status === 200) taken(n);
        else refused.push(answered);
      }
    };
    const body = { schema: 'd3/group@1', kind: 'static', description: '', members: [] };
    const working = [
      ...[a, b].map((server, index) =>
        untilOver(
          (n) => ask(server, 'POST', '/api/v1/documents/group', { json: { name: `load ${index} ${n}`, body } }),
          (n) => acknowledged.groups.push(`load ${index} ${n}`),
        ),
      ),
      untilOver(
        (n) => {
          const at = new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString();
          return ask(a, 'POST', '/api/v1/reports', { auth: key, json: newReport({ run: `load-${n}`, at }, computer) });
        },
        (n) => (acknowledged.report = `load-${n}`),
      ),
    ];
    await until(async () => acknowledged.groups.length > 20 && acknowledged.report !== '');
    await own.kill();
    try {
      const [ready, health, reading] = await Promise.all([
        ask(b, 'GET', '/ready', { auth: null }),
        ask(b, 'GET', '/health', { auth: null }),
        // What machines read is on the disk.
        ask(b, 'GET', '/public/metadata/timestamp.json', { auth: key }),
      ]);
      expect([ready.status, ready.json['code']]).to.deep.equal([503, 'DATABASE_UNREACHABLE']);
      expect([health.status, reading.status]).to.deep.equal([200, 200]);
      // Whoever asks waits a while for a server that is started again, and is told then.
      await until(async () => refused.some(({ json }) => json['code'] === 'DATABASE_UNREACHABLE'), 20_000);
    } finally {
      await own.start();
    }
    const before = acknowledged.groups.length;
    await until(async () => (await ask(b, 'GET', '/ready', { auth: null })).status === 200);
    await until(async () => acknowledged.groups.length > before + 5);
    load.isOver = true;
    await Promise.all(working);

    expect(refused.length).to.be.greaterThan(0);
    for (const { status, json, headers } of refused) {
      expect(json).to.have.all.keys('code', 'exit', 'message', 'target', 'actions');
      expect([status, json['code']].join(' ')).to.be.oneOf(['503 DATABASE_UNREACHABLE', '502 CHANGE_UNKNOWN']);
      if (status === 503) expect(Number(headers.get('retry-after'))).to.be.greaterThan(0);
    }
    const groups = new Set((await depot.store.documents('group').list()).map(({ name }) => name));
    expect(acknowledged.groups.filter((name) => !groups.has(name))).to.deep.equal([]);
    expect((await depot.store.computers.reports(computer.id)).map(({ run }) => run)).to.include(acknowledged.report);
    // And machines are shown what is there.
    expect((await ask(a, 'POST', '/api/v1/publication')).status).to.equal(200);
    const { publication } = depot.store;
    expect((await publication.last())?.generation).to.equal(await publication.generation());
  });
});

/** A request whose head is sent and whose body is still to come. */
async function opened(url: string, head: readonly string[]): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  await new Promise((resolve) => {
    socket.once('connect', resolve);
  });
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  return socket;
}

async function until(isSo: () => Promise<boolean>, within = 30_000): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 50) {
    if (waited > within) throw new Error('it never came to be so');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
