import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createDepotClient, FolderTransport, initDepot, openDepot } from '../../src/depot/index.ts';
import { systemClock as clock } from '../../src/platform/clock.ts';
import { inFolder, newEdition, newReport } from './helpers.ts';
import { killedEverywhere, runKilled } from './killing.ts';

const clientOf = (depot: string, trustDir: string) =>
  createDepotClient({ transport: new FolderTransport(depot), trustDir, clock });

describe('killed at any point', () => {
  it('a depot in the making is no depot, or a whole one; repeating makes it', () =>
    inFolder(async (dir) => {
      const points = await killedEverywhere(async (before) => {
        const depot = join(dir, `depot-${before}`);
        const through = await runKilled(before, 'init', depot);
        const repeated = await initDepot(depot, { clock }).then(
          () => 'made',
          (error) => error.code,
        );
        if (through) expect(repeated).to.equal('DEPOT_EXISTS');
        else expect(repeated).to.be.oneOf(['made', 'DEPOT_EXISTS']);
        await (await openDepot(depot, { clock })).close();
        const { catalog } = await clientOf(depot, join(dir, `trust-${before}`)).refresh();
        expect(catalog.editions).to.deep.equal([]);
        return through;
      });
      expect(points).to.be.greaterThan(15);
    }));

  it('a publication is the old one or the new one, and opening the depot finishes it', () =>
    inFolder(async (dir) => {
      const original = join(dir, 'depot');
      await initDepot(original, { clock });
      const depot = await openDepot(original, { clock });
      await depot.store.editions.insert(newEdition(), 'a');
      await depot.publish();
      await depot.close();
      const points = await killedEverywhere(async (before) => {
        const copy = join(dir, `copy-${before}`);
        await cp(original, copy, { recursive: true, preserveTimestamps: true });
        const through = await runKilled(before, 'publish', copy);
        const client = clientOf(copy, join(dir, `trust-${before}`));
        const seen = (await client.refresh()).catalog.editions.length;
        expect(seen).to.be.oneOf(through ? [2] : [1, 2]);
        const reopened = await openDepot(copy, { clock });
        const stored = (await reopened.store.editions.list()).length;
        await reopened.close();
        expect((await client.refresh()).catalog.editions.length).to.equal(stored);
        return through;
      });
      expect(points).to.be.greaterThan(4);
    }));

  it('a rotation of keys is none or a whole one, and machines follow it', () =>
    inFolder(async (dir) => {
      const original = join(dir, 'depot');
      await initDepot(original, { clock });
      const trust = join(dir, 'trust');
      await clientOf(original, trust).refresh();
      const points = await killedEverywhere(async (before) => {
        const copy = join(dir, `copy-${before}`);
        await cp(original, copy, { recursive: true, preserveTimestamps: true });
        const through = await runKilled(before, 'rotate', copy);
        const reopened = await openDepot(copy, { clock });
        const own = join(dir, `trust-${before}`);
        await cp(trust, own, { recursive: true });
        const machine = clientOf(copy, own);
        await machine.refresh();
        const { root } = await reopened.signing.keys();
        if (through) expect(root).to.equal(2);
        await reopened.store.editions.insert(newEdition(), 'a');
        await reopened.publish();
        expect((await machine.refresh()).catalog.editions.length).to.equal(1);
        if (through)
          expect((await readdir(join(copy, 'keys'))).filter((name) => name.endsWith('.pem'))).to.have.length(4);
        await reopened.close();
        return through;
      });
      expect(points).to.be.greaterThan(15);
    }));

  it('a copy shows the old publication or the new one, and repeating makes it whole', () =>
    inFolder(async (dir) => {
      const original = join(dir, 'depot');
      const site = join(dir, 'site');
      await initDepot(original, { clock });
      const depot = await openDepot(original, { clock });
      const options = { inbox: false, graceDays: 0, check: false };
      await depot.copyTo(site, options);
      const { sha256, size } = await depot.blobs.put(Buffer.from('package'));
      const file = { ...newEdition().file, sha256, size };
      await depot.store.editions.insert(newEdition({ file }), 'a');
      await depot.publish();
      await depot.close();
      const points = await killedEverywhere(async (before) => {
        const copy = join(dir, `site-${before}`);
        await cp(site, copy, { recursive: true, preserveTimestamps: true });
        const own = join(dir, `depot-${before}`);
        await cp(original, own, { recursive: true, preserveTimestamps: true });
        const through = await runKilled(before, 'copy', own, copy);
        const machine = clientOf(copy, join(dir, `trust-${before}`));
        const seen = (await machine.refresh()).catalog.editions;
        expect(seen.length).to.be.oneOf(through ? [1] : [0, 1]);
        if (seen.length === 1) (await machine.blob(sha256)).resume();
        const again = await openDepot(own, { clock });
        await again.copyTo(copy, options);
        await again.close();
        expect((await machine.refresh()).catalog.editions.length).to.equal(1);
        const left = await readdir(copy, { recursive: true });
        expect(left.filter((name) => name.includes('.tmp-'))).to.deep.equal([]);
        return through;
      });
      expect(points).to.be.greaterThan(10);
    }));

  it('no report is lost that was to be taken in from a drop folder, and nothing is left there', () =>
    inFolder(async (dir) => {
      const original = join(dir, 'depot');
      await initDepot(original, { clock });
      const drop = join(dir, 'drop');
      const ids = ['0b9f2c9e-1111-4222-8333-444455556666', '1b9f2c9e-1111-4222-8333-444455556666'];
      for (const id of ids) {
        await mkdir(join(drop, id), { recursive: true });
        for (const run of ['r1', 'r2'])
          await writeFile(
            join(drop, id, `20300101T000000000Z-${run}.json`),
            JSON.stringify(newReport({ run }, { id, claims: { serial: id, hardwareUuid: null, macs: [] } })),
          );
      }
      await writeFile(join(drop, ids[0] as string, 'bad.json'), 'bad');
      const points = await killedEverywhere(async (before) => {
        const own = join(dir, `depot-${before}`);
        const from = join(dir, `drop-${before}`);
        await cp(original, own, { recursive: true, preserveTimestamps: true });
        await cp(drop, from, { recursive: true, preserveTimestamps: true });
        const through = await runKilled(before, 'collect', own, from);
        const depot = await openDepot(own, { clock });
        await depot.collect(from);
        for (const id of ids) expect((await depot.store.computers.reports(id)).length, `${before} ${id}`).to.equal(2);
        await depot.close();
        expect(await readdir(from)).to.deep.equal(['.rejected']);
        return through;
      });
      expect(points).to.be.greaterThan(10);
    }));

  it('a refresh leaves the old catalog or the new one in force', () =>
    inFolder(async (dir) => {
      const depotDir = join(dir, 'depot');
      const trust = join(dir, 'trust');
      await initDepot(depotDir, { clock });
      await clientOf(depotDir, trust).refresh();
      const depot = await openDepot(depotDir, { clock });
      await depot.store.editions.insert(newEdition(), 'a');
      await depot.publish();
      await depot.close();
      const points = await killedEverywhere(async (before) => {
        const copy = join(dir, `trust-${before}`);
        await cp(trust, copy, { recursive: true });
        const through = await runKilled(before, 'refresh', depotDir, copy);
        const client = clientOf(depotDir, copy);
        expect((await client.kept())?.catalog.editions.length).to.be.oneOf(through ? [1] : [0, 1]);
        expect((await client.refresh()).catalog.editions.length).to.equal(1);
        return through;
      });
      expect(points).to.be.greaterThan(4);
    }));
});
