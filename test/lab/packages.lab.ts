import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build, extractTo, inspect, listFiles, verify } from '@d3/flatpkg';
import { expect } from 'chai';

/**
 * Everything below a folder, one line each: path, type, those of the `bits` of its mode, and a hash of the content or
 * the target of a link.
 */
function tree(folder: string, bits = 0o7777, inside = ''): string[] {
  return readdirSync(path.join(folder, inside)).flatMap((name) => {
    const below = path.join(inside, name);
    const at = path.join(folder, below);
    const stat = lstatSync(at);
    const mode = (stat.mode & bits).toString(8);
    if (stat.isSymbolicLink()) return [`${below} -> ${readlinkSync(at)}`];
    if (stat.isDirectory()) return [`${below}/ ${mode}`, ...tree(folder, bits, below)];
    return [`${below} ${mode} ${stat.size} ${createHash('sha1').update(readFileSync(at)).digest('hex')}`];
  });
}

/** A tree with all that a payload can hold. */
function fill(root: string): void {
  const file = (name: string, content: string | Buffer, mode = 0o644) => {
    const at = path.join(root, name);
    mkdirSync(path.dirname(at), { recursive: true });
    writeFileSync(at, content);
    chmodSync(at, mode);
  };
  file('opt/app/bin/run', '#!/bin/sh\n', 0o755);
  file('opt/app/bin/asroot', 'set-user-id', 0o4755);
  file('opt/app/bin/asgroup', 'set-group-id', 0o2755);
  file('opt/app/secret', 'for the owner', 0o600);
  file('opt/app/empty', '');
  file('opt/naïve name 漢字 🎩', 'ü');
  file('opt/Cafe\u0301', 'decomposed');
  file('opt/ two  spaces ', 'x');
  file('opt/quote \' and " and \\', 'y');
  file('opt/large', Buffer.alloc(3_000_000, 'many blocks of it '));
  file(`opt/${'deep/'.repeat(40)}file`, 'down here');
  file(`opt/${'long'.repeat(60)}`, 'a name of 240 bytes');
  mkdirSync(path.join(root, 'opt/nothing in it'));
  mkdirSync(path.join(root, 'opt/for all'));
  chmodSync(path.join(root, 'opt/for all'), 0o1777);
  symlinkSync('bin/run', path.join(root, 'opt/app/link'));
  symlinkSync('missing 漢字', path.join(root, 'opt/app/broken'));
  symlinkSync('nothing in it', path.join(root, 'opt/link to folder'));
  // More than a leaf of a bill of materials holds.
  for (let at = 0; at < 300; at += 1) file(`opt/many/file ${at}`, String(at).repeat(at));
}

/** Debian 12 calls it 7zz, others 7z. */
const SEVEN_ZIP = ['7z', '7zz'].find((name) => spawnSync(name, ['i'], { stdio: 'ignore' }).error === undefined) ?? '7z';

