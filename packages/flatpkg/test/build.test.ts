import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { type BuildOptions, build, extractTo, inspect, listFiles, verify } from '../src/index.ts';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import { XarArchive } from '../src/xar/read.ts';
import { failureOf } from './helpers/failures.ts';
import { snapshot, useTempFolder } from './helpers/temp.ts';

type Node = { type: 'file'; content: Uint8Array; mode: number } | { type: 'link'; target: string } | Folder;
interface Folder {
  type: 'dir';
  inside: Record<string, Node>;
}

const name = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .map((text) => text.normalize('NFC').toLowerCase())
  .filter((text) => !/^\.{1,2}$|^\._|[/\0]/.test(text) && text.isWellFormed() && Buffer.byteLength(text) < 200);
const { tree } = fc.letrec<{ tree: Folder; node: Node }>((tie) => ({
  tree: fc.record({ type: fc.constant('dir' as const), inside: fc.dictionary(name, tie('node'), { maxKeys: 5 }) }),
  node: fc.oneof(
    { depthSize: 'small' },
    fc.record({
      type: fc.constant('file' as const),
      content: fc.uint8Array({ maxLength: 3000 }),
      mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444),
    }),
    fc.record({ type: fc.constant('link' as const), target: name }),
    tie('tree'),
  ),
}));

function make(path: string, folder: Folder): void {
  mkdirSync(path);
  for (const [key, node] of Object.entries(folder.inside)) {
    const full = `${path}/${key}`;
    if (node.type === 'dir') make(full, node);
    else if (node.type === 'link') symlinkSync(node.target, full);
    else {
      writeFileSync(full, node.content);
      chmodSync(full, node.mode);
    }
  }
}

