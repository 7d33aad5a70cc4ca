import { cp, lchown, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import { noteElsewhere } from '../../src/depot/elsewhere.ts';
import {
  createDepotClient,
  type LocalDepot as Depot,
  FolderTransport,
  initDepot,
  openDepot,
} from '../../src/depot/index.ts';
import { expectFailure, inFolder, newEdition, newReport, nth, readJson, sha256, TestClock } from './helpers.ts';

const MEMBER = '0b9f2c9e-1111-4222-8333-444455556666';

async function inDepot(test: (depot: Depot, clock: TestClock) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    const clock = new TestClock();
    await initDepot(join(dir, 'depot'), { clock });
    const depot = await openDepot(join(dir, 'depot'), { clock });
    try {
      await test(depot, clock);
    } finally {
      await depot.close();
    }
  });
}

const publicFiles = async (depot: Depot) => ({
  metadata: (await readdir(join(depot.dir, 'public/metadata'))).toSorted(),
  targets: await readdir(join(depot.dir, 'public/targets')),
});

async function publishedCatalog(depot: Depot) {
  const timestamp = await readJson(join(depot.dir, 'public/metadata/timestamp.json'));
  const { version } = timestamp.signed.meta['snapshot.json'];
  const snapshot = await readJson(join(depot.dir, `public/metadata/${version}.snapshot.json`));
  const targets = await readJson(
    join(depot.dir, `public/metadata/${snapshot.signed.meta['targets.json'].version}.targets.json`),
  );
  const { hashes, length } = targets.signed.targets['catalog.json'];
  const bytes = await readFile(join(depot.dir, `public/targets/${hashes.sha256}.catalog.json`));
  expect([sha256(bytes), bytes.length]).to.deep.equal([hashes.sha256, length]);
  return { catalog: JSON.parse(bytes.toString()), timestamp: timestamp.signed };
}

