import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { inspect, listFiles, verify } from '@d3/flatpkg';
import { expect } from 'chai';
import { debianVersion, writeDeb } from '../../scripts/package/deb.ts';
import { type Entry, entriesIn, merged, textEntry } from '../../scripts/package/entries.ts';
import { gzipTo } from '../../scripts/package/gzip.ts';
import { writeMacPackage } from '../../scripts/package/mac-package.ts';
import { writeNpmTarball } from '../../scripts/package/npm-tarball.ts';
import { tar } from '../../scripts/package/tar.ts';
import { inspectDeb } from '../../src/installers/deb/inspect.ts';
import { FAKE_NODE, fakeApp } from './fake-app.ts';

const SECONDS = 1_700_000_000;
const LONG = `share/${'long/'.repeat(24)}name of more than a hundred bytes`;

describe('packages of d3', () => {
  let folder: string;
  let entries: Entry[];
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'd3-package-'));
    entries = fakeApp(path.join(folder, 'app'), '1.2.3');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const at = (name: string) => path.join(folder, name);
  const sha = (name: string) =>
    createHash('sha256')
      .update(readFileSync(at(name)))
      .digest('hex');
  const listed = (file: string) =>
    execFileSync('tar', ['--numeric-owner', '--full-time', '-tvzf', file], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    })
      .trim()
      .split('\n');

  /** The same content on another day, laid down by somebody else in another order. */
  function again(): Entry[] {
    const umask = process.umask(0o077);
    try {
      mkdirSync(at('elsewhere'));
      for (const name of ['share', 'node_modules', 'bin']) mkdirSync(at(`elsewhere/${name}`));
      const made = fakeApp(at('elsewhere'), '1.2.3');
      utimesSync(at('elsewhere/bin/d3'), 1, 1);
      chmodSync(at('elsewhere/bin/d3'), 0o777);
      return made.toReversed();
    } finally {
      process.umask(umask);
    }
  }

  const kinds: Record<string, (name: string, from: Entry[]) => Promise<void>> = {
    tarball: (name, from) => gzipTo(at(name), tar(merged(from), SECONDS)),
    npm: (name, from) =>
      writeNpmTarball(at(name), from, { name: 'd3', version: '1.2.3', dependencies: { got: '1' } }, SECONDS),
    deb: (name, from) =>
      writeDeb(at(name), {
        name: 'd3',
        version: '1.2.3',
        architecture: 'amd64',
        depends: 'libc6 (>= 2.28)',
        maintainer: 'd3 <d3@localhost>',
        description: ['manages packages', 'On Macs, too.'],
        scripts: { preinst: '#!/bin/sh\n', postinst: '#!/bin/sh\n' },
        entries: merged(from),
        seconds: SECONDS,
      }),
    pkg: (name, from) =>
      writeMacPackage(
        at(name),
        {
          version: '1.2.3',
          entries: merged(from),
          node: FAKE_NODE,
          processor: 'arm64',
          minimum: '13.5',
          seconds: SECONDS,
        },
        at('work'),
      ),
  };

  for (const [kind, write] of Object.entries(kinds)) {
    it(`depot3:K07 two builds of the same are the same bytes, whoever made the files, when and in which order: ${kind}`, async () => {
      await write('one', entries);
      await write('two', again());
      expect(sha('two')).to.equal(sha('one'));
      expect(readdirSync(folder).sort()).to.deep.equal(['app', 'elsewhere', 'one', 'two']);
      entries.push(textEntry('share/more', 'x'));
      await write('three', entries);
      expect(sha('three')).not.to.equal(sha('one'));
    });
  }

  it('depot3:K07 the tarball has the modes, owners and time it should, and names of any length', async () => {
    await kinds['tarball']?.('one.tar.gz', entries);
    const lines = listed(at('one.tar.gz'));
    expect(
      lines.every((line) => / 0\/0 +\d+ 2023-11-14 22:13:20 /.test(line)),
      lines.join('\n'),
    ).to.equal(true);
    const modes = Object.fromEntries(lines.map((line) => [line.split(':20 ')[1], line.slice(0, 10)]));
    expect(modes).to.deep.include({
      'bin/': 'drwxr-xr-x',
      'bin/d3': '-rwxr-xr-x',
      'CHANGELOG.md': '-rw-r--r--',
      [LONG]: '-rw-r--r--',
    });
    mkdirSync(at('out'));
    execFileSync('tar', ['-xzf', at('one.tar.gz'), '-C', at('out')]);
    expect(readFileSync(at(`out/${LONG}`), 'utf8')).to.equal('far away');
    expect(readFileSync(at('one.tar.gz')).subarray(0, 10).toString('hex')).to.equal('1f8b0800000000000003');
  });

  it('the tarball for npm bundles all it needs, in the folder npm expects', async () => {
    await kinds['npm']?.('one.tgz', entries);
    expect(listed(at('one.tgz')).every((line) => line.includes(':20 package/'))).to.equal(true);
    mkdirSync(at('out'));
    execFileSync('tar', ['-xzf', at('one.tgz'), '-C', at('out')]);
    const pjson = JSON.parse(readFileSync(at('out/package/package.json'), 'utf8'));
    expect(pjson).to.deep.equal({
      name: 'd3',
      version: '1.2.3',
      dependencies: { got: '1' },
      bundleDependencies: ['got'],
    });
  });

  it('depot3:K07 the .deb is one that d3 itself reads: who it is, what it needs, its scripts, and every file', async () => {
    await kinds['deb']?.('one.deb', entries);
    const handle = await open(at('one.deb'));
    try {
      const { control, scripts, entries: read } = await inspectDeb(handle, 'one.deb');
      expect(control).to.deep.include({
        name: 'd3',
        version: '1.2.3',
        architecture: 'amd64',
        depends: 'libc6 (>= 2.28)',
      });
      expect(scripts).to.have.members(['postinst', 'preinst']);
      expect(read.map(({ path: file, mode }) => `${file} ${mode.toString(8)}`)).to.deep.equal(
        merged(entries).map(({ path: file, mode }) => `/${file} ${mode.toString(8)}`),
      );
    } finally {
      await handle.close();
    }
    const members = readFileSync(at('one.deb'))
      .toString('latin1')
      .match(/(?:debian-binary|control\.tar\.gz|data\.tar\.gz) +\d+ +0 +0 +100644 +\d+ +`\n/g);
    expect(members?.map((member) => member.split(/ +/).slice(0, 2))).to.deep.equal([
      ['debian-binary', String(SECONDS)],
      ['control.tar.gz', String(SECONDS)],
      ['data.tar.gz', String(SECONDS)],
    ]);
  });

  it('versions before a release are older than it for dpkg, too', () => {
    expect(['1.0.0', '1.0.0-rc.1'].map(debianVersion)).to.deep.equal(['1.0.0', '1.0.0~rc.1']);
  });

  it('depot3:K07 the .pkg says for which macOS and processor it is, lies where d3 keeps itself, and is sound', async () => {
    await kinds['pkg']?.('one.pkg', entries);
    const summary = await inspect(at('one.pkg'));
    expect(summary).to.deep.include({
      kind: 'product',
      title: 'd3',
      version: '1.2.3',
      minimumSystemVersion: '13.5',
      architectures: ['arm64'],
      receipts: ['org.d3.d3'],
      restart: 'none',
      warnings: [],
    });
    expect(summary.components[0]).to.deep.include({
      identifier: 'org.d3.d3',
      installLocation: '/usr/local/lib/d3',
      scripts: ['preinstall', 'postinstall'],
    });
    expect(await verify(at('one.pkg'))).to.deep.include({ warnings: [] });
    const files = (await listFiles(at('one.pkg'))).entries;
    const shown = new Map(
      files.map(({ absolute, mode, uid, gid }) => [absolute, `${(mode & 0o7777).toString(8)} ${uid}:${gid}`]),
    );
    expect(shown.get('/usr/local/lib/d3/versions/1.2.3/bin/d3')).to.equal('755 0:0');
    expect(shown.get('/usr/local/lib/d3/versions/1.2.3/CHANGELOG.md')).to.equal('644 0:0');
    expect([...shown.keys()].filter((name) => !name.startsWith('/usr/local/lib/d3'))).to.deep.equal([]);
    expect([...new Set(files.filter(({ type }) => type === 'dir').map(({ mode }) => mode & 0o7777))]).to.deep.equal([
      0o755,
    ]);
  });

  it('a link is in none of them: nothing leads out of what is installed', () => {
    symlinkSync('/etc/passwd', at('app/link'));
    expect(() => entriesIn(at('app'))).to.throw('neither a file nor a folder');
  });

  it('a file that becomes shorter while it is packed is an error, and leaves no package', async () => {
    const file = entriesIn(at('app')).find(({ path: name }) => name === 'CHANGELOG.md');
    writeFileSync(at('app/CHANGELOG.md'), '');
    await gzipTo(at('one.tar.gz'), tar([file as Entry], SECONDS)).then(
      () => expect.fail('it was packed'),
      (error: Error) => expect(error.message).to.include('became shorter'),
    );
    expect(readdirSync(folder)).to.deep.equal(['app']);
  });

  it('what goes wrong at once leaves nothing either', async () => {
    for (let times = 0; times < 100; times += 1) {
      const wrong: Iterable<Buffer> = {
        [Symbol.iterator]: () => ({
          next: () => {
            throw new Error('wrong');
          },
        }),
      };
      await gzipTo(at('one.tar.gz'), wrong).then(
        () => expect.fail('it was packed'),
        (error: Error) => expect(error.message).to.equal('wrong'),
      );
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(readdirSync(folder)).to.deep.equal(['app']);
    }
  });

  it('what is compressed is what was given', async () => {
    const big = Buffer.alloc(3_000_001, 'd3 ');
    await gzipTo(at('big.gz'), [big.subarray(0, 5), big.subarray(5, 6), big.subarray(6)]);
    expect(gunzipSync(readFileSync(at('big.gz'))).equals(big)).to.equal(true);
  });
});
