import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { type DebSummary, inspectDeb } from '../../src/installers/deb/inspect.ts';
import { compareVersions, isVersion } from '../../src/installers/deb/version.ts';
import type { Request } from '../../src/planner/types.ts';
import { LINUX_PROGRAMS } from '../../src/platform/programs.ts';
import { Sandbox, type SandboxMachine } from '../support/sandbox.ts';

/** With Debian's own dpkg, always on a root of its own: nothing of this machine is installed or removed. */
describe('the real dpkg', () => {
  let sandbox: Sandbox;
  let machine: SandboxMachine;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    machine = sandbox.machine('box', { os: { name: 'debian', version: '12' } });
  });
  afterEach(() => sandbox.remove());

  let made = 0;
  interface Made {
    name?: string;
    fields?: string[];
    scripts?: Record<string, string>;
    files?: string[];
    compression?: string;
  }

  /** Has dpkg-deb make a package. @returns its path */
  function build(
    version: string,
    { name = 'd3-tool', fields = [], scripts = {}, files, compression = 'xz' }: Made = {},
  ) {
    made += 1;
    const source = path.join(sandbox.dir, `source-${made}`);
    const control = [`Package: ${name}`, `Version: ${version}`, 'Architecture: all', 'Maintainer: a <a@b.c>'];
    const all: Record<string, string> = {
      'DEBIAN/control': [...control, 'Description: x', ...fields, ''].join('\n'),
      ...Object.fromEntries(
        Object.entries(scripts).map(([script, body]) => [`DEBIAN/${script}`, `#!/bin/sh\n${body}\n`]),
      ),
      ...Object.fromEntries((files ?? [`opt/${name}/run`, `opt/${name}/v${version}`]).map((file) => [file, version])),
    };
    for (const [file, content] of Object.entries(all)) {
      mkdirSync(path.dirname(path.join(source, file)), { recursive: true, mode: 0o755 });
      writeFileSync(path.join(source, file), content);
      if (file !== 'DEBIAN/control' && file.startsWith('DEBIAN/')) chmodSync(path.join(source, file), 0o755);
    }
    const output = path.join(sandbox.dir, `${name}-${made}.deb`);
    execFileSync('dpkg-deb', [`-Z${compression}`, '--root-owner-group', '--build', source, output], {
      stdio: 'ignore',
    });
    return output;
  }

  const add = (version: string, options: Made = {}, more: Parameters<Sandbox['addFile']>[3] = {}) =>
    sandbox.addFile('tool', version, build(version, options), { live: true, ...more });
  const dpkg = (...args: string[]) =>
    execFileSync('dpkg', [`--root=${machine.root}`, '--log=/dev/null', ...args], { stdio: 'pipe' });
  const status = (name = 'd3-tool') =>
    spawnSync(
      'dpkg-query',
      [`--admindir=${machine.root}/var/lib/dpkg`, '-W', '-f', '${Version} ${db:Status-Status}', name],
      {
        encoding: 'utf8',
      },
    ).stdout;
  const files = () => machine.tree().filter((line) => line.startsWith('opt'));

  async function inspect(file: string): Promise<DebSummary> {
    const handle = await open(file);
    try {
      return await inspectDeb(handle, file);
    } finally {
      await handle.close();
    }
  }

  it('makes packages that are read as it reads them, however it compresses', async () => {
    const long = `opt/${'long/'.repeat(30)}${'n'.repeat(150)}`;
    for (const compression of ['none', 'gzip', 'xz', 'zstd']) {
      const file = build('1:2.0~rc1-3', {
        compression,
        fields: ['Depends: libc6 (>= 2.14)', 'Breaks: other'],
        scripts: { postinst: 'exit 0' },
        files: ['opt/a b', 'opt/naïve 漢字', long],
      });
      const { control, scripts, entries } = await inspect(file);
      expect(control).to.deep.include({
        name: 'd3-tool',
        version: '1:2.0~rc1-3',
        depends: 'libc6 (>= 2.14)',
        conflicts: 'other',
      });
      expect(scripts).to.deep.equal(['postinst']);
      const tar = execFileSync('dpkg-deb', ['--fsys-tarfile', file], { maxBuffer: 2 ** 26 });
      const listed = execFileSync('tar', ['tf', '-', '--quoting-style=literal'], { input: tar, encoding: 'utf8' });
      const names = listed.split('\n').filter((line) => line !== '' && line !== './');
      expect(entries.map((entry) => entry.path)).to.have.members(names.map((line) => line.slice(1).replace(/\/$/, '')));
    }
  });

  it('made every package that lies in the cache of apt here, and each is read to its end as dpkg reads it', async function () {
    const cache = '/var/cache/apt/archives';
    const found = existsSync(cache) ? readdirSync(cache).filter((name) => name.endsWith('.deb')) : [];
    if (found.length === 0) this.skip();
    for (const name of found.slice(0, 20)) {
      const file = path.join(cache, name);
      const { control, entries } = await inspect(file);
      const fields = execFileSync('dpkg-deb', ['-f', file, 'Package', 'Version'], { encoding: 'utf8' });
      expect(fields.trim(), name).to.equal(`Package: ${control.name}\nVersion: ${control.version}`);
      expect(entries.length, name).to.be.greaterThan(0);
    }
  });

  it('compares versions as d3 does', () => {
    const version = fc.stringMatching(/^(?:[12]:)?\d[a~+.\d]{0,5}(?:-[b~+.\d]{1,3})?$/);
    const pairs = fc.sample(fc.tuple(version, version), 400);
    const script =
      'while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo lt; elif dpkg --compare-versions "$a" eq "$b"; then echo eq; else echo gt; fi; done';
    const input = `${pairs.map((pair) => pair.join(' ')).join('\n')}\n`;
    const said = execFileSync('sh', ['-c', script], { input, encoding: 'utf8' }).trim().split('\n');
    const ours = pairs.map(([a, b]) => ['lt', 'eq', 'gt'][Math.sign(compareVersions(a, b)) + 1]);
    expect(ours.map((word, at) => [pairs[at], word])).to.deep.equal(said.map((word, at) => [pairs[at], word]));
    for (const text of ['', '1-', 'a', '1_0', ':1', '1:', '1 0', '3:1.0-1']) {
      expect(isVersion(text), text).to.equal(spawnSync('dpkg', ['--validate-version', text]).status === 0);
    }
  });

  it('installs, updates and removes for d3, on a root that has never seen it', async () => {
    await add('1.0');
    expect((await machine.install(['tool'])).outcomes[0]).to.deep.include({ status: 'installed', problem: null });
    expect(status()).to.equal('1.0 installed');
    expect(files()).to.deep.equal(['opt', 'opt/d3-tool', 'opt/d3-tool/run 1.0', 'opt/d3-tool/v1.0 1.0']);
    expect(machine.reading((state) => state.manifest('tool')).map((entry) => entry.path)).to.deep.equal([
      '/opt',
      '/opt/d3-tool',
      '/opt/d3-tool/run',
      '/opt/d3-tool/v1.0',
    ]);
    await add('2.0');
    expect((await machine.sync()).outcomes[0]).to.deep.include({ status: 'installed', mode: 'update' });
    expect(status()).to.equal('2.0 installed');
    expect(files()).to.deep.equal(['opt', 'opt/d3-tool', 'opt/d3-tool/run 2.0', 'opt/d3-tool/v2.0 2.0']);
    expect((await machine.uninstall(['tool'])).exit).to.equal(0);
    expect(status()).to.match(/^(?:| *not-installed)$/);
    expect(files()).to.deep.equal([]);
  });

  it('is not started where a dependency is missing, and is where it is there', async () => {
    await add('1.0', { fields: ['Depends: d3-lib (>= 2)'] });
    const refused = await machine.install(['tool']);
    expect(refused.exit).to.equal(30);
    expect(refused.outcomes[0]?.text).to.include('it needs d3-lib (>= 2), which is not installed');
    expect(existsSync(path.join(machine.root, 'var/lib/dpkg'))).to.equal(false);
    await sandbox.addFile('lib', '2', build('2', { name: 'd3-lib' }), { live: true });
    expect((await machine.install(['lib', 'tool'])).exit).to.equal(0);
    const needed = await machine.uninstall(['lib']);
    expect(needed.exit).to.equal(32);
    expect(needed.outcomes[0]?.text).to.include('d3-tool depends on d3-lib');
    expect(machine.receipt('lib')?.edition).to.equal('lib-2-1');
    expect(status('d3-lib')).to.equal('2 installed');
  });

  it('may be used behind d3: that is seen, said, and left as it is', async () => {
    await add('1.0');
    await machine.install(['tool']);
    dpkg('-i', build('1.5'));
    expect((await machine.sync()).outcomes[0]?.text).to.include('d3-tool 1.5 is here, where d3 had put 1.0');
    await add('2.0');
    expect((await machine.sync()).outcomes[0]?.status).to.equal('held');
    expect((await machine.uninstall(['tool'])).exit).to.equal(30);
    expect(status()).to.equal('1.5 installed');
    dpkg('-r', 'd3-tool');
    expect((await machine.sync()).outcomes[0]).to.deep.include({ status: 'installed', mode: 'update' });
    expect(status()).to.equal('2.0 installed');
  });

  /** A root with a shell in it: maintainer scripts can run there. */
  function withShell(): void {
    mkdirSync(path.join(machine.root, 'bin'));
    for (const name of ['sh', 'busybox']) cpSync('/bin/busybox', path.join(machine.root, 'bin', name));
  }

  it("runs a package's scripts inside the root; one that fails is told (32), and mended by the next edition", async () => {
    await add('1.0', { scripts: { postinst: 'echo no such luck; exit 7' } });
    expect((await machine.install(['tool'])).exit).to.equal(30);
    withShell();
    const failed = await machine.install(['tool']);
    expect(failed.exit).to.equal(32);
    expect(failed.outcomes[0]?.text).to.include('no such luck').and.include('exit status 7');
    expect(machine.receipts()).to.deep.equal([]);
    expect(status()).to.equal('1.0 half-configured');
    await add('1.1', { scripts: { postinst: 'echo done >/ran' } });
    expect((await machine.install(['tool'])).exit).to.equal(0);
    expect(status()).to.equal('1.1 installed');
    expect(machine.read('ran')).to.equal('done\n');
  });

  describe('under a d3 that is killed', () => {
    /** @param body what runs in place of dpkg; `$file` is the package to be installed */
    function killed(body: string, request: Request): void {
      const wrapper = path.join(sandbox.dir, 'dpkg');
      const lines = [
        '#!/bin/sh',
        'for file; do :; done',
        'case "$*" in *--install*|*--remove*)',
        body,
        ';; esac',
        'exec /usr/bin/dpkg "$@"',
        '',
      ];
      writeFileSync(wrapper, lines.join('\n'));
      chmodSync(wrapper, 0o755);
      const child = path.join(import.meta.dirname, '../client/deb-child.ts');
      const words = [machine.root, sandbox.depot, wrapper, LINUX_PROGRAMS.dpkgQuery, JSON.stringify(request)];
      const { signal, stderr } = spawnSync(process.execPath, ['--conditions=d3-source', child, ...words], {
        encoding: 'utf8',
      });
      expect(signal, stderr).to.equal('SIGKILL');
    }
    const sync: Request = { kind: 'sync', force: false, puppies: false };
    const root = () => `--root='${machine.root}' --log=/dev/null`;

    for (const [when, body] of [
      ['before it has begun', () => 'kill -9 $PPID; exit 1'],
      ['when it has unpacked', () => `/usr/bin/dpkg ${root()} --unpack "$file"; kill -9 $PPID; exit 1`],
      ['when it has done everything', () => `/usr/bin/dpkg ${root()} --install "$file"; kill -9 $PPID; exit 1`],
    ] as const) {
      it(`${when}, it is finished by the next run`, async () => {
        withShell();
        await add('1.0', { scripts: { postinst: 'echo again >>/ran' } }, { autoGroups: 'standard' });
        killed(body(), sync);
        expect(machine.receipts()).to.deep.equal([]);
        expect((await machine.sync()).outcomes[0]?.text).to.include('finished now');
        expect(status()).to.equal('1.0 installed');
        expect(machine.receipt('tool')?.edition).to.equal('tool-1.0-1');
        expect(machine.reading((state) => state.journal())).to.deep.equal([]);
      });
    }

    it('goes on to its end by itself; the next run waits for it (41) or finds it done', async () => {
      await add('1.0', {}, { autoGroups: 'standard' });
      killed('kill -9 $PPID', sync);
      for (let tries = 0; tries < 100 && machine.receipts().length === 0; tries += 1) await machine.sync();
      expect(status()).to.equal('1.0 installed');
    });

    it('in the middle of a removal, it is removed by the next run', async () => {
      await add('1.0');
      await machine.install(['tool']);
      killed(`/usr/bin/dpkg ${root()} --remove d3-tool; kill -9 $PPID; exit 1`, {
        kind: 'uninstall',
        targets: ['tool'],
        force: false,
      });
      expect((await machine.sync()).outcomes[0]).to.deep.include({ status: 'uninstalled', problem: null });
      expect(machine.receipts()).to.deep.equal([]);
    });
  });

  it('works for an ordinary user on a root of their own', function () {
    if (process.getuid?.() !== 0) this.skip();
    const file = build('1.0');
    const root = path.join(sandbox.dir, 'own');
    for (const folder of ['info', 'updates', 'triggers'])
      mkdirSync(path.join(root, 'var/lib/dpkg', folder), { recursive: true });
    writeFileSync(path.join(root, 'var/lib/dpkg/status'), '');
    execFileSync('chown', ['-R', '65534:65534', root]);
    chmodSync(sandbox.dir, 0o755);
    const words = [`--root=${root}`, '--log=/dev/null', '--force-not-root', '--install', file];
    execFileSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'dpkg', ...words], { stdio: 'pipe' });
    expect(existsSync(path.join(root, 'opt/d3-tool/run'))).to.equal(true);
  });
});
