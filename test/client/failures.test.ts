import { randomBytes } from 'node:crypto';
import fs, {
  chmodSync,
  existsSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { Readable } from 'node:stream';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { fetchPackage, requireFree } from '../../src/client/fetch.ts';
import type { RunResult } from '../../src/client/run.ts';
import type { DepotClient } from '../../src/depot/contract.ts';
import { noPlugins } from '../../src/lifecycle/plugins.ts';
import { depotWith, driversWith } from '../support/machine.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

describe('an install that fails', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('mac-a');
  });
  afterEach(() => sandbox.remove());

  describe('while it fetches', () => {
    beforeEach(async () => {
      await sandbox.add('tool', '1', { payload: { 'opt/tool/run': '1' }, live: true });
      await machine.install(['tool']);
      // Large enough to come in several pieces.
      const payload = { 'opt/tool/run': '2', 'opt/tool/data': randomBytes(600_000).toString('base64') };
      await sandbox.add('tool', '2', { payload, live: true, removeFirst: 'y' });
    });

    /** Syncs with a depot that gives other bytes, and sees to it that nothing changed. */
    async function syncedWith(blob: DepotClient['blob'], kept = 0): Promise<RunResult> {
      const before = machine.tree();
      const result = await machine.with({ depot: depotWith(machine.machine, { blob }) }).sync();
      expect(machine.tree()).to.deep.equal(before);
      expect(machine.receipt('tool')?.edition).to.equal('tool-1-1');
      expect(machine.lies()).to.deep.equal([]);
      expect(machine.leavings(), 'bytes that are no good are thrown away').to.have.length(kept);
      expect((await machine.sync()).exit, 'it goes well the next time').to.equal(0);
      expect(machine.receipt('tool')?.edition).to.equal('tool-2-1');
      return result;
    }

    const original = (sha256: string) => (machine.machine.depot as DepotClient).blob(sha256);

    it('says the depot cannot be reached when the file is cut half-way (20), and keeps what has come', async () => {
      const result = await syncedWith(async (sha256) => {
        const stream = await original(sha256);
        return Readable.from(
          (async function* () {
            for await (const piece of stream) {
              yield piece;
              throw new D3Error('DEPOT_UNREACHABLE', 'depotUnreachable', 'the share went away');
            }
          })(),
        );
      }, 1);
      expect(result.exit).to.equal(20);
    });

    for (const [what, change] of [
      ['altered', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, -1), Buffer.from('!')])],
      ['truncated', (bytes: Buffer) => bytes.subarray(0, -1)],
      ['empty', () => Buffer.alloc(0)],
      ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('!')])],
    ] as const) {
      it(`refuses a file that is ${what} (33) and changes nothing`, async () => {
        const result = await syncedWith(async (sha256) => {
          const bytes = Buffer.concat(await ((await original(sha256)) as Readable).toArray());
          return Readable.from([change(bytes)]);
        });
        expect(result.exit).to.equal(33);
        expect(result.outcomes[0]).to.deep.include({ status: 'failed', edition: 'tool-2-1' });
      });
    }

    it('stops reading a file that never ends (33)', async () => {
      let pieces = 0;
      const result = await syncedWith(async () =>
        Readable.from(
          (function* () {
            for (;;) {
              pieces += 1;
              yield Buffer.alloc(65_536);
            }
          })(),
        ),
      );
      expect(result.exit).to.equal(33);
      expect(pieces).to.be.lessThan(100);
    });

    it('depot3:BUG-59 names the edition whose file is gone from the depot (34)', async () => {
      const result = await syncedWith(async () => {
        throw new D3Error('BLOB_NOT_FOUND', 'notFound', 'the depot has no such file');
      });
      expect(result.exit).to.equal(34);
      expect(result.outcomes[0]?.edition).to.equal('tool-2-1');
    });

    it('depot3:BUG-59 names the edition when its blob was removed from the folder', async () => {
      const blobs = path.join(sandbox.depot, 'blobs');
      const sha256 = (await machine.machine.depot?.refresh())?.catalog.editions.at(-1)?.file.sha256 as string;
      const blob = readdirSync(blobs, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(sha256));
      rmSync(path.join(blobs, blob as string));
      const result = await machine.install(['tool']);
      expect(result.exit).to.equal(34);
      expect(result.outcomes[0]?.edition).to.equal('tool-2-1');
      expect(machine.read('opt/tool/run')).to.equal('1');
    });
  });

  describe('for want of room', () => {
    const huge = (change: (edition: Edition) => void) =>
      depotWith(machine.machine, {
        async refresh() {
          const trusted = await (machine.machine.depot as DepotClient).refresh();
          const catalog = structuredClone(trusted.catalog);
          for (const edition of catalog.editions) change(edition);
          return { ...trusted, catalog };
        },
      });

    for (const [what, change] of [
      [
        'what it installs',
        (edition: Edition) => void (edition.applePackages = [{ id: 'a', version: '1', installedKb: 2 ** 42 }]),
      ],
      ['its package', (edition: Edition) => void (edition.file.size = 2 ** 52)],
    ] as const) {
      it(`does so before anything is removed, when there is none for ${what}`, async () => {
        await sandbox.add('tool', '1', { payload: { 'opt/tool/run': '1' }, live: true });
        await machine.install(['tool']);
        await sandbox.add('tool', '2', { payload: { 'opt/tool/run': '2' }, live: true, removeFirst: 'y' });
        const result = await machine.with({ depot: huge(change) }).sync();
        expect(result.outcomes[0]?.problem).to.deep.include({ code: 'DISK_FULL', exit: 'failed' });
        expect(result.outcomes[0]?.text).to.match(/MB free, .* MB are needed/);
        expect(machine.read('opt/tool/run')).to.equal('1');
        expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
      });
    }

    it('leaves a reserve free', () => {
      expect(() => requireFree(100, 100, 'x')).to.throw(D3Error, /are needed/);
      expect(() => requireFree(17 * 1024 * 1024, 1024, 'x')).not.to.throw();
    });
  });

  describe('by rule', () => {
    it('refuses a package with scripts of its own (30), and takes it without them when the edition says so', async () => {
      await sandbox.add('tool', '1', {
        payload: { 'opt/tool': 't' },
        scripts: { postinstall: '#!/bin/sh\ntouch /ran\n' },
        live: true,
      });
      const refused = await machine.install(['tool']);
      expect(refused.exit).to.equal(30);
      expect(refused.outcomes[0]?.text).to.include('postinstall');
      expect(refused.outcomes[0]?.problem?.actions.join()).to.include('--package-scripts ignore');
      expect(machine.tree()).to.deep.equal([]);
      await sandbox.add('tool', '2', {
        payload: { 'opt/tool': 't' },
        scripts: { postinstall: '#!/bin/sh\ntouch /ran\n' },
        packageScripts: 'ignore',
        live: true,
      });
      expect((await machine.install(['tool'])).exit).to.equal(0);
      expect(machine.tree()).to.deep.equal(['opt', 'opt/tool t']);
    });

    it('depot3:K06 leaves alone what this machine has no installer for, whatever its version, and goes on with the rest', async () => {
      await sandbox.add('disk', '1', { live: true, autoGroups: 'standard' });
      await sandbox.add('tool', '1', { live: true, autoGroups: 'standard' });
      const { depot } = machine.machine;
      const refresh: DepotClient['refresh'] = async () => {
        const trusted = await (depot as DepotClient).refresh();
        const catalog = structuredClone(trusted.catalog);
        for (const edition of catalog.editions) if (edition.basename === 'disk') edition.file.format = 'dmg';
        return { ...trusted, catalog };
      };
      const changed = machine.with({ depot: depotWith(machine.machine, { refresh }), formats: ['pkg', 'deb'] });
      const first = await changed.sync();
      expect(first.exit).to.equal(0);
      expect(first.outcomes.map(({ status }) => status)).to.have.members(['held', 'installed']);
      const asked = await changed.install(['disk']);
      expect(asked.exit).to.equal(30);
      expect(asked.outcomes[0]?.text).to.equal('disk-1-1 is a .dmg, which this machine cannot install');
      expect((await changed.with({ formats: ['pkg', 'dmg'] }).install(['disk'])).outcomes[0]).to.deep.include({
        status: 'blocked',
        text: 'Only a Mac can open a disk image (.dmg).',
      });
      expect(machine.lies()).to.deep.equal([]);
    });

    it('an edition with a script waits for somebody who runs scripts', async () => {
      await sandbox.add('tool', '1', { live: true });
      const plugins = {
        ...noPlugins,
        before: async () => ({ kind: 'refuse' as const, reason: 'the script said no', exit: 'refused' as const }),
      };
      const result = await machine.with({ plugins }).install(['tool']);
      expect(result.exit).to.equal(30);
      expect(result.outcomes[0]).to.deep.include({ status: 'blocked', text: 'the script said no' });
      expect(machine.tree()).to.deep.equal([]);
    });
  });

  it('depot3:BUG-15 depot3:BUG-13 never stops the others, in a sync and in a command', async () => {
    for (const name of ['a', 'b', 'c']) await sandbox.add(name, '1', { live: true });
    await machine.install(['a', 'b', 'c']);
    for (const name of ['a', 'b', 'c']) await sandbox.add(name, '2', { live: true, removeFirst: 'y' });
    const bad = (await machine.machine.depot?.refresh())?.catalog.editions.find(({ edition }) => edition === 'b-2-1')
      ?.file.sha256;
    const blob = async (sha256: string) =>
      sha256 === bad ? Readable.from([Buffer.from('bad')]) : (machine.machine.depot as DepotClient).blob(sha256);
    const changed = machine.with({ depot: depotWith(machine.machine, { blob }) });
    const synced = await changed.sync();
    expect(synced.outcomes.map(({ edition, status }) => `${edition} ${status}`)).to.deep.equal([
      'a-2-1 installed',
      'b-2-1 failed',
      'c-2-1 installed',
    ]);
    expect(synced.exit).to.equal(40);
    expect((await changed.install(['b'])).exit, 'the only target').to.equal(33);
    const mixed = await changed.uninstall(['nothing', 'a', 'nor-this']);
    expect(mixed.outcomes.map(({ status }) => status)).to.deep.equal(['refused', 'uninstalled', 'refused']);
    expect(mixed.exit).to.equal(40);
    expect((await changed.uninstall(['nothing', 'nor-this'])).exit, 'all alike').to.equal(34);
    expect(machine.read('opt/b/version')).to.equal('1');
  });

  describe('half-way', () => {
    beforeEach(async () => {
      await sandbox.add('tool', '1', { payload: { 'opt/tool/a': '1', 'opt/tool/b': '1' }, live: true });
      await sandbox.add('other', '1', { live: true });
      await machine.install(['tool', 'other']);
      await sandbox.add('tool', '2', { payload: { 'opt/tool/a': '2' }, live: true, removeFirst: 'y' });
      await sandbox.add('other', '2', { live: true });
    });

    for (const kind of ['sync', 'uninstall'] as const) {
      it(`depot3:BUG-15 in a removal (${kind}) stays open for the next run, and the others go on`, async () => {
        const { unlinkSync } = fs;
        fs.unlinkSync = (at) => {
          if (String(at).endsWith('/b')) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
          unlinkSync(at);
        };
        syncBuiltinESMExports();
        try {
          const result = kind === 'sync' ? await machine.sync() : await machine.uninstall(['tool', 'other']);
          const said = result.outcomes.map(({ basename, status }) => `${basename} ${status}`);
          expect(said).to.have.members(['tool failed', kind === 'sync' ? 'other installed' : 'other uninstalled']);
          expect(result.exit).to.equal(40);
          const failed = result.outcomes.find(({ status }) => status === 'failed');
          expect(failed?.text).to.equal('/opt/tool/b cannot be removed: EIO: i/o error');
        } finally {
          fs.unlinkSync = unlinkSync;
          syncBuiltinESMExports();
        }
        expect(machine.reading((state) => state.journal())).to.have.length(1);
        expect(machine.exists('opt/tool/b')).to.equal(true);
        const next = await machine.sync();
        expect(next.outcomes[0]?.text).to.match(/was cut while it was .* tool-.*; finished now$/);
        expect(next.exit).to.equal(0);
        expect(machine.exists('opt/tool/b')).to.equal(false);
        expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
      });
    }

    for (const failure of [
      new D3Error('UNDO', 'installerFailed', 'it failed and could not be taken back'),
      new TypeError('what nobody foresaw'),
    ])
      it(`in a commit that could not be taken back stays open until it can, and stops nothing else (${failure.name})`, async () => {
        let broken = true;
        const { driverFor } = machine.machine;
        const changed = machine.with({
          driverFor: (edition) => ({
            ...driverFor(edition),
            async recover(cut) {
              if (broken && edition.edition === 'tool-2-1' && existsSync(path.join(cut.root, cut.staging)))
                throw failure;
              return driverFor(edition).recover(cut);
            },
            async prepare(pkg, target) {
              const prepared = await driverFor(edition).prepare(pkg, target);
              if (!broken || edition.edition !== 'tool-2-1') return prepared;
              const fail = () => Promise.reject(failure);
              return { paths: prepared.paths, warnings: [], commit: fail, rollback: fail };
            },
          }),
        });
        expect((await changed.sync()).outcomes.map(({ status }) => status)).to.have.members(['failed', 'installed']);
        const again = await changed.sync();
        expect(again.outcomes[0]).to.deep.include({ status: 'interrupted', edition: 'tool-2-1' });
        expect(again.exit).to.equal(40);
        broken = false;
        const last = await changed.sync();
        expect(last.outcomes[0]).to.deep.include({ status: 'installed', edition: 'tool-2-1', replaced: 'tool-1-1' });
        expect([...machine.lies(), ...machine.leavings()]).to.deep.equal([]);
        expect(machine.tree()).to.include('opt/tool/a 2');
      });

    it('for a reason nobody foresaw is a bug of that one target, and the machine is sound', async () => {
      const driverFor = driversWith(machine.machine, async () => {
        throw new TypeError('x is not a function');
      });
      const result = await machine.with({ driverFor }).install(['other']);
      expect(result.exit).to.equal(10);
      expect(result.outcomes[0]?.problem).to.include({ code: 'BUG', exit: 'bug' });
      expect(sandbox.reports().at(-1)?.exit).to.equal(10);
      expect(machine.lies()).to.deep.equal([]);
      expect((await machine.sync()).exit).to.equal(0);
    });
  });

  describe('the folder packages come into', () => {
    it('is private, whatever it was and whatever the umask is; those above it are open to all', async () => {
      await sandbox.add('tool', '1', { live: true });
      const umask = process.umask(0o077);
      try {
        await machine.install(['tool']);
      } finally {
        process.umask(umask);
      }
      const mode = (at: string) => (statSync(at).mode & 0o777).toString(8);
      const { packages, state, stateDatabase, runLock } = machine.machine.paths;
      expect(mode(packages)).to.equal('700');
      expect(mode(path.dirname(packages))).to.equal('755');
      expect(mode(path.join(machine.root, 'var/cache'))).to.equal('755');
      expect(mode(state)).to.equal('755');
      expect(mode(stateDatabase)).to.equal('644');
      expect(mode(runLock)).to.equal('600');
      expect(mode(path.join(machine.root, 'opt/tool/version'))).to.equal('644');
      chmodSync(packages, 0o777);
      await machine.install(['tool'], { force: true });
      expect(mode(packages)).to.equal('700');
    });

    it('is no link', async () => {
      const elsewhere = sandbox.folder('elsewhere', { keep: 'k' });
      symlinkSync(elsewhere, path.join(sandbox.dir, 'packages'));
      await sandbox.add('tool', '1', { live: true });
      const paths = { ...machine.machine.paths, packages: path.join(sandbox.dir, 'packages') };
      const result = await machine.with({ paths }).install(['tool']);
      expect(result.outcomes[0]?.problem?.code).to.equal('CACHE_UNTRUSTED');
      expect(readdirSync(elsewhere)).to.deep.equal(['keep']);
    });

    it('gives again what is whole, and fetches anew what is not', async () => {
      await sandbox.add('tool', '1', { live: true });
      const file = (await machine.machine.depot?.refresh())?.catalog.editions[0]?.file;
      if (file === undefined) throw new Error('there is no edition');
      let asked = 0;
      const depot = depotWith(machine.machine, {
        blob(sha256) {
          asked += 1;
          return (machine.machine.depot as DepotClient).blob(sha256);
        },
      });
      const folder = path.join(sandbox.dir, 'packages');
      const fetched = async () => {
        const { handle, path: at } = await fetchPackage({ depot, file, folder, signal: new AbortController().signal });
        const { size } = await handle.stat();
        await handle.close();
        expect(size).to.equal(file.size);
        return at;
      };
      const at = await fetched();
      await fetched();
      expect(asked).to.equal(1);
      const spoilt: (() => void)[] = [
        () => truncateSync(at, 10),
        () => writeFileSync(at, Buffer.alloc(file.size)),
        () => chmodSync(at, 0o666),
        () => {
          rmSync(at);
          symlinkSync('/etc/passwd', at);
        },
        () => writeFileSync(`${at}.part`, 'left by a cut run'),
      ];
      for (const [index, spoil] of spoilt.entries()) {
        spoil();
        if (index === 4) rmSync(at);
        await fetched();
        expect(asked).to.equal(index + 2);
      }
      expect(readdirSync(folder)).to.deep.equal([file.sha256]);
    });

    it('keeps nothing that no next run will ask for', async () => {
      await sandbox.add('tool', '1', { live: true });
      const driverFor = driversWith(machine.machine, async () => {
        throw new D3Error('NO', 'installerFailed', 'the installer failed');
      });
      await machine.with({ driverFor }).install(['tool']);
      expect(machine.leavings()).to.have.length(1);
      const { packages } = machine.machine.paths;
      writeFileSync(path.join(packages, 'not-ours'), '');
      await machine.sync();
      expect(machine.leavings()).to.deep.equal(['not-ours']);
      // Somebody made it a link to another place.
      const name = 'a'.repeat(64);
      const elsewhere = sandbox.folder('elsewhere', { [name]: 'precious' });
      rmSync(packages, { recursive: true });
      symlinkSync(elsewhere, packages);
      await machine.sync();
      expect(readdirSync(elsewhere)).to.deep.equal([name]);
    });
  });
});
