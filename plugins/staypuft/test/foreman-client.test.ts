import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { makeAuthority } from '../../../test/support/certificates.ts';
import { CALLS } from '../src/foreman/calls.ts';
import { ensured } from '../src/foreman/client.ts';
import { environments } from '../src/foreman/records.ts';
import { connect, siteOf } from '../src/foreman/site.ts';
import { ForemanStandIn, TOKEN } from './support/foreman.ts';
import { ForemanSite, failureOf } from './support/foreman-site.ts';

describe('the client of Foreman', () => {
  let site: ForemanSite;
  beforeEach(async () => {
    site = await ForemanSite.open();
  });
  afterEach(async () => {
    await site.close();
  });

  it('staypuft:F-01 logs in with a personal access token, and says no word of it where that is refused', async () => {
    const client = site.client();
    expect(await client.call('status')).to.include({ version: '3.13.0' });
    const wrong = site.client({ token: 'no-such-token' });
    const error = await failureOf(wrong.call('hosts'));
    expect(error).to.include({ code: 'FOREMAN_NOT_AUTHORISED', exit: 'notAuthorised' });
    expect(error.message).to.include('GET /api/v2/hosts: 401').and.not.include('no-such-token');
    expect(error.actions.join()).to.include('foreman.tokenFile');
    client.close();
    wrong.close();
  });

  it('staypuft:F-01 reads lists page by page, whatever pages the server gives', async () => {
    for (let at = 0; at < 23; at += 1) site.foreman.environment(`environment-${at}`);
    site.foreman.mostRows = 7;
    const client = site.client();
    expect((await environments(client)).length).to.equal(25);
    expect(site.foreman.made(/GET .*environments/).length).to.equal(4);
    client.close();
  });

  it('staypuft:F-01 reads again while the server is in trouble, with longer and longer pauses', async () => {
    site.foreman.trouble(
      /GET .*environments/,
      { kind: 'answer', status: 503 },
      { kind: 'cut-before' },
      { kind: 'answer', status: 429 },
    );
    const client = site.client();
    expect((await environments(client)).map(({ name }) => name)).to.have.members(['discovery', 'production']);
    expect(site.waits).to.deep.equal([1000, 3000, 9000]);
    client.close();
  });

  it('staypuft:F-01 gives up after that, naming the call', async () => {
    for (let at = 0; at < 4; at += 1) site.foreman.trouble(/environments/, { kind: 'answer', status: 502 });
    const client = site.client();
    const error = await failureOf(environments(client));
    expect(error).to.include({ code: 'FOREMAN_UNAVAILABLE', exit: 'depotUnreachable' });
    expect(error.message).to.include('GET /api/v2/environments: 502');
    client.close();
  });

  for (const trouble of [{ kind: 'cut-after' }, { kind: 'answer-after', status: 504 }] as const)
    it(`staypuft:F-01 never makes a write twice: it is looked at first (${trouble.kind})`, async () => {
      site.foreman.trouble(/POST .*environments/, trouble);
      const client = site.client();
      const error = await failureOf(client.call('createEnvironment', { json: { environment: { name: 'a' } } }));
      expect(error.code).to.equal('FOREMAN_OUTCOME_UNKNOWN');
      site.foreman.trouble(/POST .*environments/, trouble);
      const wrote = await ensured(
        async () => environments(client),
        (there) => there.some(({ name }) => name === 'b'),
        async () => client.call('createEnvironment', { json: { environment: { name: 'b' } } }),
      );
      expect(wrote).to.equal(true);
      expect(site.foreman.made(/POST .*environments/).length).to.equal(2);
      client.close();
    });

  it('staypuft:F-01 makes a write that surely was not taken once more', async () => {
    site.foreman.trouble(/POST .*environments/, { kind: 'answer', status: 429 });
    const client = site.client();
    await client.call('createEnvironment', { json: { environment: { name: 'a' } } });
    expect(site.foreman.made(/POST .*environments/).map(({ status }) => status)).to.deep.equal([429, 201]);
    client.close();
  });

  it('staypuft:F-01 gives up on an answer that does not come', async () => {
    site.foreman.slow = 2000;
    const client = site.client({ within: 50 });
    const error = await failureOf(client.call('createEnvironment', { json: { environment: { name: 'a' } } }));
    expect(error.code).to.equal('FOREMAN_OUTCOME_UNKNOWN');
    client.close();
  });

  for (const [status, code, exit] of [
    [403, 'FOREMAN_FORBIDDEN', 'notAuthorised'],
    [404, 'FOREMAN_NOT_FOUND', 'notFound'],
    [409, 'FOREMAN_CONFLICT', 'refused'],
    [422, 'FOREMAN_INVALID', 'refused'],
    [501, 'FOREMAN_NOT_THERE', 'failed'],
  ] as const)
    it(`staypuft:F-01 says what ${status} means, and what to do`, async () => {
      site.foreman.trouble(/GET .*hosts/, {
        kind: 'answer',
        status,
        json: { error: { message: 'first', full_messages: ['Name is odd', 'Ip is odd'] } },
      });
      const client = site.client();
      const error = await failureOf(client.call('hosts'));
      expect(error).to.include({ code, exit, target: 'GET /api/v2/hosts' });
      expect(error.message).to.include('Name is odd; Ip is odd');
      expect(error.actions.length).to.equal(1);
      client.close();
    });

  it('staypuft:F-01 does not take a page of something between for an answer', async () => {
    site.foreman.trouble(/GET .*hosts/, { kind: 'answer', status: 200, body: '<html>log in</html>' });
    const client = site.client();
    expect((await failureOf(client.list('hosts'))).code).to.equal('FOREMAN_NOT_UNDERSTOOD');
    site.foreman.trouble(/GET .*hosts/, { kind: 'answer', status: 200, json: { message: 'ok' } });
    expect((await failureOf(client.list('hosts'))).message).to.include('with no list');
    client.close();
  });

  it('staypuft:F-01 trusts an authority of the site that foreman.ca names, and nobody else', async () => {
    const authority = makeAuthority();
    const secure = new ForemanStandIn();
    const url = await secure.start(authority.issue(['127.0.0.1']));
    const settings = { ...site.settings, 'foreman.url': url };
    const stranger = await connect(siteOf(settings), site.stopping.signal);
    const error = await failureOf(stranger.call('status'));
    expect(error.code).to.equal('FOREMAN_UNREACHABLE');
    expect(secure.calls).to.deep.equal([]);
    const file = path.join(site.sandbox.dir, 'ca.pem');
    writeFileSync(file, authority.cert);
    const friend = await connect(siteOf({ ...settings, 'foreman.ca': file }), site.stopping.signal);
    expect(await friend.call('status')).to.include({ result: 'ok' });
    stranger.close();
    friend.close();
    await secure.stop();
  });

  it('staypuft:F-01 sends the token to no plain address, and reads none that others may read', async () => {
    const plain = siteOf({ ...site.settings, 'foreman.url': 'http://foreman.example.org' });
    expect((await failureOf(connect(plain, site.stopping.signal))).code).to.equal('FOREMAN_BAD_URL');
    const file = path.join(site.sandbox.dir, 'open');
    writeFileSync(file, TOKEN, { mode: 0o644 });
    const open = await failureOf(
      connect(siteOf({ ...site.settings, 'foreman.tokenFile': file }), site.stopping.signal),
    );
    expect(open.code).to.equal('FOREMAN_BAD_TOKEN_FILE');
    expect(open.message).to.not.include(TOKEN);
    const nothing = await failureOf(connect(siteOf({}), site.stopping.signal));
    expect(nothing.message).to.include('foreman.url, foreman.user, foreman.tokenFile');
  });

  it('staypuft:D-15 makes many calls at once, and no more than it may', async () => {
    site.foreman.slow = 20;
    const client = site.client({ atOnce: 3 });
    await Promise.all(Array.from({ length: 12 }, async () => client.call('status')));
    expect(site.foreman.crowd).to.equal(3);
    client.close();
  });

  it('staypuft:F-02 knows none of the calls that were removed, and the stand-in answers them as Foreman does', async () => {
    const removed = /puppetrun|puppet\/run|config_templates|\/api\/v2\/reports|\/bmc\//;
    expect(Object.values(CALLS).filter(({ path: one }) => removed.test(one))).to.deep.equal([]);
    const authorization = `Basic ${Buffer.from(`d3:${TOKEN}`).toString('base64')}`;
    const statusOf = async (call: string, method = 'GET') =>
      (
        await fetch(`${site.url}/api/v2/${call}`, {
          method,
          headers: { authorization, 'content-type': 'application/json' },
        })
      ).status;
    const { id } = site.foreman.registered('db1.example.org');
    expect(await statusOf(`hosts/${id}/puppetrun`, 'PUT')).to.equal(501);
    expect(await statusOf('config_templates')).to.equal(404);
    expect(await statusOf('reports')).to.equal(404);
  });
});