describe('build', () => {
  const temp = useTempFolder();
  const options = (more: Partial<BuildOptions> = {}): BuildOptions => ({
    root: temp.path('root'),
    output: temp.path('out.pkg'),
    identifier: 'com.example.built',
    version: '1.2',
    ...more,
  });

  it('packs any tree so that listing and extracting give it back', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (folder) => {
        run += 1;
        const root = temp.path(`root${run}`);
        const output = temp.path(`${run}.pkg`);
        make(root, folder);
        const { entries, size, sha256 } = await build(options({ root, output }));
        const bytes = readFileSync(output);
        expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).to.deep.equal([size, sha256]);
        expect((await verify(output)).warnings).to.deep.equal([]);
        expect((await listFiles(output)).entries).to.have.length(entries);
        const extracted = await extractTo(output, temp.path(`to${run}`));
        expect(extracted.entries).to.have.length(entries);
        expect(snapshot(temp.path(`to${run}`))).to.deep.equal(snapshot(root));
      }),
      { numRuns: 40 },
    );
  });

  it('gives the same bytes for the same content, whatever the times and the order of making', async () => {
    const one = temp.path('one');
    const two = temp.path('two');
    for (const [root, names] of [
      [one, ['a', 'b', 'c']],
      [two, ['c', 'b', 'a']],
    ] as const) {
      mkdirSync(root);
      for (const file of names) writeFileSync(`${root}/${file}`, file.repeat(5000));
    }
    utimesSync(`${two}/a`, 1, 1);
    const first = await build(options({ root: one, output: temp.path('1.pkg') }));
    const second = await build(options({ root: two, output: temp.path('2.pkg') }));
    expect(second).to.deep.equal(first);
    expect(readFileSync(temp.path('1.pkg')).equals(readFileSync(temp.path('2.pkg')))).to.equal(true);
  });

  it('recommends owners, can keep them, stamps or keeps times', async () => {
    temp.write('root/Applications/X.app/x', 'x');
    temp.write('root/usr/y', 'y');
    utimesSync(temp.path('root/usr/y'), 1_234_567_890, 1_234_567_890);
    await build(options({ modifiedTime: new Date(1_500_000_000_000) }));
    const groups = new Map((await listFiles(temp.path('out.pkg'))).entries.map((entry) => [entry.path, entry]));
    expect(groups.get('Applications/X.app/x')).to.deep.include({ uid: 0, gid: 80, mtime: 1_500_000_000 });
    expect(groups.get('usr/y')).to.deep.include({ uid: 0, gid: 0 });
    await build(options({ owners: 'preserve', times: 'preserve' }));
    const kept = (await listFiles(temp.path('out.pkg'))).entries.find(({ path }) => path === 'usr/y');
    expect(kept).to.deep.include({ uid: process.getuid?.(), mtime: 1_234_567_890 });
    await build(options({ installLocation: '/Applications/Utilities' }));
    expect((await listFiles(temp.path('out.pkg'))).entries.every(({ gid }) => gid === 80)).to.equal(true);
  });

  it('writes what PackageInfo has to say, and scripts', async () => {
    mkdirSync(temp.path('root'));
    temp.write('scripts/postinstall', '#!/bin/sh\n');
    temp.write('scripts/data/more', 'more');
    const more = {
      scripts: temp.path('scripts'),
      restart: 'restart',
      installLocation: '/opt/x',
      version: '1 & "2"',
    } as const;
    await build(options({ ...more, checksum: 'sha256' }));
    const summary = await inspect(temp.path('out.pkg'));
    expect(summary).to.deep.include({ kind: 'component', tocChecksum: 'sha256', signature: null, warnings: [] });
    expect(summary.components[0]).to.deep.include({
      identifier: 'com.example.built',
      version: '1 & "2"',
      installLocation: '/opt/x',
      restart: 'restart',
      scripts: ['postinstall'],
      hasScriptsArchive: true,
      hasPayload: true,
      numberOfFiles: 1,
    });
    expect((await verify(temp.path('out.pkg'))).members).to.equal(4);
  });

  it('packs hard links as files of their own', async () => {
    temp.write('root/a', 'same');
    linkSync(temp.path('root/a'), temp.path('root/b'));
    await build(options());
    await extractTo(temp.path('out.pkg'), temp.path('to'));
    expect(readFileSync(temp.path('to/b'), 'utf8')).to.equal('same');
  });

  it('refuses wrong calls and leaves nothing behind', async () => {
    temp.write('root/a', 'x');
    temp.write('noscripts/readme', 'x');
    const calls: Partial<BuildOptions>[] = [
      { identifier: '' },
      { identifier: '../x' },
      { identifier: 'a\u0001' },
      { version: '' },
      { version: '1\u0000' },
      { installLocation: 'opt' },
      { installLocation: '/opt/../etc' },
      { root: temp.path('missing') },
      { root: temp.path('root/a') },
      { output: temp.path('root/out.pkg') },
      { output: temp.path('nowhere/out.pkg') },
      { scripts: temp.path('noscripts') },
      { modifiedTime: new Date(Number.NaN) },
    ];
    for (const call of calls) expect((await failureOf(build(options(call)))).kind).to.equal('usage');
    expect(readdirSync(temp.path()).sort()).to.deep.equal(['noscripts', 'root']);
  });

  (process.platform === 'linux' ? it : it.skip)('refuses names that are not valid UTF-8', async () => {
    temp.write('root/a', 'x');
    writeFileSync(Buffer.concat([Buffer.from(`${temp.path('root')}/b`), Buffer.from([0xff])]), 'x');
    const failure = await failureOf(build(options()));
    expect([failure.kind, failure.code]).to.deep.equal(['refused', 'BUILD_NAME']);
  });

  it('refuses what only extended headers could hold', async () => {
    temp.write('root/a', '');
    truncateSync(temp.path('root/a'), 8 * 1024 ** 3);
    expect((await failureOf(build(options()))).code).to.equal('BUILD_SIZE');
  });

  it('follows a link that is named as the folder, not links inside', async () => {
    temp.write('real/a', 'x');
    temp.write('real scripts/preinstall', '');
    symlinkSync(temp.path('real'), temp.path('linked'));
    symlinkSync(temp.path('real scripts'), temp.path('scripts'));
    await build(options({ root: temp.path('linked'), scripts: temp.path('scripts') }));
    expect((await listFiles(temp.path('out.pkg'))).entries.map((entry) => entry.path)).to.deep.equal(['.', 'a']);
    const inside = options({ root: temp.path('linked'), output: temp.path('real/out.pkg') });
    expect((await failureOf(build(inside))).code).to.equal('BUILD_OUTPUT');
  });

  it('packs scripts alone, without payload and bill of materials', async () => {
    temp.write('scripts/postinstall', '#!/bin/sh\n');
    const { root: _, ...withoutRoot } = options({ scripts: temp.path('scripts') });
    expect((await build(withoutRoot)).entries).to.equal(0);
    const summary = await inspect(temp.path('out.pkg'));
    expect(summary.members.map((member) => member.path)).to.deep.equal(['PackageInfo', 'Scripts']);
    expect(summary).to.deep.include({ receipts: [], installKBytes: 0, warnings: [] });
    expect(summary.components[0]).to.deep.include({ hasPayload: false, scripts: ['postinstall'], numberOfFiles: null });
    expect((await verify(temp.path('out.pkg'))).warnings).to.deep.equal([]);
    expect((await listFiles(temp.path('out.pkg'))).entries).to.deep.equal([]);
    const { scripts: __, ...nothing } = withoutRoot;
    expect((await failureOf(build(nothing))).code).to.equal('BUILD_NOTHING');
  });

  it('makes a product archive that says for which macOS and processors it is, and reads it back', async () => {
    temp.write('root/a', 'content');
    temp.write('scripts/postinstall', '#!/bin/sh\n');
    const product = { title: 'A <title> & more', minimumSystemVersion: '13.5', architectures: ['arm64', 'x86_64'] };
    const { size } = await build(options({ scripts: temp.path('scripts'), restart: 'restart', product }));
    const summary = await inspect(temp.path('out.pkg'));
    expect(summary).to.deep.include({
      kind: 'product',
      title: product.title,
      version: '1.2',
      size,
      minimumSystemVersion: '13.5',
      architectures: product.architectures,
      restart: 'restart',
      receipts: ['com.example.built'],
      warnings: [],
    });
    expect(summary.distribution).to.deep.include({
      productId: 'com.example.built',
      rootVolumeOnly: true,
      systems: [{ min: '13.5', before: null }],
      hasScriptedChecks: false,
    });
    expect(summary.members.map((member) => `${member.type} ${member.path}`)).to.deep.equal([
      'file Distribution',
      'directory component.pkg',
      'file component.pkg/Bom',
      'file component.pkg/PackageInfo',
      'file component.pkg/Payload',
      'file component.pkg/Scripts',
    ]);
    expect((await verify(temp.path('out.pkg'))).warnings).to.deep.equal([]);
    expect((await listFiles(temp.path('out.pkg'))).entries.map((entry) => entry.absolute)).to.deep.equal(['/', '/a']);
    const first = readFileSync(temp.path('out.pkg'));
    await build(options({ scripts: temp.path('scripts'), restart: 'restart', product }));
    expect(readFileSync(temp.path('out.pkg')).equals(first)).to.equal(true);
    await build(options({ product: { title: 'any' } }));
    expect(await inspect(temp.path('out.pkg'))).to.deep.include({ minimumSystemVersion: null, architectures: null });
    for (const wrong of [{ minimumSystemVersion: '13.5"/>' }, { architectures: ['arm64"'] }, { title: '\0' }])
      expect((await failureOf(build(options({ product: { ...product, ...wrong } })))).kind).to.equal('usage');
  });

  it('stops at an abort, leaves nothing behind, and keeps an older output', async () => {
    temp.write('root/a', Buffer.alloc(2_000_000, 'x'));
    temp.write('out.pkg', 'older');
    const signal = AbortSignal.abort(new Error('enough'));
    const failure = await build(options({ signal })).catch((error: Error) => error);
    expect(failure).to.be.an('error').with.property('message', 'enough');
    expect(readdirSync(temp.path()).sort()).to.deep.equal(['out.pkg', 'root']);
    expect(readFileSync(temp.path('out.pkg'), 'utf8')).to.equal('older');
  });

  it('gives the same bytes wherever the root lies and whatever the environment', async () => {
    // Names that languages sort in different orders, and a folder that sorts apart from what only begins like it.
    const names = ['Z', 'a', 'B', 'ä', 'ı', 'I', 'i', 'z', 'a-b', 'a.b', '10', '9'];
    for (const [root, order] of [
      ['here', names],
      ['elsewhere/far', names.toReversed()],
    ] as const) {
      for (const file of order) temp.write(`${root}/${file}.d/${file}`, file.repeat(3000));
      symlinkSync('a.d', temp.path(root, 'link'));
    }
    await build(options({ root: temp.path('here'), output: temp.path('1.pkg') }));
    const child = path.join(import.meta.dirname, 'helpers/build-child.ts');
    const argv = ['--conditions=d3-source', child, temp.path('elsewhere/far'), temp.path('another name')];
    const env = { TZ: 'Pacific/Auckland', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', UV_THREADPOOL_SIZE: '1' };
    const { status, stderr } = spawnSync(process.execPath, argv, { env, encoding: 'utf8' });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(readFileSync(temp.path('another name')).equals(readFileSync(temp.path('1.pkg')))).to.equal(true);
  });

  it('numbers the entries, so that nobody takes empty files for links to their neighbours', async () => {
    for (const file of ['a', 'b', 'c']) temp.write(`root/${file}`, '');
    await build(options());
    const archive = gunzipSync(await payloadOf(temp.path('out.pkg'))).toString('latin1');
    const inodes = [...archive.matchAll(/070707(\d{6})(\d{6})/g)].map(([, device, inode]) => `${device} ${inode}`);
    expect(inodes).to.deep.equal(['000000 000001', '000000 000002', '000000 000003', '000000 000004', '000000 000000']);
  });
});

async function payloadOf(file: string): Promise<Buffer> {
  const fd = openSync(file, 'r');
  try {
    const archive = XarArchive.open(fd, DEFAULT_LIMITS);
    const member = archive.members.find((found) => found.path === 'Payload');
    if (member === undefined) throw new Error('the package has no payload');
    return await archive.read(member, 1_000_000);
  } finally {
    closeSync(fd);
  }
}
