import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { createDepotClient, HttpTransport } from '../../src/depot/index.ts';
import { TestClock } from '../depot/helpers.ts';
import { makeAuthority, selfSigned } from '../support/certificates.ts';
import { problemsOf } from '../support/errors.ts';

describe('a depot over TLS', () => {
  let dir: string;
  let server: Server;
  /** Headers of each request. */
  let asked: { method: string; authorization: string | undefined }[];
  const told = new Date('2031-05-05T05:05:05.000Z');

  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-tls-'));
    asked = [];
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true });
  });

  async function clientOf({ cert, key }: { cert: string; key: string }, ca: string | null) {
    server = createServer({ cert, key }, (request, response) => {
      asked.push({ method: request.method ?? '', authorization: request.headers.authorization });
      response.writeHead(404, { date: told.toUTCString() }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const file = path.join(dir, 'ca.pem');
    if (ca !== null) writeFileSync(file, ca);
    const transport = new HttpTransport(new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`), {
      credentials: async () => 'secret',
      ca: ca === null ? null : file,
      signal: new AbortController().signal,
    });
    Object.defineProperties(transport, { pauses: { value: [] } });
    return createDepotClient({ transport, trustDir: path.join(dir, 'trust'), clock: new TestClock() });
  }

  it('patchoo:AP-15 a certificate nobody vouches for is refused, and gets no credentials; only the time is asked for, which is a hint', async () => {
    const client = await clientOf(selfSigned(), null);
    const { problems } = await problemsOf(client.refresh());
    expect(problems.map(({ exit }) => exit)).to.deep.equal(['depotUnreachable']);
    expect(problems[0]?.message).to.match(/its certificate is not accepted/);
    expect(asked).to.deep.equal([]);
    expect(await client.time()).to.deep.equal({ signed: null, host: told });
    expect(asked).to.deep.equal([{ method: 'HEAD', authorization: undefined }]);
  });

  it('patchoo:AP-15 one of an authority of one’s own is accepted once that is named, and another authority’s is not', async () => {
    const authority = makeAuthority();
    const names = ['127.0.0.1'];
    const client = await clientOf(authority.issue(names), authority.cert);
    const { problems } = await problemsOf(client.refresh());
    expect(problems[0]?.message, 'it got through to a server that has no depot').to.match(/it publishes nothing/);
    expect(asked.at(-1)).to.deep.equal({ method: 'GET', authorization: 'Bearer secret' });
    server.closeAllConnections();
    server.close();
    const other = await clientOf(authority.issue(names), makeAuthority('another').cert);
    expect((await problemsOf(other.refresh())).problems[0]?.message).to.match(/its certificate is not accepted/);
  });
});
