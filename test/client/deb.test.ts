import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { detailsText } from '../../src/cli/details-text.ts';
import { detailsOf } from '../../src/client/details.ts';
import { findDrift } from '../../src/client/drift.ts';
import type { RunResult } from '../../src/client/run.ts';
import { drivers, type InstallerParts, installerParts } from '../../src/installers/index.ts';
import type { Request } from '../../src/planner/types.ts';
import { LINUX_PROGRAMS } from '../../src/platform/programs.ts';
import { type DebOptions, writeDeb } from '../support/deb.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';
import { standIn } from '../support/stand-ins.ts';

/** With a program that stands in for dpkg; the real one is asked in the lab. */
describe('a .deb on a machine', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  let parts: InstallerParts;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('box', { os: { name: 'debian', version: '12' }, cpu: 'x86_64' });
    const linux = {
      ...LINUX_PROGRAMS,
      dpkg: standIn(sandbox.dir, 'dpkg', 'stand-in-dpkg.ts', 'dpkg'),
      dpkgQuery: standIn(sandbox.dir, 'dpkg-query', 'stand-in-dpkg.ts', 'dpkg-query'),
    };
    parts = installerParts(machine.machine.paths.work, { platform: 'linux', linux, uid: 0 });
    machine = machine.with({ depot: machine.machine.depot, driverFor: drivers(parts), formats: ['pkg', 'deb'] });
  });
  afterEach(() => sandbox.remove());

  let made = 0;
  async function add(version: string, options: DebOptions = {}, more: Parameters<Sandbox['addFile']>[3] = {}) {
    made += 1;
    const file = writeDeb(path.join(sandbox.dir, `tool-${made}.deb`), {
      version,
      files: { './opt/tool/': '', './opt/tool/run': version, [`./opt/tool/v${version}`]: 'x' },
      ...options,
    });
    return sandbox.addFile('tool', version, file, { live: true, ...more });
  }

  interface KnownPackage {
    version: string;
    status: string;
    architecture?: string;
    multiArch?: string;
    files?: string[];
  }
  type Known = Record<string, KnownPackage>;
  const statusFile = () => path.join(machine.root, 'var/lib/dpkg/status');
  const known = (): Known => JSON.parse(readFileSync(statusFile(), 'utf8') || '{}') as Known;
  /** As if something else had changed what dpkg has. */
  function dpkgHas(changes: Known): void {
    mkdirSync(path.dirname(statusFile()), { recursive: true });
    const before = existsSync(statusFile()) ? known() : {};
    const full = Object.entries({ ...before, ...changes }).map(([name, entry]) => [
      name,
      { architecture: 'all', files: [], ...entry },
    ]);
    writeFileSync(statusFile(), JSON.stringify(Object.fromEntries(full)));
  }
  const mode = (text: string) => writeFileSync(path.join(machine.root, 'dpkg-mode'), text);
  const untold = () => rmSync(path.join(machine.root, 'dpkg-mode'), { force: true });
  const files = () => machine.tree().filter((line) => line.startsWith('opt'));
  const first = ({ outcomes: [outcome] }: RunResult) => [outcome?.status, outcome?.text ?? ''] as const;

  it('is described in the depot by itself: name, version, processor, dependencies, contents, what a d3 needs for it', async () => {
    const { edition, warnings } = await add('1.0', {
      architecture: 'amd64',
      fields: ['Depends: libc6 (>= 2)', 'Installed-Size: 7'],
      scripts: { './postinst': '#!/bin/sh\n' },
    });
    expect(edition.debianPackage).to.deep.equal({
      name: 'tool',
      version: '1.0',
      architecture: 'amd64',
      depends: 'libc6 (>= 2)',
      installedKb: 7,
    });
    expect(edition).to.deep.include({ cpu: 'x86_64', requires: ['deb'] });
    expect(edition.file).to.deep.include({ format: 'deb', name: 'tool-1.0-1.deb' });
    expect(warnings.join()).to.include('postinst');
    const conflict = await problemsOf(add('1.1', { architecture: 'arm64' }, { cpu: 'x86_64' }));
    expect(conflict.problems[0]).to.deep.include({ code: 'CPU_CONFLICT', exit: 'refused' });
    expect((await add('1.2', { architecture: 'riscv64' })).warnings.join()).to.include('riscv64');
    const inherited = await sandbox.addFile('tool', '1.3', await sandbox.package('tool', { 'opt/x': '' }), {
      inherit: true,
    });
    expect(inherited.edition).to.deep.include({ requires: [] });
    expect(inherited.edition.debianPackage).to.equal(undefined);
  });

  it('depot3:C18 depot3:B26 comes by dpkg, with the manifest dpkg has, and goes by dpkg without a trace', async () => {
    const { edition } = await add('1.0', {
      files: { './opt/': '', './opt/tool/': '', './opt/tool/run': '1', './opt/tool/diverted': '2' },
    });
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(known()['tool']).to.deep.include({ version: '1.0', status: 'installed' });
    expect(machine.receipt('tool')?.debianPackage).to.deep.equal({ name: 'tool', version: '1.0', architecture: 'all' });
    expect(
      machine.reading((state) => state.manifest('tool')).map((entry) => `${entry.type} ${entry.path}`),
    ).to.deep.equal(['dir /opt', 'dir /opt/tool', 'file /opt/tool/diverted', 'file /opt/tool/run']);
    expect(edition.contents).not.to.equal(null);
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
    expect(known()).to.deep.equal({});
    expect(files()).to.deep.equal([]);
    expect(machine.receipts()).to.deep.equal([]);
  });

  it('is updated by dpkg, and nothing of the older edition stays in the manifest', async () => {
    await add('1.0');
    await machine.install(['tool']);
    await add('2.0');
    expect(first(await machine.sync())[0]).to.equal('installed');
    expect(files()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/run tool 2.0', 'opt/tool/v2.0 tool 2.0']);
    expect(machine.reading((state) => state.manifest('tool')).map((entry) => entry.path)).to.deep.equal([
      '/opt/tool',
      '/opt/tool/run',
      '/opt/tool/v2.0',
    ]);
  });

  it('is not begun when something it depends on is missing, which is named', async () => {
    await add('1.0', { fields: ['Depends: libx (>= 2) | liby', 'Conflicts: enemy'] });
    dpkgHas({ libx: { version: '1.9', status: 'installed' }, enemy: { version: '3', status: 'installed' } });
    const result = await machine.install(['tool']);
    expect(result.exit).to.equal(30);
    expect(first(result)[1]).to.include('libx (>= 2) or liby; there is libx 1.9').and.include('beside enemy 3');
    expect(files()).to.deep.equal([]);
    dpkgHas({ libx: { version: '2.0', status: 'installed' }, enemy: { version: '3', status: 'config-files' } });
    expect((await machine.install(['tool'])).exit).to.equal(0);
  });

  it('for another processor, or with scripts that nothing here could run, is refused before anything changes', async () => {
    await add('1.0', { architecture: 'riscv64' });
    expect(first(await machine.install(['tool']))[1]).to.equal(
      'The package tool is for riscv64; dpkg here installs for amd64, i386.',
    );
    await add('2.0', { scripts: { './preinst': '#!/bin/sh\n' } });
    const refused = await machine.install(['tool']);
    expect(refused.exit).to.equal(30);
    expect(first(refused)[1]).to.include('preinst').and.include('no system');
    mkdirSync(path.join(machine.root, 'bin'));
    writeFileSync(path.join(machine.root, 'bin/sh'), '');
    expect((await machine.install(['tool'])).exit).to.equal(0);
  });

  it("fails (32) with dpkg's last words when dpkg does, and is taken up again by the next sync", async () => {
    await add('1.0', {}, { autoGroups: 'standard' });
    mode('fail');
    const failed = await machine.sync();
    expect(failed.exit).to.equal(32);
    expect(first(failed)[1]).to.include('post-installation script subprocess returned error exit status 7');
    expect(machine.receipts()).to.deep.equal([]);
    untold();
    expect(first(await machine.sync())[0]).to.equal('installed');
    expect(known()['tool']?.status).to.equal('installed');
  });

  it('waits for another run when something else is installing (41)', async () => {
    await add('1.0');
    mode('locked');
    const busy = await machine.install(['tool']);
    expect(busy.exit).to.equal(41);
    expect(first(busy)[1]).to.include('4711');
    untold();
    expect((await machine.install(['tool'])).exit).to.equal(0);
  });

  describe('that something else changed behind d3', () => {
    beforeEach(async () => {
      await add('1.0');
      await machine.install(['tool']);
    });

    it('is said by every sync, and neither overwritten nor removed without force', async () => {
      dpkgHas({ tool: { version: '1.5', status: 'installed' } });
      const seen = await machine.sync();
      expect(first(seen)).to.deep.equal(['held', 'tool 1.5 is here, where d3 had put 1.0: somebody else changed it']);
      const receipts = machine.receipts();
      const drift = await findDrift(receipts, machine.machine.driverFor, machine.root, () => undefined);
      const details = detailsText(detailsOf('tool', null, receipts, [], [], drift));
      expect(details).to.include('Debian package').and.include('# tool 1.5 is here, where d3 had put 1.0');
      const broken = drivers({ ...parts, linux: { ...parts.linux, dpkgQuery: '/no' } });
      const warnings: string[] = [];
      expect(await findDrift(receipts, broken, machine.root, (text) => warnings.push(text))).to.deep.equal([]);
      expect(warnings.join()).to.include('/no');
      await add('2.0');
      expect(first(await machine.sync())[0]).to.equal('held');
      for (const asked of [await machine.install(['tool']), await machine.uninstall(['tool'])]) {
        expect(asked.exit).to.equal(30);
        expect(first(asked)[1]).to.include('1.5');
      }
      expect(known()['tool']?.version).to.equal('1.5');
      expect((await machine.install(['tool'], { force: true })).exit).to.equal(0);
      expect(known()['tool']?.version).to.equal('2.0');
      dpkgHas({ tool: { version: '3', status: 'installed' } });
      expect((await machine.uninstall(['tool'], true)).exit).to.equal(0);
      expect(known()['tool']).to.equal(undefined);
    });

    it('to the very version that is wanted now is taken over', async () => {
      dpkgHas({ tool: { version: '2.0', status: 'installed' } });
      await add('2.0');
      expect(first(await machine.sync())[0]).to.equal('installed');
      expect(machine.receipt('tool')?.debianPackage?.version).to.equal('2.0');
    });

    it('by removing it is said, and put right when it is asked for', async () => {
      writeFileSync(statusFile(), '{}');
      expect(first(await machine.sync())).to.deep.equal([
        'held',
        'tool is gone, where d3 had put 1.0: somebody else changed it',
      ]);
      expect((await machine.install(['tool'])).exit).to.equal(0);
      expect(known()['tool']?.version).to.equal('1.0');
      writeFileSync(statusFile(), '{}');
      expect((await machine.uninstall(['tool'])).exit).to.equal(0);
      expect(machine.receipts()).to.deep.equal([]);
    });
  });

  it('older than what is there already, put there by somebody else, needs force', async () => {
    dpkgHas({ tool: { version: '1:0.1', status: 'installed' } });
    await add('1.0');
    const refused = await machine.install(['tool']);
    expect(refused.exit).to.equal(30);
    expect(first(refused)[1]).to.include('1:0.1').and.include('newer than 1.0');
    expect((await machine.install(['tool'], { force: true })).exit).to.equal(0);
  });

  it('does not stand beside what a .pkg of the basename left: that has to go first', async () => {
    await sandbox.add('tool', '0.9', { payload: { 'opt/tool/old': 'o' }, live: true });
    await machine.install(['tool']);
    await add('1.0');
    const refused = await machine.install(['tool']);
    expect(refused.exit).to.equal(30);
    expect(refused.outcomes[0]?.problem?.actions.join()).to.include('--remove-first y');
    await add('1.1', {}, { removeFirst: 'y' });
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(files()).to.deep.equal(['opt', 'opt/tool', 'opt/tool/run tool 1.1', 'opt/tool/v1.1 tool 1.1']);
  });

  describe('that is cut by a power cut', () => {
    /** Runs in a process of its own, which the program that stands in for dpkg kills. */
    function killed(request: Request): void {
      const child = path.join(import.meta.dirname, 'deb-child.ts');
      const { linux } = parts;
      const words = [machine.root, sandbox.depot, linux.dpkg, linux.dpkgQuery, JSON.stringify(request)];
      const { signal, stderr } = spawnSync(process.execPath, ['--conditions=d3-source', child, ...words], {
        encoding: 'utf8',
      });
      expect(signal, stderr).to.equal('SIGKILL');
    }
    const sync: Request = { kind: 'sync', force: false, puppies: false };

    for (const [point, when] of [
      ['before', 'before'],
      ['middle', 'in the middle of'],
      ['after', 'after'],
    ] as const) {
      it(`${when} dpkg's install is finished by the next run`, async () => {
        await add('1.0', {}, { autoGroups: 'standard' });
        mode(`kill ${point}`);
        killed(sync);
        expect(machine.receipts()).to.deep.equal([]);
        expect(machine.reading((state) => state.journal()).map(({ phase }) => phase)).to.deep.equal(['installing']);
        const next = await machine.sync();
        expect(first(next)).to.deep.equal(['installed', `${next.outcomes[0]?.text}`]);
        expect(next.outcomes[0]?.text).to.include('was cut while it was installing').and.include('finished now');
        expect(known()['tool']).to.deep.include({ version: '1.0', status: 'installed' });
        expect(machine.receipt('tool')?.edition).to.equal('tool-1.0-1');
        expect(
          [...machine.lies(['opt/tool']), ...machine.leavings()].filter((line) => !line.includes('dpkg')),
        ).to.deep.equal([]);
        expect(await machine.sync()).to.deep.include({ exit: 0 });
      });
    }

    it("in the middle of dpkg's update keeps the old receipt until the new one is true", async () => {
      await add('1.0');
      await machine.install(['tool']);
      await add('2.0');
      mode('kill middle');
      killed(sync);
      expect(machine.receipt('tool')?.edition).to.equal('tool-1.0-1');
      expect(first(await machine.sync())[0]).to.equal('installed');
      expect(machine.receipt('tool')?.edition).to.equal('tool-2.0-1');
      expect(known()['tool']).to.deep.include({ version: '2.0', status: 'installed' });
      expect(machine.reading((state) => state.manifest('tool')).map((entry) => entry.path)).to.include(
        '/opt/tool/v2.0',
      );
    });

    it("in the middle of dpkg's removal is removed by the next run", async () => {
      await add('1.0');
      await machine.install(['tool']);
      mode('kill removal');
      killed({ kind: 'uninstall', targets: ['tool'], force: false });
      expect(first(await machine.sync())[0]).to.equal('uninstalled');
      expect(machine.receipts()).to.deep.equal([]);
      expect(known()).to.deep.equal({});
    });
  });

  it('leaves other packages as they are, half set up or for another processor', async () => {
    const other = { version: '1.0', architecture: 'i386', status: 'installed', multiArch: 'same' };
    dpkgHas({ 'tool:i386': other, half: { version: '1', status: 'half-configured' } });
    await add('1.0', { architecture: 'amd64' });
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(first(await machine.sync())[0]).to.equal('nothing');
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
    expect(known()['tool:i386']).to.deep.include(other);
    expect(known()['half']?.status).to.equal('half-configured');
    expect(known()['tool']).to.equal(undefined);
  });

  it('that others need is not removed, and its receipt stays', async () => {
    await add('1.0');
    await machine.install(['tool']);
    mode('needed');
    const result = await machine.uninstall(['tool']);
    expect(result.exit).to.equal(32);
    expect(first(result)[1]).to.include('other depends on tool');
    expect(machine.receipt('tool')?.edition).to.equal('tool-1.0-1');
    expect(machine.reading((state) => state.journal())).to.deep.equal([]);
    untold();
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
  });
});
