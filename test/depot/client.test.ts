import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  createDepotClient,
  type LocalDepot as Depot,
  type DepotClient,
  FolderTransport,
  initDepot,
  openDepot,
  type Transport,
} from '../../src/depot/index.ts';
import { generateKeys, loadKeys } from '../../src/depot/keys.ts';
import { expectFailure, forge, inFolder, newEdition, nth, readJson, rotateRoot, sha256, TestClock } from './helpers.ts';

interface Scene {
  dir: string;
  depot: Depot;
  trust: string;
  clock: TestClock;
  client: DepotClient;
  /** Path below the depot's public folder. */
  pub: (path: string) => string;
  /** Adds an edition and publishes. */
  next: () => Promise<void>;
}

/** A depot with one edition (its second publication) that one machine has accepted. */
async function inScene(test: (scene: Scene) => Promise<void>): Promise<void> {
  await inFolder(async (dir) => {
    const clock = new TestClock();
    const depotDir = join(dir, 'depot');
    const trust = join(dir, 'trust');
    await initDepot(depotDir, { clock });
    const depot = await openDepot(depotDir, { clock });
    let revision = 0;
    const next = async () => {
      revision += 1;
      await depot.store.editions.insert(newEdition({ revision }), 'a');
      await depot.publish();
    };
    try {
      await next();
      const client = createDepotClient({ transport: new FolderTransport(depotDir), trustDir: trust, clock });
      expect((await client.refresh()).source).to.equal('fresh');
      await test({ dir, depot, trust, clock, client, next, pub: (path) => join(depotDir, 'public', path) });
    } finally {
      await depot.close();
    }
  });
}

/** Expects a refusal (33) that changes nothing: the catalog of one edition stays in force. */
async function expectRefusal({ client, trust }: Scene, code: string, says: RegExp): Promise<D3Error> {
  const before = await readFile(join(trust, 'trusted.json'), 'utf8');
  const error = await expectFailure(client.refresh(), code, 'verificationFailed');
  expect(error.exitCode).to.equal(33);
  expect(error.message).to.match(says);
  expect(error.actions.length).to.be.greaterThan(0);
  expect(await readFile(join(trust, 'trusted.json'), 'utf8')).to.equal(before);
  expect((await client.kept())?.catalog.editions.length).to.equal(1);
  expect((await readdir(trust)).filter((name) => name.startsWith('.tmp-'))).to.deep.equal([]);
  return error;
}

const catalogFile = async (scene: Scene) => {
  const version = (await readJson(scene.pub('metadata/timestamp.json'))).signed.meta['snapshot.json'].version;
  const targets = await readJson(scene.pub(`metadata/${version}.targets.json`));
  return scene.pub(`targets/${targets.signed.targets['catalog.json'].hashes.sha256}.catalog.json`);
};

