import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { openDepot } from '../../src/depot/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { d3, type Ended } from '../cli/spawn.ts';
import { newReport } from '../depot/helpers.ts';
import { Sandbox } from '../support/sandbox.ts';
import { type Running, serveProcess } from '../support/serve-process.ts';

/** The server as it really runs: a process of its own, with machines and admins that are processes too. */
describe('d3 depot serve', function () {
  this.timeout(180_000);
  let sandbox: Sandbox;
  let server: Running | null;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    server = null;
  });
  afterEach(async () => {
    if (server !== null) await server.end('SIGKILL');
    sandbox.remove();
  });

  const serve = async (words: string[] = []) => {
    server = await serveProcess(sandbox.depot, words);
    return server;
  };
  const result = ({ stdout, stderr }: Ended) => {
    try {
      return JSON.parse(stdout);
    } catch {
      throw new Error(`no envelope: ${stdout} ${stderr}`);
    }
  };
  const root = (name: string, facts: object = {}) => {
    const at = sandbox.folder(name, {});
    const own = { name, os: { name: 'macOS', version: '15.1' }, serial: `C02${name.toUpperCase()}`, processes: [] };
    writeFileSync(path.join(at, 'facts.json'), JSON.stringify({ ...own, ...facts }));
    return at;
  };
  const admin = (words: string[], env: Record<string, string> = {}) =>
    d3(['admin', ...words, '--json', '--no-input'], { env: { D3_DEPOT: sandbox.depot, USER: 'sally', ...env } });
  const code = async (words: string[]) => result(await admin(['enrol', 'code', ...words])).result.secret as string;
  const enroll = async (at: string, secret: string) =>
    result(
      await d3(['enroll', (server as Running).url, '--root', at, '--json', '--no-input'], {
        env: { D3_FLAG_CODE: secret },
      }),
    );
  /** Whoever is root on the host of the depot, with the keys that are there. */
  const keysOfHost = (words: string[]) =>
    d3([...words, '--json', '--no-input'], {
      env: { D3_DEPOT: sandbox.depot, USER: 'root', XDG_CONFIG_HOME: '/nonexistent' },
    });
  const sync = async (at: string) => result(await d3(['sync', '--root', at, '--json', '--no-input']));

  it('takes machines in, gives them the catalog, takes their reports, and ends well when it is told to', async () => {
    await sandbox.add('tool', '1', { live: true });
    const { url, end, log } = await serve();
    const site = await code(['--site']);
    const mac = root('mac-a');
    const enrolled = await enroll(mac, site);
    expect([enrolled.exit, enrolled.result?.before]).to.deep.equal([0, null]);
    const key = path.join(
      mac,
      process.platform === 'darwin' ? 'Library/Application Support/d3' : 'var/lib/d3',
      'depot-key.json',
    );
    expect(statSync(key).mode & 0o777).to.equal(0o600);
    const installed = result(
      await d3(['install', 'tool', '--root', mac, '--json', '--no-input'], { env: { USER: 'sally' } }),
    );
    expect([installed.exit, installed.warnings]).to.deep.equal([0, []]);
    const shown = result(await admin(['computer', 'show', 'mac-a']));
    expect(shown.result.receipts.map(({ edition }: { edition: string }) => edition)).to.deep.equal(['tool-1-1']);
    expect(shown.result.id).to.equal(enrolled.result.computer);

    // As a machine that was set up anew: a site code is not enough to be taken for it, a one-time code is.
    const again = root('mac-b', { serial: 'c02mac-a' });
    const waits = await enroll(again, site);
    expect([waits.exit, waits.errors[0].code]).to.deep.equal([43, 'ENROLMENT_PENDING']);
    const number = result(await admin(['enrol', 'list'])).result.enrolments[0].id as number;
    expect(result(await admin(['enrol', 'approve', String(number)])).exit).to.equal(0);
    const let_in = await enroll(again, site);
    expect([let_in.exit, let_in.result.computer]).to.deep.equal([0, enrolled.result.computer]);
    expect(let_in.result.before).to.be.a('string');
    expect((await sync(again)).warnings).to.deep.equal([]);
    // The machine that had the record before reads on, and reports no more.
    const old = await sync(mac);
    expect(old.warnings.join()).to.include('the report was kept');
    const third = root('mac-c', { serial: 'C02MAC-A' });
    const once = await code(['--once']);
    expect((await enroll(third, once)).result.computer).to.equal(enrolled.result.computer);
    const used = await enroll(root('mac-d'), once);
    expect([used.exit, used.errors[0].code]).to.deep.equal([21, 'CODE_NOT_GOOD']);

    const said = await fetch(`${url}/ready`);
    expect(said.status).to.equal(200);
    const ended = await end('SIGTERM');
    expect([ended.code, ended.signal]).to.deep.equal([0, null]);
    expect(log().at(-1)).to.include({ msg: 'stopped' });
    expect(JSON.stringify(log()))
      .to.not.include(site)
      .and.not.include(readFileSync(key, 'utf8').match(/d3k_[\w-]+/)?.[0]);
  });

  it('a machine with nothing new asks once, in less than 1 KB, and nothing is written', async () => {
    const { url } = await serve(['--log-level', 'debug']);
    const mac = root('mac-a');
    await enroll(mac, await code(['--site']));
    await sync(mac);
    const { key } = JSON.parse(readFileSync(keyFile(mac), 'utf8'));
    const first = await fetch(`${url}/public/metadata/timestamp.json`);
    const etag = first.headers.get('etag') as string;
    const written = () => ['depot.db', 'depot.db-wal'].map((name) => statSync(path.join(sandbox.depot, name)).mtimeMs);
    const before = written();
    const { bytes, answer } = await raw(url, [
      'GET /public/metadata/timestamp.json HTTP/1.1',
      `host: ${new URL(url).host}`,
      `authorization: Bearer ${key}`,
      `if-none-match: ${etag}`,
      'connection: close',
    ]);
    expect(answer).to.match(/^HTTP\/1\.1 304 /);
    expect(bytes).to.be.lessThan(1024);
    expect(written()).to.deep.equal(before);
    const asked = (server as Running).log().filter(({ msg }) => msg === 'request').length;
    expect((await sync(mac)).exit).to.equal(0);
    const since = (server as Running)
      .log()
      .filter(({ msg }) => msg === 'request')
      .slice(asked);
    expect(since.map(({ path: at, status }) => [at, status])).to.deep.equal([['/public/metadata/timestamp.json', 304]]);
  });

  it('with the targets key on an admin’s machine, live goes through over the network, and the server alone ships nothing', async () => {
    const home = (who: string) => path.join(sandbox.dir, `home-${who}`);
    const keys = (words: string[]) =>
      d3(['depot', 'keys', ...words, '--json', '--no-input'], {
        env: { D3_DEPOT: sandbox.depot, USER: 'sally', XDG_CONFIG_HOME: home('sally') },
      });
    const { publicKey } = result(await keys(['init', 'targets'])).result;
    const { roles } = result(await keys(['list'])).result;
    const old = roles.find(({ role }: { role: string }) => role === 'targets').keys[0].id as string;
    const rotated = result(await keys(['rotate', 'targets', '--add', publicKey, '--remove', old]));
    expect([rotated.exit, rotated.result?.inForce]).to.deep.equal([0, true]);
    const secrets = new Map<string, string>();
    for (const who of ['sally', 'bob'])
      secrets.set(who, result(await admin(['token', 'add', who, '--role', 'releaser'])).result.secret);
    const { url } = await serve();
    const over = async (words: string[], who = 'sally') =>
      result(
        await d3([...words, '--json', '--no-input'], {
          env: { D3_DEPOT: url, XDG_CONFIG_HOME: home(who), D3_CREDENTIALS: `${who}:${secrets.get(who)}` },
        }),
      );
    const mac = root('mac-a');
    await enroll(mac, await code(['--site']));
    const install = async () =>
      result(await d3(['install', 'tool', '--root', mac, '--json', '--no-input', '-a', 'sally']));

    const source = await sandbox.package('tool', { 'opt/tool': '1' });
    const added = await over(['admin', 'add', 'tool', '-v', '1', '-s', source]);
    expect([added.exit, added.warnings]).to.deep.equal([0, []]);
    const live = await over(['admin', 'live', 'tool-1-1', '-a']);
    expect([live.exit, live.warnings]).to.deep.equal([0, []]);
    expect((await install()).exit).to.equal(0);
    expect(readFileSync(path.join(mac, 'opt/tool'), 'utf8')).to.equal('1');

    // Without the key a change waits, and neither the server nor its host can show it to machines.
    const more = await sandbox.package('tool2', { 'opt/tool': '2' }, { version: '2' });
    const waits = await over(['admin', 'add', 'tool', '-v', '2', '-s', more], 'bob');
    expect([waits.exit, waits.warnings.join()]).to.satisfy(
      ([exit, text]: [number, string]) => exit === 0 && /waits for one more signature of the targets keys/.test(text),
    );
    expect((await over(['admin', 'live', 'tool-2-1', '-a'], 'bob')).exit).to.equal(0);
    expect(result(await keysOfHost(['depot', 'publish', '--renew'])).exit).to.equal(0);
    await sync(mac);
    expect(readFileSync(path.join(mac, 'opt/tool'), 'utf8')).to.equal('1');
    const listed = await over(['depot', 'keys', 'list']);
    expect(listed.result.waiting).to.have.length(1);
    const targets = listed.result.roles.find(({ role }: { role: string }) => role === 'targets').keys;
    expect(targets[0].atHand).to.equal(true);

    const refused = await over(['admin', 'edit', 'tool-1-1', '--description', 'x']);
    expect([refused.exit, refused.errors[0].code]).to.deep.equal([30, 'UNSIGNED_CHANGES']);
    const dry = await over(['depot', 'keys', 'sign', '--dry-run']);
    expect([dry.result.done, dry.result.what.join('\n')]).to.satisfy(
      ([done, text]: [boolean, string]) =>
        !done && /edition tool-2-1 is new, live, tool-2-1\.pkg, SHA-256 [0-9a-f]{64}/.test(text),
    );
    const stranger = await over(['depot', 'keys', 'sign', '--auto-confirm'], 'bob');
    expect([stranger.exit, stranger.errors[0].code]).to.deep.equal([34, 'NO_KEY_HERE']);
    const signed = await over(['depot', 'keys', 'sign', '--auto-confirm']);
    expect([signed.exit, signed.result?.inForce]).to.deep.equal([0, ['targets']]);
    await sync(mac);
    expect(readFileSync(path.join(mac, 'opt/tool'), 'utf8')).to.equal('2');
    expect(result(await admin(['history', '--verify'])).exit).to.equal(0);
  });

  it('killed under load loses nothing that it said it had', async function () {
    this.timeout(240_000);
    const depot = await openDepot(sandbox.depot, { clock: systemClock });
    const { secret } = await depot.store.tokens.add(
      { name: 'load', role: 'admin', computer: null, expiresAt: null },
      'test',
    );
    await depot.close();
    const acknowledged = { groups: [] as string[], blobs: [] as string[], reports: [] as string[] };
    for (let round = 0; round < 3; round += 1) {
      const { url, end } = await serve();
      const mac = root(`load-${round}`);
      await enroll(mac, await code(['--site']));
      const { key } = JSON.parse(readFileSync(keyFile(mac), 'utf8'));
      const computer = { id: readFileSync(path.join(path.dirname(keyFile(mac)), 'computer-id'), 'utf8').trim() };
      const load = { isOver: false };
      const until = async (work: (n: number) => Promise<void>) => {
        for (let n = 0; !load.isOver; n += 1) await work(n).catch(() => undefined);
      };
      const send = (method: string, at: string, auth: string, body: string | Buffer, type = 'application/json') =>
        fetch(`${url}${at}`, {
          method,
          body: body as string,
          headers: { authorization: `Bearer ${auth}`, 'content-type': type },
        });
      const working = [
        until(async (n) => {
          const name = `g-${round}-${n}`;
          const body = { schema: 'd3/group@1', kind: 'static', description: '', members: [] };
          const { status } = await send('POST', '/api/v1/documents/group', secret, JSON.stringify({ name, body }));
          if (status === 200) acknowledged.groups.push(name);
        }),
        until(async (n) => {
          const bytes = Buffer.alloc(200_000, `${round} ${n} `);
          const { createHash } = await import('node:crypto');
          const sha256 = createHash('sha256').update(bytes).digest('hex');
          const at = `/api/v1/uploads/${sha256}?offset=0&size=${bytes.length}`;
          const answer = await send('PUT', at, secret, bytes, 'application/octet-stream');
          if (answer.status === 200 && ((await answer.json()) as { isThere: boolean }).isThere)
            acknowledged.blobs.push(sha256);
        }),
        until(async (n) => {
          const run = `r-${round}-${n}`;
          const report = newReport({ run, at: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString() }, computer);
          const { status } = await send('POST', '/api/v1/reports', key, JSON.stringify(report));
          if (status === 200) acknowledged.reports.push(`${computer.id} ${run}`);
        }),
      ];
      await new Promise((resolve) => setTimeout(resolve, 1200));
      await end('SIGKILL');
      load.isOver = true;
      await Promise.all(working);
    }
    server = null;
    const after = await openDepot(sandbox.depot, { clock: systemClock });
    try {
      const { store, blobs } = after;
      const groups = new Set((await store.documents('group').list()).map(({ name }) => name));
      expect(acknowledged.groups.filter((name) => !groups.has(name))).to.deep.equal([]);
      for (const sha256 of acknowledged.blobs) expect(await blobs.isWhole(sha256), sha256).to.equal(true);
      for (const sha256 of await blobs.list()) expect(await blobs.isWhole(sha256), sha256).to.equal(true);
      // The last ten of each computer are kept: the last that was acknowledged is among them.
      const last = new Map(acknowledged.reports.map((each) => each.split(' ') as [string, string]));
      for (const [id, run] of last)
        expect((await store.computers.reports(id)).map((report) => report.run)).to.include(run);
      expect(Math.min(groups.size, acknowledged.blobs.length, acknowledged.reports.length)).to.be.greaterThan(3);
      // And machines are shown what is there.
      expect((await store.publication.last())?.generation).to.equal(await store.publication.generation());
    } finally {
      await after.close();
    }
  });

  it('refuses to listen where tokens would be read, and what cannot be', async () => {
    const ended = async (words: string[]) => {
      const { code: exit, stdout } = await d3(['depot', 'serve', sandbox.depot, '--json', ...words]);
      return [exit, JSON.parse(stdout).errors[0].code];
    };
    expect(await ended(['--listen', '0.0.0.0:0'])).to.deep.equal([30, 'SERVE_IN_THE_CLEAR']);
    expect(await ended(['--listen', 'nonsense'])).to.deep.equal([2, 'LISTEN_INVALID']);
    expect(await ended(['--tls-cert', 'x'])).to.deep.equal([2, 'TLS_HALF']);
    expect(await ended(['--listen', '127.0.0.1:0', '--tls-cert', 'x', '--tls-key', 'y'])).to.deep.equal([
      2,
      'TLS_UNREADABLE',
    ]);
    expect(await ended(['--listen', '127.0.0.1:0', '--proxy', 'everybody'])).to.deep.equal([2, 'PROXY_INVALID']);
    const { url } = await serve();
    expect(await ended(['--listen', new URL(url).host])).to.deep.equal([1, 'LISTEN']);
    const gone = await d3(['depot', 'serve', path.join(sandbox.dir, 'nothing'), '--json']);
    expect(gone.code).to.equal(34);
  });
});

function keyFile(root: string): string {
  const state = process.platform === 'darwin' ? 'Library/Application Support/d3' : 'var/lib/d3';
  return path.join(root, state, 'depot-key.json');
}

/** @returns bytes of the request and the answer together */
async function raw(url: string, lines: string[]): Promise<{ bytes: number; answer: string }> {
  const { connect } = await import('node:net');
  const { hostname, port } = new URL(url);
  const asked = `${lines.join('\r\n')}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.on('data', (piece) => (answer += piece.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve({ bytes: asked.length + answer.length, answer }));
    socket.write(asked);
  });
}
