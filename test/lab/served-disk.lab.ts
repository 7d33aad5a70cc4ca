import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { initDepot, newSecret, openDepot, openRemoteDepot, secretHash } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { expectFailure, newReport } from '../depot/helpers.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type Running, serveProcess } from '../support/serve-process.ts';

const MEBIBYTE = 1024 * 1024;

/** A served depot on a file system of its own, which gets really full. */
describe('a served depot on a small disk', () => {
  let sandbox: Sandbox;
  let disk: string;
  let dir: string;
  let server: Running;
  let secret: string;
  let key: string;
  const computer = { id: '0b9f2c9e-1111-4222-8333-444455556666', name: 'lab', claims: newReport().computer.claims };
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    disk = path.join(sandbox.dir, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'd3-test', disk]);
    dir = path.join(disk, 'depot');
    await initDepot(dir, { clock: systemClock });
    const { store, close } = await opened();
    ({ secret } = await store.tokens.add({ name: 'sally', role: 'admin', computer: null, expiresAt: null }, 'test'));
    const expiresAt = new Date(systemClock.now().getTime() + 600_000).toISOString();
    const { secret: code } = await store.enrolments.addCode({ kind: 'once', note: '', expiresAt }, 'test');
    key = newSecret('key');
    await store.enrolments.enrol({ code, keyHash: secretHash(key), computer });
    await close();
    server = await serveProcess(dir);
  });
  afterEach(async () => {
    await server?.end('SIGKILL');
    execFileSync('umount', ['-l', disk]);
    sandbox.remove();
  });

  async function opened() {
    const depot = await openDepot(dir, { clock: systemClock });
    return { store: depot.store, close: () => depot.close() };
  }

  async function ask(method: string, at: string, auth: string, json?: unknown) {
    const response = await fetch(`${server.url}${at}`, {
      method,
      headers: {
        authorization: `Bearer ${auth}`,
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }
  const group = (name: string) => ({
    name,
    body: { schema: 'd3/group@1', kind: 'static', description: '', members: [] },
  });
  const blobs = () => readdirSync(path.join(dir, 'blobs'), { recursive: true, encoding: 'utf8' });

  it('says that a package does not fit, leaves nothing of it, and goes on', async () => {
    const bytes = randomBytes(64 * MEBIBYTE);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const before = blobs();
    for (let times = 0; times < 2; times += 1) {
      const refused = await fetch(`${server.url}/api/v1/uploads/${sha256}?offset=0&size=${bytes.length}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/octet-stream' },
        body: bytes as unknown as string,
      });
      const said = (await refused.json()) as Record<string, unknown>;
      expect([refused.status, said['code']]).to.deep.equal([507, 'NO_SPACE']);
      expect(said).to.have.all.keys('code', 'exit', 'message', 'target', 'actions');
      expect(blobs()).to.deep.equal(before);
    }
    // As d3admin sends it.
    const signal = new AbortController().signal;
    const work = path.join(sandbox.dir, 'work');
    const url = new URL(server.url);
    const remote = await openRemoteDepot({ url, token: async () => secret, ca: null, work, signal });
    try {
      await expectFailure(remote.blobs.put(bytes), 'NO_SPACE', 'failed');
      const { sha256: small } = await remote.blobs.put(bytes.subarray(0, MEBIBYTE));
      expect(await remote.blobs.isWhole(small)).to.equal(true);
    } finally {
      await remote.close();
    }
    expect((await ask('POST', '/api/v1/documents/group', secret, group('there is room'))).status).to.equal(200);
  });

  it('that is full to the last byte takes no change and no report, says so, and goes on when there is room', async () => {
    expect((await ask('POST', '/api/v1/documents/group', secret, group('before'))).status).to.equal(200);
    expect((await ask('POST', '/api/v1/publication', secret)).status).to.equal(200);
    const filler = fill();
    const acknowledged = ['before'];
    let refused = 0;
    // What the database had room for is in, and then nothing more.
    for (let n = 0; refused < 3; n += 1) {
      expect(n).to.be.lessThan(500);
      const { status, json } = await ask('POST', '/api/v1/documents/group', secret, group(`full ${n}`));
      if (status === 200) acknowledged.push(`full ${n}`);
      else {
        refused += 1;
        expect([status, json['code']]).to.deep.equal([507, 'NO_SPACE']);
        expect(json).to.have.all.keys('code', 'exit', 'message', 'target', 'actions');
      }
    }
    const report = newReport({ run: 'full', at: systemClock.now().toISOString() }, computer);
    const reported = await ask('POST', '/api/v1/reports', key, report);
    expect([reported.status, reported.json['code']]).to.deep.equal([507, 'NO_SPACE']);
    expect((await fetch(`${server.url}/health`)).status).to.equal(200);
    expect((await fetch(`${server.url}/public/metadata/timestamp.json`)).status).to.equal(200);

    rmSync(filler);
    expect((await ask('POST', '/api/v1/reports', key, report)).status).to.equal(200);
    expect((await ask('POST', '/api/v1/documents/group', secret, group('after'))).status).to.equal(200);
    expect((await ask('POST', '/api/v1/publication', secret)).status).to.equal(200);
    expect(await server.end('SIGTERM')).to.deep.equal({ code: 0, signal: null });
    const { store, close } = await opened();
    const groups = (await store.documents('group').list()).map(({ name }) => name);
    expect(groups.toSorted()).to.deep.equal([...acknowledged, 'after'].toSorted());
    expect((await store.computers.reports(computer.id)).map(({ run }) => run)).to.deep.equal(['full']);
    expect((await store.publication.last())?.generation).to.equal(await store.publication.generation());
    await close();
  });

  function fill(): string {
    const filler = path.join(disk, 'filler');
    const { bavail, bsize } = statfsSync(disk);
    try {
      writeFileSync(filler, Buffer.alloc(bavail * bsize + MEBIBYTE));
    } catch {
      // It is full now.
    }
    expect(statfsSync(disk).bavail).to.equal(0);
    return filler;
  }
});