describe("a machine's client", () => {
  it('accepts, keeps and follows what the depot publishes', () =>
    inScene(async ({ client, next, trust, depot }) => {
      const unchanged = await client.refresh();
      expect(unchanged).to.deep.include({ source: 'unchanged', expires: '2031-01-01T00:00:00Z', warnings: [] });
      expect(await client.kept()).to.deep.equal({ ...unchanged, source: 'kept' });
      await next();
      const fresh = await client.refresh();
      expect([fresh.source, fresh.catalog.editions.length]).to.deep.equal(['fresh', 2]);
      expect(fresh.sha256).to.equal(sha256(JSON.stringify(fresh.catalog)));
      expect(fresh.catalog.editions).to.deep.equal(await depot.editionsWithDerivedStatus());
      for (const set of (await readdir(trust)).filter((name) => name.startsWith('set-'))) {
        expect((await readdir(join(trust, set))).toSorted()).to.deep.equal([
          'catalog.json',
          'root.json',
          'snapshot.json',
          'targets.json',
          'timestamp.json',
        ]);
      }
    }));

  it('asks for one small file when nothing changed', () =>
    inScene(async ({ depot, trust, clock }) => {
      const folder = new FolderTransport(depot.dir);
      const asked: string[] = [];
      const transport: Transport = {
        location: folder.location,
        read: (path, maxBytes) => {
          asked.push(path);
          return folder.read(path, maxBytes);
        },
        stream: (path) => folder.stream(path),
        changed: (path, maxBytes) => transport.read(path, maxBytes),
        tagOf: () => null,
        passage: (path, after) => folder.passage(path, after),
        pauses: [],
        put: (path, bytes) => folder.put(path, bytes),
      };
      await createDepotClient({ transport, trustDir: trust, clock }).refresh();
      expect(asked).to.deep.equal(['metadata/timestamp.json']);
    }));

  it('streams blobs and says which are not there', () =>
    inScene(async ({ depot, client }) => {
      const bytes = Buffer.alloc(1_000_000, 'blob');
      const blob = await depot.blobs.put(bytes);
      const hash = createHash('sha256');
      for await (const chunk of await client.blob(blob.sha256)) hash.update(chunk);
      expect(hash.digest('hex')).to.equal(blob.sha256);
      await expectFailure(client.blob('0'.repeat(64)), 'BLOB_NOT_FOUND', 'notFound');
      await expectFailure(client.blob('../keys/root.pem'), 'HASH_INVALID', 'usage');
      const unread = await client.blob(blob.sha256);
      (unread as unknown as { destroy(): void }).destroy();
    }));

  it('tells trouble with its own disk from trouble with the depot', () =>
    inScene(async ({ depot, trust, clock, client, next }) => {
      await next();
      const folder = new FolderTransport(depot.dir);
      for (const file of ['timestamp', 'snapshot', 'targets', 'catalog']) {
        const transport: Transport = {
          location: folder.location,
          read: async (path, maxBytes) => {
            if (path.includes(file)) {
              for (const name of await readdir(trust)) {
                if (name.startsWith('.tmp-')) await rm(join(trust, name), { recursive: true });
              }
            }
            return folder.read(path, maxBytes);
          },
          stream: (path) => folder.stream(path),
          changed: (path, maxBytes) => transport.read(path, maxBytes),
          tagOf: () => null,
          passage: (path, after) => folder.passage(path, after),
          pauses: [],
          put: (path, bytes) => folder.put(path, bytes),
        };
        const broken = createDepotClient({ transport, trustDir: trust, clock });
        const error = await expectFailure(broken.refresh(), 'TRUST_NOT_KEPT', 'failed');
        expect(error.message)
          .to.include(trust)
          .and.to.match(/ENOENT/);
      }
      expect((await client.kept())?.catalog.editions.length).to.equal(1);
      expect((await client.refresh()).catalog.editions.length).to.equal(2);
    }));

  it('tells a depot that is not there from one that is broken', () =>
    inScene(async ({ dir, depot, trust, clock, client }) => {
      await rename(depot.dir, `${depot.dir}.away`);
      const gone = await expectFailure(client.refresh(), 'DEPOT_UNREACHABLE', 'depotUnreachable');
      expect(gone.message).to.include(depot.dir);
      expect(gone.exitCode).to.equal(20);
      await mkdir(depot.dir);
      await expectFailure(client.refresh(), 'DEPOT_UNREACHABLE', 'depotUnreachable');
      await expectFailure(client.blob('0'.repeat(64)), 'DEPOT_UNREACHABLE', 'depotUnreachable');
      expect((await client.kept())?.catalog.editions.length).to.equal(1);
      const newcomer = createDepotClient({
        transport: new FolderTransport(depot.dir),
        trustDir: join(dir, 'none'),
        clock,
      });
      await expectFailure(newcomer.refresh(), 'DEPOT_UNREACHABLE', 'depotUnreachable');
      expect(await newcomer.kept()).to.equal(null);
      await rm(depot.dir, { recursive: true });
      await rename(`${depot.dir}.away`, depot.dir);
      expect((await client.refresh()).source).to.equal('unchanged');
      expect(await readdir(trust)).to.include('trusted.json');
    }));

  it('downloads its catalog again when the kept one is damaged', () =>
    inScene(async ({ client, trust }) => {
      const { set } = await readJson(join(trust, 'trusted.json'));
      await writeFile(join(trust, set, 'catalog.json'), '{"schema":"d3/catalog@1","editions":[],"groups":[]}');
      expect(await client.kept()).to.equal(null);
      const healed = await client.refresh();
      expect([healed.source, healed.catalog.editions.length]).to.deep.equal(['fresh', 1]);
      expect((await client.refresh()).source).to.equal('unchanged');
      await rm(join(trust, (await readJson(join(trust, 'trusted.json'))).set), { recursive: true });
      await expectFailure(client.refresh(), 'TRUST_DAMAGED', 'verificationFailed');
    }));

  it('verifies without keeping where the user may not change what is trusted', function () {
    if (process.getuid?.() === 0) this.skip();
    return inScene(async ({ client, trust, next }) => {
      await chmod(trust, 0o555);
      expect((await client.refresh()).source).to.equal('unchanged');
      await next();
      const fresh = await client.refresh();
      expect([fresh.source, fresh.catalog.editions.length, fresh.warnings.length]).to.deep.equal(['fresh', 2, 1]);
      expect((await client.kept())?.catalog.editions.length).to.equal(1);
      await chmod(trust, 0o755);
    });
  });

  it('goes on with what it has while its clock is behind, and says so', () =>
    inScene(async ({ client, clock, next }) => {
      await next();
      clock.moveDays(-1_000);
      const kept = await client.refresh();
      expect([kept.source, kept.catalog.editions.length]).to.deep.equal(['kept', 1]);
      expect(kept.warnings.join()).to.match(/clock says 2027-.* accepted at 2030-01-01/);
      expect((await client.kept())?.warnings).to.have.lengthOf(1);
      clock.moveDays(1_000);
      expect((await client.refresh()).catalog.editions.length).to.equal(2);
    }));

  it('does not act on a catalog that has expired, and recovers when it is renewed', () =>
    inScene(async ({ client, clock, depot }) => {
      clock.moveDays(364);
      expect((await client.refresh()).source).to.equal('unchanged');
      clock.moveDays(1);
      const error = await expectFailure(client.refresh(), 'DEPOT_EXPIRED', 'verificationFailed');
      expect(error.message).to.match(/expired/);
      expect(await client.kept()).to.equal(null);
      await depot.publish();
      expect((await client.refresh()).expires).to.equal('2032-01-01T00:00:00Z');
    }));

  it('judges expiry by its own clock, not by the host', () =>
    inFolder(async (dir) => {
      const clock = new TestClock('2001-01-01T00:00:00.000Z');
      await initDepot(join(dir, 'depot'), { clock });
      const transport = new FolderTransport(join(dir, 'depot'));
      const client = createDepotClient({ transport, trustDir: join(dir, 'trust'), clock });
      expect((await client.refresh()).expires).to.equal('2002-01-01T00:00:00Z');
    }));

  it('follows new keys that the old root signed, and then refuses the old ones', () =>
    inScene(async (scene) => {
      const { depot, client, dir, trust } = scene;
      await mkdir(join(dir, 'new'));
      await generateKeys(join(dir, 'new'));
      const { timestamp, snapshot, targets } = await loadKeys(join(dir, 'new'));
      const keys = { timestamp, snapshot, targets };
      await rotateRoot(depot.dir, 2, keys);
      // The new root stands, but what follows is still signed by the old keys.
      await forge(depot.dir, { version: nth(3), catalog: await readFile(await catalogFile(scene)) });
      await expectFailure(client.refresh(), 'DEPOT_ALTERED', 'verificationFailed');
      expect((await client.kept())?.catalog.editions.length).to.equal(1);
      const { set } = await readJson(join(trust, 'trusted.json'));
      expect((await readJson(join(trust, set, 'root.json'))).signed.version).to.equal(2);
      await rm(scene.pub('metadata/2.root.json'));
      await expectFailure(client.refresh(), 'DEPOT_ALTERED', 'verificationFailed');
      // Whoever had the old keys may have used up the numbers: under the new ones they may begin anew.
      await forge(depot.dir, { version: 1, catalog: await readFile(await catalogFile(scene)), keys });
      expect((await client.refresh()).source).to.equal('fresh');
      expect((await client.refresh()).source).to.equal('unchanged');
    }));
});

