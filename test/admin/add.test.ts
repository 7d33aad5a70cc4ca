import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { type AddRequest, addEdition } from '../../src/admin/add.ts';
import { deleteEdition } from '../../src/admin/delete.ts';
import { addGroup } from '../../src/admin/groups.ts';
import { addScript } from '../../src/admin/scripts.ts';
import { problemsOf } from '../support/errors.ts';
import { Sandbox } from '../support/sandbox.ts';

describe('d3admin add', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
  });
  afterEach(() => sandbox.remove());

  const request = (changes: Partial<AddRequest> = {}): AddRequest => ({
    basename: 'transmogrifier',
    typed: {},
    inherit: true,
    ...changes,
  });
  const add = (changes: Partial<AddRequest>, admin?: string) =>
    sandbox.admin((session) => addEdition(request(changes), session), admin);
  const blobs = () => globSync('blobs/*/*', { cwd: sandbox.depot }).toSorted();
  const stored = () => sandbox.admin((session) => session.depot.store.editions.list());

  it('adds a package as a pilot, checked, stored by its hash and published', async () => {
    const source = await sandbox.package('t', { 'opt/t': 'one' }, { version: '2.1.2' });
    const { edition } = await add({ source, typed: { version: '2.1.2', revision: '1', autoGroups: 'standard' } });
    expect(edition).to.include({ edition: 'transmogrifier-2.1.2-1', status: 'pilot', addedBy: 'sally' });
    expect(edition.autoGroups).to.deep.equal(['standard']);
    expect(edition.file).to.deep.include({ name: 'transmogrifier-2.1.2-1.pkg', format: 'pkg' });
    expect(edition.applePackages[0]).to.deep.include({ id: 'org.example.t', version: '2.1.2' });
    const digest = execFileSync('sha256sum', [source], { encoding: 'utf8' }).slice(0, 64);
    expect(edition.file.sha256).to.equal(digest);
    expect(blobs()).to.include(`blobs/${digest.slice(0, 2)}/${digest}`);
    const catalogs = globSync('public/targets/*.catalog.json', { cwd: sandbox.depot });
    expect(
      catalogs.some((name) => readFileSync(path.join(sandbox.depot, name), 'utf8').includes('transmogrifier-2.1.2-1')),
    ).to.equal(true);
  });

  it('builds a package from a root folder', async () => {
    const source = sandbox.folder('root', { 'opt/t/bin/t': '#!/bin/sh\n' });
    const { edition } = await add({ source, typed: { version: '1' }, build: { packageId: 'org.example.built' } });
    expect(edition.applePackages[0]).to.deep.include({ id: 'org.example.built', version: '1' });
    const machine = sandbox.machine('a');
    await machine.install([edition.edition]);
    expect(machine.read('opt/t/bin/t')).to.equal('#!/bin/sh\n');
  });

  it('depot3:BUG-32 records the admin who was named', async () => {
    const source = await sandbox.package('t', { 'opt/t': 'one' });
    const { edition } = await add({ source, typed: { version: '1' } }, 'calvin');
    expect(edition.addedBy).to.equal('calvin');
  });

  it('asks for version and source of a new basename in one message', async () => {
    const { problems, exitCode } = await problemsOf(add({ typed: {} }));
    expect(exitCode).to.equal(2);
    expect(problems).to.have.length(1);
    expect(problems[0]?.message).to.include('-v VERSION').and.include('-s SOURCE');
  });

  it('takes the file of the edition before, one revision higher, and says so', async () => {
    const first = await sandbox.add('transmogrifier', '2.1.2', { live: true });
    await sandbox.admin((session) => addGroup('test-macs', '', [], session));
    const script = path.join(sandbox.dir, 'test-preinstall');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    const added = await add({ typed: { autoGroups: 'test-macs', preInstall: script } });
    expect(added.edition.edition).to.equal('transmogrifier-2.1.2-2');
    expect(added.fileFrom).to.equal('transmogrifier-2.1.2-1');
    expect(added.edition.file.sha256).to.equal(first.edition.file.sha256);
    expect(added.edition.contents).to.equal(first.edition.contents);
    expect(added.edition.preInstall).to.include({ size: 17 });
    expect(added.edition.file.name).to.equal('transmogrifier-2.1.2-2.pkg');
  });

  it('patchoo:D-22 patchoo:UP-03 inherits everything but names, with scripts as they are now', async () => {
    await sandbox.admin((session) => addGroup('macs', '', [], session));
    const script = path.join(sandbox.dir, 'check');
    writeFileSync(script, '#!/bin/sh\nexit 0\n');
    const typed = {
      autoGroups: 'macs',
      oses: '>=13',
      expiration: '30',
      expirationPaths: '/opt/t',
      removeFirst: 'y',
      description: 'it',
      postInstall: script,
    };
    await sandbox.add('transmogrifier', '1', { ...typed, inherit: true });
    const { edition, inheritedFrom } = await add({
      source: await sandbox.package('u', { 'opt/t': '2' }),
      typed: { version: '2' },
    });
    expect(inheritedFrom).to.equal('transmogrifier-1-1');
    expect(edition).to.deep.include({
      oses: ['>=13'],
      expiration: 30,
      expirationPaths: ['/opt/t'],
      removeFirst: true,
      description: 'it',
    });
    expect(edition.packageName).to.equal('transmogrifier-2-1');
    expect(edition.postInstall?.size).to.equal(17);
    const bare = await add({
      source: await sandbox.package('w', { 'opt/t': '3' }),
      typed: { version: '3' },
      inherit: false,
    });
    expect(bare.edition).to.deep.include({ oses: [], expiration: 0, removeFirst: false, postInstall: null });
  });

  it('never gives a revision twice, not even a deleted one', async () => {
    await sandbox.add('transmogrifier', '1');
    const second = await add({ typed: {} });
    expect(second.edition.revision).to.equal(2);
    await sandbox.admin((session) => deleteEdition(second.edition, {}, session));
    expect((await add({ typed: {} })).edition.revision).to.equal(3);
    expect((await add({ typed: { version: '2' } })).edition.edition).to.equal('transmogrifier-2-1');
  });

  it('takes no script under a number, which stands for an id', async () => {
    const file = path.join(sandbox.dir, '99');
    writeFileSync(file, '#!/bin/sh\n');
    const before = blobs();
    const { problems } = await problemsOf(sandbox.admin((session) => addScript('99', file, '', session)));
    expect(problems.map(({ code, exit }) => [code, exit])).to.deep.equal([['SCRIPT_NAME', 'usage']]);
    expect(blobs()).to.deep.equal(before);
  });

  it('pins scripts by content: a script changed later changes no edition', async () => {
    const file = path.join(sandbox.dir, 'gate');
    writeFileSync(file, '#!/bin/sh\nexit 0\n');
    const script = await sandbox.admin((session) => addScript('gate', file, '', session));
    const { edition } = await sandbox.add('transmogrifier', '1', { preInstall: String(script.id) });
    expect(edition.preInstall).to.deep.equal({ id: script.id, name: 'gate', sha256: script.body.sha256, size: 17 });
    await sandbox.admin(async (session) => {
      const { sha256, size } = await session.depot.blobs.put(Buffer.from('#!/bin/sh\nexit 1\n'));
      const body = { ...script.body, sha256, size };
      await session.depot.store.documents('script').update(script.id, script.generation, { body }, 'sally');
    });
    expect((await stored())[0]?.preInstall?.sha256).to.equal(script.body.sha256);
  });

  it('lists every problem at once', async () => {
    await sandbox.add('transmogrifier', '1');
    const typed = {
      version: '1',
      revision: '1',
      expiration: 'soon',
      expirationPaths: 'relative',
      reboot: 'maybe',
      cpu: 'ppc',
      oses: '>=10.x',
      autoGroups: 'nobody',
      preInstall: '324',
    };
    const { problems, exitCode } = await problemsOf(add({ typed, source: '/nowhere.pkg' }));
    expect(exitCode).to.equal(2);
    const text = problems.map((problem) => problem.message).join('\n');
    for (const part of [
      'soon',
      'relative',
      'maybe',
      'ppc',
      '>=10.x',
      'nobody',
      '324',
      '/nowhere.pkg',
      'transmogrifier-1-1',
    ]) {
      expect(text).to.include(part);
    }
  });

  it('depot3:BUG-34 refuses an expiration without a path to watch', async () => {
    const source = await sandbox.package('t', { 'opt/t': 'one' });
    const { problems } = await problemsOf(add({ source, typed: { version: '1', expiration: '30' } }));
    expect(problems.map((problem) => problem.code)).to.deep.equal(['EXPIRATION_WITHOUT_PATH']);
  });

  it('refuses editions that read alike, in any case, and names the rule', async () => {
    await sandbox.add('a-1', '2', { revision: '3' });
    const source = await sandbox.package('t', { 'opt/t': 'one' });
    const alike = await problemsOf(add({ basename: 'a', source, typed: { version: '1-2', revision: '3' } }));
    expect(alike.problems[0]?.code).to.equal('EDITION_EXISTS');
    const cased = await problemsOf(add({ basename: 'A-1', source, typed: { version: '9' } }));
    expect(cased.exitCode).to.equal(30);
  });

  describe('depot3:BUG-50 a failed add leaves nothing', () => {
    const failures: Record<string, () => Promise<Partial<AddRequest>>> = {
      'a damaged package': async () => {
        const source = await sandbox.package('t', { 'opt/t': 'x'.repeat(5000) });
        const bytes = readFileSync(source);
        bytes[bytes.length - 20] = (bytes.at(-20) as number) ^ 1;
        writeFileSync(source, bytes);
        return { source, typed: { version: '1' } };
      },
      'something that is no package': async () => {
        const source = path.join(sandbox.dir, 'x.pkg');
        writeFileSync(source, 'not a package');
        return { source, typed: { version: '1' } };
      },
      'a script without an interpreter': async () => {
        const script = path.join(sandbox.dir, 'script');
        writeFileSync(script, 'exit 0\n');
        return { source: await sandbox.package('t', { 'opt/t': '1' }), typed: { version: '1', preInstall: script } };
      },
      'a second script that cannot be stored': async () => {
        const [good, bad] = ['good', 'bad'].map((name) => path.join(sandbox.dir, name)) as [string, string];
        writeFileSync(good, '#!/bin/sh\n');
        writeFileSync(bad, 'no');
        return {
          source: await sandbox.package('t', { 'opt/t': '1' }),
          typed: { version: '1', preInstall: good, postInstall: bad },
        };
      },
    };
    for (const [what, make] of Object.entries(failures)) {
      it(`with ${what}`, async () => {
        const before = blobs();
        const changes = await make();
        await problemsOf(add(changes));
        expect(await stored()).to.deep.equal([]);
        expect(await sandbox.admin((session) => session.depot.store.documents('script').list())).to.deep.equal([]);
        expect(blobs()).to.deep.equal(before);
      });
    }

    it('with an edition somebody else adds at the same time', async () => {
      const typed = { version: '1', revision: '1' };
      const sources = await Promise.all(['t', 'u'].map((name) => sandbox.package(name, { 'opt/t': name })));
      const ends = await Promise.allSettled(sources.map((source) => add({ source, typed })));
      expect(ends.map((end) => end.status).toSorted()).to.deep.equal(['fulfilled', 'rejected']);
      const [edition] = await stored();
      const named = [edition?.file.sha256, edition?.contents].map((hash) => `blobs/${hash?.slice(0, 2)}/${hash}`);
      expect(blobs()).to.deep.equal(named.toSorted());
    });
  });

  it('refuses sources machines cannot use, each with its reason', async () => {
    const bundle = sandbox.folder('Old.pkg', { 'Contents/Info.plist': '' });
    const image = path.join(sandbox.dir, 'x.dmg');
    writeFileSync(image, 'koly'.padEnd(512));
    const text = path.join(sandbox.dir, 'x.txt');
    writeFileSync(text, '');
    for (const [source, code] of [
      [bundle, 'SOURCE_IS_BUNDLE'],
      [image, 'DMG_DAMAGED'],
      [text, 'SOURCE_UNUSABLE'],
      ['/nowhere', 'SOURCE_ABSENT'],
    ] as const) {
      const { problems } = await problemsOf(add({ source, typed: { version: '1' } }));
      expect(problems.map((problem) => problem.code)).to.deep.equal([code]);
      if (source === bundle)
        expect(problems[0]?.actions[0]).to.match(/^zip it, .*pkg extract FILE\.zip --to DIR, .*pkg build DIR /);
    }
  });

  it('leaves nothing in the temporary folder', async () => {
    const before = globSync('/tmp/d3-build-*');
    await add({ source: sandbox.folder('root', { 'opt/t': '1' }), typed: { version: '1' } });
    expect(globSync('/tmp/d3-build-*').filter((name) => !before.includes(name))).to.deep.equal([]);
  });

  it('cannot take over a file that is gone', async () => {
    const { edition } = await sandbox.add('transmogrifier', '1');
    const blob = path.join(sandbox.depot, 'blobs', edition.file.sha256.slice(0, 2), edition.file.sha256);
    chmodSync(path.dirname(blob), 0o755);
    rmSync(blob);
    expect(existsSync(blob)).to.equal(false);
    const { problems } = await problemsOf(add({ typed: {} }));
    expect(problems.map((problem) => problem.code)).to.deep.equal(['SOURCE_REQUIRED']);
  });
});
