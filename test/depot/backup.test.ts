import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, readdirSync } from 'node:fs';
import { cp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentReporter } from '@d3/sdk';
import { Metadata, MetadataKind, Signature } from '@tufjs/models';
import { expect } from 'chai';
import {
  backUpDepot,
  createDepotClient,
  FolderTransport,
  initDepot,
  type LocalDepot,
  openDepot,
  restoreDepot,
} from '../../src/depot/index.ts';
import { readKeyring } from '../../src/depot/keys.ts';
import { postgresPlace } from '../../src/depot/store/postgres-place.ts';
import { runProgram } from '../../src/platform/program.ts';
import { d3 } from '../cli/spawn.ts';
import { contentsOf, fillDepot } from '../support/filled-depot.ts';
import { dropSchema, freshSchema, releasePostgres, type TestServer, testPostgres } from '../support/postgres.ts';
import { expectFailure, inFolder, newEdition, readJson, TestClock } from './helpers.ts';

describe('a backup of a depot', function () {
  this.timeout(120_000);
  let server: TestServer;
  before(async () => {
    server = await testPostgres();
  });
  after(releasePostgres);

  const clock = new TestClock();
  const signal = new AbortController().signal;
  const given = (url: string | null) => (url === null ? null : { url, password: null });

  async function made(home: string, url: string | null): Promise<unknown> {
    await initDepot(home, { clock, database: given(url) });
    const depot = await openDepot(home, { clock, database: given(url) });
    try {
      await fillDepot(depot);
      return await keptOf(depot);
    } finally {
      await depot.close();
    }
  }

  /** All that comes back as it was: what is brought back is published anew. */
  async function keptOf(depot: LocalDepot): Promise<unknown> {
    const { published: _published, ...kept } = await contentsOf(depot);
    return kept;
  }

  const backUp = (home: string, to: string, url: string | null = null) =>
    backUpDepot(home, to, { database: given(url), clock, report: silentReporter, signal });
  const restore = (from: string, home: string, url: string | null = null) =>
    restoreDepot(from, home, { database: given(url), report: silentReporter, signal });

  async function contents(home: string, url: string | null): Promise<unknown> {
    const depot = await openDepot(home, { clock, database: given(url) });
    try {
      for (const { status } of await depot.editionsWithDerivedStatus()) expect(status).to.not.equal('missing');
      return await keptOf(depot);
    } finally {
      await depot.close();
    }
  }

  for (const form of ['folder', 'one file'] as const) {
    it(`as ${form}: either database goes into it and comes out as either`, () =>
      inFolder(async (dir) => {
        const [source, target] = [freshSchema(server), freshSchema(server)];
        try {
          for (const [name, from] of [
            ['sqlite', null],
            ['postgres', source],
          ] as const) {
            const home = join(dir, name);
            const before = await made(home, from);
            const backup = join(dir, form === 'folder' ? `${name}-kept` : `${name}-kept.tar`);
            const kept = await backUp(home, backup, from);
            expect(kept.rows).to.deep.include({ editions: 3, computers: 5 });
            expect((await stat(backup)).mode & 0o077).to.equal(0);
            await restore(backup, join(dir, `${name}-file`));
            expect(await contents(join(dir, `${name}-file`), null)).to.deep.equal(before);
            await restore(backup, join(dir, `${name}-server`), target);
            expect(await contents(join(dir, `${name}-server`), target)).to.deep.equal(before);
            await expectFailure(restore(backup, join(dir, 'again'), target), 'DATABASE_NOT_EMPTY', 'refused');
            await dropSchema(target);
          }
        } finally {
          await dropSchema(source);
        }
      }));
  }

  it('taken while others write has everything its rows name, and is of one moment', () =>
    inFolder(async (dir) => {
      for (const url of [null, freshSchema(server)]) {
        const home = join(dir, url === null ? 'file' : 'server');
        await made(home, url);
        const writer = await openDepot(home, { clock, database: given(url) });
        const load = { stop: false, written: 0 };
        const writing = (async () => {
          while (!load.stop) {
            load.written += 1;
            const { written } = load;
            const { sha256, size } = await writer.blobs.put(Buffer.from(`more ${written}`));
            const file = { name: `busy-1-${written}.pkg`, sha256, size, format: 'pkg' as const };
            await writer.store.editions.insert(
              newEdition({ basename: 'busy', version: '1', revision: written, file }),
              'joe',
            );
            await writer.publish();
          }
        })();
        const backup = join(dir, `${url === null ? 'file' : 'server'}.tar`);
        let during = 0;
        try {
          while (load.written < 5) await Promise.race([writing, new Promise((resolve) => setTimeout(resolve, 10))]);
          await backUp(home, backup, url);
          during = load.written;
        } finally {
          load.stop = true;
          await writing;
          await writer.close();
        }
        const back = join(dir, `${url === null ? 'file' : 'server'}-back`);
        await restore(backup, back);
        const depot = await openDepot(back, { clock });
        const editions = await depot.editionsWithDerivedStatus();
        expect(editions.filter(({ status }) => status === 'missing')).to.deep.equal([]);
        const revisions = editions.filter(({ basename }) => basename === 'busy').map(({ revision }) => revision);
        expect(revisions).to.deep.equal(revisions.map((_, index) => index + 1));
        expect(revisions.length).to.be.within(4, during);
        const history = await depot.store.history.list({ what: 'edition.added', by: 'joe' });
        expect(history.length).to.equal(revisions.length);
        await depot.close();
        if (url !== null) await dropSchema(url);
      }
    }));

  it('brings machines back that had seen more than it knows', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      await made(home, null);
      const client = createDepotClient({
        transport: new FolderTransport(home),
        trustDir: join(dir, 'trust'),
        clock,
      });
      await backUp(home, join(dir, 'kept'));
      clock.moveDays(1);
      const depot = await openDepot(home, { clock });
      await depot.store.editions.insert(newEdition({ revision: 20 }), 'a');
      await depot.publish();
      await depot.close();
      await client.refresh();
      clock.moveDays(1);
      await restore(join(dir, 'kept'), join(dir, 'back'));
      await (await openDepot(join(dir, 'back'), { clock })).close();
      const later = createDepotClient({
        transport: new FolderTransport(join(dir, 'back')),
        trustDir: join(dir, 'trust'),
        clock,
      });
      const { catalog } = await later.refresh();
      expect(catalog.editions.length).to.equal(3);
    }));

  it('has what the newest timestamp leads to, also when somebody publishes while it is copied', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      await made(home, null);
      const later = join(dir, 'later');
      await cp(home, later, { recursive: true });
      const depot = await openDepot(later, { clock });
      await depot.store.editions.insert(newEdition({ revision: 20 }), 'sally');
      await depot.publish();
      await depot.close();
      const kept = join(dir, 'kept');
      let isPublished = false;
      const publishing = {
        aborted: false,
        throwIfAborted() {
          // The first of what is published is being copied: all was listed before.
          if (isPublished || !existsSync(`${kept}.d3-part/depot/public/metadata`)) return;
          isPublished = true;
          cpSync(join(later, 'public'), join(home, 'public'), { recursive: true });
        },
      } as AbortSignal;
      await backUpDepot(home, kept, { database: null, clock, report: silentReporter, signal: publishing });
      expect(isPublished).to.equal(true);
      const shown = (path: string) => readJson(join(kept, 'depot/public', path));
      const { signed: timestamp } = await shown('metadata/timestamp.json');
      expect(timestamp).to.deep.equal((await readJson(join(later, 'public/metadata/timestamp.json'))).signed);
      const { signed: snapshot } = await shown(`metadata/${timestamp.meta['snapshot.json'].version}.snapshot.json`);
      const { signed: targets } = await shown(`metadata/${snapshot.meta['targets.json'].version}.targets.json`);
      const { sha256 } = targets.targets['catalog.json'].hashes;
      expect((await shown(`targets/${sha256}.catalog.json`)).editions).to.have.length(4);
    }));

  it('brings a depot back that can be renewed without the key of targets, whatever the copy of public/ lacks', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      const clock = new TestClock();
      const stick = join(dir, 'stick');
      await initDepot(home, { clock });
      const first = await openDepot(home, { clock, keys: [stick] });
      await fillDepot(first);
      const rotation = { role: 'targets' as const, add: [], remove: [], threshold: null, folder: stick };
      await first.signing.rotate(rotation, 'sally');
      await first.publish({ mine: true });
      await first.close();
      const machineOf = (depot: string) =>
        createDepotClient({ transport: new FolderTransport(depot), trustDir: join(dir, 'trust'), clock });
      expect((await machineOf(home).refresh()).catalog.editions.length).to.equal(3);
      const metadata = (depot: string) => join(depot, 'public/metadata');
      const newest = async (depot: string, role: string) =>
        (await readdir(metadata(depot)))
          .filter((name) => name.endsWith(`.${role}.json`))
          .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
          .at(-1) as string;
      // As copied while somebody published: the timestamp names a snapshot, and newer targets a catalog, that are not there.
      const kept = join(dir, 'kept');
      await backUp(home, kept);
      const copied = join(kept, 'depot');
      const lost = join('public/metadata', await newest(copied, 'snapshot'));
      const extra = join('public/metadata', '99999999999.targets.json');
      const targets = await readJson(join(metadata(copied), await newest(copied, 'targets')));
      targets.signed.version = 99_999_999_999;
      targets.signed.targets['catalog.json'].hashes.sha256 = 'f'.repeat(64);
      const [key] = (await readKeyring([stick])).values();
      if (key === undefined) throw new Error('there is a key on the stick');
      const made = Metadata.fromJSON(MetadataKind.Targets, { ...targets, signatures: [] });
      made.sign((bytes) => new Signature({ keyID: key.id, sig: key.sign(bytes) }));
      const bytes = Buffer.from(JSON.stringify(made.toJSON()));
      await writeFile(join(copied, extra), bytes, { mode: 0o644 });
      await rm(join(copied, lost));
      const list = await readJson(join(kept, 'backup.json'));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      list.files = list.files.filter(({ path }: { path: string }) => path !== lost);
      list.files.push({ path: extra, size: bytes.length, sha256, mode: 0o644 });
      await writeFile(join(kept, 'backup.json'), JSON.stringify(list));

      clock.moveDays(1);
      const back = join(dir, 'back');
      await restore(kept, back);
      const depot = await openDepot(back, { clock });
      expect(await machineOf(back).refresh()).to.deep.include({ source: 'fresh' });
      expect(await depot.publish()).to.equal(null);
      // Machines may have seen newer ones than the backup has: once signed anew, they are above all.
      expect((await depot.signing.waiting()).map(({ role, missing }) => [role, missing])).to.deep.equal([
        ['targets', 1],
      ]);
      clock.moveDays(20);
      await depot.publish();
      await depot.close();
      clock.moveDays(20);
      expect((await machineOf(back).refresh()).catalog.editions.length).to.equal(3);
      // One that saw a newer catalog of the old depot goes on with it when its holder has signed.
      const gone = await openDepot(home, { clock, keys: [stick] });
      await gone.store.editions.insert(newEdition({ revision: 30 }), 'sally');
      await gone.publish({ mine: true });
      await gone.close();
      expect((await machineOf(home).refresh()).catalog.editions.length).to.equal(4);
      clock.moveDays(1);
      const again = await openDepot(back, { clock, keys: [stick] });
      await again.publish({ renew: true });
      await expectFailure(machineOf(back).refresh(), 'DEPOT_ROLLED_BACK', 'verificationFailed');
      await again.publish({ mine: true });
      expect(await again.signing.waiting()).to.deep.equal([]);
      expect(await again.publish()).to.equal(null);
      await again.close();
      expect((await machineOf(back).refresh()).catalog.editions.length).to.equal(3);
    }));

  it('of a depot whose store went on since it was published waits for the key of targets, and stays renewed', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      const clock = new TestClock();
      const stick = join(dir, 'stick');
      await initDepot(home, { clock });
      const first = await openDepot(home, { clock, keys: [stick] });
      await fillDepot(first);
      const rotation = { role: 'targets' as const, add: [], remove: [], threshold: null, folder: stick };
      await first.signing.rotate(rotation, 'sally');
      await first.publish({ mine: true });
      await first.store.editions.insert(newEdition({ revision: 20 }), 'sally');
      await first.close();
      await backUp(home, join(dir, 'kept'));
      const back = join(dir, 'back');
      await restore(join(dir, 'kept'), back);
      const machine = createDepotClient({
        transport: new FolderTransport(back),
        trustDir: join(dir, 'trust'),
        clock,
      });
      await (await openDepot(back, { clock })).close();
      clock.moveDays(20);
      const depot = await openDepot(back, { clock, keys: [stick] });
      await depot.publish();
      clock.moveDays(20);
      expect((await machine.refresh()).catalog.editions.length).to.equal(3);
      expect((await depot.signing.waiting()).map(({ role, missing }) => [role, missing])).to.deep.equal([
        ['targets', 1],
      ]);
      await depot.publish({ mine: true });
      await depot.close();
      expect((await machine.refresh()).catalog.editions.length).to.equal(4);
    }));

  it('is signed anew without the key of targets, where that is elsewhere', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      const usb = join(dir, 'usb');
      await made(home, null);
      const before = await openDepot(home, { clock, keys: [usb] });
      const plain = { add: [], remove: [], threshold: null };
      await before.signing.rotate({ role: 'targets', folder: usb, ...plain }, 'sally');
      await before.close();
      const holder = await openDepot(home, { clock, keys: [usb] });
      await holder.publish({ mine: true });
      await holder.close();
      const client = (from: string) =>
        createDepotClient({ transport: new FolderTransport(from), trustDir: join(dir, 'trust'), clock });
      const { catalog } = await client(home).refresh();
      await backUp(home, join(dir, 'kept'));
      const back = join(dir, 'back');
      await restore(join(dir, 'kept'), back);
      clock.moveDays(20);
      const depot = await openDepot(back, { clock });
      expect(await depot.publish({ renew: true })).to.not.equal(null);
      await depot.close();
      const renewed = await client(back).refresh();
      expect(renewed.catalog.editions).to.deep.equal(catalog.editions);
    }));

  it('that lost or changed a single byte is refused, and makes no depot', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      await made(home, null);
      await backUp(home, join(dir, 'kept'));
      await backUp(home, join(dir, 'kept.tar'));
      const blob = join(dir, 'kept/depot/blobs');
      const [folder] = readdirSync(blob);
      const [name] = readdirSync(join(blob, folder ?? ''));
      const file = join(blob, folder ?? '', name ?? '');
      const content = await readFile(file);
      await writeFile(file, Buffer.concat([content.subarray(1), content.subarray(0, 1)]));
      const error = await expectFailure(
        restore(join(dir, 'kept'), join(dir, 'back')),
        'BACKUP_DAMAGED',
        'verificationFailed',
      );
      expect(error.message).to.include(name);
      expect(readdirSync(join(dir, 'back'))).to.deep.equal([]);
      const archive = join(dir, 'kept.tar');
      const { size } = await stat(archive);
      for (const at of [200, 5_000, Math.floor(size / 2), size - 4_000]) {
        const handle = await open(archive, 'r+');
        const byte = Buffer.alloc(1);
        await handle.read(byte, 0, 1, at);
        await handle.write(Buffer.from([(byte[0] ?? 0) ^ 0x01]), 0, 1, at);
        const outcome = await restore(archive, join(dir, `back-${at}`)).then(
          () => null,
          (reason: unknown) => reason,
        );
        // A bit of padding carries nothing.
        if (outcome !== null)
          expect(outcome).to.have.property('code').that.is.oneOf(['BACKUP_DAMAGED', 'SCHEMA_NEWER', 'NO_BACKUP']);
        await handle.write(byte, 0, 1, at);
        await handle.close();
      }
      await writeFile(join(dir, 'short.tar'), (await readFile(archive)).subarray(0, size - 3_000));
      await expectFailure(restore(join(dir, 'short.tar'), join(dir, 'b')), 'BACKUP_DAMAGED', 'verificationFailed');
      await expectFailure(restore(join(dir, 'nothing'), join(dir, 'b')), 'NO_BACKUP', 'notFound');
      await expectFailure(restore(home, join(dir, 'b')), 'NO_BACKUP', 'notFound');
      await expectFailure(restore(archive, home), 'FOLDER_NOT_EMPTY', 'refused');
      await expectFailure(backUp(home, archive), 'BACKUP_EXISTS', 'refused');
      await expectFailure(backUp(home, join(home, 'kept')), 'BACKUP_INSIDE', 'usage');
    }));

  it('names that lead elsewhere are not followed', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      await made(home, null);
      await backUp(home, join(dir, 'kept'));
      const list = join(dir, 'kept/backup.json');
      const good = await readFile(list, 'utf8');
      for (const path of ['../evil', '/etc/evil', 'a/../../evil', 'a//b', '.']) {
        const bad = JSON.parse(good);
        bad.files[0].path = path;
        await writeFile(list, JSON.stringify(bad));
        await expectFailure(restore(join(dir, 'kept'), join(dir, 'back')), 'BACKUP_DAMAGED', 'verificationFailed');
      }
      expect(existsSync(join(dir, 'evil'))).to.equal(false);
      appendFileSync(list, 'x');
      await expectFailure(restore(join(dir, 'kept'), join(dir, 'back')), 'BACKUP_DAMAGED', 'verificationFailed');
    }));

  it('is an archive that tar reads', () =>
    inFolder(async (dir) => {
      const home = join(dir, 'depot');
      await made(home, null);
      await backUp(home, join(dir, 'kept.tar'));
      const { code, stdout } = await runProgram({
        program: '/usr/bin/tar',
        args: ['-tf', join(dir, 'kept.tar')],
        timeout: 10_000,
      });
      expect(code).to.equal(0);
      const names = stdout.trim().split('\n');
      expect(names).to.include('depot/depot.db').and.to.include('backup.json');
    }));

  it('is taken and brought back by commands, cut or not', () =>
    inFolder(async (dir) => {
      const url = freshSchema(server);
      const home = join(dir, 'depot');
      const before = await made(home, url);
      const env = { D3_DEPOT: home, D3_DEPOT_DATABASE: url };
      const backup = join(dir, 'kept');
      for (const wait of [700, 1000, 1300]) {
        await d3(['depot', 'backup', backup], {
          env,
          running: (child) => setTimeout(() => child.kill('SIGKILL'), wait),
        });
        // Cut or not, what has its name is whole: it is what is brought back below.
        if (existsSync(backup)) break;
      }
      if (!existsSync(backup)) {
        const kept = await d3(['depot', 'backup', backup, '--json'], { env });
        expect(kept.code, kept.stderr + kept.stdout).to.equal(0);
        expect(kept.stdout).to.not.include(postgresPlace(url).password ?? '');
      }
      const back = join(dir, 'back');
      for (const wait of [700, 1000, 1300]) {
        const cut = await d3(['depot', 'restore', backup, back], {
          running: (child) => setTimeout(() => child.kill('SIGKILL'), wait),
        });
        if (cut.signal === null) break;
        if (existsSync(join(back, 'depot.db'))) break;
      }
      if (!existsSync(join(back, 'depot.db'))) {
        const restored = await d3(['depot', 'restore', backup, back, '--json']);
        expect(restored.code, restored.stderr).to.equal(0);
      }
      expect(await contents(back, null)).to.deep.equal(before);
      await dropSchema(url);
    }));
});