function run(command: string, ...argv: string[]): void {
  execFileSync(command, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Which would take the bits of the umask off the modes of folders. */
function sevenZip(...argv: string[]): void {
  run('sh', '-ec', 'umask 0; exec "$0" "$@"', SEVEN_ZIP, 'x', ...argv);
}

/** Ways to get the members out of a package. */
const OPENERS: Readonly<Record<string, (file: string, to: string) => void>> = {
  bsdtar: (file, to) => run('bsdtar', '-xf', file, '-C', to),
  '7-Zip': (file, to) => sevenZip('-txar', `-o${to}`, file, '-x![TOC].xml'),
};

/** A way to get the files out of a payload or an archive of scripts. */
interface Unpacker {
  name: string;
  unpack: (archive: string, to: string) => void;
  /** Those of a mode that it gives back. */
  bits: number;
}

const UNPACKERS: readonly Unpacker[] = [
  { name: 'bsdtar', unpack: (archive, to) => run('bsdtar', '-xpf', archive, '-C', to), bits: 0o7777 },
  {
    name: 'GNU cpio',
    unpack: (archive, to) => run('sh', '-ec', 'cd "$2"; gzip -dc <"$1" | cpio -idm --quiet', 'sh', archive, to),
    bits: 0o7777,
  },
  {
    name: '7-Zip',
    unpack: (archive, to) => {
      const between = `${to}.cpio`;
      sevenZip('-tgzip', `-o${between}`, archive);
      const [name = ''] = readdirSync(between);
      sevenZip('-tcpio', `-o${to}`, path.join(between, name));
    },
    bits: 0o777,
  },
];

const NO_BOM = ['Payload: there is no bill of materials to compare it with'];

describe('packages and other implementations', () => {
  let dir = '';
  let folders = 0;
  const folder = () => {
    folders += 1;
    const made = path.join(dir, `folder ${folders}`);
    mkdirSync(made);
    return made;
  };
  let root = '';
  let scripts = '';
  before(() => {
    process.umask(0o022);
    dir = mkdtempSync(path.join(os.tmpdir(), 'd3-lab-'));
    root = folder();
    fill(root);
    scripts = folder();
    writeFileSync(path.join(scripts, 'postinstall'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    mkdirSync(path.join(scripts, 'data'));
    writeFileSync(path.join(scripts, 'data/more'), 'more');
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  describe('packages d3 writes', () => {
    for (const checksum of ['sha1', 'sha256', 'sha512'] as const) {
      for (const opener of Object.keys(OPENERS)) {
        // bsdtar 3.6 says "Unrecognized archive format" of tables of contents with any other checksum.
        if (opener === 'bsdtar' && checksum !== 'sha1') continue;
        it(`with ${checksum} are opened by ${opener}`, async () => {
          const file = path.join(folder(), 'app.pkg');
          await build({ root, scripts, output: file, identifier: 'org.example.app', version: '1', checksum });
          const members = folder();
          OPENERS[opener]?.(file, members);
          expect(readdirSync(members).toSorted()).to.deep.equal(['Bom', 'PackageInfo', 'Payload', 'Scripts']);
          expect(readFileSync(path.join(members, 'PackageInfo'), 'utf8')).to.include('org.example.app');
          expect(readFileSync(path.join(members, 'Bom')).toString('latin1', 0, 8)).to.equal('BOMStore');
          for (const { name, unpack, bits } of UNPACKERS) {
            const files = folder();
            unpack(path.join(members, 'Payload'), files);
            expect(tree(files, bits), name).to.deep.equal(tree(root, bits));
            const unpacked = folder();
            unpack(path.join(members, 'Scripts'), unpacked);
            expect(tree(unpacked, bits), name).to.deep.equal(tree(scripts, bits));
          }
        });
      }
    }
  });

  describe('packages bsdtar writes', () => {
    const info = '<pkg-info format-version="2" identifier="org.example.other" version="2" install-location="/"/>';

    /** Makes a package of `from` as bsdtar does it, without a bill of materials. */
    function packed(from: string, format: string, filter: string[], members: string): string {
      const work = folder();
      writeFileSync(path.join(work, 'PackageInfo'), info);
      run('bsdtar', '-cf', path.join(work, 'Payload'), '--format', format, ...filter, '-C', from, '.');
      const file = path.join(folder(), 'other.pkg');
      const options = `compression=${members},toc-checksum=sha1`;
      run('bsdtar', '-cf', file, '--format', 'xar', '--options', options, '-C', work, 'PackageInfo', 'Payload');
      return file;
    }

    for (const format of ['odc', 'newc']) {
      for (const filter of [[], ['--gzip'], ['--bzip2'], ['--xz']]) {
        for (const members of ['none', 'gzip', 'bzip2']) {
          const how = [format, ...filter, 'in a xar with', members].join(' ');
          it(`as ${how} are read to the same tree`, async () => {
            const file = packed(root, format, filter, members);
            expect(await inspect(file)).to.deep.include({ kind: 'component', version: '2' });
            expect(await verify(file)).to.deep.include({ warnings: NO_BOM });
            const to = path.join(folder(), 'to');
            const { entries } = await extractTo(file, to, { allowSetuid: true });
            expect(tree(to)).to.deep.equal(tree(root));
            expect((await listFiles(file)).entries.length).to.equal(entries.length);
          });
        }
      }
    }

    it('keep their hard links in newc, where all but one of them come without data', async () => {
      const linked = folder();
      writeFileSync(path.join(linked, 'b'), 'the same for all');
      linkSync(path.join(linked, 'b'), path.join(linked, 'a'));
      mkdirSync(path.join(linked, 'c'));
      linkSync(path.join(linked, 'b'), path.join(linked, 'c/d'));
      const to = path.join(folder(), 'to');
      await extractTo(packed(linked, 'newc', ['--gzip'], 'none'), to);
      expect(tree(to)).to.deep.equal(tree(linked));
      expect(lstatSync(path.join(to, 'a')).ino).to.equal(lstatSync(path.join(to, 'b')).ino);
      expect(lstatSync(path.join(to, 'a')).ino).to.equal(lstatSync(path.join(to, 'c/d')).ino);
    });

    it('keep the content of hard links in odc, where each comes with its data', async () => {
      const linked = folder();
      writeFileSync(path.join(linked, 'a'), 'the same for both');
      linkSync(path.join(linked, 'a'), path.join(linked, 'b'));
      const to = path.join(folder(), 'to');
      await extractTo(packed(linked, 'odc', ['--gzip'], 'none'), to);
      expect(tree(to)).to.deep.equal(tree(linked));
    });
  });

  it('payloads GNU cpio writes are read to the same tree', async () => {
    for (const format of ['odc', 'newc', 'crc']) {
      const work = folder();
      writeFileSync(path.join(work, 'PackageInfo'), '<pkg-info identifier="org.example.cpio" version="3"/>');
      const line = 'cd "$1"; find . | LC_ALL=C sort | cpio -o -H "$3" --quiet | gzip >"$2/Payload"';
      run('sh', '-ec', line, 'sh', root, work, format);
      const file = path.join(folder(), 'cpio.pkg');
      run('bsdtar', '-cf', file, '--format', 'xar', '-C', work, 'PackageInfo', 'Payload');
      const to = path.join(folder(), 'to');
      await extractTo(file, to, { allowSetuid: true });
      expect(tree(to), format).to.deep.equal(tree(root));
    }
  });
});
