import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { verify } from '@d3/flatpkg';
import { silentReporter } from '@d3/sdk';
import { expect } from 'chai';
import { addEdition } from '../../../src/admin/add.ts';
import type { BuildTools } from '../../../src/admin/build.ts';
import { deleteEdition } from '../../../src/admin/delete.ts';
import { importMunki, type MunkiImport } from '../../../src/admin/import/munki.ts';
import { unlive } from '../../../src/admin/live.ts';
import { type AdminSession, withDepot } from '../../../src/admin/session.ts';
import { noPlugins } from '../../../src/lifecycle/plugins.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { runProgram } from '../../../src/platform/program.ts';
import { attaching, imageFile } from '../../support/disk-image.ts';
import { MunkiRepository } from '../../support/munki.ts';
import { recorded } from '../../support/recorded.ts';
import { Sandbox } from '../../support/sandbox.ts';

type Said = Parameters<MunkiRepository['pkginfo']>[2];

describe('the import of a repository of Munki’s', function () {
  this.timeout(240_000);
  let sandbox: Sandbox;
  let repository: MunkiRepository;
  beforeEach(async () => {
    sandbox = await Sandbox.make();
    repository = new MunkiRepository(path.join(sandbox.dir, 'repo'));
  });
  afterEach(() => sandbox.remove());

  const packaged = (name: string, version: string) =>
    sandbox.package(`${name}-${version}`, { [`Applications/${name}.app/version`]: version }, { version });
  const item = async (name: string, version: string, more: Parameters<MunkiRepository['pkginfo']>[2] = {}) =>
    repository.item(name, version, await packaged(name, version), more);
  const asked = (more: Partial<MunkiImport> = {}): MunkiImport => ({
    dir: repository.dir,
    released: ['production'],
    dryRun: false,
    pilotsOnly: false,
    ...more,
  });
  const inSession = <Result>(depot: string, work: (session: AdminSession) => Promise<Result>) =>
    withDepot(
      {
        dir: depot,
        admin: 'sally',
        clock: systemClock,
        plugins: noPlugins,
        report: silentReporter,
        signal: new AbortController().signal,
      },
      work,
    );
  const imported = (more: Partial<MunkiImport> = {}, depot = sandbox.depot) =>
    inSession(depot, (session) => importMunki(asked(more), session));
  const fates = async (more: Partial<MunkiImport> = {}) => {
    const { result, errors } = await imported(more);
    return {
      items: Object.fromEntries(
        result.items.map(({ item: name, fate, status, why, differs }) => [
          name,
          [fate, status ?? why, ...differs].join(' '),
        ]),
      ),
      errors: errors.map(({ code, target }) => `${code} ${target}`).toSorted(),
    };
  };
  /** All that a depot says, but for when and under which numbers. */
  const said = (depot: string) =>
    inSession(depot, async ({ depot: opened }) => {
      const { store, blobs } = opened;
      const groups = await store.documents('group').list();
      const nameOf = (ref: number | 'standard') => groups.find(({ id }) => id === ref)?.name ?? ref;
      const editions = (await opened.editionsWithDerivedStatus()).map((edition) => {
        const { id: _id, addedAt: _at, releasedAt: _released, autoGroups, excludedGroups, ...own } = edition;
        const pins = ['preInstall', 'postInstall', 'preRemove', 'postRemove'] as const;
        for (const slot of pins) if (own[slot] !== null) own[slot] = { ...own[slot], id: 0 };
        return { ...own, autoGroups: autoGroups.map(nameOf), excludedGroups: excludedGroups.map(nameOf) };
      });
      expect((await store.publication.last())?.generation, 'machines see all of it').to.equal(
        await store.publication.generation(),
      );
      const scripts = (await store.documents('script').list()).map(({ name, body }) => `${name} ${body.sha256}`);
      return {
        editions: editions.toSorted((a, b) => (a.edition < b.edition ? -1 : 1)),
        groups: groups.map(({ name, body }) => [name, body]).toSorted(),
        categories: (await store.documents('category').list()).map(({ name }) => name),
        scripts: scripts.toSorted(),
        blobs: [...(await blobs.list())].toSorted(),
      };
    });

  const some = async () => {
    await item('Tool', '1.0', { category: 'Tools' });
    await item('Tool', '1.1', { category: 'Tools', preinstall_script: '#!/bin/sh\nexit 0\n' });
    await item('Other', '2', { catalogs: ['testing'], requires: ['Tool'] });
    repository.pkginfo('Settings', '1', { installer_type: 'nopkg', postinstall_script: '#!/bin/sh\nexit 0\n' });
    repository.manifest('site_default', { managed_installs: ['Tool', 'Settings'] });
    repository.manifest('mac-1', { included_manifests: ['site_default'], managed_installs: ['Other'] });
  };

  it('munki: brings in editions, scripts, categories and groups; the newest in production is live', async () => {
    await some();
    expect(await fates()).to.deep.equal({
      items: {
        'Other 2': 'imported pilot',
        'Settings 1': 'imported live',
        'Tool 1.0': 'imported skipped',
        'Tool 1.1': 'imported live',
      },
      errors: [],
    });
    const { editions, groups, categories, scripts } = await said(sandbox.depot);
    expect(editions.map(({ edition, status }) => `${edition} ${status}`)).to.deep.equal([
      'Other-2-1 pilot',
      'Settings-1-1 live',
      'Tool-1.0-1 skipped',
      'Tool-1.1-1 live',
    ]);
    expect(groups.map(([name]) => name)).to.deep.equal(['munki-mac-1']);
    expect([categories, scripts.length]).to.deep.equal([['Tools'], 2]);
    // A machine gets what the manifests said, those without a package too.
    const machine = sandbox.machine('mac-1', { os: { name: 'macOS', version: '14.5' } });
    const { outcomes } = await machine.sync();
    expect(outcomes.map(({ target, status }) => `${target} ${status}`)).to.deep.equal([
      'Settings blocked',
      'Tool blocked',
    ]);
    const outside = sandbox.machine('linux', { os: { name: 'debian', version: '13' } });
    expect((await outside.sync()).outcomes.filter(({ status }) => status === 'installed')).to.deep.equal([]);
  });

  it('munki: nothing is imported twice; what is otherwise now is told, and stays', async () => {
    await some();
    await imported();
    const before = await said(sandbox.depot);
    expect((await fates()).items).to.deep.equal({
      'Other 2': 'there pilot',
      'Settings 1': 'there live',
      'Tool 1.0': 'there skipped',
      'Tool 1.1': 'there live',
    });
    await item('Tool', '1.1', {
      category: 'Tools',
      minimum_os_version: '14.0',
      preinstall_script: '#!/bin/sh\nexit 1\n',
    });
    repository.write('pkgs/apps/Other-2.pkg', 'something else');
    repository.manifest('mac-1', {
      included_manifests: ['site_default'],
      conditional_items: [{ condition: 'arch == "arm64"', managed_installs: ['Other'] }],
    });
    const { items, errors } = await fates();
    expect([items['Tool 1.1'], items['Settings 1']]).to.deep.equal(['differs live oses preInstall', 'there live']);
    expect(errors).to.deep.equal([]);
    expect((await said(sandbox.depot)).editions).to.deep.equal(before.editions);
  });

  it('munki: a new version comes in and goes live; a promoted one goes live; nothing goes back', async () => {
    await item('Tool', '1');
    await item('Other', '1', { catalogs: ['testing'] });
    await item('Gone', '1');
    await imported();
    await inSession(sandbox.depot, async (session) => {
      const all = await session.depot.store.editions.list();
      const gone = all.find(({ basename }) => basename === 'Gone');
      if (gone !== undefined) await unlive(gone, session);
    });
    await item('Tool', '2');
    await item('Tool', '0.9');
    repository.pkginfo('Other', '1', { installer_item_location: 'apps/Other-1.pkg' });
    expect((await fates()).items).to.deep.equal({
      'Gone 1': 'there deprecated',
      'Other 1': 'there live',
      'Tool 0.9': 'left out the depot has Tool-1-1 already, which is newer',
      'Tool 1': 'there deprecated',
      'Tool 2': 'imported live',
    });
  });

  it('munki: what was deleted in the depot does not come back', async () => {
    await item('Tool', '1', { catalogs: ['testing'] });
    await imported();
    await inSession(sandbox.depot, async (session) => {
      const [edition] = await session.depot.store.editions.list();
      if (edition !== undefined) await deleteEdition(edition, {}, session);
    });
    expect((await fates()).items).to.deep.equal({
      'Tool 1': 'left out it was in the depot already, and was deleted there',
    });
  });

  it('munki: a dry run says the same and changes nothing', async () => {
    await some();
    repository.pkginfo('Lost', '1', { installer_item_location: 'lost.pkg' });
    const before = await said(sandbox.depot);
    const rehearsed = await fates({ dryRun: true });
    expect(await said(sandbox.depot)).to.deep.equal(before);
    const real = await fates();
    expect(rehearsed.errors).to.deep.equal(real.errors);
    for (const [name, fate] of Object.entries(real.items))
      expect(rehearsed.items[name]).to.equal(fate.replace('imported', 'would be imported'));
  });

  it('munki: --pilots-only makes nothing live', async () => {
    await some();
    expect(Object.values((await fates({ pilotsOnly: true })).items)).to.deep.equal(Array(4).fill('imported pilot'));
    // And the next time without it goes on.
    expect((await fates()).items['Tool 1.1']).to.equal('there live');
  });

  it('munki: names that are taken in the depot are an error of the item alone', async () => {
    await item('Tool', '1', { display_name: 'The Tool' });
    await item('Fine', '1');
    const source = await packaged('Mine', '1');
    await inSession(sandbox.depot, (session) =>
      addEdition(
        { basename: 'mine', typed: { version: '1', packageName: 'The Tool 1' }, source, inherit: false },
        session,
      ),
    );
    expect(await fates()).to.deep.equal({
      items: { 'Fine 1': 'imported live', 'Tool 1': 'failed -n/--package-name: mine-1-1 is called The Tool 1 already' },
      errors: ['PACKAGE_NAME_TAKEN Tool 1 (pkgsinfo/apps/Tool-1.plist)'],
    });
  });

  describe('hostile', () => {
    const hostile: [string, string, () => void | Promise<void>][] = [
      [
        'a way out of the repository',
        'MUNKI_OUTSIDE Bad 1',
        () => repository.pkginfo('Bad', '1', { installer_item_location: 'a/../../../secret.pkg' }),
      ],
      [
        'an absolute place',
        'MUNKI_FILE_ABSENT Bad 1',
        () => repository.pkginfo('Bad', '1', { installer_item_location: '/etc/passwd.pkg' }),
      ],
      [
        'a link out of the repository',
        'MUNKI_OUTSIDE Bad 1',
        () => {
          writeFileSync(path.join(sandbox.dir, 'secret.pkg'), 'secret');
          repository.link('pkgs/bad.pkg', path.join(sandbox.dir, 'secret.pkg'));
          repository.pkginfo('Bad', '1', { installer_item_location: 'bad.pkg' });
        },
      ],
      [
        'a folder that leads out',
        'MUNKI_OUTSIDE Bad 1',
        () => {
          mkdirSync(path.join(sandbox.dir, 'elsewhere'));
          writeFileSync(path.join(sandbox.dir, 'elsewhere', 'bad.pkg'), 'secret');
          repository.link('pkgs/away', path.join(sandbox.dir, 'elsewhere'));
          repository.pkginfo('Bad', '1', { installer_item_location: 'away/bad.pkg' });
        },
      ],
      [
        'a link that leads to itself',
        'MUNKI_FILE_ABSENT Bad 1',
        () => {
          repository.link('pkgs/bad.pkg', 'bad.pkg');
          repository.pkginfo('Bad', '1', { installer_item_location: 'bad.pkg' });
        },
      ],
      [
        'a device',
        'MUNKI_OUTSIDE Bad 1',
        () => {
          repository.link('pkgs/bad.pkg', '/dev/zero');
          repository.pkginfo('Bad', '1', { installer_item_location: 'bad.pkg' });
        },
      ],
      [
        'a folder for a package',
        'MUNKI_BUNDLE Bad 1',
        () => {
          repository.write('pkgs/bad.pkg/Contents/Info.plist', 'x');
          repository.pkginfo('Bad', '1', { installer_item_location: 'bad.pkg' });
        },
      ],
      ['another file', 'SOURCE_DIFFERS Bad 1', async () => item('Bad', '1', { installer_item_hash: 'b'.repeat(64) })],
      ['another size', 'MUNKI_SIZE Bad 1', async () => item('Bad', '1', { installer_item_size: 10_000 })],
      [
        'a huge file with a hole',
        'MUNKI_SIZE Bad 1',
        async () => {
          await item('Bad', '1');
          truncateSync(path.join(repository.dir, 'pkgs/apps/Bad-1.pkg'), 2 ** 40);
        },
      ],
      [
        'what is no package',
        'NOT_XAR Bad 1',
        () => {
          repository.write('pkgs/bad.pkg', 'no package at all');
          repository.pkginfo('Bad', '1', { installer_item_location: 'bad.pkg' });
        },
      ],
      [
        'a broken list',
        'MUNKI_FILE pkgsinfo/bad.plist',
        () => repository.write('pkgsinfo/bad.plist', '<plist><dict><key>name'),
      ],
      [
        'a binary list',
        'MUNKI_FILE pkgsinfo/bad.plist',
        () => repository.write('pkgsinfo/bad.plist', Buffer.from('bplist00\0\u0001')),
      ],
      ['entities that grow', 'MUNKI_FILE pkgsinfo/bad.plist', () => repository.write('pkgsinfo/bad.plist', laughs())],
      [
        'a list that is too deep',
        'MUNKI_FILE pkgsinfo/bad.plist',
        () =>
          repository.write(
            'pkgsinfo/bad.plist',
            `<plist>${'<array>'.repeat(10_000)}${'</array>'.repeat(10_000)}</plist>`,
          ),
      ],
      [
        'a list of something else',
        'MUNKI_ITEM pkgsinfo/bad.plist',
        () => repository.write('pkgsinfo/bad.plist', '<plist><array/></plist>'),
      ],
      [
        'a list that is too large',
        'MUNKI_FILE pkgsinfo/bad.plist',
        () => {
          repository.write('pkgsinfo/bad.plist', '');
          truncateSync(path.join(repository.dir, 'pkgsinfo/bad.plist'), 2 ** 34);
        },
      ],
      [
        'a list that is a link out',
        'MUNKI_OUTSIDE pkgsinfo/bad.plist',
        () => repository.link('pkgsinfo/bad.plist', '/etc/passwd'),
      ],
      [
        'one that says another name',
        'MUNKI_ITEM pkgsinfo/apps/evil.plist',
        () => repository.pkginfo('x\ny', '1', {}, 'evil.plist'),
      ],
      [
        'a manifest that is none',
        'MUNKI_MANIFEST manifests/bad',
        () => repository.write('manifests/bad', '<plist><string>x</string></plist>'),
      ],
      [
        'two of one name and version',
        'MUNKI_TWICE Twin 1',
        async () => {
          repository.pkginfo('Twin', '1');
          repository.pkginfo('Twin', '1.0', {}, 'again.plist');
        },
      ],
    ];
    for (const [what, wanted, make] of hostile)
      it(`munki: ${what} is an error that names the item, and the others go on`, async () => {
        await item('Fine', '1');
        await make();
        const { items, errors } = await fates();
        expect(items['Fine 1']).to.equal('imported live');
        expect(errors.length).to.be.greaterThan(0);
        const [code = '', ...target] = wanted.split(' ');
        for (const error of errors)
          expect(error.startsWith(code) && error.includes(target.join(' ')), error).to.equal(true);
        // Nothing of it is left in the depot.
        const { editions, blobs } = await said(sandbox.depot);
        expect([editions.map(({ edition }) => edition), blobs.length]).to.deep.equal([['Fine-1-1'], 2]);
      });

    it('munki: a name of __proto__ is a name', async () => {
      repository.write(
        'pkgsinfo/a.plist',
        '<plist><dict><key>__proto__</key><dict><key>name</key><string>x</string></dict></dict></plist>',
      );
      expect((await fates()).errors).to.deep.equal(['MUNKI_ITEM pkgsinfo/a.plist']);
    });

    it('munki: what is no repository is said so', async () => {
      rmSync(path.join(repository.dir, 'pkgsinfo'), { recursive: true });
      const ended = await imported().catch((error: { code: string }) => error.code);
      expect(ended).to.equal('NO_MUNKI_REPOSITORY');
      expect(
        await imported({ dir: path.join(sandbox.dir, 'nowhere') }).catch((error: { code: string }) => error.code),
      ).to.equal('NO_FOLDER');
    });

    it('munki: a repository that is itself behind a link is that repository', async () => {
      await item('Fine', '1');
      symlinkSync(repository.dir, path.join(sandbox.dir, 'link'));
      const { result } = await imported({ dir: path.join(sandbox.dir, 'link') });
      expect(result.items.map(({ fate }) => fate)).to.deep.equal(['imported']);
    });
  });

  it('munki: a cut anywhere leaves nothing half-made, and the next time goes on to the same end', async () => {
    await some();
    const copies = path.join(sandbox.dir, 'copies');
    const work = sandbox.copyDepot('work');
    mkdirSync(copies);
    let points = 0;
    const cut = () => {
      points += 1;
      // As a kill leaves it: everything is written from this thread, or synced before it is told.
      cpSync(work, path.join(copies, String(points).padStart(3, '0')), { recursive: true, preserveTimestamps: true });
    };
    await inSession(work, async (session) => {
      const { depot } = session;
      const documents: (kind: string) => object = depot.store.documents.bind(depot.store);
      Object.assign(depot.store, { documents: (kind: string) => cutting(documents(kind), ['create'], cut) });
      cutting(depot.blobs, ['put'], cut);
      cutting(depot, ['addEdition', 'publish'], cut);
      cutting(depot.store.editions, ['makeLive'], cut);
      await importMunki(asked(), session);
    });
    const whole = await said(work);
    expect(points).to.be.greaterThan(40);
    for (const name of readdirSync(copies).toSorted()) {
      const depot = path.join(copies, name);
      // Whoever opens it shows machines what is there, and what is there is whole.
      const left = await said(depot);
      for (const edition of left.editions) {
        expect(left.blobs, name).to.include(edition.file.sha256);
        expect(edition.status, name).to.not.equal('missing');
        const wanted = whole.editions.find((other) => other.edition === edition.edition);
        expect({ ...edition, status: '', releasedBy: '' }, name).to.deep.equal({
          ...wanted,
          status: '',
          releasedBy: '',
        });
      }
      const { errors } = await imported({}, depot);
      expect(errors, name).to.deep.equal([]);
      const { blobs, ...rest } = await said(depot);
      const { blobs: wantedBlobs, ...wanted } = whole;
      expect(rest, name).to.deep.equal(wanted);
      expect(blobs, name).to.include.members(wantedBlobs);
      rmSync(depot, { recursive: true });
    }
  });

  describe('with disk images, on a Mac', () => {
    const image = (name: string, version: string, files: Record<string, string>, more: Said = {}) => {
      const content = Buffer.concat([Buffer.from(`${name} ${version}`), imageFile()]);
      sandbox.folder(`volumes/${name}-${version}`, files);
      repository.write(`pkgs/apps/${name}-${version}.dmg`, content);
      repository.pkginfo(name, version, {
        installer_item_location: `apps/${name}-${version}.dmg`,
        installer_item_hash: createHash('sha256').update(content).digest('hex'),
        ...more,
      });
    };
    const copied = (...items: Record<string, string>[]) => ({ installer_type: 'copy_from_dmg', items_to_copy: items });
    const onMac = async (more: Partial<MunkiImport> = {}) => {
      const volume = `'${sandbox.dir}/volumes/'"$(basename "\${10}" .dmg)"`;
      const { programs, calls } = recorded(sandbox.folder('mac', {}), { hdiutil: attaching(sandbox.dir, volume) });
      const tools: BuildTools = { platform: 'darwin', run: runProgram, productsign: '/none', ...programs };
      const { result, errors } = await inSession(sandbox.depot, (session) => importMunki(asked(more), session, tools));
      expect(calls().filter((call) => call.includes(' attach ')).length, 'all are detached').to.equal(
        calls().filter((call) => call.includes(' detach ')).length,
      );
      for (const name of readdirSync(sandbox.dir).filter((each) => each.startsWith('attached-at-'))) {
        const folder = path.dirname(path.dirname(readFileSync(path.join(sandbox.dir, name), 'utf8')));
        expect(folder).to.match(/d3-import-\w+$/);
        expect(existsSync(folder), folder).to.equal(false);
      }
      return { fates: result.items.map(({ item: name, fate, status }) => `${name} ${fate} ${status}`), errors };
    };
    const packageOf = async (edition: string) => {
      const { editions } = await said(sandbox.depot);
      const file = editions.find((one) => one.edition === edition)?.file;
      const blob = path.join(sandbox.depot, 'blobs', String(file?.sha256).slice(0, 2), String(file?.sha256));
      return { format: file?.format, entries: (await verify(blob)).entries };
    };
    const filesOf = async (edition: string) => {
      const { format, entries } = await packageOf(edition);
      return [format, ...entries.filter(({ type }) => type !== 'dir').map(({ absolute }) => absolute)];
    };
    /** Those at the top, with their modes. */
    const foldersOf = async (edition: string) => {
      const { entries } = await packageOf(edition);
      return entries.flatMap(({ absolute, mode }) =>
        /^\/[^/]+$/.test(absolute) ? [`${absolute} ${(mode & 0o777).toString(8)}`] : [],
      );
    };

    it('munki: what is to be copied becomes a package, the package of an image stays what it is; again, nothing is to do', async () => {
      image(
        'App',
        '1',
        { 'App.app/Contents/x': 'x', 'App.app/now': '-> Contents/x', Applications: '-> /Applications', 'doc/a': 'a' },
        copied(
          { source_item: 'App.app', destination_path: '/Applications' },
          { source_item: 'doc', destination_path: '/opt', destination_item: 'docs' },
        ),
      );
      image('Tool', '2', {});
      cpSync(await packaged('Tool', '2'), path.join(sandbox.dir, 'volumes/Tool-2/Any.pkg'));
      expect(await onMac({ dryRun: true })).to.deep.equal({
        fates: ['App 1 would be imported live', 'Tool 2 would be imported live'],
        errors: [],
      });
      const umask = process.umask(0o077);
      const imports = await onMac().finally(() => process.umask(umask));
      expect(imports).to.deep.equal({ fates: ['App 1 imported live', 'Tool 2 imported live'], errors: [] });
      expect(await foldersOf('App-1-1'), 'whatever the umask').to.deep.equal(['/Applications 755', '/opt 755']);
      expect(await filesOf('App-1-1')).to.deep.equal([
        'pkg',
        '/Applications/App.app/Contents/x',
        '/Applications/App.app/now',
        '/opt/docs/a',
      ]);
      expect(await filesOf('Tool-2-1')).to.deep.equal(['pkg', '/Applications/Tool.app/version']);
      expect((await onMac()).fates).to.deep.equal(['App 1 there live', 'Tool 2 there live']);
    });

    it('munki: an image that is another file, or does not hold what it should, is an error of its item alone', async () => {
      const app = copied({ source_item: 'App.app', destination_path: '/Applications' });
      image('Good', '1', { 'App.app/x': 'x' }, app);
      image('Hash', '1', { 'App.app/x': 'x' }, { ...app, installer_item_hash: 'a'.repeat(64) });
      image('Absent', '1', { 'Other.app/x': 'x' }, app);
      image('Link', '1', { 'App.app': `-> ${sandbox.dir}` }, app);
      image('Way', '1', { a: `-> ${sandbox.dir}` }, copied({ source_item: 'a/depot', destination_path: '/opt' }));
      image('None', '1', { x: 'x' });
      image('Two', '1', { 'a.pkg': 'x', 'b.pkg': 'x' });
      image('Bad', '1', { 'a.pkg': 'no package' });
      repository.write('pkgs/apps/Bad-1.dmg', 'no image');
      const { fates: became, errors } = await onMac();
      expect(became.filter((one) => !one.includes('failed'))).to.deep.equal(['Good 1 imported live']);
      expect(errors.map(({ code, target }) => `${target?.split(' ')[0]} ${code}`).toSorted()).to.deep.equal([
        'Absent MUNKI_IMAGE',
        'Bad DMG_DAMAGED',
        'Hash SOURCE_DIFFERS',
        'Link MUNKI_IMAGE',
        'None MUNKI_IMAGE',
        'Two MUNKI_IMAGE',
        'Way MUNKI_IMAGE',
      ]);
    });
  });

  it('munki: who stops it keeps what came in, and machines see it', async () => {
    await some();
    const abort = new AbortController();
    const ended = await withDepot(
      {
        dir: sandbox.depot,
        admin: 'sally',
        clock: systemClock,
        plugins: noPlugins,
        report: silentReporter,
        signal: abort.signal,
      },
      (session) => {
        const add = session.depot.addEdition.bind(session.depot);
        session.depot.addEdition = async (...given) => {
          const added = await add(...given);
          abort.abort(new Error('stopped'));
          return added;
        };
        return importMunki(asked(), session);
      },
    ).catch((error: Error) => error.message);
    expect(ended).to.equal('stopped');
    expect((await said(sandbox.depot)).editions.length).to.be.greaterThan(0);
    expect((await fates()).items['Tool 1.1']).to.match(/^(?:imported|there) live$/);
  });
});

/** Calls of an object with a point before and one after each. */
function cutting<Target extends object>(target: Target, names: string[], cut: () => void): Target {
  const calls = target as Record<string, (...given: unknown[]) => Promise<unknown>>;
  for (const name of names) {
    const call = calls[name]?.bind(target) as (...given: unknown[]) => Promise<unknown>;
    calls[name] = async (...given) => {
      cut();
      const result = await call(...given);
      cut();
      return result;
    };
  }
  return target;
}

function laughs(): string {
  const entities = Array.from({ length: 20 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('');
  return `<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY l0 "ha">${entities}]><plist><dict><key>name</key><string>&l20;</string></dict></plist>`;
}