describe('a hostile depot is refused and the last good catalog stays in force:', () => {
  it('altered catalog', () =>
    inScene(async (scene) => {
      await scene.next();
      const file = await catalogFile(scene);
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll('transmogrifier', 'trojan-horses!'));
      await expectRefusal(scene, 'DEPOT_ALTERED', /altered/);
      await writeFile(file, text.slice(0, -1));
      await expectRefusal(scene, 'DEPOT_ALTERED', /altered/);
    }));

  it('altered timestamp, snapshot or targets', () =>
    inScene(async (scene) => {
      await scene.next();
      for (const name of ['timestamp.json', `${nth(3)}.snapshot.json`, `${nth(3)}.targets.json`]) {
        const file = scene.pub(`metadata/${name}`);
        const text = await readFile(file, 'utf8');
        await writeFile(file, text.replace('2031-', '2041-'));
        await expectRefusal(scene, name === 'timestamp.json' ? 'DEPOT_ALTERED' : 'DEPOT_MIXED', /altered/);
        await writeFile(file, 'not json');
        await expectRefusal(scene, name === 'timestamp.json' ? 'DEPOT_ALTERED' : 'DEPOT_MIXED', /altered/);
        await writeFile(file, text);
      }
      expect((await scene.client.refresh()).source).to.equal('fresh');
    }));

  it('rollback to an older publication', () =>
    inScene(async (scene) => {
      const old = `${scene.depot.dir}.old`;
      await cp(scene.pub('.'), old, { recursive: true });
      await scene.next();
      await scene.client.refresh();
      await rm(scene.pub('.'), { recursive: true });
      await cp(old, scene.pub('.'), { recursive: true });
      const error = await expectFailure(scene.client.refresh(), 'DEPOT_ROLLED_BACK', 'verificationFailed');
      expect(error.message).to.match(new RegExp(`rolled back.*timestamp version ${nth(2)}`));
      expect((await scene.client.kept())?.catalog.editions.length).to.equal(2);
    }));

  it('rollback under the same or a newer timestamp', () =>
    inScene(async (scene) => {
      const catalog = Buffer.from(JSON.stringify({ schema: 'd3/catalog@1', generation: 9, editions: [], groups: [] }));
      await forge(scene.depot.dir, { version: nth(2), catalog });
      await expectRefusal(scene, 'DEPOT_ROLLED_BACK', /rolled back/);
      await forge(scene.depot.dir, { version: nth(1), catalog });
      await expectRefusal(scene, 'DEPOT_ROLLED_BACK', /rolled back/);
    }));

  it('mix and match of two publications', () =>
    inScene(async (scene) => {
      await scene.next();
      for (const role of ['snapshot', 'targets']) {
        const file = scene.pub(`metadata/${nth(3)}.${role}.json`);
        const bytes = await readFile(file);
        await cp(scene.pub(`metadata/${nth(2)}.${role}.json`), file);
        await expectRefusal(scene, 'DEPOT_MIXED', /mixed/);
        await writeFile(file, bytes);
      }
    }));

  it('freeze: an expired publication', () =>
    inScene(async (scene) => {
      const catalog = await readFile(await catalogFile(scene));
      await forge(scene.depot.dir, { version: nth(3), catalog, expires: '2029-01-01T00:00:00Z' });
      await expectRefusal(scene, 'DEPOT_EXPIRED', /expired.*stale/);
    }));

  it('endless data', () =>
    inScene(async (scene) => {
      await scene.next();
      for (const name of [
        'metadata/timestamp.json',
        `metadata/${nth(3)}.snapshot.json`,
        `metadata/${nth(3)}.targets.json`,
      ]) {
        const bytes = await readFile(scene.pub(name));
        await truncate(scene.pub(name), 50_000_000_000);
        await expectRefusal(scene, 'DEPOT_MALFORMED', /larger than/);
        await writeFile(scene.pub(name), bytes);
      }
      await truncate(await catalogFile(scene), 50_000_000_000);
      await expectRefusal(scene, 'DEPOT_MALFORMED', /larger than/);
    }));

  it('devices, pipes and links in place of files', () =>
    inScene(async (scene) => {
      const file = scene.pub('metadata/timestamp.json');
      await rename(file, `${file}.real`);
      await symlink(`${file}.real`, file);
      await expectRefusal(scene, 'DEPOT_MALFORMED', /not a plain file/);
      await rm(file);
      await symlink('/dev/zero', file);
      await expectRefusal(scene, 'DEPOT_MALFORMED', /not a plain file/);
      await rm(file);
      execFileSync('mkfifo', [file]);
      await expectRefusal(scene, 'DEPOT_MALFORMED', /not a plain file/);
      await rm(file);
      await mkdir(file);
      await expectRefusal(scene, 'DEPOT_MALFORMED', /not a plain file/);
    }));

  it('missing files', () =>
    inScene(async (scene) => {
      await scene.next();
      const paths = [
        'metadata/timestamp.json',
        `metadata/${nth(3)}.snapshot.json`,
        `metadata/${nth(3)}.targets.json`,
      ].map(scene.pub);
      for (const file of [...paths, await catalogFile(scene)]) {
        await rename(file, `${file}.away`);
        await expectRefusal(scene, 'DEPOT_INCOMPLETE', /is missing/);
        await rename(`${file}.away`, file);
      }
    }));

  it('any file with any damage', () =>
    inScene(async (scene) => {
      await scene.next();
      const files: string[] = [];
      for (const path of await readdir(scene.pub('.'), { recursive: true })) {
        if (path.endsWith('.json')) files.push(scene.pub(path));
      }
      const transport = new FolderTransport(scene.depot.dir);
      const damage = fc.record({
        file: fc.constantFrom(...files),
        at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        remove: fc.nat(20),
        insert: fc.oneof(
          fc.uint8Array({ maxLength: 20 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
      });
      let round = 0;
      await fc.assert(
        fc.asyncProperty(damage, async ({ file, at, remove, insert }) => {
          round += 1;
          const trustDir = join(scene.dir, `trust-${round}`);
          await cp(scene.trust, trustDir, { recursive: true });
          const bytes = await readFile(file);
          const start = Math.floor(bytes.length * at);
          await writeFile(file, Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + remove)]));
          const client = createDepotClient({ transport, trustDir, clock: scene.clock });
          try {
            // What nobody reads may be damaged, and so may white space.
            expect((await client.refresh()).catalog.editions.length).to.equal(2);
          } catch (error) {
            if (!(error instanceof D3Error)) throw error;
            expect(error.exit, error.message).to.equal('verificationFailed');
            expect((await client.kept())?.catalog.editions.length).to.equal(1);
          }
          await writeFile(file, bytes);
        }),
        { numRuns: 100 },
      );
    }));

  it('another depot in its place', () =>
    inScene(async (scene) => {
      const other = join(scene.dir, 'other');
      await initDepot(other, { clock: scene.clock });
      await rm(scene.pub('.'), { recursive: true });
      await cp(join(other, 'public'), scene.pub('.'), { recursive: true });
      const error = await expectRefusal(scene, 'DEPOT_IS_ANOTHER', /trusts another depot/);
      expect(error.actions.join()).to.include(scene.trust);
    }));

  it('keys the root does not name', () =>
    inScene(async (scene) => {
      await mkdir(join(scene.dir, 'evil'));
      await generateKeys(join(scene.dir, 'evil'));
      const evil = await loadKeys(join(scene.dir, 'evil'));
      const catalog = await readFile(await catalogFile(scene));
      for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
        await forge(scene.depot.dir, { version: nth(3), catalog, keys: { [role]: evil[role] } });
        await expectRefusal(scene, 'DEPOT_ALTERED', /signed/);
      }
      // A root of their own: not signed by the one trusted here.
      await cp(join(scene.dir, 'evil/keys'), join(scene.depot.dir, 'keys'), { recursive: true });
      await rotateRoot(scene.depot.dir, 2, {});
      await forge(scene.depot.dir, { version: nth(3), catalog });
      await expectRefusal(scene, 'DEPOT_ALTERED', /signed/);
    }));

  it('a catalog of a newer schema, or of none', () =>
    inScene(async (scene) => {
      const newer = Buffer.from(JSON.stringify({ schema: 'd3/catalog@2', all: 'different' }));
      await forge(scene.depot.dir, { version: nth(3), catalog: newer });
      const error = await expectRefusal(scene, 'CATALOG_NEWER', /d3\/catalog@2/);
      expect(error.actions.join()).to.include('Update d3');
      await forge(scene.depot.dir, { version: nth(4), catalog: Buffer.from('[]') });
      await expectRefusal(scene, 'CATALOG_INVALID', /none this d3 knows/);
      await forge(scene.depot.dir, { version: nth(5), catalog: Buffer.from('{') });
      await expectRefusal(scene, 'CATALOG_INVALID', /not JSON/);
    }));
});