describe('an embedded depot', () => {
  it('is made whole, with keys for its owner only and what machines read open to all', () =>
    inFolder(async (dir) => {
      const clock = new TestClock();
      const depot = join(dir, 'new', 'depot');
      const umask = process.umask(0o077);
      await initDepot(depot, { clock }).finally(() => process.umask(umask));
      expect((await readdir(depot)).toSorted()).to.deep.equal(['blobs', 'depot.db', 'inbox', 'keys', 'public']);
      const mode = async (path: string) => ((await stat(join(depot, path))).mode & 0o777).toString(8);
      expect(await Promise.all(['.', 'keys', 'inbox', 'blobs', 'public', 'public/metadata'].map(mode))).to.deep.equal([
        '755',
        '700',
        '700',
        '755',
        '755',
        '755',
      ]);
      expect(await mode('keys/root.pem')).to.equal('600');
      expect(await mode('depot.db')).to.equal('600');
      expect(await mode('public/metadata/timestamp.json')).to.equal('644');
    }));

  it('is not made over something else', () =>
    inFolder(async (dir) => {
      const clock = new TestClock();
      await writeFile(join(dir, 'thesis.txt'), 'mine');
      const error = await expectFailure(initDepot(dir, { clock }), 'FOLDER_NOT_EMPTY', 'refused');
      expect(error.message).to.include('thesis.txt');
      expect(await readdir(dir)).to.deep.equal(['thesis.txt']);
      await expectFailure(initDepot(join(dir, 'thesis.txt'), { clock }), 'FOLDER_NOT_EMPTY', 'refused');
      await expectFailure(initDepot(join(dir, 'thesis.txt/a/b'), { clock }), 'FOLDER_NOT_EMPTY', 'refused');
      await mkdir(join(dir, 'volume', 'lost+found'), { recursive: true });
      await initDepot(join(dir, 'volume'), { clock });
      await expectFailure(initDepot(join(dir, 'volume'), { clock }), 'DEPOT_EXISTS', 'refused');
    }));

  it('is not made where no folder can be', async function () {
    if (process.platform !== 'linux') this.skip();
    const error = await initDepot('/proc/x', { clock: new TestClock() }).catch((reason) => reason);
    expect(error).to.be.instanceOf(D3Error);
    expect(error.target).to.equal('/proc/x');
    expect(error.exitCode, error.message).to.be.oneOf([1, 2, 30, 31]);
  });

  it('is made by one of several processes; the others are told', () =>
    inFolder(async (dir) => {
      const clock = new TestClock();
      for (let round = 0; round < 5; round++) {
        const depot = join(dir, `depot-${round}`);
        const answers = await Promise.all(
          [1, 2, 3].map(() =>
            initDepot(depot, { clock }).then(
              () => 'made',
              (error) => error.code,
            ),
          ),
        );
        expect(answers.filter((answer) => answer === 'made')).to.have.lengthOf(1);
        for (const answer of answers) expect(answer).to.be.oneOf(['made', 'DEPOT_BUSY', 'DEPOT_EXISTS']);
        await (await openDepot(depot, { clock })).close();
        const transport = new FolderTransport(depot);
        await createDepotClient({ transport, trustDir: join(dir, `trust-${round}`), clock }).refresh();
        expect((await readdir(depot)).toSorted()).to.deep.equal(['blobs', 'depot.db', 'inbox', 'keys', 'public']);
      }
    }));

  it("made by root in another user's folder is that user's", function () {
    if (process.getuid?.() !== 0) this.skip();
    return inFolder(async (dir) => {
      await lchown(dir, 65_534, 65_534);
      await initDepot(join(dir, 'depot'), { clock: new TestClock() });
      for (const path of await readdir(dir, { recursive: true })) {
        expect((await stat(join(dir, path))).uid, path).to.equal(65_534);
      }
    });
  });

  it('that is none is named with the way to make it', () =>
    inFolder(async (dir) => {
      const error = await expectFailure(openDepot(dir, { clock: new TestClock() }), 'NOT_A_DEPOT', 'notFound');
      expect(error.actions.join()).to.include(`d3 depot init ${dir}`);
      await expectFailure(openDepot(join(dir, 'nowhere'), { clock: new TestClock() }), 'NOT_A_DEPOT', 'notFound');
      expect(await readdir(dir)).to.deep.equal([]);
    }));

  it('publishes editions in id order with what is missing, and groups with hashed members', () =>
    inDepot(async (depot) => {
      const { sha256: file } = await depot.blobs.put(Buffer.from('package'));
      await depot.store.editions.insert(newEdition({ file: { ...newEdition().file, sha256: file, size: 7 } }), 'a');
      await depot.store.editions.insert(newEdition({ revision: 2 }), 'a');
      const body = { schema: 'd3/group@1', kind: 'static', description: '', members: [MEMBER] } as const;
      const { id } = await depot.store.documents('group').create('test-macs', { ...body, members: [MEMBER] }, 'a');
      const record = await depot.publish();
      const { catalog } = await publishedCatalog(depot);
      expect(record?.generation).to.equal(3);
      expect(catalog.schema).to.equal('d3/catalog@1');
      expect(catalog.generation).to.equal(3);
      expect(catalog.editions).to.deep.equal(await depot.editionsWithDerivedStatus());
      expect(catalog.editions.map((edition: { status: string }) => edition.status)).to.deep.equal(['pilot', 'missing']);
      expect(catalog.groups).to.deep.equal([{ id, name: 'test-macs', members: [sha256(MEMBER)] }]);
    }));

  it('publishes nothing when nothing changed, but does when a file went', () =>
    inDepot(async (depot) => {
      const { sha256: file } = await depot.blobs.put(Buffer.from('package'));
      await depot.store.editions.insert(newEdition({ file: { ...newEdition().file, sha256: file, size: 7 } }), 'a');
      await depot.publish();
      const before = await publicFiles(depot);
      expect(await depot.publish()).to.equal(null);
      expect(await publicFiles(depot)).to.deep.equal(before);
      await depot.blobs.remove(file);
      expect((await depot.publish())?.generation).to.equal(2);
      expect((await publishedCatalog(depot)).catalog.editions[0].status).to.equal('missing');
      expect(await depot.publish()).to.equal(null);
    }));

  it('keeps the files of its last publications and every root', () =>
    inDepot(async (depot) => {
      for (let revision = 1; revision <= 8; revision++) {
        await depot.store.editions.insert(newEdition({ revision }), 'a');
        await depot.publish();
      }
      const { metadata, targets } = await publicFiles(depot);
      expect(metadata).to.deep.equal(
        [
          '1.root.json',
          'timestamp.json',
          ...[5, 6, 7, 8, 9].flatMap((n) => [`${nth(n)}.snapshot.json`, `${nth(n)}.targets.json`]),
        ].toSorted(),
      );
      expect(targets.length).to.equal(5);
      expect((await publishedCatalog(depot)).catalog.editions.length).to.equal(8);
    }));

  it('renews itself when it is opened in the second half of its life, its root too', () =>
    inDepot(async (depot, clock) => {
      clock.moveDays(14);
      await (await openDepot(depot.dir, { clock })).close();
      expect((await publishedCatalog(depot)).timestamp.version).to.equal(nth(1));
      clock.moveDays(2);
      await (await openDepot(depot.dir, { clock })).close();
      expect((await publishedCatalog(depot)).timestamp.expires).to.equal('2030-02-16T00:00:00Z');
      expect((await publicFiles(depot)).metadata).to.not.include('2.root.json');
      clock.moveDays(184);
      await (await openDepot(depot.dir, { clock })).close();
      const { timestamp } = await publishedCatalog(depot);
      expect([timestamp.version, timestamp.expires]).to.deep.equal([nth(1) + 200 * 86_400, '2030-08-19T00:00:00Z']);
      expect((await publicFiles(depot)).metadata).to.include('2.root.json');
      expect((await depot.store.publication.last())?.versions.root).to.equal(2);
      expect(await depot.publish()).to.equal(null);
    }));

  it('that is served signs for a day at a time, whatever admins do meanwhile, and only what has to be', () =>
    inDepot(async (depot, clock) => {
      const first = await depot.renewServed();
      expect(first?.expires).to.equal('2030-01-02T00:00:00Z');
      clock.moveDays(1 / 24);
      const second = await depot.renewServed();
      expect([second?.expires, second?.versions.targets]).to.deep.equal([
        '2030-01-02T01:00:00Z',
        first?.versions.targets,
      ]);
      await depot.store.editions.insert(newEdition(), 'a');
      expect((await depot.publish())?.expires).to.equal('2030-01-02T01:00:00Z');
      const trustDir = join(depot.dir, '../trust');
      const client = createDepotClient({ transport: new FolderTransport(depot.dir), trustDir, clock });
      expect((await client.refresh()).warnings).to.deep.equal([]);
      clock.moveDays(0.6);
      expect((await client.refresh()).warnings.join()).to.include('expires in 9 hours');
    }));

  it('that is served and renewed every hour: machines hear a week ahead that root and targets end', () =>
    inDepot(async (depot, clock) => {
      const { signed } = await readJson(join(depot.dir, 'public/metadata/1.root.json'));
      const held = ['root', 'targets'].flatMap((role): string[] => signed.roles[role].keyids);
      for (const name of ['root.pem', 'targets.pem']) await rm(join(depot.dir, 'keys', name));
      await noteElsewhere(depot.dir, new Map(held.map((id) => [id, 'an admin'])));
      const client = createDepotClient({
        transport: new FolderTransport(depot.dir),
        trustDir: join(depot.dir, '../trust'),
        clock,
      });
      const warned = async () => {
        await depot.renewServed();
        const fresh = await client.refresh();
        expect((await client.kept())?.warnings).to.deep.equal(fresh.warnings);
        return fresh.warnings.join();
      };
      clock.moveDays(355);
      expect(await warned()).to.equal('');
      clock.moveDays(4);
      expect(await warned()).to.match(/root and targets .* expires in 6 days, at 2031-01-01.*d3 depot keys sign/);
    }));

  it('that lost what it published makes it anew, and its machines go on', () =>
    inDepot(async (depot, clock) => {
      const transport = new FolderTransport(depot.dir);
      const client = createDepotClient({ transport, trustDir: join(depot.dir, '../trust'), clock });
      await client.refresh();
      await rm(join(depot.dir, 'public'), { recursive: true });
      await (await openDepot(depot.dir, { clock })).close();
      expect((await readJson(join(depot.dir, 'public/metadata/timestamp.json'))).signed.version).to.equal(nth(2));
      expect((await client.refresh()).source).to.equal('fresh');
    }));

  it('never gives a version number twice, whatever the database remembers', () =>
    inDepot(async (depot) => {
      await depot.store.editions.insert(newEdition(), 'a');
      await depot.publish();
      await depot.store.publication.exclusively(async ({ last }) =>
        last === null ? null : { ...last, generation: 0, versions: { root: 1, targets: 1, snapshot: 1, timestamp: 1 } },
      );
      const versions = (n: number) => ({ root: 1, targets: nth(n), snapshot: nth(n), timestamp: nth(n) });
      expect((await depot.publish())?.versions).to.deep.equal(versions(3));
      await rm(join(depot.dir, 'public/metadata/timestamp.json'));
      expect((await depot.publish())?.versions).to.deep.equal({ ...versions(4), targets: nth(3) });
    }));

  it('restored from an old backup is followed by its machines from its next publication on', () =>
    inDepot(async (depot, clock) => {
      const transport = new FolderTransport(depot.dir);
      const client = createDepotClient({ transport, trustDir: join(depot.dir, '../trust'), clock });
      const backup = join(depot.dir, '../backup');
      await cp(depot.dir, backup, { recursive: true });
      for (let revision = 1; revision <= 5; revision++) {
        clock.moveDays(1);
        await depot.store.editions.insert(newEdition({ revision }), 'a');
        await depot.publish();
      }
      expect((await client.refresh()).catalog.editions.length).to.equal(5);
      expect((await publicFiles(depot)).metadata).to.have.lengthOf(12);
      await depot.close();
      await rm(depot.dir, { recursive: true });
      await cp(backup, depot.dir, { recursive: true });
      clock.moveDays(1);
      const restored = await openDepot(depot.dir, { clock });
      const error = await expectFailure(client.refresh(), 'DEPOT_ROLLED_BACK', 'verificationFailed');
      expect(error.actions[0]).to.include('restored from a backup');
      await restored.store.editions.insert(newEdition(), 'a');
      await restored.publish();
      await restored.close();
      expect((await client.refresh()).catalog.editions.length).to.equal(1);
    }));

  it('does not sign with keys its machines do not trust, nor with exposed ones', () =>
    inDepot(async (depot, clock) => {
      await depot.store.editions.insert(newEdition(), 'a');
      const other = join(depot.dir, '..', 'other');
      await initDepot(other, { clock });
      const key = join(depot.dir, 'keys/snapshot.pem');
      const own = await readFile(key);
      await writeFile(key, await readFile(join(other, 'keys/snapshot.pem')));
      await expectFailure(depot.publish(), 'KEYS_CHANGED', 'refused');
      await writeFile(key, 'no key');
      await expectFailure(depot.publish(), 'KEY_UNREADABLE', 'refused');
      await rm(key);
      await expectFailure(depot.publish(), 'KEY_NOT_FOUND', 'notFound');
      await writeFile(key, own, { mode: 0o644 });
      const error = await expectFailure(depot.publish(), 'KEY_EXPOSED', 'refused');
      expect(error.actions[0]).to.equal(`chmod 600 ${key}`);
      expect((await publishedCatalog(depot)).catalog.editions).to.deep.equal([]);
    }));

  it("stays its owner's when root works on it", function () {
    if (process.getuid?.() !== 0) this.skip();
    return inDepot(async (depot, clock) => {
      for (const path of await readdir(depot.dir, { recursive: true }))
        await lchown(join(depot.dir, path), 65_534, 65_534);
      await lchown(depot.dir, 65_534, 65_534);
      await depot.blobs.put(Buffer.from('package'));
      await depot.store.editions.insert(newEdition(), 'a');
      await depot.publish();
      const transport = new FolderTransport(depot.dir);
      await createDepotClient({ transport, trustDir: join(depot.dir, '../trust'), clock }).report(newReport());
      for (const path of await readdir(depot.dir, { recursive: true })) {
        expect((await stat(join(depot.dir, path))).uid, path).to.equal(65_534);
      }
      expect((await depot.takeInbox()).taken).to.equal(1);
    });
  });

  it('serves two handles of one process without waiting for itself', () =>
    inDepot(async (depot, clock) => {
      const second = await openDepot(depot.dir, { clock });
      await Promise.all(
        [depot, second].map(async (handle, index) => {
          for (let revision = 1; revision <= 3; revision++) {
            await handle.store.editions.insert(newEdition({ basename: `b${index}`, revision }), 'a');
            await handle.publish();
          }
        }),
      );
      await second.close();
      expect((await publishedCatalog(depot)).catalog.editions.length).to.equal(6);
    }));
});
