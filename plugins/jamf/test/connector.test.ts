import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Connection } from '../src/connector/connection.ts';
import { changePackage, ensurePackage, uploadPackage } from '../src/connector/packages.ts';
import { readAll } from '../src/connector/pages.ts';
import { OutcomeUnknown, wordsOf } from '../src/connector/refusal.ts';
import { leastPrivileges } from '../src/roles.ts';
import { SECRET, type StandIn } from './support/jamf-pro.ts';
import { PACKAGE } from './support/samples.ts';
import { failureOf, TestSite } from './support/site.ts';

const READ = 'GET /v1/packages';
const CREATE = 'POST /v1/packages';

describe('the connector to Jamf Pro', () => {
  let site: TestSite;
  let jamf: StandIn;
  let connection: Connection;

  beforeEach(async () => {
    site = await TestSite.open();
    jamf = site.jamf;
    connection = site.connect();
  });

  afterEach(async () => site.close());

  const calls = (call: string): number => site.calls(call);
  it('renews a token of 60 s by the clock, before the server refuses it', async () => {
    for (let round = 0; round < 4; round += 1) {
      await connection.call('packages');
      site.now += 40_000;
    }
    expect(calls('POST /v1/oauth/token')).to.equal(4);
    expect(jamf.requests.filter(({ status }) => status === 401)).to.deep.equal([]);
  });

  it('fetches one token for many calls at once, and makes at most five at a time', async () => {
    jamf.behaviours.slow = 20;
    await Promise.all(Array.from({ length: 30 }, async () => connection.call('packages')));
    expect(calls('POST /v1/oauth/token')).to.equal(1);
    expect(calls(READ)).to.equal(30);
    expect(jamf.mostAtOnce).to.equal(5);
  });

  it('fetches a new token once when its own is refused, whatever the body of the 401 holds', async () => {
    jamf.trouble(READ, {
      kind: 'answer',
      status: 401,
      body: '{"totalCount":1,"results":[{"id":"7"}]}',
      type: 'application/json',
    });
    expect(await connection.call('packages')).to.deep.equal({ totalCount: 0, results: [] });
    expect(calls('POST /v1/oauth/token')).to.equal(2);
    jamf.trouble(READ, { kind: 'answer', status: 401 }, { kind: 'answer', status: 401 });
    expect((await failureOf(connection.call('packages'))).exit).to.equal('notAuthorised');
  });

  it('takes the token path older servers have', async () => {
    jamf.behaviours.absent = ['/v1/oauth/token'];
    await connection.call('packages');
    expect(calls('POST /oauth/token')).to.equal(1);
  });

  it('gives back each token of a technician, also after a failure', async () => {
    await connection.close();
    connection = site.connect({ user: 'tech', password: SECRET });
    await connection.call('packages');
    site.now += 40_000;
    await connection.call('packages');
    jamf.trouble(READ, { kind: 'answer', status: 403 });
    await failureOf(connection.call('packages'));
    const living = () => [...jamf.tokens.values()].filter(({ end }) => end > site.now).length;
    expect(living()).to.equal(2);
    await connection.close();
    expect(living()).to.equal(0);
  });

  it('says what is wrong with wrong credentials without the secret', async () => {
    connection = site.connect({ clientId: 'd3', clientSecret: 'not-it-at-all' });
    const error = await failureOf(connection.call('packages'));
    expect(error.exit).to.equal('notAuthorised');
    expect(error.message).to.contain('invalid_client');
    expect(JSON.stringify([error, error.message, error.stack])).not.to.contain('not-it-at-all');
  });

  for (const [absent, used] of [
    [[], 'v4'],
    [['v4'], 'v3'],
    [['v4', 'v3'], 'v1'],
  ] as const)
    it(`reads the inventory under ${used} when the server lacks ${absent.join(' and ') || 'nothing'}, and remembers it`, async () => {
      jamf.behaviours.absent = absent.map((one) => `/${one}/computers-inventory`);
      await connection.call('computers');
      await connection.call('computers');
      expect(calls(`GET /${used}/computers-inventory`)).to.equal(2);
      for (const one of absent) expect(calls(`GET /${one}/computers-inventory`)).to.equal(1);
    });

  for (const cookie of ['APBALANCEID', 'jpro-ingress', 'JSESSIONID'])
    it(`stays on one node while it writes, by ${cookie}, and on none while it reads`, async () => {
      jamf.behaviours.cookie = cookie;
      jamf.behaviours.lag = 60_000;
      const id = await ensurePackage(connection, PACKAGE);
      await changePackage(connection, id, {}).catch(() => null);
      const written = jamf.requests.filter(({ call }) => call === CREATE);
      expect(written.map((one) => one.cookie)).to.deep.equal([`${cookie}=node-${written[0]?.node}`]);
      jamf.requests.length = 0;
      await connection.call('packages');
      await connection.call('packages');
      expect(jamf.requests.map((one) => one.cookie)).to.deep.equal([null, null]);
    });

  describe('faults', () => {
    for (const status of [408, 429, 500, 502, 503, 504])
      it(`reads again after ${status}`, async () => {
        jamf.trouble(READ, { kind: 'answer', status, body: '<html><h1>Bad</h1></html>' });
        expect(await connection.call('packages')).to.deep.equal({ totalCount: 0, results: [] });
        expect(site.waits).to.deep.equal([2000]);
      });

    for (const status of [400, 403, 404, 409, 422])
      it(`does not ask again after ${status}`, async () => {
        jamf.trouble(READ, {
          kind: 'answer',
          status,
          body: '{"code":"X1","message":"no such field"}',
          type: 'application/json',
        });
        const error = await failureOf(connection.call('packages'));
        expect(error.message).to.contain(`${status}, X1 no such field`);
        expect(error.target).to.equal('GET /v1/packages');
        expect(error.actions).to.have.length(1);
        expect(calls(READ)).to.equal(1);
      });

    it('reads again after a cut, and gives up after the third', async () => {
      jamf.trouble(READ, { kind: 'cut-before' }, { kind: 'cut-after' });
      expect(await connection.call('packages')).to.deep.equal({ totalCount: 0, results: [] });
      jamf.trouble(READ, { kind: 'cut-before' }, { kind: 'cut-before' }, { kind: 'cut-before' });
      expect((await failureOf(connection.call('packages'))).code).to.equal('JAMF_UNREACHABLE');
    });

    it('never repeats a POST whose end nobody knows', async () => {
      jamf.trouble(CREATE, { kind: 'cut-after' });
      expect(await failureOf(connection.call('createPackage', { json: PACKAGE }))).to.be.instanceOf(OutcomeUnknown);
      jamf.trouble(CREATE, { kind: 'answer', status: 502, body: '<html></html>' });
      expect(await failureOf(connection.call('createPackage', { json: PACKAGE }))).to.be.instanceOf(OutcomeUnknown);
      expect(calls(CREATE)).to.equal(2);
    });

    it('asks again for the token of a client', async () => {
      jamf.trouble('POST /v1/oauth/token', { kind: 'answer', status: 503 }, { kind: 'cut-after' });
      expect(await connection.call('packages')).to.deep.equal({ totalCount: 0, results: [] });
    });

    it('names HTML in place of JSON', async () => {
      jamf.trouble(READ, { kind: 'answer', status: 200, body: '<html>sign in</html>' });
      expect((await failureOf(connection.call('packages'))).code).to.equal('JAMF_NOT_JSON');
    });
  });

  for (const lag of [0, 60_000])
    for (const trouble of ['cut-before', 'cut-after', 'gateway'] as const)
      it(`makes one package, not two, when the create ends in ${trouble} and nodes lag ${lag / 1000} s`, async () => {
        jamf.behaviours.lag = lag;
        jamf.trouble(CREATE, trouble === 'gateway' ? { kind: 'answer', status: 504 } : { kind: trouble });
        const id = await ensurePackage(connection, PACKAGE);
        expect(jamf.packages.map((one) => one.id)).to.deep.equal([id]);
        site.now += lag;
        expect(await ensurePackage(connection, PACKAGE)).to.equal(id);
        expect(jamf.packages).to.have.length(1);
      });

  it('refuses to choose between two packages of one file', async () => {
    jamf.addPackage(PACKAGE);
    jamf.addPackage(PACKAGE);
    const error = await failureOf(ensurePackage(connection, PACKAGE));
    expect(error.code).to.equal('JAMF_FILE_TWICE');
    expect(error.actions[0]).to.contain('1, 2');
  });

  it('depot3:B27 keeps each field d3 does not own when it changes a package', async () => {
    const all = {
      ...PACKAGE,
      info: 'info',
      notes: 'notes',
      osRequirements: '15.x',
      fillUserTemplate: true,
      fillExistingUsers: true,
      swu: true,
      rebootRequired: true,
      selfHealNotify: true,
      selfHealingAction: 'nothing',
      osInstall: true,
      serialNumber: '1234',
      parentPackageId: '3',
      basePath: 'my/path',
      suppressUpdates: true,
      ignoreConflicts: true,
      suppressFromDock: true,
      suppressEula: true,
      suppressRegistration: true,
      installLanguage: 'en_US',
      md5: 'a',
      sha256: 'b',
      sha3512: 'c',
      hashType: 'MD5',
      hashValue: 'a',
      osInstallerVersion: '10.3.x',
      manifest: 'm',
      manifestFileName: 'm.plist',
      format: 'f',
    };
    const id = jamf.addPackage(all);
    await changePackage(connection, id, { packageName: 'Other' });
    expect(jamf.packages).to.deep.equal([{ ...all, id, packageName: 'Other' }]);
  });

  describe('depot3:J12 an upload', () => {
    let folder: string;
    const bytes = Buffer.from('the bytes of a package\r\n\r\n--and more');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const upload = () => ({ file: path.join(folder, 'a.pkg'), fileName: PACKAGE.fileName, sha256 });

    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'd3-jamf-'));
      writeFileSync(path.join(folder, 'a.pkg'), bytes);
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    it('waits until the server gives the file out, through tokens of 60 s', async () => {
      jamf.behaviours.pendingReads = 30;
      const id = await ensurePackage(connection, PACKAGE);
      await uploadPackage(connection, id, upload(), 600_000);
      expect(jamf.packages[0]).to.include({ cloudTransferStatus: 'READY', sha256 });
      expect(calls('POST /v1/oauth/token')).to.be.greaterThan(3);
      expect(jamf.requests.filter(({ status }) => status === 401)).to.deep.equal([]);
    });

    it('is not sent twice when only its answer was lost, and is when it was', async () => {
      const id = await ensurePackage(connection, PACKAGE);
      jamf.trouble('POST /v1/packages/{id}/upload', { kind: 'cut-after' });
      await uploadPackage(connection, id, upload(), 600_000);
      expect(calls('POST /v1/packages/{id}/upload')).to.equal(1);
      const other = jamf.addPackage({ ...PACKAGE, fileName: 'other.pkg' });
      jamf.trouble('POST /v1/packages/{id}/upload', { kind: 'cut-before' });
      await uploadPackage(connection, other, upload(), 600_000);
      expect(calls('POST /v1/packages/{id}/upload')).to.equal(3);
    });

    it('fails when the transfer fails, never ends, or gives other bytes', async () => {
      const id = await ensurePackage(connection, PACKAGE);
      jamf.behaviours.transfer = 'ERROR';
      expect((await failureOf(uploadPackage(connection, id, upload(), 600_000))).message).to.contain('says ERROR');
      jamf.behaviours.transfer = 'READY';
      const other = { ...upload(), sha256: '0'.repeat(64) };
      expect((await failureOf(uploadPackage(connection, id, other, 600_000))).exit).to.equal('verificationFailed');
      jamf.behaviours.pendingReads = 1000;
      expect((await failureOf(uploadPackage(connection, id, upload(), 60_000))).message).to.contain('still taking');
    });
  });

  it('loses no row and doubles none while pages shift under it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 320 }),
        fc.array(fc.record({ page: fc.nat(3), remove: fc.nat(319), add: fc.boolean() }), { maxLength: 4 }),
        async (count, changes) => {
          jamf.computers = Array.from({ length: count }, (_, index) => ({ id: String(index + 1) }));
          const before = new Set(jamf.computers.map(({ id }) => id));
          const left = [...changes];
          let added = 1000;
          jamf.onPage = (page) => {
            const next = left.findIndex((one) => one.page === page);
            if (next < 0) return;
            const [change] = left.splice(next, 1);
            jamf.computers.splice(change?.remove ?? 0, 1);
            if (change?.add === true) jamf.computers.push({ id: String(added++) });
          };
          const rows = await readAll<{ id: string }>(connection, 'computers');
          const ids = rows.map(({ id }) => id);
          expect(new Set(ids).size).to.equal(ids.length);
          const stayed = jamf.computers.map(({ id }) => id).filter((id) => before.has(id));
          expect(ids).to.include.members(stayed);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('says what a server says in each of its shapes', () => {
    expect(wordsOf('')).to.equal('');
    expect(wordsOf('<html><style>b{}</style><b>502</b> Bad\nGateway</html>')).to.equal('502 Bad Gateway');
    expect(wordsOf('{"httpStatus":400,"errors":[{"field":"name","code":"DUP","description":"is there"}]}')).to.equal(
      'name DUP is there',
    );
    expect(wordsOf('{"error":"invalid_client","error_description":"no"}')).to.equal('invalid_client no');
  });

  it('depot3:K13 works with the privileges `d3 jamf roles` names, and with none of them left out', async () => {
    const needs = new Map(leastPrivileges().map(({ role, privileges }) => [role, privileges]));
    expect([...needs.keys()]).to.deep.equal(['server', 'admin', 'client']);
    // The depot only reads, and what provisions a computer changes nothing else.
    expect(needs.get('server')?.filter((one) => !one.startsWith('Read '))).to.deep.equal([]);
    expect(needs.get('client')).to.deep.equal([
      'Read Buildings',
      'Read Computer Extension Attributes',
      'Read Computers',
      'Read Departments',
      'Read Sites',
      'Update Computers',
    ]);
    const admin = needs.get('admin') ?? [];
    const work = async () => changePackage(connection, await ensurePackage(connection, PACKAGE), { info: 'x' });
    for (const left of ['Create Packages', 'Read Packages', 'Update Packages']) {
      jamf.behaviours.privileges = admin.filter((one) => one !== left);
      const error = await failureOf(work());
      expect(error.code).to.equal('JAMF_FORBIDDEN');
      expect(error.message).to.contain(left);
    }
    jamf.behaviours.privileges = admin;
    await work();
  });
});
