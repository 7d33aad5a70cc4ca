import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { FlatpkgError } from '@d3/flatpkg';
import { D3Error } from '@d3/sdk';
import { expect } from 'chai';
import type { Edition } from '../../src/catalog/types.ts';
import { drivers, formatsHere, type InstallTarget, installerParts } from '../../src/installers/index.ts';
import { translated } from '../../src/installers/pkg.ts';
import { buildPackage, extractPackage, inspectPackage, listPackage } from '../../src/installers/tools.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

const edition = (format: Edition['file']['format'], more: Partial<Edition> = {}) =>
  ({ edition: 'tool-1-1', packageScripts: 'refuse', ...more, file: { format } }) as Edition;

const quiet = { force: false, replaces: null, removeFirst: false, say: () => undefined, advance: () => undefined };

describe('the installers', () => {
  let sandbox: Sandbox;
  let root: string;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    root = path.join(sandbox.dir, 'root');
    mkdirSync(root);
  });
  afterEach(() => sandbox.remove());

  const on = (platform: NodeJS.Platform) => installerParts(path.join(sandbox.dir, 'work'), { platform });
  const target = (of: string): InstallTarget => ({
    ...quiet,
    root: of,
    staging: '.stage',
    signal: new AbortController().signal,
  });

  async function prepared(file: string, of = edition('pkg'), platform: NodeJS.Platform = 'linux', at = root) {
    const handle = await open(file);
    try {
      return await drivers(on(platform))(of).prepare({ edition: of, path: file, handle }, target(at));
    } finally {
      await handle.close();
    }
  }

  it('depot3:K06 are chosen by format, never by a version; what this d3 has none for is refused (30)', async () => {
    for (const format of ['pkg', 'deb', 'dmg'] as const)
      expect(drivers(on('linux'))(edition(format)).format).to.equal(format);
    const unknown = edition('msi' as 'pkg');
    const { problems, exitCode } = await problemsOf(async () => drivers(on('linux'))(unknown));
    expect(exitCode).to.equal(30);
    expect(problems[0]).to.deep.include({ code: 'NO_DRIVER', target: 'tool-1-1' });
    expect(problems[0]?.message).to.include('.msi');
  });

  it('are for what a machine can install: a Mac opens disk images, who has dpkg installs .deb', () => {
    const { linux } = on('linux');
    const dpkg = { ...linux, dpkg: process.execPath };
    expect(formatsHere({ platform: 'darwin', linux: dpkg })).to.deep.equal(['pkg', 'dmg']);
    expect(formatsHere({ platform: 'linux', linux: dpkg })).to.deep.equal(['pkg', 'deb']);
    expect(formatsHere({ platform: 'linux', linux: { ...linux, dpkg: path.join(sandbox.dir, 'no') } })).to.deep.equal([
      'pkg',
    ]);
  });

  it('prepare without touching the target, tell what they will write, and then do it or not', async () => {
    const file = await sandbox.package('tool', { 'a/b': 'content', 'a/link': '-> b' }, { installLocation: '/opt' });
    const first = await prepared(file);
    const paths = first.paths.map(({ path: at, type, size, target }) => [at, type, size, target]);
    expect(paths).to.deep.include.members([
      ['/opt/a/b', 'file', 7, null],
      ['/opt/a/link', 'symlink', 1, 'b'],
    ]);
    expect(
      sandbox
        .machineAt(root)
        .tree()
        .filter((name) => name.startsWith('opt')),
    ).to.deep.equal([]);
    await first.rollback();
    expect(sandbox.machineAt(root).tree()).to.deep.equal([]);
    const second = await prepared(file);
    await second.commit();
    expect(sandbox.machineAt(root).tree()).to.include('opt/a/b content');
    const of = edition('pkg');
    expect(await drivers(on('linux'))(of).recover({ edition: of, root, staging: '.stage', begun: true })).to.equal(
      'none',
    );
  });

  it('install the very bytes that were opened, whatever comes into their place', async () => {
    const file = await sandbox.package('tool', { 'opt/run': 'right' });
    const other = await sandbox.package('other', { 'opt/run': 'wrong' }, { scripts: { preinstall: '#!/bin/sh\n' } });
    const handle = await open(file);
    rmSync(file);
    const of = edition('pkg');
    const swapped = await drivers(on('linux'))(of).prepare({ edition: of, path: other, handle }, target(root));
    await handle.close();
    await swapped.commit();
    expect(sandbox.machineAt(root).read('opt/run')).to.equal('right');
  });

  it('refuse scripts inside a package, unless the edition goes without them', async () => {
    const file = await sandbox.package('tool', { 'opt/run': 'x' }, { scripts: { preinstall: '#!/bin/sh\n' } });
    expect((await problemsOf(prepared(file))).problems[0]).to.deep.include({
      code: 'PACKAGE_HAS_SCRIPTS',
      exit: 'refused',
    });
    await (await prepared(file, edition('pkg', { packageScripts: 'ignore' }))).rollback();
  });

  it('say what a damaged package is to d3, with its part that is damaged', async () => {
    const file = path.join(sandbox.dir, 'bad.pkg');
    writeFileSync(file, 'xar! but not really');
    expect((await problemsOf(prepared(file))).exitCode).to.be.oneOf([30, 33]);
    const exits = { damaged: 33, refused: 30, unsupported: 30, usage: 2, io: 32 } as const;
    for (const [kind, exit] of Object.entries(exits)) {
      const failing = async () => {
        throw new FlatpkgError(kind as keyof typeof exits, 'CODE', 'it is so', 'a/member');
      };
      const { problems, exitCode } = await problemsOf(translated('tool-1-1', failing));
      expect(exitCode).to.equal(exit);
      expect(problems[0]).to.deep.include({ code: 'CODE', message: 'a/member: it is so', target: 'tool-1-1' });
    }
    const bug = new TypeError('no');
    expect(await translated('x', () => Promise.reject(bug)).catch((error) => error)).to.equal(bug);
  });

  it("recover says so in d3's words when the staging is not ours to clear up", async () => {
    mkdirSync(path.join(root, '.stage'), { mode: 0o777 });
    writeFileSync(path.join(root, '.stage', 'mine'), '');
    const of = edition('pkg');
    const error = await drivers(on('linux'))(of)
      .recover({ edition: of, root, staging: '.stage', begun: true })
      .catch((thrown) => thrown);
    expect(error).to.be.instanceOf(D3Error);
    expect(error.exit).to.equal('refused');
  });

  it('have tools for packages at hand', async () => {
    const source = sandbox.folder('source', { 'opt/run': 'x' });
    const output = path.join(sandbox.dir, 'built.pkg');
    const built = await buildPackage({ root: source, output, identifier: 'org.example.tool', version: '1' });
    expect(built.sha256).to.match(/^[0-9a-f]{64}$/);
    expect((await inspectPackage(output)).components[0]?.identifier).to.equal('org.example.tool');
    expect((await listPackage(output, {})).entries.map((entry) => entry.absolute)).to.include('/opt/run');
    const { signal } = new AbortController();
    expect((await extractPackage(output, path.join(sandbox.dir, 'out'), { signal })).entries).to.have.length(3);
    expect((await problemsOf(inspectPackage(source))).exitCode).to.equal(30);
  });
});
