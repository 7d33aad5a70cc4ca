import { expect } from 'chai';
import { ROUTES } from '../../src/depot/server/routes/index.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { TestClock } from './helpers.ts';
import { type ServedDepot, serveForTest } from './served.ts';

/** Signing in on the page: what the browser keeps, and what that opens. */
describe('signing in on the page', () => {
  let served: ServedDepot;
  let clock: TestClock;
  beforeEach(async () => {
    clock = new TestClock(systemClock.now().toISOString());
    served = await serveForTest({ clock });
  });
  afterEach(() => served.discard());

  const signIn = (secret: string | undefined) => served.ask('POST', '/api/v1/page/session', { secret });
  const withCookie = (method: string, path: string, cookie: string, headers: Record<string, string> = {}) =>
    served.ask(method, path, { headers: { cookie, ...headers } });

  async function cookieOf(secret: string): Promise<string> {
    const { status, headers } = await signIn(secret);
    expect(status).to.equal(200);
    return (headers.get('set-cookie') as string).split(';')[0] as string;
  }

  it('gives a cookie that no script reads and no other site sends, and that is not the token', async () => {
    const secret = await served.token('vera', 'viewer');
    const { headers, json } = await signIn(secret);
    const cookie = headers.get('set-cookie') as string;
    expect(cookie).to.match(/^d3-page=d3p_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).to.not.include(secret.slice(4));
    expect(json['name']).to.equal('vera');
    expect(headers.get('cache-control')).to.equal('no-store');
  });

  it('refuses a wrong token, none, and one that may not look', async () => {
    expect((await signIn(`d3t_${'x'.repeat(43)}`)).status).to.equal(401);
    expect((await signIn(undefined)).status).to.equal(401);
    const { depot } = served;
    const computer = '00000000-0000-4000-8000-000000000001';
    const { secret } = await depot.store.tokens.add(
      { name: 'theo', role: 'technician', computer, expiresAt: null },
      's',
    );
    const { status, headers } = await signIn(secret);
    expect([status, headers.get('set-cookie')]).to.deep.equal([403, null]);
  });

  it('opens what the page shows and nothing else, whatever the token may do', async () => {
    const cookie = await cookieOf(await served.token('root', 'admin'));
    const known = {
      ':id': '1',
      ':computer': 'x',
      ':name': 'x',
      '*': 'x',
      ':kind': 'group',
      ':basename': 'x',
      ':version': '1',
      ':sha256': '0'.repeat(64),
    };
    let opened = 0;
    for (const { method, url, access, page } of ROUTES) {
      if (access.for === 'anybody' || access.for === 'readers') continue;
      const path = Object.entries(known).reduce((text, [name, value]) => text.replace(name, value), url);
      const { status } = await withCookie(method, path, cookie);
      if (page === true) {
        expect(status, `${method} ${url}`).to.be.oneOf([200, 400, 404]);
        opened += 1;
      } else expect(status, `${method} ${url}`).to.equal(401);
    }
    expect(opened).to.equal(9);
    expect(ROUTES.filter(({ page }) => page === true).every(({ method }) => method === 'GET')).to.equal(true);
  });

  it('is no token: as one it opens nothing', async () => {
    const cookie = await cookieOf(await served.token('vera', 'viewer'));
    const secret = cookie.split('=')[1] as string;
    expect((await served.ask('GET', '/api/v1/views/overview', { secret })).status).to.equal(401);
  });

  it('is not taken from another site', async () => {
    const cookie = await cookieOf(await served.token('vera', 'viewer'));
    const from = (site: string) => withCookie('GET', '/api/v1/views/overview', cookie, { 'sec-fetch-site': site });
    expect((await from('same-origin')).status).to.equal(200);
    for (const site of ['cross-site', 'same-site']) expect((await from(site)).status).to.equal(401);
  });

  it('ends when somebody signs out, with the token, and after twelve hours', async () => {
    const secret = await served.token('vera', 'viewer');
    const status = async (cookie: string) => (await withCookie('GET', '/api/v1/page/session', cookie)).status;
    const [left, late, revoked] = [await cookieOf(secret), await cookieOf(secret), await cookieOf(secret)];
    const out = await withCookie('DELETE', '/api/v1/page/session', left);
    expect([out.status, out.headers.get('set-cookie')]).to.deep.equal([
      204,
      'd3-page=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict',
    ]);
    expect([await status(left), await status(late)]).to.deep.equal([401, 200]);
    clock.moveDays(0.49);
    expect(await status(late)).to.equal(200);
    clock.moveDays(0.02);
    expect(await status(late)).to.equal(401);
    const again = await cookieOf(secret);
    expect(await status(again)).to.equal(200);
    await served.depot.store.tokens.revoke('vera', 'sally');
    expect([await status(again), await status(revoked)]).to.deep.equal([401, 401]);
    expect((await withCookie('GET', '/api/v1/views/overview', 'd3-page=rubbish')).status).to.equal(401);
  });

  it('gives the page with a strict policy, and its parts to be kept for ever', async () => {
    const { status, headers, text } = await served.ask('GET', '/');
    expect([status, text]).to.deep.equal([200, '<!doctype html>']);
    const policy = headers.get('content-security-policy') as string;
    expect(policy).to.include("default-src 'none'").and.include("frame-ancestors 'none'");
    expect(policy).to.not.match(/unsafe|\*|data:|https?:/);
    expect(headers.get('x-content-type-options')).to.equal('nosniff');
    const same = await served.ask('GET', '/', { headers: { 'if-none-match': headers.get('etag') as string } });
    expect([same.status, same.text]).to.deep.equal([304, '']);
    const part = await served.ask('GET', '/page/index.html');
    expect(part.headers.get('cache-control')).to.include('immutable');
    expect((await served.ask('GET', '/page/..%2fdepot.db')).status).to.equal(404);
  });
});
