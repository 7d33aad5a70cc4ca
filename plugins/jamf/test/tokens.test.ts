import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { Connection } from '../src/connector/connection.ts';
import { Gate } from '../src/connector/gate.ts';
import { ensurePackage, uploadPackage } from '../src/connector/packages.ts';
import { withJamf } from '../src/site.ts';
import { SECRET, type StandIn } from './support/jamf-pro.ts';
import { PACKAGE } from './support/samples.ts';
import { failureOf, TestSite } from './support/site.ts';

const READ = 'GET /v1/packages';
const UPLOAD = 'POST /v1/packages/{id}/upload';
const LOGIN = 'POST /v1/auth/token';
const TECHNICIAN = { user: 'tech', password: SECRET };

describe('tokens and the load on Jamf Pro', () => {
  let site: TestSite;
  let jamf: StandIn;
  let connection: Connection;

  beforeEach(async () => {
    site = await TestSite.open();
    jamf = site.jamf;
    connection = site.connect();
  });

  afterEach(async () => site.close());

  const living = (): number => [...jamf.tokens.values()].filter(({ end, user }) => user && end > site.now).length;
  const refusedTokens = () => jamf.requests.filter(({ status }) => status === 401).map(({ call }) => call);

  describe('depot3:J12 an upload that takes longer than a token lives', () => {
    let folder: string;
    const bytes = Buffer.alloc(3_000_000, 'd3');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const upload = () => ({ file: path.join(folder, 'a.pkg'), fileName: PACKAGE.fileName, sha256 });

    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'd3-jamf-'));
      writeFileSync(path.join(folder, 'a.pkg'), bytes);
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    /** Lets minutes pass while a file comes, for so many uploads. */
    const slowly = (uploads: number) => {
      let left = uploads;
      let before = 0;
      jamf.onBody = (call, received) => {
        if (call !== UPLOAD) return;
        if (received < before) left -= 1;
        before = received;
        if (left > 0) site.now += 30_000;
      };
    };

    it('goes on, and what follows has a new token', async () => {
      const id = await ensurePackage(connection, PACKAGE);
      slowly(1);
      await uploadPackage(connection, id, upload(), 600_000);
      expect(site.calls(UPLOAD)).to.equal(1);
      expect(refusedTokens()).to.deep.equal([]);
      expect(jamf.packages[0]).to.include({ cloudTransferStatus: 'READY', sha256, size: String(bytes.length) });
    });

    it('lets others in with new tokens while it runs', async () => {
      const id = await ensurePackage(connection, PACKAGE);
      const others: Promise<unknown>[] = [];
      let running = 0;
      jamf.onBody = (call) => {
        if (call !== UPLOAD || running > 0) return;
        site.now += 20_000;
        running += 1;
        others.push(connection.call('packages').finally(() => (running -= 1)));
      };
      await uploadPackage(connection, id, upload(), 600_000);
      await Promise.all(others);
      expect(others.length).to.be.greaterThan(2);
      expect(refusedTokens()).to.deep.equal([]);
      expect(site.calls('POST /v1/oauth/token')).to.be.greaterThan(2);
    });

    it('begins with a young token', async () => {
      const id = await ensurePackage(connection, PACKAGE);
      const before = site.calls('POST /v1/oauth/token');
      site.now += 10_000;
      await connection.call('packages');
      expect(site.calls('POST /v1/oauth/token')).to.equal(before);
      await uploadPackage(connection, id, upload(), 600_000);
      expect(site.calls('POST /v1/oauth/token')).to.equal(before + 1);
    });

    for (const unauthorised of ['json', 'empty', 'full'] as const) {
      it(`is sent again only when Jamf does not have it, refused with a body that is ${unauthorised}`, async () => {
        jamf.behaviours.unauthorised = unauthorised;
        jamf.behaviours.tokenAfterBody = true;
        const id = await ensurePackage(connection, PACKAGE);
        slowly(1);
        await uploadPackage(connection, id, upload(), 600_000);
        expect(site.calls(UPLOAD)).to.equal(2);
        expect(jamf.packages[0]).to.include({ cloudTransferStatus: 'READY', sha256 });
      });

      it(`is not sent again when it was taken before its token was refused, with a body that is ${unauthorised}`, async () => {
        const id = await ensurePackage(connection, PACKAGE);
        const body = { json: '{"httpStatus":401,"errors":[]}', empty: '', full: `{"id":"${id}","href":"/"}` }[
          unauthorised
        ];
        jamf.trouble(UPLOAD, { kind: 'answer-after', status: 401, body, type: 'application/json' });
        await uploadPackage(connection, id, upload(), 600_000);
        expect(site.calls(UPLOAD)).to.equal(1);
      });
    }

    it('says what to do when no token lives long enough', async () => {
      jamf.behaviours.tokenAfterBody = true;
      const id = await ensurePackage(connection, PACKAGE);
      slowly(9);
      const error = await failureOf(uploadPackage(connection, id, upload(), 600_000));
      expect(error.message).to.contain('has to live longer');
      expect(site.calls(UPLOAD)).to.equal(2);
      expect(jamf.packages[0]?.['sha256']).to.equal(undefined);
    });

    for (const trouble of ['cut-before', 'cut-during', 'cut-after'] as const)
      it(`ends with one file when the connection breaks: ${trouble}`, async () => {
        jamf.behaviours.lag = 60_000;
        const id = await ensurePackage(connection, PACKAGE);
        site.now += 60_000;
        jamf.trouble(UPLOAD, { kind: trouble });
        await uploadPackage(connection, id, upload(), 600_000);
        expect(jamf.packages).to.have.length(1);
        expect(jamf.packages[0]).to.include({ cloudTransferStatus: 'READY', sha256 });
      });

    for (const [what, hashes, fits] of [
      ['SHA-512', { sha256: null, sha3512: null, md5: null, hashType: 'SHA_512', hashValue: hex('sha512') }, true],
      ['SHA3-512', { sha256: null, md5: null, hashType: null, sha3512: hex('sha3-512') }, true],
      ['another SHA3-512', { sha256: null, md5: null, sha3512: '0'.repeat(128) }, false],
      ['MD5 and the size', { sha256: null, sha3512: null }, true],
      ['MD5 and another size', { sha256: null, sha3512: null, size: '7' }, false],
      ['no hash', { sha256: null, sha3512: null, md5: null }, false],
    ] as const)
      it(`is held against what the server has of it: ${what}`, async () => {
        const id = await ensurePackage(connection, PACKAGE);
        jamf.behaviours.pendingReads = 1;
        const work = uploadPackage(connection, id, upload(), 600_000);
        const end = work.then(
          () => null,
          (error: Error) => error,
        );
        jamf.onBody = () => undefined;
        jamf.afterUpload = () => jamf.set('packages', id, hashes);
        const error = await end;
        if (fits) expect(error).to.equal(null);
        else expect(error).to.include({ code: 'JAMF_UPLOAD_DIFFERS', exit: 'verificationFailed' });
      });

    function hex(name: string): string {
      return createHash(name).update(bytes).digest('hex');
    }
  });

  describe('a token', () => {
    for (const unauthorised of ['json', 'empty', 'full'] as const)
      it(`that the server forgot is fetched anew once, refused with a body that is ${unauthorised}`, async () => {
        jamf.behaviours.unauthorised = unauthorised;
        await connection.call('packages');
        jamf.tokens.clear();
        expect(await connection.call('packages')).to.deep.equal({ totalCount: 0, results: [] });
        expect(site.calls('POST /v1/oauth/token')).to.equal(2);
        jamf.tokens.clear();
        await connection.call('createPackage', { json: PACKAGE });
        expect(jamf.packages).to.have.length(1);
      });

    it('of one second is used, and not asked for without end', async () => {
      jamf.behaviours.tokenSeconds = 1;
      for (let round = 0; round < 3; round += 1) {
        await connection.call('packages');
        site.now += 1000;
      }
      expect(site.calls('POST /v1/oauth/token')).to.equal(3);
    });

    for (const body of ['{}', '', '{"access_token":"x"}', '{"access_token":"x","expires_in":0}', '{"access_token":7}'])
      it(`is not made of ${body === '' ? 'nothing' : body}`, async () => {
        jamf.trouble('POST /v1/oauth/token', { kind: 'answer', status: 200, body, type: 'application/json' });
        expect((await failureOf(connection.call('packages'))).code).to.equal('JAMF_BAD_TOKEN');
        expect(jamf.requests).to.have.length(1);
        await connection.call('packages');
      });

    for (const ahead of [-3_600_000, 3_600_000])
      it(`of a user is counted by the server's clock, which is ${ahead / 60_000} minutes ahead`, async () => {
        connection = site.connect(TECHNICIAN);
        jamf.now = () => site.now + ahead;
        await connection.call('packages');
        await connection.call('packages');
        expect(site.calls(LOGIN)).to.equal(1);
        site.now += 31_000;
        await connection.call('packages');
        expect(site.calls(LOGIN)).to.equal(2);
        expect(refusedTokens()).to.deep.equal([]);
        await connection.close();
        expect([...jamf.tokens.values()].filter(({ user }) => user)).to.have.length(0);
      });
  });

  describe('a technician', () => {
    const settings = { all: async () => ({}), get: async () => null };
    const ask = { secret: async () => SECRET };
    const work = async (does: (connection: Connection) => Promise<unknown>, signal = new AbortController().signal) =>
      withJamf({ server: site.server, user: 'tech' }, { settings, signal }, does, ask as never);

    beforeEach(() => {
      jamf.now = Date.now;
    });

    const none = () => expect([...jamf.tokens.values()].filter(({ user }) => user)).to.have.length(0);

    it('is logged out when all went well', async () => {
      await work(async (open) => open.call('packages'));
      expect(site.calls('POST /v1/auth/invalidate-token')).to.equal(1);
      none();
    });

    it('is logged out after a failure, and after a bug', async () => {
      jamf.trouble(READ, { kind: 'answer', status: 403 });
      await failureOf(work(async (open) => open.call('packages')));
      none();
      const bug = await work(async (open) => {
        await open.call('packages');
        throw new TypeError('a bug');
      }).catch((error: unknown) => error);
      expect(bug).to.be.instanceOf(TypeError);
      none();
    });

    it('is logged out when d3 is told to stop, also in the middle of the login', async () => {
      for (const during of [LOGIN, READ]) {
        const stopping = new AbortController();
        jamf.behaviours.slow = 50;
        jamf.chaos = (call) => {
          if (call === during) stopping.abort();
          return undefined;
        };
        const ended = await work(async (open) => open.call('packages'), stopping.signal).catch(
          (error: unknown) => error,
        );
        expect(ended, during).to.be.instanceOf(Error);
        none();
      }
      expect(site.calls('POST /v1/auth/invalidate-token')).to.equal(2);
    });

    it('is not logged in anew by what still runs when the connection closes', async () => {
      jamf.behaviours.slow = 20;
      let left: Promise<unknown>[] = [];
      await work(async (open) => {
        left = Array.from({ length: 20 }, async () => open.call('packages').catch(() => null));
        await left[0];
      });
      await Promise.all(left);
      none();
    });

    it('hears that a refused password may be a server that takes none', async () => {
      jamf.behaviours.basic = false;
      connection = site.connect(TECHNICIAN);
      const error = await failureOf(connection.call('packages'));
      expect(error).to.include({ code: 'JAMF_NOT_AUTHORISED', exit: 'notAuthorised' });
      expect(error.message).to.contain('takes no logins by password');
      expect(JSON.stringify([error, error.message, error.stack])).not.to.contain(SECRET);
      expect(site.calls(LOGIN)).to.equal(1);
      expect(living()).to.equal(0);
    });
  });

  describe('load', () => {
    it('never more than five at once, in a storm of calls, logins and uploads', async () => {
      jamf.behaviours.slow = 3;
      jamf.behaviours.crowded = 50;
      jamf.behaviours.tokenSeconds = 1;
      jamf.wait = async (milliseconds) => {
        site.now += milliseconds;
        await new Promise((resolve) => setTimeout(resolve, 2));
      };
      jamf.addPackage(PACKAGE);
      const form = async () => {
        const made = new FormData();
        made.append('file', new Blob(['x'.repeat(100_000)]), 'a.pkg');
        return made;
      };
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) =>
          index % 20 === 0
            ? connection.call('uploadPackage', { params: { id: '1' }, form })
            : connection.call('packages'),
        ),
      );
      expect(jamf.mostAtOnce).to.be.within(2, 5);
      expect(site.calls(READ) + site.calls(UPLOAD)).to.equal(200);
    });

    it('five go beside each other where nothing is slow, and the sixth waits for one of them', async () => {
      await connection.call('packages');
      jamf.mostAtOnce = 0;
      jamf.behaviours.slow = 1;
      jamf.wait = async () => {
        // Nobody is answered before all that come are there, however slow this machine is.
        while (jamf.mostAtOnce < 5) await new Promise((resolve) => setTimeout(resolve, 2));
        await new Promise((resolve) => setTimeout(resolve, 50));
      };
      await Promise.all(Array.from({ length: 12 }, () => connection.call('packages')));
      expect(jamf.mostAtOnce).to.equal(5);
    });

    it('slows down when the server does, by as much, and stops when it is quick again', async () => {
      let takes = 100;
      jamf.behaviours.slow = 1;
      jamf.wait = async () => {
        site.now += takes;
      };
      const pausesOf = async (milliseconds: number) => {
        takes = milliseconds;
        site.waits.length = 0;
        for (let round = 0; round < 3; round += 1) await connection.call('version');
        return [...site.waits];
      };
      jamf.behaviours.tokenSeconds = 100_000;
      expect(await pausesOf(100)).to.deep.equal([]);
      expect(await pausesOf(1000)).to.deep.equal([1000, 1000]);
      expect(await pausesOf(100)).to.deep.equal([1000]);
      expect((await pausesOf(30_000))[0]).to.equal(5000);
    });

    it('measures no upload: that says how long a file is', async () => {
      const gate = new Gate({ now: () => site.now, wait: async (milliseconds) => void site.waits.push(milliseconds) });
      const takes = (milliseconds: number) => async () => {
        site.now += milliseconds;
      };
      await gate.through(takes(50), true);
      await gate.through(takes(900_000), false);
      await gate.through(takes(50), true);
      expect(site.waits).to.deep.equal([]);
    });

    it('pins nothing but what writes, through a whole upload', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'd3-jamf-'));
      try {
        const file = path.join(folder, 'a.pkg');
        writeFileSync(file, 'bytes');
        const id = await ensurePackage(connection, PACKAGE);
        const sha256 = createHash('sha256').update('bytes').digest('hex');
        jamf.requests.length = 0;
        jamf.behaviours.pendingReads = 3;
        await uploadPackage(connection, id, { file, fileName: PACKAGE.fileName, sha256 }, 600_000);
        const pinned = jamf.requests.filter(({ call }) => !call.includes('token'));
        expect(new Set(pinned.map(({ cookie }) => cookie))).to.deep.equal(
          new Set([`jpro-ingress=node-${pinned[0]?.node}`]),
        );
        await Promise.all([connection.call('packages'), connection.call('packages')]);
        expect(jamf.requests.filter(({ call }) => call === READ).map(({ cookie }) => cookie)).to.deep.equal([
          null,
          null,
        ]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  describe('what is repeated', () => {
    it('a POST that answered with a page is not taken for done, nor for not done', async () => {
      jamf.trouble('POST /v1/packages', { kind: 'answer-after', status: 200, body: '<html>Please wait</html>' });
      expect(await ensurePackage(connection, PACKAGE)).to.equal('1');
      expect(jamf.packages).to.have.length(1);
      jamf.trouble('POST /v1/packages', { kind: 'answer-after', status: 201, body: '' });
      expect(await ensurePackage(connection, { ...PACKAGE, fileName: 'b.pkg' })).to.equal('2');
      expect(jamf.packages).to.have.length(2);
    });

    it('a POST that never left is repeated, and one the server was too busy for', async () => {
      const other = new Connection({
        server: 'http://127.0.0.1:1',
        credentials: async () => ({ clientId: 'd3', clientSecret: SECRET }),
        clock: { now: () => site.now, wait: async (milliseconds) => void site.waits.push(milliseconds) },
        signal: site.stopping.signal,
      });
      expect((await failureOf(other.call('createPackage', { json: PACKAGE }))).code).to.equal('JAMF_UNREACHABLE');
      expect(site.waits).to.have.length(2);
      await other.close();
      jamf.trouble('POST /v1/packages', { kind: 'answer', status: 429 });
      await connection.call('createPackage', { json: PACKAGE });
      expect(jamf.packages).to.have.length(1);
    });

    it('a note on a package that a busy server refused is not written twice', async () => {
      const id = jamf.addPackage(PACKAGE);
      jamf.behaviours.notes = 'busy';
      await failureOf(connection.call('notePackage', { params: { id }, json: { note: 'from d3' } }));
      expect(site.calls('POST /v1/packages/{id}/history')).to.equal(1);
      jamf.behaviours.notes = 'taken';
      await connection.call('notePackage', { params: { id }, json: { note: 'from d3' } });
    });

    it('a call is asked for under the path that was found, by each connection for itself', async () => {
      jamf.behaviours.version = '11.25';
      await connection.call('computers');
      await connection.call('computers');
      expect(connection.taken('computers')).to.equal('/v3/computers-inventory');
      expect(site.calls('GET /v4/computers-inventory')).to.equal(1);
      jamf.behaviours.version = '11.30.1';
      await connection.call('computers');
      const other = site.connect();
      expect(other.taken('computers')).to.equal(null);
      await other.call('computers');
      expect(other.taken('computers')).to.equal('/v4/computers-inventory');
    });
  });
});
